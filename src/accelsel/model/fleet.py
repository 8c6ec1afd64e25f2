"""Many hosts, and the builds that serve them."""

from typing import Literal

from accelsel.model.profile import Profile
from accelsel.model.selection import Selection
from accelsel.model.value import dataclass

Outcome = Literal["selected", "split", "none"]


@dataclass(frozen=True, kw_only=True)
class Node:
    """Hosts that no rule tells apart: `count` of them, and the facts that they share. `profile`
    has no probe results, and of what the rules do not look at nothing."""

    name: str
    count: int
    profile: Profile


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """What is read of a fleet document: its nodes."""

    nodes: tuple[Node, ...]


@dataclass(frozen=True, kw_only=True)
class Apart:
    """Why a node is not served by the build of another group."""

    node: str
    backend: str
    torch: str
    rule: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Group:
    """Nodes, by name, that one build serves. Of several nodes `selection` says of `python`,
    `platform`, `environment`, `serves` and `leaves_out` only what holds for all of them; its range
    of torch is right for each. `alone` names the build that a node would have by itself, where
    that is another one. `apart` says for every other group why its build is not this one's."""

    nodes: tuple[str, ...]
    selection: Selection
    alone: tuple[Apart, ...] = ()
    apart: tuple[Apart, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """The fleet document. As merged it has nodes alone. As decided `groups` hold every node once,
    as few of them as can be: `outcome` is `selected` for one, `split` for several, `none` where a
    node has no build, which then is a group by itself. `pin` are the commands that write it: one
    for a project that serves all, else one for each group."""

    outcome: Outcome | None
    nodes: tuple[Node, ...]
    groups: tuple[Group, ...] = ()
    pin: tuple[str, ...] = ()
