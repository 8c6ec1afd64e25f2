"""Table documents: JSON objects that map a table's name to rows, one row per line.

The shipped files and the files that a user adds (`ACCELSEL_RULES`) have the same form; a later row
with the same key replaces an earlier one.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from accelsel.model.errors import USAGE, AccelselError

Row = Mapping[str, Any]
Document = Mapping[str, list[dict[str, Any]]]

DATA: Final = Path(__file__).parent / "data"

KEYS: Final[Mapping[str, tuple[str, ...]]] = {
    "table": (),
    "sources": ("id",),
    "indexes": ("name",),
    "backends": ("name",),
    "archsets": ("name",),
    "releases": ("torch",),
    "builds": ("torch", "backend", "platform", "channel"),
    "floors": ("major", "system"),
    "branches": ("branch",),
    "exceptions": ("code", "device"),
    "overrides": ("arch", "value", "system"),
    "unestablished": ("backend", "platform", "index", "archs"),
    "nvidia_devices": ("ids",),
    "amd_devices": ("ids",),
    "intel_devices": ("ids",),
    "amd_targets": ("gfx",),
    "tegra": ("soc",),
    "l4t": ("l4t",),
}
"""What makes a row of a table the same row; the order is that of the tables in `rules show`."""

SELECTION_FILES: Final = (
    "version.json",
    "sources.json",
    "backends.json",
    "archsets.json",
    "releases.json",
    "builds.json",
    "vendor-builds.json",
    "drivers.json",
    "exceptions.json",
    "overrides.json",
    "unestablished.json",
    "intel-devices.json",
)
"""The files behind `Tables`."""

DEVICE_FILES: Final = (
    "nvidia-devices.json",
    "amd-devices.json",
    "amd-targets.json",
    "jetson.json",
)
"""Read when a probe asks for them."""


_MANY: Final = (list, dict)


def key(table: str, row: Row) -> tuple[Any, ...]:
    """The row's key; a build without a channel is of the stable one."""
    values = [row.get(name, "stable") for name in KEYS[table]]
    return tuple(" ".join(one) if isinstance(one, _MANY) else one for one in values)


def shipped(name: str) -> Document:
    """A file of the package, which the tests hold to the schema."""
    document: Document = json.loads((DATA / name).read_bytes())
    return document


def schema() -> dict[str, Any]:
    """The JSON Schema of a table document."""
    loaded: dict[str, Any] = json.loads((DATA / "schema" / "tables.schema.json").read_bytes())
    return loaded


def files(paths: Iterable[Path]) -> Iterator[Path]:
    """The given files, and of the given folders the `.json` files in order of their names."""
    for path in paths:
        if path.is_dir():
            yield from sorted(path.glob("*.json"))
        else:
            yield path


def read(path: Path) -> Any:
    """A file's JSON value; raises `bad-rules` where it cannot be read or is no JSON."""
    try:
        return json.loads(path.read_bytes())
    except OSError as error:
        message = f"cannot read the rules file: {error.strerror}"
        raise AccelselError(USAGE, "bad-rules", message, where=str(path)) from error
    except ValueError as error:
        # UnicodeDecodeError is a ValueError too; only JSONDecodeError knows the line.
        line = getattr(error, "lineno", None)
        where = f"{path}:{line}" if line else str(path)
        raise AccelselError(
            USAGE, "bad-rules", "the rules file is not JSON", where=where
        ) from error


def added(path: Path) -> Document:
    """A user's file; raises `bad-rules` at the first row that the schema does not allow."""
    from accelsel.knowledge.schema import violations

    document = read(path)
    for place, message in violations(document, schema()):
        raise AccelselError(
            USAGE,
            "bad-rules",
            f"{place or 'the document'}: {message}",
            where=str(path),
            help="`accelsel rules check` lists every finding in the file",
        )
    result: Document = document
    return result


def merged(documents: Iterable[Document]) -> dict[str, dict[tuple[Any, ...], dict[str, Any]]]:
    """All rows by table and key, a later row in the place of an earlier one of the same key."""
    tables: dict[str, dict[tuple[Any, ...], dict[str, Any]]] = {name: {} for name in KEYS}
    for document in documents:
        for name, rows in document.items():
            if name in tables:
                table = tables[name]
                for row in rows:
                    table[key(name, row)] = row
    return tables
