"""Pythons that a project allows and that the chosen torch has no wheels for."""

import pytest
from tests.rules.hosts import amd, nvidia
from tests.rules.rows import TABLES

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules import select

BLACKWELL, PASCAL = nvidia("sm_120"), nvidia("sm_61")


@pytest.mark.parametrize(
    ("profile", "torch", "wide", "first", "since"),
    [
        (BLACKWELL, "", ">=3.9", "3.10", "3.10"),
        (BLACKWELL, "", ">=3.8,<3.13", "3.10", "3.10"),
        (BLACKWELL, "", ">=3.10", None, None),
        (BLACKWELL, "", None, None, None),
        (PASCAL, "", ">=3.9", None, None),  # cu126 has releases for 3.9
        (PASCAL, "", ">=3.8", "3.9", "3.9"),
        (PASCAL, ">=2.9", ">=3.9", "3.10", None),  # no index has such a torch for 3.9
        (PASCAL, ">=2.6", ">=3.8", "3.9", None),
        (amd("gfx1100"), "", ">=3.9", "3.10", "3.10"),
        (amd("gfx1031"), "", ">=3.9", "3.10", None),  # extras that overrides hold
    ],
)
def test_the_choice_holds_from_a_python_on(
    profile: Profile, torch: str, wide: str | None, first: str | None, since: str | None
) -> None:
    found = select(profile, Request(torch=torch, requires_python=wide), TABLES)
    assert found.since == since
    told = [one for one in found.warnings if one.code == "python-too-wide"]
    assert len(told) == bool(first)
    for one in told:
        oldest = str(wide)[2:].partition(",")[0]
        assert one.message.endswith(
            f"has no wheels before Python {first}, and the project allows {oldest}: "
            "uv locks for all that it allows"
        )
        assert str(one.hint).startswith(f"requires-python = '>={first}', or an older torch")
        assert ("default index" in str(one.hint)) == (since is not None)
