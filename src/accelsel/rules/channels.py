"""Nightlies that a request names: an older version, or a backend whose nightlies have ended."""

import re
from collections.abc import Iterator
from typing import Final

from accelsel.knowledge.tables import Tables
from accelsel.model.request import Request
from accelsel.model.table import Build
from accelsel.model.value import replace
from accelsel.rules.versions import admits, next_minor, numbers, release

NIGHTLY: Final = "nightly"
# every release of a nightly index is a pre-release; a bound that names one lets uv before 0.12
# take them
ANY: Final = ">=0.dev0"
_NAMED: Final = re.compile(r"(\d+\.\d+)(?:\.0)?\.dev\d+")


def named(specifier: str) -> tuple[str, ...]:
    """The nightlies that a specifier set names, as they stand there: `2.10.0.dev20251208`."""
    return tuple(match[0] for match in _NAMED.finditer(specifier))


def implied(request: Request, tables: Tables) -> Request:
    """The request, in the nightly channel where its bounds on torch name a nightly and admit no
    release of the table."""
    if request.channel == "stable" and nightly_only(request, tables):
        return replace(request, channel=NIGHTLY)
    return request


def nightly_only(request: Request, tables: Tables) -> bool:
    """Whether the bounds on torch name a nightly and admit no release of the table."""
    if not named(request.torch):
        return False
    admitted = admits(request.torch, where="--torch")
    return not any(build.channel == "stable" and admitted(build.torch) for build in tables.builds)


def meant(build: Build, specifier: str) -> tuple[str, ...]:
    """What a nightly's row stands for beside its own version: those of its minor that the specifier
    names, and the last that could come. () for a release, which stands for itself."""
    if build.channel != NIGHTLY:
        return ()
    minor = numbers(build.torch)[:2]
    same = [text for text in named(specifier) if numbers(text)[:2] == minor]
    return (*same, f"{minor[0]}.{minor[1]}.0.dev99999999")


def asked(platform: str | None, request: Request, tables: Tables) -> Iterator[Build]:
    """A row for each backend whose nightlies the request asks for and the table does not have: by a
    version, by the backend, or by an index of the project's own.

    It is made of the newest release of the backend up to the minor of the nightly. It counts as
    read where the project names its index; where it names none, if the backend has releases of that
    minor and of the one before, between which its nightlies were; else as inferred: the backend
    came, or ended, some day in that time.
    """
    if request.channel != NIGHTLY:
        return
    in_table = {build.torch for build in tables.builds}
    texts = tuple(text for text in named(request.torch) if text not in in_table)
    held = {
        (build.backend, numbers(build.torch)[:2])
        for build in tables.builds
        if build.channel == NIGHTLY and build.published and build.platform == platform
    }
    for name, backend in tables.backends.items():
        if NIGHTLY not in backend.indexes or (request.backend not in (None, name)):
            continue
        stable = sorted(
            (
                build
                for build in tables.builds
                if (build.backend, build.platform, build.channel) == (name, platform, "stable")
                and build.published
                and build.archs is not None
            ),
            key=lambda build: release(build.torch),
        )
        own = name in request.nightlies
        head = own or (request.backend == name and not request.torch)
        for text in texts or ((None,) if head else ()):
            base = _base(stable, text)
            torch = text or (f"{next_minor(base.torch)}.0.dev0" if base else "")
            known = {minor for owner, minor in held if owner == name}
            if base is None or numbers(torch)[:2] in known or (known and not text):
                continue
            between = text and not request.nightlies and _throughout(stable, text)
            yield replace(
                base,
                torch=torch,
                version=f"{torch}+{name}",
                channel=NIGHTLY,
                triton=None,
                companions=(),
                on_pypi=False,
                note="a nightly page keeps about sixty versions: an older one may be gone",
                confidence="read" if own or between else "inferred",
                arch_confidence="inferred",
            )


def _throughout(stable: list[Build], text: str) -> bool:
    """Whether there are releases of the minor of a nightly and of the minor before."""
    major, minor = numbers(text)[:2]
    minors = {numbers(build.torch)[:2] for build in stable}
    return {(major, minor), (major, minor - 1)} <= minors


def _base(stable: list[Build], text: str | None) -> Build | None:
    """The newest release that a nightly may be like: of its minor or the one before."""
    if text is None:
        return stable[-1] if stable else None
    major, minor = numbers(text)[:2]
    like = [b for b in stable if numbers(b.torch)[:2] in ((major, minor), (major, minor - 1))]
    return like[-1] if like else None
