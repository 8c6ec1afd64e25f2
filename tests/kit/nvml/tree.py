"""The files that NVIDIA's kernel driver and the PCI bus show of a host."""

from collections.abc import Iterable, Mapping
from pathlib import Path

VERSION = "/proc/driver/nvidia/version"


def write(root: Path, files: Mapping[str, str]) -> Path:
    """The files below `root`, by their absolute paths."""
    for path, text in files.items():
        target = root / path.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text)
    return root


def card(root: Path, address: str, device: str, driver: str | None, kind: str = "030000") -> Path:
    """A PCI function of NVIDIA's with a bound driver."""
    folder = f"/sys/bus/pci/devices/{address}"
    files = {"vendor": "0x10de\n", "device": f"0x{device}\n", "class": f"0x{kind}\n"}
    write(root, {f"{folder}/{name}": text for name, text in files.items()})
    if driver:
        (root / folder.lstrip("/") / "driver").symlink_to(f"../../../bus/pci/drivers/{driver}")
    return root


def driver(root: Path, version: str, gpus: Iterable[tuple[str, str]] = ()) -> Path:
    """The files of a loaded driver (the open kernel module) and of its GPUs (address, model)."""
    files = {
        VERSION: (
            f"NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  {version}  Release Build  "
            "(builder@builder)  Tue Aug  5 20:42:38 UTC 2025\nGCC version:  gcc version 13.3.0\n"
        ),
        "/sys/module/nvidia/version": f"{version}\n",
    }
    for address, model in gpus:
        files[f"/proc/driver/nvidia/gpus/{address}/information"] = (
            f"Model: \t\t {model}\nIRQ:   \t\t 76\nGPU UUID: \t GPU-????????-????-????\n"
            f"Bus Type: \t PCIe\nBus Location: \t {address}\nGPU Excluded:\t No\n"
        )
    return write(root, files)
