"""Rules about a build and the GPUs it has to serve."""

from accelsel.rules.compatibility import VENDORS, compiled, gfx, native, newer_than_known
from accelsel.rules.host import BRAND, OVERRIDE, Target
from accelsel.rules.question import Case, Finding
from accelsel.rules.versions import dotted, meets


def vendor(case: Case) -> Finding | None:
    made_for = VENDORS.get(case.backend.kind)
    if made_for is None or made_for == case.question.vendor:
        return None
    brand = BRAND[made_for]
    if any(target.vendor == made_for for target in case.question.host.targets):
        message = f"for {brand} GPUs, and another choice was made for this host"
        return Finding(rule="vendor", message=message, change=f"the {brand} GPU with --gpu")
    message = f"for {brand} GPUs, and none is usable here"
    return Finding(rule="vendor", message=message, change=f"a usable {brand} GPU")


def jetpack(case: Case) -> Finding | None:
    if case.backend.kind != "jetson":
        return None
    wanted = case.backend.name.rpartition("jp")[2]
    host = case.question.host
    if host.jetson and str(host.jetpack) == wanted:
        return None
    message = f"for a Jetson with JetPack {wanted}"
    return Finding(rule="jetpack", message=message, change=f"JetPack {wanted}")


def arch_list(case: Case) -> Finding | None:
    if case.build.archs is not None:
        return None
    message = "the GPUs that it has code for are not established"
    return Finding(rule="arch-list-unknown", message=message)


def broken(case: Case) -> Finding | None:
    if VENDORS.get(case.backend.kind) != case.question.vendor:
        return None
    for target in case.question.targets:
        if target.arch in case.build.broken:
            message = f"lists {target.arch} and does not work on it ({target.label})"
            return Finding(rule="broken-combination", message=message)
        if target.vendor == "amd" and (finding := _override(case, target)) is not None:
            return finding
    return None


def _override(case: Case, target: Target) -> Finding | None:
    """What HSA_OVERRIDE_GFX_VERSION does to a build for AMD GPUs."""
    host = case.question.host
    if host.override is None:
        return None
    change = f"unset {OVERRIDE}"
    if case.backend.kind == "amd":
        message = f"its device code does not load while {OVERRIDE} is set"
        return Finding(rule="broken-combination", message=message, change=change)
    for row in host.override_rows:
        if row.arch == target.real and row.value == host.override:
            if row.works:
                return None
            message = f"{OVERRIDE}={row.value} on {row.arch} ({target.label}): {row.note}"
            return Finding(rule="broken-combination", message=message, change=change)
    real, told = gfx(target.real or ""), gfx(target.arch or "")
    if real and told and real[0] != told[0]:
        message = (
            f"{OVERRIDE}={host.override} on {target.real} ({target.label}): its instructions are "
            f"not those of {target.arch}"
        )
        return Finding(rule="broken-combination", message=message, change=change)
    return None


def kernels(case: Case) -> Finding | None:
    if case.build.archs is None or VENDORS.get(case.backend.kind) != case.question.vendor:
        return None  # other rules tell of it
    doubt = None
    for target in case.question.targets:
        finding = _served(case, target)
        if finding is not None and finding.certain:
            return finding
        doubt = doubt or finding
    return doubt


def _served(case: Case, target: Target) -> Finding | None:
    """What is against one build on one GPU, None where the build has code that the GPU runs."""
    if target.arch is None:
        return _unknown(case, target)
    if native(case.build, case.backend, target.arch, case.question.exceptions) is not None:
        return _documented(target)
    message = f"no kernels for {target.arch} ({target.label})"
    if not compiled(case.build, target.arch):
        return Finding(
            rule="arch-kernels", message=message, change=f"another GPU than {target.name}"
        )
    driver, toolkit = case.question.host.driver, case.backend.toolkit
    if driver and driver.cuda and meets(driver.cuda, toolkit):
        return _compiled(case, target, message)
    needed = f"a driver of CUDA {dotted(toolkit)} or newer"
    message += f", and its PTX needs {needed}"
    return Finding(rule="arch-kernels", message=message, change=needed, upgrade=True)


def _compiled(case: Case, target: Target, message: str) -> Finding | None:
    """Nothing against PTX, but for a GPU newer than every code of the build: nobody has seen it."""
    known = (*(case.build.archs or ()), *(case.build.ptx or ()))
    if not newer_than_known(target.arch or "", "nvidia", known):
        return None
    return Finding(
        rule="arch-kernels",
        message=f"{message}, which is newer than the build: its driver has to compile PTX for it",
        certain=False,
        change="a rules table that knows this GPU, or a run of torch on it",
    )


def _unknown(case: Case, target: Target) -> Finding:
    """A doubt; but AMD's code comes by name of the GPU, and PyTorch's builds for Arm servers have
    no code for any Jetson before JetPack 7."""
    message = f"the architecture of {target.label} is not known"
    host, kind = case.question.host, case.backend.kind
    early = host.jetson and (host.jetpack is None or host.jetpack < 7)
    return Finding(
        rule="arch-kernels",
        message=message,
        certain=kind == "amd" or (kind == "cuda" and early),
        change="the architecture in ACCELSEL_GPU_ARCH",
    )


def _documented(target: Target) -> Finding | None:
    """PyTorch names the Intel devices that it supports; a PCI id outside its list is not served."""
    if target.documented == "no":
        message = f"PyTorch does not support {target.label} ({target.arch})"
        return Finding(rule="arch-kernels", message=message)
    if target.documented == "not said":
        message = f"PyTorch does not say whether it supports {target.label} ({target.arch})"
        change = "a run of torch.xpu.is_available() on it"
        return Finding(rule="arch-kernels", message=message, certain=False, change=change)
    return None
