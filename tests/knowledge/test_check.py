"""`rules check`: the shipped table is sound, and each way to be unsound is found."""

import json
from pathlib import Path
from typing import Any

import pytest

from accelsel.knowledge.check import check

PROVENANCE = {"source": "pypi", "checked": "2026-12-24", "confidence": "read"}
BUILD: dict[str, Any] = {
    "torch": "2.15.0",
    "backend": "cu126",
    "platform": "linux-x86_64",
    "published": True,
    "archs": "cuda-50-90",
    "ptx": [],
    "arch_confidence": "read",
    **PROVENANCE,
}
BACKEND: dict[str, Any] = {
    "name": "cu140",
    "kind": "cuda",
    "toolkit": [14, 0],
    "indexes": {},
    "uv": False,
    **PROVENANCE,
}
INDEX = {"name": "corp", "url": "https://wheels.example/", "format": "simple"}


def test_the_shipped_table_is_sound() -> None:
    assert [str(finding) for finding in check()] == []


def of(tmp_path: Path, text: str) -> list[tuple[str, str]]:
    path = tmp_path / "rules.json"
    path.write_text(text)
    findings = check((path,))
    assert {finding.file for finding in findings} <= {str(path)}
    return [(finding.row, finding.message) for finding in findings]


def test_a_sound_file(tmp_path: Path) -> None:
    assert of(tmp_path, json.dumps({"builds": [BUILD]})) == []


UNSOUND: dict[str, tuple[dict[str, Any], str]] = {
    "source": ({"builds": [BUILD | {"source": "hearsay"}]}, "source hearsay has no row"),
    "unused source": ({"sources": [{"id": "a", "text": "b"}]}, "no row rests on this source"),
    "date": ({"builds": [BUILD | {"checked": "2026-02-30"}]}, "checked is no date: 2026-02-30"),
    "index": (
        {"backends": [BACKEND | {"indexes": {"stable": "corp"}}]},
        "the stable index corp has no row in indexes",
    ),
    "unused index": ({"indexes": [INDEX]}, "no backend uses this index"),
    "no toolkit": ({"backends": [BACKEND | {"toolkit": []}]}, "toolkit numbers belong to CUDA"),
    "backend": ({"builds": [BUILD | {"backend": "cu999"}]}, "backend cu999 has no row"),
    "channel": ({"builds": [BUILD | {"channel": "test", "backend": "cu118"}]}, "no test index"),
    "archset": ({"builds": [BUILD | {"archs": "cuda-9"}]}, "archs cuda-9 has no row in archsets"),
    "unknown archs": ({"builds": [BUILD | {"archs": None}]}, "architecture list needs a note"),
    "foreign archs": ({"builds": [BUILD | {"archs": ["gfx906"]}]}, "gfx906 is no architecture of"),
    "code for the CPU": (
        {"builds": [BUILD | {"backend": "cpu", "archs": ["sm_75"]}]},
        "has no GPU code",
    ),
    "broken": ({"builds": [BUILD | {"broken": ["sm_120"]}]}, "broken sm_120 is not in the"),
    "unpublished": ({"builds": [BUILD | {"published": None}]}, "to be published needs a note"),
    "version": ({"builds": [BUILD | {"version": "2.14.1+cu126"}]}, "is not of torch 2.15.0"),
    "release": ({"builds": [BUILD | {"torch": "2.99.0"}]}, "torch 2.99.0 has no row in releases"),
    "pythons": ({"builds": [BUILD | {"platform": "linux-riscv64"}]}, "no Pythons"),
    "triton": (
        {"builds": [BUILD | {"backend": "cpu", "archs": [], "triton": True}]},
        "the release names no triton for cpu",
    ),
    "companions": (
        {
            "builds": [
                BUILD
                | {"companions": [{"name": "torchtext", "specifier": "", "declared": True}] * 2}
            ]
        },
        "names a companion twice",
    ),
    "change": (
        {"builds": [BUILD | {"archs": ["sm_90"]}]},
        "architectures differ from those of 2.14.1",
    ),
    "twice": ({"builds": [BUILD, BUILD]}, "says again what builds[0] of"),
    "device twice": (
        {
            "nvidia_devices": [
                {"chip": "G1", "arch": None, "integrated": None, "ids": ids, **PROVENANCE}
                for ids in ({"fff0": None}, {"fff0": None, "fff1": None})
            ]
        },
        "says again what nvidia_devices[0] of",
    ),
    "shape": ({"builds": [BUILD | {"published": False}]}, "published: must be one of True, None"),
}


@pytest.mark.parametrize(("document", "message"), UNSOUND.values(), ids=UNSOUND.keys())
def test_unsound(tmp_path: Path, document: dict[str, Any], message: str) -> None:
    found = of(tmp_path, json.dumps(document))
    table = next(iter(document))
    assert [row for row, what in found if message in what and row.startswith(f"{table}[")]


def test_no_json(tmp_path: Path) -> None:
    path = tmp_path / "rules.json"
    path.write_text("{")
    (finding,) = check((path,))
    assert str(finding) == f"{path}:1: the rules file is not JSON"


def test_every_finding_at_once(tmp_path: Path) -> None:
    rows = [BUILD | {"source": "one"}, BUILD | {"platform": "windows-amd64", "source": "two"}]
    found = of(tmp_path, json.dumps({"builds": rows}))
    assert [row for row, what in found if "source" in what] == [
        "builds[0] (2.15.0 cu126 linux-x86_64)",
        "builds[1] (2.15.0 cu126 windows-amd64)",
    ]
