"""Messages of a loader that does not find a library: torch's own, or another package's."""

import re
from collections.abc import Iterator

from accelsel.model.companion import CudaFile
from accelsel.model.finding import Finding
from accelsel.model.profile import Vendor
from accelsel.rules.compatibility import VENDORS
from accelsel.rules.doctor_faults import holds, instead
from accelsel.rules.doctor_message import (
    Message,
    culprits,
    extensions,
    listed,
    restored,
    said,
    suspects,
)
from accelsel.rules.doctor_requirements import Asked, asked_of
from accelsel.rules.doctor_subject import (
    Subject,
    compiled,
    cuda_of,
    gpu_build,
    setting,
)
from accelsel.rules.host import BRAND
from accelsel.rules.versions import contains, numbers

ABSENT = re.compile(
    r"cannot open shared object|not found or cannot be loaded|could not (?:load|locate)"
    r"|failed to load|unable to load|library not loaded|no such file|missing dependency",
    re.IGNORECASE,
)
# `libcublas.so.12`, `cublas64_12.dll`, `cudart64_110.dll`, `libcudnn_ops.so.9.1.0`.
FILE = re.compile(
    r"(?<![\w-])(?:lib)?([A-Za-z][\w-]*?)(?:64)?(?:\.so\.|_|\.)(\d{1,3})(?:[._]\d+)*\b"
)
OF_TORCH = re.compile(r"lib(torch|c10)(?:_(cuda|hip|xpu|cpu|python|cuda_cu|cuda_cpp))?\.so")
OF_ROCM = re.compile(
    r"lib(?:amdhip64|hip\w+|roc\w+|rccl|MIOpen|hsa-runtime64|amd_comgr\w*)\.so(?:\.(\d+))?"
)
KIND_OF: dict[str, Vendor] = {
    "cuda": "nvidia",
    "cuda_cu": "nvidia",
    "cuda_cpp": "nvidia",
    "hip": "amd",
    "xpu": "intel",
}


def _file(subject: Subject) -> tuple[CudaFile, int] | None:
    """The CUDA library that a message misses, and the number in its name."""
    for stem, number in FILE.findall(subject.error or ""):
        for row in subject.faults.files:
            if re.fullmatch(row.pattern, stem):
                major = int(number)
                return row, major // 10 if row.counts == "cuda" and major > 99 else major
    return None


def missing(subject: Subject) -> Iterator[Finding]:
    """A library of CUDA is not found: torch's own, or one that somebody wants of another CUDA."""
    found, torch, environment = _file(subject), subject.torch, subject.environment
    if found is None or torch is None or environment is None:
        return
    row, major = found
    cuda = cuda_of(torch.backend)
    asked = next((each for each in asked_of(subject, "torch") if _is(each.name, row)), None)
    own = _number(asked, row, cuda)
    wanting = _wanting(subject, row, major)
    named = tuple(name for name in culprits(subject) if name != "torch")
    who = wanting or named or _of_cuda(subject, row, major)
    if own is not None and own != major:
        yield said(
            subject,
            f"{listed(who) or 'a package'} wants {row.package} {major}; torch {torch.full} brings "
            f"{own}",
            _instead(subject, row, major, own, who),
            "a release of it for what torch brings, or the library that it wants beside torch's: "
            "both can be loaded",
            cause="companion",
        )
        return
    name = asked.name if asked else _name(row, major if row.counts == "cuda" else None, cuda)
    has = environment.get(name)
    wrong = has is None or (asked is not None and not fits(asked, has.version))
    inside = subject.profile.os.system == "windows" and cuda is not None  # in torch's own folder
    wrong = wrong and not inside
    if wrong and asked is None and who:
        wanted = f"{name}=={major}.*" if row.counts == "release" else name
        yield said(
            subject,
            f"{listed(who)} wants {row.package} {major}, which is not installed",
            subject.install(wanted),
            None,
            cause="companion",
        )
        return
    if wrong and environment.kind != "conda" and not torch.vendor:
        wanted = f"{name}{asked.specifier if asked else ''}"
        state = f"installed is {has.version}" if has else "it is not installed"
        yield said(
            subject,
            f"torch {torch.full} brings this library by {wanted}; {state}",
            subject.install(wanted, reinstall=True),
            None,
            cause="companion",
        )
        return
    yield said(
        subject,
        f"{listed(who) or 'a package'} does not find {row.package}, which is there for torch",
        _shown(subject, row, cuda),
        "or import torch before it, which loads its libraries",
        cause="companion",
    )


def _number(asked: Asked | None, row: CudaFile, cuda: tuple[int, int] | None) -> int | None:
    """The number that torch's own library of this kind carries; None where nothing says it."""
    if row.counts == "cuda":
        return cuda[0] if cuda else None
    found = numbers(re.sub(r"^[=<>~! ]+", "", asked.specifier)) if asked else ()
    return found[0] if found and row.counts == "release" else None


def fits(asked: Asked, version: str) -> bool:
    """Whether an installed version is the one that is asked for."""
    try:
        return not asked.specifier or contains(asked.specifier, version)
    except ValueError:
        return True


def _is(name: str, row: CudaFile) -> bool:
    return re.fullmatch(rf"{re.escape(row.package)}(?:-cu\d+)?", name) is not None


def _name(row: CudaFile, major: int | None, cuda: tuple[int, int] | None) -> str:
    """From CUDA 13 on the toolkit's parts carry no number in their names, the others do."""
    number = major or (cuda[0] if cuda else 12)
    return f"{row.package}-cu{number}" if number < 13 or row.counts != "cuda" else row.package


