"""Several backends of which some own the files of triton, and others take triton itself."""

from collections.abc import Collection, Iterable, Sequence

from accelsel.model.plan import PinOptions
from accelsel.model.selection import Selection
from accelsel.model.value import replace
from accelsel.project.draft import CONSTRAINTS, OVERRIDES, SOURCES, Draft, bound
from accelsel.project.routes import TRITONS
from accelsel.project.scan import Path
from accelsel.project.scopes import ABOVE, Key, branches, of_index


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


def apart(draft: Draft, selections: Sequence[Selection], lists: Sequence[Path], key: Key) -> None:
    """Triton is required by the lists of those backends that take it, and by nothing else.

    uv reads `extra` in an override as the extra whose list has the requirement: what a package
    asks for is replaced by nothing, what the extra lists by its own triton. A group has no such
    name and lists an extra of its own, which holds triton alone. (Run on uv 0.9.0 and 0.13.8.)
    """
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
