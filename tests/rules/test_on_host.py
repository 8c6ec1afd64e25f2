"""Rules about the system and the wheel, over rows made by hand."""

from dataclasses import replace

import pytest
from tests.rules.hosts import gpu, host, nvidia
from tests.rules.rows import TABLES, backend, build, case

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules import on_host
from accelsel.rules.question import pythons


@pytest.mark.parametrize(
    ("name", "profile", "met"),
    [
        ("cu126", nvidia("sm_86", driver="525.60.13"), True),
        ("cu126", nvidia("sm_86", driver="525.60.12"), False),
        ("cu126", nvidia("sm_86", driver="525"), True),
        ("cu126", nvidia("sm_86", driver="470.256.02"), False),
        ("cu118", nvidia("sm_86", driver="450.80.02"), True),
        ("cu118", nvidia("sm_86", driver="450.51.06"), False),
        ("cu130", nvidia("sm_86", driver="580.65.06"), True),
        ("cu132", nvidia("sm_86", driver="580.65.06"), True),
        ("cu130", nvidia("sm_86", driver="579.99"), False),
        ("cu130", nvidia("sm_86", driver="580.10", system="windows"), True),
        ("cu130", nvidia("sm_86", driver="580.10"), False),
        ("cu126", nvidia("sm_86", driver="528.33", system="windows"), True),
        ("cu126", nvidia("sm_86", driver="527.41", system="windows"), False),
        ("cu126", nvidia("sm_86", driver="527.41", wsl=True), False),
        ("cu126", nvidia("sm_86", driver="527.41"), True),
        ("cu118", nvidia("sm_86", driver="452.39", system="windows"), True),
        ("cu118", nvidia("sm_86", driver="452.06", system="windows"), False),
        ("cu126", nvidia("sm_86", driver=None, cuda="12.0"), True),
        ("cu130", nvidia("sm_86", driver=None, cuda="12.9"), False),
        ("cu118", nvidia("sm_86", driver=None, cuda="12.0"), True),
        ("cu126", nvidia("sm_86", driver="35.3.1", cuda="11.4"), False),
        ("cpu", nvidia("sm_86", driver="390.157"), True),
        ("rocm7.2", nvidia("sm_86", driver="390.157"), True),
        ("jetson-jp6", nvidia("sm_87", driver="390.157"), True),
    ],
)
def test_driver_floor(name: str, profile: Profile, *, met: bool) -> None:
    finding = on_host.driver_floor(case(build(backend=name), profile))
    assert (finding is None) is met
    if finding:
        assert (finding.rule, finding.certain) == ("driver-floor", True)


def test_a_driver_that_is_too_old_is_told_with_what_it_takes() -> None:
    finding = on_host.driver_floor(case(build(backend="cu130"), nvidia("sm_86", driver="570.86")))
    assert finding
    assert finding.message == (
        "CUDA 13 needs driver 580.65.06 or newer; this host has driver 570.86, CUDA 12.8"
    )
    assert finding.change == "driver 580.65.06 or newer"


def test_an_unknown_driver_is_a_doubt() -> None:
    finding = on_host.driver_floor(case(build(backend="cu126"), nvidia("sm_86", driver=None)))
    assert finding
    assert not finding.certain
    assert finding.message == "CUDA 12 needs driver 525.60.13 or newer, and the driver is not known"
    assert finding.change == "the driver in ACCELSEL_CUDA_DRIVER"


@pytest.mark.parametrize(("arch", "certain"), [("sm_87", True), ("sm_110", False)])
def test_a_jetson_whose_jetpack_nobody_knows(arch: str, *, certain: bool) -> None:
    jetson = nvidia(arch, driver=None, arch="aarch64", jetson=(None, None))
    finding = on_host.driver_floor(case(build(backend="cu132"), jetson))
    assert finding
    assert (finding.rule, finding.certain) == ("driver-floor", certain)
    if certain:
        assert finding.message == (
            "CUDA 13 needs a JetPack of CUDA 13, and which JetPack this is, is not known"
        )
        assert finding.change == "a JetPack of CUDA 13"


