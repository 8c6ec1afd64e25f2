"""What a pasted error message says, beside what is installed: whose fault it is."""

import re
from collections.abc import Callable, Iterator

from accelsel.model.finding import Finding
from accelsel.model.value import dataclass
from accelsel.rules.doctor_companions import cure
from accelsel.rules.doctor_device import KERNEL_LOG
from accelsel.rules.doctor_subject import (
    FAMILY,
    Check,
    Subject,
    compiled,
    finding,
    given,
    gpu_name,
    then,
    unsetting,
    without_compat,
)
from accelsel.rules.doctor_torch import VISIT, driver_command

RESTART = "sudo reboot"


@dataclass(frozen=True, kw_only=True)
class Message:
    """A message of torch or the driver that names its cause only together with what is installed.

    The texts are those that CUDA, torch and NCCL print (research on companions, section 6, and the
    CUDA error list, 2026-11-20).
    """

    pattern: str
    find: Callable[[Subject], Iterator[Finding]]


def told(subject: Subject) -> Iterator[Finding]:
    """The first message that the text holds, in the order of the tables."""
    text = subject.error
    if not text:
        return
    for message in MESSAGES:
        if re.search(message.pattern, text, re.IGNORECASE):
            yield from message.find(subject)
            return
    yield from _symptoms(subject, text)


def _no_kernel(subject: Subject) -> Iterator[Finding]:
    """Torch itself has kernels: then another package with GPU code has none."""
    torch, environment = subject.torch, subject.environment
    if torch is None or environment is None:
        return
    if any(each.rule in ("arch-kernels", "broken-combination") for each in subject.judged):
        return  # said by `gpu-not-served`
    suspects = [
        package
        for package in environment.packages
        if package.compiled and package.name not in ("torch", "torchvision", "torchaudio")
    ]
    text = subject.error or ""
    suspects = [each for each in suspects if each.name.replace("-", "_") in text] or suspects
    gpus = [gpu for gpu in subject.profile.gpus if gpu.index in subject.best.serves]
    names = ", ".join(f"{each.name} {each.version}" for each in suspects) or "none is installed"
    where = " and ".join(map(gpu_name, gpus)) or "this GPU"
    upgrade = _renewed(subject, [each.name for each in suspects], [f"torch=={torch.release}"])
    yield finding(
        "error-text",
        "error",
        f"torch {torch.full} has kernels for {where}; the message comes from another package with "
        f"GPU code: {names}",
        environment.root,
        upgrade,
        hint="torch is right; look in the traceback which of them was called",
        cause="companion",
    )


def _too_old(subject: Subject) -> Iterator[Finding]:
    found = re.search(r"found version (\d{4,5})", subject.error or "")
    said = f" (CUDA {int(found[1]) // 1000}.{int(found[1]) % 1000 // 10})" if found else ""
    yield _host(
        subject,
        f"the driver{said} is older than the CUDA of the installed torch",
        driver_command(subject) or VISIT,
        "a driver of the CUDA major of torch is enough, or a build that this driver runs",
    )


def _mismatch(subject: Subject) -> Iterator[Finding]:
    inside = subject.profile.os.container is not None
    engine = "podman" if subject.profile.os.container == "podman" else "docker"
    yield _host(
        subject,
        "NVIDIA's library and kernel module are of different versions (803)",
        f"{engine} restart CONTAINER" if inside else RESTART,
        "no other torch cures it",
    )


def _waiting(subject: Subject) -> Iterator[Finding]:
    yield _host(
        subject,
        "the GPUs hang on an NVSwitch and wait for NVIDIA's Fabric Manager (802)",
        "sudo systemctl enable --now nvidia-fabricmanager",
        "its version must be the driver's; torch is right",
    )


def _stuck(subject: Subject) -> Iterator[Finding]:
    inside = subject.profile.os.container is not None
    yield _host(
        subject,
        "NVIDIA's module for CUDA does not answer (999), as after a suspend or a driver's update"
        + (", or the container lacks /dev/nvidia-uvm" if inside else ""),
        given(subject, "nvidia") if inside else "sudo rmmod nvidia_uvm && sudo modprobe nvidia_uvm",
        "where that does not help, a restart does; torch is right",
    )


def _lost(subject: Subject) -> Iterator[Finding]:
    yield _host(
        subject,
        "a GPU has fallen off the bus",
        KERNEL_LOG,
        "an Xid there names the fault; a restart of the machine resets the GPU; torch is right",
    )


def _runtime(subject: Subject) -> Iterator[Finding]:
    yield _host(
        subject,
        "a DLL that torch needs does not load: Microsoft's C++ runtime is missing or too old",
        "winget install --id Microsoft.VCRedist.2015+.x64",
        "2.9 and newer need that of 2022; torch is right",
    )


def _no_device(subject: Subject) -> Iterator[Finding]:
    inside = subject.profile.os.container is not None and not subject.profile.os.wsl
    yield _host(
        subject,
        "CUDA sees no GPU " + ("in the container" if inside else "here"),
        given(subject, "nvidia") if inside else unsetting(subject, "CUDA_VISIBLE_DEVICES"),
        "a mask, a container without its GPUs, or a MIG mode without instances; torch is right",
    )


