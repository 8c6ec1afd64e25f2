"""Messages of drivers and devices: what CUDA, ROCm, Level Zero and their tools print."""

import re
from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.model.profile import Vendor
from accelsel.rules.doctor_device import KERNEL_LOG
from accelsel.rules.doctor_host import INTEL_COMMANDS
from accelsel.rules.doctor_message import Message, culprits, extensions, listed, said
from accelsel.rules.doctor_subject import (
    Subject,
    given,
    gpu_build,
    unsetting,
    without_compat,
)
from accelsel.rules.doctor_torch import VISIT, driver_command
from accelsel.rules.host import BRAND

RESTART = {"windows": "shutdown /r /t 0"}


def _inside(subject: Subject) -> bool:
    return subject.profile.os.container is not None and not subject.profile.os.wsl


def _restart(subject: Subject) -> str:
    return RESTART.get(subject.profile.os.system, "sudo reboot")


def _again(subject: Subject) -> str:
    """The command that starts a container anew."""
    engine = subject.profile.os.container
    if engine == "kubernetes":
        return "kubectl rollout restart deployment NAME"
    return f"{'podman' if engine == 'podman' else 'docker'} restart CONTAINER"


def _too_old(subject: Subject) -> Iterator[Finding]:
    found = re.search(r"found (?:version )?(\d{4,5})", subject.error or "")
    told = f" (CUDA {int(found[1]) // 1000}.{int(found[1]) % 1000 // 10})" if found else ""
    inside = " on the host of the container" if _inside(subject) else ""
    yield _host(
        subject,
        f"the driver{told}{inside} is older than the CUDA of the installed torch",
        driver_command(subject) or VISIT,
        "a driver of the CUDA major of torch is enough, or a build that this driver runs",
    )


def _mismatch(subject: Subject) -> Iterator[Finding]:
    yield _host(
        subject,
        "NVIDIA's library and kernel module are of different versions (803)",
        _again(subject) if _inside(subject) else _restart(subject),
        "no other torch cures it",
    )


def _waiting(subject: Subject) -> Iterator[Finding]:
    yield _host(
        subject,
        "the GPUs hang on an NVSwitch and wait for NVIDIA's Fabric Manager (802)",
        "sudo systemctl enable --now nvidia-fabricmanager",
        "its version must be the driver's",
    )


def _stuck(subject: Subject) -> Iterator[Finding]:
    inside = _inside(subject)
    if subject.profile.os.system == "windows" or subject.profile.os.wsl:
        fix = "wsl.exe --shutdown" if subject.profile.os.wsl else _restart(subject)
    else:
        fix = given(subject, "nvidia") if inside else (
            "sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm"
        )  # fmt: skip
    yield _host(
        subject,
        "NVIDIA's module for CUDA does not answer (999), as after a suspend or a driver's update"
        + (", or the container lacks /dev/nvidia-uvm" if inside else ""),
        fix,
        "where that does not help, a restart does",
    )


def _lost(subject: Subject) -> Iterator[Finding]:
    linux = subject.profile.os.system == "linux"
    yield _host(
        subject,
        "a GPU has fallen off the bus",
        KERNEL_LOG if linux else _restart(subject),
        "an Xid there names the fault; a restart of the machine resets the GPU"
        if linux
        else "where it happens again, the card or its power is at fault",
    )


def _no_device(subject: Subject) -> Iterator[Finding]:
    inside = _inside(subject)
    amd = "hip" in (subject.error or "").lower() or gpu_build(subject) == "amd"
    vendor: Vendor = "amd" if amd else "nvidia"
    there = [gpu for gpu in subject.profile.gpus if gpu.vendor == vendor and gpu.usable]
    if not there and not inside and subject.profile.gpus:
        return  # said by `build-for-other-hardware` or `gpu-without-driver`
    if inside:
        fix = given(subject, vendor)
    elif amd and subject.files.denied:
        fix = 'sudo usermod -aG render,video "$USER"'
    else:
        fix = unsetting(subject, "HIP_VISIBLE_DEVICES" if amd else "CUDA_VISIBLE_DEVICES")
    yield _host(
        subject,
        f"{'ROCm' if amd else 'CUDA'} sees no GPU " + ("in the container" if inside else "here"),
        fix,
        "a mask, a container without its GPUs, or "
        + ("device files that this user may not open" if amd else "a MIG mode without instances"),
    )


