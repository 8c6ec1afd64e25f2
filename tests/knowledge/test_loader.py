"""The table as loaded: well-known truths, and what a user's file changes."""

import json
from pathlib import Path
from typing import Any

import pytest

from accelsel.knowledge import load
from accelsel.knowledge.tables import Tables
from accelsel.model.errors import AccelselError
from accelsel.model.table import Build

LINUX, ARM, WINDOWS = "linux-x86_64", "linux-aarch64", "windows-amd64"


def build(
    tables: Tables, torch: str, backend: str, platform: str = LINUX, channel: str = "stable"
) -> Build:
    (found,) = (
        one
        for one in tables.builds
        if (one.torch, one.backend, one.platform, one.channel)
        == (torch, backend, platform, channel)
    )
    return found


def short(codes: tuple[str, ...] | None) -> str | None:
    return None if codes is None else " ".join(code.removeprefix("sm_") for code in codes)


ROCM_7 = (
    "gfx900 gfx906 gfx908 gfx90a gfx942 gfx950 gfx1030 gfx1100 gfx1101 gfx1102 gfx1150 gfx1151"
    " gfx1200 gfx1201"
)

# torch, backend, platform, machine code, PTX
ARCHS = [
    ("2.0.1", "cu117", LINUX, "37 50 60 70 75 80 86", ""),
    ("2.0.1", "cu118", LINUX, "37 50 60 70 75 80 86 90", ""),
    ("2.0.1", "cu118", WINDOWS, "37 50 60 61 70 75 80 86 90", "37"),
    ("2.2.2", "cu121", LINUX, "50 60 70 75 80 86 90", ""),
    ("2.5.1", "cu124", WINDOWS, "50 60 61 70 75 80 86 90", ""),
    ("2.6.0", "cu126", ARM, "90", ""),
    ("2.7.1", "cu118", LINUX, "37 50 60 70 75 80 86 90", ""),
    ("2.7.1", "cu126", LINUX, "50 60 70 75 80 86 90", ""),
    ("2.7.1", "cu128", LINUX, "75 80 86 90 100 120", "120"),
    ("2.7.1", "cu128", ARM, "90 100 120", ""),
    ("2.8.0", "cu126", WINDOWS, "61 70 75 80 86 90", ""),
    ("2.8.0", "cu128", LINUX, "70 75 80 86 90 100 120", ""),
    ("2.8.0", "cu128", WINDOWS, "61 70 75 80 86 90 100 120", ""),
    ("2.8.0", "cu129", LINUX, "70 75 80 86 90 100 120", "120"),
    ("2.8.0", "cu129", ARM, "80 90 100 120", ""),
    ("2.9.0", "cu126", WINDOWS, "50 60 61 70 75 80 86 90", ""),
    ("2.9.1", "cu128", WINDOWS, "70 75 80 86 90 100 120", ""),
    ("2.9.1", "cu129", ARM, None, None),
    ("2.9.1", "cu130", LINUX, "75 80 86 90 100 120", "120"),
    ("2.9.1", "cu130", WINDOWS, "75 80 86 90 100 120", ""),
    ("2.10.0", "cu128", LINUX, "70 75 80 86 90 100 120", ""),
    ("2.10.0", "cu130", ARM, "80 90 100 110 120", "120"),
    ("2.11.0", "cu128", LINUX, "75 80 86 90 100 120", ""),
    ("2.11.0", "cu129", LINUX, "75 80 86 90 100 120", "120"),
    ("2.11.0", "cu130", LINUX, "75 80 86 90 100 120", ""),
    ("2.13.0", "cu129", LINUX, "75 80 86 90 100 120", ""),
    ("2.13.0", "cu129", ARM, "80 90 100 120", ""),
    ("2.14.1", "cu126", LINUX, "50 60 70 75 80 86 90", ""),
    ("2.14.1", "cu126", ARM, "80 90", ""),
    ("2.15.0", "cu132", LINUX, "75 80 86 90 100 120", ""),
    ("2.15.0", "cu132", ARM, "80 90 100 110 120", ""),
    ("2.14.1", "cpu", LINUX, "", ""),
    ("2.15.0", "default", "macos-arm64", "", ""),
    ("2.0.1", "rocm5.4.2", LINUX, "gfx900 gfx906 gfx908 gfx90a gfx1030", ""),
    (
        "2.6.0",
        "rocm6.2.4",
        LINUX,
        "gfx900 gfx906 gfx908 gfx90a gfx942 gfx1030 gfx1100 gfx1101",
        "",
    ),
    (
        "2.7.1",
        "rocm6.2.4",
        LINUX,
        "gfx900 gfx906 gfx908 gfx90a gfx942 gfx1030 gfx1100 gfx1101 gfx1102 gfx1200 gfx1201",
        "",
    ),
    (
        "2.14.1",
        "rocm7.2",
        LINUX,
        ROCM_7,
        "",
    ),
    ("2.14.1", "rocm7.14", LINUX, None, None),
    ("2.9.1", "xpu", LINUX, "xe-lpg xe-lpg-plus xe-hpg xe-hpc xe2", ""),
    ("2.14.1", "xpu", WINDOWS, "xe-lpg xe-lpg-plus xe-hpg xe-hpc xe2 xe3", ""),
    ("2.11.0", "jetson-jp6", ARM, "87", ""),
]