def _compat(subject: Subject) -> Iterator[Finding]:
    yield _host(
        subject,
        "a forward-compatibility libcuda is used on a card that does not support it (804)",
        without_compat(subject),
        "or a newer driver on the host; torch's own wheels need no compat library",
    )


def _no_driver(subject: Subject) -> Iterator[Finding]:
    inside = subject.profile.os.container is not None and not subject.profile.os.wsl
    wsl = subject.profile.os.wsl
    command = given(subject, "nvidia") if inside else driver_command(subject)
    yield _host(
        subject,
        "no NVIDIA driver is visible " + ("in the container" if inside else "here"),
        "wsl.exe --update && wsl.exe --shutdown" if wsl else command or "accelsel detect -v",
        "torch is right",
    )


def _host(subject: Subject, what: str, fix: str, hint: str) -> Finding:
    where = subject.environment.root if subject.environment else "NVIDIA driver"
    return finding("error-text", "error", what, where, fix, hint=hint, cause="host")


def _nccl(subject: Subject) -> Iterator[Finding]:
    environment = subject.environment
    if environment is None:
        return
    names = [p.name for p in environment.packages if p.name.startswith("nvidia-nccl")]
    asked = [
        line
        for package in environment.packages
        if package.name == "torch"
        for line in package.requires
        if line.startswith("nvidia-nccl")
    ]
    wanted = asked[0].partition(";")[0].strip() if asked else "nvidia-nccl-cu12"
    others = [name for name in names if not wanted.startswith(name)]
    remove = f"{subject.uninstall(*others)}{then(subject)}" if others else ""
    yield finding(
        "error-text",
        "error",
        f"another NCCL than torch asks for is loaded (installed: {', '.join(names) or 'none'})",
        environment.root,
        remove + subject.install(wanted, reinstall=True),
        hint="torch is right; LD_LIBRARY_PATH may bring one of the system",
        cause="companion",
    )


def _not_compiled(subject: Subject) -> Iterator[Finding]:
    if subject.torch is None or subject.torch.backend != "cpu":
        return
    yield finding(
        "error-text",
        "error",
        f"torch {subject.torch.full} is a CPU build",
        subject.environment.root if subject.environment else "torch",
        subject.renew(),
        cause="torch",
    )


MESSAGES = (
    Message(
        pattern=r"no kernel image|CUDA capability sm_\d+ is not compatible|NoBinaryForGpu"
        r"|invalid device function",
        find=_no_kernel,
    ),
    Message(pattern=r"driver (?:version is insufficient|on your system is too old)", find=_too_old),
    Message(
        pattern=r"(?:error|code)\W{1,3}803\b|display driver and CUDA driver"
        r"|Driver/library version mismatch",
        find=_mismatch,
    ),
    Message(pattern=r"(?:error|code)\W{1,3}802\b|system not yet initialized", find=_waiting),
    Message(
        pattern=r"(?:error|code)\W{1,3}804\b|forward compatibility was attempted", find=_compat
    ),
    Message(
        pattern=r"Found no NVIDIA driver|no NVIDIA driver|libcuda\.so\.1: cannot open",
        find=_no_driver,
    ),
    Message(pattern=r"CUDA unknown error|Error 999\b|cudaErrorUnknown", find=_stuck),
    Message(pattern=r"GPU is lost|fallen off the bus", find=_lost),
    Message(pattern=r"no CUDA-capable device|No CUDA GPUs are available", find=_no_device),
    Message(pattern=r"WinError (?:126|127|1114)\b|Error loading .*c10\.dll", find=_runtime),
    Message(pattern=r"undefined symbol: nccl\w+", find=_nccl),
    Message(pattern=r"not compiled with CUDA enabled", find=_not_compiled),
)


def _renewed(subject: Subject, names: list[str], keep: list[str]) -> str:
    """The command that renews what a message speaks of, and leaves torch as it is."""
    if not names:
        return "accelsel why"
    table, environment, name = subject.companions, subject.environment, names[0]
    package = environment.get(name) if environment else None
    if package is not None and table is not None and name in table.offers and keep:
        return cure(subject, table, package)[0]
    if package is not None and (not keep or name not in FAMILY):
        return compiled(subject, name, name)
    return subject.install("--upgrade", *names, *keep)


def _symptoms(subject: Subject, text: str) -> Iterator[Finding]:
    """A symptom of the companions table; the name in the text, or the table's, is who has it."""
    environment, torch = subject.environment, subject.torch
    for row in subject.symptoms:
        if not re.search(row.pattern, text):
            continue
        installed = [p.name for p in environment.packages] if environment else []
        named = [n for n in installed if n.replace("-", "_") in text or n in text]
        suspects = [n for n in named if n != "torch"] or [n for n in (row.name,) if n]
        compiled = [p.name for p in environment.packages if p.compiled] if environment else []
        others = [n for n in compiled if n not in ("torch", "torchvision", "torchaudio")]
        suspects = suspects or others
        keep = [f"torch=={torch.release}"] if torch and not torch.vendor else []
        yield finding(
            "error-text",
            "error",
            f"{row.cause}" + (f" ({', '.join(suspects)})" if suspects else ""),
            environment.root if environment else "the environment",
            _renewed(subject, suspects, keep),
            hint=f"{row.cure}; torch is right",
            cause="companion",
        )
        return


ERROR_CHECKS = (Check(id="error-text", title="What a pasted message says", run=told),)
