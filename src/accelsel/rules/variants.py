"""A host as wheel-variant properties (PEP 825, draft PEP 850). Pure.

The vocabulary is that of the vendors' own providers (wheelnext's nvidia, amd and intel providers,
read 2026-11-20); the answers differ from theirs in that all GPUs are looked at, and that an NVIDIA
driver runs every toolkit of its major.
"""

from collections.abc import Iterable, Sequence

from accelsel.knowledge.tables import Tables
from accelsel.model.profile import Gpu, Profile
from accelsel.model.request import Request
from accelsel.model.table import ArchException
from accelsel.model.value import dataclass
from accelsel.rules.choice import select
from accelsel.rules.compatibility import capability, runs
from accelsel.rules.host import read_host
from accelsel.rules.versions import numbers

CUDA_MAJORS = (11, 15)
CUDA_MINORS = 20
SM_MAJORS = (5, 12)
# What a variant asks of an Intel GPU, by graphics architecture and whether it is integrated: its
# own graphics IP and those whose code it runs (intel-variant-provider, devices.py, 9516bd28).
DEVICE_IPS: dict[tuple[str, bool], tuple[str, ...]] = {
    ("xe-hpg", False): ("12.55.8",),
    ("xe-hpc", False): ("12.60.7",),
    ("xe-lpg", True): ("12.71.4", "12.70.4"),
    ("xe-lpg-plus", True): ("12.74.4",),
    ("xe2", False): ("20.1.0",),
    ("xe2", True): ("20.4.4", "20.1.0"),
    ("xe3", True): ("30.0.4",),
}
ALL_IPS = tuple(dict.fromkeys(ip for ips in DEVICE_IPS.values() for ip in ips))


@dataclass(frozen=True, kw_only=True)
class Feature:
    """`values` come in order of preference; with `multi_value` a wheel may name several, one of
    which has to be among them."""

    name: str
    values: tuple[str, ...]
    multi_value: bool = False


Features = dict[str, tuple[Feature, ...]]


def supported(profile: Profile, tables: Tables, request: Request | None = None) -> Features:
    """The properties of a host by namespace; a vendor without a usable GPU is not there."""
    asked = request or Request()
    selection = select(profile, asked, tables)
    driver = read_host(profile, asked, tables).driver

    def of(vendor: str) -> list[Gpu]:
        gpus = [gpu for gpu in profile.gpus if gpu.vendor == vendor and gpu.usable]
        return [gpu for gpu in gpus if gpu.index in selection.serves] or gpus

    found = {
        "nvidia": _nvidia(of("nvidia"), driver.cuda if driver else None, tables),
        "amd": _amd(of("amd"), tables),
        "intel": _intel(of("intel")),
    }
    return {namespace: features for namespace, features in found.items() if features}


def known(tables: Tables) -> Features:
    """Every property that a wheel may carry."""
    cuda = tuple(
        f"{major}.{minor}" if minor is not None else f"{major}"
        for major in range(CUDA_MAJORS[1], CUDA_MAJORS[0] - 1, -1)
        for minor in (*range(CUDA_MINORS, -1, -1), None)
    )
    code = tuple(
        f"{major}{minor}_{kind}"
        for kind in ("real", "virtual")
        for major in range(SM_MAJORS[1], SM_MAJORS[0] - 1, -1)
        for minor in range(9, -1, -1)
    )
    gfx = {arch for build in tables.builds for arch in build.archs or () if arch[:3] == "gfx"}
    return {
        "nvidia": (
            Feature(name="cuda_version_lower_bound", values=cuda),
            Feature(name="cuda_version_upper_bound", values=cuda),
            Feature(name="sm_arch", values=code, multi_value=True),
        ),
        "amd": (
            Feature(name="gfx_arch", values=tuple(sorted(gfx)), multi_value=True),
            Feature(name="rocm_version", values=_rocm(tables)),
        ),
        "intel": (Feature(name="device_ip", values=ALL_IPS, multi_value=True),),
    }


def _nvidia(
    gpus: Sequence[Gpu], cuda: tuple[int, ...] | None, tables: Tables
) -> tuple[Feature, ...]:
    if not gpus or cuda is None or len(cuda) < 2:
        return ()
    archs = [gpu.arch for gpu in gpus if gpu.arch]
    since = _since(archs, cuda, tables.exceptions)
    bounds = tuple(each for each in lower_bounds(cuda) if numbers(each) >= since)
    features = [
        Feature(name="cuda_version_lower_bound", values=bounds),
        Feature(name="cuda_version_upper_bound", values=upper_bounds(cuda)),
    ]
    code = code_for(archs, tables.exceptions, since)
    if code:
        features.append(Feature(name="sm_arch", values=code, multi_value=True))
    return tuple(features)


