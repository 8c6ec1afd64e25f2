"""Extras and groups that exclude each other, and the groups that a plain `uv sync` has."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import combinations

from accelsel.project.draft import UV, Draft
from accelsel.project.read import ProjectView, is_direct, table
from accelsel.project.requirement import normalize
from accelsel.project.scopes import ABOVE, Key, members_of


def conflicts(
    draft: Draft,
    members: Iterable[tuple[Key, str]],
    rivals: Mapping[tuple[Key, str], str],
    mine: Sequence[tuple[Key, str]],
) -> frozenset[str]:
    """The extras and groups `members` exclude each other, and each rival excludes `mine`; the set
    of the project's that has most of the members is extended. All the groups that are excluded."""
    view, path = draft.view, (*UV, "conflicts")
    wanted = {(key, normalize(name)): {key: name} for key, name in members}
    common = [(len(members_of(view, one) & set(wanted)), one) for one in view.conflicts]
    most, best = max(common, key=lambda pair: pair[0], default=(0, None))
    apart = set(wanted)
    sets = [members_of(view, one) for one in view.conflicts]
    if all(any({*pair} <= one for one in sets) for pair in combinations(wanted, 2)):
        apart |= set[tuple[Key, str]]().union(*(one for one in sets if one & apart))
    elif best is not None and most:
        inside = members_of(view, best)
        missing = [value for member, value in wanted.items() if member not in inside]
        draft.swap(path, best, [*best, *missing], "one backend at a time")
        apart |= inside
    elif len(wanted) > 1:
        draft.add(path, list(wanted.values()), "one backend at a time")
    for (key, name), why in rivals.items():
        if (key, normalize(name)) not in apart:
            both = [{k: n} for k, n in ((key, name), *mine)]
            draft.add(path, both, f"the {key} {name} goes with another torch, by {why}")
    groups = {*apart, *((key, normalize(name)) for key, name in rivals)}
    return frozenset(name for key, name in groups if key == "group")


def default_groups(draft: Draft, first: str, apart: frozenset[str]) -> None:
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
    if "dev" in kept and "dev" not in groups and "dev-dependencies" in view.uv:
        draft.set((*ABOVE["group"], "dev"), [], "uv takes only a group of its own as a default")
    others = [name for name in kept if normalize(name) not in apart]
    draft.set((*UV, "default-groups"), [*others, first], "a plain `uv sync` has one backend")


def asked_for_by_name(view: ProjectView) -> bool:
    """Whether the project itself has torch in groups of its own alone, none of them a default."""
    places = [r.place for r in view.requirements if r.name == "torch" and is_direct(r)]
    present = view.uv.get("default-groups", ["dev"])
    defaults = [normalize(str(name)) for name in present] if isinstance(present, list) else None
    return bool(places and defaults is not None) and all(
        place.kind == "group" and normalize(place.name or "") not in (defaults or ())
        for place in places
    )


def tell_of_extras(draft: Draft, first: str, extras: Sequence[str], *, asked: bool) -> None:
    """Says which extras the default group excludes, and how each is installed; `asked` is whether
    groups were asked for."""
    if extras:
        draft.warn(
            "default-group-excludes",
            f"the default group {first} excludes the project's own extras {', '.join(extras)}",
            f"`uv sync --no-group {first} --extra {extras[0]}`"
            + (", or --as extras" if asked else ""),
        )
