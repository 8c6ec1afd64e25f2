"""Described hosts for the tests of the rules, in one line each."""

from collections.abc import Mapping

from accelsel.model.profile import (
    Cpu,
    Drivers,
    Gpu,
    Jetson,
    Libc,
    NvidiaDriver,
    Os,
    Profile,
    Python,
    State,
    Vendor,
)

Card = tuple[Vendor, str, str | None]
GIB = 1 << 30


def gpu(
    index: int,
    vendor: Vendor,
    name: str,
    arch: str | None,
    *,
    memory: int | None = None,
    integrated: bool | None = False,
    usable: bool = True,
    pci_id: str | None = None,
    note: str | None = None,
) -> Gpu:
    """A GPU; `memory` in GiB."""
    return Gpu(
        index=index,
        vendor=vendor,
        name=name,
        arch=arch,
        arch_source=None,
        pci_id=pci_id,
        memory_bytes=memory * GIB if memory else None,
        integrated=integrated,
        usable=usable,
        note=note,
    )


def host(
    *gpus: Gpu,
    driver: str | None = None,
    cuda: str | None = None,
    driver_source: str = "nvml",
    system: str = "linux",
    arch: str = "x86_64",
    python: str = "3.12.3",
    implementation: str = "cpython",
    free_threaded: bool = False,
    version: str | None = None,
    libc: str = "glibc",
    glibc: str | None = "2.39",
    wsl: bool = False,
    container: str | None = None,
    jetson: tuple[str | None, str | None] | None = None,
    state: State | None = None,
    notes: tuple[str, ...] = (),
    environment: Mapping[str, str] | None = None,
) -> Profile:
    """A profile: an x86-64 Linux with Python 3.12 and no GPU, but for what is said."""
    usable = any(one.usable for one in gpus)
    nvidia = NvidiaDriver(version=driver, cuda_version=cuda, source=driver_source)
    return Profile(
        state=state or ("usable" if usable else "gpu-without-driver" if gpus else "no-gpu"),
        os=Os(
            system=system,
            version=version,
            release=None,
            libc=Libc(family=libc, version=glibc) if system == "linux" else None,
            wsl=wsl,
            container=container,
            jetson=Jetson(l4t=jetson[0], jetpack=jetson[1]) if jetson else None,
        ),
        cpu=Cpu(arch=arch, level=None),
        python=Python(version=python, implementation=implementation, free_threaded=free_threaded),
        drivers=Drivers(nvidia=nvidia if driver or cuda else None),
        gpus=gpus,
        notes=notes,
        environment=environment or {},
    )


def nvidia(*archs: str | None, driver: str | None = "580.65.06", **facts: object) -> Profile:
    """A host with NVIDIA GPUs of these archs on a driver."""
    cards = [gpu(n, "nvidia", f"card {arch}", arch, memory=8) for n, arch in enumerate(archs)]
    return host(*cards, driver=driver, **facts)  # type: ignore[arg-type]


def amd(*archs: str | None, **facts: object) -> Profile:
    """A host with discrete AMD GPUs of these archs."""
    cards = [gpu(n, "amd", f"card {arch}", arch, memory=8) for n, arch in enumerate(archs)]
    return host(*cards, **facts)  # type: ignore[arg-type]
