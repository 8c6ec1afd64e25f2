"""What an index holds: distributions by index and project.

An index is a path below the server's root (`/whl/cu126`, `/pypi/simple`). One `Dist` is one version
of one project in one index; its wheels share their metadata, as uv assumes.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from tests.kit.replay_sdist import Source

DEFAULT = "/pypi/simple"


@dataclass(frozen=True, kw_only=True)
class Dist:
    """One version of a project. `wheels` are tags (`cp312-cp312-win_amd64`); `requires` are
    Requires-Dist values, of which those with `extra == '...'` make the extras; `files` maps a path
    in the wheel to its text, beside the module that every stub has; `owns` is that module; `sdist`
    says how its source distribution builds. `backend` is torch's own: a name, or one per ending of
    the platform tag."""

    index: str
    name: str
    version: str
    wheels: tuple[str, ...] = ("py3-none-any",)
    requires: tuple[str, ...] = ()
    requires_python: str | None = None
    owns: str | None = None
    files: Mapping[str, str] = field(default_factory=dict)
    sdist: Source | None = None
    yanked: str | None = None
    backend: str | Mapping[str, str] | None = None


def normalized(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def numbers(version: str) -> tuple[int, ...]:
    """The release number of a version, without its local part."""
    return tuple(int(part) for part in re.findall(r"\d+", version.partition("+")[0])[:3])


def python_tag(python: str) -> str:
    """`3.14t` or `cp314t` as `cp314-cp314t`; `cp312-abi3` as it is."""
    if "-" in python:
        return python
    tag = python if python.startswith("cp") else "cp" + python.replace(".", "")
    return f"{tag.removesuffix('t')}-{tag}"


class Catalog:
    """Projects by index. An index whose path ends with `.html` is one flat page of links."""

    def __init__(self, dists: Iterable[Dist] = ()) -> None:
        self._projects: dict[str, dict[str, dict[str, Dist]]] = {}
        for dist in dists:
            self.add(dist)

    def add(self, dist: Dist) -> None:
        """The version is in its index; wheels of a version already there are joined."""
        versions = self._projects.setdefault(dist.index, {}).setdefault(normalized(dist.name), {})
        known = versions.get(dist.version)
        wheels = dist.wheels if known is None else (*known.wheels, *dist.wheels)
        versions[dist.version] = replace(dist, wheels=tuple(dict.fromkeys(wheels)))

    def indexes(self) -> list[str]:
        return sorted(self._projects)

    def projects(self, index: str) -> list[str]:
        return sorted(self._projects.get(index, ()))

    def dists(self, index: str, project: str) -> list[Dist]:
        """The versions of a project, () where the index does not have it."""
        return list(self._projects.get(index, {}).get(normalized(project), {}).values())
