"""What is common to the readings of a pasted message: whose package it speaks of, and its cure."""

import re
from collections.abc import Callable, Iterable, Iterator

from accelsel.model.finding import Finding
from accelsel.model.installed import Distribution
from accelsel.model.requirement import normalized
from accelsel.model.value import dataclass
from accelsel.rules.doctor_packages import rebuilt
from accelsel.rules.doctor_subject import (
    FAMILY,
    Cause,
    Subject,
    compiled,
    finding,
    release_of,
    renewed,
)

# A library in a message, by its path or by its name alone.
LIBRARY = re.compile(r"[\w.+~/\\:-]*[\w+-]\.(?:so|pyd|dll|dylib)(?:\.\d+)*(?![\w.])", re.IGNORECASE)
TRACED = re.compile(r"File \"[^\"\n]*?(?:site|dist)-packages[/\\]([\w.-]+)")
NAMED = (
    re.compile(r"DLL load failed while importing ([\w.]+)", re.IGNORECASE),
    re.compile(r"PyTorch and (\w+) were compiled", re.IGNORECASE),
    re.compile(r"No module named ['\"]([\w.]+)"),
    re.compile(r"(?:module|importing) ['\"]([\w.-]+)['\"]"),
)
SITE = re.compile(r"(?:site|dist)-packages[/\\]")
# Folders and names that belong to torch, to NVIDIA's libraries or to the system.
NOBODYS = re.compile(
    r"(?:^|[/\\])(?:torch[/\\]lib|nvidia[/\\]|torch\.libs|torch_extensions)"
    r"|(?:^|[/\\])lib(?:c10|torch|stdc\+\+|c|m|gcc_s|cuda|nvidia-ml|cud|cub|cus|cuf|nv|nccl|rocm|hip"
    r"|amdhip|roc|MIOpen|rccl|av|sw|mpi|python3|ze_|gomp|iomp|GL)[\w+-]*\.(?:so|dylib)",
    re.IGNORECASE,
)
# Of torch's neighbours the ones that any traceback may pass through; they load nothing themselves.
PASSED_THROUGH = ("torch", "nvidia", "numpy", "pip", "importlib", "ctypes")


@dataclass(frozen=True, kw_only=True)
class Message:
    """A text that names its cause only together with what is installed, and the findings that
    state the same cause without it. With `anybodys` the text need not say whose library it is."""

    pattern: str
    find: Callable[[Subject], Iterator[Finding]]
    kin: tuple[str, ...] = ()
    anybodys: bool = False


def said(
    subject: Subject,
    what: str,
    fix: str,
    hint: str | None,
    *,
    cause: Cause,
    where: str | None = None,
) -> Finding:
    """What a message says, as an error; `torch is right` unless torch is the cause."""
    environment = subject.environment
    right = cause != "torch" and subject.torch is not None and "torch is right" not in (hint or "")
    return finding(
        "error-text",
        "error",
        what,
        where or (environment.root if environment else "the environment"),
        fix,
        hint="; ".join(filter(None, (hint, "torch is right" if right else None))) or None,
        cause=cause,
    )


def culprits(subject: Subject) -> tuple[str, ...]:
    """The packages that a message speaks of, the surest first: by the libraries it names, by the
    last package in its traceback, by the modules and at last the names in its words."""
    text, environment = subject.error or "", subject.environment
    libraries = [path for path in LIBRARY.findall(text) if not NOBODYS.search(path)]
    modules = [module for path in libraries for module in _modules(path)]
    modules += [match for pattern in NAMED for match in pattern.findall(text)]
    traced = [name for name in TRACED.findall(text) if name not in PASSED_THROUGH]
    found = [_owner(subject, each) for each in (*modules, *traced[::-1])]
    installed = [p.name for p in environment.packages] if environment else []
    words = [n for n in installed if _mentioned(n, text) and n not in PASSED_THROUGH]
    return tuple(dict.fromkeys([*filter(None, found), *words]))


