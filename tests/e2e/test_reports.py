"""The situations that people reported: the real uv fails on the replay as they say it does."""

import subprocess
from collections.abc import Callable

import pytest
from tests.e2e.conftest import OLD_TORCH, THIS_PYTHON, Project
from tests.kit.replay import Replay

HEAD = '[project]\nname = "p"\nversion = "0"\n'


def index(name: str, url: str, *, explicit: bool = True) -> str:
    return (
        f'[[tool.uv.index]]\nname = "{name}"\nurl = "{url}"\n'
        f"explicit = {'true' if explicit else 'false'}\n"
    )


def lock(project: Project, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
    return project.uv("lock", *words, code=code)


@OLD_TORCH
def test_rocm_triton_is_nowhere(make_project: Callable[[str], Project], replay: Replay) -> None:
    """A source for torch alone does not reach the triton that it requires (uv issue 10712)."""
    project = make_project(
        HEAD + 'requires-python = ">=3.11"\ndependencies = ["torch>=2.5.1"]\n'
        '[tool.uv.sources]\ntorch = { index = "rocm" }\n'
        + index("rocm", f"{replay.url}/whl/rocm6.2")
    )
    assert "pytorch-triton-rocm" in lock(project, code=1).stderr


def test_an_index_that_is_not_explicit_shadows(
    make_project: Callable[[str], Project], replay: Replay
) -> None:
    project = make_project(
        HEAD
        + 'requires-python = ">=3.11"\ndependencies = ["torch", "requests>=2.32.2"]\n'
        + index("cu126", f"{replay.url}/whl/cu126", explicit=False)
    )
    assert "requests" in lock(project, code=1).stderr


def test_two_tritons_in_one_folder(make_project: Callable[[str], Project], replay: Replay) -> None:
    """A nightly wants pytorch-triton, another package wants triton (uv issue 11012)."""
    here = "sys_platform == 'linux' and platform_machine == 'x86_64'"
    project = make_project(
        HEAD + 'requires-python = ">=3.11"\n'
        'dependencies = ["torch==2.10.0.dev20251208", "unsloth-zoo"]\n'
        f'[tool.uv]\nenvironments = ["{here}"]\nconstraint-dependencies = ["pytorch-triton>=0"]\n'
        '[tool.uv.sources]\ntorch = { index = "nightly" }\n'
        'pytorch-triton = { index = "nightly" }\n'
        + index("nightly", f"{replay.url}/whl/nightly/cu130")
    )
    lock(project)
    project.uv("sync")
    assert project.owners("triton") == {"triton", "pytorch_triton"}


@OLD_TORCH
def test_a_vendor_index_that_shadows(
    make_project: Callable[[str], Project], replay: Replay
) -> None:
    """NVIDIA's index has the name that torch asks for, without its version (uv issue 7879)."""
    project = make_project(
        HEAD + 'requires-python = ">=3.10,<3.13"\n'
        'dependencies = ["tensorrt_llm~=0.12", "requests"]\n'
        '[tool.uv]\nprerelease = "allow"\n'
        f'extra-index-url = ["{replay.url}/pypi.nvidia.com"]\n'
    )
    said = " ".join(lock(project, code=1).stderr.replace("│", " ").split())  # older uv wraps
    assert "no version of nvidia-cudnn-cu12" in said
    assert "==9.1.0.70" in said
    assert f"`nvidia-cudnn-cu12` was found on {replay.url}/pypi.nvidia.com, but not at" in said


@OLD_TORCH
@pytest.mark.parametrize("isolated", [True, False])
def test_one_build_for_two_variants(
    make_project: Callable[[str], Project], replay: Replay, isolated: bool
) -> None:
    """A package compiled against torch: without a declared torch its build fails; without build
    isolation the build for one variant is taken for the other (uv issue 13794)."""
    extras = "".join(f'{name} = ["torch==2.5.1", "torch-scatter"]\n' for name in ("cu121", "cu124"))
    sources = ", ".join(f'{{ index = "{n}", extra = "{n}" }}' for n in ("cu121", "cu124"))
    metadata = (
        '[[tool.uv.dependency-metadata]]\nname = "torch-scatter"\nversion = "2.1.2"\n'
        "requires-dist = []\n"
    )
    project = make_project(
        HEAD
        + f'requires-python = "{THIS_PYTHON}"\n[project.optional-dependencies]\n'
        + extras
        + '[tool.uv]\nconflicts = [[{ extra = "cu121" }, { extra = "cu124" }]]\n'
        + ("" if isolated else 'no-build-isolation-package = ["torch-scatter"]\n')
        + f"[tool.uv.sources]\ntorch = [{sources}]\n"
        + metadata
        + "".join(index(n, f"{replay.url}/whl/{n}") for n in ("cu121", "cu124"))
    )
    lock(project)
    if isolated:
        said = project.uv("sync", "--extra", "cu121", code=1).stderr
        assert "No module named 'torch'" in said
        return
    project.uv("sync", "--extra", "cu121", "--no-install-package", "torch-scatter")
    project.uv("sync", "--extra", "cu121")
    project.uv("sync", "--extra", "cu124", "--no-install-package", "torch-scatter")
    project.uv("sync", "--extra", "cu124")
    built = (project.site() / "torch_scatter" / "__init__.py").read_text()
    assert project.installed()["torch"] == "2.5.1+cu124"
    assert "BUILT_WITH = '2.5.1+cu121'" in built
