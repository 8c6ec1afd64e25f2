"""The command that asks `pin` for what a record holds. Pure."""

from collections.abc import Collection, Mapping
from typing import Any

FLAGS = {"companions": "--with"}


def command(
    record: Mapping[str, Any],
    *wanted: str,
    without: Collection[str] = (),
    path: str | None = None,
) -> str:
    """`accelsel pin --write` with the request of a record (the table `[tool.accelsel.pin]`), in the
    shape that it has, and with the backends `wanted` beside its own; `without` what of the request
    is to be decided anew. `path` is the file, where it is not the project around here.

    Without its request, the file would be pinned for the one host that the command runs on.
    """
    from shlex import join

    request, rows = record.get("request"), record.get("selections")
    rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
    rest = request if isinstance(request, dict) else {}
    asked = {name: value for name, value in rest.items() if name not in without}
    apart = any({"extra", "group"} & set(row) for row in rows)
    words = ["accelsel", "pin", "--write"]
    if apart:
        held = (str(row.get("backend")) for row in rows)
        asked["backends"] = ",".join(dict.fromkeys((*held, *wanted)))
        if any("extra" in row for row in rows):
            words += ["--as", "extras"]
    for name, value in asked.items():
        values = value if isinstance(value, list) else [value]
        for each in values:
            words += [FLAGS.get(name, f"--{name}"), *([] if each is True else [str(each)])]
    return join([*words, *([path] if path else [])])
