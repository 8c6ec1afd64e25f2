import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from tests.kit.nvml import tree

from accelsel.model.errors import AccelselError
from accelsel.probe import detect, probe
from accelsel.probe.facts import Deadline, HostFacts, PciDevice, VendorFacts
from accelsel.probe.host_world import HostWorld
from accelsel.probe.world import World

NO_TOOLS: Mapping[str, str] = {"PATH": "/nowhere"}


def slow(
    world: World, host: HostFacts, pci: tuple[PciDevice, ...], deadline: Deadline
) -> VendorFacts:
    time.sleep(deadline.left() + 5)
    raise AssertionError


def broken(
    world: World, host: HostFacts, pci: tuple[PciDevice, ...], deadline: Deadline
) -> VendorFacts:
    raise ZeroDivisionError


def idle(
    world: World, host: HostFacts, pci: tuple[PciDevice, ...], deadline: Deadline
) -> VendorFacts:
    return VendorFacts(vendor="amd", notes=("idle",))


@pytest.mark.parametrize(("bad", "status"), [(slow, "timeout"), (broken, "failed")])
def test_a_probe_that_does_not_end_takes_no_other_along(
    root: Path, monkeypatch: pytest.MonkeyPatch, bad: detect.VendorProbe, status: str
) -> None:
    tree.card(root, "0000:01:00.0", "2487", "nvidia")
    monkeypatch.setattr(detect, "_vendors", lambda: (("nvidia", bad), ("amd", idle)))
    started = time.monotonic()
    profile = probe(HostWorld(root=str(root), environ=NO_TOOLS), deadline=0.3)
    assert time.monotonic() - started < 3
    assert [(gpu.arch, gpu.usable) for gpu in profile.gpus] == [("sm_86", False)]
    assert {each.name: each.status for each in profile.probes}["nvidia"] == status
    assert profile.notes[0].startswith("probe-incomplete: ")
    assert profile.notes[1:] == ("idle",)


def test_an_override_that_no_host_can_have(root: Path) -> None:
    environ = {**NO_TOOLS, "ACCELSEL_CUDA_DRIVER": "yes"}
    with pytest.raises(AccelselError) as caught:
        probe(HostWorld(root=str(root), environ=environ))
    assert caught.value.code == 2


def test_nothing_on_a_bare_host(root: Path) -> None:
    profile = probe(HostWorld(root=str(root), environ=NO_TOOLS))
    assert (profile.state, profile.gpus, profile.notes) == ("no-gpu", (), ())
    assert {each.status for each in profile.probes} == {"absent"}


def test_this_machine() -> None:
    profile = probe()
    assert profile.python.version == "{}.{}.{}".format(*sys.version_info[:3])
    assert profile.cpu.arch


def test_what_a_host_without_a_gpu_does_not_load(root: Path) -> None:
    """Start-up is a feature: neither the bindings nor the means to start a process are loaded."""
    code = (
        "import sys\n"
        "from accelsel.probe import probe\n"
        "from accelsel.probe.host_world import HostWorld\n"
        f"probe(HostWorld(root={str(root)!r}, environ={{'PATH': '/nowhere'}}))\n"
        "print(*sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    loaded = set(done.stdout.split())
    assert loaded.isdisjoint(
        {"pynvml", "subprocess", "asyncio", "concurrent.futures", "json", "pathlib", "packaging"}
        | {"accelsel.probe.nvidia_gpus", "accelsel.knowledge", "tomlkit", "rich", "pydantic"}
    )
