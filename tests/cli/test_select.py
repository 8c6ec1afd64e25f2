"""`accelsel select` and `why`: whose settings and whose Python count, and what they read."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
PROFILE = HOSTS / "gtx-1080-ti-580" / "profile.json"
FACTS = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_61"}
PROJECT = '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'


def ran(
    folder: Path, *words: str, env: Mapping[str, str], code: int = 0, stdin: bytes = b""
) -> bytes:
    skipped = ("UV_", "ACCELSEL_", "VIRTUAL_ENV", "CONDA_", "CUDA_", "NV_VARIANT", "XDG_", "PYTHON")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(skipped)}
    done = subprocess.run(
        [sys.executable, "-m", "accelsel", *words], cwd=folder, input=stdin, timeout=60,
        env=kept | {"HOME": str(folder)} | dict(env), capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr.decode()
    return done.stdout


def chosen(folder: Path, *words: str, **env: str) -> tuple[str, str]:
    found = json.loads(ran(folder, "select", "--format", "json", *words, env=env))
    return found["backend"], found["python"]


@pytest.mark.parametrize(
    ("line", "mark"),
    [
        ("select", "backend "),
        ("env", "export UV_TORCH_BACKEND="),
        ("uv pip install torch", "UV_TORCH_BACKEND="),
    ],
)
def test_settings_of_the_project_stand_between_variables_and_the_users(
    tmp_path: Path, line: str, mark: str
) -> None:
    config = tmp_path / ".config" / "accelsel" / "config.toml"
    below = tmp_path / "project" / "src"
    for folder in (config.parent, below):
        folder.mkdir(parents=True)
    tool = tmp_path / "uv"
    tool.write_text("#!/bin/sh\nenv\n")
    tool.chmod(0o755)
    told = {"ACCELSEL_PROFILE": str(PROFILE), "HOME": str(tmp_path)}
    if line.startswith("uv"):
        told["UV"] = str(tool)

    def backend(**env: str) -> str:
        text = ran(below, *line.split(), env=told | env).decode()
        return next(row.removeprefix(mark) for row in text.splitlines() if row.startswith(mark))

    assert backend() == "cu126"
    config.write_text('backend = "cpu"\n')
    assert backend() == "cpu"
    (below.parent / "pyproject.toml").write_text(f'{PROJECT}[tool.accelsel]\nbackend = "cu118"\n')
    assert backend() == "cu118"
    assert backend(ACCELSEL_BACKEND="cu126") == "cu126"


def test_strict_in_the_settings(tmp_path: Path) -> None:
    data = json.loads(PROFILE.read_text())
    data["notes"].append("probe-contradiction: nvml and smi tell different drivers")
    (tmp_path / "profile.json").write_text(json.dumps(data))
    (tmp_path / "pyproject.toml").write_text(f"{PROJECT}[tool.accelsel]\nstrict = true\n")
    for command in ("select", "why", "env"):
        ran(tmp_path, command, "--profile", "profile.json", env={}, code=5)


@pytest.mark.parametrize("text", ["[tool.accelsel]\nbackend = 3\n", "[tool.accelsel\n"])
def test_settings_that_cannot_be_read(tmp_path: Path, text: str) -> None:
    (tmp_path / "pyproject.toml").write_text(text)
    for command in ("select", "why", "env"):
        ran(tmp_path, command, "--profile", str(PROFILE), env={}, code=2)


def test_the_python_is_the_projects_on_this_host(tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"{PROJECT[:-1].replace('>=3.11', '<3.11')}\n")
    assert chosen(tmp_path, **FACTS)[1] == "3.10"
    assert chosen(tmp_path, **FACTS, UV_PYTHON="3.11")[1] == "3.11"
    (tmp_path / ".python-version").write_text("3.12\n")
    assert chosen(tmp_path, **FACTS, UV_PYTHON="3.11")[1] == "3.12"
    assert chosen(tmp_path, "--python", "3.13", **FACTS)[1] == "3.13"
    profile = json.loads(PROFILE.read_text())
    saved = ".".join(profile["python"]["version"].split(".")[:2])
    (tmp_path / ".python-version").write_text("3.11\n")
    assert chosen(tmp_path, "--profile", str(PROFILE))[1] == saved


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("place", ["file", "standard input"])
def test_a_profile_as_shells_write_it(tmp_path: Path, encoding: str, place: str) -> None:
    data = PROFILE.read_text().encode(encoding)
    (tmp_path / "p.json").write_bytes(data)
    name = "p.json" if place == "file" else "-"
    ran(tmp_path, "select", "--profile", name, env={"LC_ALL": "C"}, stdin=data)


def test_bytes_that_are_no_text(tmp_path: Path) -> None:
    ran(
        tmp_path,
        "select",
        "--profile",
        "-",
        env={"PYTHONIOENCODING": "utf-8"},
        stdin=b"\xff",
        code=2,
    )


@pytest.mark.parametrize("encoding", ["ascii", "latin-1", "utf-8"])
def test_json_is_json_in_every_encoding(tmp_path: Path, encoding: str) -> None:
    data = json.loads(PROFILE.read_text())
    data["gpus"][0] |= {"name": "GTX™ “ß”", "arch": "sm_30"}
    words = ("select", "--profile", "-", "--format", "json")
    env = {"PYTHONIOENCODING": encoding}
    found = json.loads(ran(tmp_path, *words, env=env, stdin=json.dumps(data).encode()))
    assert "GTX™ “ß”" in found["warnings"][0]["message"]


def test_a_folder_that_is_gone(tmp_path: Path) -> None:
    script = f'mkdir gone; cd gone; rmdir ../gone; "{sys.executable}" -m accelsel select'
    done = subprocess.run(
        ["/bin/sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False,
        timeout=60,
    )  # fmt: skip
    assert (done.returncode, done.stderr.splitlines()[0]) == (
        2, "error: the current folder is gone",
    )  # fmt: skip


def test_why_of_an_unknown_backend_is_an_error_in_every_form(tmp_path: Path) -> None:
    for form in ("text", "json"):
        ran(tmp_path, "why", "nonsense", "--format", form, env={}, code=2)
