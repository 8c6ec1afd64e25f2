from typing import Any

import pytest

from accelsel.probe.nvidia_library import compute_capability, cuda_version, read

NVML: list[dict[str, Any]] = [
    {"call": "init", "gpu": None, "value": True},
    {"call": "driver", "gpu": None, "value": "580.65.06"},
    {"call": "count", "gpu": None, "value": 1},
    {"call": "handle", "gpu": 0, "value": True},
    {"call": "capability", "gpu": 0, "value": [8, 6]},
    {"call": "pci", "gpu": 0, "value": {"id": 0x248710DE, "domain": 0, "bus": 1, "device": 0}},
    {"call": "cuda", "gpu": None, "value": 13000},
    {"call": "name", "gpu": 0, "value": "NVIDIA GeForce RTX 3060"},
    {"call": "memory", "gpu": 0, "value": 12884901888},
    {"call": "mig", "gpu": 0, "error": 3},
]


def said(*changes: dict[str, Any]) -> list[dict[str, Any]]:
    """The records with some in the place of others of the same call and GPU."""
    changed = {(change["call"], change.get("gpu")): change for change in changes}
    kept = [changed.pop((record["call"], record["gpu"]), record) for record in NVML]
    return [*kept, *changed.values()]


def test_all_that_nvml_says() -> None:
    view = read(NVML)
    assert (view.ready, view.counted, view.complete, view.error) == (True, True, True, None)
    assert (view.driver, view.cuda_version, view.cuda_source) == ("580.65.06", "13.0", None)
    (gpu,) = view.gpus
    assert (gpu.arch, gpu.arch_source, gpu.address) == ("sm_86", "nvml", "0000:01:00.0")
    assert (gpu.pci_id, gpu.memory_bytes, gpu.usable) == ("10de:2487", 12884901888, True)
    assert gpu.note is None


@pytest.mark.parametrize("length", range(len(NVML)))
def test_cut_short(length: int) -> None:
    """Whatever came before the end is kept, and nothing is made up."""
    view = read(NVML[:length])
    assert view.complete == (length >= 5)
    assert view.driver == ("580.65.06" if length > 1 else None)
    assert len(view.gpus) == (length > 2)
    for gpu in view.gpus:
        assert gpu.usable == (length > 3)
        assert gpu.arch in {None, "sm_86"}


@pytest.mark.parametrize(
    ("error", "usable", "note"),
    [
        pytest.param(15, False, "lost: it has fallen off the bus", id="lost"),
        pytest.param(
            4, False, "no permission: this user may not open /dev/nvidia*", id="no-permission"
        ),
        pytest.param(77, False, "the driver's library answers with error 77", id="unheard-of"),
        pytest.param(13, False, None, id="no-such-function-says-nothing"),
        pytest.param("OSError: /home/x", False, "the driver's library fails on it", id="text"),
    ],
)
def test_no_handle(error: object, usable: bool, note: str | None) -> None:
    (gpu,) = read([*NVML[:3], {"call": "handle", "gpu": 0, "error": error}, *NVML[6:7]]).gpus
    assert (gpu.usable, gpu.note, gpu.arch) == (usable, note, None)


def test_lost_after_the_handle() -> None:
    later = ("capability", "pci", "name", "memory", "mig")
    lost = [{"call": call, "gpu": 0, "error": 15} for call in later]
    (gpu,) = read(said(*lost)).gpus
    assert (gpu.usable, gpu.note) == (False, "lost: it has fallen off the bus")
    (gpu,) = read(said(*lost[:1])).gpus
    assert (gpu.usable, gpu.note) == (True, None)


@pytest.mark.parametrize(
    ("mode", "names", "note"),
    [
        ([0, 1], [], None),
        ([1, 1], [], "MIG is on, without slices"),
        ([1, 1], ["NVIDIA H200 MIG 1g.18gb"] * 2, "MIG: 2 x 1g.18gb"),
        (
            [1, 1],
            ["NVIDIA H200 MIG 1c.3g.71gb", "NVIDIA H200 MIG 1g.18gb"],
            "MIG: 1 x 1c.3g.71gb, 1 x 1g.18gb",
        ),
    ],
)
def test_slices_are_told_and_not_counted(
    mode: list[int], names: list[str], note: str | None
) -> None:
    slices = [{"call": "mig-name", "gpu": 0, "value": name} for name in names]
    view = read([*said({"call": "mig", "gpu": 0, "value": mode}), *slices])
    assert [gpu.note for gpu in view.gpus] == [note]
    assert view.gpus[0].usable


@pytest.mark.parametrize(
    ("records", "version", "source"),
    [
        pytest.param([("cuda", 12040)], "12.4", None, id="the-library-itself"),
        pytest.param([("cuda-v1", 12040)], "12.4", "nvml v1 (weaker)", id="the-older-call"),
        pytest.param(
            [("cuda-v1", 12000), ("libcuda", 12040)], "12.4", "libcuda", id="libcuda-first"
        ),
        pytest.param([("cuda", 0), ("cuda-v1", 12000)], "12.0", "nvml v1 (weaker)", id="zero"),
        pytest.param([], None, None, id="nothing"),
    ],
)
def test_cuda_version_by_trust(
    records: list[tuple[str, int]], version: str | None, source: str | None
) -> None:
    view = read({"call": call, "gpu": None, "value": value} for call, value in records)
    assert (view.cuda_version, view.cuda_source) == (version, source)


@pytest.mark.parametrize(
    ("number", "version"),
    [
        (13020, "13.2"),
        (12080, "12.8"),
        (11040, "11.4"),
        (0, None),
        (-1, None),
        (4000, None),
        (2**31, None),
        ("13000", None),
        (None, None),
    ],
)
def test_cuda_version(number: object, version: str | None) -> None:
    assert cuda_version(number) == version


@pytest.mark.parametrize(
    ("value", "arch"),
    [
        ([8, 6], "sm_86"),
        ([12, 0], "sm_120"),
        ([10, 7], "sm_107"),
        ([0, 0], None),
        ([8, 10], None),
        ([8], None),
        (["8", "6"], None),
        (None, None),
        ("86", None),
    ],
)
def test_compute_capability(value: object, arch: str | None) -> None:
    assert compute_capability(value) == arch


@pytest.mark.parametrize(
    "record",
    [
        {},
        {"call": 5},
        {"call": "count", "gpu": None, "value": -3},
        {"call": "count", "gpu": None, "value": 10**9},
        {"call": "pci", "gpu": 0, "value": {"id": "x", "bus": None, "domain": -1}},
        {"call": "mig", "gpu": 0, "value": []},
        {"call": "mig-name", "gpu": 0, "value": None},
        {"call": "name", "gpu": -4, "value": []},
    ],
)
def test_records_that_make_no_sense(record: dict[str, Any]) -> None:
    view = read([record])
    assert not view.ready
    assert all(gpu.arch is None and not gpu.usable for gpu in view.gpus)
