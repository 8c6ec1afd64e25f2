"""Recordings: what the probes read on a host, written down, and read again anywhere.

A recording is a folder with `host.json`; `fixtures/hosts/README.md` describes the format.
"""
# Importing pathlib would cost more than a replay does.
# ruff: noqa: PTH118, PTH103, PTH123, PTH105

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any, cast

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import ProbeStatus, Profile
from accelsel.probe.scrub import Scrubber
from accelsel.probe.world import Completed, Streamed, World

FILE = "host.json"
EXPECTED = "expected.json"
SCHEMA = "accelsel.host/1"
SIZE_LIMIT = 16 << 20  # bytes of a recording
_TEXT_LIMIT = 64 << 10  # characters of one text in it
_STATUSES = ("ok", "absent", "denied", "failed", "timeout", "skipped")
_ABSENT = frozenset({errno.ENOENT, errno.ENOTDIR})
# Only whether it is set counts; the value is an address.
_ONLY_SET = frozenset({"KUBERNETES_SERVICE_HOST"})


class Recorder:
    """A World that passes every question on, by default to this host, and remembers the answers.

    `names` are kept out of the recording, by default those of this host and its user.
    """

    def __init__(self, world: World | None = None, *, names: Iterable[str] | None = None) -> None:
        if world is None:
            from accelsel.probe.host_world import HostWorld

            world = HostWorld()
        self._world = world
        self._scrub = Scrubber(identities() if names is None else names)
        self._env: dict[str, str] = {}
        self._files: dict[str, str] = {}
        self._dirs: dict[str, tuple[str, ...]] = {}
        self._links: dict[str, str] = {}
        self._errors: dict[str, str] = {}
        self._access: dict[str, str] = {}
        self._commands: dict[tuple[str, ...], Completed] = {}
        self._streams: dict[str, Streamed] = {}

    def read_text(self, path: str) -> str:
        try:
            text = self._world.read_text(path)
        except OSError as error:
            self._remember(path, error)
            raise
        self._files[path] = text
        return text

    def read_bytes(self, path: str, limit: int) -> bytes:
        try:
            content = self._world.read_bytes(path, limit)
        except OSError as error:
            self._remember(path, error)
            raise
        self._files.setdefault(path, content.decode("utf-8", "replace"))
        return content

    def list_dir(self, path: str) -> tuple[str, ...]:
        try:
            names = self._world.list_dir(path)
        except OSError as error:
            self._remember(path, error)
            raise
        self._dirs[path] = names
        return names

    def read_link(self, path: str) -> str:
        target = self._world.read_link(path)
        self._links[path] = target
        return target

    def exists(self, path: str) -> bool:
        found = self._world.exists(path)
        if found:
            self._access.setdefault(path, "")
        return found

    def writable(self, path: str) -> bool:
        allowed = self._world.writable(path)
        if allowed:
            self._access[path] = "rw"
        return allowed

    def env(self, name: str) -> str | None:
        value = self._world.env(name)
        if value is not None:
            self._env[name] = "set" if value and name in _ONLY_SET else value
        return value

    def run(self, argv: Sequence[str], timeout: float) -> Completed:
        done = self._world.run(argv, timeout)
        if done.status != "absent":
            self._commands[tuple(argv)] = done
        return done

    def stream(self, library: str, timeout: float) -> Streamed:
        streamed = self._world.stream(library, timeout)
        if streamed.status != "absent":
            self._streams[library] = streamed
        return streamed

    def uname(self) -> Mapping[str, str]:
        return self._world.uname()

    def python(self) -> Mapping[str, Any]:
        return self._world.python()

    def document(self) -> dict[str, Any]:
        """The recording, without serials, UUIDs, host and user names."""
        text = self._text
        return {
            "schema": SCHEMA,
            "uname": dict(self.uname()),
            "python": dict(self.python()),
            "env": {name: text(value) for name, value in sorted(self._env.items())},
            "files": {
                path: lines_of(text(_reduced(path, content)))
                for path, content in sorted(self._files.items())
            },
            "dirs": {path: list(names) for path, names in sorted(self._dirs.items())},
            "links": dict(sorted(self._links.items())),
            "access": dict(sorted(self._access.items())),
            "errors": dict(sorted(self._errors.items())),
            "commands": [
                {
                    "argv": list(argv),
                    "status": done.status,
                    "code": done.code,
                    "out": lines_of(text(done.out)),
                    "err": lines_of(text(done.err)),
                }
                for argv, done in sorted(self._commands.items())
            ],
            "streams": {
                library: {
                    "status": streamed.status,
                    "records": [self._scrub.value(dict(record)) for record in streamed.records],
                    "detail": streamed.detail and text(streamed.detail),
                }
                for library, streamed in sorted(self._streams.items())
            },
        }

    def write(self, folder: str | PathLike[str], profile: Profile | None = None) -> str:
        """Write the recording into `folder`, made where it is missing; gives the file's path.

        With a profile, `expected.json` beside it says what a replay has to come to.
        """
        path = os.path.join(folder, FILE)
        try:
            os.makedirs(folder, exist_ok=True)
            _replace(path, rendered(self.document()))
            if profile is not None:
                _replace(os.path.join(folder, EXPECTED), rendered(essentials(profile)))
        except OSError as error:
            raise AccelselError(
                USAGE,
                "unwritable-recording",
                f"the recording cannot be written: {error.strerror}",
                where=path,
                help="name a folder that can be written",
            ) from error
        return path

    def _text(self, text: str) -> str:
        return self._scrub.text(text[:_TEXT_LIMIT])

    def _remember(self, path: str, error: OSError) -> None:
        if error.errno not in _ABSENT:
            self._errors[path] = errno.errorcode.get(error.errno or errno.EIO, "EIO")


