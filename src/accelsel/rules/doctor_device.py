"""Checks of devices and drivers that are there and do not work: no other torch cures them."""

from collections.abc import Iterator

from accelsel.model.finding import Finding, Severity
from accelsel.model.profile import Gpu
from accelsel.rules.doctor_module import refusal
from accelsel.rules.doctor_subject import Check, Subject, finding, given, gpu_build, gpu_name

KERNEL_LOG = "sudo dmesg | grep -iE 'nvrm|xid|amdgpu|xe |i915' | tail -20"
# The package that holds libcuda, by the branch of the driver whose module is loaded.
LIBCUDA = {
    "ubuntu": "sudo apt-get install libnvidia-compute-{branch}",
    "debian": "sudo apt-get install libcuda1",
    "fedora": "sudo dnf install xorg-x11-drv-nvidia-cuda-libs",
    "arch": "sudo pacman -S nvidia-utils",
}


def library(subject: Subject) -> Iterator[Finding]:
    """NVIDIA's kernel driver answers, and the library that torch calls is not found."""
    if not any("libcuda is not" in note for note in subject.profile.notes):
        return
    os = subject.profile.os
    inside = os.container is not None
    if inside and os.jetson is not None:
        command, hint = "docker run --runtime nvidia IMAGE", "Jetson's runtime mounts the library"
    elif inside:
        capable = "-e NVIDIA_DRIVER_CAPABILITIES=compute,utility IMAGE"
        command = given(subject, "nvidia").replace("IMAGE", capable)
        hint = "the container was given the driver without its compute part"
    elif os.jetson is not None:
        command, hint = "sudo apt-get install nvidia-l4t-cuda", "it belongs to Jetson Linux"
    else:
        driver = subject.profile.drivers.nvidia
        branch = (driver.version if driver and driver.version else "").partition(".")[0]
        known = LIBCUDA.get(subject.files.distribution or "")
        command = known.format(branch=branch) if known and branch else "ldconfig -p | grep libcuda"
        hint = "where it is elsewhere, its folder belongs into LD_LIBRARY_PATH"
    yield finding(
        "driver-library-missing",
        # A Jetson keeps it in a folder of its own, which a recording need not show.
        "note" if os.jetson else "error" if gpu_build(subject) == "nvidia" else "warning",
        "NVIDIA's kernel driver is loaded, and libcuda.so.1 is not where the loader looks",
        "libcuda.so.1",
        command,
        hint=f"{hint}; no torch finds a GPU without it",
        cause="host",
    )


def nodes(subject: Subject) -> Iterator[Finding]:
    """A GPU is there and the device files through which programs reach it are not."""
    inside = subject.profile.os.container is not None
    for note in subject.profile.notes:
        paths, there, cure = note.partition(" not found: ")
        if not there or not paths.startswith("/dev/"):
            continue
        vendor = "amd" if "/dev/kfd" in paths or "kfd" in cure else "intel"
        module = "sudo modprobe amdgpu" if vendor == "amd" else "sudo modprobe xe"
        yield finding(
            "device-missing",
            "error",
            f"{paths} {'are' if ',' in paths else 'is'} missing"
            + (" in the container" if inside else ""),
            paths.partition(",")[0],
            given(subject, vendor) if inside else module,
            hint="without it torch finds no GPU; torch is right",
            cause="host",
        )
    if subject.files.unmapped is not None and gpu_build(subject) in (None, "nvidia"):
        path = subject.files.unmapped
        yield finding(
            "device-missing",
            "note",  # what is not seen may only not have been recorded
            f"{path} is missing in the container, beside other device files of the driver",
            path,
            "sudo nvidia-modprobe -u -c=0" if subject.profile.os.container == "other"
            else given(subject, "nvidia"),
            hint="CUDA cannot start without it: on the host make it, then hand it in as well",
            cause="host",
        )  # fmt: skip


def unusable(subject: Subject) -> Iterator[Finding]:
    """One of several GPUs of a vendor does not work."""
    profile = subject.profile
    if profile.state != "usable":
        return
    working = {gpu.vendor for gpu in profile.gpus if gpu.usable}
    for gpu in profile.gpus:
        if gpu.usable or gpu.vendor not in working:
            continue
        severity, command = _of_note(gpu)
        refused = refusal(subject, (gpu,)) if gpu.vendor == "nvidia" else None
        if refused and severity == "warning":
            severity, command = "error", refused[1]
        why = (refused and refused[0]) or gpu.note or "its driver does not answer for it"
        yield finding(
            "gpu-unusable",
            severity,
            f"{gpu_name(gpu)} does not work: {why}",
            f"GPU {gpu.index}",
            command,
            hint="the others are used without it; torch is right",
            cause="host",
        )


def _of_note(gpu: Gpu) -> tuple[Severity, str]:
    note = gpu.note or ""
    if "vfio" in note:
        return "note", "lspci -nnk"
    if "permission" in note:
        return "error", 'sudo chmod a+rw /dev/nvidia* || sudo usermod -aG video "$USER"'
    if "lost" in note:
        return "error", KERNEL_LOG
    return "warning", KERNEL_LOG


