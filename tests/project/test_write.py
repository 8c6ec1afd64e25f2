"""What the writer makes of a selection's less common parts."""

import tomllib
from typing import Any

from accelsel.knowledge import load
from accelsel.model.plan import PinOptions
from accelsel.model.profile import (
    Cpu,
    Drivers,
    Gpu,
    Jetson,
    Libc,
    NvidiaDriver,
    Os,
    Profile,
    Python,
)
from accelsel.model.request import Request
from accelsel.project.plan import plan, unplan
from accelsel.project.read import read
from accelsel.project.render import render
from accelsel.rules import select

ORIN = Profile(
    state="usable",
    os=Os(
        system="linux",
        version="20.04",
        release="5.10.120-tegra",
        libc=Libc(family="glibc", version="2.31"),
        wsl=False,
        container=None,
        jetson=Jetson(l4t="R35.4.1", jetpack="5"),
    ),
    cpu=Cpu(arch="aarch64", level=None),
    python=Python(version="3.8.10", implementation="cpython", free_threaded=False),
    drivers=Drivers(nvidia=NvidiaDriver(version=None, cuda_version="11.4", source="l4t")),
    gpus=(
        Gpu(
            index=0,
            vendor="nvidia",
            name="Orin",
            arch="sm_87",
            arch_source="tegra",
            pci_id=None,
            memory_bytes=None,
            integrated=True,
            usable=True,
        ),
    ),
)
TEXT = (
    '[project]\nname = "p"\nversion = "0"\nrequires-python = "==3.8.*"\ndependencies = ["torch"]\n'
)
WHEEL = (
    "https://developer.download.nvidia.com/compute/redist/jp/v512/pytorch/"
    "torch-2.1.0a0+41361538.nv23.06-cp38-cp38-linux_aarch64.whl"
)


def pinned(*mirrors: tuple[str, str]) -> tuple[str, dict[str, Any]]:
    selection = select(ORIN, Request(), load())
    view = read(TEXT)
    text = render(view.text, plan(view, (selection,), PinOptions(mirrors=mirrors)))
    return text, tomllib.loads(text)["tool"]["uv"]


def test_a_backend_without_an_index_is_one_wheel_by_url() -> None:
    _, uv = pinned()
    assert uv["sources"]["torch"]["url"] == WHEEL
    assert "'tegra' in platform_release" in uv["sources"]["torch"]["marker"]
    assert "index" not in uv
    assert uv["constraint-dependencies"][0].startswith("torch==2.1.0a0+41361538.nv23.06 ;")


def test_the_wheel_by_url_may_have_a_mirror() -> None:
    _, uv = pinned(("https://developer.download.nvidia.com", "https://mirror.example/nvidia"))
    assert uv["sources"]["torch"]["url"].startswith("https://mirror.example/nvidia/compute/")


def test_the_wheel_by_url_is_taken_back() -> None:
    text, _ = pinned()
    view = read(text)
    assert render(text, unplan(view)) == TEXT
