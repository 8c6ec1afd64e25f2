"""The steps that commands share: settings, profile, table, request, selection."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsel.model.config import Config
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import Profile

if TYPE_CHECKING:
    from accelsel.cli.options import Flags
    from accelsel.knowledge.tables import Tables
    from accelsel.model.request import Request
    from accelsel.model.selection import Selection


def profile_for(flags: "Flags") -> Profile:
    """The saved profile that was named, else this host's."""
    path = flags.profile or os.environ.get("ACCELSEL_PROFILE")
    if path:
        return saved_profile(path)
    from accelsel.probe import probe

    return probe()


def saved_profile(path: str) -> Profile:
    """The profile in a file, or in standard input for `-`."""
    from accelsel.ports import parse

    return parse.profile(read_text(path, "profile"), "standard input" if path == "-" else path)


def read_text(path: str, what: str) -> str:
    """Text of an input file, or of standard input for `-`; what cannot be read is one clear error.

    UTF-16 with its mark is read too: `>` of Windows PowerShell writes that.
    """
    where = "standard input" if path == "-" else path
    try:
        data = _bytes(path)
        wide = data.startswith((b"\xff\xfe", b"\xfe\xff"))
        return data.decode("utf-16" if wide else "utf-8-sig").replace("\r\n", "\n")
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise AccelselError(
            USAGE, "unreadable", f"cannot read the {what}: {reason}", where=where
        ) from None
    except UnicodeDecodeError:
        raise AccelselError(USAGE, "unreadable", f"the {what} is not UTF-8", where=where) from None


def _bytes(path: str) -> bytes:
    if path != "-":
        return Path(path).read_bytes()
    import sys

    return sys.stdin.buffer.read()


def user_config() -> Config:
    """The user's own settings; empty where there is no such file."""
    import tomllib

    from accelsel.ports.config import read

    path = config_path()
    if path is None or not path.is_file():
        return Config()
    try:
        table = tomllib.loads(read_text(str(path), "user configuration"))
    except tomllib.TOMLDecodeError as error:
        raise AccelselError(
            USAGE, "invalid-config", f"not TOML: {error}", where=str(path)
        ) from None
    return read(table, str(path))


def project_here(folder: Path | None = None) -> Path | None:
    """The project around the current, or another, folder: the pyproject.toml of its workspace's
    root, else the nearest one; None outside any."""
    folder = folder or Path.cwd()
    for each in (folder, *folder.parents):
        path = each / "pyproject.toml"
        if path.is_file():
            from accelsel.apply.workspace import project_file

            return project_file(path)
    return None


def settings(project: Path | None) -> Config:
    """What `[tool.accelsel]` of a project says, and what it leaves open from the user's own."""
    text = read_text(str(project), "project") if project else ""
    if "accelsel" not in text:
        return user_config()
    import tomllib

    from accelsel.ports.config import read

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AccelselError(
            USAGE, "invalid-toml", f"not TOML: {error}", where=str(project)
        ) from None
    tool = data.get("tool")
    table = tool.get("accelsel") if isinstance(tool, dict) else None
    own = read(table, f"{project}: [tool.accelsel]") if isinstance(table, dict) else Config()
    return merged(own, user_config())


def config_path() -> Path | None:
    """Where uv would look for a tool's settings on this system."""
    if os.name == "nt":
        base = os.environ.get("APPDATA")
    else:
        home = os.environ.get("HOME")
        base = os.environ.get("XDG_CONFIG_HOME") or (f"{home}/.config" if home else None)
    return Path(base) / "accelsel" / "config.toml" if base else None


def tables_for(config: Config) -> "Tables":
    """The rules table with the rows that `accelsel rules refresh` read, and over them those that
    `ACCELSEL_RULES` or the settings add. A cache that does not fit is told of and left out."""
    from accelsel.knowledge import load

    extra = extra_rules(config)
    cached = cached_rules()
    if not cached:
        return load(extra)
    try:
        return load((*cached, *extra))
    except AccelselError as error:
        tables = load(extra)  # raises where the fault is in what the user added
        _left_out(cached[0], error.message)
    return tables


def cached_rules() -> tuple[Path, ...]:
    """The file of refreshed rules, where there is one that was made for the shipped table."""
    from accelsel.apply.cache import rules_path

    path = rules_path(os.environ)
    if path is None or not os.path.exists(path):  # noqa: PTH110  Path's raises
        return ()
    from accelsel.knowledge.refresh import kept

    try:
        kept(path)
    except AccelselError as error:
        _left_out(path, error.message)
        return ()
    return (path,)


