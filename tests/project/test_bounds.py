"""Bounds of several sources as one."""

import pytest

from accelsel.project.bounds import merged

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
