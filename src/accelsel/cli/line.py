"""A command line that is plainly right, read without the command-line library.

That library takes longer to import than most commands to run. It still words the help and every
error: a line that is not plainly right is left to it.
"""

from collections.abc import Sequence
from typing import Any

from accelsel.cli.options import Command


def read(words: Sequence[str], command: Command) -> dict[str, Any] | None:
    """A value for each flag and the argument of `command`; None where `words` hold anything that
    is unknown, missing, too much, or written in a rarer form."""
    known = {name: flag for flag in command.flags for name in flag.names}
    values: dict[str, Any] = {flag.dest: flag.unset for flag in command.flags}
    plain: list[str] = []
    rest = iter(words)
    for word in rest:
        if not _is_flag(word):
            plain.append(word)
            continue
        name, equals, text = word.partition("=")
        flag = known.get(name)
        if flag is None or (equals and (not name.startswith("--") or flag.kind in _BARE)):
            return None
        if flag.kind == "switch":
            values[flag.dest] = True
        elif flag.kind == "count":
            values[flag.dest] += 1
        else:
            value = text if equals else next(rest, None)
            if value is None or (not equals and _is_flag(value)):
                return None
            values[flag.dest] = (*values[flag.dest], value) if flag.kind == "many" else value
    return _with_argument(values, plain, command)


_BARE = ("switch", "count")


def _is_flag(word: str) -> bool:
    return word.startswith("-") and word != "-"


def _with_argument(
    values: dict[str, Any], plain: Sequence[str], command: Command
) -> dict[str, Any] | None:
    argument = command.argument
    if argument is None:
        return None if plain else values
    if argument.many:
        values[argument.dest] = tuple(plain)
        return values
    if len(plain) > 1 or (argument.required and not plain):
        return None
    values[argument.dest] = plain[0] if plain else None
    return values
