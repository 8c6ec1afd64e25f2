"""Findings as workflow commands."""

from accelsel.model.finding import Finding
from accelsel.ports.github import annotation, annotations


def finding(severity: str = "error", where: str = ".venv") -> Finding:
    kind = {"error": "error", "warning": "warning"}.get(severity, "note")
    return Finding(
        id="cpu-build",
        severity="error" if kind == "error" else "warning" if kind == "warning" else "note",
        what="100% CPU\nbuild",
        where=where,
        fix="uv sync",
    )


def test_levels_places_and_escapes() -> None:
    text = annotations(
        [finding(), finding("warning", "uv.lock"), finding("note")],
        file="a,b/pyproject.toml",
        lock="uv.lock",
    )
    said = "title=accelsel%3A cpu-build::100%25 CPU%0Abuild%0Afix: uv sync"
    assert text.splitlines() == [
        f"::error file=a%2Cb/pyproject.toml,{said}",
        f"::warning file=uv.lock,{said}",
        f"::notice file=a%2Cb/pyproject.toml,{said}",
    ]


def test_a_line_of_the_project() -> None:
    text = annotations([finding(where="pyproject.toml:12")], file="pyproject.toml", lock=None)
    assert text.startswith("::error file=pyproject.toml,line=12,title=")


def test_outside_a_project_there_is_no_file() -> None:
    assert annotations([finding()], file=None, lock=None).startswith("::error title=")


def test_what_an_annotation_says_cannot_end_it() -> None:
    text = annotation("error", "50%,a:b/pyproject.toml", 3, "accelsel pin --check", "gone: 1,\n2%")
    assert text == (
        "::error file=50%25%2Ca%3Ab/pyproject.toml,line=3,title=accelsel pin --check"
        "::gone: 1,%0A2%25"
    )
