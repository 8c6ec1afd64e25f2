import pytest
from tests.rules.rows import TABLES, backend, build, exception

from accelsel.model.profile import Vendor
from accelsel.model.table import ArchException
from accelsel.rules.compatibility import (
    capability,
    compiled,
    compiles,
    gfx,
    named,
    native,
    newer_than_known,
    overridden,
    plain,
    runs,
)

CUDA_126, CUDA_132 = (12, 6), (13, 2)


@pytest.mark.parametrize(
    ("code", "device", "toolkit", "expected"),
    [
        ("sm_60", "sm_61", CUDA_126, True),
        ("sm_61", "sm_60", CUDA_126, False),
        ("sm_60", "sm_60", CUDA_126, True),
        ("sm_60", "sm_70", CUDA_126, False),
        ("sm_86", "sm_89", CUDA_126, True),
        ("sm_100", "sm_103", CUDA_126, True),
        ("sm_120", "sm_121", CUDA_126, True),
        ("sm_100", "sm_120", CUDA_126, False),
        ("sm_100", "sm_107", CUDA_132, True),
        ("sm_90a", "sm_90a", CUDA_126, True),
        ("sm_90a", "sm_90", CUDA_126, True),
        ("sm_90", "sm_90a", CUDA_126, True),
        ("sm_90a", "sm_100", CUDA_126, False),
        ("sm_100a", "sm_103", CUDA_132, False),
        ("sm_100a", "sm_100", CUDA_132, True),
        ("sm_120a", "sm_121", CUDA_132, False),
        ("sm_90a", "sm_90f", CUDA_132, False),
        ("sm_100f", "sm_100", CUDA_132, True),
        ("sm_100f", "sm_103", CUDA_132, False),
        ("sm_80", "sm_87", CUDA_126, False),
        ("sm_86", "sm_87", (13, 1), False),
        ("sm_80", "sm_87", CUDA_132, True),
        ("sm_87", "sm_87", CUDA_126, True),
        ("sm_70", "sm_72", (13, 0), False),
        ("sm_70", "sm_72", CUDA_132, True),
        ("sm_50", "sm_53", CUDA_132, False),
        ("sm_60", "sm_62", CUDA_132, False),
        ("sm_100", "sm_101", CUDA_132, False),
        ("sm_110", "sm_101", CUDA_132, True),
        ("sm_101", "sm_110", CUDA_126, True),
        ("gfx1030", "gfx1030", (7, 2), True),
        ("gfx1030", "gfx1031", (7, 2), False),
        ("xe2", "xe2", (), True),
        ("xe2", "xe3", (), False),
    ],
)
def test_runs(code: str, device: str, toolkit: tuple[int, ...], *, expected: bool) -> None:
    assert runs(code, device, toolkit, TABLES.exceptions) is expected


def test_an_exception_holds_for_its_own_pair_alone() -> None:
    rows = (exception("sm_80", "sm_88"), exception("sm_75", "sm_87"))
    assert runs("sm_80", "sm_87", CUDA_126, rows)
    assert runs("sm_75", "sm_76", CUDA_126, rows)
    assert not runs("sm_80", "sm_88", CUDA_126, rows)
    same = ArchException(
        code="sm_101", device="sm_110", until_cuda=None, same=True, source="tests",
        checked="2026-11-20", confidence="read",
    )  # fmt: skip
    assert not runs("sm_101", "sm_120", CUDA_126, (same,))


@pytest.mark.parametrize(
    ("ptx", "device", "expected"),
    [
        ("sm_120", "sm_120", True),
        ("sm_90", "sm_120", True),
        ("compute_120", "sm_130", True),
        ("sm_120", "sm_103", False),
        ("sm_90a", "sm_120", False),
        ("gfx1030", "sm_120", False),
        ("sm_90", "gfx1030", False),
    ],
)
def test_compiles(ptx: str, device: str, *, expected: bool) -> None:
    assert compiles(ptx, device) is expected


@pytest.mark.parametrize(
    ("archs", "ptx", "device", "expected"),
    [
        (("sm_90",), ("sm_90",), "sm_120", True),
        (("sm_90",), ("sm_120",), "sm_120", True),
        (("sm_37", "sm_90"), ("sm_37",), "sm_120", False),  # CUDA 11.8 for Windows
        (("sm_37", "sm_86"), ("sm_37",), "sm_90", False),
        (("sm_37", "sm_90"), ("sm_37", "sm_90"), "sm_120", True),
        (("sm_70", "sm_120"), ("sm_70",), "sm_90", True),
        (("sm_75", "sm_120"), ("sm_75",), "sm_53", False),
        (("sm_90a",), ("sm_80",), "sm_120", False),
        (("sm_90",), (), "sm_120", False),
        (None, None, "sm_120", False),
        (("gfx1100",), ("sm_90",), "sm_120", True),
        (("sm_90",), ("sm_90",), "gfx1100", False),
    ],
)
def test_ptx_that_is_made_for_a_gpu(
    archs: tuple[str, ...] | None, ptx: tuple[str, ...] | None, device: str, *, expected: bool
) -> None:
    assert compiled(build(archs=archs, ptx=ptx), device) is expected


