"""The parts of a project that are installed on request: served where a build can, never in its way.

One lock holds all of a project, so the choice bends to such a part as it does to the rest; where
no build of the same kind serves it, it is left out and told. Parts with bounds of their own on
torch are alternatives to one another: what has to meet each of them is the range of the choice.
"""

from collections.abc import Iterable
from typing import Literal

from accelsel.knowledge.tables import Tables
from accelsel.model.profile import Profile
from accelsel.model.request import Part, Request
from accelsel.model.selection import LeftOut, Warning_
from accelsel.model.table import Build
from accelsel.model.value import dataclass, replace
from accelsel.rules import family
from accelsel.rules.choice import VENDOR_INDEXES, Candidate, Decision, decide
from accelsel.rules.question import Finding, Question, Scope, pythons
from accelsel.rules.requirements import names
from accelsel.rules.span import span_of, specifier_of
from accelsel.rules.units import first_finding
from accelsel.rules.versions import Numbers, contains, overlap, release

_ASKED: frozenset[Scope] = frozenset({"request"})
_KINDS: dict[str, Literal["extra", "group"]] = {"extra": "extra", "group": "group"}


@dataclass(frozen=True, kw_only=True)
class _Trial:
    """Some parts, and what is decided with them."""

    parts: tuple[Part, ...]
    decision: Decision


def served(
    profile: Profile | None, request: Request, tables: Tables
) -> tuple[Decision, tuple[Warning_, ...]]:
    """The decision that serves as many parts of the request as a build can, and a warning for each
    part that it leaves out. Raises what `decide` raises."""
    bounds = tuple(part for part in request.parts if part.torch)
    joined = [part.torch for part in bounds if part.joined]
    torch = ",".join(filter(None, (request.torch, *joined)))
    rivals = tuple(part for part in bounds if not part.joined)
    found = _served(profile, replace(request, torch=torch), rivals, tables)
    if found[0].winner is None and joined:
        apart = _served(profile, request, bounds, tables)
        return apart if apart[0].winner else found
    return found


def _served(
    profile: Profile | None, request: Request, rivals: tuple[Part, ...], tables: Tables
) -> tuple[Decision, tuple[Warning_, ...]]:
    bare = replace(request, parts=())

    def tried(parts: Iterable[Part]) -> _Trial:
        parts = tuple(parts)
        decision = decide(profile, _with(bare, parts), tables)
        return _Trial(parts=parts, decision=_covering(decision, rivals))

    alone = tried(())
    if alone.decision.winner is None:
        return alone.decision, ()
    least = len(_met(rivals, alone.decision))

    def good(trial: _Trial) -> bool:
        met = len(_met(rivals, trial.decision))
        return met >= least and _alike(trial.decision, alone.decision)

    def grown(best: _Trial, parts: tuple[Part, ...]) -> _Trial:
        """With as many of some more parts as go together, earlier ones before later ones."""
        more = tried((*best.parts, *parts))
        if good(more) or not parts:
            return more
        if len(parts) == 1:
            return best
        middle = len(parts) // 2
        return grown(grown(best, parts[:middle]), parts[middle:])

    known = _known(tables)
    every = _packages(request.parts, alone.decision.question)
    packages = tuple(p for p in every if _names(p, alone.decision.question) & known)
    best = tried(packages) if packages else alone
    if not good(best):
        each = {part: decide(profile, _with(bare, (part,)), tables) for part in packages}
        able = [part for part, found in each.items() if _alike(found, alone.decision)]
        able.sort(key=lambda part: _newest(each[part]), reverse=True)
        best = grown(alone, tuple(able))
    held = frozenset(best.parts)
    spoken = frozenset(packages)
    free = [part for part in every if part not in spoken]
    best = replace(best, decision=_naming(best.decision, free))
    lost = [part for part in packages if part not in held]
    unmet = set(rivals) - _met(rivals, best.decision)
    warnings = [_unmet(part, best.decision) for part in rivals if part in unmet]
    return best.decision, (*warnings, *(_left_out(part, best.decision) for part in lost))


