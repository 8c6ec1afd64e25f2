"""What the device table adds to an AMD GPU."""

from accelsel.model.value import replace
from accelsel.probe.facts import GpuFact


def tabled(gpu: GpuFact) -> GpuFact:
    """The same with what the device table knows of its PCI id and arch."""
    from accelsel.knowledge import amd_targets, devices

    row = devices("amd").get(gpu.pci_id) if gpu.pci_id else None
    if row is None:
        target = amd_targets().get(gpu.arch or "")
        known = target.integrated if target and gpu.integrated is None else gpu.integrated
        return replace(gpu, integrated=known)
    return replace(
        gpu,
        name=gpu.name or row.name,
        arch=gpu.arch or row.arch,
        arch_source=gpu.arch_source if gpu.arch else "pci-table" if row.arch else None,
        integrated=row.integrated if gpu.integrated is None else gpu.integrated,
    )
