"""The wheel-variant provider, loaded and ranked by the unmodified variantlib."""

import json
import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from tests.kit.variants import builds, label, variants_json

from accelsel.cli.provider import Provider
from accelsel.knowledge import load
from accelsel.model.request import Request
from accelsel.ports.documents import document
from accelsel.probe import probe
from accelsel.probe.record import RecordedWorld
from accelsel.rules import select
from accelsel.rules.host import platform_of

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"


def ranked(document: dict[str, Any], host: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The labels that variantlib would install on a host, best first."""
    api = pytest.importorskip("variantlib.api")
    import_module("variantlib.plugins.loader").VARIANT_PROVIDER_CACHE_TABLE.clear()
    monkeypatch.setenv("ACCELSEL_PROFILE", str(host))
    found = api.get_variants_by_priority(
        variants_json=document, venv_python_executable=sys.executable
    )
    return [str(variant.label) for variant in found]


NAMES = (
    "arc-a770", "gb300-node", "gh200-580", "gtx-1080-ti-580", "h100-525", "h200-mig-580",
    "jetson-orin-jp7", "mi300x", "mi350x", "no-gpu", "rtx-3060-gtx-1050-580", "rtx-5090-570",
    "rtx-5090-580", "rx-7900-xtx", "rx-9070-xt-raphael", "smi-470-refuses-compute-cap",
    "strix-halo", "t4-535", "uhd-770-only", "v100-580", "xps13-9350-lunar-lake",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_right_variant_comes_first(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    tables, profile, path = load(), probe(RecordedWorld(HOSTS / name)), tmp_path / "profile.json"
    path.write_text(json.dumps(document("profile", profile)), encoding="utf-8")
    selection = select(profile, Request(requires_python=">=3.9"), tables)
    assert selection.torch is not None
    rows = builds(tables, selection.torch.version, platform_of(profile))
    order = ranked(variants_json(rows, tables), path, monkeypatch)
    assert order[0] == label(selection.backend or ""), order


def test_a_static_file_says_the_same_as_the_plugin(tmp_path: Path) -> None:
    code = (
        "import json, sys\nfrom accelsel.cli.options import Flags\n"
        "from accelsel.cli import provider\n"
        "print(json.dumps({c.name: c.values for c in provider.nvidia.get_supported_configs()}))\n"
        "provider.properties(Flags())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True,
        env=dict(os.environ) | {"ACCELSEL_PROFILE": str(HOSTS / "t4-535" / "profile.json")},
    )  # fmt: skip
    plugin, _, document = done.stdout.partition("\n")
    static = json.loads(document)
    assert static["schema"] == "accelsel.variants/1"
    assert static["static-properties"]["nvidia"] == json.loads(plugin)
    assert static["default-priorities"]["namespace"] == ["nvidia"]


def test_the_static_file_of_a_profile_that_is_named() -> None:
    words = ["env", "--format", "variants"]
    for host, there in (
        ("t4-535", "nvidia"),
        ("mi300x", "amd"),
        ("rtx-3060-gtx-1050-580", "nvidia"),
    ):
        path = str(HOSTS / host / "profile.json")
        done = subprocess.run(
            [sys.executable, "-m", "accelsel", *words, "--profile", path],
            capture_output=True, text=True, check=True,
        )  # fmt: skip
        assert list(json.loads(done.stdout)["static-properties"]) == [there]


@pytest.mark.parametrize("namespace", ["nvidia", "amd", "intel"])
def test_what_is_supported_is_known(
    namespace: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from accelsel.cli import provider

    host = {"nvidia": "t4-535", "amd": "mi300x", "intel": "arc-a770"}[namespace]
    monkeypatch.setenv("ACCELSEL_PROFILE", str(HOSTS / host / "profile.json"))
    provider._supported.cache_clear()
    each = Provider(namespace)
    known = {config.name: set(config.values) for config in each.get_all_configs()}
    offered = each.get_supported_configs()
    provider._supported.cache_clear()
    assert offered
    for config in offered:
        assert set(config.values) <= known[config.name]
        assert len(set(config.values)) == len(config.values)
