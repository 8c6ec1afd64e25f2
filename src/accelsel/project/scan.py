"""Where everything of a TOML text stands: tables, keys, values, array items, as character offsets.

The text has been accepted by `tomllib` before; the scanner relies on that and only finds spans. It
keeps no values: those come from `tomllib` and are matched by path and position.
"""

import re
import tomllib
from typing import Literal, NamedTuple

Path = tuple[str, ...]

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_SPACE = re.compile(r"[ \t]*")
_BARE = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"""(?:"{0,2})'
    r"|'''.*?'''(?:'{0,2})"
    r'|"(?:\\.|[^"\\\n])*"'
    r"|'[^'\n]*'",
    re.DOTALL,
)
_SCALAR = re.compile(r"\d{4}-\d{2}-\d{2} \d{2}:[0-9:.Zz+-]+|[^\s,\]}#=]+")


class Node:
    """A value: `text[start:end]`. `commas[i]` is where the comma after item `i` stands, else -1."""

    __slots__ = ("commas", "end", "entries", "items", "kind", "start")

    def __init__(self, kind: Literal["scalar", "array", "table"], start: int, end: int) -> None:
        self.kind, self.start, self.end = kind, start, end
        self.items: list[Node] = []
        self.commas: list[int] = []
        self.entries: list[Entry] = []


class Entry(NamedTuple):
    """`key = value`; `path` is the whole path from the root of the document."""

    path: Path
    start: int
    value: Node


class Section:
    """A table header and what stands under it; the entries before any header have path ().

    `start` is the offset of the bracket, `close` is behind the closing one, `head` the end of the
    header's line.
    """

    __slots__ = ("array", "close", "entries", "head", "path", "start")

    def __init__(self, path: Path, array: bool, start: int, close: int, head: int) -> None:
        self.path, self.array = path, array
        self.start, self.close, self.head = start, close, head
        self.entries: list[Entry] = []


class Document(NamedTuple):
    text: str
    sections: list[Section]

    def line_start(self, offset: int) -> int:
        return self.text.rfind("\n", 0, offset) + 1

    def line_end(self, offset: int) -> int:
        """The end of the line's content: before its newline or the end of the text."""
        end = self.text.find("\n", offset)
        if end < 0:
            return len(self.text)
        return end - 1 if end > offset and self.text[end - 1] == "\r" else end

    def line_end_before(self, offset: int) -> int:
        """The end of the content of the line before the one that starts at `offset`."""
        return self.line_end(self.line_start(offset - 1))

    def line(self, offset: int) -> int:
        """The number of the line, counted from 1."""
        return self.text.count("\n", 0, offset) + 1

    def entry(self, path: Path) -> Entry | None:
        """The entry that writes the value at `path`, inside of inline tables too."""
        for section in self.sections:
            if path[: len(section.path)] == section.path and not section.array:
                found = _within(section.entries, path)
                if found is not None:
                    return found
        return None

    def inline_holder(self, path: Path) -> Entry | None:
        """The outermost inline table that holds what is, or would be, at `path`."""
        for section in self.sections:
            if section.array or path[: len(section.path)] != section.path:
                continue
            for entry in section.entries:
                depth = len(entry.path)
                if entry.value.kind == "table" and depth < len(path) and entry.path == path[:depth]:
                    return entry
        return None

    def elements(self, path: Path) -> list[Section]:
        """The `[[path]]` sections, in order."""
        return [s for s in self.sections if s.array and s.path == path]


def _within(entries: list[Entry], path: Path) -> Entry | None:
    for entry in entries:
        if entry.path == path:
            return entry
        if entry.value.kind == "table" and path[: len(entry.path)] == entry.path:
            found = _within(entry.value.entries, path)
            if found is not None:
                return found
    return None


def scan(text: str) -> Document:
    """The spans of `text`, which `tomllib` accepts."""
    root = Section(path=(), array=False, start=-1, close=0, head=0)
    document = Document(text=text, sections=[root])
    section = root
    at = _skip(text, 0)
    while at < len(text):
        if text[at] == "[":
            array = text.startswith("[[", at)
            path, end = _keys(text, at + (2 if array else 1))
            end = _space(text, end) + (2 if array else 1)
            head = document.line_end(end)
            section = Section(path=path, array=array, start=at, close=end, head=head)
            document.sections.append(section)
            at = _skip(text, end)
        else:
            entry, end = _entry(text, at, section.path)
            section.entries.append(entry)
            at = _skip(text, end)
    return document


def key_path(dotted: str) -> Path:
    """The parts of a dotted key; ValueError where it is none."""
    path, end = _keys(dotted, 0)
    if end != len(dotted):
        raise _unexpected(dotted, end)
    return path


def _skip(text: str, at: int) -> int:
    match = _BLANK.match(text, at)
    return match.end() if match else at


def _space(text: str, at: int) -> int:
    match = _SPACE.match(text, at)
    return match.end() if match else at


def _keys(text: str, at: int) -> tuple[Path, int]:
    keys: list[str] = []
    while True:
        at = _space(text, at)
        bare = _BARE.match(text, at)
        if bare:
            keys.append(bare.group())
            at = bare.end()
        else:
            string = _STRING.match(text, at)
            if string is None:
                raise _unexpected(text, at)
            keys.append(tomllib.loads(f"x = {string.group()}")["x"])
            at = string.end()
        after = _space(text, at)
        if not text.startswith(".", after):
            return tuple(keys), at
        at = after + 1


def _entry(text: str, at: int, above: Path) -> tuple[Entry, int]:
    path, end = _keys(text, at)
    end = _space(text, end)
    if not text.startswith("=", end):
        raise _unexpected(text, end)
    path = above + path
    value = _value(text, _space(text, end + 1), path)
    return Entry(path=path, start=at, value=value), value.end


def _value(text: str, at: int, path: Path) -> Node:
    first = text[at : at + 1]
    if first == "[":
        return _array(text, at, path)
    if first == "{":
        return _table(text, at, path)
    match = _STRING.match(text, at) if first in "\"'" else _SCALAR.match(text, at)
    if match is None:
        raise _unexpected(text, at)
    return Node(kind="scalar", start=at, end=match.end())


def _array(text: str, start: int, path: Path) -> Node:
    node = Node(kind="array", start=start, end=start)
    at = _skip(text, start + 1)
    while not text.startswith("]", at):
        item = _value(text, at, path)
        node.items.append(item)
        at = _skip(text, item.end)
        if text.startswith(",", at):
            node.commas.append(at)
            at = _skip(text, at + 1)
        else:
            node.commas.append(-1)
    node.end = at + 1
    return node


def _table(text: str, start: int, path: Path) -> Node:
    node = Node(kind="table", start=start, end=start)
    at = _skip(text, start + 1)
    while not text.startswith("}", at):
        entry, end = _entry(text, at, path)
        node.entries.append(entry)
        at = _skip(text, end)
        if text.startswith(",", at):
            at = _skip(text, at + 1)
    node.end = at + 1
    return node


def _unexpected(text: str, at: int) -> ValueError:
    return ValueError(f"not TOML at line {text.count(chr(10), 0, at) + 1}: {text[at : at + 20]!r}")
