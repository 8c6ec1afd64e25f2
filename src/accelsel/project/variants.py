"""Several backends in one project: an extra or group for each, exclusive of each other."""

from collections.abc import Collection, Iterable, Sequence

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.plan import PinOptions, Shape
from accelsel.model.selection import Package, Selection
from accelsel.model.value import replace
from accelsel.project import tritons
from accelsel.project.bounds import beside, bounded, merged, with_each
from accelsel.project.draft import CONSTRAINTS, Draft, bound
from accelsel.project.exclusion import (
    asked_for_by_name,
    conflicts,
    default_groups,
    tell_of_extras,
)
from accelsel.project.markers import exact, platforms_of
from accelsel.project.read import FAMILY, ProjectView, is_direct
from accelsel.project.requirement import Requirement, normalize
from accelsel.project.routes import TRITONS, allowed, of, requirements, undivided
from accelsel.project.scan import Path
from accelsel.project.scopes import (
    ABOVE,
    KEYS,
    Key,
    branches,
    lists_of,
    of_index,
    other_backends,
    rivals_of,
    taken_over,
)
from accelsel.project.sources import Route, Scope
from accelsel.project.wiring import write_sources
from accelsel.project.write import (
    builds,
    masks,
    only_where_files_are,
    override,
    settings_that_defeat,
)


def write_variants(
    draft: Draft, selections: tuple[Selection, ...], options: PinOptions, shape: Shape
) -> None:
    """Collects the edits for one extra or group per selection."""
    view = draft.view
    _refuse(view, shape)
    selections = tuple(undivided(view, one, options.served) for one in selections)
    lists = lists_of(view, selections, KEYS[shape], options)
    tritons_apart = options.tritons_apart and tritons.divided(selections)
    if tritons_apart:
        selections = tritons.kept_to_torch(selections)
    draft.names = tuple(path[-1] for path in lists)
    draft.anew = taken_over(view, selections, lists, options)
    moved = _moved(view, selections)
    own = [(b.key, b.name) for b in branches(view) if b.path not in lists]
    rivals = rivals_of(view, selections, lists, together=options.shape == "single")
    theirs = other_backends(view, lists)
    others = frozenset({*theirs, *((*ABOVE[key], name) for key, name in rivals)})
    # a source for all of the project would hold for the rivals too
    beyond = [r for r in view.requirements if is_direct(r) and r.path not in others]
    with_rivals = {r.name for r in beyond} if rivals else set()
    routes: list[Route] = []
    for at, selection in enumerate(selections):
        platforms = allowed(draft, selection)
        _fill(draft, selection, lists, at, platforms, moved, with_rivals)
        scope: Scope = (lists[at][-1], None) if shape == "extras" else (None, lists[at][-1])
        routes += _routes(draft, selection, platforms, scope, moved, lists[at])
    stays = options.shape == "single"
    _by_platform(
        draft, routes, {*lists, *others, *([] if stays else [("project", "dependencies")])}
    )
    routes = tritons.routed(draft, selections, routes, lists, shape, others, alone=not own)
    if stays:
        _stay(draft, moved, lists, KEYS[shape])
    else:
        _leave(draft, moved, lists)
    requirements(draft, routes, lists, older=TRITONS)
    _constraints(draft, selections, moved, lists, alone=not (own or rivals))
    _overridden(draft, moved)
    write_sources(draft, selections, routes, options, scoped=frozenset(moved), beside=theirs)
    tritons.of_the_others(draft, lists, {route.name for route in routes}, options)
    extras_of_triton = tritons.apart(draft, selections, lists, shape) if tritons_apart else ()
    masked = frozenset(selections[0].excludes).intersection(*(s.excludes for s in selections))
    if own and masked:
        _not_scoped(draft, ", ".join(sorted(masked)), "masked", selections[0], options)
        masked = frozenset()
    for selection in selections:
        shared = tuple(name for name in selection.excludes if name in masked)
        masks(draft, replace(selection, excludes=shared), options)
        builds(draft, selection)
    if shape == "extras":
        _loose(draft, frozenset({*lists, *others}))
    mine = [(KEYS[shape], name) for name in draft.names]
    here = {branch.path for branch in branches(view)} - draft.anew
    unmoved = [one for one, path in zip(mine, lists, strict=True) if path in here]
    apart = conflicts(draft, own, rivals, mine, unmoved)
    tritons.exclusive(draft, extras_of_triton)
    if shape == "groups" and stays and asked_for_by_name(view):
        draft.warn(
            "group-to-ask-for",
            f"the project asks for torch by its own groups, so this is the group {draft.names[0]}",
            f"`uv sync --group {draft.names[0]}`",
        )
    elif shape == "groups":
        default_groups(draft, draft.names[0], apart)
        extras = [name for key, name in (*own, *rivals) if key == "extra"]
        tell_of_extras(draft, draft.names[0], extras, asked=options.shape == "groups")
    settings_that_defeat(draft, selections[0], options)


