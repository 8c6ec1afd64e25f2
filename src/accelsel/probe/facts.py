"""What one vendor's probe returns; `assemble` turns these into a profile."""

from dataclasses import dataclass

from accelsel.model.profile import AmdDriver, IntelDriver, NvidiaDriver, ProbeResult, Vendor


@dataclass(frozen=True, slots=True, kw_only=True)
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


@dataclass(frozen=True, slots=True, kw_only=True)
class VendorFacts:
    """`mismatch` is True where library and kernel driver contradict each other after an update."""

    vendor: Vendor
    gpus: tuple[GpuFact, ...] = ()
    driver: NvidiaDriver | AmdDriver | IntelDriver | None = None
    probes: tuple[ProbeResult, ...] = ()
    notes: tuple[str, ...] = ()
    mismatch: bool = False
