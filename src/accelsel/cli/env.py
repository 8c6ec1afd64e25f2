"""`accelsel env`: this host's selection as variables for uv, shells and Dockerfiles."""

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING

from accelsel.cli import present, steps
from accelsel.cli.present import Output
from accelsel.model.errors import NO_BUILD, AccelselError

if TYPE_CHECKING:
    from accelsel.cli.options import Flags
    from accelsel.rules.environment import Variables

# Where the variables are read later or elsewhere, a file of this host's cache would not be there.
ELSEWHERE = ("dotenv", "docker")


def env(output: Output, flags: "Flags") -> int:
    """Print the variables in the form asked for; nothing but data on stdout, so that it may be
    evaluated. Without a build for this host nothing is printed (4)."""
    from accelsel.rules import select
    from accelsel.rules.environment import CONSTRAINT, MARK, variables

    config = steps.settings(steps.project_here())
    profile = steps.profile_for(flags)
    tables = steps.tables_for(config)
    request = steps.request_for(flags, config, python=_python(flags))
    selection = select(profile, request, tables)
    if selection.outcome == "none":
        why = [reason.message for reason in selection.reasons]
        raise AccelselError(
            NO_BUILD,
            "no-build",
            why[0] if why else "no build satisfies this host and the request",
            help="`accelsel why` names the ways out",
        )
    for warning in selection.warnings:
        output.warn(warning.code, warning.message, warning.hint)
    found = variables(selection, profile, request, tables)
    form = {"text": "sh"}.get(output.format, output.format)
    values, comments = _complete(found, form)
    stale = [name for name in os.environ.get(MARK, "").split(",") if name and name not in values]
    if values:
        values[MARK] = ",".join(values)
    elif MARK in os.environ:
        stale.append(MARK)
    if CONSTRAINT in stale:
        from accelsel.cli.uv_pip import constraints_of_others

        if theirs := constraints_of_others(os.environ):  # stood there before ours were added
            stale.remove(CONSTRAINT)
            values[CONSTRAINT] = " ".join(theirs)
    if output.json:
        _document(values, comments, stale)
        return steps.strict_code(selection, flags, config)
    from accelsel.ports.env import render

    if form == "github":
        for comment in comments:
            output.say(comment)
    text = render(form, values, comments=comments, unset=stale)
    if text:
        output.data(text)
    return steps.strict_code(selection, flags, config)


def _python(flags: "Flags") -> str | None:
    """The Python of the environment that `uv pip` would take; None where there is none."""
    if flags.python or flags.profile:
        return None
    from pathlib import Path

    from accelsel.probe.host_world import HostWorld
    from accelsel.probe.installed import locate, python_of

    world = HostWorld()
    place = locate(world, python=None, project=None, cwd=str(Path.cwd()))
    return python_of(world, place) if place else None


def _complete(found: "Variables", form: str) -> tuple[dict[str, str], list[str]]:
    """The values with the constraint file, where the form's reader can have one."""
    from accelsel.rules.environment import CONSTRAINT

    values, comments = dict(found.values), list(found.comments)
    if not found.constraints:
        return values, comments
    bounds = " ".join(f'"{bound}"' for bound in found.constraints)
    if form in ELSEWHERE:
        comments.append(f"the index alone would give a newer build: ask uv for {bounds} as well")
        return values, comments
    from accelsel.cli.uv_pip import constraint_file, constraints_of_others

    path = str(constraint_file(found.constraints, os.environ))
    if " " in path:
        comments.append(f"the index alone would give a newer build: ask uv for {bounds} as well")
    else:
        values[CONSTRAINT] = " ".join([*constraints_of_others(os.environ), path])
    return values, comments


def _document(values: Mapping[str, str], comments: list[str], stale: list[str]) -> None:
    present.document(
        {
            "schema": "accelsel.env/1",
            "variables": dict(values),
            "unset": stale,
            "comments": comments,
        }
    )
