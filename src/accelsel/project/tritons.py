"""Several backends of which some own the files of triton, and others take triton itself."""

from collections.abc import Collection, Iterable, Sequence

from accelsel.model.plan import PinOptions, Shape
from accelsel.model.selection import Selection
from accelsel.model.value import replace
from accelsel.project import sources
from accelsel.project.draft import CONSTRAINTS, OVERRIDES, SOURCES, UV, Draft, bound
from accelsel.project.indexes import is_pytorch
from accelsel.project.markers import UNIVERSE, exact
from accelsel.project.read import is_direct
from accelsel.project.routes import TRITONS, allowed, of
from accelsel.project.scan import Path
from accelsel.project.scopes import ABOVE, KEYS, branches, of_index
from accelsel.project.sources import Route, Scope


def divided(selections: Sequence[Selection]) -> bool:
    """Whether triton belongs beside the torch of some backends and not beside that of others."""
    without = ["triton" in selection.excludes for selection in selections]
    return any(without) and any(map(_has, selections))


def kept_to_torch(selections: Iterable[Selection]) -> tuple[Selection, ...]:
    """The selections with the torch of those that take triton bound to the release whose triton
    `apart` writes down."""
    return tuple(
        replace(one, torch=replace(one.torch, specifier=f"=={one.torch.version}"))
        if one.torch is not None and _has(one) and (one.backend or "").startswith("cu")
        else one
        for one in selections
    )


def apart(
    draft: Draft, selections: Sequence[Selection], lists: Sequence[Path], shape: Shape
) -> tuple[str, ...]:
    """Triton is required by the lists of those backends that take it, and by nothing else; the
    extras that are written for that alone and hold several releases of it.

    uv reads `extra` in an override as the extra whose list has the requirement: what a package
    asks for is replaced by nothing, what the extra lists by its own triton. A group has no such
    name and lists an extra of its own, which holds triton alone. (Run on uv 0.9.0 and 0.13.8.)
    """
    key = KEYS[shape]
    releases: dict[str, str] = {}
    for selection, path in zip(selections, lists, strict=True):
        if not _has(selection) or selection.triton is None:
            continue
        why = f"the triton of torch for {selection.backend}, and of no other backend"
        extra = path[-1] if key == "extra" else f"triton-{path[-1]}"
        draft.add((*ABOVE["extra"], extra), "triton", why)
        if key == "group":
            draft.add(path, f"{draft.view.name}[{extra}]", why)
        wanted, _, marker = selection.triton.partition(" ; ")
        draft.add(OVERRIDES, f"{wanted} ; extra == '{extra}' and {marker}", why)
        releases[extra] = wanted
    several = key == "group" and len({*releases.values()}) > 1
    return tuple(releases) if several else ()


def exclusive(draft: Draft, extras: Sequence[str]) -> None:
    """The extras of groups that hold several releases of triton exclude each other too, as uv does
    not see by the groups that no two of them meet. (Run on uv 0.9.30, 0.10.12, 0.11.32, 0.13.8.)"""
    if extras:
        members = [{"extra": name} for name in extras]
        draft.add((*UV, "conflicts"), members, "several releases of triton")
        draft.warn(
            "triton-releases",
            f"the extras {', '.join(extras)} hold several releases of triton and exclude each "
            "other, and uv before 0.11 then installs none of them with its group",
            "require uv 0.11 in [tool.uv] required-version, or --as extras",
        )


def of_the_others(
    draft: Draft, lists: Collection[Path], routed: Collection[str], options: PinOptions
) -> None:
    """The triton of each backend that the project keeps in an extra or group of its own, beside
    `lists`: torch of ROCm and XPU asks for one that its own index alone has. Nothing is written of
    a name that is `routed` already, or that two of these indexes would have to serve."""
    view = draft.view
    places: dict[str, set[str]] = {}
    for branch in branches(view):
        backend = None if branch.path in lists else of_index(view, branch, options)
        for name in TRITONS if backend else ():
            if (backend or "").startswith(name.rpartition("-")[2]):
                places.setdefault(name, set()).add(str(branch.source["index"]))
    for name, names in sorted(places.items()):
        if len(names) == 1 and name not in {*routed, *view.sources}:
            [index] = names
            why = f"torch from {index} asks for it, which only that index has"
            draft.add(CONSTRAINTS, bound(name, "", ""), why)
            draft.set((*SOURCES, name), {"index": index}, why)


def _has(selection: Selection) -> bool:
    return selection.triton is not None and "triton" not in selection.excludes


def routed(
    draft: Draft,
    selections: Sequence[Selection],
    routes: list[Route],
    lists: Sequence[Path],
    shape: Shape,
    others: frozenset[Path],
    *,
    alone: bool,
) -> list[Route]:
    """What torch requires from its own index under names of its own, or of packages that are no
    requirement of the project: in each list, or by a constraint where it is the same for all, which
    it can be only if `alone`, without other backends of the project's own, or from an index that is
    of no backend. A constraint installs nothing, so it can hold all the names that a triton had
    over the releases of torch. What only the lists `others` require, which exclude the backends, is
    none of theirs."""
    view = draft.view
    moved = {r.name for r in routes}
    places: dict[str, set[Path]] = {}
    for r in filter(is_direct, view.requirements):
        places.setdefault(r.name, set()).add(r.path)
    moved |= {name for name, paths in places.items() if paths <= others}
    # where another list has torch too, uv looks for its triton on the other platforms as well
    beyond = places.get("torch", set()) - {*lists, *others, ("project", "dependencies")}
    named = {i.name: i.url for s in selections for i in (s.index, *s.indexes) if i is not None}
    pytorch = {name for name, url in named.items() if is_pytorch(url)}
    where: dict[str, list[int]] = {}
    for at, selection in enumerate(selections):
        for package in selection.packages:
            if package.index is not None and package.name not in moved:
                where.setdefault(package.name, []).append(at)
    for name, users in where.items():
        packages = [next(p for p in selections[at].packages if p.name == name) for at in users]
        own = any(sources.scope(e) != (None, None) for e in view.sources.get(name, ()))
        of_backend = any(p.index in pytorch for p in packages)
        apart = own if name in TRITONS else of_backend and not alone
        same = not apart and len({p.index for p in packages}) == 1
        for at, package in zip(users, packages, strict=True):
            selection = selections[at]
            platforms = of(package, allowed(draft, selection))
            if same and beyond and name in TRITONS:
                platforms = UNIVERSE
            scope: Scope = (None, None)
            if same:
                condition = exact(platforms)
                if name in TRITONS or not view.requires(name):
                    draft.add(CONSTRAINTS, bound(name, "", condition), package.why)
            else:
                extra = lists[at][-1]
                scope = (extra, None) if shape == "extras" else (None, extra)
                condition = exact(platforms)
                text = f"{name} ; {condition}" if condition else name
                draft.add(lists[at], text, package.why)
            index = package.index or ""
            route = Route(
                name=name, index=index, platforms=platforms, scope=scope,
                why=package.why,
            )  # fmt: skip
            if route not in routes:
                routes.append(route)
    return routes
