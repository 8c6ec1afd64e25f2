"""The selections for a project: what its files ask for on the target platform, put to the rules."""

from collections.abc import Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from accelsel.cli import steps
from accelsel.cli.options import Flags
from accelsel.cli.python import project_python
from accelsel.model.config import Config
from accelsel.model.profile import Profile
from accelsel.model.request import Part, Request
from accelsel.model.selection import Selection

if TYPE_CHECKING:
    from accelsel.project.demand import Demand
    from accelsel.project.read import ProjectView
    from accelsel.project.scopes import Key


def selected(
    flags: Flags,
    views: "Sequence[ProjectView]",
    config: Config,
    *,
    backends: tuple[str, ...],
    key: "Key" = "group",
    prebuilt: tuple[str, ...],
    path: Path,
    through: tuple[str, ...] = (),
) -> tuple[Selection, ...]:
    """One selection for this host, or one for each of `backends`, which have an extra or a group
    each, as `key` says; `views` are the project's files without any pin, root first; `through` are
    the packages of torch's family that its lock holds without a requirement of its own.

    AccelselError (2, `invalid-requirement`) for a requirement of the project that is none.
    """
    from accelsel.model.value import replace
    from accelsel.project.demand import demand, refuse_malformed
    from accelsel.project.indexes import nightlies, nightly_torch
    from accelsel.project.requirement import normalize
    from accelsel.project.scopes import listed
    from accelsel.rules import select

    for view in views:
        refuse_malformed(view)
    tables = steps.tables_for(config)
    profile = None if backends else steps.profile_for(flags)
    platform = flags.platform or config.platform or (None if profile else "linux-x86_64")
    python = project_python(path.parent)
    wanted = demand(
        views, _as_markers_know(platform, profile), flags.python or config.python or python
    )
    request = steps.request_for(
        flags,
        config,
        torch=wanted.torch,
        requires_python=views[0].requires_python,
        companions=wanted.companions,
        python=python,
    )
    request = replace(
        request,
        platform=platform,
        parts=(*wanted.parts, *_of_lock(through)),
        prebuilt=(*request.prebuilt, *prebuilt),
        nightlies=tuple(name for view in views for name in nightlies(view)),
    )
    own = listed(views[0], backends, key)
    places = {name: f"{key} {normalize(own.get(normalize(name), name))}" for name in backends}
    each = [
        _in_its_list(
            replace(request, backend=name, asked_by="--backends"),
            place,
            {*places.values()} - {place},
        )
        for name, place in places.items()
    ]
    asked = each or [request]
    found = [select(profile, one, tables) for one in asked]
    if not (flags.channel or config.channel) and any(map(nightly_torch, views)):
        tried = [select(profile, replace(one, channel="nightly"), tables) for one in asked]
        found = tried if all(one.outcome == "selected" for one in tried) else found
    return tuple(_told(one, wanted) for one in found)


def _in_its_list(request: Request, place: str, others: Collection[str]) -> Request:
    """The request of a backend with what its own extra or group asks for, which is always there,
    and without what only those of other backends do, which never are."""
    from accelsel.model.value import replace

    mine = [part for part in request.parts if place in (part.place, *part.also)]
    return replace(
        request,
        torch=",".join(filter(None, (request.torch, *(part.torch for part in mine)))),
        companions=(*request.companions, *(text for part in mine for text in part.companions)),
        parts=tuple(
            part
            for part in request.parts
            if part not in mine and not {part.place, *part.also} <= {*others}
        ),
    )


def _of_lock(names: tuple[str, ...]) -> tuple[Part, ...]:
    """What the lock holds is asked for as an optional part is: it is served where a build can."""
    return (Part(place="uv.lock", companions=names, joined=True),) if names else ()


def _as_markers_know(platform: str | None, profile: Profile | None) -> str:
    from accelsel.project.markers import JETSON
    from accelsel.rules.host import named_platform, platform_of

    actual = platform_of(profile) if profile else None
    name = named_platform(platform) if platform else str(actual)
    return JETSON if profile and profile.os.jetson and name == actual else name


def _told(selection: Selection, wanted: "Demand") -> Selection:
    """The selection with a warning where the project itself keeps torch off the platform."""
    from accelsel.model.selection import Warning_
    from accelsel.model.value import replace

    if wanted.masked is None:
        return selection
    warning = Warning_(
        code="torch-masked",
        message=f"{wanted.masked} keeps torch off {selection.platform}: a pin has no effect there",
        hint="take that entry out, or name another --platform",
    )
    return replace(selection, warnings=(*selection.warnings, warning))
