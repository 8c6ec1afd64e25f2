"""Facts into a profile: device tables, stated facts, numbering, state. Pure but for the tables."""

from collections.abc import Iterable, Sequence

from accelsel.model.profile import (
    AmdDriver,
    Drivers,
    Gpu,
    IntelDriver,
    NvidiaDriver,
    ProbeResult,
    Profile,
    State,
    Vendor,
)
from accelsel.model.value import replace
from accelsel.probe.facts import (
    ArchOverride,
    DriverOverride,
    GpuFact,
    HostFacts,
    Overrides,
    VendorFacts,
)

CUDA_FROM_BRANCH = "cuda from branch"


def assemble(
    host: HostFacts,
    vendors: Sequence[VendorFacts],
    *,
    probes: Iterable[ProbeResult] = (),
    overrides: Overrides | None = None,
) -> Profile:
    """The profile of a host. GPUs are numbered in the order of `vendors`, then of each vendor."""
    stated = overrides or Overrides()
    known = [_with_tables(facts) for facts in vendors]
    state_facts = [_stated(facts, stated) for facts in known]
    drivers = _drivers(state_facts, host)
    gpus = tuple(
        _gpu(index, fact)
        for index, fact in enumerate(fact for facts in state_facts for fact in facts.gpus)
    )
    return Profile(
        state=_state(gpus, drivers, state_facts),
        os=host.os,
        cpu=host.cpu,
        python=host.python,
        drivers=drivers,
        gpus=gpus,
        probes=(*probes, *(probe for facts in vendors for probe in facts.probes)),
        notes=(*host.notes, *(note for facts in state_facts for note in facts.notes)),
        environment=host.environment,
    )


def _state(gpus: Sequence[Gpu], drivers: Drivers, vendors: Sequence[VendorFacts]) -> State:
    if any(gpu.usable for gpu in gpus):
        return "usable"
    if any(facts.mismatch for facts in vendors):
        return "driver-mismatch"
    if gpus:
        return "gpu-without-driver"
    if drivers.nvidia or drivers.amd or drivers.intel:
        return "driver-without-gpu"
    return "no-gpu"


def _gpu(index: int, fact: GpuFact) -> Gpu:
    return Gpu(
        index=index,
        vendor=fact.vendor,
        name=fact.name,
        arch=fact.arch,
        arch_source=fact.arch_source,
        pci_id=fact.pci_id,
        memory_bytes=fact.memory_bytes,
        integrated=fact.integrated,
        usable=fact.usable,
        note=fact.note,
    )


def _with_tables(facts: VendorFacts) -> VendorFacts:
    """What a PCI id says, where the driver has not said it."""
    if not any(_lacks(fact) for fact in facts.gpus) or facts.vendor == "apple":
        return facts
    from accelsel.knowledge import devices

    table = devices(facts.vendor)
    filled = []
    for fact in facts.gpus:
        row = table.get(fact.pci_id or "")
        if row is not None and _lacks(fact):
            arch = fact.arch or row.arch
            filled.append(
                replace(
                    fact,
                    arch=arch,
                    arch_source=fact.arch_source or ("pci-table" if arch else None),
                    name=fact.name or row.name,
                    integrated=row.integrated if fact.integrated is None else fact.integrated,
                )
            )
        else:
            filled.append(fact)
    return replace(facts, gpus=tuple(filled))


def _lacks(fact: GpuFact) -> bool:
    return bool(fact.pci_id) and (fact.arch is None or fact.name is None or fact.integrated is None)


def _stated(facts: VendorFacts, overrides: Overrides) -> VendorFacts:
    """The facts with what the environment states in their place."""
    if facts.vendor == "nvidia" and overrides.driver:
        facts = _with_driver(facts, overrides.driver)
    archs = overrides.archs.get(facts.vendor)
    if archs is None or (not archs.archs and not facts.gpus):
        return facts
    driver = overrides.driver if facts.vendor == "nvidia" else None
    absent = driver is not None and driver.version is None and driver.cuda_version is None
    return _with_archs(facts, archs, usable=not absent)


def _with_driver(facts: VendorFacts, stated: DriverOverride) -> VendorFacts:
    """NVIDIA's facts with the stated driver: every GPU that is there is then taken as served."""
    absent = stated.version is None and stated.cuda_version is None
    driver = NvidiaDriver(
        version=stated.version, cuda_version=stated.cuda_version, source=stated.source
    )
    note = f"{stated.source}: pretend that there is no driver" if absent else None
    gpus = tuple(
        replace(fact, usable=not absent, note=note if absent or not fact.usable else fact.note)
        for fact in facts.gpus
    )
    return replace(facts, driver=None if absent else driver, gpus=gpus, mismatch=False)


def _with_archs(facts: VendorFacts, stated: ArchOverride, *, usable: bool) -> VendorFacts:
    """The vendor's GPUs as stated, taken as served unless the stated driver is none at all.

    A GPU that was seen with the stated architecture keeps what else is known of it.
    """
    seen = [*facts.gpus, *[None] * len(stated.archs)]
    gpus = tuple(
        replace(fact, arch=arch, arch_source=stated.source, usable=usable, note=None)
        if fact is not None and fact.arch == arch
        else GpuFact(
            vendor=facts.vendor,
            address=None,
            pci_id=None,
            arch=arch,
            arch_source=stated.source,
            usable=usable,
        )
        for fact, arch in zip(seen, stated.archs, strict=False)
    )
    return replace(facts, gpus=gpus)


def _drivers(vendors: Sequence[VendorFacts], host: HostFacts) -> Drivers:
    by_vendor: dict[Vendor, NvidiaDriver | AmdDriver | IntelDriver | None] = {
        facts.vendor: facts.driver for facts in vendors
    }
    nvidia, amd, intel = (by_vendor.get(vendor) for vendor in ("nvidia", "amd", "intel"))
    return Drivers(
        nvidia=_with_cuda(nvidia, host) if isinstance(nvidia, NvidiaDriver) else None,
        amd=amd if isinstance(amd, AmdDriver) else None,
        intel=intel if isinstance(intel, IntelDriver) else None,
    )


def _with_cuda(driver: NvidiaDriver, host: HostFacts) -> NvidiaDriver:
    """The driver with the CUDA version of its branch or L4T release, where no library gave one."""
    if driver.cuda_version:
        return driver
    from accelsel.knowledge import cuda_of_driver, cuda_of_l4t

    jetson = host.os.jetson
    if driver.version:
        cuda, origin = cuda_of_driver(driver.version), CUDA_FROM_BRANCH
    elif jetson and jetson.l4t:
        cuda, origin = cuda_of_l4t(jetson.l4t), f"cuda from l4t {jetson.l4t}"
    else:
        return driver
    if cuda is None:
        return driver
    source = f"{driver.source}, {origin}" if driver.source else origin
    return replace(driver, cuda_version=cuda, source=source)
