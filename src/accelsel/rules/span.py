"""The range of torch over which a choice stays right."""

from accelsel.model.table import Build
from accelsel.rules import family, units
from accelsel.rules.choice import Decision, Row
from accelsel.rules.question import Case, Scope
from accelsel.rules.versions import dotted, next_minor, numbers, release

# The lower end leaves out "python": an older release without a wheel is not taken while a newer one
# has it, and the environment that a sync makes must not move the range of the pin that made it.
_FOR_HOST: frozenset[Scope] = frozenset({"gpu", "host", "wheel", "policy"})
_NEWER: frozenset[Scope] = _FOR_HOST | {"python"}


def span_of(winner: Row, decision: Decision) -> tuple[Build, ...]:
    """The consecutive releases of the winner's backend that are right for the host: the winner
    first, then older ones down to the first that is not."""
    if _exact(winner):
        return (winner.build,)
    doubts = len(decision.candidates[0].doubts)
    found = [winner.build]
    for row in _siblings(winner, decision):
        if release(row.build.torch) >= release(winner.build.torch):
            continue
        if not _right(row, decision, doubts) or not _alike(row, winner, decision):
            break
        found.append(row.build)
    return tuple(found)


def specifier_of(winner: Row, span: tuple[Build, ...], decision: Decision) -> str:
    """The range as a PEP 440 specifier: from the oldest of the span to below the next minor
    release, or to below a release that is known not to be right."""
    if _exact(winner):
        return f"=={winner.build.version}"
    oldest = span[-1].torch
    if release(oldest)[1]:
        lower = numbers(oldest)
        while len(lower) > 2 and lower[-1] == 0:
            lower = lower[:-1]
        oldest = dotted(lower)
    minor = next_minor(winner.build.torch)
    doubts = len(decision.candidates[0].doubts)
    wrong = [
        row.build.torch
        for row in _siblings(winner, decision)
        if release(winner.build.torch) < release(row.build.torch) < release(minor)
        and row.build.published
        and not (_right(row, decision, doubts, _NEWER) and _alike(row, winner, decision))
    ]
    upper = min(wrong, key=release) if wrong else minor
    return f">={oldest},<{upper}"


def _exact(row: Row) -> bool:
    """Whether a release can only be named by its full version: a pre-release in the stable channel,
    or one whose local part is not the backend's name, so that the index mixes builds."""
    local = row.build.version.partition("+")[2]
    early = not release(row.build.version)[1] and row.build.channel == "stable"
    return early or bool(local and local != row.backend.name)


def _siblings(winner: Row, decision: Decision) -> list[Row]:
    """The rows of the winner's backend on its platform and channel, newest first."""
    same = [
        row
        for row in decision.rows
        if row.backend.name == winner.backend.name and row.build.channel == winner.build.channel
    ]
    return sorted(same, key=lambda row: release(row.build.torch), reverse=True)


def _alike(row: Row, winner: Row, decision: Decision) -> bool:
    """Whether the same has to be written for the packages around torch as for the winner, all of
    which exist for this release too."""
    if any(family.lacks(row.build, wish) for wish in decision.question.partners):
        return False
    if not decision.question.around:
        return True
    from accelsel.rules.companions_case import beside

    mine, theirs = (
        beside(Case(one.build, one.backend, decision.question)).answer for one in (row, winner)
    )
    return not mine.refusals and (mine.packages, mine.indexes) == (theirs.packages, theirs.indexes)


def _right(row: Row, decision: Decision, doubts: int, scopes: frozenset[Scope] = _FOR_HOST) -> bool:
    scopes = frozenset({"wheel"}) if decision.forced else scopes
    finding, met = units.first_finding(row.build, row.backend, decision.question, scopes)
    return finding is None and len(met) <= doubts
