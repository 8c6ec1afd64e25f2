"""Hosts and requests of the kinds that the real cases are of, answered by hand.

Each row's answer was read off the research on builds, drivers and devices, not off a run.
"""

from collections.abc import Mapping

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia

from accelsel.knowledge import load
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules import select

WINDOWS = {"system": "windows"}
ARM = {"arch": "aarch64"}
JP5 = {"jetson": ("R35.4.1", "5"), "glibc": "2.31"}
JP6 = {"jetson": ("R36.4.3", "6"), "glibc": "2.35"}
JP7 = {"jetson": ("R38.2", "7")}
MAC = {"system": "darwin", "arch": "arm64"}


def apu(arch: str, **facts: object) -> Profile:
    return host(gpu(0, "amd", "APU", arch, integrated=True), **facts)  # type: ignore[arg-type]


def arc(pci_id: str, arch: str | None, **facts: object) -> Profile:
    return host(gpu(0, "intel", "Intel GPU", arch, pci_id=pci_id), **facts)  # type: ignore[arg-type]


def tegra(sm: str, **facts: object) -> Profile:
    card = gpu(0, "nvidia", "Tegra", sm, integrated=True)
    return host(card, arch="aarch64", **facts)  # type: ignore[arg-type]


def mac(version: str, python: str = "3.12.3") -> Profile:
    return host(gpu(0, "apple", "Apple M2", "apple-m2"), version=version, python=python, **MAC)  # type: ignore[arg-type]


def beside(*archs: tuple[str, str], driver: str = "580.65.06") -> Profile:
    cards = [gpu(n, vendor, arch, arch) for n, (vendor, arch) in enumerate(archs)]  # type: ignore[arg-type]
    return host(*cards, driver=driver)


NVIDIA: dict[str, tuple[Profile, Mapping[str, object], str]] = {
    "GTX 750 Ti": (nvidia("sm_50"), {}, "cu126 2.14.1"),
    "GT 1030 on Windows": (nvidia("sm_61", driver="560.94", **WINDOWS), {}, "cu126 2.14.1"),
    "GTX 1080 on Windows, torch 2.8": (
        nvidia("sm_61", driver="572.16", **WINDOWS), {"torch": "==2.8.0"}, "cu128 2.8.0"),
    "GTX 1080 on Windows, torch 2.9": (
        nvidia("sm_61", driver="572.16", **WINDOWS), {"torch": "==2.9.*"}, "cu126 2.9.1"),
    "GTX 780": (nvidia("sm_35", driver="470.256.02"), {}, "cpu 2.14.1"),
    "K80": (nvidia("sm_37", driver="470.82.01"), {}, "cu118 2.7.1"),
    "K80 beside RTX 3090": (nvidia("sm_37", "sm_86", driver="470.82.01"), {}, "cu118 2.7.1"),
    "GTX 980 on a driver of 2018": (nvidia("sm_52", driver="390.157"), {}, "none"),
    "P4, torch below 2.4": (
        nvidia("sm_61", driver="535.54.03"), {"torch": "<2.4"}, "cu121 2.3.1"),
    "P100, Python 3.14": (nvidia("sm_60", python="3.14.0"), {}, "cu126 2.14.1"),
    "V100, torch 2.9": (nvidia("sm_70", driver="570.1"), {"torch": "==2.9.*"}, "cu128 2.9.1"),
    "V100 on the driver after its last": (nvidia("sm_70", driver="590.48"), {}, "cu126 2.14.1"),
    "V100 beside B200": (nvidia("sm_70", "sm_100"), {}, "cu129 2.10.0"),
    "T4 on 470": (nvidia("sm_75", driver="470.161.03"), {}, "cu118 2.7.1"),
    "RTX 2080, torch 1.13": (nvidia("sm_75"), {"torch": "==1.13"}, "none"),
    "A100 on the first driver of CUDA 11": (
        nvidia("sm_80", driver="450.80.02"), {}, "cu118 2.7.1"),
    "A100 on 418": (nvidia("sm_80", driver="418.87"), {}, "none"),
    "RTX 4090 in WSL on 551": (
        nvidia("sm_89", driver="551.61", wsl=True), {}, "cu126 2.14.1"),
    "RTX 4090, torch of a local version": (
        nvidia("sm_89"), {"torch": "==2.7.1+cu118"}, "cu118 2.7.1"),
    "RTX 5090 on Windows 572": (
        nvidia("sm_120", driver="572.16", **WINDOWS), {}, "cu128 2.11.0"),
    "RTX 5090 on Windows, torch of before it": (
        nvidia("sm_120", driver="581.15", **WINDOWS), {"torch": "<2.7"}, "none"),
    "H100 on Windows, torch 2.0": (
        nvidia("sm_90", driver="581.15", python="3.11.4", **WINDOWS), {"torch": "==2.0.1"},
        "cu118 2.0.1"),
    "RTX 5090, Python 3.9": (nvidia("sm_120", python="3.9.18"), {}, "cu129 2.8.0"),
    "RTX 5060 on glibc 2.27": (nvidia("sm_120", driver="570.133", glibc="2.27"), {}, "none"),
    "RTX 2080 beside RTX 5090 on 570": (
        nvidia("sm_75", "sm_120", driver="570.133"), {}, "cu129 2.13.0"),
    "H20 on glibc 2.17": (
        nvidia("sm_90", driver="550.90.07", glibc="2.17"), {}, "cu124 2.6.0"),
    "H100 beside B200": (nvidia("sm_90", "sm_100"), {}, "cu132 2.15.0"),
    "Pascal, nightly": (nvidia("sm_61"), {"channel": "nightly"}, "none"),
    "torchvision of torch 2.5": (
        nvidia("sm_86", driver="560.35"), {"companions": ("torchvision==0.20.1",)}, "cu124 2.5.1"),
}  # fmt: skip

