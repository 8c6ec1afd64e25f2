"""`nvidia-smi --query-gpu`, the weak source: other layouts by branch, other words for "nothing"."""

from collections.abc import Mapping, Sequence

from accelsel.model.value import dataclass
from accelsel.probe.facts import Deadline, GpuFact
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
# Exit codes, which are NVML's, that are an answer: no GPU, driver not loaded, versions differ.
ANSWERS = {6: "no GPU", 9: "the kernel driver is not loaded", 18: "versions differ"}
MIB = 1 << 20


@dataclass(frozen=True, kw_only=True)
class SmiAnswer:
    """`completed` is the last run; `gpus` and `driver` are of the last run that had any."""

    completed: Completed
    gpus: tuple[GpuFact, ...] = ()
    driver: str | None = None


def query(world: World, timeout: float) -> SmiAnswer:
    """Ask for every quantity, leaving out or renaming the ones that this nvidia-smi refuses."""
    deadline = Deadline(timeout)
    wanted = list(QUANTITIES)
    gpus: tuple[GpuFact, ...] = ()
    driver: str | None = None
    while True:
        fields = [names[0] for names in wanted]
        command = ("nvidia-smi", f"--query-gpu={','.join(fields)}", "--format=csv,noheader")
        done = world.run(command, deadline.left())
        rows = values(done.out, fields)
        gpus = tuple(map(gpu_of, rows)) or gpus
        driver = next(filter(None, map(driver_of, rows)), driver)
        text = done.out + done.err
        refused = next((field for field in fields if f'"{field}" is not a valid field' in text), "")
        if not refused and done.code == 0 and driver is None:
            refused = next((names[0] for names in wanted if len(names) > 1), "")
        wanted = [
            names[1:] if names[0] == refused else names
            for names in wanted
            if names[0] != refused or len(names) > 1
        ]
        if done.status != "ok" or not refused or not wanted or not deadline.left():
            return SmiAnswer(completed=done, gpus=gpus, driver=driver)


def values(text: str, fields: Sequence[str]) -> tuple[Mapping[str, str], ...]:
    """The lines that describe a GPU, by field; messages and empty lines are left out."""
    lines = ([value.strip() for value in line.split(",")] for line in text.splitlines())
    rows = (dict(zip(fields, line, strict=False)) for line in lines if len(line) >= len(fields))
    return tuple(row for row in rows if driver_of(row) or _is_gpu(gpu_of(row)))


def driver_of(row: Mapping[str, str]) -> str | None:
    return version_of(row.get("driver_version")) or version_of(row.get("kmd_version"))


def gpu_of(row: Mapping[str, str]) -> GpuFact:
    """What a line says; a value that is not of its kind is None (`[N/A]`, `ERR!`, ...)."""
    arch = _arch(row.get("compute_cap", ""))
    name = row.get("name", "")
    return GpuFact(
        vendor="nvidia",
        address=pci_address(row.get("pci.bus_id")),
        pci_id=_pci_id(row.get("pci.device_id", "")),
        name=None if name.startswith("[") else clean_name(name),
        arch=arch,
        arch_source="nvidia-smi" if arch else None,
        memory_bytes=_bytes(row.get("memory.total", "")),
        usable=True,
    )


def _is_gpu(fact: GpuFact) -> bool:
    return bool(fact.arch or fact.pci_id or fact.address)


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
