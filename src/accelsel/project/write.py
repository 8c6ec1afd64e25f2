"""What a selection means for a project, said as edits."""

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.plan import Edit, PinOptions
from accelsel.model.selection import Package, Selection, Warning_
from accelsel.model.table import Index
from accelsel.project import indexes, sources
from accelsel.project.change import applied, look
from accelsel.project.markers import PLATFORMS, marker, platforms_of
from accelsel.project.read import FAMILY, ProjectView
from accelsel.project.requirement import rewrite
from accelsel.project.scan import Path
from accelsel.project.sources import Route

UV: Path = ("tool", "uv")
CONSTRAINTS: Path = (*UV, "constraint-dependencies")
OVERRIDES: Path = (*UV, "override-dependencies")
SOURCES: Path = (*UV, "sources")
# what torch itself requires under names that only PyTorch's own indexes have
TRITONS = frozenset(
    {"pytorch-triton", "pytorch-triton-rocm", "pytorch-triton-xpu", "triton-rocm", "triton-xpu"}
)


Names = dict[str, str]  # an index's name in the rules table -> its name in the project


class Draft:
    """Edits as they are collected, over the project as it is without any pin."""

    def __init__(self, view: ProjectView) -> None:
        self.view = view
        self.warnings: list[Warning_] = []
        self._edits: list[Edit] = []

    def edits(self) -> tuple[Edit, ...]:
        return tuple(self._edits)

    def now(self, path: Path) -> Any:
        """The value at `path` after the edits so far."""
        return look(applied(self.view.data, self._edits), path)

    def set(self, path: Path, value: Any, why: str) -> None:
        """The value at `path` becomes `value`; None removes it."""
        before = look(self.view.data, path)
        if before != value:
            self._edits.append(
                Edit(table=path[:-1], key=path[-1], before=before, after=value, why=why)
            )

    def add(self, path: Path, item: Any, why: str) -> None:
        """The array at `path` has `item`."""
        if item not in (self.now(path) or ()):
            self._item(path, None, item, why)

    def swap(self, path: Path, before: Any, after: Any, why: str) -> None:
        """The array's element `before` becomes `after`, if it is still there; None removes it."""
        present = self.now(path) or []
        if before != after and before in present:
            index = None if after is not None else present.index(before)
            self._item(path, before, after, why, index)

    def _item(
        self, path: Path, before: Any, after: Any, why: str, index: int | None = None
    ) -> None:
        self._edits.append(
            Edit(
                table=path[:-1],
                key=path[-1],
                before=before,
                after=after,
                why=why,
                item=True,
                index=index,
            )
        )

    def warn(self, code: str, message: str, hint: str | None = None) -> None:
        self.warnings.append(Warning_(code=code, message=message, hint=hint))


def write_one(draft: Draft, selections: tuple[Selection, ...], options: PinOptions) -> Names:
    """Collects the edits for one backend in the whole project; the names of its indexes in it."""
    selection = selections[0]
    platforms = allowed(draft, selection)
    routes = single_routes(draft, selection, platforms)
    requirements(draft, routes)
    mine = left(draft.view, routes, platforms, selection.platform)
    constraints(draft, selection, routes, mine)
    names = write_sources(draft, selections, routes, options)
    extras_by_override(draft, selection, platforms)
    masks(draft, selection, options)
    builds(draft, selection)
    settings_that_defeat(draft)
    return names


def is_jetson(selection: Selection) -> bool:
    return bool(selection.backend and selection.backend.startswith("jetson"))


def allowed(draft: Draft, selection: Selection) -> tuple[str, ...]:
    """The platforms of the selection that the project's `environments` leave."""
    known = tuple(name for name in selection.platforms if name in PLATFORMS)
    platforms = known or (selection.platform or "linux-x86_64",)
    if platforms[0] not in PLATFORMS:
        raise AccelselError(
            USAGE,
            "unknown-platform",
            f"no environment marker is known for the platform {platforms[0]}",
            help=f"name one of {', '.join(PLATFORMS)}",
        )
    if not draft.view.environments:
        return platforms
    universe = frozenset[str]().union(*(platforms_of(m) for m in draft.view.environments))
    if selection.platform and selection.platform not in universe:
        draft.warn(
            "platform-not-in-environments",
            f"[tool.uv] environments leaves out {selection.platform}",
            "add its marker to environments, or name another --platform",
        )
    return tuple(p for p in platforms if p in universe) or platforms