def silent(subject: Subject) -> Iterator[Finding]:
    """A driver's library hangs or crashes: CUDA would do the same."""
    asked = [p for p in subject.profile.probes if p.name in ("nvml", "cuda", "nvidia-smi")]
    ended = [
        probe
        for probe in asked
        if probe.status == "timeout"
        or (probe.status == "failed" and "signal" in (probe.detail or ""))
    ]
    if not ended:
        return
    hangs = all(probe.status == "timeout" for probe in ended)
    yield finding(
        "driver-hangs",
        "error" if not any(probe.status == "ok" for probe in asked) else "warning",
        f"NVIDIA's driver {'does not answer' if hangs else 'crashes'} "
        f"({', '.join(probe.name for probe in ended)})",
        "NVIDIA driver",
        KERNEL_LOG,
        hint="an Xid there names the fault; a restart of the machine resets the GPU",
        cause="host",
    )


def wsl_1(subject: Subject) -> Iterator[Finding]:
    """WSL 1 knows no GPUs."""
    if not any(note.startswith("WSL 1 ") for note in subject.profile.notes):
        return
    yield finding(
        "wsl-1",
        "error" if gpu_build(subject) else "warning",
        "this is WSL 1, which has no GPU access",
        "WSL",
        'wsl.exe --set-version "$WSL_DISTRO_NAME" 2',
        hint="from Windows, with the distribution shut down; torch is right",
        cause="host",
    )


def fabric(subject: Subject) -> Iterator[Finding]:
    """GPUs behind NVSwitch wait for NVIDIA's Fabric Manager (CUDA's error 802)."""
    if subject.files.fabric is not False or subject.profile.os.container is not None:
        return
    driver = subject.profile.drivers.nvidia
    version = driver.version if driver and driver.version else ""
    branch = version.partition(".")[0]
    name = f"nvidia-fabricmanager-{branch}" if branch else "nvidia-fabricmanager"
    manager = "dnf" if subject.files.distribution in ("rhel", "rocky", "almalinux", "fedora") else (
        "apt-get"
    )  # fmt: skip
    yield finding(
        "fabric-manager",
        "error",
        "the GPUs hang on an NVSwitch, and NVIDIA's Fabric Manager does not run; CUDA answers 802",
        "nvidia-fabricmanager",
        f"sudo {manager} install {name if manager == 'apt-get' else 'nvidia-fabricmanager'} && "
        "sudo systemctl enable --now nvidia-fabricmanager",
        hint=f"its version must be the driver's ({version})" if version else None,
        cause="host",
    )


def mig(subject: Subject) -> Iterator[Finding]:
    """A GPU in MIG mode without instances offers CUDA nothing."""
    for gpu in subject.profile.gpus:
        if "MIG is on, without slices" not in (gpu.note or ""):
            continue
        yield finding(
            "mig-without-instances",
            "error",
            f"{gpu_name(gpu)} is in MIG mode and has no instances: CUDA finds nothing on it",
            f"GPU {gpu.index}",
            f"sudo nvidia-smi mig -i {gpu.index} -lgip",
            hint=f"lists what can be made with `nvidia-smi mig -i {gpu.index} -cgi ID -C`; "
            f"`sudo nvidia-smi -i {gpu.index} -mig 0` turns the mode off; torch is right",
            cause="host",
        )


def translated(subject: Subject) -> Iterator[Finding]:
    """An x86-64 Python on Apple silicon."""
    if not any("Rosetta" in note for note in subject.profile.notes):
        return
    yield finding(
        "python-translated",
        "warning",
        "this Python is an x86-64 build that Rosetta translates; torch 2.2.2 is the last for it",
        "Python",
        "uv venv --clear --python cpython-3.12-macos-aarch64-none",
        cause="python",
    )


def cpp_runtime(subject: Subject) -> Iterator[Finding]:
    """Windows lacks the C++ runtime without which torch's DLLs do not load."""
    if subject.files.runtime is not False or subject.torch is None:
        return
    yield finding(
        "cpp-runtime",
        "error",
        "Windows has no Microsoft Visual C++ runtime; torch's c10.dll does not load (WinError 126)",
        "C:/Windows/System32",
        "winget install --id Microsoft.VCRedist.2015+.x64",
        hint="torch is right",
        cause="host",
    )


DEVICE_CHECKS = (
    Check(id="driver-library", title="The driver's library is not found", run=library),
    Check(id="device-missing", title="Device files are missing", run=nodes),
    Check(id="gpu-unusable", title="One of several GPUs does not work", run=unusable),
    Check(id="driver-hangs", title="The driver hangs or crashes", run=silent),
    Check(id="wsl-1", title="WSL 1 has no GPUs", run=wsl_1),
    Check(id="fabric-manager", title="NVSwitch without Fabric Manager (802)", run=fabric),
    Check(id="mig-without-instances", title="MIG mode without instances", run=mig),
    Check(id="python-translated", title="A translated Python", run=translated),
    Check(id="cpp-runtime", title="Windows without the C++ runtime", run=cpp_runtime),
)
