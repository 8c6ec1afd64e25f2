"""Names, version specifiers and versions that are plainly right, read without a library.

A project may hold a thousand requirements, of which all but a few are `name>=1.2`, and the table's
releases are plain numbers: the library that knows all of PEP 440 takes longer to import than a
selection to make, and is asked about the others only.
"""

import re
from collections.abc import Callable
from functools import lru_cache

_CLAUSE = r"(?:(?:[<>]=?|[!=]=)\s*\d+(?:\.\d+)*|[!=]=\s*\d+(?:\.\d+)*\.\*|~=\s*\d+(?:\.\d+)+)"
_CLAUSES = re.compile(rf"\s*(?:{_CLAUSE}\s*(?:,\s*{_CLAUSE}\s*)*)?", re.ASCII)
_VERSION = re.compile(r"\d+(?:\.\d+)*", re.ASCII)

_RUNS = re.compile(r"[-_.]+")

Numbers = tuple[int, ...]
Test = Callable[[Numbers], bool]


def normalized(name: str) -> str:
    """A distribution's name as PEP 503 normalises it."""
    return _RUNS.sub("-", name).lower()


@lru_cache(maxsize=4096)
def clauses(text: str) -> tuple[str, ...] | None:
    """The clauses of a specifier set without blanks, sorted and each once, as PEP 440's own library
    writes them; None where the text is of a rarer form, or none at all."""
    if _CLAUSES.fullmatch(text) is None:
        return None
    return tuple(sorted({clause for part in text.split(",") if (clause := "".join(part.split()))}))


@lru_cache(maxsize=4096)
def numbers(version: str) -> Numbers | None:
    """The numbers of a version without the zeros at its end; None where it holds more than
    numbers."""
    if _VERSION.fullmatch(version) is None:
        return None
    return _stripped([int(part) for part in version.split(".")])


@lru_cache(maxsize=4096)
def plain_test(text: str) -> Test | None:
    """A test of a version's `numbers` against a specifier set; None for one of a rarer form."""
    found = clauses(text)
    if found is None:
        return None
    tests = [_test(clause) for clause in found]
    return lambda version: all(test(version) for test in tests)


def _test(clause: str) -> Test:
    sign = clause.rstrip("0123456789.*")
    text, wild, _ = clause[len(sign) :].partition(".*")
    parts = tuple(int(part) for part in text.split("."))
    bound = _stripped(parts)
    if sign == "~=":
        return lambda version: version >= bound and _begins(version, parts[:-1])
    if wild:
        return lambda version: _begins(version, parts) == (sign == "==")
    return {
        ">=": lambda version: version >= bound,
        "<=": lambda version: version <= bound,
        ">": lambda version: version > bound,
        "<": lambda version: version < bound,
        "==": lambda version: version == bound,
        "!=": lambda version: version != bound,
    }[sign]


def _begins(version: Numbers, parts: Numbers) -> bool:
    padded = (*version, *(0 for _ in parts))
    return padded[: len(parts)] == parts


def _stripped(parts: list[int] | Numbers) -> Numbers:
    end = len(parts)
    while end and parts[end - 1] == 0:
        end -= 1
    return tuple(parts[:end])