ARM_HOSTS: dict[str, tuple[Profile, Mapping[str, object], str]] = {
    "GH200 on 550": (nvidia("sm_90", driver="550.54.15", **ARM), {}, "cu126 2.14.1"),
    "GB200 on 570": (nvidia("sm_100", driver="570.124.06", **ARM), {}, "cu129 2.13.0"),
    "GB10, torch 2.9.1": (
        nvidia("sm_121", driver="580.95.05", **ARM), {"torch": "==2.9.1"}, "cu130 2.9.1"),
    "T4G": (nvidia("sm_75", **ARM), {}, "none"),
    "A10 beside an Arm CPU": (nvidia("sm_86", **ARM), {}, "cu132 2.15.0"),
    "Nano": (tegra("sm_53", jetson=("R32.7.1", "4"), python="3.6.9"), {}, "none"),
    "Xavier": (tegra("sm_72", python="3.8.10", **JP5), {}, "none"),
    "Orin, JetPack 5": (tegra("sm_87", python="3.8.10", **JP5), {}, "jetson-jp5 2.1.0a0"),
    "Orin, JetPack 6": (tegra("sm_87", python="3.10.12", **JP6), {}, "jetson-jp6 2.11.0"),
    "Orin, JetPack not known": (
        tegra("sm_87", jetson=(None, None), python="3.10.12"), {}, "none"),
    "Thor, JetPack not known": (tegra("sm_110", jetson=(None, None)), {}, "cu132 2.15.0"),
    "Orin, JetPack 6, Python 3.12": (tegra("sm_87", **JP6), {}, "none"),
    "Thor": (tegra("sm_110", driver="580.00", cuda="13.0", **JP7), {}, "cu132 2.15.0"),
    "Thor by its first name": (tegra("sm_101", cuda="13.0", **JP7), {}, "cu132 2.15.0"),
    "Thor, torch 2.9.1": (
        tegra("sm_110", cuda="13.0", **JP7), {"torch": "==2.9.1"}, "cu130 2.9.1"),
    "no GPU, glibc 2.17": (host(glibc="2.17", **ARM), {}, "cpu 2.5.1"),  # type: ignore[arg-type]
}  # fmt: skip

