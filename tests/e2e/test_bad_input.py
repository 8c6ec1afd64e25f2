"""Bad input: its exit code, one line that says what and one that helps, the file as it was."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.e2e.conftest import ACCELSEL, HOSTS, Project
from tests.kit.replay import Replay

GOOD = """\
[project]
name = "p"
version = "0"
requires-python = ">=3.11"
dependencies = ["torch", "torchvision"]
"""


@dataclass(frozen=True, kw_only=True)
class Case:
    """A project text, the words after `pin`, variables, and the exit code that they give."""

    code: int
    text: str = GOOD
    host: str = "gtx-1080-ti-580"
    words: tuple[str, ...] = ("--write",)
    env: dict[str, str] = field(default_factory=dict)
    files: dict[str, str] = field(default_factory=dict)


CASES = {
    "broken-toml": Case(code=2, text="[project\nname = 'p'\n"),
    "twice-the-same-table": Case(code=2, text=f"{GOOD}[project]\n"),
    "dependencies-not-a-list": Case(code=2, text='[project]\nname = "p"\ndependencies = "torch"\n'),
    "requirement-not-pep-508": Case(code=2, text=GOOD.replace("torchvision", "torch vision ==")),
    "no-torch": Case(code=3, text=GOOD.replace('"torch", "torchvision"', '"numpy"')),
    "torch-that-no-build-serves": Case(
        code=4, host="rtx-5090-580", text=GOOD.replace('"torch"', '"torch==2.3.0"')
    ),
    "torch-not-in-the-table": Case(code=4, text=GOOD.replace('"torch"', '"torch==99.0"')),
    "unknown-backend": Case(code=2, words=("--write", "--backend", "cu999")),
    "backend-that-cannot-run": Case(code=4, words=("--write", "--backend", "cu130")),
    "bad-torch-specifier": Case(code=2, words=("--write", "--torch", "two")),
    "credentials-in-mirror": Case(
        code=2,
        words=("--write", "--mirror", "https://download.pytorch.org/whl=https://u:p@host.example/"),
    ),
    "mirror-without-equals": Case(code=2, words=("--write", "--mirror", "https://host.example")),
    "check-and-write": Case(code=2, words=("--write", "--check")),
    "lock-without-write": Case(code=2, words=("--lock",)),
    "uv-toml-beside": Case(code=2, files={"uv.toml": 'index-url = "https://host.example/"\n'}),
    "uv-index-of-torch": Case(code=2, env={"UV_INDEX": "https://download.pytorch.org/whl/cu130"}),
    "uv-index-of-the-same-name": Case(
        code=2, env={"UV_INDEX": "pytorch-cu126=https://host.example/whl/cu126"}
    ),
    "uv-frozen": Case(code=2, env={"UV_FROZEN": "1"}),
    "uv-no-sources": Case(code=2, env={"UV_NO_SOURCES": "true"}),
    "uv-cannot-resolve": Case(
        code=6, text=GOOD.replace('"torch",', '"torch", "numpy>99",'), words=("--write", "--lock")
    ),
    "uv-missing": Case(code=6, words=("--write", "--lock"), env={"UV": "/nowhere/uv"}),
    "index-unreachable": Case(
        code=7,
        words=("--write", "--lock"),
        env={"UV_DEFAULT_INDEX": "http://127.0.0.1:9/simple", "UV_CACHE_DIR": "fresh-cache"},
    ),
}


def assert_one_error(done: subprocess.CompletedProcess[str]) -> None:
    lines = done.stderr.splitlines()
    errors = [number for number, line in enumerate(lines) if line.startswith("error: ")]
    assert errors, done.stderr
    after = lines[errors[-1] + 1 :]
    assert [line for line in after if not line.startswith(("  where: ", "  help: "))] == []
    assert any(line.startswith("  help: ") for line in after), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("case", [pytest.param(case, id=name) for name, case in CASES.items()])
def test_refused(make_project: Callable[[str], Project], case: Case) -> None:
    project = make_project(case.text)
    for name, text in case.files.items():
        (project.folder / name).write_text(text)
    env = dict(case.env)
    if "UV_CACHE_DIR" in env:
        env["UV_CACHE_DIR"] = str(project.folder.parent / env["UV_CACHE_DIR"])
    words = ["--profile", str(HOSTS / case.host / "profile.json"), *case.words]
    if "--mirror" not in case.words:
        words += ["--mirror", project.mirror]
    done = project.accelsel("pin", *words, code=case.code, env=env)
    assert_one_error(done)
    assert project.file.read_bytes() == case.text.encode()
    left = {path.name for path in project.folder.iterdir()}
    assert left == {"pyproject.toml", *case.files}

    document = json.loads(
        project.accelsel("pin", *words, "--format", "json", code=case.code, env=env).stdout
    )
    if document["schema"] == "accelsel.error/1":
        assert document["code"] == case.code
        assert document["help"]
    else:
        assert (document["schema"], document["outcome"]) == ("accelsel.selection/1", "none")
    assert project.file.read_bytes() == case.text.encode()


@pytest.mark.parametrize(
    ("profile", "code"),
    [
        pytest.param('{"schema": "accelsel.profile/2"}', 2, id="another-major"),
        pytest.param('{"schema": "accelsel.selection/1"}', 2, id="another-document"),
        pytest.param("{", 2, id="no-json"),
        pytest.param('{"schema": "accelsel.profile/1", "state": 7}', 2, id="wrong-type"),
        pytest.param("[]", 2, id="a-list"),
    ],
)
def test_profiles(make_project: Callable[[str], Project], profile: str, code: int) -> None:
    project = make_project(GOOD)
    path = project.folder.parent / "profile.json"
    path.write_text(profile)
    done = project.accelsel("pin", "--profile", str(path), "--write", code=code)
    assert_one_error(done)
    assert project.file.read_bytes() == GOOD.encode()


def test_a_file_with_neither_project_nor_groups_nor_workspace(
    make_project: Callable[[str], Project],
) -> None:
    project = make_project("[tool.ruff]\nline-length = 100\n")
    assert_one_error(project.pin("no-gpu", "--write", code=2))


def test_no_file(make_project: Callable[[str], Project]) -> None:
    project = make_project(GOOD)
    project.file.unlink()
    assert_one_error(project.pin("no-gpu", "--write", code=2))
    assert_one_error(project.pin("no-gpu", "--write", "absent/pyproject.toml", code=2))
    assert list(project.folder.iterdir()) == []


def test_not_utf_8(make_project: Callable[[str], Project]) -> None:
    project = make_project(GOOD)
    data = GOOD.encode("utf-16")
    project.file.write_bytes(data)
    assert_one_error(project.pin("no-gpu", "--write", code=2))
    assert project.file.read_bytes() == data


def test_a_read_only_file(make_project: Callable[[str], Project]) -> None:
    project = make_project(GOOD)
    project.file.chmod(0o444)
    assert_one_error(project.pin("no-gpu", "--write", code=2))
    assert project.file.read_bytes() == GOOD.encode()
    project.file.chmod(0o644)


def test_uv_too_old(make_project: Callable[[str], Project]) -> None:
    project = make_project(GOOD)
    old = project.folder.parent / "uv"
    old.write_text("#!/bin/sh\necho 'uv 0.8.24'\n")
    old.chmod(0o755)
    words = ("--profile", str(HOSTS / "no-gpu" / "profile.json"), "--mirror", project.mirror)
    done = project.accelsel("pin", *words, "--write", "--lock", code=6, env={"UV": str(old)})
    assert_one_error(done)
    assert "0.8.24" in done.stderr
    assert project.file.read_bytes() == GOOD.encode()


def test_a_lock_that_fails_puts_file_and_lock_back(
    make_project: Callable[[str], Project], replay: Replay
) -> None:
    project = make_project(GOOD)
    project.pin("no-gpu", "--write", "--lock")
    before = project.file.read_bytes(), project.lock.read_bytes()
    replay.faults["/whl/cu126/"] = 503
    project = Project(
        folder=project.folder,
        env={**project.env, "UV_CACHE_DIR": str(project.folder.parent / "cache")},
        mirrors=project.mirrors,
    )
    assert_one_error(project.pin("gtx-1080-ti-580", "--write", "--lock", code=6))
    assert (project.file.read_bytes(), project.lock.read_bytes()) == before


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_file_that_changes_between_read_and_write(
    make_project: Callable[[str], Project],
) -> None:
    project = make_project(GOOD)
    words = [ACCELSEL, "pin", "--profile", "-", "--mirror", project.mirror, "--write"]
    running = subprocess.Popen(
        words,
        cwd=project.folder,
        env=dict(project.env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    state = Path("/proc") / str(running.pid) / "syscall"
    for _ in range(200):  # the file has been read when the profile is being waited for
        if state.read_text().startswith("0 0x0 "):
            break
        time.sleep(0.05)
    edited = GOOD + "# edited meanwhile\n"
    project.file.write_text(edited)
    profile = (HOSTS / "no-gpu" / "profile.json").read_text()
    _, said = running.communicate(profile, timeout=60)
    assert running.returncode == 2, said
    assert "changed" in said
    assert project.file.read_text() == edited
    assert os.listdir(project.folder) == ["pyproject.toml"]  # noqa: PTH208
