"""What several checks of the doctor share: commands, paths, backends, the installed torch."""

from typing import Any

import pytest
from tests.rules.hosts import host, nvidia
from tests.rules.rows import TABLES

from accelsel.model.installed import Distribution, Environment, TorchText
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules import select
from accelsel.rules.doctor_subject import (
    Subject,
    TorchBuild,
    compiled,
    cuda_of,
    given,
    gpu_name,
    installed_torch,
    minor_of,
    python_tag,
    setting,
    then,
    unsetting,
    worded,
)

LINUX, WINDOWS = nvidia("sm_86"), nvidia("sm_86", system="windows")


def subject(profile: Profile = LINUX, **facts: object) -> Subject:
    best = select(profile, Request(), TABLES)
    return Subject(profile=profile, tables=TABLES, best=best, **facts)  # type: ignore[arg-type]


def environment(*packages: Distribution, **facts: object) -> Environment:
    known: dict[str, Any] = {
        "root": "/x/.venv", "kind": "venv", "chosen": ".venv", "python": "3.12.3",
        "free_threaded": False, "site": ("/x",),
    }  # fmt: skip
    return Environment(**(known | facts), packages=packages)


def package(name: str, version: str = "1.0", **facts: object) -> Distribution:
    return Distribution(name=name, version=version, folder=f"{name}-{version}", **facts)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("path", "word"),
    [
        ("/home/user/.venv", "/home/user/.venv"),
        (r"C:\envs\my-env@1", r"C:\envs\my-env@1"),
        ("/home/my own/env", "'/home/my own/env'"),
        ("/home/o'neill/env", '"/home/o\'neill/env"'),
    ],
)
def test_a_path_is_one_word(path: str, word: str) -> None:
    assert worded(path) == word


def test_commands_are_those_of_the_shell() -> None:
    linux, windows = subject(), subject(WINDOWS)
    assert (setting(linux, "A", "1"), unsetting(linux, "A")) == ("export A=1", "unset A")
    assert (setting(windows, "A", "1"), unsetting(windows, "A")) == (
        '$env:A = "1"', "Remove-Item Env:A",
    )  # fmt: skip
    assert (then(linux), then(windows)) == (" && ", "; ")
    tools = [package(name) for name in ("setuptools", "wheel", "packaging", "ninja")]
    build = "uv pip install --reinstall-package a --no-build-isolation --no-binary a a==1"
    some = subject(environment=environment(*tools))
    assert compiled(some, "a", "a==1", "8.6") == (
        f"uv pip install psutil && TORCH_CUDA_ARCH_LIST=8.6 {build}"
    )
    some = subject(WINDOWS, environment=environment(*tools, package("psutil")))
    assert compiled(some, "a", "a==1", "8.6") == f'$env:TORCH_CUDA_ARCH_LIST = "8.6"; {build}'
    assert compiled(some, "a", "a==1") == build
    assert compiled(linux, "a", "a==1") == build


@pytest.mark.parametrize(
    ("profile", "release", "project", "wanted"),
    [
        (nvidia("sm_75"), "2.9.1", None, ("2.9.1", "cu130")),
        (nvidia("sm_61"), "2.9.1", None, ("2.9.1", "cu126")),
        (nvidia("sm_61"), "2.15.0", None, ("2.14.1", "cu126")),
        (nvidia("sm_61"), "2.9.1", "/x/pyproject.toml", ("2.14.1", "cu126")),
        (nvidia("sm_120"), "2.4.1", None, ("2.15.0", "cu132")),
        (nvidia("sm_75"), "of nobody", None, ("2.15.0", "cu132")),
        (nvidia("sm_75"), None, None, ("2.15.0", "cu132")),
    ],
    ids=["the release has one", "another backend of it", "the release has none for the GPU",
         "a project has its own bounds", "the GPU is newer", "no release", "no torch"],
)  # fmt: skip
def test_the_nearest_build_is_of_the_installed_release(
    profile: Profile, release: str | None, project: str | None, wanted: tuple[str, str]
) -> None:
    torch = TorchBuild(release=release, full=f"{release}+cpu", backend="cpu") if release else None
    found = subject(profile, torch=torch, project=project).nearest
    assert found.torch
    assert (found.torch.version, found.backend) == wanted


@pytest.mark.parametrize(
    ("container", "vendor", "command"),
    [
        (None, "amd", "docker run --device /dev/kfd --device /dev/dri --group-add video IMAGE"),
        ("docker", "nvidia", "docker run --gpus all IMAGE"),
        ("podman", "intel", "podman run --device /dev/dri --group-add keep-groups IMAGE"),
        ("kubernetes", "amd",
         "kubectl set resources deployment NAME --limits=amd.com/gpu=1"),
        ("kubernetes", "intel",
         "kubectl set resources deployment NAME --limits=gpu.intel.com/i915=1"),
        ("other", "apple", "lxc config device add NAME gpu0 gpu"),
        ("containerd", "nvidia", "docker run --gpus all IMAGE"),
        ("podman", "apple", "podman run --device nvidia.com/gpu=all IMAGE"),
    ],
)  # fmt: skip
def test_a_container_is_given_gpus(container: str | None, vendor: str, command: str) -> None:
    assert given(subject(host(container=container)), vendor) == command


