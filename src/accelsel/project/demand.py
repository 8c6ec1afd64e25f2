"""What a project asks of torch and of the packages around it, on one platform."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.request import Part
from accelsel.model.requirement import clauses
from accelsel.model.value import dataclass
from accelsel.project.indexes import of_pytorch
from accelsel.project.markers import PYTHONS, platforms_of, variables
from accelsel.project.read import FAMILY, ProjectView, is_direct, strings, table
from accelsel.project.requirement import Requirement, normalize, text_of, url_version
from accelsel.project.routes import TRITONS
from accelsel.project.scopes import branches
from accelsel.project.sources import OWN

Spot = tuple[int, str, str]  # number of the file, kind of list, name of the extra or group
_LABELS = {"extra": "extra", "group": "group"}


@dataclass(frozen=True, kw_only=True)
class Demand:
    """What a project asks for on a platform.

    `torch` is the specifier set on torch, `companions` the requirements beside it, of what is
    always installed; `parts` are those of extras and groups that are installed on request, and
    bounds on torch for some of the project's Pythons. A bound that all members of a set of
    conflicts share is in `torch`, as one of them is always there. `masked` is the entry by which
    the project itself keeps torch off the platform, None without one.
    """

    torch: str
    companions: tuple[str, ...]
    parts: tuple[Part, ...] = ()
    masked: str | None = None


def demand(views: Sequence[ProjectView], platform: str | None, python: str | None = None) -> Demand:
    """The demand of a project, or of a workspace, root first, on a platform as markers know it.

    `python` is the Python that the project runs on, such as `3.12` or `3.14t`, None where any that
    it allows may be taken.
    """
    return _Reading(views, platform, python).demand()


def refuse_malformed(view: ProjectView) -> None:
    """AccelselError (2, `invalid-requirement`) for a requirement whose version specifiers are none,
    with its line."""
    rare = (r for r in view.requirements if clauses(r.specifier) is None)
    for requirement in rare:
        from packaging.specifiers import InvalidSpecifier, SpecifierSet

        try:
            SpecifierSet(requirement.specifier)
        except InvalidSpecifier:
            raise AccelselError(
                USAGE,
                "invalid-requirement",
                f"{requirement.raw!r} is not a requirement",
                where=_where(view, requirement.raw),
                help="write for example 'torch>=2.6,<2.15'; accelsel has not changed the file",
            ) from None


def _where(view: ProjectView, raw: str) -> str:
    found = (view.text.find(f"{quote}{raw}{quote}") for quote in ('"', "'"))
    at = next((place for place in found if place >= 0), None)
    return view.path if at is None else f"{view.path}:{view.text.count(chr(10), 0, at) + 1}"


class _Reading:
    """One reading of the files of a project: where each requirement stands, and what it says."""

    def __init__(
        self, views: Sequence[ProjectView], platform: str | None, python: str | None
    ) -> None:
        self.views = views
        self.platform = platform
        self.pythons = _pythons(views[0].requires_python)
        named = re.search(r"3\.\d+", python or "")
        self.python = named.group() if named else None
        root = views[0]
        self.by_name = {view.name and normalize(view.name): at for at, view in enumerate(views)}
        self.overrides: dict[str, list[Requirement]] = {}
        self.constraints: dict[str, list[Requirement]] = {}
        for requirement in root.requirements:
            if "extra" in variables(requirement.marker or ""):
                continue
            if requirement.place.kind == "override":
                self.overrides.setdefault(requirement.name, []).append(requirement)
            elif requirement.place.kind == "constraint" and self.holds(requirement):
                self.constraints.setdefault(requirement.name, []).append(requirement)
        self.excluded = {r.name for r in root.requirements if r.place.kind == "exclude"}
        self.direct: dict[Spot, list[Requirement]] = {}
        for at, view in enumerate(views):
            for requirement in filter(is_direct, view.requirements):
                if self.holds(requirement):
                    self.direct.setdefault(_spot(at, requirement), []).append(requirement)
        self.always = self._always()
        own = {
            (at, branch.key, normalize(branch.name)): "url" in branch.source
            for at, view in enumerate(views)
            for branch in branches(view)
        }
        self.apart = frozenset(own)
        # what names its own wheel of torch needs none that is chosen
        self.served = frozenset(spot for spot, by_url in own.items() if by_url)
        self.rivals = tuple(self._rivals())

    def demand(self) -> Demand:
        clauses = dict.fromkeys(c for spot in self.always for c in self._bounds(spot))
        companions = dict.fromkeys(
            text for spot in self.always for texts in self._around(spot).values() for text in texts
        )
        parts: dict[tuple[str, tuple[str, ...], bool], dict[str, None]] = {}
        for spot in self.direct:
            if spot in self.always | self.served:
                continue
            shared, joined, own = self._shared(spot)
            clauses.update(dict.fromkeys(shared))
            label = _label(spot)
            if joined:
                parts.setdefault((",".join(joined), (), True), {}).setdefault(label)
            around = self._around(spot)
            tied = [text for name in FAMILY if own for text in around.pop(name, ())]
            if own:
                parts.setdefault((",".join(own), tuple(tied), False), {}).setdefault(label)
            for texts in around.values():
                if not companions.keys() >= {*texts}:
                    parts.setdefault(("", tuple(texts), False), {}).setdefault(label)
        for spot, requirements in self.direct.items():
            for one in requirements if spot not in self.served else ():
                if one.name == "torch" and one.bound and not self._sure(one):
                    label = f"{_label(spot)}, under {one.marker},"
                    parts.setdefault((one.bound, (), True), {}).setdefault(label)
        clauses.update(dict.fromkeys(self._common()))
        return Demand(
            torch=",".join(clauses),
            companions=tuple(companions),
            parts=tuple(
                Part(place=place, also=tuple(also), torch=torch, companions=texts, joined=joined)
                for (torch, texts, joined), (place, *also) in parts.items()
            ),
            masked=self._masked(),
        )

    def holds(self, requirement: Requirement) -> bool:
        """Whether the marker can hold on the platform, with a Python that the project allows."""
        if requirement.marker is None:
            return True
        return self.platform in platforms_of(_both(requirement.marker, self.pythons))

    def _sure(self, requirement: Requirement) -> bool:
        """Whether the marker holds for the Python that the project runs on, else for all that it
        allows."""
        if requirement.marker is None:
            return True
        each = (f"python_version == '{minor}'" for minor in PYTHONS)
        allowed = (one for one in each if platforms_of(_both(one, self.pythons)))
        asked = [f"python_version == '{self.python}'"] if self.python else allowed
        return all(self.platform in platforms_of(_both(requirement.marker, one)) for one in asked)

    def _always(self) -> frozenset[Spot]:
        """The lists that are installed without being asked for."""
        found: set[Spot] = set()
        for at, view in enumerate(self.views):
            groups = [name for kind, name in _places(view) if kind == "group"]
            named = view.uv.get("default-groups", ["dev"])
            wanted = groups if named == "all" else [normalize(name) for name in strings(named)]
            starts = [(at, "dependencies", ""), (at, "legacy-dev", "dev")]
            for start in (*starts, *((at, "group", name) for name in wanted if name in groups)):
                found |= self._closure(start)
        return frozenset(found)

    def _closure(self, start: Spot) -> frozenset[Spot]:
        """A list and those that it includes: groups by name, extras by a requirement."""
        found: set[Spot] = set()
        waiting = [start]
        while waiting:
            spot = waiting.pop()
            if spot in found:
                continue
            found.add(spot)
            at, kind, name = spot
            if kind == "group":
                waiting += [(at, "group", one) for one in _included(self.views[at], name)]
            for requirement in self.direct.get(spot, ()):
                other = self.by_name.get(requirement.name)
                if other is not None:
                    extras = map(normalize, requirement.extras)
                    waiting += [(other, "extra", extra) for extra in extras]
        return frozenset(found)

    def _rivals(self) -> Iterator[tuple[frozenset[Spot], ...]]:
        """The sets of which uv installs one member at most, each member with what it includes."""
        for at, view in enumerate(self.views):
            for group in view.conflicts:
                members = []
                for item in group if isinstance(group, list) else ():
                    named = item if isinstance(item, Mapping) else {}
                    package = named.get("package")
                    where = self.by_name.get(normalize(package), at) if package else at
                    members += [
                        self._closure((where, kind, normalize(named[kind])))
                        for kind in _LABELS
                        if isinstance(named.get(kind), str)
                    ]
                yield tuple(members)

    def _shared(self, spot: Spot) -> tuple[list[str], list[str], list[str]]:
        """The bounds of a list that its rivals in a set of conflicts have too, those of a list
        without rivals, and those in which it differs from them."""
        rivals = [
            bounds
            for members in self.rivals
            if any(spot in member for member in members)
            for member in members
            if spot not in member and (bounds := self._all_bounds(member))
        ]
        clauses = self._bounds(spot)
        if not rivals:
            return [], clauses, []
        shared = [clause for clause in clauses if all(clause in bounds for bounds in rivals)]
        return shared, [], [clause for clause in clauses if clause not in shared]

    def _all_bounds(self, spots: Iterable[Spot]) -> frozenset[str]:
        return frozenset(clause for spot in spots for clause in self._bounds(spot))

    def _bounds(self, spot: Spot) -> list[str]:
        """The bounds on torch that a list itself has."""
        if "torch" in self.overrides:
            return []
        own = (r for r in self.direct.get(spot, ()) if r.name == "torch" and self._sure(r))
        found = [requirement.bound for requirement in own]
        return [clause for bound in found for clause in bound.split(",") if clause]

    def _common(self) -> Iterator[str]:
        """The bounds on torch that stand in no list: constraints, overrides, URLs of sources."""
        overriding = filter(self.holds, self.overrides.get("torch", ()))
        for requirement in (*self.constraints.get("torch", ()), *overriding):
            yield from (clause for clause in requirement.bound.split(",") if clause)
        for source in self.views[0].sources.get("torch", ()):
            version = url_version(str(source.get("url", "")))
            if version and self._covers(source):
                yield f"=={version}"

    def _around(self, spot: Spot) -> dict[str, list[str]]:
        """What a list asks for beside torch, by name, with the constraints on it."""
        found: dict[str, list[str]] = {}
        for requirement in self.direct.get(spot, ()):
            name = requirement.name
            if name == "torch" or name in self.excluded or self.by_name.get(name) is not None:
                continue
            if name in TRITONS and spot in self.apart:  # torch of that backend's own
                continue
            replaced = self.overrides.get(name)
            own = [requirement] if replaced is None else list(filter(self.holds, replaced))
            texts = [text_of(o, self._origin(o, spot)) for o in own if not self._built(o, spot)]
            found.setdefault(name, []).extend(texts)
        for name, texts in found.items():
            texts.extend(text_of(one) for one in self.constraints.get(name, ()) if texts)
        return {name: texts for name, texts in found.items() if texts}

    def _origin(self, requirement: Requirement, spot: Spot) -> str | None:
        """The URL for a package that the project takes from a repository, a path or a URL."""
        return next(filter(None, (_url(e) for _, e in self._sources(requirement, spot))), None)

    def _built(self, requirement: Requirement, spot: Spot) -> bool:
        """Whether a package is of the project's own making: a local version, as no public index
        has it, from an index that is not PyTorch's."""
        if "+" not in requirement.specifier:
            return False
        return any(
            str(one.get("name")) == str(entry.get("index")) and not of_pytorch(view, one)
            for view, entry in self._sources(requirement, spot)
            for one in view.indexes
        )

    def _sources(
        self, requirement: Requirement, spot: Spot
    ) -> Iterator[tuple[ProjectView, Mapping[str, Any]]]:
        """The sources that hold for a requirement on the platform."""
        at, kind, extra = spot
        for view in dict.fromkeys((at, 0)):
            for entry in self.views[view].sources.get(requirement.name, ()):
                scoped = next((str(entry[word]) for word in _LABELS if word in entry), None)
                if scoped is not None and (kind not in entry or normalize(scoped) != extra):
                    continue
                if self._covers(entry):
                    yield self.views[view], entry

    def _covers(self, entry: Mapping[str, Any]) -> bool:
        marker = str(entry.get("marker", ""))
        return not marker or self.platform in platforms_of(marker)

    def _masked(self) -> str | None:
        if "torch" in self.excluded:
            return "exclude-dependencies"
        own = self.overrides.get("torch", ())
        if not own or self.platform is None or any(map(self.holds, own)):
            return None
        return f"override-dependencies, {own[0].raw!r}"


