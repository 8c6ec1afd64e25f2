"""Hosts with NVIDIA GPUs, seen through the real libraries' ABI and a tree of files.

`fixtures/hosts` describes many more; these are the ones that several sources have to be joined for.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest
from tests.kit.nvml import tree
from tests.kit.nvml.stub import StubGpu, StubHost, Stubs

from accelsel.model.profile import Cpu, NvidiaDriver, Os, Profile, Python
from accelsel.probe import libraries, nvidia, probe
from accelsel.probe.assemble import assemble
from accelsel.probe.facts import Deadline, HostFacts, PciDevice
from accelsel.probe.host_world import HostWorld

RTX = StubGpu(
    name="NVIDIA GeForce RTX 3060",
    capability="8.6",
    device="2487",
    bus="0000:01:00.0",
    memory=12884901888,
)
GTX = StubGpu(
    name="NVIDIA GeForce GTX 1050",
    capability="6.1",
    device="1c81",
    bus="0000:02:00.0",
    memory=2147483648,
)
H100 = StubGpu(
    name="NVIDIA H100", capability="9.0", device="2330", bus="0000:18:00.0", memory=80 << 30
)
BARE: dict[str, str] = {"/etc/os-release": 'VERSION_ID="24.04"\n'}
IN_DOCKER = {**BARE, "/.dockerenv": ""}
ORIN = {
    "/etc/nv_tegra_release": "# R36 (release), REVISION: 4.3, GCID: 1, BOARD: generic\n",
    "/proc/device-tree/compatible": "nvidia,p3768-0000+p3767-0005\0nvidia,tegra234\0",
    "/proc/device-tree/model": "NVIDIA Jetson Orin Nano Developer Kit\0",
}


@dataclass(frozen=True, kw_only=True)
class Given:
    """A host: `cards` are (address, device, driver) of the bus, `driver` the kernel's version."""

    stub: StubHost | None = None
    libraries: tuple[str, ...] = ("nvml", "cuda")
    files: dict[str, str]
    cards: tuple[tuple[str, str, str | None], ...] = ()
    driver: str | None = None
    models: tuple[tuple[str, str], ...] = ()
    machine: str = "x86_64"


Look = Callable[[Given], Profile]


class Aarch64(HostWorld):
    def uname(self) -> dict[str, str]:
        return {**super().uname(), "machine": "aarch64"}


@pytest.fixture
def look(root: Path, tmp_path: Path, stubs: Stubs) -> Look:
    def look_at(given: Given) -> Profile:
        tree.write(root, given.files)
        for address, device, driver in given.cards:
            tree.card(root, address, device, driver)
        if given.driver:
            tree.driver(root, given.driver, given.models)
        host = (given.stub or StubHost()).write(tmp_path / "host")
        libraries = given.libraries if given.stub else ()
        environ = stubs.environ(host, libraries=libraries)
        world = Aarch64 if given.machine == "aarch64" else HostWorld
        return probe(world(root=str(root), environ=environ))

    return look_at


def warnings(profile: Profile) -> list[str]:
    return [note for note in profile.notes if note.startswith("probe-")]


def test_two_gpus(look: Look) -> None:
    profile = look(
        Given(
            stub=StubHost(gpus=(RTX, GTX)),
            files=BARE,
            cards=((RTX.bus, RTX.device, "nvidia"), (GTX.bus, GTX.device, "nvidia")),
            driver="580.65.06",
        )
    )
    assert profile.state == "usable"
    assert [(gpu.index, gpu.arch, gpu.pci_id) for gpu in profile.gpus] == [
        (0, "sm_86", "10de:2487"),
        (1, "sm_61", "10de:1c81"),
    ]
    assert profile.notes == ()
    assert {result.name: result.status for result in profile.probes}["nvml"] == "ok"
    assert "nvidia-smi" not in {result.name for result in profile.probes}


def test_a_lost_gpu_among_good_ones(look: Look) -> None:
    """It has no handle, so the bus has to say which it is."""
    third = StubGpu(name="NVIDIA H100", capability="9.0", device="2331", bus="0000:2a:00.0")
    profile = look(
        Given(
            stub=StubHost(
                gpus=(H100, third, RTX), faults=(("nvmlDeviceGetHandleByIndex_v2", 1, 15),)
            ),
            files=BARE,
            cards=tuple((gpu.bus, gpu.device, "nvidia") for gpu in (RTX, H100, third)),
            driver="580.65.06",
        )
    )
    assert [(g.arch, g.usable) for g in profile.gpus] == [
        ("sm_90", True),
        ("sm_90", False),
        ("sm_86", True),
    ]
    lost = profile.gpus[1]
    assert (lost.pci_id, lost.arch_source) == ("10de:2331", "pci-table")
    assert lost.note is not None
    assert "lost" in lost.note
    assert profile.state == "usable"


