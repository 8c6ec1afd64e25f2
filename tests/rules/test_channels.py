"""Nightlies: the head of a channel, those that a request names, and the triton that goes along."""

import pytest

from accelsel.knowledge import load
from accelsel.model.profile import (
    Cpu,
    Drivers,
    Gpu,
    Libc,
    NvidiaDriver,
    Os,
    Profile,
    Python,
)
from accelsel.model.request import Request
from accelsel.model.selection import Selection
from accelsel.model.value import replace
from accelsel.rules import select

TABLES = load()
HOST = Profile(
    state="usable",
    os=Os(
        system="linux",
        version="24.04",
        release="6.8.0",
        libc=Libc(family="glibc", version="2.39"),
        wsl=False,
        container=None,
        jetson=None,
    ),
    cpu=Cpu(arch="x86_64", level=None),
    python=Python(version="3.12.3", implementation="cpython", free_threaded=False),
    drivers=Drivers(nvidia=NvidiaDriver(version="580.65.06", cuda_version="13.0", source="nvml")),
    gpus=(
        Gpu(
            index=0,
            vendor="nvidia",
            name="card",
            arch="sm_86",
            arch_source="nvml",
            pci_id=None,
            memory_bytes=8 << 30,
            integrated=False,
            usable=True,
        ),
    ),
)


def nightly(torch: str = "", backend: str | None = None, *companions: str) -> Selection:
    request = Request(torch=torch, backend=backend, channel="nightly", companions=companions)
    return select(HOST, request, TABLES)


@pytest.mark.parametrize(
    ("torch", "backend", "version", "chosen", "triton", "masked"),
    [
        ("", None, "2.16.0.dev0", "cu130", "triton", ()),
        ("", "cu132", "2.16.0.dev0", "cu132", "triton", ()),
        ("", "cu126", "2.15.0.dev0", "cu126", "triton", ()),
        (">=2.16.0.dev20261101", None, "2.16.0.dev0", "cu130", "triton", ()),
        (
            "==2.10.0.dev20251208",
            None,
            "2.10.0.dev20251208",
            "cu130",
            "pytorch-triton",
            ("triton",),
        ),
        ("==2.11.0.dev20260104", None, "2.11.0.dev20260104", "cu130", "triton", ()),
        (">=2.7.0.dev0,<2.8", "cu126", "2.7.0.dev0", "cu126", "pytorch-triton", ("triton",)),
        ("", "cu121", "2.6.0.dev0", "cu121", "pytorch-triton", ("triton",)),
    ],
    ids=[
        "head",
        "backend",
        "ended",
        "since",
        "dated",
        "after the rename",
        "a minor",
        "long ended",
    ],
)
def test_triton_goes_by_the_date(
    torch: str, backend: str | None, version: str, chosen: str, triton: str, masked: tuple[str, ...]
) -> None:
    selection = nightly(torch, backend)
    assert selection.torch is not None
    assert (selection.torch.version, selection.backend) == (version, chosen)
    assert selection.torch.specifier == ">=0.dev0"
    assert selection.confidence == "inferred"
    assert selection.index is not None
    assert selection.index.url == f"https://download.pytorch.org/whl/nightly/{chosen}"
    (package,) = selection.packages
    assert (package.name, package.index, package.constrain) == (
        triton, f"pytorch-nightly-{chosen}", True,
    )  # fmt: skip
    assert all(platform.startswith("linux") for platform in package.platforms)
    assert selection.excludes == masked


@pytest.mark.parametrize(
    ("torch", "driver", "backend"),
    [
        ("==2.12.0.dev20260222", "13.2", "cu130"),
        ("==2.7.0.dev20250128", "12.8", "cu126"),
        ("==2.11.0.dev20260104", "13.0", "cu130"),
    ],
    ids=["cu132 came that minor", "cu128 came that minor", "the driver's own"],
)
def test_a_backend_of_both_minors_comes_first(torch: str, driver: str, backend: str) -> None:
    """A nightly lies between two releases; what only one of them has came or ended some day."""
    drivers = Drivers(nvidia=NvidiaDriver(version="999.0", cuda_version=driver, source="nvml"))
    chosen = select(replace(HOST, drivers=drivers), Request(torch=torch), TABLES)
    assert (chosen.backend, chosen.confidence) == (backend, "inferred")


