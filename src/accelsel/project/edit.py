"""Edits of values turned into replacements of spans: the smallest change of the text.

Everything that is not the changed value itself stays. Text is only inserted at ends of lines, so
that files without a final newline, comments and scripts' comment signs need no special case.
"""

import re
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from accelsel.model.plan import Edit
from accelsel.project import elements, encode, layout
from accelsel.project.change import applied, look
from accelsel.project.elements import Cuts
from accelsel.project.frame import Splice, splice
from accelsel.project.scan import Document, Entry, Node, Path, Section, scan

# where an array or a table that has lost its last value goes too
EMPTIED: set[Path] = {
    ("tool", "uv"),
    ("tool", "accelsel"),
    ("project", "optional-dependencies"),
    ("dependency-groups",),
}
ARRAYS_OF_TABLES = {("tool", "uv", "index"), ("tool", "uv", "dependency-metadata")}


def splices(
    document: Document, data: Mapping[str, Any], edits: Iterable[Edit], keep: Iterable[Path] = ()
) -> list[Splice]:
    """What to replace in `document.text`, whose parsed value is `data`, to bring `edits` about;
    the tables of `keep` stay when they are empty."""
    editor = _Editor(document, data, frozenset(keep))
    together: dict[Path, list[Edit]] = {}
    for edit in edits:
        holder = document.inline_holder(edit.path)
        together.setdefault(holder.path if holder else edit.path, []).append(edit)
    for path, several in together.items():
        holder = document.inline_holder(several[0].path)
        if holder is not None:
            editor.rebuild(holder, several)
        elif several[0].item:
            wanted = look(applied(data, several), path) or []
            editor.array(path, look(data, path) or [], wanted)
        else:
            editor.value(path, several[-1].after)
    return editor.finish()


