"""Extras and groups by which a project tells backends apart itself."""

from collections.abc import Iterable
from typing import Literal

from accelsel.model.plan import PinOptions, Shape
from accelsel.model.selection import Selection
from accelsel.model.value import dataclass
from accelsel.project import indexes, sources
from accelsel.project.markers import PLATFORMS, span
from accelsel.project.read import ProjectView, is_direct
from accelsel.project.requirement import normalize
from accelsel.project.scan import Path
from accelsel.project.sources import Entry

Key = Literal["extra", "group"]
KEYS: dict[Shape, Key] = {"extras": "extra", "groups": "group"}
ABOVE: dict[Key, Path] = {
    "extra": ("project", "optional-dependencies"),
    "group": ("dependency-groups",),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Branch:
    """An extra or group that requires torch, and the source that torch has for it alone."""

    key: Key
    name: str
    path: Path
    source: Entry


def branches(view: ProjectView) -> tuple[Branch, ...]:
    """The extras and groups that torch has a source for, as far as they require it."""
    places = {
        (r.place.kind, normalize(r.place.name or "")): r
        for r in view.requirements
        if r.name == "torch" and is_direct(r)
    }
    found = []
    for entry in view.sources.get("torch", ()):
        for key in KEYS.values():
            place = places.get((key, normalize(str(entry.get(key) or ""))))
            if place is not None and place.place.name:
                name = place.place.name
                found.append(Branch(key=key, name=name, path=place.path, source=entry))
    return tuple(found)


def rivals_of(
    view: ProjectView, torch: Iterable[str], lists: Iterable[Path]
) -> tuple[tuple[Key, str], ...]:
    """The extras and groups beside `lists`, without an index of their own, that cannot be installed
    with each of them: by a bound on torch that one of the versions `torch` does not meet."""
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    def excludes(bound: str) -> bool:
        try:
            return not all(SpecifierSet(bound).contains(v, prereleases=True) for v in torch)
        except InvalidSpecifier:
            return False

    taken = {*lists, *(branch.path for branch in branches(view))}
    found: dict[tuple[Key, str], None] = {}
    for r in view.requirements:
        if r.name == "torch" and r.path not in taken and not r.marker and excludes(r.bound):
            found |= {(key, str(r.place.name)): None for key in ABOVE if r.place.kind == key}
    return tuple(found)


def declared(
    view: ProjectView, selections: Iterable[Selection], options: PinOptions
) -> Shape | None:
    """Whether the project keeps several backends apart by extras or groups, so that one source of
    torch for all of it would contradict theirs (uv: "conflicting indexes"), and by which."""
    for selection in selections:
        if selection.index is None:
            continue
        own = indexes.serving(view, selection.index, options.mirrors)
        mine = set(span(p for p in selection.platforms if p in PLATFORMS))
        for branch in branches(view):
            same = own is not None and branch.source.get("index") == own.get("name")
            if not same and sources.covers(branch.source) & mine:
                return "extras" if branch.key == "extra" else "groups"
    return None


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
            if own and branch.key == key and branch.source.get("index") == own.get("name")
        ),
        None,
    )
