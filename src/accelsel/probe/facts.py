"""What the probes return and are given; `assemble` turns it into a profile.

Every vendor's probe has one shape: `probe(world, host, pci, deadline) -> VendorFacts`. It never
raises for what a host answers, and it ends by itself before `deadline` has passed.
"""

from collections.abc import Mapping
from time import monotonic

from accelsel.model.profile import (
    AmdDriver,
    Cpu,
    IntelDriver,
    NvidiaDriver,
    Os,
    ProbeResult,
    Python,
    Vendor,
)
from accelsel.model.value import dataclass, field


class Deadline:
    """A point in time, `seconds` after it was made."""

    __slots__ = ("_end",)

    def __init__(self, seconds: float) -> None:
        self._end = monotonic() + seconds

    def left(self, reserve: float = 0.0) -> float:
        """Seconds until `reserve` seconds before the point; never below zero."""
        return max(0.0, self._end - reserve - monotonic())


@dataclass(frozen=True, kw_only=True)
class PciDevice:
    """A PCI function as sysfs shows it: `address` `0000:01:00.0`, ids four lower-case hex digits,
    `class_id` six (`030200`), `driver` the name of the bound kernel driver. What follows is known
    on Windows only, whose registry has no `address` ("" there)."""

    address: str
    vendor_id: str
    device_id: str
    class_id: str
    driver: str | None
    name: str | None = None
    memory_bytes: int | None = None
    driver_version: str | None = None

    @property
    def pci_id(self) -> str:
        return f"{self.vendor_id}:{self.device_id}"


@dataclass(frozen=True, kw_only=True)
class HostFacts:
    """The host without its GPUs; `environment` and `notes` as in the profile. `soc` is the Tegra
    chip that the device tree names (`tegra234`); `sysctl` what macOS says of its processor."""

    os: Os
    cpu: Cpu
    python: Python
    environment: Mapping[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()
    soc: str | None = None
    sysctl: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class GpuFact:
    """A device as one source saw it. `address` is the PCI address (`0000:01:00.0`), the key under
    which what several sources saw of one device is joined; `arch` None where the source does not
    say (the device table may)."""

    vendor: Vendor
    address: str | None
    pci_id: str | None
    name: str | None = None
    arch: str | None = None
    arch_source: str | None = None
    memory_bytes: int | None = None
    integrated: bool | None = None
    usable: bool = False
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class VendorFacts:
    """`mismatch` is True where library and kernel driver contradict each other after an update."""

    vendor: Vendor
    gpus: tuple[GpuFact, ...] = ()
    driver: NvidiaDriver | AmdDriver | IntelDriver | None = None
    probes: tuple[ProbeResult, ...] = ()
    notes: tuple[str, ...] = ()
    mismatch: bool = False


@dataclass(frozen=True, kw_only=True)
class DriverOverride:
    """NVIDIA's driver as the environment states it: a driver version or a CUDA version, both None
    for "pretend that there is none". `source` is `env:NAME`."""

    version: str | None
    cuda_version: str | None
    source: str


@dataclass(frozen=True, kw_only=True)
class ArchOverride:
    """All GPUs of a vendor as the environment states them; () for "pretend that there is none"."""

    archs: tuple[str, ...]
    source: str


@dataclass(frozen=True, kw_only=True)
class Overrides:
    """Facts stated by the environment; a vendor without an entry is left as it was probed."""

    driver: DriverOverride | None = None
    archs: Mapping[Vendor, ArchOverride] = field(default_factory=dict)
