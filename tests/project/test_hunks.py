"""Hunks of lines: from the replacements that made them, found again beside edits, taken back."""

import pytest

from accelsel.project import hunks
from accelsel.project.frame import Splice, splice

BASE = "a\nb\nc\n\nd\n"
PINNED = "a\nb1\nc\n\n[new]\nd\n"
MADE = hunks.of_splices(BASE, [(2, 3, "b1"), (6, 6, "\n[new]")])


def undone(text: str) -> str:
    return hunks.taken_back(text, hunks.find(text, MADE))


@pytest.mark.parametrize(
    ("base", "splices", "rows"),
    [
        ("a\nb\n", [(1, 1, "\nnew")], [(1, 1, ())]),
        ("a\nb\n", [(1, 3, "")], [(1, 0, ("b",))]),
        ("a\nb\n", [(0, 2, "")], [(0, 0, ("a",))]),
        ("a\nb", [(3, 3, "\n\n[x]\ny = 1")], [(2, 3, ())]),
        ("a = [1, 2]\nb\n", [(5, 6, "3"), (8, 9, "4")], [(0, 1, ("a = [1, 2]",))]),
        ("a\r\nb\r\n", [(1, 1, "\r\nnew")], [(1, 1, ())]),
        ("a\nb\n", [(2, 3, "b")], []),
        ("", [(0, 0, "a\n")], [(0, 1, ())]),
    ],
    ids=["added", "taken out", "the first taken out", "behind the last line", "twice in a line",
         "carriage returns", "nothing", "into nothing"],
)  # fmt: skip
def test_hunks_are_whole_lines(base: str, splices: list[Splice], rows: list[object]) -> None:
    made = hunks.of_splices(base, splices)
    assert [(hunk.line, hunk.count, hunk.old) for hunk in made] == rows
    pinned = splice(base, splices)
    assert hunks.unmoved(pinned, made)
    assert hunks.taken_back(pinned, [(hunk.line, hunk) for hunk in made]) == base
    assert hunks.taken_back(pinned, hunks.find(pinned, hunks.of_texts(base, pinned))) == base


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("a\n", "more\nlines\na\n"),
        ("c\n", "c # mine\n"),
        ("\n\n[new]", "\n# mine\n[new]"),
        ("d\n", "b1\nd\n"),
        ("c\n", ""),
    ],
    ids=["above", "beside", "between", "the same line again", "a line less"],
)
def test_edits_beside_stay(old: str, new: str) -> None:
    edited = PINNED.replace(old, new)
    assert undone(edited) == edited.replace("b1", "b", 1).replace("[new]\n", "")
    assert not hunks.unmoved(edited, MADE) or old == "d\n"


def test_what_was_edited_is_not_found() -> None:
    found = hunks.find(PINNED.replace("[new]", "[new] # mine"), MADE)
    assert [hunk.old for _, hunk in found] == [("b",)]


@pytest.mark.parametrize(
    ("edited", "wanted"),
    [
        ("[\n1,\nX,\n3,\n]", "[\n1,\n2,\nX,\n3,\n]"),
        ("[\n3,\n]", "[\n2,\n3,\n]"),
        ("[\nX,\n]", "[\nX,\n]"),
    ],
    ids=["below the one before", "above the one behind", "nowhere"],
)
def test_lines_that_were_taken_out_come_back_beside_a_neighbour(edited: str, wanted: str) -> None:
    made = hunks.of_splices("[\n1,\n2,\n3,\n]", [(4, 7, "")])
    assert hunks.taken_back(edited, hunks.find(edited, made)) == wanted


@pytest.mark.parametrize(
    ("edited", "wanted"),
    [
        ("b # mine\nc\n", "a\nb # mine\nc\n"),
        ("# mine\nb\nc\n", "# mine\na\nb\nc\n"),
    ],
    ids=["the next one edited", "another above it"],
)
def test_the_first_lines_come_back_at_the_top(edited: str, wanted: str) -> None:
    made = hunks.of_splices("a\nb\nc\n", [(0, 2, "")])
    assert hunks.taken_back(edited, hunks.find(edited, made)) == wanted


@pytest.mark.parametrize("gone", ["", "x\n"], ids=["nothing", "a line"])
def test_among_lines_that_repeat_a_hunk_moves_as_the_next_sure_one(gone: str) -> None:
    base = "x\ny\n# c\n\n[t]\na = 1\n\n# c\n\n# c\n\nz\n"
    pinned = base.replace("[t]\na = 1\n\n", "").replace("z\n", "z\n[new]\n")
    made = hunks.of_texts(base, pinned)
    edited = pinned.removeprefix(gone)
    assert hunks.taken_back(edited, hunks.find(edited, made)) == base.removeprefix(gone)
