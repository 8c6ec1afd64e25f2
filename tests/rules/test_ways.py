"""Why nothing was selected, and the nearest ways out."""

from dataclasses import replace

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.rows import TABLES, build

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules import select


def told(profile: Profile | None, **asked: object) -> list[tuple[str, str]]:
    found = select(profile, Request(**asked), TABLES)  # type: ignore[arg-type]
    assert found.outcome == "none"
    return [(reason.rule, reason.message) for reason in found.reasons]


def test_a_torch_that_the_table_does_not_know() -> None:
    known = "which has 2.0.0 to 2.15.0 for linux-x86_64"
    assert told(nvidia("sm_86"), torch=">=2.16") == [
        ("not-in-table", f"no release of torch>=2.16 is in the rules table, {known}"),
        ("requested-range", "with another bound on torch: torch 2.15.0 with cu132 runs"),
    ]
    assert told(host(), torch="==1.13.1")[0][0] == "not-in-table"


def test_a_torch_that_has_no_wheel_for_the_platform() -> None:
    mac = host(system="darwin", arch="x86_64", version="14.6")
    assert told(mac, torch="==2.3.0") == [
        ("platform-wheel", "no wheel of torch==2.3.0 for macos-x86_64; it has 2.0.0 to 2.2.2"),
        ("requested-range", "with another bound on torch: torch 2.2.2 with default runs"),
    ]
    rule, message = told(mac, torch=">=2.16")[0]
    assert rule == "not-in-table"
    assert message.endswith("is in the rules table, which has 2.0.0 to 2.2.2 for macos-x86_64")


def test_a_pin_that_no_build_serves() -> None:
    assert told(nvidia("sm_120"), torch="==2.6.0") == [
        ("arch-kernels", "cu126 2.6.0: no kernels for sm_120 (GPU 0, card sm_120)"),
        ("requested-range", "with another bound on torch: torch 2.15.0 with cu132 runs"),
    ]


def test_a_driver_that_is_too_old() -> None:
    lacks = "CUDA 13 needs driver 580.65.06 or newer; this host has driver 535.183.01, CUDA 12.2"
    assert told(nvidia("sm_120", driver="535.183.01"), torch="==2.14.1") == [
        ("driver-floor", f"cu132 2.14.1: {lacks}"),
        ("arch-kernels", "cu126 2.14.1: no kernels for sm_120 (GPU 0, card sm_120)"),
        ("requested-range", "with another bound on torch: torch 2.13.0 with cu129 runs"),
        ("driver-floor", "with driver 580.65.06 or newer: torch 2.14.1 with cu130 runs"),
    ]
    old = told(nvidia("sm_86", driver="390.157"))
    assert old[0][0] == "driver-floor"
    assert old[-1] == (
        "driver-floor", "with driver 580.65.06 or newer: torch 2.15.0 with cu132 runs",
    )  # fmt: skip


def test_a_python_that_is_not_known() -> None:
    assert told(nvidia("sm_86", python=""))[0] == (
        "python-wheel", "cu132 2.15.0: no wheel for Python (not known); it has 3.11 to 3.15",
    )  # fmt: skip


def test_a_python_without_wheels() -> None:
    found = told(nvidia("sm_86", python="3.16.0"))
    assert found[0] == (
        "python-wheel", "cu132 2.15.0: no wheel for Python 3.16; it has 3.11 to 3.15",
    )  # fmt: skip
    assert ("python-wheel", "with Python 3.15: torch 2.15.0 with cu132 runs") in found
    bound = told(host(python="3.14.0"), torch=">=2.6,<2.9")
    assert ("python-wheel", "with Python 3.13: torch 2.8.0 with cpu runs") in bound
    assert ("requested-range", "with another bound on torch: torch 2.14.1 with cpu runs") in bound
    project = told(host(), requires_python=">=3.17")
    assert project[0][1].endswith("no wheel within >=3.17; it has 3.10 to 3.14")


def test_a_backend_that_does_not_run() -> None:
    assert told(nvidia("sm_61"), backend="cu130") == [
        ("arch-kernels", "cu130 2.14.1: no kernels for sm_61 (GPU 0, card sm_61)"),
        ("requested-backend", "without --backend: torch 2.14.1 with cu126 runs"),
    ]
    absent = told(host(system="windows"), backend="rocm7.2")
    assert absent[0] == ("platform-wheel", "no wheel of rocm7.2 for windows-amd64")
    outside = told(nvidia("sm_86"), backend="cu126", torch="==2.0.1")
    assert outside[0] == (
        "requested-range", "torch==2.0.1 was asked for; cu126 has 2.6.0 to 2.15.0",
    )  # fmt: skip
    one = replace(TABLES, builds=(build("2.8.0"), build("2.9.0", "cu130")))
    lone = select(nvidia("sm_86"), Request(backend="cu126", torch="==2.9.0"), one)
    assert lone.reasons[0].message == "torch==2.9.0 was asked for; cu126 has 2.8.0"


