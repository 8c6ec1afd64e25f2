import os
import sys
import sysconfig
import time
from pathlib import Path

import pytest

from accelsel.probe.host_world import TEXT_LIMIT, HostWorld


def test_a_pipe_in_the_place_of_a_file_does_not_block(root: Path) -> None:
    os.mkfifo(root / "version")
    started = time.monotonic()
    with pytest.raises(OSError, match="not a regular file"):
        HostWorld(root=str(root)).read_text("/version")
    assert time.monotonic() - started < 1


def test_reads_are_bounded(root: Path) -> None:
    (root / "large").write_bytes(b"x" * (TEXT_LIMIT + 10))
    assert len(HostWorld(root=str(root)).read_text("/large")) == TEXT_LIMIT


def test_bytes_that_are_no_utf8_are_replaced(root: Path) -> None:
    (root / "name").write_bytes(b"caf\xe9")
    assert HostWorld(root=str(root)).read_text("/name") == "caf\ufffd"


@pytest.mark.parametrize("path", ["/missing", "/folder"])
def test_what_cannot_be_read_is_an_os_error(root: Path, path: str) -> None:
    (root / "folder").mkdir()
    with pytest.raises(OSError):
        HostWorld(root=str(root)).read_text(path)


def test_folders_and_links(root: Path) -> None:
    for name in ("b", "a"):
        (root / name).touch()
    (root / "link").symlink_to("../elsewhere/nvidia")
    world = HostWorld(root=str(root))
    assert world.list_dir("/") == ("a", "b", "link")
    assert world.read_link("/link") == "../elsewhere/nvidia"
    assert world.exists("/a")
    assert not world.exists("/c")
    assert world.writable("/a")
    assert not world.writable("/c")


def tool(folder: Path, text: str, *, mode: int = 0o755) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / "nvidia-smi"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(mode)
    return path


def test_tools_run_in_the_c_locale_without_masks(tmp_path: Path) -> None:
    tool(tmp_path / "bin", "export")
    environ = {
        "PATH": str(tmp_path / "bin"),
        "LANG": "tr_TR.UTF-8",
        "LC_NUMERIC": "de_DE.UTF-8",
        "LANGUAGE": "tr",
        "CUDA_VISIBLE_DEVICES": "1",
        "HSA_OVERRIDE_GFX_VERSION_0": "10.3.0",
        "KEPT": "yes",
    }
    done = HostWorld(environ=environ).run(("nvidia-smi",), 5)
    names = {line.split("=")[0].split()[-1] for line in done.out.splitlines()}
    assert "LC_ALL='C'" in done.out
    assert "KEPT" in names
    assert not names & (environ.keys() - {"PATH", "KEPT"})


def test_a_tool_is_looked_for_on_path_and_never_in_the_current_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    tool(here, "echo here")
    tool(there, "echo there")
    monkeypatch.chdir(here)
    run = HostWorld(environ={"PATH": f":.:{tmp_path}/none:{there}"}).run
    assert run(("nvidia-smi",), 5).out == "there\n"
    assert run((str(here / "nvidia-smi"),), 5).out == "here\n"
    assert run(("rocminfo",), 5).status == "absent"
    assert run(("./nvidia-smi",), 5).status == "absent"


def test_an_executable_is_taken_before_a_file_that_is_none(tmp_path: Path) -> None:
    tool(tmp_path / "a", "echo no", mode=0o644)
    only = HostWorld(environ={"PATH": f"{tmp_path}/a"}).run(("nvidia-smi",), 5)
    assert only.status in {"denied", "ok"}  # root may run nothing without an x bit either
    assert only.out == ""
    tool(tmp_path / "b", "echo yes")
    both = HostWorld(environ={"PATH": f"{tmp_path}/a:{tmp_path}/b"}).run(("nvidia-smi",), 5)
    assert both.out == "yes\n"


def test_without_a_library_no_process_is_started(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/nowhere/python")  # would fail, if it were started
    world = HostWorld(environ={"LD_LIBRARY_PATH": "/nowhere"})
    for name in ("nvml", "cuda"):
        assert world.stream(name, 1).status == "absent"


def test_facts_of_the_interpreter() -> None:
    world = HostWorld()
    assert world.python() == {
        "version": "{}.{}.{}".format(*sys.version_info[:3]),
        "implementation": sys.implementation.name,
        "free_threaded": bool(sysconfig.get_config_var("Py_GIL_DISABLED")),
    }
    assert world.uname()["release"] == os.uname().release
