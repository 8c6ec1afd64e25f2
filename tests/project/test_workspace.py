"""Workspaces: what uv reads only from the root is in the root, and members do not hide it."""

import tomllib
from typing import Any

import pytest
from tests.project.cases import selection

from accelsel.model.errors import AccelselError
from accelsel.model.plan import PinOptions, Plan, Shape
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


def test_what_uv_reads_from_the_root_alone_is_there_for_the_groups_of_a_member() -> None:
    texts = {
        "pyproject.toml": ROOT,
        "a/pyproject.toml": '[project]\nname = "one"\nversion = "1"\ndependencies = ["torch"]\n'
        '[project.optional-dependencies]\nserve = ["vllm<0.20"]\n',
    }
    facts = {
        "backend": "rocm7.2",
        "left_out": [{"kind": "extra", "name": "serve", "packages": ["vllm"]}],
        "packages": [{"name": "triton-rocm", "index": "pytorch-rocm7.2", "kind": "triton"}],
        "excludes": ["triton"],
    }

    def planned(present: dict[str, str]) -> tuple[Plan, ...]:
        views = [read(text, path) for path, text in present.items()]
        return plan_workspace(views[0], views[1:], (selection(facts),), PinOptions())

    made = planned(texts)
    first = {plan.path: render(texts[plan.path], plan) for plan in made}
    root = uv(first["pyproject.toml"])
    assert [text.partition(">")[0] for text in root["constraint-dependencies"]] == [
        "torch", "triton-rocm"
    ]  # fmt: skip
    assert root["override-dependencies"] == ["triton ; python_version < '0'"]
    assert root["sources"]["triton-rocm"]["index"] == "pytorch-rocm7.2"
    assert [index["name"] for index in root["index"]] == ["pytorch-rocm7.2"]
    assert "torch" not in root["sources"]
    assert "group-of-a-member" in [w.code for plan in made for w in plan.warnings]
    assert {p.path: render(first[p.path], p) for p in planned(first)} == first
    for path, text in first.items():
        assert render(text, unplan(read(text, path))) == texts[path]


MEMBER = '[project]\nname = "one"\nversion = "1"\ndependencies = ["torch>=2.6"]\n'
USER = '[project]\nname = "two"\nversion = "1"\ndependencies = ["{}"]\n'
BACKENDS = (selection({"backend": "cpu"}), selection({}))


@pytest.mark.parametrize(
    ("shape", "root", "user", "told"),
    [
        pytest.param("groups", 'dependencies = ["one"]', "numpy", "root depends on one", id="root"),
        pytest.param(
            "extras", 'dependencies = ["one"]', "numpy", "root depends on one", id="extra"
        ),
        pytest.param("groups", "", "One>=1", "two depends on one", id="member"),
        pytest.param("groups", 'dependencies = ["one"]', "one", "root, two depend", id="two"),
        pytest.param("groups", "", "numpy", None, id="nobody"),
        pytest.param("extras", "", "one[cu126]", None, id="by the extra"),
        pytest.param("groups", "", "two-one", None, id="another name"),
    ],
)
def test_who_gets_no_torch_through_a_member(
    shape: Shape, root: str, user: str, told: str | None
) -> None:
    texts = [ROOT.replace('dependencies = ["one"]', root), MEMBER, USER.format(user)]
    views = [read(text, f"{at}/pyproject.toml") for at, text in enumerate(texts)]
    made = plan_workspace(views[0], views[1:], BACKENDS, PinOptions(shape=shape))
    said = [w.message for p in made for w in p.warnings if w.code == "torch-not-passed-on"]
    assert len(said) == (told is not None)
    assert all(message.startswith(str(told)) for message in said)


def test_a_package_of_the_same_name_from_elsewhere_is_none_of_the_members() -> None:
    elsewhere = '[tool.uv.sources]\none = { index = "ours" }\n'
    texts = [ROOT.replace('"one"]', "]"), MEMBER, USER.format("one") + elsewhere]
    views = [read(text, f"{at}/pyproject.toml") for at, text in enumerate(texts)]
    made = plan_workspace(views[0], views[1:], BACKENDS, PinOptions(shape="groups"))
    assert "torch-not-passed-on" not in [w.code for p in made for w in p.warnings]


def test_torch_that_was_in_an_extra_already_was_never_passed_on() -> None:
    member = MEMBER.replace('dependencies = ["torch>=2.6"]', "dependencies = []")
    member += '[project.optional-dependencies]\ncpu = ["torch>=2.6"]\n'
    views = [read(ROOT, "pyproject.toml"), read(member, "one/pyproject.toml")]
    made = plan_workspace(views[0], views[1:], BACKENDS, PinOptions(shape="extras"))
    assert "torch-not-passed-on" not in [w.code for p in made for w in p.warnings]
