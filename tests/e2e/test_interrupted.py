"""A pin that is interrupted while uv works: the file and the lock are as they were."""

import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.conftest import ACCELSEL, HOSTS, Project
from tests.kit.replay import SILENT, Replay
from tests.kit.replay_fixtures import load

TEXT = """\
[project]
name = "p"
version = "0"
requires-python = ">=3.11"
dependencies = ["torch"]
"""


@pytest.mark.skipif(os.name != "posix", reason="signals of a terminal")
@pytest.mark.parametrize(
    ("name", "locked_before"),
    [
        pytest.param("SIGINT", False, id="from-the-terminal"),
        pytest.param("SIGINT", True, id="from-the-terminal-with-a-lock"),
        pytest.param("SIGTERM", False, id="terminated"),
        pytest.param("SIGHUP", True, id="hung-up-with-a-lock"),
    ],
)
def test_file_and_lock_are_put_back(
    tmp_path: Path, make_project: Callable[[str], Project], name: str, locked_before: bool
) -> None:
    project = make_project(TEXT)
    with Replay(load()) as replay:
        env = {**project.env, **replay.environment(tmp_path / "cache")}
        project = Project(folder=project.folder, env=env, mirrors=replay.mirrors)
        if locked_before:
            project.pin("no-gpu", "--write", "--lock")
        before = {path.name: path.read_bytes() for path in project.folder.iterdir()}
        replay.faults["/whl/cu126/torch/"] = SILENT
        mirror = project.mirror
        profile = str(HOSTS / "gtx-1080-ti-580" / "profile.json")
        running = subprocess.Popen(
            [ACCELSEL, "pin", "--write", "--lock", "--profile", profile, "--mirror", mirror],
            cwd=project.folder,
            env=env,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        deadline = time.monotonic() + 60
        while "/whl/cu126/torch/" not in replay.requests and time.monotonic() < deadline:
            time.sleep(0.05)
        if name == "SIGINT":  # a terminal sends it to uv too
            os.killpg(running.pid, signal.SIGINT)
        else:
            running.send_signal(getattr(signal, name))
        _, said = running.communicate(timeout=60)
    assert running.returncode == 130, said
    assert "Traceback" not in said
    assert {path.name: path.read_bytes() for path in project.folder.iterdir()} == before
