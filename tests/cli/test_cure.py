"""`accelsel doctor --fix` with the real uv: a pin that was written and not locked."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from tests.kit.replay import Replay

from accelsel.cli.cure import commands
from accelsel.model.finding import Finding, Report
from accelsel.model.selection import RulesVersion

HOST = Path(__file__).parents[2] / "fixtures" / "hosts" / "gtx-1080-ti-580" / "profile.json"
ACCELSEL = str(Path(sys.executable).with_name("accelsel"))
UV = str(Path(sys.executable).with_name("uv"))
PROJECT = """\
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["torch>=2.6"]
"""
SCRIPT = """\
# /// script
# requires-python = ">=3.11"
# dependencies = ["torch>=2.6"]
# ///
import torch
print(torch.__version__)
"""


def ran(*words: str, cwd: Path, env: Mapping[str, str], code: int = 0) -> tuple[str, str]:
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"}
    done = subprocess.run(
        words, cwd=cwd, env={**env, **path}, timeout=120, capture_output=True, text=True,
        check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout, done.stderr


def pin(folder: Path, replay: Replay, env: Mapping[str, str], *words: str) -> None:
    mirrors = (word for mirror in replay.mirrors for word in ("--mirror", mirror))
    pinned = ("pin", "--write", "--profile", str(HOST), *mirrors, *words)
    ran(ACCELSEL, *pinned, cwd=folder, env=env)


def test_the_lock_comes_before_what_is_made_from_it(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    ran(UV, "sync", cwd=tmp_path, env=uv_env)
    pin(tmp_path, replay, uv_env)
    doctor = (ACCELSEL, "doctor", "--profile", str(HOST))
    out, _ = ran(*doctor, cwd=tmp_path, env=uv_env, code=1)
    assert "[other-build]" in out
    assert "[pin-not-locked]" in out
    out, said = ran(*doctor, "--fix", cwd=tmp_path, env=uv_env)
    told = [line for line in said.splitlines() if line.startswith("running: ")]
    assert told == ["running: uv lock --upgrade-package torch", "running: uv sync"]
    assert "torch 2.14.1+cu126" in out


def test_a_script_is_locked_by_its_name(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    below = tmp_path / "below"
    below.mkdir()
    (below / "tool.py").write_text(SCRIPT)
    ran(UV, "lock", "--script", "below/tool.py", cwd=tmp_path, env=uv_env)
    pin(tmp_path, replay, uv_env, "below/tool.py")
    ran(UV, "venv", "below/.venv", cwd=tmp_path, env=uv_env)
    ran(UV, "pip", "install", "--python", "below/.venv", "torch", cwd=tmp_path, env=uv_env)
    doctor = (ACCELSEL, "doctor", "--profile", str(HOST), "below/tool.py")
    out, _ = ran(*doctor, cwd=tmp_path, env=uv_env, code=1)
    assert "no environment\n" in out, "the one beside it is not the script's"
    lock = "uv lock --script below/tool.py --upgrade-package torch"
    assert f"fix:   {lock}\n" in out
    _, said = ran(*doctor, "--fix", cwd=tmp_path, env=uv_env)
    assert f"running: {lock}\n" in said
    shown, _ = ran(UV, "run", "--locked", "below/tool.py", cwd=tmp_path, env=uv_env)
    assert shown == "2.14.1+cu126\n"


def test_what_is_run_is_uv_on_what_accelsel_wrote() -> None:
    fixes = {
        "uv sync": True, "accelsel uv sync": True, "uv lock": True, "uv sync --reinstall": True,
        "accelsel pin --write": True, "uv pip install torch": True, "sudo reboot": True,
        "uv sync --frozen": False,
    }  # fmt: skip
    found = tuple(
        Finding(id="x", severity="error", what="x", where="x", fix=fix, own=own)
        for fix, own in fixes.items()
    )
    report = Report(
        environment=None, project=None, lock=None, state="usable", checks=1, findings=found,
        rules=RulesVersion(version="1", checked="1"),
    )  # fmt: skip
    assert commands(report) == {"uv sync", "accelsel uv sync", "uv lock", "uv sync --reinstall"}
