import json
from pathlib import Path

import pytest
from tests.kit.hosts import TreeWorld, described, world, write_programs

from accelsel.probe import amd_tools
from accelsel.probe.amd_tools import AMD_SMI, ENUMERATOR, ROCMINFO, Agent, join
from accelsel.probe.facts import GpuFact

AGENT = """\
*******
Agent {number}
*******
  Name:                    {name}
  Marketing Name:          {market}
  Device Type:             {kind}
  Chip ID:                 29772(0x744c)
  BDFID:                   {bdf}
  ISA Info:
    ISA 1
      Name:                    amdgcn-amd-amdhsa--gfx1100
    ISA 2
      Name:                    amdgcn-amd-amdhsa--gfx11-generic
"""


def agent(name: str = "gfx1100", kind: str = "GPU", bdf: str = "768", market: str = "Card") -> str:
    return AGENT.format(number=2, name=name, kind=kind, bdf=bdf, market=market)


@pytest.mark.parametrize(
    ("text", "archs"),
    [
        pytest.param(agent(), ["gfx1100"], id="gpu"),
        pytest.param(agent("EPYC", "CPU") + agent("gfx942"), ["gfx942"], id="cpu-and-gpu"),
        pytest.param(agent("aie2", "DSP"), [], id="npu"),
        pytest.param(agent("gfx11-generic"), [], id="generic-isa-is-no-chip"),
        pytest.param(agent("gfx942:sramecc+:xnack-"), [], id="isa-name-is-no-agent-name"),
        pytest.param("  Name: gfx1100\n  Device Type: GPU\n", [], id="no-agent-header"),
        pytest.param("ROCk module is NOT loaded, possibly no GPU devices\n", [], id="no-module"),
        pytest.param("", [], id="empty"),
    ],
)
def test_rocminfo(text: str, archs: list[str]) -> None:
    assert [found.arch for found in amd_tools.parse_rocminfo(text)] == archs


def test_rocminfo_fields() -> None:
    assert amd_tools.parse_rocminfo(agent()) == (
        Agent(arch="gfx1100", name="Card", device_id="744c", address="03:00.0"),
    )
    (nowhere,) = amd_tools.parse_rocminfo(agent(bdf="0", market=""))
    assert (nowhere.address, nowhere.name) == (None, None)


def test_enumerator() -> None:
    text = "gfx000\ngfx1100\ngfx90a\n\nWARNING: gfx1030 is odd\ngfx11-generic\n"
    assert [found.arch for found in amd_tools.parse_enumerator(text)] == ["gfx1100", "gfx90a"]


SMI = {
    "gpu": 0,
    "asic": {
        "market_name": "AMD Instinct MI300X",
        "device_id": "0x74a1",
        "target_graphics_version": "gfx942",
    },
    "bus": {"bdf": "0000:05:00.0"},
}


@pytest.mark.parametrize(
    "document",
    [
        pytest.param([SMI], id="list"),
        pytest.param({"gpu_data": [SMI]}, id="under-gpu-data"),
    ],
)
def test_amd_smi(document: object) -> None:
    assert amd_tools.parse_amd_smi(json.dumps(document)) == (
        Agent(arch="gfx942", name="AMD Instinct MI300X", device_id="74a1", address="0000:05:00.0"),
    )


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[",
        "ERROR: no driver",
        "{}",
        "[1, null]",
        '[{"asic": []}]',
        '[{"asic": {"target_graphics_version": "N/A"}}]',
        '[{"asic": {"target_graphics_version": 942}}]',
        "[" * 5000,
    ],
)
def test_amd_smi_without_sense(text: str) -> None:
    assert amd_tools.parse_amd_smi(text) == ()


def gpu(**values: object) -> GpuFact:
    fields = {"vendor": "amd", "address": None, "pci_id": None, "usable": True, **values}
    return GpuFact(**fields)  # type: ignore[arg-type]


def archs(gpus: list[GpuFact]) -> list[str | None]:
    return [fact.arch for fact in gpus]


def test_join_by_address_then_id_then_place() -> None:
    gpus = [
        gpu(address="0000:03:00.0", pci_id="1002:6fff"),
        gpu(address="0000:05:00.0", pci_id="1002:6ffe"),
    ]
    by_address = (
        Agent(arch="gfx900", address="05:00.0"),
        Agent(arch="gfx803", address="03:00.0"),
    )
    by_id = (Agent(arch="gfx900", device_id="6ffe"), Agent(arch="gfx803", device_id="6fff"))
    by_place = (Agent(arch="gfx803"), Agent(arch="gfx900"))
    for agents in (by_address, by_id, by_place):
        assert archs(join(gpus, agents, "tool", None)) == ["gfx803", "gfx900"]


def test_join_never_guesses() -> None:
    two = [gpu(address="0000:03:00.0"), gpu(address="0000:05:00.0")]
    assert archs(join(two, (Agent(arch="gfx900"),), "tool", None)) == [None, None]
    known = [gpu(arch="gfx90a", arch_source="kfd"), gpu()]
    contrary = (Agent(arch="gfx803"), Agent(arch="gfx900"))
    assert archs(join(known, contrary, "tool", None)) == ["gfx90a", None]


def test_join_leaves_cards_without_driver_alone() -> None:
    gpus = [gpu(usable=False), gpu()]
    assert archs(join(gpus, (Agent(arch="gfx900"),), "tool", None)) == [None, "gfx900"]


def test_a_name_that_repeats_the_override_is_no_fact() -> None:
    agents = (Agent(arch="gfx1030", device_id="73df"),)
    (found,) = join([], agents, "rocminfo", "gfx1030")
    assert (found.arch, found.arch_source) == ("gfx1031", "pci-table")


def test_partitions_of_one_card_are_one_gpu() -> None:
    agents = (Agent(arch="gfx942", address="05:00.0"),) * 8
    assert len(join([], agents, "rocminfo", None)) == 1


def test_a_tool_that_fails() -> None:
    seen = world(commands=[{"argv": ["rocminfo"], "code": 4, "out": "hsa api call failure\n"}])
    answer = amd_tools.ask(seen, ROCMINFO, 1.0)
    assert (answer.status, answer.detail) == ("failed", "rocminfo ended with 4")


def test_what_was_printed_before_the_end_counts() -> None:
    seen = world(commands=[{"argv": ["rocminfo"], "status": "timeout", "out": agent()}])
    answer = amd_tools.ask(seen, ROCMINFO, 1.0)
    assert answer.status == "timeout"
    assert [found.arch for found in answer.agents] == ["gfx1100"]


def test_tools_that_are_not_on_path() -> None:
    command = ["/opt/rocm/bin/rocm_agent_enumerator"]
    seen = world(commands=[{"argv": command, "code": 0, "out": "gfx000\ngfx803\n"}])
    assert amd_tools.ask(seen, ENUMERATOR, 1.0).agents == (Agent(arch="gfx803"),)
    assert amd_tools.ask(seen, AMD_SMI, 1.0).status == "absent"


def test_no_time_left() -> None:
    assert amd_tools.ask(world(), ROCMINFO, 0.0).status == "skipped"


def test_a_real_program(tmp_path: Path) -> None:
    host = described("amd-unknown-id-tools")
    write_programs(host, tmp_path / "bin")
    seen = TreeWorld(host, tmp_path, {"PATH": str(tmp_path / "bin")})
    assert amd_tools.ask(seen, ROCMINFO, 2.0).status == "failed"
    assert amd_tools.ask(seen, ENUMERATOR, 2.0).agents == (Agent(arch="gfx803"),)
