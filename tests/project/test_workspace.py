"""Workspaces: what uv reads only from the root is in the root, and members do not hide it."""

import tomllib
from typing import Any

import pytest
from tests.project.cases import selection

from accelsel.model.errors import AccelselError
from accelsel.model.plan import PinOptions
from accelsel.project.check import check
from accelsel.project.plan import unplan
from accelsel.project.read import read
from accelsel.project.render import render
from accelsel.project.workspace import combined, plan_workspace

ROOT = """\
[project]
name = "root"
version = "1"
dependencies = ["one"]

[tool.uv.workspace]
members = ["packages/*"]

[tool.uv.sources]
one = { workspace = true }
"""
ONE = """\
[project]
name = "one"
version = "1"
dependencies = ["torch==2.5.1+cu124", "two"]

[tool.uv.sources]
torch = { index = "old" }
two = { workspace = true }

[[tool.uv.index]]
name = "old"
url = "https://download.pytorch.org/whl/cu124"
explicit = true
"""
TWO = '[project]\nname = "two"\nversion = "1"\ndependencies = ["torchvision", "numpy"]\n'
THREE = '[project]\nname = "three"\nversion = "1"\ndependencies = ["numpy"]\n'
TEXTS = {"pyproject.toml": ROOT, "a/pyproject.toml": ONE, "b/pyproject.toml": TWO, "c": THREE}
PACKAGES = [{"name": "torchvision", "specifier": ">=0.20", "index": "pytorch-cu126"}]


def pinned(texts: dict[str, str], **facts: Any) -> dict[str, str]:
    views = [read(text, path) for path, text in texts.items()]
    made = plan_workspace(
        views[0], views[1:], (selection({"packages": PACKAGES, **facts}),), PinOptions()
    )
    return {plan.path: render(texts[plan.path], plan) for plan in made}


def uv(text: str) -> Any:
    return tomllib.loads(text)["tool"]["uv"]


def test_root_holds_bounds_sources_and_index() -> None:
    result = pinned(TEXTS)
    root = uv(result["pyproject.toml"])
    assert [c.split(" ; ")[0] for c in root["constraint-dependencies"]] == ["torch>=2.6,<2.15"]
    assert root["sources"]["torch"]["index"] == "pytorch-cu126"
    assert root["sources"]["torchvision"]["index"] == "pytorch-cu126"
    assert root["sources"]["one"] == {"workspace": True}
    assert [index["name"] for index in root["index"]] == ["pytorch-cu126"]


def test_member_loses_what_hides_the_root() -> None:
    member = tomllib.loads(pinned(TEXTS)["a/pyproject.toml"])
    assert member["project"]["dependencies"] == ["torch==2.5.1", "two"]
    assert member["tool"]["uv"] == {"sources": {"two": {"workspace": True}}}


def test_member_keeps_its_own_source_for_another_platform() -> None:
    mac = 'torch = { index = "old", marker = "sys_platform == \'darwin\'" }'
    texts = {**TEXTS, "a/pyproject.toml": ONE.replace('torch = { index = "old" }', mac)}
    member = uv(pinned(texts)["a/pyproject.toml"])
    assert [entry["index"] for entry in member["sources"]["torch"]] == ["old", "pytorch-cu126"]
    assert [index["name"] for index in member["index"]] == ["old"]


def test_members_without_torch_stay_as_they_are() -> None:
    result = pinned(TEXTS)
    assert result["b/pyproject.toml"] == TWO
    assert result["c"] == THREE


def test_second_pin_changes_nothing_and_unpin_restores() -> None:
    first = pinned(TEXTS)
    assert pinned(first) == first
    for path, text in first.items():
        view = read(text, path)
        if view.record is not None:
            assert check(view) == ()
            text = render(text, unplan(view))  # noqa: PLW2901
        assert text == TEXTS[path]


def test_combined_bounds_are_those_of_all_members() -> None:
    views = [read(text, path) for path, text in TEXTS.items()]
    assert combined(views[0], views[1:]).bounds("torch") == "==2.5.1"


def test_several_backends_stand_in_the_member_that_requires_torch() -> None:
    texts = {
        path: text.replace('"torchvision", ', "") for path, text in TEXTS.items() if path != "c"
    }
    views = [read(text, path) for path, text in texts.items()]
    chosen = (selection({"backend": "cpu"}), selection({}))
    made = plan_workspace(views[0], views[1:], chosen, PinOptions(shape="extras"))
    assert [plan.changed for plan in made] == [False, True, False]
    member = uv(render(texts["a/pyproject.toml"], made[1]))
    assert member["conflicts"] == [[{"extra": "cpu"}, {"extra": "cu126"}]]


def test_several_backends_for_several_members_are_refused() -> None:
    views = [read(text, path) for path, text in TEXTS.items()]
    chosen = (selection({"backend": "cpu"}), selection({}))
    with pytest.raises(AccelselError) as raised:
        plan_workspace(views[0], views[1:], chosen, PinOptions(shape="extras"))
    assert (raised.value.code, raised.value.kind) == (2, "several-members")
