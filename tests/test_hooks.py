"""The pre-commit hooks and the GitHub Action: their own commands, run as they stand."""

import os
import re
import shlex
import subprocess
import sys
import textwrap
from collections.abc import Mapping
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ACCELSEL = str(Path(sys.executable).with_name("accelsel"))
HOST = ROOT / "fixtures" / "hosts" / "t4-535" / "profile.json"
PROJECT = """\
[project]
name = "demo"
version = "1"
requires-python = ">=3.11"
dependencies = ["torch>=2.6"]
"""


def hooks() -> dict[str, dict[str, str]]:
    """The hooks by id; the file is flat enough to be read without a YAML library."""
    text = (ROOT / ".pre-commit-hooks.yaml").read_text(encoding="utf-8")
    found = {}
    for block in re.split(r"^- ", text, flags=re.MULTILINE)[1:]:
        pairs = dict(re.findall(r"^ *([a-z_]+): (.+)$", block, re.MULTILINE))
        found[pairs["id"]] = pairs
    return found


def steps() -> dict[str, str]:
    """The scripts of the action's steps by name."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    found = {}
    for block in re.split(r"^    - name: ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        found[name] = textwrap.dedent(rest.partition("run: |\n")[2])
    return found


@pytest.fixture
def pinned(tmp_path: Path) -> Path:
    """A folder with a pinned project."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    run(["pin", "--write", "--profile", str(HOST)], tmp_path, 0)
    return tmp_path


def run(
    words: list[str], folder: Path, code: int, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [ACCELSEL, *words], cwd=folder, env=environment() | dict(env or {}), timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


def environment() -> dict[str, str]:
    skipped = ("UV_", "ACCELSEL_", "GITHUB_", "VIRTUAL_ENV")
    return {name: value for name, value in os.environ.items() if not name.startswith(skipped)}


def edit(folder: Path) -> None:
    path = folder / "pyproject.toml"
    path.write_text(path.read_text().replace("torch>=2.6,<2.15", "torch>=2.6,<2.99", 1))


def test_the_check_hook_needs_no_host(pinned: Path) -> None:
    hook = hooks()["accelsel-check"]
    words = shlex.split(hook["entry"])
    assert re.fullmatch(hook["files"], "pyproject.toml")
    assert re.search(hook["files"], "packages/a/pyproject.toml")
    assert not re.search(hook["files"], "not-pyproject.toml")
    assert words[0] == "accelsel"
    run([*words[1:], "pyproject.toml"], pinned, 0)
    edit(pinned)
    run([*words[1:], "pyproject.toml"], pinned, 1)


def test_the_check_hook_passes_over_what_is_not_pinned(pinned: Path) -> None:
    """pre-commit hands over every changed file at once. One that asks for torch and is not pinned
    is told of."""
    other = pinned / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text('[project]\nname = "o"\nversion = "1"\n')
    words = shlex.split(hooks()["accelsel-check"]["entry"])
    run([*words[1:], "pyproject.toml", "other/pyproject.toml"], pinned, 0)
    (other / "pyproject.toml").write_text(PROJECT)
    run([*words[1:], "pyproject.toml", "other/pyproject.toml"], pinned, 3)


def test_the_pin_hook_writes_and_waits_to_be_called(tmp_path: Path) -> None:
    hook = hooks()["accelsel-pin"]
    assert hook["stages"] == "[manual]"
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    words = shlex.split(hook["entry"])
    run([*words[1:], "pyproject.toml"], tmp_path, 0, {"ACCELSEL_PROFILE": str(HOST)})
    assert "[tool.accelsel.pin]" in (tmp_path / "pyproject.toml").read_text()


def shell(script: str, folder: Path, code: int, **more: str) -> str:
    done = subprocess.run(
        ["/bin/bash", "-c", script], cwd=folder, env=environment() | more, timeout=60,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def test_the_action_checks_the_pin(pinned: Path) -> None:
    script = steps()["Check the pin"]
    more = {"ACCELSEL": ACCELSEL, "ACCELSEL_PATHS": "pyproject.toml"}
    shell(script, pinned, 0, **more)
    edit(pinned)
    assert "::error file=" in shell(script, pinned, 1, **more)


def test_the_action_asks_the_doctor(pinned: Path) -> None:
    script = steps()["Ask the doctor"]
    summary, sarif = pinned / "summary.md", pinned / "report.sarif"
    shell(
        script, pinned, 0, ACCELSEL=ACCELSEL, ACCELSEL_SARIF=str(sarif),
        GITHUB_STEP_SUMMARY=str(summary), ACCELSEL_PROFILE=str(HOST),
    )  # fmt: skip
    assert summary.read_text().startswith("### accelsel doctor\n```text\n")
    assert '"version": "2.1.0"' in sarif.read_text()
