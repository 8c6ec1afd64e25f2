"""The host as the rules see it: facts of the profile and the request, parsed once."""

import re
from collections.abc import Mapping
from typing import Literal

from accelsel.knowledge.tables import Tables
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import Gpu, Profile, Vendor
from accelsel.model.request import Request
from accelsel.model.table import ArchOverride
from accelsel.model.value import dataclass
from accelsel.rules.compatibility import named, overridden
from accelsel.rules.versions import Numbers, dotted, numbers, python_tag

OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"

_MACHINES = {"amd64": "x86_64", "x64": "x86_64", "arm64": "aarch64"}
_PLATFORM = re.compile(r"(linux|windows|macos)-[a-z0-9_]+")
_L4T = re.compile(r"R?(\d+)")
# The CUDA of the driver that each JetPack brings, and the JetPack of each L4T.
_JETPACK_CUDA: Mapping[int, Numbers] = {4: (10, 2), 5: (11, 4), 6: (12, 6), 7: (13, 0)}
_L4T_JETPACK = {32: 4, 34: 5, 35: 5, 36: 6, 38: 7, 39: 7}
BRAND: Mapping[Vendor, str] = {
    "nvidia": "NVIDIA", "amd": "AMD", "intel": "Intel", "apple": "Apple",
}  # fmt: skip
_BRANDS = ("NVIDIA GeForce ", "NVIDIA ", "AMD ", "Intel(R) ", "Intel ")


Documented = Literal["yes", "no", "not said"]


@dataclass(frozen=True, kw_only=True)
class Driver:
    """The NVIDIA driver. `version` is None where it is not known or not a number of the desktop
    branches; `cuda` is what it reports, else that of its branch; `system` names its floors."""

    version: Numbers | None
    cuda: Numbers | None
    system: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Target:
    """A GPU that a build may have to serve.

    `index` is None for one that is presumed and was not seen. `arch` is what it runs as, `real`
    what it is. `documented` is what the table says of XPU support for an Intel PCI id, None where
    the id is not in the table and the arch has to do.
    """

    index: int | None
    vendor: Vendor
    name: str
    arch: str | None
    real: str | None
    integrated: bool
    memory: int
    documented: Documented | None = None

    @property
    def label(self) -> str:
        return self.name if self.index is None else f"GPU {self.index}, {self.name}"


@dataclass(frozen=True, kw_only=True)
class Host:
    """`known` is False where there is no profile at all. `own` says that the platform is the
    profile's, so that its libc and system version count. `python` None leaves the choice to the
    builds, within `requires_python`. `override` is the HSA_OVERRIDE_GFX_VERSION in force, `offer`
    the one that would help."""

    known: bool
    platform: str | None
    own: bool
    system: str
    glibc: Numbers | None
    musl: bool
    macos: Numbers | None
    jetson: bool
    jetpack: int | None
    container: bool
    driver: Driver | None
    python: str | None
    implementation: str
    requires_python: str | None
    targets: tuple[Target, ...]
    unusable: tuple[tuple[Target, str | None], ...]
    override: str | None
    offer: str | None
    override_rows: tuple[ArchOverride, ...]


def platform_of(profile: Profile) -> str:
    """The platform name of a profile: `linux-x86_64`, `windows-amd64`, `macos-arm64`, ..."""
    arch = profile.cpu.arch.lower()
    machine = _MACHINES.get(arch, arch)
    match profile.os.system:
        case "windows":
            return "windows-" + {"x86_64": "amd64", "aarch64": "arm64"}.get(machine, machine)
        case "darwin":
            return "macos-" + {"aarch64": "arm64"}.get(machine, machine)
        case system:
            return f"{system}-{machine}"


def named_platform(text: str) -> str:
    """A platform as asked for. Raises AccelselError (2, `unknown-platform`) for another shape."""
    name = text.strip().lower()
    if not _PLATFORM.fullmatch(name):
        raise AccelselError(
            USAGE,
            "unknown-platform",
            f"{text!r} is not a platform",
            help="write for example linux-x86_64, linux-aarch64, windows-amd64 or macos-arm64",
        )
    return name


def read_host(profile: Profile | None, request: Request, tables: Tables) -> Host:
    """The host of a profile under a request; raises AccelselError (2) for malformed requests."""
    actual = platform_of(profile) if profile else None
    platform = named_platform(request.platform) if request.platform else actual
    system = (platform or "").partition("-")[0]
    own = profile is not None and platform == actual
    libc = profile.os.libc if profile and own else None
    jetson = profile.os.jetson if profile else None
    gpus = sorted(profile.gpus, key=lambda gpu: gpu.index) if profile else ()
    rows = tuple(row for row in tables.overrides if row.system == system)
    helpful = _helpful(profile, tables, rows) if profile and system == "linux" else None
    value = _override(profile, request, helpful) if profile and system == "linux" else None
    targets = [(gpu, _target(gpu, tables, value)) for gpu in gpus]
    return Host(
        known=profile is not None,
        platform=platform,
        own=own,
        system=system,
        glibc=numbers(libc.version) if libc and libc.family == "glibc" and libc.version else None,
        musl=libc is not None and libc.family == "musl",
        macos=numbers(profile.os.version or "") or None
        if profile and own and system == "macos"
        else None,
        jetson=jetson is not None,
        jetpack=_jetpack(profile),
        container=profile is not None and profile.os.container is not None,
        driver=_driver(profile, tables, system),
        python=_python(profile, request),
        implementation=profile.python.implementation
        if profile and not request.python
        else "cpython",
        requires_python=request.requires_python,
        targets=tuple(target for gpu, target in targets if gpu.usable),
        unusable=tuple((target, gpu.note) for gpu, target in targets if not gpu.usable),
        override=value,
        offer=helpful,
        override_rows=rows,
    )


