"""The described environments with one thing otherwise: what of the findings changes, and what does
not. Cures above all are those of the system, of the container, of the environment and of the
project that they are for."""

import re
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from typing import Any

import pytest
from tests.kit import told
from tests.kit.environments import Case, Seen, cases, examined
from tests.rules.test_doctor_error import HOST, KERNELS, MESSAGES, TORCH, USERS

from accelsel.model.finding import Finding, Report

ALL = tuple(case for case in cases() if not case.near)
GROUPS = [
    {"backend": "cpu", "torch": "2.14.1", "group": "cpu"},
    {"backend": "cu126", "torch": "2.14.1", "group": "cu126"},
]


def _on(seen: Seen, **facts: Any) -> Seen:
    profile = seen.profile
    return replace(seen, profile=replace(profile, os=replace(profile.os, **facts)))


def _beside(seen: Seen, **facts: Any) -> Seen:
    return replace(seen, files=replace(seen.files, **facts))


def _in(seen: Seen, **facts: Any) -> Seen:
    if seen.environment is None:
        return seen
    return replace(seen, environment=replace(seen.environment, **facts))


CHANGES: dict[str, Callable[[Seen], Seen]] = {
    "on Windows": lambda seen: _on(seen, system="windows", libc=None),
    "in Docker": lambda seen: _on(seen, container="docker"),
    "in Podman on Fedora": lambda seen: _beside(
        _on(seen, container="podman"), distribution="fedora"
    ),
    "in WSL": lambda seen: _on(seen, wsl=True),
    "on Debian": lambda seen: _beside(seen, distribution="debian"),
    "on Arch": lambda seen: _beside(seen, distribution="arch"),
    "named by --python": lambda seen: _in(seen, chosen="--python", root="/home/my own/env"),
    "of conda": lambda seen: _in(seen, kind="conda", chosen="CONDA_PREFIX", root="/opt/conda"),
    "of Python 3.9": lambda seen: _in(seen, python="3.9.20"),
    "of a project": lambda seen: replace(seen, project="pyproject.toml"),
    "of a pinned project": lambda seen: replace(
        seen,
        project="pyproject.toml",
        record=seen.record or {"selections": [{"backend": "cu126", "torch": "2.14.1"}]},
    ),
    "of a project pinned for several": lambda seen: replace(
        seen, project="pyproject.toml", record={"selections": GROUPS}
    ),
    "without an environment": lambda seen: replace(seen, environment=None),
}


def _differences(before: Report, after: Report) -> str:
    """The findings that are not as before: their changed parts, or the whole where it is new."""
    was: dict[str, list[Finding]] = {}
    for one in before.findings:
        was.setdefault(one.id, []).append(one)
    text = ""
    for one in after.findings:
        others = was.get(one.id, [])
        if one in others:
            others.remove(one)
            continue
        whole, old = vars(one), vars(others.pop(0)) if others else {}
        parts = {key: part for key, part in whole.items() if not old or part != old[key]}
        text += f"  {one.id}\n" + "".join(
            f"    {key}: {part}\n"
            for key, part in parts.items()
            if key != "id" and part not in (None, False)
        )
    gone = [one.id for each in was.values() for one in each]
    return text + (f"  no {', '.join(gone)}\n" if gone else "")


@cache
def _plain(name: str) -> Report:
    return next(examined(case) for case in ALL if case.name == name)


@pytest.mark.parametrize("change", CHANGES)
def test_what_is_told(change: str) -> None:
    text = ""
    for case in ALL:
        if differences := _differences(_plain(case.name), examined(case, CHANGES[change])):
            text += f"{case.name}\n{differences}"
    told.same(f"elsewhere/{change.replace(' ', '-')}", text)


# --- messages -------------------------------------------------------------------------------------

SAID = tuple(dict.fromkeys((*(text for text, *_ in MESSAGES), *(row["said"] for row in USERS))))
RADEON = {"base": "rx-7900-xtx"}
ROCM = {"name": "torch", "version": "2.14.1+rocm7.2", "built": "2.14.1+rocm7.2"}
CPU = {"name": "torch", "version": "2.14.1+cpu", "built": "2.14.1+cpu"}
XPU = {"name": "torch", "version": "2.14.1+xpu", "built": "2.14.1+xpu"}
PLACES: dict[str, tuple[dict[str, Any], Callable[[Seen], Seen] | None]] = {
    "without an environment": ({"host": HOST}, None),
    "on Windows": ({"host": HOST, "packages": [TORCH]}, CHANGES["on Windows"]),
    "in Docker": ({"host": HOST, "packages": [TORCH]}, CHANGES["in Docker"]),
    "beside XPU": ({"host": {"base": "arc-a770"}, "packages": [XPU, KERNELS]}, None),
    "in Docker beside a CPU build": ({"host": HOST, "packages": [CPU]}, CHANGES["in Docker"]),
    "on a Mac": ({"host": {"base": "macos-arm64"}, "packages": [CPU]}, None),
    "beside a CPU build": ({"host": HOST, "packages": [CPU, KERNELS]}, None),
    "beside a CPU build without a GPU": ({"packages": [CPU]}, None),
    "beside ROCm": ({"host": RADEON, "packages": [ROCM, KERNELS]}, None),
    "of a pinned project": ({"host": HOST, "packages": [TORCH]}, CHANGES["of a pinned project"]),
}


def _message(said: str, place: str) -> Report:
    facts, change = PLACES[place] if place else ({"host": HOST, "packages": [TORCH]}, None)
    data: dict[str, Any] = {"host": facts.get("host", {}), "error": said}
    if "packages" in facts:
        data["environment"] = {"packages": facts["packages"]}
    report = examined(Case(name=place, data=data), change)
    return replace(report, findings=tuple(f for f in report.findings if f.id == "error-text"))


@cache
def _kinds() -> tuple[tuple[str, Report], ...]:
    """One message of each kind, by what is said of it beside CUDA."""
    found = {}
    for said in SAID:
        report = _message(said, "")
        found[re.sub(r"[^a-z ]", "", " ".join(f.what for f in report.findings).lower())[:60]] = (
            said, report,
        )  # fmt: skip
    return tuple(found.values())


@pytest.mark.parametrize("place", PLACES)
def test_what_is_told_of_messages(place: str) -> None:
    text = ""
    for said, plain in _kinds():
        if differences := _differences(plain, _message(said, place)):
            text += f"{said}\n{differences}"
    told.same(f"elsewhere/messages-{place.replace(' ', '-')}", text)
