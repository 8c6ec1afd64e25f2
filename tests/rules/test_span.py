"""The range of torch over which a choice stays right, over tables made by hand."""

from dataclasses import replace

import pytest
from tests.rules.hosts import host, nvidia
from tests.rules.rows import TABLES, build

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.table import Build, Companion
from accelsel.rules import select

OLD = ("sm_75", "sm_86")
ALL = ("sm_50", "sm_75", "sm_86")


def specifier(rows: list[Build], profile: Profile, **asked: object) -> str:
    tables = replace(TABLES, builds=tuple(rows))
    found = select(profile, Request(**asked), tables)  # type: ignore[arg-type]
    assert found.torch
    return found.torch.specifier


@pytest.mark.parametrize(
    ("rows", "expected"),
    [
        ([build("2.6.0"), build("2.7.1"), build("2.8.0")], ">=2.6,<2.9"),
        ([build("2.12.1"), build("2.13.0")], ">=2.12.1,<2.14"),
        ([build("2.7.1")], ">=2.7.1,<2.8"),
        ([build("2.6.0"), build("2.7.0", archs=("sm_90",)), build("2.8.0")], ">=2.8,<2.9"),
        ([build("2.7.0", published=None), build("2.8.0")], ">=2.8,<2.9"),
        ([build("2.7.0", archs=None), build("2.8.0")], ">=2.8,<2.9"),
        ([build("2.8.0", "cu118"), build("2.9.0")], ">=2.9,<2.10"),
        ([build("2.8.0", platform="windows-amd64"), build("2.9.0")], ">=2.9,<2.10"),
        ([build("2.7.0", pythons=("3.9",)), build("2.8.0")], ">=2.7,<2.9"),
        ([build("2.7.0", glibc="2.99"), build("2.8.0")], ">=2.8,<2.9"),
        ([build("2.8.0"), build("2.8.1", archs=("sm_90",))], ">=2.8,<2.8.1"),
        ([build("2.8.0"), build("2.8.1", published=None)], ">=2.8,<2.9"),
        ([build("2.8.0"), build("2.8.1", pythons=("3.9",)), build("2.8.2", pythons=("3.9",))],
         ">=2.8,<2.8.1"),
        ([build("2.8.0"), build("2.9.0", archs=("sm_90",))], ">=2.8,<2.9"),
        ([build("2.9.0rc1"), build("2.8.0")], "==2.9.0rc1+cu126"),
        ([build("2.8.0"), build("2.9.0", version="2.9.0+abc")], "==2.9.0+abc"),
        ([build("2.8.0", version="2.8.0"), build("2.9.0", version="2.9.0")], ">=2.8,<2.10"),
    ],
)  # fmt: skip
def test_specifier(rows: list[Build], expected: str) -> None:
    assert specifier(rows, nvidia("sm_61")) == expected


def test_a_bound_that_was_asked_for_does_not_narrow_the_range() -> None:
    rows = [build("2.6.0"), build("2.7.0"), build("2.8.0"), build("2.9.0")]
    assert specifier(rows, nvidia("sm_61"), torch="==2.8.0") == ">=2.6,<2.9"
    assert specifier(rows, nvidia("sm_61"), torch="==2.6.0") == ">=2.6,<2.7"


VISION = Companion(name="torchvision", specifier="==0.24.0", declared=True)


@pytest.mark.parametrize(
    ("asked", "expected"),
    [((), ">=2.8,<2.11"), (("torchvision",), ">=2.9,<2.9.1"), (("numpy",), ">=2.8,<2.11")],
)
def test_a_release_without_the_package_asked_for_is_not_in_the_range(
    asked: tuple[str, ...], expected: str
) -> None:
    rows = [build(torch) for torch in ("2.8.0", "2.9.1", "2.10.0")]
    rows.append(build("2.9.0", companions=(VISION,)))
    assert specifier(rows, nvidia("sm_61"), companions=asked) == expected


def test_what_is_less_sure_is_not_in_the_range() -> None:
    rows = [
        build("2.7.0", "xpu", archs=("xe-hpg",)),
        build("2.8.0", "xpu", archs=("xe-hpg",)),
    ]
    arc = host(TARGET)
    assert specifier(rows, arc) == ">=2.7,<2.9"


TARGET = nvidia("sm_86").gpus[0]
TARGET = replace(TARGET, vendor="intel", arch="xe-hpg")


def test_a_forced_range_goes_by_the_wheels() -> None:
    rows = [
        build("2.6.0", published=None), build("2.7.0", archs=OLD), build("2.8.0", archs=OLD),
    ]  # fmt: skip
    found = specifier(rows, nvidia("sm_61"), backend="cu126", force=True)
    assert found == ">=2.7,<2.9"


def test_vendor_indexes_mix_builds() -> None:
    found = select(nvidia("sm_86", python="3.12.1"), Request(), TABLES)
    assert found.torch
    assert "==" not in found.torch.specifier


def test_the_range_ends_where_other_packages_want_something_else() -> None:
    found = select(nvidia("sm_86"), Request(companions=("flash-attn",)), TABLES)
    alone = select(nvidia("sm_86"), Request(), TABLES)
    assert found.torch
    assert alone.torch
    assert found.torch.specifier.startswith(">=")
    assert found.packages
    pyg = select(nvidia("sm_86"), Request(companions=("torch-scatter",)), TABLES)
    assert pyg.torch
    minor = pyg.torch.version.rpartition(".")[0]
    assert pyg.torch.specifier.partition(",")[0].startswith(f">={minor}")
