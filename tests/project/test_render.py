"""Properties of every pin: what is not planned stays to the byte, and the way back is exact."""

import itertools
import os
import re
import tomllib
from collections import Counter
from collections.abc import Callable
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from tests.project.cases import ROOT, selection
from tests.project.generated import PINS, Pin, pins, projects, valid

from accelsel.model.plan import PinOptions, Plan
from accelsel.project.change import applied
from accelsel.project.check import check
from accelsel.project.plan import plan, unplan
from accelsel.project.read import read
from accelsel.project.render import render
from accelsel.project.scan import scan

ODD = sorted((ROOT / "odd").glob("*.toml"))
EXAMPLES = int(os.environ.get("ACCELSEL_FUZZ_EXAMPLES", "60"))
many = settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.filter_too_much, HealthCheck.too_slow],
)


def pinned(text: str, pin: Pin) -> tuple[Plan, str]:
    """The plan and the pinned text."""
    made = plan(read(text), *pin)
    return made, render(text, made)


def parsed(text: str) -> dict[str, Any]:
    return tomllib.loads(text.removeprefix("\ufeff"))


def without_empty(value: Any) -> Any:
    """Tables and arrays that are empty left out: they say nothing to uv."""
    if isinstance(value, dict):
        cut = {k: without_empty(v) for k, v in value.items()}
        return {k: v for k, v in cut.items() if v not in ({}, [])}
    return value


def comments(text: str) -> Counter[str]:
    """Every comment, wherever it stands; strings in the generated files hold known ones alone."""
    return Counter(found.strip() for found in re.findall(r"(?m)#[^\n\"']*$", text))


def bare(text: str) -> str:
    """The text up to the record, which stands last in its table family."""
    return re.sub(r"(?ms)^\[tool\.accelsel\.pin\].*?^undo = [^\n]*", "", text)


def only_what_is_planned_changes_in_value(text: str, pin: Pin) -> None:
    made, result = pinned(text, pin)
    after = parsed(result)
    tool = after["tool"]["accelsel"]
    assert tool.pop("pin")
    assert without_empty(after) == without_empty(applied(parsed(text), made.edits))


def untouched_lines_stay_in_order(text: str, pin: Pin) -> None:
    made, result = pinned(text, pin)
    lines = iter(result.removeprefix("\ufeff").replace("\r\n", "\n").split("\n"))
    for line in untouched(text, made):
        assert any(line.removesuffix("\r") == other for other in lines), line


def untouched(text: str, made: Plan) -> list[str]:
    """The lines that hold no value of a planned key, blank ones and headers left out."""
    text = text.removeprefix("\ufeff")
    document = scan(text)
    paths = {edit.path for edit in made.edits}
    touched: set[int] = set()

    def mark(start: int, end: int) -> None:
        touched.update(range(document.line(start), document.line(end) + 1))

    for section in document.sections:
        if section.array and section.path in paths:
            mark(section.start, section.head)
        for entry in section.entries:
            if any(entry.path[: len(p)] == p or p[: len(entry.path)] == entry.path for p in paths):
                mark(entry.start, entry.value.end)
    last = text.count("\n") + 1
    return [
        line.removesuffix("\r") if number == last else line
        for number, line in enumerate(text.split("\n"), 1)
        if number not in touched
        and line.strip()
        and not line.strip().startswith("[")
        and number != last
    ]


def comments_survive_and_keep_what_they_stand_above(text: str, pin: Pin) -> None:
    made, result = pinned(text, pin)
    assert not comments(text) - comments(result)
    rest, lines = ([line.removesuffix("\r") for line in some]
                   for some in (untouched(text, made), text.split("\n")))  # fmt: skip
    # a line that stands twice and goes once may be either
    surely = {line for line in rest if rest.count(line) == lines.count(line)}
    before = above(text)
    after = above(bare(result))
    for comment, follows in before.items():
        if follows & surely:
            assert after[comment] & follows, comment


def above(text: str) -> dict[str, set[str]]:
    """For each comment line the lines that follow one of its occurrences, without their ends."""
    ends = text.removeprefix("\ufeff").split("\n")
    lines = [line.removesuffix("\r") for line in ends if line.strip()]
    found: dict[str, set[str]] = {}
    for one, two in itertools.pairwise(lines):
        if one.lstrip().startswith("#"):
            found.setdefault(one, set()).add(two)
    return found


def newlines_and_bom_stay(text: str, pin: Pin) -> None:
    _, result = pinned(text, pin)
    assert result.startswith("\ufeff") == text.startswith("\ufeff")
    if "\r\n" not in text:
        assert "\r" not in result
    elif "\n" not in text.replace("\r\n", ""):
        assert "\n" not in result.replace("\r\n", "")
    assert result.endswith("\n") == text.endswith("\n")


