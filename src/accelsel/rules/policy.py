"""Who decides: which GPUs a build has to serve, in which order of vendors, and when the CPU may."""

from collections.abc import Mapping
from typing import Literal

from accelsel.knowledge.tables import Tables
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import Profile, Vendor
from accelsel.model.request import Request
from accelsel.model.selection import Reason, Warning_
from accelsel.model.value import dataclass
from accelsel.rules.compatibility import VENDORS, compiled, native, newer_than_known
from accelsel.rules.host import BRAND, Driver, Host, Target
from accelsel.rules.versions import dotted, numbers

Standing = Literal["served", "never", "newer", "unknown"]

_ORDER: tuple[Vendor, ...] = ("nvidia", "amd", "intel", "apple")
WAYS = (
    "name the driver and the GPU: ACCELSEL_CUDA_DRIVER=580.65.06 ACCELSEL_GPU_ARCH=sm_86",
    "use a profile of the machine that will run it: accelsel detect there, --profile here",
    "name the backend: --backend cu126",
    "take the CPU build: --fallback cpu",
)


@dataclass(frozen=True, kw_only=True)
class Aim:
    """One way to choose: builds for `vendor` that serve `required`, and `optional` if they do.

    `vendor` None is the choice of a build without GPU. `driver` replaces the host's where evidence
    stands in for it.
    """

    vendor: Vendor | None
    required: tuple[Target, ...] = ()
    optional: tuple[Target, ...] = ()
    driver: Driver | None = None
    ceiling: int | None = None
    reason: Reason
    warnings: tuple[Warning_, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Aims:
    """The ways to choose, best first; `causes` say why there is none; `left_out` are GPUs that no
    aim serves, with the reason."""

    aims: tuple[Aim, ...] = ()
    causes: tuple[Reason, ...] = ()
    left_out: tuple[tuple[Target, str], ...] = ()


def standing(target: Target, tables: Tables) -> Standing:
    """Whether any established build of the table has code for a GPU, on any platform or driver."""
    if target.documented == "no" or target.vendor not in VENDORS.values():
        return "never"
    if target.arch is None:
        return "unknown"
    known: set[str] = set()
    seen: set[tuple[str, tuple[str, ...], tuple[str, ...]]] = set()
    for build in tables.builds:
        if not build.published or not build.archs:
            continue
        backend = tables.backends[build.backend]
        key = (backend.name, build.archs, build.ptx or ())
        if VENDORS.get(backend.kind) != target.vendor or key in seen:
            continue
        seen.add(key)
        known.update(build.archs)
        if native(build, backend, target.arch, tables.exceptions) is not None and (
            target.arch not in build.broken
        ):
            return "served"
        if compiled(build, target.arch):
            return "served"
    return "newer" if newer_than_known(target.arch, target.vendor, known) else "never"


def aims(profile: Profile | None, host: Host, request: Request, tables: Tables) -> Aims:
    """The ways to choose for a host under a request.

    Raises AccelselError (2, `unknown-gpu`) for GPU indexes that the profile does not have.
    """
    if host.system == "macos":
        return _apple(host, request)
    wanted = request.backend and tables.backends[request.backend].kind
    if wanted in ("cpu", "default"):
        return Aims(aims=(Aim(vendor=None, reason=_said("requested-backend", "it was asked for")),))
    chosen = _chosen(host, request)
    vendor = VENDORS.get(wanted) if wanted else None
    standings = {target.index: standing(target, tables) for target in chosen}
    able = [t for t in chosen if standings[t.index] in ("served", "unknown")]
    asked = [t for t in chosen if t.vendor == vendor]
    contenders = able if vendor is None or any(t in able for t in asked) else asked
    left_out = [(t, _standing_text(t, standings[t.index])) for t in chosen if t not in contenders]
    found = _by_vendor(contenders, request, vendor)
    if not found:
        found_without = _without_gpu(profile, host, request, chosen, standings, vendor, tables)
        found, causes = found_without.aims, found_without.causes
    else:
        causes = ()
    if request.fallback == "cpu" and not any(aim.vendor is None for aim in found):
        found = (*found, Aim(vendor=None, reason=_said("policy", "--fallback cpu allows it")))
    return Aims(aims=found, causes=causes, left_out=tuple(left_out))


def _said(rule: str, message: str) -> Reason:
    return Reason(rule=rule, message=message)


def _apple(host: Host, request: Request) -> Aims:
    """macOS: the default index, but for an Intel Python that runs translated on Apple silicon."""
    targets = tuple(target for target in host.targets if target.vendor == "apple")
    if targets and host.platform == "macos-x86_64" and request.platform is None:
        text = "the Python is for Intel and runs translated (Rosetta) on Apple silicon"
        ways = (
            "use a Python for arm64: uv python install cpython-3.13-macos-aarch64-none",
            "or take what ends with torch 2.2.2: --platform macos-x86_64",
        )
        return Aims(causes=tuple(_said("python-wheel", way) for way in (text, *ways)))
    text = "on macOS the wheel of the default index is the right one; Metal (MPS) is inside"
    return Aims(aims=(Aim(vendor="apple", required=targets, reason=_said("policy", text)),))


def _chosen(host: Host, request: Request) -> tuple[Target, ...]:
    """The GPUs that --gpu admits; `any` is settled later, among builds."""
    if request.gpus in ("all", "any"):
        return host.targets
    known = {target.index for target in host.targets} | {t.index for t, _ in host.unusable}
    wanted = []
    for part in request.gpus.split(","):
        if not part.strip().isdigit() or int(part) not in known:
            has = ", ".join(str(index) for index in sorted(i for i in known if i is not None))
            raise AccelselError(
                USAGE,
                "unknown-gpu",
                f"there is no GPU {part.strip()!r} in this profile",
                where="--gpu",
                help=f"write all, any, or indexes out of {has}"
                if has
                else "this host shows no GPU",
            )
        wanted.append(int(part))
    return tuple(target for target in host.targets if target.index in wanted)


def _standing_text(target: Target, found: Standing) -> str:
    if found in ("served", "unknown"):
        return "the backend asked for is another vendor's"
    if target.arch is None:
        return "PyTorch does not name it among the GPUs that it supports"
    if found == "never":
        return f"no build in the table has ever had code for {target.arch}"
    return f"{target.arch} is newer than every build in the table"


def _by_vendor(contenders: list[Target], request: Request, only: Vendor | None) -> tuple[Aim, ...]:
    """One aim for each vendor: discrete before integrated, then NVIDIA, AMD, Intel; a request's own
    order of vendors comes before both."""
    groups: dict[Vendor, list[Target]] = {}
    for target in contenders:
        if only is None or target.vendor == only:
            groups.setdefault(target.vendor, []).append(target)
    explicit = request.gpus not in ("all", "any")
    mixed = explicit and len(groups) > 1

    def rank(vendor: Vendor) -> tuple[int, bool, int]:
        named = list(request.vendors)
        place = named.index(vendor) if vendor in named else len(named)
        return (place, all(t.integrated for t in groups[vendor]), _ORDER.index(vendor))

    found = []
    for vendor in sorted(groups, key=rank):
        members = groups[vendor]
        discrete = [t for t in members if not t.integrated]
        required = members if explicit or not discrete else discrete
        brand = BRAND[vendor]
        others = [BRAND[v] for v in groups if v != vendor]
        text = f"the {brand} GPU decides" + (f", before {' and '.join(others)}" if others else "")
        found.append(
            Aim(
                vendor=vendor,
                required=tuple(required),
                optional=tuple(t for t in members if t not in required),
                reason=_said("policy", text),
            )
        )
    return () if mixed else tuple(found)


def _without_gpu(
    profile: Profile | None,
    host: Host,
    request: Request,
    chosen: tuple[Target, ...],
    standings: Mapping[int | None, Standing],
    vendor: Vendor | None,
    tables: Tables,
) -> Aims:
    """What to aim at when no usable GPU is in the running."""
    if len({t.vendor for t in chosen if standings[t.index] in ("served", "unknown")}) > 1:
        return Aims(
            causes=(
                _said("policy", "one build cannot serve GPUs of several vendors"),
                _said("policy", "name GPUs of one vendor with --gpu"),
            )
        )
    if vendor is not None and (not host.known or _nothing_seen(host)):
        return Aims(aims=(_presumed(vendor, host.driver, "no GPU was looked at"),))
    ahead = [t for t in chosen if standings[t.index] == "newer"]
    blocked = [
        (t, note)
        for t, note in host.unusable
        if standing(t, tables) != "never" and vendor in (None, t.vendor)
    ]
    if blocked and not request.force:
        return Aims(causes=_unusable(blocked, profile))
    if vendor is not None:
        return Aims(
            aims=(Aim(vendor=None, reason=_said("vendor", "no GPU for it is usable here")),)
        )
    if ahead:
        return Aims(causes=tuple(newer(target) for target in ahead))
    if host.jetson and (chosen or host.unusable):
        return Aims(causes=_jetson(host, chosen))
    excluded = [t for t in host.targets if t not in chosen and standing(t, tables) != "never"]
    if excluded:
        return Aims(causes=_excluded(excluded, request))
    if chosen or host.unusable:
        return Aims(aims=(_never_served((*chosen, *(t for t, _ in host.unusable))),))
    return _nothing(profile, host)


def _nothing_seen(host: Host) -> bool:
    return host.container and not host.targets and not host.unusable


def _presumed(
    vendor: Vendor, driver: Driver | None, because: str, ceiling: int | None = None
) -> Aim:
    """An aim for a GPU that nobody has seen: everything that needs its architecture is a doubt."""
    target = Target(
        index=None,
        vendor=vendor,
        name=f"the {BRAND[vendor]} GPU that will run it",
        arch=None,
        real=None,
        integrated=False,
        memory=0,
    )
    return Aim(
        vendor=vendor,
        required=(target,),
        driver=driver,
        ceiling=ceiling,
        reason=_said("policy", because),
    )


def _unusable(
    blocked: list[tuple[Target, str | None]], profile: Profile | None
) -> tuple[Reason, ...]:
    state = profile.state if profile else None
    causes = []
    for target, note in blocked:
        text = f"{target.label} is present and not usable"
        if state == "driver-mismatch":
            text += ": the driver's library and its kernel module are of different versions"
        elif note:
            text += f": {note}"
        else:
            text += ": no working driver answers for it"
        causes.append(_said("usable-gpu", text))
    cure = (
        "load the matching kernel module, usually by a reboot"
        if state == "driver-mismatch"
        else "install or repair the GPU's driver"
    )
    return (
        *causes,
        _said("usable-gpu", f"{cure}; or take the CPU build with --fallback cpu"),
    )


def _excluded(targets: list[Target], request: Request) -> tuple[Reason, ...]:
    names = ", ".join(target.label for target in targets)
    return (
        _said("policy", f"no build serves what --gpu {request.gpus} admits, and it leaves {names}"),
        _said("policy", "admit it; or take the CPU build: --fallback cpu"),
    )


def newer(target: Target) -> Reason:
    """Why a GPU is served by nothing yet, and what to do about it."""
    return _said(
        "arch-kernels",
        f"{target.label} ({target.arch}) is newer than every build in the table: look for newer "
        "rows with accelsel rules refresh, or take the CPU build with --fallback cpu",
    )


def _jetson(host: Host, chosen: tuple[Target, ...]) -> tuple[Reason, ...]:
    names = ", ".join(f"{target.label} ({target.arch})" for target in chosen) or "this Jetson"
    jetpack = f"JetPack {host.jetpack}" if host.jetpack else "its JetPack"
    return (
        _said("jetpack", f"no build in the table serves {names} with {jetpack}"),
        _said(
            "jetpack",
            f"NVIDIA's own wheels for {jetpack} do, where it has them; the CPU build "
            "needs --fallback cpu",
        ),
    )


def _never_served(targets: tuple[Target, ...]) -> Aim:
    unnamed = [target.label for target in targets if target.arch is None]
    named = ", ".join(f"{target.label} ({target.arch})" for target in targets if target.arch)
    told = [f"no build in the table has ever had code for {named}"] if named else []
    hint = None
    if unnamed:
        told.append(f"PyTorch does not name {', '.join(unnamed)} among the GPUs that it supports")
        hint = "where it is one that PyTorch supports, name its architecture in ACCELSEL_GPU_ARCH"
    text = ", and ".join(told)
    return Aim(
        vendor=None,
        reason=_said("policy", text),
        warnings=(
            Warning_(
                code="gpu-never-served",
                message=f"{text}, so the CPU build is chosen",
                hint=hint,
            ),
        ),
    )


def _nothing(profile: Profile | None, host: Host) -> Aims:
    """No GPU at all: the CPU on a bare host; elsewhere what drivers and the base image tell."""
    if profile is None:
        return Aims(causes=(_said("policy", "there is no profile to choose for"), *_ways()))
    source = profile.drivers.nvidia.source if profile.drivers.nvidia else None
    declared = bool(source and source.startswith("env:"))
    if declared and host.driver:
        text = f"{host.driver.text} is declared ({(source or '').removeprefix('env:')})"
        return Aims(aims=(_presumed("nvidia", host.driver, text),))
    if host.container and (aim := _evidence(profile, host)) is not None:
        return Aims(aims=(aim,))
    if profile.drivers.nvidia and profile.state == "driver-without-gpu":
        text = "an NVIDIA driver answers and shows no GPU (not passed in, masked, or fallen off)"
        return Aims(causes=(_said("usable-gpu", text), *_ways()))
    if profile.state in ("gpu-without-driver", "driver-mismatch", "driver-without-gpu"):
        text = {
            "gpu-without-driver": "a GPU is present and has no usable driver",
            "driver-mismatch": "the driver's library and its kernel module differ in version",
            "driver-without-gpu": "a driver answers and shows no GPU",
        }[profile.state]
        return Aims(causes=(_said("usable-gpu", text), *_ways()))
    if host.container:
        text = "inside a container no GPU is to be seen, and nothing tells what will run it"
        return Aims(causes=(_said("policy", text), *_ways()))
    return Aims(aims=(Aim(vendor=None, reason=_said("policy", "this host has no GPU")),))


def _ways() -> tuple[Reason, ...]:
    return tuple(_said("policy", way) for way in WAYS)


def _evidence(profile: Profile, host: Host) -> Aim | None:
    """What a container's base image tells of the host it is meant for.

    `NVIDIA_REQUIRE_CUDA` is a floor that the container runtime enforces, so a driver of that CUDA
    may be counted on; `CUDA_VERSION` stands in for it, and its major is a ceiling. So is that of
    `ROCM_VERSION`.
    """
    told = profile.environment
    image = numbers(told.get("CUDA_VERSION", ""))[:2]
    floor = _required_cuda(told.get("NVIDIA_REQUIRE_CUDA", ""))
    if host.driver and (image or floor):
        text = f"{host.driver.text} answers without a GPU in this container"
        return _presumed("nvidia", host.driver, text, image[0] if image else None)
    if cuda := floor or image:
        driver = Driver(
            version=None, cuda=cuda, system="linux", text=f"base image, CUDA {dotted(cuda)}"
        )
        text = f"the base image is made for drivers of CUDA {dotted(cuda)} and newer"
        return _presumed("nvidia", driver, text, image[0] if image else None)
    if rocm := numbers(told.get("ROCM_VERSION", "")):
        return _presumed("amd", None, f"the base image is made for ROCm {dotted(rocm)}", rocm[0])
    return None


def _required_cuda(text: str) -> tuple[int, ...]:
    """The CUDA version that every alternative of NVIDIA_REQUIRE_CUDA stands for.

    Blanks separate alternatives. Those that name a brand or a branch stand for drivers on which the
    image's compatibility libraries give the same CUDA, so the `cuda>=` clause tells it all.
    """
    found = [
        numbers(part[6:])[:2]
        for word in text.split()
        for part in word.split(",")
        if part.startswith("cuda>=")
    ]
    return min((one for one in found if one), default=())
