"""A recorded host, read again anywhere.

`fixtures/hosts/README.md` describes the format.
"""
# Importing pathlib would cost more than a replay does.
# ruff: noqa: PTH118, PTH123

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, cast

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import ProbeStatus
from accelsel.probe.world import Completed, Streamed

FILE = "host.json"
SCHEMA = "accelsel.host/1"
SIZE_LIMIT = 16 << 20  # bytes of a recording
_STATUSES = ("ok", "absent", "denied", "failed", "timeout", "skipped")


class RecordedWorld:
    """The World of a recording. It reads nothing but the recording's own file.

    Raises AccelselError (exit 2) for a folder that holds no recording of this form.
    """

    def __init__(self, recording: str | PathLike[str] | Mapping[str, Any]) -> None:
        """`recording` is a folder, or a document that is at hand."""
        if isinstance(recording, Mapping):
            take = _Taker(FILE, _checked(FILE, recording))
        else:
            path = os.path.join(recording, FILE)
            take = _Taker(path, _load(path))
        self._uname = take.uname()
        self._python = take.mapping("python")
        self._env = take.strings("env")
        self._files = take.texts("files")
        self._dirs = take.names("dirs")
        self._links = take.strings("links")
        self._access = take.strings("access")
        self._errors = take.strings("errors")
        self._commands = take.commands()
        self._streams = take.streams()
        self._children = _children(
            (*self._files, *self._dirs, *self._links, *self._access, *self._errors)
        )

    def read_text(self, path: str) -> str:
        self._check(path)
        if path not in self._files:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._files[path]

    def read_bytes(self, path: str, limit: int) -> bytes:
        return self.read_text(path).encode("utf-8", "replace")[:limit]

    def read_at(self, path: str, offset: int, size: int) -> bytes:
        # A library is recorded as text in which every character stands for the byte of its number.
        return self.read_text(path).encode("latin-1", "replace")[offset : offset + size]

    def list_dir(self, path: str) -> tuple[str, ...]:
        self._check(path)
        names = self._dirs.get(path) or tuple(sorted(self._children.get(path, ())))
        if not names and path not in self._dirs:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return names

    def read_link(self, path: str) -> str:
        if path not in self._links:
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)
        return self._links[path]

    def exists(self, path: str) -> bool:
        parent, _, name = path.rpartition("/")
        return path in self._children or name in self._children.get(parent, ())

    def writable(self, path: str) -> bool:
        return self._access.get(path) == "rw"

    def env(self, name: str) -> str | None:
        return self._env.get(name)

    def run(self, argv: Sequence[str], timeout: float) -> Completed:
        del timeout
        absent = Completed(status="absent", code=None, out="", err="")
        return self._commands.get(tuple(argv), absent)

    def stream(self, library: str, timeout: float) -> Streamed:
        del timeout
        return self._streams.get(library) or Streamed(status="absent", records=(), detail=None)

    def uname(self) -> Mapping[str, str]:
        return self._uname

    def python(self) -> Mapping[str, Any]:
        return self._python

    def _check(self, path: str) -> None:
        name = self._errors.get(path)
        if name is not None:
            code = cast("int", getattr(errno, name, errno.EIO))
            raise OSError(code, os.strerror(code), path)


def _children(paths: Iterable[str]) -> dict[str, set[str]]:
    """Every folder that the paths imply, and the names in it."""
    found: dict[str, set[str]] = {}
    for path in paths:
        child = path
        while child not in ("", "/"):
            parent, _, name = child.rpartition("/")
            found.setdefault(parent, set()).add(name)
            child = parent
    return found


def _load(path: str) -> dict[str, Any]:
    import json

    try:
        with open(path, "rb") as file:
            content = file.read(SIZE_LIMIT + 1)
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else error
        raise _bad(path, f"no recording can be read there: {reason}") from error
    if len(content) > SIZE_LIMIT:
        raise _bad(path, f"the recording is larger than {SIZE_LIMIT >> 20} MiB")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _bad(path, "the recording is no JSON document") from error
    return _checked(path, document)


