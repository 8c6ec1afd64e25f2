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
    ids=["head", "backend", "ended", "since", "dated", "after the rename", "a minor", "long ended"],
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