def test_a_major_without_floor_goes_by_the_cuda_of_the_driver() -> None:
    bare = replace(TABLES, floors=())
    new = case(build(backend="cu130"), nvidia("sm_86", driver="580.65.06"), tables=bare)
    assert on_host.driver_floor(new) is None
    old = on_host.driver_floor(case(build(backend="cu130"), nvidia("sm_86", driver="570.86"),
                                    tables=bare))  # fmt: skip
    assert old
    assert old.message.startswith("CUDA 13 needs a driver of CUDA 13; ")
    assert old.change == "a driver of CUDA 13"
    ancient = nvidia("sm_86", driver="304.137")
    assert on_host.driver_floor(case(build(backend="cu118"), ancient, tables=bare)) is not None


@pytest.mark.parametrize(
    ("name", "against"),
    [("cu126", False), ("cu128", False), ("cu130", True), ("cu132", True), ("cu118", False)],
)
def test_the_base_image_is_a_ceiling(name: str, *, against: bool) -> None:
    image = host(container="docker", environment={"CUDA_VERSION": "12.4.1"})
    finding = on_host.driver_floor(case(build(backend=name), image))
    assert (finding is not None) is against
    if finding:
        assert finding.rule == "driver-floor"
        assert finding.message == "newer than the CUDA 12 of the base image"
        assert finding.change == "an image of CUDA 13"


def test_the_base_image_is_a_ceiling_of_rocm_too() -> None:
    image = host(container="docker", environment={"ROCM_VERSION": "6.4.1"})
    finding = on_host.driver_floor(case(build(backend="rocm7.2"), image))
    assert finding
    assert finding.message == "newer than the ROCm 6 of the base image"
    assert finding.change == "an image of ROCm 7"


def test_floor_of() -> None:
    question = case(build(), nvidia("sm_86")).question
    floor = on_host.floor_of(backend("cu126"), question)
    assert floor
    assert (floor.major, floor.system, floor.version) == (12, "linux", "525.60.13")
    assert on_host.floor_of(backend("rocm7.2"), question) is None
    assert on_host.floor_of(backend("cpu"), question) is None
    unknown = case(build(), nvidia("sm_86", driver=None, system="windows")).question
    other = on_host.floor_of(backend("cu126"), unknown)
    assert other
    assert other.version == "528.33"


@pytest.mark.parametrize(
    ("floor", "profile", "message"),
    [
        ("2.28", host(glibc="2.28"), None),
        ("2.28", host(glibc="2.17"), "needs glibc 2.28; this system has 2.17"),
        ("2.28", host(glibc=None), None),
        (None, host(glibc="2.5"), None),
        ("2.28", host(libc="musl", glibc="1.2"), "made for glibc, and this system has musl"),
        (None, host(libc="musl", glibc=None), "made for glibc, and this system has musl"),
        ("2.28", host(system="windows"), None),
    ],
)
def test_libc_floor(floor: str | None, profile: Profile, message: str | None) -> None:
    finding = on_host.libc_floor(case(build(glibc=floor), profile))
    assert (finding.message if finding else None) == message
    if finding:
        assert (finding.rule, finding.certain) == ("libc-floor", True)
        musl = "musl" in finding.message
        assert finding.change == ("a system with glibc" if musl else "glibc 2.28 or newer")


@pytest.mark.parametrize(
    ("floor", "version", "message"),
    [
        ("14.0", "15.1", None),
        ("14.0", "14", None),
        ("14.0", "13.7.4", "needs macOS 14.0; this one is 13.7.4"),
        (None, "10.5", None),
        ("14.0", None, None),
    ],
)
def test_macos_floor(floor: str | None, version: str | None, message: str | None) -> None:
    mac = host(system="darwin", arch="arm64", version=version)
    finding = on_host.macos_floor(case(build(backend="default", macos=floor), mac))
    assert (finding.message if finding else None) == message
    if finding:
        assert (finding.rule, finding.change) == ("macos-floor", "macOS 14.0 or newer")


