"""The Python that a project runs on, as its files and the environment say."""

import os
import re
from pathlib import Path

_VERSION = re.compile(r"(?:^|[^0-9.])(3\.\d+(?:\.\d+)?)(t?)(?=$|[^0-9.])")


def version_in(text: str) -> str | None:
    """The version that a request such as `3.12`, `cpython@3.13t` or a path names; None where it
    names none."""
    found = _VERSION.search(text)
    return "".join(found.groups()) if found else None


def project_python(root: Path) -> str | None:
    """The Python that a project runs on: `.python-version`, else `UV_PYTHON`, else its `.venv`; a
    member of a workspace has these of the root where it has none of its own."""
    folders = _up_to_the_root(root)
    files = [_first_line(folder / ".python-version") for folder in folders]
    for text in (*files, os.environ.get("UV_PYTHON", "")):
        if found := version_in(text):
            return found
    root = folders[-1]
    environment = os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    for line in _lines(root / environment / "pyvenv.cfg"):
        key, _, value = line.partition("=")
        if key.strip() in ("version", "version_info") and (found := version_in(value.strip())):
            return found
    return None


def _up_to_the_root(folder: Path) -> tuple[Path, ...]:
    """The folder, then those above it up to the root of its workspace."""
    if not any((above / "pyproject.toml").is_file() for above in folder.parents):
        return (folder,)
    from accelsel.apply.workspace import root_of

    above = (folder, *folder.parents)
    top = root_of(folder / "pyproject.toml")
    return above[: above.index(top) + 1] if top in above else (folder,)


def requires_python(project: Path) -> str | None:
    """The Pythons that a pyproject.toml allows; None where it does not say, or cannot be read."""
    import tomllib

    try:
        found = tomllib.loads(project.read_text(encoding="utf-8-sig"))["project"]["requires-python"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return found if isinstance(found, str) else None


def _first_line(path: Path) -> str:
    return next((line for line in _lines(path) if not line.startswith("#")), "")


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        return []
