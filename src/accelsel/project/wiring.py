"""Sources and indexes written for routes."""

from collections.abc import Iterable, Mapping
from types import MappingProxyType
from typing import Any

from accelsel.model.plan import PinOptions
from accelsel.model.selection import Selection
from accelsel.model.table import Index
from accelsel.model.value import replace
from accelsel.project import indexes, sources
from accelsel.project.change import look
from accelsel.project.draft import SOURCES, Draft
from accelsel.project.markers import PLATFORMS, span
from accelsel.project.read import FAMILY
from accelsel.project.routes import TRITONS, target
from accelsel.project.scan import Path
from accelsel.project.scopes import Key, scope_of
from accelsel.project.sources import Route

Names = dict[str, str]  # an index's name in the rules table -> its name in the project


def write_sources(
    draft: Draft,
    selections: tuple[Selection, ...],
    routes: list[Route],
    options: PinOptions,
    scoped: frozenset[str] = frozenset(),
    beside: Mapping[Path, tuple[Key, str]] = MappingProxyType({}),
) -> Names:
    """Sources and the indexes that they name; PyTorch indexes that nothing needs any more go.

    Of the packages `scoped`, only entries of extras or groups may use a PyTorch index: one of the
    whole project becomes one of each of the lists `beside` that requires the package.
    """
    view, at = draft.view, target(selections[0])
    old = frozenset(
        str(e.get("name")) for e in view.indexes if indexes.of_pytorch(view, e, options.mirrors)
    )
    entries = {
        name: _apart(draft, name, value, old, beside, at) if name in scoped else list(value)
        for name, value in view.sources.items()
    }
    begin = {name: tuple(value) for name, value in entries.items()}
    for route in routes:
        for entry in entries.get(route.name, ()):
            if sources.vague(entry, route):
                draft.warn(
                    "source-replaced",
                    f"the source of {route.name} with the marker {entry['marker']} is replaced: it "
                    "holds on no platform, or names an extra, which only `extra = ...` can",
                    "write the platform as sys_platform == 'linux', the extra beside `index`",
                )
        entries[route.name] = sources.kept(entries.get(route.name, ()), route, at)
    gone = {r.name for r in routes} or {*FAMILY}
    tritons = [r for r in view.requirements if r.name in TRITONS]
    stay = {r.name for r in tritons if r.raw in (draft.now(r.path) or ())}
    replaced = {(None, None), *map(scope_of, draft.anew)}
    for name in TRITONS & set(entries) - gone - stay:
        entries[name] = [
            e
            for e in entries[name]
            if e.get("index") not in old or not routes or sources.scope(e) not in replaced
        ]
    if not routes:
        platforms = span(p for p in selections[0].platforms if p in PLATFORMS)
        for name in {*FAMILY} & set(entries):
            entries[name] = sources.without(entries[name], platforms, old)
    named = {str(e["index"]) for many in entries.values() for e in many if "index" in e}
    routes = [placed(route, selections, options) for route in routes]
    wanted = needed(selections, [route for route in routes if not route.file])
    names = write_indexes(draft, wanted, named, options, alone=not scoped)
    for name, before in view.sources.items():
        if name not in {r.name for r in routes} and list(before) != entries[name]:
            path = (*SOURCES, view.keys[name])
            new = sources.as_value(entries[name], look(view.data, path))
            draft.set(path, new, f"{name} of another backend")
    for name in dict.fromkeys(r.name for r in routes):
        value = list(begin.get(name, ()))
        mine = [r for r in routes if r.name == name]
        for route in mine:
            index = names.get(route.index, route.index)
            value = sources.routed(tuple(value), route, index, at)
        path = (*SOURCES, view.keys.get(name, name))
        draft.set(path, sources.as_value(value, look(view.data, path)), mine[0].why)
    return names


