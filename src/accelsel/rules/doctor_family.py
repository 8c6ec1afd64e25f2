"""Checks of torchvision and torchaudio, which are of one release and one build with torch."""

from collections.abc import Iterator

from accelsel.model.finding import Finding, Severity
from accelsel.model.installed import Distribution
from accelsel.rules.doctor_companions import asks_another
from accelsel.rules.doctor_labels import abi_of
from accelsel.rules.doctor_subject import (
    FAMILY,
    Check,
    Subject,
    TorchBuild,
    both_of,
    cuda_of,
    finding,
    minor_of,
    release_of,
    renewed,
)
from accelsel.rules.host import platform_of
from accelsel.rules.versions import admits, numbers

# Since then the libraries use torch's stable ABI (loaded beside torch 2.13 to 2.15 of CUDA 13 in
# all pairings, research on companions, 2026-11-20).
STABLE_ABI = {"torchvision": (0, 29), "torchaudio": (2, 11)}


def family_version(subject: Subject) -> Iterator[Finding]:
    """Torchvision or torchaudio are of another release than torch's partner."""
    both = both_of(subject)
    if both is None:
        return
    environment, torch = both
    row = next(
        (b for b in subject.tables.builds if b.torch == torch.release and b.companions), None
    )
    for companion in row.companions if row else ():
        package = environment.get(companion.name)
        if package is None or not companion.specifier:
            continue
        if admits(companion.specifier, where=companion.name)(release_of(package.version)):
            continue
        wanted = f"{companion.name}{companion.specifier}"
        yield finding(
            "family-version",
            "error",
            f"{companion.name} {package.version} does not go with torch {torch.full}",
            environment.root,
            renewed(subject, f"torch=={torch.release}", wanted),
            hint=f"with this torch belongs {wanted}; torch is right",
            cause="companion",
        )


def family_build(subject: Subject) -> Iterator[Finding]:
    """Torchvision or torchaudio are of another build (CUDA, ROCm, CPU) than torch."""
    both = both_of(subject)
    if both is None or both[1].backend is None:
        return
    environment, torch = both
    elsewhere = {each.what.split()[0] for each in family_version(subject)}
    for name in FAMILY:
        package = environment.get(name)
        if package is None or name in ("torchtext", "torchdata", *elsewhere):
            continue
        if asks_another(package, torch.full):
            continue  # said by `torch-requirement`
        found = _backend_of(subject, package)
        if found is None or found == torch.backend:
            continue
        gravity = _gravity(subject, torch, package, found)
        what = (
            f"{name} {package.full_version} is built for {found}, torch {torch.full} for "
            f"{torch.backend}"
        )
        if gravity == "note":
            yield finding(
                "family-build",
                gravity,
                what,
                environment.root,
                None,
                hint=f"they load beside each other: one CUDA major, and {name} uses the stable ABI",
                cause="companion",
            )
            continue
        yield finding(
            "family-build",
            gravity,
            what,
            environment.root,
            renewed(subject, f"torch=={torch.release}", f"{name}=={release_of(package.version)}"),
            hint=f"`operator {name}::nms does not exist` comes from this; torch is right"
            if name == "torchvision"
            else "torch is right",
            cause="companion",
        )


def _gravity(subject: Subject, torch: TorchBuild, package: Distribution, found: str) -> Severity:
    """Builds of one CUDA major load beside each other where nothing but the minor differs: surely
    from the stable ABI on, and before it unless the C++ ABI differs too."""
    ours, theirs = cuda_of(torch.backend), cuda_of(found)
    if ours is None or theirs is None or ours[0] != theirs[0]:
        return "error"
    if numbers(package.version)[:2] >= STABLE_ABI[package.name]:
        return "note"
    release, platform = numbers(torch.release), platform_of(subject.profile)
    abis = {abi_of(release, backend or "", platform) for backend in (torch.backend, found)}
    return "error" if len(abis) > 1 else "warning"


def _backend_of(subject: Subject, package: Distribution) -> str | None:
    """The backend of a family package: its local version, else that of the default index."""
    if package.local in subject.tables.backends:
        return package.local
    if package.local or package.source:
        return None
    platform = platform_of(subject.profile)
    partners = {
        build.backend
        for build in subject.tables.builds
        if build.on_pypi and build.platform == platform
        for companion in build.companions
        if companion.name == package.name
        and companion.specifier.startswith(f"=={minor_of(package.version)}")
    }
    return partners.pop() if len(partners) == 1 else None


FAMILY_CHECKS = (
    Check(id="family-version", title="torchvision of another release", run=family_version),
    Check(id="family-build", title="torchvision of another build", run=family_build),
)
