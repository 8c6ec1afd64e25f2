"""What the sources saw of NVIDIA's GPUs, joined into one list. Every source may be missing."""

from collections.abc import Iterable, Sequence

from accelsel.model.value import dataclass, replace
from accelsel.probe.facts import GpuFact, HostFacts, PciDevice
from accelsel.probe.nvidia_library import (
    CUDA_SAYS,
    CUDA_STUB,
    NVML_SAYS,
    SAYS_NOTHING,
    LibraryView,
)
from accelsel.probe.nvidia_text import KernelDriver

OTHER_DRIVERS = {
    None: "no driver is bound to it",
    "nouveau": "bound to nouveau, which has no CUDA: install NVIDIA's driver",
    "nova_core": "bound to nova, which has no CUDA: install NVIDIA's driver",
    "nova-core": "bound to nova, which has no CUDA: install NVIDIA's driver",
    "nova": "bound to nova, which has no CUDA: install NVIDIA's driver",
    "vfio-pci": "bound to vfio-pci: reserved for a virtual machine",
}
KERNEL_DRIVERS = frozenset({"nvidia", "NVIDIA"})  # Linux; the provider's name on Windows
# Chips that exist only as part of a processor: Tegra, Thor under both its names, GB10.
INTEGRATED = frozenset({"sm_32", "sm_53", "sm_62", "sm_72", "sm_87", "sm_101", "sm_110", "sm_121"})


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What each source gave. `soc_arch` is the architecture of the host's Tegra chip, `board` what
    the device tree calls it; `smi_ended` is True where nvidia-smi came to its end by itself;
    `mismatch` as in VendorFacts."""

    host: HostFacts
    cards: tuple[PciDevice, ...]
    kernel: KernelDriver
    nvml: LibraryView
    cuda: LibraryView
    smi: tuple[GpuFact, ...]
    smi_ended: bool
    device_nodes: bool
    soc_arch: str | None
    board: str | None
    mismatch: bool

    @property
    def bare(self) -> bool:
        return self.host.os.container is None

    @property
    def refusal(self) -> str | None:
        """Why the driver serves no GPU at all; None where no source says so."""
        if self.mismatch:
            return NVML_SAYS[18]
        if self.nvml.ready or self.cuda.ready or self.smi:
            return None
        nvml, cuda = self.nvml.error, self.cuda.error
        if isinstance(nvml, int) and nvml not in SAYS_NOTHING:
            return NVML_SAYS.get(nvml, f"NVML error {nvml}")
        if isinstance(cuda, int) and cuda != CUDA_STUB:
            return f"libcuda: {CUDA_SAYS.get(cuda, f'error {cuda}')}"
        return None

    @property
    def listed(self) -> bool:
        """Whether a source has listed all GPUs that the driver serves."""
        return self.nvml.complete or self.cuda.complete or (self.smi_ended and bool(self.smi))


def gpus_of(evidence: Evidence) -> tuple[tuple[GpuFact, ...], tuple[str, ...]]:
    """The GPUs, and notes on those that are missing or contradict each other."""
    facts = list(evidence.nvml.gpus)
    for more in (evidence.cuda.gpus, evidence.smi):
        facts = _merged(facts, more)
    facts, rest = _placed(facts, evidence)
    notes = list(_contradictions(facts, rest, evidence))
    if rest and evidence.listed and not evidence.bare:
        plural = "s" * (len(rest) > 1)
        notes.append(
            f"{len(rest)} more NVIDIA GPU{plural} of this machine not given to the container"
        )
        rest = []
    facts += [_from_bus(card, evidence) for card in rest]
    facts = _with_soc(facts, evidence)
    return tuple(_finished(fact, evidence) for fact in facts), tuple(notes)


def _merged(facts: list[GpuFact], more: Sequence[GpuFact]) -> list[GpuFact]:
    """`facts` with what `more` adds: joined by address, by position where one side has none."""
    if not facts:
        return list(more)
    positions = {fact.address: i for i, fact in enumerate(more) if fact.address}
    free = set(range(len(more)))
    joined = []
    for i, fact in enumerate(facts):
        partner = positions.get(fact.address or "")
        if partner is None and len(facts) == len(more):
            partner = None if fact.address and more[i].address else i
        if partner in free:
            free.remove(partner)
            joined.append(_filled(fact, more[partner]))
        else:
            joined.append(fact)
    if any(fact.address is None for fact in joined):
        return joined  # what is left in `more` may be these
    known = {fact.address for fact in joined}
    return joined + [more[i] for i in sorted(free) if more[i].address not in {None, *known}]


def _filled(fact: GpuFact, other: GpuFact) -> GpuFact:
    """The fact, what it lacks taken from the other; a refusal with its note stands."""
    usable = fact.usable or (other.usable and fact.note is None)
    return replace(
        fact,
        address=fact.address or other.address,
        pci_id=fact.pci_id or other.pci_id,
        name=fact.name or other.name,
        arch=fact.arch or other.arch,
        arch_source=fact.arch_source if fact.arch else other.arch_source,
        memory_bytes=fact.memory_bytes or other.memory_bytes,
        integrated=other.integrated if fact.integrated is None else fact.integrated,
        usable=usable,
        note=fact.note or (other.note if usable == other.usable else None),
    )


def _placed(facts: list[GpuFact], evidence: Evidence) -> tuple[list[GpuFact], list[PciDevice]]:
    """Facts joined with the bus and the kernel's names, and the cards that no fact stands for."""
    addresses = {card.address for card in evidence.cards}
    rest = [*evidence.cards] + [
        PciDevice(address=address, vendor_id="", device_id="", class_id="", driver="nvidia")
        for address in evidence.kernel.names
        if address not in addresses
    ]
    placed = list(facts)
    open_ = list(range(len(facts)))

    def join(position: int, card: PciDevice) -> None:
        rest.remove(card)
        open_.remove(position)
        placed[position] = _filled(placed[position], _from_bus(card, evidence))

    for same in (_same_address, _same_device):
        for position in tuple(open_):
            card = next((card for card in rest if same(placed[position], card)), None)
            if card is not None:
                join(position, card)
    # What has neither address nor id can only be a card of NVIDIA's driver, in the bus's order.
    blank = [i for i in open_ if not placed[i].address and not placed[i].pci_id]
    served = [card for card in rest if card.driver in KERNEL_DRIVERS]
    if len(blank) == len(served):
        for position, card in zip(blank, served, strict=True):
            join(position, card)
    elif blank:
        rest = [card for card in rest if card not in served]  # some of the blank are these
    return placed, rest


