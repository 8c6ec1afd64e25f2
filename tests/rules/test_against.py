"""Every objection that is sure against one build on one host, GPU by GPU."""

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.rows import TABLES

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules.against import against

BUILDS = {(build.torch, build.backend, build.platform): build for build in TABLES.builds}
TWO = nvidia("sm_86", "sm_61")
MIXED = host(
    gpu(0, "amd", "Radeon", "gfx1100"), gpu(1, "nvidia", "card", "sm_61"), driver="580.65.06"
)


@pytest.mark.parametrize(
    ("profile", "torch", "backend", "platform", "expected"),
    [
        (TWO, "2.14.1", "cu126", "linux-x86_64", []),
        (TWO, "2.14.1", "cu130", "linux-x86_64", [("arch-kernels", 1)]),
        (MIXED, "2.14.1", "cu130", "linux-x86_64", [("arch-kernels", 1)]),
        (MIXED, "2.14.1", "rocm7.2", "linux-x86_64", []),
        (amd("gfx1100"), "2.14.1", "cu130", "linux-x86_64", []),
        (nvidia("sm_86", driver="470.82.01"), "2.14.1", "cu126", "linux-x86_64",
         [("driver-floor", None)]),
        (host(glibc="2.17"), "2.14.1", "cpu", "linux-x86_64", [("libc-floor", None)]),
        (host(python="3.9.1"), "2.14.1", "cpu", "linux-x86_64", []),  # another can be installed
    ],
)  # fmt: skip
def test_against(
    profile: Profile,
    torch: str,
    backend: str,
    platform: str,
    expected: list[tuple[str, int | None]],
) -> None:
    found = against(profile, TABLES, Request(), BUILDS[torch, backend, platform])
    assert [(each.rule, each.gpu) for each in found] == expected
    assert all(each.message == each.finding.message for each in found)


def test_bounds_and_publication_are_left_aside() -> None:
    unseen = next(row for row in TABLES.builds if row.published is None and row.backend == "cpu")
    request = Request(torch="==2.0.0", channel="test", requires_python=">=3.14")
    assert against(host(), TABLES, request, unseen) == ()
