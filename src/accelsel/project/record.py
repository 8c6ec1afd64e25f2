"""`[tool.accelsel.pin]`: what was written and how to take it back."""

from collections.abc import Mapping
from typing import Any

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.plan import Edit, Hunk, Record, Undo
from accelsel.project.encode import dotted

PATH = ("tool", "accelsel", "pin")
FORMAT = 1
_ITEM = "[]"


def from_toml(data: Any, where: str) -> Record:
    """The record in the table `[tool.accelsel.pin]`; AccelselError `bad-record`."""
    try:
        if data["format"] != FORMAT:
            raise unreadable(data, where)
        undo = data.get("undo")
        return Record(
            facts={k: v for k, v in data.items() if k not in {"format", "written", "undo"}},
            written=tuple(_edit(row) for row in data["written"]),
            undo=None if undo is None else _undo(undo),
        )
    except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
        raise unreadable(data, where) from error


def unreadable(data: Any, where: str) -> AccelselError:
    """What to say of a record that is of another version, or is none any more."""
    written = data.get("format") if isinstance(data, Mapping) else None
    if isinstance(written, int) and written != FORMAT:
        what = f"[tool.accelsel.pin] has format {written}, this version reads {FORMAT}"
        how = "use the version of accelsel that wrote it, or remove the table by hand"
    else:
        what = "[tool.accelsel.pin] was edited and cannot be read"
        how = "restore it from version control, or remove the table and what it lists by hand"
    return AccelselError(USAGE, "bad-record", what, where=where, help=how)


def _edit(row: Mapping[str, Any]) -> Edit:
    at: str = row["at"]
    path = _path(at.removesuffix(_ITEM))
    return Edit(
        table=path[:-1],
        key=path[-1],
        before=row.get("was"),
        after=row.get("is"),
        item=at.endswith(_ITEM),
        index=row.get("index"),
        beside=row.get("beside"),
    )


def _path(dotted_key: str) -> tuple[str, ...]:
    if '"' not in dotted_key and "'" not in dotted_key:
        return tuple(dotted_key.split("."))
    from accelsel.project.scan import key_path

    return key_path(dotted_key)


def _undo(data: Mapping[str, Any]) -> Undo:
    return Undo(
        hunks=tuple(_hunk(*row) for row in data["hunks"]),
        digest=str(data["digest"]),
        headers=tuple(_path(name) for name in data.get("headers", ())),
    )


def _hunk(line: int, count: int, mark: str, *old: str) -> Hunk:
    lines = tuple(line for text in old for line in text.split("\n"))
    return Hunk(line=int(line), count=int(count), mark=str(mark), old=lines)


def to_toml(record: Record) -> dict[str, Any]:
    """The table as it is written; `from_toml` gives the same record back."""
    table: dict[str, Any] = {"format": FORMAT, **record.facts}
    table["written"] = [_row(edit) for edit in record.written]
    if record.undo is not None:
        table["undo"] = {
            "digest": record.undo.digest,
            "hunks": [_hunk_row(hunk) for hunk in record.undo.hunks],
        }
        if record.undo.headers:
            table["undo"]["headers"] = [dotted(path) for path in record.undo.headers]
    return table


def _hunk_row(hunk: Hunk) -> list[Any]:
    row = [hunk.line, hunk.count, hunk.mark]
    return [*row, "\n".join(hunk.old)] if hunk.old else row


def _row(edit: Edit) -> dict[str, Any]:
    row: dict[str, Any] = {"at": dotted(edit.path) + (_ITEM if edit.item else "")}
    if edit.after is not None:
        row["is"] = edit.after
    if edit.before is not None:
        row["was"] = edit.before
    if edit.index is not None:
        row["index"] = edit.index
    if edit.beside is not None:
        row["beside"] = edit.beside
    return row


def digest(text: str) -> str:
    """The first 64 bits of SHA-256 of the text in UTF-8, as 16 hexadecimal digits."""
    import hashlib

    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()[:16]
