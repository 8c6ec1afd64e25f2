"""The selection document: what it holds beside the choice."""

from dataclasses import replace

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.rows import TABLES

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import Reason, Selection
from accelsel.rules import select


def of(profile: Profile | None, **asked: object) -> Selection:
    return select(profile, Request(**asked), TABLES)  # type: ignore[arg-type]


def reasons(selection: Selection) -> dict[str, list[str]]:
    found: dict[str, list[str]] = {}
    for reason in selection.reasons:
        found.setdefault(reason.rule, []).append(reason.message)
    return found


PAIR = (
    gpu(0, "nvidia", "NVIDIA GeForce RTX 3060", "sm_86", memory=12),
    gpu(1, "nvidia", "NVIDIA GeForce GTX 1050", "sm_61", memory=2),
)


def test_the_document_of_a_pair() -> None:
    found = of(host(*PAIR, driver="580.65.06"))
    assert (found.outcome, found.backend, found.channel) == ("selected", "cu126", "stable")
    assert (found.python, found.platform) == ("3.12", "linux-x86_64")
    assert found.index
    assert (found.index.name, found.index.url) == (
        "pytorch-cu126", "https://download.pytorch.org/whl/cu126",
    )  # fmt: skip
    assert (found.serves, found.leaves_out, found.warnings) == ((0, 1), (), ())
    assert (found.environment, found.packages, found.excludes, found.indexes) == ({}, (), (), ())
    assert found.confidence == "read"
    assert found.platforms == ("linux-x86_64", "linux-aarch64", "windows-amd64")
    assert found.rows == ("2.14.1/cu126/linux-x86_64",)
    assert (found.rules.version, found.rules.checked) == (TABLES.version, TABLES.checked)
    assert reasons(found) == {
        "policy": ["the NVIDIA GPU decides"],
        "arch-kernels": [
            "GPU 0, RTX 3060 (sm_86) runs its code for sm_86",
            "GPU 1, GTX 1050 (sm_61) runs its code for sm_60",
        ],
        "driver-floor": ["driver 580.65.06, CUDA 13.0: enough for CUDA 12 (driver 525.60.13)"],
        "newest-torch": ["2.14.1 is the newest torch that runs here; 2.15.0 is the newest known"],
    }


def test_eight_of_a_kind_are_told_once() -> None:
    cards = [gpu(n, "nvidia", "NVIDIA H100", "sm_90") for n in range(8)]
    found = of(host(*cards, driver="580.65.06"))
    assert found.serves == tuple(range(8))
    assert reasons(found)["arch-kernels"] == ["GPU 0, H100 (sm_90) runs its code for sm_90"]


def test_platforms_are_those_where_the_build_was_seen() -> None:
    assert of(nvidia("sm_86")).platforms == ("linux-x86_64", "linux-aarch64")
    assert of(host()).platforms == ("linux-x86_64", "linux-aarch64", "windows-amd64")
    assert of(amd("gfx1100")).platforms == ("linux-x86_64",)
    mac = host(system="darwin", arch="arm64", version="15.1")
    assert of(mac).platforms == ("macos-arm64",)
    assert of(mac).index is None


def test_reasons_of_order() -> None:
    own = reasons(of(amd("gfx1100")))
    assert own["own-index"] == ["it is on PyTorch's own index; a vendor's runs too"]
    vendor = reasons(of(amd("gfx1031")))
    assert vendor["own-index"] == ["no build on PyTorch's own index runs on this host"]
    assert "own-index" not in reasons(of(nvidia("sm_86")))
    newest = reasons(of(nvidia("sm_86")))
    assert newest["newest-torch"] == ["2.15.0 is the newest torch that is known"]
    ended = reasons(of(host(system="darwin", arch="x86_64", version="14.6")))
    assert ended["newest-torch"] == [
        "2.2.2 is the newest torch with a wheel for macos-x86_64; 2.15.0 is the newest known"
    ]
    near = reasons(of(nvidia("sm_86"), torch="==2.14.1"))
    assert near["nearest-toolkit"] == [
        "the nearest to the driver of the 2.14.1 builds; cu126, cu132 run too"
    ]
    low = reasons(of(nvidia("sm_86", driver="535.183.01"), torch="==2.9.0"))
    assert low["nearest-toolkit"] == ["the lowest CUDA of 2.9.0 that runs; cu128, cu129 run too"]
    assert "nearest-toolkit" not in newest
    asked = reasons(of(nvidia("sm_86"), backend="cu126"))
    assert asked["requested-backend"] == ["cu126 was asked for"]


