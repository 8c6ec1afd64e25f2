"""The report of `make cases`: how many real user cases are answered rightly, and which are not.

python -m tests.rules.report
"""

from collections import defaultdict
from dataclasses import replace

from tests.rules.cases import Answer, Case, cases, fails, ours, wrong
from tests.rules.peers import PEERS, answers

Row = tuple[Case, Answer, Answer, str | None]


def judged(only: str | None = None) -> list[Row]:
    """Every judged case with the answers of accelsel, or of the peer named."""
    found = []
    for case in cases():
        if case.left_out:
            continue
        free, kept = ours(case) if only is None else answers(PEERS[only], case)
        found.append((case, free, kept, wrong(case, free, kept)))
    return found


def text() -> str:
    """The whole report."""
    rows = {"accelsel": judged(), **{name: judged(name) for name in PEERS}}
    lines = [_table(rows), "", _as_given(rows["accelsel"]), "", "Misses of accelsel:"]
    for case, _, _, why in rows["accelsel"]:
        if why:
            lines.append(f"  {case.id} ({case.kind}, {case.source}): {why}")
    lines += ["", "Not judged:"]
    lines += [f"  {case.id} ({case.source}): {case.left_out}" for case in cases() if case.left_out]
    return "\n".join(lines)


def _as_given(rows: list[Row]) -> str:
    """The share by the cases' own answers alone, and what only an added answer makes right."""
    helped = []
    for case, free, kept, why in rows:
        right = tuple(entry for entry in case.right if entry.partition(" ")[0] not in case.added)
        if why is None and case.added and wrong(replace(case, right=right), free, kept):
            helped.append(case.id)
    good = sum(why is None for *_, why in rows) - len(helped)
    return (
        f"by the cases' own answers alone, without those added from a newer source: {good} of "
        f"{len(rows)}, {100 * good / len(rows):.0f}% (then also missed: {', '.join(helped)})"
    )


def _table(rows: dict[str, list[Row]]) -> str:
    kinds: dict[str, None] = dict.fromkeys(case.kind for case, *_ in rows["accelsel"])
    names = list(rows)
    widths = [max(len(name), 8) for name in names]
    lines = [f"{'kind':18}{'cases':>6}  " + "  ".join(
        f"{name:>{width}}" for name, width in zip(names, widths, strict=True)
    )]  # fmt: skip
    for kind in [*kinds, "all"]:
        cells, number = [], 0
        for name, width in zip(names, widths, strict=True):
            mine = [row for row in rows[name] if kind in ("all", row[0].kind)]
            number = len(mine)
            good = sum(row[3] is None for row in mine)
            cell = f"{good}" if kind != "all" else f"{good} {100 * good / number:.0f}%"
            cells.append(f"{cell:>{width}}")
        lines.append(f"{kind:18}{number:>6}  " + "  ".join(cells))
    harm: dict[str, int] = defaultdict(int)
    for name in names:
        for case, free, kept, _ in rows[name]:
            harm[name] += fails(case, free) or fails(case, kept)
    lines.append(f"{'named as failing':24}  " + "  ".join(
        f"{harm[name]:>{width}}" for name, width in zip(names, widths, strict=True)
    ))  # fmt: skip
    return "\n".join(lines)


if __name__ == "__main__":
    print(text())
