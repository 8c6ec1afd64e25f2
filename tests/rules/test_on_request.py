"""Rules about what was asked for, over rows made by hand."""

from dataclasses import replace

import pytest
from tests.rules.hosts import amd, host, nvidia
from tests.rules.rows import build, case

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.table import Companion
from accelsel.rules import on_request


@pytest.mark.parametrize(
    ("name", "profile", "request_", "against"),
    [
        ("cpu", nvidia("sm_86"), Request(), True),
        ("cpu", amd("gfx1100"), Request(), True),
        ("cpu", host(), Request(), False),
        ("cpu", nvidia("sm_86"), Request(backend="cpu"), False),
        ("cpu", amd("gfx803"), Request(), False),
        ("cu126", nvidia("sm_86"), Request(), False),
        ("default", host(system="darwin", arch="arm64"), Request(), False),
    ],
)
def test_policy(name: str, profile: Profile, request_: Request, *, against: bool) -> None:
    finding = on_request.policy(case(build(backend=name), profile, request_))
    assert (finding is not None) is against
    if finding:
        assert (finding.rule, finding.change) == ("policy", "--backend cpu")
        assert finding.message == "without GPU support, and there is a GPU to serve"


@pytest.mark.parametrize(
    ("channel", "asked", "message"),
    [
        ("stable", "stable", None),
        ("nightly", "nightly", None),
        ("stable", "nightly", "in the stable channel"),
        ("test", "stable", "in the test channel"),
    ],
)
def test_channel(channel: str, asked: str, message: str | None) -> None:
    request = Request(channel=asked)  # type: ignore[arg-type]
    finding = on_request.channel(case(build(channel=channel), host(), request))
    assert (finding.message if finding else None) == message
    if finding:
        assert (finding.rule, finding.change) == ("channel", f"--channel {channel}")


def test_requested_backend() -> None:
    row = build(backend="cu126")
    assert on_request.requested_backend(case(row, host())) is None
    assert on_request.requested_backend(case(row, host(), Request(backend="cu126"))) is None
    finding = on_request.requested_backend(case(row, host(), Request(backend="cu130")))
    assert finding
    assert (finding.rule, finding.message) == ("requested-backend", "cu130 was asked for")
    assert finding.change == "--backend cu126"


@pytest.mark.parametrize(
    ("torch", "version", "asked", "inside"),
    [
        ("2.14.0", None, "", True),
        ("2.14.0", None, ">=2.6,<2.15", True),
        ("2.15.0", None, ">=2.6,<2.15", False),
        ("2.14.0", None, "==2.14.0+cu126", True),
        ("2.14.0", "2.14.0+cu130", "==2.14.0+cu126", False),
        ("2.14.0", None, "==2.14", True),
        ("2.1.0a0", "2.1.0a0+nv23", ">=2.0", True),
        ("2.1.0a0", "2.1.0a0+nv23", ">=2.1", False),
    ],
)
def test_requested_range(torch: str, version: str | None, asked: str, *, inside: bool) -> None:
    row = build(torch, version=version)
    finding = on_request.requested_range(case(row, host(), Request(torch=asked)))
    assert (finding is None) is inside
    if finding:
        assert finding.rule == "requested-range"
        assert finding.message == f"torch{asked} was asked for"
        assert finding.change == f"a bound on torch that admits {torch}"


def test_a_bound_never_leads_to_what_is_less_sure() -> None:
    one = case(build("2.15.0"), host(), Request(torch=">=2.13"))
    sure = one._replace(question=replace(one.question, newest_sure="2.14.1"))
    finding = on_request.requested_range(sure)
    assert finding
    assert finding.message == "newer than 2.14.1, the newest torch that is sure to run here"
    assert finding.change == "a bound on torch that admits 2.14.1"
    assert on_request.requested_range(sure._replace(build=build("2.14.1"))) is None
    assert on_request.requested_range(sure._replace(build=build("2.14.0"))) is None


VISION = Companion(name="torchvision", specifier="==0.29.0", declared=True)
AUDIO = Companion(name="torchaudio", specifier=">=2.11", declared=False, pythons=("3.10", "3.12"))


@pytest.mark.parametrize(
    ("wish", "rows", "message"),
    [
        ("torchvision", (VISION,), None),
        ("torchvision>=0.20", (VISION, AUDIO), None),
        (
            "torchvision<0.29",
            (VISION,),
            "torchvision<0.29 was asked for, and it goes with ==0.29.0",
        ),
        ("torchaudio", (VISION,), "no torchaudio is known for it"),
        ("torchaudio", (), "no torchaudio is known for it"),
        ("torchaudio", (AUDIO,), None),
        ("numpy<1", (VISION,), None),
        ("torch==1.0", (VISION,), None),
        (
            "TorchVision==0.1",
            (VISION,),
            "torchvision==0.1 was asked for, and it goes with ==0.29.0",
        ),
        ("torchvision<0.1 ; sys_platform == 'win32'", (VISION,), None),
    ],
)
def test_companion_of_the_family(wish: str, rows: tuple[Companion, ...], message: str) -> None:
    request = Request(companions=(wish,))
    one = case(build(companions=rows), host(), request)
    tables = replace(one.question.tables, companions=None)
    finding = on_request.companion(one._replace(question=replace(one.question, tables=tables)))
    assert (finding.message if finding else None) == message
    if finding:
        assert finding.rule == "companion"
        assert finding.change == f"another bound on {wish.lower().split('=')[0].split('<')[0]}"


def test_companion_without_a_wheel_for_the_python() -> None:
    request = Request(companions=("torchaudio",))
    row = build(companions=(AUDIO,))
    finding = on_request.companion(case(row, host(python="3.11.1"), request))
    assert finding
    assert finding.message == "torchaudio has no wheel for Python 3.11"
    assert on_request.companion(case(row, host(python="3.10.1"), request)) is None
