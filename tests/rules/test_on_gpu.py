"""Rules about GPUs, over rows made by hand."""

from collections.abc import Mapping

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.rows import TABLES, build, case

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules import on_gpu
from accelsel.rules.question import Finding

SM_75_UP = ("sm_75", "sm_80", "sm_86", "sm_90", "sm_100", "sm_120")
ROCM = {"backend": "rocm7.2", "archs": ("gfx906", "gfx1030", "gfx1100"), "broken": ("gfx906",)}


def intel(arch: str | None, pci_id: str | None) -> Profile:
    return host(gpu(0, "intel", "Arc", arch, pci_id=pci_id))


@pytest.mark.parametrize(
    ("name", "profile", "expected"),
    [
        ("cu126", nvidia("sm_86"), None),
        ("rocm7.2", nvidia("sm_86"), "for AMD GPUs, and none is usable here"),
        ("xpu", nvidia("sm_86"), "for Intel GPUs, and none is usable here"),
        ("cu126", host(), "for NVIDIA GPUs, and none is usable here"),
        ("jetson-jp6", host(), "for NVIDIA GPUs, and none is usable here"),
        ("amd", amd("gfx1100"), None),
        ("cpu", nvidia("sm_86"), None),
        ("rocm7.2", host(gpu(0, "nvidia", "a", "sm_86"), gpu(1, "amd", "b", "gfx1100")),
         "for AMD GPUs, and another choice was made for this host"),
    ],
)  # fmt: skip
def test_vendor(name: str, profile: Profile, expected: str | None) -> None:
    finding = on_gpu.vendor(case(build(backend=name), profile))
    assert (finding.message if finding else None) == expected
    if finding:
        assert (finding.rule, finding.certain) == ("vendor", True)
        assert finding.change
        assert ("--gpu" in finding.change) is ("another choice" in finding.message)
        assert finding.message.split()[1] in finding.change


@pytest.mark.parametrize(
    ("name", "jetson", "expected"),
    [
        ("jetson-jp6", ("R36.4.3", "6"), None),
        ("jetson-jp6", ("R36.4.3", None), None),
        ("jetson-jp5", ("R36.4.3", "6"), "for a Jetson with JetPack 5"),
        ("jetson-jp6", ("R35.4.1", "5"), "for a Jetson with JetPack 6"),
        ("jetson-jp6", None, "for a Jetson with JetPack 6"),
        ("jetson-jp6", (None, None), "for a Jetson with JetPack 6"),
        ("cu126", None, None),
    ],
)
def test_jetpack(
    name: str, jetson: tuple[str | None, str | None] | None, expected: str | None
) -> None:
    card = gpu(0, "nvidia", "Orin", "sm_87")
    finding = on_gpu.jetpack(case(build(backend=name), host(card, arch="aarch64", jetson=jetson)))
    assert (finding.message if finding else None) == expected
    if finding:
        assert (finding.rule, finding.change) == ("jetpack", finding.message[-9:])


@pytest.mark.parametrize(
    ("row", "against"),
    [
        (build(), False),
        (build(archs=None), True),
        (build(backend="rocm7.14", archs=None), True),
        (build(backend="cpu", archs=None), True),
        (build(backend="cpu", archs=()), False),
    ],
)
def test_arch_list(row: object, *, against: bool) -> None:
    finding = on_gpu.arch_list(case(row, nvidia("sm_86")))  # type: ignore[arg-type]
    assert (finding is not None) is against
    if finding:
        assert (finding.rule, finding.certain) == ("arch-list-unknown", True)
        assert "not established" in finding.message


SET = {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}


OTHER = (
    "HSA_OVERRIDE_GFX_VERSION=10.3.0 on {0} (GPU 0, card {0}): its instructions are not those of "
    "gfx1030"
)


