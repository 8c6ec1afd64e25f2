"""Selections and a project, as edits of the project's file; and the way back."""

import tomllib
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from accelsel.model.errors import NO_BUILD, NOTHING, AccelselError
from accelsel.model.plan import Edit, PinOptions, Plan, Record, Shape
from accelsel.model.selection import Selection
from accelsel.model.value import replace
from accelsel.project import hunks
from accelsel.project.bounds import beside_overrides
from accelsel.project.change import applied, between, in_place, inverse, look
from accelsel.project.draft import Draft
from accelsel.project.encode import dotted, inline, key
from accelsel.project.frame import REMEMBERED, loaded
from accelsel.project.read import FAMILY, ProjectView, is_direct, read
from accelsel.project.record import digest
from accelsel.project.render import framed_text, render
from accelsel.project.requirement import normalize
from accelsel.project.scopes import KEYS, declared
from accelsel.project.variants import write_variants
from accelsel.project.write import write_one


def plan(view: ProjectView, selections: tuple[Selection, ...], options: PinOptions) -> Plan:
    """The edit that makes the project use `selections`, from its present text.

    An earlier pin is taken back first, so that its traces never count as the project's own wishes;
    what stays the same is not touched. AccelselError `no-torch` (3) where nothing of the project
    belongs to torch.
    """
    base = bare(view)
    refuse_without_torch(base, selections, options)
    draft = Draft(base)
    selections = beside_overrides(draft, selections)
    shape = options.shape
    if shape == "single":
        shape = declared(base, selections, options) or shape
        _refuse_without_use(base, selections)
    if shape == "single":
        write_one(draft, selections, options)
    else:
        write_variants(draft, selections, options, shape)
    return finish(view, draft, selections, options, shape)


def bare(view: ProjectView) -> ProjectView:
    """The project without any pin."""
    if view.record is None:
        return view
    return read(_taken_back(view.text, view.path)[0], view.path)


def finish(
    view: ProjectView,
    draft: Draft,
    selections: tuple[Selection, ...],
    options: PinOptions,
    shape: Shape,
) -> Plan:
    """The plan that brings `view`, as it is now, to what `draft` makes of it without its pin."""
    written = draft.edits()
    facts = _facts(selections, options, shape, draft.names)
    record = Record(facts=facts, written=written, undo=None)
    edits = written
    changed = True
    if view.record is not None:
        touched = (*written, *view.record.written)
        edits = between(view.data, applied(draft.view.data, written), touched)
        changed = bool(edits) or not _same(view.record, record)
    return Plan(
        path=view.path,
        changed=changed,
        selections=selections,
        edits=edits,
        record=record,
        base=draft.view.text,
        anew=changed and view.record is not None and _taken_back(view.text, view.path)[1],
        keep=_kept_empty(view),
        warnings=tuple(draft.warnings),
    )


def _same(old: Record, new: Record) -> bool:
    def comparable(record: Record) -> Any:
        edits = [(e.path, e.item, e.before, e.after, e.index) for e in record.written]
        return {k: _plain(v) for k, v in record.facts.items()}, edits

    return bool(comparable(old) == comparable(new))


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {k: _plain(v) for k, v in value.items()}
    return [_plain(v) for v in value] if isinstance(value, list | tuple) else value


def refuse_without_torch(
    view: ProjectView, selections: Iterable[Selection], options: PinOptions
) -> None:
    """AccelselError `no-torch` (3) where nothing of the project belongs to torch."""
    names = {p.name for s in selections for p in s.packages if p.kind != "triton"}
    known = {*FAMILY, *names, *options.known}
    if options.transitive or view.requires(*known):
        return
    raise AccelselError(
        NOTHING,
        "no-torch",
        "no requirement of the project belongs to torch",
        where=view.path,
        help="`uv add torch` first",
    )


