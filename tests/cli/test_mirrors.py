"""Mirrors: who names them, and that a project pinned with one stays with it."""

import os
import shlex
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.kit.environments import environment_files

from accelsel.cli.mirrors import mirrors, recorded
from accelsel.model.config import Config

ACCELSEL = str(Path(sys.executable).with_name("accelsel"))
HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
HOST = HOSTS / "t4-535" / "profile.json"
PROJECT = """\
[project]
name = "demo"
version = "1"
requires-python = ">=3.11"
dependencies = ["torch>=2.6"]
"""
WHL = "https://download.pytorch.org/whl"
FLAG, VARIABLE = f"{WHL}=https://flag.example/whl", f"{WHL}=https://variable.example/whl"
OTHER = "https://pypi.nvidia.com=https://flag.example/nvidia"
SETTINGS = Config(mirror={WHL: "https://settings.example/whl"})
URLS = [f"{WHL}/cu126", f"{WHL}/cpu"]


@pytest.mark.parametrize(
    ("named", "env", "host", "kept"),
    [
        pytest.param([FLAG, OTHER], {"ACCELSEL_MIRROR": VARIABLE}, "flag", [FLAG], id="flag"),
        pytest.param([], {"ACCELSEL_MIRROR": VARIABLE}, "variable", [VARIABLE], id="variable"),
        pytest.param([], {}, "settings", [], id="settings, which speak again the next time"),
        pytest.param([OTHER], {}, None, [], id="of another index"),
    ],
)
def test_who_names_it_and_what_is_recorded(
    named: list[str], env: Mapping[str, str], host: str | None, kept: list[str]
) -> None:
    pairs = dict(mirrors(named, SETTINGS, env))
    assert pairs.get(WHL) == (host and f"https://{host}.example/whl")
    assert recorded(named, SETTINGS, env, URLS) == kept


def ran(*words: str, cwd: Path, code: int = 0) -> subprocess.CompletedProcess[str]:
    skipped = ("UV_", "ACCELSEL_", "VIRTUAL_ENV", "CONDA_", "CUDA_", "NV_VARIANT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(skipped)}
    done = subprocess.run(
        words, cwd=cwd, env=kept | {"ACCELSEL_PROFILE": str(HOST)}, timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


@pytest.mark.parametrize("more", [[], ["--backends", "cpu,cu126"], ["--prebuilt", "flash-attn"]])
def test_the_command_that_pins_anew_names_it(tmp_path: Path, more: list[str]) -> None:
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT)
    ran(ACCELSEL, "pin", "--write", "--mirror", FLAG, *more, cwd=tmp_path)
    pinned = path.read_text()
    assert "https://flag.example/whl/cu126" in pinned
    path.write_text(pinned.replace("torch>=2.6,<2.15", "torch>=2.6,<2.16", 1))
    checked = ran(ACCELSEL, "pin", "--check", cwd=tmp_path, code=1).stderr
    hint = checked.partition("`")[2].partition("`")[0]
    told = ran(ACCELSEL, "doctor", "--replay", str(HOST.parent), cwd=tmp_path, code=1).stdout
    assert f"fix:   {hint}\n" in told
    ran(ACCELSEL, *shlex.split(hint)[1:], cwd=tmp_path)
    ran(ACCELSEL, "pin", "--check", cwd=tmp_path)
    anew = path.read_text()
    assert urls(anew) == urls(pinned)
    assert request(anew) == request(pinned)


def test_the_command_names_a_file_that_is_not_the_project_around(tmp_path: Path) -> None:
    below = tmp_path / "be low"
    below.mkdir()
    (below / "pyproject.toml").write_text(PROJECT)
    ran(ACCELSEL, "pin", "--write", "be low", cwd=tmp_path)
    pinned = (below / "pyproject.toml").read_text()
    (below / "pyproject.toml").write_text(pinned.replace("torch>=2.6,<2.15", "torch>=2.6,<2.16", 1))
    for folder, words, named in (
        (below, [], ""),
        (tmp_path, ["be low"], " 'be low/pyproject.toml'"),
    ):
        said = ran(ACCELSEL, "pin", "--check", *words, cwd=folder, code=1).stderr
        assert f"`accelsel pin --write{named}` pins" in said
        assert f"`accelsel unpin --write{named}` takes" in said
    hint = said.partition("`")[2].partition("`")[0]
    ran(ACCELSEL, *shlex.split(hint)[1:], cwd=tmp_path)
    ran(ACCELSEL, "pin", "--check", cwd=below)


def test_the_fix_for_another_host_names_it(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    newer = str(HOSTS / "rtx-5090-580" / "profile.json")
    ran(ACCELSEL, "pin", "--write", "--profile", newer, "--mirror", FLAG, cwd=tmp_path)
    record = tomllib.loads((tmp_path / "pyproject.toml").read_text())
    [row] = record["tool"]["accelsel"]["pin"]["selections"]
    version = f"{row['torch']}+{row['backend']}"
    environment = {"python": "3.12.3", "packages": [{"name": "torch", "version": version}]}
    for name, text in environment_files(environment, str(tmp_path / ".venv")).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    host = str(HOSTS / "gtx-1080-ti-580")
    told = ran(ACCELSEL, "doctor", "--replay", host, cwd=tmp_path, code=1).stdout
    assert f"fix:   accelsel pin --write --mirror {FLAG} --sync\n" in told


def urls(text: str) -> list[str]:
    return [index["url"] for index in tomllib.loads(text)["tool"]["uv"]["index"]]


def request(text: str) -> object:
    return tomllib.loads(text)["tool"]["accelsel"]["pin"]["request"]
