"""A report as SARIF 2.1.0, which code hosts show beside the files."""

from collections.abc import Iterable, Mapping
from typing import Any

from accelsel.model.finding import Finding, Report

SCHEMA = "https://json.schemastore.org/sarif-2.1.0.json"
LEVELS = {"error": "error", "warning": "warning", "note": "note"}


def sarif(report: Report, *, version: str, titles: Mapping[str, str]) -> dict[str, Any]:
    """One run of one tool; `titles` names the checks, so that a finding's rule has words."""
    found = dict.fromkeys(finding.id for finding in report.findings)
    return {
        "$schema": SCHEMA,
        "version": "2.1.0",
        "runs": [
            {
                "tool": {
                    "driver": {
                        "name": "accelsel",
                        "version": version,
                        "rules": [
                            {"id": each, "shortDescription": {"text": titles.get(each, each)}}
                            for each in found
                        ],
                    }
                },
                "results": list(_results(report, list(found))),
            }
        ],
    }


def _results(report: Report, ids: list[str]) -> Iterable[dict[str, Any]]:
    for finding in report.findings:
        yield {
            "ruleId": finding.id,
            "ruleIndex": ids.index(finding.id),
            "level": LEVELS[finding.severity],
            "message": {"text": _text(finding)},
            "locations": [{"physicalLocation": _place(report, finding)}],
        }


def _text(finding: Finding) -> str:
    parts = [finding.what, f"at {finding.where}"]
    if finding.fix:
        parts.append(f"fix: {finding.fix}")
    if finding.hint:
        parts.append(finding.hint)
    return "\n".join(parts)


def _place(report: Report, finding: Finding) -> dict[str, Any]:
    """The place in the project to which a finding is pinned; a host's fault stands on it as well.

    Code hosts show no result without a line: a finding of the whole file is on its first.
    """
    where, _, line = finding.where.rpartition(":")
    for path in (report.lock, report.project):
        if path and finding.where == path:
            return _physical(path)
        if path and where == path and line.isdigit():
            return _physical(path, line=int(line))
    return _physical(report.project or "pyproject.toml")


def _physical(path: str, *, line: int = 1) -> dict[str, Any]:
    from urllib.parse import quote

    path = path.replace("\\", "/")
    absolute = path.startswith("/") or path[1:3] == ":/"
    uri = f"file:///{quote(path.lstrip('/'), safe='/:')}" if absolute else quote(path)
    return {"artifactLocation": {"uri": uri}, "region": {"startLine": line}}