def test_a_channel_without_the_bound() -> None:
    found = told(nvidia("sm_86"), channel="nightly", torch="==2.9.1")
    assert found[0][0] == "requested-range"
    assert found[0][1].startswith("torch==2.9.1 was asked for; the nightly channel has ")


def test_packages_that_do_not_fit() -> None:
    found = told(nvidia("sm_120"), companions=("torchvision==0.15.2",))
    assert found[0][0] in ("companion", "arch-kernels")
    assert ("companion", "without the other packages: torch 2.15.0 with cu132 runs") in found


def test_platforms() -> None:
    assert told(None, backend="cu126") == [
        ("platform-wheel", "the platform is not known: name it with --platform, or give a profile")
    ]
    has = (
        "linux-aarch64, linux-s390x, linux-x86_64, macos-arm64, macos-x86_64, windows-amd64, "
        "windows-arm64"
    )
    assert told(host(arch="ppc64le")) == [
        ("platform-wheel", f"no wheel of torch for linux-ppc64le; there are wheels for {has}")
    ]
    musl = told(host(libc="musl", glibc="1.2"))
    assert musl[0][0] == "libc-floor"
    assert "this system has musl" in musl[0][1]


def test_what_several_gpus_lead_to() -> None:
    cards = (gpu(0, "nvidia", "a", "sm_120"), gpu(1, "nvidia", "b", "sm_61"))
    found = told(host(*cards, driver="580.65.06"), gpus="0,1")
    assert ("policy", "--gpu 0 (a alone): torch 2.15.0 with cu132 runs") in found
    assert ("policy", "--gpu 1 (b alone): torch 2.14.1 with cu126 runs") in found
    single = told(nvidia("sm_61"), torch=">=2.15")
    assert not [message for rule, message in single if rule == "policy"]


def test_what_is_not_established_is_named() -> None:
    found = told(amd("gfx906"), torch=">=2.12")
    assert any(rule == "published" and "nightly index" in message for rule, message in found)
    assert not any("gfx900" in message for _, message in found)
    windows = told(amd("gfx906", system="windows"))
    assert any("torch[device-gfx906]" in message for _, message in windows)
    blocked = told(host(gpu(0, "amd", "MI50", "gfx906", usable=False)))
    assert any("torch[device-gfx906]" in message for _, message in blocked)


def test_a_jetson_hears_of_nvidias_wheels() -> None:
    orin = nvidia("sm_87", driver="540.4.0", arch="aarch64", jetson=("R36.4.3", "6"))
    found = told(orin)
    assert ("python-wheel", "with Python 3.10: torch 2.11.0 with jetson-jp6 runs") in found
    assert found[-1][0] == "jetpack"
    assert "--fallback cpu" in found[-1][1]


def test_at_most_three_causes_newest_established_first() -> None:
    found = told(nvidia("sm_120", python="3.16.0", driver="535.1", glibc="2.5"))
    causes = [pair for pair in found if not pair[1].startswith(("with", "--gpu"))]
    assert causes == [
        ("arch-kernels", "cu126 2.14.1: no kernels for sm_120 (GPU 0, card sm_120)"),
        ("driver-floor", ("cu132 2.15.0: CUDA 13 needs driver 580.65.06 or newer; "
         "this host has driver 535.1, CUDA 12.2")),
        ("libc-floor", "cu129 2.13.0: needs glibc 2.28; this system has 2.5"),
    ]  # fmt: skip


def test_builds_for_others_are_no_reason() -> None:
    assert told(amd("gfx1100", arch="aarch64")) == [
        ("platform-wheel", "no build for AMD GPUs on linux-aarch64"),
        ("policy", "with --fallback cpu: torch 2.14.1 with cpu runs"),
    ]
    assert told(amd("gfx1100"), torch="==2.15.0")[:2] == [
        ("requested-range", ("torch==2.15.0 was asked for; what is made for AMD GPUs has "
         "2.0.0 to 2.14.1")),
        ("requested-range", "with another bound on torch: torch 2.14.1 with rocm7.2 runs"),
    ]  # fmt: skip
    mac = host(gpu(0, "apple", "Apple M1", "apple-m1"), system="darwin", arch="arm64",
               version="12.7")  # fmt: skip
    assert told(mac, torch="==2.15.0")[0] == (
        "macos-floor", "default 2.15.0: needs macOS 14.0; this one is 12.7",
    )  # fmt: skip
    found = told(nvidia("sm_75", driver="440.33.01", python="3.10.1"))
    assert not any(message.startswith("cpu ") for _, message in found)


