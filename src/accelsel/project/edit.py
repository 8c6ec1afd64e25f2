"""Edits of values turned into replacements of spans: the smallest change of the text.

Everything that is not the changed value itself stays. Text is only inserted at ends of lines, so
that files without a final newline, comments and scripts' comment signs need no special case.
"""

import re
from collections.abc import Iterable, Mapping
from difflib import SequenceMatcher
from typing import Any

from accelsel.model.plan import Edit
from accelsel.project import encode
from accelsel.project.change import applied, look
from accelsel.project.frame import Splice
from accelsel.project.scan import Document, Entry, Node, Path, Section

Changed = dict[int, Any]  # position -> new value, None for an element that goes
Added = dict[int, list[Any]]  # position -> what is put in front of it
# where an array or a table that has lost its last value goes too
EMPTIED: set[Path] = {
    ("tool", "uv"),
    ("tool", "accelsel"),
    ("project", "optional-dependencies"),
    ("dependency-groups",),
}
OWN = ("tool", "accelsel")  # comes last
RECORD = (*OWN, "pin")
ARRAYS_OF_TABLES = {("tool", "uv", "index"), ("tool", "uv", "dependency-metadata")}


def splices(document: Document, data: Mapping[str, Any], edits: Iterable[Edit]) -> list[Splice]:
    """What to replace in `document.text`, whose parsed value is `data`, to bring `edits` about."""
    editor = _Editor(document, data)
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
    def __init__(self, document: Document, data: Mapping[str, Any]) -> None:
        self.document = document
        self.text = document.text
        self.data = data
        self.out: list[Splice] = []
        self.headers: list[Splice] = []  # new sections: behind what is added to the one before
        self.removed: list[Splice] = []
        self.gone: set[int] = set()  # starts of entries and sections that are removed
        self.filled: set[int] = set()  # starts of sections that get an entry
        self.tables: dict[Path, list[str]] = {}  # new sections and their lines
        self.elements: list[tuple[Path, Mapping[str, Any]]] = []  # new [[sections]] at the end

    # -- inline tables ---------------------------------------------------------------------------

    def rebuild(self, holder: Entry, edits: list[Edit]) -> None:
        """Writes an inline table anew after `edits` inside of it; what is equal stays as it is."""
        present = look(self.data, holder.path)
        wanted = look(applied(self.data, edits), holder.path) or {}
        node = holder.value
        self.out.append((node.start, node.end, self._table(node, holder.path, present, wanted)))

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
                else:
                    parts.append(key + encode.inline(after))
            done.add(name)
        parts += [
            f"{encode.key(k)} = {encode.inline(v)}" for k, v in wanted.items() if k not in done
        ]
        return "{ " + ", ".join(parts) + " }" if parts else "{}"

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
        if node.kind == "array" and isinstance(after, list):
            self.array(entry.path, present, after)
            return
        raw = self.text[node.start : node.end]
        new = encode.string(after, like=raw) if isinstance(after, str) else encode.inline(after)
        indent = self._indent(entry.start)
        if isinstance(after, list) and len(indent) + len(new) > encode.WIDTH - len(entry.path[-1]):
            new = encode.block(after, indent)
        self.out.append((node.start, node.end, new))
        end = self.document.line_end(node.end)
        lines = "".join(f"\n{indent}{c}" for c in self._comments(node))
        self.out.append((end, end, lines))

    def _remove_entry(self, entry: Entry) -> None:
        self.gone.add(entry.start)
        comments = self._comments(entry.value)
        end = self.document.line_end(entry.value.end)
        rest = self.text[entry.value.end : end].strip()
        if comments or rest:
            indent = self._indent(entry.start)
            lines = "\n".join((*comments, rest) if rest else comments)
            self.removed.append((entry.start, end, lines.replace("\n", "\n" + indent)))
        else:
            self._delete_lines(entry.start, end)

    def _delete_lines(self, start: int, end: int) -> None:
        """Deletes the lines from the one of `start` to the one whose content ends at `end`."""
        line = self.document.line_start(start)
        if line == 0:
            end += len(self._newline(end)) if end < len(self.text) else 0
            self.removed.append((0, end, ""))
        else:
            self.removed.append((self.document.line_end_before(line), end, ""))

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
                self._line(self._end(section), self._indent_of(section), rest, value, multiline)
                return
            found = self._dotted(ancestor)
            if found is not None:
                section, last = found
                name = (*table, key)[len(section.path) :]
                end = self.document.line_end(last.value.end)
                self._line(end, self._indent(last.start), name, value, multiline)
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
        self.out.append((at, at, f"\n{indent}{key} = {text}"))

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
        changed, added = _operations(present, wanted)
        if not changed and not added:
            return
        entry = self.document.entry(path)
        sections = self.document.elements(path)
        if entry is not None and entry.value.kind == "array":
            self._change_array(entry, changed, added)
        elif sections:
            for at, after in changed.items():
                self._change_element(sections[at], present[at], after)
            for at, values in added.items():
                self._add_elements(path, values, sections, at)
        elif path in ARRAYS_OF_TABLES and not self._closed(path):
            self.elements += [(path, value) for value in wanted]
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

    def _change_array(self, entry: Entry, changed: Changed, added: Added) -> None:
        node = entry.value
        left = len(node.items) - sum(1 for after in changed.values() if after is None)
        if not left and not added and not self._comments(node):
            if any(entry.path[: len(above)] == above for above in EMPTIED):
                self._remove_entry(entry)
            else:
                self.out.append((node.start, node.end, "[]"))
            return
        if "\n" not in self.text[node.start : node.end] and (
            added or any(after is None for after in changed.values())
        ):
            self._change_line(entry, changed, added)
            return
        leading = any(
            comma >= 0 and self.text[item.end : comma].strip(" \t")
            for item, comma in zip(node.items, node.commas, strict=True)
        )
        for at, after in changed.items():
            item = node.items[at]
            if after is None and leading:
                self._remove_led(node, at, any(changed.get(i, i) is not None for i in range(at)))
            elif after is None:
                self._remove_item(node, at)
            else:
                new = self._item(after, self.text[item.start : item.end])
                self.out.append((item.start, item.end, new))
        for at, values in added.items():
            if at < len(node.items):
                self._insert(entry, at, values)
            else:
                self._append(entry, changed, values)

    def _item(self, value: Any, like: str = '"') -> str:
        return encode.string(value, like) if isinstance(value, str) else encode.inline(value)

    def _change_line(self, entry: Entry, changed: Changed, added: Added) -> None:
        """An array on one line stays on one line where it fits."""
        node = entry.value
        parts: list[str] = []
        for at, item in enumerate(node.items):
            parts += [self._item(value) for value in added.get(at, ())]
            raw = self.text[item.start : item.end]
            if at not in changed:
                parts.append(raw)
            elif changed[at] is not None:
                parts.append(self._item(changed[at], raw))
        parts += [self._item(value) for value in added.get(len(node.items), ())]
        indent = self._indent(entry.start)
        width = node.start - self.document.line_start(node.start) + sum(len(p) + 2 for p in parts)
        if node.items and (width <= encode.WIDTH or not added):
            last = max(node.items[-1].end, node.commas[-1] + 1)
            self.out.append((node.items[0].start, last, ", ".join(parts)))
        else:
            inside = "".join(f"{indent}{encode.INDENT}{part},\n" for part in parts)
            self.out.append((node.start, node.end, f"[\n{inside}{indent}]"))

    def _insert(self, entry: Entry, at: int, values: list[Any]) -> None:
        """Puts elements in front of the one at `at`."""
        node = entry.value
        item = node.items[at]
        after = node.commas[at - 1] + 1 if at else node.start + 1
        line = self.document.line_start(item.start)
        parts = [self._item(value) for value in values]
        if line <= after:
            self.out.append((item.start, item.start, "".join(f"{part}, " for part in parts)))
        else:
            indent = self._indent(item.start)
            new = "".join(f"\n{indent}{part}," for part in parts)
            end = self.document.line_end(after)
            self.out.append((end, end, new))

    def _append(self, entry: Entry, changed: Changed, added: list[Any]) -> None:
        node = entry.value
        indent = self._indent(entry.start) + encode.INDENT
        at = self.document.line_end(node.start)
        if node.items:
            last, comma = node.items[-1], node.commas[-1]
            line = self.document.line_start(last.start)
            if line > node.start:
                indent = self._indent(last.start)
            if comma < 0 and changed.get(len(node.items) - 1, last) is not None:
                self.out.append((last.end, last.end, ","))
            end = max(last.end, comma + 1)
            at = self.document.line_end(end)
            if at >= node.end:
                at = end
        new = "".join(f"\n{indent}{self._item(value)}," for value in added)
        self.out.append((at, at, new))

    def _remove_item(self, node: Node, at: int) -> None:
        item, comma = node.items[at], node.commas[at]
        end = max(item.end, comma + 1)
        line, close = self.document.line_start(item.start), self.document.line_end(end)
        before = self.text[line : item.start]
        after = self.text[end:close].strip()
        if not before.strip() and not after and close < node.end:
            self._delete_lines(item.start, close)
        elif not before.strip() and after.startswith("#"):
            self.removed.append((item.start, self.text.index("#", end), ""))
        elif after and not after.startswith(("#", "]")):
            start = end
            while self.text[start] in " \t":
                start += 1
            self.removed.append((item.start, start, ""))
        else:
            self.removed.append((line + len(before.rstrip()), end, ""))

    def _remove_led(self, node: Node, at: int, follows: bool) -> None:
        """Removes an element of an array with commas in front; `follows` where one before it stays,
        so that its own comma goes, else the next one's."""
        item = node.items[at]
        line = self.document.line_start(item.start)
        close = self.document.line_end(item.end)
        comma = node.commas[at - 1] if follows else node.commas[at]
        if line <= comma < item.start and not self.text[line:comma].strip():
            start = comma
        else:
            start = item.start
            if comma >= 0:
                self.removed.append((comma, comma + 1, ""))
        rest = self.text[item.end : close].strip()
        if rest or self.text[line:start].strip():
            end = (
                item.end
                + len(self.text[item.end : close])
                - len(self.text[item.end : close].lstrip())
            )
            self.removed.append((start, end, ""))
        else:
            self._delete_lines(start, close)

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
                at, indent = self._end(section), self._indent_of(section)
                self._line(at, indent, (name,), after[name], multiline=False)

    def _add_elements(self, path: Path, added: list[Any], elements: list[Section], at: int) -> None:
        """Puts elements in front of the one at `at`, with a file's first header behind it."""
        sections = self.document.sections
        last = sections.index(elements[max(at - 1, 0)])
        before = sections[last - 1]
        if at == 0 and (before.entries or last > 1):
            last -= 1
        else:
            while (
                len(sections) > last + 1
                and sections[last + 1].path[: len(path)] == path
                and (not sections[last + 1].array or len(sections[last + 1].path) > len(path))
            ):
                last += 1
        end = self._end(sections[last])
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
        comments: list[str] = []
        line = self.document.line_start(section.start)
        head = self.text[section.start : section.head]
        if "#" in head[head.rindex("]") :]:
            comments.append(head[head.rindex("]") + 1 :].strip())
        comments += self._notes(section)
        end = self._end(section)
        if comments:
            self.removed.append((section.start, end, "\n".join(comments)))
            return
        start = len(self.text[:line].rstrip())
        if start == 0:
            while end < len(self.text) and self.text[end] in "\r\n":
                end += 1
        self.removed.append((start, end, ""))

    # -- places ----------------------------------------------------------------------------------

    def _end(self, section: Section) -> int:
        """The end of the line of the last entry, else of the header."""
        if not section.entries:
            return section.head
        return self.document.line_end(section.entries[-1].value.end)

    def _indent(self, offset: int) -> str:
        before = self.text[self.document.line_start(offset) : offset]
        return before[: len(before) - len(before.lstrip(" \t"))]

    def _indent_of(self, section: Section) -> str:
        return self._indent(section.entries[-1].start if section.entries else section.start)

    def _comments(self, node: Node) -> list[str]:
        """The comments inside an array."""
        if "#" not in self.text[node.start : node.end] or node.kind == "scalar":
            return []
        found: list[str] = []
        at = node.start
        for inner in (*node.items, *(e.value for e in node.entries)):
            if node.kind == "array":
                found += _comment_lines(self.text[at : inner.start])
            found += self._comments(inner)
            at = inner.end
        if node.kind == "array":
            found += _comment_lines(self.text[at : node.end])
        return found

    def _boundary(self, path: Path) -> int:
        """Where a new section goes: before its own subtables, else behind its relatives, else last;
        and not between a comment and what the comment stands below. The record's own section is no
        landmark, so that the text without it is the same whether it was there or not."""
        headed = [s for s in self.document.sections[1:] if s.path != RECORD]
        sections = [s for s in headed if s.start not in self.gone] or self.document.sections[:1]
        root = path[: 2 if path[0] == "tool" else 1]
        family = [s for s in sections if s.path[: len(root)] == root]
        first = sections.index(family[0]) if family else 0
        under = all(len(s.path) > len(path) and s.path[: len(path)] == path for s in family)
        before = sections[first - 1 : first] if first and under else []
        for section in (*before, *family[-1:], *reversed(sections)):
            if not self._trailing(section):
                return self._end(section)
        at = self._end(sections[-1])
        while self.text[at:].lstrip("\r\n").startswith("#"):
            at = self.document.line_end(self.text.index("#", at))
        return at

    def _trailing(self, section: Section) -> bool:
        """Whether a comment stands directly below the section's last line and belongs to it."""
        at = self._end(section)
        lines = self.text[at:].split("\n")[1:]
        if not lines or not lines[0].lstrip().startswith("#"):
            return False
        rest = next((line for line in lines if not line.lstrip().startswith("#")), "")
        return not rest.strip()

    # -- the whole -------------------------------------------------------------------------------

    def finish(self) -> list[Splice]:
        self._drop_emptied()
        tables = sorted(self.tables.items(), key=lambda table: len(table[0]))
        for path, lines in tables:
            if path[:2] != OWN:
                self._new_table(path, lines)
        for path, value in self.elements:
            at = self._boundary(path)
            self.headers.append((at, at, self._header(path, True) + self._body(value)))
        for path, lines in tables:
            if path[:2] == OWN:
                self._new_table(path, lines)
        if not self.text.strip("\r\n"):
            self.headers = [(a, b, new.lstrip("\n") + "\n") for a, b, new in self.headers]
        found = [*_merged(self.removed), *self.out, *self.headers]
        return [(a, b, re.sub(r"\r?\n", self._newline(a), new)) for a, b, new in found]

    def _new_table(self, path: Path, lines: list[str]) -> None:
        at = self._boundary(path)
        body = "".join("\n" + line for line in lines)
        self.headers.append((at, at, self._header(path, False) + body))

    def _newline(self, offset: int) -> str:
        """The newline of the line at `offset`; of the line before it where it has none."""
        end = self.text.find("\n", offset)
        if end < 0:
            end = self.text.rfind("\n", 0, offset)
        return "\r\n" if end > 0 and self.text[end - 1] == "\r" else "\n"

    def _drop_emptied(self) -> None:
        """Removes headers whose last entry went, unless something else stands below them."""
        for section in self.document.sections[1:]:
            if (
                section.path[:2] in EMPTIED
                and section.entries
                and section.start not in self.gone | self.filled
                and all(entry.start in self.gone for entry in section.entries)
                and not self._trailing(section)
                and not self._notes(section)
            ):
                self._remove_section(section)

    def _notes(self, section: Section) -> list[str]:
        """The comments between a section's header and the end of its last entry."""
        found: list[str] = []
        at = section.head
        for entry in section.entries:
            found += _comment_lines(self.text[at : entry.start])
            found += self._comments(entry.value)
            at = entry.value.end
        return found + _comment_lines(self.text[at : self._end(section)])


def _operations(present: list[Any], wanted: list[Any]) -> tuple[Changed, Added]:
    """What becomes of each element (None: it goes), and what is put in front of which."""
    changed: Changed = {}
    added: Added = {}
    matcher = SequenceMatcher(None, [*map(_text, present)], [*map(_text, wanted)], False)
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            both = min(b - a, d - c)
            changed.update(zip(range(a, a + both), wanted[c:], strict=False))
            changed.update(dict.fromkeys(range(a + both, b)))
            if d - c > both:
                added[b] = wanted[c + both : d]
    return changed, added


def _text(value: Any) -> str:
    """Equal values as equal texts, whatever the order of their keys."""
    if isinstance(value, Mapping):
        return repr(sorted((k, _text(v)) for k, v in value.items()))
    return repr([_text(v) for v in value]) if isinstance(value, list) else repr(value)


def _comment_lines(gap: str) -> list[str]:
    """The comments in the text between two values."""
    return [line[line.index("#") :].strip() for line in gap.split("\n") if "#" in line]


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