@pytest.mark.parametrize(
    ("driver", "word"),
    [
        ("nouveau", "nouveau"),
        ("nova_core", "nova"),
        ("vfio-pci", "virtual machine"),
        ("other", "bound to other"),
        (None, "no driver"),
    ],
)
def test_a_card_without_nvidias_driver(look: Look, driver: str | None, word: str) -> None:
    profile = look(Given(files=BARE, cards=((RTX.bus, RTX.device, driver),)))
    assert profile.state == "gpu-without-driver"
    assert profile.drivers.nvidia is None
    (gpu,) = profile.gpus
    assert (gpu.arch, gpu.arch_source, gpu.usable) == ("sm_86", "pci-table", False)
    assert gpu.note is not None
    assert word in gpu.note


def test_a_passed_through_card_beside_a_served_one(look: Look) -> None:
    profile = look(
        Given(
            stub=StubHost(gpus=(RTX,)),
            files=BARE,
            cards=((RTX.bus, RTX.device, "nvidia"), (GTX.bus, GTX.device, "vfio-pci")),
            driver="580.65.06",
        )
    )
    assert [(gpu.arch, gpu.usable) for gpu in profile.gpus] == [("sm_86", True), ("sm_61", False)]
    assert warnings(profile) == []


def test_a_container_that_was_given_one_of_two(look: Look) -> None:
    profile = look(
        Given(
            stub=StubHost(gpus=(GTX,)),
            files=IN_DOCKER,
            cards=((RTX.bus, RTX.device, "nvidia"), (GTX.bus, GTX.device, "nvidia")),
            driver="580.65.06",
        )
    )
    assert [gpu.arch for gpu in profile.gpus] == ["sm_61"]
    assert any("1 more NVIDIA GPU of this machine" in note for note in profile.notes)


def test_a_container_that_was_given_none(look: Look) -> None:
    profile = look(
        Given(files=IN_DOCKER, cards=((RTX.bus, RTX.device, "nvidia"),), driver="580.65.06")
    )
    assert profile.state == "gpu-without-driver"
    assert [gpu.usable for gpu in profile.gpus] == [False]


def test_files_alone(look: Look) -> None:
    """No library on the loader's path: the kernel driver serves the GPU all the same."""
    profile = look(
        Given(
            files=BARE,
            cards=((RTX.bus, RTX.device, "nvidia"),),
            driver="570.86.16",
            models=((RTX.bus, "NVIDIA GeForce RTX 3060"),),
        )
    )
    assert profile.state == "usable"
    driver = profile.drivers.nvidia
    assert driver is not None
    assert (driver.version, driver.cuda_version) == ("570.86.16", "12.8")
    assert driver.source == "procfs, cuda from branch"
    (gpu,) = profile.gpus
    assert (gpu.name, gpu.arch_source) == ("NVIDIA GeForce RTX 3060", "pci-table")
    assert any("libcuda" in note for note in warnings(profile))


def test_libcuda_alone(look: Look) -> None:
    """A container of compute capability only; a mask does not hide what is installed."""
    profile = look(
        Given(
            stub=StubHost(gpus=(RTX, GTX)), libraries=("cuda",), files=IN_DOCKER, driver="580.65.06"
        )
    )
    assert [(gpu.arch, gpu.arch_source) for gpu in profile.gpus] == [
        ("sm_86", "libcuda"),
        ("sm_61", "libcuda"),
    ]
    assert profile.drivers.nvidia is not None
    assert profile.drivers.nvidia.source == "procfs, cuda from libcuda"


def test_masks_hide_nothing(root: Path, tmp_path: Path, stubs: Stubs) -> None:
    host = StubHost(gpus=(RTX, GTX)).write(tmp_path / "host")
    environ = {**stubs.environ(host, libraries=("cuda",)), "CUDA_VISIBLE_DEVICES": "1"}
    profile = probe(HostWorld(root=str(root), environ=environ))
    assert [gpu.arch for gpu in profile.gpus] == ["sm_86", "sm_61"]
    assert profile.environment == {"CUDA_VISIBLE_DEVICES": "1"}


