"""The selections of several nodes for one build, as one. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from typing import TypeVar

from accelsel.model.selection import Reason, Rejection, Selection, Torch, Warning_
from accelsel.model.value import replace
from accelsel.rules.answer import WEAKEST
from accelsel.rules.versions import release

T = TypeVar("T")
Told = TypeVar("Told", Reason, Warning_)


def joint(
    selections: Mapping[str, Selection],
    *,
    guests: Sequence[str],
    wrong: Iterable[str],
    rejected: tuple[Rejection, ...],
    python: str | None,
    platform: str | None,
) -> Selection:
    """The selection that holds for all nodes of a group, from that of each by its name.

    `guests` are nodes of the group that only import the build; `wrong` the releases of its backend
    that do not serve all; `rejected` the builds that were not taken; `python` and `platform` those
    that the whole group has.
    """
    every = list(selections.values())
    first = max(every, key=lambda one: release(_bounds(one)[0]))  # the narrowest range
    named = {package.name for package in first.packages}
    more = {p.name: p for one in every for p in one.packages if p.name not in named}
    environments = {tuple(one.environment.items()) for one in every}
    warnings = _shared({name: one.warnings for name, one in selections.items()})
    if len(environments) > 1:
        warnings += tuple(_variables(n, one) for n, one in selections.items() if one.environment)
    return replace(
        first,
        torch=_torch(every, first, wrong),
        python=python,
        platform=platform,
        packages=(*first.packages, *more.values()),
        environment=first.environment if len(environments) == 1 else {},
        serves=_agreed([one.serves for one in every], ()),
        leaves_out=_agreed([one.leaves_out for one in every], ()),
        confidence=min(
            (one.confidence for one in every), key=lambda c: WEAKEST[c] if c else len(WEAKEST)
        ),
        reasons=_shared({name: one.reasons for name, one in selections.items()}),
        rejected=rejected,
        warnings=(*warnings, *(_imports(name) for name in guests)),
        indexes=_union(one.indexes for one in every),
        excludes=_union(one.excludes for one in every),
        rows=_union(one.rows for one in every),
        confined=any(one.confined for one in every),
    )


def _union(parts: Iterable[tuple[T, ...]]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(each for part in parts for each in part))


def _agreed(values: Sequence[T], otherwise: T) -> T:
    return values[0] if all(value == values[0] for value in values) else otherwise


def _bounds(selection: Selection) -> tuple[str, str]:
    """The lowest torch of a selection's range, and the first that is above it; of an exact one
    twice the same."""
    text = selection.torch.specifier if selection.torch else ""
    lower, _, upper = text.partition(",")
    return lower.lstrip("=>"), upper.lstrip("<") or lower.lstrip("=>")


def _torch(every: Sequence[Selection], first: Selection, wrong: Iterable[str]) -> Torch | None:
    """Torch with the range that all have, up to the first release that does not serve all."""
    torch = first.torch
    if torch is None:
        return None
    ranges = {one.torch.specifier for one in every if one.torch}
    newer = (text for text in wrong if release(text) > release(torch.version))
    upper = min((*(_bounds(one)[1] for one in every), *newer), key=release)
    within = f">={_bounds(first)[0]},<{upper}"
    if any(text.startswith("==") for text in ranges):
        within = ranges.pop() if len(ranges) == 1 else f"=={torch.version}"
    extras = _union(one.torch.extras for one in every if one.torch)
    return replace(torch, specifier=within, extras=extras)


def _shared(told: Mapping[str, tuple[Told, ...]]) -> tuple[Told, ...]:
    """What is told of all nodes once, what is told of some with their name before it."""
    lists = list(told.values())
    out: list[Told] = [one for one in lists[0] if all(one in other for other in lists)]
    common = tuple(out)
    for name, items in told.items():
        out += [
            replace(one, message=f"{name}: {one.message}") for one in items if one not in common
        ]
    return tuple(dict.fromkeys(out))


def _variables(name: str, selection: Selection) -> Warning_:
    told = " ".join(f"{key}={value}" for key, value in selection.environment.items())
    return Warning_(code="node-environment", message=f"{name} needs {told}")


def _imports(name: str) -> Warning_:
    return Warning_(
        code="node-without-gpu",
        message=f"{name} has no GPU for this build, which is imported there and computes on the "
        "CPU",
        hint="a project of several --backends can hold the cpu build for it",
    )
