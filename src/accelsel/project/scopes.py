"""Extras and groups by which a project tells backends apart itself."""

import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, Literal

from accelsel.model.plan import PinOptions, Shape
from accelsel.model.selection import Selection, Torch
from accelsel.model.value import dataclass
from accelsel.project import indexes, sources
from accelsel.project.bounds import agree
from accelsel.project.markers import PLATFORMS, span
from accelsel.project.read import ProjectView, is_direct, table
from accelsel.project.requirement import admits, normalize
from accelsel.project.scan import Path
from accelsel.project.sources import Entry

# `+` may stand quoted in a URL
_LABEL = r"(?:\+|%2B)(?:pt\d+)?(cpu|cu\d+|rocm[\d.]+|xpu)"
_LOCAL = re.compile(rf"/[^/]*{_LABEL}[^/]*\.whl", re.IGNORECASE)
Key = Literal["extra", "group"]
KEYS: dict[Shape, Key] = {"extras": "extra", "groups": "group"}
ABOVE: dict[Key, Path] = {
    "extra": ("project", "optional-dependencies"),
    "group": ("dependency-groups",),
}


_TELLING = re.compile(r"cu\d|rocm\d", re.IGNORECASE)

# what projects call the extra or group of the one backend of a kind
_CALLED: dict[str, tuple[str, ...]] = {
    "cuda": ("cuda", "nvidia"),
    "rocm": ("rocm", "amd"),
    "amd": ("amd", "rocm"),
    "xpu": ("xpu", "intel"),
}


@dataclass(frozen=True, kw_only=True)
class Branch:
    """An extra or group that requires torch, and the source that torch has for it alone: an entry
    of its sources, or the URL that the list itself names."""

    key: Key
    name: str
    path: Path
    source: Entry


def scope_of(path: Path) -> sources.Scope:
    """The scope of a source that is for one extra or group alone."""
    return (path[-1], None) if path[:-1] == ABOVE["extra"] else (None, path[-1])


def branches(view: ProjectView) -> tuple[Branch, ...]:
    """The extras and groups that torch has a source for, as far as they require it, and those that
    name a wheel of torch by its URL where the project gets torch in another way too, as it surely
    does where the wheel is for other than CUDA."""
    direct = [r for r in view.requirements if r.name == "torch" and is_direct(r)]
    places = {(r.place.kind, normalize(r.place.name or "")): r for r in direct}
    found = []
    for entry in view.sources.get("torch", ()):
        for key in KEYS.values():
            place = places.get((key, normalize(str(entry.get(key) or ""))))
            if place is not None and place.place.name:
                name = place.place.name
                found.append(Branch(key=key, name=name, path=place.path, source=entry))
    several = len({wheel_backend(r.url) for r in direct}) > 1
    for r in direct:
        backend = wheel_backend(r.url)
        if backend and (several or backend.startswith(("rocm", "xpu"))):
            source = {"url": r.url, **({"marker": r.marker} if r.marker else {})}
            name = str(r.place.name)
            found += (
                Branch(key=key, name=name, path=r.path, source=source)
                for key in KEYS.values()
                if r.place.kind == key
            )
    return tuple(found)


def wheel_backend(url: object) -> str | None:
    """The backend in the local version of a wheel's name, such as `+cu124` or `+pt22cu118`."""
    local = _LOCAL.search(str(url or ""))
    return local[1] if local else None


def label(specifier: str) -> str | None:
    """The backend in the local version of a requirement, such as `==0.1+cu128.torch27`."""
    local = re.search(_LABEL, specifier)
    return local[1] if local else None


def members_of(view: ProjectView, conflict: Any) -> set[tuple[Key, str]]:
    """The extras and groups of the project itself in one of its sets of conflicts."""
    return {
        (key, normalize(str(entry[key])))
        for entry in (conflict if isinstance(conflict, list) else ())
        if isinstance(entry, Mapping)
        and normalize(str(entry.get("package", view.name))) == normalize(str(view.name))
        for key in KEYS.values()
        if key in entry
    }