@pytest.mark.parametrize(
    ("row", "profile", "expected"),
    [
        (ROCM, amd("gfx1100"), None),
        (ROCM, amd("gfx906"), "lists gfx906 and does not work on it (GPU 0, card gfx906)"),
        (ROCM, nvidia("sm_86"), None),
        (ROCM, amd("gfx1031", environment=SET), None),
        (ROCM, amd("gfx1030", environment=SET), None),
        (ROCM, amd("gfx1013", environment=SET), None),
        (ROCM, amd("gfx1151", environment={"HSA_OVERRIDE_GFX_VERSION": "11.0.0"}), None),
        (ROCM, amd("gfx1100", environment=SET), OTHER.format("gfx1100")),
        (ROCM, amd("gfx90c", environment=SET), OTHER.format("gfx90c")),
        (ROCM, amd("other", environment=SET), None),
        ({"backend": "amd", "archs": ("gfx1031",)}, amd("gfx1031", environment=SET),
         "its device code does not load while HSA_OVERRIDE_GFX_VERSION is set"),
        ({"backend": "amd", "archs": ("gfx1031",)}, amd("gfx1031"), None),
        ({"backend": "cu126"}, nvidia("sm_86", environment=SET), None),
    ],
)  # fmt: skip
def test_broken(row: Mapping[str, object], profile: Profile, expected: str | None) -> None:
    finding = on_gpu.broken(case(build(**row), profile))  # type: ignore[arg-type]
    assert (finding.message if finding else None) == expected
    if finding:
        assert finding.rule == "broken-combination"
        unset = "HSA_OVERRIDE" in finding.message
        assert finding.change == ("unset HSA_OVERRIDE_GFX_VERSION" if unset else None)


def test_broken_looks_at_every_gpu_and_at_what_an_override_does() -> None:
    second = on_gpu.broken(case(build(**ROCM), amd("gfx1100", "gfx906")))  # type: ignore[arg-type]
    assert second
    assert second.message == "lists gfx906 and does not work on it (GPU 1, card gfx906)"
    wrong = on_gpu.broken(case(build(**ROCM), amd("gfx1033", environment=SET)))  # type: ignore[arg-type]
    assert wrong
    assert wrong.message == (
        "HSA_OVERRIDE_GFX_VERSION=10.3.0 on gfx1033 (GPU 0, card gfx1033): installs and computes "
        "wrong results"
    )
    assert (wrong.rule, wrong.change) == ("broken-combination", "unset HSA_OVERRIDE_GFX_VERSION")


def of(row: Mapping[str, object], profile: Profile) -> Finding | None:
    return on_gpu.kernels(case(build(**row), profile))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("row", "profile", "expected"),
    [
        ({}, nvidia("sm_61"), None),
        ({}, nvidia("sm_61", "sm_86"), None),
        ({}, nvidia("sm_61", "sm_120"), "no kernels for sm_120 (GPU 1, card sm_120)"),
        ({"archs": SM_75_UP}, nvidia("sm_61"), "no kernels for sm_61 (GPU 0, card sm_61)"),
        ({"archs": None}, nvidia("sm_61"), None),
        ({"backend": "cpu", "archs": ()}, nvidia("sm_61"), None),
        ({"backend": "rocm7.2", "archs": ()}, nvidia("sm_61"), None),
        (ROCM, amd("gfx1100"), None),
        (ROCM, amd("gfx1031"), "no kernels for gfx1031 (GPU 0, card gfx1031)"),
        ({"backend": "xpu", "archs": ("xe-hpg",)}, intel("xe-hpg", None), None),
        ({"backend": "xpu", "archs": ("xe-hpg",)}, intel("xe-hpg", "8086:56a0"), None),
        ({"backend": "xpu", "archs": ("xe-hpg",)}, intel("xe2", None),
         "no kernels for xe2 (GPU 0, Arc)"),
    ],
)  # fmt: skip
def test_kernels(row: Mapping[str, object], profile: Profile, expected: str | None) -> None:
    finding = of(row, profile)
    assert (finding.message if finding else None) == expected
    if finding:
        assert (finding.rule, finding.certain) == ("arch-kernels", True)
        assert finding.change
        assert finding.change.startswith("another GPU than ")


PTX = {"backend": "cu129", "archs": ("sm_90",), "ptx": ("sm_120",)}


