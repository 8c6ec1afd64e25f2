"""Every described host, three ways: as a recording, as a real tree with NVIDIA's library compiled
for it, and recorded anew from either. All say the same."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any, get_args

import pytest
from tests.kit import hosts
from tests.kit.nvml.stub import Stubs

from accelsel.model.profile import Profile, State
from accelsel.ports.documents import document
from accelsel.probe.detect import probe
from accelsel.probe.record import RecordedWorld, Recorder, essentials
from accelsel.probe.world import World

TREES = tuple(name for name in hosts.NAMES if hosts.has_a_tree(hosts.described(name)))


def said(profile: Profile) -> dict[str, Any]:
    """The profile's essentials as JSON has them."""
    value = json.loads(json.dumps(essentials(profile)))
    assert isinstance(value, dict)
    return value


def replayed(world: World, folder: Path) -> tuple[Profile, Profile]:
    """What is seen through `world`, and what its recording comes to."""
    recorder = Recorder(world, names=("some-host", "some-user"))
    seen = probe(recorder)
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


def test_readme_lists_every_host() -> None:
    rows = [
        f"| {name} | {'; '.join(host['covers'])} | {host['source']} |"
        for name in hosts.NAMES
        for host in [hosts.described(name)]
    ]
    lines = (hosts.FOLDER / "README.md").read_text().splitlines()
    assert lines[lines.index("| host | covers | source |") + 2 :] == rows


def test_every_state_of_the_contract_is_covered() -> None:
    states = {hosts.expected(name).get("state") for name in hosts.NAMES}
    assert states >= set(get_args(State))


SAVED = sorted(path.parent.name for path in hosts.FOLDER.glob("*/profile.json"))


@pytest.mark.parametrize("name", SAVED)
def test_saved_profile(name: str) -> None:
    saved = json.loads((hosts.FOLDER / name / "profile.json").read_text())
    seen = json.loads(json.dumps(document("profile", probe(RecordedWorld(hosts.FOLDER / name)))))
    for result in (*saved["probes"], *seen["probes"]):
        result["elapsed_ms"] = 0
    assert seen == saved


def test_the_users_locale_changes_nothing() -> None:
    command = [sys.executable, "-m", "accelsel", "detect", "--format", "json", "--replay"]
    command.append(str(hosts.FOLDER / "rtx-3060-gtx-1050-580"))
    texts = []
    for locale in ("C", "tr_TR.UTF-8"):
        environ = {**os.environ, "LANG": locale, "LC_ALL": locale}
        done = subprocess.run(command, env=environ, capture_output=True, text=True, check=True)
        texts.append(re.sub(r'"elapsed_ms": [0-9.]+', "", done.stdout))
    assert texts[0] == texts[1]
