from tests.rules.hosts import host, nvidia
from tests.rules.rows import backend, build, case

from accelsel.model.request import Request
from accelsel.rules import RULES
from accelsel.rules.question import Scope
from accelsel.rules.units import BY_ID, CHECKS, all_findings, first_finding

SOME: tuple[Scope, ...] = ("gpu", "host", "wheel", "request")
ALL: frozenset[Scope] = frozenset({"gpu", "host", "wheel", "python", "policy", "request"})


def test_every_rule_can_be_shown() -> None:
    assert len(RULES) == len({rule.id for rule in RULES}) == len(BY_ID)
    for rule in RULES:
        assert rule.id == rule.id.lower()
        assert rule.title[0].isupper()
        assert not rule.title.endswith(".")
        assert rule.why != rule.why_not
        assert BY_ID[rule.id] is rule
        assert (rule.check is None) or rule.scope != "order"


def test_the_rules_by_scope() -> None:
    scopes = {
        scope: {rule.id for rule in RULES if rule.scope == scope} for scope in (*ALL, "order")
    }
    assert scopes["gpu"] == {"vendor", "arch-list-unknown", "broken-combination", "arch-kernels"}
    assert scopes["host"] == {"jetpack", "driver-floor", "libc-floor", "macos-floor", "usable-gpu"}
    assert scopes["wheel"] == {"published", "platform-wheel", "not-in-table"}
    assert scopes["python"] == {"python-wheel"}
    assert scopes["policy"] == {"policy"}
    assert scopes["request"] == {"channel", "requested-backend", "requested-range", "companion"}
    assert scopes["order"] == {"own-index", "newest-torch", "nearest-toolkit"}
    assert len(CHECKS) == 15


def test_hardware_is_told_before_the_wheel_and_the_request() -> None:
    row = build("2.15.0", "cu130", archs=("sm_75",), published=None, pythons=("3.8",), glibc="2.99")
    asked = Request(torch="<2.15", channel="nightly")
    one = case(row, nvidia("sm_61", driver="535.1"), asked)
    finding, doubts = first_finding(row, one.backend, one.question, ALL)
    assert finding
    assert (finding.rule, doubts) == ("arch-kernels", ())
    rules = [found.rule for found in all_findings(row, one.backend, one.question, ALL)]
    assert rules == [
        "arch-kernels", "driver-floor", "libc-floor", "python-wheel", "published", "channel",
        "requested-range",
    ]  # fmt: skip


def test_only_the_scopes_asked_for_are_looked_at() -> None:
    row = build("2.15.0", "cu130", archs=("sm_75",), published=None)
    one = case(row, nvidia("sm_61", driver="535.1"))
    found = [
        finding.rule
        for scope in SOME
        for finding in all_findings(row, one.backend, one.question, frozenset({scope}))
    ]
    assert found == ["arch-kernels", "driver-floor", "published"]
    assert first_finding(row, one.backend, one.question, frozenset({"policy"})) == (None, ())


def test_doubts_are_kept_beside_what_is_sure() -> None:
    one = case(build(), nvidia(None, driver=None))
    finding, doubts = first_finding(build(), one.backend, one.question, ALL)
    assert finding is None
    assert [doubt.rule for doubt in doubts] == ["arch-kernels", "driver-floor"]
    late = build(published=None)
    sure, met = first_finding(late, one.backend, one.question, ALL)
    assert sure
    assert (sure.rule, len(met)) == ("published", 2)
    assert [f.rule for f in all_findings(late, one.backend, one.question, ALL)] == ["published"]


def test_a_build_that_runs() -> None:
    one = case(build(), nvidia("sm_61"))
    assert first_finding(build(), one.backend, one.question, ALL) == (None, ())
    cpu = build(backend="cpu", archs=())
    assert first_finding(cpu, backend("cpu"), case(cpu, host()).question, ALL) == (None, ())