def check_accepts_and_a_second_pin_changes_nothing(text: str, pin: Pin) -> None:
    _, result = pinned(text, pin)
    view = read(result)
    assert check(view) == ()
    again = plan(view, *pin)
    assert again.edits == ()
    assert render(result, again) == result


def unpin_restores_the_bytes(text: str, pin: Pin) -> None:
    _, result = pinned(text, pin)
    assert render(result, unplan(read(result))) == text


PROPERTIES: tuple[Callable[[str, Pin], None], ...] = (
    only_what_is_planned_changes_in_value,
    untouched_lines_stay_in_order,
    comments_survive_and_keep_what_they_stand_above,
    newlines_and_bom_stay,
    check_accepts_and_a_second_pin_changes_nothing,
    unpin_restores_the_bytes,
)


@pytest.mark.parametrize("holds", PROPERTIES, ids=[holds.__name__ for holds in PROPERTIES])
def test_generated_files(holds: Callable[[str, Pin], None]) -> None:
    many(given(projects(), pins())(holds))()


@pytest.mark.parametrize("path", ODD, ids=[path.stem for path in ODD])
def test_odd_files(path: Path) -> None:
    text = path.read_bytes().decode()
    assert valid(text)
    for pin in PINS:
        for holds in PROPERTIES:
            holds(text, pin)


@many
@given(projects(), pins(), pins())
def test_another_selection_is_as_if_it_were_the_first(text: str, one: Pin, two: Pin) -> None:
    _, first = pinned(text, one)
    _, direct = pinned(text, two)
    second = render(first, plan(read(first), *two))
    assert second == direct
    assert render(second, unplan(read(second))) == text


EDITS = (
    "comment-line", "comment-behind", "table", "dependency", "source", "key", "blank",
)  # fmt: skip


@many
@given(projects(), pins(), st.lists(st.sampled_from(EDITS), min_size=1), st.randoms())
def test_unpin_keeps_what_the_user_edited_since(
    text: str, pin: Pin, kinds: list[str], random: Any
) -> None:
    _, result = pinned(text, pin)
    newline = "\r\n" if "\r\n" in text else "\n"
    edited, marks = result, []
    for number, kind in enumerate(kinds):
        edited, mark = edit(edited, kind, number, newline, random)
        marks.append(mark)
    assume(valid(edited))
    view = read(edited)
    undone = render(edited, unplan(view))
    after = parsed(undone)
    assert "pin" not in after.get("tool", {}).get("accelsel", {})
    for mark in marks:
        assert mark in undone
    assert not comments(edited) - comments(undone)
    if set(kinds) <= {"comment-line", "comment-behind", "blank"}:
        assert without_empty(after) == without_empty(parsed(text))


def edit(text: str, kind: str, number: int, newline: str, random: Any) -> tuple[str, str]:
    """The text as a user may have edited it, and what must be found in it afterwards."""
    mark = f"edit-{number}"
    lines = text.split("\n")
    start = len(text) - len(text.removeprefix("\ufeff"))
    document = scan(text[start:])
    starts = [start + section.start for section in document.sections[1:]]
    if kind == "table":
        return f"{text}{newline}[tool.{mark}]{newline}a = 1{newline}", f"[tool.{mark}]"
    if kind == "comment-behind":
        entries = [e for s in document.sections for e in s.entries]
        ends = [start + e.value.end for e in entries if "pin" not in e.path]
        at = random.choice(ends)
        if text[at:].split("\n", 1)[0].strip():
            return text, ""
        return f"{text[:at]} # {mark}{text[at:]}", f"# {mark}"
    if kind == "comment-line":
        at = random.choice(starts)
        at = max(start, text.rfind("\n", 0, at) + 1)
        return f"{text[:at]}# {mark}{newline}{text[at:]}", f"# {mark}"
    if kind == "blank":
        at = random.choice(starts)
        at = max(start, text.rfind("\n", 0, at) + 1)
        return text[:at] + newline + text[at:], ""
    if kind == "dependency":
        more = f'dependencies = ["{mark}", '
        return re.sub(r"(?m)^dependencies = \[", more, text, count=1), f'"{mark}"'
    if kind == "source" and any(line.startswith("[tool.uv.sources]") for line in lines):
        new = f'{mark} = {{ path = "x" }}'
        return re.sub(r"(?m)^\[tool\.uv\.sources\].*?$", rf"\g<0>\n{new}", text, count=1), new
    if kind == "key" and "[tool.uv]" in lines:
        new = f"cache-dir = '{mark}'"
        return text.replace("\n[tool.uv]\n", f"\n[tool.uv]\n{new}\n", 1), ""
    return text, ""


KINDS = ("comment", "blank", "behind", "element", "gone", "value", "table", "end")


