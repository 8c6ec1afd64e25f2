"""Mutated and random input for every parser of NVIDIA's texts and records.

`ACCELSEL_FUZZ_EXAMPLES` sets how many examples all fuzz tests of this room get (`make fuzz`);
those of this file take the half.
"""

import os
import re
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from accelsel.knowledge import cuda_of_driver, cuda_of_l4t
from accelsel.model.profile import Cpu, Jetson, Libc, NvidiaDriver, Os, Python
from accelsel.probe.assemble import assemble
from accelsel.probe.facts import GpuFact, HostFacts, PciDevice, VendorFacts
from accelsel.probe.nvidia_gpus import Evidence, gpus_of
from accelsel.probe.nvidia_library import read
from accelsel.probe.nvidia_smi import QUANTITIES, gpu_of, values
from accelsel.probe.nvidia_text import (
    KernelDriver,
    clean_name,
    kernel_version,
    model_name,
    pci_address,
    version_of,
)

pytestmark = pytest.mark.fuzz
EXAMPLES = int(os.environ.get("ACCELSEL_FUZZ_EXAMPLES", "2000"))


def fuzzed(share: int) -> settings:
    """Settings for a property that gets that part of the examples; the dearer, the smaller."""
    return settings(max_examples=max(1, EXAMPLES // share), deadline=None)


VERSION = re.compile(r"\d{1,5}(\.\d{1,5}){1,3}", re.ASCII)
ARCH = re.compile(r"sm_[1-9]\d{1,2}", re.ASCII)
PCI_ID = re.compile(r"10de:(?!0000)[0-9a-f]{4}")
ADDRESS = re.compile(r"[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-9a-f]")

SEEDS = (
    "NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.54.03  Tue Jun  6 22:20:39 UTC 2023\n",
    "NVRM version: NVIDIA UNIX Open Kernel Module for aarch64  615.71.09  Release Build  (b@h)\n",
    "Model: \t\t NVIDIA L40S\nIRQ:   \t\t 76\nGPU UUID: \t GPU-????????-????\nBus Type: \t PCIe\n",
    "NVIDIA GeForce RTX 2080 SUPER, 595.71.05, 7.5, 0x1E8110DE, 00000000:0C:00.0, 8192 MiB\n",
    "NVIDIA H200, [N/A], 9.0, 0x233510DE, 00000000:18:00.0, 143771 MiB, 610.43.02\n",
    'Field "compute_cap" is not a valid field to query.\n',
    "Unable to determine the device handle for GPU0000:0B:00.0: GPU is lost.\n",
    "# R36 (release), REVISION: 4.3, GCID: 38968081, BOARD: generic, EABI: aarch64\n",
)


@st.composite
def mutated(draw: st.DrawFn) -> str:
    """A real text with pieces cut, doubled, replaced by random text or taken from another."""
    text = draw(st.sampled_from(SEEDS))
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 12)))
        piece = draw(
            st.one_of(
                st.just(""),
                st.text(max_size=8),
                st.sampled_from((*SEEDS, "-1", "0", "99999999999999", "0x", ",", "\0", "[N/A]")),
                st.just(text[start:end] * 2),
            )
        )
        text = text[:start] + piece + text[end:]
    return text


texts = st.one_of(
    mutated(), st.text(), st.binary(max_size=200).map(lambda b: b.decode("utf-8", "replace"))
)
plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**40), 2**40),
    st.sampled_from([0x248710DE, 0x10DE, 13000, 9, 18, 999]),
    texts,
)
json_values = st.one_of(
    plain,
    st.lists(st.one_of(plain, st.integers(0, 12)), max_size=3),
    st.dictionaries(st.sampled_from(["id", "domain", "bus", "device"]), plain),
)
CALLS = """
    init driver count handle capability pci bus cuda cuda-v1 libcuda name memory integrated
    mig mig-most mig-handle mig-name load end other
"""
calls = st.sampled_from(CALLS.split())
records = st.lists(
    st.fixed_dictionaries(
        {"call": st.one_of(calls, calls, plain)},
        optional={
            "gpu": st.one_of(st.integers(-1, 4), plain),
            "value": st.one_of(json_values, st.just(True), st.integers(0, 5)),
            "error": json_values,
        },
    ),
    max_size=14,
)


def check(gpu: GpuFact) -> None:
    """Whatever was read: of the right kind, or nothing."""
    assert gpu.vendor == "nvidia"
    assert gpu.arch is None or ARCH.fullmatch(gpu.arch)
    assert (gpu.arch is None) == (gpu.arch_source is None)
    assert gpu.pci_id is None or PCI_ID.fullmatch(gpu.pci_id)
    assert gpu.address is None or ADDRESS.fullmatch(gpu.address)
    assert gpu.memory_bytes is None or gpu.memory_bytes > 0
    assert gpu.name is None or (gpu.name.isprintable() and len(gpu.name) <= 96)