def lower_bounds(cuda: Sequence[int]) -> tuple[str, ...]:
    """The toolkits that run on a driver: those it reports and older, newest first, and behind them
    the newer ones of its major, oldest first (minor-version compatibility)."""
    major, minor = cuda[0], cuda[1]
    plain = [
        *_versions(major, range(minor, -1, -1)),
        *(
            version
            for older in range(major - 1, CUDA_MAJORS[0] - 1, -1)
            for version in _versions(older, range(CUDA_MINORS, -1, -1))
        ),
    ]
    return (*plain, *(f"{major}.{newer}" for newer in range(minor + 1, CUDA_MINORS + 1)))


def upper_bounds(cuda: Sequence[int]) -> tuple[str, ...]:
    """The bounds below which the driver's CUDA version lies, the highest first."""
    major, minor = cuda[0], cuda[1]
    return (
        *(
            version
            for newer in range(CUDA_MAJORS[1], major, -1)
            for version in _versions(newer, range(CUDA_MINORS, -1, -1))
        ),
        *(f"{major}.{each}" for each in range(CUDA_MINORS, minor, -1)),
    )


def _versions(major: int, minors: Iterable[int]) -> list[str]:
    return [*(f"{major}.{minor}" for minor in minors), f"{major}"]


def _since(
    archs: Sequence[str], cuda: tuple[int, ...], exceptions: tuple[ArchException, ...]
) -> tuple[int, ...]:
    """The toolkit from which on a GPU runs the code of its neighbours, where this driver runs that
    toolkit: wheels of older ones are then not offered, as their code is not told apart."""
    ends = [row.until_cuda for row in exceptions if row.device in archs and row.until_cuda]
    return max((end for end in ends if end[0] <= cuda[0]), default=())


def code_for(
    archs: Sequence[str], exceptions: tuple[ArchException, ...], toolkit: tuple[int, ...] = ()
) -> tuple[str, ...]:
    """The machine code that every one of the GPUs runs; where no one kind does, that of the oldest,
    since a wheel says with one of its codes nothing of the others, and new code is seldom missing.

    `toolkit` is the oldest that is offered. PTX is left out: on a driver older than the wheel's
    toolkit it does not compile.
    """
    each = [_code(arch, exceptions, toolkit) for arch in sorted(set(archs), key=_age)]
    if not each:
        return ()
    common = tuple(code for code in each[-1] if all(code in other for other in each))
    return common or each[0]


def _age(arch: str) -> tuple[int, int]:
    found = capability(arch)
    return found[:2] if found else (0, 0)


def _code(
    arch: str, exceptions: tuple[ArchException, ...], toolkit: tuple[int, ...]
) -> tuple[str, ...]:
    major, minor = _age(arch)
    device = f"sm_{major}{minor}"
    return tuple(
        f"{major}{each}_real"
        for each in range(minor, -1, -1)
        if runs(f"sm_{major}{each}", device, toolkit, exceptions)
    )


def _amd(gpus: Sequence[Gpu], tables: Tables) -> tuple[Feature, ...]:
    """A wheel names the architectures it has code for; of several GPUs the first decides."""
    archs = [gpu.arch for gpu in gpus if gpu.arch]
    if not archs:
        return ()
    return (
        Feature(name="gfx_arch", values=(archs[0],), multi_value=True),
        Feature(name="rocm_version", values=_rocm(tables)),
    )


def _rocm(tables: Tables) -> tuple[str, ...]:
    """The ROCm releases of PyTorch's builds, newest first: wheels bring their own runtime."""
    toolkits = {b.toolkit for b in tables.backends.values() if b.kind == "rocm"}
    dotted = [".".join(map(str, toolkit)) for toolkit in sorted(toolkits, reverse=True)]
    return tuple(v for version in dotted for v in _with_patch(version))


def _with_patch(version: str) -> tuple[str, ...]:
    return (version, f"{version}.0") if len(numbers(version)) == 2 else (version,)


def _intel(gpus: Sequence[Gpu]) -> tuple[Feature, ...]:
    for gpu in gpus:
        ips = DEVICE_IPS.get((gpu.arch or "", bool(gpu.integrated)))
        if ips:
            return (Feature(name="device_ip", values=ips, multi_value=True),)
    return ()
