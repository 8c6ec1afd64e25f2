"""Version numbers as tuples, and the specifiers and Pythons that users write."""

import re
from collections.abc import Callable
from functools import cache, lru_cache
from typing import TYPE_CHECKING

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.requirement import numbers as plain_numbers
from accelsel.model.requirement import plain_test

if TYPE_CHECKING:
    from packaging.specifiers import SpecifierSet

Numbers = tuple[int, ...]

_LEADING = re.compile(r"v?(\d+(?:\.\d+)*)")
_PRE = re.compile(r"v?\d+(?:\.\d+)*\.?(?:a|b|rc|dev)")
_PYTHON = re.compile(
    r"(?:cpython|python)?[-@]?(?P<minor>3\.\d+)(?:\.\d+)?(?:(?:a|b|rc)\d+)?"
    r"(?P<free>t|\+freethreaded)?",
    re.IGNORECASE,
)


@lru_cache(maxsize=1024)
def numbers(text: str) -> Numbers:
    """The leading numbers of a version, () where there are none: `2.14.1+cu126` is 2, 14, 1."""
    match = _LEADING.match(text)
    return tuple(int(part) for part in match[1].split(".")) if match else ()


@lru_cache(maxsize=1024)
def release(text: str) -> tuple[Numbers, bool]:
    """A key that sorts torch releases; a pre-release comes before its release."""
    parts = numbers(text)
    while parts and parts[-1] == 0:
        parts = parts[:-1]
    return parts, _PRE.match(text) is None


def meets(version: Numbers, floor: Numbers) -> bool:
    """Whether a version is at least the floor.

    A version with fewer numbers than the floor is compared as far as it goes: a driver told as
    `580` stands for its branch, and the branch began at its floor.
    """
    return version >= floor[: len(version)]


def dotted(parts: Numbers) -> str:
    return ".".join(str(part) for part in parts)


def next_minor(version: str) -> str:
    """The first release that is not of this minor: 2.15 for 2.14.1."""
    major, minor = (*numbers(version), 0)[:2]
    return f"{major}.{minor + 1}"


def admits(specifier: str, *, where: str) -> Callable[[str], bool]:
    """A test of versions against a PEP 440 specifier set; pre-releases are admitted by order alone.

    Raises AccelselError (2, `invalid-specifier`) for text that is no specifier set.
    """
    if plain_test(specifier) is None:
        from packaging.specifiers import InvalidSpecifier

        try:
            specifiers(specifier)
        except InvalidSpecifier:
            raise AccelselError(
                USAGE,
                "invalid-specifier",
                f"{specifier!r} is not a version specifier",
                where=where,
                help="write for example '==2.9.1' or '>=2.6,<2.15'",
            ) from None
    return lambda version: contains(specifier, version)


@lru_cache(maxsize=65536)
def contains(specifier: str, version: str) -> bool:
    """Whether a specifier set admits a version; pre-releases by order alone."""
    test, parts = plain_test(specifier), plain_numbers(version)
    if test is not None and parts is not None:
        return test(parts)
    return specifiers(specifier).contains(version, prereleases=True)


@lru_cache(maxsize=2048)
def specifiers(text: str) -> "SpecifierSet":
    from packaging.specifiers import SpecifierSet

    return SpecifierSet(text)


def mentioned(specifier: str) -> tuple[str, ...]:
    """The versions that a specifier set names, and their neighbours on both sides.

    If two sets have a common version, one of these is in both, but for sets made of nothing but
    exclusions.
    """
    found: list[str] = []
    for text in re.findall(r"\d+(?:\.\d+)*[^\s,]*", specifier):
        plain = text.removesuffix(".*")
        parts = list(numbers(plain))
        found.append(plain)
        for place in range(len(parts)):
            for step in (-1, 1):
                near = [*parts[:place], parts[place] + step]
                if near[-1] >= 0:
                    found.append(dotted(tuple(near)))
        found.append(dotted((*parts, 1)))
    return tuple(found)


def overlap(first: str, second: str, *, where: str) -> bool:
    """Whether two specifier sets have a version in common, as far as `mentioned` can tell."""
    if not first.strip() or not second.strip():
        return True
    in_first, in_second = admits(first, where=where), admits(second, where=where)
    return any(
        in_first(version) and in_second(version)
        for version in (*mentioned(first), *mentioned(second))
    )


def python_tag(text: str) -> str:
    """A Python as a build's row names it: `3.12`, `3.14t`.

    Raises AccelselError (2, `invalid-python`) for text that names no CPython version.
    """
    match = _PYTHON.fullmatch(text.strip())
    if not match:
        raise AccelselError(
            USAGE,
            "invalid-python",
            f"{text!r} is not a Python version",
            help="write for example 3.12, or 3.14t for a free-threaded build",
        )
    return match["minor"] + ("t" if match["free"] else "")


def python_key(tag: str) -> Numbers:
    return numbers(tag)


@lru_cache(maxsize=64)
def admits_python(specifier: str) -> Callable[[str], bool]:
    """A test whether any patch release of a Python minor is admitted by `requires-python`.

    Raises AccelselError (2, `invalid-specifier`) for text that is no specifier set.
    """
    admitted = admits(specifier, where="requires-python")
    named = [text for text in mentioned(specifier) if len(numbers(text)) > 2]

    @cache
    def test(tag: str) -> bool:
        minor = tag.removesuffix("t")
        patches = (f"{minor}.0", f"{minor}.99", *named)
        return any(admitted(text) for text in patches if numbers(text)[:2] == numbers(minor))

    return test


def arch_numbers(arch: str) -> Numbers:
    """All numbers in an arch name, to order archs of one vendor by age roughly: `sm_120` is 120."""
    return tuple(int(part) for part in re.findall(r"\d+", arch))