def test_a_utility_container_has_no_libcuda(look: Look) -> None:
    """The v2 call answers 12 there; the older one gives a number that is marked as weaker."""
    profile = look(Given(stub=StubHost(cuda=0, gpus=(RTX,)), libraries=("nvml",), files=IN_DOCKER))
    driver = profile.drivers.nvidia
    assert driver is not None
    assert driver.source == "nvml, cuda from nvml v1 (weaker)"
    (note,) = profile.notes
    assert "NVIDIA_DRIVER_CAPABILITIES" in note


def test_jetpack_6_says_little(look: Look) -> None:
    orin = StubGpu(name="Orin (nvgpu)")
    profile = look(
        Given(
            stub=StubHost(driver="540.4.0", cuda=12060, gpus=(orin,)),
            libraries=("nvml",),
            files={**BARE, **ORIN},
            machine="aarch64",
        )
    )
    assert profile.os.jetson is not None
    (gpu,) = profile.gpus
    assert (gpu.name, gpu.arch, gpu.arch_source) == ("Orin (nvgpu)", "sm_87", "device-tree")
    assert (gpu.integrated, gpu.usable, gpu.pci_id) == (True, True, None)
    assert profile.state == "usable"


def test_jetpack_5_has_no_nvml(look: Look) -> None:
    """Its kernel driver gives the L4T release in the place of a version."""
    files = {**BARE, **ORIN, "/etc/nv_tegra_release": "# R35 (release), REVISION: 4.1, X\n"}
    profile = look(Given(files=files, driver="35.4.1", machine="aarch64"))
    (gpu,) = profile.gpus
    assert (gpu.arch, gpu.usable, gpu.name) == (
        "sm_87",
        True,
        "NVIDIA Jetson Orin Nano Developer Kit",
    )
    driver = profile.drivers.nvidia
    assert driver is not None
    assert (driver.version, driver.cuda_version) == (None, "11.4")
    assert driver.source == "cuda from l4t R35.4.1"


def test_a_spark_is_no_jetson(look: Look) -> None:
    spark = StubGpu(name="NVIDIA GB10", capability="12.1", device="2e12", bus="000f:01:00.0")
    profile = look(
        Given(stub=StubHost(gpus=(spark,)), files=BARE, driver="580.95.05", machine="aarch64")
    )
    assert profile.os.jetson is None
    (gpu,) = profile.gpus
    assert (gpu.arch, gpu.integrated, gpu.memory_bytes) == ("sm_121", True, None)


def test_a_driver_without_a_gpu(look: Look) -> None:
    profile = look(Given(stub=StubHost(), files=BARE, driver="580.65.06"))
    assert profile.state == "driver-without-gpu"
    assert profile.gpus == ()


@pytest.mark.parametrize(
    ("code", "state"), [(18, "driver-mismatch"), (9, "gpu-without-driver"), (4, "usable")]
)
def test_the_whole_library_refuses(look: Look, code: int, state: str) -> None:
    """With 4 (no permission) libcuda is asked, and it answers here."""
    profile = look(
        Given(
            stub=StubHost(gpus=(RTX,), faults=(("nvmlInitWithFlags", -1, code),)),
            files=BARE,
            cards=((RTX.bus, RTX.device, "nvidia"),),
            driver="580.65.06",
        )
    )
    assert profile.state == state
    assert [gpu.arch for gpu in profile.gpus] == ["sm_86"]


@pytest.mark.parametrize("code", [4, 17, 999])
def test_all_libraries_refuse(look: Look, code: int) -> None:
    profile = look(
        Given(
            stub=StubHost(
                gpus=(RTX,), faults=(("nvmlInitWithFlags", -1, code), ("cuInit", -1, 100))
            ),
            files=BARE,
            cards=((RTX.bus, RTX.device, "nvidia"),),
            driver="580.65.06",
        )
    )
    assert profile.state == "gpu-without-driver"
    assert [gpu.usable for gpu in profile.gpus] == [False]
    assert any(note.startswith("probe-incomplete: nvml") for note in profile.notes)


def test_sources_that_contradict_each_other(look: Look) -> None:
    profile = look(
        Given(
            stub=StubHost(gpus=(RTX,), driver="575.57.08"),
            files=BARE,
            cards=((GTX.bus, GTX.device, "nvidia"),),
            driver="580.65.06",
        )
    )
    assert [note.partition(":")[0] for note in profile.notes] == ["probe-contradiction"] * 3
    assert [gpu.arch for gpu in profile.gpus] == ["sm_86", "sm_61"]


