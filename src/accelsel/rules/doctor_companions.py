"""Checks of torch's neighbours against the companions table: what their metadata does not say."""

import re
from collections.abc import Iterator

from accelsel.model.companion import CompanionAnswer, CompanionTable, Offer
from accelsel.model.finding import Finding
from accelsel.model.installed import Distribution, Environment
from accelsel.model.requirement import normalized
from accelsel.model.table import Backend, Build
from accelsel.rules.companions_answer import constraints
from accelsel.rules.companions_offer import STAGES, Place, Test
from accelsel.rules.compatibility import VENDORS
from accelsel.rules.doctor_labels import label_of
from accelsel.rules.doctor_subject import (
    Check,
    Subject,
    equipped,
    finding,
    gpu_name,
    minor_of,
    python_tag,
    release_of,
)
from accelsel.rules.host import platform_of
from accelsel.rules.versions import contains, numbers

OWN_ROW = ("torch", "torchvision", "torchaudio")
FITS: dict[str, Test] = dict(STAGES)


def companions(subject: Subject) -> Iterator[Finding]:
    """An installed release does not work with this torch, its build, or a GPU of this host."""
    torch, table = subject.torch, subject.companions
    if torch is None or table is None or torch.vendor:
        return
    found = _row(subject)
    if found is None:
        return
    build, backend = found
    environment = subject.environment
    if environment is None:
        return
    rivals = {name for shared in environment.shared for name in shared.owners}
    for package in environment.packages:
        distribution = table.distributions.get(package.name)
        if distribution is None or package.name in OWN_ROW or distribution.kind == "triton":
            continue
        if package.name in rivals:
            continue  # said by `two-owners`; which one is to stay comes first
        if asks_another(package, torch.full):
            continue  # said by `torch-requirement`
        yield from _examined(subject, table, package, build, backend)


def versions(subject: Subject) -> Iterator[Finding]:
    """Parts of one project are of different releases."""
    environment, torch = subject.environment, subject.torch
    if environment is None:
        return
    yield from _locked(subject, environment)
    for names in ONE_RELEASE:
        found = [each for name in names if (each := environment.get(name))]
        if len({release_of(each.version) for each in found}) < 2:
            continue
        first = found[0]
        keep = [f"torch=={torch.release}"] if torch and not torch.vendor else []
        wanted = [f"{each.name}=={release_of(first.version)}" for each in found[1:]]
        yield finding(
            "companion-version",
            "error",
            f"{' and '.join(f'{each.name} {each.version}' for each in found)} are parts of one "
            "release",
            environment.root,
            subject.install(*wanted, *keep),
            hint=f"all of {release_of(first.version)}, or all of another; torch is right",
            cause="companion",
        )


def _locked(subject: Subject, environment: Environment) -> Iterator[Finding]:
    """What goes with torch of its own minor alone, and whose metadata need not say so."""
    torch = subject.torch
    for name, last in OF_ONE_MINOR.items():
        package = environment.get(name)
        if package is None or torch is None or minor_of(package.version) == minor_of(torch.release):
            continue
        ended = last is not None and numbers(torch.release)[:2] > last
        wanted = f"{name}=={minor_of(torch.release)}.*"
        yield finding(
            "companion-torch",
            "error",
            f"{name} {package.version} goes with torch {minor_of(package.version)} alone; "
            f"installed is {torch.full}",
            environment.root,
            subject.uninstall(name)
            if ended
            else subject.install(wanted, f"torch=={torch.release}"),
            hint="torch is right; " + ("it has ended: torch itself does what it did" if ended else
                                       "both are of one minor"),
            cause="companion",
        )  # fmt: skip


# The last torch for which each was made, None where it goes on (their install pages, 2026-11-20).
OF_ONE_MINOR: dict[str, tuple[int, int] | None] = {
    "intel-extension-for-pytorch": (2, 8),
    "torch-npu": None,
    "torch-xla": None,
}
# Projects in several distributions whose metadata need not tie them (research on companions).
ONE_RELEASE = (
    ("flashinfer-python", "flashinfer-cubin", "flashinfer-jit-cache"),
    ("transformer-engine", "transformer-engine-torch", "transformer-engine-cu12"),
    ("transformer-engine", "transformer-engine-torch", "transformer-engine-cu13"),
)


