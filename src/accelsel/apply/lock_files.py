"""Packages of a uv.lock that have no file for the machine that they would be installed on."""

import re
from collections.abc import Mapping
from typing import Any

from accelsel.apply.lock import installed
from accelsel.model.value import dataclass

_MACHINES = {
    "linux-x86_64": re.compile(r"(?:many|musl)?linux.*_x86_64"),
    "linux-aarch64": re.compile(r"(?:many|musl)?linux.*_aarch64"),
    "linux-s390x": re.compile(r"(?:many|musl)?linux.*_s390x"),
    "windows-amd64": re.compile(r"win_amd64"),
    "windows-arm64": re.compile(r"win_arm64"),
    "macos-arm64": re.compile(r"macosx_.*_(?:arm64|universal2)"),
    "macos-x86_64": re.compile(r"macosx_.*_(?:x86_64|universal2|intel)"),
}


@dataclass(frozen=True, kw_only=True)
class Scarce:
    """A locked package with no file for a machine. `chain` are the names from the project to it;
    `places` are the platforms that it has wheels for, and `below` the first Python (`3.13`) that
    they are not for, None where that is open."""

    name: str
    version: str
    chain: tuple[str, ...]
    places: tuple[str, ...]
    below: str | None


def scarce(
    lock: Mapping[str, Any], platform: str, python: str, branch: str | None = None
) -> tuple[Scarce, ...]:
    """What the lock installs on a platform for a Python (`3.13`, `3.14t`) without having a wheel
    for it or a source distribution."""
    if platform not in _MACHINES:
        return ()
    rows = {(row["name"], row.get("version", "")): row for row in lock.get("package", ())}
    return tuple(
        _scarce(row, one.chain)
        for one in installed(lock, platform, python, branch)
        if one.registry is not None
        and (row := rows[one.name, one.version])
        and "sdist" not in row
        and row.get("wheels")
        and not any(_fits(name, platform, python) for name in _names(row))
    )


def lacking(
    lock: Mapping[str, Any], platform: str, python: str | None, newest: str
) -> tuple[Scarce, ...]:
    """As `scarce`; where the Python is not known, what has no file for the oldest Python of the
    project and none for `newest` either."""
    found = scarce(lock, platform, python or newest)
    oldest = re.search(r">=\s*(3\.\d+)", str(lock.get("requires-python", "")))
    if python is not None or not found or oldest is None:
        return found
    too = {(one.name, one.version) for one in scarce(lock, platform, oldest[1])}
    return tuple(one for one in found if (one.name, one.version) in too)


def may_be_requested(lock: bytes, name: str) -> bool:
    """Whether the bytes of a lock have a package beside torch that may ask for `name`; without
    parsing it, which takes longer than all else that a pin does."""
    asks = f'{{ name = "{name}"'.encode()
    at = lock.find(asks)
    while at >= 0:
        table = lock.rfind(b"[[package]]\n", 0, at)
        if table >= 0 and not lock.startswith(b'[[package]]\nname = "torch"\n', table):
            return True
        at = lock.find(asks, at + len(asks))
    return False


def requested(lock: Mapping[str, Any], name: str) -> Scarce | None:
    """Where the files of a package are that something beside torch asks for; None where nothing
    does, or the lock has it more than once."""
    rows = [row for row in lock.get("package", ()) if row["name"] == name]
    askers = [row["name"] for row in lock.get("package", ()) if _asks(row, name)]
    others = [asker for asker in askers if asker != "torch"]
    if len(rows) != 1 or not others or not rows[0].get("wheels"):
        return None
    return _scarce(rows[0], (others[0], name))


def _asks(row: Mapping[str, Any], name: str) -> bool:
    groups = (*row.get("optional-dependencies", {}).values(), row.get("dependencies", ()))
    own = row.get("dev-dependencies", {}).values()
    return any(need["name"] == name for needs in (*groups, *own) for need in needs)


def _scarce(row: Mapping[str, Any], chain: tuple[str, ...]) -> Scarce:
    names = _names(row)
    places = tuple(place for place in _MACHINES if any(_on(name, place) for name in names))
    ends = [_end(name) for name in names]
    below = None if None in ends or not ends else max(filter(None, ends))
    return Scarce(
        name=row["name"],
        version=row.get("version", ""),
        chain=chain,
        places=places,
        below=f"3.{below}" if below else None,
    )


def _names(row: Mapping[str, Any]) -> list[str]:
    """The file names of a row's wheels."""
    return [
        str(wheel.get("filename") or wheel.get("url") or wheel.get("path")).rpartition("/")[2]
        for wheel in row.get("wheels", ())
    ]


def _tags(name: str) -> tuple[str, str, str]:
    parts = name.removesuffix(".whl").split("-")
    return (parts[-3], parts[-2], parts[-1]) if len(parts) >= 5 else ("py3", "none", "any")


def _on(name: str, platform: str) -> bool:
    tag = _tags(name)[2]
    return tag == "any" or any(_MACHINES[platform].fullmatch(one) for one in tag.split("."))


def _end(name: str) -> int | None:
    """The first minor of Python 3 that a wheel is not for; None where that is open."""
    interpreters, abi, _ = _tags(name)
    if abi != "abi3" and (minors := _minors(interpreters)):
        return max(minors) + 1
    return None


def _minors(interpreters: str) -> list[int]:
    return [int(found[1]) for found in re.finditer(r"cp3(\d+)", interpreters)]


def _fits(name: str, platform: str, python: str) -> bool:
    """Whether a wheel can be installed there."""
    if not _on(name, platform):
        return False
    interpreters, abi, _ = _tags(name)
    minor, free = int(re.split(r"\D", python)[1]), python.endswith("t")
    minors = _minors(interpreters)
    if not minors:
        return any(_pure(one, minor) for one in interpreters.split("."))
    if abi == "abi3":
        return not free and min(minors) <= minor
    return minor in minors and (abi == "none" or abi.endswith("t") == free)


def _pure(interpreter: str, minor: int) -> bool:
    found = re.fullmatch(r"py3(\d*)", interpreter)
    return found is not None and int(found[1] or 0) <= minor


def told(one: Scarce, platform: str, python: str) -> tuple[str, str]:
    """A sentence, and the way out."""
    what = f"{one.name} {one.version} has no file for Python {python} on {platform}"
    where = f"on {', '.join(one.places) or 'no platform'}"
    if one.below is not None:
        where += f" before Python {one.below}"
    ways = f"require {one.chain[1]} {where} alone, where {one.name} has files, or another release"
    if len(one.chain) < 3:
        return f"{what}: uv cannot install it there", ways
    chain = " -> ".join(one.chain)
    return f"{what}, and it comes through {chain}: uv cannot install it there", ways
