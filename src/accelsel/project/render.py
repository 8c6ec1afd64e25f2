"""A plan carried out on the text: the only place where TOML is written."""

from typing import Any

from accelsel.model.plan import Edit, Hunk, Plan, Record, Undo
from accelsel.project import edit, hunks, record
from accelsel.project.change import look
from accelsel.project.frame import Frame, Splice, frame, loaded, splice
from accelsel.project.scan import Document, Path, scan


def render(text: str, plan: Plan) -> str:
    """The text with `plan` in place, every other character as it was.

    `text` is what the plan was made from, with its newlines and BOM as they are in the file.
    """
    if not plan.changed:
        return text
    if plan.restored is not None:
        return plan.restored
    edits = plan.edits
    if plan.anew and plan.record is not None:
        text, edits = plan.base, plan.record.written
    framed = framed_text(text, plan.path)
    data = loaded(framed.toml)
    document = scan(framed.toml)
    present = look(data, record.PATH)
    found = edit.splices(document, data, (*edits, *_to(present, None)), plan.keep)
    if plan.record is None:
        return framed.apply(found)
    how = Undo(
        hunks=_hunks(framed, found, plan),
        digest=record.digest(block(plan.base, plan.path)),
        headers=_headers(document) if present is None else plan.keep,
    )
    rows = _to(present, _table(plan.record, how))
    return framed.apply(edit.splices(document, data, (*edits, *rows), plan.keep))


def _hunks(framed: Frame, found: list[Splice], plan: Plan) -> tuple[Hunk, ...]:
    """How the block of metadata, once `found` is in place, is turned back into that of the base."""
    start, end = framed.start, framed.end
    outside = framed.outside(found)
    if plan.base == framed.text:
        inside = [(a - start, b - start, new) for a, b, new in outside]
        return hunks.of_splices(framed.text[start:end], inside)
    bare = splice(framed.text, outside)
    return hunks.of_texts(block(plan.base, plan.path), block(bare, plan.path))


def _headers(document: Document) -> tuple[Path, ...]:
    """The tables whose header has nothing below it, and which would go if they were emptied."""
    found = (s.path for s in document.sections[1:] if not s.array and not s.entries)
    return tuple(path for path in found if path[:2] in edit.EMPTIED)


def framed_text(text: str, path: str) -> Frame:
    return frame(text, path, path.endswith((".py", ".pyw")))


def block(text: str, path: str) -> str:
    """The part of the text that holds the metadata, comment signs included."""
    framed = framed_text(text, path)
    return text[framed.start : framed.end]


def _table(what: Record, how: Undo) -> dict[str, Any]:
    return record.to_toml(Record(facts=what.facts, written=what.written, undo=how))


def _to(present: Any, wanted: dict[str, Any] | None) -> tuple[Edit, ...]:
    """The edits that bring the record's table to `wanted`; None takes it out."""
    if wanted is None:
        path = record.PATH
        gone = Edit(table=path[:-1], key=path[-1], before=present, after=None)
        return () if present is None else (gone,)
    before = present or {}
    return tuple(
        Edit(table=record.PATH, key=key, before=before.get(key), after=wanted.get(key))
        for key in dict.fromkeys((*wanted, *before))
        if before.get(key) != wanted.get(key)
    )
