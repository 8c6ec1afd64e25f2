"""What is chosen for described hosts, over the real table."""

import time
from statistics import median

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia

from accelsel.knowledge import load
from accelsel.model.errors import AccelselError
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import Selection
from accelsel.rules import select

TABLES = load()


def of(profile: Profile | None, **asked: object) -> Selection:
    return select(profile, Request(**asked), TABLES)  # type: ignore[arg-type]


def brief(selection: Selection) -> tuple[str | None, str | None]:
    return (selection.torch.version if selection.torch else None, selection.backend)


N3060 = gpu(0, "nvidia", "NVIDIA GeForce RTX 3060", "sm_86", memory=12)
N1050 = gpu(1, "nvidia", "NVIDIA GeForce GTX 1050", "sm_61", memory=2)
N5090 = gpu(0, "nvidia", "NVIDIA GeForce RTX 5090", "sm_120", memory=32)
N1080 = gpu(1, "nvidia", "NVIDIA GeForce GTX 1080 Ti", "sm_61", memory=11)
XTX = gpu(0, "amd", "AMD Radeon RX 7900 XTX", "gfx1100", memory=24)
INNER = gpu(1, "amd", "AMD Radeon Graphics", "gfx1036", integrated=True)
ARC = gpu(0, "intel", "Intel Arc A770", "xe-hpg", pci_id="8086:56a0")
UHD = gpu(1, "intel", "UHD Graphics 630", "gen9", pci_id="8086:3e92", integrated=True)

HOSTS = {
    "GTX 1080 Ti, 580": (nvidia("sm_61"), "2.14.1", "cu126", ">=2.6,<2.15"),
    "T4, 535": (nvidia("sm_75", driver="535.183.01"), "2.14.1", "cu126", ">=2.6,<2.15"),
    "RTX 5090, 570.86": (nvidia("sm_120", driver="570.86.15"), "2.13.0", "cu129", ">=2.8,<2.14"),
    "RTX 5090, 580": (nvidia("sm_120"), "2.15.0", "cu132", ">=2.12,<2.16"),
    "H100, 525.60.13": (nvidia("sm_90", driver="525.60.13"), "2.14.1", "cu126", ">=2.6,<2.15"),
    "GH200, 580": (nvidia("sm_90", arch="aarch64"), "2.15.0", "cu132", ">=2.12,<2.16"),
    "RX 7900 XTX": (host(XTX), "2.14.1", "rocm7.2", ">=2.11,<2.15"),
    "MI300X": (amd("gfx942:sramecc+:xnack-"), "2.14.1", "rocm7.2", ">=2.11,<2.15"),
    "Arc A770": (host(ARC), "2.14.1", "xpu", ">=2.6,<2.15"),
    "Asahi": (host(gpu(0, "apple", "M2", None), arch="aarch64"), "2.14.1", "cpu", ">=2.0,<2.15"),
    "no GPU": (host(), "2.14.1", "cpu", ">=2.0,<2.15"),
    "no GPU, Windows": (host(system="windows"), "2.15.0", "cpu", ">=2.0,<2.16"),
    "M3": (host(gpu(0, "apple", "M3", "apple-m3"), system="darwin", arch="arm64", version="15.1"),
           "2.15.0", "default", ">=2.0,<2.16"),
    "M2, macOS 13": (
        host(gpu(0, "apple", "M2", "apple-m2"), system="darwin", arch="arm64", version="13.7.4"),
        "2.9.1", "default", ">=2.0,<2.10"),
    "macOS 13 without GPU": (host(system="darwin", arch="arm64", version="13.7.4"), "2.11.0",
                             "default", ">=2.0,<2.12"),
    "Intel Mac": (host(system="darwin", arch="x86_64"), "2.2.2", "default", ">=2.0,<2.3"),
    "V100, 580": (nvidia("sm_70"), "2.14.1", "cu126", ">=2.6,<2.15"),
    "RTX 3090, 470": (nvidia("sm_86", driver="470.82.01"), "2.7.1", "cu118", ">=2.0,<2.8"),
    "RTX 4090, 550": (nvidia("sm_89", driver="550.54.14"), "2.14.1", "cu126", ">=2.6,<2.15"),
    "B200, 580": (nvidia("sm_100"), "2.15.0", "cu132", ">=2.12,<2.16"),
    "MI50": (amd("gfx906"), "2.9.1", "rocm6.3", ">=2.7,<2.10"),
    "RX 6700 XT": (amd("gfx1031"), "2.14.0", "amd", "==2.14.0+rocm10.1.0"),
    "RX 7900 XTX, Windows": (host(XTX, system="windows"), "2.14.0", "amd", "==2.14.0+rocm10.1.0"),
    "RX 580": (amd("gfx803"), "2.14.1", "cpu", ">=2.0,<2.15"),
    "UHD 630": (host(UHD), "2.14.1", "cpu", ">=2.0,<2.15"),
    "Orin, JetPack 6": (
        nvidia("sm_87", driver="540.4.0", cuda="12.6", arch="aarch64", python="3.10.12",
               jetson=("R36.4.3", "6")), "2.11.0", "jetson-jp6", ">=2.8,<2.12"),
    "Orin, JetPack 5": (
        nvidia("sm_87", driver="35.3.1", cuda="11.4", arch="aarch64", python="3.8.10",
               jetson=("R35.4.1", "5")), "2.1.0a0", "jetson-jp5", "==2.1.0a0+41361538.nv23.06"),
    "Orin, JetPack 7.2": (
        nvidia("sm_87", driver="595.58.03", arch="aarch64", jetson=("R39.2", "7")),
        "2.15.0", "cu132", ">=2.12,<2.16"),
    "Thor as JetPack 7.0 numbers its driver": (
        nvidia("sm_110", driver="580.00", cuda="13.0", arch="aarch64", jetson=("R38.2", "7")),
        "2.15.0", "cu132", ">=2.12,<2.16",
    ),
    "Thor": (nvidia("sm_110", arch="aarch64", jetson=("R38.2", "7")), "2.15.0", "cu132",
             ">=2.12,<2.16"),
    "Windows on Arm": (host(system="windows", arch="arm64"), "2.13.0", "cpu", ">=2.7,<2.14"),
    "CentOS 7": (nvidia("sm_86", glibc="2.17"), "2.6.0", "cu124", ">=2.4,<2.7"),
    "Python 3.14t": (host(python="3.14.0", free_threaded=True), "2.14.1", "cpu", ">=2.0,<2.15"),
    "Python 3.13t": (host(python="3.13.1", free_threaded=True), "2.12.0", "cpu", ">=2.0,<2.12.1"),
    "Python 3.9": (nvidia("sm_86", python="3.9.19"), "2.8.0", "cu129", ">=2.8,<2.9"),
}  # fmt: skip