@pytest.mark.parametrize(
    ("device", "expected"),
    [("sm_61", "sm_60"), ("sm_89", "sm_86"), ("sm_86", "sm_86"), ("sm_35", None), ("sm_120", None)],
)
def test_native_names_the_nearest_code(device: str, expected: str | None) -> None:
    assert native(build(), backend("cu126"), device, TABLES.exceptions) == expected


def test_the_nearest_code_is_so_by_number() -> None:
    row = build(backend="cu130", archs=("sm_102", "sm_100", "sm_109"))
    assert native(row, backend("cu130"), "sm_103", ()) == "sm_102"
    assert not runs("sm_90", "unheard-of", CUDA_126, ())
    assert not runs("unheard-of", "sm_90", CUDA_126, ())


def test_no_list_has_no_code() -> None:
    assert native(build(archs=None), backend("cu126"), "sm_86", ()) is None


@pytest.mark.parametrize(
    ("arch", "vendor", "expected"),
    [
        ("sm_90a", "nvidia", "sm_90a"),
        ("12.0", "nvidia", None),
        ("gfx942:sramecc+:xnack-", "amd", "gfx942"),
        ("GFX1100", "amd", "gfx1100"),
        ("Navi 31", "amd", None),
        ("xe2", "intel", "xe2"),
        ("apple-m2", "apple", "apple-m2"),
        ("", "intel", None),
        (None, "nvidia", None),
    ],
)
def test_an_architecture_is_what_its_vendor_names_so(
    arch: str | None, vendor: Vendor, expected: str | None
) -> None:
    assert named(arch, vendor) == expected


def test_names() -> None:
    assert capability("sm_90a") == (9, 0, "a")
    assert capability("compute_121") == (12, 1, "")
    assert capability("gfx90a") is None
    assert gfx("gfx90a") == (9, 0, 10)
    assert gfx("gfx1151") == (11, 5, 1)
    assert gfx("sm_90") is None
    assert plain("gfx942:sramecc+:xnack-") == "gfx942"
    assert plain("sm_86") == "sm_86"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("10.3.0", "gfx1030"),
        ("9.0.10", "gfx90a"),
        ("11.0.2", "gfx1102"),
        ("11.5.15", "gfx115f"),
        ("11.16.0", None),
        ("11.0.16", None),
        ("10.3", None),
        ("10.3.0.0", None),
        ("a.b.c", None),
        ("", None),
    ],
)
def test_overridden(value: str, expected: str | None) -> None:
    assert overridden(value) == expected


@pytest.mark.parametrize(
    ("device", "vendor", "expected"),
    [
        ("sm_130", "nvidia", True),
        ("sm_35", "nvidia", False),
        ("sm_127", "nvidia", False),
        ("rubin", "nvidia", True),
        ("gfx1300", "amd", True),
        ("gfx1250", "amd", True),
        ("gfx803", "amd", False),
        ("gfx90c", "amd", False),
        ("gfx960", "amd", True),
        ("gfx1013", "amd", False),
        ("unheard-of", "amd", True),
        ("xe3p", "intel", True),
        ("gen9", "intel", False),
        ("gen7.5", "intel", False),
        ("xe-lp", "intel", False),
    ],
)
def test_newer_than_known(device: str, vendor: str, *, expected: bool) -> None:
    known = {"nvidia": ["sm_50", "sm_120", "sm_90a"], "amd": ["gfx900", "gfx950", "gfx1036",
             "gfx1201"], "intel": ["xe2"]}[vendor]  # fmt: skip
    assert newer_than_known(device, vendor, known) is expected


def test_everything_is_newer_than_nothing() -> None:
    assert newer_than_known("sm_35", "nvidia", [])
    assert newer_than_known("sm_10", "nvidia", [])
    assert newer_than_known("gfx803", "amd", [])
    assert newer_than_known("gfx001", "amd", [])
    assert not newer_than_known("gfx1100", "amd", ["gfx1100"])
    assert not newer_than_known("gfx950", "amd", ["gfx1100"])
    assert newer_than_known("gfx1200", "amd", ["gfx1100"])
