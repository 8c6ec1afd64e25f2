"""Which distributions own the same files, by their RECORD files."""

import re
from collections import Counter
from collections.abc import Iterable

from accelsel.model.installed import SharedPath

PATH = re.compile(rb"^([^,\n\"]+),", re.MULTILINE)
NAMESPACES = (b"nvidia", b"google")  # folders without an owner: what lies below counts


def shared(records: Iterable[tuple[str, bytes]]) -> tuple[SharedPath, ...]:
    """What several distributions claim with different contents, from their RECORD files.

    Equal contents (an empty `nvidia/__init__.py`) are nobody's loss and are left out, as are
    compiled caches and scripts. A path in quotes holds a comma and is not compared.
    """
    claims = [(name, record, _tops(record)) for name, record in records]
    often = Counter(top for _, _, tops in claims for top in tops)
    rival = [claim for claim in claims if any(often[top] > 1 for top in claim[2])]
    paths = [frozenset(PATH.findall(record)) for _, record, _ in rival]
    counted: dict[tuple[bytes, tuple[str, ...]], int] = {}
    for later, (name, record, tops) in enumerate(rival):
        for earlier, (other, theirs, others) in enumerate(rival[:later]):
            if other == name or tops.isdisjoint(others):
                continue
            for path in filter(_counts, paths[later] & paths[earlier]):
                if _line(path, theirs) != _line(path, record):
                    key = (_package(path), tuple(sorted((other, name))))
                    counted[key] = counted.get(key, 0) + 1
    return tuple(
        SharedPath(package=package.decode("utf-8", "replace"), owners=owners, files=files)
        for (package, owners), files in sorted(counted.items())
    )


def _tops(record: bytes) -> frozenset[bytes]:
    """The names at the top of site-packages that a RECORD claims, its own folder left aside."""
    lines = record.strip()
    ends = (lines.partition(b"\n")[0], lines.rpartition(b"\n")[2])
    folders = {line.partition(b"/")[0] for line in ends}
    if (end := lines.find(b".dist-info/")) >= 0:
        folders.add(lines[lines.rfind(b"\n", 0, end) + 1 : end + len(b".dist-info")])
    counted = sum((b"\n" + lines).count(b"\n" + folder + b"/") for folder in folders)
    if counted == lines.count(b"\n") + 1:
        names = folders  # counting is ten times as fast as cutting thousands of lines
    else:
        names = {line.partition(b"/")[0] for line in lines.split(b"\n")}
    return frozenset(
        name.partition(b",")[0]
        for name in names
        if name not in (b"", b"..", b"__pycache__")
        and not name.startswith(b'"')
        and not name.endswith((b".dist-info", b".egg-info"))
    )


def _line(path: bytes, record: bytes) -> bytes:
    """What a RECORD says of a path: digest and size."""
    start = record.find(path + b",") if record.startswith(path + b",") else -1
    if start < 0:
        start = record.find(b"\n" + path + b",") + 1
    end = record.find(b"\n", start)
    return record[start : end if end >= 0 else None].strip()


def _counts(path: bytes) -> bool:
    return bool(path) and not path.startswith((b"../", b'"')) and b"__pycache__" not in path


def _package(path: bytes) -> bytes:
    parts = path.split(b"/")
    return b"/".join(parts[:2]) if parts[0] in NAMESPACES and len(parts) > 2 else parts[0]
