"""`accelsel rules check`: what is wrong with the rows of the table, or of files added to it."""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

from accelsel.knowledge import documents
from accelsel.knowledge.documents import Document, Row
from accelsel.knowledge.schema import violations
from accelsel.model.errors import AccelselError
from accelsel.model.value import dataclass


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding: `file` a path, or a name in the package; `row` such as `builds[3]`, "" for the
    whole file; `message` a line."""

    file: str
    row: str
    message: str

    def __str__(self) -> str:
        return ": ".join(part for part in (self.file, self.row, self.message) if part)


@dataclass(frozen=True, kw_only=True)
class Placed:
    """A row and where it stands."""

    file: str
    place: str
    table: str
    row: Row


_Rows = Mapping[str, Mapping[tuple[Any, ...], Placed]]


def check(extra: tuple[Path, ...] = ()) -> tuple[Finding, ...]:
    """All findings in the shipped table with the rows of the files and folders `extra` in place.

    Rows are looked at one by one where every file has the right shape; else the findings are those
    of the shapes. Nothing is raised for what stands in a file.
    """
    findings: list[Finding] = []
    names = (*documents.SELECTION_FILES, *documents.DEVICE_FILES)
    loaded = [(name, documents.shipped(name)) for name in names]
    own = len(loaded)
    for path in documents.files(extra):
        try:
            loaded.append((str(path), documents.read(path)))
        except AccelselError as error:
            findings.append(Finding(file=error.where or str(path), row="", message=error.message))
    schema = documents.schema()
    for name, document in loaded:
        for place, message in violations(document, schema):
            row, _, rest = place.partition(".")
            findings.append(
                Finding(file=name, row=row, message=f"{rest}: {message}" if rest else message)
            )
    if findings:
        return tuple(findings)
    findings += _repeated(loaded[:own])
    for one in loaded[own:]:
        findings += _repeated([one])
    rows = _merged(loaded)
    for rule in _RULES:
        findings += rule(rows)
    return tuple(findings)


def _placed(name: str, document: Document) -> Iterator[Placed]:
    for table, rows in document.items():
        for number, row in enumerate(rows):
            yield Placed(file=name, place=f"{table}[{number}]", table=table, row=row)


def _finding(placed: Placed, message: str) -> Finding:
    names = [
        str(placed.row[name])
        for name in documents.KEYS[placed.table]
        if isinstance(placed.row.get(name), str | int)
    ]
    label = f"{placed.place} ({' '.join(names)})" if names else placed.place
    return Finding(file=placed.file, row=label, message=message)


def _repeated(loaded: list[tuple[str, Document]]) -> Iterator[Finding]:
    """Rows of the same key, and device ids in two rows, in files that are read as one."""
    seen: dict[tuple[Any, ...], Placed] = {}
    for name, document in loaded:
        for placed in _placed(name, document):
            if "ids" in documents.KEYS[placed.table]:
                keys = [(placed.table, one) for one in placed.row["ids"]]
            else:
                keys = [(placed.table, *documents.key(placed.table, placed.row))]
            for key in keys:
                first = seen.setdefault(key, placed)
                if first is not placed:
                    what = f"says again what {first.place} of {first.file} says"
                    yield _finding(placed, f"{what} ({key[-1]})" if len(keys) > 1 else what)


def _merged(loaded: list[tuple[str, Document]]) -> _Rows:
    tables: dict[str, dict[tuple[Any, ...], Placed]] = {name: {} for name in documents.KEYS}
    for name, document in loaded:
        for placed in _placed(name, document):
            tables[placed.table][documents.key(placed.table, placed.row)] = placed
    return tables


def _named(rows: _Rows, table: str) -> dict[str, Row]:
    return {key[0]: placed.row for key, placed in rows[table].items()}


def _provenance(rows: _Rows) -> Iterator[Finding]:
    """Every source has a text, every text a row that rests on it, every date is one."""
    known = _named(rows, "sources")
    used: set[str] = set()
    for table in rows.values():
        for placed in table.values():
            if "source" in placed.row:
                names = placed.row["source"].split(" ")
                used.update(names)
                for name in sorted(set(names) - known.keys()):
                    yield _finding(placed, f"source {name} has no row in sources")
            if "checked" in placed.row:
                try:
                    date.fromisoformat(placed.row["checked"])
                except ValueError:
                    yield _finding(placed, f"checked is no date: {placed.row['checked']}")
    for placed in rows["sources"].values():
        if placed.row["id"] not in used:
            yield _finding(placed, "no row rests on this source")


def _indexes(rows: _Rows) -> Iterator[Finding]:
    """Every backend's indexes exist, and every index is a backend's."""
    known = _named(rows, "indexes")
    used: set[str] = set()
    for placed in rows["backends"].values():
        for channel, name in placed.row["indexes"].items():
            used.add(name)
            if name not in known:
                yield _finding(placed, f"the {channel} index {name} has no row in indexes")
        expected = (placed.row["kind"] in {"cuda", "rocm"}) == bool(placed.row["toolkit"])
        if not expected:
            yield _finding(
                placed, "toolkit numbers belong to CUDA and ROCm backends, and only there"
            )
    for placed in rows["indexes"].values():
        if placed.row["name"] not in used:
            yield _finding(placed, "no backend uses this index")


_CODE: Final[Mapping[str, str]] = {
    "cuda": "sm_",
    "jetson": "sm_",
    "rocm": "gfx",
    "amd": "gfx",
    "xpu": "xe",
}


def _builds(rows: _Rows) -> Iterator[Finding]:
    """Every build names what exists, holds code of its vendor, and says why a thing is unknown."""
    backends = _named(rows, "backends")
    releases = _named(rows, "releases")
    archsets = _named(rows, "archsets")
    for placed in rows["builds"].values():
        row = placed.row
        backend = backends.get(row["backend"])
        if backend is None:
            yield _finding(placed, f"backend {row['backend']} has no row in backends")
            continue
        channel = row.get("channel", "stable")
        if backend["kind"] != "default" and channel not in backend["indexes"]:
            yield _finding(placed, f"{row['backend']} has no {channel} index")
        archs = row["archs"]
        if isinstance(archs, str):
            if archs not in archsets:
                yield _finding(placed, f"archs {archs} has no row in archsets")
                continue
            archs = archsets[archs]["archs"]
        for message in _arch_messages(row, archs, _CODE.get(backend["kind"])):
            yield _finding(placed, message)
        if row["published"] is None and "note" not in row:
            yield _finding(placed, "a build not known to be published needs a note")
        if not row.get("version", row["torch"]).startswith(row["torch"]):
            yield _finding(placed, f"version {row['version']} is not of torch {row['torch']}")
        own = backend["kind"] not in {"amd", "jetson"} and channel != "nightly"
        for message in _release_messages(row, backend, releases.get(row["torch"]) if own else {}):
            yield _finding(placed, message)


def _arch_messages(row: Row, archs: list[str] | None, code: str | None) -> Iterator[str]:
    if archs is None:
        if "note" not in row:
            yield "an unknown architecture list needs a note"
        return
    if code is None and archs:
        yield "a build of this backend has no GPU code"
    foreign = [one for one in archs if code is not None and not one.startswith(code)]
    if foreign:
        yield f"{foreign[0]} is no architecture of this backend's vendor"
    stray = sorted(set(row.get("broken", ())) - set(archs))
    if stray:
        yield f"broken {stray[0]} is not in the architecture list"


def _release_messages(row: Row, backend: Row, release: Row | None) -> Iterator[str]:
    if release is None:
        yield f"torch {row['torch']} has no row in releases"
        return
    if "pythons" not in row and row["platform"] not in release.get("pythons", {}):
        yield f"no Pythons: neither here nor for {row['platform']} in the release"
    kinds = {one["kind"] for one in release.get("triton", ())}
    if row.get("triton") is True and backend["kind"] not in kinds:
        yield f"the release names no triton for {backend['kind']}"
    names = [one["name"] for one in row.get("companions", ())]
    if len(names) != len(set(names)):
        yield "names a companion twice"


def _changes(rows: _Rows) -> Iterator[Finding]:
    """An architecture list unlike that of the release before, same backend and platform, has a
    note that says so. An unknown list is no list to differ from."""
    lines: dict[tuple[str, str], list[Placed]] = defaultdict(list)
    for placed in rows["builds"].values():
        if placed.row.get("channel", "stable") == "stable":
            lines[placed.row["backend"], placed.row["platform"]].append(placed)
    archsets = _named(rows, "archsets")
    for line in lines.values():
        line.sort(key=lambda placed: [int(one) for one in re.findall(r"\d+", placed.row["torch"])])
        for before, after in pairwise(one for one in line if one.row["archs"] is not None):
            if _lists(before.row, archsets) != _lists(after.row, archsets) and (
                "note" not in after.row
            ):
                message = f"architectures differ from those of {before.row['torch']}: needs a note"
                yield _finding(after, message)


def _lists(row: Row, archsets: Mapping[str, Row]) -> tuple[Any, Any]:
    archs = row["archs"]
    if isinstance(archs, str):
        archs = archsets.get(archs, {"archs": archs})["archs"]
    return archs, row["ptx"]


_RULES: Final[tuple[Callable[[_Rows], Iterator[Finding]], ...]] = (
    _provenance,
    _indexes,
    _builds,
    _changes,
)
