"""What a rule looks at, and what it answers with."""

from collections.abc import Callable
from functools import lru_cache
from typing import Literal, NamedTuple

from accelsel.knowledge.tables import Tables
from accelsel.model.profile import Vendor
from accelsel.model.request import Request
from accelsel.model.table import ArchException, Backend, Build, Unestablished
from accelsel.model.value import dataclass
from accelsel.rules.family import Wish
from accelsel.rules.host import Host, Target
from accelsel.rules.versions import python_key

Scope = Literal["gpu", "host", "wheel", "python", "policy", "request", "order"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What a rule has against a build. `certain` False says that a fact is missing, not that the
    build fails. `change` is what would have to be different, in words, None where nothing helps;
    `upgrade` says that it is the system: its driver, C library or version."""

    rule: str
    message: str
    certain: bool = True
    change: str | None = None
    upgrade: bool = False


@dataclass(frozen=True, kw_only=True)
class Question:
    """A host and a request, and who is to be served.

    `vendor` is whose GPUs decide, None for a choice without GPU; `targets` are the GPUs that a
    build has to serve. `newest_sure` is the release that would be chosen without bounds on torch.
    `partners` are those `wishes` that each build's own row speaks of; `around` says whether the
    table of the packages around torch has a say in the choice. `exceptions` are the table's, but
    for those of other GPUs.
    """

    host: Host
    request: Request
    tables: Tables
    vendor: Vendor | None
    targets: tuple[Target, ...]
    in_range: Callable[[Build], bool]
    allows_python: Callable[[str], bool]
    wishes: tuple[Wish, ...] = ()
    partners: tuple[Wish, ...] = ()
    around: bool = False
    newest_sure: str | None = None
    ceiling: int | None = None
    exceptions: tuple[ArchException, ...] = ()


class Case(NamedTuple):
    """One build before one question."""

    build: Build
    backend: Backend
    question: Question


@dataclass(frozen=True, kw_only=True)
class Rule:
    """`scope` says what a rule looks at: `gpu`, `host` and `policy` are what `--force` overrides,
    `wheel` is what nothing overrides, `request` what the user asked for, `order` is no filter but
    a preference among builds that all run. `check` is None where the rule has no single build to
    look at."""

    id: str
    title: str
    why: str
    why_not: str
    scope: Scope
    check: Callable[[Case], Finding | None] | None = None


def elsewhere(question: Question) -> tuple[Unestablished, ...]:
    """What exists for the GPUs of the host, usable or not, outside the established rows."""
    host = question.host
    archs = {target.real for target in (*host.targets, *(target for target, _ in host.unusable))}
    return tuple(
        row
        for row in question.tables.unestablished
        if row.platform == host.platform
        and archs.intersection(row.archs)
        and (None in (row.jetpack, host.jetpack) or row.jetpack == host.jetpack)
    )


def pythons(build: Build, question: Question) -> tuple[str, ...]:
    """The Pythons of a build that the question allows, oldest first."""
    if question.host.python is not None:
        return (question.host.python,) if question.host.python in build.pythons else ()
    return _allowed(build.pythons, question.allows_python)


@lru_cache(maxsize=512)
def _allowed(tags: tuple[str, ...], allows: Callable[[str], bool]) -> tuple[str, ...]:
    allowed = [tag for tag in tags if not tag.endswith("t") and allows(tag)]
    return tuple(sorted(allowed, key=python_key))