def left_out(parts: Iterable[Part], decision: Decision, torch: str) -> tuple[LeftOut, ...]:
    """The extras and groups of `parts` whose packages cannot be installed with any torch in the
    range `torch` of the choice, by what their own metadata requires, and can be with another that
    the project allows."""
    own = decision.question.request.torch
    both = ",".join(filter(None, (torch, own)))
    found: dict[tuple[Literal["extra", "group"], str], dict[str, None]] = {}
    for part in parts:
        wishes = _wishes(part, decision.question)
        names = [
            wish.name
            for wish in wishes
            if _excludes(wish, both, decision.question)
            and not _excludes(wish, own, decision.question)
        ]
        for place in (part.place, *part.also) if names else ():
            word, _, name = place.partition(" ")
            if kind := _KINDS.get(word):
                found.setdefault((kind, name), {}).update(dict.fromkeys(names))
    return tuple(
        LeftOut(kind=kind, name=name, packages=tuple(names))
        for (kind, name), names in found.items()
    )


def _excludes(wish: family.Wish, torch: str, question: Question) -> bool:
    """Whether every release of a package that is asked for requires a torch outside of a range."""
    if question.tables.companions is None:
        return False
    table = question.tables.companions()
    row = table.distributions.get(wish.name)
    allowed = [r for r in row.releases if contains(wish.specifier, r)] if row else []
    offers = [
        offer
        for offer in table.offers.get(wish.name, ())
        if any(contains(offer.versions, r) for r in allowed)
    ]
    return bool(offers) and all(
        offer.enforced and not overlap(offer.torch, torch, where="torch") for offer in offers
    )


def _naming(decision: Decision, parts: Iterable[Part]) -> Decision:
    """The decision with packages that no rule has anything to say of named beside the others."""
    question = decision.question
    request = _with(question.request, parts)
    wishes = family.wishes(request.companions, question.host.platform, question.host.python)
    return replace(decision, question=replace(question, request=request, wishes=wishes))


def _packages(parts: Iterable[Part], question: Question) -> tuple[Part, ...]:
    """The parts that are packages; of those with bounds on torch the packages in any version, as
    their versions follow torch's."""
    found: dict[tuple[str, ...], Part] = {}
    for part in parts:
        if not part.torch:
            found.setdefault(part.companions, part)
        for wish in _wishes(part, question) if part.torch else ():
            found.setdefault((wish.name,), Part(place=part.place, companions=(wish.name,)))
    return tuple(found.values())


def _with(request: Request, parts: Iterable[Part]) -> Request:
    """The request with the packages of some parts as if they were always installed."""
    texts = (text for part in parts for text in part.companions)
    return replace(request, companions=tuple(dict.fromkeys((*request.companions, *texts))))


def _wishes(part: Part, question: Question) -> tuple[family.Wish, ...]:
    return family.wishes(part.companions, question.host.platform, question.host.python)


def _names(part: Part, question: Question) -> frozenset[str]:
    host = question.host
    return names(part.companions, host.platform or "", host.python) - {"torch"}


def _known(tables: Tables) -> frozenset[str]:
    """The packages that the rules table has anything to say of."""
    return frozenset(
        (*family.FAMILY, *(tables.companions().distributions if tables.companions else ()))
    )


def _meets(part: Part, build: Build, question: Question) -> bool:
    if not contains(part.torch, build.torch):
        return False
    tags, backend = pythons(build, question), question.tables.backends[build.backend]
    return not any(family.against(wish, build, tags, backend) for wish in _wishes(part, question))


def _met(rivals: Iterable[Part], decision: Decision) -> set[Part]:
    """The parts whose bounds on torch a release of the chosen range meets."""
    if decision.winner is None:
        return set()
    span = span_of(decision.winner.row, decision)
    return {p for p in rivals if any(_meets(p, build, decision.question) for build in span)}


