"""Finding the real uv, asking for its version, running it."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from accelsel.apply import signals
from accelsel.apply.hazards import Hazard, hazards, true_flag
from accelsel.model.errors import NETWORK, UV, AccelselError
from accelsel.model.value import dataclass

__all__ = ["MINIMUM", "Hazard", "Uv", "find", "hazards", "locate", "lock", "sync"]

MINIMUM = (0, 9)
_VERSION_TIMEOUT_S = 20.0
# they make uv work on another project than the one that was edited
_ELSEWHERE = ("UV_PROJECT", "UV_WORKING_DIR", "UV_WORKING_DIRECTORY")
_UNREACHED = "error sending request for url"

Sink = Callable[[str], object]


@dataclass(frozen=True, kw_only=True)
class Uv:
    """An executable that said its version and is new enough."""

    path: str
    version: str


def locate(env: Mapping[str, str]) -> str:
    """The path of uv: `$UV`, then the first on PATH that is not this very program under uv's name,
    then the one of the `uv` package.

    Raises `AccelselError` (6, `uv-missing`).
    """
    named = env.get("UV")
    if named:
        found = shutil.which(named, path=env.get("PATH"))
        if found:
            return found
        raise AccelselError(
            UV,
            "uv-missing",
            f"the variable UV names {named}, which is no executable",
            help="unset UV, or let it name the uv executable",
        )
    found = _on_path(env.get("PATH", os.defpath)) or _packaged()
    if found is None:
        raise AccelselError(
            UV,
            "uv-missing",
            "uv was not found",
            help="install it (https://docs.astral.sh/uv/getting-started/installation/), "
            "or install accelsel with its extra: accelsel[uv]",
        )
    return found


def _on_path(path: str) -> str | None:
    mine = os.path.realpath(sys.argv[0])
    found = shutil.which("uv", path=path)
    if found is None or os.path.realpath(found) != mine:
        return found
    folders = path.split(os.pathsep)
    rest = [
        each for each in folders if os.path.realpath(f"{each}{os.sep}{Path(found).name}") != mine
    ]
    return shutil.which("uv", path=os.pathsep.join(rest))


def _packaged() -> str | None:
    try:
        import uv
    except ImportError:
        return None
    with contextlib.suppress(FileNotFoundError):
        return str(uv.find_uv_bin())
    return None


def find(env: Mapping[str, str]) -> Uv:
    """The uv of this environment.

    Raises `AccelselError` (6): `uv-missing`, `uv-failed` where it does not say its version,
    `uv-too-old` below `MINIMUM`.
    """
    path = locate(env)
    try:
        done = subprocess.run(
            [path, "--version"],
            capture_output=True,
            text=True,
            errors="replace",
            timeout=_VERSION_TIMEOUT_S,
            env=dict(env),
            stdin=subprocess.DEVNULL,
            check=False,
        )
        said = done.stdout.strip()
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    found = re.match(r"uv (\d+)\.(\d+)\S*", said)
    if found is None:
        raise AccelselError(
            UV,
            "uv-failed",
            f"{path} --version did not answer with a version",
            help="check that it is uv and that it runs",
        )
    version = found[0].removeprefix("uv ")
    if (int(found[1]), int(found[2])) < MINIMUM:
        minimum = ".".join(map(str, MINIMUM))
        raise AccelselError(
            UV,
            "uv-too-old",
            f"uv {version} is older than {minimum}, the first that follows what is written",
            where=path,
            help="run `uv self update`, or update it with the tool that installed it",
        )
    return Uv(path=path, version=version)


def lock(
    uv: Uv,
    project: Path,
    *,
    upgrade: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    offline: bool = False,
    sink: Sink | None = None,
) -> None:
    """`uv.lock` of the project (or the script's lock) holds a resolution of the file as it is.

    Only the packages of `upgrade` may move from where a lock held them. uv's text goes to `sink`,
    stderr by default. Raises `AccelselError`: 6 `uv-failed`, 7 `network`.
    """
    _run(uv, "lock", project, upgrade, os.environ if env is None else env, offline, sink)


def sync(
    uv: Uv,
    project: Path,
    arguments: Sequence[str] = (),
    *,
    upgrade: Sequence[str] = (),
    env: Mapping[str, str] | None = None,
    offline: bool = False,
    sink: Sink | None = None,
) -> None:
    """The project's environment holds what the lock says, with the extras and groups that
    `arguments` name; the lock is brought up to date before, as by `lock`. Raises as `lock`."""
    env = os.environ if env is None else env
    _run(uv, "sync", project, upgrade, env, offline, sink, arguments)


def _run(
    uv: Uv,
    command: str,
    project: Path,
    packages: Sequence[str],
    env: Mapping[str, str],
    offline: bool,
    sink: Sink | None,
    more: Sequence[str] = (),
) -> None:
    target = project.resolve()
    arguments = [uv.path, command, *more]
    if target.suffix == ".py":
        arguments += ["--script", str(target)]
    else:
        arguments += ["--project", str(target.parent)]
    if offline:
        arguments.append("--offline")
    for name in packages:
        arguments += ["--upgrade-package", name]
    child = {name: value for name, value in env.items() if name not in _ELSEWHERE}
    code, text = _stream(arguments, target.parent, child, sink or _to_stderr)
    if code == 0:
        return
    reason = _reason(text)
    if offline or true_flag(env.get("UV_OFFLINE")):
        raise AccelselError(
            NETWORK,
            "network",
            f"uv {command} failed without the network{reason}",
            where=str(project),
            help="run it without --offline (and UV_OFFLINE): its cache may lack what is needed",
        )
    if _UNREACHED in text:
        raise AccelselError(
            NETWORK,
            "network",
            f"uv {command} could not reach an index{reason}",
            where=str(project),
            help="check the connection, or name a mirror with --mirror FROM=TO",
        )
    raise AccelselError(
        UV,
        "uv-failed",
        f"uv {command} failed with exit code {code}{reason}",
        where=str(project),
        help="uv's own text says why; `accelsel why` says what was chosen and which bounds it has",
    )


def _reason(text: str) -> str:
    """The first error line of uv's text, after a colon; nothing where it has none."""
    plain = re.sub(r"\x1b\[[0-9;]*m", "", text)
    found = re.search(r"^\s*(?:error: |[×x]\s+)(.+)$", plain, re.MULTILINE)
    return f": {found[1].strip()}" if found else ""


def _stream(
    arguments: Sequence[str], cwd: Path, env: Mapping[str, str], sink: Sink
) -> tuple[int, str]:
    """The exit code and the text of a process whose lines went to `sink` as they came.

    A signal that would end this process ends the child, and then raises `KeyboardInterrupt`.
    """
    try:
        child = subprocess.Popen(
            arguments,
            cwd=cwd,
            env=dict(env),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
        )
    except OSError as error:
        raise AccelselError(
            UV,
            "uv-failed",
            f"uv could not be started: {error.strerror or error}",
            where=arguments[0],
            help="check that it is the uv executable",
        ) from None
    lines = []
    with child, signals.as_interrupt():
        try:
            for line in child.stdout or ():
                lines.append(line)
                sink(line)
        except BaseException:
            child.terminate()
            raise
    return child.returncode, "".join(lines)


def _to_stderr(line: str) -> None:
    sys.stderr.write(line)
    sys.stderr.flush()
