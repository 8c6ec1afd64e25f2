"""AMD GPUs. A host without any trace of AMD costs a few looks and no import."""

from accelsel.model.profile import ProbeResult
from accelsel.probe.amd_driver import notes_on_rocm
from accelsel.probe.facts import Deadline, HostFacts, PciDevice, VendorFacts
from accelsel.probe.pci import AMD
from accelsel.probe.world import World

KFD_TREES = (
    "/sys/class/kfd/kfd/topology/nodes",
    "/sys/devices/virtual/kfd/kfd/topology/nodes",
)
_TRACES = (*KFD_TREES, "/sys/module/amdgpu", "/dev/kfd")


def probe(
    world: World, host: HostFacts, pci: tuple[PciDevice, ...], deadline: Deadline
) -> VendorFacts:
    """GPUs in the order of their KFD nodes, which is HIP's; cards without a node follow."""
    cards = tuple(card for card in pci if card.vendor_id == AMD)
    if host.os.system == "windows" and cards:
        from accelsel.probe.amd_windows import from_registry

        return from_registry(cards)
    if host.os.system != "linux":
        return VendorFacts(vendor="amd")
    behind_wsl = host.os.wsl and world.exists("/dev/dxg")
    if cards or behind_wsl or any(world.exists(trace) for trace in _TRACES):
        from accelsel.probe.amd_linux import Look

        return Look(world, host, cards, deadline).facts()
    return VendorFacts(
        vendor="amd",
        probes=(ProbeResult(name="kfd", status="absent", detail=None, elapsed_ms=0.0),),
        notes=notes_on_rocm(world),
    )
