"""For whom a wheel is, by its tag, and what became of an environment."""

from typing import Any

import pytest
from tests.kit import told
from tests.rules.hosts import amd, host, nvidia
from tests.rules.rows import TABLES
from tests.rules.test_doctor_subject import environment, package, subject

from accelsel.knowledge.companions import faults
from accelsel.knowledge.companions import load as load_companions
from accelsel.model.installed import Distribution, Environment, HostFiles, Library, SharedPath
from accelsel.model.profile import Profile
from accelsel.rules.doctor import examine
from accelsel.rules.doctor_install import _against

LINUX, ARM = host(), host(arch="aarch64")
WINDOWS, MAC = host(system="windows"), host(system="darwin", arch="arm64")


@pytest.mark.parametrize(
    ("tag", "profile", "whom"),
    [
        ("py3-none-any", LINUX, None),
        ("cp312-cp312-manylinux_2_28_x86_64", LINUX, None),
        ("cp312-cp312-musllinux_1_2_x86_64", LINUX, None),
        ("cp312-cp312-linux_x86_64", LINUX, None),
        ("cp312-cp312-manylinux_2_28_aarch64", LINUX, "aarch64 processors"),
        ("cp312-cp312-manylinux_2_28_x86_64", ARM, "x86_64 processors"),
        ("cp312-cp312-manylinux_2_28_ppc64le", LINUX, None),
        ("cp312-cp312-linux_x86_64", host(arch="riscv64"), None),
        ("cp312-cp312-win_amd64", LINUX, "Windows"),
        ("cp312-cp312-macosx_11_0_arm64", LINUX, "macOS"),
        ("cp312-cp312-manylinux_2_28_x86_64", WINDOWS, "Linux"),
        ("cp312-cp312-win_amd64", WINDOWS, None),
        ("cp312-cp312-macosx_11_0_arm64", MAC, None),
        ("cp312-cp312-manylinux_2_28_x86_64", MAC, "Linux"),
        ("cp312-cp312-any_other", MAC, None),
        ("cp311-cp311-manylinux_2_28_x86_64", LINUX, "Python 3.11; this is 3.12"),
        ("cp313-none-any", LINUX, None),
        ("cp313-abi3-any", LINUX, "Python 3.13 or newer"),
        ("cp39-abi3-any", LINUX, None),
        ("cp312-abi3-any", LINUX, None),
        ("py2.py3-none-any", LINUX, None),
        ("cp3-cp3-any", LINUX, None),
        ("pp310-pypy310-any", LINUX, None),
        ("cp312-cp312t-any", LINUX, "the free-threaded Python 3.12; this is the ordinary one"),
        ("cp311.cp312-cp311-any", LINUX, "Python 3.11; this is 3.12"),
    ],
)
def test_for_whom_a_wheel_is(tag: str, profile: Profile, whom: str | None) -> None:
    assert _against(subject(profile), environment(), tag) == whom


@pytest.mark.parametrize(
    ("tag", "whom"),
    [
        ("cp314-cp314-any", "the ordinary Python 3.14; this is the free-threaded one"),
        ("cp314-cp314t-any", None),
        ("cp310-abi3-any", "ordinary Pythons; this is a free-threaded one"),
        ("cp313-cp313t-any", "Python 3.13; this is 3.14"),
    ],
)
def test_a_free_threaded_python(tag: str, whom: str | None) -> None:
    free = environment(python="3.14.0", free_threaded=True)
    assert _against(subject(), free, tag) == whom


def test_what_is_not_known_of_a_python_is_not_held_against_a_wheel() -> None:
    assert _against(subject(), environment(python=None), "cp311-cp311-any") is None
    unread = environment(free_threaded=None)
    assert _against(subject(), unread, "cp312-cp312t-any") is None


# --- what stands beside torch ---------------------------------------------------------------------


def torch(version: str, *requires: str, **facts: Any) -> Distribution:
    return package("torch", version, requires=requires, **facts)


def library(path: str = "a/_C.so", **facts: Any) -> Library:
    return Library(path=path, **facts)


