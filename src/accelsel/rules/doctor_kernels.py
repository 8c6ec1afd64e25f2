"""Messages of code that is missing for a GPU: torch's own, or another package's."""

import re
from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.rules.doctor_message import Message, culprits, extensions, restored, said
from accelsel.rules.doctor_subject import Subject, gpu_build, gpu_name, setting


def _no_kernel(subject: Subject) -> Iterator[Finding]:
    """Torch itself has kernels: then another package with GPU code has none."""
    torch, environment = subject.torch, subject.environment
    if environment is None:
        yield said(
            subject,
            "torch, or a package with GPU code beside it, has none for this GPU",
            "accelsel doctor --python .venv",
            "which of them shows where the environment is looked at",
            cause="project",
        )
    if torch is None or environment is None:
        return
    if any(each.rule in ("arch-kernels", "broken-combination") for each in subject.judged):
        left = [g for g in subject.profile.gpus if g.index in subject.best.serves]
        if any(each.gpu in (None, *(g.index for g in left)) for each in subject.judged):
            return  # said by `gpu-not-served`
    masked = _integrated(subject)
    if masked is not None:
        yield masked
        return
    known = extensions(subject)
    suspects = [name for name in culprits(subject) if name in known] or [*known]
    gpus = [gpu for gpu in subject.profile.gpus if gpu.index in subject.best.serves]
    names = ", ".join(
        f"{name} {package.version}" for name in suspects if (package := environment.get(name))
    )
    where = " and ".join(map(gpu_name, gpus)) or "this GPU"
    yield said(
        subject,
        f"torch {torch.full} has kernels for {where}; the message comes from another package with "
        f"GPU code: {names or 'none is installed'}",
        restored(subject, suspects[0]) if suspects else "accelsel detect -v",
        "torch is right; look in the traceback which of them was called",
        cause="companion",
    )


def _integrated(subject: Subject) -> Finding | None:
    """ROCm's message about a GPU inside a processor that stands beside a card."""
    gpus = [g for g in subject.profile.gpus if g.vendor == "amd" and g.usable]
    named = re.findall(r"\b(gfx[0-9a-f]{3,5})\b", subject.error or "")
    cards = [place for place, gpu in enumerate(gpus) if gpu.integrated is False]
    inner = [gpu for gpu in gpus if gpu.integrated and (not named or gpu.arch in named)]
    if gpu_build(subject) != "amd" or not cards or not inner:
        return None
    return said(
        subject,
        f"ROCm took {gpu_name(inner[0])}, which is integrated and has no code in this build, for a "
        "device of its own",
        setting(subject, "HIP_VISIBLE_DEVICES", f"{cards[0]}"),
        "the card alone is shown then",
        cause="host",
        where="HIP_VISIBLE_DEVICES",
    )


def _tensile(subject: Subject) -> Iterator[Finding]:
    """ROCm's mathematics has no code for a GPU."""
    finding = _integrated(subject)
    if finding is not None:
        yield finding
    else:
        yield from _no_kernel(subject)


KERNEL_MESSAGES = (
    Message(pattern=r"TensileLibrary|rocBLAS error", find=_tensile),
    Message(
        pattern=r"no kernel image|CUDA capability sm_\d+ is not compatible|NoBinaryForGpu"
        r"|invalid device function|device kernel image is invalid|hipErrorInvalidImage",
        find=_no_kernel,
        anybodys=True,
    ),
)