def test_ids_of_two_equal_cards_are_told_apart_by_address(look: Look) -> None:
    twin = StubGpu(name=RTX.name, capability="8.6", device=RTX.device, bus="0000:41:00.0")
    profile = look(
        Given(
            stub=StubHost(gpus=(RTX, twin)),
            files=BARE,
            cards=((RTX.bus, RTX.device, "nvidia"), (twin.bus, twin.device, "nvidia")),
            driver="580.65.06",
        )
    )
    assert [(gpu.memory_bytes, gpu.pci_id) for gpu in profile.gpus] == [
        (12884901888, "10de:2487"),
        (None, "10de:2487"),
    ]


def test_an_unknown_device_keeps_an_unknown_architecture(look: Look) -> None:
    profile = look(Given(files=BARE, cards=(("0000:01:00.0", "ffff", None),)))
    assert [(gpu.arch, gpu.arch_source, gpu.integrated) for gpu in profile.gpus] == [
        (None, None, None)
    ]


def test_windows_subsystem_without_any_library(look: Look) -> None:
    profile = look(Given(files={**BARE, "/dev/dxg": ""}))
    assert profile.state == "no-gpu"
    assert any("/dev/dxg" in note for note in warnings(profile))


def test_a_slow_start_is_waited_for(look: Look) -> None:
    """Without persistence mode the first call takes seconds; others are asked meanwhile."""
    profile = look(
        Given(
            stub=StubHost(gpus=(RTX,), faults=(("nvmlInitWithFlags", -1, "slow"),)),
            libraries=("nvml",),
            files=BARE,
            cards=((RTX.bus, RTX.device, "nvidia"),),
            driver="580.65.06",
        )
    )
    assert [(gpu.arch_source, gpu.memory_bytes) for gpu in profile.gpus] == [("nvml", RTX.memory)]
    assert warnings(profile) == []


def test_everything_hangs_at_once(root: Path, tmp_path: Path, stubs: Stubs) -> None:
    tree.card(root, RTX.bus, RTX.device, "nvidia")
    tree.driver(root, "580.65.06")
    tool = tmp_path / "nvidia-smi"
    tool.write_text("#!/bin/sh\nsleep 61 &\nsleep 61\n")
    tool.chmod(0o755)
    faults = (("nvmlInitWithFlags", -1, "hang"), ("cuDriverGetVersion", -1, "hang"))
    host = StubHost(gpus=(RTX,), faults=faults).write(tmp_path / "host")
    environ = stubs.environ(host, path=f"{tmp_path}:/usr/bin:/bin")
    started = time.monotonic()
    profile = probe(HostWorld(root=str(root), environ=environ))
    assert time.monotonic() - started < 4
    timeouts = {each.name for each in profile.probes if each.status == "timeout"}
    assert timeouts == {"nvml", "cuda", "nvidia-smi"}
    assert profile.state == "usable"
    assert [(gpu.arch, gpu.arch_source) for gpu in profile.gpus] == [("sm_86", "pci-table")]
    assert len([note for note in warnings(profile) if "probe-incomplete" in note]) == 3