@pytest.mark.parametrize("profile", [None, host(container="docker"), nvidia("sm_61", python="3.5")])
def test_there_is_always_a_reason(profile: Profile | None) -> None:
    assert told(profile)


def test_ways_stay_with_the_vendor() -> None:
    assert told(host(), backend="cu126") == [
        ("vendor", "cu126 2.14.1: for NVIDIA GPUs, and none is usable here"),
        ("requested-backend", "without --backend: torch 2.14.1 with cpu runs"),
    ]


def test_an_unknown_platform_has_no_ways() -> None:
    assert len(told(None, backend="cpu")) == 1


def test_the_rule_of_the_packages_comes_first() -> None:
    found = told(nvidia("sm_86"), companions=("torchvision==0.1",))
    assert found[0][0] == "companion"
    assert found[0][1].endswith("torchvision==0.1 was asked for, and it goes with >=0.29.1")


def test_another_python_that_was_asked_for() -> None:
    found = told(nvidia("sm_86"), python="3.7")
    assert ("python-wheel", "with Python 3.15: torch 2.15.0 with cu132 runs") in found
    beside = told(nvidia("sm_86"), python="3.7", companions=("torchaudio",))
    assert any(message.startswith("with Python 3.14: torch ") for _, message in beside)


def test_a_jetson_in_full() -> None:
    found = told(nvidia("sm_87", arch="aarch64", driver="540.4.0", jetson=("R36.4.3", "6")))
    assert found[-1] == (
        "jetpack",
        "NVIDIA has wheels of its own for some JetPacks; the CPU build needs --fallback cpu",
    )


def test_a_jetson_whose_jetpack_nobody_knows() -> None:
    found = told(
        nvidia("sm_87", arch="aarch64", driver=None, jetson=(None, None), python="3.10.12")
    )
    assert [message for _, message in found if message.startswith("on JetPack")] == [
        "on JetPack 6: torch 2.11.0 with jetson-jp6 runs",
        "on JetPack 7: torch 2.14.1 with cu132 runs",
    ]
    known = told(nvidia("sm_87", arch="aarch64", driver="540.4.0", jetson=("R36.4", None)))
    assert not any(message.startswith("on JetPack") for _, message in known)


def test_a_jetson_whose_python_the_wheel_of_its_jetpack_does_not_have() -> None:
    orin = nvidia("sm_87", arch="aarch64", driver=None, jetson=("R35.4.1", "5"), python="3.10.12")
    found = [message for _, message in told(orin)]
    assert "jetson-jp5 2.1.0a0: no wheel for Python 3.10; it has 3.8" in found
    assert "with Python 3.8: torch 2.1.0a0 with jetson-jp5 runs" in found
    assert not [message for message in found if "its contents are not known" in message]
    assert not [message for message in found if "on JetPack 7.2 the cu130" in message]


def test_the_channel_in_full() -> None:
    start = "no test build for linux-x86_64 is established"
    index = "what is known of it is its index: https://download.pytorch.org/whl/test/cu126"
    assert told(nvidia("sm_61"), channel="test")[0] == ("channel", f"{start}; {index}")
    settled = told(nvidia("sm_61"), channel="test")[1][1]
    assert "release candidates" in settled
    assert "ACCELSEL_RULES" in settled
    for channel in ("stable", "nightly"):
        assert f"in the {channel} channel: torch " in str(told(nvidia("sm_86"), channel="test"))
    many = told(nvidia("sm_86"), channel="test")[0][1]
    assert many.count("https://") == 3
    assert ", https://" in many
    nothing = told(host(libc="musl"), channel="test")[0]
    assert nothing == ("channel", "no test build for linux-x86_64 is established")


def test_the_package_that_is_in_the_way_of_a_newer_torch() -> None:
    """Xformers has a ROCm build for torch 2.7.1 alone, which is thus the newest sure one."""
    found = told(amd("gfx942"), torch="==2.9.1", companions=("xformers",))
    assert found[0][0] == "companion"
    assert "xformers has no build for rocm6.4" in found[0][1]


def test_finished_wheels_that_were_not_chosen() -> None:
    old = nvidia("sm_90", driver="550.54.14", cuda="12.4")
    found = told(old, companions=("vllm>=0.20",))
    assert ("companion", "with --prebuilt vllm: torch 2.13.0 with cu129 runs") in found
    chosen = told(old, companions=("vllm>=0.31",))
    assert not any("--prebuilt" in message and "runs" in message for _, message in chosen)