def _checked(path: str, document: Any) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise _bad(path, "the recording is no JSON object")
    schema = document.get("schema")
    if schema != SCHEMA:
        raise _bad(path, f"the recording's schema is {str(schema)[:40]!r}, not {SCHEMA!r}")
    return document


def _bad(path: str, message: str) -> AccelselError:
    return AccelselError(
        USAGE,
        "bad-recording",
        message,
        where=path,
        help="name a folder that `accelsel detect --record` has written",
    )


class _Taker:
    """Reads the parts of a recording; a part of a wrong type is an error that names it."""

    def __init__(self, path: str, document: Mapping[str, Any]) -> None:
        self._path = path
        self._document = document

    def mapping(self, key: str) -> dict[str, Any]:
        value = self._document.get(key, {})
        if not isinstance(value, dict):
            raise _bad(self._path, f"{key} is no object")
        return value

    def uname(self) -> dict[str, str]:
        values = self.strings("uname")
        missing = [name for name in ("system", "release", "machine") if name not in values]
        self._need(not missing, f"uname lacks {', '.join(missing)}")
        return values

    def strings(self, key: str) -> dict[str, str]:
        values = self.mapping(key)
        for name, value in values.items():
            self._need(isinstance(value, str), f"{key}[{name!r}] is no string")
        return values

    def texts(self, key: str) -> dict[str, str]:
        return {name: self._text(f"{key}[{name!r}]", v) for name, v in self.mapping(key).items()}

    def names(self, key: str) -> dict[str, tuple[str, ...]]:
        return {
            name: tuple(self._strings(f"{key}[{name!r}]", value))
            for name, value in self.mapping(key).items()
        }

    def commands(self) -> dict[tuple[str, ...], Completed]:
        entries = self._document.get("commands", [])
        self._need(isinstance(entries, list), "commands is no list")
        found = {}
        for number, entry in enumerate(entries):
            where = f"commands[{number}]"
            self._need(isinstance(entry, dict), f"{where} is no object")
            code = entry.get("code")
            self._need(code is None or isinstance(code, int), f"{where}.code is no number")
            found[tuple(self._strings(f"{where}.argv", entry.get("argv")))] = Completed(
                status=self._status(where, entry),
                code=code,
                out=self._text(f"{where}.out", entry.get("out", "")),
                err=self._text(f"{where}.err", entry.get("err", "")),
            )
        return found

    def streams(self) -> dict[str, Streamed]:
        found = {}
        for library, entry in self.mapping("streams").items():
            where = f"streams[{library!r}]"
            self._need(isinstance(entry, dict), f"{where} is no object")
            records, detail = entry.get("records", []), entry.get("detail")
            self._need(
                isinstance(records, list) and all(isinstance(record, dict) for record in records),
                f"{where}.records is no list of objects",
            )
            self._need(detail is None or isinstance(detail, str), f"{where}.detail is no string")
            found[library] = Streamed(
                status=self._status(where, entry), records=tuple(records), detail=detail
            )
        return found

    def _status(self, where: str, entry: Mapping[str, Any]) -> ProbeStatus:
        status = entry.get("status", "ok")
        self._need(status in _STATUSES, f"{where}.status is none of {', '.join(_STATUSES)}")
        return cast("ProbeStatus", status)

    def _text(self, where: str, value: Any) -> str:
        if isinstance(value, str):
            return value
        return "".join(f"{line}\n" for line in self._strings(where, value))

    def _strings(self, where: str, value: Any) -> list[str]:
        self._need(
            isinstance(value, list) and all(isinstance(item, str) for item in value),
            f"{where} is no list of strings",
        )
        return cast("list[str]", value)

    def _need(self, holds: bool, message: str) -> None:
        if not holds:
            raise _bad(self._path, message)
