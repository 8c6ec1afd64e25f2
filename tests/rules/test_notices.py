"""Warnings of selections."""

from dataclasses import replace

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.rows import TABLES

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import Warning_
from accelsel.rules import select


def of(profile: Profile | None, **asked: object) -> list[Warning_]:
    return list(select(profile, Request(**asked), TABLES).warnings)  # type: ignore[arg-type]


def test_a_plain_host_has_none() -> None:
    assert of(nvidia("sm_86")) == []
    assert of(host()) == []
    assert of(None, backend="cpu", platform="linux-x86_64") == []


def test_notes_of_the_probes() -> None:
    notes = (
        "probe-contradiction: nvml says 580, procfs says 570",
        "probe-incomplete:one GPU did not answer",
        "an ordinary note: with a colon",
        "probe-without a colon",
        "probe-two words: no code",
    )
    assert of(host(notes=notes)) == [
        Warning_(code="probe-contradiction", message="nvml says 580, procfs says 570"),
        Warning_(code="probe-incomplete", message="one GPU did not answer"),
    ]


@pytest.mark.parametrize("fallback", [None, "cpu"])
def test_a_mismatch_is_for_strict(fallback: str | None) -> None:
    card = gpu(0, "nvidia", "n", "sm_86", usable=False)
    found = of(host(card, state="driver-mismatch"), fallback=fallback)
    assert found[0].code == "probe-driver-mismatch"
    assert found[0].hint
    assert "reboot" in found[0].hint
    assert (
        found[0].message == "the driver's library and its kernel module are of different versions"
    )


N = gpu(0, "nvidia", "NVIDIA RTX A4000", "sm_86", memory=16)
A = gpu(1, "amd", "AMD Radeon RX 7900", "gfx1100", memory=24)
INNER = gpu(2, "amd", "iGPU", "gfx1036", integrated=True)


def test_who_is_left_out() -> None:
    (vendor,) = of(host(N, A, driver="580.65.06"))
    assert vendor == Warning_(
        code="gpu-left-out",
        message="GPU 1, Radeon RX 7900 is left out: another vendor's GPU decides",
        hint="choose GPUs with --gpu",
    )
    pascal = gpu(3, "nvidia", "P40", "sm_61", memory=4)
    blackwell = gpu(0, "nvidia", "B200", "sm_100", memory=16)
    (alone,) = of(host(blackwell, pascal, driver="580.65.06"))
    assert alone.message == ("GPU 3, P40 is left out: no build serves it together with the others")
    (old,) = of(host(N, gpu(1, "nvidia", "GT 710", "sm_35"), driver="580.65.06"))
    assert old.message == (
        "GPU 1, GT 710 is left out: no build in the table has ever had code for sm_35"
    )
    assert old.hint is None
    (inner,) = of(host(A, INNER))
    assert inner.message == (
        "GPU 2, iGPU is left out: integrated, beside a discrete GPU that decides"
    )
    assert inner.hint
    assert "HIP_VISIBLE_DEVICES" in inner.hint
    two = of(host(N, A, INNER, driver="580.65.06"))
    assert [one.message[:5] for one in two] == ["GPU 1", "GPU 2"]


def test_an_integrated_gpu_of_intel_needs_no_mask() -> None:
    arc = gpu(0, "intel", "Arc", "xe-hpg")
    inner = gpu(1, "intel", "Graphics", "xe-lpg", integrated=True)
    assert of(host(arc, inner)) == []
    unserved = gpu(1, "intel", "Graphics", "xe-lpg-plus", integrated=True)
    rows = tuple(
        replace(row, archs=tuple(a for a in row.archs if a != "xe-lpg-plus"))
        if row.backend == "xpu" and row.archs and row.torch == "2.14.1" else row
        for row in TABLES.builds
    )  # fmt: skip
    found = select(host(arc, unserved), Request(), replace(TABLES, builds=rows)).warnings
    assert [one.hint for one in found] == [None]


def test_gpus_that_were_not_asked_for_are_no_news() -> None:
    assert of(host(N, A, driver="580.65.06"), gpus="1") == []


