"""The join alone, where the sources leave something open."""

from dataclasses import replace

import pytest

from accelsel.model.profile import Cpu, Jetson, Libc, Os, Python
from accelsel.probe.facts import GpuFact, HostFacts, PciDevice
from accelsel.probe.nvidia_gpus import Evidence, gpus_of
from accelsel.probe.nvidia_library import LibraryView
from accelsel.probe.nvidia_text import KernelDriver

HOST = HostFacts(
    os=Os(
        system="linux",
        version="24.04",
        release="6.8.0",
        libc=Libc(family="glibc", version="2.39"),
        wsl=False,
        container=None,
        jetson=None,
    ),
    cpu=Cpu(arch="x86_64", level=None),
    python=Python(version="3.12.3", implementation="cpython", free_threaded=False),
)
IN_DOCKER = replace(HOST, os=replace(HOST.os, container="docker"))
ON_WSL = replace(HOST, os=replace(HOST.os, wsl=True))
JETSON = replace(HOST, os=replace(HOST.os, jetson=Jetson(l4t="R36.4.3", jetpack="6")))
NOTHING = Evidence(
    host=HOST,
    cards=(),
    kernel=KernelDriver(version=None, source=None, names={}),
    nvml=LibraryView(),
    cuda=LibraryView(),
    smi=(),
    smi_ended=False,
    device_nodes=False,
    soc_arch=None,
    board=None,
    mismatch=False,
)


def card(number: int, device: str = "2487", driver: str | None = "nvidia") -> PciDevice:
    return PciDevice(
        address=f"0000:0{number}:00.0",
        vendor_id="10de",
        device_id=device,
        class_id="030000",
        driver=driver,
    )


def gpu(
    number: int | None, arch: str | None = "sm_86", *, usable: bool = True, note: str | None = None
) -> GpuFact:
    """A GPU as a library lists it; without a number it has neither address nor id."""
    return GpuFact(
        vendor="nvidia",
        address=f"0000:0{number}:00.0" if number else None,
        pci_id="10de:2487" if number else None,
        arch=arch,
        arch_source="nvml" if arch else None,
        usable=usable,
        note=note,
    )


def nvml(*gpus: GpuFact, error: int | None = None) -> LibraryView:
    return LibraryView(ready=error is None, counted=error is None, error=error, gpus=gpus)


def told(evidence: Evidence) -> list[tuple[str | None, str | None, bool]]:
    gpus, _ = gpus_of(evidence)
    return [(each.address, each.arch, each.usable) for each in gpus]


def test_a_refusal_with_its_reason_stands_against_the_kernel() -> None:
    refused = gpu(1, None, usable=False, note="no permission")
    silent = gpu(2, None, usable=False)
    seen = replace(NOTHING, nvml=nvml(refused, silent), cards=(card(1), card(2)))
    assert [usable for *_, usable in told(seen)] == [False, True]


def test_as_many_without_address_as_cards_are_those_cards_in_order() -> None:
    seen = replace(
        NOTHING, nvml=nvml(gpu(None), gpu(2), gpu(None)), cards=(card(1), card(2), card(3))
    )
    assert [address for address, *_ in told(seen)] == [
        "0000:01:00.0",
        "0000:02:00.0",
        "0000:03:00.0",
    ]


def test_fewer_without_address_than_cards_are_not_counted_twice() -> None:
    seen = replace(NOTHING, nvml=nvml(gpu(None)), cards=(card(1), card(2)))
    assert told(seen) == [(None, "sm_86", True)]


def test_a_second_source_adds_nothing_to_what_it_cannot_be_told_from() -> None:
    seen = replace(NOTHING, nvml=nvml(gpu(None)), smi=(gpu(1), gpu(2)), smi_ended=True)
    assert told(seen) == [(None, "sm_86", True)]


def test_a_second_source_adds_what_the_first_did_not_come_to() -> None:
    seen = replace(NOTHING, nvml=nvml(gpu(1)), smi=(gpu(2), gpu(1)), smi_ended=True)
    assert [address for address, *_ in told(seen)] == ["0000:01:00.0", "0000:02:00.0"]


@pytest.mark.parametrize(
    ("host", "nodes", "usable"),
    [(HOST, False, True), (IN_DOCKER, True, True), (IN_DOCKER, False, False)],
    ids=["bare", "container-with-nodes", "container-without"],
)
def test_the_kernel_driver_alone(host: HostFacts, nodes: bool, usable: bool) -> None:
    seen = replace(NOTHING, host=host, cards=(card(1),), device_nodes=nodes)
    assert told(seen) == [("0000:01:00.0", None, usable)]


@pytest.mark.parametrize(("container", "nodes", "usable"), [
    (None, False, True), ("docker", True, True), ("docker", False, False)
])  # fmt: skip
def test_a_tegra_alone(container: str | None, nodes: bool, usable: bool) -> None:
    host = replace(JETSON, os=replace(JETSON.os, container=container))
    seen = replace(NOTHING, host=host, soc_arch="sm_87", device_nodes=nodes)
    assert told(seen) == [(None, "sm_87", usable)]


def test_a_tegra_beside_a_card() -> None:
    seen = replace(NOTHING, host=JETSON, soc_arch="sm_87", nvml=nvml(gpu(1, "sm_89")))
    assert [arch for _, arch, _ in told(seen)] == ["sm_87", "sm_89"]


@pytest.mark.parametrize(
    ("host", "count"), [(HOST, 2), (IN_DOCKER, 0), (ON_WSL, 0)], ids=["bare", "container", "wsl"]
)
def test_only_a_bare_host_contradicts_itself(host: HostFacts, count: int) -> None:
    """A container or WSL shows a bus that is not what it was given."""
    seen = replace(NOTHING, host=host, nvml=nvml(gpu(1)), cards=(card(2),))
    _, notes = gpus_of(seen)
    assert [note for note in notes if note.startswith("probe-contradiction")] == list(notes)[:count]
    assert len(notes) == count or host is IN_DOCKER


def test_cards_of_the_windows_registry_have_no_address() -> None:
    registry = replace(card(1, driver="NVIDIA"), address="")
    windows = replace(HOST, os=replace(HOST.os, system="windows"))
    seen = replace(NOTHING, host=windows, nvml=nvml(gpu(1)), cards=(registry,))
    assert told(seen) == [("0000:01:00.0", "sm_86", True)]
    assert gpus_of(seen)[1] == ()
