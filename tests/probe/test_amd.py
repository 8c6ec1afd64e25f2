from typing import Any

import pytest
from tests.kit.hosts import described, world

from accelsel.model.profile import AmdDriver
from accelsel.probe import amd, amd_linux, host, pci
from accelsel.probe.facts import Deadline, VendorFacts
from accelsel.probe.replay import RecordedWorld
from accelsel.probe.world import World

CARD = "/sys/bus/pci/devices/0000:03:00.0"
NODE = "/sys/class/kfd/kfd/topology/nodes/1/properties"
IN_TREE = "in-tree, kernel 6.11.0-9-generic"


def seen(through: World, seconds: float = 3.0) -> VendorFacts:
    return amd.probe(through, host.probe(through), pci.scan(through), Deadline(seconds))


def changed(name: str, **parts: Any) -> RecordedWorld:
    """A described host with some of its parts replaced or, for files, added."""
    document = described(name)
    files = parts.pop("files", {})
    document["files"] = {**document["files"], **files}
    return RecordedWorld({**document, **parts})


@pytest.mark.parametrize(
    ("files", "driver"),
    [
        pytest.param(
            {"/sys/module/amdgpu/version": "6.14.14\n", "/opt/rocm/.info/version": "7.0.2-56\n"},
            AmdDriver(version="6.14.14", rocm_version="7.0.2", source="sysfs"),
            id="dkms-and-rocm",
        ),
        pytest.param(
            {},
            AmdDriver(version=None, rocm_version=None, source=IN_TREE),
            id="in-tree",
        ),
        pytest.param(
            {"/opt/rocm-6.4.1/.info/version": "6.4.1-83\n"},
            AmdDriver(
                version=None, rocm_version="6.4.1", source="in-tree, kernel 6.11.0-9-generic"
            ),
            id="rocm-in-a-folder-of-its-version",
        ),
        pytest.param(
            {"/sys/module/amdgpu/version": "\n", "/opt/rocm/.info/version": "unknown\n"},
            AmdDriver(version=None, rocm_version=None, source=IN_TREE),
            id="files-that-say-nothing",
        ),
    ],
)
def test_driver(files: dict[str, str], driver: AmdDriver) -> None:
    assert seen(changed("rx-7900-xtx", files=files)).driver == driver


def test_memory_and_product_name_of_the_kernel() -> None:
    files = {f"{CARD}/mem_info_vram_total": "1073741824\n", f"{CARD}/product_name": "Radeon X\n"}
    (gpu,) = seen(changed("rx-7900-xtx", files=files)).gpus
    assert (gpu.memory_bytes, gpu.name) == (1073741824, "Radeon X")


@pytest.mark.parametrize("text", ["", "zwölf", "0", "9" * 40, "-5"])
def test_memory_that_is_none(text: str) -> None:
    (gpu,) = seen(changed("rx-7900-xtx", files={f"{CARD}/mem_info_vram_total": text})).gpus
    assert gpu.memory_bytes == 25753026560  # of the topology's memory bank


def test_library_fills_what_the_kernel_does_not_say() -> None:
    records = [
        {"call": "count", "gpu": None, "value": 1},
        {"call": "slot", "gpu": 0, "value": "0000:03:00.0"},
        {"call": "name", "gpu": 0, "value": "AMD Radeon PRO"},
        {"call": "memory", "gpu": 0, "value": 8589934592},
    ]
    streams = {"pyamdgpuinfo": {"status": "ok", "records": records}}
    access = {"/dev/dri/renderD128": "rw", "/dev/kfd": "rw"}
    (gpu,) = seen(changed("amd-arch-unknown", streams=streams, access=access)).gpus
    assert (gpu.name, gpu.memory_bytes) == ("AMD Radeon PRO", 8589934592)
    assert gpu.arch is None