def other_backends(view: ProjectView, lists: Collection[Path]) -> dict[Path, tuple[Key, str]]:
    """The project's extras and groups of other backends than those of `lists`: what has a source of
    its own for torch, and what the project says excludes that."""
    found = {b.path: (b.key, b.name) for b in branches(view)}
    named = {(key, normalize(name)) for key, name in found.values()}
    apart = set[tuple[Key, str]]()
    for conflict in view.conflicts:
        inside = members_of(view, conflict)
        apart |= inside if inside & named else set()
    for key, above in ABOVE.items():
        for name in table(view.data, *above):
            if (key, normalize(name)) in apart:
                found.setdefault((*above, name), (key, name))
    return {path: member for path, member in found.items() if path not in lists}


def rivals_of(
    view: ProjectView, selections: Iterable[Selection], lists: Iterable[Path], *, together: bool
) -> Mapping[tuple[Key, str], str]:
    """The extras and groups beside `lists`, without an index of their own, that cannot be installed
    with each of them, and why: by a bound on torch that one of the selected releases does not meet,
    with `together` nothing in the range over which that choice stays right, or by a package that
    requires another torch; and what includes such an extra or group."""
    selections = tuple(selections)
    chosen = [s.torch for s in selections if s.torch]

    def excludes(bound: str) -> bool:
        return not all(
            meets(torch, bound) if together else admits(bound, torch.version) for torch in chosen
        )

    own = {*lists, *(branch.path for branch in branches(view))}
    found: dict[tuple[Key, str], str] = {}
    for r in view.requirements:
        if r.name == "torch" and not r.marker and excludes(r.bound):
            found |= {
                (k, str(r.place.name)): "its bound on torch" for k in ABOVE if k == r.place.kind
            }
    spelled = {(k, normalize(name)): name for k in ABOVE for name in table(view.data, *ABOVE[k])}
    for one in (one for s in selections for one in s.left_out):
        name = spelled.get((one.kind, one.name))
        paths = {r.path for r in view.requirements if r.name in one.packages}
        if name is not None and (*ABOVE[one.kind], name) in paths:
            found.setdefault((one.kind, name), f"its {' and '.join(one.packages)}")
    found = {(k, name): why for (k, name), why in found.items() if (*ABOVE[k], name) not in own}
    for key, name in tuple(found):
        for member in including(view, key, name):
            if (*ABOVE[member[0]], member[1]) not in own:
                found.setdefault(member, f"the {key} {name} in it")
    return found


def including(view: ProjectView, key: Key, name: str) -> tuple[tuple[Key, str], ...]:
    """The project's extras and groups that include one of them: a list by a requirement on an extra
    of the project itself, a group also by the name of another."""
    places = [
        ((*ABOVE[k], str(one)), k, str(one)) for k in ABOVE for one in table(view.data, *ABOVE[k])
    ]
    found: dict[tuple[Key, str], None] = {}
    waiting = [(key, normalize(name))]
    while waiting:
        included = waiting.pop()
        for path, kind, one in places:
            if (kind, one) not in found and included in _included(view, path):
                found[kind, one] = None
                waiting.append((kind, normalize(one)))
    return tuple(found)


def _included(view: ProjectView, path: Path) -> set[tuple[Key, str]]:
    """The extras and groups that the elements of a list name."""
    own = normalize(view.name or "")
    found: set[tuple[Key, str]] = {
        ("extra", normalize(extra))
        for r in view.requirements
        if r.path == path and r.name == own
        for extra in r.extras
    }
    items = table(view.data, *path[:-1])[path[-1]]
    names = (i.get("include-group") for i in items if isinstance(i, Mapping))
    return found | {("group", normalize(str(one))) for one in names}


def meets(torch: Torch, bound: str) -> bool:
    """Whether some release is both within the bound and in the range of the choice, which may name
    the local version of a vendor."""
    own = re.sub(r"\+[\w.]+", "", torch.specifier)
    newest = admits(bound, torch.version) and admits(own, torch.version)
    return newest or agree(own, bound)