def missing(subject: Subject) -> Iterator[Finding]:
    """The project asks for a neighbour of torch that is not installed, and the table knows why."""
    environment, torch, table = subject.environment, subject.torch, subject.companions
    found = _row(subject)
    if environment is None or torch is None or torch.vendor or table is None or found is None:
        return
    present = {package.name for package in environment.packages}
    for line in subject.requirements:
        name = normalized(re.split(r"[^A-Za-z0-9._-]", line, maxsplit=1)[0])
        if name in present or name not in table.offers or name in OWN_ROW:
            continue
        answer = _answer(subject, table, line, found)
        refused = answer.refusals[0].message if answer.refusals else None
        package = next((each for each in answer.packages if each.name == name), None)
        if refused is None and package is None:
            continue
        how = refused or (package.why if package else "")
        yield finding(
            "companion-missing",
            "error",
            f"{line} is asked for and not installed beside torch {torch.full}: {how}",
            environment.root,
            f"{subject.pin} --sync",
            hint="torch is right",
            cause="companion",
        )


def _row(subject: Subject) -> tuple[Build, Backend] | None:
    """The table's row for the installed torch and its backend."""
    torch, platform = subject.torch, platform_of(subject.profile)
    for build in subject.tables.builds:
        if torch and (build.torch, build.backend, build.platform) == (
            torch.release,
            torch.backend,
            platform,
        ):
            return build, subject.tables.backends[build.backend]
    return None


def _examined(
    subject: Subject, table: CompanionTable, package: Distribution, build: Build, backend: Backend
) -> Iterator[Finding]:
    version = release_of(package.version)
    offers = table.offers.get(package.name, ())
    rows = [offer for offer in offers if _admits(offer, version)]
    if not rows:
        return  # a release that the table does not know: nothing is said of it
    labelled = label_of(package) is not None and package.local not in subject.tables.backends
    at = Place(build=build, backend=backend, python=None, archs=(), prebuilt=(), exceptions=())
    if not labelled:
        # What the metadata asks of torch is checked as it is written, in `requirements`; the table
        # may know that it asks too little.
        stages = [("companion-build", FITS["backend"], f"has no build for {backend.name}")]
        known = any(not offer.asked for offer in rows)
        if known and not _told_by_metadata(package, build.torch):
            what = f"is not made for torch {build.torch}"
            stages.insert(0, ("companion-torch", FITS["torch"], what))
        for name, test, what in stages:
            fitting = [offer for offer in rows if test(offer, at)]
            if not fitting:
                yield _finding(subject, table, package, name, what, rows)
                return
            rows = fitting
        foreign = _from_default(subject, package, rows, offers, version)
        if foreign is not None:
            yield _finding(subject, table, package, "companion-build", foreign, rows)
            return
    yield from _kernels(subject, table, package, rows, at)


def _told_by_metadata(package: Distribution, torch: str) -> bool:
    """Whether the package's own metadata asks for another torch, or for this very one."""
    for line in package.requires:
        match = re.match(r"torch\s*\(?\s*([<>=!~][^;)]*)", line)
        if match and "extra" not in line.partition(";")[2]:
            try:
                return "=" in re.sub("[<>!]=", "", match[1]) or not contains(
                    match[1].strip(), torch
                )
            except ValueError:
                return True
    return False


def asks_another(package: Distribution, torch: str) -> bool:
    """Whether a package's own metadata asks for another torch, wherever it is installed."""
    for line in package.requires:
        match = re.fullmatch(r"torch\s*\(?\s*([<>=!~][^;)]*?)\s*\)?\s*", line)
        try:
            if match and not contains(match[1], torch if "+" in match[1] else release_of(torch)):
                return True
        except ValueError:
            continue
    return False


def _admits(offer: Offer, version: str) -> bool:
    try:
        return contains(offer.versions, version)
    except ValueError:  # a version that is none, as a hand-made wheel may have
        return False


def _from_default(
    subject: Subject,
    package: Distribution,
    rows: list[Offer],
    offers: tuple[Offer, ...],
    version: str,
) -> str | None:
    """What is wrong where a release for this backend exists on torch's index only, carries its
    local version there, and the installed one carries none."""
    if package.local or package.source:
        return None
    labelled = package.name in LABELLED and all(offer.index == "torch" for offer in rows)
    if not labelled and not all(offer.local for offer in rows):
        return None
    default = [o for o in offers if o.index == "default" and contains(o.versions, version)]
    made = sorted({name for offer in default for name in offer.backends})
    backend = subject.torch.backend if subject.torch else None
    return f"of the default index is built for {', '.join(made)}, not {backend}" if made else None


# On PyTorch's indexes these carry a local version (seen in public locks, 2026-11-20).
LABELLED = ("torchcodec", "torchao", "fbgemm-gpu", "fbgemm-gpu-genai")


