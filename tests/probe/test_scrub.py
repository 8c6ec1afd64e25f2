import json

import pytest

from accelsel.probe.scrub import Scrubber

FIRST = "00000000-0000-0000-0000-000000000001"
FACTS = "gfx1100 580.65.06 0000:01:00.0"
UUID = "5c5e3f2b-aaaa-bbbb-cccc-0123456789ab"


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        pytest.param(f"GPU-{UUID}, 580", f"GPU-{FIRST}, 580", id="uuid"),
        pytest.param(f"MIG-GPU-{UUID}/3/0", f"MIG-GPU-{FIRST}/3/0", id="mig"),
        pytest.param(
            "Uuid:   GPU-8c5e3f2b1a2b3c4d\n",
            f"Uuid:   GPU-{FIRST}\n",
            id="rocminfo-uuid",
        ),
        pytest.param("unique_id 1801979520617338022\n", "unique_id 0\n", id="kfd-unique-id"),
        pytest.param("Serial\t\t: 10000000abcdef01\n", "Serial\t\t: 0\n", id="cpuinfo-serial"),
        pytest.param("  Serial Number : 1320521001234\n", "  Serial Number : 0\n", id="smi"),
        pytest.param('  "asic_serial": "0x78AB",\n', '  "asic_serial": 0,\n', id="amd-smi"),
        pytest.param(
            "Kernel Module for x86_64  580.65.06  Release Build  (dvs-builder@U22-I3-B01)  Sun",
            "Kernel Module for x86_64  580.65.06  Release Build  (user@host)  Sun",
            id="builder",
        ),
        pytest.param(
            "lowerdir=/home/alice/.local/share", "lowerdir=/home/user/.local/share", id="home"
        ),
        pytest.param(r"C:\Users\Alice\x", r"C:\Users\user\x", id="windows-home"),
        pytest.param(f"/docker/{'ab' * 32}", f"/docker/{'0' * 32}", id="container-id"),
        pytest.param("node7.example: alice says", "name: name says", id="own-names"),
        pytest.param("malice on node77", "malice on node77", id="names-are-whole-words"),
        pytest.param(
            "{4d36e968-e325-11ce-bfc1-08002be10318}",
            "{4d36e968-e325-11ce-bfc1-08002be10318}",
            id="class-of-display-adapters",
        ),
        pytest.param(
            "gfx1100 580.65.06 0000:01:00.0", "gfx1100 580.65.06 0000:01:00.0", id="facts"
        ),
    ],
)
def test_text(text: str, clean: str) -> None:
    assert Scrubber(("alice", "node7.example", "node7")).text(text) == clean


@pytest.mark.parametrize("name", ["nvidia", "root", "ubuntu", "gpu", "AMD", "x1", ""])
def test_common_names_are_kept(name: str) -> None:
    text = f"{name} gpu of nvidia, amd or root on ubuntu x1"
    assert Scrubber((name,)).text(text) == text


def test_equal_identifiers_stay_equal() -> None:
    scrub = Scrubber()
    first = scrub.text(f"GPU-{UUID}")
    assert scrub.text(f"again GPU-{UUID.upper()}") == f"again {first}"
    assert scrub.text(UUID.replace("5c", "6d")) != first.removeprefix("GPU-")


def test_json_values() -> None:
    value = {"call": "name", "value": ["alice's card", 5], "gpu_uuid": "x", "more": {"serial": "1"}}
    clean = Scrubber(("alice",)).value(value)
    assert clean == {
        "call": "name",
        "value": ["name's card", 5],
        "gpu_uuid": 0,
        "more": {"serial": 0},
    }


def test_json_text_stays_json() -> None:
    document = [{"asic": {"asic_serial": "0x1", "market_name": "MI300X"}, "uuid": UUID}]
    for text in (json.dumps(document), json.dumps(document, indent=4)):
        (entry,) = json.loads(Scrubber().text(text))
        assert entry["asic"]["market_name"] == "MI300X"
        assert "0x1" not in json.dumps(entry)
