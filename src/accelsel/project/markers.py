"""Platforms as environment markers (PEP 508), and markers as platforms.

Jetson's kernels are told from a server's by the kernel release; that makes them a platform of their
own here, which `linux-aarch64` includes wherever a caller names it.
"""

import re
from collections.abc import Collection, Iterable
from functools import lru_cache

JETSON = "linux-aarch64-tegra"

# platform name -> (sys_platform, platform_machine, platform_system, os_name)
PLATFORMS = {
    "linux-x86_64": ("linux", "x86_64", "Linux", "posix"),
    "linux-aarch64": ("linux", "aarch64", "Linux", "posix"),
    "windows-amd64": ("win32", "AMD64", "Windows", "nt"),
    "windows-arm64": ("win32", "ARM64", "Windows", "nt"),
    "macos-arm64": ("darwin", "arm64", "Darwin", "posix"),
    "macos-x86_64": ("darwin", "x86_64", "Darwin", "posix"),
}
UNIVERSE = (*PLATFORMS, JETSON)
SYSTEMS = frozenset(names[0] for names in PLATFORMS.values())
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")


def span(platforms: Iterable[str], *, jetson: bool = False) -> tuple[str, ...]:
    """The platforms with Jetson told apart: beside `linux-aarch64`, or alone with `jetson`.

    ValueError for a name that is no platform.
    """
    wanted = set(platforms)
    unknown = wanted - set(UNIVERSE)
    if unknown:
        raise ValueError(f"no platform: {', '.join(sorted(unknown))}")
    if jetson:
        return (JETSON,)
    return tuple(p for p in UNIVERSE if p in wanted or (p == JETSON and "linux-aarch64" in wanted))


def marker(platforms: Iterable[str], *, jetson: bool = False) -> str:
    """The shortest marker that holds on exactly `platforms`; "" where it holds on all.

    With `jetson` it holds on Jetson's kernels alone. ValueError for a name that is no platform.
    """
    return exact(span(platforms, jetson=jetson))


def exact(platforms: Iterable[str], *, each: Collection[str] = ()) -> str:
    """As `marker`, where Jetson is told apart from `linux-aarch64` already; on the systems of
    `each` it holds on no machine beyond the known ones."""
    wanted = set(platforms)
    if wanted == set(UNIVERSE) and not each:
        return ""
    parts: list[str] = []
    for system in dict.fromkeys(names[0] for names in PLATFORMS.values()):
        machines = {n[1]: name for name, n in PLATFORMS.items() if n[0] == system}
        inside = wanted & {*machines.values(), JETSON} if system == "linux" else wanted
        whole = {*machines.values(), *((JETSON,) if system == "linux" else ())}
        if system not in each and inside >= whole:
            parts.append(f"sys_platform == '{system}'")
            continue
        for machine, name in machines.items():
            condition = f"sys_platform == '{system}' and platform_machine == '{machine}'"
            if name == "linux-aarch64" and (name in wanted) != (JETSON in wanted):
                word = "in" if JETSON in wanted else "not in"
                parts.append(f"{condition} and 'tegra' {word} platform_release")
            elif name in wanted:
                parts.append(condition)
    if len(parts) < 2:
        return "".join(parts)
    return " or ".join(f"({part})" if " and " in part else part for part in parts)


def since(condition: str, python: str | None) -> str:
    """The marker from a Python on, such as `3.10`; as it is without one."""
    if python is None:
        return condition
    later = f"python_full_version >= '{python}'"
    whole = f"({condition})" if " or " in condition else condition
    return f"{whole} and {later}" if whole else later


@lru_cache(maxsize=256)
def platforms_of(text: str) -> frozenset[str]:
    """The platforms, Jetson told apart, on which the marker can hold for some Python; all for one
    that is no marker. Names of extras do not hold."""
    if not text:
        return frozenset(UNIVERSE)
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    try:
        parsed = Marker(text)
        return frozenset(
            name for name in UNIVERSE if any(parsed.evaluate(e) for e in _environments(name))
        )
    except (InvalidMarker, UndefinedEnvironmentName):
        return frozenset(UNIVERSE)


def beyond(text: str) -> frozenset[str]:
    """The systems on which the marker can hold on a machine that is none of the platforms; all for
    one that is no marker."""
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    if not text:
        return SYSTEMS
    try:
        parsed = Marker(text)
        return frozenset(
            known["sys_platform"]
            for name in PLATFORMS
            for known in _environments(name)
            if parsed.evaluate({**known, "platform_machine": "other"})
        )
    except (InvalidMarker, UndefinedEnvironmentName):
        return SYSTEMS


def variables(text: str) -> tuple[str, ...]:
    """The variables of a marker."""
    bare = re.sub(r""""[^"]*"|'[^']*'""", "", text)
    return tuple(n for n in re.findall(r"[a-z_]+", bare) if n not in {"and", "or", "in", "not"})


def overlaps(text: str, platforms: Iterable[str]) -> bool:
    """Whether uv sees the marker overlap with `platforms`, though it holds on no platform at all:
    uv takes the variables as independent, so `platform_system == 'linux'`, a misspelling, and
    `extra == 'cuda'` go together with any `sys_platform`."""
    from packaging.markers import Marker

    if platforms_of(text):
        return False
    words = ("", *re.findall(r"""["']([^"']*)["']""", text))
    free = {"platform_system", "platform_version", "os_name", "extra"}
    return any(
        Marker(text).evaluate({**known, **dict.fromkeys(free, word)})
        for platform in platforms
        for known in _environments(platform)
        for word in words
    )


def _environments(platform: str) -> Iterable[dict[str, str]]:
    system, machine, name, os_name = PLATFORMS[platform.removesuffix("-tegra")]
    for python in PYTHONS:
        yield {
            "sys_platform": system,
            "platform_machine": machine,
            "platform_system": name,
            "os_name": os_name,
            "platform_release": "5.15.148-tegra" if platform == JETSON else "6.8.0",
            "platform_version": "",
            "python_version": python,
            "python_full_version": f"{python}.0",
            "implementation_name": "cpython",
            "implementation_version": f"{python}.0",
            "platform_python_implementation": "CPython",
            "extra": "",
        }
