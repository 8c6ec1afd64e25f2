"""Real user cases: at least 97 % right, none answered with what fails there."""

import pytest
from tests.rules.cases import Answer, Case, cases, fails, ours, threads, wrong
from tests.rules.report import by_own_answers, judged, text

# A miss has to be explained here before it may stand.
KNOWN_MISSES = {
    "case-282": "asks for torch 1.6.0 on Python 3.7: both are older than the table",
}
BY_ID = {case.id: case for case in cases()}


@pytest.mark.parametrize("case", cases() + threads(), ids=lambda case: f"{case.id}-{case.kind}")
def test_nothing_that_fails_is_chosen(case: Case) -> None:
    for overrides in (True, False):
        assert not any(fails(case, answer) for answer in ours(case, overrides=overrides))


@pytest.mark.parametrize("case", cases() + threads(), ids=lambda case: case.id)
def test_right(case: Case) -> None:
    why = wrong(case, *ours(case))
    assert (why is None) is (case.id not in KNOWN_MISSES), why


def test_every_case_is_judged() -> None:
    rows = judged()
    assert len(rows) == 136
    assert sum(why is None for *_, why in rows) / len(rows) >= 0.97


def test_every_case_has_a_name_of_its_own_and_a_source() -> None:
    every = cases() + threads()
    assert len({case.id for case in every}) == len(every)
    counted = {(case.source, tuple(gpu.arch for gpu in case.profile.gpus)) for case in cases()}
    assert not [
        case.id
        for case in threads()
        if (case.source, tuple(gpu.arch for gpu in case.profile.gpus)) in counted
    ]
    assert len(threads()) >= 100
    assert all(case.source and (case.right or case.none) for case in threads())


def test_by_the_threads_own_answers_five_are_left_out_at_most() -> None:
    rows = by_own_answers()
    assert len(rows) >= 136 - 5
    assert sum(why is None for *_, why in rows) / len(rows) >= 0.97


def test_what_the_threads_do_not_say_has_its_source() -> None:
    for case in cases():
        told = {**case.added, **case.carried}
        assert set(told) <= set(case.right), case.id
        assert all(told.values()), case.id
        assert not (case.contradicted and not case.added), case.id


OVERRIDES = [case for case in cases() if case.override]


@pytest.mark.parametrize("case", OVERRIDES, ids=lambda case: case.id)
def test_an_override_is_taken_where_it_is_allowed_and_offered_elsewhere(case: Case) -> None:
    allowed, _ = ours(case)
    silent, _ = ours(case, overrides=False)
    assert allowed.override == case.override
    assert silent.override is None
    assert f"HSA_OVERRIDE_GFX_VERSION={case.override}" in silent.named
    assert silent.backend in ("amd", "cpu")


def answer(backend: str | None, torch: str | None = "2.14.1", **more: object) -> Answer:
    return Answer(backend=backend, torch=torch, **more)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("case", "free", "kept", "why"),
    [
        ("case-067", answer("cu126"), answer("cu126", "2.7.1"), None),
        ("case-067", answer("cu130"), answer("cu126", "2.7.1"), "which fails there"),
        ("case-067", answer("cu126"), answer("cu124", "2.7.1"), "with ==2.7.1 chose cu124"),
        ("case-067", answer("cu126"), answer(None, None), "with ==2.7.1 chose nothing"),
        ("case-004", answer("cu130"), answer(None, None), None),
        ("case-004", answer("cu130"), answer("cu118", "2.0.1"), "which fails there"),
        ("case-149", answer("rocm7.2", override="10.3.0"), answer("rocm7.2"), None),
        ("case-149", answer("rocm7.2", override="11.0.0"), answer("rocm7.2"), "an override of"),
        ("case-149", answer("cpu"), answer("cpu"), "chose cpu 2.14.1, right are rocm6.2.4"),
        ("case-119", answer("cu132", default=True), answer("cu132", default=True), "fails there"),
        ("case-281", answer(None, None), answer(None, None), None),
        ("case-169", answer(None, None), answer(None, None), "chose nothing, right are amd"),
        ("case-170", answer(None, None, named="amd"), answer(None, None, named="amd"), None),
    ],
)  # fmt: skip
def test_judging(case: str, free: Answer, kept: Answer, why: str | None) -> None:
    found = wrong(BY_ID[case], free, kept)
    assert found is None if why is None else why in (found or "")


def test_the_report_names_the_tools_the_misses_and_their_sources() -> None:
    nothing = {case.id: (answer(None, None), answer(None, None)) for case in cases()}
    harmful = {case.id: (answer("cpu"), answer("cpu")) for case in cases()}
    report = text({"a tool 1.0": nothing, "another 2.0": harmful})
    lines = report.splitlines()
    assert lines[0].split() == ["kind", "cases", "accelsel", "a", "tool", "1.0", "another", "2.0"]
    every = next(line for line in lines if line.startswith("all "))
    shares = [int(cell.rstrip("%")) for cell in every.split() if cell.endswith("%")]
    assert shares[0] >= 97
    assert shares[0] > max(shares[1:])
    harm = next(line for line in lines if line.startswith("named as failing")).split()[3:]
    assert harm[:2] == ["0", "0"]
    assert int(harm[2]) > 0
    for case in cases():
        if case.contradicted:
            assert f"    {case.id} ({case.source}): {case.contradicted}" in lines
        if case.override:
            assert f"  {case.id}, {case.profile.gpus[0].arch}: " in report
    for missed in KNOWN_MISSES:
        assert f"  {missed} (" in report
    assert "Not installed" in lines[-1]
