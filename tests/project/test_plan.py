"""Pins and unpins of the reviewed pairs in fixtures/projects, and of small projects."""

import tomllib

import pytest
from tests.project.cases import Case, load_all, pinned, selection

from accelsel.model.errors import AccelselError
from accelsel.model.plan import PinOptions
from accelsel.project.check import check
from accelsel.project.plan import plan, unplan
from accelsel.project.read import read
from accelsel.project.render import render

CASES = load_all()
ids = pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])


@ids
def test_pin_writes_what_was_reviewed(case: Case) -> None:
    assert pinned(case) == case.after


@ids
def test_check_accepts_the_pinned_file(case: Case) -> None:
    assert check(read(case.after, case.path)) == ()


@ids
def test_second_pin_changes_nothing(case: Case) -> None:
    again = plan(read(case.after, case.path), case.selections, case.options)
    assert not again.changed
    assert render(case.after, again) == case.after


@ids
def test_unpin_gives_the_original_back(case: Case) -> None:
    view = read(case.after, case.path)
    if view.record is None:
        assert case.after == case.before
    else:
        assert render(case.after, unplan(view)) == case.before


@ids
def test_unpin_after_an_edit_elsewhere_gives_the_values_back(case: Case) -> None:
    view = read(case.after, case.path)
    if view.record is None or case.path.endswith(".py"):
        return
    note = "\n[tool.other]\nnote = 1\n"
    edited = case.after + ("" if case.after.endswith("\n") else "\n") + note
    text = render(edited, unplan(read(edited, case.path)))
    original = tomllib.loads(case.before.removeprefix("\ufeff"))
    original.setdefault("tool", {})["other"] = {"note": 1}
    assert tomllib.loads(text.removeprefix("\ufeff")) == original


def test_a_project_without_torch_is_nothing_to_act_on() -> None:
    view = read('[project]\nname = "a"\ndependencies = ["numpy"]\n')
    with pytest.raises(AccelselError) as raised:
        plan(view, (selection({}),), PinOptions())
    assert (raised.value.code, raised.value.kind) == (3, "no-torch")


def test_unpin_without_a_record_is_nothing_to_act_on() -> None:
    with pytest.raises(AccelselError) as raised:
        unplan(read('[project]\nname = "a"\n'))
    assert (raised.value.code, raised.value.kind) == (3, "no-record")
