"""Scanning real folders: what an environment says of itself without anything being imported."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.kit.environments import elf, environment_files, package_files

from accelsel.model.errors import AccelselError
from accelsel.model.installed import Library
from accelsel.probe.host_world import HostWorld
from accelsel.probe.installed import Location, locate, scan, stated


def _environment(root: Path, *packages: Mapping[str, object], python: str = "3.12.3") -> Path:
    for path, text in environment_files(
        {"python": python, "packages": packages}, str(root)
    ).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    return root


TORCH = {
    "name": "torch",
    "version": "2.15.0",
    "requires": ["filelock", "triton~=3.9.0; platform_system == 'Linux'"],
    "built": "2.15.0+cu132",
    "states": {"cuda": "13.2"},
}


@pytest.mark.parametrize(
    ("python", "variables", "project", "expected"),
    [
        pytest.param(None, {}, True, ".venv", id="the project's own"),
        pytest.param(None, {"VIRTUAL_ENV": "active"}, True, ".venv", id="before the active one"),
        pytest.param(None, {"VIRTUAL_ENV": "active"}, False, "VIRTUAL_ENV", id="the active one"),
        pytest.param(None, {"CONDA_PREFIX": "active"}, False, "CONDA_PREFIX", id="conda"),
        pytest.param(None, {"VIRTUAL_ENV": "gone"}, False, None, id="active and gone"),
        pytest.param("active", {}, True, "--python", id="a named folder"),
        pytest.param("active/bin/python", {}, True, "--python", id="a named interpreter"),
    ],
)
def test_locate(
    tmp_path: Path,
    python: str | None,
    variables: dict[str, str],
    project: bool,
    expected: str | None,
) -> None:
    _environment(tmp_path / "project" / ".venv")
    _environment(tmp_path / "active")
    (tmp_path / "active" / "bin").mkdir()
    (tmp_path / "active" / "bin" / "python").touch()
    world = HostWorld(environ={name: str(tmp_path / value) for name, value in variables.items()})
    place = locate(
        world,
        python=python,
        project=str(tmp_path / "project") if project else None,
        cwd=str(tmp_path),
    )
    assert (place.chosen if place else None) == expected


def test_locate_takes_the_nearest_above_as_uv_pip_does(tmp_path: Path) -> None:
    """(docs.astral.sh/uv/pip/environments, read 2026-11-20.)"""
    _environment(tmp_path / ".venv")
    _environment(tmp_path / "a" / ".venv")
    for folder, root in (("", ""), ("a", "a/"), ("a/b/c", "a/"), ("d/e", "")):
        below = tmp_path / folder
        below.mkdir(parents=True, exist_ok=True)
        place = locate(HostWorld(environ={}), python=None, project=None, cwd=str(below))
        assert place is not None
        assert place.root == f"{tmp_path}/{root}.venv"
    inside = str(tmp_path / "d")
    assert locate(HostWorld(environ={}), python=None, project=inside, cwd=inside) is None


def test_locate_names_what_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(AccelselError) as caught:
        locate(HostWorld(environ={}), python="no/such/env", project=None, cwd=str(tmp_path))
    assert caught.value.code == 2


def test_scan_reads_what_torch_states(tmp_path: Path) -> None:
    root = _environment(tmp_path / "env", TORCH, {"name": "numpy", "version": "2.3.0"})
    found = scan(HostWorld(environ={}), Location(root=str(root), chosen="--python"))
    torch = found.get("torch")
    assert found.kind == "venv"
    assert found.python == "3.12.3"
    assert found.free_threaded is False
    assert torch is not None
    assert (torch.version, torch.full_version, torch.local) == ("2.15.0", "2.15.0+cu132", "cu132")
    assert found.torch is not None
    assert (found.torch.version, found.torch.cuda) == ("2.15.0+cu132", "13.2")
    assert found.get("numpy") is not None


def test_scan_of_a_real_environment_agrees_with_the_interpreter() -> None:
    from importlib.metadata import distributions

    found = scan(HostWorld(), Location(root=sys.prefix, chosen="--python"))
    theirs = {
        d.name.lower().replace("_", "-").replace(".", "-"): d.version for d in distributions()
    }
    ours = {package.name: package.version for package in found.packages}
    assert ours.items() <= theirs.items()
    assert len(ours) > 10


def test_scan_asks_an_interpreter_outside_an_environment(tmp_path: Path) -> None:
    base = Path(sys.base_prefix) / "bin" / "python3"
    found = scan(HostWorld(), Location(root=str(base.parent), chosen="--python", python=str(base)))
    version = subprocess.run(
        [base, "-c", "import platform; print(platform.python_version())"],
        check=True, capture_output=True, text=True,
    ).stdout.strip()  # fmt: skip
    assert found.kind == "system"
    assert found.python == version


def test_scan_without_an_answer_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(AccelselError) as caught:
        scan(HostWorld(), Location(root="", chosen="--python", python="no-such-python-at-all"))
    assert caught.value.kind == "no-environment"


def test_scan_leaves_out_what_is_broken(tmp_path: Path) -> None:
    root = _environment(tmp_path / "env", TORCH)
    site = root / "lib" / "python3.12" / "site-packages"
    (site / "half-1.0.dist-info").mkdir()
    (site / "odd.dist-info").write_text("a file", encoding="utf-8")
    (site / "torch-2.15.0.dist-info" / "direct_url.json").write_bytes(b"\xff{")
    found = scan(HostWorld(environ={}), Location(root=str(root), chosen="--python"))
    assert {"torch", "half"} <= {package.name for package in found.packages}


@pytest.mark.parametrize("config", ["", "\0", "version = x.y\n", "version_info = \n"])
def test_the_folder_tells_the_python_where_the_settings_do_not(tmp_path: Path, config: str) -> None:
    root = _environment(tmp_path / "env", TORCH)
    (root / "pyvenv.cfg").write_text(config)
    found = scan(HostWorld(environ={}), Location(root=str(root), chosen="--python"))
    assert found.python == "3.12"


def test_direct_urls_lose_their_credentials(tmp_path: Path) -> None:
    url = "https://user:secret@host.example/x+cu12torch2.6-cp312.whl?token=abc#sha256=0"
    root = _environment(tmp_path / "env", {**TORCH, "url": url})
    torch = scan(HostWorld(environ={}), Location(root=str(root), chosen="--python")).get("torch")
    assert torch is not None
    assert torch.source == "https://host.example/x+cu12torch2.6-cp312.whl"


def test_conda(tmp_path: Path) -> None:
    site = tmp_path / "lib" / "python3.11" / "site-packages"
    for path, text in package_files(TORCH, str(site)).items():
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        Path(path).write_text(text, encoding="utf-8")
    (tmp_path / "conda-meta").mkdir()
    (tmp_path / "conda-meta" / "python-3.11.9-h955ad1f_0.json").write_text(json.dumps({}))
    found = scan(HostWorld(environ={}), Location(root=str(tmp_path), chosen="CONDA_PREFIX"))
    assert (found.kind, found.python) == ("conda", "3.11.9")
    assert found.get("torch") is not None


def test_libraries_tags_and_leftovers(tmp_path: Path) -> None:
    """Of a real folder, in which the library is a file of bytes."""
    kernels = {
        "name": "my-kernels",
        "version": "1.0",
        "requires": ["torch"],
        "tags": ["cp312-cp312-linux_x86_64"],
        "compiled": True,
    }
    root = _environment(tmp_path / "env", TORCH, kernels)
    [site] = root.glob("lib/python3*/site-packages")
    (site / "my_kernels").mkdir()
    (site / "my_kernels" / "_C.so").write_bytes(elf({"sass": ["sm_80"]}))
    (site / "~orch").mkdir()
    (site / "~backup").mkdir()
    found = scan(HostWorld(environ={}), Location(root=str(root), chosen="--python"))
    package = found.get("my-kernels")
    assert package is not None
    assert package.libraries == (Library(path="my_kernels/_C.so", sass=("sm_80",)),)
    assert package.tags == ("cp312-cp312-linux_x86_64",)
    assert found.leftovers == (f"{site}/~orch",)


def test_stated_takes_plain_strings_only() -> None:
    text = (
        "from typing import Optional\n__version__ = '2.6.0+cu124'\ncuda: Optional[str] = '12.4'\n"
        "hip: Optional[str] = None\ndebug = False\n    inner = 'no'\n"
    )
    assert stated(text) == {"__version__": "2.6.0+cu124", "cuda": "12.4"}
