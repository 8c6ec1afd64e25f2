"""The isolated interpreter: what it finds, and what it writes down."""

import sys
from pathlib import Path

import pytest

from accelsel.probe.child import ask
from accelsel.probe.host_world import HostWorld

STAND_IN = """
import sys

class Gpu:
    pci_slot = "0000:03:00.0"
    name = "AMD Radeon RX 7900 XTX"
    memory_info = {"vram_size": 25753026560}

def detect_gpus():
    print("a library that prints", flush=True)
    return 2

def get_gpu(index):
    if index:
        raise RuntimeError("Unknown\\nError")
    return Gpu()
"""


@pytest.mark.parametrize("name", ["pyamdgpuinfo.py", "pyamdgpuinfo/__init__.py"])
def test_bindings_are_found_as_a_module_and_as_a_package(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(STAND_IN)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    said = HostWorld(environ={}).stream("pyamdgpuinfo", 5)
    assert (said.status, said.detail) == ("ok", None)
    assert list(said.records) == [
        {"call": "count", "gpu": None, "value": 2},
        {"call": "handle", "gpu": 0, "value": True},
        {"call": "handle", "gpu": 1, "error": "RuntimeError: Unknown\nError"},
        {"call": "slot", "gpu": 0, "value": "0000:03:00.0"},
        {"call": "name", "gpu": 0, "value": "AMD Radeon RX 7900 XTX"},
        {"call": "memory", "gpu": 0, "value": 25753026560},
    ]


@pytest.mark.parametrize("library", ["nvml", "pyamdgpuinfo"])
def test_bindings_that_are_not_installed(monkeypatch: pytest.MonkeyPatch, library: str) -> None:
    monkeypatch.setattr(sys, "path", [])
    said = ask(library, environ={}, timeout=5)
    assert said.status == "absent"
    assert said.detail is not None
    assert "not installed" in said.detail


def test_bindings_that_cannot_be_imported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "pyamdgpuinfo.py").write_text("import a_module_that_is_not_there\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    said = ask("pyamdgpuinfo", environ={}, timeout=5)
    assert (said.status, said.records, said.detail) == ("failed", (), "ended early")


def test_what_the_user_has_set_for_python_does_not_reach_the_child(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor does a `sitecustomize` of the environment run there."""
    (tmp_path / "pyamdgpuinfo.py").write_text(STAND_IN)
    (tmp_path / "json.py").write_text("raise SystemExit('shadowed')\n")
    (tmp_path / "sitecustomize.py").write_text("raise SystemExit('ran')\n")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    environ = {"PYTHONPATH": str(tmp_path), "PYTHONSTARTUP": "x", "PYTHONINSPECT": "1"}
    assert ask("pyamdgpuinfo", environ=environ, timeout=5).status == "ok"
