"""Checks of the host: faults that no other build of torch cures."""

from collections.abc import Iterator, Sequence

from accelsel.model.finding import Finding, Severity
from accelsel.model.profile import Gpu
from accelsel.rules.doctor_module import refusal
from accelsel.rules.doctor_subject import (
    Check,
    Subject,
    finding,
    given,
    gpu_build,
    gpu_name,
    vendor_of,
    without_compat,
)
from accelsel.rules.doctor_torch import driver_command, needs_jetson_wheel
from accelsel.rules.host import BRAND

# Words in the names of cards on which NVIDIA does not support its forward-compatibility libraries:
# it does on data-centre GPUs and a few RTX cards with an NGC-ready certificate (docs.nvidia.com,
# CUDA compatibility, read 2026-11-20).
CONSUMER = ("GeForce", "GTX", "TITAN", "MX")
WHY = "accelsel why"
RESTART = {"linux": "sudo reboot", "windows": "shutdown /r /t 0", "darwin": "sudo reboot"}


def mismatch(subject: Subject) -> Iterator[Finding]:
    """NVIDIA's library and kernel module are of different versions (CUDA's error 803)."""
    files, os = subject.files, subject.profile.os
    differ = (
        files.kernel_driver is not None
        and files.library_driver is not None
        and files.kernel_driver != files.library_driver
        and not (files.compat_active and files.library_driver in files.compat)
    )
    if subject.profile.state != "driver-mismatch" and not differ:
        return
    both = f" ({files.library_driver} and {files.kernel_driver})" if differ else ""
    inside = os.container is not None
    engine = "podman" if os.container == "podman" else "docker"
    yield finding(
        "driver-mismatch",
        "error",
        f"NVIDIA's library and kernel module are of different versions{both}; CUDA answers 803",
        "NVIDIA driver",
        "apt-get purge -y '^libnvidia-compute-.*' && ldconfig"
        if inside and differ
        else f"{engine} restart CONTAINER"
        if inside
        else RESTART.get(os.system, WHY),
        hint=(
            "the image holds driver libraries of its own"
            if inside and differ
            else "the driver was updated while it ran"
        )
        + "; another torch changes nothing",
        cause="host",
    )


def compat(subject: Subject) -> Iterator[Finding]:
    """A compat libcuda stands before the driver's on a card that refuses it (error 804)."""
    files = subject.files
    driver = subject.profile.drivers.nvidia
    kernel = files.kernel_driver or (driver.version if driver else None)
    if not files.compat or kernel is None:
        return
    newest = max(files.compat, key=_numbers)
    older = _numbers(newest) <= _numbers(kernel)
    if older or not files.compat_active:
        return
    cards = [g for g in subject.profile.gpus if g.vendor == "nvidia"]
    supported = bool(cards) and not any(_consumer(gpu) for gpu in cards)
    yield finding(
        "compat-library",
        "warning" if supported else "error",
        f"libcuda {newest} of CUDA's compat folder stands before the driver {kernel}; "
        "cards other than data-centre ones answer 804",
        files.compat_path or "/usr/local/cuda/compat",
        without_compat(subject),
        hint="or a driver of that branch on the host; torch's own wheels need no compat library",
        cause="host",
    )


def _consumer(gpu: Gpu) -> bool:
    return gpu.name is None or any(word in gpu.name for word in CONSUMER)


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(int(part) for part in version.split(".") if part.isdigit())


def no_driver(subject: Subject) -> Iterator[Finding]:
    """A GPU is there and no driver that computes."""
    profile = subject.profile
    if profile.state not in ("gpu-without-driver", "usable"):
        return
    working = {gpu.vendor for gpu in profile.gpus if gpu.usable}
    for vendor in dict.fromkeys(gpu.vendor for gpu in profile.gpus if not gpu.usable):
        gpus = [gpu for gpu in profile.gpus if gpu.vendor == vendor]
        if vendor in working or (working and all(gpu.integrated for gpu in gpus)):
            continue
        names = " and ".join(map(gpu_name, gpus))
        inside = profile.os.container is not None
        notes = "; ".join(dict.fromkeys(gpu.note for gpu in gpus if gpu.note))
        cause, command = _cause_of(subject, vendor, gpus, notes)
        handed = "vfio" in notes  # a GPU may be meant for a guest
        idle = "no compute" in notes and gpu_build(subject) != vendor and not inside
        yield finding(
            "gpu-without-driver",
            "note" if idle or (handed and working) else "warning" if handed else "error",
            f"{names}: no usable driver{' inside the container' if inside else ''}",
            f"{vendor} driver",
            given(subject, vendor) if inside else command,
            hint=cause or notes or None,
            cause="host",
        )


def _cause_of(
    subject: Subject, vendor: str, gpus: Sequence[Gpu], notes: str
) -> tuple[str | None, str]:
    """Why a driver does not run, where that shows, and what makes it run."""
    usual = _driver_of(subject, vendor, notes) or WHY
    if vendor == "nvidia" and subject.profile.os.wsl:
        return "its driver is that of Windows; inside WSL install none", usual
    if vendor != "nvidia" or "has no CUDA" in notes or "vfio" in notes:
        return None, usual
    return refusal(subject, gpus) or (None, usual)


