"""The reported situations, solved by `accelsel pin --write` alone."""

from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from tests.e2e.conftest import Project
from tests.kit.replay import Replay
from tests.kit.replay_catalog import Dist
from tests.kit.replay_fixtures import load

HEAD = '[project]\nname = "p"\nversion = "0"\n'
GENERIC = {"numpy", "requests", "filelock", "sympy", "jinja2", "setuptools", "typing-extensions"}


def project_text(*needs: str, python: str = ">=3.11") -> str:
    listed = ", ".join(f'"{need}"' for need in needs)
    return f'{HEAD}requires-python = "{python}"\ndependencies = [{listed}]\n'


def assert_settled(project: Project) -> None:
    """No file has two owners, the generic packages are the default index's, nothing moves."""
    assert project.shared() == {}
    assert not GENERIC & project.taken_from("/whl/")
    before = project.lock.read_bytes(), project.installed()
    project.uv("lock", "--check")
    project.uv("sync")
    project.uv("run", "python", "-c", "import torch")
    assert (project.lock.read_bytes(), project.installed()) == before


@pytest.mark.parametrize(
    ("host", "needs", "expected"),
    [
        pytest.param(
            "mi300x",
            ["torch>=2.5.1"],
            {"torch": "2.14.1+rocm7.2", "triton_rocm": "3.8.0"},
            id="rocm-today",
        ),
        pytest.param(
            "mi300x",
            ["torch>=2.5.1,<2.6"],
            {"torch": "2.5.1+rocm6.2", "pytorch_triton_rocm": "3.1.0"},
            id="rocm-as-reported",
        ),
        pytest.param(
            "arc-a770",
            ["torch<2.10"],
            {"torch": "2.9.1+xpu", "pytorch_triton_xpu": "3.5.0"},
            id="xpu-old-name",
        ),
        pytest.param(
            "arc-a770", ["torch"], {"torch": "2.14.1+xpu", "triton_xpu": "3.8.0"}, id="xpu-new-name"
        ),
    ],
)
def test_triton_of_the_same_index(
    make_project: Callable[[str], Project],
    host: str,
    needs: list[str],
    expected: Mapping[str, str],
) -> None:
    project = make_project(project_text(*needs, "requests>=2.32.2"))
    project.pin(host, "--write", "--sync")
    installed = project.installed()
    assert {name: installed.get(name) for name in expected} == expected
    assert_settled(project)


def test_a_wheel_url_becomes_a_version(
    make_project: Callable[[str], Project], replay: Replay
) -> None:
    wheel = "torch-2.2.1%2Bcu118-cp311-cp311-linux_x86_64.whl"
    url = f"https://download.pytorch.org/whl/cu118/{wheel}"
    project = make_project(project_text(f"torch @ {url}", "torchaudio", "certifi>=2024.2.2"))
    project.pin("gtx-1080-ti-580", "--write", "--sync")
    assert project.installed()["torch"].startswith("2.2.1+cu")
    assert project.installed()["torchaudio"].partition("+")[0] == "2.2.1"
    assert "@" not in project.file.read_text().partition("[tool")[0]
    assert_settled(project)


def test_a_compiled_package_from_its_page(make_project: Callable[[str], Project]) -> None:
    project = make_project(project_text("torch==2.5.1", "torch-scatter", python=">=3.11,<3.13"))
    project.pin("t4-535", "--write", "--sync")
    assert project.installed()["torch"] == "2.5.1+cu121"
    assert project.installed()["torch_scatter"] == "2.1.2+pt25cu121"
    assert_settled(project)


def test_a_hostile_index_gives_nothing_but_the_family(
    tmp_path: Path,
    make_project: Callable[[str], Project],
) -> None:
    catalog = load()
    family = {"torch", "torchvision", "torchaudio", "triton"}
    for name in catalog.projects("/pypi/simple"):
        if name not in family:
            catalog.add(Dist(index="/whl/cu126", name=name, version="9999"))
    with Replay(catalog) as hostile:
        project = make_project(project_text("torch", "torchvision", "torchaudio", "requests"))
        env = {**project.env, **hostile.environment(tmp_path / "cache")}
        project = Project(folder=project.folder, env=env, mirrors=hostile.mirrors)
        project.pin("gtx-1080-ti-580", "--write", "--sync")
        assert project.taken_from("/whl/") <= family
        assert "9999" not in project.installed().values()
        assert_settled(project)
