"""What pages of PyTorch's indexes add to the table: rows in the form of the shipped ones.

A page proves what it lists and nothing else: a row is added or made surer, never taken away. Its
text comes from a network, possibly through a mirror, so that only names of the one form that torch
wheels have count, and only in plausible numbers.
"""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import Any, Final, Literal

from accelsel.knowledge import documents
from accelsel.knowledge.documents import Document, Row
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.value import dataclass

_KINDS: Final = frozenset({"cpu", "cuda", "rocm", "xpu"})
_MAX_NAME: Final = 200
_MAX_NEW_RELEASES: Final = 24
_WHEEL: Final = re.compile(
    r"torch-(?P<torch>[1-9][0-9]?(?:\.(?:0|[1-9][0-9]{0,2})){2})(?P<local>\+[a-z0-9.]{1,20})?"
    r"-cp3(?P<minor>[1-9][0-9]?)-cp3(?P=minor)(?P<free>t?)-(?P<tags>[a-z0-9_.]+)\.whl"
)
_LINUX: Final = re.compile(
    r"(?:many)?linux(?:_(?P<glibc>2_[0-9]{1,2})|(?P<year>1|2010|2014))?"
    r"_(?P<arch>x86_64|aarch64|s390x)"
)
_YEARS: Final[Mapping[str | None, str]] = {"1": "2.5", "2010": "2.12", "2014": "2.17"}
_OTHERS: Final[Mapping[str, str]] = {"win_amd64": "windows-amd64", "win_arm64": "windows-arm64"}

_Key = tuple[Any, ...]


@dataclass(frozen=True, kw_only=True)
class Page:
    """The page of torch in the stable index of a backend: the file names that it lists (no yanked
    ones), and its URL as it may be shown."""

    backend: str
    url: str
    names: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Change:
    """What a refresh learned of a build.

    `what`: `published` (it was known, not seen), `pythons` (wheels for other ones), `confirmed` (it
    was inferred), `new` (it had no row). `selectable` is False where it is not known what GPUs it
    has code for.
    """

    torch: str
    backend: str
    platform: str
    what: Literal["published", "pythons", "confirmed", "new"]
    selectable: bool
    pythons: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class _Seen:
    """The wheels of one build on a page."""

    torch: str
    platform: str
    pythons: tuple[str, ...]
    glibc: str | None


def indexes() -> dict[str, str]:
    """The URL of the stable index of each backend of PyTorch's own."""
    document = documents.shipped("backends.json")
    urls = {row["name"]: row["url"] for row in document["indexes"]}
    return {
        row["name"]: urls[row["indexes"]["stable"]]
        for row in document["backends"]
        if row["kind"] in _KINDS and "stable" in row["indexes"]
    }


def refresh(
    pages: Iterable[Page], previous: Document | None, today: str
) -> tuple[Document, tuple[str, ...]]:
    """The document to keep beside the shipped table, and the backends whose page was implausible.

    What `previous` (an earlier result, from `kept`) says of backends without a page is carried on.
    `today` is an ISO date. The document holds to the schema, and every row has its source.
    """
    shipped, releases = _shipped()
    builds: dict[_Key, dict[str, Any]] = {}
    sources: dict[str, str] = {}
    read, refused = set(), []
    for page in pages:
        seen = tuple(_seen(page, shipped))
        if len({one.torch for one in seen} - releases.keys()) > _MAX_NEW_RELEASES:
            refused.append(page.backend)
            continue
        read.add(page.backend)
        source = f"read-{page.backend}"
        sources[source] = f"{page.url}, read on {today}"
        for one in seen:
            key = (one.torch, page.backend, one.platform, "stable")
            old = shipped.get(key)
            row = _new(one, page, source) if old is None else _surer(old, one, source)
            if row is not None:
                builds[key] = {**row, "checked": today}
    earlier = documents.merged([previous or {}])
    builds |= {
        key: row
        for key, row in earlier["builds"].items()
        if row["backend"] not in read and _pythons(row)
    }
    texts = {row["id"]: row["text"] for row in earlier["sources"].values()} | sources
    added = [_release(torch, builds.values()) for torch in _torches(builds) - releases.keys()]
    rows = [*builds.values(), *added]
    used = {name for row in rows for name in row["source"].split(" ")}
    document = {
        "table": documents.shipped("version.json")["table"],
        "sources": [{"id": name, "text": texts[name]} for name in sorted(used & texts.keys())],
        "releases": sorted(added, key=lambda row: _numbers(row["torch"])),
        "builds": [builds[key] for key in sorted(builds, key=_order)],
    }
    return document, tuple(refused)


