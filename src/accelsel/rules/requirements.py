"""What a request's requirement strings name on a platform: packages, bounds, extras."""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.requirement import clauses, normalized
from accelsel.rules.companions_offer import Wanted

if TYPE_CHECKING:
    from packaging.markers import Marker

_SYSTEMS: Final = {
    "linux": ("linux", "Linux", "posix"),
    "windows": ("win32", "Windows", "nt"),
    "macos": ("darwin", "Darwin", "posix"),
}
_PLAIN: Final = re.compile(
    r"\s*(?P<name>[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?P<clauses>[^A-Za-z;@\[\]()]*)",
    re.ASCII,
)


@lru_cache(maxsize=8192)
def _read(text: str) -> tuple[Wanted, "Marker | None"]:
    """What a requirement string names, and the marker under which it does."""
    plain = _PLAIN.fullmatch(text)
    bounds = clauses(plain["clauses"]) if plain else None
    if plain is not None and bounds is not None:
        return Wanted(name=normalized(plain["name"]), specifier=",".join(bounds)), None
    from packaging.requirements import InvalidRequirement, Requirement

    try:
        requirement = Requirement(text)
    except InvalidRequirement:
        raise AccelselError(
            USAGE, "invalid-requirement", f"{text!r} is not a requirement", where="--with",
            help="write a name and a specifier, for example 'flash-attn>=2.8'",
        ) from None  # fmt: skip
    wanted = Wanted(
        name=normalized(requirement.name),
        specifier=str(requirement.specifier),
        extras=tuple(sorted(requirement.extras)),
        direct=requirement.url is not None,
    )
    return wanted, requirement.marker


def names(requirements: tuple[str, ...], platform: str, python: str | None) -> frozenset[str]:
    """The names of the packages that requirement strings ask for on a platform."""
    return frozenset(
        wanted.name
        for wanted, marker in map(_read, requirements)
        if marker is None or marker.evaluate(environment(platform, python))
    )


@lru_cache(maxsize=8192)
def parsed(requirements: tuple[str, ...], platform: str, python: str | None) -> tuple[Wanted, ...]:
    """The packages that requirement strings name on a platform; two of one name become one."""
    found: dict[str, Wanted] = {}
    for wanted, marker in map(_read, requirements):
        if marker is not None and not marker.evaluate(environment(platform, python)):
            continue
        before = found.get(wanted.name)
        found[wanted.name] = _joined(before, wanted) if before else wanted
    return tuple(found.values())


def _joined(first: Wanted, second: Wanted) -> Wanted:
    """Two requirements of one package as one."""
    return Wanted(
        name=first.name,
        specifier=",".join(part for part in (first.specifier, second.specifier) if part),
        extras=tuple(dict.fromkeys((*first.extras, *second.extras))),
        direct=first.direct or second.direct,
    )


def environment(platform: str, python: str | None) -> dict[str, str]:
    """The marker environment of a platform, as far as its name tells it."""
    system, _, machine = platform.partition("-")
    sys_platform, platform_system, os_name = _SYSTEMS.get(system, (system, system, "posix"))
    values = {
        "sys_platform": sys_platform,
        "platform_system": platform_system,
        "os_name": os_name,
        "platform_machine": machine.upper() if system == "windows" else machine,
        "extra": "",
    }
    if python:
        minor = python.removesuffix("t")
        values |= {"python_version": minor, "python_full_version": f"{minor}.0"}
    return values
