"""Platforms as environment markers (PEP 508), and markers as platforms."""

from collections.abc import Iterable
from functools import lru_cache

TEGRA = "'tegra' in platform_release"

# platform name -> (sys_platform, platform_machine, platform_system, os_name)
PLATFORMS = {
    "linux-x86_64": ("linux", "x86_64", "Linux", "posix"),
    "linux-aarch64": ("linux", "aarch64", "Linux", "posix"),
    "windows-amd64": ("win32", "AMD64", "Windows", "nt"),
    "windows-arm64": ("win32", "ARM64", "Windows", "nt"),
    "macos-arm64": ("darwin", "arm64", "Darwin", "posix"),
    "macos-x86_64": ("darwin", "x86_64", "Darwin", "posix"),
}
PYTHONS = ("3.9", "3.10", "3.11", "3.12", "3.13", "3.14", "3.15")


def marker(platforms: Iterable[str], *, jetson: bool = False) -> str:
    """The shortest marker that holds on exactly `platforms`; "" where it holds on all.

    With `jetson` it holds on Jetson's kernels alone. ValueError for a name that is no platform.
    """
    wanted = set(platforms)
    unknown = wanted - set(PLATFORMS)
    if unknown:
        raise ValueError(f"no platform: {', '.join(sorted(unknown))}")
    parts: list[str] = []
    if wanted != set(PLATFORMS):
        for system in dict.fromkeys(names[0] for names in PLATFORMS.values()):
            machines = {n[1]: name in wanted for name, n in PLATFORMS.items() if n[0] == system}
            chosen = [machine for machine, is_in in machines.items() if is_in]
            if len(chosen) == len(machines):
                parts.append(f"sys_platform == '{system}'")
            elif chosen:
                parts.append(f"sys_platform == '{system}' and platform_machine == '{chosen[0]}'")
    if not jetson:
        return _any(parts)
    joined = _any(parts)
    if not joined:
        return TEGRA
    return f"({joined}) and {TEGRA}" if len(parts) > 1 else f"{joined} and {TEGRA}"


def _any(parts: list[str]) -> str:
    if len(parts) < 2:
        return "".join(parts)
    return " or ".join(f"({part})" if " and " in part else part for part in parts)


@lru_cache(maxsize=256)
def platforms_of(text: str) -> frozenset[str]:
    """The platforms on which the marker can hold for some Python; all for one that is no marker.

    Names of extras and groups hold.
    """
    from packaging.markers import InvalidMarker, Marker, UndefinedEnvironmentName

    if not text:
        return frozenset(PLATFORMS)
    try:
        parsed = Marker(text)
        return frozenset(
            name for name in PLATFORMS if any(parsed.evaluate(e) for e in _environments(name))
        )
    except (InvalidMarker, UndefinedEnvironmentName):
        return frozenset(PLATFORMS)


def _environments(platform: str) -> Iterable[dict[str, str]]:
    system, machine, name, os_name = PLATFORMS[platform]
    release = "5.15.148-tegra" if platform == "linux-aarch64" else "6.8.0"
    for python in PYTHONS:
        for kernel in dict.fromkeys((release, "6.8.0")):
            yield {
                "sys_platform": system,
                "platform_machine": machine,
                "platform_system": name,
                "os_name": os_name,
                "platform_release": kernel,
                "platform_version": "",
                "python_version": python,
                "python_full_version": f"{python}.0",
                "implementation_name": "cpython",
                "implementation_version": f"{python}.0",
                "platform_python_implementation": "CPython",
                "extra": "",
            }
