"""The doctor on described environments: each finding with a case that triggers it and one that
nearly does."""

import json
import re
from dataclasses import replace

import pytest
from tests.kit import told
from tests.kit.environments import CASES, Case, cases, examined

from accelsel.rules.doctor import CHECKS, TITLES

ALL = tuple(cases())
RULES = CASES.parents[1] / "src" / "accelsel" / "rules"


def _id(case: Case) -> str:
    return f"{case.name}{'-nearly' if case.near else ''}"


@pytest.mark.parametrize("case", ALL, ids=_id)
def test_case(case: Case) -> None:
    report = examined(case)
    found = {finding.id: finding for finding in report.findings}
    loud = {name for name, finding in found.items() if finding.severity != "note"}
    assert set(case.finds) <= set(found), report.findings
    assert loud <= set(case.finds), report.findings
    for name in () if case.near else case.finds[:1]:
        assert found[name].cause == case.data.get("cause", found[name].cause)
    # Where torch is right, no finding may send the user after another torch.
    if case.data.get("cause") == "companion":
        for finding in found.values():
            assert "accelsel why" not in (finding.fix or "")
            torch = report.environment.torch if report.environment else None
            installed = torch.version if torch else ""
            asked = re.findall(r"(?<![\w-])torch==([\w.]+)", finding.fix or "")
            assert set(asked) <= {installed.split("+")[0]}, finding


@pytest.mark.parametrize("case", [case for case in ALL if not case.near], ids=_id)
def test_errors_and_warnings_carry_a_command(case: Case) -> None:
    for finding in examined(case).findings:
        assert finding.what
        assert finding.where
        if finding.severity != "note":
            assert finding.fix, finding
            assert "\n" not in finding.fix
        if case.data.get("host", {}).get("uname", {}).get("system") == "windows":
            words = ("&&", "export ", "unset ", "sudo ", "rm -r")
            assert not any(word in (finding.fix or "") for word in words), finding


@pytest.mark.parametrize("name", sorted({case.name for case in ALL}))
def test_what_is_told(name: str) -> None:
    text = ""
    for case in (case for case in ALL if case.name == name):
        text += "nearly:\n" if case.near else ""
        for said in dict.fromkeys((case.data.get("error"), case.data.get("said"))):
            text += f"said: {said}\n" if said and case.data.get("said") else ""
            spoken = replace(case, data={**case.data, "error": said})
            text += told.text(examined(spoken), without=("rules", "checks"))
    told.same(f"environments/{name}", text)


def test_nothing_is_told_of_no_case() -> None:
    assert told.names("environments") == {case.name for case in ALL}


def test_every_case_has_one_that_nearly_is() -> None:
    lone = {"unknown-nightly", "vendor-image", "vllm-pins-another-torch"}
    for path in CASES.glob("*.json"):
        data = json.loads(path.read_text(encoding="utf-8"))
        assert "nearly" in data or path.stem in lone, path.name


def test_checks_have_ids_of_their_own() -> None:
    assert len({check.id for check in CHECKS}) == len(CHECKS)
    assert all(re.fullmatch(r"[a-z0-9-]+", check.id) and check.title for check in CHECKS)


def test_every_finding_has_a_case() -> None:
    source = "".join(path.read_text() for path in RULES.glob("doctor_*.py"))
    emitted = set(re.findall(r'finding\(\s*"([a-z0-9-]+)"', source))
    emitted |= set(re.findall(r'"(integrated-gpu[a-z-]*)" if', source))
    emitted |= set(re.findall(r'"(companion-[a-z]+)"', source))
    assert emitted <= set(TITLES)
    found = {name for case in ALL if not case.near for name in case.finds}
    assert emitted - found == set()


# The cases of users whose answer was another companion or the host, and not another torch.
DEV_CASES = (
    "008", "024", "049", "058", "061", "090", "112", "123", "131", "133", "136", "138", "139",
    "141", "142", "161", "207", "224", "241", "242", "244", "245", "247", "249", "252", "253",
    "254", "255", "256", "257", "258", "262", "267", "268", "269", "272", "273", "274", "276",
)  # fmt: skip


def _named(case: Case) -> bool:
    """Whether the first of the findings that have to be there is there, torch left alone."""
    found = {finding.id: finding for finding in examined(case).findings}
    right = found.get(case.finds[0])
    return right is not None and right.cause in ("companion", "host")


def test_the_users_cases_are_named() -> None:
    alone, told = set(), set()
    for case in (case for case in ALL if not case.near):
        numbers = set(re.findall(r"\d{3}", case.data["source"])) & set(DEV_CASES)
        if not case.data["source"].startswith("dev case") or not numbers:
            continue
        assert "error" not in case.data, "the environment or the host has to be enough"
        if _named(case):
            alone |= numbers
        said = replace(case, data={**case.data, "error": case.data.get("said")})
        if _named(said):
            told |= numbers
    print(f"alone {len(alone)} of {len(DEV_CASES)}; not: {set(DEV_CASES) - alone}")
    print(f"with what was said {len(told)} of {len(DEV_CASES)}; not: {set(DEV_CASES) - told}")
    assert len(alone) >= 0.9 * len(DEV_CASES)
    assert told >= alone