@pytest.mark.parametrize(
    ("profile", "asked", "newest"),
    [
        (nvidia("sm_61"), {}, "2.14.1 is the newest torch that runs here"),
        (nvidia("sm_86"), {"torch": "<2.9"},
         "2.8.0 is the newest torch that runs here within torch<2.9"),
        (nvidia("sm_86"), {"backend": "cu118", "torch": "<2.9"},
         "2.7.1 is the newest torch that runs here with cu118 within torch<2.9"),
        (nvidia("sm_61"), {"backend": "cu130", "force": True},
         "2.14.1 is the newest torch with cu130 that there is a wheel of"),
    ],
)  # fmt: skip
def test_the_newest_is_so_within_what_was_asked_for(
    profile: Profile, asked: dict[str, object], newest: str
) -> None:
    told = reasons(of(profile, **asked))["newest-torch"]
    assert told == [f"{newest}; 2.15.0 is the newest known"]


@pytest.mark.parametrize(
    ("arch", "asked", "expected"),
    [
        ("gfx1031", {}, ["no build on PyTorch's own index runs on this host"]),
        ("gfx1031", {"torch": "==2.14.0"}, ["no build on PyTorch's own index runs on this host"]),
        ("gfx1100", {"backend": "amd"}, None),
        ("gfx1100", {"torch": "==2.14.0+rocm10.1.0"},
         ["no build on PyTorch's own index fits what was asked for"]),
    ],
)  # fmt: skip
def test_why_a_vendors_index(
    arch: str, asked: dict[str, object], expected: list[str] | None
) -> None:
    found = of(amd(arch), **asked)
    assert found.backend == "amd"
    assert reasons(found).get("own-index") == expected


def test_reasons_of_ptx_overrides_and_doubts() -> None:
    ptx = of(nvidia("sm_120", driver="999.1"), backend="cu129", torch="==2.11.0")
    assert ptx.backend == "cu129"
    far = of(nvidia("sm_130", driver="999.1"))
    assert reasons(far)["arch-kernels"] == [
        "GPU 0, card sm_130 (sm_130) runs its PTX that its driver compiles",
        (
            "no kernels for sm_130 (GPU 0, card sm_130), which is newer than the build: "
            "its driver has to compile PTX for it"
        ),
    ]
    assert far.confidence == "inferred"
    assert [warning.code for warning in far.warnings] == ["arch-unknown"]
    over = of(amd("gfx1031"), allow_arch_override=True)
    assert reasons(over)["arch-kernels"] == [
        "GPU 0, card gfx1031 (gfx1031 as gfx1030) runs its code for gfx1030"
    ]
    unknown = of(nvidia(None))
    assert reasons(unknown)["arch-kernels"] == ["the architecture of GPU 0, card None is not known"]
    forced = of(nvidia("sm_61", driver="535.1"), backend="cu130", force=True)
    assert "driver-floor" not in reasons(forced)
    assert len(set(unknown.reasons)) == len(unknown.reasons)


