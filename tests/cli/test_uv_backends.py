"""One committed project for several backends, on several hosts, with the real uv and the replay."""

import hashlib
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.kit.replay import Replay

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
ACCELSEL = str(Path(sys.executable).with_name("accelsel"))
PROJECT = """\
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["torch>=2.6", "torchvision"]

[dependency-groups]
dev = ["certifi"]
"""
EXPECTED = {
    "no-gpu": "2.14.1+cpu",
    "gtx-1080-ti-580": "2.14.1+cu126",
    "rtx-3060-gtx-1050-580": "2.14.1+cu126",
    "rtx-5090-580": "2.14.1+cu130",
    "rx-7900-xtx": "2.14.1+rocm7.2",
}
SHOW = "import torch; print(torch.__version__)"


def ran(
    *words: str, cwd: Path, env: Mapping[str, str], host: str | None = None, code: int = 0
) -> str:
    named = {"ACCELSEL_PROFILE": str(HOSTS / host / "profile.json")} if host else {}
    path = {"PATH": f"{Path(sys.executable).parent}{os.pathsep}{env['PATH']}"}
    done = subprocess.run(
        [ACCELSEL, *words], cwd=cwd, env={**env, **path, **named}, timeout=120,
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


def digests(folder: Path) -> list[str]:
    files = (folder / "pyproject.toml", folder / "uv.lock")
    return [hashlib.sha256(file.read_bytes()).hexdigest() for file in files]


def has(folder: Path, name: str) -> bool:
    return any((folder / ".venv" / "lib").glob(f"python3*/site-packages/{name}-*.dist-info"))


@pytest.mark.parametrize("shape", ["extras", "groups"])
def test_each_host_from_one_lock(
    shape: str, tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    ran("pin", "--write", "--lock", "--backends", "cpu,cu126,cu130,rocm7.2", "--as", shape,
        *(word for mirror in replay.mirrors for word in ("--mirror", mirror)),
        cwd=tmp_path, env=uv_env)  # fmt: skip
    committed = digests(tmp_path)
    for host, torch in EXPECTED.items():
        ran("uv", "sync", "--locked", cwd=tmp_path, env=uv_env, host=host)
        shown = ran("uv", "run", "--locked", "python", "-c", SHOW, cwd=tmp_path, env=uv_env,
                    host=host)  # fmt: skip
        assert shown.strip() == torch, host
        assert has(tmp_path, "certifi"), "the group dev stays"
        told = ran("doctor", "-q", cwd=tmp_path, env=uv_env, host=host)
        assert not {"error", "warning"} & {line.partition("[")[0] for line in told.splitlines()}
    # the caller's own word
    own = ["--extra", "cpu"] if shape == "extras" else ["--no-group", "cpu", "--group", "cu126"]
    wanted = "2.14.1+cpu" if shape == "extras" else "2.14.1+cu126"
    shown = ran("uv", "run", *own, "python", "-c", SHOW, cwd=tmp_path, env=uv_env,
                host="rtx-5090-580")  # fmt: skip
    assert shown.strip() == wanted
    ran("uv", "sync", cwd=tmp_path, env=uv_env, host="arc-a770", code=4)
    assert digests(tmp_path) == committed


# What uv itself makes of the line; () where it refuses backends that exclude each other.
GROUPS = {
    "sync": "2.14.1+cu126",
    "sync --all-extras": "2.14.1+cu126",
    "sync --group slow": "2.14.1+cu126",
    "sync --no-group slow": "2.14.1+cu126",
    "sync --no-default-groups": "2.14.1+cu126",
    "sync --no-dev": "2.14.1+cu126",
    "sync --no-group cpu --group cu130": "2.14.1+cu130",
    "sync --only-group cu130": "2.14.1+cu130",
    "sync --only-group slow": None,
    "sync --only-dev": None,
    "sync --no-group cpu": None,
    "sync --all-groups": (),
    "sync --group cu130": (),  # beside the default group
}
EXTRAS = {
    "sync": "2.14.1+cu126",
    "sync --all-groups": "2.14.1+cu126",
    "sync --group slow": "2.14.1+cu126",
    "sync --extra docs": "2.14.1+cu126",
    "sync --no-extra docs": "2.14.1+cu126",
    "sync --no-default-groups": "2.14.1+cu126",
    "sync --extra cu130": "2.14.1+cu130",
    "sync --extra cpu --extra docs": "2.14.1+cpu",
    "sync --only-group slow": None,
    "sync --all-extras": (),
}


@pytest.mark.parametrize(
    ("shape", "lines"), [("groups", GROUPS), ("extras", EXTRAS)], ids=["groups", "extras"]
)
def test_the_callers_own_words(
    shape: str,
    lines: Mapping[str, str | tuple[()] | None],
    tmp_path: Path,
    replay: Replay,
    uv_env: Mapping[str, str],
) -> None:
    extra = '\n[project.optional-dependencies]\ndocs = ["packaging"]\n'
    text = f'{PROJECT}slow = ["networkx"]\n{extra}'
    (tmp_path / "pyproject.toml").write_text(text)
    ran("pin", "--write", "--lock", "--backends", "cpu,cu126,cu130", "--as", shape,
        *(word for mirror in replay.mirrors for word in ("--mirror", mirror)),
        cwd=tmp_path, env=uv_env)  # fmt: skip
    for line, torch in lines.items():
        ran("uv", *line.split(), cwd=tmp_path, env=uv_env, host="gtx-1080-ti-580",
            code=2 if torch == () else 0)  # fmt: skip
        if torch != ():
            assert installed(tmp_path) == torch, line
    if shape == "groups":
        env = {**uv_env, "UV_NO_GROUP": "dev"}
        ran("uv", "sync", cwd=tmp_path, env=env, host="gtx-1080-ti-580")
        assert installed(tmp_path) == "2.14.1+cu126"
        assert not has(tmp_path, "certifi")


def test_a_new_version_is_uvs_own_business(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    """It syncs the default group; with the switch that the warning names it does not."""
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    ran("pin", "--write", "--lock", "--backends", "cpu,cu126",
        *(word for mirror in replay.mirrors for word in ("--mirror", mirror)),
        cwd=tmp_path, env=uv_env)  # fmt: skip
    host = "gtx-1080-ti-580"
    ran("uv", "sync", cwd=tmp_path, env=uv_env, host=host)
    ran("uv", "version", "--bump", "patch", "--no-sync", cwd=tmp_path, env=uv_env, host=host)
    assert installed(tmp_path) == "2.14.1+cu126"
    ran("uv", "version", "--bump", "patch", cwd=tmp_path, env=uv_env, host=host)
    assert installed(tmp_path) == "2.14.1+cpu"


def test_add_keeps_the_backend_of_the_host(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    ran("pin", "--write", "--lock", "--backends", "cpu,cu126",
        *(word for mirror in replay.mirrors for word in ("--mirror", mirror)),
        cwd=tmp_path, env=uv_env)  # fmt: skip
    host = "gtx-1080-ti-580"
    ran("uv", "add", "networkx", cwd=tmp_path, env=uv_env, host=host)
    assert "networkx" in (tmp_path / "pyproject.toml").read_text()
    python = tmp_path / ".venv" / "bin" / "python"
    show = [str(python), "-c", "import torch, networkx; print(torch.__version__)"]
    done = subprocess.run(show, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2.14.1+cu126"
    ran("uv", "add", "--group", "slow", "idna", cwd=tmp_path, env=uv_env, host=host)
    lowest = ("add", "--resolution", "lowest-direct", "--optional", "docs", "iniconfig")
    ran("uv", *lowest, cwd=tmp_path, env=uv_env, host=host)
    assert 'resolution-mode = "lowest-direct"' in (tmp_path / "uv.lock").read_text()
    torch = installed(tmp_path)
    assert torch != "2.14.1+cu126"
    assert f"{torch}".endswith("+cu126")
    ran("uv", "lock", cwd=tmp_path, env=uv_env)
    for name in ("idna", "iniconfig", "networkx"):
        assert has(tmp_path, name), "as by uv's own add"
    ran("uv", "remove", "networkx", cwd=tmp_path, env=uv_env, host=host)
    ran("uv", "remove", "--group", "slow", "idna", cwd=tmp_path, env=uv_env, host=host)
    assert not has(tmp_path, "idna"), "as by uv's own remove"
    done = subprocess.run([python, "-c", SHOW], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "2.14.1+cu126"


OWN = """\
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["certifi"]

[project.optional-dependencies]
cpu = ["torch>=2.6"]

[tool.uv.sources]
torch = { index = "pytorch-cpu", extra = "cpu" }

[[tool.uv.index]]
name = "pytorch-cpu"
url = "https://download.pytorch.org/whl/cpu"
explicit = true
"""


def installed(folder: Path) -> str | None:
    """The torch in the environment of the project."""
    found = (folder / ".venv" / "lib").glob("python3*/site-packages/torch-*.dist-info")
    return next((path.stem.removeprefix("torch-") for path in found), None)


def test_one_backend_beside_the_projects_own(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    text = OWN
    for mirror in replay.mirrors:
        before, _, after = mirror.partition("=")
        text = text.replace(before, after)
    (tmp_path / "pyproject.toml").write_text(text)
    host = "gtx-1080-ti-580"
    mirrors = [word for mirror in replay.mirrors for word in ("--mirror", mirror)]
    pin = ("pin", "--write", "--sync", *mirrors)
    ran(*pin, cwd=tmp_path, env=uv_env, host=host)
    assert installed(tmp_path) == "2.14.1+cu126"
    ran("uv", "sync", "--extra", "cpu", cwd=tmp_path, env=uv_env, host=host)
    assert installed(tmp_path) == "2.14.1+cpu", "the caller's own word"
    shown = ran("uv", "run", "python", "-c", SHOW, cwd=tmp_path, env=uv_env, host=host)
    assert shown.strip() == "2.14.1+cu126"
    ran("uv", "sync", cwd=tmp_path, env=uv_env, host="no-gpu", code=4)


@pytest.mark.parametrize("shape", ["extras", "groups"])
def test_pin_syncs_the_backend_of_the_host(
    shape: str, tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    (tmp_path / "pyproject.toml").write_text(PROJECT)
    profile = str(HOSTS / "gtx-1080-ti-580" / "profile.json")
    ran("pin", "--write", "--sync", "--backends", "cpu,cu126", "--as", shape,
        "--profile", profile, *(word for mirror in replay.mirrors for word in ("--mirror", mirror)),
        cwd=tmp_path, env=uv_env)  # fmt: skip
    assert installed(tmp_path) == "2.14.1+cu126"
