"""Edits as a calculus on parsed TOML: apply, invert, compare."""

from collections.abc import Iterable, Mapping
from typing import Any

from accelsel.model.plan import Edit
from accelsel.project.requirement import Place, normalize, parse
from accelsel.project.scan import Path


def look(data: Any, path: Path) -> Any:
    """The value at `path` of parsed TOML, None where there is none."""
    for name in path:
        if not isinstance(data, Mapping) or name not in data:
            return None
        data = data[name]
    return data


def in_place(data: Mapping[str, Any], edit: Edit) -> bool:
    """Whether `data` is as after `edit`: its value is there, or what it removed is not."""
    present = look(data, edit.path)
    if edit.item:
        values = present if isinstance(present, list) else []
        return edit.after in values if edit.after is not None else edit.before not in values
    return bool(present == edit.after)


def inverse(edit: Edit) -> Edit:
    return Edit(
        table=edit.table,
        key=edit.key,
        before=edit.after,
        after=edit.before,
        item=edit.item,
        why=edit.why,
        index=edit.index,
        beside=edit.beside,
    )


def applied(data: Mapping[str, Any], edits: Iterable[Edit]) -> dict[str, Any]:
    """`data` after `edits`; tables and arrays that end up empty are left out."""
    result: dict[str, Any] = _copy(data)
    for edit in edits:
        if not edit.item:
            _set(result, edit.path, edit.after)
            continue
        present = look(result, edit.path)
        values = list(present) if isinstance(present, list) else []
        if edit.before is not None and edit.before in values:
            at = values.index(edit.before)
            values[at : at + 1] = [] if edit.after is None else [edit.after]
        elif edit.after is not None and (edit.index is not None or edit.after not in values):
            values.insert(_position(values, edit), edit.after)
        _set(result, edit.path, values or None)
    return result


def _position(values: list[Any], edit: Edit) -> int:
    """Where an element goes: at the end; else where it stood, with its neighbour if that moved."""
    if edit.index is None:
        return len(values)
    beside = [at for at, v in enumerate(values) if edit.beside and about(v) == edit.beside]
    places = [at + 1 for at in beside] if edit.index else beside[:1]
    return min(places, key=lambda at: abs(at - (edit.index or 0)), default=edit.index)


def _copy(value: Any) -> Any:
    return {k: _copy(v) for k, v in value.items()} if isinstance(value, Mapping) else value


def _set(data: dict[str, Any], path: Path, value: Any) -> None:
    """Sets the value, or removes it and the tables that it leaves empty."""
    name, rest = path[0], path[1:]
    if not rest:
        if value is None:
            data.pop(name, None)
        else:
            data[name] = value
        return
    inner = data.get(name)
    if not isinstance(inner, dict):
        if value is None:
            return
        inner = data[name] = {}
    _set(inner, rest, value)
    if not inner:
        del data[name]


def between(
    now: Mapping[str, Any], wanted: Mapping[str, Any], edits: Iterable[Edit]
) -> tuple[Edit, ...]:
    """The edits that bring `now` to `wanted` at the places that `edits` name."""
    found: list[Edit] = []
    seen: set[Path] = set()
    for edit in edits:
        if edit.path in seen:
            continue
        seen.add(edit.path)
        old, new = look(now, edit.path), look(wanted, edit.path)
        if old == new:
            continue
        pairs = _pairs(old or [], new or []) if edit.item else [(old, new)]
        found += (
            Edit(
                table=edit.table,
                key=edit.key,
                before=before,
                after=after,
                why=edit.why,
                item=edit.item,
                index=new.index(after) if edit.item and before is None else None,
            )
            for before, after in pairs
        )
    return tuple(found)


def _pairs(old: list[Any], new: list[Any]) -> list[tuple[Any, Any]]:
    """What goes and what comes, put together where both are about the same thing."""
    gone = [value for value in old if value not in new]
    come = [value for value in new if value not in old]
    pairs: list[tuple[Any, Any]] = []
    for value in gone:
        same = next((v for v in come if about(v) == about(value)), None)
        if same is not None:
            come.remove(same)
        pairs.append((value, same))
    return [*pairs, *((None, value) for value in come)]


def about(value: Any) -> str:
    """The name that an array's element is about: a requirement's, a table's `name`."""
    if isinstance(value, Mapping):
        return str(value.get("name", value))
    requirement = parse(value, Place(kind="dependencies")) if isinstance(value, str) else None
    return requirement.name if requirement else normalize(str(value))
