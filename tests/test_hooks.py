"""The pre-commit hooks and the GitHub Action: their own commands, run as they stand."""

import json
import os
import re
import shlex
import subprocess
import sys
import textwrap
import zipfile
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


def steps() -> dict[str, dict[str, str]]:
    """The steps of the action by name: `script`, and `condition` where there is one."""
    text = (ROOT / "action.yml").read_text(encoding="utf-8")
    found = {}
    for block in re.split(r"^    - name: ", text, flags=re.MULTILINE)[1:]:
        name, _, rest = block.partition("\n")
        head, _, script = rest.partition("run: |\n")
        condition = re.search(r"if: \$\{\{ (.+) \}\}", head)
        found[name] = {
            "script": textwrap.dedent(script),
            "condition": condition[1] if condition else "",
        }
    return found


def taken(inputs: Mapping[str, str]) -> list[str]:
    """The steps that GitHub would take; each condition compares one input."""
    given = {"doctor": "false", "sarif": "", **inputs}
    found = []
    for name, step in steps().items():
        compared = re.fullmatch(r"inputs\.(\w+) (==|!=) '(.*)'", step["condition"])
        assert compared or not step["condition"]
        if not compared or (given[compared[1]] == compared[3]) == (compared[2] == "=="):
            found.append(name)
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


@pytest.mark.parametrize(
    ("inputs", "last"),
    [
        ({}, []),
        ({"doctor": "true"}, ["Ask the doctor"]),
        ({"sarif": "r.sarif"}, ["Write the report"]),
        ({"doctor": "true", "sarif": "r.sarif"}, ["Write the report", "Ask the doctor"]),
    ],
)
def test_the_inputs_choose_the_steps(inputs: dict[str, str], last: list[str]) -> None:
    assert taken(inputs) == ["Install accelsel", "Check the pin", *last]


STAND_IN = {
    "accelsel/__init__.py": "def main():\n    print('stand-in')\n",
    "accelsel-9.9.dist-info/METADATA": "Metadata-Version: 2.1\nName: accelsel\nVersion: 9.9\n",
    "accelsel-9.9.dist-info/WHEEL": "Wheel-Version: 1.0\nTag: py3-none-any\n",
    "accelsel-9.9.dist-info/entry_points.txt": "[console_scripts]\naccelsel = accelsel:main\n",
    "accelsel-9.9.dist-info/RECORD": "",
}


@pytest.mark.parametrize("version", ["9.9", ""], ids=["a version", "the action's own"])
def test_the_action_installs(tmp_path: Path, version: str) -> None:
    """A wheel stands in the place of the index and of the checkout."""
    wheel = tmp_path / "accelsel-9.9-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as file:
        for name, text in STAND_IN.items():
            file.writestr(name, text)
    variables = tmp_path / "variables"
    shell(
        steps()["Install accelsel"]["script"], tmp_path, 0, RUNNER_TEMP=str(tmp_path / "a b"),
        GITHUB_ENV=str(variables), ACCELSEL_VERSION=version, ACCELSEL_ACTION=str(wheel),
        PIP_NO_INDEX="1", PIP_FIND_LINKS=str(tmp_path), PIP_DISABLE_PIP_VERSION_CHECK="1",
        PATH=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    )  # fmt: skip
    name, _, program = variables.read_text().strip().partition("=")
    assert name == "ACCELSEL"
    assert shell(f'"{program}"', tmp_path, 0) == "stand-in\n"


def test_the_action_checks_the_pin(pinned: Path) -> None:
    script = steps()["Check the pin"]["script"]
    more = {"ACCELSEL": ACCELSEL, "ACCELSEL_PATHS": "pyproject.toml"}
    shell(script, pinned, 0, **more)
    other = pinned / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text('[project]\nname = "o"\nversion = "1"\n')
    both = {"ACCELSEL": ACCELSEL, "ACCELSEL_PATHS": "pyproject.toml  other/pyproject.toml"}
    shell(script, pinned, 0, **both)
    edit(pinned)
    assert "::error file=" in shell(script, pinned, 1, **more)
    assert "::error file=" in shell(script, pinned, 1, **both)


def test_the_action_asks_the_doctor(pinned: Path) -> None:
    script = steps()["Ask the doctor"]["script"]
    summary = pinned / "summary.md"
    more = {"ACCELSEL": ACCELSEL, "GITHUB_STEP_SUMMARY": str(summary)}
    shell(script, pinned, 0, ACCELSEL_PROFILE=str(HOST), **more)
    assert summary.read_text().startswith("### accelsel doctor\n```text\n")
    edit(pinned)
    assert "::error file=" in shell(script, pinned, 1, ACCELSEL_PROFILE=str(HOST), **more)
    assert summary.read_text().count("### accelsel doctor\n```text\n") == 2


def test_the_action_writes_the_report(pinned: Path) -> None:
    """Errors are in it, and do not end the job; what leaves no report does."""
    script = steps()["Write the report"]["script"]
    sarif = pinned / "out" / "a report.sarif"
    more = {"ACCELSEL": ACCELSEL, "ACCELSEL_SARIF": str(sarif), "ACCELSEL_PROFILE": str(HOST)}
    shell(script, pinned, 0, **more)
    assert json.loads(sarif.read_text())["runs"][0]["results"] == []
    edit(pinned)
    shell(script, pinned, 0, **more)
    [result] = json.loads(sarif.read_text())["runs"][0]["results"]
    assert result["ruleId"] == "pin-edited"
    (pinned / "pyproject.toml").write_text("[project\n")
    shell(script, pinned, 2, **more)
