"""The real `uv pip` under the variables that `accelsel env` prints, on what the replay holds."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from tests.kit.replay import Replay
from tests.kit.tunnel import Tunnel

from accelsel.knowledge import load
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.probe import probe
from accelsel.probe.record import RecordedWorld
from accelsel.rules import select
from accelsel.rules.environment import BACKEND, DRIVER, GFX, variables

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
UV = str(Path(sys.executable).with_name("uv"))
PYTHON = f"{sys.version_info[0]}.{sys.version_info[1]}"


def uv_platform(profile: Profile) -> str | None:
    """The host's platform in uv's words; None for one that these tests leave out."""
    system, libc = profile.os.system, profile.os.libc
    if system == "windows" and profile.cpu.arch == "x86_64":
        return "x86_64-pc-windows-msvc"
    if system != "linux" or libc is None or libc.version is None:
        return None
    minor = int(libc.version.split(".")[1])
    return f"{profile.cpu.arch}-manylinux_2_{28 if minor >= 28 else 17}"


@pytest.fixture
def uv(replay: Replay, uv_env: Mapping[str, str]) -> Iterator[dict[str, str]]:
    """An environment in which uv reaches the replay as PyTorch's own host too."""
    host, port = replay.url.removeprefix("http://").split(":")
    with Tunnel((host, int(port))) as tunnel:
        yield {**uv_env, **tunnel.environment}


def cases() -> dict[str, tuple[str, str, dict[str, str], tuple[str, ...]]]:
    """What uv is told and has to take, once for all hosts for which it is the same: the platform,
    the version, the variables, the bounds."""
    tables, request = load(), Request(python=PYTHON)
    found: dict[str, tuple[str, str, dict[str, str], tuple[str, ...]]] = {}
    for path in sorted(HOSTS.glob("*/host.json")):
        profile = probe(RecordedWorld(path.parent))
        selection = select(profile, request, tables)
        told = variables(selection, profile, request, tables)
        if BACKEND not in told.values or selection.torch is None:
            continue
        platform = uv_platform(profile)
        if platform is None:
            continue
        facts = {k: v for k, v in told.values.items() if k in (BACKEND, DRIVER, GFX)}
        version = f"{selection.torch.version}+{selection.backend}"
        name = f"{platform} {version}{' with facts' * (len(facts) > 1)}"
        found.setdefault(name, (platform, version, facts, told.constraints))
    return found


CASES = cases()


def taken(env: Mapping[str, str], folder: Path, platform: str, *words: str) -> str | None:
    """The torch that uv would install, with its local version."""
    done = subprocess.run(
        [UV, "pip", "install", "--dry-run", "--target", str(folder / "out"), "--python-platform",
         platform, "torch", *words],
        cwd=folder, env=dict(env), capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    match = re.search(r"^ \+ torch==(\S+)$", done.stderr, re.MULTILINE)
    assert match, done.stderr
    return match[1]


def same(version: str, wanted: str) -> bool:
    """Equal, or equal but for a local version that this index's file does not carry."""
    return version in (wanted, wanted.partition("+")[0])


@pytest.mark.parametrize("name", CASES)
def test_uv_takes_the_selected_build(name: str, uv: dict[str, str], tmp_path: Path) -> None:
    platform, wanted, values, bounds = CASES[name]
    words = []
    if bounds:
        (tmp_path / "bounds.txt").write_text("".join(f"{line}\n" for line in bounds))
        words = ["--constraints", str(tmp_path / "bounds.txt")]
    version = taken(uv | values, tmp_path, platform, *words)
    assert version is not None
    assert same(version, wanted)


AUTO = {
    name: case
    for name, case in CASES.items()
    if (DRIVER in case[2] or GFX in case[2]) and "x86_64-manylinux" in case[0]
}


@pytest.mark.parametrize("name", AUTO)
def test_with_auto_uv_arrives_there_by_itself(
    name: str, uv: dict[str, str], tmp_path: Path
) -> None:
    platform, wanted, values, _ = CASES[name]
    facts = {key: value for key, value in values.items() if key != BACKEND}
    version = taken(uv | facts | {BACKEND: "auto"}, tmp_path, platform)
    assert version is not None
    assert same(version, wanted)


def test_eval_in_a_shell(uv: dict[str, str], tmp_path: Path) -> None:
    script = (
        'eval "$("$1" -m accelsel env)"; "$2" pip install --dry-run --target out torch torchvision'
    )
    profile = str(HOSTS / "t4-535" / "profile.json")
    done = subprocess.run(
        ["/bin/sh", "-ec", script, "sh", sys.executable, UV], cwd=tmp_path, timeout=60,
        env=uv | {"ACCELSEL_PROFILE": profile, "PATH": os.environ["PATH"]},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert " + torch==2.14.1+cu126\n" in done.stderr, done.stderr
    assert " + torchvision==0.29.2+cu126\n" in done.stderr


def test_the_bound_keeps_uv_from_a_build_that_does_not_run(
    uv: dict[str, str], tmp_path: Path
) -> None:
    """V100 and B200 in one host: the index of cu129 goes on to 2.13, which has no Volta code."""
    facts = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_70,sm_100"}
    words = ["pip", "install", "--dry-run", "--target", "out", "torch"]
    done = subprocess.run(
        [sys.executable, "-m", "accelsel", "uv", *words], cwd=tmp_path, timeout=60,
        env=uv | facts | {"UV": UV, "XDG_CACHE_HOME": str(tmp_path / "cache")},
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert " + torch==2.10.0+cu129\n" in done.stderr, done.stderr
    alone = taken(uv | {BACKEND: "cu129"}, tmp_path, "x86_64-manylinux_2_28")
    assert alone == "2.13.0+cu129"


def test_a_pinned_project_is_installed_from_where_it_says(
    uv: dict[str, str], replay: Replay, tmp_path: Path
) -> None:
    """On a machine without GPU too: with the CPU's backend uv finds no triton for its torch."""
    accelsel = [sys.executable, "-m", "accelsel"]
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'
        'dependencies = ["torch>=2.6"]\n'
    )
    env = uv | {"UV": UV, "ACCELSEL_PROFILE": str(HOSTS / "no-gpu" / "profile.json")}
    t4 = str(HOSTS / "t4-535" / "profile.json")
    pin = ["pin", "--write", "--profile", t4, "--mirror", replay.mirrors[0]]
    install = ["pip", "install", "--dry-run", "--target", "out", "-r", "pyproject.toml"]
    for words, said in ((pin, "pinned"), (["uv", *install], " + torch==2.14.1+cu126\n")):
        done = subprocess.run(
            [*accelsel, *words], cwd=tmp_path, env=env, capture_output=True, text=True,
            check=False, timeout=60,
        )  # fmt: skip
        assert said in done.stderr, done.stderr
