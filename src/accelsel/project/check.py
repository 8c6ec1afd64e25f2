"""Whether a file is still as `pin` recorded it; no host, no network."""

from typing import Any

from accelsel.model.errors import NOTHING, AccelselError
from accelsel.model.plan import Difference, Edit
from accelsel.project import encode
from accelsel.project.change import about, in_place, look
from accelsel.project.read import ProjectView
from accelsel.project.scan import Document, scan


def check(view: ProjectView) -> tuple[Difference, ...]:
    """What is not as recorded, in the order of the file; () where all is.

    AccelselError `no-record` (3) where the file holds no record.
    """
    if view.record is None:
        raise AccelselError(
            NOTHING,
            "no-record",
            "the file has no [tool.accelsel.pin]",
            where=view.path,
            help="`accelsel pin --write` makes one",
        )
    wrong = [edit for edit in view.record.written if not in_place(view.data, edit)]
    if not wrong:
        return ()
    document = scan(view.frame.toml)
    found = [_difference(view, document, edit) for edit in wrong]
    return tuple(sorted(found, key=lambda d: d.line))


def _difference(view: ProjectView, document: Document, edit: Edit) -> Difference:
    present = look(view.data, edit.path)
    table, key = encode.dotted(edit.table), encode.key(edit.key)
    name = f"[{table}] {key}" if table else key
    expected = None if edit.after is None else encode.inline(edit.after)
    found: Any = present
    at = _offset(document, edit)
    if edit.item:
        found = _like(present, edit.after) if edit.after is not None else edit.before
        at = _element(document, edit, present, found, at)
    shown = None if found is None else encode.inline(found)
    if expected is None:
        message = f"{name}: {shown} was taken out by the pin and stands there again"
    elif shown is None:
        message = f"{name}: {expected} is missing"
    else:
        message = f"{name}: is {shown}, was written as {expected}"
    return Difference(
        line=view.text.count("\n", 0, view.frame.outer(at)) + 1,
        table=table,
        key=edit.key,
        expected=expected,
        found=shown,
        message=message,
    )


def _like(present: Any, wanted: Any) -> Any:
    """The element that is about the same thing as the wanted one."""
    values = present if isinstance(present, list) else []
    return next((v for v in values if about(v) == about(wanted)), None)


def _offset(document: Document, edit: Edit) -> int:
    """Where the value stands, or else the nearest table above it, or else the record."""
    for depth in range(len(edit.path), 0, -1):
        path = edit.path[:depth]
        entry = document.entry(path)
        if entry is not None:
            return entry.start
        for section in document.sections[1:]:
            if section.path == path:
                return section.start
    return next((s.start for s in document.sections if s.path == ("tool", "accelsel", "pin")), 0)


def _element(document: Document, edit: Edit, present: Any, found: Any, at: int) -> int:
    """Where the element `found` of the array stands; `at` where it does not."""
    if not isinstance(present, list) or found not in present:
        return at
    number = present.index(found)
    sections = document.elements(edit.path)
    if sections:
        return sections[number].start
    entry = document.entry(edit.path)
    return entry.value.items[number].start if entry is not None else at
