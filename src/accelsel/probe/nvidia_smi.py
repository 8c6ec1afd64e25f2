"""`nvidia-smi --query-gpu`, the weak source: other layouts by branch, other words for "nothing"."""

from dataclasses import dataclass

from accelsel.probe.facts import Deadline
from accelsel.probe.nvidia_text import clean_name, pci_address, pci_id, version_of
from accelsel.probe.world import Completed, World

# Each quantity by the names it has had. 470 refuses `compute_cap`; 610 renames `driver_version`.
QUANTITIES: tuple[tuple[str, ...], ...] = (
    ("name",),
    ("driver_version", "kmd_version"),
    ("compute_cap",),
    ("pci.device_id",),
    ("pci.bus_id",),
    ("memory.total",),
)
DRIVER_NOT_LOADED = 9  # exit codes of nvidia-smi are those of NVML
MISMATCH = 18
MIB = 1 << 20


@dataclass(frozen=True, slots=True, kw_only=True)
class SmiGpu:
    index: int
    name: str | None
    driver: str | None
    arch: str | None
    pci_id: str | None
    address: str | None
    memory_bytes: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class SmiAnswer:
    """`completed` is the last run; `gpus` are those of the last run that listed any."""

    completed: Completed
    gpus: tuple[SmiGpu, ...]


def query(world: World, timeout: float) -> SmiAnswer:
    """Ask for every quantity, leaving out or renaming the ones that this nvidia-smi refuses."""
    deadline = Deadline(timeout)
    wanted = list(QUANTITIES)
    gpus: tuple[SmiGpu, ...] = ()
    while True:
        fields = [names[0] for names in wanted]
        command = ("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader")
        done = world.run(command, deadline.left())
        gpus = parse(done.out, fields) or gpus
        if done.status != "ok":
            return SmiAnswer(completed=done, gpus=gpus)
        if done.code == 0:
            unsaid = (names[0] for names in wanted if len(names) > 1 and not _has_driver(gpus))
            refused = next(unsaid, "") if gpus else ""
        else:
            text = done.out + done.err
            refused = next((f for f in fields if f'"{f}" is not a valid field' in text), "")
        if not refused:
            return SmiAnswer(completed=done, gpus=gpus)
        wanted = [
            names[1:] if names[0] == refused else names
            for names in wanted
            if names[0] != refused or len(names) > 1
        ]
        if not wanted or not deadline.left():
            return SmiAnswer(completed=done, gpus=gpus)


def parse(text: str, fields: list[str]) -> tuple[SmiGpu, ...]:
    """One GPU per line; a value that is not of its kind is None (`[N/A]`, `ERR!`, ...)."""
    gpus: list[SmiGpu] = []
    for line in text.splitlines():
        values = [value.strip() for value in line.split(",")]
        if len(values) < len(fields) or not any(values):
            continue
        row = dict(zip(fields, values, strict=False))
        driver = version_of(row.get("driver_version")) or version_of(row.get("kmd_version"))
        gpu = SmiGpu(
            index=len(gpus),
            name=_said(row.get("name")),
            driver=driver,
            arch=_arch(row.get("compute_cap", "")),
            pci_id=_pci_id(row.get("pci.device_id", "")),
            address=pci_address(row.get("pci.bus_id")),
            memory_bytes=_bytes(row.get("memory.total", "")),
        )
        if gpu.driver or gpu.arch or gpu.pci_id or gpu.address:
            gpus.append(gpu)
    return tuple(gpus)


def _has_driver(gpus: tuple[SmiGpu, ...]) -> bool:
    return any(gpu.driver for gpu in gpus)


def _said(value: str | None) -> str | None:
    return None if value is None or value.startswith("[") else clean_name(value)


def _arch(value: str) -> str | None:
    major, dot, minor = value.partition(".")
    if not (dot and value.isascii() and major.isdigit() and minor.isdigit()):
        return None
    return f"sm_{major}{minor}" if len(major) <= 2 and len(minor) == 1 and int(major) else None


def _pci_id(value: str) -> str | None:
    digits = value.lower().removeprefix("0x")
    if len(digits) != 8 or not digits.isascii() or not digits.isalnum():
        return None
    try:
        return pci_id(int(digits, 16))
    except ValueError:
        return None


def _bytes(value: str) -> int | None:
    number, _, unit = value.partition(" ")
    plain = number.isascii() and number.isdigit() and len(number) <= 9
    return int(number) * MIB if plain and unit == "MiB" and int(number) else None
