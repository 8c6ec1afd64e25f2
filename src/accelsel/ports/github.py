"""Findings as GitHub's workflow commands: annotations on the file that they speak of."""

from collections.abc import Iterable

from accelsel.model.finding import Finding

LEVELS = {"error": "error", "warning": "warning", "note": "notice"}


def annotations(findings: Iterable[Finding], *, file: str | None, lock: str | None) -> str:
    """One command a line. A finding of the project stands on its file, of the lock on that."""
    return "".join(f"{_annotation(each, file, lock)}\n" for each in findings)


def annotation(level: str, file: str | None, line: int | str | None, title: str, text: str) -> str:
    """One command; `level` is `error`, `warning` or `notice`."""
    properties = [f"file={_property(file)}"] if file else []
    properties += [f"line={line}"] if line else []
    properties.append(f"title={_property(title)}")
    return f"::{level} {','.join(properties)}::{_data(text)}"


def _annotation(finding: Finding, file: str | None, lock: str | None) -> str:
    where, _, line = finding.where.rpartition(":")
    if not (line.isdigit() and where in (file, lock)):
        where, line = finding.where, ""
    place = where if where in (file, lock) else file
    text = finding.what + (f"\nfix: {finding.fix}" if finding.fix else "")
    if finding.hint:
        text += f"\n{finding.hint}"
    return annotation(LEVELS[finding.severity], place, line, f"accelsel: {finding.id}", text)


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
