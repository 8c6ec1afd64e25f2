"""`[tool.uv.sources]`: the entry of one package, among those that the project has for it."""

from collections.abc import Iterable, Mapping
from typing import Any

from accelsel.model.value import dataclass
from accelsel.project.markers import (
    UNIVERSE,
    beyond,
    exact,
    overlaps,
    platforms_of,
    since,
    variables,
)

Entry = Mapping[str, Any]
OWN = ("git", "path", "workspace", "editable")
Scope = tuple[str | None, str | None]  # extra, group


@dataclass(frozen=True, kw_only=True)
class Route:
    """A package comes from `index` on `platforms`; for one extra or group alone if that is named.

    `index` is the name in the rules table; the project may call the index otherwise. `platforms`
    tell Jetson apart. `file` is the
    URL of the one wheel that a backend without an index has. `apart` are platforms for which the
    project wants another torch than the selected one, and keeps its own source. `locked` are those
    that the project is locked for. `python` is the one from which on it holds, None for all.
    """

    name: str
    index: str
    platforms: tuple[str, ...]
    why: str
    scope: Scope = (None, None)
    file: str | None = None
    apart: tuple[str, ...] = ()
    locked: tuple[str, ...] = UNIVERSE
    python: str | None = None

    def entry(self, marker: str, index: str) -> dict[str, Any]:
        extra, group = self.scope
        parts = {
            "index": None if self.file else index,
            "url": self.file,
            "extra": extra,
            "group": group,
            "marker": since(marker, self.python),
        }
        return {key: value for key, value in parts.items() if value}


def scope(entry: Entry) -> Scope:
    return (entry.get("extra"), entry.get("group"))


def at_large(entry: Entry) -> bool:
    """Whether an entry is of the whole project, and not by its marker of an extra."""
    return scope(entry) == (None, None) and "extra" not in variables(str(entry.get("marker", "")))


def covers(entry: Entry) -> frozenset[str]:
    return platforms_of(str(entry.get("marker", "")))


def kept(entries: Iterable[Entry], route: Route, target: str | None) -> list[Entry]:
    """The entries that stay beside the route: those of other scopes, and, for a route of the whole
    project, the project's own for platforms other than `target`, as far as uv sees that; of others
    what they say of the platforms that the project keeps apart."""
    whole = route.scope == (None, None)
    found: list[Entry] = []
    for e in entries:
        other = scope(e) != route.scope
        if other or (whole and e.get("marker") and target not in covers(e) and not vague(e, route)):
            found.append(e)
        elif whole and (apart := covers(e) & {*route.apart}):
            found.append({**e, "marker": exact(apart)})
    return found


def vague(entry: Entry, route: Route) -> bool:
    """Whether uv takes an entry for one that could hold where the route does, by a marker that
    never holds."""
    text = str(entry.get("marker", ""))
    return scope(entry) == route.scope and overlaps(text, route.platforms)


def routed(entries: tuple[Entry, ...], route: Route, index: str, target: str | None) -> list[Entry]:
    """The entries of a package with the route in the place of the first one that it replaces.

    Where an entry stays, the route yields that entry's platforms; one of the whole project counts
    for each extra and group too. A marker that says the same in other words stays,
    and that of an entry for the target where the index alone has the package.
    """
    stay = kept(entries, route, target)
    same = [e for e in stay if scope(e) == route.scope or at_large(e)]
    others = frozenset[str]().union(*map(covers, same))
    platforms = [p for p in route.platforms if p not in others]
    gone = next((e for e in entries if e not in stay), None)
    anywhere = {*platforms} == {*UNIVERSE}
    says = gone is not None and _says(gone, platforms, frozenset(route.locked))
    if route.python is None and gone and (says or (anywhere and target in covers(gone))):
        marker = str(gone.get("marker", ""))
    else:
        each = frozenset[str]().union(*(beyond(str(e.get("marker", ""))) for e in same))
        marker = exact(platforms, each=each)
    mine = route.entry(marker, index)
    at = next((i for i, e in enumerate(entries) if e not in stay), len(stay))
    return [*stay[:at], mine, *stay[at:]]


def _says(entry: Entry, platforms: Iterable[str], locked: frozenset[str]) -> bool:
    """Whether, of the platforms `locked`, the entry's marker holds on exactly `platforms`, with
    every Python."""
    plain = {"sys_platform", "platform_machine", "platform_system", "os_name"}
    text = str(entry.get("marker", ""))
    wanted = locked.intersection(platforms)
    return set(variables(text)) <= plain and covers(entry) & locked == wanted


def without(
    entries: Iterable[Entry], platforms: Iterable[str], names: frozenset[str]
) -> list[Entry]:
    """The entries, those that use an index of `names` no longer covering `platforms`."""
    gone = frozenset(platforms)
    found: list[Entry] = []
    for entry in entries:
        if entry.get("index") not in names or not covers(entry) & gone:
            found.append(entry)
        elif covers(entry) - gone:
            found.append({**entry, "marker": _narrowed(entry, gone)})
    return found


def _narrowed(entry: Entry, gone: frozenset[str]) -> str:
    """The entry's marker on the platforms without `gone`; what it says of other things stays."""
    text = str(entry.get("marker", ""))
    if set(variables(text)) <= {"sys_platform", "platform_machine"}:
        return exact(covers(entry) - gone)
    return f"({text}) and ({exact(frozenset(UNIVERSE) - gone)})"


def owned(entries: Iterable[Entry], target: str | None) -> Entry | None:
    """The entry by which the project builds the package itself on the target platform."""
    return next(
        (e for e in entries if set(OWN) & set(e) and target in covers(e)),
        None,
    )


def as_value(entries: list[Entry], before: Any) -> Any:
    """As it is written: one entry alone, several, or what was an array, as an array."""
    if not entries:
        return None
    many = len(entries) > 1 or isinstance(before, list)
    return [dict(e) for e in entries] if many else dict(entries[0])
