"""A plan carried out on the text: the only place where TOML is written."""

import tomllib

from accelsel.model.plan import Edit, Plan
from accelsel.project import edit, record
from accelsel.project.change import look
from accelsel.project.frame import frame
from accelsel.project.scan import scan


def render(text: str, plan: Plan) -> str:
    """The text with `plan` in place, every other character as it was.

    `text` is what the plan was made from, with its newlines and BOM as they are in the file.
    """
    if not plan.changed:
        return text
    if plan.restored is not None:
        return plan.restored
    bare = _edited(text, plan.path, (*without_record(text, plan.path), *plan.edits))
    if plan.record is None:
        return bare
    how = record.undo(block(plan.base, plan.path), block(bare, plan.path))
    table = record.to_toml(plan.record)
    table["undo"] = record.to_toml(type(plan.record)(facts={}, written=(), undo=how))["undo"]
    rows = [
        Edit(table=record.PATH, key=key, before=None, after=value) for key, value in table.items()
    ]
    return _edited(bare, plan.path, rows)


def block(text: str, path: str) -> str:
    """The part of the text that holds the metadata, comment signs included."""
    framed = frame(text, path, path.endswith((".py", ".pyw")))
    return text[framed.start : framed.end]


def without_record(text: str, path: str) -> tuple[Edit, ...]:
    """The edits that take the record out, () without one."""
    framed = frame(text, path, path.endswith((".py", ".pyw")))
    data = tomllib.loads(framed.toml)
    present = look(data, record.PATH)
    if present is None:
        return ()
    return (Edit(table=record.PATH[:-1], key=record.PATH[-1], before=present, after=None),)


def _edited(text: str, path: str, edits: tuple[Edit, ...] | list[Edit]) -> str:
    framed = frame(text, path, path.endswith((".py", ".pyw")))
    data = tomllib.loads(framed.toml)
    return framed.apply(edit.splices(scan(framed.toml), data, edits))