def test_a_library_beside_the_loaders_path_is_used_and_told(
    root: Path, tmp_path: Path, stubs: Stubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As in a stripped WSL image or on GKE: torch will not find it without help."""
    environ = dict(stubs.environ(StubHost(gpus=(RTX,)).write(tmp_path / "host")))
    folder = environ.pop("LD_LIBRARY_PATH")
    monkeypatch.setattr(libraries, "BESIDE_THE_PATH", (folder,))
    profile = probe(HostWorld(root=str(root), environ=environ))
    assert [gpu.arch for gpu in profile.gpus] == ["sm_86"]
    (note,) = profile.notes
    assert f"{folder}, which the loader does not search" in note


def test_windows_without_any_library(root: Path) -> None:
    """The registry has the driver's version, and the one WDDM driver serves the card."""
    windows = HostFacts(
        os=Os(
            system="windows",
            version="11",
            release="10.0.26100",
            libc=None,
            wsl=False,
            container=None,
            jetson=None,
        ),
        cpu=Cpu(arch="x86_64", level=None),
        python=Python(version="3.12.3", implementation="cpython", free_threaded=False),
    )
    card = PciDevice(
        address="",
        vendor_id="10de",
        device_id="2487",
        class_id="030000",
        driver="NVIDIA",
        driver_version="32.0.15.8180",
    )
    world = HostWorld(root=str(root), environ={"PATH": "/nowhere"})
    facts = nvidia.probe(world, windows, (card,), Deadline(1))
    profile = assemble(windows, [facts])
    assert profile.state == "usable"
    assert [gpu.arch for gpu in profile.gpus] == ["sm_86"]
    assert profile.drivers.nvidia == NvidiaDriver(
        version="581.80", cuda_version="13.0", source="registry, cuda from branch"
    )


def test_nvidia_smi_alone_lists_what_is_served(root: Path, tmp_path: Path) -> None:
    """One of two has fallen off the bus: nvidia-smi says so, and lists the other."""
    tree.driver(root, "580.65.06")
    for gpu in (RTX, GTX):
        tree.card(root, gpu.bus, gpu.device, "nvidia")
    tool = tmp_path / "nvidia-smi"
    tool.write_text(
        "#!/bin/sh\n"
        "echo 'NVIDIA GeForce RTX 3060, 580.65.06, 8.6, 0x248710DE, 00000000:01:00.0, 12288 MiB'\n"
        "echo 'Unable to determine the device handle for GPU0000:02:00.0: GPU is lost.'\n"
        "exit 15\n"
    )
    tool.chmod(0o755)
    profile = probe(HostWorld(root=str(root), environ={"PATH": str(tmp_path)}))
    assert [(gpu.arch, gpu.arch_source, gpu.usable) for gpu in profile.gpus] == [
        ("sm_86", "nvidia-smi", True),
        ("sm_61", "pci-table", False),
    ]


def test_a_library_that_is_there_and_cannot_be_loaded(root: Path, tmp_path: Path) -> None:
    """A loader's cache that is out of date, or a file for another machine."""
    tree.card(root, RTX.bus, RTX.device, "nvidia")
    tree.driver(root, "580.65.06")
    for name in ("libnvidia-ml.so.1", "libcuda.so.1"):
        (tmp_path / name).write_text("no library")
    environ = {"PATH": "/nowhere", "LD_LIBRARY_PATH": str(tmp_path)}
    profile = probe(HostWorld(root=str(root), environ=environ))
    statuses = {each.name: each.status for each in profile.probes}
    assert (statuses["nvml"], statuses["cuda"]) == ("absent", "absent")
    assert [gpu.arch for gpu in profile.gpus] == ["sm_86"]
    (note,) = profile.notes
    assert "libcuda is not where the loader looks" in note


def test_libcuda_is_trusted_more_than_nvmls_built_in_number(look: Look) -> None:
    profile = look(
        Given(
            stub=StubHost(
                gpus=(RTX,),
                faults=(
                    ("nvmlSystemGetCudaDriverVersion_v2", -1, 13),
                    ("nvmlDeviceGetCudaComputeCapability", -1, 3),
                    ("nvmlDeviceGetName", -1, "crash"),
                ),
            ),
            files=BARE,
        )
    )
    driver = profile.drivers.nvidia
    assert driver is not None
    assert (driver.cuda_version, driver.source) == ("13.0", "nvml, cuda from libcuda")
    assert [gpu.arch_source for gpu in profile.gpus] == ["libcuda"]


def test_a_libcuda_of_another_version_than_the_kernel_driver(look: Look) -> None:
    profile = look(
        Given(
            stub=StubHost(
                gpus=(RTX,),
                faults=(("nvmlDeviceGetCudaComputeCapability", -1, 3), ("cuInit", -1, 803)),
            ),
            files=BARE,
        )
    )
    assert profile.state == "driver-mismatch"


def test_an_answer_of_no_device_is_complete(look: Look) -> None:
    """Libcuda without a driver, as in a CUDA image: nothing is missing from the picture."""
    stub = StubHost(faults=(("cuInit", -1, 100),))
    profile = look(Given(stub=stub, libraries=("cuda",), files=BARE))
    assert (profile.state, warnings(profile)) == ("no-gpu", [])


@pytest.mark.parametrize("code", [6, 9])
def test_an_exit_code_of_nvidia_smi_is_an_answer(root: Path, tmp_path: Path, code: int) -> None:
    tool = tmp_path / "nvidia-smi"
    tool.write_text(f"#!/bin/sh\nexit {code}\n")
    tool.chmod(0o755)
    profile = probe(HostWorld(root=str(root), environ={"PATH": str(tmp_path)}))
    assert (profile.state, profile.notes) == ("no-gpu", ())
    assert {each.name: each.status for each in profile.probes}["nvidia-smi"] == "failed"
