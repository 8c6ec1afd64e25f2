"""Checks of what torch and its neighbours ask of each other in their metadata."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from accelsel.model.finding import Finding
from accelsel.model.installed import Distribution, Environment
from accelsel.rules.doctor_subject import (
    FAMILY,
    Check,
    Subject,
    TorchBuild,
    both_of,
    finding,
)

if TYPE_CHECKING:
    from packaging.requirements import Requirement


def requirements(subject: Subject) -> Iterator[Finding]:
    """A package asks for another torch, or torch for other libraries, than stand here."""
    both = both_of(subject)
    if both is None:
        return
    environment, torch = both
    markers = marker_environment(subject)
    tied = _tied(subject, torch)
    for package in environment.packages:
        if package.name in tied:
            continue  # said by `family-version`
        lines = package.requires if package.name == "torch" else _of_torch(package)
        for line in lines:
            requirement = _read(line)
            if requirement is None or not _applies(requirement, markers):
                continue
            if package.name == "torch":
                yield from _runtime(subject, environment, torch, requirement)
            elif requirement.specifier and not requirement.specifier.contains(
                torch.full, prereleases=True
            ):
                yield finding(
                    "torch-requirement",
                    "error",
                    f"{package.name} {package.version} asks for torch{requirement.specifier}; "
                    f"installed is {torch.full}",
                    environment.root,
                    _keeping(subject, torch, package),
                    hint="torch stays as it is; a release of the other package has to follow it",
                    cause="companion",
                )


def _tied(subject: Subject, torch: TorchBuild) -> set[str]:
    """The names that torch's own row ties to it."""
    rows = (b for b in subject.tables.builds if b.torch == torch.release)
    return {companion.name for row in rows for companion in row.companions}


def _keeping(subject: Subject, torch: TorchBuild, package: Distribution) -> str:
    """The command that finds a release of a package that fits the torch that is there."""
    if package.name in FAMILY or not torch.vendor:
        if subject.pinned:
            return f"uv sync --reinstall-package {package.name}"
        return subject.install(package.name, f"torch=={torch.release}", reinstall=False)
    name = package.name
    return f"uv pip install{subject.python_argument} --no-deps --no-binary {name} {name}"


def _of_torch(package: Distribution) -> list[str]:
    return [line for line in package.requires if re.match(r"torch(?![\w.-])", line)]


def _runtime(
    subject: Subject, environment: Environment, torch: TorchBuild, requirement: "Requirement"
) -> Iterator[Finding]:
    """What torch asks for itself: triton and NVIDIA's libraries."""
    name = re.sub(r"[-_.]+", "-", requirement.name).lower()
    if "triton" not in name and not name.startswith(("nvidia-", "cuda-")):
        return
    found = environment.get(name)
    if found is not None and requirement.specifier.contains(found.version, prereleases=True):
        return
    if torch.vendor or (found is None and environment.kind != "venv"):
        return  # an image or conda brings these libraries in another way
    has = f"installed is {found.version}" if found else "it is not installed"
    wanted = f"{name}{requirement.specifier}"
    source = ("uv sync" + f" --reinstall-package {name}") if subject.pinned else None
    yield finding(
        "runtime-version",
        "error",
        f"torch {torch.full} asks for {wanted}; {has}",
        environment.root,
        source or subject.install(wanted),
        hint="torch is right; another package brought the other version" if found else None,
        cause="companion",
    )


def _read(line: str) -> "Requirement | None":
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        return Requirement(line)
    except InvalidRequirement:
        return None


def _applies(requirement: "Requirement", markers: Mapping[str, str]) -> bool:
    if requirement.marker is None:
        return True
    return bool(requirement.marker.evaluate(dict(markers)))


def marker_environment(subject: Subject) -> dict[str, str]:
    """The environment in which requirement markers are read: this host and the other Python."""
    profile, environment = subject.profile, subject.environment
    version = (environment.python if environment else None) or profile.python.version
    system = profile.os.system
    machine = profile.cpu.arch
    if system == "windows":
        machine = {"x86_64": "AMD64", "arm64": "ARM64"}.get(machine, machine)
    return {
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
        "sys_platform": {"windows": "win32"}.get(system, system),
        "platform_system": {"linux": "Linux", "windows": "Windows", "darwin": "Darwin"}.get(
            system, system
        ),
        "os_name": "nt" if system == "windows" else "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "implementation_version": version,
        "platform_release": profile.os.release or "",
        "platform_version": "",
        "extra": "",
    }


REQUIREMENT_CHECKS = (
    Check(id="requirements", title="What torch and its neighbours ask for", run=requirements),
)
