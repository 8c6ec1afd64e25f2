"""Bounds on a package: several sets as one, and where the ones of a backend belong."""

import re
from collections.abc import Iterable

from accelsel.model.selection import Package, Selection
from accelsel.model.value import replace
from accelsel.project.draft import Draft
from accelsel.project.markers import platforms_of
from accelsel.project.read import ProjectView
from accelsel.project.requirement import Requirement, admits, normalize, written
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


def agree(one: str, two: str) -> bool:
    """Whether both specifier sets admit some release: looked for at the ends of both, and right
    behind each."""
    ends = re.findall(r"[=<>~](\d[\w.]*)", f"{one},{two}")
    return not ends or any(
        admits(one, v) and admits(two, v) for v in (*ends, *(f"{end}.1" for end in ends))
    )


def beside_overrides(draft: Draft, selections: Iterable[Selection]) -> tuple[Selection, ...]:
    """The selections without packages whose version the project itself overrides by another, with a
    warning: uv would hold both, and find none."""

    def against(package: Package, platform: str | None) -> Requirement | None:
        for r in draft.view.requirements:
            here = r.place.kind == "override" and r.name == package.name
            if here and platform in platforms_of(r.marker or ""):
                return None if agree(r.bound, package.specifier) else r
        return None

    found = []
    for selection in selections:
        own = {p.name: against(p, selection.platform) for p in selection.packages}
        for name, requirement in own.items():
            if requirement is not None:
                draft.warn(
                    "override-of-another",
                    f"[tool.uv] override-dependencies has {requirement.raw!r}, which does not go "
                    f"with torch of {selection.backend} here: {name} is left alone",
                    "take that entry out, and it is routed with torch",
                )
        packages = tuple(p for p in selection.packages if own[p.name] is None)
        found.append(replace(selection, packages=packages))
    return tuple(found)


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
