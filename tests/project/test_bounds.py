"""Bounds of several sources as one."""

import pytest
from tests.project.cases import selection

from accelsel.project.bounds import agree, beside_overrides, merged
from accelsel.project.draft import Draft
from accelsel.project.read import read

TABLE = [
    (">=2.5", ">=2.6,<2.15", ">=2.6,<2.15"),
    ("", "<2.15", "<2.15"),
    ("==2.5.1", ">=2.4,<2.7", "==2.5.1"),
    (">=2.5,<3", ">=2.6,<2.15", ">=2.6,<2.15"),
    ("!=2.7.0,>=2.6", "<2.15", "!=2.7.0,>=2.6,<2.15"),
    ("==2.5.*", "<2.15", "==2.5.*,<2.15"),
    ("~=2.6", ">=2.6", "~=2.6,>=2.6"),
    (">2.5", ">=2.5", ">2.5"),
    ("<=2.9", "<2.9", "<2.9"),
]


@pytest.mark.parametrize(("one", "two", "text"), TABLE)
def test_merged(one: str, two: str, text: str) -> None:
    assert merged(one, two) == text


@pytest.mark.parametrize(
    ("one", "two", "both"),
    [
        ("", "==2.5.1", True),
        ("~=0.11.0", ">=0.14", False),
        ("~=0.11.0", ">=0.11.3", True),
        (">2.5", "<2.6", True),
        ("==2.5.*", ">=2.6", False),
        ("", "", True),
    ],
)
def test_whether_two_sets_agree(one: str, two: str, both: object) -> None:
    assert agree(one, two) == agree(two, one) == both


@pytest.mark.parametrize(
    ("override", "left"),
    [
        ("torchcodec~=0.11.0", []),
        ("torchcodec~=0.11.0 ; sys_platform == 'darwin'", ["torchcodec"]),
        ("torchcodec>=0.15", ["torchcodec"]),
        ("torchcodec", ["torchcodec"]),
    ],
    ids=["another version", "elsewhere", "within", "any version"],
)
def test_what_the_project_overrides_by_another_version_is_left_alone(
    override: str, left: list[str]
) -> None:
    text = f'[project]\nname = "x"\n[tool.uv]\noverride-dependencies = ["{override}"]\n'
    draft = Draft(read(text))
    asked = selection({"packages": [{"name": "torchcodec", "specifier": ">=0.14"}]})
    [found] = beside_overrides(draft, (asked,))
    assert [package.name for package in found.packages] == left
    assert len(draft.warnings) == (not left)
