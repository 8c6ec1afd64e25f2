"""Elements of an array, put in, replaced and taken out in the layout that the array has."""

from collections.abc import Mapping
from typing import Any

from accelsel.project import encode, layout
from accelsel.project.change import about
from accelsel.project.frame import Splice
from accelsel.project.scan import Document, Entry, Node

Changed = dict[int, Any]  # position -> new value, None for an element that goes
Added = dict[int, list[Any]]  # position -> what is put in front of it


class Cuts:
    """Replacements of spans; `removed` may overlap each other, `put` may not."""

    __slots__ = ("put", "removed")

    def __init__(self) -> None:
        self.removed: list[Splice] = []
        self.put: list[Splice] = []


def operations(present: list[Any], wanted: list[Any]) -> tuple[Changed, Added]:
    """What becomes of each element, and what is put in front of which."""
    from difflib import SequenceMatcher

    changed: Changed = {}
    added: Added = {}
    matcher = SequenceMatcher(
        a=[_text(value) for value in present], b=[_text(value) for value in wanted], autojunk=False
    )
    for tag, a, b, c, d in matcher.get_opcodes():
        if tag != "equal":
            pairs, rest = _paired(present[a:b], wanted[c:d])
            changed.update(dict.fromkeys(range(a, b)))
            changed.update({a + at: value for at, value in pairs.items()})
            if rest:
                added[b] = rest
    return changed, added


def _paired(gone: list[Any], come: list[Any]) -> tuple[Changed, list[Any]]:
    """Which of `gone` becomes which of `come`, and what of `come` is new: those about the same go
    together, the others in order as far as that keeps the order."""
    names = [about(value) for value in gone]
    pairs: Changed = {}
    rest = list(come)
    at = 0
    while rest and at < len(gone):
        same = next((i for i in range(at, len(gone)) if names[i] == about(rest[0])), None)
        if same is None and names[at] in map(about, rest):
            break
        at = at if same is None else same
        pairs[at] = rest.pop(0)
        at += 1
    return pairs, rest


def _text(value: Any) -> str:
    """Equal values as equal texts, whatever the order of their keys."""
    if isinstance(value, Mapping):
        return repr(sorted((k, _text(v)) for k, v in value.items()))
    return repr([_text(v) for v in value]) if isinstance(value, list) else repr(value)


def change(
    document: Document, entry: Entry, present: list[Any], wanted: list[Any], cuts: Cuts
) -> None:
    """Collects in `cuts` what brings the array of `entry`, now `present`, to `wanted`; one of its
    elements stays or is added, or comments in it stay."""
    changed, added = operations(present, wanted)
    node = entry.value
    goes = [at for at, after in changed.items() if after is None]
    one_line = "\n" not in document.text[node.start : node.end]
    if one_line and (added or goes):
        _change_line(document, entry, changed, added, cuts)
        return
    led = _commas_lead(document, node)
    for at, after in changed.items():
        item = node.items[at]
        if item.kind == "array" and isinstance(after, list):
            inner = Entry(path=entry.path, start=item.start, value=item)
            change(document, inner, present[at], after, cuts)
        elif after is not None:
            new = _encoded(after, document.text[item.start : item.end])
            cuts.put.append((item.start, item.end, new))
        elif led:
            _remove_led(document, node, at, any(i not in goes for i in range(at)), cuts)
        else:
            cuts.removed.append(_removal(document, node, at))
    for at, values in added.items():
        if at < len(node.items):
            _insert(document, entry, at, values, cuts)
        else:
            _append(document, entry, changed, values, cuts)


def _encoded(value: Any, like: str = '"') -> str:
    return encode.string(value, like) if isinstance(value, str) else encode.inline(value)


def _line(value: Any, indent: str, above: str) -> str:
    """The element as a line, or lines, of its own, where the array's own line has the indent
    `above`: arrays in it are indented as much again."""
    deeper = indent.removeprefix(above) or encode.INDENT
    nested = isinstance(value, list)
    text = encode.block(value, indent, deeper) if nested else _encoded(value)
    return f"\n{indent}{text},"