def changes(before: Document | None, after: Document) -> tuple[Change, ...]:
    """What `after` says that neither the shipped table nor `before` said, newest torch first."""
    shipped, _ = _shipped()
    known = {**shipped, **documents.merged([before or {}])["builds"]}
    found = []
    for row in after["builds"]:
        what = _what(known.get(documents.key("builds", row)), row)
        if what is not None:
            change = Change(
                torch=row["torch"],
                backend=row["backend"],
                platform=row["platform"],
                what=what,
                selectable=row["archs"] is not None,
                pythons=tuple(_pythons(row)),
            )
            found.append(change)
    return tuple(sorted(found, key=lambda one: [-number for number in _numbers(one.torch)]))


def kept(path: Path) -> Document:
    """The document of an earlier refresh, made for the shipped table; `load` holds its rows to the
    schema.

    Raises `bad-rules` where there is none: a newer table may know better than what was read for an
    older one.
    """
    table = documents.shipped("version.json")["table"]
    try:
        document = documents.read(path)
    except RecursionError:
        document = None
    if not isinstance(document, dict) or document.get("table") != table:
        message = f"it was not made for the rules table {table[0]['version']}"
        raise AccelselError(USAGE, "bad-rules", message, where=str(path))
    return document


@cache
def _shipped() -> tuple[dict[_Key, dict[str, Any]], dict[str, dict[str, Any]]]:
    """The shipped builds by key, and the releases by version."""
    rows = documents.merged([documents.shipped("builds.json"), documents.shipped("releases.json")])
    return rows["builds"], {row["torch"]: row for row in rows["releases"].values()}


def _seen(page: Page, shipped: Mapping[_Key, Row]) -> Iterator[_Seen]:
    """The builds of this backend on the page, from the oldest release of the table on."""
    found: dict[tuple[str, str], list[tuple[str, str | None]]] = {}
    oldest, newest = _span()
    for name in page.names:
        match = _WHEEL.fullmatch(name) if len(name) <= _MAX_NAME else None
        place = match and _platform(match["tags"])
        if not match or not place:
            continue
        torch = match["torch"]
        if not oldest <= _numbers(torch) or _numbers(torch)[0] > newest[0] + 1:
            continue
        row = shipped.get((torch, page.backend, place[0], "stable"), {})
        version = row.get("version", f"{torch}+{page.backend}")
        if f"{torch}{match['local'] or ''}" == version:
            python = f"3.{match['minor']}{match['free']}"
            found.setdefault((torch, place[0]), []).append((python, place[1]))
    for (torch, platform), wheels in found.items():
        floors = [glibc for _, glibc in wheels if glibc]
        yield _Seen(
            torch=torch,
            platform=platform,
            pythons=_sorted({python for python, _ in wheels}),
            glibc=max(floors, key=_numbers, default=None),
        )


