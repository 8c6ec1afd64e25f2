"""Mutated and random input for every parser of what a host says of itself, AMD, Intel, Apple.

`ACCELSEL_FUZZ_EXAMPLES` sets how many examples there are, all properties together (`make fuzz`).
"""

import contextlib
import copy
import json
import os
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit import hosts

from accelsel.knowledge import devices
from accelsel.model.errors import AccelselError
from accelsel.probe import (
    amd,
    amd_kfd,
    amd_linux,
    amd_tools,
    apple,
    host,
    intel,
    overrides,
    pci,
    windows,
)
from accelsel.probe.detect import probe
from accelsel.probe.facts import Deadline, GpuFact, Overrides, VendorFacts
from accelsel.probe.record import RecordedWorld, Recorder, essentials
from accelsel.probe.scrub import Scrubber

pytestmark = pytest.mark.fuzz

EXAMPLES = int(os.environ.get("ACCELSEL_FUZZ_EXAMPLES", "1600"))
# Parsers are cheap, whole hosts are not: the shares add up to all examples.
cheap = settings(max_examples=EXAMPLES // 5, deadline=None)
costly = settings(max_examples=EXAMPLES // 15, deadline=None)

GFX = re.compile(r"gfx[1-9][0-9]?[0-9a-f]{2}")
ADDRESS = re.compile(r"([0-9a-f]{4,8}:)?[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]")
PCI_ID = re.compile(r"[0-9a-f]{4}:[0-9a-f]{4}")
VENDOR_IDS = {"nvidia": "10de", "amd": "1002", "intel": "8086", "apple": ""}
DOCUMENTS = [
    hosts.described(name)
    for name in hosts.NAMES
    if name.startswith(("a", "c", "d", "g", "i", "j", "m", "p", "r", "s", "v", "w"))
]
SEEDS = sorted(
    {
        text if isinstance(text, str) else "\n".join(text)
        for document in DOCUMENTS
        for text in (
            *document.get("files", {}).values(),
            *(command.get("out", "") for command in document.get("commands", ())),
        )
    }
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A described text with pieces cut, doubled, replaced or taken from another."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(
            st.one_of(
                st.just(""),
                st.text(max_size=8),
                st.sampled_from((*SEEDS, "-1", "0", "9" * 30, "0x", "\0", "\n", "gfx", "١٢")),
                st.just(text[start:end] * 2),
            )
        )
        text = text[:start] + piece + text[end:]
    return text


texts = st.one_of(
    mutated(), st.text(), st.binary(max_size=200).map(lambda b: b.decode("utf-8", "replace"))
)


@cheap
@given(texts)
def test_texts(text: str) -> None:
    for parse in (
        amd_tools.parse_rocminfo,
        amd_tools.parse_enumerator,
        amd_tools.parse_amd_smi,
    ):
        for agent in parse(text):
            assert GFX.fullmatch(agent.arch)
            assert agent.arch in text
            assert (
                agent.address is None
                or parse is amd_tools.parse_amd_smi
                or (ADDRESS.fullmatch(agent.address))
            )
    for values in windows.parse_registry(text).values():
        card = windows.adapter_of(values)
        assert card is None or (PCI_ID.fullmatch(card.pci_id) and card.device_id in text.lower())
    assert all(value >= 0 for value in amd_kfd.parse_properties(text).values())
    release = host.l4t_release(text)
    assert release is None or re.fullmatch(r"R[0-9]+(\.[0-9]+)+", release)
    assert host.x86_level(text) in {None, "x86-64", "x86-64-v2", "x86-64-v3", "x86-64-v4"}
    assert host.root_mount(text) in text
    assert amd_linux.override_target(text) is None or GFX.fullmatch(
        amd_linux.override_target(text) or ""
    )
    identifier = pci.hex_id(text, 4)
    assert identifier is None or re.fullmatch(r"[0-9a-f]{4}", identifier)
    host.os_release(text)


@cheap
@given(
    st.dictionaries(
        st.sampled_from(
            ["simd_count", "gfx_target_version", "vendor_id", "device_id", "location_id", "domain"]
        ),
        st.one_of(st.integers(0, 2**64), st.sampled_from([0, 4098, 90010, 110000, 29772, 768])),
    )
)
def test_topology_nodes(properties: dict[str, int]) -> None:
    amd_kfd.is_gpu(properties)
    address = amd_kfd.address_of(properties)
    assert address is None or ADDRESS.fullmatch(address)
    name = amd_kfd.gfx_name(properties.get("gfx_target_version", 0))
    assert name is None or GFX.fullmatch(name)


versions = st.from_regex(r"\A[0-9]{1,4}(\.[0-9]{1,3}){0,3}\Z")
archs = st.from_regex(r"\A(sm_[0-9]{2,3}[af]?|gfx[0-9]{1,2}[0-9a-f]{2}|xe2|apple-m1|8\.6)\Z")
stated = st.one_of(
    st.just(""), versions, archs, st.lists(archs, max_size=3).map(",".join), st.text(max_size=12)
)
NAMES = (
    "ACCELSEL_CUDA_DRIVER",
    "ACCELSEL_GPU_ARCH",
    "UV_CUDA_DRIVER_VERSION",
    "UV_AMD_GPU_ARCHITECTURE",
    "CONDA_OVERRIDE_CUDA",
    "CONDA_OVERRIDE_CUDA_ARCH",
    "NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION",
    "NV_VARIANT_PROVIDER_FORCE_SM_ARCH",
    "ACCELSEL_ENV",
)
KINDS = {"nvidia": r"sm_\d{2,3}", "amd": GFX.pattern, "intel": "xe.*|gen.*", "apple": "apple-m.*"}


@cheap
@given(st.dictionaries(st.sampled_from(NAMES), stated, max_size=4))
def test_stated_facts(env: dict[str, str]) -> None:
    try:
        found: Overrides | None = overrides.read(env.get)
    except AccelselError as error:
        refusal = error.code, error.kind, "\n" in error.message
        found = None
    if found is None:
        assert refusal == (2, "bad-override", False)
        return
    if found.driver:
        assert found.driver.source.removeprefix("env:") in env
        for version in (found.driver.version, found.driver.cuda_version):
            assert version is None or re.fullmatch(r"[0-9]+(\.[0-9]+)*", version)
    for vendor, stated_archs in found.archs.items():
        assert stated_archs.source.removeprefix("env:") in env
        assert all(re.fullmatch(KINDS[vendor], arch) for arch in stated_archs.archs)


@cheap
@given(
    st.lists(st.text(max_size=30), min_size=2, max_size=4),
    st.uuids().map(str),
    st.sampled_from(["somebody", "node-17.example", "alice.cooper", "x_y_z", "Jürgen"]),
)
def test_scrubbing(parts: list[str], identifier: str, name: str) -> None:
    scrub = Scrubber((name,))
    text = f" GPU-{identifier} ".join(parts) + f"\n{name} /home/{name}/x {name}@{name}\n"
    clean = scrub.text(text)
    assert identifier not in clean
    assert re.search(rf"(?<!\w){re.escape(name)}(?!\w)", clean) is None
    assert scrub.text(clean).count("\n") == text.count("\n")


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A described host with some of its texts mutated, lost or swapped."""
    document: dict[str, Any] = copy.deepcopy(draw(st.sampled_from(DOCUMENTS)))
    files = document.get("files", {})
    for path in draw(st.lists(st.sampled_from(sorted(files)), max_size=3)) if files else ():
        files[path] = draw(st.one_of(texts, st.sampled_from(SEEDS)))
    for command in document.get("commands", ()):
        if draw(st.booleans()):
            command["out"] = draw(texts)
            command["status"] = draw(st.sampled_from(["ok", "failed", "timeout", "denied"]))
    return document


def origins(document: dict[str, Any]) -> str:
    """Everything that the host says, in one text."""
    return json.dumps(document, ensure_ascii=False)


def check(gpu: GpuFact, facts: VendorFacts, document: dict[str, Any]) -> None:
    """Nothing about a GPU is there that the host, or the table by its id, does not say."""
    said = origins(document)
    assert gpu.vendor == facts.vendor
    assert gpu.pci_id is None or gpu.pci_id.startswith(VENDOR_IDS[gpu.vendor])
    assert gpu.address is None or ADDRESS.fullmatch(gpu.address)
    assert gpu.memory_bytes is None or gpu.memory_bytes > 0
    assert (gpu.arch is None) == (gpu.arch_source is None)
    if gpu.arch_source == "pci-table" and gpu.vendor in ("amd", "intel"):
        assert devices(gpu.vendor)[gpu.pci_id or ""].arch == gpu.arch
    elif gpu.arch_source == "kfd":
        numbers = {int(number) for number in re.findall(r"[0-9]{5,6}", said, re.ASCII)}
        assert gpu.arch in {amd_kfd.gfx_name(number) for number in numbers}
    elif gpu.vendor == "amd" and gpu.arch:
        assert gpu.arch in said
    elif gpu.vendor == "apple" and gpu.arch:
        assert f"Apple {gpu.arch.removeprefix('apple-').upper()}" in said


@costly
@given(documents())
def test_whole_hosts(document: dict[str, Any]) -> None:
    seen = RecordedWorld(document)
    facts = host.probe(seen)
    cards = pci.scan(seen)
    assert {card.vendor_id for card in cards} <= {"10de", "1002", "8086"}
    for module in (amd, intel, apple):
        found = module.probe(seen, facts, cards, Deadline(3.0))
        for gpu in found.gpus:
            check(gpu, found, document)
        assert all("\n" not in note for note in found.notes)


@costly
@given(documents())
def test_recordings_of_whole_hosts(document: dict[str, Any]) -> None:
    document.pop("env", None)  # an override that is refused ends a probe
    recorder = Recorder(RecordedWorld(document), names=())
    before = essentials(probe(recorder))
    after = essentials(probe(RecordedWorld(recorder.document())))
    assert after["gpus"] == before["gpus"]
    assert after["state"] == before["state"]


leaves = st.one_of(st.none(), st.booleans(), st.integers(), st.text(max_size=6))
branches = st.one_of(
    leaves, st.lists(leaves, max_size=3), st.dictionaries(st.text(max_size=6), leaves, max_size=3)
)
json_values = st.one_of(
    branches,
    st.lists(branches, max_size=3),
    st.dictionaries(st.text(max_size=6), branches, max_size=3),
)
PARTS = ("schema", "uname", "python", "env", "files", "dirs", "links", "access", "errors")


@costly
@given(st.dictionaries(st.sampled_from((*PARTS, "commands", "streams")), json_values))
def test_recordings_without_sense(parts: dict[str, Any]) -> None:
    document = {**hosts.described("arc-a770"), **parts}
    with contextlib.suppress(AccelselError):
        seen = RecordedWorld(document)
        host.probe(seen)
        pci.scan(seen)