def _refuse_without_use(view: ProjectView, selections: Iterable[Selection]) -> None:
    """AccelselError `no-build` (4) where all that requires torch is left out of a choice."""
    for selection in selections:
        places = {(one.kind, one.name): one.packages for one in selection.left_out}
        named = {"torch", *(package.name for package in selection.packages)}
        direct = [r for r in view.requirements if r.name in named and is_direct(r)]
        users = {(r.place.kind, normalize(r.place.name or "")) for r in direct}
        if direct and users <= places.keys():
            kind, name = next(one for one in places if one in users)
            packages = " and ".join(places[kind, name])
            raise AccelselError(
                NO_BUILD,
                "no-build",
                f"only the {kind} {name} requires torch, and its {packages} goes with none of "
                f"{selection.backend} for this host",
                where=view.path,
                help=f"another version of {packages}, or another --backend",
            )


def _facts(
    selections: Iterable[Selection], options: PinOptions, shape: Shape, names: tuple[str, ...]
) -> dict[str, Any]:
    """What the record says of the choice, beside the values."""
    rows: dict[str, None] = {}
    rules = ""
    chosen = []
    for at, selection in enumerate(selections):
        rows.update(dict.fromkeys(selection.rows))
        rules = selection.rules.version
        essentials = _essentials(selection)
        if shape in KEYS:
            essentials[KEYS[shape]] = names[at]
        chosen.append(essentials)
    facts: dict[str, Any] = {"selections": chosen}
    facts["rules"] = rules
    if rows:
        facts["rows"] = list(rows)
    if options.request:
        facts["request"] = {k: v for k, v in options.request.items() if v is not None}
    return facts


def _essentials(selection: Selection) -> dict[str, Any]:
    torch = selection.torch
    found: dict[str, Any] = {
        "backend": selection.backend,
        "channel": selection.channel if selection.channel != "stable" else None,
        "torch": torch.version if torch else None,
        "specifier": torch.specifier if torch else None,
        "extras": list(torch.extras) if torch and torch.extras else None,
        "platform": selection.platform,
        "confidence": selection.confidence,
    }
    return {key: value for key, value in found.items() if value is not None}


def unplan(view: ProjectView) -> Plan:
    """The edit that takes a pin back: the original text where the file is as `pin` left it.

    Where it was edited since, what was written and still stands goes, the rest stays and is listed
    in `left`. AccelselError `no-record` (3) without a record.
    """
    record = view.record
    if record is None:
        raise AccelselError(
            NOTHING,
            "no-record",
            "the file has no [tool.accelsel.pin]",
            where=view.path,
            help="accelsel takes back only what it wrote",
        )
    text, _ = _taken_back(view.text, view.path)
    stand = [inverse(e) for e in _standing(view.data, record)]
    left = [_left(view, e) for e in _each(view.data, record) if not in_place(view.data, e)]
    left += [_kept(inverse(e)) for e in stand if not _free(view.data, e)]
    return Plan(
        path=view.path,
        changed=True,
        edits=tuple(e for e in stand if _free(view.data, e)),
        restored=text,
        left=tuple(left),
    )


@lru_cache(maxsize=REMEMBERED)
def _taken_back(text: str, path: str) -> tuple[str, bool]:
    """The text without its pin, and whether all that the pin changed came back line by line.

    Lines that were edited since do not come back so: what they say is taken back by value.
    """
    view = read(text, path)
    return (text, True) if view.record is None else _without(view, view.record)


