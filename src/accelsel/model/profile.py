"""What is true of a host, as far as it could be seen."""

from collections.abc import Mapping
from typing import Literal

from accelsel.model.value import dataclass, field

# Variables that state facts about a host and are taken for them (contract, section 2).
STATED = (
    "ACCELSEL_CUDA_DRIVER",
    "ACCELSEL_GPU_ARCH",
    "UV_CUDA_DRIVER_VERSION",
    "UV_AMD_GPU_ARCHITECTURE",
    "CONDA_OVERRIDE_CUDA",
    "CONDA_OVERRIDE_CUDA_ARCH",
    "NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION",
    "NV_VARIANT_PROVIDER_FORCE_SM_ARCH",
)

Vendor = Literal["nvidia", "amd", "intel", "apple"]
State = Literal["usable", "no-gpu", "gpu-without-driver", "driver-without-gpu", "driver-mismatch"]
ProbeStatus = Literal["ok", "absent", "denied", "failed", "timeout", "skipped"]


@dataclass(frozen=True, kw_only=True)
class Libc:
    family: str  # "glibc" or "musl"
    version: str | None


@dataclass(frozen=True, kw_only=True)
class Jetson:
    l4t: str | None  # "R36.4.3"
    jetpack: str | None  # the major: "5", "6", "7"


@dataclass(frozen=True, kw_only=True)
class Os:
    system: str  # "linux", "windows", "darwin"
    version: str | None  # product version: "24.04" on Ubuntu, "15.1" on macOS
    release: str | None  # kernel release
    libc: Libc | None
    wsl: bool
    container: str | None  # "docker", "podman", "kubernetes", "other"
    jetson: Jetson | None


@dataclass(frozen=True, kw_only=True)
class Cpu:
    arch: str  # "x86_64", "aarch64" (Linux), "arm64" (macOS, Windows), ...
    level: str | None  # "x86-64-v3"; None off x86-64 or where unknown


@dataclass(frozen=True, kw_only=True)
class Python:
    version: str  # "3.12.3"
    implementation: str  # "cpython"
    free_threaded: bool


@dataclass(frozen=True, kw_only=True)
class NvidiaDriver:
    version: str | None  # of the kernel driver: "580.65.06"
    cuda_version: str | None  # what the driver library reports, else derived from the branch
    source: str | None  # "nvml", "nvml, cuda from branch", "procfs", "env:ACCELSEL_CUDA_DRIVER"


@dataclass(frozen=True, kw_only=True)
class AmdDriver:
    version: str | None  # of the DKMS module; None for the in-tree driver
    rocm_version: str | None  # host ROCm, informative only: wheels bring their own
    source: str | None


@dataclass(frozen=True, kw_only=True)
class IntelDriver:
    version: str | None
    source: str | None  # "i915" or "xe" and where it was read


@dataclass(frozen=True, kw_only=True)
class Drivers:
    nvidia: NvidiaDriver | None = None
    amd: AmdDriver | None = None
    intel: IntelDriver | None = None


@dataclass(frozen=True, kw_only=True)
class Gpu:
    """One device; MIG slices and partitions are told in `note`, never counted.

    `arch` is `sm_MAJORMINOR`, a gfx id, an Intel graphics architecture or `apple-mN`; None where it
    is not known. `arch_source` names where it came from: `nvml`, `nvidia-smi`, `kfd`, `pci-table`,
    `env:NAME`, ...
    """

    index: int
    vendor: Vendor
    name: str | None
    arch: str | None
    arch_source: str | None
    pci_id: str | None  # "10de:2487", lower case
    memory_bytes: int | None
    integrated: bool | None
    usable: bool
    note: str | None = None


@dataclass(frozen=True, kw_only=True)
class ProbeResult:
    name: str
    status: ProbeStatus
    detail: str | None
    elapsed_ms: float


@dataclass(frozen=True, kw_only=True)
class Profile:
    """The profile document. `notes` are sentences; one that warns starts with its code and a colon
    (`probe-contradiction: ...`, `probe-incomplete: ...`).

    `environment` holds the variables that change what a build will see or that speak of a host not
    yet present: `HSA_OVERRIDE_GFX_VERSION`, `*_VISIBLE_DEVICES`, and in a container build
    `CUDA_VERSION`, `NVIDIA_REQUIRE_CUDA`, `ROCM_VERSION`.
    """

    state: State
    os: Os
    cpu: Cpu
    python: Python
    drivers: Drivers = field(default_factory=Drivers)
    gpus: tuple[Gpu, ...] = ()
    probes: tuple[ProbeResult, ...] = ()
    notes: tuple[str, ...] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
