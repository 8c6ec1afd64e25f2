"""Each described host gets its build into an ordinary project, and it stays there."""

from collections.abc import Callable

import pytest
from tests.e2e.conftest import Project

from accelsel.apply.lock import installed

TEXT = """\
# what a user wrote
[project]
name = "an-app"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = [
    "numpy",  # first
    "torch>=2.6",
    "torchvision",
]

[dependency-groups]
dev = ["pytest"]
"""
TRITON = {"cu": "triton", "rocm": "triton_rocm", "xpu": "triton_xpu"}
HERE = [
    pytest.param("gtx-1080-ti-580", "cu126", "2.14.1", id="gtx-1080-ti-580"),
    pytest.param("t4-535", "cu126", "2.14.1", id="t4-535"),
    pytest.param("rtx-5090-570", "cu129", "2.13.0", id="rtx-5090-570"),
    pytest.param("rtx-5090-580", "cu132", "2.15.0", id="rtx-5090-580"),
    pytest.param("rtx-3060-gtx-1050-580", "cu126", "2.14.1", id="rtx-3060-gtx-1050-580"),
    pytest.param("h100-525", "cu126", "2.14.1", id="h100-525"),
    pytest.param("rx-7900-xtx", "rocm7.2", "2.14.1", id="rx-7900-xtx"),
    pytest.param("mi300x", "rocm7.2", "2.14.1", id="mi300x"),
    pytest.param("arc-a770", "xpu", "2.14.1", id="arc-a770"),
    pytest.param("no-gpu", "cpu", "2.14.1", id="no-gpu"),
]
ELSEWHERE = [
    pytest.param(
        "gh200-580", "cu132", "2.15.0", "linux-aarch64", "aarch64-unknown-linux-gnu", id="gh200"
    ),
    pytest.param("macos-arm64", None, "2.15.0", "macos-arm64", "aarch64-apple-darwin", id="macos"),
]


def triton_of(backend: str) -> set[str]:
    return {name for start, name in TRITON.items() if backend.startswith(start)}


def assert_installed(project: Project, backend: str, torch: str) -> None:
    versions = project.installed()
    assert versions["torch"] == f"{torch}+{backend}"
    assert versions["torchvision"].endswith(f"+{backend}")
    assert (project.site() / "torch" / "_accelsel_stub").read_text() == f"{backend}\n"
    assert project.owners("triton") == triton_of(backend)


def assert_settled(project: Project, host: str) -> None:
    """Nothing that uv or a second pin does afterwards changes the file, the lock or the build."""
    before = project.file.read_bytes(), project.lock.read_bytes(), project.installed()
    project.uv("lock", "--check")
    project.uv("sync", "--locked")
    said = project.uv("run", "python", "-c", "import torch; print(torch.__version__)")
    assert said.stdout.strip() == before[2]["torch"]
    project.pin(host, "--write", "--sync")
    assert (project.file.read_bytes(), project.lock.read_bytes(), project.installed()) == before


@pytest.mark.parametrize(("host", "backend", "torch"), HERE)
def test_pinned_and_synced(
    make_project: Callable[[str], Project], host: str, backend: str, torch: str
) -> None:
    project = make_project(TEXT)
    project.pin(host, "--write", "--sync")
    assert_installed(project, backend, torch)
    assert_settled(project, host)
    project.accelsel("unpin", "--write")
    assert project.file.read_bytes() == TEXT.encode()

    # the same where a lock and an environment of another backend are already there
    project.pin("no-gpu" if backend != "cpu" else "gtx-1080-ti-580", "--write", "--sync")
    project.pin(host, "--write", "--sync")
    assert_installed(project, backend, torch)
    project.uv("lock", "--check")
    project.accelsel("unpin", "--write")
    assert project.file.read_bytes() == TEXT.encode()


@pytest.mark.parametrize(("host", "backend", "torch", "platform", "triple"), ELSEWHERE)
def test_pinned_for_another_platform(
    make_project: Callable[[str], Project],
    host: str,
    backend: str | None,
    torch: str,
    platform: str,
    triple: str,
) -> None:
    project = make_project(TEXT)
    project.pin(host, "--write", "--lock")
    version = torch + (f"+{backend}" if backend else "")
    lock = {"package": project.locked()}
    [found] = [one for one in installed(lock, platform, "3.12") if one.name == "torch"]
    assert found.version == version
    env = {**project.env, "MACOSX_DEPLOYMENT_TARGET": "14.0"}
    dry = Project(folder=project.folder, env=env, mirrors=project.mirrors)
    said = dry.uv("sync", "--dry-run", "--python-platform", triple).stderr
    assert f"torch=={version}" in said
    before = project.file.read_bytes(), project.lock.read_bytes()
    project.uv("lock", "--check")
    project.pin(host, "--write", "--lock")
    assert (project.file.read_bytes(), project.lock.read_bytes()) == before
    project.accelsel("unpin", "--write")
    assert project.file.read_bytes() == TEXT.encode()


def test_with_torchaudio(make_project: Callable[[str], Project]) -> None:
    project = make_project(TEXT.replace('"torchvision",', '"torchvision",\n    "torchaudio",'))
    project.pin("gtx-1080-ti-580", "--write", "--sync")
    assert_installed(project, "cu126", "2.14.1")
    assert project.installed()["torchaudio"] == "2.11.0+cu126"


def test_only_torch_through_a_companion(make_project: Callable[[str], Project]) -> None:
    project = make_project(TEXT.replace('    "torch>=2.6",\n', ""))
    project.pin("gtx-1080-ti-580", "--write", "--sync")
    assert_installed(project, "cu126", "2.14.1")


def test_windows_line_ends_stay(make_project: Callable[[str], Project]) -> None:
    text = TEXT.replace("\n", "\r\n")
    project = make_project(text)
    project.pin("no-gpu", "--write", "--lock")
    data = project.file.read_bytes()
    assert data.count(b"\n") == data.count(b"\r\n")
    project.accelsel("unpin", "--write")
    assert project.file.read_bytes() == text.encode()


def test_nothing_but_the_family_comes_from_the_index(
    make_project: Callable[[str], Project],
) -> None:
    project = make_project(TEXT)
    project.pin("gtx-1080-ti-580", "--write", "--lock")
    family = {"torch", "torchvision", "torchaudio", "triton"}
    of_index = project.taken_from("/whl/")
    assert "torch" in of_index
    assert of_index <= family


def test_the_pin_says_what_it_would_do_and_does_nothing(
    make_project: Callable[[str], Project],
) -> None:
    project = make_project(TEXT)
    shown = project.pin("gtx-1080-ti-580").stdout
    assert shown.startswith("--- a/pyproject.toml\n+++ b/pyproject.toml\n")
    assert project.file.read_bytes() == TEXT.encode()
    assert [path.name for path in project.folder.iterdir()] == ["pyproject.toml"]


def test_check_follows_the_file(make_project: Callable[[str], Project]) -> None:
    project = make_project(TEXT)
    project.accelsel("pin", "--check", code=3)
    project.pin("gtx-1080-ti-580", "--write")
    project.accelsel("pin", "--check")
    text = project.file.read_text()
    project.file.write_text(text.replace("/whl/cu126", "/whl/cu130", 1))
    said = project.accelsel("pin", "--check", code=1)
    assert "pyproject.toml:" in said.stdout
