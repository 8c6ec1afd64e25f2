"""What a case's host would tell the other tools: driver, PCI ids, the wheels that it can install.

A case gives what its thread gives. What it leaves open is assumed here, alike for every tool:
driver 580.65.06 with CUDA 13.0 for an NVIDIA GPU; the driver that comes with the JetPack for a
Jetson; sm_75, gfx1100 and xe-hpg for a GPU that is not named; of the PCI ids of a GPU's
architecture one whose name is the nearest; glibc 2.39; macOS 15; Python 3.12, and 3.10 or 3.8 where
the bound has no wheel for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from tests.rules.cases import Case

from accelsel.knowledge import load
from accelsel.knowledge.devices import devices
from accelsel.model.profile import Gpu, Profile, Vendor
from accelsel.rules.host import platform_of
from accelsel.rules.versions import numbers

ORDER: tuple[Vendor, ...] = ("nvidia", "amd", "intel")
# JetPack: the kernel module's version, and the CUDA of its nvidia-smi (none before JetPack 6)
JETSON = {4: ("32.4.3", None), 5: ("35.4.1", None), 6: ("540.4.0", "12.6"), 7: ("580.00", "13.0")}
L4T_JETPACK = {32: 4, 35: 5, 36: 6, 38: 7, 39: 7}
UV_TRIPLES = {
    ("windows", "amd64"): "x86_64-pc-windows-msvc",
    ("windows", "arm64"): "aarch64-pc-windows-msvc",
    ("macos", "x86_64"): "x86_64-apple-darwin",
    ("macos", "arm64"): "aarch64-apple-darwin",
}
_ASSUMED: Mapping[Vendor, str] = {"nvidia": "sm_75", "amd": "gfx1100", "intel": "xe-hpg"}
UV_GLIBC = (17, 28, *range(31, 41))


@dataclass(frozen=True, kw_only=True)
class Facts:
    """`module` is the version of the NVIDIA kernel module; `driver` and `cuda` are what nvidia-smi
    says, None where the host has none. `devices` holds the PCI ids that each GPU may have, the
    likeliest first. `platform` is uv's name for the wheels, `tags` are pip's; both are empty where
    neither has one. `pythons` are tried in turn."""

    system: str
    machine: str
    platform: str
    tags: tuple[str, ...]
    macos: str
    pythons: tuple[str, ...]
    vendor: Vendor | None
    module: str | None
    driver: str | None
    cuda: str | None
    gfx: str | None
    devices: tuple[tuple[str, ...], ...]


def facts(case: Case) -> Facts:
    """The facts of a case's host."""
    profile = case.profile
    named = case.request.platform or platform_of(profile)
    system, _, machine = named.partition("-")
    libc = profile.os.libc
    glibc = numbers(libc.version)[1] if libc and libc.version else 39
    musl = libc is not None and libc.family == "musl"
    macos = (profile.os.version or "15.0") if system == "macos" else "15.0"
    vendors = [gpu.vendor for gpu in profile.gpus]
    vendor = next((vendor for vendor in ORDER if vendor in vendors), None)
    module, driver, cuda = _nvidia(profile) if vendor == "nvidia" else (None, None, None)
    amd = [gpu.arch or _ASSUMED["amd"] for gpu in profile.gpus if gpu.vendor == "amd"]
    python = None if case.request.requires_python else profile.python.version
    return Facts(
        system={"linux": "Linux", "windows": "Windows", "macos": "Darwin"}[system],
        machine=machine,
        platform=_uv_platform(system, machine, glibc, musl=musl),
        tags=_pip_tags(system, machine, glibc, macos, musl=musl),
        macos=macos,
        pythons=(python,) if python else ("3.12", "3.10", "3.8"),
        vendor=vendor,
        module=module,
        driver=driver,
        cuda=cuda,
        gfx=amd[0] if amd else None,
        devices=tuple(_ids(gpu) for gpu in profile.gpus if gpu.vendor in ORDER),
    )


def _nvidia(profile: Profile) -> tuple[str | None, str | None, str | None]:
    """Module, driver and CUDA, each told of the others where the case has only one of them."""
    told = profile.drivers.nvidia
    version = told.version if told else None
    cuda = told.cuda_version if told else None
    if jetson := profile.os.jetson:
        l4t = numbers((jetson.l4t or "").lstrip("R"))
        jetpack = int(jetson.jetpack) if jetson.jetpack else L4T_JETPACK.get(l4t[0] if l4t else 38)
        module, cuda = JETSON[jetpack or 7]
        return module, module if cuda else None, cuda
    branches = load().branches
    if version and not cuda:
        known = [row for row in branches if row.branch <= numbers(version)[0]]
        cuda = max(known, key=lambda row: row.branch).cuda
    if cuda and not version:
        of_cuda = [row for row in branches if numbers(row.cuda) <= numbers(cuda)]
        version = f"{max(of_cuda, key=lambda row: row.branch).branch}.999"
    version, cuda = version or "580.65.06", cuda or "13.0"
    return version, version, cuda


def _uv_platform(system: str, machine: str, glibc: int, *, musl: bool) -> str:
    if system != "linux":
        return UV_TRIPLES.get((system, machine), "")
    if machine not in ("x86_64", "aarch64"):
        return ""
    if musl:
        return f"{machine}-unknown-linux-musl"
    return f"{machine}-manylinux_2_{max(known for known in UV_GLIBC if known <= glibc)}"


def _pip_tags(system: str, machine: str, glibc: int, macos: str, *, musl: bool) -> tuple[str, ...]:
    if system == "windows":
        return (f"win_{machine}",)
    if system == "macos":
        return (f"macosx_{numbers(macos)[0]}_0_{machine}",)
    if musl:
        return (f"musllinux_1_2_{machine}",)
    new = [f"manylinux_2_{minor}_{machine}" for minor in range(glibc, 16, -1)]
    old = [f"{name}_{machine}" for name in ("manylinux2014", "manylinux2010", "manylinux1")]
    return (*new, *old, f"linux_{machine}")


def _ids(gpu: Gpu) -> tuple[str, ...]:
    """The PCI ids of a GPU's architecture, those with the most words of its name first."""
    if gpu.vendor == "apple":
        return ()
    arch = gpu.arch or _ASSUMED[gpu.vendor]
    words = set(gpu.name.lower().split()) if gpu.name else set()

    def rank(pci: str) -> tuple[bool, int, int, str]:
        device = devices(gpu.vendor)[pci]
        theirs = (device.name or "").lower().replace("/", " ").split()
        return (
            bool(device.integrated) is not bool(gpu.integrated),
            -len(words & set(theirs)),
            len(theirs),
            pci,
        )

    known = devices(gpu.vendor)
    return tuple(sorted((p for p, d in known.items() if d.arch == arch), key=rank))
