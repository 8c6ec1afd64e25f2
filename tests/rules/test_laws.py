"""Laws that hold for every host and request, over random ones.

`ACCELSEL_FUZZ_EXAMPLES` sets how many examples all laws together get.
"""

import os
from collections.abc import Mapping
from dataclasses import replace
from itertools import permutations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.rules.hosts import gpu, host

from accelsel.knowledge import load
from accelsel.model.profile import Gpu, Profile, Vendor
from accelsel.model.request import Request
from accelsel.model.selection import Selection
from accelsel.rules import RULES, select, why, why_not
from accelsel.rules.channels import asked

TABLES = load()
ORDER = {rule.id for rule in RULES if rule.scope == "order"}
VENDORS: tuple[Vendor, ...] = ("nvidia", "amd", "intel")
ARCHS: Mapping[Vendor, tuple[str | None, ...]] = {
    "nvidia": (None, "sm_21", "sm_35", "sm_37", "sm_50", "sm_53", "sm_61", "sm_70", "sm_72",
               "sm_75", "sm_86", "sm_87", "sm_89", "sm_90", "sm_100", "sm_103", "sm_107", "sm_110",
               "sm_120", "sm_121", "sm_130"),
    "amd": (None, "gfx803", "gfx900", "gfx906", "gfx90a", "gfx90c", "gfx942:sramecc+:xnack-",
            "gfx1010", "gfx1030", "gfx1031", "gfx1033", "gfx1036", "gfx1100", "gfx1103", "gfx1151",
            "gfx1201", "gfx1300"),
    "intel": (None, "gen9", "xe-lp", "xe-lpg", "xe-hpg", "xe2", "xe3", "xe3p"),
}  # fmt: skip
DRIVERS = (None, "390.157", "450.80.02", "470.256.02", "525.60.13", "535.183.01", "550.54.14",
           "570.86.15", "580", "580.65.06", "595.71.05", "999.1")  # fmt: skip
