"""What a pin changed as hunks of lines, found again in a text that was edited since."""

from collections.abc import Iterable, Sequence
from zlib import crc32

from accelsel.model.plan import Hunk
from accelsel.project.frame import Splice, splice

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
    """The digests of the line before, of the lines themselves, and of the line behind."""
    return _digest(lines, start - 1) + _sum("\n".join(lines[start:end])) + _digest(lines, end)


def _digest(lines: Sequence[str], at: int) -> str:
    return _sum(lines[at]) if 0 <= at < len(lines) else _EDGE


def _sum(text: str) -> str:
    return f"{crc32(text.encode('utf-8', 'surrogatepass')):08x}"


def unmoved(text: str, hunks: Iterable[Hunk]) -> bool:
    """Whether all hunks stand in `text` where they were written, between the same lines."""
    lines = text.split("\n")
    return all(_mark(lines, h.line, h.line + h.count) == h.mark for h in hunks)


Found = tuple[int, Hunk]  # the line of the text where the hunk stands now


def find(text: str, hunks: Iterable[Hunk]) -> tuple[Found, ...]:
    """The hunks whose lines stand in `text` as they were written, in order, with their place: of
    several the one between the same neighbours, then the nearest.

    Where lines were taken out, nothing stands: their place is between the same neighbours, else
    below the one that they stood below, else above the other.
    """
    lines = text.split("\n")
    sums = [_sum(line) for line in lines]
    found: list[Found] = []
    at = drift = 0
    for hunk in hunks:
        places = [
            (score, -abs(place - hunk.line - drift), place)
            for place in range(at, len(lines) - hunk.count + 1)
            if (score := _score(lines, sums, place, hunk))
        ]
        if places:
            place = max(places)[2]
            found.append((place, hunk))
            at, drift = place + hunk.count, place - hunk.line
    return tuple(found)


def _score(lines: Sequence[str], sums: Sequence[str], place: int, hunk: Hunk) -> int:
    """How well the lines at `place` are those of the hunk; 0 where they are not."""
    before, inside, behind = hunk.mark[:8], hunk.mark[8:16], hunk.mark[16:]
    end = place + hunk.count
    above = (sums[place - 1] if place else _EDGE) == before
    below = (sums[end] if end < len(sums) else _EDGE) == behind
    if hunk.count:
        here = sums[place] if hunk.count == 1 else _sum("\n".join(lines[place:end]))
        return 1 + 2 * above + below if here == inside else 0
    if above and below:
        return 4
    # one neighbour alone must be one: no blank line, and rather not what opens an array or the text
    if above and (line := lines[place - 1].strip() if place else "["):
        return 1 if line.endswith("[") else 3
    return 2 if below and end < len(lines) and lines[end].strip() else 0


def taken_back(text: str, found: Iterable[Found]) -> str:
    """`text` with what stood there before in the place of each of the hunks."""
    lines = text.split("\n")
    for place, hunk in reversed(tuple(found)):
        lines[place : place + hunk.count] = hunk.old
    return "\n".join(lines)
