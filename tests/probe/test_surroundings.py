"""What lies around the drivers: the distribution whose commands a cure is made of."""

import json
from pathlib import Path

import pytest

from accelsel.probe.record import RecordedWorld
from accelsel.probe.surroundings import look


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ('ID=ubuntu\nID_LIKE=debian\nVERSION_ID="24.04"\n', "ubuntu"),
        ('NAME="Linux Mint"\nID=linuxmint\nID_LIKE="ubuntu debian"\n', "ubuntu"),
        ('ID=pop\nID_LIKE="ubuntu debian"\n', "ubuntu"),
        ("ID=kali\nID_LIKE=debian\n", "debian"),
        ("ID=manjaro\nID_LIKE=arch\n", "arch"),
        ('ID="ol"\nID_LIKE="fedora"\n', "fedora"),
        ('ID="centos"\nID_LIKE="rhel fedora"\n', "rhel"),
        ('ID="rocky"\nID_LIKE="rhel centos fedora"\n', "rocky"),
        ("ID=gentoo\n", "gentoo"),
        ('ID=nixos\nID_LIKE=""\n', "nixos"),
        ("PRETTY_NAME=x\n", None),
        ("", None),
    ],
)
def test_distribution(text: str, name: str | None, tmp_path: Path) -> None:
    host = json.loads((Path(__file__).parents[2] / "fixtures/hosts/no-gpu/host.json").read_text())
    host["files"]["/etc/os-release"] = text
    (tmp_path / "host.json").write_text(json.dumps(host))
    assert look(RecordedWorld(tmp_path)).distribution == name
