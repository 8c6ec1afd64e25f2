"""Reading a project file, and replacing it in one step."""

import contextlib
import os
import stat
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from accelsel.apply import signals
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.value import dataclass

PREFIX = ".accelsel-"
_SUFFIX = ".tmp"
_WAIT_S = 10.0
_POLL_S = 0.05
_mine = threading.local()


@dataclass(frozen=True, kw_only=True)
class ProjectFile:
    """A file as it was read. `text` is `data` decoded, with its BOM and its newlines."""

    path: Path
    data: bytes
    text: str


@dataclass(frozen=True, kw_only=True)
class Hold:
    """The right to write in `folder`, from `exclusive`."""

    folder: Path


def find_project(start: Path) -> Path:
    """The `pyproject.toml` that a path means: a file is itself, a folder has one or lies below one.

    Raises `AccelselError` (2, `no-project`) where there is none.
    """
    if not start.is_dir():
        return start
    folder = start.resolve()
    for candidate in (folder, *folder.parents):
        if (candidate / "pyproject.toml").is_file():
            return start / "pyproject.toml" if candidate == folder else candidate / "pyproject.toml"
    raise AccelselError(
        USAGE,
        "no-project",
        "no pyproject.toml here or in a folder above",
        where=str(start),
        help="run it inside a project, name the file, or start one with `uv init --bare`",
    )


def read_project(path: Path) -> ProjectFile:
    """The file's bytes and their text.

    Raises `AccelselError` (2): `no-such-file`, `unreadable`, `not-utf-8`.
    """
    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise AccelselError(
                USAGE,
                "unreadable",
                "not a regular file",
                where=str(path),
                help="name a pyproject.toml or a script",
            )
        data = path.read_bytes()
    except FileNotFoundError:
        raise AccelselError(
            USAGE,
            "no-such-file",
            "no such file",
            where=str(path),
            help="name an existing pyproject.toml or script",
        ) from None
    except OSError as error:
        raise AccelselError(
            USAGE,
            "unreadable",
            f"cannot be read: {_reason(error)}",
            where=str(path),
            help="check its permissions",
        ) from None
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise AccelselError(
            USAGE,
            "not-utf-8",
            "not UTF-8, the only encoding of TOML",
            where=f"{path}:{line}",
            help="save it as UTF-8 in your editor, or convert it with iconv",
        ) from None
    return ProjectFile(path=path, data=data, text=text)


@contextlib.contextmanager
def exclusive(path: Path, *, wait_s: float = _WAIT_S) -> Iterator[Hold]:
    """No other accelsel writes beside `path` meanwhile; what a killed one left there is gone.

    The lock is advisory and leaves nothing behind; a thread that has it may enter again. Raises
    `AccelselError` (2, `locked`) when another holds it for longer than `wait_s` seconds.
    """
    folder = path.resolve().parent
    held: set[Path] = _mine.__dict__.setdefault("folders", set())
    if folder in held:
        yield Hold(folder=folder)
        return
    with contextlib.ExitStack() as stack:
        with contextlib.suppress(
            OSError
        ):  # no lock on this file system: the bytes are still checked
            _take(stack, folder, time.monotonic() + wait_s)
        _clear(folder)
        held.add(folder)
        stack.callback(held.discard, folder)
        yield Hold(folder=folder)


def write_replacing(path: Path, old: bytes, new: bytes, *, hold: Hold | None = None) -> bool:
    """The file holds `new`, and held `old` until then; False where they are equal.

    A crash at any instant leaves one or the other. A symbolic link stays and its target is
    replaced; the mode is kept. Catchable signals wait until the write is over. `hold` says that the
    caller is inside `exclusive` already.

    Raises `AccelselError` (2): `read-only`, `changed`, `unwritable`; nothing stays behind.
    """
    if hold is None:
        with exclusive(path) as own:
            return write_replacing(path, old, new, hold=own)
    if new == old:
        return False
    target = path.resolve()
    try:
        mode = stat.S_IMODE(target.stat().st_mode)
        if not mode & 0o222 or not os.access(target, os.W_OK):
            raise AccelselError(
                USAGE,
                "read-only",
                "the file is read-only",
                where=str(path),
                help=f"make it writable first, for instance with `chmod u+w {path}`",
            )
        with signals.deferred():
            _replace(target, old, new, mode)
    except OSError as error:
        raise AccelselError(
            USAGE,
            "unwritable",
            f"cannot be written: {_reason(error)}; it is as it was",
            where=str(path),
            help="check the space and the permissions of its folder",
        ) from None
    return True


def _replace(target: Path, old: bytes, new: bytes, mode: int) -> None:
    import tempfile

    handle, name = tempfile.mkstemp(prefix=PREFIX, suffix=_SUFFIX, dir=target.parent)
    try:
        with open(handle, "wb") as file:  # noqa: PTH123  a descriptor has no path
            file.write(new)
            file.flush()
            _keep_owner(file.fileno(), target, mode)
            os.fsync(file.fileno())
        _require_unchanged(target, old)
        Path(name).replace(target)
    except BaseException:
        with contextlib.suppress(OSError):
            Path(name).unlink()
        raise
    _settle(target.parent)


def _require_unchanged(target: Path, old: bytes) -> None:
    try:
        same = target.read_bytes() == old
    except FileNotFoundError:
        same = False
    if not same:
        raise AccelselError(
            USAGE,
            "changed",
            "the file changed while it was being edited; it is left as it is now",
            where=str(target),
            help="run the command again",
        )


def _keep_owner(descriptor: int, target: Path, mode: int) -> None:
    if sys.platform == "win32":
        return
    found = target.stat()
    if (found.st_uid, found.st_gid) != (os.geteuid(), os.getegid()):
        with contextlib.suppress(OSError):  # only root may give a file away
            os.fchown(descriptor, found.st_uid, found.st_gid)
    os.fchmod(descriptor, mode)


def _settle(folder: Path) -> None:
    """The new name is on disk, where the system can say so for a folder."""
    if sys.platform == "win32":
        return
    with contextlib.suppress(OSError):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


def _take(stack: contextlib.ExitStack, folder: Path, deadline: float) -> None:
    """The advisory lock of a folder is held until the stack is closed."""
    descriptor = _lock_file(folder)
    stack.callback(os.close, descriptor)
    while not _try_lock(descriptor):
        if time.monotonic() >= deadline:
            raise AccelselError(
                USAGE,
                "locked",
                "another accelsel is writing here",
                where=str(folder),
                help="wait for it to end, then run the command again",
            )
        time.sleep(_POLL_S)


if sys.platform == "win32":
    import hashlib
    import msvcrt
    import tempfile

    def _lock_file(folder: Path) -> int:
        # an open file cannot be replaced on Windows, and a folder cannot be opened
        name = hashlib.sha256(os.fsencode(os.path.normcase(folder))).hexdigest()[:16]
        path = Path(tempfile.gettempdir()) / f"accelsel-{name}.lock"
        return os.open(path, os.O_RDWR | os.O_CREAT)

    def _try_lock(descriptor: int) -> bool:
        try:
            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        except OSError:
            return False
        return True

else:
    import fcntl

    def _lock_file(folder: Path) -> int:
        return os.open(folder, os.O_RDONLY | os.O_CLOEXEC)

    def _try_lock(descriptor: int) -> bool:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        return True


def _clear(folder: Path) -> None:
    with contextlib.suppress(OSError):
        for stale in folder.glob(f"{PREFIX}*{_SUFFIX}"):
            stale.unlink()


def _reason(error: OSError) -> str:
    return (error.strerror or str(error)).lower()