ALLOWED = {"allow_arch_override": True}
AMD: dict[str, tuple[Profile, Mapping[str, object], str]] = {
    "MI100": (amd("gfx908"), {}, "rocm7.2 2.14.1"),
    "MI350X": (amd("gfx950"), {}, "rocm7.2 2.14.1"),
    "Vega 56": (amd("gfx900"), {}, "rocm6.3 2.9.1"),
    "Vega 56, torch 2.3": (amd("gfx900"), {"torch": "==2.3.*"}, "rocm5.7 2.3.1"),
    "Vega 56, torch 2.4": (amd("gfx900"), {"torch": "==2.4.*"}, "rocm6.1 2.4.1"),
    "Radeon VII": (amd("gfx906"), {}, "rocm6.3 2.9.1"),
    "Radeon VII beside RX 7900 XTX": (amd("gfx906", "gfx1100"), {}, "rocm6.3 2.9.1"),
    "Radeon VII, torch 2.10": (amd("gfx906"), {"torch": "==2.10.*"}, "none"),
    "RX 580": (amd("gfx803"), {}, "cpu 2.14.1"),
    "RX 5700": (amd("gfx1010"), {}, "amd 2.14.0"),
    "RX 5700, overrides allowed": (amd("gfx1010"), ALLOWED, "amd 2.14.0"),
    "RX 6700 XT, overrides allowed": (amd("gfx1031"), ALLOWED, "rocm7.2 2.14.1"),
    "Steam Deck": (apu("gfx1033"), ALLOWED, "cpu 2.14.1"),
    "Cezanne": (apu("gfx90c"), {}, "cpu 2.14.1"),
    "Cezanne, overrides allowed": (apu("gfx90c"), ALLOWED, "rocm6.3 2.9.1"),
    "Cezanne, torch 2.10, overrides allowed": (
        apu("gfx90c"), {"torch": ">=2.10", **ALLOWED}, "none"),
    "Cezanne, run as RDNA2": (
        apu("gfx90c", environment={"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}), {}, "none"),
    "780M": (apu("gfx1103"), ALLOWED, "amd 2.14.0"),
    "780M on Windows": (apu("gfx1103", **WINDOWS), {}, "amd 2.14.0"),
    "890M": (apu("gfx1150"), {}, "rocm7.2 2.14.1"),
    "RX 9070, Python 3.9": (amd("gfx1201", python="3.9.1"), {}, "rocm6.4 2.8.0"),
    "RX 9070, torch 2.6": (amd("gfx1201"), {"torch": "==2.6.0"}, "none"),
    "RX 7900 on Windows, Python 3.9": (amd("gfx1100", python="3.9.1", **WINDOWS), {}, "none"),
    "Vega 56 on Windows": (amd("gfx900", **WINDOWS), {}, "none"),
    "RX 7900, torch 2.3": (amd("gfx1100"), {"torch": "==2.3.*"}, "rocm6.0 2.3.1"),
    "MI300 beside an Arm CPU": (amd("gfx942", **ARM), {}, "none"),
}  # fmt: skip

OTHERS: dict[str, tuple[Profile, Mapping[str, object], str]] = {
    "Arc B580 on Windows": (arc("8086:e20b", "xe2", **WINDOWS), {}, "xpu 2.14.1"),
    "Max 1550": (arc("8086:0bd5", "xe-hpc"), {}, "xpu 2.14.1"),
    "Panther Lake, torch 2.9.1": (arc("8086:b080", "xe3"), {"torch": "==2.9.1"}, "none"),
    "UHD 630": (arc("8086:3e92", "gen9"), {}, "cpu 2.14.1"),
    "Tiger Lake": (arc("8086:9a49", "xe-lp"), {}, "cpu 2.14.1"),
    "Arc A770, Python 3.9": (arc("8086:56a0", "xe-hpg", python="3.9.0"), {}, "xpu 2.8.0"),
    "Arc B580, torch 2.5": (arc("8086:e20b", "xe2"), {"torch": "==2.5.1"}, "none"),
    "GT 710 beside RX 7900 XTX": (
        beside(("nvidia", "sm_35"), ("amd", "gfx1100"), driver="470.256"), {}, "rocm7.2 2.14.1"),
    "RX 7900 XTX beside RTX 3060": (
        beside(("amd", "gfx1100"), ("nvidia", "sm_86")), {}, "cu132 2.15.0"),
    "Apple silicon, macOS 13": (mac("13.6"), {}, "default 2.9.1"),
    "Apple silicon, macOS 26": (mac("26.1"), {}, "default 2.15.0"),
    "Apple silicon, Python 3.8": (mac("12.6", "3.8.9"), {}, "default 2.4.1"),
    "Intel Mac": (host(system="darwin", version="15.3"), {}, "default 2.2.2"),
    "Intel Mac, torch 2.3": (
        host(system="darwin", version="15.3"), {"torch": ">=2.3"}, "none"),
    "Intel Mac, Python 3.13": (
        host(system="darwin", version="15.3", python="3.13.0"), {}, "none"),
    "Windows on Arm": (host(system="windows", arch="arm64"), {}, "cpu 2.13.0"),
    "Windows on Arm, torch 2.14": (
        host(system="windows", arch="arm64"), {"torch": ">=2.14"}, "none"),
    "musl": (host(libc="musl", glibc=None), {}, "none"),
    "ppc64le": (host(arch="ppc64le"), {}, "none"),
    "PyPy": (host(implementation="pypy", python="3.10.1"), {}, "none"),
    "Python 3.7": (host(python="3.7.1"), {}, "none"),
    "Python 3.8": (host(python="3.8.1"), {}, "cpu 2.4.1"),
    "Python 3.14t": (host(python="3.14.0", free_threaded=True), {}, "cpu 2.14.1"),
    "Python 3.13t": (host(python="3.13.0", free_threaded=True), {}, "cpu 2.12.0"),
    "torch that does not exist yet": (nvidia("sm_86"), {"torch": ">=3"}, "none"),
}  # fmt: skip

ROWS = NVIDIA | ARM_HOSTS | AMD | OTHERS


@pytest.mark.parametrize("name", ROWS)
def test_answer(name: str) -> None:
    profile, request, expected = ROWS[name]
    selection = select(profile, Request(**request), load())  # type: ignore[arg-type]
    found = f"{selection.backend} {selection.torch.version}" if selection.torch else "none"
    assert found == expected
