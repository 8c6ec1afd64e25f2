"""TOML values as text, in the style that `uv add` writes."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

_BARE = re.compile(r"[A-Za-z0-9_-]+")
_PLAIN = re.compile(r"[ !#-\[\]-~]*")
WIDTH = 100
INDENT = "    "


def string(value: str, like: str = '"') -> str:
    """`value` quoted; as a literal string where `like` starts with a single quote and it can be."""
    literal = "'" not in value and all(c == "\t" or (c >= " " and c != "\x7f") for c in value)
    if literal and (like.startswith("'") or '"' in value):
        return f"'{value}'"
    if _PLAIN.fullmatch(value):  # by far the most: the editor need not be loaded for these
        return f'"{value}"'
    from tomlkit import string as quoted

    return quoted(value).as_string()


def key(name: str) -> str:
    return name if _BARE.fullmatch(name) else string(name)


def dotted(path: Sequence[str]) -> str:
    return ".".join(key(name) for name in path)


def inline(value: Any) -> str:
    """`value` on one line."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return string(value)
    if isinstance(value, Mapping):
        inside = ", ".join(f"{key(k)} = {inline(v)}" for k, v in value.items())
        return f"{{ {inside} }}" if inside else "{}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(inline(v) for v in value) + "]"
    return str(value)


def block(value: Any, indent: str = "", step: str = INDENT) -> str:
    """`value` as it stands after `key = `: arrays, and arrays in them, with one item per line, each
    indented by `step` more."""
    if isinstance(value, list | tuple) and value:
        deeper = indent + step
        items = "".join(f"{deeper}{block(v, deeper, step)},\n" for v in value)
        return f"[\n{items}{indent}]"
    return inline(value)
