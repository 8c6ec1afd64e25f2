import pytest
from tests.kit.hosts import world

from accelsel.knowledge import amd_targets
from accelsel.probe import amd_kfd

NODES = "/sys/class/kfd/kfd/topology/nodes"
GPU = "simd_count 192\ngfx_target_version 110000\nvendor_id 4098\ndevice_id 29772\nlocation_id {}\n"


@pytest.mark.parametrize(
    ("version", "gfx"),
    [
        (90010, "gfx90a"),
        (90012, "gfx90c"),
        (90402, "gfx942"),
        (90500, "gfx950"),
        (100306, "gfx1036"),
        (110501, "gfx1151"),
        (120001, "gfx1201"),
        (120500, "gfx1250"),
        (130011, "gfx130b"),
        (0, None),
        (1, None),
        (91700, None),
        (110016, None),
        (10**9, None),
    ],
)
def test_gfx_name(version: int, gfx: str | None) -> None:
    assert amd_kfd.gfx_name(version) == gfx


def test_every_target_of_the_table_decodes() -> None:
    assert {amd_kfd.gfx_name(target.version) for target in amd_targets().values()} == set(
        amd_targets()
    )
    assert len(amd_targets()) >= 39


def test_properties_keep_whole_numbers_only() -> None:
    text = "simd_count 192\nname gfx1100\nbroken\nhive_id -1\nfraction 1.5\n  location_id   768 \n"
    assert amd_kfd.parse_properties(text) == {"simd_count": 192, "location_id": 768}


@pytest.mark.parametrize(
    ("properties", "is_gpu"),
    [
        pytest.param({"simd_count": 0, "gfx_target_version": 0}, False, id="cpu"),
        pytest.param({"simd_count": 192, "gfx_target_version": 110000}, True, id="gpu"),
        pytest.param({"simd_count": 256}, True, id="old-kernel-gpu"),
        pytest.param({"simd_count": 0}, False, id="old-kernel-cpu"),
        pytest.param({"cpu_cores_count": 8, "gfx_target_version": 90002}, True, id="apu"),
        pytest.param({"simd_count": 4, "vendor_id": 4318}, False, id="another-vendor"),
        pytest.param({}, False, id="empty"),
    ],
)
def test_is_gpu(properties: dict[str, int], is_gpu: bool) -> None:
    assert amd_kfd.is_gpu(properties) is is_gpu


@pytest.mark.parametrize(
    ("location", "domain", "known", "address"),
    [
        pytest.param(0x300, 0, "", "0000:03:00.0", id="plain"),
        pytest.param(0xC508, 2, "", "0002:c5:01.0", id="domain-and-device"),
        pytest.param(0x70000500, 0, "", "0000:05:00.0", id="partition-in-the-upper-bits"),
        pytest.param(0x503, 0, "", "0000:05:00.0", id="partition-in-the-function"),
        pytest.param(0x503, 0, "0000:05:00.3", "0000:05:00.3", id="function-on-the-bus"),
        pytest.param(0, 0, "", None, id="none"),
    ],
)
def test_address(location: int, domain: int, known: str, address: str | None) -> None:
    properties = {"location_id": location, "domain": domain}
    assert amd_kfd.address_of(properties, frozenset({known})) == address


def test_second_place_of_the_tree() -> None:
    nodes = "/sys/devices/virtual/kfd/kfd/topology/nodes"
    topology = amd_kfd.read(world(files={f"{nodes}/1/properties": GPU.format(768)}))
    assert [device.arch for device in topology.devices] == ["gfx1100"]


def test_nodes_are_numbers_and_in_their_order() -> None:
    files = {f"{NODES}/{n}/properties": GPU.format(n << 8) for n in (10, 9, 2)}
    topology = amd_kfd.read(world(files={**files, f"{NODES}/notes": "x"}))
    assert [device.nodes for device in topology.devices] == [("2",), ("9",), ("10",)]


def test_hidden_and_broken_nodes() -> None:
    seen = world(
        files={f"{NODES}/3/properties": GPU.format(768)},
        errors={f"{NODES}/1/properties": "EPERM", f"{NODES}/2/properties": "EIO"},
    )
    topology = amd_kfd.read(seen)
    assert (len(topology.devices), topology.hidden) == (1, 1)


def test_nodes_without_a_place_are_apart() -> None:
    files = {f"{NODES}/{n}/properties": GPU.format(0) for n in (1, 2)}
    topology = amd_kfd.read(world(files=files))
    assert [device.address for device in topology.devices] == [None, None]


def test_memory_is_the_frame_buffers() -> None:
    bank = f"{NODES}/1/mem_banks"
    files = {
        f"{NODES}/1/properties": GPU.format(768),
        f"{bank}/0/properties": "heap_type 1\nsize_in_bytes 1000\n",
        f"{bank}/1/properties": "heap_type 2\nsize_in_bytes 24\n",
        f"{bank}/2/properties": "heap_type 0\nsize_in_bytes 5\n",
    }
    (device,) = amd_kfd.read(world(files=files)).devices
    assert device.memory_bytes == 1024


def test_absent() -> None:
    assert not amd_kfd.read(world()).present
