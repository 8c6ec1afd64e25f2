"""Packages around torch x torch releases x backends, pinned, locked and laid out with the real uv.

`python -m tests.kit.companions` prints the table, with the refusals counted by cause, and holds it
to what is published (`tests.kit.published`): for the newest torch releases, and for older ones.
"""

import os
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path

from tests.kit.published import published
from tests.kit.replay import Replay

from accelsel.knowledge import companions, load
from accelsel.model.plan import PinOptions
from accelsel.model.profile import NvidiaDriver, Profile
from accelsel.model.request import Request
from accelsel.model.selection import Selection
from accelsel.ports import parse
from accelsel.project.plan import plan
from accelsel.project.read import read
from accelsel.project.render import render
from accelsel.rules import select
from accelsel.rules.companions_answer import constraints

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
# the fixture host on which a backend is tried, by what its name begins with
HOST_OF = {
    "cpu": "no-gpu", "cu": "h100-525", "rocm": "mi300x", "amd": "rx-7900-xtx", "xpu": "arc-a770",
}  # fmt: skip
BACKENDS = ("cpu", "cu126", "cu130", "rocm7.2", "amd", "xpu")
TORCHES = ("2.15.0", "2.14.1", "2.14.0", "2.13.0")
OLDER = (
    "2.12.1", "2.12.0", "2.11.0", "2.10.0", "2.9.1", "2.9.0", "2.8.0", "2.7.1", "2.7.0", "2.6.0",
)  # fmt: skip
# the indexes of finished wheels that a pair may need, by their host
PREBUILT = {"wheels.vllm.ai": "vllm"}
NAMES = (
    "torchvision", "torchaudio", "torchtext", "torchao", "torchcodec", "torch-tensorrt",
    "xformers", "triton", "triton-rocm", "triton-xpu", "triton-windows", "flash-attn",
    "flash-attn-3", "flash-attn-4", "deepspeed", "bitsandbytes", "vllm", "sglang", "tensorrt-llm",
    "nvidia-modelopt", "transformer-engine", "mamba-ssm", "causal-conv1d", "natten", "gsplat",
    "flashinfer-python", "deep-gemm", "fbgemm-gpu", "pyg-lib", "torch-scatter", "torch-sparse",
    "torch-cluster", "torch-spline-conv", "torch-geometric",
)  # fmt: skip
PYTHONS = ">=3.11,<3.13"
# what is locked has a file for this machine, whose system is newer than all that has a floor
LAID_OUT = (
    "sync",
    "--quiet",
    "--frozen",
    "--dry-run",
    "--python-platform",
    "x86_64-manylinux_2_39",
)
UV = os.environ.get("ACCELSEL_TEST_UV") or str(Path(sys.executable).with_name("uv"))


@dataclass(frozen=True, kw_only=True)
class Cell:
    """What became of one pairing: `locked`; `refused` with the cause; `no torch` where the backend
    has no such release; `failed` with uv's text."""

    torch: str
    backend: str
    name: str
    outcome: str
    detail: str = ""


def host(backend: str) -> Profile:
    """The host for a backend; an H100 has a driver for CUDA 13."""
    named = next(name for begin, name in HOST_OF.items() if backend.startswith(begin))
    path = HOSTS / named / "profile.json"
    profile = parse.profile(path.read_text(encoding="utf-8"), str(path))
    if profile.drivers.nvidia is None:
        return profile
    driver = NvidiaDriver(version="580.65.06", cuda_version="13.0", source="nvml")
    return replace(profile, drivers=replace(profile.drivers, nvidia=driver))


def cells(
    pairs: Sequence[tuple[str, str]],
    names: Sequence[str],
    replay: Replay | None,
    cache: Path,
) -> Iterator[Cell]:
    """Every package beside every (torch, backend), in order; without a replay uv is not asked, and
    what was selected counts as locked."""
    tasks = [(torch, backend, name) for torch, backend in pairs for name in names]
    with ThreadPoolExecutor(max_workers=os.cpu_count() or 1) as pool:
        yield from pool.map(lambda one: cell(one[0], one[1], one[2], replay, cache), tasks)


def cell(torch: str, backend: str, name: str, replay: Replay | None, cache: Path) -> Cell:
    tables, profile = load(), host(backend)
    request = Request(
        torch=f"=={torch}", backend=backend, requires_python=PYTHONS, platform="linux-x86_64"
    )
    alone = select(profile, request, tables)
    if alone.outcome == "none":
        return Cell(torch=torch, backend=backend, name=name, outcome="no torch")
    request = replace(request, companions=(name,), prebuilt=_prebuilt(name, torch, backend))
    selection = select(profile, request, tables)
    if selection.outcome == "none":
        cause = _cause(name, torch, backend, profile)
        return Cell(torch=torch, backend=backend, name=name, outcome="refused", detail=cause)
    said = _lock(selection, torch, name, replay, cache) if replay else ""
    outcome = "failed" if said else "locked"
    return Cell(torch=torch, backend=backend, name=name, outcome=outcome, detail=said)


def _prebuilt(name: str, torch: str, backend: str) -> tuple[str, ...]:
    """The indexes of finished wheels to choose where no other place has the package."""
    hosts = {one.where.partition("/")[0] for one in published(name, torch, backend)}
    return tuple(PREBUILT[one] for one in hosts) if hosts and hosts <= PREBUILT.keys() else ()


