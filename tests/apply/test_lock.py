"""Locks that the real uv made, read back."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from tests.kit.replay import Replay

from accelsel.apply.lock import (
    Mismatch,
    installed,
    lock_path,
    mismatches,
    read_lock,
    refuse,
)
from accelsel.model.errors import UV, AccelselError
from accelsel.model.selection import Package, RulesVersion, Selection, Torch
from accelsel.model.table import Index

X86 = "sys_platform == 'linux' and platform_machine == 'x86_64'"


def selection(backend: str, version: str = "2.14.1", specifier: str = "<2.15") -> Selection:
    name = f"pytorch-{backend.replace('.', '')}"
    triton = "triton-rocm" if backend.startswith("rocm") else "triton"
    packages = [
        Package(name="torchvision", specifier="", index=name, kind="companion", why=""),
        Package(
            name=triton,
            specifier="",
            index=name if triton != "triton" else None,
            kind="triton",
            why="",
        ),
    ]
    return Selection(
        outcome="selected",
        backend=backend,
        channel="stable",
        torch=Torch(version=version, specifier=specifier),
        python="3.12",
        platform="linux-x86_64",
        index=Index(name=name, url=f"https://download.pytorch.org/whl/{backend}"),
        packages=tuple(packages),
        environment={},
        serves=(),
        leaves_out=(),
        confidence="read",
        reasons=(),
        rejected=(),
        warnings=(),
        rules=RulesVersion(version="", checked=""),
        platforms=("linux-x86_64",),
    )


def lock(
    folder: Path, replay: Replay, env: Mapping[str, str], project: str, uv: str
) -> Mapping[str, Any]:
    """The lock of a project, in which `[uv BACKEND NAME...]` stands for sources and an index."""
    names = uv.split()[1:]
    index = f"pytorch-{uv.split(maxsplit=1)[0].replace('.', '')}"
    sources = "\n".join(f'{n} = {{ index = "{index}", marker = "{X86}" }}' for n in names)
    (folder / "pyproject.toml").write_text(
        f'[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\n{project}\n'
        f"[tool.uv.sources]\n{sources}\n[[tool.uv.index]]\n"
        f'name = "{index}"\nurl = "{replay.url}/whl/{uv.split(maxsplit=1)[0]}"\nexplicit = true\n'
    )
    return run(folder, env)


def run(folder: Path, env: Mapping[str, str]) -> Mapping[str, Any]:
    command = [str(Path(sys.executable).with_name("uv")), "lock", "--project", str(folder)]
    subprocess.run(command, env=dict(env), check=True, capture_output=True)
    return read_lock(lock_path(folder / "pyproject.toml"))


def compared(
    found: Mapping[str, Any], wanted: Selection, replay: Replay, branch: str | None = None
) -> tuple[Mismatch, ...]:
    assert wanted.index
    urls = {wanted.index.name: f"{replay.url}/whl/{wanted.backend}"}
    return mismatches(found, wanted, urls, branch=branch)


@pytest.mark.parametrize(
    ("project", "uv", "kinds"),
    [
        pytest.param(
            'dependencies = ["torch<2.15", "torchvision"]',
            "cu126 torch torchvision",
            [],
            id="right",
        ),
        pytest.param(
            'dependencies = ["torch<2.15", "torchvision"]', "cu126 torch", ["index"], id="companion"
        ),
        pytest.param(
            'dependencies = ["torchvision<0.29"]', "cu126 torchvision", ["index"], id="transitive"
        ),
        pytest.param(
            'dependencies = ["torch<2.14"]', "cu126 torch", ["version"], id="within-the-range"
        ),
        pytest.param('dependencies = ["numpy"]', "cu126", [], id="without-torch"),
        pytest.param(
            'dependencies = ["torch<2.15", "nvidia-cudnn-cu13==9.20.0.48"]',
            "cu126 torch",
            ["cuda-major"],
            id="two-majors",
        ),
        pytest.param(
            'dependencies = ["torch<2.15", "pytorch-triton"]',
            "cu126 torch",
            ["triton"],
            id="two-tritons",
        ),
        pytest.param(
            'dependencies = []\n[dependency-groups]\ndev = ["torch<2.14"]',
            "cu126",
            ["index"],
            id="in-a-group",
        ),
    ],
)
def test_mismatches(
    tmp_path: Path,
    replay: Replay,
    uv_env: Mapping[str, str],
    project: str,
    uv: str,
    kinds: list[str],
) -> None:
    found = compared(lock(tmp_path, replay, uv_env, project, uv), selection("cu126"), replay)
    assert [one.kind for one in found] == kinds
    assert all(one.platform == "linux-x86_64" and one.chain[0] == "p" for one in found)


def test_the_chain_that_caused_it(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    project = 'dependencies = ["torchvision<0.29"]'
    made = lock(tmp_path, replay, uv_env, project, "cu126 torchvision")
    found = compared(made, selection("cu126"), replay)
    assert found[0].chain == ("p", "torchvision", "torch")
    with pytest.raises(AccelselError) as caught:
        refuse(found, tmp_path / "uv.lock")
    assert (caught.value.code, caught.value.kind) == (UV, "lock-differs")
    assert "p -> torchvision -> torch" in (caught.value.help or "")


def test_another_version_within_the_range_is_right(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> None:
    made = lock(tmp_path, replay, uv_env, 'dependencies = ["torch<2.13"]', "cu126 torch")
    older = compared(made, selection("cu126"), replay)
    assert [(one.kind, one.wrong) for one in older] == [("version", False)]
    refuse(older, tmp_path)
    outside = compared(made, selection("cu126", specifier=">=2.13,<2.15"), replay)
    assert [(one.kind, one.wrong) for one in outside] == [("version", True)]


def test_rocm_with_its_triton(tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]) -> None:
    project = (
        'dependencies = ["torch<2.15", "torchvision"]\n'
        '[tool.uv]\nconstraint-dependencies = ["triton-rocm>=0"]'
    )
    names = "rocm7.2 torch torchvision triton-rocm"
    made = lock(tmp_path, replay, uv_env, project, names)
    assert compared(made, selection("rocm7.2"), replay) == ()
    on_windows = {one.name: one for one in installed(made, "windows-amd64", "3.12")}
    assert on_windows["torch"].registry == replay.default_index
    assert "triton" not in on_windows


@pytest.mark.parametrize("shape", ["extras", "groups"])
def test_several_backends(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str], shape: str
) -> None:
    kind = shape.removesuffix("s")
    table = "project.optional-dependencies" if shape == "extras" else "dependency-groups"
    sources = ", ".join(
        f'{{ index = "pytorch-{name}", {kind} = "{name}", marker = "{X86}" }}'
        for name in ("cu126", "cu130")
    )
    # accelerate requires torch as well, beside the branches
    (tmp_path / "pyproject.toml").write_text(
        '[project]\nname = "p-q"\nversion = "0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["accelerate"]\n'
        f'[{table}]\ncu126 = ["torch<2.15"]\ncu130 = ["torch<2.15"]\n'
        f'[tool.uv]\nconflicts = [[{{ {kind} = "cu126" }}, {{ {kind} = "cu130" }}]]\n'
        f"[tool.uv.sources]\ntorch = [{sources}]\n"
        + "".join(
            f'[[tool.uv.index]]\nname = "pytorch-{name}"\nurl = "{replay.url}/whl/{name}"\n'
            "explicit = true\n"
            for name in ("cu126", "cu130")
        )
    )
    made = run(tmp_path, uv_env)
    for name in ("cu126", "cu130"):
        assert compared(made, selection(name), replay, branch=name) == ()
    assert [one.kind for one in compared(made, selection("cu130"), replay, branch="cu126")] == [
        "index"
    ]


def test_a_script(tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]) -> None:
    script = tmp_path / "run.py"
    script.write_text(
        '# /// script\n# requires-python = ">=3.11"\n# dependencies = ["torch"]\n# ///\n'
    )
    command = [str(Path(sys.executable).with_name("uv")), "lock", "--script", str(script)]
    subprocess.run(command, env=dict(uv_env), check=True, capture_output=True)
    found = compared(read_lock(lock_path(script)), selection("cu126"), replay)
    assert [(one.kind, one.chain) for one in found] == [("index", ("script", "torch"))]


def test_the_lock_of_a_workspace_is_at_its_root(tmp_path: Path) -> None:
    member = tmp_path / "packages" / "a" / "pyproject.toml"
    member.parent.mkdir(parents=True)
    member.touch()
    assert lock_path(member) == member.with_name("uv.lock")
    (tmp_path / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    assert lock_path(member) == tmp_path / "uv.lock"


def test_a_lock_that_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "uv.lock").write_text("version = \n")
    for name in ("uv.lock", "absent.lock"):
        with pytest.raises(AccelselError) as caught:
            read_lock(tmp_path / name)
        assert (caught.value.code, caught.value.kind) == (UV, "lock-unreadable")
        assert "\n" not in caught.value.message
