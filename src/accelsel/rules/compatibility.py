"""Which machine code runs on which GPU.

The rule is the one that torch ships since 2.11: code for X.y runs on a device of the same major
whose minor is at least y, but for the exceptions of the table. Code with a letter (`sm_90a`,
`sm_100f`) runs on exactly the device of its number. AMD's and Intel's code runs on exactly what it
is named for.
"""

import re
from collections.abc import Iterable
from functools import lru_cache

from accelsel.model.profile import Vendor
from accelsel.model.table import ArchException, Backend, Build
from accelsel.rules.versions import Numbers

VENDORS: dict[str, Vendor] = {
    "cuda": "nvidia", "jetson": "nvidia", "rocm": "amd", "amd": "amd", "xpu": "intel",
}  # fmt: skip

_SM = re.compile(r"(?:sm|compute)_(\d+)(\d)([a-z]?)")
_GFX = re.compile(r"gfx(\d+)([0-9a-f])([0-9a-f])")
# graphics before the first that any XPU build was made for
_OLD_INTEL = re.compile(r"gen[\d.]+|xe-lp")


@lru_cache(maxsize=256)
def capability(arch: str) -> tuple[int, int, str] | None:
    """Major, minor and suffix of a capability: `sm_90a` is 9, 0, `a`. None for other text."""
    match = _SM.fullmatch(arch)
    return (int(match[1]), int(match[2]), match[3]) if match else None


@lru_cache(maxsize=256)
def gfx(arch: str) -> tuple[int, int, int] | None:
    """The numbers of a gfx id: `gfx90a` is 9, 0, 10. None for other text."""
    match = _GFX.fullmatch(arch)
    return (int(match[1]), int(match[2], 16), int(match[3], 16)) if match else None


def plain(arch: str) -> str:
    """An arch without feature suffixes: `gfx942` for `gfx942:sramecc+:xnack-`."""
    return arch.split(":", 1)[0]


def named(arch: str | None, vendor: Vendor) -> str | None:
    """The architecture without suffixes; None where the text is not one that the vendor has."""
    name = plain(arch or "").lower()
    form = {"nvidia": capability, "amd": gfx}.get(vendor)
    return name if name and (form is None or form(name)) else None


def overridden(value: str) -> str | None:
    """The gfx id that an `HSA_OVERRIDE_GFX_VERSION` stands for: `gfx1030` for `10.3.0`."""
    parts = value.split(".")
    if len(parts) != 3 or not all(part.isdigit() for part in parts):
        return None
    major, minor, step = (int(part) for part in parts)
    return f"gfx{major}{minor:x}{step:x}" if minor < 16 and step < 16 else None


def runs(code: str, device: str, toolkit: Numbers, exceptions: Iterable[ArchException]) -> bool:
    """Whether machine code for `code`, built with this toolkit, runs on `device`."""
    if code == device:
        return True
    ours, theirs = capability(code), capability(device)
    if ours is None or theirs is None:
        return False
    if ours[2]:
        return ours[:2] == theirs[:2] and not theirs[2]
    legal = ours[0] == theirs[0] and ours[1] <= theirs[1]
    for row in exceptions:
        if row.same and {row.code, row.device} == {code, device}:
            return True
        held = row.until_cuda is None or toolkit < row.until_cuda
        if not row.same and row.code == code and row.device == device and held:
            legal = False
    return legal


def compiles(ptx: str, device: str) -> bool:
    """Whether PTX for `ptx` can be compiled for `device`, by a driver that knows its version."""
    ours, theirs = capability(ptx), capability(device)
    return ours is not None and theirs is not None and not ours[2] and ours[:2] <= theirs[:2]


def compiled(build: Build, device: str) -> bool:
    """Whether a build has PTX that is made for a device, given a driver that compiles it.

    PTX older than machine code that the build has for older GPUs than the device is not: it is
    there for the oldest (3.7 in the CUDA 11 builds for Windows), and without what the kernels of
    newer GPUs need.
    """
    ptx = max((_number(c) for c in build.ptx or () if compiles(c, device)), default=())
    newer = (_number(code) > ptx for code in build.archs or () if _number(code) <= _number(device))
    return ptx != () and not any(newer)


def _number(arch: str) -> Numbers:
    sm = capability(arch)
    return sm[:2] if sm else ()


def native(
    build: Build, backend: Backend, device: str, exceptions: Iterable[ArchException]
) -> str | None:
    """The machine code of the build that the device runs, the nearest to it; None without any."""
    fitting = [
        code for code in build.archs or () if runs(code, device, backend.toolkit, exceptions)
    ]
    if device in fitting:
        return device
    return max(fitting, key=lambda code: capability(code) or (0, 0, ""), default=None)


def newer_than_known(device: str, vendor: str, known: Iterable[str]) -> bool:
    """Whether a device that no known code serves is newer than all of it, as far as names tell."""
    if vendor == "intel":
        return _OLD_INTEL.fullmatch(device) is None
    if vendor == "nvidia":
        number = capability(device)
        majors = [sm[0] for arch in known if (sm := capability(arch)) is not None]
        return number is None or number[0] > max(majors, default=0)
    parts = gfx(device)
    if parts is None:
        return True
    listed = [code for arch in known if (code := gfx(arch)) is not None]
    family = [code for code in listed if code[0] == parts[0]]
    return parts > max(family) if family else parts > max(listed, default=(0, 0, 0))
