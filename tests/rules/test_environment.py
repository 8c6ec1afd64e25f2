"""Variables with which uv's own logic arrives at the selection, on every described host."""

from pathlib import Path

import pytest

from accelsel.knowledge import load
from accelsel.model.request import Request
from accelsel.probe import probe
from accelsel.probe.record import RecordedWorld
from accelsel.rules import select
from accelsel.rules.environment import (
    BACKEND,
    DRIVER,
    GFX,
    UV_GFX,
    VARIANT_CUDA,
    VARIANT_SM,
    uv_auto,
    variables,
)

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
ALL = sorted(path.parent.name for path in HOSTS.glob("*/host.json"))


@pytest.mark.parametrize("name", ALL)
def test_every_variable_leads_to_the_selection(name: str) -> None:
    tables, request = load(), Request()
    profile = probe(RecordedWorld(HOSTS / name))
    selection = select(profile, request, tables)
    found = variables(selection, profile, request, tables)
    values = found.values
    known = selection.backend is not None and tables.backends[selection.backend].uv
    assert values.get(BACKEND) == (selection.backend if known else None)
    if DRIVER in values:
        assert uv_auto(values[DRIVER], tables, profile.os.system) == selection.backend
    if GFX in values:
        assert values[GFX] in UV_GFX
    assert (VARIANT_CUDA in values) is (VARIANT_SM in values)
    if VARIANT_CUDA in values:
        numbers = tuple(int(part) for part in values[VARIANT_CUDA].split("."))
        assert numbers == tables.backends[selection.backend or ""].toolkit
    if selection.outcome == "none":
        assert set(values) <= set(selection.environment)
        assert found.comments


@pytest.mark.parametrize(
    ("driver", "system", "expected"),
    [
        # the answers of uv 0.13.8 on the same drivers (research on peers, 2026-11-20)
        ("580.65.06", "linux", "cu132"),
        ("535.183.01", "linux", "cu129"),
        ("525.60.13", "linux", "cu129"),
        ("470.82.01", "linux", "cu118"),
        ("440.33", "linux", None),
        ("531.14", "windows", "cu129"),
    ],
)
def test_uv_auto(driver: str, system: str, expected: str | None) -> None:
    assert uv_auto(driver, load(), system) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        (
            "rtx-5090-570",
            {BACKEND: "cu129", DRIVER: "570.86.16", VARIANT_CUDA: "12.9", VARIANT_SM: "12.0"},
        ),
        ("gtx-1080-ti-580", {BACKEND: "cu126", VARIANT_CUDA: "12.6", VARIANT_SM: "6.1"}),
        ("rtx-3060-gtx-1050-580", {BACKEND: "cu126", VARIANT_CUDA: "12.6", VARIANT_SM: "6.1"}),
        ("rx-7900-xtx", {BACKEND: "rocm7.2", GFX: "gfx1100"}),
        ("arc-a770", {BACKEND: "xpu"}),
        ("no-gpu", {BACKEND: "cpu"}),
        ("macos-arm64", {}),
    ],
)
def test_values(name: str, expected: dict[str, str]) -> None:
    tables, request = load(), Request()
    profile = probe(RecordedWorld(HOSTS / name))
    selection = select(profile, request, tables)
    assert dict(variables(selection, profile, request, tables).values) == expected