def single_routes(draft: Draft, selection: Selection, platforms: tuple[str, ...]) -> list[Route]:
    """Which packages come from which index, one backend for the whole project."""
    view, jetson = draft.view, is_jetson(selection)
    found: dict[str, Route] = {}

    def route(name: str, index: str, where: tuple[str, ...], why: str) -> None:
        own = sources.owned(view.sources.get(name, ()), selection.platform)
        if own is not None:
            how = next(k for k in ("git", "path", "workspace", "editable") if k in own)
            draft.warn(
                "source-kept",
                f"{name} comes from the project's own source ({how}), which is left as it is",
                f"remove {name} from [tool.uv.sources] to take the selected build",
            )
            return
        found[name] = Route(name=name, index=index, platforms=where, jetson=jetson, why=why)

    file = selection.index is not None and indexes.is_file(selection.index)
    if selection.index is not None:
        route("torch", selection.index.name, platforms, f"torch built for {selection.backend}")
    listed = {package.name for package in selection.packages}
    for name in () if file else FAMILY[1:]:
        if selection.index is not None and name not in listed and view.requires(name):
            route(name, selection.index.name, platforms, f"{name} from the index of torch")
    for package in selection.packages:
        if package.index is not None:
            route(package.name, package.index, of(package, platforms), package.why)
    return list(found.values())


def left(
    view: ProjectView, routes: Iterable[Route], platforms: tuple[str, ...], target: str | None
) -> tuple[str, ...]:
    """The platforms of torch that the project's own sources leave to the pin."""
    torch = next((route for route in routes if route.name == "torch"), None)
    if torch is None:
        return platforms
    stay = sources.kept(view.sources.get("torch", ()), torch, target)
    others = frozenset[str]().union(
        *(sources.covers(e) for e in stay if sources.scope(e) == torch.scope)
    )
    return tuple(p for p in platforms if p not in others)


def of(package: Package, platforms: tuple[str, ...]) -> tuple[str, ...]:
    """The package's own platforms, as far as the project has torch on them."""
    if package.everywhere:
        return tuple(PLATFORMS)
    return tuple(p for p in package.platforms if p in platforms) or platforms


def requirements(draft: Draft, routes: Iterable[Route]) -> None:
    """URLs and local versions of the torch family as versions; companions that torch of another
    backend needed go."""
    names = {route.name for route in routes}
    for requirement in draft.view.requirements:
        name = requirement.name
        if name in TRITONS - names and names:
            why = f"{name} belongs to another backend"
            draft.swap(requirement.path, requirement.raw, None, why)
        elif name in {*FAMILY, *names} and (
            requirement.url is not None or "+" in requirement.specifier
        ):
            if requirement.url is not None and not requirement.url.startswith("http"):
                continue
            why = (
                "a version, so that it can come from the index"
                if requirement.url
                else ("the local part comes from the index")
            )
            draft.swap(requirement.path, requirement.raw, rewrite(requirement), why)


def constraints(
    draft: Draft, selection: Selection, routes: Iterable[Route], platforms: tuple[str, ...]
) -> None:
    """Bounds, and what lets a source reach a package that is not the project's own requirement."""
    view, jetson = draft.view, is_jetson(selection)
    routed = {route.name for route in routes}
    if selection.torch is not None and (selection.index is None or "torch" in routed):
        specifier = selection.torch.specifier
        if specifier or selection.index is not None:
            why = f"torch {selection.torch.version} and its like suit this host"
            condition = marker(platforms, jetson=jetson)
            draft.add(CONSTRAINTS, bound("torch", specifier, condition), why)
    for package in selection.packages:
        name, where = package.name, of(package, platforms)
        if package.override:
            override(draft, package, where)
        elif package.constrain or (name in routed and not view.requires(name)):
            specifier = package.specifier if package.constrain else ""
            condition = marker(where, jetson=jetson)
            draft.add(CONSTRAINTS, bound(name, specifier, condition), package.why)


def override(draft: Draft, package: Package, where: tuple[str, ...]) -> None:
    """What every package requires of a name is replaced: on `where` by the package's specifier, on
    its `elsewhere` by any version, on other platforms by nothing."""
    draft.add(OVERRIDES, bound(package.name, package.specifier, marker(where)), package.why)
    if package.elsewhere:
        others = bound(package.name, "", marker(package.elsewhere))
        draft.add(OVERRIDES, others, "elsewhere in any version")


def bound(name: str, specifier: str, condition: str) -> str:
    """A requirement string; without a bound `>=0`, since uv drops a constraint that has none."""
    text = f"{name}{specifier or '>=0'}"
    return f"{text} ; {condition}" if condition else text