@pytest.mark.parametrize(
    ("torch", "backend", "platform", "archs", "ptx"),
    ARCHS,
    ids=["-".join(row[:3]) for row in ARCHS],
)
def test_machine_code(
    torch: str, backend: str, platform: str, archs: str | None, ptx: str | None
) -> None:
    found = build(load(), torch, backend, platform)
    assert (short(found.archs), short(found.ptx)) == (archs, ptx)


PUBLISHED = {
    ("2.15.0", "cu132", LINUX): True,
    ("2.15.0", "cu132", ARM): True,
    ("2.15.0", "cu132", WINDOWS): None,
    ("2.15.0", "cu130", LINUX): None,
    ("2.15.0", "cu126", LINUX): None,
    ("2.15.0", "cpu", LINUX): None,
    ("2.15.0", "cpu", WINDOWS): True,
    ("2.15.0", "default", "macos-arm64"): True,
    ("2.14.1", "cu126", LINUX): True,
    ("2.14.1", "cpu", LINUX): True,
}


@pytest.mark.parametrize(
    ("row", "published"), PUBLISHED.items(), ids=["-".join(r) for r in PUBLISHED]
)
def test_published(row: tuple[str, str, str], published: bool | None) -> None:
    assert build(load(), *row).published is published


VERSIONS = {
    ("2.14.1", "cu126", LINUX): "2.14.1+cu126",
    ("2.14.1", "cpu", LINUX): "2.14.1+cpu",
    ("2.5.1", "cpu", ARM): "2.5.1",
    ("2.6.0", "cpu", ARM): "2.6.0+cpu",
    ("2.11.0", "default", "macos-arm64"): "2.11.0",
    ("2.14.0", "amd", WINDOWS): "2.14.0+rocm10.1.0",
    ("2.1.0a0", "jetson-jp5", ARM): "2.1.0a0+41361538.nv23.06",
    ("2.10.0", "jetson-jp6", ARM): "2.10.0",
}


@pytest.mark.parametrize(("row", "version"), VERSIONS.items(), ids=["-".join(r) for r in VERSIONS])
def test_version(row: tuple[str, str, str], version: str) -> None:
    assert build(load(), *row).version == version


