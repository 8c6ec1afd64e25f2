"""Recordings: what the probes read on a host, written down without what identifies it.

A recording is a folder with `host.json`; `fixtures/hosts/README.md` describes the format.
"""
# Importing pathlib would cost more than a replay does.
# ruff: noqa: PTH118, PTH103, PTH123, PTH105

import errno
import os
from collections.abc import Iterable, Mapping, Sequence
from os import PathLike
from typing import Any

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import Profile
from accelsel.probe.replay import FILE, SCHEMA, RecordedWorld
from accelsel.probe.scrub import Scrubber
from accelsel.probe.world import Completed, Streamed, World

__all__ = ["RecordedWorld", "Recorder", "essentials", "identities", "lines_of", "rendered"]

EXPECTED = "expected.json"
_TEXT_LIMIT = 64 << 10  # characters of one text in it
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

    def read_at(self, path: str, offset: int, size: int) -> bytes:
        return self._world.read_at(path, offset, size)  # parts of libraries are not recorded

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
        if streamed.status != "absent" or streamed.detail:
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
            "env": {name: text(value) for name, value in sorted(self._env.copy().items())},
            "files": {
                path: lines_of(text(_reduced(path, content)))
                for path, content in sorted(self._files.copy().items())
            },
            "dirs": {path: _kept(path, names) for path, names in sorted(self._dirs.copy().items())},
            "links": dict(sorted(self._links.copy().items())),
            "access": dict(sorted(self._access.copy().items())),
            "errors": dict(sorted(self._errors.copy().items())),
            "commands": [
                {
                    "argv": list(argv),
                    "status": done.status,
                    "code": done.code,
                    "out": lines_of(text(done.out)),
                    "err": lines_of(text(done.err)),
                }
                for argv, done in sorted(self._commands.copy().items())
            ],
            "streams": {
                library: {
                    "status": streamed.status,
                    "records": [self._scrub.value(dict(record)) for record in streamed.records],
                    "detail": streamed.detail and text(streamed.detail),
                }
                for library, streamed in sorted(self._streams.copy().items())
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
                wanted = {key: self._scrub.value(v) for key, v in essentials(profile).items()}
                _replace(os.path.join(folder, EXPECTED), rendered(wanted))
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


def _kept(path: str, names: Iterable[str]) -> list[str]:
    """Of a folder that anybody may fill only what a probe looks for."""
    return [name for name in names if path != "/opt" or name.startswith("rocm")]


def _reduced(path: str, text: str) -> str:
    """Of files that say more than a probe asks only what it reads of them."""
    from accelsel.probe.host import engine_marks, root_mount

    lines = text.splitlines(keepends=True)
    if path.endswith("/os-release"):
        return "".join(line for line in lines if line.startswith(("ID=", "VERSION_ID=")))
    if path == "/proc/cpuinfo":
        return next((line for line in lines if line.startswith("flags")), "")
    if path == "/proc/1/cgroup":
        return " ".join(engine_marks(text))
    if path == "/proc/self/mountinfo":
        marks = engine_marks(root_mount(text))
        return f"1 0 0:1 / / rw {' '.join(marks)}\n" if marks else ""
    return text
