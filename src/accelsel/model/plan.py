"""What is to be written into a project file, what was written, and how the two differ."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from accelsel.model.value import dataclass, field

if TYPE_CHECKING:  # a check of the record reads this module and should not pay for those
    from collections.abc import Mapping

    from accelsel.model.selection import Selection, Warning_

Shape = Literal["single", "groups", "extras"]


@dataclass(frozen=True, kw_only=True)
class Edit:
    """One value that changes: `before` and `after` are TOML values as `tomllib` gives them.

    None stands for "not there". With `item` True the value is one element of the array at
    `table` + `key`, else it is the whole value of that key; `index` is then where an element stood
    or is to stand, None for the end, and `beside` the name that its neighbour was about: the one
    before it, for the first element the one behind it.
    """

    table: tuple[str, ...]
    key: str
    before: Any
    after: Any
    why: str = ""
    item: bool = False
    index: int | None = None
    beside: str | None = None

    @property
    def path(self) -> tuple[str, ...]:
        return (*self.table, self.key)


@dataclass(frozen=True, kw_only=True)
class PinOptions:
    """How to write a selection.

    `request` is kept in the record as it is given (only what differs from the defaults).
    `mirrors` are pairs (prefix, replacement) for index URLs. `shape` `single` writes one backend;
    `groups` and `extras` one per selection, the first being the default. `environments` are markers
    to add to `[tool.uv] environments`. `known` are names of packages that count as belonging to
    torch when it is asked whether a project needs a pin at all; `transitive` True says that it does
    although no requirement names one of them. `locked` are the names that the project's present
    lock holds: of torch's family they are routed also where no requirement names them. `served` are
    the platforms on which the default index has this torch; () where that is not known.
    `tritons_apart` says that something beside torch asks for triton, which not all of several
    backends take.
    """

    request: Mapping[str, Any] = field(default_factory=dict)
    mirrors: tuple[tuple[str, str], ...] = ()
    shape: Shape = "single"
    environments: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    transitive: bool = False
    locked: tuple[str, ...] = ()
    served: tuple[str, ...] = ()
    tritons_apart: bool = False


@dataclass(frozen=True, kw_only=True)
class Hunk:
    """`count` lines of a pinned text from its line `line`, counted from 0, that stand in the place
    of the lines `old`. `mark` holds the digests of the line above, of the lines themselves and of
    the line below, each with the blank lines between, by which they are found again."""

    line: int
    count: int
    mark: str
    old: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Undo:
    """How to turn the pinned text, without the record, back into the original.

    `hunks` stand in the order of the pinned text; `digest` is that of the original, which tells it
    from one that was edited since. `headers` are the tables whose header had nothing below it.
    """

    hunks: tuple[Hunk, ...]
    digest: str
    headers: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, kw_only=True)
class Record:
    """`[tool.accelsel.pin]`. `facts` are its keys but for `written` and `undo`; the edits of
    `written` are relative to the file as it was before the first pin."""

    facts: Mapping[str, Any]
    written: tuple[Edit, ...]
    undo: Undo | None


@dataclass(frozen=True, kw_only=True)
class Plan:
    """The edit of one file. `edits` take the present text to the wanted one; `record` is what
    `[tool.accelsel.pin]` will hold, None where it is to go. `base` is the text without any pin.
    `anew` is True where the text is rendered from `base`, the original to the byte, and not from
    the present one. `keep` are tables that stay when they are empty.
    `restored` is the text that an unpin gives; `left` says which values it leaves because they were
    edited since."""

    path: str
    changed: bool
    selections: tuple[Selection, ...] = ()
    edits: tuple[Edit, ...] = ()
    record: Record | None = None
    base: str = ""
    anew: bool = False
    keep: tuple[tuple[str, ...], ...] = ()
    restored: str | None = None
    warnings: tuple[Warning_, ...] = ()
    left: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Difference:
    """A recorded value that is not in the file as it was written. `line` counts from 1."""

    line: int
    table: str
    key: str
    expected: str | None
    found: str | None
    message: str
