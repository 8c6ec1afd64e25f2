"""Scripts with inline metadata (PEP 723): the block of TOML inside of comments, and back."""

import re
import tomllib
from bisect import bisect_right
from functools import lru_cache
from typing import Any, NamedTuple

from accelsel.model.errors import USAGE, AccelselError

# Texts that one command works on: the files of a large workspace, as they are and without a pin.
REMEMBERED = 512

Splice = tuple[int, int, str]  # start, end, new text

_BLOCK = (
    r"(?m)^# /// (?P<type>[a-zA-Z0-9-]+)[ \t]*\r?$\n"
    r"(?P<content>(?:^#(?:| [^\n]*)\r?$\n)+)^# ///[ \t]*\r?$"
)


class Frame(NamedTuple):
    """`text[start:end]` holds the TOML; `toml` is it without the comment signs.

    `lines` are pairs (offset in `toml`, offset in `text`) of where each line's content begins; for
    a pyproject.toml one pair is enough, and `toml` is the whole text but for a BOM.
    """

    text: str
    start: int
    end: int
    toml: str
    lines: tuple[tuple[int, int], ...]
    script: bool

    def outer(self, offset: int) -> int:
        """The offset in the whole text of an offset in `toml`."""
        at = bisect_right(self.lines, (offset, len(self.text))) - 1
        inner, outer = self.lines[at]
        return outer + offset - inner

    def outside(self, splices: list[Splice]) -> list[Splice]:
        """The splices, given in offsets of `toml`, as those of the whole text."""
        if self.script:
            splices = [(a, b, _commented(new)) for a, b, new in splices]
        return [(self.outer(a), self.outer(b), new) for a, b, new in splices]

    def apply(self, splices: list[Splice]) -> str:
        """The whole text with `splices`, given in offsets of `toml`, in place."""
        return splice(self.text, self.outside(splices))


@lru_cache(maxsize=REMEMBERED)
def loaded(toml: str) -> dict[str, Any]:
    """The values of TOML text, read once: nobody changes them. tomllib's errors."""
    return tomllib.loads(toml)


def splice(text: str, splices: list[Splice]) -> str:
    """`text` with each span replaced; spans do not overlap; equal starts keep their order."""
    parts: list[str] = []
    at = 0
    for start, end, new in sorted(splices, key=lambda s: (s[0], s[1])):
        parts += (text[at:start], new)
        at = end
    return "".join((*parts, text[at:]))


def _commented(new: str) -> str:
    return re.sub(r"\n(?=\r?\n)", "\n#", re.sub(r"\n(?!\r?\n)", "\n# ", new))


def frame(text: str, path: str, script: bool) -> Frame:
    """The TOML of `text`; AccelselError `not-a-project` for a script without a metadata block."""
    if not script:
        start = 1 if text.startswith("\ufeff") else 0
        return Frame(text, start, len(text), text[start:], ((0, start),), script=False)
    blocks = [m for m in re.finditer(_BLOCK, text) if m["type"] == "script"]
    if len(blocks) != 1:
        what = "no" if not blocks else "more than one"
        raise AccelselError(
            USAGE,
            "not-a-project",
            f"{what} `# /// script` block in the script",
            where=path,
            help="add one with `uv add --script FILE torch`",
        )
    start, end = blocks[0].span("content")
    toml: list[str] = []
    lines: list[tuple[int, int]] = []
    inner, outer = 0, start
    for line in re.findall(r"[^\n]*\n", text[start:end]):
        content = line[2:] if line.startswith("# ") else line[1:]
        lines.append((inner, outer + len(line) - len(content)))
        toml.append(content)
        inner += len(content)
        outer += len(line)
    return Frame(text, start, end, "".join(toml), tuple(lines), script=True)