def module_of(subject: Subject) -> str | None:
    """The module whose library a message names, where no installed package has it."""
    paths = [p for p in LIBRARY.findall(subject.error or "") if not NOBODYS.search(p)]
    modules = [module for path in paths for module in _modules(path)]
    return next((m for m in modules if not m.startswith("_")), modules[0] if modules else None)


def _modules(path: str) -> Iterator[str]:
    """The modules a library's path may belong to, the likeliest first."""
    inside = SITE.split(path)[-1]
    parts = [part for part in re.split(r"[/\\]", inside) if part not in ("", ".", "..")]
    stem = re.split(r"[.-](?:cpython|cp3|abi3|pypy)|\.so|\.pyd|\.dll|\.dylib", parts[-1])[0]
    folders = parts[:-1] if inside != path else parts[-2:-1]
    if folders:
        yield from (folders[0], stem) if not stem.startswith("_") else (folders[0],)
    elif stem:
        yield stem.removeprefix("lib")


def _owner(subject: Subject, module: str) -> str | None:
    """The installed distribution that holds a module."""
    environment, table = subject.environment, subject.companions
    if environment is None or module.partition(".")[0] in PASSED_THROUGH:
        return None
    top = module.partition(".")[0]
    for package in environment.packages:
        row = table.distributions.get(package.name) if table else None
        if row is not None and top in row.imports:
            return package.name
        if any(_holds(each.path, top) for each in package.libraries):
            return package.name
    known = {p.name for p in environment.packages}
    plain = normalized(top)
    if plain in known:
        return plain
    heads = [name for name in known if plain.startswith(f"{name}-") and name != "torch"]
    tails = [name for name in known if name.startswith(f"{plain}-") and plain != "torch"]
    return max(heads, key=len, default=None) or min(tails, key=len, default=None)


def _holds(path: str, module: str) -> bool:
    """Whether a library in a package's RECORD is, or lies in, a module."""
    return re.match(rf"{re.escape(module)}(?:[./]|$)", path) is not None


def _mentioned(name: str, text: str) -> bool:
    plain = re.escape(name).replace(r"\-", "[-_.]")
    return re.search(rf"(?<![\w-]){plain}(?![A-Za-z-])", text, re.IGNORECASE) is not None


def suspects(subject: Subject) -> tuple[str, ...]:
    """Whom a message speaks of, and where it names nobody, every package with code beside torch."""
    named = tuple(name for name in culprits(subject) if name != "torch")
    return named or extensions(subject)


def extensions(subject: Subject) -> tuple[str, ...]:
    """The packages that hold code built against torch and are not of its own family: by their
    files, and where none are listed, by the table."""
    packages = subject.environment.packages if subject.environment else ()
    offers = subject.companions.offers if subject.companions else {}
    beside = [p for p in packages if p.name not in ("torch", *FAMILY) and "triton" not in p.name]
    with_code = [
        p.name
        for p in beside
        if p.compiled or any(o.match_runtime or o.archs for o in offers.get(p.name, ()))
    ]
    return tuple(with_code)


def restored(subject: Subject, name: str, requirement: str | None = None) -> str:
    """The command that brings the release or the build of a package that goes with the installed
    torch, which stays as it is."""
    environment, torch = subject.environment, subject.torch
    package: Distribution | None = environment.get(name) if environment else None
    if package is None or torch is None:
        return compiled(subject, name, requirement or name)
    if name in FAMILY and not torch.vendor:
        wanted = partner(subject, name) or f"{name}=={release_of(package.version)}"
        return renewed(subject, f"torch=={torch.release}", wanted)
    table = subject.companions
    if not package.compiled and (table is None or name not in table.offers):
        return subject.install("--upgrade", name, f"torch=={torch.release}")
    return rebuilt(subject, torch, package)


def partner(subject: Subject, name: str) -> str | None:
    """The requirement for the family member that belongs to the installed torch."""
    release = subject.torch.release if subject.torch else None
    rows = (b for b in subject.tables.builds if b.torch == release)
    found = (c for row in rows for c in row.companions if c.name == name and c.specifier)
    return next((f"{name}{companion.specifier}" for companion in found), None)


def listed(names: Iterable[str]) -> str:
    return ", ".join(names)