def write_sources(
    draft: Draft,
    selections: tuple[Selection, ...],
    routes: list[Route],
    options: PinOptions,
    scoped: frozenset[str] = frozenset(),
) -> Names:
    """Sources and the indexes that they name; PyTorch indexes that nothing needs any more go.

    Of the packages `scoped`, only entries of extras or groups may use a PyTorch index.
    """
    view, target = draft.view, selections[0].platform
    old = frozenset(
        str(e.get("name")) for e in view.indexes if indexes.is_pytorch(indexes.url_of(e))
    )
    entries = {
        name: [
            e
            for e in value
            if name not in scoped or sources.scope(e) != (None, None) or e.get("index") not in old
        ]
        for name, value in view.sources.items()
    }
    begin = {name: tuple(value) for name, value in entries.items()}
    for route in routes:
        entries[route.name] = sources.kept(entries.get(route.name, ()), route, target)
    gone = {r.name for r in routes} or {*FAMILY}
    for name in TRITONS & set(entries) - gone:
        entries[name] = [e for e in entries[name] if e.get("index") not in old or not routes]
    if not routes:
        platforms = selections[0].platforms
        for name in {*FAMILY} & set(entries):
            entries[name] = sources.without(entries[name], platforms, old)
    named = {str(e["index"]) for many in entries.values() for e in many if "index" in e}
    routes = [placed(route, selections, options) for route in routes]
    wanted = needed(selections, [route for route in routes if not route.file])
    names = write_indexes(draft, wanted, named, options)
    for name, before in view.sources.items():
        if name not in {r.name for r in routes} and list(before) != entries[name]:
            path = (*SOURCES, view.keys[name])
            new = sources.as_value(entries[name], look(view.data, path))
            draft.set(path, new, f"{name} of another backend")
    for name in dict.fromkeys(r.name for r in routes):
        value = list(begin.get(name, ()))
        mine = [r for r in routes if r.name == name]
        for route in mine:
            index = names.get(route.index, route.index)
            value = sources.routed(tuple(value), route, index, target)
        path = (*SOURCES, view.keys.get(name, name))
        draft.set(path, sources.as_value(value, look(view.data, path)), mine[0].why)
    return names


def placed(route: Route, selections: Iterable[Selection], options: PinOptions) -> Route:
    """The route, with the wheel's URL where its index is none."""
    for index in (s.index for s in selections if s.index is not None):
        if index.name == route.index and indexes.is_file(index):
            return replace(route, file=indexes.mirrored(index.url, options.mirrors))
    return route


def needed(selections: Iterable[Selection], routes: Iterable[Route]) -> list[Index]:
    """The indexes that the routes name, each once."""
    known = {i.name: i for s in selections for i in (*((s.index,) if s.index else ()), *s.indexes)}
    return [known[name] for name in dict.fromkeys(r.index for r in routes)]


def write_indexes(
    draft: Draft, wanted: Iterable[Index], named: set[str], options: PinOptions
) -> Names:
    """The name under which the project has each wanted index, written where it lacks it.

    `named` are the indexes that sources other than the pin's name. A PyTorch index that served
    what the pin now routes elsewhere, or that was not explicit, is replaced.
    """
    view = draft.view
    own = {i.name: indexes.serving(view, i, options.mirrors) for i in wanted}
    serving = [e for e in own.values() if e is not None]
    used = {str(e.get("index")) for many in view.sources.values() for e in many}
    retired = [
        e
        for e in view.indexes
        if indexes.is_pytorch(indexes.url_of(e))
        and e not in serving
        and str(e.get("name")) not in named
        and (not e.get("explicit") or str(e.get("name")) in used)
    ]
    taken = {str(e["name"]) for e in view.indexes if "name" in e and e not in retired}
    names: Names = {}
    added: list[dict[str, Any]] = []
    for index in wanted:
        entry = own[index.name]
        if entry is None:
            new = indexes.new_entry(index, options.mirrors, taken)
            added.append(new)
            names[index.name] = new["name"]
        else:
            name = str(entry.get("name") or index.name)
            url = indexes.url_of(entry)
            if indexes.plain(url) == indexes.plain(index.url):
                moved = indexes.mirrored(index.url, options.mirrors)
                url = url if indexes.plain(moved) == indexes.plain(url) else moved
            fixed = indexes.made_explicit(entry, name, url)
            draft.swap(indexes.PATH, dict(entry), fixed, "explicit: for what names it alone")
            names[index.name] = name
        taken.add(names[index.name])
    for at, entry in enumerate(retired):
        new_or_none = added[at] if at < len(added) else None
        why = "in the place of another backend's" if new_or_none else "nothing uses it any more"
        draft.swap(indexes.PATH, dict(entry), new_or_none, why)
    for entry in added[len(retired) :]:
        draft.add(indexes.PATH, entry, "where the build comes from")
    for entry in view.indexes:
        if (
            indexes.is_pytorch(indexes.url_of(entry))
            and entry not in retired
            and entry not in serving
            and not entry.get("explicit")
            and entry.get("name")
        ):
            fixed = indexes.made_explicit(entry, str(entry["name"]), indexes.url_of(entry))
            draft.swap(indexes.PATH, dict(entry), fixed, "explicit: for what names it alone")
    return names


