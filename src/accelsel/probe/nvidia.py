"""NVIDIA GPUs: the driver's libraries first, then its files, nvidia-smi, and the PCI bus."""

from time import monotonic

from accelsel.model.profile import ProbeResult
from accelsel.model.value import replace
from accelsel.probe.facts import Deadline, HostFacts, PciDevice, VendorFacts
from accelsel.probe.nvidia_sources import ask, since
from accelsel.probe.nvidia_text import read_kernel_driver
from accelsel.probe.pci import NVIDIA
from accelsel.probe.world import World


def probe(
    world: World, host: HostFacts, pci: tuple[PciDevice, ...], deadline: Deadline
) -> VendorFacts:
    """GPUs in NVML's order, which is that of their PCI addresses; those it does not list follow."""
    if host.os.system not in {"linux", "windows"}:
        return VendorFacts(vendor="nvidia")
    started = monotonic()
    kernel = read_kernel_driver(world)
    files = ProbeResult(
        name=kernel.source or "procfs",
        status="ok" if kernel.version or kernel.names else "absent",
        detail=kernel.version,
        elapsed_ms=since(started),
    )
    said = ask(world, deadline)
    cards = tuple(card for card in pci if card.vendor_id == NVIDIA)
    if said.nothing and not (kernel.version or kernel.names or cards or host.soc or host.os.jetson):
        facts = VendorFacts(
            vendor="nvidia",
            probes=tuple(
                ProbeResult(
                    name=asking.name, status="absent", detail=None, elapsed_ms=asking.elapsed_ms
                )
                for asking in said.askings
            ),
        )
    else:
        from accelsel.probe.nvidia_facts import facts_of

        facts = facts_of(world, host, cards, kernel, said)
    return replace(facts, probes=(files, *facts.probes))
