"""The scanner against tomllib: every span holds the value that tomllib reads there."""

import tomllib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from tests.project.cases import ROOT
from tests.project.generated import projects

from accelsel.project.change import look
from accelsel.project.scan import Entry, Node, key_path, scan

ODD = sorted((ROOT / "odd").glob("*.toml"))
odd = pytest.mark.parametrize("path", ODD, ids=[path.stem for path in ODD])


def text_of(path: Path) -> str:
    return path.read_bytes().decode()


def value(text: str, node: Node) -> Any:
    return tomllib.loads(f"x = {text[node.start : node.end]}")["x"]


def assert_spans(text: str) -> None:
    data = tomllib.loads(text)
    document = scan(text)
    counts: dict[tuple[str, ...], int] = {}
    for section in document.sections[1:]:
        assert text[section.start] == "["
        if section.array:
            counts[section.path] = counts.get(section.path, 0) + 1
            here = look(data, section.path)[counts[section.path] - 1]
            for entry in section.entries:
                assert same(value(text, entry.value), look(here, entry.path[len(section.path) :]))
    for path, count in counts.items():
        assert len(look(data, path)) == count
    under = tuple(counts)
    for section in document.sections:
        if not any(section.path[: len(path)] == path for path in under):
            for entry in section.entries:
                assert_entry(text, data, entry)


def assert_entry(text: str, data: Any, entry: Entry) -> None:
    expected = look(data, entry.path)
    assert same(value(text, entry.value), expected)
    for item, one in zip(entry.value.items, expected if entry.value.items else (), strict=True):
        assert same(value(text, item), one)
    for inner in entry.value.entries:
        assert_entry(text, data, inner)


def same(one: Any, two: Any) -> bool:
    return repr(one) == repr(two)


@odd
def test_odd_files(path: Path) -> None:
    assert_spans(text_of(path))


@settings(max_examples=60, deadline=None)
@given(projects())
def test_generated_files(text: str) -> None:
    assert_spans(text.removeprefix("\ufeff"))


def test_commas_and_comments_of_arrays() -> None:
    text = 'a = [ # x, y\n  "1" , # one\n  [2,3]\n]\n'
    node = scan(text).sections[0].entries[0].value
    assert [text[i.start : i.end] for i in node.items] == ['"1"', "[2,3]"]
    assert [text[c] if c >= 0 else None for c in node.commas] == [",", None]


@pytest.mark.parametrize(
    ("dotted", "path"),
    [("a.b", ("a", "b")), ('a."b.c".d', ("a", "b.c", "d")), ("'x y'", ("x y",))],
)
def test_key_path(dotted: str, path: tuple[str, ...]) -> None:
    assert key_path(dotted) == path


@pytest.mark.parametrize("dotted", ["", "a.", "a b", "a = 1"])
def test_key_path_refuses(dotted: str) -> None:
    with pytest.raises(ValueError, match="not TOML"):
        key_path(dotted)
