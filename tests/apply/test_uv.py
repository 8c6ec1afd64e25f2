"""The real uv: found, gated, run, and its failures told apart."""

import os
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.kit.replay import Replay

from accelsel.apply.uv import Uv, find, locate, lock, sync
from accelsel.model.errors import NETWORK, UV, AccelselError

PROJECT = """\
[project]
name = "p"
version = "0"
requires-python = ">=3.11"
dependencies = ["{needs}"]
[tool.uv.sources]
torch = {{ index = "pytorch-cpu", marker = "sys_platform == 'linux'" }}
[[tool.uv.index]]
name = "pytorch-cpu"
url = "{url}/whl/cpu"
explicit = true
"""


@pytest.fixture
def uv(uv_env: Mapping[str, str]) -> Uv:
    folder = str(Path(sys.executable).parent)
    return find({**uv_env, "PATH": f"{folder}{os.pathsep}{uv_env['PATH']}"})


def project(folder: Path, replay: Replay, needs: str = "torch") -> Path:
    path = folder / "pyproject.toml"
    path.write_text(PROJECT.format(url=replay.url, needs=needs))
    return path


def program(folder: Path, name: str, said: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\necho '{said}'\n")
    path.chmod(0o755)
    return path


def test_order_of_search(tmp_path: Path) -> None:
    named, first = program(tmp_path, "mine", "uv 9.9.9"), tmp_path / "bin"
    first.mkdir()
    on_path = program(first, "uv", "uv 8.8.8")
    assert locate({"UV": str(named), "PATH": str(first)}) == str(named)
    assert locate({"PATH": str(first)}) == str(on_path)
    packaged = locate({"PATH": str(tmp_path / "nowhere")})
    assert Path(packaged).parent == Path(sys.executable).parent


def test_accelsel_under_uvs_name_is_passed_over(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("first", "second"):
        (tmp_path / name).mkdir()
    mine = program(tmp_path, "uv-accelsel", "accelsel")
    (tmp_path / "first" / "uv").symlink_to(mine)
    real = program(tmp_path / "second", "uv", "uv 8.8.8")
    path = os.pathsep.join([str(tmp_path / "first"), str(tmp_path / "second")])
    assert locate({"PATH": path}) == str(tmp_path / "first" / "uv")
    for script in (mine, tmp_path / "first" / "uv"):
        monkeypatch.setattr(sys, "argv", [str(script), "sync"])
        assert locate({"PATH": path}) == str(real)
        assert Path(locate({"PATH": str(tmp_path / "first")})).parent == Path(sys.executable).parent


def test_a_named_uv_that_is_absent(tmp_path: Path) -> None:
    with pytest.raises(AccelselError) as caught:
        locate({"UV": str(tmp_path / "absent"), "PATH": os.environ["PATH"]})
    assert (caught.value.code, caught.value.kind) == (UV, "uv-missing")
    assert caught.value.help


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        pytest.param("uv 0.8.24 (x86_64-unknown-linux-gnu)", "uv-too-old", id="0.8"),
        pytest.param("uv 0.5.31", "uv-too-old", id="0.5"),
        pytest.param("uvicorn 0.30", "uv-failed", id="another-program"),
        pytest.param("", "uv-failed", id="silent"),
    ],
)
def test_version_gate(tmp_path: Path, said: str, kind: str) -> None:
    path = program(tmp_path, "uv", said)
    with pytest.raises(AccelselError) as caught:
        find({"UV": str(path), "PATH": os.environ["PATH"]})
    assert (caught.value.code, caught.value.kind) == (UV, kind)
    assert caught.value.help


@pytest.mark.parametrize("said", ["uv 0.9.0", "uv 0.13.8 (abc 2026-10-01)", "uv 1.0.0-rc.1"])
def test_new_enough(tmp_path: Path, said: str) -> None:
    path = program(tmp_path, "uv", said)
    found = find({"UV": str(path), "PATH": os.environ["PATH"]})
    assert found == Uv(path=str(path), version=said.split()[1])


