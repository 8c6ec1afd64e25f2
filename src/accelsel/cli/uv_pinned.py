"""The project that uv would take, if `accelsel pin` gave it extras or groups of backends."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from accelsel.cli.uv import Call
from accelsel.model.value import dataclass


@dataclass(frozen=True, kw_only=True)
class Branch:
    """A backend of the project: the extra or group that holds it, and torch as it was pinned."""

    backend: str
    name: str
    torch: str | None


@dataclass(frozen=True, kw_only=True)
class Pinned:
    """A project pinned for several backends, or for one beside backends of its own."""

    root: Path
    data: Mapping[str, Any]
    shape: Literal["extra", "group"]
    branches: tuple[Branch, ...]

    @property
    def settings(self) -> Mapping[str, Any]:
        return table(self.data, "tool", "accelsel")

    @property
    def places(self) -> set[tuple[str, str]]:
        """The kind and the normalized name of each branch's extra or group."""
        return {(self.shape, normal(branch.name)) for branch in self.branches}


def pinned_project(call: Call, environ: Mapping[str, str]) -> Pinned | None:
    """The project that uv would take, if the pin gave it extras or groups."""
    folder = _start(call, environ)
    path = next(
        (each / "pyproject.toml" for each in (folder, *folder.parents) if _is_project(each)), None
    )
    if path is None:
        return None
    found = (_pinned_in(each) for each in _spoken_of(path, call))
    return next((pinned for pinned in found if pinned is not None), None)


def _spoken_of(path: Path, call: Call) -> tuple[Path, ...]:
    """The files of the packages that uv may be asked for."""
    if call.command == ("tree",) or not call.has("--package", "--all-packages"):
        return (path,)
    from accelsel.apply.workspace import project_files

    return project_files(path)


def _pinned_in(path: Path) -> Pinned | None:
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None  # uv says it better
    if "accelsel" not in text:
        return None
    import tomllib

    try:
        data = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
    return _pinned(path.parent, data)


def _start(call: Call, environ: Mapping[str, str]) -> Path:
    """The folder from which uv looks for a project."""
    project = call.values("--project") or _set(environ, "UV_PROJECT")
    folder = Path(os.path.normpath(directory(call, environ).joinpath(*project[-1:])))
    return folder.parent if folder.is_file() else folder


def directory(call: Call, environ: Mapping[str, str]) -> Path:
    """The folder into which uv changes first."""
    named = _set(environ, "UV_WORKING_DIR") or _set(environ, "UV_WORKING_DIRECTORY")
    directory = call.values("--directory") or named
    return Path.cwd().joinpath(*directory[-1:]).resolve()


def _set(environ: Mapping[str, str], name: str) -> tuple[str, ...]:
    value = environ.get(name)
    return (value,) if value else ()


def _is_project(folder: Path) -> bool:
    return (folder / "pyproject.toml").is_file()


def _pinned(root: Path, data: Mapping[str, Any]) -> Pinned | None:
    record = table(data, "tool", "accelsel", "pin")
    rows = record.get("selections")
    if not isinstance(rows, list) or not rows:
        return None
    if record.get("format") != 1 or not all(_is_row(row) for row in rows):
        from accelsel.project.record import unreadable

        raise unreadable(record, str(root / "pyproject.toml"))
    for shape in ("extra", "group"):
        branches = [
            Branch(backend=row["backend"], name=row[shape], torch=row.get("torch"))
            for row in rows
            if shape in row
        ]
        if len(branches) == len(rows):
            kind: Literal["extra", "group"] = "extra" if shape == "extra" else "group"
            return Pinned(root=root, data=data, shape=kind, branches=tuple(branches))
    return None


def _is_row(row: Any) -> bool:
    keys = ("backend", "torch", "extra", "group")
    return (
        isinstance(row, dict)
        and "backend" in row
        and all(isinstance(row.get(key, ""), str) for key in keys)
    )


def table(data: Any, *path: str) -> Mapping[str, Any]:
    """The table at `path`, {} where there is none."""
    for key in path:
        data = data.get(key) if isinstance(data, dict) else None
    return data if isinstance(data, dict) else {}


def normal(name: str) -> str:
    """The name of an extra, a group or a package as uv compares it."""
    return name.lower().replace("_", "-").replace(".", "-")