def _platform(tags: str) -> tuple[str, str | None] | None:
    """The platform of a wheel's compressed tags, and the glibc that it needs where they say so."""
    found: set[tuple[str, str | None]] = set()
    for tag in tags.split("."):
        if tag in _OTHERS:
            found.add((_OTHERS[tag], None))
        elif match := _LINUX.fullmatch(tag):
            glibc = match["glibc"]
            floor = glibc.replace("_", ".") if glibc else _YEARS.get(match["year"])
            found.add((f"linux-{match['arch']}", floor))
        else:
            return None
    if len({name for name, _ in found}) != 1:
        return None
    floors = [glibc for _, glibc in found if glibc]
    return next(iter(found))[0], min(floors, key=_numbers, default=None)


def _new(seen: _Seen, page: Page, source: str) -> dict[str, Any]:
    """A build that the table has no row for. Of a release that it knows, a CPU build has no GPU
    code; of any other build a page does not say what is in it, nor what goes with it."""
    known: list[str] | None = [] if page.backend == "cpu" and seen.torch in _shipped()[1] else None
    unknown = "; the table does not know what GPUs it has code for" if known is None else ""
    return {
        "torch": seen.torch,
        "backend": page.backend,
        "platform": seen.platform,
        "published": True,
        "archs": known,
        "ptx": known,
        "pythons": list(seen.pythons),
        **({"glibc": seen.glibc} if seen.glibc else {}),
        "note": f"seen on its index{unknown}",
        "source": source,
        "confidence": "read",
        "arch_confidence": "inferred" if known is None else "read",
    }


def _surer(old: Row, seen: _Seen, source: str) -> dict[str, Any] | None:
    """The shipped row with what was seen; None where it says as much already."""
    row = {**old, "source": f"{old['source']} {source}"}
    pythons = set(_pythons(old))
    if old["published"]:
        if old["confidence"] == "inferred":
            row["confidence"] = "read"
        elif pythons.issuperset(seen.pythons):
            return None
        pythons.update(seen.pythons)
    else:
        row |= {"published": True, "confidence": "read", "note": "seen on its index"}
        pythons = set(seen.pythons)
        if seen.glibc:
            row["glibc"] = seen.glibc
    if pythons != set(_pythons(old)):
        row["pythons"] = list(_sorted(pythons))
    return row


def _pythons(row: Row) -> Sequence[str]:
    """The Pythons of a build, its own or its release's."""
    if "pythons" in row:
        return tuple(row["pythons"])
    release = _shipped()[1].get(row["torch"], {})
    return tuple(release.get("pythons", {}).get(row["platform"], ()))


def _release(torch: str, builds: Iterable[Row]) -> dict[str, Any]:
    """The row of a release that the table does not have; what no page says is left open."""
    rows = [row for row in builds if row["torch"] == torch]
    lowest = _sorted({python for row in rows for python in _pythons(row)})[0]
    day = max(row["checked"] for row in rows)
    return {
        "torch": torch,
        "date": day,
        "requires_python": f">={lowest.removesuffix('t')}",
        "pythons": {},
        "glibc": {},
        "macos": {},
        "companions": [],
        "triton": [],
        "note": "from index pages alone; the date is that on which it was seen",
        "source": " ".join(sorted({row["source"] for row in rows})),
        "checked": day,
        "confidence": "read",
    }


def _what(old: Row | None, new: Row) -> Literal["published", "pythons", "confirmed", "new"] | None:
    if old is None:
        return "new"
    if not old["published"]:
        return "published"
    if set(_pythons(new)) != set(_pythons(old)):
        return "pythons"
    return "confirmed" if new["confidence"] != old["confidence"] else None


@cache
def _span() -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The oldest and the newest release of the shipped table."""
    versions = [_numbers(torch) for torch in _shipped()[1]]
    return min(versions), max(versions)


@cache
def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in re.findall(r"[0-9]+", version))


def _sorted(pythons: Iterable[str]) -> tuple[str, ...]:
    return tuple(sorted(pythons, key=lambda one: (_numbers(one), one.endswith("t"))))


def _torches(builds: Iterable[_Key]) -> set[str]:
    return {key[0] for key in builds}


def _order(key: _Key) -> _Key:
    return _numbers(key[0]), *key[1:]
