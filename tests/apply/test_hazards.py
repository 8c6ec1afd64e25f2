"""Every setting that is refused does defeat the pin with the real uv, the others do not."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.kit.replay import Replay

from accelsel.apply.hazards import Hazard, hazards, refuse
from accelsel.model.errors import USAGE, AccelselError

PROJECT = """\
[project]
name = "p"
version = "0"
requires-python = ">=3.11"
dependencies = ["torch", "requests"]
[tool.uv]
constraint-dependencies = ["torch<2.15 ; sys_platform == 'linux'"]
[tool.uv.sources]
torch = {{ index = "pytorch-cpu", marker = "sys_platform == 'linux'" }}
[[tool.uv.index]]
name = "pytorch-cpu"
url = "{url}/whl/cpu"
explicit = true
"""
PINNED = {("torch", "2.14.1+cpu"), ("torch", "2.15.0"), ("requests", "2.32.5")}


def found(root: Path, env: Mapping[str, str], replay: Replay) -> tuple[Hazard, ...]:
    indexes = {"pytorch-cpu": f"{replay.url}/whl/cpu"}
    return hazards(root, env, indexes=indexes, packages={"torch"})


def locked(root: Path, env: Mapping[str, str]) -> set[tuple[str, str]] | None:
    """What uv locks under these settings; None where it refuses."""
    uv = str(Path(sys.executable).with_name("uv"))
    command = [uv, "lock", "--project", str(root)]
    done = subprocess.run(command, env=dict(env), capture_output=True, check=False)
    if done.returncode:
        return None
    lock = tomllib.loads((root / "uv.lock").read_text())
    names = {"torch", "requests"}
    return {(p["name"], p["version"]) for p in lock["package"] if p["name"] in names}


@pytest.mark.parametrize(
    ("variables", "code"),
    [
        pytest.param({}, None, id="nothing"),
        pytest.param({"UV_FROZEN": "1"}, "uv-frozen", id="frozen"),
        pytest.param({"UV_FROZEN": "false"}, None, id="frozen-off"),
        pytest.param({"UV_LOCKED": "true"}, "uv-locked", id="locked"),
        pytest.param({"UV_NO_SOURCES": "1"}, "uv-no-sources", id="no-sources"),
        pytest.param(
            {"UV_NO_SOURCES_PACKAGE": "torch"}, "uv-no-sources-package", id="no-sources-torch"
        ),
        pytest.param({"UV_NO_SOURCES_PACKAGE": "requests"}, None, id="no-sources-other"),
        pytest.param({"UV_INDEX": "pytorch-cpu=URL/whl/cu130"}, "uv-index", id="index-same-name"),
        pytest.param({"UV_INDEX": "URL/whl/cu130"}, "uv-index", id="index-of-torch"),
        pytest.param({"UV_INDEX": "corp=URL/pypi/simple"}, None, id="index-other"),
        pytest.param({"UV_INDEX": "URL/corp/simple URL/whl/xpu"}, "uv-index", id="index-second"),
        pytest.param(
            {"UV_EXTRA_INDEX_URL": "URL/whl/cu130"}, "uv-extra-index-url", id="extra-index"
        ),
        pytest.param(
            {"UV_DEFAULT_INDEX": "URL/whl/cu130"}, "uv-default-index", id="default-index-of-torch"
        ),
        pytest.param({"UV_NO_CONFIG": "1"}, None, id="no-config"),
        pytest.param({"UV_TORCH_BACKEND": "cu130"}, None, id="torch-backend"),
        pytest.param({"UV_INDEX_STRATEGY": "unsafe-best-match"}, None, id="strategy"),
        pytest.param({"UV_PRERELEASE": "disallow"}, None, id="prerelease"),
    ],
)
def test_environment(
    tmp_path: Path,
    replay: Replay,
    uv_env: Mapping[str, str],
    variables: Mapping[str, str],
    code: str | None,
) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(url=replay.url))
    env = {**uv_env, **{k: v.replace("URL", replay.url) for k, v in variables.items()}}
    fatal = [hazard for hazard in found(tmp_path, env, replay) if hazard.defeats]
    assert [hazard.code for hazard in fatal] == ([code] if code else [])
    assert all(hazard.help and "\n" not in hazard.message for hazard in fatal)
    assert (locked(tmp_path, env) == PINNED) == (code is None)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("UV_RESOLUTION", "lowest-direct"),
        ("UV_EXCLUDE_NEWER", "2026-11-01"),
        ("UV_NO_SYNC", "1"),
    ],
)
def test_what_only_bends_is_warned_about(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str], name: str, value: str
) -> None:
    hits = found(tmp_path, {**uv_env, name: value}, replay)
    assert [(hit.where, hit.defeats) for hit in hits] == [(f"env:{name}", False)]
    refuse(hits)


def test_uv_toml_beside(tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT.format(url=replay.url))
    (tmp_path / "uv.toml").write_text(f'[[index]]\nurl = "{replay.url}/whl/cu130"\n')
    assert locked(tmp_path, uv_env) != PINNED
    with pytest.raises(AccelselError) as caught:
        refuse(found(tmp_path, uv_env, replay))
    assert (caught.value.code, caught.value.kind) == (USAGE, "uv-toml")
    assert caught.value.where == str(tmp_path / "uv.toml")


def test_uv_toml_above_is_not_read(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    (tmp_path / "uv.toml").write_text(f'[[index]]\nurl = "{replay.url}/whl/cu130"\n')
    root = tmp_path / "p"
    root.mkdir()
    (root / "pyproject.toml").write_text(PROJECT.format(url=replay.url))
    assert found(root, uv_env, replay) == ()
    assert locked(root, uv_env) == PINNED


@pytest.mark.parametrize(
    ("text", "ways"),
    [
        pytest.param("no-sources = true\n", {"user", "named"}, id="no-sources"),
        pytest.param('[[index]]\nurl = "URL/whl/cu130"\n', {"user", "named"}, id="index"),
        pytest.param(
            '[[index]]\nname = "x"\nurl = "URL/whl/cu130"\nexplicit = true\n', set(), id="explicit"
        ),
        pytest.param(
            '[[index]]\nname = "pytorch-cpu"\nurl = "URL/whl/cu130"\n', {"named"}, id="same-name"
        ),
        pytest.param('[[index]]\nurl = "URL/pypi/simple"\n', set(), id="another-index"),
        pytest.param("preview = [\n", set(), id="broken"),
    ],
)
@pytest.mark.parametrize("way", ["user", "named"])
@pytest.mark.skipif(os.name != "posix", reason="where the user's configuration lies")
def test_configuration(
    tmp_path: Path,
    replay: Replay,
    uv_env: Mapping[str, str],
    text: str,
    ways: set[str],
    way: str,
) -> None:
    root, config = tmp_path / "p", tmp_path / "config" / "uv" / "uv.toml"
    root.mkdir()
    config.parent.mkdir(parents=True)
    config.write_text(text.replace("URL", replay.url))
    (root / "pyproject.toml").write_text(PROJECT.format(url=replay.url))
    named = {"UV_CONFIG_FILE": str(config)}
    env = {**uv_env, **(named if way == "named" else {"XDG_CONFIG_HOME": str(tmp_path / "config")})}
    fatal = way in ways
    assert any(hit.defeats for hit in found(root, env, replay)) == fatal
    result = locked(root, env)
    if result is not None:  # a broken file is uv's to refuse
        assert (result == PINNED) != fatal
