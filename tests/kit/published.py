"""What is published around torch, from `fixtures/index/published.json`: facts to hold the rules to.

The file knows nothing of the rules table. A pair of a package and a build of torch counts as
published where a release is there for that torch, kind of backend and CUDA major, on Linux x86-64.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from tests.kit.replay_fixtures import ROWS

PLATFORM = "linux-x86_64"


@dataclass(frozen=True, kw_only=True)
class Sighting:
    """A release of a package for the torch releases of a specifier set, and where it is."""

    name: str
    version: str
    torch: str
    where: str


@cache
def rows() -> Mapping[str, Any]:
    found: Mapping[str, Any] = json.loads((ROWS / "published.json").read_text(encoding="utf-8"))
    return found


def published(name: str, torch: str, backend: str) -> tuple[Sighting, ...]:
    """Where a package is published for one build of torch; () where nothing shows it."""
    return tuple(one for one in _around(name, backend) if _contains(one.torch, torch))


@cache
def _around(name: str, backend: str) -> tuple[Sighting, ...]:
    pypi = (one for one in _on_pypi(name, _labels(backend)) if not _apart(one, backend))
    return (*pypi, *_seen(name, backend), *_documented(name, backend))


def _on_pypi(name: str, labels: frozenset[str]) -> Iterator[Sighting]:
    for row in rows()["pypi"]:
        if row["name"] != name:
            continue
        wheels, cuda = {*row.get("wheels", ())}, row.get("cuda")
        pure = "any" in wheels and len(wheels) > 1  # beside the wheel of one CUDA major
        fits = f"cuda{cuda}" in labels if cuda else bool(labels & _serves(name))
        if (
            (fits and {"any", PLATFORM} & wheels)
            or (pure and labels & _serves(name))
            or (fits and row.get("source"))
        ):
            for version in row["versions"].split():
                yield Sighting(
                    name=name, version=version, torch=_torch(name, version, row), where="PyPI"
                )


def _seen(name: str, backend: str) -> Iterator[Sighting]:
    for row in rows()["seen"]:
        index, wheels = row["index"], row.get("wheels", [PLATFORM])
        place = index.removesuffix(".html").replace("+", "/").split("/")
        if row["name"] == name and backend in place and {PLATFORM, "any"} & {*wheels}:
            torch = _torch(name, row["version"], row)
            yield Sighting(name=name, version=row["version"], torch=torch, where=index)


def _documented(name: str, backend: str) -> Iterator[Sighting]:
    for row in rows()["documented"]:
        if name in row["names"] and backend in row["backends"]:
            yield Sighting(name=name, version="", torch=row["torch"], where=row["source"])


def _torch(name: str, version: str, row: Mapping[str, Any]) -> str:
    """The torch that a release works with: as its project says, else as its metadata asks."""
    public = Version(version).public
    for one in rows()["works"]:
        if one["name"] == name and _contains(one["versions"], public):
            return str(one["torch"])
    return row.get("torch") or ""


def _apart(sighting: Sighting, backend: str) -> bool:
    """Whether a release refuses to run beside a backend, whatever its wheel is built for."""
    return any(
        row["name"] == sighting.name
        and backend in row["backends"]
        and _contains(row["versions"], sighting.version)
        for row in rows()["apart"]
    )


def _serves(name: str) -> frozenset[str]:
    return frozenset(rows()["serves"].get(name, ()))


def _labels(backend: str) -> frozenset[str]:
    """What a backend is called where releases name no backend: its kind, its CUDA major."""
    if backend.startswith("cu"):
        return frozenset({"cuda", f"cuda{backend[2:4]}"})
    return frozenset({"rocm" if backend.startswith("rocm") else backend})


def _contains(specifier: str, version: str) -> bool:
    return SpecifierSet(specifier).contains(version, prereleases=True)
