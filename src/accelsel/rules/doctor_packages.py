"""Checks of what stands beside torch: torch itself may be right and its neighbours are not."""

import re
from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.model.installed import Distribution, Environment
from accelsel.model.requirement import normalized
from accelsel.rules.doctor_companions import cure
from accelsel.rules.doctor_labels import Label, abi_of, label_of
from accelsel.rules.doctor_owners import CUDA_ALONE, asked_names
from accelsel.rules.doctor_subject import (
    FAMILY,
    Check,
    Subject,
    TorchBuild,
    both_of,
    compiled,
    cuda_of,
    finding,
    gpu_build,
    minor_of,
    setting,
    then,
)
from accelsel.rules.host import BRAND, platform_of
from accelsel.rules.versions import numbers

MINORS = 30  # what is above is a minor and a patch: 2.60 is 2.6.0
# Packages that compile with the host's CUDA toolkit when they are used.
COMPILES = ("deepspeed", "gsplat", "deep-gemm", "flashinfer-python", "apex", "mamba-ssm")


def labels(subject: Subject) -> Iterator[Finding]:
    """A compiled extension says in its name that it was built against another torch."""
    both = both_of(subject)
    if both is None:
        return
    environment, torch = both
    for package in environment.packages:
        if package.name in ("torch", *FAMILY, "triton") or package.name.startswith("nvidia-"):
            continue
        label = label_of(package)
        if label is None or not _is_of_torch(subject, package, label):
            continue
        why = _label_against(subject, torch, label)
        if why is None:
            continue
        yield finding(
            "built-for-other-torch",
            "error",
            f"{package.name} {package.version} (+{label.text}) {why}".replace(
                f" (+{label.text})", "" if label.text in package.version else f" (+{label.text})"
            ),
            environment.root,
            rebuilt(subject, torch, package),
            hint="`undefined symbol` comes from this; torch is right",
            cause="companion",
        )


def _is_of_torch(subject: Subject, package: Distribution, label: Label) -> bool:
    """Whether a label speaks of torch: `+cu124` alone may be that of a program of its own."""
    known = subject.companions.distributions if subject.companions else {}
    return (
        bool(label.torch)
        or label.abi is not None
        or package.name in known
        or any(re.match(r"torch(?![\w.-])", line) for line in package.requires)
    )


def rebuilt(subject: Subject, torch: TorchBuild, package: Distribution) -> str:
    """The command that brings a package anew, made for the installed torch."""
    name = package.name
    if subject.project is not None and not torch.vendor:
        return f"{subject.pin} --sync{then(subject)}{subject.sync} --reinstall-package {name}"
    table = subject.companions
    if table is not None and name in table.offers and not torch.vendor:
        return cure(subject, table, package)[0]
    return compiled(subject, name, name)


def _label_against(subject: Subject, torch: TorchBuild, label: Label) -> str | None:
    """What of a label contradicts the installed torch; None where nothing does."""
    if torch.vendor and (label.torch or label.abi is not None):
        return f"is built for the public torch; {torch.full} is a vendor's own"
    release = numbers(torch.release)
    if label.torch and release[:2] not in label.torch:
        likely = next((each for each in label.torch if each[1] <= MINORS), label.torch[0])
        meant = ".".join(map(str, likely))
        return f"is built for torch {meant}; installed is {torch.full}"
    cuda = cuda_of(torch.backend)
    if label.cpu and cuda is not None:
        return f"is built for a CPU torch; installed is {torch.full}"
    if label.cuda and label.torch and torch.backend == "cpu":
        return f"is built for a CUDA torch; installed is {torch.full}"
    if label.cuda and cuda is not None and label.cuda[0] != cuda[0]:
        return f"is built for CUDA {label.cuda[0]}; torch {torch.full} for CUDA {cuda[0]}"
    abi = abi_of(release, torch.backend or "", platform_of(subject.profile))
    if label.abi is not None and abi is not None and label.abi != abi:
        ours, theirs = ("new", "old") if abi else ("old", "new")
        return f"uses the {theirs} C++ ABI; torch {torch.full} the {ours} one"
    return None