@pytest.mark.parametrize(
    ("backend", "vendor", "flags"),
    [
        ("cu126", False, " --torch-backend cu126"),
        ("rocm7.2", False, " --torch-backend rocm7.2"),
        ("jetson-jp6", False, " --index https://pypi.jetson-ai-lab.io/jp6/cu126"),
        ("default", False, ""),
        ("cu126", True, ""),
        ("cu999", False, ""),
        (None, False, ""),
    ],
)
def test_the_family_comes_from_the_index_of_torch(
    backend: str | None, vendor: bool, flags: str
) -> None:
    torch = TorchBuild(release="2.14.1", full="2.14.1", backend=backend, vendor=vendor)
    found = subject(torch=torch).source_argument
    assert found.split("/+")[0] == flags or (flags and found.startswith(flags[:9]))
    assert bool(found) == bool(flags)
    assert subject(torch=torch).install("a", "b>=1") == f'uv pip install{found} a "b>=1"'
    assert subject().install("a==1", "https://x", reinstall=True) == (
        'uv pip install --reinstall-package a --reinstall-package https "a==1" https://x'
    )


def test_an_environment_that_was_named_is_named() -> None:
    named = subject(environment=environment(chosen="--python", root="/my own/env"))
    assert named.python_argument == " --python '/my own/env'"
    assert named.uninstall("a", "b") == "uv pip uninstall --python '/my own/env' a b"
    assert not named.own
    own = subject(environment=environment())
    assert (own.python_argument, own.own, subject().own) == ("", True, True)


@pytest.mark.parametrize(
    ("facts", "local", "version", "expected"),
    [
        ({"built": "2.14.1+cu126"}, "2.14.1+cu126", "2.14.1", ("2.14.1+cu126", "cu126", False)),
        ({}, None, "2.14.1+rocm7.2", ("2.14.1+rocm7.2", "rocm7.2", False)),
        ({}, "2.14.1+cpu", "2.14.1", ("2.14.1+cpu", "cpu", False)),
        ({}, None, "2.14.1", ("2.14.1", "cu130", False)),
        ({}, None, "9.9.0", ("9.9.0", None, False)),
        ({}, None, "2.14.1+acme", ("2.14.1+acme", None, True)),
        (
            {"requires": ("cuda-toolkit[cublas]==12.6 ; sys_platform == 'linux'",)}, None,
            "9.9.0", ("9.9.0", "cu126", False),
        ),
        (
            {"requires": ("nvidia-cuda-runtime-cu12 == 12.8.90", "x")}, None,
            "9.9.0", ("9.9.0", "cu128", False),
        ),
    ],
)  # fmt: skip
def test_the_installed_torch(
    facts: dict[str, object], local: str | None, version: str,
    expected: tuple[str, str | None, bool],
) -> None:  # fmt: skip
    text = TorchText(version=local, cuda=None, hip=None, xpu=None) if local else None
    found = installed_torch(
        environment(package("torch", version, **facts), torch=text), TABLES, "linux-x86_64"
    )
    assert found is not None
    assert (found.full, found.backend, found.vendor) == expected
    assert found.release == version.partition("+")[0]


@pytest.mark.parametrize(
    ("text", "backend", "vendor"),
    [
        (TorchText(version="2.14.1", cuda="12.6", hip=None, xpu=None), "cu126", True),
        (TorchText(version="2.14.1", cuda=None, hip=None, xpu="20250"), "xpu", False),
        (TorchText(version=None, cuda=None, hip=None, xpu=None), "cu130", False),
        (TorchText(version="2.13.0+cu126", cuda=None, hip=None, xpu=None), "cu130", False),
    ],
)
def test_what_torch_states_of_itself(text: TorchText, backend: str, vendor: bool) -> None:
    found = installed_torch(environment(package("torch", "2.14.1"), torch=text), TABLES,
                            "linux-x86_64")  # fmt: skip
    assert found is not None
    assert (found.backend, found.vendor, found.full) == (backend, vendor, "2.14.1")


def test_without_torch_there_is_none() -> None:
    assert installed_torch(environment(), TABLES, "linux-x86_64") is None


@pytest.mark.parametrize(
    ("python", "free", "tag"),
    [("3.12.3", False, "3.12"), ("3.14.0", True, "3.14t"), ("2.7.18", False, None),
     (None, None, None)],
)  # fmt: skip
def test_the_tag_of_a_python(python: str | None, free: bool | None, tag: str | None) -> None:
    assert python_tag(environment(python=python, free_threaded=free)) == tag
    assert python_tag(None) is None


def test_versions_and_names() -> None:
    assert minor_of("2.14.1+cu126") == "2.14"
    assert [cuda_of(name) for name in ("cu126", "cu118", "cpu", "rocm7.2", None)] == [
        (12, 6), (11, 8), None, None, None,
    ]  # fmt: skip
    assert gpu_name(LINUX.gpus[0]) == "GPU 0 (card sm_86, sm_86)"
