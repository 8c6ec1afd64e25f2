"""Several backends in one project: an extra or group for each, exclusive of each other."""

from collections.abc import Iterable, Sequence

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.plan import PinOptions, Shape
from accelsel.model.selection import Selection
from accelsel.project import sources
from accelsel.project.draft import CONSTRAINTS, UV, Draft, bound
from accelsel.project.markers import exact
from accelsel.project.read import FAMILY, ProjectView, is_direct, table
from accelsel.project.requirement import Requirement, normalize, written
from accelsel.project.routes import TRITONS, allowed, of, requirements
from accelsel.project.scan import Path
from accelsel.project.sources import Route, Scope
from accelsel.project.wiring import write_sources
from accelsel.project.write import builds, masks, settings_that_defeat

KEYS = {"extras": "extra", "groups": "group"}


def declared(view: ProjectView) -> Shape | None:
    """How the project itself keeps several backends apart: by sources of torch that hold for one
    extra or group. A source for the whole project would contradict those, so one backend is then
    written as one more extra or group."""
    scopes = [sources.scope(e) for e in view.sources.get("torch", ()) if "index" in e]
    if any(group for _, group in scopes):
        return "groups"
    return "extras" if any(extra for extra, _ in scopes) else None


def write_variants(
    draft: Draft, selections: tuple[Selection, ...], options: PinOptions, shape: Shape
) -> None:
    """Collects the edits for one extra or group per selection."""
    view = draft.view
    _refuse(view, shape)
    lists = _lists(view, selections, shape)
    moved = _moved(view, selections)
    routes: list[Route] = []
    for at, selection in enumerate(selections):
        platforms = allowed(draft, selection)
        _fill(draft, selection, lists[at], moved)
        scope: Scope = (lists[at][-1], None) if shape == "extras" else (None, lists[at][-1])
        routes += _routes(draft, selection, platforms, scope, moved, lists[at])
    routes = _tritons(draft, selections, routes, lists, shape)
    if options.shape != "single":
        _leave(draft, moved, lists)
    requirements(draft, routes)
    _constraints(draft, selections, moved)
    write_sources(draft, selections, routes, options, scoped=frozenset(moved))
    for selection in selections:
        masks(draft, selection, options)
        builds(draft, selection)
    names = [path[-1] for path in lists]
    apart = _conflicts(draft, names, KEYS[shape])
    if shape == "groups":
        _default_groups(draft, names[0], apart)
    settings_that_defeat(draft, selections[0])


def _refuse(view: ProjectView, shape: Shape) -> None:
    if view.is_script:
        raise AccelselError(
            USAGE,
            "script-backends",
            "a script has neither extras nor groups, so one backend at most",
            where=view.path,
            help="pin the script with one --backend",
        )
    if shape == "extras" and view.is_virtual:
        raise AccelselError(
            USAGE,
            "no-extras",
            "extras belong to [project], which the file does not have",
            where=view.path,
            help="use --as groups",
        )


def _lists(view: ProjectView, selections: Iterable[Selection], shape: Shape) -> tuple[Path, ...]:
    """The array of each selection's extra or group; an existing one of that name is adopted."""
    above: Path = (
        ("project", "optional-dependencies") if shape == "extras" else ("dependency-groups",)
    )
    present = {normalize(name): name for name in table(view.data, *above)}
    wanted = [normalize(s.backend or "") for s in selections]
    return tuple((*above, present.get(name, name)) for name in wanted)


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


def _fill(draft: Draft, selection: Selection, path: Path, moved: Iterable[str]) -> None:
    """The list of one backend holds what moved, each with the bounds of that backend."""
    view = draft.view
    base = [r for r in view.requirements if r.place.kind == "dependencies"]
    here = [r for r in view.requirements if r.path == path]
    backend = selection.backend
    for name in moved:
        specifier = _bounds(selection, name)
        mine = [r for r in here if r.name == name]
        for requirement in mine:
            new = written(requirement, merged(requirement.bound, specifier))
            draft.swap(path, requirement.raw, new, f"the bounds of {backend}")
        if mine:
            continue
        originals = [r for r in base if r.name == name]
        for requirement in originals:
            new = written(requirement, merged(requirement.bound, specifier))
            draft.add(path, new, f"{name} for {backend}")
        if not originals and (name == "torch" or not _elsewhere(view, name, path)):
            draft.add(path, f"{name}{specifier}", f"{name} for {backend}")


def _elsewhere(view: ProjectView, name: str, path: Path) -> bool:
    """Whether the project requires the package in another extra or group alone."""
    return any(r.name == name and is_direct(r) and r.path != path for r in view.requirements)


def _bounds(selection: Selection, name: str) -> str:
    if name == "torch":
        return selection.torch.specifier if selection.torch else ""
    return next((p.specifier for p in selection.packages if p.name == name and p.constrain), "")