@pytest.mark.parametrize(("profile", "torch", "backend", "specifier"), HOSTS.values(), ids=HOSTS)
def test_hosts(profile: Profile, torch: str, backend: str, specifier: str) -> None:
    found = of(profile)
    assert brief(found) == (torch, backend)
    assert found.torch
    assert found.torch.specifier == specifier


MANY = {
    "RTX 3060 and GTX 1050": ((N3060, N1050), "580.65.06", "2.14.1", "cu126", (0, 1)),
    "V100 and B200": (
        (gpu(0, "nvidia", "V100", "sm_70"), gpu(1, "nvidia", "B200", "sm_100")),
        "580.65.06", "2.10.0", "cu129", (0, 1)),
    "GT 710 and RX 7900 XTX": (
        (gpu(1, "nvidia", "GT 710", "sm_35"), XTX), "470.256.02", "2.14.1", "rocm7.2", (0,)),
    "RTX 5090 and GTX 1080 Ti": ((N5090, N1080), "580.65.06", "2.15.0", "cu132", (0,)),
    "RX 7900 XTX and an iGPU": ((XTX, INNER), None, "2.14.1", "rocm7.2", (0,)),
    "GTX 1080 Ti and Arc A580": ((N1080, ARC), "580.65.06", "2.14.1", "cu126", (1,)),
    "Intel iGPU and RTX laptop": ((N3060, UHD), "580.65.06", "2.15.0", "cu132", (0,)),
    "GT 710 bounds the driver": (
        (N3060, gpu(1, "nvidia", "GT 710", "sm_35")), "470.256.02", "2.7.1", "cu118", (0,)),
    "two alike": ((N5090, gpu(3, "nvidia", "RTX 5080", "sm_120")), "580.65.06", "2.15.0", "cu132",
                  (0, 3)),
    "two AMD cards, one only on AMD's index": (
        (XTX, gpu(1, "amd", "RX 6700 XT", "gfx1031")), None, "2.14.0", "amd", (0, 1)),
    "an AMD card beside an iGPU that its build lists": (
        (XTX, gpu(1, "amd", "890M", "gfx1150", integrated=True)), None, "2.14.1", "rocm7.2",
        (0, 1)),
}  # fmt: skip