def test_lock_and_sync(tmp_path: Path, replay: Replay, uv: Uv, uv_env: Mapping[str, str]) -> None:
    path = project(tmp_path, replay)
    heard: list[str] = []
    lock(uv, path, upgrade=["torch"], env=uv_env, sink=heard.append)
    assert "Resolved" in "".join(heard)
    assert 'version = "2.14.1+cpu"' in (tmp_path / "uv.lock").read_text()
    sync(uv, path, upgrade=["torch"], env=uv_env, sink=heard.append)
    assert "torch==2.14.1+cpu" in "".join(heard)


def test_lock_moves_only_what_is_named(
    tmp_path: Path, replay: Replay, uv: Uv, uv_env: Mapping[str, str]
) -> None:
    path = project(tmp_path, replay, 'torch<2.14", "numpy<2.3')
    lock(uv, path, env=uv_env, sink=len)
    path.write_text(path.read_text().replace("torch<2.14", "torch").replace("numpy<2.3", "numpy"))
    lock(uv, path, upgrade=["torch"], env=uv_env, sink=len)
    text = (tmp_path / "uv.lock").read_text()
    assert 'version = "2.14.1+cpu"' in text
    assert 'name = "numpy"\nversion = "2.2.6"' in text


def test_a_script_has_a_lock_of_its_own(
    tmp_path: Path, replay: Replay, uv: Uv, uv_env: Mapping[str, str]
) -> None:
    path = tmp_path / "run.py"
    path.write_text('# /// script\n# dependencies = ["numpy"]\n# ///\n')
    lock(uv, path, env=uv_env, sink=len)
    assert (tmp_path / "run.py.lock").exists()


def test_the_project_is_the_one_that_is_named(
    tmp_path: Path, replay: Replay, uv: Uv, uv_env: Mapping[str, str]
) -> None:
    path = project(tmp_path, replay)
    other = tmp_path / "other"
    other.mkdir()
    env = {**uv_env, "UV_PROJECT": str(other), "UV_WORKING_DIR": str(other)}
    lock(uv, path, env=env, sink=len)
    assert (tmp_path / "uv.lock").exists()


def test_failure_to_resolve(
    tmp_path: Path, replay: Replay, uv: Uv, uv_env: Mapping[str, str]
) -> None:
    path = project(tmp_path, replay, "torch>99")
    heard: list[str] = []
    with pytest.raises(AccelselError) as caught:
        lock(uv, path, upgrade=["torch"], env=uv_env, sink=heard.append)
    assert (caught.value.code, caught.value.kind) == (UV, "uv-failed")
    assert "No solution found" in caught.value.message
    assert "\n" not in caught.value.message
    assert "No solution found" in "".join(heard)


@pytest.mark.parametrize(
    ("status", "code"),
    [pytest.param(0, NETWORK, id="dropped"), pytest.param(503, UV, id="503")],
)
def test_index_faults(
    tmp_path: Path,
    replay: Replay,
    uv: Uv,
    uv_env: Mapping[str, str],
    status: int,
    code: int,
) -> None:
    path = project(tmp_path, replay)
    replay.faults["/whl/cpu/torch/"] = status
    env = {**uv_env, "UV_CACHE_DIR": str(tmp_path / "cache")}
    with pytest.raises(AccelselError) as caught:
        lock(uv, path, upgrade=["torch"], env=env, sink=len)
    assert caught.value.code == code
    assert not (tmp_path / "uv.lock").exists()


def test_offline_without_a_cache(
    tmp_path: Path, replay: Replay, uv: Uv, uv_env: Mapping[str, str]
) -> None:
    path = project(tmp_path, replay)
    env = {**uv_env, "UV_CACHE_DIR": str(tmp_path / "cache")}
    with pytest.raises(AccelselError) as caught:
        lock(uv, path, upgrade=["torch"], env=env, offline=True, sink=len)
    assert (caught.value.code, caught.value.kind) == (NETWORK, "network")
    assert "--offline" in (caught.value.help or "")
    assert replay.requests == []
