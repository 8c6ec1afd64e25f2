"""The doctor: an environment, a lock, a project and a host checked against each other. Pure.

A check is a unit with an id, a title and a function; adding one is adding it to a table and a
fixture that triggers it beside one that nearly does. No check changes anything; every finding says
what it would take.
"""

from collections.abc import Mapping
from typing import Any

from accelsel.knowledge.tables import Tables
from accelsel.model.companion import CompanionTable, Faults, Symptom
from accelsel.model.finding import (
    EnvironmentSummary,
    Finding,
    InstalledTorch,
    Report,
)
from accelsel.model.installed import Environment, HostFiles, Lock
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import RulesVersion
from accelsel.model.value import replace
from accelsel.rules.choice import select
from accelsel.rules.doctor_companions import COMPANION_CHECKS
from accelsel.rules.doctor_device import DEVICE_CHECKS
from accelsel.rules.doctor_error import ERROR_CHECKS, proved
from accelsel.rules.doctor_family import FAMILY_CHECKS
from accelsel.rules.doctor_faults import FAULT_CHECKS
from accelsel.rules.doctor_host import HOST_CHECKS
from accelsel.rules.doctor_install import INSTALL_CHECKS
from accelsel.rules.doctor_library import LIBRARY_CHECKS
from accelsel.rules.doctor_owners import OWNER_CHECKS
from accelsel.rules.doctor_packages import PACKAGE_CHECKS
from accelsel.rules.doctor_project import PROJECT_CHECKS
from accelsel.rules.doctor_requirements import REQUIREMENT_CHECKS
from accelsel.rules.doctor_subject import Check, Subject, installed_torch, python_tag
from accelsel.rules.doctor_torch import TORCH_CHECKS, judge
from accelsel.rules.doctor_variables import VARIABLE_CHECKS
from accelsel.rules.host import platform_of

CHECKS: tuple[Check, ...] = (
    *HOST_CHECKS,
    *DEVICE_CHECKS,
    *VARIABLE_CHECKS,
    *TORCH_CHECKS,
    *FAMILY_CHECKS,
    *REQUIREMENT_CHECKS,
    *OWNER_CHECKS,
    *PACKAGE_CHECKS,
    *COMPANION_CHECKS,
    *FAULT_CHECKS,
    *LIBRARY_CHECKS,
    *INSTALL_CHECKS,
    *PROJECT_CHECKS,
    *ERROR_CHECKS,
)
# Titles of findings that are not named as the check that makes them.
TITLES = {
    **{check.id: check.title for check in CHECKS},
    "build-for-other-hardware": "A build for other hardware",
    "companion-build": "A neighbour for another build of torch",
    "companion-kernels": "A neighbour without code for a GPU",
    "companion-version": "Parts of different releases",
    "companion-torch": "A neighbour for another torch",
    "conda-and-pip": "Torch of conda and of pip in one environment",
    "conda-mkl": "An MKL too new for conda's torch",
    "container-without-gpu": "A container without a GPU",
    "driver-library-missing": "The driver's library is not found",
    "driver-without-gpu": "A driver that shows no GPU",
    "error-text": "What a pasted message says",
    "hidden-gpus": "A variable hides every GPU",
    "integrated-gpu-first": "An integrated GPU is device 0",
    "not-synced": "The environment lacks what is locked",
    "pin-edited": "The pin is not as it was written",
    "runtime-version": "A library that torch asks for is another or missing",
    "stated-facts": "A variable states facts in the host's place",
    "toolkit-missing": "No CUDA toolkit for what compiles",
    "torch-requirement": "A neighbour asks for another torch",
    "triton-missing": "No Triton for torch.compile",
    "triton-version": "Triton of another torch",
    "uv-variable": "A variable changes what uv does here",
    "wsl-linux-driver": "A Linux driver inside WSL",
    "wsl-without-gpu": "WSL without the driver of Windows",
}
ORDER = {"error": 0, "warning": 1, "note": 2}


