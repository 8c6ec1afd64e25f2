"""The commands that write a fleet's builds into a project. Pure."""

import shlex
from collections.abc import Mapping, Sequence

from accelsel.knowledge.tables import Tables
from accelsel.model.fleet import Group
from accelsel.model.request import Request
from accelsel.model.value import replace
from accelsel.rules.choice import select
from accelsel.rules.versions import release

PLATFORM = "linux-x86_64"  # what `pin --backends` takes where no platform is named


def commands(
    groups: Sequence[Group],
    spare: frozenset[str] | None,
    platforms: Sequence[str],
    request: Request,
    tables: Tables,
) -> tuple[str, ...]:
    """One command for a project that serves all groups, where there is one, else one command for
    each group, for projects of their own.

    `groups` have a build each, `platforms` are those of the nodes. What the default index serves
    (macOS) needs nothing written beside others. Nodes that have no GPU for the build of their group
    get the CPU build beside it in such a project, if it is one of the releases in `spare`.
    """
    written = [one for one in groups if one.selection.backend != "default"] or list(groups)
    builds = {
        one.selection.backend or "": frozenset({one.selection.torch.version})
        for one in written
        if one.selection.torch
    }
    if len(written) > 1 and len(builds) == len(written):
        if spare is not None:
            builds.setdefault("cpu", spare)
        command = _together(builds, platforms, request, tables)
        if command:
            return (command,)
    return tuple(_single(one, request) for one in written)


def _together(
    builds: Mapping[str, frozenset[str]],
    platforms: Sequence[str],
    request: Request,
    tables: Tables,
) -> str | None:
    """The command by which `pin` takes one of these releases of torch for each backend, None where
    there is none."""
    newest = max((torch for each in builds.values() for torch in each), key=release, default="")
    for platform in dict.fromkeys((request.platform or PLATFORM, *platforms)):
        for bound in dict.fromkeys((request.torch, _joined(request.torch, f"<={newest}"))):
            asked = replace(request, platform=platform, torch=bound, gpus="all", force=False)
            found = {name: select(None, replace(asked, backend=name), tables) for name in builds}
            if all(one.torch and one.torch.version in builds[name] for name, one in found.items()):
                words = ["--backends", ",".join(builds), "--as", "groups"]
                if platform != PLATFORM:
                    words += ["--platform", platform]
                return _line(words, bound, request)
    return None


def _single(group: Group, request: Request) -> str:
    chosen = group.selection
    words = ["--backend", chosen.backend or ""]
    words += ["--platform", request.platform] if request.platform else []
    words += ["--gpu", request.gpus] if request.gpus != "all" else []
    words += ["--fallback", "cpu"] if request.fallback else []
    words += ["--force"] if request.force else []
    return _line(words, chosen.torch.specifier if chosen.torch else "", request)


def _line(words: Sequence[str], torch: str, request: Request) -> str:
    more = ["--torch", torch] if torch else []
    more += ["--python", request.python] if request.python else []
    more += ["--channel", request.channel] if request.channel != "stable" else []
    return shlex.join(["accelsel", "pin", "--write", *words, *more])


def _joined(first: str, second: str) -> str:
    return ",".join(filter(None, (first, second)))
