"""Several backends of which some own the files of triton, and others take triton itself."""

from collections.abc import Iterable, Sequence

from accelsel.model.selection import Selection
from accelsel.model.value import replace
from accelsel.project.draft import OVERRIDES, Draft
from accelsel.project.scan import Path
from accelsel.project.scopes import ABOVE, Key


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


def _has(selection: Selection) -> bool:
    return selection.triton is not None and "triton" not in selection.excludes
