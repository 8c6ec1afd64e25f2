"""How a document is laid out: indents, comments, newlines, and where something new goes."""

import re
from collections.abc import Collection

from accelsel.project.frame import Splice
from accelsel.project.scan import Document, Node, Path, Section

OWN: Path = ("tool", "accelsel")
RECORD: Path = (*OWN, "pin")

_COMMENTS_BELOW = re.compile(r"(?:\r?\n[ \t]*#[^\r\n]*)+")
_BLANK_OR_END = re.compile(r"\s*\Z|\r?\n[ \t]*\r?\n")


def end(document: Document, section: Section) -> int:
    """The end of the line of the section's last entry, else of its header."""
    if not section.entries:
        return section.head
    return document.line_end(section.entries[-1].value.end)


def top(document: Document, section: Section) -> int:
    """Where the section begins with the comments that stand directly above its header."""
    at = document.line_start(section.start)
    while at > 0:
        above = document.line_start(at - 1)
        if not document.text[above:at].lstrip(" \t").startswith("#"):
            break
        at = above
    return at


def indent(document: Document, offset: int) -> str:
    """The blanks at the beginning of the line."""
    before = document.text[document.line_start(offset) : offset]
    return before[: len(before) - len(before.lstrip(" \t"))]


def indent_of(document: Document, section: Section) -> str:
    last = section.entries[-1].start if section.entries else section.start
    return indent(document, max(last, 0))


def newline(text: str, offset: int) -> str:
    """The newline of the line at `offset`; of the line before it where it has none."""
    at = text.find("\n", offset)
    if at < 0:
        at = text.rfind("\n", 0, offset)
    return "\r\n" if at > 0 and text[at - 1] == "\r" else "\n"


def whole_lines(document: Document, start: int, end: int) -> Splice:
    """The removal of the lines from the one of `start` to the one whose content ends at `end`."""
    line = document.line_start(start)
    if line > 0:
        return (document.line_end_before(line), end, "")
    more = len(newline(document.text, end)) if end < len(document.text) else 0
    return (0, end + more, "")


def comment_lines(gap: str) -> list[str]:
    """The comments in the text between two values."""
    return [line[line.index("#") :].strip() for line in gap.split("\n") if "#" in line]


def comments(document: Document, node: Node) -> list[str]:
    """The comments inside of a value; only arrays can have some."""
    text = document.text
    if "#" not in text[node.start : node.end] or node.kind == "scalar":
        return []
    found: list[str] = []
    at = node.start
    for inner in (*node.items, *(entry.value for entry in node.entries)):
        if node.kind == "array":
            found += comment_lines(text[at : inner.start])
        found += comments(document, inner)
        at = inner.end
    return found + (comment_lines(text[at : node.end]) if node.kind == "array" else [])


def notes(document: Document, section: Section) -> list[str]:
    """The comments between a section's header and the end of its last entry."""
    found = comment_lines(document.text[section.close : section.head])
    at = section.head
    for entry in section.entries:
        found += comment_lines(document.text[at : entry.start])
        found += comments(document, entry.value)
        at = entry.value.end
    return found + comment_lines(document.text[at : end(document, section)])


def trailing(document: Document, section: Section) -> bool:
    """Whether a comment stands directly below the section's last line and belongs to it."""
    below = _COMMENTS_BELOW.match(document.text, end(document, section))
    return below is not None and _BLANK_OR_END.match(document.text, below.end()) is not None


def behind(document: Document, section: Section) -> int:
    """Where another section follows: at the end of this one; behind the last comments where nothing
    else stands below it."""
    at = end(document, section)
    last = at
    while document.text[last:].lstrip("\r\n").startswith("#"):
        last = document.line_end(document.text.index("#", last))
    return at if document.text[last:].strip() else last


def boundary(document: Document, path: Path, gone: Collection[int]) -> int:
    """Where a new section goes: before its own subtables, else behind its relatives, else last; and
    not between a comment and what the comment stands below.

    `gone` are the starts of sections that are removed. The record's section is no landmark, so that
    the text without it is the same whether it was there or not.
    """
    headed = [s for s in document.sections[1:] if s.path != RECORD and s.start not in gone]
    sections = headed or document.sections[:1]
    root = path[: 2 if path[0] == "tool" else 1]
    family = [s for s in sections if s.path[: len(root)] == root]
    first = sections.index(family[0]) if family else 0
    under = all(len(s.path) > len(path) and s.path[: len(path)] == path for s in family)
    before = sections[first - 1 : first] if first and under else []
    for section in (*before, *family[-1:], *reversed(sections)):
        at = behind(document, section)
        if at > end(document, section) or not trailing(document, section):
            return at
    return behind(document, sections[-1])
