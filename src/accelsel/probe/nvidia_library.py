"""What NVIDIA's libraries said, as `child` recorded it: the same shape for NVML and libcuda."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from accelsel.probe.nvidia_text import clean_name, pci_address, pci_id, version_of

# Codes of nvml.h and cuda.h; each library has its own numbering.
NO_PERMISSION = 4
DRIVER_NOT_LOADED = 9
LIBRARY_MISSING = 12
OPERATING_SYSTEM = 17
MISMATCH = 18
CUDA_MISMATCH = 803
WEAKER = "nvml v1 (weaker)"  # a number built into NVML; the other calls ask libcuda
NVML_SAYS: Mapping[int, str] = {
    4: "no permission",
    9: "the kernel driver is not loaded",
    15: "lost: it has fallen off the bus",
    16: "needs a reset",
    17: "blocked by the operating system or a cgroup",
    18: "library and kernel driver are of different versions",
    28: "not found by the driver",
    999: "unknown error of the driver",
}
# NVML's own absence or age, which says nothing of the GPUs: not supported, no library, no symbol.
SAYS_NOTHING = frozenset({3, 12, 13})


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryGpu:
    """One GPU as a library lists it. `answered` is False where not even a handle was given; `error`
    then says why, None where the library ended before it."""

    index: int
    answered: bool
    error: int | str | None = None
    name: str | None = None
    arch: str | None = None
    pci_id: str | None = None
    address: str | None = None
    memory_bytes: int | None = None
    integrated: bool | None = None
    slices: tuple[str, ...] | None = None  # None: MIG is off or not known


@dataclass(frozen=True, slots=True, kw_only=True)
class LibraryView:
    """`ready` is True once the library has initialised; `counted` once it has
    said how many GPUs there are; `error` is the reason where it refused.

    `cuda_source` is None for the library's own answer, else what gave `cuda_version`.
    """

    ready: bool
    counted: bool
    error: int | str | None
    driver: str | None
    cuda_version: str | None
    cuda_source: str | None
    gpus: tuple[LibraryGpu, ...]

    @property
    def complete(self) -> bool:
        """Every GPU that the library listed has an architecture or a reason for having none."""
        return (
            self.ready
            and self.counted
            and all(gpu.arch or gpu.error is not None for gpu in self.gpus)
        )


def read(records: Iterable[Mapping[str, Any]]) -> LibraryView:
    """The view that the records give, whatever is missing or malformed in them."""
    host: dict[str, Mapping[str, Any]] = {}
    gpus: dict[int, dict[str, Mapping[str, Any]]] = {}
    slices: dict[int, list[str]] = {}
    for record in records:
        call, gpu = record.get("call"), record.get("gpu")
        if not isinstance(call, str):
            continue
        if not isinstance(gpu, int):
            host[call] = record
        elif call == "mig-name":
            name = clean_name(record.get("value"))
            if name:
                slices.setdefault(gpu, []).append(name.rpartition("MIG ")[2])
        else:
            gpus.setdefault(gpu, {})[call] = record
    ready = host.get("init", {}).get("value") is True
    count = host.get("count", {}).get("value")
    listed = range(count) if isinstance(count, int) and 0 <= count <= 4096 else range(0)
    cuda_version, cuda_source = _cuda(host)
    return LibraryView(
        ready=ready,
        counted=isinstance(count, int),
        error=host.get("init", {}).get("error"),
        driver=version_of(host.get("driver", {}).get("value")),
        cuda_version=cuda_version,
        cuda_source=cuda_source,
        gpus=tuple(
            _gpu(index, gpus.get(index, {}), slices.get(index, []))
            for index in sorted({*listed, *gpus})
        ),
    )


def _cuda(host: Mapping[str, Mapping[str, Any]]) -> tuple[str | None, str | None]:
    sources = (("cuda", None), ("libcuda", "libcuda"), ("cuda-v1", WEAKER))
    for call, source in sources:
        version = cuda_version(host.get(call, {}).get("value"))
        if version:
            return version, source
    return None, None


def cuda_version(number: Any) -> str | None:
    """`13.2` for 13020; None for what no driver has reported or will soon."""
    if not isinstance(number, int) or not 5000 <= number < 100_000:
        return None
    return f"{number // 1000}.{number % 1000 // 10}"


def compute_capability(value: Any) -> str | None:
    """`sm_86` for a pair of numbers; None where it is none."""
    if not isinstance(value, list | tuple) or len(value) != 2:
        return None
    major, minor = value
    if not (isinstance(major, int) and isinstance(minor, int)):
        return None
    return f"sm_{major}{minor}" if 1 <= major < 100 and 0 <= minor <= 9 else None


def _gpu(index: int, said: Mapping[str, Mapping[str, Any]], slices: list[str]) -> LibraryGpu:
    def value(call: str) -> Any:
        return said.get(call, {}).get("value")

    pci = value("pci")
    pci = pci if isinstance(pci, dict) else {}
    number = pci.get("id")
    mig = value("mig")
    size = value("memory")
    shared = value("integrated")
    return LibraryGpu(
        index=index,
        answered=value("handle") is not None,
        error=said.get("handle", {}).get("error"),
        name=clean_name(value("name")),
        arch=compute_capability(value("capability")),
        pci_id=pci_id(number) if isinstance(number, int) else None,
        address=_address(pci) or pci_address(value("bus")),
        memory_bytes=size if isinstance(size, int) and size > 0 else None,
        integrated=bool(shared) if isinstance(shared, int) else None,
        slices=tuple(slices) if isinstance(mig, list) and mig[:1] == [1] else None,
    )


def _address(pci: Mapping[str, Any]) -> str | None:
    parts = [pci.get(name) for name in ("domain", "bus", "device")]
    domain, bus, device = (part if isinstance(part, int) else -1 for part in parts)
    if min(domain, bus, device) < 0:
        return None
    return pci_address(f"{domain:x}:{bus:x}:{device:x}.0")