class _Editor:
    def __init__(self, document: Document, data: Mapping[str, Any], keep: frozenset[Path]) -> None:
        self.document = document
        self.text = document.text
        self.data = data
        self.keep = keep
        self.cuts = Cuts()
        self.headers: list[Splice] = []  # new sections: behind what is added to the one before
        self.gone: set[int] = set()  # starts of entries and sections that are removed
        self.filled: set[int] = set()  # starts of sections that get an entry
        self.tables: dict[Path, list[str]] = {}  # new sections and their lines
        self.arrays: list[tuple[Path, Mapping[str, Any]]] = []  # new [[sections]] at the end

    # -- inline tables ---------------------------------------------------------------------------

    def rebuild(self, holder: Entry, edits: list[Edit]) -> None:
        """Writes an inline table anew after `edits` inside of it; what is equal stays as it is, and
        comments of arrays that go stand below."""
        present = look(self.data, holder.path)
        wanted = look(applied(self.data, edits), holder.path) or {}
        node = holder.value
        new = self._table(node, holder.path, present, wanted)
        self.cuts.put.append((node.start, node.end, new))
        rebuilt = scan(f"x = {new}")
        left = layout.comments(rebuilt, rebuilt.sections[0].entries[0].value)
        lost = list((Counter(layout.comments(self.document, node)) - Counter(left)).elements())
        end = self.document.line_end(node.end)
        indent = layout.indent(self.document, holder.start)
        self.cuts.put.append((end, end, "".join(f"\n{indent}{comment}" for comment in lost)))

    def _table(self, node: Node, path: Path, present: Any, wanted: Mapping[str, Any]) -> str:
        depth = len(path)
        parts: list[str] = []
        done: set[str] = set()
        for entry in node.entries:
            name = entry.path[depth]
            raw = self.text[entry.start : entry.value.end]
            before, after = present.get(name), wanted.get(name)
            if before == after:
                parts.append(raw)
            elif name not in done and after is not None:
                key = self.text[entry.start : entry.value.start]
                if len(entry.path) > depth + 1:
                    parts.append(f"{encode.key(name)} = {encode.inline(after)}")
                elif entry.value.kind == "table" and isinstance(after, Mapping):
                    parts.append(key + self._table(entry.value, entry.path, before, after))
                elif entry.value.kind == "array" and isinstance(after, list):
                    parts.append(key + self._array(entry, before, after))
                else:
                    parts.append(key + encode.inline(after))
            done.add(name)
        parts += [
            f"{encode.key(k)} = {encode.inline(v)}" for k, v in wanted.items() if k not in done
        ]
        return "{ " + ", ".join(parts) + " }" if parts else "{}"

    def _array(self, entry: Entry, present: list[Any], wanted: list[Any]) -> str:
        """The text of an array in an inline table; one of several lines keeps them."""
        node = entry.value
        raw = self.text[node.start : node.end]
        if "\n" not in raw or not (wanted or layout.comments(self.document, node)):
            return encode.inline(wanted)
        cuts = Cuts()
        elements.change(self.document, entry, present, wanted, cuts)
        found = (*_merged(cuts.removed), *cuts.put)
        return splice(raw, [(a - node.start, b - node.start, new) for a, b, new in found])

    # -- values ----------------------------------------------------------------------------------

    def value(self, path: Path, after: Any) -> None:
        entry = self.document.entry(path)
        present = look(self.data, path)
        if entry is not None:
            self._replace_entry(entry, present, after)
        elif isinstance(present, Mapping) and isinstance(after, Mapping):
            for name in dict.fromkeys((*present, *after)):
                if present.get(name) != after.get(name):
                    self.value((*path, name), after.get(name))
        elif isinstance(present, list) and after is not None:
            wanted = after if isinstance(after, list) else [after]
            self.array(path, present, wanted)
        else:
            if present is not None:
                self._remove_spread(path)
            if after is not None:
                self._put(path[:-1], path[-1], after)

    def _replace_entry(self, entry: Entry, present: Any, after: Any) -> None:
        node = entry.value
        if after is None:
            self._remove_entry(entry)
            return
        if node.kind == "array" and after == [] and not layout.comments(self.document, node):
            self.cuts.put.append((node.start, node.end, "[]"))
            return
        if node.kind == "array" and isinstance(after, list):
            self.array(entry.path, present, after)
            return
        raw = self.text[node.start : node.end]
        new = encode.string(after, like=raw) if isinstance(after, str) else encode.inline(after)
        indent = layout.indent(self.document, entry.start)
        if isinstance(after, list) and len(indent) + len(new) > encode.WIDTH - len(entry.path[-1]):
            new = encode.block(after, indent)
        self.cuts.put.append((node.start, node.end, new))
        end = self.document.line_end(node.end)
        lines = "".join(f"\n{indent}{c}" for c in layout.comments(self.document, node))
        self.cuts.put.append((end, end, lines))

    def _remove_entry(self, entry: Entry) -> None:
        self.gone.add(entry.start)
        comments = layout.comments(self.document, entry.value)
        end = self.document.line_end(entry.value.end)
        rest = self.text[entry.value.end : end].strip()
        if comments or rest:
            indent = layout.indent(self.document, entry.start)
            lines = "\n".join((*comments, rest) if rest else comments)
            self.cuts.removed.append((entry.start, end, lines.replace("\n", "\n" + indent)))
        else:
            self.cuts.removed.append(layout.whole_lines(self.document, entry.start, end))

    def _remove_spread(self, path: Path) -> None:
        """Removes a value that is written as sections or dotted keys below `path`."""
        depth = len(path)
        for section in self.document.sections:
            if section.path[:depth] == path:
                self._remove_section(section)
            elif not section.array or len(section.path) < depth:
                for entry in section.entries:
                    if entry.path[:depth] == path:
                        self._remove_entry(entry)

    # -- new keys --------------------------------------------------------------------------------

    def _put(self, table: Path, key: str, value: Any, *, multiline: bool = False) -> None:
        """Writes a key that is not there yet into its table, where and how the table is written."""
        for depth in range(len(table), -1, -1):
            ancestor, rest = table[:depth], (*table[depth:], key)
            section = self._section(ancestor) if depth == len(table) else None
            if section is not None:
                self.filled.add(section.start)
                self._line(
                    layout.end(self.document, section),
                    layout.indent_of(self.document, section),
                    rest,
                    value,
                    multiline,
                )
                return
            found = self._dotted(ancestor)
            if found is not None:
                section, last = found
                name = (*table, key)[len(section.path) :]
                end = self.document.line_end(last.value.end)
                self._line(end, layout.indent(self.document, last.start), name, value, multiline)
                return
            if depth and self._section(ancestor) is not None:
                break
        lines = self.tables.setdefault(table, [])
        text = encode.block(value) if multiline else self._encode(key, value)
        lines.append(f"{encode.key(key)} = {text}")

    def _encode(self, key: str, value: Any, indent: str = "") -> str:
        line = encode.inline(value)
        nested = isinstance(value, list) and any(isinstance(v, list | Mapping) for v in value)
        if nested or (
            isinstance(value, list) and len(indent) + len(key) + len(line) + 3 > encode.WIDTH
        ):
            return encode.block(value, indent)
        return line

    def _line(self, at: int, indent: str, name: Path, value: Any, multiline: bool) -> None:
        key = encode.dotted(name)
        text = encode.block(value, indent) if multiline else self._encode(key, value, indent)
        self.cuts.put.append((at, at, f"\n{indent}{key} = {text}"))

    def _section(self, path: Path) -> Section | None:
        for section in self.document.sections:
            if section.path == path and not section.array and section.start not in self.gone:
                return section
        return None

    def _dotted(self, path: Path) -> tuple[Section, Entry] | None:
        """The last `a.b = ...` that defines something below the table `path`."""
        found = None
        for section in self.document.sections:
            depth = len(section.path)
            if section.array or depth >= len(path) or section.path != path[:depth]:
                continue
            for entry in section.entries:
                if len(entry.path) > len(path) and entry.path[: len(path)] == path:
                    found = (section, entry)
        return found

    # -- arrays ----------------------------------------------------------------------------------

    def array(self, path: Path, present: list[Any], wanted: list[Any]) -> None:
        """Brings the array at `path` to `wanted`; elements that stay keep their text."""
        changed, added = elements.operations(present, wanted)
        if not changed and not added:
            return
        entry = self.document.entry(path)
        sections = self.document.elements(path)
        if entry is not None and entry.value.kind == "array":
            self._change_array(entry, present, wanted)
        elif sections:
            for at, after in changed.items():
                self._change_element(sections[at], present[at], after)
            for at, values in added.items():
                self._add_elements(path, values, sections, at)
        elif path in ARRAYS_OF_TABLES and not self._closed(path):
            self.arrays += [(path, value) for value in wanted]
        elif wanted:
            if entry is not None:
                self._remove_entry(entry)
            self._put(path[:-1], path[-1], wanted, multiline=True)

    def _closed(self, path: Path) -> bool:
        """Whether a table above `path` is inline or dotted, so that no header may follow."""
        for depth in range(len(path) - 1, 0, -1):
            above = path[:depth]
            if self._section(above) is not None:
                return False
            if self.document.entry(above) is not None or self._dotted(above) is not None:
                return True
        return False

    def _change_array(self, entry: Entry, present: list[Any], wanted: list[Any]) -> None:
        node = entry.value
        if wanted or layout.comments(self.document, node):
            elements.change(self.document, entry, present, wanted, self.cuts)
        elif any(entry.path[: len(above)] == above for above in EMPTIED):
            self._remove_entry(entry)
        else:
            self.cuts.put.append((node.start, node.end, "[]"))

    # -- arrays of tables ------------------------------------------------------------------------

    def _change_element(self, section: Section, before: Any, after: Any) -> None:
        if after is None:
            self._remove_section(section)
            return
        for name in dict.fromkeys((*before, *after)):
            if before.get(name) == after.get(name):
                continue
            entry = next((e for e in section.entries if e.path == (*section.path, name)), None)
            if entry is not None:
                self._replace_entry(entry, before.get(name), after.get(name))
            elif name in after:
                at, indent = (
                    layout.end(self.document, section),
                    layout.indent_of(self.document, section),
                )
                self._line(at, indent, (name,), after[name], multiline=False)

    def _add_elements(self, path: Path, added: list[Any], siblings: list[Section], at: int) -> None:
        """Puts elements in front of the one at `at`."""
        sections = self.document.sections
        last = sections.index(siblings[max(at - 1, 0)])
        if at == 0 and last == 1 and not sections[0].entries:
            top = layout.top(self.document, siblings[0])
            for value in added:
                new = self._header(path, True) + self._body(value)
                self.headers.append((top, top, new.lstrip("\n") + "\n\n"))
            return
        if at == 0:
            last -= 1
        else:
            while (
                len(sections) > last + 1
                and sections[last + 1].path[: len(path)] == path
                and (not sections[last + 1].array or len(sections[last + 1].path) > len(path))
            ):
                last += 1
        end = layout.behind(self.document, sections[last])
        for value in added:
            self.headers.append((end, end, self._header(path, True) + self._body(value)))

    def _header(self, path: Path, array: bool) -> str:
        name = encode.dotted(path)
        return "\n\n" + (f"[[{name}]]" if array else f"[{name}]")

    def _body(self, value: Mapping[str, Any]) -> str:
        return "".join(f"\n{encode.key(k)} = {self._encode(k, v)}" for k, v in value.items())

    def _remove_section(self, section: Section) -> None:
        """Removes a header and its entries; comments between them stay."""
        self.gone.add(section.start)
        for entry in section.entries:
            self.gone.add(entry.start)
        line = self.document.line_start(section.start)
        comments = layout.notes(self.document, section)
        end = layout.end(self.document, section)
        if comments:
            self.cuts.removed.append((section.start, end, "\n".join(comments)))
            return
        start = len(self.text[:line].rstrip())
        if start and section.path == layout.RECORD:  # it came with one blank line
            above = self.document.line_start(line - 1)
            blank = not self.text[above:line].strip()
            start = self.document.line_end_before(above if blank else line)
        elif start:
            start = self.document.line_end(start)
        else:
            while end < len(self.text) and self.text[end] in "\r\n":
                end += 1
        self.cuts.removed.append((start, end, ""))

    # -- the whole -------------------------------------------------------------------------------

    def finish(self) -> list[Splice]:
        self._drop_emptied()
        tables = sorted(self.tables.items(), key=lambda table: len(table[0]))
        for path, lines in tables:
            if path[:2] != layout.OWN:
                self._new_table(path, lines)
        for path, value in self.arrays:
            at = layout.boundary(self.document, path, self.gone)
            self.headers.append((at, at, self._header(path, True) + self._body(value)))
        for path, lines in tables:
            if path[:2] == layout.OWN:
                self._new_table(path, lines)
        if not self.text.strip("\r\n"):
            self.headers = [(a, b, new.lstrip("\n") + "\n") for a, b, new in self.headers]
        found = [*_merged(self.cuts.removed), *self.cuts.put, *self.headers]
        return [(a, b, re.sub(r"\r?\n", layout.newline(self.text, a), new)) for a, b, new in found]

    def _new_table(self, path: Path, lines: list[str]) -> None:
        at = layout.boundary(self.document, path, self.gone)
        body = "".join("\n" + line for line in lines)
        self.headers.append((at, at, self._header(path, False) + body))

    def _drop_emptied(self) -> None:
        """Removes headers whose last entry went, unless something else stands below them."""
        for section in self.document.sections[1:]:
            if (
                section.path[:2] in EMPTIED
                and section.path not in self.keep
                and section.entries
                and section.start not in self.gone | self.filled
                and all(entry.start in self.gone for entry in section.entries)
                and not layout.trailing(self.document, section)
                and not layout.notes(self.document, section)
            ):
                self._remove_section(section)


def _merged(removed: list[Splice]) -> list[Splice]:
    """Overlapping removals as one."""
    out: list[Splice] = []
    for start, end, new in sorted(removed):
        if out and start < out[-1][1]:
            before = out.pop()
            out.append((before[0], max(end, before[1]), before[2] + new))
        else:
            out.append((start, end, new))
    return out