def test_the_gpu_may_need_a_newer_macos_than_the_wheel() -> None:
    row = build(backend="default", macos="11.0", gpu_macos="14.0")
    card = gpu(0, "apple", "M2 Max", "apple-m2")
    old = {"system": "darwin", "arch": "arm64", "version": "13.7.4"}
    finding = on_host.macos_floor(case(row, host(card, **old)))  # type: ignore[arg-type]
    assert finding
    assert finding.message == "needs macOS 14.0 for its GPU (MPS); this one is 13.7.4"
    assert on_host.macos_floor(case(row, host(**old))) is None  # type: ignore[arg-type]
    new = old | {"version": "14.1"}
    assert on_host.macos_floor(case(row, host(card, **new))) is None  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("tags", "profile", "request_", "message", "change"),
    [
        (("3.10", "3.12"), host(), Request(), None, None),
        (("3.10", "3.11"), host(), Request(), "no wheel for Python 3.12; it has 3.10 to 3.11",
         "Python 3.11"),
        (("3.9", "3.10"), host(), Request(), "no wheel for Python 3.12; it has 3.9 to 3.10",
         "Python 3.10"),
        (("3.10",), host(), Request(), "no wheel for Python 3.12; it has 3.10", "Python 3.10"),
        ((), host(), Request(), "no wheel for Python 3.12; it has none that is known", None),
        (("3.12", "3.14t"), host(python="3.14.0"), Request(),
         "no wheel for Python 3.14; it has 3.12", "Python 3.12"),
        (("3.14t",), host(python="3.14.0", free_threaded=True), Request(), None, None),
        (("3.10", "3.12"), host(), Request(python="3.11"),
         "no wheel for Python 3.11; it has 3.10 to 3.12", "Python 3.12"),
        (("3.10", "3.12"), host(), Request(requires_python=">=3.11"), None, None),
        (("3.10",), host(), Request(requires_python=">=3.11"),
         "no wheel within >=3.11; it has 3.10", "Python 3.10"),
        (("3.14t",), host(), Request(requires_python=">=3.11"),
         "no wheel within >=3.11; it has none that is known", None),
        (("3.12",), host(implementation="pypy"), Request(), "made for CPython, not pypy",
         "CPython"),
        (("3.12",), host(implementation=""), Request(), None, None),
        (("3.12",), host(implementation="pypy"), Request(python="3.12"), None, None),
    ],
)  # fmt: skip
def test_python_wheel(
    tags: tuple[str, ...], profile: Profile, request_: Request, message: str, change: str
) -> None:
    finding = on_host.python_wheel(case(build(pythons=tags), profile, request_))
    assert (finding.message if finding else None) == message
    assert (finding.change if finding else None) == change
    assert finding is None or finding.rule == "python-wheel"


def test_pythons_that_a_question_allows() -> None:
    row = build(pythons=("3.9", "3.10", "3.11", "3.14t"))
    assert pythons(row, case(row, host(python="3.10.1")).question) == ("3.10",)
    assert pythons(row, case(row, host()).question) == ()
    free = case(row, host(), Request(requires_python=">=3.10")).question
    assert pythons(row, free) == ("3.10", "3.11")


@pytest.mark.parametrize("published", [True, None, False])
def test_published(*, published: bool | None) -> None:
    finding = on_host.published(case(build("2.15.0", published=published), host()))
    assert (finding is None) is (published is True)
    if finding:
        assert finding.rule == "published"
        assert (
            finding.message == "torch 2.15.0 is not established on download.pytorch.org/whl/cu126"
        )
        assert finding.change


def test_published_names_the_index_of_the_channel() -> None:
    row = build("2.16.0.dev1", published=None, channel="nightly")
    finding = on_host.published(case(row, host(), Request(channel="nightly")))
    assert finding
    assert finding.message.endswith("download.pytorch.org/whl/nightly/cu126")
    nowhere = on_host.published(case(build(backend="default", published=None), host()))
    assert nowhere
    assert nowhere.message.endswith("on any index")


def test_a_doubt_about_a_gpu_is_no_matter_here() -> None:
    card = gpu(0, "nvidia", "card", None)
    assert on_host.driver_floor(case(build(), host(card, driver="580.65.06"))) is None