def merged(one: str, two: str) -> str:
    """Both specifier sets as one, without the bounds that the other makes needless."""
    from packaging.version import InvalidVersion, Version

    clauses = dict.fromkeys(c.strip() for c in f"{one},{two}".split(",") if c.strip())
    exact = [c for c in clauses if c.startswith("==") and not c.endswith("*")]
    if exact:
        return exact[0]

    def order(clause: str) -> tuple[Version, bool]:
        """Lower bounds from the laxest to the strictest, upper bounds from the strictest on."""
        strict = clause[1:2] != "="
        return Version(clause.lstrip("<>=")), strict == clause.startswith(">")

    try:
        lower = sorted((c for c in clauses if c.startswith(">")), key=order)[:-1]
        upper = sorted((c for c in clauses if c.startswith("<")), key=order)[1:]
    except InvalidVersion:
        return ",".join(clauses)
    return ",".join(c for c in clauses if c not in {*lower, *upper})


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


def _names(draft: Draft, path: Path) -> list[str]:
    from accelsel.project.change import about

    return [about(item) for item in draft.now(path) or () if isinstance(item, str)]


def _tritons(
    draft: Draft,
    selections: Sequence[Selection],
    routes: list[Route],
    lists: Sequence[Path],
    shape: Shape,
) -> list[Route]:
    """What torch requires from its own index under names of its own, or of packages that are no
    requirement of the project: by a constraint where one backend has it, else in each list."""
    moved = {r.name for r in routes}
    where: dict[str, list[int]] = {}
    for at, selection in enumerate(selections):
        for package in selection.packages:
            if package.index is not None and package.name not in moved:
                where.setdefault(package.name, []).append(at)
    for name, users in where.items():
        packages = [next(p for p in selections[at].packages if p.name == name) for at in users]
        own = any(sources.scope(e) != (None, None) for e in draft.view.sources.get(name, ()))
        same = len({p.index for p in packages}) == 1 and not own
        for at, package in zip(users, packages, strict=True):
            selection = selections[at]
            platforms = of(package, allowed(draft, selection))
            scope: Scope = (None, None)
            if same:
                condition = exact(platforms)
                if not draft.view.requires(name):
                    draft.add(CONSTRAINTS, bound(name, "", condition), package.why)
            else:
                extra = lists[at][-1]
                scope = (extra, None) if shape == "extras" else (None, extra)
                draft.add(lists[at], bound(name, "", exact(platforms)), package.why)
            index = package.index or ""
            route = Route(
                name=name, index=index, platforms=platforms, scope=scope,
                why=package.why,
            )  # fmt: skip
            if route not in routes:
                routes.append(route)
    return routes


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


def _published(view: ProjectView) -> bool:
    package = view.uv.get("package")
    return bool(package if isinstance(package, bool) else "build-system" in view.data)


def _constraints(draft: Draft, selections: Sequence[Selection], moved: Iterable[str]) -> None:
    """Bounds on packages that are in none of the lists."""
    for selection in selections:
        for package in selection.packages:
            if package.override:
                draft.warn(
                    "override-not-scoped",
                    f"{package.name} cannot be overridden for {selection.backend} alone",
                    "pin one backend, or leave that backend out",
                )
            elif package.constrain and package.index is None and package.name not in set(moved):
                condition = exact(of(package, allowed(draft, selection)))
                text = bound(package.name, package.specifier, condition)
                draft.add(CONSTRAINTS, text, package.why)


def _conflicts(draft: Draft, names: Sequence[str], key: str) -> frozenset[str]:
    """The extras or groups exclude each other, also those by which the project itself tells
    backends apart; a set of the project's that has some of them is extended. All their names."""
    path = (*UV, "conflicts")
    own = [str(e[key]) for e in draft.view.sources.get("torch", ()) if key in e and "index" in e]
    wanted = {normalize(name): name for name in (*own, *names)}
    for present in draft.view.conflicts:
        if not isinstance(present, list):
            continue
        inside = {normalize(str(e[key])) for e in present if isinstance(e, dict) and key in e}
        if inside & set(wanted):
            missing = [{key: name} for n, name in wanted.items() if n not in inside]
            draft.swap(path, present, [*present, *missing], "one backend at a time")
            return frozenset(inside | set(wanted))
    if len(wanted) > 1:
        draft.add(path, [{key: name} for name in wanted.values()], "one backend at a time")
    return frozenset(wanted)


def _default_groups(draft: Draft, first: str, apart: frozenset[str]) -> None:
    """A plain `uv sync` has the first backend and keeps the groups that it had, but for those that
    exclude it."""
    view = draft.view
    present = view.uv.get("default-groups")
    groups = list(table(view.data, "dependency-groups"))
    if isinstance(present, list):
        kept = [str(name) for name in present]
    elif present == "all":
        kept = groups
    else:
        kept = ["dev"] if "dev" in groups or "dev-dependencies" in view.uv else []
    others = [name for name in kept if normalize(name) not in apart]
    draft.set((*UV, "default-groups"), [*others, first], "a plain `uv sync` has one backend")
