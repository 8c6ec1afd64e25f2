"""What commands tell programs beside the values themselves."""

from collections.abc import Mapping
from typing import Any

from accelsel.model.selection import Selection, Warning_
from accelsel.model.value import dataclass


@dataclass(frozen=True, kw_only=True)
class ErrorDocument:
    """The error document: `code` is the exit code, `kind` a stable identifier."""

    code: int
    kind: str
    message: str
    where: str | None
    help: str | None


@dataclass(frozen=True, kw_only=True)
class EditDocument:
    """One edit of a file: `table` is dotted, `before` and `after` are TOML values."""

    path: str
    table: str
    key: str
    before: Any
    after: Any
    why: str


@dataclass(frozen=True, kw_only=True)
class PlanDocument:
    """The plan document; `selection` is a list where several backends are pinned in one project,
    null for an unpin, and `left` says what an unpin leaves because it was edited since."""

    path: str
    changed: bool
    selection: Selection | tuple[Selection, ...] | None
    edits: tuple[EditDocument, ...]
    diff: str
    record: Mapping[str, Any] | None
    warnings: tuple[Warning_, ...] = ()
    left: tuple[str, ...] = ()
