"""The profile as text."""

from dataclasses import replace

import pytest
from tests.rules.hosts import host

from accelsel.cli.detect import lines
from accelsel.cli.present import Output
from accelsel.model.profile import (
    AmdDriver,
    Drivers,
    IntelDriver,
    NvidiaDriver,
    ProbeResult,
    Profile,
)


def told(profile: Profile) -> list[str]:
    return lines(profile, Output(color="never"))


@pytest.mark.parametrize(
    ("drivers", "expected"),
    [
        (
            Drivers(nvidia=NvidiaDriver(version="580.95.05", cuda_version="13.0", source="nvml")),
            "Driver  NVIDIA 580.95.05, CUDA 13.0 (nvml)",
        ),
        (
            Drivers(nvidia=NvidiaDriver(version=None, cuda_version=None, source=None)),
            "Driver  NVIDIA of unknown version",
        ),
        (
            Drivers(
                amd=AmdDriver(version=None, rocm_version="7.0.2", source="in-tree, kernel 6.8")
            ),
            "Driver  amdgpu, host ROCm 7.0.2 (in-tree, kernel 6.8)",
        ),
        (
            Drivers(amd=AmdDriver(version="6.14.14", rocm_version=None, source="sysfs")),
            "Driver  amdgpu 6.14.14 (sysfs)",
        ),
        (
            Drivers(intel=IntelDriver(version=None, source="xe, in-tree, kernel 6.8")),
            "Driver  Intel (xe, in-tree, kernel 6.8)",
        ),
        (Drivers(), "Driver  none"),
    ],
    ids=lambda value: value.split("  ")[1] if isinstance(value, str) else "",
)
def test_the_driver(drivers: Drivers, expected: str) -> None:
    profile = host()
    assert expected in told(replace(profile, drivers=drivers))


def test_what_was_not_seen() -> None:
    probes = (
        ProbeResult(name="nvidia-smi", status="timeout", detail=None, elapsed_ms=2500.0),
        ProbeResult(name="nvml", status="failed", detail="error 9", elapsed_ms=1.0),
        ProbeResult(name="kfd", status="absent", detail=None, elapsed_ms=0.0),
    )
    found = told(replace(host(), probes=probes))
    assert found[-3:] == ["Not seen", "  nvidia-smi: timeout", "  nvml: failed, error 9"]
