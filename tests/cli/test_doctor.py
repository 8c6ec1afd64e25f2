"""`accelsel doctor` as a command: forms, codes, what it may cure, what it keeps to itself."""

import getpass
import json
import os
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import jsonschema
import pytest
from pydantic import TypeAdapter
from tests.kit.environments import elf, environment_files, lock_text

from accelsel.model.finding import Report

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
COMMAND = [sys.executable, "-m", "accelsel", "doctor"]
CPU = {"name": "torch", "version": "2.14.1+cpu", "built": "2.14.1+cpu"}
CU126 = {"name": "torch", "version": "2.14.1+cu126", "built": "2.14.1+cu126"}
PROJECT = """\
[project]
name = "demo"
version = "1"
requires-python = ">=3.11"
dependencies = ["torch"]
"""


def ran(
    folder: Path, *words: str, host: str = "t4-535", code: int = 0, **more: str
) -> subprocess.CompletedProcess[str]:
    skipped = ("UV_", "ACCELSEL_", "VIRTUAL_ENV", "CONDA_", "CUDA_", "NV_VARIANT", "PYTHONPATH")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(skipped)}
    done = subprocess.run(
        [*COMMAND, "--replay", str(HOSTS / host), *words], cwd=folder, env=kept | more,
        timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done


def environment(folder: Path, *packages: Mapping[str, object]) -> Path:
    described = {"python": "3.12.3", "packages": packages}
    for name, text in environment_files(described, str(folder / ".venv")).items():
        Path(name).parent.mkdir(parents=True, exist_ok=True)
        Path(name).write_text(text, encoding="utf-8")
    return folder


def test_text_names_what_where_and_fix(tmp_path: Path) -> None:
    out = ran(environment(tmp_path, CPU), code=1).stdout
    assert out.startswith("error[cpu-build] torch 2.14.1+cpu is a CPU build; cu126 would use GPU 0")
    assert f"where: {tmp_path}/.venv" in out
    assert "fix:   uv pip install --reinstall-package torch --torch-backend cu126" in out
    assert "1 error" in out


def test_nothing_found_is_0(tmp_path: Path) -> None:
    one, empty = tmp_path / "one", tmp_path / "empty"
    for folder in (one / "below", empty):
        folder.mkdir(parents=True)
    assert "nothing found" in ran(environment(one, CU126)).stdout
    for folder in (one, one / "below"):  # `uv pip` acts on the nearest above, too
        assert "note[build-for-other-hardware]" in ran(folder, host="no-gpu").stdout
    assert "nothing found" in ran(empty, host="no-gpu").stdout


def test_json_is_the_document(tmp_path: Path) -> None:
    report = json.loads(ran(environment(tmp_path, CPU), "--format", "json", code=1).stdout)
    jsonschema.validate(report, TypeAdapter(Report).json_schema(mode="serialization"))
    assert report["schema"] == "accelsel.report/1"
    assert report["environment"]["torch"] == {"version": "2.14.1+cpu", "backend": "cpu"}
    assert [finding["id"] for finding in report["findings"]] == ["cpu-build"]


def test_github_and_sarif(tmp_path: Path) -> None:
    environment(tmp_path, CPU)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    github = ran(tmp_path, "--format", "github", code=1).stdout
    assert github.startswith("::error file=pyproject.toml,title=accelsel%3A cpu-build::")
    sarif = json.loads(ran(tmp_path, "--format", "sarif", code=1).stdout)
    assert [result["ruleId"] for result in sarif["runs"][0]["results"]] == ["cpu-build"]


def test_the_lock_is_read_beside_the_project(tmp_path: Path) -> None:
    environment(tmp_path, CU126)
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    row = {"name": "torch", "version": "2.13.0+cu126"}
    (tmp_path / "uv.lock").write_text(lock_text([row]))
    below = tmp_path / "src"
    below.mkdir()
    assert "error[lock-differs]" in ran(below, code=1).stdout


@pytest.mark.parametrize(
    ("words", "kind"),
    [
        (["--python", "nowhere/env"], "no-environment"),
        (["no-such-folder/pyproject.toml"], "no-such-file"),
        (["--format", "yaml"], "usage"),
        (["--replay", "no-such-recording"], None),
        (["--profile", str(HOSTS / "no-gpu" / "profile.json")], "usage"),
    ],
)
def test_bad_input(tmp_path: Path, words: list[str], kind: str | None) -> None:
    done = ran(tmp_path, *words, code=2)
    assert done.stdout == ""
    assert done.stderr.count("error:") == 1
    if kind and kind != "usage":
        again = ran(tmp_path, *words, "--format", "json", code=2)
        assert json.loads(again.stdout)["kind"] == kind


def test_broken_projects_and_locks_are_said(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text("[project\n")
    assert "error:" in ran(tmp_path, code=2).stderr
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    (tmp_path / "uv.lock").write_text("not a lock")
    assert "not a lock of uv" in ran(tmp_path, code=2).stderr


def test_the_block_for_issues_names_nobody(tmp_path: Path) -> None:
    home = tmp_path / "home" / "jane-doe" / "secret-project"
    home.mkdir(parents=True)
    url = "https://jane:token@host.example/torch_scatter-2.1.2+pt25cu124-cp312-cp312-linux.whl"
    scatter = {"name": "torch-scatter", "version": "2.1.2+pt25cu124", "url": url}
    environment(home, CU126, scatter)
    (home / "pyproject.toml").write_text(PROJECT)
    out = ran(home, "--report", code=1, HOME=str(home.parent)).stdout
    assert out.startswith("```text\n")
    assert "built-for-other-torch" in out
    assert "Tesla T4" in out
    for name in ("jane", "token", str(tmp_path)):
        assert name not in out
    for name in (socket.gethostname(), getpass.getuser()):
        assert len(name) < 3 or name in ("root", "user", "runner") or name not in out


def test_the_block_for_issues_names_no_private_place(tmp_path: Path) -> None:
    project, other = tmp_path / "project", tmp_path / "acme" / "secret-env"
    project.mkdir()
    other.mkdir(parents=True)
    environment(other, CU126)
    (project / "pyproject.toml").write_text(PROJECT + RECORD)
    index = "https://jane:token@nexus.acme.example/repository/simple/"
    row = {"name": "torch", "version": "2.14.1+cu126", "index": index}
    (project / "uv.lock").write_text(lock_text([row]))
    folder = str(other / ".venv")
    out = ran(project, "--report", "--python", folder, code=1, PYTHONPATH="/home/jane/x").stdout
    assert "pin-not-locked" in out
    assert "<environment>" in out
    assert "https://download.pytorch.org/whl/" in out
    for name in ("jane", "token", "acme", "secret", str(tmp_path)):
        assert name not in out


@pytest.mark.parametrize("form", ["text", "json", "github", "sarif"])
def test_the_exit_code_is_the_same_in_every_form(tmp_path: Path, form: str) -> None:
    environment(tmp_path, CPU)
    assert ran(tmp_path, "--format", form, code=1).stderr == ""
    good = tmp_path / "good"
    good.mkdir()
    environment(good, CU126)
    assert ran(good, "--format", form).stderr == ""


def test_the_libraries_of_an_extension_are_read(tmp_path: Path) -> None:
    kernels = {"name": "my-kernels", "version": "1.0", "requires": ["torch"], "compiled": True}
    environment(tmp_path, CU126, kernels)
    [site] = tmp_path.glob(".venv/lib/python3*/site-packages")
    (site / "my_kernels").mkdir()
    (site / "my_kernels" / "_C.so").write_bytes(elf({"sass": ["sm_80", "sm_90"]}))
    out = ran(tmp_path, code=1).stdout
    assert "error[companion-kernels] my-kernels 1.0 has no code for GPU 0 (Tesla T4, sm_75)" in out
    assert "TORCH_CUDA_ARCH_LIST=7.5 uv pip install" in out


STAND_IN = """#!{python}
import os, pathlib, sys
pathlib.Path(os.environ["CALLS"]).open("a").write(" ".join(sys.argv[1:]) + "\\n")
"""
GROUPS = """
[tool.accelsel.pin]
format = 1
selections = [
    { backend = "cpu", torch = "2.14.1", group = "cpu" },
    { backend = "cu126", torch = "2.14.1", group = "cu126" },
    { backend = "rocm7.2", torch = "2.14.1", group = "rocm7-2" },
]
written = []
"""
RECORD = """
[tool.accelsel.pin]
format = 1
selections = [{ backend = "cu126", torch = "2.14.1", specifier = ">=2.6,<2.15" }]
rules = "1"
written = []
"""


def test_fix_cures_only_what_accelsel_wrote(tmp_path: Path) -> None:
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    calls = tmp_path / "calls"
    more = {"UV": str(program), "CALLS": str(calls)}
    project = tmp_path / "project"
    project.mkdir()
    environment(project, CPU)
    (project / "pyproject.toml").write_text(PROJECT)
    done = ran(project, "--fix", code=1, **more)
    assert "nothing here that accelsel wrote" in done.stderr
    assert not calls.exists()
    (project / "pyproject.toml").write_text(PROJECT + RECORD)
    ran(project, "--fix", code=1, **more)
    assert calls.read_text() == "sync\n"


@pytest.mark.parametrize("named", ["--profile", "-", "--replay", "ACCELSEL_PROFILE"])
@pytest.mark.parametrize(
    ("host", "group", "id"),
    [
        ("t4-535", "cu126", "cpu-build"),
        ("rx-7900-xtx", "rocm7-2", "cpu-build"),
        ("no-gpu", "cpu", "build-for-other-hardware"),
    ],
)
def test_the_cure_is_for_the_host_that_was_examined(
    tmp_path: Path, named: str, host: str, group: str, id: str
) -> None:
    """Whoever names it: this host is another one, and the cure runs in another folder."""
    program = tmp_path / "bin" / "uv"
    program.parent.mkdir()
    program.write_text(STAND_IN.format(python=sys.executable))
    program.chmod(0o755)
    project = tmp_path / "project"
    project.mkdir()
    environment(project, CU126 if host == "no-gpu" else CPU)
    (project / "pyproject.toml").write_text(PROJECT + GROUPS)
    locked = [{"name": "torch", "version": f"2.14.1+{each}"} for each in ("cpu", "cu126")]
    (project / "uv.lock").write_text(lock_text(locked))
    profile = (HOSTS / host / "profile.json").read_bytes()
    (tmp_path / "host.json").write_bytes(profile)
    more = {"UV": str(program), "CALLS": str(tmp_path / "calls")}
    words = {"--profile": ["--profile", "host.json"], "-": ["--profile", "-"]}.get(named, [])
    if named == "--replay":
        words = ["--replay", str(HOSTS / host)]
    if named == "ACCELSEL_PROFILE":
        more[named] = "host.json"
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("ACCELSEL_", "UV_"))}
    done = subprocess.run(
        [*COMMAND, "--fix", *words, str(project)], cwd=tmp_path, env=kept | more, input=profile,
        timeout=60, capture_output=True, check=False,
    )  # fmt: skip
    said = done.stdout.decode() + done.stderr.decode()
    assert f"[{id}]" in said
    assert done.returncode == int(id == "cpu-build"), said
    call = (tmp_path / "calls").read_text()
    assert call.startswith("sync --no-group")
    assert call.endswith(f" --group {group}\n")


