"""Projects of other shapes, locked and synced by the real uv."""

import re
import tomllib
from collections.abc import Callable

import pytest
from tests.e2e.conftest import HOSTS, Project

HEAD = '[project]\nname = "an-app"\nversion = "0"\nrequires-python = ">=3.11"\n'


def test_several_backends_as_groups(make_project: Callable[[str], Project]) -> None:
    text = (
        HEAD
        + 'dependencies = ["torch", "torchvision", "numpy"]\n'
        + '[dependency-groups]\ndev = ["pytest"]\n'
    )
    project = make_project(text)
    project.pin("no-gpu", "--write", "--lock", "--backends", "cpu,cu126,rocm7.2")
    project.uv("sync")
    assert project.installed()["torch"] == "2.14.1+cpu"
    assert "pytest" in project.installed()
    project.uv("sync", "--no-group", "cpu", "--group", "cu126")
    assert project.installed()["torch"] == "2.14.1+cu126"
    assert project.installed()["torchvision"].endswith("+cu126")
    assert project.owners("triton") == {"triton"}
    project.uv("sync", "--no-group", "cpu", "--group", "rocm7.2")
    assert project.installed()["torch"] == "2.14.1+rocm7.2"
    assert project.owners("triton") == {"triton_rocm"}
    assert "pytest" in project.installed()
    project.uv("lock", "--check")
    before = project.file.read_bytes(), project.lock.read_bytes()
    project.pin("no-gpu", "--write", "--lock", "--backends", "cpu,cu126,rocm7.2")
    assert (project.file.read_bytes(), project.lock.read_bytes()) == before
    project.accelsel("unpin", "--write")
    assert project.file.read_text() == text


def test_several_backends_as_extras(make_project: Callable[[str], Project]) -> None:
    text = HEAD + 'dependencies = ["torch", "numpy"]\n'
    project = make_project(text)
    words = ("--write", "--lock", "--backends", "cpu,cu130,xpu", "--as", "extras")
    project.pin("no-gpu", *words)
    for name, owners in (("cpu", set()), ("cu130", {"triton"}), ("xpu", {"triton_xpu"})):
        project.uv("sync", "--extra", name)
        assert project.installed()["torch"].endswith(f"+{name}")
        assert project.owners("triton") == owners
        assert project.shared() == {}
    project.uv("lock", "--check")
    project.accelsel("unpin", "--write")
    assert project.file.read_text() == text


def test_a_pinned_project_follows_the_host(make_project: Callable[[str], Project]) -> None:
    """`accelsel uv` brings the group of the host's backend and leaves the other groups alone."""
    project = make_project(
        HEAD + 'dependencies = ["torch"]\n[dependency-groups]\ndev = ["pytest"]\n'
    )
    project.pin("no-gpu", "--write", "--lock", "--backends", "cpu,cu126")
    for host, backend in (("gtx-1080-ti-580", "cu126"), ("no-gpu", "cpu")):
        profile = {"ACCELSEL_PROFILE": str(HOSTS / host / "profile.json")}
        project.accelsel("uv", "sync", env=profile)
        assert project.installed()["torch"] == f"2.14.1+{backend}"
        assert "pytest" in project.installed()
    profile = {"ACCELSEL_PROFILE": str(HOSTS / "mi300x" / "profile.json")}
    project.accelsel("uv", "sync", env=profile, code=4)


@pytest.mark.parametrize(
    ("host", "version"), [("gtx-1080-ti-580", "2.14.1+cu126"), ("mi300x", "2.14.1+rocm7.2")]
)
def test_a_script(make_project: Callable[[str], Project], host: str, version: str) -> None:
    project = make_project("")
    project.file.unlink()
    text = (
        '#!/usr/bin/env python\n# /// script\n# requires-python = ">=3.11"\n'
        '# dependencies = ["torch"]\n# ///\nimport torch\nprint(torch.__version__)\n'
    )
    script = project.folder / "run.py"
    script.write_text(text)
    project.pin(host, "run.py", "--write", "--lock")
    assert version in (project.folder / "run.py.lock").read_text()
    assert project.uv("run", "run.py").stdout.strip() == version
    project.accelsel("unpin", "run.py", "--write")
    assert script.read_text() == text


