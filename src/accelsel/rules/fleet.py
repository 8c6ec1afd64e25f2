"""One build for many hosts, or as few builds as serve them all. Pure.

Every node is decided by itself, as `select` decides it. What serves several is in the intersection
of what serves each; where that is empty, the nodes are divided into as few groups as can be.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache

from accelsel.knowledge.tables import Tables
from accelsel.model.errors import AccelselError
from accelsel.model.fleet import Apart, Fleet, Group, Node
from accelsel.model.request import Request
from accelsel.model.selection import Rejection
from accelsel.model.value import dataclass, replace
from accelsel.rules.answer import answer
from accelsel.rules.choice import (
    Candidate,
    Decision,
    Row,
    decide,
    outdone,
    preference,
)
from accelsel.rules.compatibility import VENDORS
from accelsel.rules.fleet_answer import joint
from accelsel.rules.fleet_pin import commands
from accelsel.rules.nodes import natural
from accelsel.rules.question import Finding, Scope
from accelsel.rules.units import first_finding
from accelsel.rules.versions import release

Key = tuple[str, str, str]  # channel, torch, backend: a build on whatever platform
Cover = frozenset[int]

_IMPORTS: frozenset[Scope] = frozenset({"host", "wheel", "python", "request"})


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A node and what serves it: `own` are the builds that `select` would take there, as sure as
    its choice; `guest` those that a node without a GPU for them imports all the same. `against` is
    what stands against the others of its platform."""

    node: Node
    decision: Decision
    own: Mapping[Key, Candidate]
    guest: frozenset[Key]
    against: Mapping[Key, Finding]

    @property
    def legal(self) -> frozenset[Key]:
        return self.guest.union(self.own)


def select(nodes: Sequence[Node], request: Request, tables: Tables) -> Fleet:
    """The builds for a fleet under a request: as few as serve every node that any build serves.

    Does not depend on the order of the nodes. A single node gets what `rules.select` gives it.
    Raises what that raises; a GPU index that a node lacks names the node.
    """
    nodes = sorted(nodes, key=lambda node: natural(node.name))
    judged = [_judged(node, request, tables) for node in nodes]
    found = _groups([one for one in judged if one.legal])
    chosen = [one for one in found if any(one[0] in member.own for member in one[1])]
    chosen.sort(key=lambda one: -sum(member.node.count for member in one[1]))
    served = {member.node.name for _, members in chosen for member in members}
    lost = [one for one in judged if one.node.name not in served]
    groups = [_group(key, members, chosen) for key, members in chosen]
    platforms = sorted({one.decision.question.host.platform or "" for one in judged})
    return Fleet(
        outcome="none" if lost or not nodes else "selected" if len(groups) == 1 else "split",
        nodes=tuple(nodes),
        groups=(*groups, *(_unserved(one) for one in lost)),
        pin=commands(groups, _spare(chosen), platforms, request, tables),
    )


def _spare(chosen: Sequence[tuple[Key, Sequence[Judged]]]) -> frozenset[str] | None:
    """The torch releases whose CPU build all guests would take by themselves; None without one."""
    guests = [member for key, members in chosen for member in members if key not in member.own]
    found = [frozenset(torch for _, torch, name in one.own if name == "cpu") for one in guests]
    return frozenset.intersection(*found) if found else None


def _judged(node: Node, request: Request, tables: Tables) -> Judged:
    try:
        decision = decide(node.profile, request, tables)
    except AccelselError as error:
        if error.kind != "unknown-gpu":
            raise
        message = f"{node.name}: {error.message}"
        raise AccelselError(
            error.code, error.kind, message, where=error.where, help=error.help
        ) from None
    best = decision.winner
    sure = [one for one in decision.candidates if best and len(one.doubts) <= len(best.doubts)]
    told = {_key(row): _against(row, finding, decision) for row, finding in decision.rejected}
    for one in decision.candidates[len(sure) :]:
        rule, message = outdone(one, decision.candidates[0])
        told[_key(one.row)] = Finding(rule=rule, message=message)
    return Judged(
        node=node,
        decision=decision,
        own={_key(one.row): one for one in sure},
        guest=frozenset(key for key, finding in told.items() if finding is None),
        against={key: finding for key, finding in told.items() if finding is not None},
    )


def _key(row: Row) -> Key:
    return row.build.channel, row.build.torch, row.build.backend


def _against(row: Row, finding: Finding, decision: Decision) -> Finding | None:
    """What is against a build that `select` does not take: nothing where the node's own choice is
    one without GPU and the build can be imported there, so that it computes on the CPU. A usable
    GPU of the build's vendor that no build serves would be taken for one that is served."""
    vendor = VENDORS.get(row.backend.kind)
    if decision.aim is None or decision.aim.vendor is not None or vendor is None:
        return finding
    if any(target.vendor == vendor for target in decision.question.host.targets):
        return finding
    question = replace(decision.question, vendor=vendor, newest_sure=None)  # that is of the CPU's
    return first_finding(row.build, row.backend, question, _IMPORTS)[0]


# --- which builds ---------------------------------------------------------------------------------


