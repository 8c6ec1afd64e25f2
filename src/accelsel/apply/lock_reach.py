"""What a lock holds for some of a project's extras and groups alone."""

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

_TABLES: Final = {"extra": "optional-dependencies", "group": "dev-dependencies"}


def reached(lock: Mapping[str, Any], without: Collection[tuple[str, str]]) -> frozenset[str]:
    """The names of the packages that the lock holds for the project without some of its extras and
    groups, each a kind and a normalized name; all of them where the lock names no project."""
    packages: list[Mapping[str, Any]] = lock.get("package", [])
    roots = [one for one in packages if {"virtual", "editable"} & {*one["source"]}]
    if not roots:
        return frozenset(one["name"] for one in packages)
    own = {id(root) for root in roots}
    by_name: dict[str, list[Mapping[str, Any]]] = {}
    for one in packages:
        by_name.setdefault(one["name"], []).append(one)

    def needs(package: Mapping[str, Any], extra: str | None) -> Iterator[Mapping[str, Any]]:
        if extra is not None:
            yield from package.get(_TABLES["extra"], {}).get(extra, ())
            return
        yield from package.get("dependencies", ())
        for kind, name in _TABLES.items() if id(package) in own else ():
            for part, found in package.get(name, {}).items():
                if (kind, part) not in without:
                    yield from found

    seen: set[tuple[int, str | None]] = set()
    names: set[str] = set()
    edge: list[tuple[Mapping[str, Any], str | None]] = [(root, None) for root in roots]
    while edge:
        package, extra = edge.pop()
        if (id(package), extra) in seen:
            continue
        seen.add((id(package), extra))
        names.add(package["name"])
        for need in needs(package, extra):
            for target in by_name.get(need["name"], ()):
                if need.get("version") in (None, target.get("version")):
                    edge += [(target, None), *((target, e) for e in need.get("extra", ()))]
    return frozenset(names)
