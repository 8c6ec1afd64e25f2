"""Which files a project is: one, or a workspace's root and its members, as uv finds them."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from accelsel.apply.files import ProjectFile, read_project

NAME = "pyproject.toml"


def root_of(path: Path) -> Path:
    """The file of the workspace that `path` is a member of, else `path` itself."""
    if path.name != NAME:
        return path
    folder = path.resolve().parent
    for above in folder.parents:
        table = _workspace(above / NAME)
        if table is None:
            continue
        return above / NAME if folder in _folders(above, table) else path
    return path


def files(path: Path) -> tuple[ProjectFile, ...]:
    """The project's files as they are read: the root's first, then those of its members."""
    root = read_project(path)
    if path.name != NAME or "workspace" not in root.text:
        return (root,)
    table = _workspace(path)
    if table is None:
        return (root,)
    folder = path.resolve().parent
    found = [each / NAME for each in _folders(folder, table) if each != folder]
    return (root, *(read_project(each) for each in found))


def _workspace(path: Path) -> Mapping[str, Any] | None:
    """`[tool.uv.workspace]` of a file that can be read, else None."""
    try:
        text = path.read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError):
        return None
    if "workspace" not in text:
        return None
    try:
        data: Any = tomllib.loads(text)
        for key in ("tool", "uv", "workspace"):
            data = data.get(key, {})
    except (tomllib.TOMLDecodeError, AttributeError):
        return None
    return data if isinstance(data, dict) and data else None


def _folders(root: Path, table: Mapping[str, Any]) -> tuple[Path, ...]:
    """The members' folders: what `members` matches without what `exclude` matches."""
    out = set(_matching(root, table.get("exclude")))
    found = {folder for folder in _matching(root, table.get("members")) if folder not in out}
    return tuple(sorted(folder for folder in found if (folder / NAME).is_file()))


def _matching(root: Path, patterns: Any) -> list[Path]:
    names = [p for p in patterns if isinstance(p, str)] if isinstance(patterns, list) else []
    found = []
    for name in names:
        pattern = name.strip("/").removeprefix("./")
        if pattern in ("", "."):
            found.append(root)
        elif ".." not in Path(pattern).parts:
            found += [path.resolve() for path in root.glob(pattern) if path.is_dir()]
    return found
