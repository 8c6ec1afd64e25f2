"""Why NVIDIA's kernel module does not take a GPU: not built, not let in, or not for this one."""

from collections.abc import Iterable

from accelsel.model.profile import Gpu
from accelsel.rules.compatibility import capability
from accelsel.rules.doctor_subject import Subject
from accelsel.rules.doctor_torch import VISIT
from accelsel.rules.versions import numbers

# The last driver branch for GPUs below a capability, and the first for those from one on
# (NVIDIA's driver installation guide and data-centre driver pages, read 2026-11-20; first branches
# by the release notes that name the first GPU of each).
LAST = (((5, 0), 470), ((7, 5), 580))
FIRST = (
    ((12, 1), 580), ((12, 0), 570), ((11, 0), 580), ((10, 3), 580), ((10, 0), 570), ((9, 0), 520),
    ((8, 9), 520), ((8, 6), 455), ((8, 0), 450), ((7, 5), 410),
)  # fmt: skip
# NVIDIA's open kernel module knows no GPU before Turing, and the other none from Blackwell on.
OPEN_FROM, OPEN_ONLY = (7, 5), (10, 0)
SECURED = (
    "NVIDIA's module is built, and Secure Boot loads none whose key is not enrolled; the next "
    "start asks for the password that is given here"
)
BUILD = {
    "ubuntu": "sudo apt-get install linux-headers-$(uname -r) && sudo dkms autoinstall",
    "debian": "sudo apt-get install linux-headers-$(uname -r) && sudo dkms autoinstall",
    "fedora": "sudo akmods --force --rebuild",
    "arch": "sudo pacman -S linux-headers && sudo dkms autoinstall",
}
DRIVER = {
    ("ubuntu", True): "sudo apt-get install nvidia-driver-{branch}-open",
    ("ubuntu", False): "sudo apt-get install nvidia-driver-{branch}",
    ("debian", True): "sudo apt-get install nvidia-open-kernel-dkms",
    ("debian", False): "sudo apt-get install nvidia-kernel-dkms",
    ("arch", True): "sudo pacman -S nvidia-open",
}


def refusal(subject: Subject, gpus: Iterable[Gpu]) -> tuple[str, str] | None:
    """Why the module does not serve these GPUs, and the command that changes it; None where
    nothing shows it."""
    files = subject.files
    if files.module == "source":
        kernel = subject.profile.os.release
        why = f"NVIDIA's module was not built for the running kernel {kernel}, as after an update"
        return why, BUILD.get(files.distribution or "", BUILD["ubuntu"])
    if files.module == "built" and files.secure_boot:
        ubuntu = files.distribution == "ubuntu"
        key = "/var/lib/shim-signed/mok/MOK.der" if ubuntu else "/var/lib/dkms/mok.pub"
        return SECURED, f"sudo mokutil --import {key} && sudo reboot"
    if files.module == "built":
        return "NVIDIA's module is built and not loaded", "sudo modprobe nvidia_uvm"
    if files.module == "loaded":
        return next(filter(None, (_not_for(subject, gpu) for gpu in gpus)), None)
    return None


def _not_for(subject: Subject, gpu: Gpu) -> tuple[str, str] | None:
    """Why the loaded module is not for a GPU."""
    code, version = capability(gpu.arch or ""), subject.files.kernel_driver
    branch = numbers(version or "")[:1]
    if code is None or not branch:
        return None
    arch = code[:2]
    last = next((end for below, end in LAST if arch < below), None)
    first = next((start for start_arch, start in FIRST if arch >= start_arch), 0)
    if last is not None and branch[0] > last:
        why = f"driver {version} no longer serves it; {last} is the last branch that does"
        return why, _driver(subject, last, open_=False)
    if branch[0] < first:
        why = f"driver {version} is older than it; {first} is the first branch that knows it"
        return why, _driver(subject, first, open_=arch >= OPEN_ONLY)
    if subject.files.open_module is True and arch < OPEN_FROM:
        why = "the open kernel module that is loaded serves Turing and newer; it needs the other"
        return why, _driver(subject, min(branch[0], last or branch[0]), open_=False)
    if subject.files.open_module is False and arch >= OPEN_ONLY:
        why = "Blackwell needs NVIDIA's open kernel module; the proprietary one is loaded"
        return why, _driver(subject, branch[0], open_=True)
    return None


def _driver(subject: Subject, branch: int, *, open_: bool) -> str:
    command = DRIVER.get((subject.files.distribution or "", open_), VISIT)
    return command.format(branch=branch)