@fuzzed(4)
@given(texts)
def test_texts(text: str) -> None:
    for parse in (kernel_version, version_of):
        version = parse(text)
        assert version is None or (VERSION.fullmatch(version) and version in text)
    for name in (model_name(text), clean_name(text)):
        assert name is None or name.isprintable()
    address = pci_address(text)
    assert address is None or ADDRESS.fullmatch(address)
    assert cuda_of_driver(text) is None or text[:1].isdigit()
    cuda_of_l4t(text)


@fuzzed(8)
@given(texts, st.permutations([names[0] for names in QUANTITIES]))
def test_nvidia_smi(text: str, fields: list[str]) -> None:
    for row in values(text, fields):
        gpu = gpu_of(row)
        check(gpu)
        assert gpu.arch is None or gpu.arch == "sm_" + row["compute_cap"].replace(".", "")


@fuzzed(16)
@given(records)
def test_library(found: list[dict[str, Any]]) -> None:
    view = read(found)
    assert view.driver is None or VERSION.fullmatch(view.driver)
    capabilities = {
        f"sm_{value[0]}{value[1]}"
        for record in found
        if isinstance(value := record.get("value"), list) and len(value) == 2
    }
    for gpu in view.gpus:
        check(gpu)
        assert gpu.arch is None or gpu.arch in capabilities


HOST = HostFacts(
    os=Os(
        system="linux",
        version=None,
        release=None,
        libc=Libc(family="glibc", version=None),
        wsl=False,
        container=None,
        jetson=None,
    ),
    cpu=Cpu(arch="aarch64", level=None),
    python=Python(version="3.12.3", implementation="cpython", free_threaded=False),
)
JETSON = HostFacts(
    os=Os(
        system="linux",
        version=None,
        release=None,
        libc=None,
        wsl=False,
        container="docker",
        jetson=Jetson(l4t=None, jetpack=None),
    ),
    cpu=HOST.cpu,
    python=HOST.python,
)
addresses = st.sampled_from(["0000:01:00.0", "0000:02:00.0", "0000:03:00.0"])
devices = st.sampled_from(["2487", "1c81", "2335", "ffff"])
cards = st.lists(
    st.builds(
        lambda address, device, driver: PciDevice(
            address=address, vendor_id="10de", device_id=device, class_id="030000", driver=driver
        ),
        addresses,
        devices,
        st.sampled_from(["nvidia", "nouveau", "vfio-pci", None]),
    ),
    max_size=3,
    unique_by=lambda card: card.address,
).map(tuple)
archs = st.sampled_from(["sm_86", "sm_61", "sm_90", None])


@st.composite
def gpu_facts(draw: st.DrawFn) -> GpuFact:
    arch = draw(archs)
    device = draw(st.one_of(st.none(), devices))
    return GpuFact(
        vendor="nvidia",
        address=draw(st.one_of(st.none(), addresses)),
        pci_id=f"10de:{device}" if device else None,
        arch=arch,
        arch_source="nvidia-smi" if arch else None,
        usable=True,
    )


@st.composite
def evidence(draw: st.DrawFn) -> Evidence:
    return Evidence(
        host=draw(st.sampled_from([HOST, JETSON])),
        cards=draw(cards),
        kernel=KernelDriver(
            version=draw(st.sampled_from(["580.65.06", None])),
            source="procfs",
            names=draw(st.dictionaries(addresses, st.none(), max_size=2)),
        ),
        nvml=read(draw(records)),
        cuda=read(draw(records), "libcuda"),
        smi=tuple(draw(st.lists(gpu_facts(), max_size=3))),
        smi_ended=draw(st.booleans()),
        device_nodes=draw(st.booleans()),
        soc_arch=draw(st.sampled_from(["sm_87", None])),
        board=None,
        mismatch=draw(st.booleans()),
    )


@fuzzed(16)
@given(evidence())
def test_joined(seen: Evidence) -> None:
    """No source's GPU is lost, none is counted twice, and no architecture comes from nowhere."""
    gpus, notes = gpus_of(seen)
    said = {gpu.arch for gpu in (*seen.nvml.gpus, *seen.cuda.gpus, *seen.smi)} | {seen.soc_arch}
    for gpu in gpus:
        check(gpu)
        assert gpu.arch is None or gpu.arch in said
        assert not (gpu.usable and seen.mismatch)
    assert len(gpus) >= len(seen.nvml.gpus)
    placed = [gpu.address for gpu in gpus if gpu.address]
    own = [gpu.address for gpu in seen.nvml.gpus if gpu.address]
    if len(set(own)) == len(own) and not seen.smi and not seen.cuda.gpus:
        assert len(set(placed)) == len(placed)
    assert not any("\n" in note for note in notes)
    facts = VendorFacts(
        vendor="nvidia",
        gpus=gpus,
        driver=NvidiaDriver(version=seen.kernel.version, cuda_version=None, source=None),
        mismatch=seen.mismatch,
    )
    profile = assemble(seen.host, [facts])
    assert [gpu.index for gpu in profile.gpus] == list(range(len(gpus)))
    assert (profile.state == "usable") == any(gpu.usable for gpu in gpus)
