"""The one way a probe touches the host."""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from accelsel.model.profile import ProbeStatus
from accelsel.model.value import dataclass


@dataclass(frozen=True, kw_only=True)
class Completed:
    """What a command or a library call left behind.

    `status` is `ok` (it ran and ended by itself), `absent` (no such program or library), `denied`,
    `timeout` (killed, with its children) or `failed` (a crash; `code` is then negative or None).
    `out` and `err` hold what was written until then, decoded with replacement.
    """

    status: ProbeStatus
    code: int | None
    out: str
    err: str


@dataclass(frozen=True, kw_only=True)
class Streamed:
    """The records that a vendor library's child process streamed before it ended or was ended.

    `detail` says why it did not end well, or where a library is that the loader does not find.
    """

    status: ProbeStatus
    records: tuple[Mapping[str, Any], ...]
    detail: str | None


class World(Protocol):
    """Read-only access to a host, real or recorded. Paths are absolute; errors are `OSError`."""

    def read_text(self, path: str) -> str:
        """Text of a small file, decoded as UTF-8 with replacement."""
        ...

    def read_bytes(self, path: str, limit: int) -> bytes:
        """The first `limit` bytes."""
        ...

    def read_at(self, path: str, offset: int, size: int) -> bytes:
        """`size` bytes from `offset` on, fewer at the end of the file."""
        ...

    def list_dir(self, path: str) -> tuple[str, ...]:
        """Names in a folder, sorted."""
        ...

    def read_link(self, path: str) -> str:
        """The target of a symbolic link, as written."""
        ...

    def exists(self, path: str) -> bool: ...

    def writable(self, path: str) -> bool:
        """Whether this user may read and write the (device) file."""
        ...

    def env(self, name: str) -> str | None: ...

    def run(self, argv: Sequence[str], timeout: float) -> Completed:
        """Run a vendor tool found on PATH or at an absolute path: no shell, C locale, no standard
        input, killed with its children after `timeout` seconds."""
        ...

    def stream(self, library: str, timeout: float) -> Streamed:
        """Ask a vendor library (`nvml`, `cuda`, ...) in a child process that streams records."""
        ...

    def uname(self) -> Mapping[str, str]:
        """`system` (linux, windows, darwin), `release`, `machine`, `libc` (`glibc 2.39` or "")."""
        ...

    def python(self) -> Mapping[str, Any]:
        """`version`, `implementation`, `free_threaded` of the interpreter that runs."""
        ...
