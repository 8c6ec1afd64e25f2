"""The doctor on every described host alone: what is wrong with it is said before any torch is
installed, and of a host that works nothing is."""

from functools import cache
from pathlib import Path

import pytest
from tests.kit import told
from tests.kit.environments import HOSTS, Case, examined
from tests.kit.hosts import profiled

from accelsel.knowledge import load
from accelsel.model.finding import Report
from accelsel.model.installed import HostFiles
from accelsel.probe.record import RecordedWorld
from accelsel.probe.surroundings import look
from accelsel.rules.doctor import examine

# Errors and warnings; notes are left to the reader. A host that is not named here has none.
LOUD = {
    "amd-container-without-kfd-device": {"device-missing"},
    "amd-no-render-permission": {"device-permission"},
    "amd-vfio": {"gpu-without-driver"},
    "amdgpu-loaded-no-card": {"driver-without-gpu"},
    "arc-a770-container": {"device-missing"},
    "arc-b580-xe": {"device-permission"},
    "arc-without-driver": {"gpu-without-driver"},
    "container-cgroup-blocked": {"gpu-without-driver"},
    "container-utility-only": {"driver-library-missing"},
    "driver-not-loaded": {"gpu-without-driver"},
    "driver-without-gpu": {"driver-without-gpu"},
    "gpu-lost-among-four": {"gpu-unusable"},
    "hopper-and-kepler-override": {"stated-facts"},
    "macos-rosetta": {"python-translated"},
    "mismatch-after-update": {"driver-mismatch"},
    "no-permission-on-one": {"gpu-unusable"},
    "nvidia-files-without-library": {"driver-library-missing"},
    "nvml-crashes-midway": {"driver-hangs"},
    "nvml-hangs": {"driver-hangs"},
    "open-module-line-without-arch": {"driver-library-missing"},
    "pretended-absent": {"stated-facts"},
    "rtx-3050-a-laptop-no-driver": {"gpu-without-driver"},
    "rtx-3060-nouveau": {"gpu-without-driver"},
    "rtx-4090-nova": {"gpu-without-driver"},
    "rx-vega-sysfs-only": {"gpu-without-driver"},
    "smi-exit-18": {"driver-mismatch"},
    "smi-exit-9": {"gpu-without-driver"},
    "two-gtx-750-ti": {"gpu-without-driver"},
    "unknown-nvidia-id-no-driver": {"gpu-without-driver"},
    "windows-arc-and-uhd": {"integrated-gpu-first"},
    "windows-basic-display": {"gpu-without-driver"},
    "wsl1": {"wsl-1"},
    "wsl2-amd-without-rocm": {"gpu-without-driver"},
    "wsl2-arc-without-runtime": {"gpu-without-driver"},
    "wsl2-nvidia-without-windows-driver": {"gpu-without-driver"},
}
ALL = sorted(path.parent for path in HOSTS.glob("*/host.json"))


@cache
def _seen(name: str) -> HostFiles:
    return look(RecordedWorld(HOSTS / name))


def _alone(name: str) -> Report:
    return examine(profiled(name), load(), files=_seen(name))


@pytest.mark.parametrize("host", ALL, ids=lambda path: path.name)
def test_host(host: Path) -> None:
    report = _alone(host.name)
    loud = {finding.id for finding in report.findings if finding.severity != "note"}
    assert loud == LOUD.get(host.name, set())
    for finding in report.findings:
        assert finding.cause in ("host", "python"), "without a torch none can be at fault"
        assert finding.fix


@pytest.mark.parametrize("first", sorted({path.name[0] for path in ALL}))
def test_what_is_told_of_a_host(first: str) -> None:
    text = ""
    for host in (path for path in ALL if path.name.startswith(first)):
        report = _alone(host.name)
        text += told.text({host.name: report}, without=("rules", "checks", "state"))
    told.same(f"hosts/{first}", text)


def test_every_name_is_a_host() -> None:
    assert set(LOUD) <= {path.name for path in ALL}


def _fix(name: str) -> str | None:
    [first, *_] = _alone(name).findings
    return first.fix


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("podman-container", "podman run --device nvidia.com/gpu=all"),
        ("kubernetes-pod", "kubectl set resources"),
        ("lxc-container", "lxc config device add"),
        ("buildkit-step", "docker run --gpus all"),
        ("wsl2-nvidia-without-windows-driver", "explorer.exe https://www.nvidia.com/"),
        ("windows-arc-and-uhd", "$env:ONEAPI_DEVICE_SELECTOR"),
        ("rtx-4090-nova", "sudo pacman"),
        ("jetson-container", "docker run --runtime nvidia"),
    ],
)
def test_a_cure_is_of_the_hosts_own_kind(name: str, start: str) -> None:
    assert (_fix(name) or "").startswith(start)


@pytest.mark.parametrize(
    ("host", "torch", "said"),
    [
        ("no-gpu", "cu130", {"note build-for-other-hardware"}),
        ("radeon-hd-7970", "cu130", {"note gpu-without-driver"}),
        ("radeon-hd-7970", "rocm6.4", {"error gpu-without-driver"}),
        ("rx-vega-sysfs-only", "cu130", {"error gpu-without-driver"}),
        ("gtx-680-kepler-470", "cu130", {"error gpu-not-served"}),  # no driver helps it
        ("t4-535", "cu130", {"error driver-too-old"}),
        ("docker-build-of-nvidia-base", "cpu", set()),
        ("docker-build-of-nvidia-base", "cu130", {"error container-without-gpu"}),
        ("amd-container-hidden-gpus", "cu130", {"error build-for-other-hardware"}),
        ("amd-container-hidden-gpus", "rocm6.4", set()),
    ],
)
def test_a_build_that_is_not_for_what_is_there(host: str, torch: str, said: set[str]) -> None:
    package = {"name": "torch", "version": f"2.9.1+{torch}", "built": f"2.9.1+{torch}"}
    described = {"host": {"base": host}, "environment": {"packages": [package]}}
    report = examined(Case(name=host, data=described))
    assert {f"{each.severity} {each.id}" for each in report.findings} == said
