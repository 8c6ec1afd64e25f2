"""Which packages come from which index, and what that does to the project's requirements."""

from collections.abc import Iterable, Sequence

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.plan import PinOptions
from accelsel.model.selection import Package, Selection
from accelsel.model.value import replace
from accelsel.project import indexes, sources
from accelsel.project.draft import Draft
from accelsel.project.markers import JETSON, PLATFORMS, UNIVERSE, platforms_of, span, variables
from accelsel.project.read import FAMILY, ProjectView, is_direct
from accelsel.project.requirement import Requirement, rewrite
from accelsel.project.scan import Path
from accelsel.project.scopes import ABOVE, meets, other_backends
from accelsel.project.sources import Route

# what torch itself requires under names that only PyTorch's own indexes have
TRITONS = frozenset(
    {"pytorch-triton", "pytorch-triton-rocm", "pytorch-triton-xpu", "triton-rocm", "triton-xpu"}
)


def is_jetson(selection: Selection) -> bool:
    return bool(selection.backend and selection.backend.startswith("jetson"))


def target(selection: Selection) -> str | None:
    """The platform that was asked for, Jetson told apart."""
    return JETSON if is_jetson(selection) else selection.platform


def allowed(draft: Draft, selection: Selection) -> tuple[str, ...]:
    """The platforms of the selection that the project's `environments` leave, Jetson told apart."""
    known = tuple(name for name in selection.platforms if name in PLATFORMS)
    platforms = known or (selection.platform or "linux-x86_64",)
    if platforms[0] not in PLATFORMS:
        raise AccelselError(
            USAGE,
            "unknown-platform",
            f"no environment marker is known for the platform {platforms[0]}",
            help=f"name one of {', '.join(PLATFORMS)}",
        )
    out = bounded_out(draft.view, selection)
    platforms = tuple(p for p in span(platforms, jetson=is_jetson(selection)) if p not in out)
    if not draft.view.environments:
        return platforms
    inside = universe(draft.view)
    if selection.platform and target(selection) not in inside:
        draft.warn(
            "platform-not-in-environments",
            f"[tool.uv] environments leaves out {selection.platform}",
            "add its marker to environments, or name another --platform",
        )
    return tuple(p for p in platforms if p in inside) or platforms


def undivided(view: ProjectView, selection: Selection, served: Iterable[str]) -> Selection:
    """The selection, also for the platforms that an environment of the project has beside those of
    the build and that no index serves: uv asks for a wheel on each part of an environment that a
    marker splits off. `served` are the platforms that the default index has wheels for."""
    others = {*span(served)}

    def whole(platforms: Iterable[str]) -> tuple[str, ...]:
        known = {*span(p for p in platforms if p in PLATFORMS)}
        more: set[str] = set()
        for condition in view.environments if others else ():
            inside = platforms_of(condition)
            if inside & known and not inside & others - known:
                more |= inside - known
        return (*platforms, *(name for name in PLATFORMS if name in more))

    packages = (replace(one, platforms=whole(one.platforms)) for one in selection.packages)
    return replace(selection, platforms=whole(selection.platforms), packages=tuple(packages))


def universe(view: ProjectView) -> tuple[str, ...]:
    """The platforms that the project is locked for."""
    if not view.environments:
        return UNIVERSE
    inside = frozenset[str]().union(*map(platforms_of, view.environments))
    return tuple(name for name in UNIVERSE if name in inside)


def bounded_out(view: ProjectView, selection: Selection) -> frozenset[str]:
    """The platforms for which the project itself wants another torch than the selected one, by a
    requirement for other platforms than the target."""
    at, torch = target(selection), selection.torch
    theirs = other_backends(view, ())
    found: frozenset[str] = frozenset()
    for r in view.requirements if torch else ():
        if r.name == "torch" and r.marker and r.bound and r.path not in theirs:
            where = platforms_of(r.marker)
            apart = at not in where and "extra" not in variables(r.marker)
            if apart and torch is not None and not meets(torch, r.bound):
                found |= where
    return found


def single_routes(
    draft: Draft, selection: Selection, platforms: tuple[str, ...], options: PinOptions
) -> list[Route]:
    """Which packages come from which index, one backend for the whole project."""
    view = draft.view
    apart = tuple(sorted(bounded_out(view, selection)))
    wanted: dict[str, tuple[str, tuple[str, ...], str]] = {}
    if selection.index is not None:
        index = selection.index.name
        wanted["torch"] = (index, platforms, f"torch built for {selection.backend}")
        listed = {package.name for package in selection.packages}
        for name in () if indexes.is_file(selection.index) else FAMILY[1:]:
            if name not in listed and (view.requires(name) or name in options.locked):
                wanted[name] = (index, platforms, f"{name} from the index of torch")
    for package in selection.packages:
        if package.index is not None:
            where = of(package, platforms)
            if package.name in TRITONS:
                where = span({*where, *_asked_on(view, package.name)} & {*PLATFORMS})
            wanted[package.name] = (package.index, where, package.why)
    found: list[Route] = []
    for name, (index, where, why) in wanted.items():
        own = own_build(view, name, target(selection))
        if own is None:
            route = Route(
                name=name, index=index, platforms=where, why=why, apart=apart,
                locked=universe(view), python=selection.since,
            )  # fmt: skip
            found.append(route)
        else:
            draft.warn(
                "source-kept",
                f"{name} comes from the project's own source ({own}), which is left as it is",
                f"remove that source of {name} to take the selected build",
            )
    gone = _of_another_torch(view, selection, found, options)
    return [
        route if route.name == "torch" or {*route.platforms} <= gone else _without(route, gone)
        for route in found
    ]


