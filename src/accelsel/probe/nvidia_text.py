"""NVIDIA's text forms: versions, PCI ids and addresses, and the files of the kernel driver."""

from collections.abc import Mapping
from typing import Any

from accelsel.model.value import dataclass
from accelsel.probe.world import World

VENDOR = 0x10DE
PROC = "/proc/driver/nvidia"
MODULE = "/sys/module/nvidia/version"
NAME_LIMIT = 96  # NVML_DEVICE_NAME_V2_BUFFER_SIZE
# What a driver older than its card says instead of a name.
PLACEHOLDERS = frozenset({"graphics device", "nvidia graphics device", "unknown"})


@dataclass(frozen=True, kw_only=True)
class KernelDriver:
    """The loaded kernel driver as its files show it; `names` by PCI address."""

    version: str | None
    source: str | None
    names: Mapping[str, str | None]


def read_kernel_driver(world: World) -> KernelDriver:
    version, source = None, None
    for path, parse, name in (
        (f"{PROC}/version", kernel_version, "procfs"),
        (MODULE, version_of, "sysfs"),
    ):
        try:
            version = parse(world.read_text(path))
        except OSError:
            continue
        if version:
            source = name
            break
    try:
        folders = world.list_dir(f"{PROC}/gpus")
    except OSError:
        folders = ()
    names: dict[str, str | None] = {}
    for folder in folders:
        address = pci_address(folder)
        if address is None:
            continue
        try:
            names[address] = model_name(world.read_text(f"{PROC}/gpus/{folder}/information"))
        except OSError:
            names[address] = None
    return KernelDriver(version=version, source=source, names=names)


def kernel_version(text: str) -> str | None:
    """The version in `/proc/driver/nvidia/version`, of both kernel modules:

    `NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  <date>`
    `NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  580.65.06  Release Build  (...)`
    """
    for line in text.splitlines():
        if line.startswith("NVRM version:"):
            words = line.partition("Module")[2].split()
            return next((word for word in words if version_of(word)), None)
    return None


def model_name(text: str) -> str | None:
    """The `Model:` of `/proc/driver/nvidia/gpus/*/information`."""
    for line in text.splitlines():
        key, colon, value = line.partition(":")
        if colon and key.strip() == "Model":
            return clean_name(value)
    return None


def version_of(value: Any) -> str | None:
    """A version of two to four numbers, stripped of blanks; None for anything else."""
    if not isinstance(value, str):
        return None
    text = value.strip()
    numbers = text.split(".")
    plain = all(
        1 <= len(number) <= 5 and number.isascii() and number.isdigit() for number in numbers
    )
    return text if plain and 2 <= len(numbers) <= 4 else None


def registry_version(value: str | None) -> str | None:
    """`536.40` for Windows' `31.0.15.3640`: NVIDIA's number is in the last five digits."""
    *_, branch, build = (value or "").split(".") if version_of(value) else ("", "")
    digits = (branch + build.zfill(4))[-5:]
    return f"{digits[:3]}.{digits[3:]}" if len(digits) == 5 and digits[0] != "0" else None


def clean_name(value: Any) -> str | None:
    """A product name on one line; None where there is none or only a placeholder."""
    if not isinstance(value, str):
        return None
    name = " ".join("".join(c if c.isprintable() else " " for c in value).split())[:NAME_LIMIT]
    return None if not name or name.lower() in PLACEHOLDERS else name


def pci_id(number: int) -> str | None:
    """`10de:2487` for 0x248710DE; None for another vendor or a masked device."""
    device, vendor = number >> 16 & 0xFFFF, number & 0xFFFF
    return f"{vendor:04x}:{device:04x}" if vendor == VENDOR and device else None


def pci_address(value: Any) -> str | None:
    """`0000:0c:00.0` for `00000000:0C:00.0`, as sysfs writes it; None for what is no address."""
    if not isinstance(value, str):
        return None
    domain, _, rest = value.strip().partition(":")
    bus, _, rest = rest.partition(":")
    device, _, function = rest.partition(".")
    numbers = tuple(
        _hex(text, limit) for text, limit in ((domain, 8), (bus, 2), (device, 2), (function, 1))
    )
    if min(numbers) < 0:
        return None
    return "{:04x}:{:02x}:{:02x}.{:x}".format(*numbers)


def _hex(text: str, limit: int) -> int:
    """The number of up to `limit` hexadecimal digits, -1 for anything else."""
    plain = 1 <= len(text) <= limit and text.isascii() and text.isalnum()
    try:
        return int(text, 16) if plain else -1
    except ValueError:
        return -1
