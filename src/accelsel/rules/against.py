"""What the rules have against one build on one host, the request's wishes left aside. Pure."""

from accelsel.knowledge.tables import Tables
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.table import Build
from accelsel.model.value import dataclass, replace
from accelsel.rules import units
from accelsel.rules.compatibility import VENDORS
from accelsel.rules.host import read_host
from accelsel.rules.question import Finding, Question


@dataclass(frozen=True, kw_only=True)
class Against:
    """What a rule has against a build; `gpu` is the index of the GPU it speaks of, if one."""

    finding: Finding
    gpu: int | None

    @property
    def rule(self) -> str:
        return self.finding.rule

    @property
    def message(self) -> str:
        return self.finding.message


def against(
    profile: Profile, tables: Tables, request: Request, build: Build
) -> tuple[Against, ...]:
    """Every objection that is sure, taking the build as published; GPU by GPU."""
    host = read_host(profile, request, tables)
    backend = tables.backends[build.backend]
    row = replace(build, published=True)
    vendor = VENDORS.get(backend.kind)
    question = Question(
        host=host,
        request=request,
        tables=tables,
        vendor=vendor,
        targets=(),
        in_range=lambda _build: True,
        allows_python=lambda _tag: True,
        exceptions=tables.exceptions,
    )
    found = [
        Against(finding=each, gpu=None)
        for each in units.all_findings(row, backend, question, frozenset({"host", "wheel"}))
    ]
    for target in host.targets:
        if target.vendor == vendor:
            aimed = replace(question, targets=(target,))
            found += [
                Against(finding=each, gpu=target.index)
                for each in units.all_findings(row, backend, aimed, frozenset({"gpu"}))
            ]
    return tuple(found)