def _wanting(subject: Subject, row: CudaFile, number: int) -> tuple[str, ...]:
    """The installed programs of which the table says that they load this very library."""
    found = []
    for want in subject.faults.wants:
        package = subject.environment.get(want.name) if subject.environment else None
        if package is None or (want.package, want.number) != (row.package, number):
            continue
        if holds(want.versions, package):
            found.append(want.name)
    return tuple(found)


def _instead(subject: Subject, row: CudaFile, major: int, own: int, who: tuple[str, ...]) -> str:
    """The command that brings a release that wants torch's library, else the library itself."""
    command = instead(subject, who[0], row.package, own) if who else None
    if command is not None:
        return command
    known = any(want.name in who[:1] for want in subject.faults.wants)
    if known or not who:
        return subject.install(_name(row, major if row.counts == "cuda" else None, None))
    return restored(subject, who[0])


def _of_cuda(subject: Subject, row: CudaFile, major: int) -> tuple[str, ...]:
    """The packages that are for another CUDA by their names, where a message names nobody."""
    if row.counts != "cuda":
        return ()
    packages = subject.environment.packages if subject.environment else ()
    named = [p.name for p in packages if re.search(rf"-cu(?:da)?{major}x?(?:-|$)", p.name)]
    linked = [p.name for p in packages if any(each.cuda == major for each in p.libraries)]
    return tuple(dict.fromkeys([*linked, *named]))


def _shown(subject: Subject, row: CudaFile, cuda: tuple[int, int] | None) -> str:
    """The command that shows the loader where torch's libraries lie."""
    environment = subject.environment
    site = environment.site[0] if environment and environment.site else "SITE"
    if subject.profile.os.system == "windows":
        return setting(subject, "PATH", f"{site}\\torch\\lib;$env:PATH")
    shared = cuda is not None and cuda[0] > 12 and row.counts == "cuda"
    folder = f"cu{cuda[0]}" if shared and cuda else row.package.removeprefix("nvidia-")
    return setting(
        subject,
        "LD_LIBRARY_PATH",
        f'"{site}/nvidia/{folder.replace("-", "_")}/lib${{LD_LIBRARY_PATH:+:$LD_LIBRARY_PATH}}"',
    )


def of_torch(subject: Subject) -> Iterator[Finding]:
    """A part of torch itself is not found: the extension was built for another kind of torch."""
    match = OF_TORCH.search(subject.error or "")
    torch = subject.torch
    if match is None or torch is None:
        return
    who = [name for name in suspects(subject) if name != "torch"]
    kind = KIND_OF.get(match[2] or "")
    words = listed(who) or "a package"
    if kind is not None and kind != gpu_build(subject):
        ours = gpu_build(subject)
        what = (
            f"torch {torch.full} is one for {BRAND[ours]}"
            if ours
            else f"torch {torch.full} is a CPU build"
        )
        what = f"{words} was built for a torch for {BRAND[kind]} GPUs; {what}"
    elif match[2] in ("cuda_cu", "cuda_cpp"):
        what = (
            f"{words} was built for torch 1, whose libraries were others; installed is {torch.full}"
        )
    else:
        what = f"{words} is loaded before torch, or was built for another than {torch.full}"
    yield said(
        subject,
        what,
        restored(subject, who[0]) if who else compiled(subject, "NAME", "NAME"),
        "the release or build for this torch; it has to be imported after torch",
        cause="companion",
    )


def of_rocm(subject: Subject) -> Iterator[Finding]:
    """A library of ROCm is not found: an extension's of another ROCm, or torch's own."""
    match, torch = OF_ROCM.search(subject.error or ""), subject.torch
    if match is None or torch is None:
        return
    who = [name for name in culprits(subject) if name != "torch"]
    if gpu_build(subject) == "amd" and not who:
        who = [name for name in extensions(subject) if name in (subject.error or "")]
    library = match[0]
    if who:
        ours = gpu_build(subject)
        kind = f"torch {torch.full} is for {BRAND[ours]}" if ours not in (None, "amd") else (
            f"torch {torch.full} brings another"
        )  # fmt: skip
        yield said(
            subject,
            f"{listed(who)} was built for the ROCm of {library}; {kind}",
            restored(subject, who[0]),
            "a build for the ROCm of torch",
            cause="companion",
        )
        return
    row = subject.tables.backends.get(torch.backend or "")
    of_public = row is not None and VENDORS.get(row.kind) == "amd" and row.uv and not torch.vendor
    yield said(
        subject,
        f"torch {torch.full} does not find {library}, a part of ROCm"
        + (" that its own wheel holds" if of_public else ", which comes in packages beside it"),
        subject.install(f"torch=={torch.release}", reinstall=True)
        if of_public
        else f"uv pip install{subject.python_argument} --index "
        'https://stable.repo.amd.com/rocm/whl-next/ "rocm[libraries]"',
        "the ROCm that torch was built with; the folders of another one do not go into "
        "LD_LIBRARY_PATH",
        cause="companion",
    )


LIBRARY_MESSAGES = (
    Message(pattern=OF_TORCH.pattern, find=of_torch),
    Message(pattern=OF_ROCM.pattern, find=of_rocm),
    Message(pattern=ABSENT.pattern, find=missing, kin=("runtime-version",)),
)
