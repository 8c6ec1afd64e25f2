"""Which files make up the workspace that a project belongs to, as uv finds them."""

import tomllib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from accelsel.model.value import dataclass


@dataclass(frozen=True, kw_only=True)
class Workspace:
    """The root's pyproject.toml, and those of the other members in the order of their folders."""

    root: Path
    members: tuple[Path, ...]


def workspace_of(project: Path) -> Workspace | None:
    """The workspace of a pyproject.toml; None where it stands alone (or is a script).

    An ancestor counts when it has `[tool.uv.workspace]` whose `members` match the project's folder
    and whose `exclude` does not; a `[project]` without a workspace in between ends the search.
    """
    path = project.resolve()
    if path.suffix != ".toml":
        return None
    own = _workspace_table(path)
    if own is not None:
        return _of(path, own)
    for folder in path.parent.parents:
        candidate = folder / "pyproject.toml"
        if not candidate.is_file():
            continue
        table = _workspace_table(candidate)
        if table is not None:
            found = _of(candidate, table)
            return found if path in found.members else None
        if "project" in _read(candidate):
            return None
    return None


def project_file(project: Path) -> Path:
    """The file that stands for the whole: the root's of a workspace, else `project` as given."""
    path = project.resolve()
    if _is_root(path):
        return project
    found = workspace_of(path)
    return project if found is None else found.root


def project_files(project: Path) -> tuple[Path, ...]:
    """The file that stands for the whole, then those of the workspace's other members."""
    found = workspace_of(project)
    if found is None:
        return (project,)
    return (project if found.root == project.resolve() else found.root, *found.members)


def root_of(project: Path) -> Path:
    """The folder in which uv keeps the lock and looks for a uv.toml."""
    path = project.resolve()
    found = None if _is_root(path) else workspace_of(path)
    return (found.root if found else path).parent


def _is_root(path: Path) -> bool:
    return path.suffix == ".toml" and _workspace_table(path) is not None


def _of(root: Path, table: Mapping[str, Any]) -> Workspace:
    excluded = set(_matches(root.parent, table.get("exclude")))
    folders = [f for f in _matches(root.parent, table.get("members")) if f not in excluded]
    files = (folder / "pyproject.toml" for folder in folders if folder != root.parent)
    return Workspace(root=root, members=tuple(file for file in files if file.is_file()))


def _matches(folder: Path, patterns: Any) -> Iterator[Path]:
    """Folders that match, each once, sorted within a pattern."""
    seen = set()
    for pattern in patterns if isinstance(patterns, list) else ():
        name = str(pattern).removeprefix("./").rstrip("/")
        if Path(name).is_absolute():
            continue
        for found in sorted(folder.glob(name)) if name not in {"", "."} else [folder]:
            resolved = found.resolve()
            if found.is_dir() and resolved not in seen:
                seen.add(resolved)
                yield resolved


def _workspace_table(path: Path) -> Mapping[str, Any] | None:
    try:
        if b"workspace" not in path.read_bytes():  # parsing costs more than the rest of a check
            return None
    except OSError:
        return None
    tool = _read(path).get("tool")
    uv = tool.get("uv") if isinstance(tool, dict) else None
    table = uv.get("workspace") if isinstance(uv, dict) else None
    return table if isinstance(table, dict) else None


def _read(path: Path) -> Mapping[str, Any]:
    """The parsed file; nothing where it cannot be read, which the caller meets again."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8-sig"))
    except (OSError, ValueError):
        return {}
