from dataclasses import replace

import pytest

from accelsel.model.profile import (
    AmdDriver,
    Cpu,
    Jetson,
    Libc,
    NvidiaDriver,
    Os,
    Python,
    State,
    Vendor,
)
from accelsel.probe.assemble import assemble
from accelsel.probe.facts import (
    ArchOverride,
    DriverOverride,
    GpuFact,
    HostFacts,
    Overrides,
    VendorFacts,
)

HOST = HostFacts(
    os=Os(
        system="linux",
        version="24.04",
        release="6.8.0",
        libc=Libc(family="glibc", version="2.39"),
        wsl=False,
        container=None,
        jetson=None,
    ),
    cpu=Cpu(arch="x86_64", level="x86-64-v3"),
    python=Python(version="3.12.3", implementation="cpython", free_threaded=False),
)
DRIVER = NvidiaDriver(version="580.65.06", cuda_version="13.0", source="nvml")
ABSENT = DriverOverride(version=None, cuda_version=None, source="env:ACCELSEL_CUDA_DRIVER")
STATED = DriverOverride(version="525.60.13", cuda_version=None, source="env:ACCELSEL_CUDA_DRIVER")


def gpu(
    *,
    usable: bool,
    vendor: Vendor = "nvidia",
    pci_id: str | None = None,
    arch: str | None = "sm_86",
) -> GpuFact:
    return GpuFact(
        vendor=vendor, address=None, pci_id=pci_id, arch=arch, arch_source="nvml", usable=usable
    )


def nvidia(
    *gpus: GpuFact, driver: NvidiaDriver | None = None, mismatch: bool = False
) -> VendorFacts:
    return VendorFacts(vendor="nvidia", gpus=gpus, driver=driver, mismatch=mismatch)


@pytest.mark.parametrize(
    ("facts", "state"),
    [
        pytest.param(nvidia(), "no-gpu", id="nothing"),
        pytest.param(nvidia(gpu(usable=True), driver=DRIVER), "usable", id="usable"),
        pytest.param(
            nvidia(gpu(usable=False), gpu(usable=True), driver=DRIVER), "usable", id="one-of-two"
        ),
        pytest.param(nvidia(gpu(usable=False)), "gpu-without-driver", id="gpu-alone"),
        pytest.param(
            nvidia(gpu(usable=False), driver=DRIVER), "gpu-without-driver", id="driver-of-no-use"
        ),
        pytest.param(nvidia(driver=DRIVER), "driver-without-gpu", id="driver-alone"),
        pytest.param(
            nvidia(gpu(usable=False), driver=DRIVER, mismatch=True),
            "driver-mismatch",
            id="mismatch",
        ),
        pytest.param(nvidia(driver=DRIVER, mismatch=True), "driver-mismatch", id="mismatch-no-gpu"),
    ],
)
def test_states_are_not_merged(facts: VendorFacts, state: State) -> None:
    assert assemble(HOST, [facts]).state == state


def test_another_vendors_gpu_makes_a_mismatch_usable() -> None:
    amd = VendorFacts(
        vendor="amd",
        gpus=(gpu(usable=True, vendor="amd", arch="gfx1100"),),
        driver=AmdDriver(version=None, rocm_version=None, source="in-tree"),
    )
    profile = assemble(HOST, [nvidia(gpu(usable=False), mismatch=True), amd])
    assert profile.state == "usable"
    assert [(each.index, each.vendor) for each in profile.gpus] == [(0, "nvidia"), (1, "amd")]


def test_the_table_fills_what_the_driver_has_not_said() -> None:
    seen = GpuFact(vendor="nvidia", address=None, pci_id="10de:2487")
    said = GpuFact(
        vendor="nvidia",
        address=None,
        pci_id="10de:2487",
        name="NVIDIA GeForce RTX 3060",
        arch="sm_99",
        arch_source="nvml",
        integrated=False,
    )
    first, second = assemble(HOST, [nvidia(seen, said)]).gpus
    assert (first.arch, first.arch_source, first.integrated) == ("sm_86", "pci-table", False)
    assert first.name is not None
    assert "3060" in first.name
    assert (second.arch, second.arch_source, second.name) == (
        "sm_99",
        "nvml",
        "NVIDIA GeForce RTX 3060",
    )


