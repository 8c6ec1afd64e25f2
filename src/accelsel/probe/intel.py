"""Intel GPUs: PCI ids through the device table, and the kernel driver bound to them."""

from accelsel.model.profile import IntelDriver
from accelsel.probe.facts import Deadline, GpuFact, HostFacts, PciDevice, VendorFacts
from accelsel.probe.pci import INTEL
from accelsel.probe.world import World

_DRIVERS = ("i915", "xe")
# The user-space driver that the host has to bring for torch's xpu builds.
_LEVEL_ZERO = "libze_intel_gpu.so.1"
_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
    "/usr/local/lib",
    "/usr/lib/wsl/lib",
)


def probe(
    world: World, host: HostFacts, pci: tuple[PciDevice, ...], deadline: Deadline
) -> VendorFacts:
    """Every Intel GPU, integrated ones too; whether torch has code for it is not asked here."""
    del deadline  # nothing here waits
    cards = tuple(card for card in pci if card.vendor_id == INTEL)
    if not cards:
        return VendorFacts(vendor="intel")
    from accelsel.knowledge import devices

    table = devices("intel")
    level_zero = host.os.system == "windows" or _has_level_zero(world)
    gpus = []
    documented = False
    for card in cards:
        row = table.get(card.pci_id)
        usable = card.driver in _DRIVERS if card.address else _served_by_windows(card, level_zero)
        documented = documented or (usable and row is not None and row.xpu is True)
        gpus.append(
            GpuFact(
                vendor="intel",
                address=card.address or None,
                pci_id=card.pci_id,
                name=card.name or (row.name if row else None),
                arch=row.arch if row else None,
                arch_source="pci-table" if row and row.arch else None,
                memory_bytes=card.memory_bytes,
                integrated=row.integrated if row else None,
                usable=usable,
                note=None if usable else _unusable(card),
            )
        )
    notes = _access_notes(world, host) if documented and host.os.system == "linux" else ()
    return VendorFacts(
        vendor="intel", gpus=tuple(gpus), driver=_driver(world, host, cards), notes=notes
    )


def _driver(world: World, host: HostFacts, cards: tuple[PciDevice, ...]) -> IntelDriver | None:
    if not cards[0].address:
        version = next((card.driver_version for card in cards if card.driver), None)
        return IntelDriver(version=version, source="registry") if version else None
    names = dict.fromkeys(card.driver for card in cards if card.driver in _DRIVERS)
    if not names:
        return None
    version = next((found for name in names if name and (found := _module(world, name))), None)
    origin = "" if version else f", in-tree, kernel {host.os.release}"
    return IntelDriver(version=version, source=" and ".join(map(str, names)) + origin)


def _module(world: World, name: str) -> str | None:
    """The version of a module that does not come with the kernel; the in-tree ones have none."""
    try:
        text = world.read_text(f"/sys/module/{name}/version").strip()
    except OSError:
        return None
    return text if text and text.isprintable() and len(text) < 60 else None


def _access_notes(world: World, host: HostFacts) -> tuple[str, ...]:
    notes = []
    if not _has_level_zero(world):
        notes.append(
            f"{_LEVEL_ZERO} not found: xpu builds need Intel's compute runtime on the host "
            "(the package intel-level-zero-gpu or libze-intel-gpu1)"
        )
    if host.os.wsl:
        return tuple(notes)
    try:
        names = world.list_dir("/dev/dri")
    except OSError:
        names = ()
    nodes = [f"/dev/dri/{name}" for name in names if name.startswith("renderD")]
    if not nodes:
        cure = (
            "start the container with --device /dev/dri"
            if host.os.container
            else "check that the i915 or xe module is loaded"
        )
        notes.append(f"/dev/dri/renderD* not found: {cure}")
    elif not any(world.writable(node) for node in nodes):
        notes.append(
            f"no permission for {', '.join(nodes)}: add this user to the group render "
            "(sudo usermod -aG render $USER), then log in again"
        )
    return tuple(notes)


def _has_level_zero(world: World) -> bool:
    return any(world.exists(f"{folder}/{_LEVEL_ZERO}") for folder in _FOLDERS)


def _served_by_windows(card: PciDevice, level_zero: bool) -> bool:
    """A card of the registry: Windows' own driver does not compute, and WSL needs a library."""
    return card.driver is not None and level_zero


def _unusable(card: PciDevice) -> str:
    if not card.address and card.driver:
        return f"behind WSL without {_LEVEL_ZERO}: install Intel's compute runtime"
    if card.driver == "vfio-pci":
        return "bound to vfio-pci: handed to a virtual machine"
    return f"bound to {card.driver}: no compute" if card.driver else "no kernel driver is bound"
