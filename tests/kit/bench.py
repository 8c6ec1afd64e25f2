"""`make bench`: start-up as ratios to `python -c pass`, measured alternately in one run.

Every command is a whole process; ratios are of medians. Nothing here is a test: machines differ,
ratios much less.
"""

import compileall
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from accelsel.model.profile import Profile

ROOT = Path(__file__).resolve().parents[2]
RUNS = int(os.environ.get("BENCH_RUNS", "15"))
MIB = 1024  # /proc counts in KiB


def environment() -> dict[str, str]:
    """The environment as a user has it: bytecode is used, no accelsel variable is set."""
    skip = ("ACCELSEL_", "UV_", "PYTHONDONTWRITEBYTECODE", "CONDA_OVERRIDE", "NV_VARIANT")
    return {k: v for k, v in os.environ.items() if not k.startswith(skip)}


def alternate(
    commands: Mapping[str, Sequence[str]], cwd: Path, env: Mapping[str, str] | None = None
) -> dict[str, float]:
    """Median seconds of each command, all run in turns so that noise hits all alike."""
    seen: dict[str, list[float]] = {name: [] for name in commands}
    for turn in range(RUNS + 1):
        for name, argv in commands.items():
            start = time.perf_counter()
            subprocess.run(argv, cwd=cwd, env=environment() | dict(env or {}), check=True,
                           capture_output=True)  # fmt: skip
            if turn:  # the first turn warms caches
                seen[name].append(time.perf_counter() - start)
    return {name: statistics.median(runs) for name, runs in seen.items()}


def peak(command: Sequence[str]) -> float:
    """Peak resident memory in MiB of a command, as the kernel counts it for that process alone."""
    code = (
        "import sys\nfrom accelsel.cli.main import run\n"
        f"run({list(command)!r})\n"
        "line = next(l for l in open('/proc/self/status') if l.startswith('VmHWM'))\n"
        "print(line.split()[1], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=environment()
    )
    return int(done.stderr.split()[-1]) / MIB


def project(folder: Path, lines: int) -> Path:
    """A pinned project of about `lines` lines."""
    path = folder / "pyproject.toml"
    names = "".join(f'    "package-{n}>={n}.0",\n' for n in range(lines - 40))
    path.write_text(
        '[project]\nname = "bench"\nversion = "1.0"\nrequires-python = ">=3.11"\n'
        f'dependencies = [\n    "torch>=2.6",\n    "torchvision",\n{names}]\n',
        encoding="utf-8",
    )
    profile = ROOT / "fixtures/hosts/rtx-3060-gtx-1050-580/profile.json"
    pin = [*accelsel(), "pin", "--write", "--profile", str(profile), str(path)]
    subprocess.run(pin, check=True, env=environment(), capture_output=True)
    return path


def accelsel() -> list[str]:
    """The installed console script, as users run it."""
    return [str(Path(sys.executable).with_name("accelsel"))]


def mixed(count: int) -> "list[Profile]":
    """Profiles of the described hosts, each with up to four GPUs of any of them."""
    from accelsel.ports.parse import profile

    files = sorted((ROOT / "fixtures/hosts").glob("*/profile.json"))
    hosts = [profile(path.read_text(encoding="utf-8"), str(path)) for path in files]
    gpus = [gpu for host in hosts for gpu in host.gpus]
    chance = random.Random(count)  # noqa: S311  the same ones in every run

    def one() -> "Profile":
        taken = enumerate(chance.sample(gpus, chance.randint(0, 4)))
        return replace(
            chance.choice(hosts), gpus=tuple(replace(gpu, index=at) for at, gpu in taken)
        )

    return [one() for _ in range(count)]


def in_process() -> dict[str, float]:
    """Median milliseconds of loading the table and of one `select`; seconds of a thousand."""
    from accelsel.knowledge import load
    from accelsel.model.request import Request
    from accelsel.ports.parse import profile
    from accelsel.rules import select

    host = ROOT / "fixtures/hosts/rtx-3060-gtx-1050-580/profile.json"
    value = profile(host.read_text(encoding="utf-8"), str(host))
    tables = load()

    def median(work: Callable[[], object], runs: int) -> float:
        times = []
        for _ in range(runs):
            start = time.perf_counter()
            work()
            times.append((time.perf_counter() - start) * 1000)
        return statistics.median(times)

    code = "import time; from accelsel.knowledge import load; t=time.perf_counter(); load();"
    code += "print((time.perf_counter()-t)*1000)"
    loads = [
        float(subprocess.check_output([sys.executable, "-c", code], env=environment()))
        for _ in range(7)
    ]
    many = mixed(1_000)
    start = time.perf_counter()
    for one in many:
        select(one, Request(), tables)
    return {
        "load the table": statistics.median(loads),
        "select": median(lambda: select(value, Request(), tables), 101),
        "select, 1,000 mixed hosts": (time.perf_counter() - start) * 1000,
    }


def main() -> None:
    compileall.compile_dir(ROOT / "src", quiet=1)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        path = project(folder, 200)
        commands: dict[str, Sequence[str]] = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "accelsel --version": [*accelsel(), "--version"],
            "accelsel detect --format json": [*accelsel(), "detect", "--format", "json"],
            "accelsel --help": [*accelsel(), "--help"],
            "accelsel pin --check (200 lines)": [*accelsel(), "pin", "--check", str(path)],
        }
        goals = {"--version": 3, "detect": 6, "--help": 8, "pin": 10}
        results = alternate(commands, folder)
    bare = results["python -c pass"]
    print(f"medians of {RUNS} alternating runs; python -c pass takes {bare * 1000:.1f} ms here")
    print(f"{'command':36}{'ratio':>7}{'goal':>7}")
    for name, seconds in results.items():
        goal = next((str(g) for word, g in goals.items() if f"accelsel {word}" in name), "")
        print(f"{name:36}{seconds / bare:7.1f}{goal:>7}")
    memory = peak(["detect", "--format", "json"])
    print(f"{'peak memory of detect':36}{memory:7.1f} MiB, goal 45 MiB")
    for name, milliseconds in in_process().items():
        goal = {"load the table": "25", "select": "5"}.get(name, "5000")
        print(f"{name + ', in process':40}{milliseconds:8.2f} ms, goal {goal} ms")


if __name__ == "__main__":
    main()
