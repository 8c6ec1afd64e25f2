"""A plain command line: read as the command-line library reads it, or left to that library."""

from collections.abc import Mapping
from typing import Any

import pytest
import typer
from hypothesis import given
from hypothesis import strategies as st

from accelsel.cli import app, line
from accelsel.cli.commands import COMMANDS, GROUPS
from accelsel.cli.options import Command, execute

ALL: Mapping[str, Command] = {
    **COMMANDS,
    **{f"{group} {name}": c for group, (_, held) in GROUPS.items() for name, c in held.items()},
}
PLAIN = {name: command for name, command in ALL.items() if name != "uv"}


def heard(words: list[str], command: Command, *, library: bool) -> dict[str, Any] | None:
    """What the command's function is called with; None where the line is not taken."""
    calls: list[dict[str, Any]] = []

    def run(**values: Any) -> int:
        calls.append(values)
        return 0

    listening = command._replace(run=run)
    if library:
        from typer._click import exceptions

        group = app._group({"it": listening}, "")
        group.callback()(lambda: None)
        try:
            group(args=["it", *words], standalone_mode=False)
        except (exceptions.UsageError, typer.Exit):
            return None
    else:
        values = line.read(words, listening)
        if values is None:
            return None
        execute(listening, values)
    return calls[0] if calls else None


@st.composite
def lines(draw: st.DrawFn) -> tuple[str, list[str]]:
    name = draw(st.sampled_from(sorted(PLAIN)))
    command = PLAIN[name]
    words: list[str] = []
    for flag in draw(st.lists(st.sampled_from(command.flags), max_size=5)):
        spelled = draw(st.sampled_from(flag.names))
        if flag.kind in ("switch", "count"):
            words.append(spelled)
            continue
        value = {"channel": "nightly", "fallback": "cpu", "color": "never"}.get(
            flag.dest, draw(st.sampled_from(["x", "json", ">=2.6,<2.9", "a=b", "", "-", "ä b"]))
        )
        words += draw(st.sampled_from([[spelled, value], [f"{spelled}={value}"]]))
    if command.argument is not None:
        most = 3 if command.argument.many else 1
        for word in draw(st.lists(st.sampled_from(["one", "two/three.toml", "-"]), max_size=most)):
            words.insert(0, word)
    return name, words


@given(lines())
def test_what_is_taken_is_what_the_library_hears(line_: tuple[str, list[str]]) -> None:
    name, words = line_
    found = heard(words, PLAIN[name], library=False)
    if found is not None:
        assert found == heard(words, PLAIN[name], library=True)


@pytest.mark.parametrize(
    "words",
    [
        [],
        ["--format", "json"],
        ["--torch", "==2.9.1", "--with=vllm>=0.9", "--with", "xformers", "-v", "-v"],
        ["--profile", "-", "one/pyproject.toml", "two"],
        ["--write", "--lock", "--mirror=https://a.example=https://b.example"],
    ],
    ids=" ".join,
)
def test_ordinary_lines_need_no_library(words: list[str]) -> None:
    found = heard(words, COMMANDS["pin"], library=False)
    assert found is not None
    assert found == heard(words, COMMANDS["pin"], library=True)


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("select", ["--help"]),
        ("select", ["-vq"]),
        ("select", ["--nonsense"]),
        ("select", ["--torch"]),
        ("select", ["--torch", "--python"]),
        ("select", ["--force=yes"]),
        ("select", ["-v=1"]),
        ("select", ["word"]),
        ("why", ["cpu", "xpu"]),
        ("schema", []),
        ("pin", ["--", "one"]),
    ],
)
def test_what_is_not_plainly_right_is_left_to_the_library(name: str, words: list[str]) -> None:
    assert line.read(words, COMMANDS[name]) is None