def _no_xpu(subject: Subject) -> Iterator[Finding]:
    if gpu_build(subject) != "intel":
        return  # said by `cpu-build`
    files = subject.files
    linux = subject.profile.os.system == "linux"
    if _inside(subject):
        fix = given(subject, "intel")
    elif files.denied:
        fix = 'sudo usermod -aG render,video "$USER"'
    elif linux:
        fix = INTEL_COMMANDS.get(files.distribution or "", INTEL_COMMANDS["ubuntu"])
    else:
        fix = "winget install --id Intel.IntelDriverAndSupportAssistant"
    yield _host(
        subject,
        "Level Zero shows torch no Intel GPU",
        fix,
        "Intel's compute runtime (Level Zero) on the host, as new as the card, and access to "
        "/dev/dri/renderD128"
        if linux
        else "a current driver from Intel",
    )


def _compat(subject: Subject) -> Iterator[Finding]:
    yield _host(
        subject,
        "a forward-compatibility libcuda is used on a card that does not support it (804)",
        without_compat(subject),
        "or a newer driver on the host; torch's own wheels need no compat library",
    )


def _no_driver(subject: Subject) -> Iterator[Finding]:
    inside, wsl = _inside(subject), subject.profile.os.wsl
    others = {g.vendor for g in subject.profile.gpus} - {"nvidia"}
    mine = any(g.vendor == "nvidia" for g in subject.profile.gpus)
    if others and not mine and not inside and not wsl:
        return  # said by `build-for-other-hardware`
    tool = re.search(r"NVIDIA-SMI|nvidia-container-cli|nvml error", subject.error or "")
    if tool:
        yield _host(
            subject,
            "NVIDIA's driver is not installed or does not run on this host",
            driver_command(subject) or "sudo modprobe nvidia",
            "a container has none of its own: it takes the host's",
        )
        return
    if not subject.profile.gpus and not inside and not wsl and subject.profile.state == "no-gpu":
        yield _host(
            subject,
            "no NVIDIA GPU and no driver are visible here",
            "accelsel detect -v",
            "a program that runs without one has to be told to use the CPU, with "
            "map_location='cpu' or device='cpu'",
        )
        return
    command = given(subject, "nvidia") if inside else driver_command(subject)
    yield _host(
        subject,
        "no NVIDIA driver is visible " + ("in the container" if inside else "here"),
        "wsl.exe --update && wsl.exe --shutdown" if wsl else command or "accelsel detect -v",
        None,
    )


def _denied(subject: Subject) -> Iterator[Finding]:
    inside = _inside(subject)
    yield _host(
        subject,
        "ROCm may not open its device files (/dev/kfd, /dev/dri/renderD*)",
        given(subject, "amd") if inside else 'sudo usermod -aG render,video "$USER"',
        "of the groups that own these files on the host; the container's user must be in them"
        if inside
        else "log in again afterwards; as root the same torch works",
    )


def _container_lost(subject: Subject) -> Iterator[Finding]:
    """NVML's unknown error: in a container the device files were taken away again."""
    if _inside(subject):
        yield _host(
            subject,
            "the container has lost its GPUs, as when systemd reloads its units on the host",
            _again(subject),
            "for good: nvidia-ctk system create-dev-char-symlinks --create-all on the host, or the "
            "GPUs given by CDI",
        )
    else:
        yield from _stuck(subject)


def _not_compiled(subject: Subject) -> Iterator[Finding]:
    """A program asks for a device that the installed build does not have."""
    torch, wanted = (
        subject.torch,
        re.search(r"compiled with (CUDA|XPU)", subject.error or "", re.IGNORECASE),
    )
    if torch is None:
        return
    vendor: Vendor = "intel" if wanted and wanted[1].upper() == "XPU" else "nvidia"
    ours = gpu_build(subject)
    there = [g for g in subject.profile.gpus if g.vendor == vendor]
    if there and ours is None and torch.backend == "cpu":
        yield said(
            subject, f"torch {torch.full} is a CPU build", subject.renew(), None, cause="torch"
        )
        return
    who = [n for n in culprits(subject) if n != "torch"]
    program = who[0] if who else "the program"
    if subject.profile.os.system == "darwin":
        device, has = "mps", "a Mac's, whose GPU is called mps"
    elif ours is not None and ours != vendor:
        device, has = ("xpu" if ours == "intel" else "cuda"), f"one for {BRAND[ours]} GPUs"
    else:
        device, has = "cpu", "a CPU build, as is right on a host without such a GPU"
    name = "XPU" if vendor == "intel" else "CUDA"
    yield said(
        subject,
        f"{program} asks for {name}; torch {torch.full} is {has}",
        f"uv run python -c \"import torch; print(torch.ones(1, device='{device}'))\"",
        f"the program has to be told device '{device}', or is made for {name} alone",
        cause="companion",
    )