def _python(profile: Profile | None, request: Request) -> str | None:
    if request.python:
        return python_tag(request.python)
    if request.requires_python is not None or profile is None:
        return None
    minor = dotted(numbers(profile.python.version)[:2])
    return minor + ("t" if profile.python.free_threaded else "")


def _jetpack(profile: Profile | None) -> int | None:
    jetson = profile.os.jetson if profile else None
    if jetson is None:
        return None
    if jetson.jetpack and (known := numbers(jetson.jetpack)):
        return known[0]
    match = _L4T.match(jetson.l4t or "")
    return _L4T_JETPACK.get(int(match[1])) if match else None


def _driver(profile: Profile | None, tables: Tables, system: str) -> Driver | None:
    row = profile.drivers.nvidia if profile else None
    if profile is None:
        return None
    jetpack = _jetpack(profile)
    if row is None:
        return _jetson_driver(jetpack) if jetpack else None
    version = numbers(row.version or "") or None
    named = version is not None and version[0] >= 100  # JetPack 5 numbers its driver by L4T
    if not named or profile.os.jetson:  # and JetPack 7 has a "580.00" that is CUDA 13's
        version = None
    cuda = numbers(row.cuda_version or "") or None
    if cuda is None and version:
        cuda = _cuda_of_branch(version[0], tables)
    if cuda is None and version is None:
        return _jetson_driver(jetpack) if jetpack else None
    windows = profile.os.system == "windows" or profile.os.wsl
    same = system == {"darwin": "macos"}.get(profile.os.system, profile.os.system)
    told = [f"driver {row.version}"] if named else []
    newest = max((branch.branch for branch in tables.branches), default=0)
    later = version is not None and version[0] > newest and not row.cuda_version
    told += [f"CUDA {dotted(cuda)}{' or newer' if later else ''}"] if cuda else []
    return Driver(
        version=version if same else None,
        cuda=cuda,
        system="windows" if windows else "linux",
        text=", ".join(told),
    )


def _jetson_driver(jetpack: int) -> Driver | None:
    cuda = _JETPACK_CUDA.get(jetpack)
    if cuda is None:
        return None
    text = f"JetPack {jetpack}, CUDA {dotted(cuda)}"
    return Driver(version=None, cuda=cuda, system="linux", text=text)


def _cuda_of_branch(branch: int, tables: Tables) -> Numbers | None:
    """What the newest known branch that is not above this one reports."""
    known = [row for row in tables.branches if row.branch <= branch]
    newest = max(known, key=lambda row: row.branch, default=None)
    return numbers(newest.cuda) if newest else None


def _override(profile: Profile, request: Request, helpful: str | None) -> str | None:
    """The override in force: one that is set on the host, or a helpful one where allowed."""
    if value := profile.environment.get(OVERRIDE):
        return value if overridden(value) else None
    return helpful if request.allow_arch_override else None


def _helpful(profile: Profile, tables: Tables, rows: tuple[ArchOverride, ...]) -> str | None:
    """The one override that lets PyTorch's own builds run on every AMD GPU that they leave out.

    It holds for all GPUs of the host, so a GPU with code of its own forbids it.
    """
    gpus = [gpu for gpu in profile.gpus if gpu.vendor == "amd" and gpu.usable and gpu.arch]
    deciding = [gpu for gpu in gpus if not gpu.integrated] or gpus
    archs = {named(gpu.arch, gpu.vendor) for gpu in deciding} - {None}
    values = {
        next((row.value for row in rows if row.arch == arch and row.works), None) for arch in archs
    }
    if len(values) != 1 or archs & _own_archs(tables):
        return None
    return values.pop()


def _own_archs(tables: Tables) -> set[str]:
    """What any build on PyTorch's own ROCm indexes has working code for."""
    return {
        arch
        for build in tables.builds
        if build.published and tables.backends[build.backend].kind == "rocm"
        for arch in build.archs or ()
        if arch not in build.broken
    }


def _target(gpu: Gpu, tables: Tables, override: str | None) -> Target:
    real = named(gpu.arch, gpu.vendor)
    arch = overridden(override) if override and gpu.vendor == "amd" and real else real
    name = gpu.name or f"{BRAND[gpu.vendor]} {gpu.pci_id or 'GPU'}"
    for brand in _BRANDS if gpu.name else ():
        name = name.removeprefix(brand)
    return Target(
        index=gpu.index,
        vendor=gpu.vendor,
        name=name,
        arch=arch,
        real=real,
        integrated=bool(gpu.integrated),
        memory=gpu.memory_bytes or 0,
        documented=_documented(gpu, tables) if gpu.vendor == "intel" else None,
    )


def _documented(gpu: Gpu, tables: Tables) -> Documented | None:
    row = tables.intel.get(gpu.pci_id or "")
    if row is None:
        # Support goes by the device: of one that the table does not know nothing speaks for it
        return "no" if gpu.pci_id and gpu.arch is None else None
    return "not said" if row.xpu is None else "yes" if row.xpu else "no"