def test_a_derived_cuda_version_is_marked() -> None:
    bare = NvidiaDriver(version="570.86.16", cuda_version=None, source="procfs")
    driver = assemble(HOST, [nvidia(gpu(usable=True), driver=bare)]).drivers.nvidia
    assert driver == replace(bare, cuda_version="12.8", source="procfs, cuda from branch")


def test_jetson_without_a_driver_version() -> None:
    host = replace(HOST, os=replace(HOST.os, jetson=Jetson(l4t="R35.4.1", jetpack="5")))
    bare = NvidiaDriver(version=None, cuda_version=None, source=None)
    driver = assemble(host, [nvidia(gpu(usable=True), driver=bare)]).drivers.nvidia
    assert driver is not None
    assert (driver.cuda_version, driver.source) == ("11.4", "cuda from l4t R35.4.1")


class TestStatedFacts:
    def test_a_driver(self) -> None:
        facts = nvidia(gpu(usable=False), driver=DRIVER, mismatch=True)
        profile = assemble(HOST, [facts], overrides=Overrides(driver=STATED))
        assert profile.state == "usable"
        assert profile.drivers.nvidia is not None
        assert profile.drivers.nvidia.version == "525.60.13"
        assert profile.drivers.nvidia.cuda_version == "12.0"
        assert (profile.drivers.nvidia.source or "").startswith("env:ACCELSEL_CUDA_DRIVER")

    def test_no_driver(self) -> None:
        facts = nvidia(gpu(usable=True), driver=DRIVER)
        profile = assemble(HOST, [facts], overrides=Overrides(driver=ABSENT))
        assert profile.state == "gpu-without-driver"
        assert profile.drivers.nvidia is None
        assert "ACCELSEL_CUDA_DRIVER" in (profile.gpus[0].note or "")

    def test_a_driver_alone(self) -> None:
        profile = assemble(HOST, [nvidia()], overrides=Overrides(driver=STATED))
        assert profile.state == "driver-without-gpu"

    @pytest.mark.parametrize(
        ("driver", "usable"), [(None, True), (STATED, True), (ABSENT, False)], ids=str
    )
    def test_architectures(self, driver: DriverOverride | None, usable: bool) -> None:
        archs = ArchOverride(archs=("sm_61", "sm_90"), source="env:ACCELSEL_GPU_ARCH")
        stated = Overrides(driver=driver, archs={"nvidia": archs})
        seen = replace(gpu(usable=True, arch="sm_61", pci_id="10de:1c81"), memory_bytes=5)
        profile = assemble(HOST, [nvidia(seen)], overrides=stated)
        assert [(each.arch, each.memory_bytes) for each in profile.gpus] == [
            ("sm_61", 5),
            ("sm_90", None),
        ]
        assert {each.arch_source for each in profile.gpus} == {"env:ACCELSEL_GPU_ARCH"}
        assert [each.usable for each in profile.gpus] == [usable, usable]

    def test_another_architecture_takes_nothing_over_from_the_gpu_that_is_there(self) -> None:
        archs = ArchOverride(archs=("sm_90",), source="env:ACCELSEL_GPU_ARCH")
        seen = replace(gpu(usable=True, pci_id="10de:2487"), name="NVIDIA GeForce RTX 3060")
        (each,) = assemble(HOST, [nvidia(seen)], overrides=Overrides(archs={"nvidia": archs})).gpus
        assert (each.arch, each.name, each.pci_id) == ("sm_90", None, None)

    def test_no_gpus(self) -> None:
        none = ArchOverride(archs=(), source="env:ACCELSEL_GPU_ARCH")
        facts = nvidia(gpu(usable=True), driver=DRIVER)
        profile = assemble(HOST, [facts], overrides=Overrides(archs={"nvidia": none}))
        assert profile.gpus == ()
        assert profile.state == "driver-without-gpu"