@cache
def _left_out(path: Path, why: str) -> None:
    """One warning for a process."""
    from accelsel.cli.present import Output, one_line

    message = one_line(f"refreshed rules are left out: {path}: {why}")
    Output().warn("rules-cache", message, "`accelsel rules refresh` writes them anew")


def extra_rules(config: Config) -> tuple[Path, ...]:
    """The file or folder that adds rows to the table, if any."""
    extra = os.environ.get("ACCELSEL_RULES") or config.rules
    return (Path(extra),) if extra else ()


def request_for(
    flags: "Flags", config: Config, *, torch: str = "", requires_python: str | None = None,
    companions: tuple[str, ...] = (), python: str | None = None,
) -> "Request":  # fmt: skip
    """The request: flag, then environment, then settings, then default.

    `torch`, `requires_python`, `companions` and `python` are what a project says; the project's
    own bounds on torch and the asked ones hold together.
    """
    from accelsel.model.request import Request

    backend, asked_by = asked_backend(flags.backend, os.environ, config)
    return Request(
        torch=",".join(filter(None, (torch, flags.torch or config.torch))),
        python=flags.python or config.python or python,
        requires_python=requires_python,
        platform=flags.platform or config.platform,
        channel=flags.channel or config.channel or "stable",
        companions=(*companions, *config.companions, *flags.companions),
        backend=backend,
        asked_by=asked_by,
        force=flags.force,
        gpus=flags.gpu or config.gpu or "all",
        fallback="cpu" if (flags.fallback or config.fallback) else None,
        prebuilt=config.prebuilt,
        allow_arch_override=bool(config.allow_arch_override),
        vendors=config.vendors,
    )


def offline(flags: "Flags", config: Config) -> bool:
    """Whether no network may be used: flag, `ACCELSEL_OFFLINE`, settings."""
    from accelsel.apply.hazards import true_flag

    named = true_flag(os.environ.get("ACCELSEL_OFFLINE"))
    return flags.offline or named or bool(config.offline)


def asked_backend(
    flag: str | None, env: Mapping[str, str], config: Config
) -> tuple[str | None, str]:
    """The backend that was named, None for none, and what named it: flag, then environment, then
    settings."""
    named = (
        ("--backend", flag),
        ("ACCELSEL_BACKEND", env.get("ACCELSEL_BACKEND")),
        ("UV_TORCH_BACKEND", uv_backend(env)),
        ("backend in the settings", config.backend),
    )
    return next(((name, where) for where, name in named if name), (None, "--backend"))


def uv_backend(env: Mapping[str, str]) -> str | None:
    """`UV_TORCH_BACKEND`, unless it says `auto` or accelsel itself emitted it."""
    name = env.get("UV_TORCH_BACKEND")
    return None if not name or name == "auto" or emitted_backend(env) else name


def emitted_backend(env: Mapping[str, str]) -> str | None:
    """`UV_TORCH_BACKEND` as `accelsel env` emitted it, for this host or another."""
    emitted = "UV_TORCH_BACKEND" in env.get("ACCELSEL_ENV", "").split(",")
    return env.get("UV_TORCH_BACKEND") if emitted else None


def merged(first: Config, second: Config) -> Config:
    """`first` with what it leaves open taken from `second`."""
    from accelsel.model.value import fields

    values: dict[str, Any] = {}
    for field in fields(Config):
        mine, theirs = getattr(first, field.name), getattr(second, field.name)
        values[field.name] = theirs if mine in (None, (), {}) else mine
    return Config(**values)


def selected(
    flags: "Flags", config: Config, project: Path | None
) -> "tuple[Selection, Profile, Request, Tables]":
    """The selection for a profile that was named, or for this host and the Python of the project
    that it stands in; and what it was made from."""
    from accelsel.rules import select

    python = required = None
    if project is not None and not (flags.profile or os.environ.get("ACCELSEL_PROFILE")):
        from accelsel.cli.python import project_python, requires_python

        python, required = project_python(project.parent), requires_python(project)
    profile = profile_for(flags)
    tables = tables_for(config)
    request = request_for(flags, config, python=python, requires_python=required)
    return select(profile, request, tables), profile, request, tables


def strict_code(selection: "Selection", flags: "Flags", config: Config | None = None) -> int:
    """5 where `--strict` was asked for and the probes contradict each other, else 0."""
    from accelsel.model.errors import CONTRADICTION

    asked = flags.strict or bool(config and config.strict)
    contradicted = any(w.code.startswith("probe-") for w in selection.warnings)
    return CONTRADICTION if asked and contradicted else 0
