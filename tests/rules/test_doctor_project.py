"""What was written down, the lock, and the environment made from it: what differs, and its cure."""

from typing import Any

import pytest
from tests.kit import told
from tests.rules.hosts import amd, host, nvidia
from tests.rules.test_doctor_subject import environment, package, subject

from accelsel.model.installed import HostFiles, Lock, LockedPackage
from accelsel.rules.doctor_project import PROJECT_CHECKS
from accelsel.rules.doctor_subject import TorchBuild

CU126 = "https://download.pytorch.org/whl/cu126"
MIRROR = "https://mirror.example/whl/cu126"
ONE = {"selections": [{"backend": "cu126", "torch": "2.14.1"}]}
TWO = {
    "selections": [
        {"backend": "cpu", "torch": "2.14.1", "group": "cpu"},
        {"backend": "cu126", "torch": "2.14.1", "group": "cu126"},
    ]
}
MIRRORED = {**ONE, "written": ["x", {"is": 3}, {"is": {"name": "other", "url": "https://o.example"}},
                               {"is": {"name": "pytorch-cu126", "url": MIRROR}}]}  # fmt: skip
TORCH = TorchBuild(release="2.14.1", full="2.14.1+cu126", backend="cu126")
INSTALLED = package("torch", "2.14.1+cu126")


def locked(*rows: tuple[str, str, str | None, tuple[str, ...]]) -> Lock:
    packages = (
        LockedPackage(name=name, version=version, index=index, markers=markers)
        for name, version, index, markers in rows
    )
    return Lock(path="uv.lock", packages=tuple(packages))


RIGHT = locked(("torch", "2.14.1+cu126", CU126, ()))
OTHER = locked(("torch", "2.14.0+cu126", CU126, ()), ("triton", "3.5.0", None, ()))
FORKS = locked(
    ("torch", "2.14.1", "https://default.example/simple", ("sys_platform == 'darwin'",)),
    ("torch", "2.13.0+cu126", f"{CU126}/", ("sys_platform == 'linux'",)),
)
BROKEN = locked(("torch", "2.13.0", None, ("no marker",)), ("torch", "2.12.0", None, ()))
SITUATIONS: dict[str, dict[str, Any]] = {
    "as it is locked": {"environment": environment(INSTALLED), "lock": RIGHT, "record": ONE},
    "another torch than the lock's": {
        "environment": environment(INSTALLED), "lock": OTHER, "record": ONE,
    },
    "another torch than the lock's, not pinned": {
        "environment": environment(INSTALLED, package("triton", "3.6.0")), "lock": OTHER,
    },
    "another torch than the lock's, in groups": {
        "environment": environment(INSTALLED), "lock": OTHER, "record": TWO,
    },
    "a fork of the lock is this host's": {
        "environment": environment(INSTALLED), "lock": FORKS, "record": ONE,
    },
    "a marker that is none": {"environment": environment(INSTALLED), "lock": BROKEN},
    "an environment of somebody else": {
        "environment": environment(INSTALLED, chosen="VIRTUAL_ENV"), "lock": OTHER,
    },
    "not synced": {"environment": environment(package("numpy")), "lock": FORKS, "record": TWO},
    "empty": {"environment": environment(), "lock": RIGHT, "record": ONE},
    "no environment": {"lock": RIGHT, "record": ONE},
    "locked from another place": {
        "lock": locked(("torch", "2.14.1", "https://default.example/simple", ())), "record": ONE,
    },
    "locked from a mirror": {"lock": locked(("torch", "2.14.1", MIRROR, ())), "record": MIRRORED},
    "locked beside a mirror": {"lock": RIGHT, "record": MIRRORED},
    "locked from a path": {"lock": locked(("torch", "2.14.1", None, ())), "record": ONE},
    "locked before the pin": {"lock": locked(("numpy", "2.0.0", None, ())), "record": ONE},
    "several backends and a lock of none": {
        "lock": locked(("numpy", "2.0.0", None, ())), "record": TWO,
    },
    "a backend that this platform has not": {
        "profile": host(system="darwin", arch="arm64"),
        "lock": locked(("numpy", "2.0.0", None, ())), "record": ONE,
    },
    "a host that no pinned backend serves": {
        "profile": amd("gfx1100"), "record": TWO, "project": "app/pyproject.toml",
    },
    "a host that the one pinned backend does not serve": {"profile": amd("gfx1100"), "record": ONE},
    "a host without a GPU": {"profile": host(), "record": TWO},
    "a host that a pinned backend serves": {"profile": nvidia("sm_61"), "record": TWO},
    "another environment is active": {
        "environment": environment(INSTALLED),
        "files": HostFiles(variables=(("VIRTUAL_ENV", "/other/.venv"),)),
    },
    "the same environment is active": {
        "environment": environment(INSTALLED),
        "files": HostFiles(variables=(("VIRTUAL_ENV", "/x/.venv/"),)),
    },
    "neighbours without torch": {
        "environment": environment(package("torchvision"), package("torchaudio")), "torch": None,
    },
    "neighbours without torch in a locked project": {
        "environment": environment(package("torchvision")), "torch": None, "lock": RIGHT,
        "record": ONE,
    },
}  # fmt: skip


def test_what_is_told() -> None:
    text = ""
    for name, facts in SITUATIONS.items():
        given = {"torch": TORCH if facts.get("environment") else None, **facts}
        asked = subject(given.pop("profile", nvidia("sm_86")), **given)
        found = tuple(f for check in PROJECT_CHECKS for f in check.run(asked))
        text += f"{name}\n{told.text({'findings': found})}\n"
    told.same("project-situations", text)


@pytest.mark.parametrize(
    ("record", "sync"),
    [
        (None, "uv sync"),
        (ONE, "uv sync"),
        (TWO, "accelsel uv sync"),
        ({"selections": ["x", {"extra": "gpu"}]}, "accelsel uv sync"),
    ],
)
def test_a_plain_sync_takes_no_extra(record: dict[str, Any] | None, sync: str) -> None:
    assert subject(record=record).sync == sync