def test_an_edited_pin_is_found_and_cured(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    pin = [sys.executable, "-m", "accelsel", "pin", "--write", "--profile"]
    profile = str(HOSTS / "t4-535" / "profile.json")
    subprocess.run([*pin, profile], cwd=tmp_path, check=True, capture_output=True)
    path = tmp_path / "pyproject.toml"
    pinned = path.read_text()
    path.write_text(pinned.replace('index = "pytorch-cu126"', 'index = "pytorch-cu118"', 1))
    done = ran(tmp_path, code=1)
    assert "error[pin-edited]" in done.stdout
    assert "pyproject.toml:" in done.stdout


def test_a_profile_and_a_message_from_standard_input(tmp_path: Path) -> None:
    for words, data in (
        (["--profile", "-"], (HOSTS / "no-gpu" / "profile.json").read_bytes()),
        (["--error", "-"], b"CUDA error: no kernel image \xff"),
    ):
        done = subprocess.run(
            [sys.executable, "-m", "accelsel", "doctor", "--format", "json", *words], input=data,
            cwd=tmp_path, capture_output=True, check=False, timeout=60,
        )  # fmt: skip
        assert json.loads(done.stdout)["schema"] == "accelsel.report/1"


def test_standard_input_is_one_thing(tmp_path: Path) -> None:
    words = ["--profile", "-", "--error", "-"]
    done = subprocess.run(
        [*COMMAND, *words], cwd=tmp_path, input="{}", capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stderr.startswith("error: --profile and --error cannot both be standard input\n")


def test_the_fix_is_for_the_environment_that_was_looked_at(tmp_path: Path) -> None:
    """`uv sync` acts on the project's own alone, and of several backends takes the default one."""
    environment(tmp_path, CPU)
    (tmp_path / ".venv").rename(tmp_path / "an other")
    environment(tmp_path, CPU)
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT + RECORD)
    there = ran(tmp_path, "--python", "an other", code=1).stdout
    assert f"fix:   uv pip install --python '{tmp_path}/an other' --reinstall-pack" in there
    assert "fix:   uv sync\n" in ran(tmp_path, code=1).stdout
    row = '{ backend = "cu126", torch = "2.14.1", group = "cu126" }'
    path.write_text(
        f"{PROJECT}[tool.accelsel.pin]\nformat = 1\nselections = [{row}]\nwritten = []\n"
    )
    (tmp_path / "uv.lock").write_text(lock_text([{"name": "torch", "version": "2.14.1+cu126"}]))
    out = ran(tmp_path, code=1).stdout
    assert "error[lock-differs]" in out
    assert out.count("fix:   accelsel uv sync\n") == 2
    assert "fix:   uv sync" not in out


def test_a_script_is_a_project_too(tmp_path: Path) -> None:
    block = '# /// script\n# dependencies = ["torch"]\n# [tool.accelsel]\n# gpu = "any"\n# ///\n'
    (tmp_path / "tool.py").write_text(f"{block}import torch\n")
    assert "project      tool.py" in ran(tmp_path, "tool.py").stdout