def _refuse(view: ProjectView, shape: Shape) -> None:
    if view.is_script:
        raise AccelselError(
            USAGE,
            "script-backends",
            "a script has neither extras nor groups, so one backend at most",
            where=view.path,
            help="pin the script with one --backend",
        )
    if view.is_virtual:
        raise AccelselError(
            USAGE,
            "no-project",
            f"{shape} of several backends need a [project], which the file does not have",
            where=view.path,
            help="uv lets only a named project's exclude each other: add [project] with a name "
            "and a version, or pin one --backend",
        )


def _moved(view: ProjectView, selections: Sequence[Selection]) -> tuple[str, ...]:
    """The packages that differ between the backends and so belong to the extras or groups: torch,
    its family, and what the project requires from indexes that are not the same for all."""
    found = {"torch": None}
    found |= dict.fromkeys(name for name in FAMILY[1:] if view.requires(name))
    by_name: dict[str, set[str | None]] = {}
    for selection in selections:
        for package in selection.packages:
            by_name.setdefault(package.name, set()).add(package.index)
    for name, places in by_name.items():
        differs = len(places) > 1 or (places != {None} and name not in TRITONS)
        if differs and name not in TRITONS and view.requires(name):
            found[name] = None
    return tuple(found)


def _fill(
    draft: Draft,
    selection: Selection,
    lists: Sequence[Path],
    at: int,
    platforms: Iterable[str],
    moved: Iterable[str],
    shared: Collection[str],
) -> None:
    """The list of one backend holds what moved, each with the bounds of that backend: what the
    project requires at large, what all its lists of backends have, and what is `shared`."""
    view, path = draft.view, lists[at]
    base = [r for r in view.requirements if r.place.kind == "dependencies"]
    here = [r for r in view.requirements if r.path == path]
    likes = {*lists, *(branch.path for branch in branches(view))}
    siblings = _shared(view, likes)
    for name in moved:
        specifier = _bounds(selection, name)
        mine = [r for r in here if r.name == name]
        for requirement in mine:
            new = bounded(requirement, specifier, platforms)
            draft.swap(path, requirement.raw, new, f"the bounds of {selection.backend}")
        if mine:
            continue
        originals = [r for r in base if r.name == name]
        why = f"{name} for {selection.backend}"
        for requirement in originals:
            draft.add(path, bounded(requirement, specifier, platforms), why)
        if not originals and name in {"torch", *siblings, *shared}:
            wide = ",".join(r.bound for r in with_each(view, name) if r.path not in likes)
            draft.add(path, f"{name}{merged(wide, specifier)}", why)


def _shared(view: ProjectView, lists: Iterable[Path]) -> frozenset[str]:
    """What every one of the lists that requires torch requires."""
    each = [frozenset(r.name for r in view.requirements if r.path == path) for path in lists]
    with_torch = [names for names in each if "torch" in names]
    return frozenset.intersection(*with_torch) if with_torch else frozenset()


def _bounds(selection: Selection, name: str) -> str:
    if name == "torch":
        return selection.torch.specifier if selection.torch else ""
    return next((p.specifier for p in selection.packages if p.name == name and p.constrain), "")


def _routes(
    draft: Draft,
    selection: Selection,
    platforms: tuple[str, ...],
    scope: Scope,
    moved: Iterable[str],
    path: Path,
) -> list[Route]:
    """Where the packages of one backend come from, as far as its list requires them."""
    found = []
    listed = {p.name: p for p in selection.packages}
    required = {normalize(name) for name in _names(draft, path)}
    for name in moved:
        package = listed.get(name)
        index = package.index if package else None
        if selection.index and (name == "torch" or (package is None and name in FAMILY)):
            index = selection.index.name
        if index is None or name not in required:
            continue
        where = of(package, platforms) if package else platforms
        found.append(
            Route(
                name=name,
                index=index,
                platforms=where,
                scope=scope,
                why=f"{name} built for {selection.backend}",
            )
        )
    return found


def _by_platform(draft: Draft, routes: Iterable[Route], apart: Collection[Path]) -> None:
    """Where a list beside those `apart` requires a package too, uv asks the index of an extra or
    group for every platform, whatever the source's marker says, unless something divides all that
    require the package by platform: a bound that admits every version does."""
    direct = filter(is_direct, draft.view.requirements)
    beside = {r.name for r in direct if r.path not in apart}
    for route in routes:
        condition = exact(route.platforms)
        if condition and route.name in beside:
            why = f"elsewhere {route.name} is not from {route.index}"
            draft.add(CONSTRAINTS, bound(route.name, "", condition), why)


def _names(draft: Draft, path: Path) -> list[str]:
    from accelsel.project.change import about

    return [about(item) for item in draft.now(path) or () if isinstance(item, str)]