def _both(first: str, second: str) -> str:
    return f"({first}) and ({second})" if second else first


def _label(spot: Spot) -> str:
    return f"{_LABELS[spot[1]]} {spot[2]}" if spot[1] in _LABELS else "the project"


def _spot(at: int, requirement: Requirement) -> Spot:
    return at, requirement.place.kind, normalize(requirement.place.name or "")


def _places(view: ProjectView) -> Iterator[tuple[str, str]]:
    for name in table(view.data, "dependency-groups"):
        yield "group", normalize(name)


def _included(view: ProjectView, group: str) -> Iterator[str]:
    for name, items in table(view.data, "dependency-groups").items():
        for item in items if normalize(name) == group and isinstance(items, list) else ():
            other = item.get("include-group") if isinstance(item, Mapping) else None
            if isinstance(other, str):
                yield normalize(other)


# what a bound with a patch release leaves of the minors
_MINORS = {">": ">=", ">=": ">=", "<": "<=", "<=": "<=", "==": "==", "===": "==", "~=": "=="}


def _pythons(requires: str | None) -> str:
    """`requires-python` as a marker on minor releases; "" without one."""
    parts = []
    for clause in (requires or "").replace(" ", "").split(","):
        version = clause.lstrip("<>=!~")
        operator = clause.removesuffix(version)
        minor = version.removesuffix(".*").split(".")[:2]
        if version.count(".") > 1 and not version.endswith(".*"):
            operator = _MINORS.get(operator, "")
        elif version.endswith(".*"):
            operator = operator[:2]
        if operator and all(part.isdigit() for part in minor):
            parts.append(f"python_version {operator} '{'.'.join(minor)}'")
    return " and ".join(parts)


def _url(entry: Mapping[str, Any]) -> str | None:
    from urllib.parse import quote

    for kind in ("url", *OWN):
        value = entry.get(kind)
        if not value:
            continue
        text = value if isinstance(value, str) else "."
        scheme = {"git": "git+", "url": ""}.get(kind, "file:")
        return scheme + (text if kind in ("git", "url") else quote(text))
    return None
