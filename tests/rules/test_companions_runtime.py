"""The triton of a build, by kind, release and date; the names that AMD's wheels need."""

from dataclasses import replace

import pytest
from tests.kit import told
from tests.rules.test_companions_answer import BUILDS, TABLE, TABLES

from accelsel.model.request import Request
from accelsel.rules import select
from accelsel.rules.companions_runtime import (
    requirement,
    runtime_packages,
    triton_name,
    triton_package,
    triton_where_torch_has_it,
    where_files_are,
)

LINUX = "linux-x86_64"


@pytest.mark.parametrize(
    ("kind", "channel", "torch", "name"),
    [
        ("cuda", "stable", "2.15.0", "triton"),
        ("rocm", "stable", "2.9.1", "pytorch-triton-rocm"),
        ("rocm", "stable", "2.10.0", "triton-rocm"),
        ("xpu", "stable", "2.9.0", "pytorch-triton-xpu"),
        ("xpu", "test", "2.10.0", "triton-xpu"),
        ("cuda", "nightly", "2.10.0.dev20251208", "pytorch-triton"),
        ("cuda", "nightly", "2.10.0.dev20251209", "triton"),
        ("cuda", "nightly", "2.11.0.dev20260104", "triton"),
        ("rocm", "nightly", "2.10.0.dev20251001", "pytorch-triton-rocm"),
        ("xpu", "nightly", "2.16.0.dev0", "triton-xpu"),
        ("cuda", "nightly", "2.10.0.dev0", "pytorch-triton"),
        ("cuda", "nightly", "2.11.0.dev0", "triton"),
        ("cpu", "stable", "2.15.0", None),
    ],
    ids=str,
)
def test_triton_name(kind: str, channel: str, torch: str, name: str | None) -> None:
    base = BUILDS["2.14.1", "cu130", LINUX]
    build = replace(base, torch=torch, channel=channel, triton=None)  # type: ignore[arg-type]
    assert triton_name(kind, build, TABLE) == name
    windows = replace(build, platform="windows-amd64")
    here = name if (kind, channel) == ("xpu", "nightly") else None
    assert triton_name(kind, windows, TABLE) == here


def test_the_table_agrees_with_the_rows_of_the_builds() -> None:
    for build in TABLES.builds:
        kind = TABLES.backends[build.backend].kind
        if build.triton and build.channel == "stable" and kind in ("cuda", "rocm", "xpu"):
            alone = replace(build, triton=None, platform=LINUX)
            assert triton_name(kind, alone, TABLE) == build.triton.name, build.version


def test_only_what_the_default_index_lacks_is_routed() -> None:
    rocm = triton_package("rocm", BUILDS["2.14.1", "rocm7.2", LINUX], "pytorch-rocm7.2", TABLE)
    assert rocm is not None
    assert (rocm.name, rocm.specifier, rocm.constrain) == ("triton-rocm", ">=0", True)
    assert triton_package("cuda", BUILDS["2.14.1", "cu130", LINUX], "pytorch-cu130", TABLE) is None
    assert triton_package("rocm", BUILDS["2.14.1", "rocm7.2", LINUX], None, TABLE) is None


def test_amd_without_a_known_triton() -> None:
    build = BUILDS["2.12.0", "amd", LINUX]
    names = {one.name for one in runtime_packages(build, ("gfx1100",), "amd", TABLE, (build,))}
    assert "triton" not in names
    assert "amd-torch-device-gfx110x" in names


def test_a_triton_that_every_platform_has_is_a_bound() -> None:
    build = BUILDS["2.13.0", "amd", LINUX]
    found = runtime_packages(build, ("gfx1031",), "amd", TABLE, (build,))
    (triton,) = [one for one in found if one.name == "triton"]
    assert (triton.constrain, triton.override) == (True, False)


def test_builds_that_bring_everything_need_nothing() -> None:
    build = BUILDS["2.14.1", "rocm7.2", LINUX]
    assert runtime_packages(build, ("gfx1100",), "pytorch-rocm7.2", TABLE) == ()


@pytest.mark.parametrize(
    ("backend", "places", "below"),
    [
        ("cu126", ("linux-x86_64",), None),
        ("cpu", ("linux-x86_64", "linux-aarch64", "windows-amd64"), "3.15"),
        ("rocm7.2", ("windows-arm64", "macos-arm64", "macos-x86_64"), None),
    ],
)
def test_what_is_told_of_a_triton_without_files(
    backend: str, places: tuple[str, ...], below: str | None
) -> None:
    asked = Request(platform=LINUX, backend=backend)
    before = select(None, asked, TABLES)
    found = where_files_are(before, "3.6.0", places, below, "unsloth")
    assert found.packages[:-1] == before.packages
    assert found.warnings[:-1] == before.warnings
    package, warning = found.packages[-1], found.warnings[-1]
    text = told.text({"torch": found.torch, "package": package, "warning": warning})
    told.same(f"triton/{backend}", text)


NEWEST = "platform_system == 'Linux' and python_version < '3.14'"


@pytest.mark.parametrize(
    ("triton", "pythons", "marker"),
    [
        (("triton", "==3.5.0", NEWEST), ("3.12", "3.13"), None),
        (("triton", "==3.5.0", NEWEST), ("3.12", "3.14"), NEWEST),
        (("triton", "==3.5.0", NEWEST), ("3.14t",), NEWEST),
        (("triton", "==3.5.0", "sys_platform == 'linux'"), ("3.12", "3.14"), None),
        (("triton", "==3.5.0", "python_version >= '3.13'"), ("3.12", "3.13"),
         "python_version >= '3.13'"),
        (("triton", "==3.5.0", "python_version >= '3.12'"), ("3.12", "3.13t"), None),
        (("triton", "", NEWEST), ("3.14",), None),
        (("triton", "==3.5.0", None), ("3.14",), None),
        (("triton-rocm", "==3.5.0", NEWEST), ("3.14",), None),
        (None, ("3.14",), None),
    ],
)  # fmt: skip
def test_a_triton_is_required_where_torch_requires_it(
    triton: tuple[str, str, str | None] | None, pythons: tuple[str, ...], marker: str | None
) -> None:
    base = BUILDS["2.14.1", "cu130", LINUX]
    row = base.triton and triton and replace(
        base.triton, name=triton[0], specifier=triton[1], marker=triton[2]
    )  # fmt: skip
    build = replace(base, triton=row, pythons=("3.11", "3.12", "3.13", "3.13t", "3.14", "3.14t"))
    found = triton_where_torch_has_it(build, pythons.__contains__)
    assert (found and found.marker) == marker
    if found is not None:
        assert (found.name, found.specifier, found.index) == ("triton", "==3.5.0", None)
        assert (found.kind, found.override) == ("triton", True)
        assert found.why == (
            "torch 2.14.1 asks for it on those alone, and it has no wheels for others"
        )


def test_a_requirement_is_written_as_torch_writes_it() -> None:
    triton = BUILDS["2.14.1", "cu130", LINUX].triton
    assert triton is not None
    marked = replace(triton, specifier="==3.5.0", marker='sys_platform == "linux"')
    assert requirement(marked) == "triton==3.5.0 ; sys_platform == 'linux'"
    assert requirement(replace(marked, marker=None)) == "triton==3.5.0"
