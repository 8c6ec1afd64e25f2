from collections.abc import Sequence

import pytest
from tests.kit.hosts import world

from accelsel.probe import pci, windows
from accelsel.probe.replay import SCHEMA, RecordedWorld
from accelsel.probe.windows import adapter_of, parse_registry
from accelsel.probe.world import Completed

CLASS = r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
QUERY = """
HKEY_LOCAL_MACHINE\\SYSTEM\\CurrentControlSet\\Control\\Class\\{4d36e968-e325-11ce-bfc1-08002be10318}
    Class    REG_SZ    Display

HKEY_LOCAL_MACHINE\\...\\{4d36e968-e325-11ce-bfc1-08002be10318}\\0000
    DriverDesc    REG_SZ    NVIDIA GeForce RTX 3060
    ProviderName    REG_SZ    NVIDIA
    MatchingDeviceId    REG_SZ    PCI\\VEN_10DE&DEV_2503
    DriverVersion    REG_SZ    32.0.15.6614
    HardwareInformation.qwMemorySize    REG_QWORD    0x300000000
    VideoID    REG_SZ    {00000000-0000-0000-0000-000000000001}

HKEY_LOCAL_MACHINE\\...\\{4d36e968-e325-11ce-bfc1-08002be10318}\\0001
    DriverDesc    REG_SZ    Microsoft Remote Display Adapter
    ProviderName    REG_SZ    Microsoft
    MatchingDeviceId    REG_SZ    terminputdevice
"""


def test_one_card_with_its_facts() -> None:
    command = {"argv": ["reg", "query", CLASS, "/s"], "code": 0, "out": QUERY}
    host = {"system": "windows", "release": "10.0.26100", "machine": "amd64"}
    (card,) = pci.scan(world(uname=host, commands=[command]))
    assert card.pci_id == "10de:2503"
    assert (card.name, card.driver) == ("NVIDIA GeForce RTX 3060", "NVIDIA")
    assert (card.memory_bytes, card.driver_version) == (12884901888, "32.0.15.6614")
    assert card.address == ""


def test_no_registry() -> None:
    assert windows.display_adapters(world()) == ()


@pytest.mark.parametrize("status", ["timeout", "failed", "denied"])
def test_a_registry_that_does_not_answer_is_asked_once(status: str) -> None:
    asked = []

    class Asked(RecordedWorld):
        def run(self, argv: Sequence[str], timeout: float) -> Completed:
            asked.append(argv[0])
            return super().run(argv, timeout)

    host = {"system": "windows", "release": "10.0.26100", "machine": "amd64"}
    command = {"argv": ["reg", "query", CLASS, "/s"], "status": status}
    document = {"schema": SCHEMA, "uname": host, "commands": [command]}
    assert windows.display_adapters(Asked(document)) == ()
    assert asked == ["reg"]


def test_wsl_asks_the_windows_side_where_nvidia_is_not_there() -> None:
    command = {"argv": ["reg.exe", "query", CLASS, "/s"], "code": 0, "out": QUERY}
    access = {"/dev/dxg": "rw"}
    (card,) = pci.scan(world(commands=[command], access=access))
    assert card.pci_id == "10de:2503"
    nvidia = {"/usr/lib/wsl/lib/libcuda.so.1": ""}
    assert pci.scan(world(commands=[command], access=access | nvidia)) == ()
    assert pci.scan(world(commands=[command])) == ()


def test_no_program_of_that_name_is_run_on_linux() -> None:
    command = {"argv": ["reg", "query", CLASS, "/s"], "code": 0, "out": QUERY}
    assert pci.scan(world(commands=[command], access={"/dev/dxg": "rw"})) == ()


@pytest.mark.parametrize(
    ("hardware_id", "pci_id"),
    [
        pytest.param(r"pci\ven_10de&dev_2503", "10de:2503", id="lower-case"),
        pytest.param(r"PCI\VEN_1002&DEV_744C&SUBSYS_0&REV_C8", "1002:744c", id="with-subsystem"),
        pytest.param(r"PCI\VEN_1234&DEV_1111", None, id="virtual-display"),
        pytest.param(r"ROOT\BasicDisplay", None, id="no-pci"),
        pytest.param("", None, id="empty"),
    ],
)
def test_hardware_ids(hardware_id: str, pci_id: str | None) -> None:
    card = adapter_of({"MatchingDeviceId": hardware_id, "ProviderName": "Somebody"})
    assert (card and card.pci_id) == pci_id


def test_the_driver_that_windows_brings_is_none() -> None:
    card = adapter_of({"MatchingDeviceId": r"PCI\VEN_10DE&DEV_2503", "ProviderName": "Microsoft"})
    assert card is not None
    assert card.driver is None


@pytest.mark.parametrize("data", ["", "0x0", "zwölf", "0xzz"])
def test_memory_that_is_no_number(data: str) -> None:
    values = {
        "MatchingDeviceId": r"PCI\VEN_10DE&DEV_2503",
        "HardwareInformation.qwMemorySize": data,
    }
    card = adapter_of(values)
    assert card is not None
    assert card.memory_bytes is None


def test_registry_text() -> None:
    keys = parse_registry("HKEY_X\\a\n    n    REG_SZ    v w\n  odd line\n    m    REG_SZ    \n")
    assert keys == {"HKEY_X\\a": {"n": "v w", "m": ""}}
