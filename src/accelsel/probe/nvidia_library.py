"""What NVIDIA's libraries said, as `child` recorded it: the same shape for NVML and libcuda."""

from collections.abc import Iterable, Mapping
from typing import Any

from accelsel.model.value import dataclass
from accelsel.probe.facts import GpuFact
from accelsel.probe.nvidia_text import clean_name, pci_address, pci_id, version_of

# Codes of nvml.h and cuda.h; each library has its own numbering.
NO_PERMISSION = 4
DRIVER_NOT_LOADED = 9
LIBRARY_MISSING = 12
LOST = 15
OPERATING_SYSTEM = 17
MISMATCH = 18
CUDA_NO_DEVICE = 100
CUDA_MISMATCH = 803
WEAKER = "nvml v1 (weaker)"  # a number built into NVML; the other calls ask libcuda
NVML_SAYS: Mapping[int, str] = {
    4: "no permission: this user may not open /dev/nvidia*",
    9: "the kernel driver is not loaded",
    15: "lost: it has fallen off the bus",
    16: "needs a reset",
    17: "blocked by the operating system or a cgroup: start the container anew",
    18: "library and kernel driver are of different versions",
    28: "not found by the driver",
    999: "unknown error of the driver, in a container often lost access to its devices",
}
CUDA_SAYS: Mapping[int, str] = {
    34: "a stub, no driver",
    100: "no device",
    101: "invalid device",
    802: "the system is not ready",
    803: "library and kernel driver are of different versions",
    804: "a compatibility library that this GPU does not support",
    999: "unknown error of the driver",
}
CUDA_STUB = 34
# NVML's own absence or age, which says nothing of the GPUs: not supported, no library, no symbol.
SAYS_NOTHING = frozenset({3, 12, 13})
MOST_GPUS = 4096  # more is not a host's answer


@dataclass(frozen=True, kw_only=True)
class LibraryView:
    """`ready` is True once the library has initialised, `counted` once it has said how many GPUs
    there are; `error` is the reason where it refused.

    In `gpus`, one without use has either a note, the refusal, or was never spoken of. `cuda_source`
    is None for the library's own answer, else what gave `cuda_version`; `without_libcuda` is True
    where NVML has looked for that library and not found it.
    """

    ready: bool = False
    counted: bool = False
    error: int | str | None = None
    driver: str | None = None
    cuda_version: str | None = None
    cuda_source: str | None = None
    without_libcuda: bool = False
    gpus: tuple[GpuFact, ...] = ()

    @property
    def complete(self) -> bool:
        """Every GPU that the library listed has an architecture or a reason for having none."""
        known = all(gpu.arch or (gpu.note and not gpu.usable) for gpu in self.gpus)
        return self.ready and self.counted and known


def read(records: Iterable[Mapping[str, Any]], source: str = "nvml") -> LibraryView:
    """The view that the records give, whatever is missing or malformed in them."""
    host: dict[str, Mapping[str, Any]] = {}
    gpus: dict[int, dict[str, Mapping[str, Any]]] = {}
    slices: dict[int, list[str]] = {}
    for record in records:
        call, gpu = record.get("call"), record.get("gpu")
        if not isinstance(call, str):
            continue
        if not isinstance(gpu, int) or gpu < 0:
            host[call] = record
        elif call == "mig-name":
            name = clean_name(record.get("value"))
            slices.setdefault(gpu, []).append((name or "unnamed").rpartition("MIG ")[2])
        else:
            gpus.setdefault(gpu, {})[call] = record
    count = host.get("count", {}).get("value")
    listed = range(count) if isinstance(count, int) and 0 <= count <= MOST_GPUS else None
    cuda_version, cuda_source = _cuda(host)
    return LibraryView(
        ready=host.get("init", {}).get("value") is True,
        counted=listed is not None,
        error=_error(host.get("init", {})),
        driver=version_of(host.get("driver", {}).get("value")),
        cuda_version=cuda_version,
        cuda_source=cuda_source,
        without_libcuda=_error(host.get("cuda", {})) == LIBRARY_MISSING
        and "value" not in host.get("libcuda", {}),
        gpus=tuple(
            _gpu(gpus.get(index, {}), slices.get(index, []), source)
            for index in sorted({*(listed or ()), *gpus})
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


def _gpu(said: Mapping[str, Mapping[str, Any]], slices: list[str], source: str) -> GpuFact:
    def value(call: str) -> Any:
        return said.get(call, {}).get("value")

    pci = value("pci")
    pci = pci if isinstance(pci, dict) else {}
    number, size, shared = pci.get("id"), value("memory"), value("integrated")
    arch = compute_capability(value("capability"))
    refusal = _refusal(said)
    mig = value("mig")
    on = isinstance(mig, list) and mig[:1] == [1]
    return GpuFact(
        vendor="nvidia",
        address=_address(pci) or pci_address(value("bus")),
        pci_id=pci_id(number) if isinstance(number, int) else None,
        name=clean_name(value("name")),
        arch=arch,
        arch_source=source if arch else None,
        memory_bytes=size if isinstance(size, int) and size > 0 else None,
        integrated=bool(shared) if isinstance(shared, int) else None,
        usable=value("handle") is not None and refusal is None,
        note=refusal or (_slices(slices) if on else None),
    )


def _error(record: Mapping[str, Any]) -> int | str | None:
    """The library's code, or the kind of another failure: its text may hold paths."""
    error = record.get("error")
    if isinstance(error, str):
        return error.partition(":")[0]
    return error if isinstance(error, int) else None


def _refusal(said: Mapping[str, Mapping[str, Any]]) -> str | None:
    """Why the library does not serve the GPU: no handle, or every later call says it is lost."""
    error = _error(said.get("handle", {}))
    if error is None:
        later = [record.get("error") for call, record in said.items() if call != "handle"]
        error = LOST if later and all(each == LOST for each in later) else None
    if error is None or error in SAYS_NOTHING:
        return None
    if isinstance(error, int):
        return NVML_SAYS.get(error, f"the driver's library answers with error {error}")
    return "the driver's library fails on it"


def _slices(kinds: list[str]) -> str:
    counts = {kind: kinds.count(kind) for kind in kinds}
    listed = ", ".join(f"{count} x {kind}" for kind, count in counts.items())
    return f"MIG: {listed}" if listed else "MIG is on, without slices"


def _address(pci: Mapping[str, Any]) -> str | None:
    parts = [pci.get(name) for name in ("domain", "bus", "device")]
    domain, bus, device = (part if isinstance(part, int) else -1 for part in parts)
    if min(domain, bus, device) < 0:
        return None
    return pci_address(f"{domain:x}:{bus:x}:{device:x}.0")