@pytest.mark.parametrize(("cards", "driver", "torch", "backend", "serves"), MANY.values(), ids=MANY)
def test_many_gpus(
    cards: tuple[object, ...], driver: str | None, torch: str, backend: str, serves: tuple[int, ...]
) -> None:
    found = of(host(*cards, driver=driver))  # type: ignore[arg-type]
    assert brief(found) == (torch, backend)
    assert found.serves == serves
    left = {card.index for card in cards} - set(serves)  # type: ignore[attr-defined]
    assert set(found.leaves_out) == left
    told = [warning.message for warning in found.warnings if warning.code == "gpu-left-out"]
    for index in left:
        assert any(message.startswith(f"GPU {index}, ") for message in told)
    assert len(told) == len(left)


@pytest.mark.parametrize(
    ("cards", "serves"),
    [
        ((N5090, N1080), (0,)),
        ((gpu(0, "nvidia", "a", "sm_120", memory=8), gpu(1, "nvidia", "b", "sm_61", memory=24)),
         (1,)),
        ((gpu(0, "nvidia", "a", "sm_61", memory=8), gpu(1, "nvidia", "b", "sm_120", memory=8)),
         (1,)),
        ((gpu(0, "nvidia", "a", "sm_120"), gpu(1, "nvidia", "b", "sm_61"),
          gpu(2, "nvidia", "c", "sm_50")), (1, 2)),
        ((gpu(0, "nvidia", "a", "sm_61", memory=48), gpu(1, "nvidia", "b", "sm_120", memory=16),
          gpu(2, "nvidia", "c", "sm_121", memory=16)), (1, 2)),
    ],
    ids=["memory", "memory before newness", "newest", "the larger group", "number before memory"],
)  # fmt: skip
def test_the_group_that_is_served(cards: tuple[object, ...], serves: tuple[int, ...]) -> None:
    found = of(host(*cards, driver="580.65.06"))  # type: ignore[arg-type]
    assert found.serves == serves


def test_any_is_the_best_gpu() -> None:
    small = gpu(0, "nvidia", "a", "sm_61", memory=8)
    large = gpu(1, "nvidia", "b", "sm_120", memory=24)
    tiny = gpu(2, "nvidia", "c", "sm_86", memory=4)
    found = of(host(small, large, tiny, driver="580.65.06"), gpus="any")
    assert brief(found) == ("2.15.0", "cu132")
    assert found.serves == (1, 2)
    assert any("--gpu any" in warning.message for warning in found.warnings)
    old = of(host(small, large, driver="470.256.02"), gpus="any")
    assert old.serves == (0,)


def test_named_gpus_are_all_served_or_none() -> None:
    profile = host(N5090, N1080, driver="580.65.06")
    assert brief(of(profile, gpus="1")) == ("2.14.1", "cu126")
    assert brief(of(profile, gpus="0")) == ("2.15.0", "cu132")
    both = of(profile, gpus="0,1")
    assert both.outcome == "none"
    assert any("--gpu 1 (GTX 1080 Ti alone): torch 2.14.1" in r.message for r in both.reasons)


def test_what_must_be_served_is_not_a_matter_of_bounds_or_backends() -> None:
    profile = host(N3060, N1050, driver="580.65.06")
    assert of(profile, torch=">=2.15").outcome == "none"
    refused = of(profile, backend="cu130")
    assert refused.outcome == "none"
    assert any(
        (one.backend, one.torch, one.rule) == ("cu130", "2.15.0", "arch-kernels")
        and one.message == "no kernels for sm_61 (GPU 1, GTX 1050)"
        for one in of(profile).rejected
    )


TOOLKITS = [
    ("==2.14.1", "580.65.06", "cu130"),
    ("==2.14.1", "595.58.03", "cu132"),
    ("==2.14.1", "550.54.14", "cu126"),
    ("==2.12.1", "590.48.01", "cu130"),
    ("==2.12.1", "570.86.15", "cu126"),
    ("==2.12.1", "575.57.08", "cu129"),
    ("==2.10.0", "535.183.01", "cu126"),
    ("==2.10.0", "570.86.15", "cu128"),
    ("==2.5.1", "525.60.13", "cu118"),
    ("==2.5.1", "535.183.01", "cu121"),
    ("==2.5.1", "470.256.02", "cu118"),
]


