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
    assert (gpu.vendor, gpu.arch, gpu.usable) == ("apple", arch, True)
    assert gpu.arch_source == ("sysctl" if arch else None)
    assert (gpu.memory_bytes, gpu.integrated) == (8589934592, True)
    assert gpu.note == "memory is shared with the CPU"


def test_sysctl_that_does_not_answer() -> None:
    (gpu,) = seen(world(uname={"system": "darwin", "release": "24.1.0", "machine": "arm64"})).gpus
    assert (gpu.arch, gpu.memory_bytes) == (None, None)


def test_rosetta() -> None:
    through = mac("x86_64", "hw.optional.arm64: 1\nsysctl.proc_translated: 1\n")
    facts = host.probe(through)
    assert facts.cpu.arch == "arm64"
    assert "Rosetta" in facts.notes[0]
    assert [gpu.arch for gpu in seen(through).gpus] == [None]


@pytest.mark.parametrize("line", ["hw.optional.arm64: 1\n", "sysctl.proc_translated: 1\n"])
def test_apple_silicon_by_either_word(line: str) -> None:
    assert host.probe(mac("x86_64", line)).cpu.arch == "arm64"


def test_other_lines_are_left_out() -> None:
    through = mac("arm64", "hw.memsize: 8\nkern.hostname: somebody\nwarning\nhw.memsize\n")
    assert apple.sysctl(through) == {"hw.memsize": "8"}


def test_intel_mac() -> None:
    through = mac("x86_64", "machdep.cpu.brand_string: Intel(R) Core(TM) i7-9750H\n")
    assert host.probe(through).cpu.arch == "x86_64"
    assert seen(through).gpus == ()


def test_linux_is_not_asked() -> None:
    assert seen(world()) == VendorFacts(vendor="apple")
