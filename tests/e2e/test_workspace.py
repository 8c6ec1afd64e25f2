"""A workspace is one project: pinned from any of its folders, written where uv reads it."""

import dataclasses
from collections.abc import Callable

import pytest
from tests.e2e.conftest import HOSTS, Project

ROOT = """\
[project]
name = "root"
version = "0"
requires-python = ">=3.11"
dependencies = ["a"]

[tool.uv.workspace]
members = ["packages/*"]
exclude = ["packages/seed"]

[tool.uv.sources]
a = { workspace = true }
"""
MEMBER = """\
[project]
name = "{name}"
version = "0"
requires-python = ">=3.11"
dependencies = [{dependencies}]
"""


def make(make_project: Callable[[str], Project]) -> Project:
    project = make_project(ROOT)
    for name, dependencies in (("a", '"torch>=2.6"'), ("b", ""), ("seed", '"torch==2.0.0"')):
        folder = project.folder / "packages" / name
        folder.mkdir(parents=True)
        text = MEMBER.format(name=name, dependencies=dependencies)
        (folder / "pyproject.toml").write_text(text, encoding="utf-8")
    return project


def installable(make_project: Callable[[str], Project]) -> Project:
    """The same with members that need no building."""
    project = make(make_project)
    for folder in (project.folder / "packages").iterdir():
        with (folder / "pyproject.toml").open("a", encoding="utf-8") as file:
            file.write("\n[tool.uv]\npackage = false\n")
    return project


def texts(project: Project) -> dict[str, bytes]:
    found = project.folder.rglob("pyproject.toml")
    return {str(path.relative_to(project.folder)): path.read_bytes() for path in found}


def test_pinned_from_a_member(make_project: Callable[[str], Project]) -> None:
    project = make(make_project)
    before = texts(project)
    project.pin("gtx-1080-ti-580", "--write", "--lock", str(project.folder / "packages" / "a"))
    after = texts(project)
    assert {name for name in after if after[name] != before[name]} == {"pyproject.toml"}
    torch = [package for package in project.locked() if package["name"] == "torch"]
    assert "2.14.1+cu126" in {package["version"] for package in torch}
    project.accelsel("pin", "--check", "packages/b", "packages/a", ".")
    project.accelsel("unpin", "--write", "packages/b")
    assert texts(project) == before


def test_a_member_with_its_own_pin_is_joined(make_project: Callable[[str], Project]) -> None:
    project = make(make_project)
    own = '[tool.uv.sources]\ntorch = { index = "pt" }\n\n[[tool.uv.index]]\nname = "pt"\n'
    url = 'url = "https://download.pytorch.org/whl/cu124"\nexplicit = true\n'
    member = project.folder / "packages" / "a" / "pyproject.toml"
    member.write_text(member.read_text(encoding="utf-8") + own + url, encoding="utf-8")
    before = texts(project)
    project.pin("rtx-5090-570", "--write", "--lock")
    torch = {p["version"] for p in project.locked() if p["name"] == "torch"}
    assert "2.13.0+cu129" in torch
    assert "pt" not in member.read_text(encoding="utf-8").partition("[tool.accelsel")[0]
    project.accelsel("unpin", "--write")
    assert texts(project) == before


def test_the_groups_of_a_member_are_locked_and_checked(
    make_project: Callable[[str], Project],
) -> None:
    project = make(make_project)
    before = texts(project)
    words = ("--write", "--lock", "--backends", "cpu,rocm7.2")
    said = project.pin("no-gpu", *words).stderr
    assert "uv sync --package a" in said
    after = texts(project)
    locked = project.lock.read_bytes()
    project.pin("no-gpu", *words)
    assert (texts(project), project.lock.read_bytes()) == (after, locked)
    for group in ("cpu", "rocm7-2"):
        asked = ("--package", "a", "--no-default-groups", "--group", group)
        said = project.uv("sync", "--dry-run", *asked).stderr
        assert f"+{group.replace('7-', '7.')}\n" in said
    project.accelsel("unpin", "--write")
    assert texts(project) == before


def test_what_the_warning_says_of_who_depends_on_a_member(
    make_project: Callable[[str], Project],
) -> None:
    """The root depends on the member, and has its torch only beside it."""
    project = installable(make_project)
    said = project.pin("no-gpu", "--write", "--lock", "--backends", "cpu,cu126").stderr
    assert "warning: root depends on a, whose torch is in groups of its own now" in said
    host = {"ACCELSEL_PROFILE": str(HOSTS / "gtx-1080-ti-580" / "profile.json")}
    project.accelsel("uv", "sync", env=host)
    assert "torch" not in project.installed()
    for words in (["--all-packages"], ["--package", "root", "--package", "a"]):
        project.accelsel("uv", "sync", *words, env=host)
        assert project.installed()["torch"] == "2.14.1+cu126"
    show = ["python", "-c", "import torch; print(torch.__version__)"]
    shown = project.accelsel("uv", "run", "--all-packages", *show, env=host).stdout
    assert shown.strip() == "2.14.1+cu126"


@pytest.mark.parametrize("backends", [[], ["--backends", "cpu,cu126"]], ids=["one", "several"])
@pytest.mark.parametrize("folder", ["", "packages/a", "packages/b"])
def test_the_doctor_sees_the_workspace_from_each_of_its_folders(
    make_project: Callable[[str], Project], folder: str, backends: list[str]
) -> None:
    project = installable(make_project)
    host = "gtx-1080-ti-580"
    project.uv("sync", "--all-packages")
    project.pin(host, "--write", *backends)
    here = dataclasses.replace(project, folder=project.folder / folder)
    doctor = ("doctor", "--replay", str(HOSTS / host))
    assert "error[gpu-not-served]" in here.accelsel(*doctor, code=1).stdout
    here.accelsel(*doctor, "--fix")
    assert project.installed()["torch"] == "2.14.1+cu126"
    assert "error" not in here.accelsel(*doctor).stdout
