"""The file is old or new at every instant, and nothing stays behind."""

import json
import os
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from accelsel.apply.files import exclusive, find_project, read_project, write_replacing
from accelsel.model.errors import USAGE, AccelselError

OLD = b'[project]\r\nname = "old"\r\n'
NEW = b'\xef\xbb\xbf[project]\nname = "new"\n' + b"# " + b"x" * 20_000 + b"\n"
POSIX = pytest.mark.skipif(os.name != "posix", reason="POSIX semantics")


@pytest.fixture
def project(tmp_path: Path) -> Path:
    path = tmp_path / "pyproject.toml"
    path.write_bytes(OLD)
    return path


def left(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "pyproject.toml")


@pytest.mark.parametrize(
    "data",
    [
        pytest.param(b"", id="empty"),
        pytest.param(OLD, id="crlf"),
        pytest.param(b"a = 1\rb = 2", id="no-newline-at-end"),
        pytest.param(b"\xef\xbb\xbfa = 1\n", id="bom"),
        pytest.param("n = 'Ünï → 火'\n".encode(), id="not-ascii"),
    ],
)
def test_text_gives_back_the_bytes(project: Path, data: bytes) -> None:
    project.write_bytes(data)
    read = read_project(project)
    assert read.data == data
    assert read.text.encode() == data


@pytest.mark.parametrize(
    ("data", "line"),
    [
        pytest.param('[project]\nname = "x"\n# naïve\n'.encode("latin-1"), 3, id="latin-1"),
        pytest.param("[project]\n".encode("utf-16"), 1, id="utf-16"),
    ],
)
def test_other_encodings_are_refused(project: Path, data: bytes, line: int) -> None:
    project.write_bytes(data)
    with pytest.raises(AccelselError) as caught:
        read_project(project)
    assert (caught.value.code, caught.value.kind) == (USAGE, "not-utf-8")
    assert caught.value.where == f"{project}:{line}"
    assert caught.value.help


def test_what_is_no_file_is_refused(tmp_path: Path) -> None:
    for path, kind in [(tmp_path / "absent.toml", "no-such-file"), (tmp_path, "unreadable")]:
        with pytest.raises(AccelselError) as caught:
            read_project(path)
        assert (caught.value.code, caught.value.kind) == (USAGE, kind)


@POSIX
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(AccelselError, match="not a regular file"):
        read_project(tmp_path / "pipe")


def test_find_project_goes_up(project: Path) -> None:
    below = project.parent / "src" / "deep"
    below.mkdir(parents=True)
    assert find_project(below) == project
    assert find_project(project.parent) == project
    assert find_project(project) == project


def test_find_project_says_where_it_looked(tmp_path: Path) -> None:
    with pytest.raises(AccelselError) as caught:
        find_project(tmp_path)
    assert (caught.value.code, caught.value.kind) == (USAGE, "no-project")


def test_replaced(project: Path) -> None:
    assert write_replacing(project, OLD, NEW)
    assert project.read_bytes() == NEW
    assert left(project.parent) == []


def test_equal_bytes_touch_nothing(project: Path) -> None:
    before = project.stat()
    assert not write_replacing(project, OLD, OLD)
    assert project.stat().st_mtime_ns == before.st_mtime_ns
    assert project.stat().st_ino == before.st_ino


@POSIX
@pytest.mark.parametrize("mode", [0o600, 0o644, 0o664, 0o755])
def test_mode_is_kept(project: Path, mode: int) -> None:
    project.chmod(mode)
    write_replacing(project, OLD, NEW)
    assert stat.S_IMODE(project.stat().st_mode) == mode


@POSIX
def test_link_stays_and_its_target_is_replaced(tmp_path: Path) -> None:
    real = tmp_path / "elsewhere" / "real.toml"
    real.parent.mkdir()
    real.write_bytes(OLD)
    link = tmp_path / "pyproject.toml"
    link.symlink_to(Path("elsewhere") / "real.toml")
    assert write_replacing(link, OLD, NEW)
    assert link.is_symlink()
    assert real.read_bytes() == NEW


def test_a_changed_file_is_left_as_it_is(project: Path) -> None:
    project.write_bytes(b"# edited meanwhile\n")
    with pytest.raises(AccelselError) as caught:
        write_replacing(project, OLD, NEW)
    assert (caught.value.code, caught.value.kind) == (USAGE, "changed")
    assert project.read_bytes() == b"# edited meanwhile\n"
    assert left(project.parent) == []


def test_a_removed_file_is_not_made_again(project: Path) -> None:
    mode = project.stat().st_mode
    assert mode
    with exclusive(project) as hold:
        project.unlink()
        with pytest.raises(AccelselError) as caught:
            write_replacing(project, OLD, NEW, hold=hold)
    assert caught.value.code == USAGE
    assert left(project.parent) == []
    assert not project.exists()


def test_a_read_only_file_is_refused(project: Path) -> None:
    project.chmod(0o444)
    with pytest.raises(AccelselError) as caught:
        write_replacing(project, OLD, NEW)
    assert (caught.value.code, caught.value.kind) == (USAGE, "read-only")
    assert caught.value.help
    assert project.read_bytes() == OLD
    project.chmod(0o644)


def test_what_a_killed_run_left_is_cleared(project: Path) -> None:
    (project.parent / ".accelsel-abc.tmp").write_bytes(b"half")
    (project.parent / ".accelsel-config").write_bytes(b"the user's")
    write_replacing(project, OLD, NEW)
    assert left(project.parent) == [".accelsel-config"]


