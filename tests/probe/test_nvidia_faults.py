"""Every call of the driver's libraries fails in every way, and `probe` says what is left.

A host of two GPUs whose kernel driver and bus are visible as files; each case breaks one call: a
crash, a hang, or each code of the library's list. What the broken call does not touch has to be as
it is without the fault, and what it does touch must be right or not known, never wrong.
"""

import json
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import pynvml
import pytest
from tests.kit.nvml import tree
from tests.kit.nvml.stub import CUDA_CALLS, NVML_CALLS, StubGpu, StubHost, Stubs

from accelsel.model.profile import Profile
from accelsel.probe import probe
from accelsel.probe.host_world import HostWorld

Item = TypeVar("Item")
Answer = TypeVar("Answer")
GPUS = (
    StubGpu(
        name="NVIDIA GeForce RTX 3060",
        capability="8.6",
        device="2487",
        bus="0000:01:00.0",
        memory=12_884_901_888,
    ),
    StubGpu(
        name="NVIDIA H200",
        capability="9.0",
        device="2335",
        bus="0000:02:00.0",
        memory=150_754_820_096,
        mig=1,
        slices=("1g.18gb", "3g.71gb"),
    ),
)
TRUTH = [("10de:2487", "sm_86"), ("10de:2335", "sm_90")]
NVML_CODES = tuple(
    sorted(
        value
        for name, value in vars(pynvml).items()
        if name.startswith("NVML_ERROR_") and isinstance(value, int)
    )
)
CUDA_CODES = (1, 2, 3, 34, 35, 36, 46, 100, 101, 201, 801, 802, 803, 804, 999)
EFFECTS = ("crash", "hang")
NVML_EFFECTS: tuple[str | int, ...] = (*EFFECTS, *NVML_CODES)
CUDA_EFFECTS: tuple[str | int, ...] = (*EFFECTS, *CUDA_CODES)
LIMIT = 4.0  # seconds: the contract's worst case of a whole `detect`
# What hangs only waits, so many go at once; of the others as many as a small machine has room for.
WAITING, WORKING = 16, 3
# NVML's codes at initialisation that speak of the driver: it serves no GPU then, unless libcuda
# shows that it does. The others say nothing (3, 12, 13) or leave libcuda to answer.
NOT_LOADED, MISMATCH = 9, 18
# Of libcuda's, where NVML is absent: a stub is no driver, and every other code is a refusal.
STUB, CUDA_MISMATCH = 34, 803


@dataclass(frozen=True, kw_only=True)
class Case:
    call: str
    gpu: int
    effect: str | int

    def __str__(self) -> str:
        return f"{self.call}[{self.gpu}]={self.effect}"


@dataclass(frozen=True, kw_only=True)
class Outcome:
    case: Case
    seconds: float
    profile: Profile


def nvml_cases() -> Iterator[Case]:
    for call in NVML_CALLS:
        of_host = call.startswith(("nvmlInit", "nvmlSystem")) or "Count_v2" in call
        for effect in NVML_EFFECTS:
            yield Case(call=call, gpu=-1 if of_host else 1, effect=effect)


def cuda_cases() -> Iterator[Case]:
    for call in CUDA_CALLS:
        of_host = call in {"cuDriverGetVersion", "cuInit", "cuDeviceGetCount"}
        for effect in CUDA_EFFECTS:
            yield Case(call=call, gpu=-1 if of_host else 1, effect=effect)


def host_files(root: Path) -> Path:
    """The host's own files: it is not this machine, and not a container."""
    tree.driver(root, "580.65.06", [(gpu.bus, gpu.name) for gpu in GPUS])
    for gpu in GPUS:
        tree.card(root, gpu.bus, gpu.device, "nvidia")
    return root


def side_by_side(
    run: Callable[[Item], Answer], items: list[Item], case_of: Callable[[Item], Case]
) -> list[Answer]:
    hanging = [item for item in items if case_of(item).effect == "hang"]
    others = [item for item in items if case_of(item).effect != "hang"]
    with ThreadPoolExecutor(WAITING) as pool:
        answers = list(pool.map(run, hanging))
    with ThreadPoolExecutor(WORKING) as pool:
        return answers + list(pool.map(run, others))


