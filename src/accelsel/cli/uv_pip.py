"""What `uv pip`, `uvx` and `uv tool install` are told of this host."""

import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsel.cli.options import Flags
from accelsel.cli.python import project_python, version_in
from accelsel.cli.uv import QUIET, Call
from accelsel.cli.uv_pinned import directory

if TYPE_CHECKING:
    from accelsel.model.config import Config
    from accelsel.model.profile import Profile
    from accelsel.model.request import Request
    from accelsel.model.selection import Selection


def applied(
    call: Call, environ: dict[str, str]
) -> tuple[Sequence[str], dict[str, str]]:  # fmt: skip
    """The command line and the variables with which uv arrives at this host's selection."""
    flags = call.flags or Flags()
    from accelsel.cli.uv_said import said

    if said(call, environ, flags):
        return call.argv, environ
    from accelsel.cli import steps
    from accelsel.rules import select
    from accelsel.rules.environment import backend_choice

    config = steps.settings(steps.project_here(directory(call, environ)))
    tables = steps.tables_for(config)
    profile = host_profile(environ, flags.profile)
    request = request_of(call, environ, config, profile, root=None)
    selection = select(profile, request, tables)
    refuse(selection, flags, config)
    choice = backend_choice(selection, profile, request, tables)
    if choice.warning and not call.has(*QUIET):
        print(f"warning: {choice.warning}", file=sys.stderr)
    theirs = constraints_of_others(environ)
    if selection.outcome == "selected":
        _forget(environ, theirs)
    if choice.backend is not None:
        environ["UV_TORCH_BACKEND"] = choice.backend
    if not choice.constraints:
        return call.argv, environ
    path = str(constraint_file(choice.constraints, environ))
    flagged = call.has("-c", "--constraints", "--constraint")
    if flagged or " " in path:  # a flag hides the variable, and that splits at blanks
        files = [path] if flagged else [*theirs, path]
        return call.with_arguments([w for file in files for w in ("--constraints", file)]), environ
    environ["UV_CONSTRAINT"] = " ".join([*theirs, path])
    return call.argv, environ


def _forget(environ: dict[str, str], constraints: Sequence[str]) -> None:
    """What `accelsel env` emitted before, maybe on another host, no longer speaks; of the files of
    constraints these stay."""
    if "UV_TORCH_BACKEND" in environ.get("ACCELSEL_ENV", "").split(","):
        environ.pop("UV_TORCH_BACKEND", None)
    if "UV_CONSTRAINT" in environ:
        environ["UV_CONSTRAINT"] = " ".join(constraints)


def refuse(selection: "Selection", flags: Flags, config: "Config") -> None:
    """An error where a backend that was named cannot run (4), or where probes contradict each other
    and must not (5)."""
    from accelsel.cli.steps import strict_code
    from accelsel.model.errors import CONTRADICTION, NO_BUILD, AccelselError

    if flags.backend and selection.outcome == "none":
        why = [reason.message for reason in selection.reasons]
        raise AccelselError(
            NO_BUILD, "no-build", why[0] if why else f"{flags.backend} does not run here",
            where="--backend", help=f"`accelsel why {flags.backend}` names the ways out",
        )  # fmt: skip
    if strict_code(selection, flags, config):
        said = next(w for w in selection.warnings if w.code.startswith("probe-"))
        raise AccelselError(CONTRADICTION, said.code, said.message, help=said.hint)


def host_profile(environ: Mapping[str, str], named: str | None = None) -> "Profile":
    """The profile of this host, or the one that was `named`, or that `ACCELSEL_PROFILE` names."""
    path = named or environ.get("ACCELSEL_PROFILE")
    if path:
        from accelsel.cli.steps import saved_profile

        return saved_profile(path)
    from accelsel.probe import probe

    return probe()


def request_of(
    call: Call,
    environ: Mapping[str, str],
    config: "Config",
    profile: "Profile",
    *,
    root: Path | None,
) -> "Request":
    """What is asked for: the Python that uv would take, and the settings. Where an image is built,
    which sees no GPU, what `accelsel env` put into it knows better than what is there."""
    from accelsel.cli.steps import emitted_backend, request_for
    from accelsel.model.value import replace

    flags = call.flags or Flags()
    named = call.values("--python-version") or call.values("--python", "-p")
    asked = flags.python or version_in("".join(named[-1:]))
    python = asked or config.python or _python(call, environ, root)
    own = replace(config, platform=None)  # uv installs for the machine that it runs on
    if root is not None:  # and here what the pin has made fit already
        own = replace(own, companions=(), prebuilt=())
    # Without a Python, uv takes whatever it finds or fetches: the newest that the builds allow.
    required = None if python else ">=3.10"
    request = request_for(replace(flags, python=python), own, requires_python=required)
    emitted = emitted_backend(environ)
    if emitted and request.backend is None and profile.os.container and not profile.gpus:
        return replace(request, backend=emitted, asked_by="UV_TORCH_BACKEND")
    return request


def _python(call: Call, environ: Mapping[str, str], root: Path | None) -> str | None:
    """The Python of the environment that uv would install into; None where uv is free."""
    asked = call.values("--python-version") or call.values("--python", "-p")
    for text in (*asked[-1:], environ.get("UV_PYTHON", "")):
        if found := version_in(text):
            return found
        if text and call.command[0] == "pip":
            return _of_environment(text, directory(call, environ))
    if call.command[0] == "tool":
        return None
    if root is not None:
        return project_python(root)
    return _of_environment(None, directory(call, environ))


def _of_environment(python: str | None, folder: Path) -> str | None:
    from accelsel.model.errors import AccelselError
    from accelsel.probe.host_world import HostWorld
    from accelsel.probe.installed import locate, python_of

    world = HostWorld()
    try:
        place = locate(world, python=python, project=None, cwd=str(folder))
        return None if place is None else python_of(world, place)
    except AccelselError:
        return None


def constraints_of_others(environ: Mapping[str, str]) -> list[str]:
    """The files of `UV_CONSTRAINT` but those of `constraint_file`."""
    files = environ.get("UV_CONSTRAINT", "").split()
    return [file for file in files if "/accelsel/constraints-" not in file.replace("\\", "/")]


def constraint_file(constraints: Sequence[str], environ: Mapping[str, Any]) -> Path:
    """The constraints as a file in the user's cache, named after its contents."""
    from hashlib import sha256

    from accelsel.apply.cache import folder as cache_folder
    from accelsel.model.errors import USAGE, AccelselError

    text = "".join(f"{line}\n" for line in constraints)
    folder = cache_folder(environ)
    if folder is None:
        raise AccelselError(
            USAGE, "no-cache", "there is no home folder to keep constraints in",
            help="set XDG_CACHE_HOME",
        )  # fmt: skip
    path = folder / f"constraints-{sha256(text.encode()).hexdigest()[:16]}.txt"
    if not path.is_file():
        part = path.with_suffix(f".{os.getpid()}.part")
        try:
            folder.mkdir(parents=True, exist_ok=True)
            part.write_text(text, encoding="utf-8")
            part.replace(path)
        except OSError as error:
            reason = error.strerror or type(error).__name__
            raise AccelselError(
                USAGE, "no-cache", f"cannot keep the constraints: {reason}", where=str(folder),
                help="set XDG_CACHE_HOME to a folder that can be written",
            ) from None  # fmt: skip
    return path
