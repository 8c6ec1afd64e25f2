"""`make bench`, second part: the overhead of `accelsel uv`, and how fast an environment is read.

Ratios of medians of alternating runs, as in `tests.kit.bench`.
"""

import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.kit.bench import accelsel, alternate, environment
from tests.kit.environments import package_files
from tests.kit.replay import Replay

UV = str(Path(sys.executable).with_name("uv"))
DISTRIBUTIONS = 400
# What is around torch in such an environment, and how many files each brings.
NEAR = 30
PROJECT = """\
[project]
name = "bench"
version = "1"
requires-python = ">=3.11"
dependencies = ["torch>=2.6"]
"""


def filled(folder: Path) -> Path:
    """A real environment whose 400 distributions are metadata only: torch with 13,000 files, 30
    neighbours with 1,500 each."""
    subprocess.run([UV, "venv", "-q", "--python", sys.executable, folder], check=True,
                   env=environment())  # fmt: skip
    [site] = (folder / "lib").glob("python3*/site-packages")
    rows = [{"name": "torch", "version": "2.14.1+cu126", "requires": ["filelock"]}]
    rows += [{"name": f"near{n}", "version": "1.0", "requires": ["torch>=2"]} for n in range(NEAR)]
    rest = DISTRIBUTIONS - len(rows)
    rows += [{"name": f"other{n}", "version": "1.0", "requires": ["numpy"]} for n in range(rest)]
    for row in rows:
        name = str(row["name"])
        count = 13_000 if name == "torch" else 1_500 if name.startswith("near") else 60
        owns = {f"{name}/part/module{n}.py": f"{n:043d}" for n in range(count)}
        for path, text in package_files({**row, "owns": owns}, str(site)).items():
            Path(path).parent.mkdir(parents=True, exist_ok=True)
            Path(path).write_text(text + "x" * 8_000 if path.endswith("METADATA") else text)
    return folder


def scanned(folder: Path) -> float:
    """Median seconds of one scan in a process that does nothing else before."""
    code = (
        "import time\nfrom accelsel.probe.host_world import HostWorld\n"
        "from accelsel.probe.installed import Location, scan\n"
        f"place = Location(root={str(folder)!r}, chosen='--python')\n"
        "start = time.perf_counter()\nfound = scan(HostWorld(), place)\n"
        "print(time.perf_counter() - start, len(found.packages))"
    )
    times = []
    for _ in range(9):
        done = subprocess.run(
            [sys.executable, "-c", code], check=True, capture_output=True, text=True,
            env=environment(),
        )  # fmt: skip
        seconds, count = done.stdout.split()
        assert int(count) == DISTRIBUTIONS
        times.append(float(seconds))
    return sorted(times)[len(times) // 2]


def wrapped(folder: Path) -> dict[str, float]:
    """Medians of uv and of `accelsel uv`, alone and on a project with several backends."""
    (folder / "pyproject.toml").write_text(PROJECT)
    facts = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_61", "UV": UV}
    with Replay() as replay:
        env = {**replay.environment(folder / "cache"), **facts}
        mirrors = [word for mirror in replay.mirrors for word in ("--mirror", mirror)]
        for words in (
            [*accelsel(), "pin", "--write", "--lock", "--backends", "cpu,cu126", *mirrors],
            [*accelsel(), "uv", "sync", "-q"],
        ):
            subprocess.run(words, cwd=folder, check=True, capture_output=True,
                           env=environment() | env)  # fmt: skip
        ours, group = [*accelsel(), "uv"], ["--no-group", "cpu", "--group", "cu126"]
        commands: dict[str, Sequence[str]] = {
            "python": [sys.executable, "-c", "pass"],
            "uv --version": [UV, "--version"],
            "accelsel uv --version": [*ours, "--version"],
            "uv sync": [UV, "sync", "-q", *group],
            "accelsel uv sync": [*ours, "sync", "-q"],
        }
        return alternate(commands, folder, env)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for part in ("environment", "project"):
            (folder / part).mkdir()
        venv = filled(folder / "environment" / "venv")
        listed = alternate({"list": [UV, "pip", "list", "--python", str(venv)]}, folder)["list"]
        ratio = scanned(venv) / listed
        print(f"{'scan of 400 distributions':36}{ratio:7.1f} uv pip list, goal 4")
        seen = wrapped(folder / "project")
    bare = seen["python"]
    for name, goal in (("uv --version", 8), ("uv sync", 10)):
        over = (seen[f"accelsel {name}"] - seen[name]) / bare
        print(f"{f'accelsel {name}, over uv':36}{over:7.1f} goal {goal}")


if __name__ == "__main__":
    main()
