"""A report as SARIF: what the standard demands of the parts that are used."""

from dataclasses import replace

import pytest

from accelsel.model.finding import Finding, Report
from accelsel.model.selection import RulesVersion
from accelsel.ports.sarif import sarif

FINDINGS = (
    Finding(id="cpu-build", severity="error", what="what", where=".venv", fix="uv sync"),
    Finding(id="lock-differs", severity="warning", what="what", where="uv.lock", fix=None),
    Finding(id="cpu-build", severity="note", what="what", where="uv.lock:7", fix=None),
)
REPORT = Report(
    environment=None,
    project="sub\\pyproject.toml",
    lock="uv.lock",
    state="usable",
    checks=3,
    findings=FINDINGS,
    rules=RulesVersion(version="1", checked="2026-11-20"),
)


def test_results_point_to_rules_and_files() -> None:
    document = sarif(REPORT, version="1.2", titles={"cpu-build": "A CPU build"})
    [run] = document["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert document["version"] == "2.1.0"
    assert [rule["id"] for rule in rules] == ["cpu-build", "lock-differs"]
    assert rules[0]["shortDescription"]["text"] == "A CPU build"
    assert [result["level"] for result in run["results"]] == ["error", "warning", "note"]
    assert [rules[result["ruleIndex"]]["id"] for result in run["results"]] == [
        result["ruleId"] for result in run["results"]
    ]
    places = [
        result["locations"][0]["physicalLocation"]["artifactLocation"]["uri"]
        for result in run["results"]
    ]
    assert places == ["sub/pyproject.toml", "uv.lock", "uv.lock"]
    lines = [
        result["locations"][0]["physicalLocation"]["region"]["startLine"]
        for result in run["results"]
    ]
    assert lines == [1, 1, 7]


@pytest.mark.parametrize(
    ("project", "uri"),
    [
        ("pyproject.toml", "pyproject.toml"),
        ("my project/pyproject.toml", "my%20project/pyproject.toml"),
        ("/srv/a b/pyproject.toml", "file:///srv/a%20b/pyproject.toml"),
        ("C:\\code\\pyproject.toml", "file:///C:/code/pyproject.toml"),
    ],
)
def test_places_are_addresses(project: str, uri: str) -> None:
    [run] = sarif(replace(REPORT, project=project), version="1", titles={})["runs"]
    place = run["results"][0]["locations"][0]["physicalLocation"]["artifactLocation"]
    assert place == {"uri": uri}