def examine(
    profile: Profile,
    tables: Tables,
    *,
    environment: Environment | None = None,
    lock: Lock | None = None,
    project: str | None = None,
    record: Mapping[str, Any] | None = None,
    workspace: bool = False,
    files: HostFiles | None = None,
    companions: CompanionTable | None = None,
    requirements: tuple[str, ...] = (),
    error: str | None = None,
    symptoms: tuple[Symptom, ...] = (),
    faults: Faults | None = None,
) -> Report:
    """Everything that was found, the worst first, in the order of CHECKS within a severity.

    What is None was not there to be looked at. `record` is `[tool.accelsel.pin]`, `project` the
    path of the project file, `workspace` whether it is one of several; without `companions` their
    table is not consulted. `requirements` are the project's own; `error` a message that somebody
    saw, read by `symptoms`; `faults` are what is known to be wrong in published releases.
    """
    platform = platform_of(profile)
    torch = installed_torch(environment, tables, platform) if environment else None
    request = _request(environment, record or {})
    subject = Subject(
        profile=profile,
        tables=tables,
        environment=environment,
        lock=lock,
        project=project,
        record=record,
        workspace=workspace,
        files=files or HostFiles(),
        torch=torch,
        best=select(profile, request, tables),
        request=request,
        judged=judge(profile, tables, request, torch),
        companions=companions,
        requirements=requirements,
        error=error,
        symptoms=symptoms,
        faults=faults or Faults(),
    )
    found = [finding for check in CHECKS[: -len(ERROR_CHECKS)] for finding in check.run(subject)]
    subject = replace(subject, found=tuple(_told(found)))
    found = _told([*found, *(f for check in ERROR_CHECKS for f in check.run(subject))])
    if subject.pinned and subject.own:  # what the pin's lock would give this environment
        found = [replace(each, own=each.own or each.fix == subject.sync) for each in found]
    return Report(
        environment=_summary(subject),
        project=project,
        lock=lock.path if lock else None,
        state=profile.state,
        checks=len(CHECKS),
        findings=tuple(sorted(dict.fromkeys(found), key=lambda each: ORDER[each.severity])),
        rules=RulesVersion(version=tables.version, checked=tables.checked),
    )


def _told(found: list[Finding]) -> list[Finding]:
    """What is still true where torch itself has to be replaced: what was measured by the installed
    one is left out, and nobody is told that torch is right."""
    found = proved(found)
    rest = [each for each in found if each.id != "other-cuda"]
    named = {each.what.split()[0] for each in rest if each.severity == "error"}
    found = [f for f in found if f in rest or f.what.split()[0] not in named]
    if not any(each.cause == "torch" and each.severity == "error" for each in found):
        return found
    left = [
        each for each in found if each.id not in ("family-build", "family-version", "other-cuda")
    ]
    return [replace(each, hint=_without(each.hint)) for each in left]


def _without(hint: str | None) -> str | None:
    parts = [part for part in (hint or "").split("; ") if part not in ("", "torch is right")]
    return "; ".join(parts) or None


def _request(environment: Environment | None, record: Mapping[str, Any]) -> Request:
    """What this host was asked for when the project was pinned, and the environment's Python."""
    asked = record.get("request", {})
    return Request(
        python=python_tag(environment),
        gpus=str(asked.get("gpu") or "all"),
        allow_arch_override=bool(asked.get("allow_arch_override")),
    )


def _summary(subject: Subject) -> EnvironmentSummary | None:
    environment, torch = subject.environment, subject.torch
    if environment is None:
        return None
    return EnvironmentSummary(
        path=environment.root,
        kind=environment.kind,
        chosen=environment.chosen,
        python=environment.python,
        distributions=len(environment.packages),
        torch=InstalledTorch(version=torch.full, backend=torch.backend) if torch else None,
    )
