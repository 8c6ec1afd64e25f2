"""What the other tools are told, and that uv's own binary answers on the replay."""

from collections.abc import Iterator
from dataclasses import replace

import pytest
from tests.rules.cases import Answer, Case, cases
from tests.rules.hosts import gpu, host
from tests.rules.peers import NOTHING, Runner
from tests.rules.peers_facts import Facts, facts

from accelsel.model.profile import Profile
from accelsel.model.request import Request

BY_ID = {case.id: case for case in cases()}
PASCAL = gpu(0, "nvidia", "GTX 1080 Ti", "sm_61")


def case(profile: Profile, torch: str = "", *, any_python: bool = False) -> Case:
    request = Request(torch=torch, requires_python=">=3.8" if any_python else None)
    return replace(BY_ID["case-067"], profile=profile, request=request)


def told(profile: Profile) -> Facts:
    return facts(case(profile))


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (host(PASCAL), ("580.65.06", "580.65.06", "13.0")),
        (host(PASCAL, driver="535.183"), ("535.183", "535.183", "12.2")),
        (host(PASCAL, cuda="12.4"), ("550.999", "550.999", "12.4")),
        (host(PASCAL, driver="535.183", cuda="12.8"), ("535.183", "535.183", "12.8")),
        (host(PASCAL, jetson=("R36.4", None)), ("540.4.0", "540.4.0", "12.6")),
        (host(PASCAL, jetson=("R35.4.1", "5")), ("35.4.1", None, None)),
        (host(gpu(0, "amd", "RX 580", "gfx803")), (None, None, None)),
    ],
    ids=["nothing", "driver", "cuda", "both", "jetpack 6", "jetpack 5", "amd"],
)
def test_the_driver(profile: Profile, expected: tuple[str | None, ...]) -> None:
    found = told(profile)
    assert (found.module, found.driver, found.cuda) == expected


@pytest.mark.parametrize(
    ("profile", "platform", "tag"),
    [
        (host(glibc="2.17"), "x86_64-manylinux_2_17", "manylinux_2_17_x86_64"),
        (host(glibc="2.29"), "x86_64-manylinux_2_28", "manylinux_2_29_x86_64"),
        (host(glibc="2.50"), "x86_64-manylinux_2_40", "manylinux_2_50_x86_64"),
        (host(arch="aarch64"), "aarch64-manylinux_2_39", "manylinux_2_39_aarch64"),
        (host(arch="ppc64le"), "", "manylinux_2_39_ppc64le"),
        (host(libc="musl", glibc="1.2"), "x86_64-unknown-linux-musl", "musllinux_1_2_x86_64"),
        (host(system="windows"), "x86_64-pc-windows-msvc", "win_amd64"),
        (
            host(system="darwin", arch="arm64", version="14.2"),
            "aarch64-apple-darwin",
            "macosx_14_0_arm64",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_the_wheels(profile: Profile, platform: str, tag: str) -> None:
    found = told(profile)
    assert (found.platform, found.tags[0]) == (platform, tag)


def test_the_devices_are_of_the_architecture_and_the_nearest_name_is_first() -> None:
    pascal, radeon, unknown = told(
        host(PASCAL, gpu(1, "amd", "Radeon VII", "gfx906"), gpu(2, "nvidia", "a card", None))
    ).devices
    assert pascal[0] == "10de:1b06"
    assert radeon[0] == "1002:66af"
    assert unknown
    assert told(host(gpu(0, "apple", "Apple M2", None))).devices == ()


def test_what_leads() -> None:
    both = told(host(gpu(0, "intel", "UHD", "gen9"), gpu(1, "amd", "RX 7600", "gfx1102"), PASCAL))
    assert (both.vendor, both.gfx) == ("nvidia", "gfx1102")
    assert facts(case(host(PASCAL), any_python=True)).pythons == ("3.12", "3.10", "3.8")


@pytest.fixture(scope="module")
def runner() -> Iterator[Runner]:
    with Runner() as running:
        yield running


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        (case(host(PASCAL)), Answer(backend="cu132", torch="2.15.0")),
        (case(host(PASCAL, driver="535.183"), "<2.8"), Answer(backend="cu128", torch="2.7.1")),
        (
            case(host(gpu(0, "amd", "RX 7600", "gfx1102"))),
            Answer(backend="rocm7.2", torch="2.14.1"),
        ),
        (case(host(gpu(0, "amd", "780M", "gfx1103"))), Answer(backend="cpu", torch="2.14.1")),
        (case(host(arch="ppc64le")), NOTHING),
    ],
    ids=["pascal", "bound", "amd", "amd that it overlooks", "no platform"],
)
def test_uv_answers(runner: Runner, asked: Case, expected: Answer) -> None:
    assert runner.ask("uv", [(facts(asked), asked.request.torch)]) == [expected]


@pytest.mark.parametrize(
    ("commands", "expected"),
    [
        ([["torch"]], Answer(backend="cu132", torch="2.15.0", default=True)),
        (
            [["torch<2.9", "--index-url", "https://download.pytorch.org/whl/cu126"]],
            Answer(backend="cu126", torch="2.8.0"),
        ),
        ([["torch-directml"], ["torch"]], Answer(backend="directml", torch=None)),
        ([["triton-windows"]], NOTHING),
        ("no support for this GPU", NOTHING),
    ],
    ids=["default index", "index", "directml", "no torch", "refusal"],
)
def test_pip_commands_are_resolved(
    runner: Runner, commands: list[list[str]] | str, expected: Answer
) -> None:
    bound = "<2.9" if expected.torch == "2.8.0" else ""
    assert runner._installed(told(host(PASCAL)), bound, commands) == expected