def _kernels(
    subject: Subject,
    table: CompanionTable,
    package: Distribution,
    rows: list[Offer],
    at: Place,
) -> Iterator[Finding]:
    vendor = VENDORS.get(at.backend.kind)
    for gpu in subject.profile.gpus:
        if gpu.vendor != vendor or not gpu.usable or gpu.arch is None or gpu.integrated:
            continue
        place = Place(
            build=at.build,
            backend=at.backend,
            python=None,
            archs=(gpu.arch,),
            prebuilt=(),
            exceptions=subject.tables.exceptions,
        )
        if any(FITS["arch"](offer, place) for offer in rows):
            continue
        what = f"has no kernels for {gpu_name(gpu)}"
        yield _finding(subject, table, package, "companion-kernels", what, rows)


def _finding(
    subject: Subject,
    table: CompanionTable,
    package: Distribution,
    id: str,
    what: str,
    rows: list[Offer],
) -> Finding:
    fix, hint = cure(subject, table, package)
    why = next((offer.why for offer in rows if offer.why), None)
    said = "; ".join(filter(None, ("torch is right", hint or why)))
    return finding(
        id,
        "error",
        f"{package.name} {package.version} {what}",
        subject.environment.root if subject.environment else "",
        fix,
        hint=said,
        cause="companion",
    )


def cure(subject: Subject, table: CompanionTable, package: Distribution) -> tuple[str, str | None]:
    """The command that brings a release which fits, else the one that takes it out, and why."""
    found = _row(subject)
    removal = subject.uninstall(package.name)
    if found is None:
        return removal, None
    build, backend = found
    answer = _answer(subject, table, package.name, found)
    if answer.refusals:
        refused = answer.refusals[0].message
        answer = _answer(subject, table, package.name, found, PREBUILT)
        if answer.refusals:
            return removal, refused
    chosen = next((p for p in answer.packages if p.name == package.name), None)
    if chosen is None:
        return removal, None
    extras = f"[{','.join(chosen.extras)}]" if chosen.extras else ""
    requirement = f"{package.name}{extras}{chosen.specifier}"
    command = subject.install(requirement, f"torch=={build.torch}")
    if chosen.match_runtime:
        command += " --no-build-isolation"
    command += f" --reinstall-package {package.name}"
    place = next((each for each in answer.indexes if each.name == chosen.index), None)
    own = subject.tables.indexes.get(backend.indexes.get("stable", ""))
    if place is not None:
        command += f" --{'find-links' if place.format == 'flat' else 'index'} {place.url}"
    elif own is not None and chosen.index == own.name and package.name not in ROUTED:
        command += "" if own.url in command else f" --index {own.url}"
    return equipped(subject, command) if chosen.match_runtime else command, chosen.why


# What `--torch-backend` takes from PyTorch's index (the list in uv 0.13.8, read 2026-11-20).
ROUTED = frozenset({
    "fbgemm-gpu", "pytorch-triton", "pytorch-triton-rocm", "pytorch-triton-xpu", "torch",
    "torch-tensorrt", "torchao", "torcharrow", "torchaudio", "torchcodec", "torchcsprng",
    "torchdistx", "torchserve", "torchtext", "torchtune", "torchvision", "triton", "triton-rocm",
    "triton-xpu",
})  # fmt: skip


def _answer(
    subject: Subject,
    table: CompanionTable,
    requirement: str,
    found: tuple[Build, Backend],
    prebuilt: tuple[str, ...] = (),
) -> CompanionAnswer:
    """What the companions rule says of one requirement beside the installed torch."""
    build, backend = found
    index = subject.tables.indexes.get(backend.indexes.get("stable", ""))
    vendor = VENDORS.get(backend.kind)
    gpus = [gpu for gpu in subject.profile.gpus if gpu.vendor == vendor and gpu.usable]
    return constraints(
        (requirement,),
        build=build,
        backend=backend,
        index=index.name if index else None,
        table=table,
        python=python_tag(subject.environment),
        archs=tuple(gpu.arch for gpu in gpus if gpu.arch),
        prebuilt=prebuilt,
        exceptions=subject.tables.exceptions,
    )


# Indexes of projects' own finished wheels, named where nothing else goes with a torch.
PREBUILT = ("vllm", "natten", "astral")

COMPANION_CHECKS = (
    Check(id="companion-missing", title="A neighbour that could not be installed", run=missing),
    Check(id="companion-version", title="Parts of different releases", run=versions),
    Check(id="companions", title="A neighbour that does not go with this torch", run=companions),
)