def run_all(
    cases: list[Case], stubs: Stubs, folder: Path, libraries: tuple[str, ...]
) -> list[Outcome]:
    root = host_files(folder / "root")

    def run(numbered: tuple[int, Case]) -> Outcome:
        number, case = numbered
        # nvmlSystemGetCudaDriverVersion is reached only where the v2 call does not answer
        host = StubHost(
            cuda=0 if case.call == "nvmlSystemGetCudaDriverVersion" else 13000,
            gpus=GPUS,
            faults=((case.call, case.gpu, case.effect),),
        )
        environ = stubs.environ(host.write(folder / f"host-{number}"), libraries=libraries)
        started = time.monotonic()
        profile = probe(HostWorld(root=str(root), environ=environ))
        return Outcome(case=case, seconds=time.monotonic() - started, profile=profile)

    return side_by_side(run, list(enumerate(cases)), lambda numbered: numbered[1])


def wrong(outcome: Outcome) -> list[str]:
    """What must hold in every case."""
    profile = outcome.profile
    nvidia = profile.drivers.nvidia
    found = [(gpu.pci_id, gpu.arch) for gpu in profile.gpus]
    faults = []
    if outcome.seconds > LIMIT:
        faults.append(f"took {outcome.seconds:.1f} s")
    if found != TRUTH:
        faults.append(f"GPUs {found}")
    if nvidia is None or nvidia.version != "580.65.06":
        faults.append(f"driver {nvidia}")
    elif nvidia.cuda_version != "13.0":  # libcuda and the driver's branch say it as well
        faults.append(f"CUDA {nvidia.cuda_version}")
    names = [gpu.name for gpu in profile.gpus]
    if names != [gpu.name for gpu in GPUS]:  # the kernel's files have them too
        faults.append(f"names {names}")
    memory = [gpu.memory_bytes for gpu in profile.gpus]
    if any(size not in {gpu.memory, None} for size, gpu in zip(memory, GPUS, strict=False)):
        faults.append(f"memory {memory}")
    return faults


def kept(outcome: Outcome) -> list[str]:
    """What NVML said before or beside the broken call has to be NVML's own."""
    case, (first, second) = outcome.case, outcome.profile.gpus
    dead = case.effect in EFFECTS
    lost = set(NVML_CALLS[NVML_CALLS.index(case.call) :]) if dead else {case.call}
    needed = {"nvmlInitWithFlags", "nvmlDeviceGetCount_v2"}  # without these there is no GPU
    if needed & lost:
        return []
    handle = "nvmlDeviceGetHandleByIndex_v2"
    lost_first = lost if dead else set()
    lost_second = set(NVML_CALLS) if handle in lost else lost
    faults = []
    for gpu, gone in ((first, lost_first), (second, lost_second)):
        if "nvmlDeviceGetCudaComputeCapability" not in gone and gpu.arch_source != "nvml":
            faults.append(f"GPU {gpu.index}: architecture from {gpu.arch_source}")
        if "nvmlDeviceGetMemoryInfo" not in gone and gpu.memory_bytes is None:
            faults.append(f"GPU {gpu.index}: memory")
    if not any("Mig" in call for call in lost_second) and second.note is None:
        faults.append("GPU 1: slices")
    return faults


def report(name: str, outcomes: list[Outcome], problems: dict[Case, list[str]]) -> None:
    states = Counter(outcome.profile.state for outcome in outcomes)
    slowest = max(outcome.seconds for outcome in outcomes)
    print(f"\n{name}: {len(outcomes)} faults, slowest {slowest:.2f} s, states {dict(states)}")
    for case, faults in problems.items():
        print(f"  {case}: {'; '.join(faults)}")


def test_every_nvml_call_fails_in_every_way(stubs: Stubs, tmp_path: Path) -> None:
    cases = list(nvml_cases())
    outcomes = run_all(cases, stubs, tmp_path, ("nvml", "cuda"))
    problems = {o.case: p for o in outcomes if (p := wrong(o) or kept(o))}
    report("nvml", outcomes, problems)
    assert len(outcomes) == len(NVML_CALLS) * (len(NVML_CODES) + 2) >= 13 * 33
    assert not problems
    for outcome in outcomes:
        case, state = outcome.case, outcome.profile.state
        if case.call == "nvmlInitWithFlags" and case.effect == MISMATCH:
            assert state == "driver-mismatch", case
        elif case.call == "nvmlInitWithFlags" and case.effect == NOT_LOADED:
            assert state == "gpu-without-driver", case
        else:
            assert state == "usable", case


