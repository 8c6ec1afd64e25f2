"""Checks of what makes the first GPU the wrong one, or hides and replaces facts."""

from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.model.profile import STATED, Vendor
from accelsel.rules.doctor_subject import (
    Check,
    Subject,
    finding,
    gpu_build,
    gpu_name,
    setting,
    unsetting,
)
from accelsel.rules.host import BRAND

# Value that hides every device: CUDA stops at the first index that is none.
HIDING = ("", "-1", "none", "void", "NoDevFiles")


MASKS: dict[str, Vendor] = {
    "CUDA_VISIBLE_DEVICES": "nvidia",
    "NVIDIA_VISIBLE_DEVICES": "nvidia",
    "HIP_VISIBLE_DEVICES": "amd",
    "ROCR_VISIBLE_DEVICES": "amd",
    "GPU_DEVICE_ORDINAL": "amd",
    "ZE_AFFINITY_MASK": "intel",
}


UV_SWITCHES = {
    "UV_FROZEN": "uv takes the lock as it stands, also where the project has changed",
    "UV_INDEX": "it stands before the project's indexes and drops `explicit`",
}


def first_gpu(subject: Subject) -> Iterator[Finding]:
    """An integrated GPU comes first: device 0 is the wrong one."""
    vendor = gpu_build(subject)
    for name, mask in (("amd", "HIP_VISIBLE_DEVICES"), ("intel", "ONEAPI_DEVICE_SELECTOR")):
        gpus = [gpu for gpu in subject.profile.gpus if gpu.vendor == name and gpu.usable]
        discrete = [place for place, gpu in enumerate(gpus) if gpu.integrated is False]
        inner = [place for place, gpu in enumerate(gpus) if gpu.integrated]
        if not discrete or not inner or vendor not in (None, name) or _set(subject, mask):
            continue
        first = inner[0] < discrete[0]
        value = f"level_zero:{discrete[0]}" if name == "intel" else f"{discrete[0]}"
        yield finding(
            "integrated-gpu-first" if first else "integrated-gpu",
            "warning" if first else "note",
            f"{gpu_name(gpus[inner[0]])} is integrated"
            + (" and device 0" if first else " and may become device 0"),
            mask,
            setting(subject, mask, value),
            hint="a right build fails or crawls on it",
            cause="host",
        )


def _set(subject: Subject, name: str) -> str | None:
    return dict(subject.files.variables).get(name)


def variables(subject: Subject) -> Iterator[Finding]:
    """Variables that hide devices or state facts in the host's place."""
    emitted = (_set(subject, "ACCELSEL_ENV") or "").split(",")
    for name, value in subject.files.variables:
        vendor = MASKS.get(name)
        has = any(gpu.vendor == vendor and gpu.usable for gpu in subject.profile.gpus)
        if vendor and has and (value.strip() in HIDING or _beyond(subject, name, value)):
            yield finding(
                "hidden-gpus",
                "error",
                f"{name}={value!r} hides every GPU of {BRAND[vendor]}"
                + ("" if value.strip() in HIDING else ": it begins with one that is not there"),
                name,
                unsetting(subject, name),
                cause="host",
            )
        elif name in STATED and name not in emitted:
            yield finding(
                "stated-facts",
                "warning",
                f"{name}={value!r} is taken for a fact in place of what the host says",
                name,
                unsetting(subject, name),
                hint="right in an image build for another host, wrong on that host",
                cause="host",
            )
        elif (
            name in UV_SWITCHES and subject.project is not None and value not in ("", "0", "false")
        ):
            yield finding(
                "uv-variable",
                "warning",
                f"{name} is set: {UV_SWITCHES[name]}",
                name,
                unsetting(subject, name),
                cause="project",
            )


def _beyond(subject: Subject, name: str, value: str) -> bool:
    """Whether a mask begins with the number of a GPU that is not there: nothing after it counts."""
    first = value.partition(",")[0].strip()
    if name == "NVIDIA_VISIBLE_DEVICES" or not first.isdigit():
        return False
    count = sum(gpu.vendor == MASKS[name] for gpu in subject.profile.gpus)
    sliced = any("MIG" in (gpu.note or "") for gpu in subject.profile.gpus)
    return int(first) >= count and not sliced and subject.profile.os.container is None


def spoofed(subject: Subject) -> Iterator[Finding]:
    """`HSA_OVERRIDE_GFX_VERSION` makes a GPU pass for another one."""
    name = "HSA_OVERRIDE_GFX_VERSION"
    value = _set(subject, name)
    if not value:
        return
    system = subject.profile.os.system
    for gpu in subject.profile.gpus:
        if gpu.vendor != "amd" or gpu.arch is None:
            continue
        known = [o for o in subject.tables.overrides if o.arch == gpu.arch and o.system == system]
        works = any(o.value == value and o.works for o in known)
        native = any(
            gpu.arch in (b.archs or ()) and gpu.arch not in b.broken
            for b in subject.tables.builds
            if subject.torch
            and b.backend == subject.torch.backend
            and b.torch == subject.torch.release
        )
        if works and not native:
            continue
        why = "has kernels of its own in this build" if native else "is not known to work so"
        fails = any(each.gpu == gpu.index and name in each.message for each in subject.judged)
        yield finding(
            "arch-override",
            "error" if fails else "warning",
            f"{name}={value}: {gpu_name(gpu)} {why}",
            name,
            unsetting(subject, name),
            cause="host",
        )


VARIABLE_CHECKS = (
    Check(id="integrated-gpu", title="An integrated GPU as device 0", run=first_gpu),
    Check(id="variables", title="Variables that hide or replace facts", run=variables),
    Check(id="arch-override", title="An architecture override that misleads", run=spoofed),
)
