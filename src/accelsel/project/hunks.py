"""What a pin changed as hunks of lines, found again in a text that was edited since."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple
from zlib import crc32

from accelsel.model.plan import Hunk
from accelsel.project.frame import Splice, splice

_SAME = 4  # the score of a place between the same lines
_EDGE = "--------"  # in the place of a line before the first or behind the last


def of_splices(base: str, splices: Iterable[Splice]) -> tuple[Hunk, ...]:
    """The hunks that turn the text with `splices` in place back into `base`."""
    lines = base.split("\n")
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line) + 1)
    groups: list[tuple[int, int, list[Splice]]] = []
    at = 0
    for one in sorted(splices, key=lambda s: s[:2]):
        while starts[at + 1] <= one[0]:
            at += 1
        last = at
        while starts[last + 1] <= one[1]:
            last += 1
        if groups and at <= groups[-1][1]:
            first, before, several = groups.pop()
            groups.append((first, max(last, before), [*several, one]))
        else:
            groups.append((at, last, [one]))
    spans: list[tuple[int, int, int, int]] = []
    shift = 0
    for first, last, several in groups:
        start, stop = starts[first], starts[last + 1] - 1
        inside = [(a - start, b - start, new) for a, b, new in several]
        new = splice(base[start:stop], inside).split("\n")
        old = lines[first : last + 1]
        spans += _differing(old, new, first, first + shift)
        shift += len(new) - len(old)
    return _hunks(lines, splice(base, [s for _, _, many in groups for s in many]), spans)


def of_texts(base: str, pinned: str) -> tuple[Hunk, ...]:
    """The hunks that turn `pinned` back into `base`, by what the two have in common."""
    old = base.split("\n")
    return _hunks(old, pinned, _differing(old, pinned.split("\n"), 0, 0))


def _differing(
    old: list[str], new: list[str], at: int, place: int
) -> list[tuple[int, int, int, int]]:
    """The lines from `at` in the base and from `place` in the pinned text that really differ."""
    from difflib import SequenceMatcher

    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        (at + a, at + b, place + c, place + d)
        for tag, a, b, c, d in matcher.get_opcodes()
        if tag != "equal"
    ]


def _hunks(
    old: Sequence[str], pinned: str, spans: Iterable[tuple[int, int, int, int]]
) -> tuple[Hunk, ...]:
    lines = pinned.split("\n")
    return tuple(
        Hunk(line=c, count=d - c, mark=_mark(lines, c, d), old=tuple(old[a:b]))
        for a, b, c, d in spans
    )


def _mark(lines: Sequence[str], start: int, end: int) -> str:
    """The digests of what stands above, of the lines themselves, and of what stands below."""
    return _above(lines, start) + _sum("\n".join(lines[start:end])) + _below(lines, end)


def _above(lines: Sequence[str], at: int) -> str:
    """The digest of the line above a place, and of the blank ones between the two."""
    first = at
    while first > 0 and (first == at or not lines[first].strip()):
        first -= 1
    return _sum("\n".join(lines[first:at])) if first < at else _EDGE


def _below(lines: Sequence[str], at: int) -> str:
    """The digest of the blank lines at a place and of the line behind them."""
    last = at
    while last < len(lines) and (last == at or not lines[last - 1].strip()):
        last += 1
    return _sum("\n".join(lines[at:last])) if last > at else _EDGE


def _sum(text: str) -> str:
    return f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def unmoved(text: str, hunks: Iterable[Hunk]) -> bool:
    """Whether all hunks stand in `text` where they were written, between the same lines."""
    lines = text.split("\n")
    return all(_mark(lines, h.line, h.line + h.count) == h.mark for h in hunks)


Found = tuple[int, Hunk]  # the line of the text where the hunk stands now


def find(text: str, hunks: Iterable[Hunk]) -> tuple[Found, ...]:
    """The hunks whose lines stand in `text` as they were written, in order, with their place: of
    several the one between the same neighbours, then the one that moved as the hunk before or the
    next sure one did.

    Where lines were taken out, nothing stands: their place is between the same neighbours, else
    below the one that they stood below, else above the other.
    """
    around = _around(text.split("\n"))
    each = [(hunk, _places(around, hunk)) for hunk in hunks]
    found: list[Found] = []
    at = drift = 0
    for number, (hunk, places) in enumerate(each):
        behind = next((d for one in each[number:] if (d := _moved(*one)) is not None), drift)
        nearest = [
            (score, -min(abs(by - drift), abs(by - behind)), -abs(by - drift), place)
            for score, place in places
            if place >= at
            for by in (place - hunk.line,)
        ]
        if nearest:
            place = max(nearest)[-1]
            found.append((place, hunk))
            at, drift = place + hunk.count, place - hunk.line
    return tuple(found)


def _places(around: "_Around", hunk: Hunk) -> list[tuple[int, int]]:
    """Where the lines of a hunk may stand, with how well they do."""
    places = range(len(around.lines) - hunk.count + 1)
    return [(score, place) for place in places if (score := _score(around, place, hunk))]


def _moved(hunk: Hunk, places: Sequence[tuple[int, int]]) -> int | None:
    """By how many lines a hunk has moved that stands between the same lines at one place alone."""
    same = [place for score, place in places if score == _SAME]
    return same[0] - hunk.line if len(same) == 1 else None


class _Around(NamedTuple):
    """The lines of a text with their digests, and those of what stands around each place."""

    lines: list[str]
    sums: list[str]
    above: list[str]
    below: list[str]


def _around(lines: list[str]) -> _Around:
    places = range(len(lines) + 1)
    return _Around(
        lines,
        [_sum(line) for line in lines],
        [_above(lines, at) for at in places],
        [_below(lines, at) for at in places],
    )


def _score(around: _Around, place: int, hunk: Hunk) -> int:
    """How well the lines at `place` are those of the hunk; 0 where they are not."""
    before, inside, behind = hunk.mark[:8], hunk.mark[8:16], hunk.mark[16:]
    end = place + hunk.count
    above = around.above[place] == before
    below = around.below[end] == behind
    if hunk.count:
        one = hunk.count == 1
        here = around.sums[place] if one else _sum("\n".join(around.lines[place:end]))
        return 1 + 2 * above + below if here == inside else 0
    if above and below:
        return _SAME
    # rather not what opens an array or the text
    if above:
        opens = not place or around.lines[place - 1].strip().endswith("[")
        return 1 if opens else 3
    return 2 * (below and end < len(around.lines))


def taken_back(text: str, found: Iterable[Found]) -> str:
    """`text` with what stood there before in the place of each of the hunks."""
    lines = text.split("\n")
    for place, hunk in reversed(tuple(found)):
        lines[place : place + hunk.count] = hunk.old
    return "\n".join(lines)
