"""What the caller has said already of where `uv pip` and `uv tool` take torch from."""

import re
from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from accelsel.cli.options import Flags
from accelsel.cli.uv import Call
from accelsel.cli.uv_pinned import directory, table

INDEXES = (
    "--index", "--default-index", "--index-url", "-i", "--extra-index-url", "--find-links", "-f",
)  # fmt: skip
# The same in a file of requirements, and in uv's settings.
LINES = ("-i ", "--index-url", "--extra-index-url", "-f ", "--find-links")
SETTINGS = ("index", "index-url", "extra-index-url", "find-links")
VARIABLES = ("UV_INDEX", "UV_DEFAULT_INDEX", "UV_INDEX_URL", "UV_EXTRA_INDEX_URL", "UV_FIND_LINKS")
FILES = ("-r", "--requirements", "--with-requirements")
# What may name a project on disk beside the words themselves.
LOCAL = (*FILES, "-e", "--editable", "--from", "--with", "--with-editable")


def said(call: Call, environ: Mapping[str, str], flags: Flags) -> bool:
    """Whether the caller named a backend or an index for torch, or asks for another platform."""
    if call.has("--torch-backend") or call.has("--python-platform"):
        return True
    if flags.backend:
        return False
    if environ.get("UV_TORCH_BACKEND"):
        from accelsel.cli.steps import uv_backend

        if uv_backend(environ):
            return True
    named = (*call.values(*INDEXES), *(environ.get(name, "") for name in VARIABLES))
    if any(map(_has_torch, named)) or any(map(_is_build, call.words)):
        return True
    folder = directory(call, environ)
    lines = tuple(line for name in _files(call) for line in _lines(folder / name))
    return (
        _configured(call, environ)
        or any(_is_build(line) or (line.startswith(LINES) and _has_torch(line)) for line in lines)
        or (not call.has("--no-sources") and _sourced(call, folder, lines))
    )


def _has_torch(place: str) -> bool:
    """Whether an index, by its URL or path, is one of PyTorch's or a mirror of them."""
    return "pytorch" in place or "/whl/" in place


def _is_build(requirement: str) -> bool:
    """Whether a requirement is a wheel of PyTorch's by its URL."""
    return "://" in requirement and _has_torch(requirement)


def _files(call: Call) -> tuple[str, ...]:
    """The files of requirements."""
    many = call.command in (("pip", "sync"), ("pip", "compile"))
    return (*call.values(*FILES), *(call.words if many else ()))


def _lines(path: Path) -> tuple[str, ...]:
    """What a file of requirements says; nothing of one of another kind."""
    if path.suffix not in (".txt", ".in"):
        return ()
    lines = (line.strip() for line in (_read(path) or "").splitlines())
    return tuple(line for line in lines if not line.startswith("#"))


def _sourced(call: Call, folder: Path, lines: Sequence[str]) -> bool:
    """Whether a project that is to be installed says itself where torch comes from: uv would look
    for it there and for what it needs at the backend's index."""
    paths = (word for word in call.words if re.search(r"^\.|[/\\]|pyproject\.toml$", word))
    listed = (re.match(r"(?:-e|--editable)[ =]*(\S+)|(\.\S*)", line) for line in lines)
    below = (found[1] or found[2] for found in listed if found)
    groups = (text.rpartition(":")[0] or "pyproject.toml" for text in call.values("--group"))
    for name in (*paths, *below, *groups, *call.values(*LOCAL)):
        path = folder / name.partition("[")[0]
        path = path if path.name == "pyproject.toml" else path / "pyproject.toml"
        if path.is_file():
            from accelsel.apply.workspace import project_file

            if any("torch" in _uv(each).get("sources", ()) for each in {path, project_file(path)}):
                return True
    return False


def _configured(call: Call, environ: Mapping[str, str]) -> bool:
    """Whether uv's own settings name a backend, of which the nearest file that speaks of one
    decides, or an index that serves all packages."""
    for path in _settings(call, environ):
        text = _read(path) or ""
        found = re.search(r"""^\s*torch-backend\s*=\s*["']([^"']+)""", text, re.MULTILINE)
        if found:
            return found[1] != "auto"
        if _has_torch(text) and any(map(_has_torch, _indexes(_uv(path)))):
            return True
    return False


def _indexes(settings: Mapping[str, Any]) -> Iterator[str]:
    """The URLs and paths of the indexes that no package has to name."""
    for one in (settings, table(settings, "pip")):
        for key in SETTINGS:
            value = one.get(key, ())
            for entry in value if isinstance(value, list) else [value]:
                if isinstance(entry, str):
                    yield entry
                elif isinstance(entry, dict) and not entry.get("explicit"):
                    yield str(entry.get("url", ""))


def _uv(path: Path) -> Mapping[str, Any]:
    """The settings of uv in a file; {} where it cannot be read, as uv says better."""
    import tomllib

    try:
        data = tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
    return table(data, "tool", "uv") if path.name == "pyproject.toml" else data


def _settings(call: Call, environ: Mapping[str, str]) -> Iterator[Path]:
    """The files that uv takes settings from, the nearest first; for tools the project's are none.

    (docs.astral.sh/uv/concepts/configuration-files, read 2026-11-20.)
    """
    from accelsel.apply.hazards import true_flag, user_configs

    named = call.values("--config-file") or tuple(filter(None, (environ.get("UV_CONFIG_FILE"),)))
    if named:
        yield directory(call, environ) / named[-1]
        return
    if call.has("--no-config") or true_flag(environ.get("UV_NO_CONFIG")):
        return
    if call.command[0] != "tool":
        folder = directory(call, environ)
        names = ("uv.toml", "pyproject.toml")
        files = (each / name for each in (folder, *folder.parents) for name in names)
        yield from islice((path for path in files if _has_settings(path)), 1)
    yield from user_configs(environ)


def _has_settings(path: Path) -> bool:
    text = _read(path)
    return text is not None and (path.name == "uv.toml" or "[tool.uv" in text)


def _read(path: Path) -> str | None:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
