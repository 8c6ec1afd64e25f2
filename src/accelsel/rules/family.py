"""Packages that go with torch: torchvision, torchaudio and triton, as tied to each build's row."""

from collections.abc import Iterable

from accelsel.knowledge.tables import Tables
from accelsel.model.request import Request
from accelsel.model.selection import Package
from accelsel.model.table import Backend, Build, Companion
from accelsel.model.value import dataclass
from accelsel.rules.versions import admits, dotted, numbers, overlap, release

FAMILY = ("torchvision", "torchaudio")


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A package that was asked for: its normalised name and the specifier on it."""

    name: str
    specifier: str


def wishes(
    requirements: tuple[str, ...], platform: str | None, python: str | None
) -> tuple[Wish, ...]:
    """The packages named by requirement strings, but for torch and those of other platforms.

    Raises AccelselError (2, `invalid-requirement`) for text that is no PEP 508 requirement.
    """
    if not requirements:
        return ()
    from accelsel.rules.requirements import parsed

    return tuple(
        Wish(name=one.name, specifier=one.specifier)
        for one in parsed(requirements, platform or "", python)
        if one.name != "torch"
    )


def of_torch(asked: Iterable[Wish]) -> tuple[Wish, ...]:
    """Those that are of torch's own family, so that a build's own row speaks of them."""
    return tuple(wish for wish in asked if wish.name in FAMILY)


def around(asked: Iterable[Wish], request: Request, tables: Tables) -> bool:
    """Whether the table of the packages around torch has a say in what is asked for."""
    others = {wish.name for wish in asked} - {*FAMILY}
    if request.prebuilt or not others or tables.companions is None:
        return bool(request.prebuilt)
    return not others.isdisjoint(tables.companions().distributions)


def alone(asked: Iterable[Wish], request: Request) -> bool:
    """Whether a request names no package but torch's own family, so that the table of the packages
    around torch need not be read."""
    return not request.prebuilt and all(wish.name in FAMILY for wish in asked)


def against(
    wish: Wish, build: Build, pythons: tuple[str, ...], backend: Backend | None = None
) -> str | None:
    """Why a build cannot have the package asked for beside it; None where it can, or where the
    package is not one that the build's row speaks of: the pre-releases of the family are not in the
    table. `backend` may say what it does not have."""
    if backend is not None and wish.name in backend.absent:
        return backend.absent[wish.name]
    if wish.name not in FAMILY:
        return None
    row = _row(build, wish.name)
    if row is None:
        return f"no {wish.name} is known for it" if lacks(build, wish) else None
    if not overlap(wish.specifier, row.specifier, where=wish.name):
        return f"{wish.name}{wish.specifier} was asked for, and it goes with {row.specifier}"
    if row.newest:
        known = f"{row.specifier},<={row.newest}"
        if not overlap(wish.specifier, known, where=wish.name):
            return (
                f"{wish.name}{wish.specifier} was asked for, and {row.newest} is the newest that "
                "is known"
            )
    if row.pythons and pythons and not set(pythons) & set(row.pythons):
        return f"{wish.name} has no wheel for Python {' or '.join(pythons)}"
    return None


def lacks(build: Build, wish: Wish) -> bool:
    """Whether no release of a package of the family is known for a build that would have it."""
    known = build.companions or build.channel == "stable"
    return bool(known) and wish.name in FAMILY and _row(build, wish.name) is None


def _row(build: Build, name: str) -> Companion | None:
    return next((row for row in build.companions if row.name == name), None)


def partners(
    asked: Iterable[Wish],
    index: str | None,
    span: tuple[Build, ...],
    table: Iterable[Build],
) -> tuple[Package, ...]:
    """The torchvision and torchaudio of the builds of a range; `span` is newest first."""
    named = {wish.name for wish in asked}
    packages = []
    for name in FAMILY:
        row = _row(span[0], name) if name in named else None
        if row is None:
            continue
        specifier, constrain, why = _partner(row, span, tuple(table))
        packages.append(
            Package(
                name=name,
                specifier=specifier,
                index=index if row.index == "torch" else None,
                kind="companion",
                why=why,
                constrain=constrain,
            )
        )
    return tuple(packages)


def _partner(
    newest: Companion, span: tuple[Build, ...], table: tuple[Build, ...]
) -> tuple[str, bool, str]:
    """The specifier of a companion over a range of torch, whether its metadata leaves it to us to
    write it, and why."""
    name, torch = newest.name, span[0].torch
    oldest = _row(span[-1], name)
    # a file of the index that goes with that torch and is for another platform alone
    excluded = [part for part in newest.specifier.split(",") if part.startswith("!=")]
    constrain = not newest.declared or bool(excluded)
    if len(span) == 1 or oldest is None:
        why = f"the {name} that goes with torch {torch}"
        return newest.specifier, constrain, why
    parts = [f">={version}" for version in _numbers_in(oldest.specifier)[:1]] + excluded
    loose = [
        version
        for build in table
        if release(build.torch) > release(torch) and (row := _row(build, name)) and not row.declared
        for version in _numbers_in(row.specifier)
    ]
    cap = min(loose, key=numbers, default=None)
    if cap and not admits(newest.specifier, where=name)(cap):
        minor = dotted(numbers(cap)[:2])  # it leaves out its pre-releases too
        own = _numbers_in(newest.specifier)[-1:]
        parts.append(f"<{minor}" if all(map(admits(f"<{minor}", where=name), own)) else f"<{cap}")
        why = f"{name} {cap} and newer do not say which torch they need, and it is a newer one"
        return ",".join(parts), True, why
    return ",".join(parts), constrain, f"the {name} releases of these torch releases"


def _numbers_in(specifier: str) -> list[str]:
    """The versions of `==` and `>=` clauses, lowest first."""
    clauses = [clause.strip() for clause in specifier.split(",")]
    found = [clause[2:].strip() for clause in clauses if clause.startswith(("==", ">="))]
    return sorted(found, key=numbers)


def triton_packages(
    backend: Backend, index: str | None, span: Iterable[Build], platforms: tuple[str, ...]
) -> tuple[Package, ...]:
    """The triton of a backend's own index, under every name that the builds of a range use.

    CUDA's stable triton is on the default index and needs nothing written. A vendor's index has
    the triton of some releases alone, so that there only the newest counts.
    """
    if backend.kind == "cuda":
        return ()
    builds = tuple(span)[:1] if backend.kind in ("amd", "jetson") else span
    names = {build.triton.name: build.torch for build in builds if build.triton}
    newest = next(iter(names), None)
    return tuple(
        Package(
            name=name,
            specifier=">=0",
            index=index,
            kind="triton",
            constrain=True,
            platforms=platforms,
            of_torch=name == newest,
            why=f"torch from {index} asks for {name}, which only that index has",
        )
        for name in names
    )
