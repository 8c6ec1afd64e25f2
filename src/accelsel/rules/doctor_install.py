"""Checks of how an environment was put together: from whom, for which Python, how completely."""

import re
from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.model.installed import Environment
from accelsel.rules.doctor_subject import (
    Check,
    Subject,
    finding,
    minor_of,
    release_of,
    setting,
    unsetting,
    worded,
)
from accelsel.rules.versions import numbers

PYTHON = re.compile(r"(?:cp|py)(\d)(\d*)")
SYSTEMS = {"linux": ("linux", "manylinux", "musllinux"), "windows": ("win",), "darwin": ("macosx",)}
NAMES = {"linux": "Linux", "windows": "Windows", "darwin": "macOS"}
# The first torch whose wheels were compiled with NumPy 2 (pytorch/pytorch issues 107302, 128860
# and 132179, read 2026-11-20); Windows's followed later.
NUMPY_2 = {"windows": (2, 4, 1)}
# MKL 2024.1 dropped a symbol to which conda's torch is linked (pytorch/pytorch issue 123097).
MKL_WITHOUT, CONDA_LINKED = (2024, 1), (2, 4)


def wheels(subject: Subject) -> Iterator[Finding]:
    """A compiled package was made for another Python or system than the environment's."""
    environment = subject.environment
    if environment is None:
        return
    told: dict[str, list[str]] = {}
    for package in environment.packages:
        reasons = [_against(subject, environment, tag) for tag in package.tags]
        if package.tags and all(reasons):
            told.setdefault(f"{reasons[0]}", []).append(package.name)
    for reason, names in told.items():
        python = "Python" in reason
        yield finding(
            "foreign-wheel",
            "error",
            f"{', '.join(names)} {'is' if len(names) == 1 else 'are'} made for {reason}",
            environment.root,
            f"{subject.sync} --reinstall"
            if subject.lock and subject.own
            else _again(subject, environment, names),
            hint="a folder copied from elsewhere, or a Python that was exchanged; torch of the "
            "same version is right",
            cause="python" if python else "project",
        )


def _again(subject: Subject, environment: Environment, names: list[str]) -> str:
    pinned = [f"{name}=={release_of(p.version)}" for name in names
              if (p := environment.get(name))]  # fmt: skip
    return subject.install(*pinned, reinstall=True)


def _against(subject: Subject, environment: Environment, tag: str) -> str | None:
    """For whom a wheel's tag is, where that is not this environment; None where it fits."""
    interpreter, abi, platform = [*tag.split("-"), "", ""][:3]
    system, machine = subject.profile.os.system, subject.profile.cpu.arch
    if platform != "any":
        if not platform.startswith(SYSTEMS.get(system, ("",))):
            other = next((s for s, heads in SYSTEMS.items() if platform.startswith(heads)), None)
            return NAMES.get(other or "")
        if system == "linux" and not platform.endswith(("x86_64", "aarch64")):
            return None
        if (
            system == "linux"
            and machine in ("x86_64", "aarch64")
            and not platform.endswith(machine)
        ):
            return f"{'aarch64' if machine == 'x86_64' else 'x86_64'} processors"
    version = environment.python
    match = PYTHON.fullmatch(interpreter.partition(".")[0])
    if abi == "none" or match is None or version is None or not match[2]:
        return None
    ours = tuple(map(int, version.split(".")[:2]))
    theirs = (int(match[1]), int(match[2]))
    free = environment.free_threaded
    if abi == "abi3" and free:
        return "ordinary Pythons; this is a free-threaded one"
    if abi == "abi3":
        return None if theirs <= ours else f"Python {theirs[0]}.{theirs[1]} or newer"
    if theirs != ours:
        return f"Python {theirs[0]}.{theirs[1]}; this is {ours[0]}.{ours[1]}"
    if free is not None and abi.startswith("cp") and abi.endswith("t") != free:
        kinds = ("free-threaded", "ordinary")
        return (
            f"the {kinds[free]} Python {theirs[0]}.{theirs[1]}; this is the {kinds[not free]} one"
        )
    return None