def test_library_knows_the_very_product() -> None:
    records = [
        {"call": "slot", "gpu": 0, "value": "0000:03:00.0"},
        {"call": "name", "gpu": 0, "value": "AMD Radeon RX 7900 XTX"},
        {"call": "memory", "gpu": 0, "value": 1},
    ]
    streams = {"pyamdgpuinfo": {"status": "ok", "records": records}}
    (gpu,) = seen(changed("rx-7900-xtx", streams=streams)).gpus
    assert (gpu.name, gpu.memory_bytes) == ("AMD Radeon RX 7900 XTX", 25753026560)
    product = {f"{CARD}/product_name": "Radeon PRO W7900\n"}
    (gpu,) = seen(changed("rx-7900-xtx", streams=streams, files=product)).gpus
    assert gpu.name == "Radeon PRO W7900"


@pytest.mark.parametrize(
    "stream",
    [
        pytest.param({"status": "failed", "detail": "FileNotFoundError"}, id="no-dev-dri"),
        pytest.param({"status": "timeout"}, id="hangs"),
        pytest.param({"records": [{"call": "slot", "gpu": 0, "error": "x"}]}, id="refuses"),
        pytest.param({"records": [{"call": "memory", "value": "much"}]}, id="no-sense"),
    ],
)
def test_library_that_fails_is_harmless(stream: dict[str, Any]) -> None:
    access = {"/dev/dri/renderD128": "rw", "/dev/kfd": "rw"}
    found = seen(changed("amd-arch-unknown", streams={"pyamdgpuinfo": stream}, access=access))
    assert [(gpu.name, gpu.memory_bytes, gpu.usable) for gpu in found.gpus] == [(None, None, True)]


def test_no_tool_is_run_where_the_kernel_has_said_all() -> None:
    probes = [probe.name for probe in seen(changed("rx-7900-xtx")).probes]
    assert probes == ["kfd"]


def test_no_time_left_is_no_answer() -> None:
    found = seen(changed("amd-unknown-id-tools"), seconds=0)
    assert [(gpu.pci_id, gpu.arch) for gpu in found.gpus] == [("1002:6fff", None)]
    assert {probe.status for probe in found.probes} == {"ok", "skipped"}


@pytest.mark.parametrize(
    ("value", "arch"),
    [
        ("10.3.0", "gfx1030"),
        ("9.0.10", "gfx90a"),
        ("11.0.0", "gfx1100"),
        ("9.4.2", "gfx942"),
        ("gfx1030", None),
        ("10.3", None),
        ("10.3.0.0", None),
        ("10.3.x", None),
        ("10.3.99", None),
        ("", None),
        ("1.0.0", None),
    ],
)
def test_override_target(value: str, arch: str | None) -> None:
    assert amd_linux.override_target(value) == arch


def test_an_override_that_rocm_would_not_read() -> None:
    (gpu,) = seen(changed("rx-6700-xt-override", env={"HSA_OVERRIDE_GFX_VERSION": "gfx1030"})).gpus
    assert gpu.arch == "gfx1031"
    assert "not of the form" in (gpu.note or "")


def test_a_node_with_cpu_cores_is_an_integrated_gpu() -> None:
    node = "cpu_cores_count 8\nsimd_count 44\nvendor_id 4098\ndevice_id 32767\nlocation_id 1536\n"
    (gpu,) = seen(world(files={NODE: node})).gpus
    assert (gpu.pci_id, gpu.integrated, gpu.usable) == ("1002:7fff", True, True)


def test_render_nodes_of_the_card_alone() -> None:
    access = {"/dev/kfd": "rw", "/dev/dri/renderD128": "rw", "/dev/dri/renderD129": ""}
    dirs = {f"{CARD}/drm": ["card0", "renderD128"]}
    assert seen(changed("rx-7900-xtx", access=access, dirs=dirs)).notes == ()
    other = {f"{CARD}/drm": ["card0", "renderD129"]}
    (note,) = seen(changed("rx-7900-xtx", access=access, dirs=other)).notes
    assert note.startswith("no permission for /dev/dri/renderD129: add this user to the groups")


def test_nothing_of_amd() -> None:
    assert seen(world()).gpus == ()
    assert seen(world()).driver is None


def test_macos_is_not_asked() -> None:
    darwin = {"system": "darwin", "release": "24.1.0", "machine": "x86_64"}
    assert seen(world(uname=darwin)).probes == ()
