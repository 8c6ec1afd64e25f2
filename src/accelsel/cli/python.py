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
    """The Python that a project runs on: `.python-version`, else `UV_PYTHON`, else its `.venv`."""
    for text in (_first_line(root / ".python-version"), os.environ.get("UV_PYTHON", "")):
        if found := version_in(text):
            return found
    environment = os.environ.get("UV_PROJECT_ENVIRONMENT") or ".venv"
    for line in _lines(root / environment / "pyvenv.cfg"):
        key, _, value = line.partition("=")
        if key.strip() in ("version", "version_info") and (found := version_in(value.strip())):
            return found
    return None


def _first_line(path: Path) -> str:
    return next((line for line in _lines(path) if not line.startswith("#")), "")


def _lines(path: Path) -> list[str]:
    try:
        return [line.strip() for line in path.read_text(encoding="utf-8").splitlines()]
    except (OSError, UnicodeDecodeError):
        return []
