"""The five verbs of the library: probe, select, plan, render, apply. Each calls one room."""

from collections.abc import Mapping
from pathlib import Path

from accelsel.model.plan import Plan
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import Selection


def probe() -> Profile:
    """The profile of this host. Raises `AccelselError` (2) for an override no host can have."""
    from accelsel.probe import probe as room

    return room()


def select(profile: Profile | None, request: Request | None = None) -> Selection:
    """The build for a host and a request, by the rules table that is installed.

    Disagreement is an outcome (`none`), not an exception; a malformed request is `AccelselError`.
    """
    from accelsel.knowledge import load
    from accelsel.rules import select as room

    return room(profile, request or Request(), load())


def plan(selection: Selection, project: str, path: str = "pyproject.toml") -> Plan:
    """The edit that makes a project, given as the text of its file, use the selection.

    Raises `AccelselError`: 2 for a text that is no project, 3 where nothing in it belongs to torch.
    """
    from accelsel.model.plan import PinOptions
    from accelsel.project.plan import plan as room
    from accelsel.project.read import read

    return room(read(project, path), (selection,), PinOptions())


def render(text: str, plan: Plan) -> str:
    """The text with the plan's edits; every byte that they do not touch stays."""
    from accelsel.project.render import render as room

    return room(text, plan)


def apply(texts: Mapping[str, str], root: Path) -> tuple[Path, ...]:
    """The files of `texts` (path below `root` to text) hold their texts; gives those that changed.

    Each is replaced in one step. Raises `AccelselError` (2) where a file is unreadable, read-only
    or changed meanwhile; the ones before it are written then.
    """
    from accelsel.apply.files import read_project, write_replacing

    changed = []
    for name, text in texts.items():
        file = read_project(root / name)
        if write_replacing(file.path, file.data, text.encode()):
            changed.append(file.path)
    return tuple(changed)
