"""Checks of releases that are known to be wrong, or too narrow, by their makers' own words."""

from collections.abc import Iterator

from accelsel.model.companion import KernelLimit, Mislabel
from accelsel.model.finding import Finding
from accelsel.model.installed import Distribution
from accelsel.model.profile import Gpu
from accelsel.rules.compatibility import capability
from accelsel.rules.doctor_labels import abi_of, label_of
from accelsel.rules.doctor_subject import (
    Check,
    Subject,
    TorchBuild,
    both_of,
    compiled,
    cuda_of,
    equipped,
    finding,
    gpu_name,
    release_of,
)
from accelsel.rules.host import platform_of
from accelsel.rules.versions import contains, numbers


def limited(subject: Subject) -> Iterator[Finding]:
    """An installed release has no, or no right code for a GPU of this host."""
    both = both_of(subject)
    if both is None or cuda_of(both[1].backend) is None:
        return
    environment, torch = both
    for package in environment.packages:
        rows = [row for row in subject.faults.limits if row.name == package.name]
        for gpu in (gpu for gpu in subject.profile.gpus if gpu.vendor == "nvidia" and gpu.usable):
            row = next((row for row in rows if _falls_under(subject, row, package, gpu)), None)
            if row is None:
                continue
            what = f"{row.part} cannot use" if row.part else "has no code for"
            yield finding(
                "companion-kernels",
                row.severity,
                f"{package.name} {package.version}: {what} {gpu_name(gpu)}"
                if row.part
                else f"{package.name} {package.version} {what} {gpu_name(gpu)}",
                environment.root,
                _served(subject, torch, package, row, gpu),
                hint=f"{row.cure}; torch is right",
                cause="companion",
            )


def _falls_under(subject: Subject, row: KernelLimit, package: Distribution, gpu: Gpu) -> bool:
    code = capability(gpu.arch or "")
    if code is None or (row.platforms and platform_of(subject.profile) not in row.platforms):
        return False
    floor = capability(row.below or "")
    if row.direct is not None and not _is_extension(package):
        return False  # another project of this name
    if gpu.arch not in row.lacks and not (floor and code[:2] < floor[:2]):
        return False
    return holds(row.versions, package)


def _is_extension(package: Distribution) -> bool:
    return label_of(package) is not None or any(
        line.partition(";")[0].strip().startswith("torch") for line in package.requires
    )


def holds(specifier: str, package: Distribution) -> bool:
    """Whether a specifier holds for the release of a package, its local part left aside."""
    try:
        return not specifier or contains(specifier, release_of(package.version))
    except ValueError:  # a version that is none, as a hand-made wheel may have
        return False


def _served(
    subject: Subject, torch: TorchBuild, package: Distribution, row: KernelLimit, gpu: Gpu
) -> str | None:
    """The command that brings a release, or a build, which serves the GPU."""
    if row.severity == "note":
        return None
    if row.part is not None:
        arch = capability(gpu.arch or "") or (0, 0, "")
        requirement = f"{package.name}=={_published(subject, package)}"
        return compiled(subject, package.name, requirement, f"{arch[0]}.{arch[1]}")
    if row.direct is not None:
        return compiled(subject, package.name, f'"{row.direct}"')
    if row.since is None:
        return subject.uninstall(package.name)
    return subject.install(f"{package.name}{row.since}", f"torch=={torch.release}")


def _published(subject: Subject, package: Distribution) -> str:
    """The release of a package, of a build between two the one before."""
    table = subject.companions
    row = table.distributions.get(package.name) if table else None
    version = release_of(package.version)
    if row is None or version in row.releases:
        return version
    older = [each for each in row.releases if numbers(each) <= numbers(version)]
    older = [each for each in older if contains(f"<={version}", each)]
    return older[-1] if older else version


def mislabelled(subject: Subject) -> Iterator[Finding]:
    """A wheel's label speaks of torch's C++ ABI, and its binary is known to use the other."""
    both = both_of(subject)
    if both is None:
        return
    environment, torch = both
    ours = abi_of(numbers(torch.release), torch.backend or "", platform_of(subject.profile))
    for package in environment.packages:
        for row in subject.faults.mislabels:
            if row.name != package.name or not holds(row.versions, package):
                continue
            severity = _gravity(torch, package, row, ours)
            if severity is None:
                continue
            ours_, theirs = ("new", "old") if not row.abi else ("old", "new")
            yield finding(
                "built-for-other-torch",
                "error" if severity == "error" else "warning",
                f"{package.name} {package.version}: its wheels for torch {row.torch} use the "
                f"{theirs} C++ ABI, whatever their label says; torch {torch.full} the {ours_} one",
                environment.root,
                equipped(
                    subject,
                    f"uv pip install{subject.python_argument} --no-build-isolation "
                    f'--reinstall-package {package.name} "{package.name}{row.good}"',
                ),
                hint=f"{package.name}{row.good} has right ones; `undefined symbol` comes from "
                "this; torch is right",
                cause="companion",
            )


def _gravity(
    torch: TorchBuild, package: Distribution, row: Mislabel, ours: bool | None
) -> str | None:
    """`error` where the label proves that it is such a wheel, `warning` where it carries none: one
    that was compiled here looks the same. None where the ABIs agree or the label says enough."""
    minor = tuple(map(int, row.torch.split(".")))
    if ours is None or ours == row.abi or numbers(torch.release)[:2] != minor or torch.vendor:
        return None
    label = label_of(package)
    if label is None:
        return "warning"
    return "error" if label.abi == ours and minor in label.torch else None


def programs(subject: Subject) -> Iterator[Finding]:
    """A program with a CUDA of its own finds none: torch brings another major."""
    both = both_of(subject)
    cuda = cuda_of(both[1].backend) if both else None
    if both is None or cuda is None:
        return
    environment, torch = both
    toolkit = numbers(subject.files.toolkit or "")[:1]
    for want in subject.faults.wants:
        package = environment.get(want.name)
        if package is None or want.package != "nvidia-cublas" or not holds(want.versions, package):
            continue
        name = f"{want.package}-cu{want.number}"
        if want.number == cuda[0] or toolkit == (want.number,) or environment.get(name):
            continue
        yield finding(
            "companion-build",
            "warning",
            f"{package.name} {package.version} loads CUDA {want.number}; torch {torch.full} brings "
            f"CUDA {cuda[0]}",
            environment.root,
            instead(subject, package.name, want.package, cuda[0])
            or subject.install(name, f"nvidia-cudnn-cu{want.number}"),
            hint="without it, it computes on the CPU or stops; both majors can stand beside each "
            "other; torch is right",
            cause="companion",
        )


def instead(subject: Subject, name: str, package: str, number: int) -> str | None:
    """The command that brings a release of a program which loads the library of this number, or
    the extra with which it brings its own; None where no release does."""
    known = [want for want in subject.faults.wants if want.name == name]
    fits = next((w for w in known if (w.package, w.number) == (package, number)), None)
    if fits is not None:
        return subject.install("--upgrade", f"{name}{fits.versions}")
    extras = next((want.extras for want in known if want.extras), None)
    return subject.install("--upgrade", f'"{name}[{extras}]"') if extras else None


FAULT_CHECKS = (
    Check(id="kernel-limits", title="A release without code for a GPU", run=limited),
    Check(id="programs", title="A program of another CUDA", run=programs),
    Check(id="mislabelled", title="A wheel whose label is wrong", run=mislabelled),
)
