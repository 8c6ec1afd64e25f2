import pytest
from tests.kit.hosts import world

from accelsel.probe import apple, host
from accelsel.probe.facts import Deadline, VendorFacts
from accelsel.probe.replay import RecordedWorld

ASK = ["sysctl", "hw.optional.arm64", "machdep.cpu.brand_string"]
ASK += ["sysctl.proc_translated", "hw.memsize"]


def mac(machine: str, answer: str) -> RecordedWorld:
    uname = {"system": "darwin", "release": "24.1.0", "machine": machine}
    return world(uname=uname, commands=[{"argv": ASK, "code": 0, "out": answer}])


def seen(through: RecordedWorld) -> VendorFacts:
    return apple.probe(through, host.probe(through), (), Deadline(3.0))


@pytest.mark.parametrize(
    ("brand", "arch"),
    [
        ("Apple M1", "apple-m1"),
        ("Apple M2 Pro", "apple-m2"),
        ("Apple M3 Ultra", "apple-m3"),
        ("Apple M10 Max", "apple-m10"),
        ("Apple M4 (Virtual)", "apple-m4"),
        ("VirtualApple @ 2.50GHz", None),
        ("Apple processor", None),
        ("", None),
    ],
)
def test_chip(brand: str, arch: str | None) -> None:
    answer = f"hw.optional.arm64: 1\nmachdep.cpu.brand_string: {brand}\nhw.memsize: 8589934592\n"
    (gpu,) = seen(mac("arm64", answer)).gpus
    assert (gpu.arch, gpu.usable, gpu.memory_bytes) == (arch, True, 8589934592)


def test_sysctl_that_does_not_answer() -> None:
    (gpu,) = seen(world(uname={"system": "darwin", "release": "24.1.0", "machine": "arm64"})).gpus
    assert (gpu.arch, gpu.memory_bytes) == (None, None)


def test_rosetta() -> None:
    through = mac("x86_64", "hw.optional.arm64: 1\nsysctl.proc_translated: 1\n")
    facts = host.probe(through)
    assert facts.cpu.arch == "arm64"
    assert "Rosetta" in facts.notes[0]
    assert [gpu.arch for gpu in seen(through).gpus] == [None]


def test_intel_mac() -> None:
    through = mac("x86_64", "machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H\n")
    assert host.probe(through).cpu.arch == "x86_64"
    assert seen(through).gpus == ()


def test_linux_is_not_asked() -> None:
    assert seen(world()) == VendorFacts(vendor="apple")
