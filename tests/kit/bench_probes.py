"""How long a host's GPUs take to find: `accelsel detect` with none, one and eight, and its peers.

GPUs are faked through the driver's own ABI (tests/kit/nvml); nvidia-smi and lspci, which the peers
ask, are scripts that print what the real ones would. The peers come from the default index into an
environment of their own and are left out where it cannot be reached.
"""

import os
import statistics
import subprocess
import sys
import sysconfig
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.kit.nvml.stub import StubGpu, StubHost, Stubs

RUNS = int(os.environ.get("BENCH_RUNS", "15"))
PEERS: Mapping[str, tuple[str, str]] = {
    "torchruntime, get_gpus": (
        "torchruntime",
        "from torchruntime.device_db import get_gpus; get_gpus()",
    ),
    "light-the-torch, backends": (
        "light-the-torch",
        "from light_the_torch._cb import detect_compatible_computation_backends as d; d()",
    ),
    "comfy-cli, CUDA version only": (
        "comfy-cli",
        "from comfy_cli.cuda_detect import detect_cuda_driver_version as d; d()",
    ),
}
# What accelsel asks of nvidia-ml-py, with nothing around it: the library's own time.
LIBRARY = """
import sys
sys.path.append(sys.argv[1])
import pynvml as nvml
nvml.nvmlInitWithFlags(1)
nvml.nvmlSystemGetDriverVersion()
nvml.nvmlSystemGetCudaDriverVersion_v2()
for index in range(nvml.nvmlDeviceGetCount()):
    gpu = nvml.nvmlDeviceGetHandleByIndex(index)
    nvml.nvmlDeviceGetCudaComputeCapability(gpu)
    nvml.nvmlDeviceGetPciInfo_v3(gpu)
    nvml.nvmlDeviceGetName(gpu)
    nvml.nvmlDeviceGetMemoryInfo(gpu)
"""
SMI = """#!/bin/sh
case "$*" in
  *driver_version*) printf 'driver_version\\n580.65.06\\n' ;;
  *) echo '| NVIDIA-SMI 580.65.06    Driver Version: 580.65.06    CUDA Version: 13.0 |' ;;
esac
"""
LSPCI = """#!/bin/sh
echo '01:00.0 VGA compatible controller [0300]: NVIDIA Corporation GA104 [10de:2487] (rev a1)'
"""


def environment(**more: str) -> dict[str, str]:
    """As a user has it: bytecode is used, no accelsel variable is set."""
    skip = ("ACCELSEL_", "UV_", "PYTHONDONTWRITEBYTECODE", "CONDA_OVERRIDE", "NV_VARIANT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(skip)}
    return {**kept, **more}


def faked(stubs: Stubs, folder: Path, count: int) -> dict[str, str]:
    """The environment of a host with that many GPUs."""
    gpus = tuple(
        StubGpu(
            name="NVIDIA H100",
            capability="9.0",
            device="2330",
            bus=f"0000:{0x18 + number:02x}:00.0",
            memory=80 << 30,
            mig=2,
        )
        for number in range(count)
    )
    tools = folder / "tools"
    tools.mkdir(exist_ok=True)
    for name, text in (("nvidia-smi", SMI), ("lspci", LSPCI)):
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    host = StubHost(gpus=gpus).write(folder / f"host-{count}")
    path = f"{tools}{os.pathsep}{os.environ['PATH']}"
    return environment(**{**stubs.environ(host), "PATH": path})


def peers(folder: Path) -> tuple[Path | None, str]:
    """An interpreter that has the peers, and why there is none."""
    uv = Path(sys.executable).with_name("uv")
    python = folder / "peers" / "bin" / "python"
    names = [name for name, _ in PEERS.values()]
    steps: tuple[Sequence[str | Path], ...] = (
        (uv, "venv", "--quiet", "--python", sys.executable, folder / "peers"),
        (uv, "pip", "install", "--quiet", "--compile-bytecode", "--python", python, *names),
    )
    for command in steps:
        done = subprocess.run(
            command, env=environment(), capture_output=True, text=True, check=False
        )
        if done.returncode:
            return None, done.stderr.strip().splitlines()[-1]
    return python, ""


Command = tuple[Sequence[str | Path], Mapping[str, str]]


def alternate(commands: Mapping[str, Command]) -> dict[str, float]:
    """Median seconds of each command, run in turns; the first turn only warms caches."""
    seen: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(RUNS + 1):
        for name, (argv, environ) in commands.items():
            started = time.perf_counter()
            subprocess.run(argv, env=environ, capture_output=True, check=False)
            if turn:
                seen[name].append(time.perf_counter() - started)
    return {name: statistics.median(runs) for name, runs in seen.items()}


def main() -> None:
    python = sys.executable
    detect = (Path(python).with_name("accelsel"), "detect", "--format", "json")
    isolated = (python, "-I", "-S", "-c")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stubs = Stubs(folder)
        one, eight = (faked(stubs, folder, count) for count in (1, 8))
        bindings = sysconfig.get_path("purelib")
        commands: dict[str, Command] = {
            "python -c pass": ((python, "-c", "pass"), environment()),
            "accelsel detect, no GPU": (detect, environment()),
            "accelsel detect, one GPU": (detect, one),
            "accelsel detect, eight GPUs": (detect, eight),
            "python -I -S -c pass": ((*isolated, "pass"), environment()),
            "nvidia-ml-py alone, eight": ((*isolated, LIBRARY, bindings), eight),
        }
        interpreter, reason = peers(folder)
        if interpreter:
            peer = {label: ((interpreter, "-c", code), one) for label, (_, code) in PEERS.items()}
            commands.update(peer)
        results = alternate(commands)
    bare, none = results["python -c pass"], results["accelsel detect, no GPU"]
    library = results["nvidia-ml-py alone, eight"] - results["python -I -S -c pass"]
    print(f"medians of {RUNS} alternating runs; python -c pass takes {bare * 1000:.1f} ms here")
    for label, seconds in results.items():
        print(f"{label:36}{seconds * 1000:8.1f} ms{seconds / bare:7.1f}")
    limit = 1.6 * none + library
    print(f"{'goal with GPUs: 1.6 x none + library':36}{limit * 1000:8.1f} ms{limit / bare:7.1f}")
    if interpreter is None:
        print(f"peers left out: {reason}")


if __name__ == "__main__":
    main()