@pytest.mark.parametrize(
    ("profile", "asked", "expected"),
    [
        (nvidia("sm_61"), {}, "read"),
        (nvidia("sm_86"), {}, "read"),
        (host(system="darwin", arch="arm64"), {}, "verified"),
        (host(system="windows"), {}, "verified"),
        (host(), {}, "read"),
        (amd("gfx1100"), {}, "inferred"),
        (amd("gfx1031"), {"allow_arch_override": True}, "inferred"),
        (nvidia(None), {}, "inferred"),
        (nvidia("sm_61"), {"backend": "cu130", "force": True}, "inferred"),
    ],
)
def test_confidence(profile: Profile, asked: dict[str, object], expected: str) -> None:
    assert of(profile, **asked).confidence == expected


def test_confidence_is_the_weakest_row_that_decided() -> None:
    def with_rows(**changed: object) -> Selection:
        builds = tuple(
            replace(row, **changed)  # type: ignore[arg-type]
            for row in TABLES.builds
            if row.torch == "2.14.1" and row.backend in ("cu126", "cpu", "rocm7.2")
        )
        return select(nvidia("sm_61"), Request(), replace(TABLES, builds=builds))

    sure = {"confidence": "verified", "arch_confidence": "verified"}
    assert with_rows(**sure).confidence == "read"  # the driver's floor
    assert with_rows(**sure | {"confidence": "inferred"}).confidence == "inferred"
    assert with_rows(**sure | {"arch_confidence": "inferred"}).confidence == "inferred"
    overrides = tuple(replace(row, confidence="verified") for row in TABLES.overrides)
    builds = tuple(
        replace(row, confidence="verified", arch_confidence="verified") for row in TABLES.builds
    )
    found = select(
        amd("gfx1031"), Request(allow_arch_override=True),
        replace(TABLES, builds=builds, overrides=overrides),
    )  # fmt: skip
    assert found.confidence == "verified"
    unknown = amd("gfx1100", environment={"HSA_OVERRIDE_GFX_VERSION": "11.0.1"})
    assert select(unknown, Request(), replace(TABLES, builds=builds)).confidence == "inferred"


def test_extras_of_vendor_wheels() -> None:
    found = of(amd("gfx1031", "gfx1010", "gfx1031"))
    assert found.torch
    assert found.torch.extras == ("device-gfx1031", "device-gfx1010")
    inner = host(gpu(0, "amd", "XT", "gfx1031"), gpu(1, "amd", "iGPU", "gfx1036", integrated=True))
    both = of(inner)
    assert both.torch
    assert both.torch.extras == ("device-gfx1031", "device-gfx1036")
    assert both.serves == (0, 1)


XTX = gpu(0, "amd", "RX 7900 XTX", "gfx1100")
INNER = gpu(1, "amd", "iGPU", "gfx1036", integrated=True)


@pytest.mark.parametrize(
    ("cards", "environment", "expected"),
    [
        ((XTX, INNER), {}, {"HIP_VISIBLE_DEVICES": "0"}),
        ((replace(XTX, index=1), replace(INNER, index=0)), {}, {"HIP_VISIBLE_DEVICES": "0"}),
        ((replace(INNER, index=0), replace(XTX, index=1)), {}, {"HIP_VISIBLE_DEVICES": "1"}),
        ((XTX, INNER), {"HIP_VISIBLE_DEVICES": "0"}, {}),
        ((XTX, INNER), {"ROCR_VISIBLE_DEVICES": "0"}, {}),
        ((XTX, INNER), {"CUDA_VISIBLE_DEVICES": "0"}, {"HIP_VISIBLE_DEVICES": "0"}),
        ((XTX, replace(INNER, usable=False)), {}, {}),
        ((XTX, gpu(1, "amd", "XT", "gfx1101"), replace(INNER, index=2)), {},
         {"HIP_VISIBLE_DEVICES": "0,1"}),
        ((XTX,), {}, {}),
        ((gpu(0, "nvidia", "n", "sm_86"), INNER), {}, {}),
    ],
)  # fmt: skip
def test_the_mask_that_hides_what_the_build_cannot_run_on(
    cards: tuple[object, ...], environment: dict[str, str], expected: dict[str, str]
) -> None:
    found = of(host(*cards, driver="580.65.06", environment=environment))  # type: ignore[arg-type]
    assert found.environment == expected