class RecordedWorld:
    """The World of a recording. It reads nothing but the recording's own file.

    Raises AccelselError (exit 2) for a folder that holds no recording of this form.
    """

    def __init__(self, folder: str | PathLike[str]) -> None:
        path = os.path.join(folder, FILE)
        document = _load(path)
        take = _Taker(path, document)
        self._uname = take.strings("uname")
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


def essentials(profile: Profile) -> dict[str, Any]:
    """What a profile says of a host, without how long it took to see it."""
    from dataclasses import asdict

    values = asdict(profile)
    del values["probes"]
    return values


def lines_of(text: str) -> str | list[str]:
    """Several whole lines as a list, which is how a recording is readable; else the text."""
    if text.count("\n") < 2 or not text.endswith("\n") or "\r" in text:
        return text
    return text[:-1].split("\n")


def rendered(document: Mapping[str, Any]) -> str:
    """A recording as JSON text with one fact per line."""
    parts = [f" {_json(key)}: {_block(value, 1)}" for key, value in document.items()]
    return "{\n" + ",\n".join(parts) + "\n}\n"


def _block(value: Any, depth: int) -> str:
    """One line, unless it is long or holds texts of several lines."""
    flat = _json(value)
    if (
        depth > 3
        or (len(flat) < 80 and depth > 1)
        or not isinstance(value, dict | list)
        or not value
    ):
        return flat
    indent = " " * (depth + 1)
    if isinstance(value, list):
        items = [_block(item, depth + 1) for item in value]
        return "[\n" + ",\n".join(indent + item for item in items) + f"\n{indent[1:]}]"
    pairs = [f"{indent}{_json(key)}: {_block(item, depth + 1)}" for key, item in value.items()]
    return "{\n" + ",\n".join(pairs) + f"\n{indent[1:]}}}"


def _json(value: Any) -> str:
    import json

    return json.dumps(value, ensure_ascii=False)


def identities() -> tuple[str, ...]:
    """The names of this host and of its user, to be kept out of a recording."""
    names = {os.environ.get(name, "") for name in ("USER", "LOGNAME", "USERNAME", "COMPUTERNAME")}
    names.add(os.path.basename(os.path.expanduser("~")))  # noqa: PTH111, PTH119
    if hasattr(os, "uname"):
        node = os.uname().nodename
        names |= {node, node.partition(".")[0]}
    return tuple(sorted(filter(None, names)))


def _replace(path: str, text: str) -> None:
    part = f"{path}.part"
    with open(part, "w", encoding="utf-8", newline="\n") as file:
        file.write(text)
    os.replace(part, path)


def _reduced(path: str, text: str) -> str:
    """Of long files only what a probe reads of them."""
    from accelsel.probe.host import root_mount

    if path == "/proc/self/mountinfo":
        return root_mount(text)
    if path == "/proc/cpuinfo":
        lines = text.splitlines()
        return next((f"{line}\n" for line in lines if line.startswith("flags")), "")
    return text


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
    except OSError as error:
        raise _bad(path, f"no recording can be read there: {error.strerror}") from error
    if len(content) > SIZE_LIMIT:
        raise _bad(path, f"the recording is larger than {SIZE_LIMIT >> 20} MiB")
    try:
        document = json.loads(content)
    except (ValueError, RecursionError) as error:
        raise _bad(path, "the recording is no JSON document") from error
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
