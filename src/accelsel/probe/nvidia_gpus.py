"""What the sources saw of NVIDIA's GPUs, joined into one list. Every source may be missing."""

from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from accelsel.probe.facts import GpuFact, HostFacts, PciDevice
from accelsel.probe.nvidia_library import NVML_SAYS, SAYS_NOTHING, LibraryGpu, LibraryView
from accelsel.probe.nvidia_smi import SmiGpu
from accelsel.probe.nvidia_text import KernelDriver

OTHER_DRIVERS = {
    None: "no driver is bound to it",
    "nouveau": "bound to nouveau, which has no CUDA: install NVIDIA's driver",
    "nova_core": "bound to nova, which has no CUDA: install NVIDIA's driver",
    "nova-core": "bound to nova, which has no CUDA: install NVIDIA's driver",
    "nova": "bound to nova, which has no CUDA: install NVIDIA's driver",
    "vfio-pci": "bound to vfio-pci: reserved for a virtual machine",
}
# Chips that exist only as part of a processor: Tegra, Thor under both its names, GB10.
INTEGRATED = frozenset({"sm_32", "sm_53", "sm_62", "sm_72", "sm_87", "sm_101", "sm_110", "sm_121"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What each source gave. `soc_arch` is the architecture of the host's Tegra chip, `board` what
    the device tree calls it; `mismatch` as in VendorFacts."""

    host: HostFacts
    cards: tuple[PciDevice, ...]
    kernel: KernelDriver
    nvml: LibraryView
    cuda: LibraryView
    smi: tuple[SmiGpu, ...]
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
        error = self.nvml.error
        if error is None or error in SAYS_NOTHING or self.cuda.ready or self.smi:
            return None
        return NVML_SAYS.get(error, f"NVML error {error}") if isinstance(error, int) else None

    @property
    def listed(self) -> bool:
        """Whether a source has listed all GPUs that the driver serves."""
        return self.nvml.complete or self.cuda.complete


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """A GPU while it is being joined; `said` is False where only the bus or the kernel knows it."""

    fact: GpuFact
    said: bool


def gpus_of(evidence: Evidence) -> tuple[tuple[GpuFact, ...], tuple[str, ...]]:
    """The GPUs, and notes on those that are missing or contradict each other."""
    rows = [_from_library(gpu, "nvml") for gpu in evidence.nvml.gpus]
    rows = _merged(rows, [_from_library(gpu, "libcuda") for gpu in evidence.cuda.gpus])
    rows = _merged(rows, [_from_smi(gpu) for gpu in evidence.smi])
    rows, rest = _placed(rows, evidence)
    notes = list(_contradictions(rows, rest, evidence))
    if rest and evidence.listed and not evidence.bare:
        plural = "s" * (len(rest) > 1)
        notes.append(
            f"{len(rest)} more NVIDIA GPU{plural} of this machine not given to the container"
        )
        rest = []
    rows += [Row(fact=_from_bus(card, evidence), said=False) for card in rest]
    rows = _with_soc(rows, evidence)
    facts = (replace(row.fact, integrated=_integrated(row.fact)) for row in rows)
    return tuple(_refused(fact, evidence) for fact in facts), tuple(notes)


def _from_library(gpu: LibraryGpu, source: str) -> Row:
    fact = GpuFact(
        vendor="nvidia",
        address=gpu.address,
        pci_id=gpu.pci_id,
        name=gpu.name,
        arch=gpu.arch,
        arch_source=source if gpu.arch else None,
        memory_bytes=gpu.memory_bytes,
        integrated=gpu.integrated,
        usable=gpu.answered,
        note=_library_note(gpu),
    )
    return Row(fact=fact, said=gpu.answered or gpu.error is not None)


def _library_note(gpu: LibraryGpu) -> str | None:
    if isinstance(gpu.error, int):
        return NVML_SAYS.get(gpu.error, f"NVML error {gpu.error}")
    if gpu.error is not None:
        return gpu.error
    if gpu.slices is None:
        return None
    kinds = Counter(gpu.slices)
    slices = ", ".join(f"{count} x {kind}" for kind, count in kinds.items())
    return f"MIG: {slices}" if slices else "MIG is on, without slices"


def _from_smi(gpu: SmiGpu) -> Row:
    fact = GpuFact(
        vendor="nvidia",
        address=gpu.address,
        pci_id=gpu.pci_id,
        name=gpu.name,
        arch=gpu.arch,
        arch_source="nvidia-smi" if gpu.arch else None,
        memory_bytes=gpu.memory_bytes,
        usable=True,
    )
    return Row(fact=fact, said=True)


def _merged(rows: list[Row], more: list[Row]) -> list[Row]:
    """`rows` with what `more` adds: joined by address, by position where one side has none."""
    if not rows:
        return more
    same = len(rows) == len(more)
    taken: set[int] = set()
    joined = []
    for position, row in enumerate(rows):
        address = row.fact.address
        partner = next(
            (i for i, m in enumerate(more) if address and m.fact.address == address), None
        )
        if partner is None and same and not (address and more[position].fact.address):
            partner = position
        if partner is None or partner in taken:
            joined.append(row)
            continue
        taken.add(partner)
        joined.append(_filled(row, more[partner]))
    known = {row.fact.address for row in joined}
    placeless = any(row.fact.address is None for row in joined)
    return joined + [
        row
        for position, row in enumerate(more)
        if position not in taken and not placeless and row.fact.address not in {None, *known}
    ]


def _filled(row: Row, other: Row) -> Row:
    """The row, what it lacks taken from the other."""
    mine, theirs = row.fact, other.fact
    fact = replace(
        mine,
        address=mine.address or theirs.address,
        pci_id=mine.pci_id or theirs.pci_id,
        name=mine.name or theirs.name,
        arch=mine.arch or theirs.arch,
        arch_source=mine.arch_source if mine.arch else theirs.arch_source,
        memory_bytes=mine.memory_bytes or theirs.memory_bytes,
        integrated=theirs.integrated if mine.integrated is None else mine.integrated,
        usable=mine.usable or (theirs.usable and not row.said),
    )
    return Row(fact=fact, said=row.said or other.said)


def _placed(rows: list[Row], evidence: Evidence) -> tuple[list[Row], list[PciDevice]]:
    """Rows joined with the bus and the kernel's names, and the cards that no row stands for."""
    kernel_only = [
        PciDevice(address=address, vendor_id="", device_id="", class_id="", driver="nvidia")
        for address in evidence.kernel.names
        if all(card.address != address for card in evidence.cards)
    ]
    rest = [*evidence.cards, *kernel_only]
    placed = list(rows)

    def adopt(matches: Callable[[GpuFact, PciDevice], bool]) -> None:
        for position, row in enumerate(placed):
            if position in done:
                continue
            card = next((card for card in rest if matches(row.fact, card)), None)
            if card is not None:
                rest.remove(card)
                done.add(position)
                placed[position] = _on_card(row, card, evidence)

    done: set[int] = set()
    adopt(lambda fact, card: bool(fact.address) and fact.address == card.address)
    adopt(lambda fact, card: not (fact.address and card.address) and fact.pci_id == card.pci_id)
    open_rows = [
        position
        for position, row in enumerate(placed)
        if position not in done and not row.fact.address and not row.fact.pci_id
    ]
    served = [card for card in rest if card.driver in {"nvidia", "NVIDIA"}]
    if len(open_rows) == len(served):
        for position, card in zip(open_rows, served, strict=True):
            rest.remove(card)
            placed[position] = _on_card(placed[position], card, evidence)
    elif open_rows:
        rest = [card for card in rest if card not in served]  # some of the rows are these
    return placed, rest


def _on_card(row: Row, card: PciDevice, evidence: Evidence) -> Row:
    seen = _from_bus(card, evidence)
    fact = _filled(row, Row(fact=seen, said=False)).fact
    return Row(fact=fact if row.said else replace(fact, note=fact.note or seen.note), said=row.said)


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
    if evidence.host.os.system == "windows":
        return bool(card.driver), None if card.driver else OTHER_DRIVERS[None]
    if card.driver != "nvidia" and card.address not in evidence.kernel.names:
        return False, OTHER_DRIVERS.get(card.driver, f"bound to {card.driver}")
    if evidence.refusal:
        return False, evidence.refusal
    if evidence.listed:
        return False, "the driver's library does not list it"
    if evidence.bare or evidence.device_nodes:
        return True, None
    return False, "not given to the container (docker run --gpus all)"


def _with_soc(rows: list[Row], evidence: Evidence) -> list[Row]:
    """The GPU of a Tegra chip, which is on no bus that is scanned."""
    if evidence.soc_arch is None and evidence.host.os.jetson is None:
        return rows
    reachable = evidence.bare or evidence.device_nodes
    chip = GpuFact(
        vendor="nvidia",
        address=None,
        pci_id=None,
        name=evidence.board,
        arch=evidence.soc_arch,
        arch_source="device-tree" if evidence.soc_arch else None,
        integrated=True,
        usable=reachable and not evidence.refusal,
        note=None if reachable else "not given to the container (--runtime nvidia)",
    )
    for position, row in enumerate(rows):
        if row.fact.arch in {None, chip.arch} and not row.fact.pci_id:
            filled = _filled(row, Row(fact=chip, said=False))
            return [*rows[:position], filled, *rows[position + 1 :]]
    if any(row.fact.arch == chip.arch for row in rows):
        return rows
    return [Row(fact=chip, said=False), *rows]


def _integrated(fact: GpuFact) -> bool | None:
    if fact.integrated is not None or fact.arch is None:
        return fact.integrated
    return fact.arch in INTEGRATED


def _refused(fact: GpuFact, evidence: Evidence) -> GpuFact:
    if evidence.refusal is None:
        return fact
    return replace(fact, usable=False, note=fact.note or evidence.refusal)


def _contradictions(
    rows: Iterable[Row], rest: Iterable[PciDevice], evidence: Evidence
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
    if not evidence.listed or not evidence.cards:
        return
    unlisted = [card.address for card in rest if card.driver == "nvidia"]
    if unlisted:
        yield (
            "probe-contradiction: the driver's library does not list the GPU at "
            f"{', '.join(unlisted)}, which NVIDIA's kernel driver serves"
        )
    known = {card.address for card in evidence.cards}
    missing = [
        row.fact.address for row in rows if row.fact.address and row.fact.address not in known
    ]
    if missing:
        yield (
            "probe-contradiction: the driver's library lists a GPU at "
            f"{', '.join(missing)}, where the PCI bus shows none"
        )
