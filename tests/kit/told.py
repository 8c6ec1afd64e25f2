"""What users are told, word for word, in the files of `fixtures/told`: a change of what is said is
read there, in the difference. `ACCELSEL_TOLD=write` before pytest writes anew what has changed.
"""

import os
from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

FOLDER = Path(__file__).parents[2] / "fixtures" / "told"
WRITE = os.environ.get("ACCELSEL_TOLD") == "write"


def same(name: str, text: str) -> None:
    """Asserts that the file of this name holds the text, or writes it."""
    path = FOLDER / f"{name}.txt"
    if WRITE:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    before = path.read_text(encoding="utf-8") if path.exists() else ""
    assert text == before, f"{name} is told otherwise: if it should be, ACCELSEL_TOLD=write"


def names(folder: str) -> set[str]:
    """The files of a folder, so that none outlives what it tells of."""
    return {path.stem for path in (FOLDER / folder).glob("*.txt")}


def text(value: Any, without: tuple[str, ...] = ()) -> str:
    """A value as lines, what is absent or empty left out, and the fields named `without` too."""
    return "".join(f"{line}\n" for line in _lines(value, without))


def _lines(value: Any, without: tuple[str, ...]) -> Iterator[str]:
    for key, item in _items(value):
        if key in without or item is None or item is False or item in ("", (), {}):
            continue
        if not isinstance(item, str) and (_items(item) or isinstance(item, tuple)):
            if isinstance(item, tuple) and not any(map(_items, item)):
                yield f"{key}: {', '.join(map(str, item))}"
                continue
            yield f"{key}:"
            for each in item if isinstance(item, tuple) else (item,):
                mark = "- " if isinstance(item, tuple) else "  "
                for line in _lines(each, without):
                    yield f"{mark}{line}"
                    mark = "  "
        else:
            yield f"{key}: {item}"


def _items(value: Any) -> list[tuple[str, Any]]:
    if is_dataclass(value):
        return [(field.name, getattr(value, field.name)) for field in fields(value)]
    return list(value.items()) if isinstance(value, Mapping) else []