def test_every_libcuda_call_fails_in_every_way(stubs: Stubs, tmp_path: Path) -> None:
    """Without NVML, so that libcuda is what is asked."""
    cases = list(cuda_cases())
    outcomes = run_all(cases, stubs, tmp_path, ("cuda",))
    problems = {outcome.case: p for outcome in outcomes if (p := wrong(outcome))}
    report("libcuda", outcomes, problems)
    assert len(outcomes) == len(CUDA_CALLS) * (len(CUDA_CODES) + 2)
    assert not problems
    for outcome in outcomes:
        state, case = outcome.profile.state, outcome.case
        if case.call != "cuInit" or case.effect in {*EFFECTS, STUB}:
            assert state == "usable", case
        elif case.effect == CUDA_MISMATCH:
            assert state == "driver-mismatch", case
        else:
            assert state == "gpu-without-driver", case


@pytest.mark.parametrize("call", NVML_CALLS)
def test_a_library_without_the_symbol(stubs: Stubs, tmp_path: Path, call: str) -> None:
    root = host_files(tmp_path / "root")
    host = StubHost(gpus=GPUS).write(tmp_path / "host")
    profile = probe(HostWorld(root=str(root), environ=stubs.environ(host, lacks=call)))
    assert [(gpu.pci_id, gpu.arch) for gpu in profile.gpus] == TRUTH
    assert profile.state == "usable"
    assert profile.drivers.nvidia is not None
    assert profile.drivers.nvidia.cuda_version == "13.0"


def test_the_command_ends_well_whatever_crashes_or_hangs(stubs: Stubs, tmp_path: Path) -> None:
    """`accelsel detect` itself, on this machine's files: exit 0, one document."""

    def run(case: Case) -> tuple[Case, float, subprocess.CompletedProcess[str]]:
        host = StubHost(gpus=GPUS, faults=((case.call, case.gpu, case.effect),))
        environ = {**os.environ, **stubs.environ(host.write(tmp_path / str(case)))}
        command = (sys.executable, "-m", "accelsel.cli.main", "detect", "--format", "json")
        started = time.monotonic()
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=False)
        return case, time.monotonic() - started, done

    cases = [case for case in nvml_cases() if case.effect in EFFECTS]
    outcomes = side_by_side(run, cases, lambda case: case)
    assert len(outcomes) == 2 * len(NVML_CALLS)
    for case, seconds, done in outcomes:
        assert done.returncode == 0, (str(case), done.stderr)
        assert seconds < 2 * LIMIT, str(case)  # a dozen interpreters start at the same time
        document = json.loads(done.stdout)
        assert document["schema"] == "accelsel.profile/1"
        first = NVML_CALLS.index(case.call) <= NVML_CALLS.index("nvmlDeviceGetCount_v2")
        assert len(document["gpus"]) == 2 or first, str(case)


def test_no_process_is_left(stubs: Stubs, tmp_path: Path) -> None:
    mark = tmp_path / "host"
    StubHost(gpus=GPUS, faults=(("nvmlDeviceGetName", 0, "hang"),)).write(mark)
    probe(HostWorld(root=str(tmp_path), environ=stubs.environ(mark)), deadline=0.5)
    left = [
        entry.name
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and f"STUB_HOST={mark}" in _environ(entry)
    ]
    assert left == []


def _environ(process: Path) -> str:
    try:
        return (process / "environ").read_bytes().decode("utf-8", "replace")
    except OSError:
        return ""


def test_this_process_is_not_the_one_that_crashes(stubs: Stubs, tmp_path: Path) -> None:
    host = StubHost(gpus=GPUS, faults=(("nvmlInitWithFlags", -1, "crash"),))
    environ = stubs.environ(host.write(tmp_path / "host"))
    before = os.getpid()
    probe(HostWorld(root=str(tmp_path), environ=environ), deadline=1.0)
    assert os.getpid() == before
