"""Apple silicon: the GPU is part of the chip, and torch's macOS wheel has its code inside."""

import re
from collections.abc import Mapping

from accelsel.probe.facts import Deadline, GpuFact, HostFacts, PciDevice, VendorFacts
from accelsel.probe.world import World

_NAMES = ("hw.optional.arm64", "machdep.cpu.brand_string", "sysctl.proc_translated", "hw.memsize")
_TIMEOUT = 1.0
_CHIP = r"Apple M([1-9][0-9]?)\b"


def sysctl(world: World) -> Mapping[str, str]:
    """What macOS says of its processor; names that it does not know are missing."""
    done = world.run(("sysctl", *_NAMES), _TIMEOUT)
    pairs = (line.partition(": ") for line in done.out.splitlines())
    return {name: value.strip() for name, colon, value in pairs if colon and name in _NAMES}


def is_silicon(values: Mapping[str, str]) -> bool:
    """Whether the chip is Apple's, also as an x86-64 process under Rosetta sees it."""
    return values.get("hw.optional.arm64") == "1" or is_translated(values)


def is_translated(values: Mapping[str, str]) -> bool:
    """Whether this process is x86-64 code that Rosetta translates."""
    return values.get("sysctl.proc_translated") == "1"


def probe(
    world: World, host: HostFacts, pci: tuple[PciDevice, ...], deadline: Deadline
) -> VendorFacts:
    """One GPU on Apple silicon, none elsewhere. Rosetta hides its name: arch is None."""
    del world, pci, deadline  # host has asked already
    if host.os.system != "darwin" or not (host.cpu.arch == "arm64" or is_silicon(host.sysctl)):
        return VendorFacts(vendor="apple")
    brand = host.sysctl.get("machdep.cpu.brand_string", "")
    match = re.match(_CHIP, brand)
    memory = host.sysctl.get("hw.memsize", "")
    gpu = GpuFact(
        vendor="apple",
        address=None,
        pci_id=None,
        name=brand if match else None,
        arch=f"apple-m{int(match[1])}" if match else None,
        arch_source="sysctl" if match else None,
        memory_bytes=int(memory) if memory.isascii() and memory.isdigit() else None,
        integrated=True,
        usable=True,
        note="memory is shared with the CPU" if memory else None,
    )
    return VendorFacts(vendor="apple", gpus=(gpu,))