def builds(torches: Sequence[str]) -> list[tuple[str, str]]:
    """The (torch, backend) of PyTorch's indexes and AMD's that are published for Linux x86-64."""
    found = {
        (row.torch, row.backend): None
        for row in load().builds
        if row.platform == "linux-x86_64" and row.published and row.channel == "stable"
        if row.backend.startswith(tuple(HOST_OF))
    }
    return [pair for torch in torches for pair in found if pair[0] == torch]


def contradictions(found: Sequence[Cell]) -> list[str]:
    """Where the rules and what is published disagree: a published pair that does not lock, a
    refused pair that is published."""
    lines = []
    for one in found:
        where = published(one.name, one.torch, one.backend)
        if where and one.outcome not in ("locked", "no torch"):
            shown = f"{where[-1].version} on {where[-1].where}"
            lines.append(
                f"{one.name} with torch {one.torch}, {one.backend}: {one.outcome} by {one.detail}, "
                f"and published ({shown})"
            )
    return lines


def _cause(name: str, torch: str, backend: str, profile: Profile) -> str:
    tables = load()
    (build,) = [
        row
        for row in tables.builds
        if (row.torch, row.backend, row.platform) == (torch, backend, "linux-x86_64")
    ]
    row = tables.backends[backend]
    answer = constraints(
        (name,),
        build=build,
        backend=row,
        index=row.indexes.get("stable"),
        table=companions.load(),
        python="3.12",
        archs=tuple(gpu.arch for gpu in profile.gpus if gpu.arch),
        exceptions=tables.exceptions,
    )
    return answer.refusals[0].cause if answer.refusals else "family"


def _lock(selection: Selection, torch: str, name: str, replay: Replay, cache: Path) -> str:
    """What uv says where it cannot lock the pinned project, or install that; "" where it can."""
    text = (
        '[project]\nname = "p"\nversion = "0"\n'
        f'requires-python = "{PYTHONS}"\ndependencies = ["torch=={torch}", "{name}"]\n'
    )
    mirrors = tuple(
        (source, target) for source, _, target in (one.partition("=") for one in replay.mirrors)
    )
    planned = plan(read(text), (selection,), PinOptions(mirrors=mirrors))
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "pyproject.toml").write_text(render(text, planned), encoding="utf-8")
        skipped = ("UV_", "VIRTUAL_ENV", "CONDA_")
        env = {key: value for key, value in os.environ.items() if not key.startswith(skipped)}
        for each in (("lock", "--quiet"), LAID_OUT):
            done = subprocess.run(
                [UV, *each],
                cwd=folder,
                env={**env, "HOME": folder, **replay.environment(cache)},
                capture_output=True,
                text=True,
                check=False,
                timeout=120,
            )
            if done.returncode:
                return done.stderr.strip() or "failed without a word"
    return ""


def table(found: Sequence[Cell]) -> str:
    """One line a package, one column a backend, one letter a release; then the counts."""
    letters = {"locked": "+", "refused": "-", "no torch": ".", "failed": "!"}
    marks = {(one.name, one.backend, one.torch): letters[one.outcome] for one in found}
    width = 2 + max(len({one.torch for one in found}), 7)
    torches = tuple(dict.fromkeys(one.torch for one in found))
    backends = tuple(dict.fromkeys(one.backend for one in found))
    lines = [
        f"+ locked, - refused, . no such torch, ! failed; in order: torch {', '.join(torches)}",
        f"{'':20}" + "".join(f"{backend:>{width}}" for backend in backends),
    ]
    for name in dict.fromkeys(one.name for one in found):
        row = [
            "".join(marks.get((name, backend, torch), ".") for torch in torches)
            for backend in backends
        ]
        lines.append(f"{name:20}" + "".join(f"{part:>{width}}" for part in row))
    return "\n".join([*lines, "", *_counts(found)])


def _counts(found: Sequence[Cell]) -> list[str]:
    outcomes: Mapping[str, int] = Counter(one.outcome for one in found)
    causes: Mapping[str, int] = Counter(one.detail for one in found if one.outcome == "refused")
    lines = [f"{count:5} {outcome}" for outcome, count in sorted(outcomes.items())]
    lines += [f"{count:9} by {cause}" for cause, count in sorted(causes.items())]
    failed = [one for one in found if one.outcome == "failed"]
    lines += [f"{one.name} with torch {one.torch}, {one.backend}: {one.detail}" for one in failed]
    return lines


def main() -> int:
    """Zero where nothing fails and nothing contradicts what is published."""
    newest = [(torch, backend) for torch in TORCHES for backend in (*BACKENDS, "cu132")]
    wrong: list[str] = []
    with Replay() as replay, tempfile.TemporaryDirectory() as cache:
        for pairs in (newest, builds(OLDER)):
            found = tuple(cells(pairs, NAMES, replay, Path(cache)))
            print(table(found), end="\n\n")
            against = contradictions(found)
            there = [one for one in found if one.outcome != "no torch"]
            seen = sum(bool(published(one.name, one.torch, one.backend)) for one in there)
            print(f"{seen:5} published pairs, {len(against)} contradictions", *against, sep="\n")
            print()
            wrong += [*against, *(one.detail for one in found if one.outcome == "failed")]
    return int(bool(wrong))


if __name__ == "__main__":
    sys.exit(main())