def test_another_channel() -> None:
    stable = ("channel", "in the stable channel: torch 2.14.1 with cu126 runs")
    assert stable in told(nvidia("sm_61"), channel="nightly")
    assert stable in told(nvidia("sm_61"), channel="test")
    assert all(rule != "channel" for rule, _ in told(nvidia("sm_61"), torch="==1.13"))


def test_what_is_not_established_is_of_the_platform() -> None:
    linux = [text for rule, text in told(amd("gfx906"), torch=">=2.12") if rule == "published"]
    assert len([text for text in linux if "torch[device-gfx906]" in text]) == 1
    assert linux[0].startswith("amd: AMD's nightly index has torch[device-gfx906], ")


def test_an_override_that_is_in_the_way() -> None:
    found = told(amd("gfx1103", environment={"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}))
    assert (
        "broken-combination", "without HSA_OVERRIDE_GFX_VERSION: torch 2.14.0 with amd runs",
    ) in found  # fmt: skip
    allowed = told(amd("gfx1031"), torch="==2.13.0+rocm10.0.0", allow_arch_override=True)
    assert (
        "broken-combination", "without HSA_OVERRIDE_GFX_VERSION: torch 2.13.0 with amd runs",
    ) in allowed  # fmt: skip


def test_a_platform_without_a_profile() -> None:
    assert told(None, platform="linux-x86_64", backend="cu126", torch="==2.5.1") == [
        ("requested-range", "torch==2.5.1 was asked for; cu126 has 2.6.0 to 2.15.0"),
        ("requested-range", "with another bound on torch: torch 2.14.1 with cu126 runs"),
    ]


NEWER = (
    "GPU 0, card {} ({}) is newer than every build in the table: look for newer rows with accelsel "
    "rules refresh, or take the CPU build with --fallback cpu"
)
LATE = nvidia("sm_130", driver="525.60.13")
MAC = host(system="darwin", arch="arm64", version="13.6")


@pytest.mark.parametrize(
    ("profile", "asked", "way"),
    [
        (host(libc="musl", glibc=None), {},
         ("libc-floor", "on a system with glibc: torch 2.14.1 with cpu runs")),
        (nvidia("sm_86", glibc="2.17"), {"torch": "==2.9.1"},
         ("libc-floor", "with glibc 2.28 or newer: torch 2.9.1 with cu130 runs")),
        (MAC, {"torch": "==2.14.1"},
         ("macos-floor", "with macOS 14.0 or newer: torch 2.14.1 with default runs")),
        (LATE, {}, ("arch-kernels", NEWER.format("sm_130", "sm_130"))),
        (LATE, {}, ("arch-kernels",
                    "with a driver of CUDA 12.9 or newer: torch 2.11.0 with cu129 may run")),
        (nvidia("sm_130", system="windows"), {},
         ("arch-kernels", NEWER.format("sm_130", "sm_130"))),
        (host(implementation="pypy", python="3.11.1"), {},
         ("python-wheel", "with CPython 3.11: torch 2.14.1 with cpu runs")),
        (amd(None, system="windows"), {},
         ("arch-kernels", ("where the architecture of GPU 0, card None is known, name it in "
          "ACCELSEL_GPU_ARCH, such as gfx1100"))),
        (amd(None, system="windows"), {},
         ("policy", "with --fallback cpu: torch 2.15.0 with cpu runs")),
        (nvidia("sm_86"), {"backend": "rocm7.2"},
         ("requested-backend", "without --backend: torch 2.15.0 with cu132 runs")),
        (amd("gfx1100"), {"backend": "cu126"},
         ("requested-backend", "without --backend: torch 2.14.1 with rocm7.2 runs")),
    ],
)  # fmt: skip
def test_one_change_that_helps(
    profile: Profile, asked: dict[str, object], way: tuple[str, str]
) -> None:
    assert way in told(profile, **asked)


@pytest.mark.parametrize(
    ("profile", "asked", "word"),
    [
        (nvidia("sm_75", arch="aarch64"), {}, "JetPack"),
        (nvidia("sm_120"), {"torch": "==2.5.1"}, "newer than every build"),
        (MAC, {"torch": "==2.14.1"}, "newer than every build"),
        (nvidia("sm_61"), {"torch": ">=2.15"}, "ACCELSEL_GPU_ARCH"),
        (amd("gfx1100"), {"backend": "cu126"}, "rocm7.14"),
        (host(gpu(0, "amd", "a", "gfx1100"), gpu(1, "nvidia", "b", "sm_86")), {"gpus": "0,1"},
         "rocm7.14"),
        (nvidia("sm_86", glibc="2.39"), {"torch": "==1.13.1"}, "glibc"),
    ],
)  # fmt: skip
def test_what_does_not_help_is_not_told(
    profile: Profile, asked: dict[str, object], word: str
) -> None:
    assert not [message for _, message in told(profile, **asked) if word in message]
