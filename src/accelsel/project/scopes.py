"""Extras and groups by which a project tells backends apart itself."""

import re
from collections.abc import Iterable, Sequence
from typing import Literal

from accelsel.model.plan import PinOptions, Shape
from accelsel.model.selection import Selection
from accelsel.model.value import dataclass
from accelsel.project import indexes, sources
from accelsel.project.markers import PLATFORMS, span
from accelsel.project.read import ProjectView, is_direct
from accelsel.project.requirement import admits, normalize
from accelsel.project.scan import Path
from accelsel.project.sources import Entry

# `+` may stand quoted in a URL
_LOCAL = re.compile(
    r"/[^/]*(?:\+|%2B)(?:pt\d+)?(cpu|cu\d+|rocm[\d.]+|xpu)[^/]*\.whl", re.IGNORECASE
)
Key = Literal["extra", "group"]
KEYS: dict[Shape, Key] = {"extras": "extra", "groups": "group"}
ABOVE: dict[Key, Path] = {
    "extra": ("project", "optional-dependencies"),
    "group": ("dependency-groups",),
}


# what projects call the extra or group of the one backend of a kind
_CALLED: dict[str, tuple[str, ...]] = {
    "cuda": ("cuda", "nvidia"),
    "rocm": ("rocm", "amd"),
    "amd": ("amd", "rocm"),
    "xpu": ("xpu", "intel"),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """An extra or group that requires torch, and the source that torch has for it alone: an entry
    of its sources, or the URL that the list itself names."""

    key: Key
    name: str
    path: Path
    source: Entry


def branches(view: ProjectView) -> tuple[Branch, ...]:
    """The extras and groups that torch has a source for, as far as they require it, and those that
    name a wheel of torch by its URL where the project gets torch in another way too."""
    direct = [r for r in view.requirements if r.name == "torch" and is_direct(r)]
    places = {(r.place.kind, normalize(r.place.name or "")): r for r in direct}
    found = []
    for entry in view.sources.get("torch", ()):
        for key in KEYS.values():
            place = places.get((key, normalize(str(entry.get(key) or ""))))
            if place is not None and place.place.name:
                name = place.place.name
                found.append(Branch(key=key, name=name, path=place.path, source=entry))
    if len({wheel_backend(r.url) for r in direct}) > 1:
        for r in direct:
            for key in KEYS.values():
                if wheel_backend(r.url) and r.place.kind == key:
                    source = {"url": r.url, **({"marker": r.marker} if r.marker else {})}
                    name = str(r.place.name)
                    found.append(Branch(key=key, name=name, path=r.path, source=source))
    return tuple(found)


def wheel_backend(url: object) -> str | None:
    """The backend in the local version of a wheel's name, such as `+cu124` or `+pt22cu118`."""
    local = _LOCAL.search(str(url or ""))
    return local[1] if local else None


def rivals_of(
    view: ProjectView, torch: Iterable[str], lists: Iterable[Path]
) -> tuple[tuple[Key, str], ...]:
    """The extras and groups beside `lists`, without an index of their own, that cannot be installed
    with each of them: by a bound on torch that one of the versions `torch` does not meet."""

    def excludes(bound: str) -> bool:
        return not all(admits(bound, version) for version in torch)

    taken = {*lists, *(branch.path for branch in branches(view))}
    found: dict[tuple[Key, str], None] = {}
    for r in view.requirements:
        if r.name == "torch" and r.path not in taken and not r.marker and excludes(r.bound):
            found |= {(key, str(r.place.name)): None for key in ABOVE if r.place.kind == key}
    return tuple(found)


def declared(
    view: ProjectView, selections: Sequence[Selection], options: PinOptions
) -> Shape | None:
    """Whether the project keeps several backends apart by extras or groups, so that one source of
    torch for all of it would contradict theirs (uv: "conflicting indexes"), and by which. By groups
    also where the bound of an extra or group excludes the selected torch, as uv resolves all of a
    project together that is not declared as conflicting."""
    for selection in selections:
        if selection.index is None:
            continue
        own = indexes.serving(view, selection.index, options.mirrors)
        mine = set(span(p for p in selection.platforms if p in PLATFORMS))
        for branch in branches(view):
            same = own is not None and branch.source.get("index") == own.get("name")
            if not same and sources.covers(branch.source) & mine:
                return "extras" if branch.key == "extra" else "groups"
    versions = [s.torch.version for s in selections if s.torch and s.index]
    apart = versions and not view.is_script and not view.is_virtual
    return "groups" if apart and rivals_of(view, versions, ()) else None


def by_kind(view: ProjectView, selections: Iterable[Selection], key: Key) -> dict[str, str]:
    """The project's own extra or group for a backend that is called by its kind alone: it requires
    torch, has no source of its own for it, and the backend is the only one of its kind."""
    names = [normalize(selection.backend or "") for selection in selections]
    kinds = {name: _kind(name) for name in names if _kind(name)}
    taken = {branch.path for branch in branches(view)}
    places = {r.path for r in view.requirements if r.name == "torch" and is_direct(r)} - taken
    lists = {normalize(path[-1]): path[-1] for path in places if path[:-1] == ABOVE[key]}
    found: dict[str, str] = {}
    for name, kind in kinds.items():
        alone = list(kinds.values()).count(kind) == 1
        called = _CALLED[kind] if alone else ()
        for one in (*called, *(("gpu",) if len(kinds) == 1 else ())):
            if one in lists and one not in names:
                found.setdefault(name, lists[one])
    return found


def _kind(backend: str) -> str:
    return next((kind for kind in _CALLED if backend.startswith(kind[:2])), "")


def adopted(
    view: ProjectView, selection: Selection, key: Key, options: PinOptions
) -> Branch | None:
    """The project's own extra or group of the selected backend: torch has its index there."""
    if selection.index is None:
        return None
    own = indexes.serving(view, selection.index, options.mirrors)
    return next(
        (
            branch
            for branch in branches(view)
            if own and branch.key == key and branch.source.get("index", "") == own.get("name")
        ),
        None,
    )