def test_an_allowed_override_is_in_the_environment() -> None:
    allowed = of(amd("gfx1031"), allow_arch_override=True)
    assert allowed.environment == {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}
    held = amd("gfx1031", environment={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"})
    assert of(held).environment == {}
    assert of(held).backend == "rocm7.2"
    assert of(amd("gfx1031")).environment == {}


def test_an_override_serves_no_integrated_gpu_of_other_instructions() -> None:
    card = gpu(0, "amd", "RX 6700 XT", "gfx1031")
    akin = host(card, gpu(1, "amd", "Raphael", "gfx1036", integrated=True))
    other = host(card, gpu(1, "amd", "Cezanne", "gfx90c", integrated=True))
    told = {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}
    assert of(akin, allow_arch_override=True).serves == (0, 1)
    assert of(akin, allow_arch_override=True).environment == told
    assert of(other, allow_arch_override=True).serves == (0,)
    assert of(other, allow_arch_override=True).environment == told | {"HIP_VISIBLE_DEVICES": "0"}


def test_python_of_the_selection() -> None:
    assert of(host(python="3.11.9")).python == "3.11"
    assert of(host(), python="3.13").python == "3.13"
    assert of(host(), requires_python=">=3.10").python == "3.14"
    assert of(nvidia("sm_86"), requires_python=">=3.10").python == "3.15"
    assert of(host(), requires_python=">=3.10,<3.13").python == "3.12"
    assert of(nvidia("sm_86"), requires_python="==3.10.*").python == "3.10"
    assert of(host(python="3.8.1"), torch=">=2.14").python == "3.8"


def test_nothing_selected_is_a_document_too() -> None:
    profile = nvidia("sm_61", "sm_86", python="3.8.1")
    found = of(profile, torch=">=2.12", channel="stable")
    assert found.outcome == "none"
    assert (found.backend, found.torch, found.index, found.confidence) == (None,) * 4
    assert (found.serves, found.leaves_out) == ((), (0, 1))
    assert (found.python, found.platform) == ("3.8", "linux-x86_64")
    assert (found.packages, found.environment) == ((), {})
    assert len(found.rejected) == len(
        [r for r in TABLES.builds if r.platform == "linux-x86_64" and r.channel == "stable"]
    )
    assert found.rules.checked == TABLES.checked
    unusable = host(gpu(3, "nvidia", "n", "sm_86", usable=False))
    assert of(unusable).leaves_out == (3,)
    assert of(unusable).rejected[0].rule == "usable-gpu"


def test_rejections_are_newest_first_and_name_the_rule() -> None:
    found = of(nvidia("sm_61"))
    assert found.rejected[0].torch == "2.15.0"
    assert found.rejected[-1].torch == "2.0.0"
    by_rule = {one.rule for one in found.rejected}
    assert {
        "vendor",
        "arch-kernels",
        "python-wheel",
        "published",
        "policy",
        "newest-torch",
    } <= by_rule


def test_a_reason_is_a_rule_and_a_sentence() -> None:
    for found in (of(nvidia("sm_61")), of(host()), of(amd("gfx803")), of(None)):
        for reason in found.reasons:
            assert isinstance(reason, Reason)
            assert not reason.message.endswith(".")


def test_the_document_of_nothing() -> None:
    found = of(nvidia("sm_61"), channel="nightly", backend="cu132")
    assert found.outcome == "none"
    assert (found.channel, found.rules.version) == ("nightly", TABLES.version)
    unknown = of(host(container="docker"))
    assert {one.message for one in unknown.rejected} == {
        "nothing is known of the GPU that would run it"
    }
    assert unknown.channel == "stable"


def test_packages_that_conflict_are_told_together() -> None:
    asked = ("torchvision==0.20.1", "vllm==0.33.0")
    found = of(nvidia("sm_86"), companions=asked)
    assert found.outcome == "none"
    assert any(reason.rule == "companion" for reason in found.reasons)
