"""NVIDIA's libraries as a described host would have them, compiled where a test needs them."""

import subprocess
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

HERE = Path(__file__).parent
SONAMES = {"nvml": "libnvidia-ml.so.1", "cuda": "libcuda.so.1"}

# In the order in which a probe makes them. Those of the second half need a GPU in MIG mode.
NVML_HOST_CALLS = ("nvmlInitWithFlags", "nvmlSystemGetDriverVersion", "nvmlDeviceGetCount_v2")
NVML_CALLS = (
    *NVML_HOST_CALLS,
    "nvmlDeviceGetHandleByIndex_v2",
    "nvmlDeviceGetCudaComputeCapability",
    "nvmlDeviceGetPciInfo_v3",
    "nvmlSystemGetCudaDriverVersion_v2",
    "nvmlSystemGetCudaDriverVersion",
    "nvmlDeviceGetName",
    "nvmlDeviceGetMemoryInfo",
    "nvmlDeviceGetMigMode",
    "nvmlDeviceGetMaxMigDeviceCount",
    "nvmlDeviceGetMigDeviceHandleByIndex",
)
CUDA_CALLS = (
    "cuDriverGetVersion",
    "cuInit",
    "cuDeviceGetCount",
    "cuDeviceGet",
    "cuDeviceGetAttribute",
    "cuDeviceGetPCIBusId",
    "cuDeviceGetName",
    "cuDeviceTotalMem_v2",
)


@dataclass(frozen=True, kw_only=True)
class StubGpu:
    """`mig` 1 is on, 2 off, 0 not supported; a capability, id or memory of nothing is refused."""

    name: str
    capability: str = "0.0"
    device: str = "0000"
    bus: str = "0000:01:00.0"
    memory: int = 0
    mig: int = 0
    slices: tuple[str, ...] = ()

    def line(self) -> str:
        number = f"0x{self.device}10de" if self.device != "0000" else "0"
        values = (number, self.capability, self.bus, self.memory, self.mig, ",".join(self.slices))
        return "gpu " + "|".join(map(str, (*values, self.name)))


@dataclass(frozen=True, kw_only=True)
class StubHost:
    """`faults` are (call, GPU or -1 for all, `crash`, `hang` or a code of the library)."""

    driver: str = "580.65.06"
    cuda: int = 13000
    gpus: tuple[StubGpu, ...] = ()
    faults: tuple[tuple[str, int, str | int], ...] = ()

    def write(self, path: Path) -> Path:
        lines = [f"driver {self.driver}", f"cuda {self.cuda}"]
        lines += [gpu.line() for gpu in self.gpus]
        lines += [f"fault {call} {gpu} {effect}" for call, gpu, effect in self.faults]
        path.write_text("\n".join(lines) + "\n")
        return path


class Stubs:
    """The compiled libraries below `folder`, one folder per choice of libraries and symbols."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._lock = Lock()
        for source in SONAMES:
            _gcc("-O1", "-fPIC", "-w", "-c", HERE / f"{source}.c", "-o", folder / f"{source}.o")

    def path(self, libraries: Iterable[str] = ("nvml", "cuda"), lacks: str = "") -> Path:
        """A folder for LD_LIBRARY_PATH that holds these libraries, without the symbol `lacks`."""
        chosen = tuple(sorted(libraries))
        folder = self._folder / ("-".join((*chosen, lacks)) or "none")
        with self._lock:
            if not folder.exists():
                self._link(folder, chosen, lacks)
        return folder

    def _link(self, folder: Path, libraries: Iterable[str], lacks: str) -> None:
        folder.mkdir()
        hidden = f"local: {lacks};" if lacks else ""
        script = folder / "map"
        script.write_text(f"{{ global: *; {hidden} }};\n")
        for name in libraries:
            flags = (f"-Wl,-soname,{SONAMES[name]}", f"-Wl,--version-script={script}")
            _gcc("-shared", *flags, self._folder / f"{name}.o", "-o", folder / SONAMES[name])

    def environ(
        self,
        host: Path,
        *,
        libraries: Iterable[str] = ("nvml", "cuda"),
        lacks: str = "",
        path: str = "/nowhere",
    ) -> Mapping[str, str]:
        """What a process needs to see the host that the file describes; PATH is `path` alone."""
        folder = self.path(libraries, lacks)
        return {"LD_LIBRARY_PATH": str(folder), "STUB_HOST": str(host), "PATH": path}


def _gcc(*arguments: str | Path) -> None:
    subprocess.run(["gcc", *arguments], check=True)  # noqa: S607  the system's own compiler