def _without(route: Route, gone: frozenset[str]) -> Route:
    return replace(route, platforms=tuple(p for p in route.platforms if p not in gone))


def _of_another_torch(
    view: ProjectView, selection: Selection, routes: Iterable[Route], options: PinOptions
) -> frozenset[str]:
    """The platforms for which the project itself takes torch from elsewhere than the selected
    index, so that nothing built for the selected torch belongs there."""
    torch = next((route for route in routes if route.name == "torch"), None)
    if torch is None or selection.index is None:
        return frozenset()
    own = indexes.serving(view, selection.index, options.mirrors) or {}
    stay = sources.kept(view.sources.get("torch", ()), torch, target(selection))
    return frozenset[str]().union(
        *(
            sources.covers(e)
            for e in stay
            if sources.scope(e) == torch.scope and e.get("index", "") != own.get("name")
        )
    )


def _asked_on(view: ProjectView, name: str) -> frozenset[str]:
    """The platforms on which the project itself requires a package."""
    markers = [r.marker or "" for r in view.requirements if r.name == name and is_direct(r)]
    return frozenset[str]().union(*map(platforms_of, markers))


def own_build(view: ProjectView, name: str, at: str | None) -> str | None:
    """How the project builds or vendors the package itself on the target platform."""
    entry = sources.owned(view.sources.get(name, ()), at)
    if entry is not None:
        return next(kind for kind in sources.OWN if kind in entry)
    return next(
        (
            "a direct URL"
            for r in view.requirements
            if r.name == name and is_direct(r) and r.url is not None and not _is_release(r)
        ),
        None,
    )


def _is_release(requirement: Requirement) -> bool:
    """Whether a URL is that of a released file, so that a version says the same."""
    return str(requirement.url).startswith(("http://", "https://")) and requirement.bound != ""


def left(
    view: ProjectView, routes: Iterable[Route], platforms: tuple[str, ...], at: str | None
) -> tuple[str, ...]:
    """The platforms of torch that the project's own sources leave to the pin."""
    torch = next((route for route in routes if route.name == "torch"), None)
    if torch is None:
        return platforms
    stay = sources.kept(view.sources.get("torch", ()), torch, at)
    others = frozenset[str]().union(
        *(sources.covers(e) for e in stay if sources.scope(e) == torch.scope)
    )
    return tuple(p for p in platforms if p not in others)


def of(package: Package, platforms: tuple[str, ...]) -> tuple[str, ...]:
    """The package's own platforms, as far as the project has torch on them."""
    if package.everywhere:
        return UNIVERSE
    known = span(p for p in package.platforms if p in PLATFORMS)
    return tuple(p for p in known if p in platforms) or platforms


def older_tritons(selection: Selection) -> frozenset[str]:
    """The names that triton had for older torch releases of the selection's range."""
    names = [package.name for package in selection.packages if package.name in TRITONS]
    return frozenset(names[1:])


def requirements(
    draft: Draft,
    routes: Sequence[Route],
    lists: Iterable[Path] = (),
    *,
    older: frozenset[str] = frozenset(),
) -> None:
    """URLs and local versions of the torch family as versions; companions that torch of another
    backend needed go, and beside `lists` those of `older` that only some torch needs. Extras and
    groups with an index of their own for the package stay, and those of other backends than the
    ones of `lists`."""
    lists = tuple(lists)
    own = other_backends(draft.view, lists)
    torch = {r.path for r in draft.view.requirements if r.name == "torch"}
    mine: dict[str, set[sources.Scope]] = {}
    for route in routes:
        mine.setdefault(route.name, set()).add(route.scope)
    for requirement in draft.view.requirements:
        name, raw = requirement.name, requirement.raw
        scoped = {sources.scope(e) for e in draft.view.sources.get(name, ())} - {(None, None)}
        if name in TRITONS and requirement.path in draft.anew:
            scoped = set()  # it was the triton of the backend that the list had
        if requirement.path in own or _scope(requirement) in scoped - mine.get(name, set()):
            continue
        if any(r.name == name and _for_others(requirement, r) for r in routes):
            continue
        if "extra" in variables(requirement.marker or ""):
            continue
        beside = name in older and requirement.path not in lists
        if mine and name in TRITONS and (beside or name not in mine):
            if requirement.place.kind in ABOVE and requirement.path not in torch:
                continue
            why = "torch asks for it itself" if beside else f"{name} belongs to another backend"
            draft.swap(requirement.path, raw, None, why)
        elif name not in {*FAMILY, *mine}:
            continue
        elif requirement.url is not None and _is_release(requirement):
            why = "a version, so that it can come from the index"
            draft.swap(requirement.path, raw, rewrite(requirement), why)
        elif "+" in requirement.specifier:
            why = "the local part comes from the index"
            draft.swap(requirement.path, raw, rewrite(requirement), why)


def _for_others(requirement: Requirement, route: Route) -> bool:
    """Whether a requirement is for platforms alone that the project keeps apart."""
    where = platforms_of(requirement.marker or "")
    return bool(route.apart) and where <= {*route.apart} and not where & {*route.platforms}


def _scope(requirement: Requirement) -> sources.Scope:
    """The scope of a source that would serve this requirement alone."""
    place = requirement.place
    return (
        place.name if place.kind == "extra" else None,
        place.name if place.kind == "group" else None,
    )
