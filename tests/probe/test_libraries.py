from pathlib import Path

import pytest

from accelsel.probe import libraries
from accelsel.probe.libraries import find


def looked(environ: dict[str, str], system: str = "linux", library: str = "nvml") -> str | None:
    return find(library, system=system, machine="x86_64", environ=environ)


def test_on_the_library_path(tmp_path: Path) -> None:
    (tmp_path / "libnvidia-ml.so.1").touch()
    assert looked({"LD_LIBRARY_PATH": f"/none:{tmp_path}"}) == ""
    assert looked({"LD_LIBRARY_PATH": f"/none;{tmp_path}"}) == ""
    assert looked({"LD_LIBRARY_PATH": "/none"}) is None
    assert looked({"LD_LIBRARY_PATH": str(tmp_path)}, library="cuda") is None


def test_beside_the_path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """WSL's folder is not always in the loader's configuration."""
    (tmp_path / "libnvidia-ml.so.1").touch()
    monkeypatch.setattr(libraries, "BESIDE_THE_PATH", (str(tmp_path),))
    assert looked({}) == str(tmp_path)


def test_windows(tmp_path: Path) -> None:
    (tmp_path / "System32").mkdir()
    assert looked({"WINDIR": str(tmp_path)}, "windows") is None
    (tmp_path / "System32" / "nvml.dll").touch()
    assert looked({"WINDIR": str(tmp_path)}, "windows") == ""


def test_macos_has_none() -> None:
    assert looked({"LD_LIBRARY_PATH": "/"}, "darwin") is None
