"""`make bench`, third part: `pin` of large projects beside uv's own `uv lock --check` of them.

Ratios of medians of alternating runs, as in `tests.kit.bench`. Both answer from the files alone:
the lock is there and right, the host is a saved profile.
"""

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from pathlib import Path

from tests.kit.bench import ROOT, accelsel, alternate, environment
from tests.kit.bench_kept import UV
from tests.kit.replay import Replay
from tests.kit.replay_catalog import DEFAULT, Catalog, Dist
from tests.kit.replay_fixtures import load

PROFILE = str(ROOT / "fixtures/hosts/rtx-3060-gtx-1050-580/profile.json")
LINES = 2_000
MEMBERS = 200
GOAL = 3
# A lock of 21 packages that torch is used with held 263 packages with 3,908 wheels (2026-11-20).
WHEELS = tuple(
    f"cp3{minor}-cp3{minor}-{platform}"
    for minor in (11, 12, 13, 14)
    for platform in (
        "manylinux_2_28_x86_64", "manylinux_2_28_aarch64",
        "macosx_11_0_arm64", "win_amd64",
    )
)  # fmt: skip


def catalog(count: int) -> Catalog:
    """The replayed indexes, and on the default one `count` packages of no interest, with as many
    wheels each as the packages of a real lock have on the average."""
    filled = load()
    for n in range(count):
        filled.add(Dist(index=DEFAULT, name=f"package-{n}", version="1.0", wheels=WHEELS))
    return filled


def project(folder: Path) -> int:
    """A project of `LINES` lines: half of them requirements, of which the torch family is two, the
    rest the settings of its tools. How many packages it requires."""
    names = [f"package-{n}" for n in range(LINES // 2)]
    plain, extra, group = (_lines([f"{name}>=1" for name in names[n::3]]) for n in range(3))
    family = _lines(["torch>=2.6", "torchvision"])
    text = '[project]\nname = "bench"\nversion = "1"\nrequires-python = ">=3.11"\n'
    text += f"dependencies = [\n{family}{plain}]\n"
    text += f"\n[project.optional-dependencies]\nmore = [\n{extra}]\n"
    text += f"\n[dependency-groups]\ndev = [\n{group}]\n"
    table = 0
    while text.count("\n") < LINES:
        table += 1
        text += f'\n# About {table}.\n[tool.other.part-{table}]\nname = "part {table}"\n'
        text += f'select = [\n    "A{table}",\n    "B{table}",  # needed\n]\nlevel = {table}\n'
    (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return len(names)


def _lines(items: Sequence[str]) -> str:
    return "".join(f'    "{item}",\n' for item in items)


def workspace(folder: Path) -> int:
    """A workspace of `MEMBERS` members, every fifth of which needs torch."""
    (folder / "pyproject.toml").write_text(
        '[project]\nname = "root"\nversion = "1"\nrequires-python = ">=3.11"\ndependencies = []\n'
        '\n[tool.uv.workspace]\nmembers = ["packages/*"]\n',
        encoding="utf-8",
    )
    for n in range(MEMBERS):
        member = folder / "packages" / f"member-{n}"
        member.mkdir(parents=True)
        torch = '"torch>=2.6", ' if n % 5 == 0 else ""
        (member / "pyproject.toml").write_text(
            f'[project]\nname = "member-{n}"\nversion = "1"\nrequires-python = ">=3.11"\n'
            f'dependencies = [{torch}"package-{n}"]\n',
            encoding="utf-8",
        )
    return MEMBERS


def measured(folder: Path, count: int) -> dict[str, float]:
    """Medians in seconds of `uv lock --check` and of `pin` in the locked project `folder`."""
    cache = folder.parent / f"{folder.name}-cache"
    with Replay(catalog(count)) as replay:
        env = replay.environment(cache)
        mirrors = [word for mirror in replay.mirrors for word in ("--mirror", mirror)]
        pin = [*accelsel(), "pin", "--profile", PROFILE, *mirrors]
        subprocess.run([*pin, "--write", "--lock"], cwd=folder, check=True, capture_output=True,
                       env=environment() | env)  # fmt: skip
        plain = folder.parent / f"{folder.name}-plain"
        shutil.copytree(folder, plain)
        subprocess.run([*accelsel(), "unpin"], cwd=plain, check=True, capture_output=True)
        commands: dict[str, Sequence[str]] = {
            "uv lock --check": [UV, "lock", "--check"],
            "pin --check": [*accelsel(), "pin", "--check"],
            "pin": pin,
            "pin --write": [*pin, "--write"],
            "pin of the file without a pin": [*pin, str(plain / "pyproject.toml")],
        }
        return alternate(commands, folder, env)


def main() -> None:
    with tempfile.TemporaryDirectory() as name:
        for title, make in ((f"{LINES} lines", project), (f"{MEMBERS} members", workspace)):
            folder = Path(name) / make.__name__
            folder.mkdir()
            seen = measured(folder, make(folder))
            uv = seen.pop("uv lock --check")
            print(f"{title}: uv lock --check takes {uv * 1000:.0f} ms")
            for command, seconds in seen.items():
                print(f"{f'  {command}':36}{seconds / uv:7.1f} uv lock --check, goal {GOAL}")


if __name__ == "__main__":
    main()
