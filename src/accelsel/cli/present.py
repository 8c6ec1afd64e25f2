"""Text for people, documents for programs: the only place that prints."""

import errno
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from accelsel.model.errors import INTERNAL, USAGE, AccelselError
from accelsel.model.value import dataclass

Colour = Literal["auto", "always", "never"]
STYLES = {"bold": "1", "dim": "2", "red": "31", "green": "32", "yellow": "33", "cyan": "36"}


@dataclass(frozen=True, kw_only=True)
class Output:
    """How a command answers: `verbose` counts -v, `quiet` leaves errors only."""

    format: str = "text"
    verbose: int = 0
    quiet: bool = False
    color: Colour = "auto"

    @property
    def json(self) -> bool:
        return self.format == "json"

    def paint(self, text: str, style: str, *, stderr: bool = False) -> str:
        if not coloured(self.color, sys.stderr if stderr else sys.stdout):
            return text
        return f"\x1b[{STYLES[style]}m{text}\x1b[0m"

    def data(self, text: str) -> None:
        """What was asked for, on stdout."""
        write(text, end="" if text.endswith("\n") else "\n")

    def say(self, text: str) -> None:
        """Words on stderr, silent under -q."""
        if not self.quiet:
            print(text, file=sys.stderr)

    def warn(self, code: str, message: str, hint: str | None = None) -> None:
        head = self.paint("warning:", "yellow", stderr=True)
        self.say(f"{head} {message} [{code}]")
        if hint:
            self.say(f"  help: {hint}")


def coloured(choice: Colour, stream: Any) -> bool:
    """Whether to colour: flag > NO_COLOR > FORCE_COLOR > terminal; an empty variable is unset."""
    if choice != "auto":
        return choice == "always"
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return bool(stream.isatty()) and os.environ.get("TERM") != "dumb"


def document(data: Mapping[str, Any]) -> None:
    """Exactly one JSON document on stdout, in ASCII where the stream is not UTF-8."""
    import codecs
    import json

    utf8 = codecs.lookup(sys.stdout.encoding or "ascii").name == "utf-8"
    write(json.dumps(data, indent=2, ensure_ascii=not utf8))


def write(text: str, end: str = "\n") -> None:
    """`text` on stdout; a terminal that lacks a character gets an escape instead of a crash."""
    try:
        sys.stdout.write(text + end)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + end)
    sys.stdout.flush()


def is_unwritable(error: Exception) -> bool:
    """Whether the device behind an output takes no more: it is full, or gone."""
    codes = {errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.EBADF}
    return isinstance(error, OSError) and error.filename is None and error.errno in codes


def failed(error: Exception, *, as_json: bool) -> int:
    """One clear line for `error`, or the error document; gives the exit code."""
    if is_unwritable(error):
        as_json = False  # the document would have nowhere to go
        error = AccelselError(USAGE, "unwritable", f"cannot write: {error.args[1]}")
    elif isinstance(error, FileNotFoundError) and error.filename is None:  # of os.getcwd
        error = AccelselError(
            USAGE, "no-folder", "the current folder is gone", help="change into one that exists"
        )
    elif not isinstance(error, AccelselError):
        error = _internal(error)
    if as_json:
        from accelsel.model.report import ErrorDocument
        from accelsel.ports.documents import document as make

        value = ErrorDocument(
            code=error.code,
            kind=error.kind,
            message=error.message,
            where=error.where,
            help=error.help,
        )
        document(make("error", value))
        return error.code
    head = "\x1b[1;31merror:\x1b[0m" if coloured("auto", sys.stderr) else "error:"
    print(f"{head} {one_line(error.message)}", file=sys.stderr)
    if error.where:
        print(f"  where: {one_line(error.where)}", file=sys.stderr)
    if error.help:
        print(f"  help: {one_line(error.help)}", file=sys.stderr)
    return error.code


def _internal(error: Exception) -> AccelselError:
    if os.environ.get("ACCELSEL_LOG") == "debug":
        import traceback

        traceback.print_exception(error)
    return AccelselError(
        INTERNAL,
        "internal",
        f"internal error: {type(error).__name__}: {error}",
        help="this is a defect of accelsel; set ACCELSEL_LOG=debug and report what it prints",
    )


def one_line(text: str) -> str:
    """`text` without control characters, which text from outside may hold."""
    return "".join(char if char.isprintable() else " " for char in text).strip()


def table(rows: Sequence[Sequence[str]], *, gap: str = "  ") -> Iterable[str]:
    """Lines of left-aligned columns; the last column is not padded."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        cells = [cell.ljust(width) for cell, width in zip(row[:-1], widths[:-1], strict=True)]
        yield gap.join([*cells, row[-1]]).rstrip()