def _driver_of(subject: Subject, vendor: str, notes: str) -> str | None:
    """How this system gets a vendor's driver to work; None where only a person can tell."""
    os = subject.profile.os
    if "vfio" in notes:
        return "lspci -nnk"
    if vendor == "nvidia":
        return driver_command(subject)
    if "without compute" in notes:
        return "sudo dmesg | grep -iE 'kfd|amdgpu' | tail -20"
    if "no compute" in notes:
        return WHY
    system = "wsl" if os.wsl else os.system
    if vendor == "intel" and system == "wsl":
        return INTEL_COMMANDS["ubuntu"]
    return DRIVERS.get((vendor, system))


# On Linux AMD's and Intel's drivers come with the kernel: to load them is all there is to do.
DRIVERS = {
    ("amd", "linux"): "sudo modprobe amdgpu",
    ("amd", "wsl"): "amdgpu-install -y --usecase=wsl,rocm --no-dkms",
    ("amd", "windows"): "start https://www.amd.com/en/support/download/drivers.html",
    ("intel", "linux"): "sudo modprobe xe || sudo modprobe i915",
    ("intel", "windows"): "winget install --id Intel.IntelDriverAndSupportAssistant",
}


def unseen(subject: Subject) -> Iterator[Finding]:
    """A GPU build stands where no GPU can be seen: a container or WSL without the device."""
    profile, vendor = subject.profile, gpu_build(subject)
    if profile.os.wsl and (subject.torch is None or not any(g.usable for g in profile.gpus)):
        return  # said by `wsl`
    if subject.torch is None:
        yield from _unseen_yet(subject)
        return
    if vendor is None or subject.environment is None:
        return
    if any(gpu.vendor == vendor for gpu in profile.gpus):
        return
    build = f"torch {subject.torch.full} is a build for {BRAND[vendor]} GPUs"
    others = sorted({BRAND[gpu.vendor] for gpu in profile.gpus if gpu.usable})
    if profile.os.container is not None and not others:
        yield finding(
            "container-without-gpu",
            "error",
            f"{build}, and the container was started without one",
            f"container ({profile.os.container})",
            given(subject, vendor),
            hint="in an image build this is as it should be; torch is right",
            cause="host",
        )
    elif profile.state == "driver-without-gpu":
        yield _driver_alone(vendor, f"{build}; its driver is loaded and shows no GPU")
    elif others:
        yield finding(
            "build-for-other-hardware",
            "error",
            f"{build}; this host has a GPU of {' and '.join(others)}",
            subject.environment.root,
            subject.renew(),
            cause="torch",
        )
    elif profile.state == "no-gpu":
        yield finding(
            "build-for-other-hardware",
            "note",
            f"{build}; this host has no GPU",
            subject.environment.root,
            subject.renew(),
            hint="it computes on the CPU all the same, and is large",
            cause="torch",
        )  # without a driver a GPU is told of by `gpu-without-driver`


def _unseen_yet(subject: Subject) -> Iterator[Finding]:
    """The same before any torch is installed: what is wrong with the host, and what may be."""
    profile = subject.profile
    if profile.state == "driver-without-gpu":
        yield _driver_alone("GPU", "a GPU's driver is loaded and shows no GPU")
    elif profile.os.container is not None and profile.state == "no-gpu":
        vendor = next((g for b in subject.backends if (g := vendor_of(subject, b))), None)
        yield finding(
            "container-without-gpu",
            "warning" if vendor else "note",
            "no GPU is visible in this container"
            + (f"; the project is pinned for {' and '.join(subject.backends)}" if vendor else ""),
            f"container ({profile.os.container})",
            given(subject, vendor or "nvidia"),
            hint="in an image build this is as it should be",
            cause="host",
        )


def _driver_alone(vendor: str, what: str) -> Finding:
    return finding(
        "driver-without-gpu",
        "error",
        what,
        f"{vendor} driver",
        "sudo dmesg | grep -iE 'nvrm|xid|amdgpu|xe |i915' | tail -20",
        hint="a GPU that fell off the bus or is passed to a virtual machine shows like this",
        cause="host",
    )


def wsl(subject: Subject) -> Iterator[Finding]:
    """The driver inside WSL is Windows's; one for Linux, or none, leaves the GPU unseen."""
    profile, files = subject.profile, subject.files
    if not profile.os.wsl:
        return
    if files.wsl_linux_driver:
        yield finding(
            "wsl-linux-driver",
            "error",
            f"a Linux driver's libcuda {files.wsl_linux_driver} hides that of Windows inside WSL",
            "/usr/lib",
            "sudo apt-get purge '^libnvidia-.*' '^nvidia-driver-.*' && sudo ldconfig",
            hint="inside WSL install no driver; the toolkit's package is cuda-toolkit, not cuda",
            cause="host",
        )
    elif any(note.startswith("WSL 1 ") for note in profile.notes):
        return  # said by `wsl-1`
    elif not profile.gpus and subject.torch is None and profile.state == "no-gpu":
        yield _wsl_without("note")
    elif profile.state == "gpu-without-driver":
        return  # said by `gpu-without-driver`, which knows the GPU
    elif gpu_build(subject) and not any(gpu.usable for gpu in profile.gpus):
        yield _wsl_without("error")