PYTHONS = {
    ("2.4.1", "cu121", LINUX): "3.8 3.9 3.10 3.11 3.12",
    ("2.5.1", "cu124", LINUX): "3.9 3.10 3.11 3.12 3.13",
    ("2.5.1", "cu124", WINDOWS): "3.9 3.10 3.11 3.12",
    ("2.5.1", "rocm6.2", LINUX): "3.9 3.10 3.11 3.12",
    ("2.6.0", "cu126", LINUX): "3.9 3.10 3.11 3.12 3.13 3.13t",
    ("2.6.0", "cu126", WINDOWS): "3.9 3.10 3.11 3.12 3.13",
    ("2.12.0", "cu130", LINUX): "3.10 3.11 3.12 3.13 3.13t 3.14 3.14t",
    ("2.12.1", "cu130", LINUX): "3.10 3.11 3.12 3.13 3.14 3.14t",
    ("2.13.0", "cu130", LINUX): "3.10 3.11 3.12 3.13 3.14 3.14t 3.15 3.15t",
    ("2.13.0", "cu130", WINDOWS): "3.10 3.11 3.12 3.13 3.14 3.14t",
    ("2.13.0", "cpu", "windows-arm64"): "3.11 3.12 3.13",
    ("2.15.0", "cu132", LINUX): "3.11 3.12 3.13 3.14 3.14t 3.15 3.15t",
    ("2.11.0", "jetson-jp6", ARM): "3.10",
}


@pytest.mark.parametrize(("row", "pythons"), PYTHONS.items(), ids=["-".join(r) for r in PYTHONS])
def test_pythons(row: tuple[str, str, str], pythons: str) -> None:
    assert " ".join(build(load(), *row).pythons) == pythons


FLOORS = {
    ("2.6.0", "cu124", LINUX): ("2.17", None),
    ("2.6.0", "cu126", LINUX): ("2.28", None),
    ("2.5.1", "cpu", ARM): ("2.17", None),
    ("2.14.1", "cu130", LINUX): ("2.28", None),
    ("2.14.1", "cu130", WINDOWS): (None, None),
    ("2.11.0", "default", "macos-arm64"): (None, "11.0"),
    ("2.12.0", "default", "macos-arm64"): (None, "14.0"),
    ("2.2.2", "default", "macos-x86_64"): (None, "10.9"),
    ("2.14.0", "amd", LINUX): (None, None),
}


@pytest.mark.parametrize(("row", "floors"), FLOORS.items(), ids=["-".join(r) for r in FLOORS])
def test_floors(row: tuple[str, str, str], floors: tuple[str | None, str | None]) -> None:
    found = build(load(), *row)
    assert (found.glibc, found.macos) == floors


TRITON = {
    ("2.9.1", "cu128", LINUX): "triton==3.5.1",
    ("2.9.1", "rocm6.4", LINUX): "pytorch-triton-rocm==3.5.1",
    ("2.9.1", "xpu", LINUX): "pytorch-triton-xpu==3.5.0",
    ("2.10.0", "rocm7.1", LINUX): "triton-rocm==3.6.0",
    ("2.11.0", "xpu", LINUX): "triton-xpu==3.7.0",
    ("2.13.0", "xpu", LINUX): "triton-xpu==3.7.2",
    ("2.14.1", "cu126", LINUX): "triton~=3.8.0",
    ("2.15.0", "cu132", ARM): "triton~=3.9.0",
}


@pytest.mark.parametrize(("row", "triton"), TRITON.items(), ids=["-".join(r) for r in TRITON])
def test_triton(row: tuple[str, str, str], triton: str) -> None:
    found = build(load(), *row).triton
    assert found is not None
    assert found.name + found.specifier == triton


@pytest.mark.parametrize(
    "row", [("2.14.1", "cu126", WINDOWS), ("2.14.1", "cpu", LINUX), ("2.14.0", "amd", WINDOWS)]
)
def test_no_triton(row: tuple[str, str, str]) -> None:
    assert build(load(), *row).triton is None


