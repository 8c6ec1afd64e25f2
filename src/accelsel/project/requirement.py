"""Requirement strings (PEP 508) taken apart without evaluating them."""

import re
from functools import lru_cache
from typing import Literal

from accelsel.model.requirement import normalized, numbers, plain_test
from accelsel.model.value import dataclass

Kind = Literal[
    "dependencies", "extra", "group", "constraint", "override", "exclude", "build", "legacy-dev"
]

_REQUIREMENT = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)"
    r"\s*(?:\[(?P<extras>[^\]]*)\])?"
    r"\s*(?:@\s*(?P<url>\S+)|\(?(?P<specifier>[^;@()]*)\)?)"
    r"\s*(?:;\s*(?P<marker>.*))?"
)
_WHEEL = re.compile(r"/[^/]+?-(?P<version>\d[^/-]*)(?:-\d[^/-]*)?-[^/-]+-[^/-]+-[^/-]+\.whl")
_SDIST = re.compile(r"/[^/]+-(?P<version>\d[^/-]*)\.(?:tar\.gz|zip)$")
_LOCAL = re.compile(r"(===?)\s*([^,\s]+?)\+[^,\s]+")


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where a requirement is written: the kind of list, and the extra's or group's name."""

    kind: Kind
    name: str | None = None


@dataclass(frozen=True, kw_only=True)
class Requirement:
    """`raw` as written; `name` normalized; `specifier` without blanks; `marker` None for none."""

    raw: str
    name: str
    extras: tuple[str, ...]
    specifier: str
    url: str | None
    marker: str | None
    place: Place
    path: tuple[str, ...] = ()

    @property
    def bound(self) -> str:
        """The specifier without local versions; a URL's file name gives `==version`."""
        if self.url is not None:
            version = url_version(self.url)
            return f"=={version}" if version else ""
        return without_local(self.specifier)


normalize = normalized


@lru_cache(maxsize=8192)
def parse(raw: str, place: Place, path: tuple[str, ...] = ()) -> Requirement | None:
    """None where `raw` is no requirement; uv will say so."""
    match = _REQUIREMENT.fullmatch(raw)
    if match is None:
        return None
    extras = (match["extras"] or "").split(",")
    return Requirement(
        raw=raw,
        name=normalize(match["name"]),
        extras=tuple(e.strip() for e in extras if e.strip()),
        specifier=re.sub(r"\s+", "", match["specifier"] or ""),
        url=match["url"],
        marker=(match["marker"] or "").strip() or None,
        place=place,
        path=path,
    )


def text_of(requirement: Requirement, url: str | None = None) -> str:
    """The requirement in the words of PEP 508, which are stricter than uv's; from `url` if given.

    A marker that is none by PEP 508 is left out.
    """
    extras = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
    origin = url or requirement.url
    what = f" @ {origin}" if origin else requirement.specifier
    marker = f" ; {requirement.marker}" if _is_marker(requirement.marker) else ""
    return f"{requirement.name}{extras}{what}{marker}"


def _is_marker(text: str | None) -> bool:
    if text is None:
        return False
    from packaging.markers import InvalidMarker, Marker

    try:
        Marker(text)
    except InvalidMarker:
        return False
    return True


def without_local(specifier: str) -> str:
    """`==2.5.1+cu124` as `==2.5.1`: a public version is satisfied by every local build of it."""
    return _LOCAL.sub(lambda m: "==" + m[2], specifier)


def url_version(url: str) -> str | None:
    """The public version in the file name of a wheel's or sdist's URL."""
    from urllib.parse import unquote

    path = unquote(re.split(r"[#?]", url, maxsplit=1)[0])
    match = _WHEEL.search(path) or _SDIST.search(path)
    return match["version"].split("+")[0] if match else None


def admits(specifier: str, version: str) -> bool:
    """Whether a specifier set admits a version, pre-releases by order alone; one that is none
    admits all."""
    test, parts = plain_test(specifier), numbers(version)
    if test is not None and parts is not None:
        return test(parts)
    from packaging.specifiers import InvalidSpecifier, SpecifierSet

    try:
        return SpecifierSet(specifier).contains(version, prereleases=True)
    except InvalidSpecifier:
        return True


def rewrite(requirement: Requirement) -> str:
    """The requirement as a version instead of a URL or a local version, marker and extras kept."""
    return written(requirement, requirement.bound)


def written(requirement: Requirement, specifier: str) -> str:
    """The requirement with `specifier` as its bound; as it was where that is its bound already."""
    if requirement.url is None and requirement.specifier == specifier:
        return requirement.raw
    name = re.match(r"\s*([A-Za-z0-9._-]+)", requirement.raw)
    extras = f"[{','.join(requirement.extras)}]" if requirement.extras else ""
    marker = f" ; {requirement.marker}" if requirement.marker else ""
    if marker and requirement.url is None:  # with the blanks that it has
        marker = re.sub(r"^[^;]*?(?=\s*;)", "", requirement.raw).rstrip()
    return f"{name[1] if name else requirement.name}{extras}{specifier}{marker}"
