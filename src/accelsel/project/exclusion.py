"""Extras and groups that exclude each other, and the groups that a plain `uv sync` has."""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import product

from accelsel.project.draft import UV, Draft
from accelsel.project.read import ProjectView, is_direct, table
from accelsel.project.requirement import normalize
from accelsel.project.scopes import ABOVE, Key, members_of

Member = tuple[Key, str]


def conflicts(
    draft: Draft,
    own: Iterable[Member],
    rivals: Mapping[Member, str],
    mine: Sequence[Member],
    unmoved: Iterable[Member] = (),
) -> frozenset[str]:
    """The extras and groups `mine` exclude each other and those of the project's `own` backends,
    and each rival excludes `mine`; the sets that the project has are extended. What is `unmoved` of
    `mine` has the index that it had, and excludes no more of `own` than it did. All the groups that
    are excluded."""
    view, path = draft.view, (*UV, "conflicts")
    spelled = {_member(one): one for one in (*own, *mine)}
    backends = [_member(one) for one in mine]
    others = [one for one in spelled if one not in backends]
    sets = [members_of(view, one) for one in view.conflicts]
    free = {
        frozenset(pair)
        for pair in product(map(_member, unmoved), others)
        if not any({*pair} <= one for one in sets)
    }
    present = list(view.conflicts)
    for at, new in _exclusive(sets, others, backends, free):
        added = [{key: name} for key, name in (spelled[one] for one in new)]
        if at < len(present):
            draft.swap(path, present[at], [*present[at], *added], "one backend at a time")
        else:
            draft.add(path, added, "one backend at a time")
    apart = set[Member]().union(backends, *(one for one in sets if one & {*backends}))
    for rival, why in rivals.items():
        if _member(rival) not in apart:
            both = [{k: n} for k, n in (rival, *mine)]
            draft.add(path, both, f"the {rival[0]} {rival[1]} goes with another torch, by {why}")
    return frozenset(name for key, name in {*apart, *map(_member, rivals)} if key == "group")


def _member(one: Member) -> Member:
    return (one[0], normalize(one[1]))


def _exclusive(
    sets: list[set[Member]],
    others: Sequence[Member],
    mine: Sequence[Member],
    free: Collection[frozenset[Member]],
) -> Iterator[tuple[int, list[Member]]]:
    """What to add to which of `sets`, or to new ones behind them, for `mine` to exclude each other
    and the `others`, but for the pairs `free`; `sets` are brought up to that."""

    def open_(one: Member, two: Member) -> bool:
        pair = frozenset((one, two))
        return len(pair) > 1 and pair not in free and not any(pair <= has for has in sets)

    def fit(inside: Collection[Member]) -> list[Member]:
        return [m for m in mine if not any(frozenset((m, one)) in free for one in inside)]

    known = {*others, *mine}
    for at in sorted(range(len(sets)), key=lambda at: -len(sets[at] & known)):
        inside = sets[at] & known
        new = [m for m in fit(sets[at]) if any(open_(m, one) for one in inside)]
        if new:
            sets[at] |= {*new}
            yield at, new
    while any(open_(m, one) for m in mine for one in known):
        start: list[Member] = []
        for one in others:
            like = all(fit([one]) == fit([two]) for two in start)
            apart = all(any({one, two} <= has for has in sets) for two in start)
            if like and apart and any(open_(m, one) for m in mine):
                start.append(one)
        sets.append({*start, *fit(start)})
        yield len(sets) - 1, [*start, *fit(start)]


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
