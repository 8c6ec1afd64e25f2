"""Real processes: what they leave behind is looked for in /proc."""

import os
import stat
import sys
import time
from pathlib import Path

import pytest

from accelsel.probe.process import OUTPUT_LIMIT, run_process

# Each stands in for a tool that hangs in its own way; all write their process group's marks first.
HANGS = {
    "sleeps": "echo before; exec sleep 60",
    "waits-for-a-child": "echo before; sleep 60; echo after",
    "child-in-the-background": "echo before; sleep 60 & wait",
    "child-in-a-session-of-its-own": "echo before; setsid sleep 60 & sleep 60",
    "ignores-signals": "trap '' TERM INT HUP; echo before; while :; do sleep 1; done",
    "writes-without-end": "echo before; while :; do echo more; done",
}


def script(folder: Path, text: str) -> str:
    path = folder / "tool"
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return str(path)


def environ(mark: Path) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "MARK_OF_TEST": str(mark)}


def left_behind(mark: Path) -> list[str]:
    wanted = f"MARK_OF_TEST={mark}\0".encode()
    found = []
    for entry in Path("/proc").iterdir():
        try:
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes() + b"\0":
                found.append((entry / "cmdline").read_bytes().decode())
        except OSError:
            continue
    return [command for command in found if command]


@pytest.mark.parametrize("text", HANGS.values(), ids=HANGS)
def test_a_program_that_hangs_is_killed_with_its_children(tmp_path: Path, text: str) -> None:
    started = time.monotonic()
    done = run_process(script(tmp_path, text), (), environ=environ(tmp_path), timeout=0.4)
    assert time.monotonic() - started < 3
    assert (done.status, done.code) == ("timeout", None)
    assert done.out.startswith("before\n")
    assert left_behind(tmp_path) == []


def test_a_child_that_outlives_its_parent_is_not_waited_for(tmp_path: Path) -> None:
    started = time.monotonic()
    tool = script(tmp_path, "sleep 60 & echo done")
    done = run_process(tool, (), environ=environ(tmp_path), timeout=10)
    assert time.monotonic() - started < 5
    assert (done.status, done.code, done.out) == ("ok", 0, "done\n")
    assert left_behind(tmp_path) == []


@pytest.mark.parametrize(
    ("text", "status", "code"),
    [
        pytest.param("exit 0", "ok", 0, id="success"),
        pytest.param("exit 9", "ok", 9, id="its-own-error"),
        pytest.param("kill -SEGV $$", "failed", -11, id="crash"),
        pytest.param("exec 1>&- 2>&-; sleep 0.2; exit 3", "ok", 3, id="closes-its-output-early"),
    ],
)
def test_how_a_program_ends(tmp_path: Path, text: str, status: str, code: int) -> None:
    done = run_process(script(tmp_path, text), (), environ=environ(tmp_path), timeout=5)
    assert (done.status, done.code) == (status, code)


def test_output_is_bounded_and_decoded(tmp_path: Path) -> None:
    tool = script(tmp_path, "printf '\\377bytes\\n' >&2; head -c 3000000 /dev/zero | tr '\\0' x")
    done = run_process(tool, (), environ=environ(tmp_path), timeout=10)
    assert len(done.out) == OUTPUT_LIMIT
    assert done.err == "\ufffdbytes\n"


def test_no_standard_input_and_no_shell(tmp_path: Path) -> None:
    tool = script(tmp_path, 'read line; echo "[$line]" "$@"')
    done = run_process(tool, ("$(id)", "a b"), environ=environ(tmp_path), timeout=5)
    assert done.out == "[] $(id) a b\n"


@pytest.mark.parametrize(
    ("content", "mode", "status"),
    [
        pytest.param("\x7fELF but no program", 0o700, "failed", id="not-a-program"),
        pytest.param("#!/nowhere/interpreter\n", 0o700, "absent", id="no-interpreter"),
        pytest.param(None, 0, "absent", id="not-there"),
    ],
)
def test_what_cannot_be_started(
    tmp_path: Path, content: str | None, mode: int, status: str
) -> None:
    tool = tmp_path / "tool"
    if content is not None:
        tool.write_text(content)
        tool.chmod(mode)
    done = run_process(str(tool), (), environ={}, timeout=5)
    assert (done.status, done.code) == (status, None)


def test_quick_programs_are_not_waited_for_longer_than_they_run(tmp_path: Path) -> None:
    times = []
    for _ in range(5):
        started = time.monotonic()
        run_process(sys.executable, ("-S", "-c", ""), environ={}, timeout=5)
        times.append(time.monotonic() - started)
    assert min(times) < 0.5
