"""From table documents to typed rows."""

from collections.abc import Iterable, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsel.knowledge import documents
from accelsel.knowledge.devices import from_rows
from accelsel.knowledge.documents import Row
from accelsel.knowledge.tables import Tables
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.table import (
    ArchException,
    ArchOverride,
    Backend,
    Build,
    Companion,
    DriverBranch,
    DriverFloor,
    Index,
    Release,
    Triton,
    Unestablished,
)

if TYPE_CHECKING:
    from accelsel.model.companion import CompanionTable

_FAMILY = frozenset({"cpu", "cuda", "rocm", "xpu"})


@cache
def shipped() -> Tables:
    """The table of the package."""
    return tables(())


def tables(extra: tuple[Path, ...]) -> Tables:
    """The table with what the files and folders `extra` add, read anew."""
    paths = tuple(documents.files(extra))
    base = [documents.shipped(name) for name in documents.SELECTION_FILES]
    rows = documents.merged([*base, *(documents.added(path) for path in paths)])
    archsets = {row["name"]: tuple(row["archs"]) for row in rows["archsets"].values()}
    backends = {row["name"]: _backend(row) for row in rows["backends"].values()}
    releases = {row["torch"]: row for row in rows["releases"].values()}
    builds = []
    for row in rows["builds"].values():
        try:
            builds.append(_build(row, backends[row["backend"]], releases, archsets))
        except KeyError as error:
            message = f"the build of torch {row['torch']} names {error}, which no row has"
            where = ", ".join(str(path) for path in paths) or None
            raise AccelselError(USAGE, "bad-rules", message, where=where) from error
    return Tables(
        version=_version(rows["table"], paths),
        checked=max(
            row["checked"] for table in rows.values() for row in table.values() if "checked" in row
        ),
        indexes={row["name"]: Index(**row) for row in rows["indexes"].values()},
        backends=backends,
        builds=tuple(builds),
        floors=tuple(DriverFloor(**row) for row in rows["floors"].values()),
        branches=tuple(DriverBranch(**row) for row in rows["branches"].values()),
        exceptions=tuple(_exception(row) for row in rows["exceptions"].values()),
        overrides=tuple(ArchOverride(**row) for row in rows["overrides"].values()),
        unestablished=tuple(_unestablished(row) for row in rows["unestablished"].values()),
        releases={torch: _release(row) for torch, row in releases.items()},
        intel=from_rows("intel", rows["intel_devices"].values()),
        sources={row["id"]: row["text"] for row in rows["sources"].values()},
        companions=_companions,
    )


def _companions() -> "CompanionTable":
    from accelsel.knowledge import companions

    return companions.load()


def _version(rows: Mapping[Any, Row], paths: Iterable[Path]) -> str:
    """The version of the shipped table, and a digest of what was added to it."""
    version: str = next(iter(rows.values()))["version"]
    added = b"".join(path.read_bytes() for path in paths)
    if not added:
        return version
    from hashlib import sha256

    return f"{version}+{sha256(added).hexdigest()[:8]}"


def _backend(row: Row) -> Backend:
    return Backend(
        name=row["name"],
        kind=row["kind"],
        toolkit=tuple(row["toolkit"]),
        indexes=row["indexes"],
        uv=row["uv"],
        source=row["source"],
        checked=row["checked"],
        confidence=row["confidence"],
        absent=row.get("absent", {}),
    )


def _build(
    row: Row,
    backend: Backend,
    releases: Mapping[str, Row],
    archsets: Mapping[str, tuple[str, ...]],
) -> Build:
    """A build; what its row leaves out is that of the release, for a backend of PyTorch's own."""
    torch, platform = row["torch"], row["platform"]
    own = backend.kind in _FAMILY or backend.kind == "default"
    # A release candidate carries the number of the release to come; a nightly has no release.
    release = releases[torch] if own and row.get("channel") != "nightly" else {}
    archs = row["archs"]
    codes = archsets[archs] if isinstance(archs, str) else archs if archs is None else tuple(archs)
    ptx, extra = row["ptx"], row.get("extras")
    local = f"+{backend.name}" if backend.kind in _FAMILY else ""
    pythons = row.get("pythons")
    return Build(
        torch=torch,
        backend=backend.name,
        platform=platform,
        channel=row.get("channel", "stable"),
        version=row.get("version", torch + local),
        published=row["published"],
        pythons=tuple(release["pythons"][platform] if pythons is None else pythons),
        archs=codes,
        ptx=None if ptx is None else tuple(ptx),
        broken=tuple(row.get("broken", ())),
        glibc=row["glibc"] if "glibc" in row else release.get("glibc", {}).get(platform),
        gpu_macos=row.get("gpu_macos"),
        macos=row["macos"] if "macos" in row else release.get("macos", {}).get(platform),
        triton=_triton(row.get("triton", False), backend, release),
        companions=tuple(
            _companion(one)
            for one in row.get("companions", release.get("companions", ()))
            if one["name"] not in backend.absent
        ),
        extras={code: extra.format(arch=code) for code in codes or ()} if extra else {},
        on_pypi=row.get("on_pypi", False),
        note=row.get("note"),
        source=row["source"],
        checked=row["checked"],
        confidence=row["confidence"],
        arch_confidence=row["arch_confidence"],
    )


def _triton(stated: bool | Row, backend: Backend, release: Row) -> Triton | None:
    """`stated` True is the release's triton for this kind of backend."""
    if not stated:
        return None
    of_kind = {row["kind"]: row for row in release.get("triton", ())}
    row = of_kind[backend.kind] if stated is True else stated
    return Triton(name=row["name"], specifier=row["specifier"], marker=row["marker"])


def _companion(row: Row) -> Companion:
    return Companion(
        name=row["name"],
        specifier=row["specifier"],
        declared=row["declared"],
        pythons=tuple(row.get("pythons", ())),
        newest=row.get("newest"),
    )


def _exception(row: Row) -> ArchException:
    until = row["until_cuda"]
    return ArchException(**{**row, "until_cuda": None if until is None else tuple(until)})


def _unestablished(row: Row) -> Unestablished:
    return Unestablished(**{**row, "archs": tuple(row["archs"])})


def _release(row: Row) -> Release:
    return Release(
        torch=row["torch"],
        date=row["date"],
        requires_python=row["requires_python"],
        note=row.get("note"),
        source=row["source"],
        checked=row["checked"],
        confidence=row["confidence"],
    )