def _groups(judged: Sequence[Judged]) -> list[tuple[Key, tuple[Judged, ...]]]:
    """Builds, best first, and the nodes that each of them serves: no fewer builds serve all."""
    covers: dict[Key, Cover] = {}
    for key in {key for one in judged for key in one.legal}:
        covers[key] = frozenset(n for n, one in enumerate(judged) if key in one.legal)
    distinct = set(covers.values())
    widest = [one for one in distinct if not any(one < other for other in distinct)]

    @cache
    def served(rest: Cover, builds: int) -> bool:
        """Whether so many builds serve the rest."""
        if not rest or not builds:
            return not rest
        hardest = min(rest, key=lambda n: sum(n in cover for cover in widest))
        return any(served(rest - cover, builds - 1) for cover in widest if hardest in cover)

    def rank(key: Key, cover: Cover) -> tuple[object, ...]:
        return _rank(key, [judged[n] for n in sorted(cover)])

    rest: Cover = frozenset(range(len(judged)))
    found = []
    while rest:
        builds = next(n for n in range(1, len(rest) + 1) if served(rest, n))
        fitting = [
            key
            for key, cover in covers.items()
            if cover & rest and served(rest - cover, builds - 1)
        ]
        first = max(fitting, key=lambda key: (rank(key, covers[key] & rest), key))
        members = covers[first] & rest
        best = max(
            (key for key, cover in covers.items() if cover >= members),
            key=lambda key: (rank(key, members), key),
        )
        found.append((best, tuple(judged[n] for n in sorted(members))))
        rest -= members
    return found


def _rank(key: Key, members: Iterable[Judged]) -> tuple[object, ...]:
    """The order of `select` among builds for several nodes: the node that it suits least counts,
    and one that is a guest does not. A build that all would be guests of comes last."""
    ranks = [preference(one.own[key], one.decision.question) for one in members if key in one.own]
    return min(ranks, default=())


# --- what is told of them -------------------------------------------------------------------------


def _group(
    key: Key, members: Sequence[Judged], chosen: Sequence[tuple[Key, Sequence[Judged]]]
) -> Group:
    owners = [one for one in members if key in one.own]
    selections = {
        one.node.name: answer(one.node.profile, _settled(one, key, members)) for one in owners
    }
    whole = selections[owners[0].node.name]
    if len(members) > 1:
        whole = joint(
            selections,
            guests=tuple(one.node.name for one in members if key not in one.own),
            wrong=_wrong(key, members),
            rejected=_rejected(key, members),
            python=_common({one.decision.question.host.python for one in members}),
            platform=_common({one.decision.question.host.platform for one in members}),
        )
    return Group(
        nodes=tuple(one.node.name for one in members),
        selection=whole,
        alone=tuple(_alone(key, owners, members)),
        apart=tuple(_apart(other, members) for other, _ in chosen if other != key),
    )


def _common(found: set[str | None]) -> str | None:
    return found.pop() if len(found) == 1 else None


def _wrong(key: Key, members: Sequence[Judged]) -> tuple[str, ...]:
    """The releases of a build's backend that are there for some of the nodes and do not serve
    all."""
    channel, _, backend = key
    there = {
        _key(row)
        for one in members
        for row in one.decision.rows
        if row.build.published and (row.build.channel, row.build.backend) == (channel, backend)
    }
    return tuple(one[1] for one in there if not all(one in member.legal for member in members))


def _unserved(one: Judged) -> Group:
    return Group(nodes=(one.node.name,), selection=answer(one.node.profile, one.decision))


def _settled(one: Judged, key: Key, members: Sequence[Judged]) -> Decision:
    """The node's decision among the builds that serve the group, with the group's as the winner."""
    if len(members) == 1:
        return one.decision
    first = one.own[key]
    others = (
        other
        for other in one.decision.candidates
        if other is not first and _objection(_key(other.row), members)[1] is None
    )
    return replace(one.decision, candidates=(first, *others))


def _rejected(key: Key, members: Sequence[Judged]) -> tuple[Rejection, ...]:
    """Every build of a node's platform but the group's, newest torch first: what a node has against
    it, or what comes before it."""
    owner = next(one for one in members if key in one.own)
    keys = {_key(row) for one in members for row in one.decision.rows} - {key}
    found = []
    for other in sorted(keys, key=lambda one: (release(one[1]), one), reverse=True):
        node, finding = _objection(other, members)
        if finding is not None:
            rule, message = finding.rule, f"{node.node.name}: {finding.message}"
        elif other in owner.own:
            rule, message = outdone(owner.own[other], owner.own[key])
        else:
            rule, message = "policy", "it would be imported only: no node has a GPU for it"
        found.append(Rejection(backend=other[2], torch=other[1], rule=rule, message=message))
    return tuple(found)


def _objection(key: Key, members: Sequence[Judged]) -> tuple[Judged, Finding | None]:
    """The first of the nodes that a build does not serve, and why; None where it serves all."""
    for one in members:
        if key not in one.legal:
            message = f"no wheel for {one.decision.question.host.platform}"
            missing = Finding(rule="platform-wheel", message=message)
            return one, one.against.get(key, missing)
    return members[0], None


def _apart(key: Key, members: Sequence[Judged]) -> Apart:
    """Why the nodes of one group are not served by the build of another."""
    node, finding = _objection(key, members)
    told = finding or Finding(rule="newest-torch", message="its own group has a better build")
    return Apart(
        node=node.node.name, backend=key[2], torch=key[1], rule=told.rule, message=told.message
    )


def _alone(key: Key, owners: Sequence[Judged], members: Sequence[Judged]) -> Iterator[Apart]:
    """What the nodes would have by themselves, and the reason why that is not the group's."""
    for one in owners:
        best = _key(one.decision.candidates[0].row)
        if best == key:
            continue
        node, finding = _objection(best, members)
        if finding is None:
            rule, message = "nearest-toolkit", "the group's build is the nearest to all drivers"
        else:
            rule, message = finding.rule, f"{node.node.name}: {finding.message}"
        yield Apart(node=one.node.name, backend=best[2], torch=best[1], rule=rule, message=message)