RELEASES = sorted(
    {build.torch for build in TABLES.builds if build.channel == "stable"} - {"2.1.0a0"}
)
PYTHONS = ("3.8.18", "3.10.12", "3.12.3", "3.13.1", "3.14.0", "3.15.0", "3.16.0")
EXAMPLES = int(os.environ.get("ACCELSEL_FUZZ_EXAMPLES", "600"))
SETTINGS = settings(max_examples=max(1, EXAMPLES // 6), deadline=None)


@st.composite
def gpus(draw: st.DrawFn, vendors: tuple[Vendor, ...] = VENDORS, least: int = 0) -> tuple[Gpu, ...]:
    """GPUs of these vendors; where there have to be some, all of them are usable."""
    found = []
    for index in range(draw(st.integers(least, 4))):
        vendor = draw(st.sampled_from(vendors))
        arch = draw(st.sampled_from(ARCHS[vendor]))
        found.append(
            gpu(
                index,
                vendor,
                f"{vendor} {arch}",
                arch,
                memory=draw(st.sampled_from((None, 2, 8, 24))),
                integrated=draw(st.sampled_from((False, False, False, True, None))),
                usable=bool(least) or draw(st.sampled_from((True, True, True, False))),
            )
        )
    return tuple(found)


@st.composite
def profiles(draw: st.DrawFn, vendors: tuple[Vendor, ...] = VENDORS, least: int = 0) -> Profile:
    system, arch = draw(
        st.sampled_from(
            (("linux", "x86_64"),) * 4
            + (("linux", "aarch64"), ("windows", "x86_64"), ("windows", "arm64"),
               ("darwin", "arm64"), ("darwin", "x86_64"), ("linux", "riscv64"))
        )
    )  # fmt: skip
    cards = draw(gpus(vendors, least))
    return host(
        *cards,
        driver=draw(st.sampled_from(DRIVERS)) if any(c.vendor == "nvidia" for c in cards) else None,
        system=system,
        arch=arch,
        version=draw(st.sampled_from((None, "11.6", "13.7.4", "15.1"))),
        python=draw(st.sampled_from(PYTHONS)),
        free_threaded=draw(st.sampled_from((False, False, True))),
        libc=draw(st.sampled_from(("glibc", "glibc", "glibc", "musl"))),
        glibc=draw(st.sampled_from((None, "2.17", "2.31", "2.39"))),
        container=draw(st.sampled_from((None, None, "docker"))),
        jetson=draw(st.sampled_from((None, ("R35.4.1", "5"), ("R36.4.3", "6"), ("R38.2", None))))
        if (system, arch) == ("linux", "aarch64")
        else None,
        environment=draw(
            st.sampled_from(
                (
                    {},
                    {},
                    {"CUDA_VERSION": "12.4.1"},
                    {"ROCM_VERSION": "7.2"},
                    {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"},
                    {"CUDA_VERSION": "13.0.1", "NVIDIA_REQUIRE_CUDA": "cuda>=12.8 brand=tesla"},
                )
            )
        ),
    )


@st.composite
def bounds(draw: st.DrawFn) -> str:
    torch = draw(st.sampled_from(RELEASES))
    return draw(st.sampled_from(("", f">={torch}", f"<{torch}", f"=={torch}", f"!={torch}")))


@st.composite
def requests(draw: st.DrawFn) -> Request:
    return Request(
        torch=draw(bounds()),
        requires_python=draw(st.sampled_from((None, None, ">=3.10", ">=3.12,<3.14"))),
        channel=draw(st.sampled_from(("stable", "stable", "stable", "nightly", "test"))),
        companions=draw(st.sampled_from(((), ("torchvision",), ("torchaudio<2.9", "torchvision")))),
        backend=draw(
            st.sampled_from((None, None, None, "cpu", "cu126", "cu130", "rocm7.2", "xpu"))
        ),
        force=draw(st.booleans()),
        gpus=draw(st.sampled_from(("all", "all", "any"))),
        fallback=draw(st.sampled_from((None, None, "cpu"))),
        allow_arch_override=draw(st.booleans()),
        vendors=draw(st.sampled_from(((), (), ("amd",), ("intel", "nvidia")))),
    )


def running(selection: Selection) -> set[tuple[str | None, str | None]]:
    """The builds that nothing is against: the winner, and those that only came after it."""
    found: set[tuple[str | None, str | None]] = {
        (one.torch, one.backend) for one in selection.rejected if one.rule in ORDER
    }
    if selection.torch:
        found.add((selection.torch.version, selection.backend))
    return found


def numbers(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.partition("+")[0].split(".") if part.isdigit())


def check(profile: Profile, request: Request, selection: Selection) -> None:
    """Twenty lines that know only the rows: the selected build is there and runs."""
    assert selection.torch is not None
    assert selection.python is not None
    wanted = (selection.torch.version, selection.backend, selection.platform)
    rows = (*TABLES.builds, *asked(selection.platform, request, TABLES))
    (row,) = [r for r in rows if (r.torch, r.backend, r.platform) == wanted]
    assert row.published
    assert selection.python in row.pythons
    libc = profile.os.libc
    assert libc is None or libc.family == "glibc"
    if libc and libc.version and row.glibc:
        assert numbers(libc.version) >= numbers(row.glibc)
    kind, toolkit = TABLES.backends[row.backend].kind, TABLES.backends[row.backend].toolkit
    driver = profile.drivers.nvidia
    if kind == "cuda" and driver and driver.version:
        floor = {11: (450, 80, 2), 12: (525, 60, 13), 13: (580, 65, 6)}[toolkit[0]]
        version = numbers(driver.version)
        assert version >= floor[: len(version)]
    override = profile.environment.get("HSA_OVERRIDE_GFX_VERSION") if kind == "rocm" else None
    override = override or selection.environment.get("HSA_OVERRIDE_GFX_VERSION")
    for index in selection.serves:
        arch = next(g.arch for g in profile.gpus if g.index == index)
        if arch and kind in ("cuda", "jetson"):
            major, minor = int(arch[3:-1]), int(arch[-1])
            codes = [(int(c[3:-1]), int(c[-1])) for c in row.archs or ()]
            sass = any(m == major and n <= minor for m, n in codes)
            newest = max((int(p[3:-1]), int(p[-1])) for p in row.ptx or ("sm_00",))
            assert sass or max(codes) <= newest <= (major, minor)
            assert arch != "sm_87" or kind == "jetson" or toolkit >= (13, 2) or row.ptx
        elif arch and kind in ("rocm", "amd"):
            code = "gfx" + override.replace(".", "") if override else arch.split(":")[0]
            assert code in (row.archs or ())
            assert code not in row.broken
        elif arch and kind == "xpu":
            assert arch in (row.archs or ())


@given(profiles(), requests())
@SETTINGS
def test_every_selection_runs(profile: Profile, request: Request) -> None:
    selection = select(profile, replace(request, force=False), TABLES)
    if selection.outcome == "selected":
        check(profile, request, selection)


@given(profiles(), requests())
@SETTINGS
def test_total_and_told(profile: Profile, request: Request) -> None:
    selection = select(profile, request, TABLES)
    assert selection.reasons
    told = why(selection, profile, TABLES)
    assert len(told.splitlines()) <= 23
    assert max(len(line) for line in told.splitlines()) <= 80
    assert why_not("cu130", profile, request, TABLES, selection)
    known = {rule.id for rule in RULES}
    assert {one.rule for one in selection.reasons} <= known
    assert {one.rule for one in selection.rejected} <= known
    if selection.outcome == "selected":
        seen = {(one.torch, one.backend) for one in selection.rejected}
        seen.add((selection.torch.version if selection.torch else "", selection.backend or ""))
        rows = {
            (row.torch, row.backend)
            for row in (*TABLES.builds, *asked(selection.platform, request, TABLES))
            if row.platform == selection.platform and row.channel in ("stable", request.channel)
        }
        assert seen == rows


@given(profiles(), bounds(), bounds(), requests())
@SETTINGS
def test_a_narrower_range_never_yields_a_newer_torch(
    profile: Profile, first: str, second: str, request: Request
) -> None:
    # A bound that no build for the GPU meets is what --fallback cpu lets the CPU stand in for.
    request = replace(request, fallback=None)
    both = ",".join(part for part in (first, second) if part)
    wide = select(profile, replace(request, torch=first), TABLES)
    narrow = select(profile, replace(request, torch=both), TABLES)
    if narrow.torch:
        assert wide.torch
        assert numbers(narrow.torch.version) <= numbers(wide.torch.version)


@given(st.sampled_from(VENDORS), st.data())
@SETTINGS
def test_another_gpu_never_adds_a_build(vendor: Vendor, data: st.DataObject) -> None:
    profile = data.draw(profiles((vendor,), 2))
    indexes = [str(one.index) for one in profile.gpus]
    fewer = select(profile, Request(gpus=",".join(indexes[:-1])), TABLES)
    more = select(profile, Request(gpus=",".join(indexes)), TABLES)
    served = [one for one in profile.gpus[:-1] if fewer.outcome == "selected"]
    if more.serves and len(more.serves) == len(indexes) and served:
        assert running(more) <= running(fewer)


@given(st.sampled_from(ARCHS["nvidia"]), st.sampled_from(DRIVERS[1:]), st.sampled_from(DRIVERS[1:]))
@SETTINGS
def test_a_newer_driver_never_removes_a_build(arch: str, one: str, other: str) -> None:
    old, new = sorted((one, other), key=numbers)
    card = gpu(0, "nvidia", "card", arch)
    before = select(host(card, driver=old), Request(), TABLES)
    after = select(host(card, driver=new), Request(), TABLES)
    if before.backend not in (None, "cpu"):
        assert running(before) <= running(after)


@given(profiles(), requests())
@settings(max_examples=max(1, EXAMPLES // 12), deadline=None)
def test_the_order_of_gpus_does_not_matter(profile: Profile, request: Request) -> None:
    first = select(profile, request, TABLES)
    for order in list(permutations(profile.gpus))[1:7]:
        other = select(replace(profile, gpus=order), request, TABLES)
        assert (other.torch, other.backend, other.serves) == (
            first.torch, first.backend, first.serves,
        )  # fmt: skip