def test_a_workspace_member(make_project: Callable[[str], Project]) -> None:
    root = (
        HEAD
        + 'dependencies = ["member"]\n[tool.uv.workspace]\nmembers = ["packages/*"]\n'
        + ("[tool.uv.sources]\nmember = { workspace = true }\n")
    )
    project = make_project(root)
    member = project.folder / "packages" / "member" / "pyproject.toml"
    member.parent.mkdir(parents=True)
    text = (
        '[project]\nname = "member"\nversion = "0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["torch"]\n[tool.uv]\npackage = false\n'
    )
    member.write_text(text)
    project.pin("gtx-1080-ti-580", "packages/member", "--write", "--lock")
    project.uv("sync")
    assert project.installed()["torch"] == "2.14.1+cu126"
    project.uv("lock", "--check")
    project.accelsel("unpin", "packages/member", "--write")
    assert (project.file.read_text(), member.read_text()) == (root, text)


def test_torch_in_an_extra_and_in_a_group(make_project: Callable[[str], Project]) -> None:
    text = HEAD + (
        'dependencies = ["numpy"]\n'
        '[project.optional-dependencies]\ntorch = ["torch", "torchvision"]\n'
        '[dependency-groups]\ntrain = ["torchaudio"]\n'
    )
    project = make_project(text)
    project.pin("gtx-1080-ti-580", "--write", "--lock")
    project.uv("sync", "--extra", "torch", "--group", "train")
    assert project.installed()["torch"] == "2.14.1+cu126"
    assert project.installed()["torchaudio"] == "2.11.0+cu126"
    project.accelsel("unpin", "--write")
    assert project.file.read_text() == text


def test_a_pin_made_by_hand_is_taken_over(make_project: Callable[[str], Project]) -> None:
    text = HEAD + (
        'dependencies = ["torch==2.9.1+cu130", "torchvision"]\n'
        '[tool.uv]\nindex-strategy = "unsafe-best-match"\n'
        '[[tool.uv.index]]\nname = "pt"\nurl = "https://download.pytorch.org/whl/cu130"\n'
    )
    project = make_project(text)
    project.pin("gtx-1080-ti-580", "--write", "--sync")
    assert project.installed()["torch"] == "2.9.1+cu126"
    assert "index-strategy" not in tomllib.loads(project.file.read_text())["tool"]["uv"]
    assert project.taken_from("/whl/") <= {"torch", "torchvision"}
    project.accelsel("unpin", "--write")
    assert project.file.read_text() == text


def test_an_extra_that_requires_another_torch(make_project: Callable[[str], Project]) -> None:
    """It, and what includes it, excludes the pin; each is right on its own, on every platform."""
    text = HEAD + (
        'dependencies = ["torch>=2.1"]\n'
        '[project.optional-dependencies]\nserve = ["vllm>=0.10,<0.20"]\n'
        'vision = ["torchvision"]\nall = ["an-app[serve]", "an-app[vision]"]\n'
        '[dependency-groups]\ndev = ["pytest"]\nbench = [{ include-group = "dev" }, "an-app[all]"]'
    )
    project = make_project(text)
    said = project.pin("rx-7900-xtx", "--write", "--lock").stderr
    assert "uv sync --no-group rocm7-2 --extra serve" in said
    project.uv("lock", "--check")

    def synced(*words: str) -> str:
        return project.uv("sync", "--dry-run", *words).stderr

    assert " torch==2.14.1+rocm7.2" in synced()
    assert re.search(r" torchvision==\S+\+rocm7\.2", synced("--extra", "vision"))
    for platform in ("windows", "aarch64-manylinux_2_28"):
        elsewhere = synced("--python-platform", platform)
        assert re.search(r" torch==2\.1[45]\.\d+\n", elsewhere), elsewhere
    for word in ("--extra=serve", "--extra=all", "--group=bench"):
        assert " torch==2.10.0\n" in synced("--no-group=rocm7-2", word)
    project.accelsel("unpin", "--write")
    assert project.file.read_text() == text


def test_only_what_is_left_out_requires_torch(make_project: Callable[[str], Project]) -> None:
    text = HEAD + (
        "dependencies = []\n[project.optional-dependencies]\n"
        'serve = ["torch>=2.10", "vllm>=0.19,<0.20"]\n'
    )
    project = make_project(text)
    said = project.pin("rx-7900-xtx", "--write", code=4).stderr
    assert "only the extra serve requires torch" in said
    assert project.file.read_text() == text