CUDA, OLD, CPU = torch("2.14.1+cu126"), torch("2.5.1+cu124"), torch("2.14.1+cpu")
ROCM = torch("2.14.1+rocm7.2")
AMPERE, RADEON = nvidia("sm_86"), amd("gfx1100")
NONE, HOPPER = HostFiles(), library(sass=("sm_80", "sm_100"), ptx=("sm_90",))
SITUATIONS: dict[str, tuple[Profile, Environment, HostFiles]] = {
    name: (profile, found, files)
    for name, profile, found, files in (
        ("NumPy 2 beside the last torch of NumPy 1", AMPERE,
         environment(torch("2.2.2+cu121"), package("numpy", "2.1.0")), NONE),
        ("NumPy 2 beside the first torch of NumPy 2", AMPERE,
         environment(torch("2.3.0+cu121"), package("numpy", "2.1.0")), NONE),
        ("NumPy 1 beside an old torch", AMPERE,
         environment(torch("2.2.2+cu121"), package("numpy", "1.26.4")), NONE),
        ("NumPy 2 beside torch 2.4.0 on Windows", nvidia("sm_86", system="windows"),
         environment(torch("2.4.0+cu124"), package("numpy", "2.1.0")), NONE),
        ("NumPy 2 beside torch 2.4.1 on Windows", nvidia("sm_86", system="windows"),
         environment(torch("2.4.1+cu124"), package("numpy", "2.1.0")), NONE),
        ("conda's MKL of 2024.0", AMPERE,
         environment(torch("2.3.0"), conda=(("pytorch", "2.3.0"), ("mkl", "2024.0.0"))), NONE),
        ("conda's MKL of 2024.1", AMPERE,
         environment(torch("2.3.0"), conda=(("pytorch", "2.3.0"), ("mkl", "2024.1.0"))), NONE),
        ("conda's later torch on that MKL", AMPERE,
         environment(torch("2.4.0"), conda=(("pytorch", "2.4.0"), ("mkl", "2024.1.0"))), NONE),
        ("libtorch of conda and torch of pip", AMPERE,
         environment(OLD, conda=(("libtorch", "2.4.1"),), root="/my conda"), NONE),
        ("what two interrupted installs left", AMPERE,
         environment(CUDA, leftovers=("/x/~orch", "/x/~umpy")), NONE),
        ("what two interrupted installs left on Windows", nvidia("sm_86", system="windows"),
         environment(CUDA, leftovers=("C:/x/~orch", "C:/x/~umpy")), NONE),
        ("a torch on PYTHONPATH", AMPERE, environment(CUDA), HostFiles(shadow="/src/torch")),
        ("the environment's own site on PYTHONPATH", AMPERE, environment(CUDA),
         HostFiles(shadow="/x")),
        ("a torch of the user beside conda's", AMPERE, environment(CUDA, kind="conda"),
         HostFiles(user_torch=("/u/python3.12/site", "/u/python3.11/site"))),
        ("a torch of the user that is left out", AMPERE, environment(CUDA, kind="conda"),
         HostFiles(user_torch=("/u/python3.12/site",), variables=(("PYTHONNOUSERSITE", "1"),))),
        ("a torch of the user beside a venv", AMPERE, environment(CUDA),
         HostFiles(user_torch=("/u/python3.12/site",))),
        ("two wheels of another Python", AMPERE,
         environment(CUDA, package("a", "1+x", tags=("cp311-cp311-any",)),
                     package("b", tags=("cp311-cp311-any", "cp310-cp310-any"))), NONE),
        ("one wheel with a tag that fits", AMPERE,
         environment(CUDA, package("a", tags=("cp311-cp311-any", "cp312-cp312-any"))), NONE),
        ("vision of another release", AMPERE,
         environment(CUDA, package("torchvision", "0.28.0+cu126"), package("torchaudio", "2.11.0")),
         NONE),
        ("vision of another CUDA major", AMPERE,
         environment(OLD, package("torchvision", "0.20.1+cu118")), NONE),
        ("vision of another CUDA minor", AMPERE,
         environment(OLD, package("torchvision", "0.20.1+cu121")), NONE),
        ("vision of another CUDA minor with the stable ABI", AMPERE,
         environment(CUDA, package("torchvision", "0.29.1+cu128")), NONE),
        ("audio for the CPU", AMPERE,
         environment(OLD, package("torchaudio", "2.5.1+cpu")), NONE),
        ("vision of ROCm", RADEON,
         environment(ROCM, package("torchvision", "0.29.1+cu126")), NONE),
        ("text and data of the CPU", AMPERE,
         environment(OLD, package("torchtext", "0.18.0+cpu"), package("torchdata", "0.9+cpu")),
         NONE),
        ("an extension of CUDA 11", AMPERE,
         environment(CUDA, package("a", libraries=(library(cuda=11),))), NONE),
        ("an extension of several CUDAs", AMPERE,
         environment(CUDA, package("a", libraries=(library(cuda=11), library(cuda=12)))), NONE),
        ("an extension of CUDA beside a CPU build", host(),
         environment(CPU, package("a", libraries=(library(gpu="cuda"),))), NONE),
        ("an extension of CUDA beside ROCm", RADEON,
         environment(ROCM, package("a", libraries=(library(gpu="cuda"),))), NONE),
        ("an extension of HIP beside ROCm", RADEON,
         environment(ROCM, package("a", libraries=(library(gpu="hip"),))), NONE),
        ("an extension of the old ABI", AMPERE,
         environment(CUDA, package("a", libraries=(library(abi=False),))), NONE),
        ("an extension of the new ABI beside an old torch", AMPERE,
         environment(OLD, package("a", libraries=(library(abi=True),))), NONE),
        ("an extension of both ABIs", AMPERE,
         environment(OLD, package("a", libraries=(library(abi=True), library(abi=False)))),
         NONE),
        ("an extension without code for one of two", nvidia("sm_86", "sm_61"),
         environment(CUDA, package("a", libraries=(HOPPER,))),
         NONE),
        ("an extension with PTX of before", AMPERE,
         environment(CUDA, package("a", libraries=(library(ptx=("sm_70",)),))), NONE),
        ("an extension with PTX of a newer card", AMPERE,
         environment(CUDA, package("a", libraries=(library(ptx=("sm_90",)),))), NONE),
        ("libraries for each CUDA", AMPERE,
         environment(CUDA, package("a", libraries=(library("a/x_cuda126.so", sass=("sm_61",)),
                                                   library("a/x_cuda118.so", sass=("sm_86",))))),
         NONE),
        ("libraries for each major", AMPERE,
         environment(CUDA, package("a", libraries=(library("a/x.so", sass=("sm_61",), cuda=12),
                                                   library("a/y.so", sass=("sm_86",), cuda=11)))),
         NONE),
        ("an older nvJitLink on the path", AMPERE,
         environment(torch("2.14.1+cu126", "nvidia-nvjitlink-cu12==12.6.85")),
         HostFiles(before=(("/usr/local/cuda/lib64", "nvjitlink", "12.4.127"),))),
        ("an older NCCL than the one beside", AMPERE,
         environment(CUDA, package("nvidia-nccl-cu12", "2.27.3")),
         HostFiles(before=(("/opt/nccl", "nccl", "2.18.1"),))),
        ("a newer NCCL on the path", AMPERE,
         environment(CUDA, package("nvidia-nccl-cu12", "2.27.3")),
         HostFiles(before=(("/opt/nccl", "nccl", "2.27.4"),))),
        ("a cuDNN of another major on the path", AMPERE,
         environment(CUDA, package("nvidia-cudnn-cu12", "9.1")),
         HostFiles(before=(("/opt/cudnn", "cudnn", "8.9"),))),
        ("two owners of onnxruntime", AMPERE,
         environment(CUDA, package("onnxruntime", "1.22"), package("onnxruntime-gpu", "1.22")),
         NONE),
        ("two owners of onnxruntime beside a CPU build", host(),
         environment(CPU, package("onnxruntime", "1.22"), package("onnxruntime-gpu", "1.22")),
         NONE),
        ("two owners of one file", AMPERE,
         environment(CUDA, package("a"), package("b", requires=("a>1",)),
                     shared=(SharedPath(package="a", owners=("a", "c"), files=3),)), NONE),
        ("two owners of a stray folder", AMPERE,
         environment(CUDA, shared=(SharedPath(package="tests", owners=("a", "c"), files=3),)),
         NONE),
        ("the NCCL of another CUDA beside torch's", AMPERE,
         environment(torch("2.14.1+cu126", "nvidia-nccl-cu12"), package("nvidia-nccl-cu12"),
                     package("nvidia-nccl-cu13")), NONE),
        ("a library of another CUDA that an extension asks for", AMPERE,
         environment(CUDA, package("nvidia-cufft-cu13"),
                     package("xformers", "0.0.35", requires=("torch", "nvidia-cufft-cu13"))),
         NONE),
        ("a library of another CUDA that a program asks for", AMPERE,
         environment(CUDA, package("nvidia-cufft-cu13"),
                     package("cupy-cuda13x", requires=("nvidia-cufft-cu13 ; extra == 'ctk'",))),
         NONE),
        ("a leftover of another CUDA", AMPERE, environment(CUDA, package("nvidia-cufft-cu11")),
         NONE),
        ("torch in two versions", AMPERE,
         environment(CUDA, torch("2.13.0+cu126"), package("numpy", "1"), package("numpy", "2")),
         NONE),
        ("torch asks for another cuDNN", AMPERE,
         environment(torch("2.14.1+cu126", "nvidia-cudnn-cu12==9.10.2", "numpy", "triton==3.6.0"),
                     package("nvidia-cudnn-cu12", "9.1.0")), NONE),
        ("extensions that ask for another torch", AMPERE,
         environment(CUDA, package("b", requires=("numpy", "torch<2 ; sys_platform == 'win32'")),
                     package("a", requires=("numpy", "torch<2")),
                     package("c", requires=("torch>=3 ; extra == 'torch'",)),
                     package("d", requires=("torch>=3 ; extra == 'other'",))), NONE),
    )
}  # fmt: skip


def test_what_is_told() -> None:
    """By all checks: what one says no other says again."""
    text = ""
    for name, (profile, found, files) in SITUATIONS.items():
        report = examine(
            profile, TABLES, environment=found, files=files,
            companions=load_companions(), faults=faults(),
        )  # fmt: skip
        text += f"{name}\n{told.text({'findings': report.findings})}\n"
    told.same("beside-torch", text)
