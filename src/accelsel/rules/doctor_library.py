"""Checks of shared libraries: what the installed ones say of themselves, and what is loaded before
them."""

import re
from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.model.installed import Distribution, Library
from accelsel.rules.compatibility import runs
from accelsel.rules.doctor_labels import abi_of
from accelsel.rules.doctor_subject import (
    FAMILY,
    Check,
    Subject,
    TorchBuild,
    both_of,
    compiled,
    cuda_of,
    finding,
    gpu_name,
    unsetting,
)
from accelsel.rules.host import platform_of
from accelsel.rules.versions import numbers

OWN = ("torch", *FAMILY, "triton")


def binaries(subject: Subject) -> Iterator[Finding]:
    """The libraries of an extension were built for another torch than the installed one."""
    both = both_of(subject)
    if both is None:
        return
    environment, torch = both
    for package in environment.packages:
        if package.name in OWN or package.name.startswith("nvidia-"):
            continue
        why = _wrong_build(subject, torch, package)
        if why is None:
            continue
        yield finding(
            "built-for-other-torch",
            "error",
            f"{package.name} {package.version} {why}",
            environment.root,
            compiled(subject, package.name, package.name),
            hint="read from its libraries; torch is right",
            cause="companion",
        )


def _wrong_build(subject: Subject, torch: TorchBuild, package: Distribution) -> str | None:
    """What the libraries of a package say against the installed torch; a package that carries one
    for each CUDA, as bitsandbytes does, is right with any that fits."""
    cuda = cuda_of(torch.backend)
    majors = {each.cuda for each in package.libraries if each.cuda is not None}
    if cuda is not None and majors and cuda[0] not in majors:
        return f"is linked to CUDA {min(majors)}; torch {torch.full} is built for CUDA {cuda[0]}"
    kinds = {each.gpu for each in package.libraries if each.gpu is not None}
    if kinds and torch.backend == "cpu":
        return f"needs the GPU parts of torch; torch {torch.full} is a CPU build"
    if kinds == {"cuda"} and (torch.backend or "").startswith("rocm"):
        return f"is a CUDA build; torch {torch.full} is one for ROCm"
    ours = abi_of(numbers(torch.release), torch.backend or "", platform_of(subject.profile))
    theirs = {each.abi for each in package.libraries if each.abi is not None}
    if ours is not None and not torch.vendor and theirs == {not ours}:
        words = ("new", "old") if ours else ("old", "new")
        return f"uses the {words[1]} C++ ABI; torch {torch.full} the {words[0]} one"
    return None


def codeless(subject: Subject) -> Iterator[Finding]:
    """No library of an extension has code for a GPU of this host."""
    both = both_of(subject)
    cuda = cuda_of(both[1].backend) if both else None
    if both is None or cuda is None:
        return
    environment, torch = both
    for package in environment.packages:
        if package.name in OWN:
            continue
        coded = _chosen([each for each in package.libraries if each.sass or each.ptx], cuda)
        if not coded:
            continue
        gpus = [g for g in subject.profile.gpus if g.vendor == "nvidia" and g.usable and g.arch]
        left = [
            gpu
            for gpu in gpus
            if not any(_serves(subject, each, gpu.arch or "", cuda) for each in coded)
        ]
        for gpu in left:
            codes = sorted({code for each in coded for code in each.sass}, key=numbers_of)
            yield finding(
                "companion-kernels",
                "error" if len(left) == len(gpus) else "warning",
                f"{package.name} {package.version} has no code for {gpu_name(gpu)}, only for "
                f"{', '.join(codes) or 'PTX of a newer one'}",
                environment.root,
                compiled(
                    subject,
                    package.name,
                    package.name,
                    ".".join(map(str, numbers_of(gpu.arch or ""))),
                ),
                hint=f"read from its libraries; torch {torch.full} is right",
                cause="companion",
            )


def _chosen(coded: list[Library], cuda: tuple[int, int]) -> list[Library]:
    """The libraries that would be loaded beside this CUDA, where a package brings several for a
    choice at run time: those that name it in full, else those of its major, else all."""
    full = [each for each in coded if f"cuda{cuda[0]}{cuda[1]}" in each.path]
    return full or [each for each in coded if each.cuda == cuda[0]] or coded


def numbers_of(arch: str) -> tuple[int, int]:
    """(8, 6) of `sm_86`; what is no CUDA architecture is (0, 0)."""
    match = re.fullmatch(r"sm_(\d+)(\d)", arch)
    return (int(match[1]), int(match[2])) if match else (0, 0)


def _serves(subject: Subject, library: Library, arch: str, cuda: tuple[int, int]) -> bool:
    """By machine code, or by PTX of an architecture that is not newer."""
    exceptions = subject.tables.exceptions
    if any(runs(code, arch, cuda, exceptions) for code in library.sass):
        return True
    return any(numbers_of(code) <= numbers_of(arch) for code in library.ptx)


def before(subject: Subject) -> Iterator[Finding]:
    """LD_LIBRARY_PATH brings older CUDA libraries before those that torch asks for."""
    both = both_of(subject)
    if both is None or both[1].vendor:
        return
    environment, torch = both
    package = environment.get("torch")
    for folder, name, version in subject.files.before:
        pattern = re.compile(rf"nvidia-{name}(?:-cu\d+)?\s*(?:==|>=)\s*([\d.]+)")
        found = [
            m[1] for line in (package.requires if package else ()) if (m := pattern.match(line))
        ]
        beside = [p.version for p in environment.packages
                  if re.fullmatch(rf"nvidia-{name}(-cu\d+)?", p.name)]  # fmt: skip
        wanted = (found or beside or [None])[0]
        theirs, ours = numbers(version), numbers(wanted or "")
        if not theirs or not ours or theirs[0] != ours[0] or theirs[:3] >= ours[:3]:
            continue  # another major has another file name, and both can be loaded
        yield finding(
            "library-path",
            "error",
            f"LD_LIBRARY_PATH puts lib{FILES[name]} {version} of {folder} before {wanted}, which "
            f"torch {torch.full} brings",
            "LD_LIBRARY_PATH",
            unsetting(subject, "LD_LIBRARY_PATH"),
            hint="`undefined symbol` comes from this; torch is right, and needs no toolkit",
            cause="host",
        )


FILES = {"nvjitlink": "nvJitLink", "cudnn": "cudnn", "nccl": "nccl", "cublas": "cublas"}

LIBRARY_CHECKS = (
    Check(id="libraries", title="Libraries for another torch", run=binaries),
    Check(id="library-code", title="Libraries without code for a GPU", run=codeless),
    Check(id="library-path", title="Older libraries in LD_LIBRARY_PATH", run=before),
)