def _covering(decision: Decision, rivals: tuple[Part, ...]) -> Decision:
    """The decision for the builds whose range meets most of the rivals; the others are rejected,
    but for those that come from another kind of index or are less sure, which do not count."""
    winner = decision.winner
    if winner is None or not rivals:
        return decision
    met = {id(winner): _met(rivals, decision)}
    most = len(met[id(winner)])
    if most == len(rivals):
        return decision
    able: dict[str, list[tuple[Numbers, Part]]] = {}
    for row in decision.rows:
        able.setdefault(row.backend.name, []).extend(
            (release(row.build.torch)[0], part)
            for part in rivals
            if _meets(part, row.build, decision.question)
        )
    for one in decision.candidates[1:]:
        here = release(one.row.build.torch)[0]
        possible = {part for at, part in able[one.row.backend.name] if at <= here}
        if most < len(possible) and _like(one, winner):
            met[id(one)] = _met(rivals, replace(decision, candidates=(one,)))
            most = max(most, len(met[id(one)]))
    first = next(one for one in decision.candidates if len(met.get(id(one), ())) == most)
    place = decision.candidates.index(first)
    against = [
        (one.row, _beyond(rivals, met.get(id(one), set()))) for one in decision.candidates[:place]
    ]
    return replace(
        decision,
        candidates=decision.candidates[place:],
        rejected=(*decision.rejected, *against),
    )


def _beyond(rivals: Iterable[Part], met: set[Part]) -> Finding:
    told = " and ".join(f"{p.place} asks for torch{p.torch}" for p in rivals if p not in met)
    return Finding(
        rule="requested-range",
        message=f"{told}: outside of its range",
        change="other bounds on torch",
    )


def _like(one: Candidate, other: Candidate) -> bool:
    kinds = {one.row.backend.kind in VENDOR_INDEXES, other.row.backend.kind in VENDOR_INDEXES}
    return len(kinds) == 1 and len(one.doubts) <= len(other.doubts)


def _alike(decision: Decision, alone: Decision) -> bool:
    """Whether a decision is of the same kind as the one without parts: for the same vendor's GPUs,
    from the same kind of index, and no less sure."""
    one, other = decision.winner, alone.winner
    if one is None or other is None:
        return False
    return decision.question.vendor == alone.question.vendor and _like(one, other)


def _newest(decision: Decision) -> tuple[object, ...]:
    winner = decision.winner
    return release(winner.row.build.torch) if winner else ()


def _unmet(part: Part, decision: Decision) -> Warning_:
    """The warning for bounds on torch that the choice leaves no release to."""
    span = "this choice"
    if decision.winner is not None:
        row = decision.winner.row
        within = specifier_of(row, span_of(row, decision), decision)
        span = f"torch{within} of {row.backend.name}"
    wanted = ", ".join((f"torch{part.torch}", *part.companions))
    return Warning_(
        code="part-left-out",
        message=f"{part.place} asks for {wanted}: not within {span}",
        hint="it cannot be installed together with this choice",
    )


def _left_out(part: Part, decision: Decision) -> Warning_:
    """The warning for a package that does not go with the choice."""
    question = decision.question
    why = None
    if decision.winner is not None:
        row = decision.winner.row
        request = replace(question.request, companions=part.companions)
        wishes = _wishes(part, question)
        partners = family.of_torch(wishes)
        around = family.around(wishes, request, question.tables)
        asked = replace(question, request=request, wishes=wishes, partners=partners, around=around)
        why, _ = first_finding(row.build, row.backend, asked, _ASKED)
    wishes = _wishes(part, question)
    names = ", ".join(dict.fromkeys(wish.name for wish in wishes))
    told = why.message if why else "no build serves it together with the others"
    hint = f"the choice is right as long as {part.place} is not asked for"
    if any(_excludes(wish, question.request.torch, question) for wish in wishes):
        hint = (
            f"it requires another torch than torch{question.request.torch}, which the project "
            "asks for: uv, which locks both together, refuses that with any pin, and without"
        )
    return Warning_(
        code="companion-left-out",
        message=f"{names} of {part.place} is left out: {told}",
        hint=hint,
    )
