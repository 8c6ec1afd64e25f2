"""Every described host, three ways: as a recording, as a real tree with NVIDIA's library compiled
for it, and recorded anew from either. All say the same."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.kit import hosts
from tests.kit.nvml.stub import Stubs

from accelsel.model.profile import Profile
from accelsel.probe.detect import probe
from accelsel.probe.record import RecordedWorld, Recorder, essentials
from accelsel.probe.world import World

TREES = tuple(name for name in hosts.NAMES if hosts.has_a_tree(hosts.described(name)))
DEADLINE = 1.5  # seconds per vendor: what hangs here hangs for ever


def said(profile: Profile) -> dict[str, Any]:
    """The profile's essentials as JSON has them."""
    value = json.loads(json.dumps(essentials(profile)))
    assert isinstance(value, dict)
    return value


def replayed(world: World, folder: Path) -> tuple[Profile, Profile]:
    """What is seen through `world`, and what its recording comes to."""
    recorder = Recorder(world, names=("some-host", "some-user"))
    seen = probe(recorder, deadline=DEADLINE)
    recorder.write(folder, seen)
    return seen, probe(RecordedWorld(folder))


@pytest.mark.parametrize("name", hosts.NAMES)
def test_recording(name: str, tmp_path: Path) -> None:
    seen, again = replayed(RecordedWorld(hosts.FOLDER / name), tmp_path)
    assert hosts.differences(hosts.expected(name), said(seen)) == []
    assert said(again) == said(seen)
    assert (
        hosts.differences(json.loads((tmp_path / "expected.json").read_text()), said(again)) == []
    )


@pytest.mark.parametrize("name", TREES)
def test_tree(name: str, tmp_path: Path, stubs: Stubs) -> None:
    seen, again = replayed(hosts.tree_world(name, tmp_path, stubs), tmp_path / "recording")
    assert hosts.differences(hosts.expected(name), said(seen)) == []
    assert said(again) == said(seen)


@pytest.mark.parametrize("name", hosts.NAMES)
def test_description_names_its_source(name: str) -> None:
    host = hosts.described(name)
    assert host["source"]
    assert host["covers"]