def extras_by_override(draft: Draft, selection: Selection, platforms: tuple[str, ...]) -> None:
    """Extras that bring a build's device code; uv drops them from constraints, so overrides."""
    view = draft.view
    wanted = {p.name: p.extras for p in selection.packages if p.extras}
    if selection.torch is not None and selection.torch.extras:
        wanted = {"torch": selection.torch.extras, **wanted}
    others = [name for name in PLATFORMS if name not in platforms]
    for name, extras in wanted.items():
        specifier = view.bounds(name)
        why = f"the extra that brings {name}'s code for this GPU"
        with_extras = f"{name}[{','.join(extras)}]"
        draft.add(OVERRIDES, bound(with_extras, specifier, marker(platforms)), why)
        if others:
            draft.add(OVERRIDES, bound(name, specifier, marker(others)), "elsewhere as it was")


def masks(draft: Draft, selection: Selection, options: PinOptions) -> None:
    """Names that must not be installed, and environments asked for."""
    for name in selection.excludes:
        why = "another distribution owns its import package"
        draft.add((*UV, "exclude-dependencies"), name, why)
    if not draft.view.is_script:
        confined = selection.confined and not draft.view.environments
        own = [marker((name,)) for name in allowed(draft, selection)] if confined else []
        for condition in options.environments or own:
            draft.add((*UV, "environments"), condition, "the lock is for these alone")


def builds(draft: Draft, selection: Selection) -> None:
    """How packages are built that compile against torch, and metadata that uv cannot read."""
    for package in selection.packages:
        name = package.name
        path = (*UV, "extra-build-dependencies", name)
        if package.match_runtime:
            torch = {"requirement": "torch", "match-runtime": True}
            draft.add(path, torch, f"{name} compiles against the project's torch")
            isolated = look(draft.view.data, (*UV, "no-build-isolation-package"))
            if isinstance(isolated, list) and name in isolated:
                why = "its build finds torch in isolation now"
                draft.swap((*UV, "no-build-isolation-package"), name, None, why)
        for requirement in package.build_requires:
            draft.add(path, requirement, f"the build of {name} needs it")
        variables = (*UV, "extra-build-variables", name)
        if package.build_variables and look(draft.view.data, variables) is None:
            draft.set(variables, dict(package.build_variables), f"for the build of {name}")
        else:
            for key, value in package.build_variables.items():
                draft.set((*variables, key), value, f"for the build of {name}")
        if package.requires_dist is not None:
            entry: dict[str, Any] = {"name": name}
            if package.metadata_version:
                entry["version"] = package.metadata_version
            entry["requires-dist"] = list(package.requires_dist)
            why = f"uv cannot read the metadata of {name} without building it"
            draft.add((*UV, "dependency-metadata"), entry, why)


def settings_that_defeat(draft: Draft) -> None:
    """Settings under which the pin would not hold are taken out, or told where they stay."""
    view = draft.view
    for key in ("extra-index-url", "find-links"):
        value = view.uv.get(key)
        for url in value if isinstance(value, list) else ():
            if isinstance(url, str) and indexes.is_pytorch(url):
                draft.swap((*UV, key), url, None, "PyTorch's index is explicit now")
    url = view.uv.get("index-url")
    if isinstance(url, str) and indexes.is_pytorch(url):
        draft.set((*UV, "index-url"), None, "PyTorch's index is explicit now")
    strategy = view.uv.get("index-strategy")
    if isinstance(strategy, str) and strategy.startswith("unsafe"):
        if _others(draft):
            draft.warn(
                "index-strategy",
                f"[tool.uv] index-strategy is {strategy}, left for the project's other indexes",
                "make the other indexes explicit and remove it",
            )
        else:
            why = "every index but the default one is explicit now"
            draft.set((*UV, "index-strategy"), None, why)
    for where in (view.uv, view.uv.get("pip")):
        if isinstance(where, Mapping) and "torch-backend" in where:
            draft.warn(
                "torch-backend-inert",
                "torch-backend in the file acts on `uv pip` alone, not on `uv lock` and `uv sync`",
                "it can be removed",
            )
            break


def _others(draft: Draft) -> bool:
    """Whether an index that is neither PyTorch's nor explicit stands beside the default one."""
    entries = draft.now(indexes.PATH) or ()
    if any(not e.get("explicit") and not e.get("default") for e in entries):
        return True
    extra = draft.now((*UV, "extra-index-url"))
    return bool(extra)