@pytest.mark.parametrize(("torch", "driver", "backend"), TOOLKITS)
def test_of_one_release_the_toolkit_nearest_to_the_driver(
    torch: str, driver: str, backend: str
) -> None:
    assert of(nvidia("sm_86", driver=driver), torch=torch).backend == backend


def test_unknown_architectures_and_drivers_make_it_inferred() -> None:
    unknown = of(nvidia(None))
    assert (brief(unknown), unknown.confidence) == (("2.15.0", "cu132"), "inferred")
    assert [warning.code for warning in unknown.warnings] == ["arch-unknown"]
    undriven = of(nvidia("sm_86", driver=None))
    assert (brief(undriven), undriven.confidence) == (("2.15.0", "cu132"), "inferred")
    assert [warning.code for warning in undriven.warnings] == ["driver-unknown"]
    pascal = of(nvidia("sm_61", driver=None))
    assert brief(pascal) == ("2.14.1", "cu126")
    assert of(nvidia("sm_61")).confidence == "read"


def test_a_driver_newer_than_the_table() -> None:
    assert brief(of(nvidia("sm_120", driver="999.10"))) == ("2.15.0", "cu132")


def test_force() -> None:
    forced = of(nvidia("sm_61"), backend="cu130", force=True)
    assert brief(forced) == ("2.14.1", "cu130")
    assert forced.confidence == "inferred"
    (warning,) = [one for one in forced.warnings if one.code == "forced"]
    assert warning.message == "cu130 is forced: no kernels for sm_61 (GPU 0, card sm_61)"
    assert forced.serves == ()
    assert of(nvidia("sm_61"), backend="cu130").outcome == "none"
    assert brief(of(host(), backend="rocm7.2", force=True)) == ("2.14.1", "rocm7.2")
    assert of(nvidia("sm_61"), backend="cu130", force=True, python="3.8").outcome == "none"
    assert brief(of(nvidia("sm_61"), force=True)) == ("2.14.1", "cu126")
    fitting = of(nvidia("sm_61"), backend="cu126", force=True)
    assert not [one for one in fitting.warnings if one.code == "forced"]


def test_a_backend_without_host_facts_is_taken() -> None:
    found = of(None, backend="cu126", platform="linux-x86_64")
    assert brief(found) == ("2.14.1", "cu126")
    assert found.confidence == "inferred"
    assert of(None, backend="cu126").outcome == "none"
    assert brief(of(None, backend="cpu", platform="windows-amd64")) == ("2.15.0", "cpu")


def test_fallback() -> None:
    docker = host(container="docker")
    assert of(docker).outcome == "none"
    assert brief(of(docker, fallback="cpu")) == ("2.14.1", "cpu")
    assert of(nvidia("sm_86"), fallback="cpu").backend == "cu132"
    excluded = of(nvidia("sm_86", driver="390.157"), fallback="cpu")
    assert brief(excluded) == ("2.14.1", "cpu")
    assert of(nvidia("sm_86", driver="390.157")).outcome == "none"
    bound = of(nvidia("sm_120", driver="570.86"), torch="==2.6.0", fallback="cpu")
    assert brief(bound) == ("2.6.0", "cpu")
    beside = host(N5090, gpu(1, "amd", "XTX", "gfx1100"), driver="580.65.06")
    kept = of(beside, torch="==2.6.0", fallback="cpu")
    assert brief(kept) == ("2.6.0", "cpu")
    assert kept.leaves_out == (0, 1)
    told = [one.message for one in kept.warnings if one.code == "gpu-left-out"]
    assert [message.partition(": ")[2] for message in told] == ["the CPU build is taken"] * 2
    assert of(beside, torch="==2.6.0").outcome == "none"


def test_the_next_vendor_where_the_first_has_nothing_for_the_host() -> None:
    found = of(host(N3060, gpu(1, "amd", "XTX", "gfx1100"), driver="390.157"))
    assert brief(found) == ("2.14.1", "rocm7.2")
    bound = of(host(N3060, gpu(1, "amd", "XTX", "gfx1100"), driver="580.65.06"), torch="==2.99")
    assert bound.outcome == "none"
    assert bound.leaves_out == (0, 1)


