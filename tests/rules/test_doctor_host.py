"""Faults of a host, one at a time: what is said of each, and how it is cured on which system."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
from tests.kit import told
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.test_doctor_subject import environment, package, subject

from accelsel.model.installed import HostFiles
from accelsel.model.profile import ProbeResult, Profile
from accelsel.rules.doctor_device import DEVICE_CHECKS
from accelsel.rules.doctor_host import HOST_CHECKS
from accelsel.rules.doctor_subject import TorchBuild
from accelsel.rules.doctor_variables import VARIABLE_CHECKS

CHECKS = (*HOST_CHECKS, *DEVICE_CHECKS, *VARIABLE_CHECKS)
CUDA = TorchBuild(release="2.14.1", full="2.14.1+cu126", backend="cu126")
ROCM = TorchBuild(release="2.14.1", full="2.14.1+rocm7.2", backend="rocm7.2")
XPU = TorchBuild(release="2.14.1", full="2.14.1+xpu", backend="xpu")
CPU = TorchBuild(release="2.14.1", full="2.14.1+cpu", backend="cpu")


def lost(*archs: str, note: str | None = None, **facts: Any) -> Profile:
    """NVIDIA GPUs that their driver does not answer for."""
    whole = nvidia(*archs, **facts)
    gpus = tuple(replace(one, usable=False, note=note) for one in whole.gpus)
    return replace(whole, gpus=gpus, state="gpu-without-driver")


def of(
    vendor: Any, arch: str, *, usable: bool = True, note: str | None = None, **facts: Any
) -> Profile:
    card = gpu(0, vendor, f"card {arch}", arch, usable=usable, note=note)
    return host(card, **facts)


def files(**facts: Any) -> HostFiles:
    return HostFiles(**facts)


def noted(profile: Profile, *notes: str) -> Profile:
    return replace(profile, notes=notes)


def probed(**status: str) -> Profile:
    words = {"crashed": ("failed", "ended by signal 11"), "failed": ("failed", "code 9")}
    probes = (
        ProbeResult(name=name.replace("_", "-"), status=found, detail=detail, elapsed_ms=1.0)  # type: ignore[arg-type]
        for name, each in status.items()
        for found, detail in (words.get(each, (each, None)),)
    )
    return replace(nvidia("sm_86"), probes=tuple(probes))


RAPHAEL = gpu(0, "amd", "graphics", "gfx1036", integrated=True)
UHD = gpu(1, "intel", "graphics", "xe-lp", integrated=True)
MISMATCH = {"kernel_driver": "580.65.06", "library_driver": "570.86.16"}
LOADED = {"module": "loaded", "kernel_driver": "580.65.06"}
GEFORCE = replace(nvidia("sm_86"), gpus=(gpu(0, "nvidia", "NVIDIA GeForce RTX 3060", "sm_86"),))
LIBCUDA = noted(nvidia("sm_86"), "libcuda is not on the loader's path")
KFD = noted(amd("gfx1100"), "/dev/kfd, /dev/dri/renderD128 not found: load amdgpu")
DRI = noted(of("intel", "xe-hpg"), "/dev/dri/renderD128 not found: load xe")


def wsl(profile: Profile) -> Profile:
    return replace(profile, os=replace(profile.os, wsl=True))


def inside(profile: Profile, container: str = "docker") -> Profile:
    return replace(profile, os=replace(profile.os, container=container))


SITUATIONS: dict[str, tuple[Profile, HostFiles, TorchBuild | None]] = {
    "library and module differ": (nvidia("sm_86"), files(**MISMATCH), CUDA),
    "library and module differ in a container": (inside(nvidia("sm_86")), files(**MISMATCH), CUDA),
    "a mismatch of whatever versions in Podman": (
        inside(replace(nvidia("sm_86"), state="driver-mismatch"), "podman"), files(), CUDA,
    ),
    "a mismatch on Windows": (
        replace(nvidia("sm_86", system="windows"), state="driver-mismatch"), files(), CUDA,
    ),
    "the library is that of the compat folder": (
        nvidia("sm_86"),
        files(**MISMATCH, compat=("570.86.16",), compat_active=True, compat_path="/c"), CUDA,
    ),
    "only the module's version is known": (
        nvidia("sm_86"), files(kernel_driver="580.65.06"), CUDA,
    ),
    "a newer compat library on a data-centre card": (
        nvidia("sm_80", driver="535.1"), files(compat=("550.54.14", "560.1"), compat_active=True),
        CUDA,
    ),
    "a newer compat library on a GeForce": (
        GEFORCE, files(compat=("590.1",), compat_active=True, kernel_driver="570.1"), CUDA,
    ),
    "a newer compat library without a known card": (
        host(driver="535.1"), files(compat=("550.54.14",), compat_active=True), None,
    ),
    "a compat library that is off the path": (
        nvidia("sm_86"), files(compat=("590.1",), compat_active=False), CUDA,
    ),
    "an older compat library": (
        nvidia("sm_86"), files(compat=("550.1",), compat_active=True), CUDA,
    ),
    "a compat library and no driver": (host(), files(compat=("590.1",), compat_active=True), None),
    "no driver on Ubuntu": (lost("sm_86"), files(distribution="ubuntu"), None),
    "no driver on Debian": (lost("sm_86"), files(distribution="debian"), None),
    "no driver on Rocky": (lost("sm_86"), files(distribution="rocky"), None),
    "no driver on openSUSE": (lost("sm_86"), files(distribution="opensuse-leap"), None),
    "no driver on some Linux": (lost("sm_86"), files(), None),
    "no driver on Windows": (lost("sm_86", system="windows"), files(), None),
    "no driver in WSL": (wsl(lost("sm_86")), files(), None),
    "no driver in a container": (inside(lost("sm_86", "sm_90")), files(), None),
    "a card of a virtual machine": (lost("sm_86", note="bound to vfio-pci"), files(), None),
    "a card without CUDA": (lost("sm_21", note="its driver has no CUDA"), files(), None),
    "a module that is not built, on Fedora": (
        lost("sm_86"), files(module="source", distribution="fedora"), None,
    ),
    "a module that is not built, on some Linux": (lost("sm_86"), files(module="source"), None),
    "a module that Secure Boot refuses on Debian": (
        lost("sm_86"), files(module="built", secure_boot=True, distribution="debian"), None,
    ),
    "a module that Secure Boot refuses on Ubuntu": (
        lost("sm_86"), files(module="built", secure_boot=True, distribution="ubuntu"), None,
    ),
    "a module that is not loaded": (
        lost("sm_86"), files(module="built", secure_boot=False, distribution="ubuntu"), None,
    ),
    "an integrated GPU without driver beside one that works": (
        host(gpu(0, "nvidia", "card", "sm_86"),
             gpu(1, "amd", "graphics", "gfx1036", integrated=True, usable=False),
             driver="580.65.06"), files(), CUDA,
    ),
    "another vendor's card without driver beside one that works": (
        host(gpu(0, "nvidia", "card", "sm_86"), gpu(1, "amd", "card", "gfx1100", usable=False),
             driver="580.65.06"), files(), CUDA,
    ),
    "a card for a guest beside one that works": (
        host(gpu(0, "nvidia", "card", "sm_86"),
             gpu(1, "amd", "card", "gfx1100", usable=False, note="bound to vfio-pci"),
             driver="580.65.06"), files(), CUDA,
    ),
    "no driver for a Radeon": (of("amd", "gfx1100", usable=False), files(), None),
    "no driver for a Radeon on Windows": (
        of("amd", "gfx1100", usable=False, system="windows"), files(), None,
    ),
    "no driver for a Radeon in WSL": (wsl(of("amd", "gfx1100", usable=False)), files(), None),
    "a Radeon whose driver computes nothing": (
        of("amd", "gfx600", usable=False, note="amdgpu without compute"), files(), None,
    ),
    "a Radeon of another driver": (
        of("amd", "gfx600", usable=False, note="radeon, no compute"), files(), None,
    ),
    "no driver for an Arc": (of("intel", "xe-hpg", usable=False), files(), None),
    "no driver for an Arc on Windows": (
        of("intel", "xe-hpg", usable=False, system="windows"), files(), None,
    ),
    "no driver for an Arc in WSL": (wsl(of("intel", "xe-hpg", usable=False)), files(), None),
    "a CUDA build without any GPU": (host(), files(), CUDA),
    "a CUDA build beside a Radeon and an Arc": (
        host(gpu(0, "amd", "card", "gfx1100"), gpu(1, "intel", "card", "xe-hpg")), files(), CUDA,
    ),
    "a CUDA build in a container": (inside(host(), "podman"), files(), CUDA),
    "a ROCm build in a container": (inside(host(), "kubernetes"), files(), ROCM),
    "a CUDA build and a driver alone": (host(state="driver-without-gpu"), files(), CUDA),
    "a driver alone": (host(state="driver-without-gpu"), files(), None),
    "a container without anything": (inside(host()), files(), None),
    "a Linux driver in WSL": (wsl(host()), files(wsl_linux_driver="580.65.06"), None),
    "nothing in WSL": (wsl(host()), files(), None),
    "a CUDA build in WSL without a GPU": (wsl(host()), files(), CUDA),
    "a CPU build in WSL without a GPU": (wsl(host()), files(), CPU),
    "WSL 1": (noted(wsl(host()), "WSL 1 has no GPUs"), files(), None),
    "a CUDA build in WSL 1": (noted(wsl(host()), "WSL 1 has no GPUs"), files(), CUDA),
    "a Radeon that may not be opened": (
        amd("gfx1100"), files(denied=("/dev/kfd", "/dev/dri/a")), None,
    ),
    "a Radeon that may not be opened in Docker": (
        inside(amd("gfx1100")), files(denied=("/dev/kfd",)), ROCM,
    ),
    "a Radeon that may not be opened in Podman": (
        inside(amd("gfx1100"), "podman"), files(denied=("/dev/kfd",)), ROCM,
    ),
    "an Arc that may not be opened": (of("intel", "xe-hpg"), files(denied=("/dev/dri/a",)), None),
    "graphics that may not be opened beside CUDA": (
        nvidia("sm_86"), files(denied=("/dev/dri/a",)), CUDA,
    ),
    "a GeForce that may not be opened": (nvidia("sm_86"), files(denied=("/dev/nvidia0",)), CUDA),
    "a GeForce that may not be opened in Docker": (
        inside(nvidia("sm_86")), files(denied=("/dev/nvidia0",)), CUDA,
    ),
    "a server's wheel on a Jetson": (
        nvidia("sm_87", arch="aarch64", jetson=("R36.4.3", "6")), files(), CUDA,
    ),
    "a server's wheel on a later Jetson": (
        nvidia("sm_101", arch="aarch64", jetson=("R38.2", "7")), files(), CUDA,
    ),
    "an Arc without Level Zero on Fedora": (
        of("intel", "xe-hpg"), files(distribution="fedora"), XPU,
    ),
    "an Arc without Level Zero on some Linux": (of("intel", "xe-hpg"), files(), XPU),
    "Battlemage on an older Level Zero": (of("intel", "xe2"), files(level_zero="1.3.31906"), XPU),
    "Battlemage on its Level Zero": (of("intel", "xe2"), files(level_zero="1.3.31907"), XPU),
    "Alchemist on an older Level Zero": (of("intel", "xe-hpg"), files(level_zero="1.3.1"), XPU),
    "no libcuda on Ubuntu": (LIBCUDA, files(distribution="ubuntu"), CUDA),
    "no libcuda on some Linux": (LIBCUDA, files(), None),
    "no libcuda and no version": (noted(host(), "libcuda is not there"),
                                  files(distribution="ubuntu"), None),
    "no libcuda in a container": (inside(LIBCUDA), files(), CUDA),
    "no libcuda on a Jetson": (
        noted(nvidia("sm_87", jetson=("R36", "6")), "libcuda is not there"), files(), None,
    ),
    "no libcuda in a Jetson's container": (
        inside(noted(nvidia("sm_87", jetson=("R36", "6")), "libcuda is not there")), files(), None,
    ),
    "no device file of a Radeon": (KFD, files(), None),
    "no device file of a Radeon in a container": (inside(KFD), files(), ROCM),
    "no device file of an Arc": (DRI, files(), None),
    "no device file of an Arc in a container": (inside(DRI, "podman"), files(), None),
    "a note of other files": (noted(amd("gfx1100"), "x not found: y", "/dev/x"), files(), None),
    "no nvidia-uvm in Docker": (inside(nvidia("sm_86")), files(unmapped="/dev/nvidia-uvm"), CUDA),
    "no nvidia-uvm in another container": (
        inside(nvidia("sm_86"), "other"), files(unmapped="/dev/nvidia-uvm"), None,
    ),
    "no nvidia-uvm beside ROCm": (inside(amd("gfx1100")), files(unmapped="/dev/nvidia-uvm"), ROCM),
    "a library that hangs": (probed(nvml="timeout", cuda="skipped"), files(), CUDA),
    "a library that crashes beside a program that answers": (
        probed(nvml="crashed", nvidia_smi="ok"), files(), CUDA,
    ),
    "a library that crashes and a program that hangs": (
        probed(nvml="crashed", nvidia_smi="timeout"), files(), CUDA,
    ),
    "a library that fails": (probed(nvml="failed"), files(), CUDA),
    "another probe that hangs": (probed(sysfs="timeout"), files(), CUDA),
    "no Fabric Manager on Ubuntu": (
        nvidia("sm_90"), files(fabric=False, distribution="ubuntu"), CUDA,
    ),
    "no Fabric Manager on RHEL": (nvidia("sm_90"), files(fabric=False, distribution="rhel"), CUDA),
    "no Fabric Manager on Rocky": (
        nvidia("sm_90"), files(fabric=False, distribution="rocky"), CUDA,
    ),
    "no Fabric Manager on AlmaLinux": (
        nvidia("sm_90"), files(fabric=False, distribution="almalinux"), CUDA,
    ),
    "no Fabric Manager on Fedora": (
        nvidia("sm_90"), files(fabric=False, distribution="fedora"), CUDA,
    ),
    "no Fabric Manager and no version": (host(), files(fabric=False), None),
    "no Fabric Manager in a container": (inside(nvidia("sm_90")), files(fabric=False), CUDA),
    "MIG without slices": (
        replace(nvidia("sm_90"), gpus=(gpu(0, "nvidia", "H100", "sm_90"),
                gpu(1, "nvidia", "H100", "sm_90", note="MIG is on, without slices"))),
        files(), CUDA,
    ),
    "Rosetta": (noted(host(system="darwin"), "Python runs under Rosetta"), files(), None),
    "no C++ runtime": (host(system="windows"), files(runtime=False), CPU),
    "no C++ runtime and no torch": (host(system="windows"), files(runtime=False), None),
    "every GPU hidden": (nvidia("sm_86"), files(variables=(("CUDA_VISIBLE_DEVICES", ""),)), CUDA),
    "every GPU hidden by a number": (
        nvidia("sm_86"), files(variables=(("CUDA_VISIBLE_DEVICES", " -1 "),)), CUDA,
    ),
    "every GPU hidden beyond the last": (
        nvidia("sm_86"), files(variables=(("CUDA_VISIBLE_DEVICES", "1,0"),)), CUDA,
    ),
    "the last GPU alone": (
        nvidia("sm_86", "sm_86"), files(variables=(("CUDA_VISIBLE_DEVICES", "1"),)), CUDA,
    ),
    "a number beyond the last in a container": (
        inside(nvidia("sm_86")), files(variables=(("CUDA_VISIBLE_DEVICES", "1"),)), CUDA,
    ),
    "a number beyond the last of slices": (
        replace(nvidia("sm_90"), gpus=(gpu(0, "nvidia", "H100", "sm_90", note="MIG: 7 slices"),)),
        files(variables=(("CUDA_VISIBLE_DEVICES", "1"),)), CUDA,
    ),
    "every Radeon hidden": (
        amd("gfx1100"), files(variables=(("ROCR_VISIBLE_DEVICES", "none"),)), None,
    ),
    "Radeons hidden beside a GeForce": (
        nvidia("sm_86"), files(variables=(("HIP_VISIBLE_DEVICES", "-1"),)), CUDA,
    ),
    "all GPUs for a container": (
        nvidia("sm_86"), files(variables=(("NVIDIA_VISIBLE_DEVICES", "7"),)), CUDA,
    ),
    "no GPUs for a container": (
        nvidia("sm_86"), files(variables=(("NVIDIA_VISIBLE_DEVICES", "void"),)), CUDA,
    ),
    "a stated driver": (
        nvidia("sm_86"), files(variables=(("ACCELSEL_CUDA_DRIVER", "580"),)), None,
    ),
    "a stated driver that accelsel emitted": (
        nvidia("sm_86"),
        files(variables=(("ACCELSEL_ENV", "UV_CUDA_DRIVER_VERSION"),
                         ("UV_CUDA_DRIVER_VERSION", "580"), ("UV_AMD_GPU_ARCHITECTURE", "gfx90a"))),
        None,
    ),
    "a frozen uv and no project": (nvidia("sm_86"), files(variables=(("UV_FROZEN", "1"),)), None),
    "an override that works": (
        amd("gfx1031"), files(variables=(("HSA_OVERRIDE_GFX_VERSION", "10.3.0"),)), ROCM,
    ),
    "an override of what has kernels": (
        amd("gfx1100"), files(variables=(("HSA_OVERRIDE_GFX_VERSION", "11.0.0"),)), ROCM,
    ),
    "an override that is not known": (
        amd("gfx1103"), files(variables=(("HSA_OVERRIDE_GFX_VERSION", "9.0.0"),)), ROCM,
    ),
    "an integrated Radeon first": (
        host(RAPHAEL, gpu(1, "amd", "card", "gfx1100")),
        files(), ROCM,
    ),
    "an integrated Radeon first, masked": (
        host(RAPHAEL, gpu(1, "amd", "card", "gfx1100")),
        files(variables=(("HIP_VISIBLE_DEVICES", "1"),)), ROCM,
    ),
    "an integrated Intel GPU behind an Arc on Windows": (
        host(gpu(0, "intel", "card", "xe-hpg"), UHD, system="windows"),
        files(), None,
    ),
    "an integrated Intel GPU beside CUDA": (
        host(replace(UHD, index=0), gpu(1, "intel", "card", "xe-hpg")),
        files(), CUDA,
    ),
}  # fmt: skip


def _unusable(note: str | None, **facts: Any) -> Callable[[], tuple[Profile, HostFiles]]:
    pascal = gpu(1, "nvidia", "card", "sm_61", usable=False, note=note)
    gpus = (gpu(0, "nvidia", "card", "sm_86"), pascal)
    return lambda: (replace(nvidia("sm_86"), gpus=gpus), files(**facts))


NOTHING = "nothing\n"
BESIDE = {
    "without a note": _unusable(None),
    "lost": _unusable("the GPU is lost"),
    "without permission": _unusable("no permission"),
    "for a guest": _unusable("bound to vfio-pci"),
    "of another branch": _unusable(None, module="loaded", kernel_driver="590.44.01"),
    "of the open module": _unusable("x", **LOADED, open_module=True, distribution="ubuntu"),
    "lost and of the open module": _unusable("lost", **LOADED, open_module=True),
}


def _said(profile: Profile, seen: HostFiles, torch: TorchBuild | None, **facts: Any) -> str:
    there = environment(package("torch", torch.release)) if torch else None
    asked = subject(profile, files=seen, torch=torch, environment=there, **facts)
    return told.text({"findings": tuple(f for check in CHECKS for f in check.run(asked))})


def test_what_is_told() -> None:
    texts = (f"{name}\n{_said(*seen) or NOTHING}\n" for name, seen in SITUATIONS.items())
    told.same("host-situations", "".join(texts))


def test_what_is_told_of_one_of_several() -> None:
    texts = (f"{name}\n{_said(*seen(), CUDA)}" for name, seen in BESIDE.items())
    told.same("host-one-of-several", "".join(texts))


def test_what_is_told_of_a_container_of_a_pinned_project() -> None:
    rows = [{"backend": "cpu"}, {"backend": "rocm7.2"}, {"backend": "cu126"}]
    text = _said(inside(host()), files(), None, record={"selections": rows})
    told.same("host-pinned-container", text)


@pytest.mark.parametrize(
    ("arch", "driver", "open_module", "why", "command"),
    [
        ("sm_35", "535.1", None, "no longer serves it; 470 is the last branch", "470"),
        ("sm_50", "590.1", None, "no longer serves it; 580 is the last branch", "580"),
        ("sm_72", "580.1", False, None, None),
        ("sm_75", "590.1", None, None, None),
        ("sm_90", "515.1", None, "is older than it; 520 is the first branch", "520"),
        ("sm_100", "565.1", False, "is older than it; 570 is the first branch", "570-open"),
        ("sm_120", "565.1", False, "is older than it; 570 is the first branch", "570-open"),
        ("sm_121", "570.1", True, "is older than it; 580 is the first branch", "580-open"),
        ("sm_61", "570.1", True, "serves Turing and newer", "570"),
        ("sm_61", "580.1", True, "serves Turing and newer", "580"),
        ("sm_75", "580.1", True, None, None),
        ("sm_120", "580.1", False, "Blackwell needs NVIDIA's open kernel module", "580-open"),
        ("sm_100", "580.1", False, "Blackwell needs NVIDIA's open kernel module", "580-open"),
        ("sm_90", "580.1", False, None, None),
        ("sm_120", "580.1", True, None, None),
        ("sm_x", "580.1", True, None, None),
        ("sm_61", None, True, None, None),
    ],
)
def test_a_module_that_is_not_for_a_gpu(
    arch: str, driver: str | None, open_module: bool | None, why: str | None, command: str | None
) -> None:
    seen = files(
        module="loaded", kernel_driver=driver, open_module=open_module, distribution="ubuntu"
    )
    [found] = [f for check in HOST_CHECKS for f in check.run(subject(lost(arch), files=seen))]
    if why is None:
        assert found.hint is None
        return
    assert why in (found.hint or "")
    assert found.fix == f"sudo apt-get install nvidia-driver-{command}"
