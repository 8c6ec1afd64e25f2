"""The report of `make cases`: how many real user cases are answered rightly, and which are not.

python -m tests.rules.report
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from tests.rules import peers, peers_facts
from tests.rules.cases import Answer, Case, cases, fails, ours, threads, wrong

Row = tuple[Case, Answer, Answer, str | None]
Answered = Callable[[Case], tuple[Answer, Answer]]


def judged(answered: Answered = ours, among: Sequence[Case] | None = None) -> list[Row]:
    """Every case, or those given, with its answers and what is wrong with them."""
    return [
        (case, *found, wrong(case, *found))
        for case in (cases() if among is None else among)
        for found in [answered(case)]
    ]


def text(others: Mapping[str, Mapping[str, tuple[Answer, Answer]]]) -> str:
    """The whole report; `others` holds the answers of other tools by name and case id."""
    rows = {"accelsel": judged()}
    for name, told in others.items():
        rows[name] = judged(lambda case, told=told: told[case.id])  # type: ignore[misc]
    parts = [
        _table(rows),
        _misses("Misses", rows["accelsel"]),
        _misses("Collected afterwards, not counted above", judged(among=threads())),
        _by_own_answers(),
        _added(),
        _overrides(),
        peers.__doc__ or "",
        peers_facts.__doc__ or "",
    ]
    if len(others) < len(peers.TOOLS):
        parts.append("Not installed, so not run: the others of " + ", ".join(peers.TOOLS))
    return "\n\n".join(part.strip() for part in parts)


def by_own_answers() -> list[Row]:
    """The cases by the answers of their own threads, without those that a better source
    contradicts."""
    return judged(among=[case.own for case in cases() if not case.contradicted])


def _share(rows: Sequence[Row]) -> str:
    good = sum(why is None for *_, why in rows)
    return f"{good} of {len(rows)}, {100 * good / len(rows):.1f}%"


def _misses(title: str, rows: Sequence[Row]) -> str:
    lines = [f"{title}: {_share(rows)}; missed:"]
    lines += [f"  {case.id} ({case.kind}, {case.source}): {why}" for case, _, _, why in rows if why]
    return "\n".join(lines)


def _by_own_answers() -> str:
    lines = [_misses("By the answers of their own threads alone", by_own_answers())]
    lines.append("  left out, because a better source contradicts the thread's answer:")
    lines += [
        f"    {case.id} ({case.source}): {case.contradicted}"
        for case in cases()
        if case.contradicted
    ]
    bare = [
        replace(case, right=tuple(one for one in case.right if one not in case.carried))
        for case, *_ in by_own_answers()
    ]
    lines.append(
        "  counted as the thread's own, because the facts have it for the same GPU "
        f"(without these {_share(judged(among=bare))}):"
    )
    lines += [
        f"    {case.id}: {entry}, {why}" for case in cases() for entry, why in case.carried.items()
    ]
    return "\n".join(lines)


def _added() -> str:
    lines = ["Answers that are right by a source younger than the thread:"]
    for case in cases():
        found = [ours(case), ours(case, overrides=False)]
        needed = any(
            wrong(case, *answers) is None and wrong(case.own, *answers) for answers in found
        )
        for entry, why in case.added.items():
            mark = "needed" if needed else "not needed"
            lines.append(f"  {case.id}: {entry} ({mark}): {why}")
    return "\n".join(lines)


def _overrides() -> str:
    lines = [
        "Answers that rest on HSA_OVERRIDE_GFX_VERSION: their users accept one, so these cases are",
        "asked with overrides allowed. Without, nothing may be overridden silently:",
    ]
    for case in cases():
        if case.override is None:
            continue
        with_it, without = ours(case)[0], ours(case, overrides=False)[0]
        offered = " (the override is offered)" if case.override in without.named else ""
        lines.append(
            f"  {case.id}, {case.profile.gpus[0].arch}: {with_it.backend} {with_it.torch} with "
            f"{with_it.override}; without {without.backend} {without.torch}{offered}"
        )
    return "\n".join(lines)


def _table(rows: Mapping[str, Sequence[Row]]) -> str:
    kinds: dict[str, None] = dict.fromkeys(case.kind for case, *_ in rows["accelsel"])
    widths = {name: max(len(name), 8) for name in rows}
    lines = [_line("kind", "cases", {name: name for name in rows}, widths)]
    for kind in [*kinds, "all"]:
        mine = {
            name: [why for case, _, _, why in told if kind in ("all", case.kind)]
            for name, told in rows.items()
        }
        cells = {name: str(whys.count(None)) for name, whys in mine.items()}
        if kind == "all":
            cells = {n: f"{c} {100 * int(c) / len(mine[n]):.0f}%" for n, c in cells.items()}
        lines.append(_line(kind, str(len(mine["accelsel"])), cells, widths))
    harm = {
        name: str(sum(fails(case, free) or fails(case, kept) for case, free, kept, _ in told))
        for name, told in rows.items()
    }
    lines.append(_line("named as failing", "", harm, widths))
    return "\n".join(lines)


def _line(first: str, second: str, cells: Mapping[str, str], widths: Mapping[str, int]) -> str:
    told = "  ".join(f"{cell:>{widths[name]}}" for name, cell in cells.items())
    return f"{first:18}{second:>6}  {told}"


if __name__ == "__main__":
    print(text(peers.answers(cases())))
