"""The PCI functions that are GPUs of a vendor that torch has builds for."""

from accelsel.probe.facts import PciDevice
from accelsel.probe.world import World

NVIDIA = "10de"
AMD = "1002"
INTEL = "8086"

_DEVICES = "/sys/bus/pci/devices"
_DXG = "/dev/dxg"
_NVIDIA_OF_WSL = "/usr/lib/wsl/lib/libcuda.so.1"
_HEX = frozenset("0123456789abcdef")
_DISPLAY = (
    "03"  # base class: VGA, 3D and other display controllers (data-center GPUs have 0302, 0380)
)
_ACCELERATOR = "1200"  # AMD's Instinct GPUs; of other vendors these are NPUs


def scan(world: World) -> tuple[PciDevice, ...]:
    """GPUs of NVIDIA, AMD and Intel in the order of their addresses; () where no bus is visible.

    BMC and virtual displays have other vendors, NPUs other classes: they are left out. WSL shows no
    bus; where NVIDIA's driver has put no library there, the Windows host is asked.
    """
    windows = world.uname().get("system") == "windows"
    found = () if windows else _bus(world)
    behind_wsl = not found and world.exists(_DXG) and not world.exists(_NVIDIA_OF_WSL)
    if windows or behind_wsl:
        from accelsel.probe.windows import display_adapters

        return display_adapters(world)
    return found


def is_gpu(vendor_id: str, class_id: str) -> bool:
    """Whether a function of this vendor and class is a GPU."""
    if vendor_id not in {NVIDIA, AMD, INTEL}:
        return False
    return class_id.startswith(_DISPLAY) or (vendor_id == AMD and class_id.startswith(_ACCELERATOR))


def hex_id(text: str, digits: int) -> str | None:
    """`0x10DE` -> `10de`; None for what is not a number of at most that many digits."""
    value = text.strip().lower().removeprefix("0x")
    if not value or len(value) > digits or not _HEX.issuperset(value):
        return None
    return value.zfill(digits)


def _bus(world: World) -> tuple[PciDevice, ...]:
    try:
        addresses = world.list_dir(_DEVICES)
    except OSError:
        return ()
    found = (_device(world, address) for address in sorted(addresses))
    return tuple(device for device in found if device is not None)


def _device(world: World, address: str) -> PciDevice | None:
    folder = f"{_DEVICES}/{address}"
    class_id = _attribute(world, folder, "class", 6)
    if class_id is None or not class_id.startswith((_DISPLAY, _ACCELERATOR)):
        return None  # most functions end here, after one read
    vendor_id = _attribute(world, folder, "vendor", 4)
    device_id = _attribute(world, folder, "device", 4)
    if vendor_id is None or device_id is None or not is_gpu(vendor_id, class_id):
        return None
    return PciDevice(
        address=address,
        vendor_id=vendor_id,
        device_id=device_id,
        class_id=class_id,
        driver=_driver(world, folder),
    )


def _attribute(world: World, folder: str, name: str, digits: int) -> str | None:
    try:
        return hex_id(world.read_text(f"{folder}/{name}"), digits)
    except OSError:
        return None


def _driver(world: World, folder: str) -> str | None:
    try:
        target = world.read_link(f"{folder}/driver")
    except OSError:
        return None
    return target.rstrip("/").rpartition("/")[2] or None
