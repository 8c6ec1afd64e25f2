"""Facts about the host that the environment states, in place of what would be probed."""

import re
from collections.abc import Callable, Mapping

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import Vendor
from accelsel.probe.facts import ArchOverride, DriverOverride, Overrides

MARK = "ACCELSEL_ENV"

_VENDORS: tuple[Vendor, ...] = ("nvidia", "amd", "intel", "apple")
# Patterns are compiled when a variable is set, which is seldom.
_VERSION = r"[0-9]{1,4}(?:\.[0-9]{1,4}){0,3}"
_CAPABILITY = r"([0-9]{1,2})\.([0-9])"
_ARCHS: tuple[tuple[Vendor, str], ...] = (
    ("nvidia", r"(sm_[0-9]{2,3})[af]?"),
    ("amd", r"(gfx(?:[6-9]|[1-9][0-9])[0-9a-f]{2})(?::[a-z]+[+-])*"),
    ("intel", r"(gen(?:[7-9]|11)|xe-(?:lp|lpg|lpg-plus|hpg|hpc)|xe[23]|xe3p)"),
    ("apple", r"(apple-m[1-9][0-9]?)"),
)
# The oldest and newest that can be meant: a number outside is a slip (cu128 written as 128, a
# compute capability), not a host.
_CUDA_MAJORS = range(7, 30)
_DRIVER_MAJORS = range(300, 2000)
_SM_NUMBERS = range(20, 200)


def read(env: Callable[[str], str | None]) -> Overrides:
    """The overrides of the environment that `env` looks into; of several, the first one set.

    Raises AccelselError (exit 2) for a value that no host can have. A variable that `accelsel env`
    has set is not read.
    """
    given = _given(env)
    driver = next(
        (_driver(name, given[name], kinds) for name, kinds in _DRIVER_NAMES if name in given), None
    )
    archs: dict[Vendor, ArchOverride] = {}
    for name, vendors, parse in _ARCH_NAMES:
        if name not in given or archs.keys() >= set(vendors):
            continue
        stated = parse(name, given[name])
        for vendor in vendors:
            archs.setdefault(
                vendor, ArchOverride(archs=stated.get(vendor, ()), source=f"env:{name}")
            )
    return Overrides(driver=driver, archs=archs)


def mark(values: Mapping[str, str]) -> str:
    """The value of ACCELSEL_ENV that says: these variables are accelsel's own output."""
    return " ".join(f"{name}={value}" for name, value in sorted(values.items()))


def is_own(env: Callable[[str], str | None], name: str) -> bool:
    """Whether the variable still has the value that `accelsel env` gave it.

    A mark that lists nothing covers the variables of other tools, never ACCELSEL_ ones.
    """
    entries = (env(MARK) or "").split()
    if not entries:
        return False
    listed = dict(entry.split("=", 1) for entry in entries if "=" in entry)
    return listed.get(name) == env(name) if listed else not name.startswith("ACCELSEL_")


def _given(env: Callable[[str], str | None]) -> dict[str, str]:
    names = [name for name, *_ in _DRIVER_NAMES] + [name for name, *_ in _ARCH_NAMES]
    given = {name: value.strip() for name in names if (value := env(name)) is not None}
    return {name: value for name, value in given.items() if not is_own(env, name)}


def _driver(name: str, value: str, kinds: tuple[str, ...]) -> DriverOverride:
    source = f"env:{name}"
    version, _, build = value.partition("=") if name.startswith("CONDA_") else (value, "", "")
    if not value:
        return DriverOverride(version=None, cuda_version=None, source=source)
    major = (
        int(version.split(".")[0])
        if re.fullmatch(_VERSION, version) and not build.strip("0")
        else 0
    )
    if "driver" in kinds and major in _DRIVER_MAJORS:
        return DriverOverride(version=version, cuda_version=None, source=source)
    if "cuda" in kinds and major in _CUDA_MAJORS:
        cuda = ".".join((*version.split("."), "0")[:2])
        return DriverOverride(version=None, cuda_version=cuda, source=source)
    raise _refused(name, value, " or ".join(_DRIVER_WORDS[kind] for kind in kinds))


def _arch_list(name: str, value: str) -> dict[Vendor, tuple[str, ...]]:
    """A list of arch names of any vendor."""
    found: dict[Vendor, tuple[str, ...]] = {}
    for entry in filter(None, (part.strip().lower() for part in value.split(","))):
        vendor, arch = _arch(name, value, entry)
        found[vendor] = (*found.get(vendor, ()), arch)
    if value and not found:
        raise _refused(name, value, "architectures such as sm_61,gfx1100")
    return found


def _arch(name: str, value: str, entry: str) -> tuple[Vendor, str]:
    if match := re.fullmatch(_CAPABILITY, entry):
        entry = f"sm_{match[1]}{match[2]}"
    for vendor, pattern in _ARCHS:
        match = re.fullmatch(pattern, entry)
        if match and (vendor != "nvidia" or int(match[1][3:]) in _SM_NUMBERS):
            return vendor, match[1]
    raise _refused(name, value, "architectures such as sm_61,gfx1100")


def _gfx_list(name: str, value: str) -> dict[Vendor, tuple[str, ...]]:
    found = _arch_list(name, value)
    if found.keys() - {"amd"}:
        raise _refused(name, value, "an AMD architecture such as gfx1100")
    return found


def _capabilities(name: str, value: str) -> dict[Vendor, tuple[str, ...]]:
    version, _, build = value.partition("=") if name.startswith("CONDA_") else (value, "", "")
    found = _arch_list(name, version)
    if build.strip("0") or found.keys() - {"nvidia"}:
        raise _refused(name, value, "a compute capability such as 8.6")
    return found


def _refused(name: str, value: str, expected: str) -> AccelselError:
    shown = value if len(value) <= 40 and value.isprintable() else f"{value[:40]!a}..."
    return AccelselError(
        USAGE,
        "bad-override",
        f"{name}={shown} is not plausible",
        where=f"environment variable {name}",
        help=f"give {expected}, leave it empty to pretend there is none, or unset {name}",
    )


_DRIVER_WORDS = {
    "driver": "a driver version such as 580.65.06",
    "cuda": "a CUDA version such as 12.8",
}
# In the order in which they count; what each states.
_DRIVER_NAMES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("ACCELSEL_CUDA_DRIVER", ("driver", "cuda")),
    ("UV_CUDA_DRIVER_VERSION", ("driver",)),
    ("CONDA_OVERRIDE_CUDA", ("cuda",)),
    ("NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION", ("cuda",)),
)
_Parse = Callable[[str, str], dict[Vendor, tuple[str, ...]]]
_ARCH_NAMES: tuple[tuple[str, tuple[Vendor, ...], _Parse], ...] = (
    ("ACCELSEL_GPU_ARCH", _VENDORS, _arch_list),
    ("UV_AMD_GPU_ARCHITECTURE", ("amd",), _gfx_list),
    ("CONDA_OVERRIDE_CUDA_ARCH", ("nvidia",), _capabilities),
    ("NV_VARIANT_PROVIDER_FORCE_SM_ARCH", ("nvidia",), _capabilities),
)
