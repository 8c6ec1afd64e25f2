from typing import Any

import pytest
from tests.kit.hosts import world

from accelsel.model.profile import AmdDriver
from accelsel.probe import amd_driver, host
from accelsel.probe.facts import GpuFact
from accelsel.probe.replay import RecordedWorld

CARD = "0000:03:00.0"


@pytest.mark.parametrize(
    ("text", "version"),
    [
        ("7.0.2-56\n", "7.0.2"),
        ("6.14.14\n", "6.14.14"),
        ("6.8\n", "6.8"),
        ("6.8.5.123456", "6.8.5.123456"),
        ("1.2.3.4.5", None),
        ("7", None),
        ("6.1234567", None),
        ("6.x.1", None),
        ("٦.٨", None),
        ("", None),
    ],
)
def test_version(text: str, version: str | None) -> None:
    assert amd_driver.version_of(world(files={"/v": text}), "/v") == version
    assert amd_driver.version_of(world(), "/v") is None


@pytest.mark.parametrize(
    ("files", "version"),
    [
        pytest.param({"/opt/rocm/.info/version": "7.0.2-56"}, "7.0.2", id="default"),
        pytest.param({"/opt/rocm-6.4.1/.info/version": "6.4.1-83"}, "6.4.1", id="own-folder"),
        pytest.param(
            {"/opt/rocm-6.3.0/.info/version": "6.3.0", "/opt/rocm-6.4.1/.info/version": "6.4.1"},
            "6.4.1",
            id="newest-folder",
        ),
        pytest.param({"/opt/other/.info/version": "1.2.3"}, None, id="another-product"),
        pytest.param({}, None, id="none"),
    ],
)
def test_rocm(files: dict[str, str], version: str | None) -> None:
    assert amd_driver.rocm_version(world(files=files)) == version
    note = f"ROCm {version} is installed here, and no AMD GPU or driver was seen"
    assert amd_driver.notes_on_rocm(world(files=files)) == ((note,) if version else ())


def test_driver_behind_wsl() -> None:
    seen = world(access={"/dev/dxg": "rw"})
    assert amd_driver.driver(seen, host.probe(seen)) == AmdDriver(
        version=None, rocm_version=None, source="the Windows host"
    )


def notes(**parts: Any) -> tuple[str, ...]:
    card = GpuFact(vendor="amd", address=CARD, pci_id="1002:744c", usable=True)
    idle = GpuFact(vendor="amd", address="0000:0a:00.0", pci_id="1002:7480", usable=False)
    dirs = {f"/sys/bus/pci/devices/{CARD}/drm": ["card0", "renderD128"]}
    dirs["/sys/bus/pci/devices/0000:0a:00.0/drm"] = ["card1", "renderD129"]
    seen: RecordedWorld = world(dirs=dirs, **parts)
    return amd_driver.access_notes(seen, host.probe(seen), (card, idle))


def test_all_nodes_are_there() -> None:
    assert notes(access={"/dev/kfd": "rw", "/dev/dri/renderD128": "rw"}) == ()


def test_nodes_that_are_missing() -> None:
    missing = "/dev/kfd, /dev/dri/renderD128 not found: "
    assert notes() == (f"{missing}check that the amdgpu module is loaded",)
    assert notes(access={"/.dockerenv": ""}) == (
        f"{missing}start the container with --device /dev/kfd --device /dev/dri",
    )


def test_nodes_without_permission() -> None:
    (note,) = notes(access={"/dev/kfd": "", "/dev/dri/renderD128": ""})
    assert note == (
        "no permission for /dev/kfd, /dev/dri/renderD128: add this user to the groups render and "
        "video (sudo usermod -aG render,video $USER), then log in again"
    )