@pytest.mark.parametrize(
    ("driver", "runs"),
    [("575.51.03", True), ("580.65.06", True), ("570.86.15", False), (None, False)],
)
def test_ptx_needs_a_driver_as_new_as_the_toolkit(driver: str | None, *, runs: bool) -> None:
    finding = of(PTX, nvidia("sm_120", driver=driver))
    assert (finding is None) is runs
    if finding:
        assert finding.certain
        assert finding.message == (
            "no kernels for sm_120 (GPU 0, card sm_120), and its PTX needs a driver of CUDA 12.9 "
            "or newer"
        )
        assert (finding.rule, finding.change) == (
            "arch-kernels", "a driver of CUDA 12.9 or newer",
        )  # fmt: skip


def test_ptx_for_a_gpu_newer_than_all_code_of_the_build_is_a_doubt() -> None:
    finding = of(PTX, nvidia("sm_130"))
    assert finding
    assert not finding.certain
    assert finding.certain is not None
    assert finding.change == "a rules table that knows this GPU, or a run of torch on it"
    between = {"backend": "cu129", "archs": ("sm_90", "sm_120"), "ptx": ("sm_90",)}
    assert of(between, nvidia("sm_110")) is None


def test_ptx_of_another_family_is_no_help() -> None:
    finding = of(PTX, nvidia("sm_103"))
    assert finding
    assert finding.message.endswith("(GPU 0, card sm_103)")


def test_an_unknown_architecture_is_a_doubt() -> None:
    finding = of({}, nvidia(None))
    assert finding
    assert not finding.certain
    assert finding.message == "the architecture of GPU 0, card None is not known"
    assert finding.change == "the architecture in ACCELSEL_GPU_ARCH"


def test_a_doubt_does_not_hide_what_is_sure() -> None:
    finding = of({}, nvidia(None, "sm_120"))
    assert finding
    assert finding.certain
    assert "sm_120" in finding.message
    first = of({}, nvidia(None, None))
    assert first
    assert "GPU 0" in first.message


def test_code_that_comes_by_gpu_needs_its_name() -> None:
    finding = of({"backend": "amd", "archs": ("gfx1100",)}, amd(None))
    assert finding
    assert finding.certain


@pytest.mark.parametrize(
    ("name", "jetson", "certain"),
    [
        ("cu126", ("R36.4.3", "6"), True),
        ("cu126", ("R35.4.1", "5"), True),
        ("cu126", (None, None), True),
        ("cu130", ("R38.2", "7"), False),
        ("cu126", None, False),
        ("jetson-jp6", ("R36.4.3", "6"), False),
    ],
)
def test_builds_for_servers_are_no_match_for_an_unknown_jetson(
    name: str, jetson: tuple[str | None, str | None] | None, *, certain: bool
) -> None:
    board = host(gpu(0, "nvidia", "Tegra", None), arch="aarch64", jetson=jetson)
    finding = on_gpu.kernels(case(build(backend=name), board))
    assert finding
    assert finding.certain is certain


def test_intel_by_pci_id() -> None:
    row = {"backend": "xpu", "archs": ("xe-hpg", "xe-lpg")}
    unsaid = of(row, intel("xe-hpg", "8086:56c0"))
    assert unsaid
    assert not unsaid.certain
    assert unsaid.message == "PyTorch does not say whether it supports GPU 0, Arc (xe-hpg)"
    assert (unsaid.rule, unsaid.change) == (
        "arch-kernels", "a run of torch.xpu.is_available() on it",
    )  # fmt: skip


def test_intel_that_pytorch_leaves_out() -> None:
    ids = [name for name, row in TABLES.intel.items() if row.xpu is False and row.arch == "xe-lpg"]
    card = gpu(0, "intel", "MTL-U", "xe-lpg", pci_id=ids[0])
    asked = Request(backend="xpu")
    finding = on_gpu.kernels(case(build(backend="xpu", archs=("xe-lpg",)), host(card), asked))
    assert finding
    assert finding.certain
    assert finding.rule == "arch-kernels"
    assert finding.message == "PyTorch does not support GPU 0, MTL-U (xe-lpg)"
