"""Variables with which uv's own logic arrives at the selection, on every described host."""

import pytest
from tests.kit import told
from tests.kit.hosts import NAMES, profiled

from accelsel.knowledge import load
from accelsel.model.request import Request
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

SOME = (
    "arc-a770", "gtx-1080-ti-580", "h100-525", "macos-arm64", "mi300x", "no-gpu",
    "rtx-3060-gtx-1050-580", "rtx-3060-nouveau", "rtx-5090-570", "rx-6700-xt-override",
    "rx-7900-xtx", "t4-535", "windows-rtx-3080-536",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_every_variable_leads_to_the_selection(name: str) -> None:
    tables, request = load(), Request()
    profile = profiled(name)
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


ASKED = {
    "asked for nothing": (Request(), NAMES),
    "an older torch": (Request(torch="<2.10"), SOME),
    "the family": (Request(torch=">=2.6,<2.9", companions=("torchaudio", "torchvision")), SOME),
    "the CPU by name": (Request(backend="cpu"), SOME),
    "CUDA 12.8 by name": (Request(backend="cu128"), SOME),
}


@pytest.mark.parametrize("asked", ASKED)
def test_what_is_told(asked: str) -> None:
    """The variables, bounds and comments on every host that is unlike those before."""
    request, hosts = ASKED[asked]
    tables, found = load(), dict[str, list[str]]()
    for name in hosts:
        profile = profiled(name)
        selection = select(profile, request, tables)
        values = variables(selection, profile, request, tables)
        found.setdefault(told.text(values), []).append(name)
    text = "".join(f"{', '.join(names)}\n{values}\n" for values, names in found.items())
    told.same(f"variables/{asked.replace(' ', '-')}", text)


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
    profile = profiled(name)
    selection = select(profile, request, tables)
    assert dict(variables(selection, profile, request, tables).values) == expected