def test_a_second_accelsel_waits_and_then_gives_up(project: Path) -> None:
    entered, leave = threading.Event(), threading.Event()

    def first() -> None:
        with exclusive(project):
            entered.set()
            leave.wait(10)

    thread = threading.Thread(target=first)
    thread.start()
    assert entered.wait(10)
    with (
        pytest.raises(AccelselError, match="another accelsel") as caught,
        exclusive(project, wait_s=0.1),
    ):
        pytest.fail("two are inside")
    assert caught.value.code == USAGE
    leave.set()
    thread.join()
    with exclusive(project, wait_s=0.1) as hold:
        assert write_replacing(project, OLD, NEW, hold=hold)


def test_the_holder_may_enter_again(project: Path) -> None:
    with exclusive(project, wait_s=0):
        assert write_replacing(project, OLD, NEW)
        with exclusive(project.with_name("uv.lock"), wait_s=0):
            assert write_replacing(project, NEW, OLD)


# A process without threads that forks one child per step of the write: the child is ended at the
# n-th line that the module executes, or must live with a condition. It prints what it found.
DRIVER = r"""
import json, os, resource, signal, sys
import tempfile  # while it can be read: the denied user has no right to the interpreter
from pathlib import Path
from accelsel.apply import files
from accelsel.model.errors import AccelselError

way, folder = sys.argv[1], Path(sys.argv[2])
path, old, new = folder / "pyproject.toml", sys.stdin.buffer.read(), None
new = b"# new\n" * 5000
found = []

def child(n):
    if way == "full":
        resource.setrlimit(resource.RLIMIT_FSIZE, (n, n))
    elif way == "denied":
        os.seteuid(65534)
    else:
        count = 0
        def trace(frame, event, _):
            nonlocal count
            if frame.f_code.co_filename != files.__file__:
                return None
            if event == "line":
                count += 1
                if count == n:
                    os.kill(os.getpid(), getattr(signal, way))
            return trace
        sys.settrace(trace)
    try:
        files.write_replacing(path, old, new)
    except AccelselError as error:
        sys.settrace(None)
        print(error.kind, file=sys.stderr, flush=True)
        os._exit(error.code)
    except KeyboardInterrupt:
        os._exit(130)
    sys.settrace(None)
    os._exit(0)

n = 0
while n < 2000:
    n += 1
    path.write_bytes(old)
    pid = os.fork()
    if pid == 0:
        child(n * 1000 if way == "full" else n)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    data = path.read_bytes()
    state = "old" if data == old else "new" if data == new else "broken"
    stray = sorted(p.name for p in folder.iterdir() if p != path)
    found.append([status, state, stray])
    if way == "denied" or status == 0:
        break
path.write_bytes(old)
files.write_replacing(path, old, new)
found.append([0, "after", sorted(p.name for p in folder.iterdir() if p != path)])
print(json.dumps(found))
"""


def drive(way: str, project: Path) -> list[tuple[int, str, list[str]]]:
    done = subprocess.run(
        [sys.executable, "-c", DRIVER, way, str(project.parent)],
        input=OLD,
        capture_output=True,
        check=True,
        timeout=60,
    )
    return [(status, state, stray) for status, state, stray in json.loads(done.stdout)]


@POSIX
def test_killed_at_any_line(project: Path) -> None:
    *killed, finished, after = drive("SIGKILL", project)
    assert len(killed) > 30
    assert {status for status, _, _ in killed} == {-9}
    assert {state for _, state, _ in killed} == {"old", "new"}
    assert max(len(stray) for _, _, stray in killed) == 1
    assert all(name.startswith(".accelsel-") for _, _, stray in killed for name in stray)
    assert finished == (0, "new", [])
    assert after == (0, "after", [])


@POSIX
@pytest.mark.parametrize(("name", "code"), [("SIGTERM", -15), ("SIGHUP", -1), ("SIGINT", 130)])
def test_a_signal_at_any_line_leaves_nothing(project: Path, name: str, code: int) -> None:
    *ended, finished, after = drive(name, project)
    assert len(ended) > 30
    assert {status for status, _, _ in ended} == {code}
    assert {state for _, state, _ in ended} == {"old", "new"}
    assert [stray for _, _, stray in ended if stray] == []
    assert finished == (0, "new", [])
    assert after == (0, "after", [])


@POSIX
def test_a_full_disk_at_any_size(project: Path) -> None:
    *full, finished, _ = drive("full", project)
    assert len(full) > 20
    assert {(status, state, tuple(stray)) for status, state, stray in full} == {(USAGE, "old", ())}
    assert finished == (0, "new", [])


@POSIX
@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="takes root's rights away")
def test_a_folder_without_permission(project: Path) -> None:
    project.chmod(0o666)
    for folder in (project.parent, *project.parent.parents[:3]):
        folder.chmod(0o755)
    denied, _ = drive("denied", project)
    assert denied == (USAGE, "old", [])


def test_a_folder_above_that_was_named_is_not_this_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "here").mkdir()
    (tmp_path / "here" / "pyproject.toml").write_text("")
    monkeypatch.chdir(tmp_path / "here")
    with pytest.raises(AccelselError):
        find_project(Path(".."))
    assert find_project(Path("../here")) == Path("../here/pyproject.toml")