def windows_triton(subject: Subject) -> str | None:
    """The requirement for the triton-windows of the installed torch; None where the table does not
    know its Triton."""
    torch = subject.torch
    row = next(
        (
            b.triton
            for b in subject.tables.builds
            if torch and b.torch == torch.release and b.triton and b.triton.name == "triton"
        ),
        None,
    )
    return f"triton-windows=={minor_of(row.specifier.lstrip('=~>'))}.*" if row else None


def triton_windows(subject: Subject) -> Iterator[Finding]:
    """On Windows triton comes from another project, and its minor must be torch's."""
    both = both_of(subject)
    if both is None or subject.profile.os.system != "windows":
        return
    environment, torch = both
    wanted = windows_triton(subject)
    if wanted is None or cuda_of(torch.backend) is None:
        return
    minor = minor_of(wanted.partition("==")[2])
    package = environment.get("triton-windows")
    if package is not None and minor_of(package.version) == minor:
        return
    other = environment.get("triton")
    if package is None and other is None:
        yield finding(
            "triton-missing",
            "note",
            f"there is no triton for torch.compile; torch {torch.full} goes with {wanted}",
            environment.root,
            subject.install(wanted),
            cause="companion",
        )
        return
    has = package or other
    removal = "" if package else f"{subject.uninstall('triton')}{then(subject)}"
    yield finding(
        "triton-version",
        "error",
        f"{has.name if has else ''} {has.version if has else ''} does not go with torch "
        f"{torch.full}, which wants {wanted}",
        environment.root,
        removal + subject.install(wanted),
        hint="torch is right",
        cause="companion",
    )


def toolkit(subject: Subject) -> Iterator[Finding]:
    """What compiles on this host would do so with another CUDA major than torch's."""
    both = both_of(subject)
    cuda = cuda_of(both[1].backend) if both else None
    version = subject.files.toolkit
    if both is None or cuda is None:
        return
    environment, torch = both
    if not numbers(version or ""):
        yield from _no_toolkit(subject, environment, cuda)
        return
    major = numbers(version or "")[0]
    compiling = [name for name in COMPILES if environment.get(name)] + _to_be_built(subject)
    if major == cuda[0] or not compiling:
        return
    yield finding(
        "toolkit-major",
        "error",
        f"{', '.join(compiling)} compiles with the toolkit {version}; torch {torch.full} is built "
        f"for CUDA {cuda[0]}",
        subject.files.toolkit_path or "/usr/local/cuda",
        setting(subject, "CUDA_HOME", f"/usr/local/cuda-{cuda[0]}.{cuda[1]}")
        if subject.profile.os.system != "windows"
        else setting(
            subject,
            "CUDA_HOME",
            f"C:/Program Files/NVIDIA GPU Computing Toolkit/CUDA/v{cuda[0]}.{cuda[1]}",
        ),
        hint=f"any toolkit of CUDA {cuda[0]} will do; torch is right",
        cause="companion",
    )


def _no_toolkit(
    subject: Subject, environment: Environment, cuda: tuple[int, int]
) -> Iterator[Finding]:
    """There is no compiler for what compiles at its first use."""
    names = [name for name in COMPILES if environment.get(name)]
    if names and subject.profile.os.system == "linux" and subject.torch:
        yield finding(
            "toolkit-missing",
            "note",  # many of them come with finished parts, and a recording may not show it
            f"{', '.join(names)} compiles when it is used, and no CUDA toolkit is seen here",
            "/usr/local/cuda",
            f"sudo apt-get install cuda-toolkit-{cuda[0]}-{cuda[1]}",
            hint=f"any toolkit of CUDA {cuda[0]} will do; torch is right",
            cause="host",
        )