@pytest.mark.parametrize(
    ("torch", "backend", "triton"),
    [
        ("==2.10.0.dev20251208", "rocm7.1", "pytorch-triton-rocm"),
        ("==2.11.0.dev20260104", "rocm7.1", "triton-rocm"),
        ("==2.7.0.dev20250128", "rocm6.2.4", "pytorch-triton-rocm"),
    ],
)
def test_dated_nightlies_of_rocm(torch: str, backend: str, triton: str) -> None:
    gpu = replace(HOST.gpus[0], vendor="amd", arch="gfx942", arch_source="kfd")
    amd = replace(HOST, gpus=(gpu,), drivers=Drivers())
    chosen = select(amd, Request(torch=torch), TABLES)
    assert (chosen.backend, [package.name for package in chosen.packages]) == (backend, [triton])


def test_what_windows_pins_is_locked_for_linux_too() -> None:
    request = Request(channel="nightly", platform="windows-amd64")
    (package,) = select(HOST, request, TABLES).packages
    assert package.name == "triton"
    assert all(platform.startswith("linux") for platform in package.platforms)


@pytest.mark.parametrize(
    ("torch", "backend", "version"),
    [
        ("", "cu121", "2.6.0.dev0"),
        ("==2.7.0.dev20250128", "cu124", "2.7.0.dev20250128"),
        (">=2.5.0.dev20240614,<2.6", "cu121", "2.5.0.dev20240614"),
        ("", "cu126", "2.15.0.dev0"),
    ],
)
def test_the_index_that_the_project_names_is_there(torch: str, backend: str, version: str) -> None:
    """A driver for CUDA 12, for which no nightly of the table is."""
    drivers = Drivers(nvidia=NvidiaDriver(version="550.54.15", cuda_version="12.4", source="nvml"))
    host = replace(HOST, drivers=drivers)
    request = Request(torch=torch, channel="nightly", nightlies=(backend,))
    chosen = select(host, request, TABLES)
    assert chosen.torch is not None
    assert (chosen.backend, chosen.torch.version) == (backend, version)


def test_a_mac_has_its_nightlies_on_the_index_of_the_cpu() -> None:
    gpu = replace(HOST.gpus[0], vendor="apple", arch="apple-m2", arch_source="sysctl")
    mac = replace(
        HOST,
        os=replace(HOST.os, system="darwin", version="15.1", libc=None),
        cpu=Cpu(arch="arm64", level=None),
        drivers=Drivers(),
        gpus=(gpu,),
    )
    chosen = select(mac, Request(channel="nightly"), TABLES)
    assert chosen.index is not None
    assert chosen.index.url == "https://download.pytorch.org/whl/nightly/cpu"
    assert (chosen.backend, chosen.platforms, chosen.packages) == ("default", ("macos-arm64",), ())


def test_a_newer_nightly_comes_before_the_index_that_the_project_names() -> None:
    chosen = select(HOST, Request(channel="nightly", nightlies=("cu126",)), TABLES)
    assert (chosen.backend, chosen.torch and chosen.torch.version) == ("cu130", "2.16.0.dev0")


def test_bounds_that_only_a_nightly_meets_name_the_channel() -> None:
    selection = select(HOST, Request(torch="==2.10.0.dev20251208"), TABLES)
    assert (selection.channel, selection.outcome) == ("nightly", "selected")


def test_bounds_that_a_release_meets_do_not() -> None:
    selection = select(HOST, Request(torch=">=2.7.0.dev0"), TABLES)
    assert (selection.channel, selection.outcome) == ("stable", "selected")


@pytest.mark.parametrize(
    ("torch", "backend"),
    [("==2.15.0.dev20260815", None), ("==2.9.0.dev20250801", "cu121"), ("", "cu117")],
    ids=["known to be gone", "after the backend ended", "no nightly index"],
)
def test_a_nightly_that_is_not(torch: str, backend: str | None) -> None:
    assert nightly(torch, backend).outcome == "none"


def test_a_triton_that_another_package_names_is_masked_once() -> None:
    selection = nightly("==2.10.0.dev20251208", None, "unsloth-zoo")
    assert selection.excludes == ("triton",)


def test_a_nightly_warns_that_its_lock_goes_stale() -> None:
    assert "nightly" in {warning.code for warning in nightly().warnings}