def _stay(draft: Draft, moved: Iterable[str], lists: Sequence[Path], key: Key) -> None:
    """Says when a plain `uv sync` takes torch from the default index."""
    names = set(moved)
    if key == "extra" and any(
        r.name in names and r.place.kind == "dependencies" for r in draft.view.requirements
    ):
        name = lists[0][-1]
        draft.warn(
            f"{key}-to-ask-for",
            f"the project keeps backends apart by its own {key}s, so this one is the {key} {name}",
            f"`uv sync --{key} {name}`; without it torch comes from the default index",
        )


def _leave(draft: Draft, moved: Iterable[str], lists: Iterable[Path]) -> None:
    """What moved is no longer a dependency of the project at large."""
    view, names = draft.view, set(moved)
    gone: list[Requirement] = [
        r for r in view.requirements if r.place.kind == "dependencies" and r.name in names
    ]
    for requirement in gone:
        why = f"{requirement.name} is in {', '.join(path[-1] for path in lists)}"
        draft.swap(requirement.path, requirement.raw, None, why)
    if gone and _published(view):
        draft.warn(
            "published-metadata",
            f"{', '.join(dict.fromkeys(r.name for r in gone))} no longer in the dependencies "
            "of the built package",
            "who installs the package has to name torch, or one of its extras",
        )


def _loose(draft: Draft, lists: frozenset[Path]) -> None:
    """Says which extras require torch and are of no backend."""
    torch = [r for r in draft.view.requirements if r.name == "torch" and r.place.kind == "extra"]
    for name in dict.fromkeys(str(r.place.name) for r in torch if r.path not in lists):
        draft.warn(
            "extra-of-no-backend",
            f"the extra {name} requires torch and is of no backend: alone it takes torch from the "
            "default index",
            f"`uv sync --extra {name} --extra {draft.names[0]}`",
        )


def _published(view: ProjectView) -> bool:
    package = view.uv.get("package")
    return bool(package if isinstance(package, bool) else "build-system" in view.data)


def _constraints(
    draft: Draft,
    selections: Sequence[Selection],
    moved: Iterable[str],
    lists: Sequence[Path],
    *,
    alone: bool,
) -> None:
    """Bounds on packages from the default index: on all of the project where they are the same for
    every backend, else in the backend's own list, as far as the package is installed with it."""
    for at, selection in enumerate(selections):
        for package in selection.packages:
            if package.override and package.marker and alone and _agreed(package, selections):
                override(draft, package, ())
            elif package.pythons and draft.view.requires(package.name):
                only_where_files_are(draft, package)
            elif package.override:
                _not_scoped(draft, package.name, "overridden", selection)
            elif package.constrain and package.index is None and package.name not in set(moved):
                condition = exact(of(package, allowed(draft, selection)))
                text = bound(package.name, package.specifier, condition)
                common = alone and all(
                    _bounds(s, package.name) == package.specifier for s in selections
                )
                if common:
                    draft.add(CONSTRAINTS, text, package.why)
                elif beside(draft.view, package.name, lists[at]):
                    draft.add(lists[at], text, package.why)
                else:
                    draft.warn(
                        "bound-not-scoped",
                        f"{text} holds with {selection.backend} alone and is not written",
                        f"write it into the extra or group that requires {package.name}",
                    )


def _not_scoped(
    draft: Draft, what: str, how: str, selection: Selection, options: PinOptions | None = None
) -> None:
    """Says what cannot be written for one backend alone; with `options` the others are extras or
    groups of the project's own, which can be pinned together with it."""
    theirs = [b for b in branches(draft.view) if b.path[-1] not in draft.names]
    backends = [of_index(draft.view, one, options) for one in theirs] if options else []
    way = "pin one backend, or leave that backend out"
    if backends and None not in backends:
        names = ",".join(dict.fromkeys(map(str, (*backends, selection.backend))))
        way = f"`--backends {names}" + (" --as extras`" if theirs[0].key == "extra" else "`")
    draft.warn(
        "override-not-scoped",
        f"{what} cannot be {how} for {selection.backend} alone, beside other backends",
        way,
    )


def _overridden(draft: Draft, moved: Iterable[str]) -> None:
    """Says which overrides of the project keep its lists from their indexes: what is overridden has
    no extra and no group any more, which a source could name."""
    for requirement in draft.view.requirements:
        own = requirement.place.kind == "override" and requirement.name in moved
        if own and platforms_of(requirement.marker or ""):
            draft.warn(
                "override-of-all-backends",
                f"override-dependencies, {requirement.raw!r}, holds for each of the backends, and "
                f"uv then takes {requirement.name} from the default index for all of them",
                "take it out: each backend has its bound; or pin one backend",
            )


def _agreed(package: Package, selections: Iterable[Selection]) -> bool:
    """Whether no backend overrides the package in another way."""
    others = [p for s in selections for p in s.packages if p.name == package.name and p.override]
    return all((p.specifier, p.marker) == (package.specifier, package.marker) for p in others)
