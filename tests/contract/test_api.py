"""The library: five verbs, and nothing loaded before one is called."""

import subprocess
import sys
from pathlib import Path

import accelsel
from accelsel.ports import parse

HOST = Path(__file__).parents[2] / "fixtures" / "hosts" / "gtx-1080-ti-580" / "profile.json"
PROJECT = '[project]\nname = "p"\nversion = "0"\ndependencies = ["torch"]  # here\n'


def test_five_verbs_pin_a_project(tmp_path: Path) -> None:
    profile = parse.profile(HOST.read_text(encoding="utf-8"), str(HOST))
    selection = accelsel.select(profile, accelsel.Request(torch="<2.14"))
    assert (selection.backend, selection.torch and selection.torch.version) == ("cu126", "2.13.0")
    text = accelsel.render(PROJECT, accelsel.plan(selection, PROJECT))
    path = tmp_path / "pyproject.toml"
    path.write_text(PROJECT, encoding="utf-8")
    assert accelsel.apply({"pyproject.toml": text}, tmp_path) == (path,)
    assert 'torch = { index = "pytorch-cu126"' in path.read_text(encoding="utf-8")
    assert accelsel.apply({"pyproject.toml": text}, tmp_path) == ()  # the room is imported by now


def test_probe_gives_a_profile_of_this_host() -> None:
    profile = accelsel.probe()
    assert profile.python.version == ".".join(map(str, sys.version_info[:3]))
    assert {probe.name for probe in profile.probes}


def test_importing_the_package_loads_nothing_else() -> None:
    code = "import sys, accelsel; print([m for m in sys.modules if m.startswith('accelsel')])"
    out = subprocess.check_output([sys.executable, "-c", code], text=True)
    assert out.strip() == "['accelsel']"