def _to_be_built(subject: Subject) -> list[str]:
    """Extensions that the project asks for, that are not there, and that come as source."""
    table, environment = subject.companions, subject.environment
    if table is None or environment is None:
        return []
    names = [
        normalized(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0])
        for line in subject.requirements
    ]
    return [
        name
        for name in dict.fromkeys(names)
        if name not in COMPILES
        and environment.get(name) is None
        and any(offer.match_runtime for offer in table.offers.get(name, ()))
    ]


def cuda_alone(subject: Subject) -> Iterator[Finding]:
    """A program for NVIDIA's GPUs alone stands beside a torch for another vendor's."""
    both, vendor = both_of(subject), gpu_build(subject)
    if both is None or vendor not in ("amd", "intel"):
        return
    environment, torch = both
    told = subject.companions.distributions if subject.companions else {}
    names = [
        package.name
        for package in environment.packages
        if re.match(CUDA_ALONE, package.name) and package.name not in told
    ]
    if names:
        yield finding(
            "cuda-alone",
            "warning",
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} for NVIDIA's GPUs alone; "
            f"torch {torch.full} is for {BRAND[vendor]}'s",
            environment.root,
            subject.uninstall(*names),
            hint="a program that needs them does not run here; torch is right",
            cause="companion",
        )


def vendor_replaced(subject: Subject) -> Iterator[Finding]:
    """An image was made with a vendor's torch, and a public one stands in its place."""
    both = both_of(subject)
    named = dict(subject.files.variables)
    if both is None or both[1].vendor or "NVIDIA_PYTORCH_VERSION" not in named:
        return
    environment, torch = both
    asked = sorted(asked_names(environment).get("torch", set()) - {"torchvision", "torchaudio"})
    who = f"; {', '.join(asked)} may have asked for it" if asked else ""
    yield finding(
        "vendor-torch-replaced",
        "error",
        f"this image was made with torch {named.get('PYTORCH_VERSION', 'of its vendor')} and holds "
        f"torch {torch.full}{who}",
        environment.root,
        "docker run --rm -it IMAGE python -c 'import torch; print(torch.__version__)'",
        hint="begin again from the image and build such packages against its torch: "
        "pip install --no-deps --no-build-isolation NAME",
        cause="companion",
    )


def audio_codec(subject: Subject) -> Iterator[Finding]:
    """From 2.9 on torchaudio loads and saves through torchcodec, which it does not require."""
    environment = subject.environment
    audio = environment.get("torchaudio") if environment else None
    if environment is None or audio is None or numbers(audio.version)[:2] < (2, 9):
        return
    if environment.get("torchcodec") is not None:
        return
    torch = subject.torch
    local = torch.full.partition("+")[2] if torch else ""
    without = "rocm" in local or (torch is not None and torch.backend in ("xpu", "amd"))
    yield finding(
        "audio-without-codec",
        "warning" if without else "note",
        f"torchaudio {audio.version} loads and saves through torchcodec, which is not installed"
        + (" and has no build for this torch" if without else ""),
        environment.root,
        subject.install("soundfile") if without else subject.install("torchcodec"),
        hint="soundfile reads audio without it; torch is right"
        if without
        else "or read audio with soundfile; torch is right",
        cause="companion",
    )


PACKAGE_CHECKS = (
    Check(id="vendor-torch-replaced", title="A vendor's torch was replaced", run=vendor_replaced),
    Check(id="audio-without-codec", title="torchaudio without torchcodec", run=audio_codec),
    Check(
        id="cuda-alone", title="A program for NVIDIA alone beside another vendor", run=cuda_alone
    ),
    Check(id="built-for-other-torch", title="An extension for another torch", run=labels),
    Check(id="triton-windows", title="Triton on Windows", run=triton_windows),
    Check(id="toolkit-major", title="A toolkit of another CUDA major", run=toolkit),
)