def test_a_bound_never_leads_to_a_newer_torch() -> None:
    cards = (gpu(0, "nvidia", "a", "sm_70"), gpu(1, "nvidia", "b", "sm_100"))
    profile = host(*cards, driver="580.65.06")
    found = of(profile, torch=">=2.11")
    assert found.outcome == "none"
    assert any("--gpu 1 (b alone): torch 2.15.0" in reason.message for reason in found.reasons)


def test_nightly() -> None:
    found = of(nvidia("sm_86"), channel="nightly")
    assert found.channel == "nightly"
    assert found.backend == "cu130"
    assert found.index
    assert found.index.url == "https://download.pytorch.org/whl/nightly/cu130"
    assert found.torch
    assert found.torch.specifier.startswith(">=")
    assert found.confidence == "inferred"


@pytest.mark.parametrize("name", ["torchvision", "torchaudio"])
def test_no_wheel_beside_the_torch_of_an_old_jetson(name: str) -> None:
    orin = nvidia(
        "sm_87", driver=None, arch="aarch64", python="3.8.10", libc="2.31", jetson=("R35.4.1", "5")
    )
    found = of(orin, companions=(name,))
    assert found.outcome == "none"
    assert f"no wheel of {name} for JetPack 5 is established" in str(found.reasons)
    assert of(orin).torch is not None


def test_a_channel_without_builds_names_its_index() -> None:
    found = of(nvidia("sm_86"), channel="test")
    assert found.outcome == "none"
    assert found.reasons[0].rule == "channel"
    assert "https://download.pytorch.org/whl/test/cu130" in found.reasons[0].message
    own = of(nvidia("sm_61"), channel="test")
    assert own.reasons[0].message.endswith(": https://download.pytorch.org/whl/test/cu126")
    nowhere = of(host(libc="musl"), channel="test")
    assert nowhere.reasons[0].message == "no test build for linux-x86_64 is established"


@pytest.mark.parametrize(
    ("asked", "kind"),
    [
        ({"torch": "2.9"}, "invalid-specifier"),
        ({"python": "pypy"}, "invalid-python"),
        ({"platform": "amiga"}, "unknown-platform"),
        ({"backend": "cu999"}, "unknown-backend"),
        ({"gpus": "4"}, "unknown-gpu"),
        ({"companions": ("not a requirement",)}, "invalid-requirement"),
        ({"requires_python": "3"}, "invalid-specifier"),
    ],
)
def test_malformed_requests(asked: dict[str, object], kind: str) -> None:
    with pytest.raises(AccelselError) as caught:
        of(nvidia("sm_86"), **asked)
    assert (caught.value.code, caught.value.kind) == (2, kind)
    assert caught.value.help


def test_an_unknown_backend_is_answered_with_its_neighbours() -> None:
    with pytest.raises(AccelselError) as caught:
        of(host(), backend="cu12.6")
    assert caught.value.where == "--backend"
    assert caught.value.help
    assert "cu126" in caught.value.help
    with pytest.raises(AccelselError) as far:
        of(host(), backend="zzz")
    assert far.value.help == "accelsel rules show lists them"


def test_every_row_of_the_platform_is_chosen_or_told() -> None:
    found = of(nvidia("sm_61"))
    rows = [row for row in TABLES.builds if row.platform == "linux-x86_64"]
    stable = {(row.torch, row.backend) for row in rows if row.channel == "stable"}
    told = [(one.torch, one.backend) for one in found.rejected]
    assert len(told) == len(set(told)) == len(stable) - 1
    assert {*told, ("2.14.1", "cu126")} == stable
    by = {(one.torch, one.backend): one for one in found.rejected}
    older = by["2.13.0", "cu126"]
    assert older.rule == "newest-torch"
    assert older.message == "torch 2.14.1 with cu126 is newer and runs too"
    near = {(r.torch, r.backend): r for r in of(nvidia("sm_86"), torch="==2.14.1").rejected}
    assert near["2.14.1", "cu126"].rule == "nearest-toolkit"
    own = {(r.torch, r.backend): r for r in of(host(XTX)).rejected}
    assert own["2.14.0", "amd"].rule == "own-index"


def test_speed() -> None:
    profile = host(N3060, N1050, driver="580.65.06")
    taken = []
    for _ in range(15):
        start = time.process_time()
        of(profile)
        taken.append(time.process_time() - start)
    assert median(taken) < 0.05  # ten times the goal, in CPU time: the machine may be slow