@many
@given(projects(), pins(), st.lists(st.sampled_from(KINDS), min_size=1, max_size=4), st.randoms())
def test_edits_beside_the_pin_are_as_if_there_had_been_none(
    text: str, pin: Pin, kinds: list[str], random: Any
) -> None:
    _, result = pinned(text, pin)
    plain, changed = text.split("\n"), result.split("\n")
    for number, kind in enumerate(kinds):
        spots = common(plain, changed)
        random.shuffle(spots)
        for a, b in spots:
            if between_lines(plain, a, kind, number):
                assume(between_lines(changed, b, kind, number))
                break
    wanted, edited = "\n".join(plain), "\n".join(changed)
    assume(edited != result and valid(wanted) and valid(edited))
    undone = render(edited, unplan(read(edited)))
    assert undone == wanted


def common(one: list[str], two: list[str]) -> list[tuple[int, int]]:
    """Places of a line of both that the pin left where it was, with the line that follows."""
    known, other = Counter(one), Counter(two)
    matcher = SequenceMatcher(None, one, two, autojunk=False)
    pairs = {block.a + i: block.b + i for block in matcher.get_matching_blocks()
             for i in range(block.size)}  # fmt: skip

    def sure(at: int) -> bool:
        line = one[at] if at < len(one) else ""
        apart = not re.search(r"torch|triton|vision|audio|^\W*$", line)
        return at in pairs and apart and known[line] == other[line] == 1

    def follows(at: int) -> bool:
        step = 1  # a blank line is told from another by what stands below it
        while at + step < len(one) and not one[at + step].strip():
            if pairs.get(at + step) != pairs[at] + step:
                return False
            step += 1
        return pairs.get(at + step) == pairs[at] + step or sure(at + step)

    return [(at, pairs[at]) for at in pairs if sure(at) and follows(at)]


def between_lines(lines: list[str], at: int, kind: str, number: int) -> bool:
    """An edit at a line, or between it and the next, as an editor makes it; whether there is one of
    that kind there."""
    before = list(lines)
    line = lines[at]
    mark, end = f"# edit-{number}", "\r" * line.endswith("\r")
    bare = line.removesuffix("\r")
    indent = bare[: len(bare) - len(bare.lstrip())]
    if kind == "comment":
        lines.insert(at + 1, f"{indent}{mark}{end}")
    elif kind == "blank":
        lines.insert(at + 1, end)
    elif kind == "behind" and "#" not in bare:
        lines[at] = f"{bare}  {mark}{end}"
    elif kind == "element" and bare.endswith((",", "[")):
        lines.insert(at + 1, f'    "edit-{number}",{end}')
    elif kind == "gone" and bare.lstrip().startswith("#"):
        del lines[at]
    elif kind == "value":
        lines[at] = re.sub(r'^(version = )"1"', rf'\1"1.{number}"', line)
    elif kind == "table" and lines[at + 1].startswith("["):
        lines[at + 1 : at + 1] = [f"[tool.edit-{number}]{end}", f"a = 1{end}", end]
    elif kind == "end" and not lines[-1].strip():
        lines[-1:] = [end, f"[tool.edit-{number}]{end}", f"a = 1{end}", ""]
    return lines != before


GROUPS = (
    (selection({"backend": "cpu"}), selection({})),
    PinOptions(shape="groups"),
)
SINGLE = ((selection({}),), PinOptions())
EMPTIES = """[project]
name = "demo"
version = "1"
dependencies = [
    "numpy",
    "torch",
    "einops",
]

[tool.uv]
default-groups = []
constraint-dependencies = []

[tool.uv.sources]

[tool.other]
a = 1
"""


@pytest.mark.parametrize("pin", [SINGLE, GROUPS], ids=["single", "groups"])
def test_unpin_of_an_edited_file_leaves_what_was_empty(pin: Pin) -> None:
    more = ('"numpy",\n', '"scipy",\n    "numpy",\n')
    _, result = pinned(EMPTIES, pin)
    edited = result.replace(*more)
    assert render(edited, unplan(read(edited))) == EMPTIES.replace(*more)


@pytest.mark.parametrize(
    ("edited", "wanted"),
    [
        ('"scipy",\n    "numpy",', '"scipy",\n    "numpy",\n    "torch",\n    "einops",'),
        ('"numpy",\n    "scipy",', '"numpy",\n    "torch",\n    "scipy",\n    "einops",'),
        ('"scipy",', '"scipy",\n    "torch",\n    "einops",'),
    ],
    ids=["above", "between", "instead"],
)
def test_what_was_taken_out_comes_back_beside_its_neighbour(edited: str, wanted: str) -> None:
    _, result = pinned(EMPTIES, GROUPS)
    text = result.replace('"numpy",', edited)
    assert wanted in render(text, unplan(read(text)))


def test_the_first_that_was_taken_out_comes_back_before_the_next() -> None:
    first = EMPTIES.replace('    "numpy",\n', "")
    _, result = pinned(first, GROUPS)
    text = result.replace('"einops",', '"scipy",\n    "einops",')
    wanted = '"scipy",\n    "torch",\n    "einops",'
    assert wanted in render(text, unplan(read(text)))
