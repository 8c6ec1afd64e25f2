import pytest
from tests.kit.hosts import world

from accelsel.model.profile import IntelDriver
from accelsel.probe import host, intel, pci
from accelsel.probe.facts import Deadline, VendorFacts
from accelsel.probe.world import World

CARD = "/sys/bus/pci/devices/0000:03:00.0"
LEVEL_ZERO = "/usr/lib/x86_64-linux-gnu/libze_intel_gpu.so.1"


def files(device: str) -> dict[str, str]:
    return {f"{CARD}/vendor": "0x8086", f"{CARD}/device": device, f"{CARD}/class": "0x030000"}


def links(driver: str | None) -> dict[str, str]:
    return {f"{CARD}/driver": f"../../../bus/pci/drivers/{driver}"} if driver else {}


def seen(through: World) -> VendorFacts:
    return intel.probe(through, host.probe(through), pci.scan(through), Deadline(3.0))


@pytest.mark.parametrize(
    ("device", "arch", "integrated"),
    [
        ("0x56a0", "xe-hpg", False),
        ("0xe20b", "xe2", False),
        ("0x64a0", "xe2", True),
        ("0x7d55", "xe-lpg", True),
        ("0x7d51", "xe-lpg-plus", True),
        ("0xb080", "xe3", True),
        ("0x0bd5", "xe-hpc", False),
        ("0xa780", "xe-lp", True),
        ("0x8a52", "gen11", True),
        ("0xffd0", None, None),
    ],
)
def test_arch_by_device_id(device: str, arch: str | None, integrated: bool | None) -> None:
    (gpu,) = seen(world(files=files(device), links=links("xe"))).gpus
    assert (gpu.vendor, gpu.arch, gpu.integrated, gpu.usable) == ("intel", arch, integrated, True)
    assert gpu.arch_source == ("pci-table" if arch else None)


@pytest.mark.parametrize(
    ("driver", "note", "source"),
    [
        pytest.param("i915", None, "i915, in-tree, kernel 6.8.0-49-generic", id="i915"),
        pytest.param("xe", None, "xe, in-tree, kernel 6.8.0-49-generic", id="xe"),
        pytest.param("vfio-pci", "bound to vfio-pci: handed to a virtual machine", None, id="vfio"),
        pytest.param("gma500", "bound to gma500: no compute", None, id="another-driver"),
        pytest.param(None, "no kernel driver is bound", None, id="no-driver"),
    ],
)
def test_driver(driver: str | None, note: str | None, source: str | None) -> None:
    found = seen(world(files=files("0x56a0"), links=links(driver)))
    assert [(gpu.usable, gpu.note) for gpu in found.gpus] == [(note is None, note)]
    assert found.vendor == "intel"
    assert found.driver == (IntelDriver(version=None, source=source) if source else None)


def test_a_driver_from_outside_the_kernel_has_a_version() -> None:
    more = {"/sys/module/i915/version": "1.25.2\n"}
    found = seen(world(files=files("0x56a0") | more, links=links("i915")))
    assert found.driver == IntelDriver(version="1.25.2", source="i915")


@pytest.mark.parametrize(
    ("access", "said"),
    [
        pytest.param({LEVEL_ZERO: "", "/dev/dri/renderD128": "rw"}, "", id="all-there"),
        pytest.param({"/dev/dri/renderD128": "rw"}, "libze_intel_gpu.so.1 not found", id="no-ze"),
        pytest.param({LEVEL_ZERO: ""}, "/dev/dri/renderD* not found", id="no-node"),
        pytest.param(
            {LEVEL_ZERO: "", "/dev/dri/renderD128": ""}, "no permission", id="no-permission"
        ),
    ],
)
def test_what_an_xpu_build_needs_beside_the_driver(access: dict[str, str], said: str) -> None:
    notes = seen(world(files=files("0x56a0"), links=links("xe"), access=access)).notes
    assert [note.startswith(said) for note in notes] == ([True] if said else [])


@pytest.mark.parametrize(
    ("parts", "cure"),
    [
        pytest.param({}, "check that the i915 or xe module is loaded", id="bare"),
        pytest.param(
            {"/.dockerenv": ""}, "start the container with --device /dev/dri", id="container"
        ),
    ],
)
def test_the_cure_for_a_missing_node(parts: dict[str, str], cure: str) -> None:
    access = {LEVEL_ZERO: "", **parts}
    (note,) = seen(world(files=files("0x56a0"), links=links("xe"), access=access)).notes
    assert note == f"/dev/dri/renderD* not found: {cure}"


def test_two_drivers_in_one_host() -> None:
    other = "/sys/bus/pci/devices/0000:00:02.0"
    more = {f"{other}/vendor": "0x8086", f"{other}/device": "0xa780", f"{other}/class": "0x030000"}
    both = {**links("xe"), f"{other}/driver": "../../../bus/pci/drivers/i915"}
    found = seen(world(files=files("0x56a0") | more, links=both))
    assert found.driver is not None
    assert found.driver.source == "i915 and xe, in-tree, kernel 6.8.0-49-generic"


def test_no_word_on_xpu_for_a_gpu_that_has_none() -> None:
    assert seen(world(files=files("0xa780"), links=links("i915"))).notes == ()
