"""The Python of a project: its files, then the environment, then what is installed."""

from pathlib import Path

import pytest

from accelsel.cli.python import project_python, version_in


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("3.12", "3.12"),
        ("3.14t", "3.14t"),
        ("cpython@3.13.2", "3.13.2"),
        ("/usr/bin/python3.11", "3.11"),
        ("pypy", None),
        ("13.12", None),
        ("", None),
    ],
)
def test_version_in(text: str, version: str | None) -> None:
    assert version_in(text) == version


def test_the_file_then_the_variable_then_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_PYTHON", raising=False)
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)
    assert project_python(tmp_path) is None
    (tmp_path / ".venv").mkdir()
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("home = /x/3.9/bin\nversion_info = 3.11.7\n")
    assert project_python(tmp_path) == "3.11.7"
    monkeypatch.setenv("UV_PYTHON", "3.12")
    assert project_python(tmp_path) == "3.12"
    (tmp_path / ".python-version").write_text("# ours\n3.13t\n")
    assert project_python(tmp_path) == "3.13t"


def test_a_member_of_a_workspace_has_the_roots(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("UV_PYTHON", raising=False)
    monkeypatch.delenv("UV_PROJECT_ENVIRONMENT", raising=False)
    member = tmp_path / "packages" / "a"
    (tmp_path / ".venv").mkdir()
    member.mkdir(parents=True)
    (tmp_path / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    (member / "pyproject.toml").write_text('[project]\nname = "a"\nversion = "1"\n')
    (tmp_path / ".venv" / "pyvenv.cfg").write_text("version_info = 3.11.7\n")
    assert project_python(member) == "3.11.7"
    (tmp_path / ".python-version").write_text("3.12\n")
    assert project_python(member) == "3.12"
    (member / ".python-version").write_text("3.13\n")
    assert project_python(member) == "3.13"
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "b"\nversion = "1"\n')
    (member / ".python-version").unlink()
    assert project_python(member) is None