def _change_line(
    document: Document, entry: Entry, changed: Changed, added: Added, cuts: Cuts
) -> None:
    """An array on one line stays on one line where it fits."""
    node = entry.value
    parts: list[str] = []
    for at, item in enumerate(node.items):
        parts += [_encoded(value) for value in added.get(at, ())]
        raw = document.text[item.start : item.end]
        if at not in changed:
            parts.append(raw)
        elif changed[at] is not None:
            parts.append(_encoded(changed[at], raw))
    parts += [_encoded(value) for value in added.get(len(node.items), ())]
    indent = layout.indent(document, entry.start)
    width = node.start - document.line_start(node.start) + sum(len(part) + 2 for part in parts)
    if node.items and (width <= encode.WIDTH or not added):
        last = max(node.items[-1].end, node.commas[-1] + 1)
        cuts.put.append((node.items[0].start, last, ", ".join(parts)))
    else:
        inside = "".join(f"{indent}{encode.INDENT}{part},\n" for part in parts)
        cuts.put.append((node.start, node.end, f"[\n{inside}{indent}]"))


def _insert(document: Document, entry: Entry, at: int, values: list[Any], cuts: Cuts) -> None:
    """Puts elements in front of the one at `at`."""
    node = entry.value
    item = node.items[at]
    after = node.commas[at - 1] + 1 if at else node.start + 1
    parts = [_encoded(value) for value in values]
    if document.line_start(item.start) <= after:
        cuts.put.append((item.start, item.start, "".join(f"{part}, " for part in parts)))
    else:
        indent, above = (layout.indent(document, one.start) for one in (item, entry))
        new = "".join(_line(value, indent, above) for value in values)
        end = document.line_end(after)
        cuts.put.append((end, end, new))


def _append(
    document: Document, entry: Entry, changed: Changed, values: list[Any], cuts: Cuts
) -> None:
    node = entry.value
    above = layout.indent(document, entry.start)
    indent = above + encode.INDENT
    at = document.line_end(node.start)
    if node.items:
        last, comma = node.items[-1], node.commas[-1]
        if document.line_start(last.start) > node.start:
            indent = layout.indent(document, last.start)
        if comma < 0 and changed.get(len(node.items) - 1, last) is not None:
            cuts.put.append((last.end, last.end, ","))
        end = max(last.end, comma + 1)
        at = document.line_end(end)
        if at >= node.end:
            at = end
    cuts.put.append((at, at, "".join(_line(value, indent, above) for value in values)))


def _removal(document: Document, node: Node, at: int) -> Splice:
    """An element and the comma behind it, with its line where nothing else stands there."""
    text = document.text
    item = node.items[at]
    end = max(item.end, node.commas[at] + 1)
    line, close = document.line_start(item.start), document.line_end(end)
    before, after = text[line : item.start], text[end:close].strip()
    if not before.strip() and not after and close < node.end:
        return layout.whole_lines(document, item.start, close)
    if not before.strip() and after.startswith("#"):
        return (item.start, text.index("#", end), "")
    if after and not after.startswith(("#", "]")):
        return (item.start, end + _blanks(text[end:close]), "")
    return (line + len(before.rstrip()), end, "")


def _commas_lead(document: Document, node: Node) -> bool:
    """Whether some comma stands on another line than the element before it."""
    return any(
        comma >= 0 and document.text[item.end : comma].strip(" \t")
        for item, comma in zip(node.items, node.commas, strict=True)
    )


def _remove_led(document: Document, node: Node, at: int, follows: bool, cuts: Cuts) -> None:
    """Removes an element of an array with commas in front; `follows` where one before it stays, so
    that its own comma goes, else the next one's."""
    text = document.text
    item = node.items[at]
    line, close = document.line_start(item.start), document.line_end(item.end)
    comma = node.commas[at - 1] if follows else node.commas[at]
    start = item.start
    if line <= comma < item.start and not text[line:comma].strip():
        start = comma
    elif comma >= 0:
        cuts.removed.append((comma, comma + 1, ""))
    if text[item.end : close].strip() or text[line:start].strip():
        cuts.removed.append((start, item.end + _blanks(text[item.end : close]), ""))
    else:
        cuts.removed.append(layout.whole_lines(document, start, close))


def _blanks(text: str) -> int:
    """How many blanks `text` begins with."""
    return len(text) - len(text.lstrip(" \t"))