def _same_address(fact: GpuFact, card: PciDevice) -> bool:
    return fact.address is not None and fact.address == card.address


def _same_device(fact: GpuFact, card: PciDevice) -> bool:
    return not (fact.address and card.address) and fact.pci_id == card.pci_id


def _from_bus(card: PciDevice, evidence: Evidence) -> GpuFact:
    usable, note = _served_by_kernel(card, evidence)
    return GpuFact(
        vendor="nvidia",
        address=card.address or None,
        pci_id=card.pci_id if card.device_id else None,
        name=evidence.kernel.names.get(card.address) or card.name,
        memory_bytes=card.memory_bytes,
        usable=usable,
        note=note,
    )


def _served_by_kernel(card: PciDevice, evidence: Evidence) -> tuple[bool, str | None]:
    """Whether NVIDIA's kernel driver serves a card that no library has spoken of, and why not."""
    windows = evidence.host.os.system == "windows"
    ours = card.driver in KERNEL_DRIVERS or card.address in evidence.kernel.names
    if not ours and not (windows and card.driver):
        return False, OTHER_DRIVERS.get(card.driver, f"bound to {card.driver}")
    if evidence.refusal:
        return False, evidence.refusal
    if evidence.listed:
        return False, "the driver's library does not list it"
    if evidence.bare or evidence.device_nodes:
        return True, None
    return False, "not given to the container (docker run --gpus all)"


def _with_soc(facts: list[GpuFact], evidence: Evidence) -> list[GpuFact]:
    """The GPU of a Tegra chip, which is on no bus that is scanned."""
    if evidence.soc_arch is None and evidence.host.os.jetson is None:
        return facts
    reachable = evidence.bare or evidence.device_nodes
    chip = GpuFact(
        vendor="nvidia",
        address=None,
        pci_id=None,
        name=evidence.board,
        arch=evidence.soc_arch,
        arch_source="device-tree" if evidence.soc_arch else None,
        integrated=True,
        usable=reachable,
        note=None if reachable else "not given to the container (--runtime nvidia)",
    )
    own = [i for i, fact in enumerate(facts) if fact.arch and fact.arch == chip.arch]
    own += [i for i, fact in enumerate(facts) if fact.arch is None and not fact.pci_id]
    if not own:
        return [chip, *facts]
    first = own[0]
    return [*facts[:first], _filled(facts[first], chip), *facts[first + 1 :]]


def _finished(fact: GpuFact, evidence: Evidence) -> GpuFact:
    integrated = fact.integrated
    if integrated is None and fact.arch:
        integrated = fact.arch in INTEGRATED
    refusal = evidence.refusal
    return replace(
        fact,
        integrated=integrated,
        usable=fact.usable and refusal is None,
        note=fact.note or refusal,
    )


def _contradictions(
    facts: Iterable[GpuFact], rest: Iterable[PciDevice], evidence: Evidence
) -> Iterable[str]:
    said, kernel = evidence.nvml.driver, evidence.kernel.version
    if said and kernel and said != kernel and evidence.host.os.jetson is None:
        yield (
            f"probe-contradiction: NVML says that the driver is {said}, "
            f"the kernel that it is {kernel}"
        )
    if not evidence.bare or evidence.host.os.wsl:
        return  # what a container or WSL shows of the bus is not what it was given
    if evidence.nvml.error == 9 and kernel:
        yield f"probe-contradiction: NVML says that no driver is loaded, the kernel has {kernel}"
    known = {card.address for card in evidence.cards if card.address}
    if not evidence.listed or not known:
        return
    unlisted = [card.address for card in rest if card.driver == "nvidia"]
    if unlisted:
        yield (
            "probe-contradiction: the driver's library does not list the GPU at "
            f"{', '.join(unlisted)}, which NVIDIA's kernel driver serves"
        )
    missing = [fact.address for fact in facts if fact.address and fact.address not in known]
    if missing:
        yield (
            "probe-contradiction: the driver's library lists a GPU at "
            f"{', '.join(missing)}, where the PCI bus shows none"
        )
