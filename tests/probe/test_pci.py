import errno

import pytest
from tests.kit.hosts import world

from accelsel.probe import pci
from accelsel.probe.facts import PciDevice


def function(address: str, vendor: str, device: str, kind: str) -> dict[str, str]:
    folder = f"/sys/bus/pci/devices/{address}"
    return {
        f"{folder}/vendor": f"0x{vendor}\n",
        f"{folder}/device": f"0x{device}\n",
        f"{folder}/class": f"0x{kind}\n",
    }


@pytest.mark.parametrize(
    ("vendor", "device", "kind", "is_gpu"),
    [
        pytest.param("10de", "2487", "030000", True, id="nvidia-vga"),
        pytest.param("10de", "2330", "030200", True, id="nvidia-3d"),
        pytest.param("1002", "740f", "038000", True, id="amd-display-other"),
        pytest.param("1002", "74a1", "120000", True, id="amd-instinct-accelerator"),
        pytest.param("8086", "0bd5", "038000", True, id="intel-max"),
        pytest.param("8086", "643e", "120000", False, id="intel-npu"),
        pytest.param("10de", "2f00", "120000", False, id="nvidia-accelerator-of-no-gpu-class"),
        pytest.param("1022", "17f0", "118000", False, id="amd-npu"),
        pytest.param("1a03", "2000", "030000", False, id="aspeed-bmc"),
        pytest.param("102b", "0536", "030000", False, id="matrox-bmc"),
        pytest.param("1234", "1111", "030000", False, id="qemu-display"),
        pytest.param("1e60", "2864", "0b4000", False, id="hailo"),
        pytest.param("10de", "22ba", "040300", False, id="nvidia-audio"),
        pytest.param("10de", "22a3", "068000", False, id="nvswitch"),
    ],
)
def test_what_is_a_gpu(vendor: str, device: str, kind: str, is_gpu: bool) -> None:
    found = pci.scan(world(files=function("0000:01:00.0", vendor, device, kind)))
    assert [card.pci_id for card in found] == ([f"{vendor}:{device}"] if is_gpu else [])


def test_order_driver_and_case() -> None:
    devices = "/sys/bus/pci/devices"
    found = pci.scan(
        world(
            files=function("0000:41:00.0", "10DE", "1B06", "030000")
            | function("0000:03:00.0", "1002", "744c", "030000"),
            links={f"{devices}/0000:41:00.0/driver": "../../../bus/pci/drivers/vfio-pci"},
        )
    )
    assert found == (
        PciDevice(
            address="0000:03:00.0",
            vendor_id="1002",
            device_id="744c",
            class_id="030000",
            driver=None,
        ),
        PciDevice(
            address="0000:41:00.0",
            vendor_id="10de",
            device_id="1b06",
            class_id="030000",
            driver="vfio-pci",
        ),
    )


@pytest.mark.parametrize("lost", ["vendor", "device", "class"])
def test_a_function_that_cannot_be_read_is_left_out(lost: str) -> None:
    files = function("0000:01:00.0", "10de", "2487", "030000")
    path = f"/sys/bus/pci/devices/0000:01:00.0/{lost}"
    del files[path]
    good = function("0000:02:00.0", "10de", "2503", "030000")
    found = pci.scan(world(files=files | good, errors={path: errno.errorcode[errno.EIO]}))
    assert [card.device_id for card in found] == ["2503"]


def test_no_bus() -> None:
    assert pci.scan(world()) == ()
    assert pci.scan(world(errors={"/sys/bus/pci/devices": "EACCES"})) == ()


@pytest.mark.parametrize(
    ("text", "digits", "value"),
    [
        ("0x10DE\n", 4, "10de"),
        ("10de", 4, "10de"),
        ("0x3\n", 4, "0003"),
        ("0x030000\n", 6, "030000"),
        ("", 4, None),
        ("0x", 4, None),
        ("0x10de0", 4, None),
        ("-1", 4, None),
        ("10 de", 4, None),
        ("١٢", 4, None),
    ],
)
def test_hex_id(text: str, digits: int, value: str | None) -> None:
    assert pci.hex_id(text, digits) == value
