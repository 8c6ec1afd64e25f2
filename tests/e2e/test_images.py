"""The README's page on images, tried line by line in a root of its own: every Dockerfile block."""

import json
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.e2e.conftest import HOSTS, Project

README = Path(__file__).parents[2] / "README.md"
TEXT = """\
[project]
name = "service"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["torch>=2.6", "torchvision"]
"""
# what the build of each block ends with: the torch that is locked for x86-64 Linux
EXPECTED = {"COPY": "2.14.1+cu126", "ARG": "2.14.1+cu126", "FROM": "2.14.1+cu126"}


def blocks() -> list[list[str]]:
    """The instructions of each Dockerfile block in the README."""
    found = re.findall(r"```dockerfile\n(.*?)```", README.read_text(encoding="utf-8"), re.DOTALL)
    return [[line.strip() for line in block.strip().splitlines()] for block in found]


def test_the_page_has_three_ways() -> None:
    assert [block[0].split()[0] for block in blocks()] == list(EXPECTED)


@pytest.mark.parametrize("block", blocks(), ids=lambda block: block[0].split()[0])
def test_a_build_without_a_gpu(make_project: Callable[[str], Project], block: list[str]) -> None:
    project = make_project(TEXT)
    mirror = {"ACCELSEL_MIRROR": " ".join(project.mirrors)}
    env = {**project.env, **mirror, "container": "docker"}
    for line in block:
        instruction, _, rest = line.partition(" ")
        if instruction == "FROM":  # what such an image sets in the environment
            env["CUDA_VERSION"] = re.search(r":(\d+\.\d+\.\d+)-", rest)[1]  # type: ignore[index]
        elif instruction == "ARG":
            name, _, value = rest.partition("=")
            env[name] = value
        elif instruction == "COPY":
            for name in rest.split()[:-1]:
                if name == "gpu-profile.json":
                    saved = HOSTS / "rtx-3060-gtx-1050-580" / "profile.json"
                    (project.folder / name).write_bytes(saved.read_bytes())
        else:
            assert instruction == "RUN"
            subprocess.run(rest, shell=True, check=True, cwd=project.folder, env=env)
    assert project.installed()["torch"] == EXPECTED[block[0].split()[0]]


def test_with_nothing_to_go_by_it_stops(make_project: Callable[[str], Project]) -> None:
    project = make_project(TEXT)
    done = project.accelsel("pin", "--write", code=4, env={"container": "docker"})
    assert "--fallback cpu" in done.stderr
    assert project.file.read_text(encoding="utf-8") == TEXT
    done = project.accelsel(
        "select", "--fallback", "cpu", "--format", "json", env={"container": "docker"}
    )
    assert json.loads(done.stdout)["backend"] == "cpu"