COMPANIONS = {
    ("2.0.0", "cu118", LINUX): "torchvision==0.15.1 torchaudio>=2.0.0,<2.0.2",
    ("2.7.1", "cu128", LINUX): "torchvision==0.22.1 torchaudio==2.7.1",
    ("2.10.0", "cu128", LINUX): "torchvision==0.25.0 torchaudio==2.10.0",
    ("2.13.0", "cu130", LINUX): "torchvision==0.28.0 torchaudio>=2.11",
    ("2.14.0", "cu130", LINUX): "torchvision>=0.29.0 torchaudio>=2.11",
    ("2.14.1", "cu126", LINUX): "torchvision>=0.29.1 torchaudio>=2.11",
    ("2.15.0", "cu132", LINUX): "torchvision>=0.29.1",
    ("2.14.0", "amd", LINUX): ("torchvision==0.29.0a0+rocm10.1.0 torchaudio==2.11.0.3+rocm10.1.0"),
    ("2.13.0", "cpu", "windows-arm64"): "",
    ("2.9.0", "cpu", "windows-arm64"): "torchvision==0.24.0+e437e35",
    ("2.9.0", "cu129", WINDOWS): "",
}


@pytest.mark.parametrize(("row", "ties"), COMPANIONS.items(), ids=["-".join(r) for r in COMPANIONS])
def test_companions(row: tuple[str, str, str], ties: str) -> None:
    found = build(load(), *row).companions
    assert " ".join(one.name + one.specifier for one in found) == ties


def test_an_absent_companion_is_explained() -> None:
    assert "refuses to be imported" in load().backends["cu132"].absent["torchaudio"]


def test_declared_ties() -> None:
    vision, audio = build(load(), "2.10.0", "cu128").companions
    assert (vision.declared, audio.declared) == (True, False)


def test_no_torchaudio_for_the_newest_python() -> None:
    (audio,) = (
        one
        for one in build(load(), "2.15.0", "default", "macos-arm64").companions
        if one.name == "torchaudio"
    )
    assert "3.14" in audio.pythons
    assert "3.15" not in audio.pythons


@pytest.mark.parametrize(
    ("torch", "backend", "broken"),
    [
        ("2.9.1", "rocm6.3", ()),
        ("2.9.1", "rocm6.4", ("gfx900", "gfx906")),
        ("2.14.1", "rocm7.2", ("gfx900", "gfx906")),
        ("2.14.0", "amd", ("gfx1033",)),
    ],
)
def test_listed_and_broken(torch: str, backend: str, broken: tuple[str, ...]) -> None:
    assert build(load(), torch, backend).broken == broken


def test_device_extras() -> None:
    found = build(load(), "2.14.0", "amd", WINDOWS)
    assert found.extras["gfx1031"] == "device-gfx1031"
    assert found.archs is not None
    assert set(found.extras) == set(found.archs)
    assert "gfx90a" not in found.archs  # on Linux only


def test_indexes_by_channel() -> None:
    tables = load()
    urls = {
        channel: tables.indexes[name].url
        for channel, name in tables.backends["cu130"].indexes.items()
    }
    assert urls == {
        "stable": "https://download.pytorch.org/whl/cu130",
        "test": "https://download.pytorch.org/whl/test/cu130",
        "nightly": "https://download.pytorch.org/whl/nightly/cu130",
    }
    assert tables.backends["default"].indexes == {"nightly": "pytorch-nightly-cpu"}
    assert tables.indexes["jetson-jp5"].format == "flat"


def test_backends_sort_by_number() -> None:
    rocm = [one for one in load().backends.values() if one.kind == "rocm"]
    newest = max(rocm, key=lambda one: one.toolkit)
    assert newest.toolkit == (10, 0)
    assert load().backends["rocm7.14"].toolkit > load().backends["rocm7.2"].toolkit


def test_driver_floors() -> None:
    assert {(one.major, one.system): one.version for one in load().floors} == {
        (11, "linux"): "450.80.02",
        (11, "windows"): "452.39",
        (12, "linux"): "525.60.13",
        (12, "windows"): "528.33",
        (13, "linux"): "580.65.06",
        (13, "windows"): "580",
    }


@pytest.mark.parametrize(
    ("branch", "cuda"), [(470, "11.4"), (525, "12.0"), (580, "13.0"), (595, "13.2"), (620, "13.5")]
)
def test_driver_branch(branch: int, cuda: str) -> None:
    assert {one.branch: one.cuda for one in load().branches}[branch] == cuda


