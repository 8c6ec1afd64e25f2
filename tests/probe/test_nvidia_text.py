from pathlib import Path

import pytest
from tests.kit.nvml import tree

from accelsel.probe.host_world import HostWorld
from accelsel.probe.nvidia_text import (
    clean_name,
    kernel_version,
    model_name,
    pci_address,
    pci_id,
    read_kernel_driver,
    registry_version,
    version_of,
)


@pytest.mark.parametrize(
    ("line", "version"),
    [
        pytest.param(
            "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 2023",
            "535.54.03",
            id="proprietary",
        ),
        pytest.param(
            "NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  615.71.09  Release Build",
            "615.71.09",
            id="open",
        ),
        pytest.param(
            "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  35.4.1  Release Build",
            "35.4.1",
            id="jetpack-5",
        ),
        pytest.param(
            "NVRM version: NVIDIA UNIX Open Kernel Module  595.80  Release Build",
            "595.80",
            id="two-part-without-machine",
        ),
        pytest.param("NVRM version: NVIDIA UNIX x86_64 Kernel Module  N/A", None, id="no-number"),
        pytest.param("GCC version:  gcc version 13.3.0", None, id="other-line"),
        pytest.param("", None, id="empty"),
    ],
)
def test_kernel_version(line: str, version: str | None) -> None:
    assert kernel_version(f"{line}\nGCC version:  gcc version 12.3.0\n") == version


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("580.65.06\n", "580.65.06"),
        (" 595.80 ", "595.80"),
        ("580", None),
        ("1.2.3.4.5", None),
        ("580.65.06-1", None),
        ("²80.1", None),
        ("", None),
        (None, None),
        (580.65, None),
    ],
)
def test_version_of(text: object, version: str | None) -> None:
    assert version_of(text) == version


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("00000000:0C:00.0", "0000:0c:00.0"),
        ("0000:01:00.0", "0000:01:00.0"),
        ("00010000:E1:00.0", "10000:e1:00.0"),
        ("0:1:0.0", "0000:01:00.0"),
        ("0000:01:00", None),
        ("[N/A]", None),
        ("0000:+1:00.0", None),
        ("", None),
        (None, None),
    ],
)
def test_pci_address(text: object, address: str | None) -> None:
    assert pci_address(text) == address


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        (0x248710DE, "10de:2487"),
        (0x1E8110DE, "10de:1e81"),
        (0x000010DE, None),  # a capture with its device masked
        (0x73BF1002, None),
        (0, None),
    ],
)
def test_pci_id(number: int, expected: str | None) -> None:
    assert pci_id(number) == expected


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("NVIDIA GeForce RTX 3060", "NVIDIA GeForce RTX 3060"),
        ("  NVIDIA\tH200 \n", "NVIDIA H200"),
        ("Graphics Device", None),
        ("\x1b[31mred", "[31mred"),
        ("", None),
        (None, None),
    ],
)
def test_clean_name(text: object, name: str | None) -> None:
    assert clean_name(text) == name


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("31.0.15.3640", "536.40"),
        ("32.0.15.9186", "591.86"),
        ("30.0.15.5", "500.05"),
        ("27.21.14.5671", "456.71"),
        ("10.0.1", None),
        ("", None),
        (None, None),
    ],
)
def test_registry_version(text: str | None, version: str | None) -> None:
    assert registry_version(text) == version


def test_model_name() -> None:
    assert model_name("Model: \t\t NVIDIA L40S\nIRQ: 76\n") == "NVIDIA L40S"
    assert model_name("Model: Unknown\n") is None
    assert model_name("IRQ: 76\n") is None


def test_files_of_a_loaded_driver(root: Path) -> None:
    tree.driver(root, "580.65.06", [("0000:01:00.0", "NVIDIA L40S"), ("nonsense", "x")])
    kernel = read_kernel_driver(HostWorld(root=str(root)))
    assert (kernel.version, kernel.source) == ("580.65.06", "procfs")
    assert kernel.names == {"0000:01:00.0": "NVIDIA L40S"}


def test_the_module_says_it_where_procfs_is_hidden(root: Path) -> None:
    tree.write(root, {"/sys/module/nvidia/version": "470.256.02\n"})
    kernel = read_kernel_driver(HostWorld(root=str(root)))
    assert (kernel.version, kernel.source, kernel.names) == ("470.256.02", "sysfs", {})