def _apart(
    draft: Draft,
    name: str,
    entries: Iterable[sources.Entry],
    names: frozenset[str],
    lists: Mapping[Path, tuple[Key, str]],
    target: str | None,
) -> list[sources.Entry]:
    """The entries of a package that differs between the backends: one of the whole project from an
    index of `names` for each of the lists that requires the package, from another index only
    where it does not hold on the target platform, as uv would see two indexes there."""
    places = {r.path for r in draft.view.requirements if r.name == name}
    found: list[sources.Entry] = []
    for entry in entries:
        if "index" not in entry or not sources.at_large(entry):
            found.append(entry)
        elif entry["index"] in names:
            found += (
                {"index": entry["index"], key: label, **entry}
                for path, (key, label) in lists.items()
                if path in places
            )
        elif target not in sources.covers(entry):
            found.append(entry)
    return found


def placed(route: Route, selections: Iterable[Selection], options: PinOptions) -> Route:
    """The route, with the wheel's URL where its index is none."""
    for index in (s.index for s in selections if s.index is not None):
        if index.name == route.index and indexes.is_file(index):
            return replace(route, file=indexes.mirrored(index.url, options.mirrors))
    return route


def needed(selections: Iterable[Selection], routes: Iterable[Route]) -> list[Index]:
    """The indexes that the routes name, each once."""
    known = {i.name: i for s in selections for i in (*((s.index,) if s.index else ()), *s.indexes)}
    return [known[name] for name in dict.fromkeys(r.index for r in routes)]


def write_indexes(
    draft: Draft,
    wanted: Iterable[Index],
    named: set[str],
    options: PinOptions,
    *,
    alone: bool = False,
) -> Names:
    """The name under which the project has each wanted index, written where it lacks it.

    `named` are the indexes that sources other than the pin's name. A PyTorch index that served
    what the pin now routes elsewhere, or that was not explicit, is replaced; where the wanted one
    stands `alone` for torch, it keeps the project's name, unless that tells a backend.
    """
    view = draft.view
    own = {i.name: indexes.serving(view, i, options.mirrors) for i in wanted}
    serving = [e for e in own.values() if e is not None]
    used = {str(e.get("index")) for many in view.sources.values() for e in many}
    retired = [
        e
        for e in view.indexes
        if indexes.of_pytorch(view, e, options.mirrors)
        and e not in serving
        and str(e.get("name")) not in named
        and (not e.get("explicit") or str(e.get("name")) in used)
    ]
    taken = {str(e["name"]) for e in view.indexes if "name" in e and e not in retired}
    names: Names = {}
    added: list[dict[str, Any]] = []
    for index in wanted:
        entry = own[index.name]
        if entry is None:
            new = indexes.new_entry(index, options.mirrors, taken)
            place = retired[len(added) : len(added) + 1]
            if alone and place and indexes.is_pytorch(index.url) and indexes.neutral(place[0]):
                new = {**new, "name": place[0]["name"]}
            added.append(new)
            names[index.name] = new["name"]
        else:
            name = str(entry.get("name") or index.name)
            url = indexes.kept_url(entry, index, options.mirrors)
            fixed = indexes.made_explicit(entry, name, url)
            draft.swap(indexes.PATH, dict(entry), fixed, "explicit: for what names it alone")
            names[index.name] = name
        taken.add(names[index.name])
    for at, entry in enumerate(retired):
        new_or_none = added[at] if at < len(added) else None
        why = "in the place of another backend's" if new_or_none else "nothing uses it any more"
        draft.swap(indexes.PATH, dict(entry), new_or_none, why)
    for entry in added[len(retired) :]:
        draft.add(indexes.PATH, entry, "where the build comes from")
    for entry in view.indexes:
        if (
            indexes.of_pytorch(view, entry, options.mirrors)
            and entry not in retired
            and entry not in serving
            and not entry.get("explicit")
            and entry.get("name")
        ):
            fixed = indexes.made_explicit(entry, str(entry["name"]), indexes.url_of(entry))
            draft.swap(indexes.PATH, dict(entry), fixed, "explicit: for what names it alone")
    return names