def test_exceptions() -> None:
    rows = {(one.code, one.device): (one.until_cuda, one.same) for one in load().exceptions}
    assert rows["sm_80", "sm_87"] == ((13, 2), False)
    assert rows["sm_60", "sm_62"] == (None, False)
    assert rows["sm_101", "sm_110"] == (None, True)
    assert len(rows) == 9


def test_nothing_before_2_0_and_each_release_in_order() -> None:
    releases = list(load().releases.values())
    assert [one.torch for one in releases[:1] + releases[-1:]] == ["2.0.0", "2.15.0"]
    assert [one.date for one in releases] == sorted(one.date for one in releases)


def test_loaded_once() -> None:
    assert load() is load()


def added(tmp_path: Path, **tables: list[dict[str, Any]]) -> Tables:
    path = tmp_path / "rules.json"
    path.write_text(json.dumps(tables))
    return load((path,))


PROVENANCE = {"source": "pypi", "checked": "2026-12-24", "confidence": "verified"}
CU126: dict[str, Any] = {
    "torch": "2.15.0",
    "backend": "cu126",
    "platform": LINUX,
    "published": True,
    "archs": "cuda-50-90",
    "ptx": [],
    "triton": True,
    "arch_confidence": "verified",
    **PROVENANCE,
}


def test_an_added_row_takes_the_place_of_its_like(tmp_path: Path) -> None:
    tables = added(tmp_path, builds=[CU126])
    found = build(tables, "2.15.0", "cu126")
    assert (found.published, found.confidence, found.note) == (True, "verified", None)
    assert found.pythons == build(load(), "2.15.0", "cu132").pythons
    assert len(tables.builds) == len(load().builds)
    assert build(load(), "2.15.0", "cu126").published is None
    assert tables.checked == "2026-12-24"
    assert tables.version.startswith(f"{load().version}+")


def test_a_new_backend_is_data(tmp_path: Path) -> None:
    tables = added(
        tmp_path,
        indexes=[{"name": "corp-cu134", "url": "https://wheels.example/cu134", "format": "simple"}],
        backends=[
            {
                "name": "cu134",
                "kind": "cuda",
                "toolkit": [13, 4],
                "indexes": {"stable": "corp-cu134"},
                "uv": False,
                **PROVENANCE,
            }
        ],
        builds=[CU126 | {"backend": "cu134", "archs": ["sm_107"], "pythons": ["3.14"]}],
    )
    found = build(tables, "2.15.0", "cu134")
    assert (found.version, found.archs, found.pythons) == ("2.15.0+cu134", ("sm_107",), ("3.14",))
    assert tables.indexes[tables.backends["cu134"].indexes["stable"]].url.startswith(
        "https://wheels"
    )


def test_later_files_of_a_folder_win(tmp_path: Path) -> None:
    (tmp_path / "1.json").write_text(json.dumps({"builds": [CU126]}))
    (tmp_path / "2.json").write_text(json.dumps({"builds": [CU126 | {"published": None}]}))
    assert build(load((tmp_path,)), "2.15.0", "cu126").published is None


DANGLING = {
    "backend": (CU126 | {"backend": "cu999"}, "'cu999'"),
    "release": (CU126 | {"torch": "2.99.0"}, "'2.99.0'"),
    "archs": (CU126 | {"archs": "cuda-99"}, "'cuda-99'"),
    "platform": (CU126 | {"platform": "linux-riscv64"}, "'linux-riscv64'"),
    "triton": (CU126 | {"backend": "cpu"}, "'cpu'"),
}


@pytest.mark.parametrize(("row", "named"), DANGLING.values(), ids=DANGLING.keys())
def test_a_row_that_names_what_is_not_there(
    tmp_path: Path, row: dict[str, Any], named: str
) -> None:
    with pytest.raises(AccelselError) as raised:
        added(tmp_path, builds=[row])
    assert (raised.value.code, raised.value.kind) == (2, "bad-rules")
    assert named in raised.value.message
    assert raised.value.where == str(tmp_path / "rules.json")
