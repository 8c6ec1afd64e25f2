"""What projects ask for under markers, in extras, in groups: pinned, and locked by the real uv."""

from collections.abc import Callable

import pytest
from tests.e2e.conftest import OLD_TORCH, THIS_PYTHON, Project

HEAD = f'[project]\nname = "an-app"\nversion = "0"\nrequires-python = "{THIS_PYTHON}"\n'
PASCAL = "gtx-1080-ti-580"


def versions(project: Project, name: str) -> set[str]:
    return {p["version"] for p in project.locked() if p["name"] == name}


@OLD_TORCH
def test_bounds_under_markers(make_project: Callable[[str], Project]) -> None:
    project = make_project(
        HEAD + "dependencies = [\"torch==2.4.1 ; sys_platform != 'darwin'\", "
        "\"torch==2.2.2 ; sys_platform == 'darwin'\"]\n"
    )
    project.pin(PASCAL, "--write", "--lock")
    assert "2.4.1+cu124" in versions(project, "torch")
    project.uv("sync")
    assert project.installed()["torch"] == "2.4.1+cu124"


@OLD_TORCH
@pytest.mark.parametrize("torch", ["2.2.1", "2.5.0"])
def test_an_exact_torch_with_its_torchaudio(
    make_project: Callable[[str], Project], torch: str
) -> None:
    project = make_project(HEAD + f'dependencies = ["torch=={torch}", "torchaudio=={torch}"]\n')
    project.pin(PASCAL, "--write", "--lock")
    for name in ("torch", "torchaudio"):
        assert {version.partition("+")[0] for version in versions(project, name)} == {torch}


def test_an_extra_that_the_host_cannot_have(make_project: Callable[[str], Project]) -> None:
    project = make_project(
        HEAD + 'dependencies = ["torch>=2.7"]\n'
        '[project.optional-dependencies]\nflash = ["flash-attn"]\nvision = ["torchvision"]\n'
    )
    told = project.pin(PASCAL, "--write", "--lock").stderr
    assert "flash-attn of extra flash is left out" in told
    project.uv("sync", "--extra", "vision")
    assert project.installed()["torchvision"].endswith("+cu126")


@OLD_TORCH
def test_groups_in_conflict(make_project: Callable[[str], Project]) -> None:
    project = make_project(
        HEAD + 'dependencies = []\n[dependency-groups]\nold = ["torch==2.5.0"]\n'
        'new = ["torch==2.7.0"]\n[tool.uv]\nconflicts = [[{ group = "old" }, { group = "new" }]]\n'
    )
    project.pin(PASCAL, "--write", "--lock")
    for group, version in (("old", "2.5.0"), ("new", "2.7.0")):
        project.uv("sync", "--group", group)
        assert project.installed()["torch"] == f"{version}+cu118"


def test_torch_that_the_project_masks(make_project: Callable[[str], Project]) -> None:
    project = make_project(
        HEAD + 'dependencies = ["torch>=2.6"]\n[tool.uv]\n'
        "override-dependencies = [\"torch; sys_platform == 'never'\"]\n"
    )
    assert "keeps torch off linux-x86_64" in project.pin(PASCAL).stderr


def test_a_malformed_requirement(make_project: Callable[[str], Project]) -> None:
    project = make_project(HEAD + 'dependencies = [\n  "torch>=<2.3",\n]\n')
    told = project.pin(PASCAL, code=2).stderr
    assert "where: pyproject.toml:6" in told


def test_a_url_in_uvs_words(make_project: Callable[[str], Project]) -> None:
    project = make_project(
        HEAD + 'dependencies = ["torch", '
        "\"dion @ git+https://git.example/dion.git; platform_machine == 'x86_64'\"]\n"
    )
    project.pin(PASCAL, "--write")
    assert "git.example/dion.git; platform" in project.file.read_text()


def test_a_package_from_a_repository_is_built_against_the_torch(
    make_project: Callable[[str], Project],
) -> None:
    project = make_project(
        HEAD + 'dependencies = ["torch", "apex"]\n'
        '[tool.uv.sources]\napex = { git = "https://git.example/apex" }\n'
    )
    project.pin("h100-525", "--write")
    assert "match-runtime = true" in project.file.read_text()
