"""Bounds on a package: several sets as one, and where the ones of a backend belong."""

from collections.abc import Iterable

from accelsel.project.markers import platforms_of
from accelsel.project.read import ProjectView
from accelsel.project.requirement import Requirement, normalize, written
from accelsel.project.scan import Path


def merged(one: str, two: str) -> str:
    """Both specifier sets as one, without the bounds that the other makes needless."""
    from packaging.version import InvalidVersion, Version

    clauses = dict.fromkeys(c.strip() for c in f"{one},{two}".split(",") if c.strip())
    exact = [c for c in clauses if c.startswith("==") and not c.endswith("*")]
    if exact:
        return exact[0]

    def order(clause: str) -> tuple[Version, bool]:
        """Lower bounds from the laxest to the strictest, upper bounds from the strictest on."""
        strict = clause[1:2] != "="
        return Version(clause.lstrip("<>=")), strict == clause.startswith(">")

    try:
        lower = sorted((c for c in clauses if c.startswith(">")), key=order)[:-1]
        upper = sorted((c for c in clauses if c.startswith("<")), key=order)[1:]
    except InvalidVersion:
        return ",".join(clauses)
    return ",".join(c for c in clauses if c not in {*lower, *upper})


def bounded(requirement: Requirement, specifier: str, platforms: Iterable[str]) -> str:
    """The requirement with the backend's bounds too, unless it is for other platforms alone."""
    if requirement.marker and not platforms_of(requirement.marker) & set(platforms):
        return written(requirement, requirement.bound)
    return written(requirement, merged(requirement.bound, specifier))


def with_each(view: ProjectView, name: str) -> list[Requirement]:
    """What the default groups require of a package on every platform, since they are installed
    beside any of the lists."""
    defaults = view.uv.get("default-groups", ["dev"])
    groups = {normalize(str(group)) for group in defaults if isinstance(defaults, list)}
    return [
        r
        for r in view.requirements
        if r.name == name
        and not r.marker
        and r.place.kind in {"group", "legacy-dev"}
        and (defaults == "all" or normalize(r.place.name or "") in groups)
    ]


def beside(view: ProjectView, name: str, path: Path) -> bool:
    """Whether a package is installed wherever the list is."""
    return bool(with_each(view, name)) or any(
        r.name == name and (r.path == path or r.place.kind == "dependencies")
        for r in view.requirements
    )
