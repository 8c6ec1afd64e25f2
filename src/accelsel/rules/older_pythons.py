"""Pythons that a project allows and that the choice has no wheels for: uv locks for all of them."""

from accelsel.model.selection import Selection, Warning_
from accelsel.model.table import Build
from accelsel.model.value import replace
from accelsel.rules.choice import VENDOR_INDEXES
from accelsel.rules.question import Question
from accelsel.rules.versions import admits

_MINORS = tuple(f"3.{minor}" for minor in range(8, 16))
_OTHERS = (*VENDOR_INDEXES, "default")  # their extras stand in overrides; nothing to hold


def with_older(selection: Selection, build: Build, question: Question) -> Selection:
    """The selection, told and said from which Python on it holds where the project allows older
    ones, if the default index has a torch within the bounds for each of these."""
    older, first = _older(selection, build, question)
    if not older or selection.torch is None:
        return selection
    default = {
        tag
        for row in question.tables.builds
        if row.platform == build.platform and row.channel == "stable" and question.in_range(row)
        for tag in row.pythons
    }
    kind = question.tables.backends[build.backend].kind
    plain = kind not in _OTHERS and build.channel == "stable"
    since = first if plain and default.issuperset(older) else None
    until = "; one backend alone leaves older Pythons to the default index" if since else ""
    warning = Warning_(
        code="python-too-wide",
        message=f"torch{question.request.torch or selection.torch.specifier} has no wheels before "
        f"Python {first}, and the project allows {older[0]}: uv locks for all that it allows",
        hint=f"requires-python = '>={first}', or an older torch{until}",
    )
    return replace(selection, warnings=(*selection.warnings, warning), since=since)


def _older(
    selection: Selection, build: Build, question: Question
) -> tuple[tuple[str, ...], str | None]:
    """The Pythons that the project allows before the first that a release of the range has wheels
    for, and that first one; none where there is no such."""
    torch = selection.torch
    if torch is None or not question.request.requires_python:
        return (), None
    allowed = [tag for tag in _MINORS if question.allows_python(tag)]
    inside = admits(torch.specifier, where="torch")
    served = {
        tag
        for row in question.tables.builds
        if (row.backend, row.platform) == (build.backend, build.platform)
        and (inside(row.torch) or inside(row.version))
        and question.in_range(row)
        for tag in row.pythons
    }
    first = next((tag for tag in allowed if tag in served), None)
    return tuple(allowed[: allowed.index(first)] if first else ()), first
