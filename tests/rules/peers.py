"""The rules of other tools, as read in their released packages (November 2026), for comparison.

Each takes a case's profile and gives the backends that the tool would name, in its order; the torch
release is then the newest that the table knows for the first of them within the bounds asked for.
Where a case does not tell the driver, the peers are given 580.65.06 (CUDA 13.0).
"""

from collections.abc import Callable, Mapping

from packaging.specifiers import SpecifierSet
from packaging.version import Version
from tests.rules.cases import Answer, Case

from accelsel.knowledge import load
from accelsel.model.profile import Gpu, Profile
from accelsel.rules.compatibility import capability
from accelsel.rules.host import platform_of
from accelsel.rules.versions import numbers

# astral-sh/uv 0.13.8, crates/uv-torch: newest first; the index that has the version is taken
UV_CUDA = (
    "cu132", "cu130", "cu129", "cu128", "cu126", "cu125", "cu124", "cu123", "cu122", "cu121",
    "cu120", "cu118", "cu117", "cu116",
)  # fmt: skip
UV_ROCM: Mapping[str, tuple[str, ...]] = {
    "rocm7.2": ("gfx900", "gfx906", "gfx908", "gfx90a", "gfx942", "gfx950", "gfx1030", "gfx1100",
                "gfx1101", "gfx1102", "gfx1150", "gfx1151", "gfx1200", "gfx1201"),
}  # fmt: skip
FLOORS = {11: (450, 80, 2), 12: (525, 60, 13), 13: (580,)}


def _driver(profile: Profile) -> tuple[tuple[int, ...], tuple[int, ...]]:
    driver = profile.drivers.nvidia
    version = numbers(driver.version or "") if driver else ()
    cuda = numbers(driver.cuda_version or "") if driver else ()
    if version and not cuda:
        known = [row for row in load().branches if row.branch <= version[0]]
        cuda = numbers(max(known, key=lambda row: row.branch).cuda)
    if cuda and not version:
        known = [row for row in load().branches if numbers(row.cuda) <= cuda]
        branch = max(known, key=lambda row: row.branch, default=None)
        version = (branch.branch, 999) if branch else (0,)
    return version or (580, 65, 6), cuda or (13, 0)


def _of(profile: Profile, vendor: str) -> list[Gpu]:
    return [gpu for gpu in profile.gpus if gpu.vendor == vendor]


def _toolkit(name: str) -> tuple[int, int]:
    return int(name[2:4]), int(name[4:])


def uv(profile: Profile) -> tuple[str, ...]:
    if profile.os.system == "darwin":
        return ("default",)
    if _of(profile, "nvidia"):
        version, _ = _driver(profile)
        return tuple(name for name in UV_CUDA if version >= FLOORS[_toolkit(name)[0]]) or ("cpu",)
    if amd := _of(profile, "amd"):
        fits = profile.os.system == "linux" and any(
            gpu.arch in archs for archs in UV_ROCM.values() for gpu in amd
        )
        return ("rocm7.2", "rocm7.1", "rocm7.0", "rocm6.4", "rocm6.3") if fits else ("cpu",)
    return ("xpu",) if _of(profile, "intel") else ("cpu",)


def light_the_torch(profile: Profile) -> tuple[str, ...]:
    if profile.os.system == "darwin":
        return ("default",)
    if not _of(profile, "nvidia"):
        return ("cpu",)
    version, _ = _driver(profile)
    names = ("cu130", *UV_CUDA[2:])
    return tuple(name for name in names if version >= FLOORS[_toolkit(name)[0]]) or ("cpu",)


def torchruntime(profile: Profile) -> tuple[str, ...]:
    system = profile.os.system
    if system == "darwin":
        return ("default",)
    discrete = [gpu for gpu in profile.gpus if not gpu.integrated] or list(profile.gpus)
    archs = [capability(gpu.arch or "sm_75") for gpu in discrete if gpu.vendor == "nvidia"]
    if archs:
        newest = max(arch[:2] for arch in archs if arch)
        return ("cu118",) if newest == (3, 7) else ("cu124",) if newest < (7, 5) else ("cu128",)
    if amd := [gpu.arch or "" for gpu in discrete if gpu.vendor == "amd"]:
        if system != "linux":
            return ("directml",)
        table = {"gfx12": "rocm6.4", "gfx11": "rocm6.2", "gfx103": "rocm6.2", "gfx906": "rocm5.7",
                 "gfx101": "rocm5.2", "gfx900": "rocm5.2", "gfx803": "rocm4.2"}  # fmt: skip
        for prefix, backend in table.items():
            if any(arch.startswith(prefix) for arch in amd):
                return (backend,)
        return ("cpu",)
    return ("xpu",) if any(gpu.vendor == "intel" for gpu in discrete) else ("cpu",)


def comfy_cli(profile: Profile) -> tuple[str, ...]:
    """The tag of the CUDA that the driver reports; the user names AMD and Intel by hand."""
    if profile.os.system == "darwin":
        return ("default",)
    if _of(profile, "nvidia"):
        _, cuda = _driver(profile)
        tags = {(13, 0): "cu130", (12, 8): "cu128", (12, 6): "cu126", (12, 4): "cu124",
                (12, 1): "cu121", (11, 8): "cu118"}  # fmt: skip
        return tuple(tag for floor, tag in tags.items() if cuda >= floor)[:1]
    if _of(profile, "amd"):
        return ("rocm7.2",) if profile.os.system == "linux" else ("directml",)
    return ("xpu",) if _of(profile, "intel") else ("cpu",)


PEERS: Mapping[str, Callable[[Profile], tuple[str, ...]]] = {
    "uv 0.13.8": uv,
    "light-the-torch 0.8.1": light_the_torch,
    "torchruntime 2.24.0": torchruntime,
    "comfy-cli 1.23.0": comfy_cli,
}


def answers(peer: Callable[[Profile], tuple[str, ...]], case: Case) -> tuple[Answer, Answer]:
    """What a peer ends on, without and with the bound on torch."""
    names = peer(case.profile)
    return _newest(names, case, ""), _newest(names, case, case.request.torch)


def _newest(names: tuple[str, ...], case: Case, bound: str) -> Answer:
    """The newest known release of the first index that has one within the bound."""
    platform = case.request.platform or platform_of(case.profile)
    python = None if case.request.requires_python else case.profile.python.version
    admitted = SpecifierSet(bound)
    for name in names:
        found = [
            build.torch
            for build in load().builds
            if build.backend == name
            and build.platform == platform
            and build.published
            and build.channel == "stable"
            and (python is None or ".".join(python.split(".")[:2]) in build.pythons)
            and admitted.contains(build.torch)
        ]
        if found:
            return Answer(backend=name, torch=max(found, key=Version))
    return Answer(backend=None, torch=None)