def _ordinal(subject: Subject) -> Iterator[Finding]:
    amd = gpu_build(subject) == "amd"
    vendor = "amd" if amd else "nvidia"
    count = sum(g.vendor == vendor and g.usable for g in subject.profile.gpus)
    yield _host(
        subject,
        f"a GPU is asked for by a number that is not there; {count} can be seen here",
        unsetting(subject, "HIP_VISIBLE_DEVICES" if amd else "CUDA_VISIBLE_DEVICES"),
        "the first is cuda:0, and a mask counts anew; more processes than GPUs do the same",
    )


def _toolchain(subject: Subject) -> Iterator[Finding]:
    """PTX of a newer CUDA than the driver's: a package was built with it."""
    who = [n for n in culprits(subject) if n != "torch"] or list(extensions(subject))
    driver = subject.profile.drivers.nvidia
    has = f" {driver.version} (CUDA {driver.cuda_version})" if driver else ""
    yield _host(
        subject,
        f"the driver{has} is older than the CUDA toolkit with which "
        f"{listed(who) or 'a package'} was built",
        driver_command(subject) or VISIT,
        "its code for this GPU is PTX, which the driver compiles; or a release of it built with an "
        "older CUDA",
    )


def _host(subject: Subject, what: str, fix: str, hint: str | None) -> Finding:
    where = subject.environment.root if subject.environment else "NVIDIA driver"
    return said(subject, what, fix, hint, cause="host", where=where)


DRIVER_MESSAGES = (
    Message(
        pattern=r"driver\b.{0,40}\b(?:version is insufficient|(?:is )?too old)",
        find=_too_old,
        kin=("driver-too-old",),
    ),
    Message(
        pattern=r"(?:error|code|returned|status)\W{1,3}803\b|display driver and CUDA driver"
        r"|Driver/library version mismatch|unsupported display driver",
        find=_mismatch,
        kin=("driver-mismatch",),
    ),
    Message(
        pattern=r"(?:error|code|returned|status)\W{1,3}802\b|system not yet initialized",
        find=_waiting,
        kin=("fabric-manager",),
    ),
    Message(
        pattern=r"(?:error|code|returned|status)\W{1,3}804\b|forward compatibility",
        find=_compat,
        kin=("compat-library",),
    ),
    Message(
        pattern=r"no NVIDIA driver|libcuda\.so\.1: cannot open|nvml error: driver not loaded"
        r"|communicate with the NVIDIA driver|libnvidia-ml\.so\.1: cannot open|driver version 0\b",
        find=_no_driver,
        kin=("wsl-without-gpu", "container-without-gpu", "gpu-without-driver",
             "driver-library-missing"),
    ),
    Message(
        pattern=r"initialize NVML: Unknown|nvmlInit\w* failed: Unknown",
        find=_container_lost,
        kin=("gpu-without-driver", "device-permission"),
    ),
    Message(
        pattern=r"CUDA unknown error|CUDA driver initialization failed|Error 3: initialization"
        r"|(?:error|code)\W{1,3}999\b|cudaErrorUnknown",
        find=_stuck,
        kin=("device-missing",),
    ),
    Message(pattern=r"GPU is lost|fallen off the bus", find=_lost, kin=("gpu-unusable",)),
    Message(
        pattern=r"/dev/kfd read-write: Permission|HSA_STATUS_ERROR_OUT_OF_RESOURCES"
        r"|not (?:a )?member of .{0,3}render|(?:kfd|renderD\d+)\W.{0,40}[Pp]ermission denied",
        find=_denied,
        kin=("device-permission", "device-missing"),
    ),
    Message(
        pattern=r"no (?:CUDA|ROCm)-capable device|No (?:CUDA|HIP) GPUs are available"
        r"|error from hipGetDeviceCount|Failed to infer device type",
        find=_no_device,
        kin=("hidden-gpus", "container-without-gpu", "mig-without-instances", "device-permission",
             "gpu-without-driver", "wsl-without-gpu"),
    ),
    Message(
        pattern=r"No XPU devices? (?:are|is)|no XPU device"
        r"|not linked with support for xpu|libze_loader\.so",
        find=_no_xpu,
        kin=("intel-runtime", "device-permission", "device-missing", "cpu-build"),
    ),
    Message(
        pattern=r"not compiled with (?:CUDA|XPU)", find=_not_compiled,
        kin=("cpu-build", "cuda-alone", "companion-build"),
    ),
    Message(pattern=r"invalid device ordinal|(?:error|code)\W{1,3}101\b", find=_ordinal),
    Message(
        pattern=r"unsupported toolchain|cudaErrorUnsupportedPtxVersion"
        r"|(?:error|code)\W{1,3}222\b",
        find=_toolchain,
    ),
)  # fmt: skip
