"""Many hosts: the laws of the choice over random fleets, and the choice for described ones."""

import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import combinations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit import told
from tests.kit.hosts import NAMES, profiled
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.test_laws import profiles

from accelsel.knowledge import load
from accelsel.model.errors import AccelselError
from accelsel.model.fleet import Fleet, Node
from accelsel.model.profile import (
    AmdDriver,
    Cpu,
    Drivers,
    IntelDriver,
    NvidiaDriver,
    ProbeResult,
    Profile,
)
from accelsel.model.request import Request
from accelsel.rules import RULES
from accelsel.rules import select as select_one
from accelsel.rules.fleet import Key, _judged, select
from accelsel.rules.fleet_answer import joint
from accelsel.rules.nodes import Seen, facts, merge

TABLES = load()
EXAMPLES = int(os.environ.get("ACCELSEL_FUZZ_EXAMPLES", "600"))
SETTINGS = settings(max_examples=max(1, EXAMPLES // 20), deadline=None)
ORDER = {rule.id for rule in RULES if rule.scope == "order"}


def nodes(fleet: Mapping[str, Profile]) -> tuple[Node, ...]:
    return merge(Seen(name=name, profile=profile) for name, profile in fleet.items())


def chosen(fleet: Mapping[str, Profile], **asked: object) -> Fleet:
    return select(nodes(fleet), Request(**asked), TABLES)  # type: ignore[arg-type]


def brief(fleet: Fleet) -> dict[str, tuple[str | None, str | None]]:
    """The build of each group, by the names of its nodes."""
    return {
        " ".join(group.nodes): (
            group.selection.torch.version if group.selection.torch else None,
            group.selection.backend,
        )
        for group in fleet.groups
    }


# --- described fleets -----------------------------------------------------------------------------

XTX = host(gpu(0, "amd", "AMD Radeon RX 7900 XTX", "gfx1100", memory=24))
MAC = host(
    gpu(0, "apple", "M3", "apple-m3"), system="darwin", arch="arm64", version="15.1"
)  # fmt: skip
JETSON = nvidia(
    "sm_87", driver="540.4.0", arch="aarch64", jetson=("R36.4.3", "6"), python="3.10.12"
)  # fmt: skip

FLEETS: dict[str, tuple[dict[str, Profile], str, dict[str, tuple[str | None, str | None]]]] = {
    "all H100": (
        {"h1": nvidia("sm_90"), "h2": nvidia("sm_90"), "h3": nvidia("sm_90")},
        "selected", {"h1": ("2.15.0", "cu132")},
    ),
    "the oldest driver counts": (
        {"new": nvidia("sm_90"), "old": nvidia("sm_90", driver="525.60.13")},
        "selected", {"new old": ("2.14.1", "cu126")},
    ),
    "V100 and B200: the last build with code for both": (
        {"b200": nvidia("sm_100"), "v100": nvidia("sm_70")},
        "selected", {"b200 v100": ("2.10.0", "cu129")},
    ),
    "GTX 1080 and B200: no build has code for both": (
        {"b200": nvidia("sm_100"), "gtx": nvidia("sm_61")},
        "split", {"b200": ("2.15.0", "cu132"), "gtx": ("2.14.1", "cu126")},
    ),
    "what both could have goes with the newer": (
        {"b200": nvidia("sm_100"), "gtx": nvidia("sm_61"), "h100": nvidia("sm_90")},
        "split", {"b200 h100": ("2.15.0", "cu132"), "gtx": ("2.14.1", "cu126")},
    ),
    "RTX 3060 and GTX 1050 in one host, RTX 3060 in another": (
        {"both": nvidia("sm_86", "sm_61"), "one": nvidia("sm_86")},
        "selected", {"both one": ("2.14.1", "cu126")},
    ),
    "CUDA and ROCm": (
        {"nvidia": nvidia("sm_90"), "radeon": XTX},
        "split", {"nvidia": ("2.15.0", "cu132"), "radeon": ("2.14.1", "rocm7.2")},
    ),
    "a head node without GPU forces the CPU on nobody": (
        {"gpu": nvidia("sm_90"), "head": host()},
        "selected", {"gpu head": ("2.15.0", "cu132")},
    ),
    "a head node of an older Python": (
        {"gpu": nvidia("sm_90"), "head": host(python="3.10.4")},
        "selected", {"gpu head": ("2.14.1", "cu130")},
    ),
    "no GPU anywhere": (
        {"one": host(), "other": host(arch="aarch64")},
        "selected", {"one other": ("2.14.1", "cpu")},
    ),
    "a card that no build serves is not given a build for its vendor": (
        {"b200": nvidia("sm_100"), "kepler": nvidia("sm_21")},
        "split", {"b200": ("2.15.0", "cu132"), "kepler": ("2.14.1", "cpu")},
    ),
    "Python 3.9 with others": (
        {"b200": nvidia("sm_100"), "old": nvidia("sm_90", python="3.9.2")},
        "selected", {"b200 old": ("2.8.0", "cu129")},
    ),
    "musl": (
        {"alpine": host(libc="musl", glibc=None), "h100": nvidia("sm_90")},
        "none", {"h100": ("2.15.0", "cu132"), "alpine": (None, None)},
    ),
    "an old glibc": (
        {"centos": nvidia("sm_90", glibc="2.17"), "h100": nvidia("sm_90")},
        "selected", {"centos h100": ("2.6.0", "cu124")},
    ),
    "Jetson and servers": (
        {
            "jetson": JETSON,
            "x86": nvidia("sm_90"), "grace": nvidia("sm_90", arch="aarch64"),
        },
        "split", {"grace x86": ("2.15.0", "cu132"), "jetson": ("2.11.0", "jetson-jp6")},
    ),
    "x86-64 and Arm": (
        {"x86": nvidia("sm_90"), "grace": nvidia("sm_90", arch="aarch64")},
        "selected", {"grace x86": ("2.15.0", "cu132")},
    ),
    "Linux and Windows": (
        {"linux": nvidia("sm_89"), "windows": nvidia("sm_89", system="windows")},
        "selected", {"linux windows": ("2.14.1", "cu130")},
    ),
    "macOS and Linux": (
        {"linux": nvidia("sm_90"), "mac": MAC},
        "split", {"linux": ("2.15.0", "cu132"), "mac": ("2.15.0", "default")},
    ),
    "a container in which nothing tells what runs it": (
        {"build": host(container="docker"), "h100": nvidia("sm_90")},
        "none", {"h100": ("2.15.0", "cu132"), "build": (None, None)},
    ),
    "two kinds of AMD": (
        {"mi300": amd("gfx942"), "radeon": amd("gfx1100")},
        "selected", {"mi300 radeon": ("2.14.1", "rocm7.2")},
    ),
}  # fmt: skip


ASKED: dict[str, tuple[dict[str, Profile], dict[str, object], str, dict[str, object]]] = {
    "the CUDA nearest to the driver that is furthest behind": (
        {"new": nvidia("sm_90", driver="595.71.05"), "old": nvidia("sm_90")},
        {"torch": "<2.15"},
        "selected", {"new old": ("2.14.1", "cu130")},
    ),
    "a bound divides instead of an older torch for all": (
        {"b200": nvidia("sm_100"), "v100": nvidia("sm_70")},
        {"torch": ">=2.14"},
        "split", {"b200": ("2.15.0", "cu132"), "v100": ("2.14.1", "cu126")},
    ),
    "what is less sure on a node does not serve it": (
        {"new": nvidia("sm_120"), "old": nvidia("sm_90", driver="525.60.13")},
        {"companions": ("tensorrt-llm",), "torch": "!=2.7.1"},
        "split", {"new": ("2.9.1", "cu130"), "old": ("2.4.0", "cu121")},
    ),
    "nodes without GPU have no build where there is none for the CPU": (
        {"one": host(), "two": host(python="3.13.1")},
        {"torch": "==2.15.0"},
        "none", {"one": (None, None), "two": (None, None)},
    ),
    "but with a node that has a GPU they have its": (
        {"gpu": nvidia("sm_90"), "one": host(), "two": host(python="3.13.1")},
        {"torch": "==2.15.0"},
        "selected", {"gpu one two": ("2.15.0", "cu132")},
    ),
    "the CPU build for all by name": (
        {"gpu": nvidia("sm_90"), "radeon": XTX, "head": host()},
        {"backend": "cpu"},
        "selected", {"gpu head radeon": ("2.14.1", "cpu")},
    ),
    "a container with --fallback cpu": (
        {"build": host(container="docker"), "h100": nvidia("sm_90")},
        {"fallback": "cpu"},
        "selected", {"build h100": ("2.15.0", "cu132")},
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ASKED)
def test_asked(name: str) -> None:
    fleet, asked, outcome, expected = ASKED[name]
    found = chosen(fleet, **asked)
    assert (found.outcome, brief(found)) == (outcome, expected)


def test_the_group_of_most_hosts_comes_first() -> None:
    many = Seen(name="gtx", profile=nvidia("sm_61"), count=5)
    few = Seen(name="b200", profile=nvidia("sm_100"), count=2)
    found = select(merge([few, many]), Request(), TABLES)
    assert [group.nodes for group in found.groups] == [("gtx",), ("b200",)]
    (command,) = found.pin
    assert "--backends cu126,cu132 " in command


def test_one_node_has_what_select_gives_where_some_builds_are_less_sure() -> None:
    profile, request = nvidia("sm_120"), Request(companions=("tensorrt-llm",))
    (group,) = select(merge([Seen(name="one", profile=profile)]), request, TABLES).groups
    assert group.selection == select_one(profile, request, TABLES)


@pytest.mark.parametrize("name", FLEETS)
def test_described(name: str) -> None:
    fleet, outcome, expected = FLEETS[name]
    found = chosen(fleet)
    assert (found.outcome, brief(found)) == (outcome, expected)


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")


@pytest.mark.parametrize("name", [*FLEETS, *ASKED], ids=_slug)
def test_what_is_told(name: str) -> None:
    fleet, asked = (FLEETS[name][0], {}) if name in FLEETS else ASKED[name][:2]
    found = chosen(fleet, **asked)
    text = told.text(found, without=("nodes", "rejected", "rules"))
    for group in found.groups:
        text += f"rejected for {', '.join(group.nodes)}:\n"
        for one in group.selection.rejected[:12]:
            text += f"  {one.torch} {one.backend}, {one.rule}: {one.message}\n"
    told.same(f"fleets/{_slug(name)}", text)


def test_nothing_is_told_of_no_fleet() -> None:
    assert told.names("fleets") == set(map(_slug, (*FLEETS, *ASKED)))


def test_what_holds_a_node_back_and_what_keeps_groups_apart_is_told() -> None:
    (group,) = chosen(FLEETS["V100 and B200: the last build with code for both"][0]).groups
    assert [(one.node, one.torch, one.backend, one.rule) for one in group.alone] == [
        ("b200", "2.15.0", "cu132", "arch-kernels"), ("v100", "2.14.1", "cu126", "arch-kernels"),
    ]  # fmt: skip
    assert group.alone[0].message == "v100: no kernels for sm_70 (GPU 0, card sm_70)"
    split = chosen(FLEETS["GTX 1080 and B200: no build has code for both"][0])
    assert [(one.node, one.backend, one.rule) for g in split.groups for one in g.apart] == [
        ("b200", "cu126", "arch-kernels"), ("gtx", "cu132", "arch-kernels"),
    ]  # fmt: skip
    apart = chosen(FLEETS["macOS and Linux"][0]).groups[0].apart
    assert [(one.rule, one.message) for one in apart] == [
        ("platform-wheel", "no wheel for macos-arm64")
    ]


def test_a_node_without_gpu_is_told_of_and_its_reasons_count() -> None:
    fleet = {"gpu": nvidia("sm_90"), "head": host(python="3.10.4")}
    (group,) = chosen(fleet).groups
    assert [(one.code, one.message[:15]) for one in group.selection.warnings] == [
        ("node-without-gpu", "head has no GPU")
    ]
    assert [(one.rule, one.message[:23]) for one in group.alone] == [
        ("python-wheel", "head: no wheel for Pyth")
    ]
    assert group.selection.python is None


def test_of_several_nodes_only_what_holds_for_all() -> None:
    fleet = {
        "four": nvidia("sm_90", "sm_90", "sm_90", "sm_90", driver="525.60.13"),
        "grace": nvidia("sm_90", arch="aarch64"),
    }
    (group,) = chosen(fleet, companions=("torchvision",)).groups
    found = group.selection
    assert (found.platform, found.python, found.serves, found.leaves_out) == (None, "3.12", (), ())
    assert found.torch
    assert found.torch.specifier == ">=2.6,<2.15"
    assert [package.name for package in found.packages] == ["torchvision"]
    assert any(one.message.startswith("four: driver 525") for one in found.reasons)
    keys = {(one.backend, one.torch) for one in found.rejected}
    assert (found.backend, found.torch.version) not in keys
    rows = {
        (b.backend, b.torch)
        for b in TABLES.builds
        if b.platform in ("linux-x86_64", "linux-aarch64") and b.channel == "stable"
    }
    assert keys == rows - {(found.backend, found.torch.version)}  # fmt: skip


def test_the_range_ends_before_what_one_platform_lacks() -> None:
    """cu129 has torch 2.9.1 for Linux, and for Windows nothing after 2.9.0."""
    fleet = {"linux": nvidia("sm_89"), "windows": nvidia("sm_89", system="windows")}
    (group,) = chosen(fleet, backend="cu129").groups
    assert group.selection.torch
    assert group.selection.torch.version == "2.9.0"
    assert group.selection.torch.specifier == ">=2.8,<2.9.1"


def test_the_range_begins_where_it_is_right_for_all() -> None:
    fleet = {"linux": host(), "arm": host(system="windows", arch="arm64")}
    (group,) = chosen(fleet).groups
    assert group.selection.torch
    assert group.selection.torch.specifier == ">=2.7,<2.14"


def test_what_nobody_has_seen_on_its_index_does_not_end_the_range() -> None:
    newest = [b for b in TABLES.builds if (b.torch, b.backend) == ("2.14.1", "cu126")]
    unseen = [replace(b, torch="2.14.2", version="2.14.2+cu126", published=None) for b in newest]
    tables = replace(TABLES, builds=(*TABLES.builds, *unseen))
    found = nodes({"a": nvidia("sm_61"), "b": nvidia("sm_90")})
    (group,) = select(found, Request(), tables).groups
    assert group.selection.torch
    assert group.selection.torch.specifier == ">=2.6,<2.15"


def test_reasons_name_no_build_that_only_some_run() -> None:
    fleet = {"new": nvidia("sm_90"), "old": nvidia("sm_90", driver="525.60.13")}
    (group,) = chosen(fleet).groups
    assert not [one.message for one in group.selection.reasons if "cu130" in one.message]


def test_extras_are_those_of_all() -> None:
    (group,) = chosen({"a": amd("gfx1031"), "b": amd("gfx1103")}).groups
    assert group.selection.torch
    assert group.selection.torch.extras == ("device-gfx1031", "device-gfx1103")
    assert group.selection.torch.specifier == "==2.14.0+rocm10.1.0"


def test_joint_takes_the_weaker_word_and_every_package() -> None:
    first = select_one(nvidia("sm_90"), Request(companions=("torchvision",)), TABLES)
    assert first.torch
    other = replace(
        first,
        torch=replace(first.torch, specifier=f"=={first.torch.version}+special"),
        confidence="inferred",
        packages=tuple(replace(one, name="torchaudio") for one in first.packages),
    )
    for pair in ({"a": first, "b": other}, {"a": other, "b": first}):
        found = joint(pair, guests=(), wrong=(), rejected=(), python=None, platform=None)
        assert found.confidence == "inferred"
        assert {one.name for one in found.packages} == {"torchvision", "torchaudio"}
        assert found.torch
        assert found.torch.specifier == f"=={first.torch.version}"


def test_a_mask_that_one_node_needs_is_a_warning() -> None:
    beside = gpu(1, "amd", "AMD Radeon Graphics", "gfx1036", integrated=True)
    fleet = {"desktop": host(XTX.gpus[0], beside), "plain": XTX}
    (group,) = chosen(fleet).groups
    assert group.selection.environment == {}
    told = [one.message for one in group.selection.warnings if one.code == "node-environment"]
    assert told == ["desktop needs HIP_VISIBLE_DEVICES=0"]


START, ON_LINUX = "accelsel pin --write", "--platform linux-x86_64 --gpu any --fallback cpu"
PINNED = {
    "a Python that the newest left": {
        "b200": nvidia("sm_100"), "gtx": nvidia("sm_61", python="3.9.2"),
    },
    "a release that is not its backend's newest": {
        "b200": nvidia("sm_100", driver="595.71.05", python="3.10.1"), "gtx": nvidia("sm_61"),
    },
    "Windows has another newest": {
        "a": nvidia("sm_89", system="windows"), "kepler": nvidia("sm_21", system="windows"),
    },
}  # fmt: skip


@pytest.mark.parametrize(
    ("fleet", "asked", "expected"),
    [
        ("all H100", {}, ("accelsel pin --write --backend cu132 --torch '>=2.12,<2.16'",)),
        (
            "V100 and B200: the last build with code for both",
            {"torch": ">=2.14"},
            ("accelsel pin --write --backends cu132,cu126 --as groups --torch '>=2.14'",),
        ),
        ("CUDA and ROCm", {}, ("accelsel pin --write --backends cu132,rocm7.2 --as groups",)),
        ("macOS and Linux", {}, ("accelsel pin --write --backend cu132 --torch '>=2.12,<2.16'",)),
        (
            "GTX 1080 and B200: no build has code for both",
            {"torch": "<2.14"},
            ("accelsel pin --write --backends cu130,cu126 --as groups --torch '<2.14'",),
        ),
        (
            "Jetson and servers", {},
            ("accelsel pin --write --backend cu132 --torch '>=2.12,<2.16'",
             "accelsel pin --write --backend jetson-jp6 --torch '>=2.8,<2.12'"),
        ),
        ("a Python that the newest left", {},
         ("accelsel pin --write --backend cu132 --torch '>=2.12,<2.16'",
          "accelsel pin --write --backend cu126 --torch '>=2.6,<2.9'")),
        ("a release that is not its backend's newest", {},
         ("accelsel pin --write --backends cu132,cu126 --as groups --torch '<=2.14.1'",)),
        ("Windows has another newest", {},
         ("accelsel pin --write --backends cpu,cu130 --as groups --platform windows-amd64",)),
        ("musl", {}, ("accelsel pin --write --backend cu132 --torch '>=2.12,<2.16'",)),
        (
            "all H100",
            {"platform": "linux-x86_64", "gpus": "any", "fallback": "cpu", "python": "3.12"},
            (f"{START} --backend cu132 {ON_LINUX} --torch '>=2.12,<2.16' --python 3.12",),
        ),
        (
            "all H100", {"backend": "cu126", "force": True, "channel": "nightly"},
            ("accelsel pin --write --backend cu126 --force --torch '>=0.dev0' --channel nightly",),
        ),
    ],
    ids=str,
)  # fmt: skip
def test_the_commands_that_write_it(
    fleet: str, asked: dict[str, str], expected: tuple[str, ...]
) -> None:
    known = PINNED[fleet] if fleet in PINNED else FLEETS[fleet][0]
    assert chosen(known, **asked).pin == expected


def test_in_a_project_of_groups_a_node_without_gpu_has_the_cpu_build() -> None:
    fleet = {**FLEETS["CUDA and ROCm"][0], "head": host()}
    (command,) = chosen(fleet).pin
    assert command == "accelsel pin --write --backends cu132,rocm7.2,cpu --as groups"


def test_a_gpu_that_a_node_lacks_names_the_node() -> None:
    with pytest.raises(AccelselError, match=r"^head: there is no GPU '0'"):
        chosen({"a": nvidia("sm_90"), "head": host()}, gpus="0")


def test_no_node_is_no_choice() -> None:
    assert chosen({}).outcome == "none"


def test_forty_kinds_of_node() -> None:
    archs = ("sm_61", "sm_70", "sm_75", "sm_80", "sm_90", "sm_100", "sm_120", "sm_37")
    drivers = ("470.82.01", "525.60.13", "550.54.14", "570.86.15", "580.65.06")
    fleet = {f"{a}-{d}": nvidia(a, driver=d) for a in archs for d in drivers}
    found = chosen(fleet)
    names = [name for group in found.groups for name in group.nodes]
    assert sorted(names) == sorted(fleet)
    assert len([g for g in found.groups if g.selection.torch]) <= 4


# --- merged ---------------------------------------------------------------------------------------


def test_alike_nodes_are_one() -> None:
    first = nvidia("sm_90")
    same = replace(
        first,
        os=replace(first.os, release="6.8.0", version="24.04"),
        python=replace(first.python, version="3.12.9"),
        notes=("probe-incomplete: slow", "a sentence"),
    )
    found = merge([Seen(name="n10", profile=first), Seen(name="n9", profile=same, count=3)])
    assert [(one.name, one.count, one.profile.notes) for one in found] == [
        ("n9", 4, ("probe-incomplete: slow",))
    ]


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ((None, None, None), ("1", "2", "3")),
        (("profile", "profile", "profile"), ("profile", "profile-2", "profile-3")),
        (("b", "a", None), ("1", "a", "b")),
        (("1", None, None), ("1", "2", "3")),
        (("n10", "n009", "n8"), ("n8", "n009", "n10")),
        (("node-10", "node-9", "node-9"), ("node-9", "node-9-2", "node-10")),
    ],
    ids=str,
)
def test_names(names: tuple[str | None, ...], expected: tuple[str, ...]) -> None:
    kinds = (nvidia("sm_90"), nvidia("sm_80"), nvidia("sm_70"))
    seen = [Seen(name=name, profile=kind) for name, kind in zip(names, kinds, strict=True)]
    assert tuple(node.name for node in merge(seen)) == expected


def test_the_facts_are_those_that_rules_look_at() -> None:
    """Each on its own: what tells two hosts apart, and what does not."""
    card = replace(XTX.gpus[0], arch_source="kfd", note="PCIe 3", memory_bytes=1)
    drivers = Drivers(
        nvidia=NvidiaDriver(version="580.65.06", cuda_version="13.0", source="nvml"),
        amd=AmdDriver(version="6.12", rocm_version="7.0", source="kfd"),
        intel=IntelDriver(version="1.6", source="xe"),
    )
    whole = replace(
        XTX,
        os=replace(XTX.os, release="6.8.0", version="24.04"),
        cpu=Cpu(arch="x86_64", level="x86-64-v3"),
        python=replace(XTX.python, version="3.12.9"),
        drivers=drivers,
        gpus=(replace(card, index=1, usable=False, note="lost"), card),
        probes=(ProbeResult(name="nvml", status="ok", detail=None, elapsed_ms=1.0),),
        notes=("probe-incomplete: slow", "a sentence"),
        environment={"B": "2", "A": "1"},
    )
    found = facts(whole)
    bare = replace(card, arch_source=None, note=None)
    assert found == replace(
        whole,
        os=replace(XTX.os, release=None, version=None),
        cpu=Cpu(arch="x86_64", level=None),
        python=replace(XTX.python, version="3.12"),
        drivers=Drivers(nvidia=NvidiaDriver(version="580.65.06", cuda_version="13.0", source=None)),
        gpus=(bare, replace(bare, index=1, usable=False, note="lost")),
        probes=(),
        notes=("probe-incomplete: slow",),
    )
    assert list(found.environment) == ["A", "B"]
    assert facts(MAC).os.version == "15.1"
    assert facts(replace(MAC, python=replace(MAC.python, version="x"))).python.version == "x"
    assert facts(MAC).drivers.nvidia is None


def test_what_probes_warned_of_is_kept_of_each() -> None:
    notes = (("probe-b: x", "probe-a: y"), ("probe-c: z", "probe-a: y"))
    first, second = (replace(nvidia("sm_90"), notes=each) for each in notes)
    (one,) = merge([Seen(name="one", profile=first), Seen(name="two", profile=second)])
    assert one.profile.notes == ("probe-a: y", "probe-b: x", "probe-c: z")
    (one,) = merge([Seen(name="one", profile=first), Seen(name="two", profile=first)])
    assert one.profile.notes == ("probe-b: x", "probe-a: y")


# --- laws -----------------------------------------------------------------------------------------


@st.composite
def fleets(draw: st.DrawFn) -> list[Seen]:
    """One to five hosts, GPU hosts mostly, some alike, some without a name."""
    kinds = draw(st.lists(profiles(("nvidia",)) | profiles(), min_size=1, max_size=4))
    again = draw(st.lists(st.sampled_from(kinds), max_size=1))
    named = st.sampled_from((None, "a", "b", "node-2", "node-10"))
    return [Seen(name=draw(named), profile=one) for one in (*kinds, *again)]


def legal(nodes: Sequence[Node], request: Request) -> frozenset[Key]:
    """The builds that serve every node."""
    return frozenset.intersection(*(_judged(node, request, TABLES).legal for node in nodes))


REQUESTS = st.sampled_from(
    (
        Request(),
        Request(),
        Request(torch="<2.9"),
        Request(torch=">=2.14"),
        Request(companions=("torchvision",)),
        Request(fallback="cpu"),
        Request(backend="cu126"),
        Request(python="3.12"),
        Request(gpus="any"),
    )
)


@given(fleets(), st.randoms(use_true_random=False))
@SETTINGS
def test_merging_takes_any_order_and_keeps_what_is_merged(fleet: list[Seen], random) -> None:  # type: ignore[no-untyped-def]  # noqa: ANN001
    once = merge(fleet)
    mixed = fleet.copy()
    random.shuffle(mixed)
    assert merge(mixed) == once
    again = merge(Seen(name=n.name, profile=n.profile, count=n.count) for n in once)
    assert again == once
    assert sum(node.count for node in once) == len(fleet)
    assert len({node.name for node in once}) == len(once)


@given(profiles(), REQUESTS)
@SETTINGS
def test_the_facts_are_all_that_the_rules_look_at(profile: Profile, request: Request) -> None:
    assert select_one(facts(profile), request, TABLES) == select_one(profile, request, TABLES)


def test_the_facts_of_described_hosts() -> None:
    for name in NAMES:
        profile = profiled(name)
        found = select_one(facts(profile), Request(), TABLES)
        assert found == select_one(profile, Request(), TABLES), name


def test_a_declared_driver_is_a_fact() -> None:
    profile = host(driver="580.65.06", driver_source="env:ACCELSEL_CUDA_DRIVER")
    found = select_one(facts(profile), Request(), TABLES)
    assert found.backend == "cu132"
    assert found == select_one(profile, Request(), TABLES)


@given(profiles(), REQUESTS)
@SETTINGS
def test_one_node_has_what_select_gives(profile: Profile, request: Request) -> None:
    (group,) = select(merge([Seen(name="one", profile=profile)]), request, TABLES).groups
    assert group.selection == select_one(profile, request, TABLES)


@given(fleets(), REQUESTS)
@SETTINGS
def test_the_order_of_nodes_does_not_matter(fleet: list[Seen], request: Request) -> None:
    found = merge(fleet)
    assert select(found, request, TABLES) == select(found[::-1], request, TABLES)


@given(fleets(), REQUESTS)
@SETTINGS
def test_another_node_never_adds_a_build(fleet: list[Seen], request: Request) -> None:
    found = merge(fleet)
    assert legal(found, request) <= legal(found[:-1] or found, request)


@given(fleets(), REQUESTS)
@SETTINGS
def test_every_node_runs_what_its_group_has(fleet: list[Seen], request: Request) -> None:
    """By `select` alone: with the backend and this torch, and with the range that is pinned. A node
    without a GPU for the build imports it, and one without any build has no group with others."""
    found = select(merge(fleet), request, TABLES)
    named = {node.name: node.profile for node in found.nodes}
    assert sorted(name for group in found.groups for name in group.nodes) == sorted(named)
    for group in found.groups:
        torch = group.selection.torch
        if torch is None:
            assert len(group.nodes) == 1
            assert select_one(named[group.nodes[0]], request, TABLES).outcome == "none"
            continue
        guests = {
            one.message.split()[0] for one in group.selection.warnings
            if one.code == "node-without-gpu"
        }  # fmt: skip
        assert guests < set(group.nodes)
        for name in group.nodes:
            for bound in (f"=={torch.version}", torch.specifier):
                asked = replace(
                    request,
                    backend=group.selection.backend,
                    torch=",".join(filter(None, (request.torch, bound))),
                    force=name in guests,
                )
                alone = select_one(named[name], asked, TABLES)
                assert alone.torch
                assert (alone.torch.version, alone.backend) == (
                    torch.version, group.selection.backend,
                )  # fmt: skip


@given(fleets(), REQUESTS)
@SETTINGS
def test_no_fewer_builds_serve_the_same_nodes(fleet: list[Seen], request: Request) -> None:
    found = select(merge(fleet), request, TABLES)
    served = [group for group in found.groups if group.selection.torch]
    legals = {
        name: legal([node for node in found.nodes if node.name == name], request)
        for group in served
        for name in group.nodes
    }
    covers = {
        frozenset(name for name, keys in legals.items() if key in keys)
        for key in frozenset[tuple[str, str, str]]().union(*legals.values())
    }
    for number in range(1, len(served)):
        for some in combinations(covers, number):
            assert frozenset[str]().union(*some) != legals.keys()
