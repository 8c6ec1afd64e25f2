"""The pure verbs of the library, each of which calls one room."""

from accelsel.model.plan import Plan
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import Selection


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