def _without(view: ProjectView, record: Record) -> tuple[str, bool]:
    gone = Plan(path=view.path, changed=True, keep=_kept_empty(view))
    bare = render(view.text, gone)
    framed = framed_text(bare, view.path)
    block = bare[framed.start : framed.end]
    if record.undo is not None:
        if hunks.unmoved(block, record.undo.hunks):
            original = hunks.taken_back(block, [(hunk.line, hunk) for hunk in record.undo.hunks])
            if digest(original) == record.undo.digest:
                return bare[: framed.start] + original + bare[framed.end :], True
        data = loaded(framed.toml)

        def whole(*found: hunks.Found) -> str:
            return bare[: framed.start] + hunks.taken_back(block, found) + bare[framed.end :]

        def only_at(text: str, edits: tuple[Edit, ...]) -> bool:
            after = _parsed(text, view.path)
            return after is not None and _beside(after, edits) == _beside(data, edits)

        found = hunks.find(block, record.undo.hunks)
        text = whole(*found)
        if len(found) == len(record.undo.hunks) and only_at(text, record.written):
            after = loaded(framed_text(text, view.path).toml)
            if not any(in_place(after, edit) for edit in record.written):
                return text, True
        stand = _standing(data, record)
        text = whole(*(one for one in found if only_at(whole(one), stand)))
        rest = _by_value(text, gone, record)
        wanted = applied(data, _inverted(data, record))
        if rest is not None and _comparable(_parsed(rest, view.path)) == _comparable(wanted):
            return rest, False
    return str(_by_value(bare, gone, record)), False


def _beside(data: Mapping[str, Any], edits: Iterable[Edit]) -> Any:
    """What `data` says but for the places of `edits`."""
    places = [replace(e, before=None, after=None, item=False) for e in edits]
    return _comparable(applied(data, places))


def _by_value(text: str, gone: Plan, record: Record) -> str | None:
    """The text without what is written in it still; None for one that is no TOML."""
    data = _parsed(text, gone.path)
    return None if data is None else render(text, replace(gone, edits=_inverted(data, record)))


def _inverted(data: Mapping[str, Any], record: Record) -> tuple[Edit, ...]:
    stand = (inverse(e) for e in _standing(data, record))
    return tuple(e for e in stand if _free(data, e))


def _standing(data: Mapping[str, Any], record: Record) -> tuple[Edit, ...]:
    """What was written and still stands, the last first."""
    return tuple(e for e in reversed(_each(data, record)) if in_place(data, e))


def _each(data: Mapping[str, Any], record: Record) -> tuple[Edit, ...]:
    """The edits that were written; an array that was empty and has other elements by now, element
    by element."""
    found: list[Edit] = []
    for edit in record.written:
        if edit.before == [] and isinstance(edit.after, list) and not in_place(data, edit):
            found += (replace(edit, before=None, after=v, item=True) for v in edit.after)
        else:
            found.append(edit)
    return tuple(found)


def _parsed(text: str, path: str) -> dict[str, Any] | None:
    try:
        return loaded(framed_text(text, path).toml)
    except (tomllib.TOMLDecodeError, AccelselError):
        return None


def _comparable(value: Any) -> Any:
    """Without empty tables and arrays; arrays without their order, which goes by neighbours."""
    if isinstance(value, Mapping):
        inside = ((k, _comparable(v)) for k, v in value.items())
        return {k: v for k, v in inside if v not in ({}, [])}
    return sorted(map(_comparable, value), key=repr) if isinstance(value, list) else value


def _kept_empty(view: ProjectView) -> tuple[tuple[str, ...], ...]:
    return view.record.undo.headers if view.record and view.record.undo else ()


def _free(data: Mapping[str, Any], edit: Edit) -> bool:
    """Whether nothing of the user's stands where the original is to come back."""
    return edit.item or edit.before is not None or look(data, edit.path) is None


def _left(view: ProjectView, edit: Edit) -> str:
    if edit.after is None:
        return f"{_place(edit)}: {inline(edit.before)} stands there again"
    present = look(view.data, edit.path)
    if edit.item or present is None:
        return f"{_place(edit)}: {inline(edit.after)} is no longer there"
    return f"{_place(edit)}: {inline(present)} is not what was written"


def _kept(edit: Edit) -> str:
    return f"{_place(edit)}: {inline(edit.before)} is not put back, another value stands there"


def _place(edit: Edit) -> str:
    return f"[{dotted(edit.table)}] {key(edit.key)}" if edit.table else key(edit.key)