def numpy(subject: Subject) -> Iterator[Finding]:
    """NumPy 2 beside a torch that was compiled with NumPy 1."""
    environment, torch = subject.environment, subject.torch
    package = environment.get("numpy") if environment else None
    if environment is None or torch is None or package is None or torch.vendor:
        return
    first = NUMPY_2.get(subject.profile.os.system, (2, 3))
    if numbers(package.version)[:1] != (2,) or numbers(torch.release) >= first:
        return
    wanted = '"numpy<2"'
    yield finding(
        "numpy-too-new",
        "error",
        f"torch {torch.full} was compiled with NumPy 1; installed is numpy {package.version}",
        environment.root,
        f"uv add {wanted}" if subject.project else (
            f"uv pip install{subject.python_argument} {wanted}"
        ),
        hint="`Numpy is not available` and `_ARRAY_API not found` come from this; torch is right",
        cause="companion",
    )  # fmt: skip


def conda(subject: Subject) -> Iterator[Finding]:
    """Conda and pip have put torch into one environment, or conda's torch lacks its MKL."""
    environment, torch = subject.environment, subject.torch
    held = dict(environment.conda) if environment else {}
    if environment is None or torch is None or not held:
        return
    own = held.get("pytorch") or held.get("libtorch")
    if own is not None and minor_of(own) != minor_of(torch.release):
        yield finding(
            "conda-and-pip",
            "error",
            f"conda installed pytorch {own}, and torch {torch.full} was put over it",
            environment.root,
            f"conda remove --force -p {worded(environment.root)} pytorch libtorch",
            hint="one of them alone: then install torch anew with the other; parts of both are "
            "mixed now",
            cause="project",
        )
        return
    mkl = held.get("mkl")
    linked = own is not None and numbers(own)[:2] < CONDA_LINKED
    if mkl and linked and numbers(mkl)[:2] >= MKL_WITHOUT:
        yield finding(
            "conda-mkl",
            "error",
            f"conda's pytorch {own} needs an MKL of before 2024.1; installed is mkl {mkl}",
            environment.root,
            f'conda install -p {worded(environment.root)} "mkl<2024.1"',
            hint="`undefined symbol: iJIT_NotifyEvent` comes from this; torch is right",
            cause="companion",
        )


def leftovers(subject: Subject) -> Iterator[Finding]:
    """An install was interrupted and left folders with a tilde."""
    environment = subject.environment
    if environment is None or not environment.leftovers:
        return
    folders = " ".join(f"'{path}'" for path in environment.leftovers)
    windows = subject.profile.os.system == "windows"
    names = " and ".join(path.rpartition("/")[2] for path in environment.leftovers)
    yield finding(
        "interrupted-install",
        "warning",
        f"{names}: what an interrupted install or removal left of a package",
        environment.root,
        f"Remove-Item -Recurse {folders.replace(' ', ',')}" if windows else f"rm -r {folders}",
        hint="what stands beside it may be incomplete: install that package anew",
        cause="project",
    )


def shadowed(subject: Subject) -> Iterator[Finding]:
    """PYTHONPATH or the user's own site folder brings another torch before the environment's."""
    folder, environment = subject.files.shadow, subject.environment
    sites = environment.site if environment else ()
    if folder is not None and folder not in sites:
        yield finding(
            "shadowed-torch",
            "error",
            f"PYTHONPATH holds {folder}, whose torch is imported in the environment's place",
            "PYTHONPATH",
            unsetting(subject, "PYTHONPATH"),
            hint="torch of the environment was judged here, and is not the one that runs",
            cause="project",
        )
    alone = environment is None or environment.kind == "venv" or subject.torch is None
    if alone or environment is None or dict(subject.files.variables).get("PYTHONNOUSERSITE"):
        return
    python = f"/python{minor_of(environment.python or '')}/"
    for site in subject.files.user_torch:
        if python in site and site not in sites:
            yield finding(
                "shadowed-torch",
                "error",
                f"{site} holds a torch, which is imported in the environment's place",
                site,
                setting(subject, "PYTHONNOUSERSITE", "1"),
                hint="`pip install --user` put it there; torch of the environment was judged here",
                cause="project",
            )


INSTALL_CHECKS = (
    Check(id="foreign-wheel", title="A wheel for another Python or system", run=wheels),
    Check(id="numpy-too-new", title="NumPy 2 beside a torch of NumPy 1", run=numpy),
    Check(id="conda", title="Conda and pip mixed, or an MKL too new", run=conda),
    Check(id="interrupted-install", title="Leftovers of an interrupted install", run=leftovers),
    Check(id="shadowed-torch", title="PYTHONPATH brings another torch", run=shadowed),
)