def _wsl_without(severity: Severity) -> Finding:
    return finding(
        "wsl-without-gpu",
        severity,
        "no GPU driver of Windows is visible inside WSL",
        "/usr/lib/wsl/lib",
        "wsl.exe --update && wsl.exe --shutdown",
        hint="and a current driver on Windows; never one for Linux inside WSL",
        cause="host",
    )


def permission(subject: Subject) -> Iterator[Finding]:
    """Device files are there and this user may not open them."""
    denied = subject.files.denied
    if not denied:
        return
    amd = any(path.startswith(("/dev/kfd", "/dev/dri")) for path in denied)
    inside = subject.profile.os.container is not None
    served = {g.vendor for g in subject.profile.gpus if g.index in subject.best.serves}
    needed = any(path == "/dev/kfd" or path.startswith("/dev/nvidia") for path in denied) or (
        subject.torch is None and "intel" in served
    )
    if inside:
        group = "$(stat -c %g /dev/dri/renderD128)"
        command = given(subject, "amd" if amd else "nvidia")
        if amd and subject.profile.os.container == "docker":
            command = command.replace("--group-add video", f"--group-add {group} --group-add video")
    elif amd:
        command = 'sudo usermod -aG render,video "$USER"'
    else:
        command = "sudo chmod a+rw /dev/nvidia*"
    yield finding(
        "device-permission",
        "error" if needed or gpu_build(subject) in ("amd", "intel") else "note",
        f"this user may not open {', '.join(denied)}",
        denied[0],
        command,
        hint="log in again afterwards; as root the same torch works"
        if amd and not inside
        else None,
        cause="host",
    )


def jetson(subject: Subject) -> Iterator[Finding]:
    """A server's wheel stands on a Jetson with JetPack 5 or 6."""
    board, torch, environment = subject.profile.os.jetson, subject.torch, subject.environment
    if board is None or torch is None or environment is None or not needs_jetson_wheel(subject):
        return
    yield finding(
        "jetson-wheel",
        "error",
        f"torch {torch.full} is a build for servers; JetPack {board.jetpack} needs its own",
        environment.root,
        subject.renew(),
        cause="torch",
    )


def intel_runtime(subject: Subject) -> Iterator[Finding]:
    """An XPU build needs Intel's Level Zero driver on the host."""
    if gpu_build(subject) != "intel" or subject.profile.os.system != "linux":
        return
    gpus = [gpu for gpu in subject.profile.gpus if gpu.vendor == "intel"]
    if not gpus or subject.files.denied:
        return
    if subject.files.level_zero is None and not subject.profile.os.wsl:
        what = f"no Level Zero driver for {gpu_name(gpus[0])} is installed"
    elif any(gpu.arch == "xe2" for gpu in gpus) and _old(subject.files.level_zero):
        what = f"Level Zero driver {subject.files.level_zero} is older than {gpu_name(gpus[0])}"
    else:
        return
    yield finding(
        "intel-runtime",
        "error",
        what + "; torch finds no XPU",
        "libze_intel_gpu.so.1",
        INTEL_COMMANDS.get(subject.files.distribution or "", INTEL_COMMANDS["ubuntu"]),
        cause="host",
    )


# Support of Battlemage and Lunar Lake of production quality begins with compute-runtime 24.48.31907
# (its release notes, as cited in jellyfin/jellyfin-packaging PR 53, 2024-12-24); the last number of
# the library's version is that build.
XE2_BUILD = 31907
INTEL_COMMANDS = {
    "ubuntu": "sudo apt-get install libze-intel-gpu1 libze1 intel-opencl-icd",
    "debian": "sudo apt-get install libze-intel-gpu1 libze1 intel-opencl-icd",
    "fedora": "sudo dnf install intel-level-zero oneapi-level-zero intel-compute-runtime",
    "arch": "sudo pacman -S intel-compute-runtime level-zero-loader",
}


def _old(version: str | None) -> bool:
    numbers = _numbers(version or "")
    return len(numbers) >= 3 and numbers[2] < XE2_BUILD


HOST_CHECKS = (
    Check(
        id="driver-mismatch", title="Driver library and kernel module differ (803)", run=mismatch
    ),
    Check(
        id="compat-library", title="A compat libcuda on a card that refuses it (804)", run=compat
    ),
    Check(id="gpu-without-driver", title="A GPU without a usable driver", run=no_driver),
    Check(id="gpu-unseen", title="A GPU build where no GPU is visible", run=unseen),
    Check(id="wsl", title="A missing or a Linux driver inside WSL", run=wsl),
    Check(id="device-permission", title="Device files that may not be opened", run=permission),
    Check(id="jetson-wheel", title="A server's wheel on a Jetson", run=jetson),
    Check(id="intel-runtime", title="No, or too old a Level Zero driver", run=intel_runtime),
)