def test_the_cpu_beside_gpus_that_were_never_served() -> None:
    (only,) = of(amd("gfx803"))
    assert only.code == "gpu-never-served"
    assert only.message == (
        "no build in the table has ever had code for GPU 0, card gfx803 (gfx803), so the CPU build "
        "is chosen"
    )


def test_unusable_gpus() -> None:
    lost = gpu(1, "nvidia", "H100", "sm_90", usable=False, note="fallen off the bus")
    (found,) = of(host(N, lost, driver="580.65.06"))
    assert (found.code, found.message) == (
        "gpu-unusable", "GPU 1, H100 is present and not usable: fallen off the bus",
    )  # fmt: skip
    assert found.hint
    (quiet,) = of(host(N, replace(lost, note=None), driver="580.65.06"))
    assert quiet.message == "GPU 1, H100 is present and not usable"


def test_of_several_backends_each_machine_is_looked_at_later() -> None:
    asked = {"backend": "cu126", "platform": "linux-x86_64", "asked_by": "--backends"}
    arch, driver = of(None, **asked)
    later = "`accelsel uv sync` looks at the machine that runs it"
    assert (arch.code, arch.hint) == (
        "arch-unknown", f"it has code for sm_50 to sm_90; {later}",
    )  # fmt: skip
    assert (driver.code, driver.hint) == ("driver-unknown", later)


def test_what_is_not_known() -> None:
    (arch,) = of(nvidia(None))
    assert (arch.code, arch.message) == (
        "arch-unknown", "the architecture of GPU 0, card None is not known",
    )  # fmt: skip
    assert arch.hint == "it has code for sm_75 to sm_120; the architecture in ACCELSEL_GPU_ARCH"
    (driver,) = of(nvidia("sm_86", driver=None))
    assert driver.code == "driver-unknown"
    assert driver.hint == "the driver in ACCELSEL_CUDA_DRIVER"
    flex = gpu(0, "intel", "Flex", "xe-hpg", pci_id="8086:56c0")
    (unsaid,) = of(host(flex))
    assert unsaid.code == "arch-unknown"
    assert "does not say" in unsaid.message


def test_what_is_forced() -> None:
    found = of(nvidia("sm_61", driver="535.1"), backend="cu130", force=True)
    assert [(one.code, one.hint) for one in found] == [
        ("forced", "another GPU than card sm_61"),
        ("forced", "driver 580.65.06 or newer"),
    ]
    assert found[0].message == "cu130 is forced: no kernels for sm_61 (GPU 0, card sm_61)"


def test_overrides() -> None:
    (offer,) = of(amd("gfx1031"))
    assert offer.code == "arch-override-offer"
    assert offer.message.startswith(
        "GPU 0, card gfx1031 can also run as gfx1030 on PyTorch's ROCm "
    )
    assert offer.hint
    assert "HSA_OVERRIDE_GFX_VERSION=10.3.0" in offer.hint
    assert "allow-arch-override = true" in offer.hint
    (used,) = of(amd("gfx1031", "gfx1032"), allow_arch_override=True)
    assert used == Warning_(
        code="arch-override",
        message="HSA_OVERRIDE_GFX_VERSION=10.3.0 makes GPU 0, card gfx1031, GPU 1, card gfx1032 "
        "run as another GPU",
    )
    idle = {"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}
    assert of(amd("gfx1100", environment=idle)) == []
    assert of(amd("gfx1100", "gfx1031")) == []
    assert of(amd("gfx1031", system="windows")) == []
    beside = host(gpu(0, "nvidia", "n", "sm_86"), gpu(1, "amd", "a", "gfx1100"),
                  driver="580.65.06")  # fmt: skip
    assert [one.code for one in of(beside)] == ["gpu-left-out"]
    other = host(gpu(0, "nvidia", "n", "sm_86"), gpu(1, "amd", "a", "gfx1031"),
                 driver="580.65.06")  # fmt: skip
    assert [one.code for one in of(other)] == ["gpu-left-out"]
    both = of(amd("gfx1031", "gfx1034"))
    assert [one.message[:5] for one in both] == ["GPU 0", "GPU 1"]