def declared(
    view: ProjectView, selections: Sequence[Selection], options: PinOptions
) -> Shape | None:
    """Whether the project keeps several backends apart by extras or groups, so that one source of
    torch for all of it would contradict theirs (uv: "conflicting indexes"), and by which. By groups
    also where the bound of an extra or group excludes the range of the choice, as uv resolves all
    of a project together that is not declared as conflicting."""
    for selection in selections:
        if selection.index is None:
            continue
        own = indexes.serving(view, selection.index, options.mirrors)
        mine = set(span(p for p in selection.platforms if p in PLATFORMS))
        for branch in branches(view):
            same = own is not None and branch.source.get("index") == own.get("name")
            same = same or wheel_backend(branch.source.get("url")) == selection.backend
            if not same and sources.covers(branch.source) & mine:
                return "extras" if branch.key == "extra" else "groups"
    if view.is_script or view.is_virtual:
        return None
    indexed = [s for s in selections if s.index]
    return "groups" if rivals_of(view, indexed, (), together=True) else None


def listed(view: ProjectView, backends: Iterable[str], key: Key) -> dict[str, str]:
    """The project's own extra or group for a backend: of its name, or of the name of its kind."""
    present = {normalize(name): name for name in table(view.data, *ABOVE[key])}
    names = [normalize(backend) for backend in backends]
    named = {name: present[name] for name in names if name in present}
    return {**by_kind(view, names, key), **named}


def by_kind(view: ProjectView, names: Sequence[str], key: Key) -> dict[str, str]:
    """The project's own extra or group for a backend that is called by its kind alone: it requires
    torch, has no source of its own for it, and the backend is the only one of its kind."""
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


def lists_of(
    view: ProjectView, selections: Iterable[Selection], key: Key, options: PinOptions
) -> tuple[Path, ...]:
    """The array of each selection's extra or group; an existing one of that backend's index, of its
    name, or of the name of its kind, is adopted."""
    selections = tuple(selections)
    names = [normalize(selection.backend or "") for selection in selections]
    own = listed(view, names, key)
    found: list[Path] = []
    for at, name in enumerate(names):
        branch = adopted(view, selections, at, key, options)
        found.append(branch.path if branch else (*ABOVE[key], own.get(name, name)))
    return tuple(found)


def taken_over(
    view: ProjectView,
    selections: Iterable[Selection],
    lists: Iterable[Path],
    options: PinOptions,
) -> frozenset[Path]:
    """Those of the lists that took torch from the index of another backend."""
    before = {branch.path: of_index(view, branch, options) for branch in branches(view)}
    pairs = zip(lists, selections, strict=True)
    return frozenset(p for p, s in pairs if before.get(p) not in {None, s.backend})


def adopted(
    view: ProjectView, selections: Sequence[Selection], at: int, key: Key, options: PinOptions
) -> Branch | None:
    """The project's own extra or group of the selected backend: torch has its index there, or that
    of another backend of the kind, of which it is the only one, and nothing in it names that."""
    selection = selections[at]
    if selection.index is None:
        return None
    own = indexes.serving(view, selection.index, options.mirrors)
    mine = [branch for branch in branches(view) if branch.key == key]
    for branch in mine:
        if own and branch.source.get("index", "") == own.get("name"):
            return branch
    kind = _kind(selection.backend or "")
    like = [b for b in branches(view) if kind and _kind(of_index(view, b, options) or "") == kind]
    several = [s for s in selections if _kind(s.backend or "") == kind]
    if len(like) != 1 or len(several) != 1 or like[0] not in mine or _TELLING.search(like[0].name):
        return None
    here = [r for r in view.requirements if (r.path, r.name) == (like[0].path, "torch")]
    told = any(label(r.specifier) or wheel_backend(r.url) for r in here)
    torch = selection.torch
    fits = torch and not told and all(meets(torch, r.bound) for r in here)
    return like[0] if fits else None


def of_index(view: ProjectView, branch: Branch, options: PinOptions) -> str | None:
    """The backend of the PyTorch index, of releases, that an extra or group takes torch from."""
    entry = next((e for e in view.indexes if e.get("name") == branch.source.get("index")), None)
    if entry is None or not indexes.of_pytorch(view, entry, options.mirrors):
        return None
    url = indexes.url_of(entry)
    return indexes.backend_of(url) if indexes.channel(url) == "stable" else None
