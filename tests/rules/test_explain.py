"""Texts that people paste into issues."""

from dataclasses import replace

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.rows import TABLES

from accelsel.model.errors import AccelselError
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules import RULES, select, why, why_not

PASCAL = host(gpu(0, "nvidia", "NVIDIA GeForce GTX 1080 Ti", "sm_61"), driver="580.65.06")


def chosen(profile: Profile | None, *, verbose: bool = False, **asked: object) -> str:
    request = Request(**asked)  # type: ignore[arg-type]
    return why(select(profile, request, TABLES), profile, TABLES, verbose=verbose)


def not_chosen(backend: str, profile: Profile | None, **asked: object) -> str:
    request = Request(**asked)  # type: ignore[arg-type]
    return why_not(backend, profile, request, TABLES, select(profile, request, TABLES))


def test_the_winner() -> None:
    assert chosen(PASCAL).splitlines()[:16] == [
        "torch 2.14.1 with cu126",
        "  for     linux-x86_64, Python 3.12",
        "  range   torch>=2.6,<2.15",
        "  index   https://download.pytorch.org/whl/cu126",
        "  serves  GPU 0: NVIDIA GeForce GTX 1080 Ti (sm_61)",
        f"  sure    read (rules of {TABLES.checked})",
        "",
        "why",
        "  the NVIDIA GPU decides  [policy]",
        "  GPU 0, GTX 1080 Ti (sm_61) runs its code for sm_60  [arch-kernels]",
        "  driver 580.65.06, CUDA 13.0: enough for CUDA 12 (driver 525.60.13)",
        "      [driver-floor]",
        "  2.14.1 is the newest torch that runs here; 2.15.0 is the newest known",
        "      [newest-torch]",
        "not chosen (accelsel why BACKEND tells more, -v all)",
        "  cu134     2.15.0  no kernels for sm_61 (GPU 0, GTX 1080 Ti)  [arch-kernels]",
    ]


MANY = host(
    *[gpu(n, "nvidia", f"NVIDIA GeForce RTX 40{n} with a long marketing name", "sm_89")
      for n in range(8)],
    gpu(8, "nvidia", "GT 710", "sm_35"), gpu(9, "amd", "RX 7900 XTX", "gfx1100"),
    driver="580.65.06", notes=("probe-incomplete: one of many did not answer in time",),
)  # fmt: skip


@pytest.mark.parametrize(
    ("profile", "request_"),
    [
        (PASCAL, Request()),
        (MANY, Request()),
        (MANY, Request(torch="<2.1")),
        (amd("gfx1031"), Request(companions=("torchvision", "torchaudio"))),
        (host(), Request()),
        (None, Request()),
        (host(container="docker"), Request()),
        (host(system="darwin", arch="arm64"), Request()),
        (host(gpu(0, "amd", "a", "gfx1100"), gpu(1, "amd", "b", "gfx1036", integrated=True)),
         Request()),
        (PASCAL, Request(backend="cu130", force=True)),
    ],
)  # fmt: skip
def test_it_fits_one_screen(profile: Profile | None, request_: Request) -> None:
    lines = why(select(profile, request_, TABLES), profile, TABLES).splitlines()
    assert len(lines) <= 23
    assert max(len(line) for line in lines) <= 80
    assert lines[-1]
    assert "why" in lines


def test_what_does_not_fit_is_counted() -> None:
    text = chosen(PASCAL)
    shown = [line for line in text.splitlines() if line.startswith("  cu")]
    (more,) = [line for line in text.splitlines() if line.startswith("  ... and ")]
    assert more.endswith(" more (-v)")
    assert int(more.split()[2]) >= 1
    assert shown


def test_extras_environment_and_warnings_are_shown() -> None:
    text = chosen(amd("gfx1031"))
    assert "torch[device-gfx1031]==2.14.0+rocm10.1.0" in text
    assert "warnings\n  GPU 0, card gfx1031 can also run as gfx1030" in text
    masked = host(gpu(0, "amd", "a", "gfx1100"), gpu(1, "amd", "b", "gfx1036", integrated=True))
    assert "  set     HIP_VISIBLE_DEVICES=0" in chosen(masked)
    mac = chosen(host(system="darwin", arch="arm64"))
    assert "  index " not in mac
    assert "  serves " not in mac


def test_gpus_of_a_kind_share_a_line() -> None:
    cards = [gpu(n, "nvidia", "NVIDIA H100", "sm_90") for n in range(3)]
    text = chosen(host(*cards, driver="580.65.06"))
    assert "  serves  GPU 0, 1, 2: NVIDIA H100 (sm_90)" in text


def test_nothing_chosen() -> None:
    lines = chosen(PASCAL, torch=">=2.15").splitlines()
    assert lines[0] == "no build of torch for this host (linux-x86_64, Python 3.12)"
    assert lines[2] == "why"
    assert "  with another bound on torch: torch 2.14.1 with cu126 runs  [requested-range]" in lines
    assert chosen(None).splitlines()[0] == "no build of torch for this host (None, any Python)"


def test_every_loser_by_its_rule() -> None:
    text = chosen(PASCAL, verbose=True)
    assert "arch-kernels: it has no code that a GPU to be served runs" in text
    assert "newest-torch: a newer torch runs too" in text
    assert "  cu126 2.14.0, 2.13.0, 2.12.1, 2.12.0, 2.11.0, 2.10.0, 2.9.1, 2.9.0, 2.8.0," in text
    heads = [line.partition(":")[0] for line in text.splitlines() if line and line[0] != " "]
    order = [rule.id for rule in RULES if rule.id in heads]
    assert [head for head in heads if head in order] == order
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "..." not in text
    offered = chosen(amd("gfx1031"), verbose=True)
    assert "\nwarnings\n" in offered


def test_every_build_is_in_the_long_form() -> None:
    text = chosen(PASCAL, verbose=True)
    found = select(PASCAL, Request(), TABLES)
    told = sum(line.count(", ") + 1 for line in text.splitlines() if line.startswith("  "))
    assert told >= len({(one.backend, one.message) for one in found.rejected})
    for one in found.rejected:
        assert f" {one.backend} " in text
        assert one.torch
        assert one.torch in text


def test_why_not_names_the_gpu_and_what_serves_it() -> None:
    assert not_chosen("cu130", PASCAL).splitlines() == [
        "cu130 was not chosen: torch 2.14.1 with cu126 was",
        "  nearest: torch 2.14.1",
        "    no kernels for sm_61 (GPU 0, GTX 1080 Ti)  [arch-kernels]",
        "  it would take: another GPU than GTX 1080 Ti",
        "  torch 2.15.0, 2.14.0, 2.13.0, 2.12.1, 2.12.0, 2.11.0, 2.10.0, 2.9.1, 2.9.0: no",
        "      kernels for sm_61 (GPU 0, GTX 1080 Ti)  [arch-kernels]",
        "  the newest torch that serves GPU 0, GTX 1080 Ti (sm_61): torch 2.14.1 with",
        "      cu126",
    ]


def test_why_not_for_a_driver() -> None:
    text = not_chosen("cu130", nvidia("sm_90", driver="525.60.13"))
    assert "it would take: driver 580.65.06 or newer" in text
    assert "the newest torch that serves" not in text


def test_why_not_for_another_vendor() -> None:
    text = not_chosen("rocm7.2", PASCAL)
    assert "    for AMD GPUs, and none is usable here  [vendor]" in text
    assert text.count("[vendor]") == 2


def test_why_not_for_a_build_that_runs() -> None:
    assert not_chosen("cu118", PASCAL) == (
        "cu118 was not chosen: torch 2.14.1 with cu126 was\n"
        "  it runs, up to torch 2.7.1; torch 2.14.1 with cu126 is newer and runs too\n"
        "      [newest-torch]\n"
        "  to take it all the same: --backend cu118"
    )
    near = not_chosen("cu126", nvidia("sm_86"), torch="==2.14.1")
    assert "torch 2.14.1 with cu130 is nearer to what the\n      driver reports" in near
    assert "[nearest-toolkit]" in near
    own = not_chosen("amd", amd("gfx1100"))
    assert "is on PyTorch's own\n      index and runs too" in own


def test_why_not_for_what_was_chosen() -> None:
    text = not_chosen("cu126", PASCAL)
    assert text.startswith("cu126 is the choice\n\ntorch 2.14.1 with cu126\n")


def test_why_not_for_a_platform_without_it() -> None:
    text = not_chosen("rocm7.2", host(system="windows"))
    assert text.splitlines()[1] == "  no wheel of it for windows-amd64  [platform-wheel]"


def test_why_not_for_what_is_not_established() -> None:
    text = not_chosen("amd", amd("gfx906"))
    assert "the newest torch that serves GPU 0, card gfx906 (gfx906): torch 2.9.1 with" in text
    assert "  not established: AMD's nightly index has torch[device-gfx906]" in text
    assert "(https://nightly.repo.amd.com/rocm/whl-next/)" in text
    unknown = not_chosen("rocm7.14", amd("gfx1100"))
    assert "the GPUs that it has code for are not established  [arch-list-unknown]" in unknown


def test_why_not_for_what_is_reported_to_run() -> None:
    orin = nvidia("sm_87", driver=None, cuda="13.2", arch="aarch64", jetson=("R39.2", "7"))
    text = not_chosen("cu130", orin)
    assert text.startswith("cu130 was not chosen: torch 2.15.0 with cu132 was\n")
    assert "  not established: on JetPack 7.2 the cu130 wheels of torch 2.11 to 2.13 are" in text


def test_why_not_tells_bounds_too() -> None:
    text = not_chosen("cu126", nvidia("sm_86"), torch="==2.5.1")
    assert "torch==2.5.1 was asked for  [requested-range]" in text
    assert "a bound on torch that admits 2.14.1" in text
    docker = not_chosen("cu126", host(container="docker"))
    assert docker.startswith(
        "cu126 was not chosen: no build was\n  inside a container no GPU is to be seen, and "
    )


def test_why_not_looks_beyond_the_bounds_for_what_serves_a_gpu() -> None:
    text = " ".join(not_chosen("cu130", PASCAL, torch=">=2.15").split())
    serves = "the newest torch that serves GPU 0, GTX 1080 Ti (sm_61): "
    assert f"{serves}torch 2.14.1 with cu126, outside torch>=2.15" in text
    within = " ".join(not_chosen("cu130", PASCAL, torch=">=2.6").split())
    assert within.endswith(f"{serves}torch 2.14.1 with cu126")


THREE = host(
    gpu(0, "nvidia", "NVIDIA GeForce RTX 3060", "sm_86"),
    gpu(1, "amd", "AMD Radeon RX 7900 XTX", "gfx1100"),
    gpu(2, "intel", "Intel Arc A580", "xe-hpg"),
    driver="580.65.06",
)
OLD = host(
    gpu(0, "nvidia", "NVIDIA GeForce GT 710", "sm_35"),
    gpu(1, "amd", "AMD Radeon RX 7900 XTX", "gfx1100"),
    driver="470.256.02",
)
BLOCKED = host(
    gpu(0, "nvidia", "NVIDIA GeForce RTX 3060", "sm_86", usable=False, note="nouveau drives it"),
    gpu(1, "intel", "Intel UHD 770", "xe-lp", integrated=True),
)
NAMED = "  it is taken where it is named, up to torch 2.14.1\n"


@pytest.mark.parametrize(
    ("backend", "profile", "asked", "expected"),
    [
        ("rocm7.2", THREE, {},
         ("  it runs on GPU 1, Radeon RX 7900 XTX, up to torch 2.14.1; the NVIDIA GPU\n"
         "      decides, before AMD and Intel  [policy]\n"
         "  to take it all the same: --backend rocm7.2, or --gpu 1")),
        ("cu132", THREE, {"gpus": "1"}, "    for NVIDIA GPUs, and another choice was made"),
        ("cu132", THREE, {"gpus": "0,1"},
         ("  it runs on GPU 0, RTX 3060, up to torch 2.15.0\n"
         "  to take it all the same: --backend cu132")),
        ("cu118", OLD, {},
         ("    no kernels for sm_35 (GPU 0, GT 710)  [arch-kernels]\n"
         "  it would take: another GPU than GT 710\n")),
        ("cu118", OLD, {}, "serves GPU 0, GT 710 (sm_35): none on this host"),
        ("cu118", nvidia("sm_35", driver="470.256.02"), {},
         "serves GPU 0, card sm_35 (sm_35): none on this host"),
        ("rocm7.2", amd("gfx1300"), {}, "    no kernels for gfx1300 (GPU 0, card gfx1300)"),
        ("xpu", BLOCKED, {}, "    no kernels for xe-lp (GPU 1, UHD 770)  [arch-kernels]"),
        ("cu126", BLOCKED, {}, "    for NVIDIA GPUs, and none is usable here  [vendor]"),
        ("cu118", nvidia("sm_120"), {"torch": "==2.5.1", "fallback": "cpu"},
         "    no kernels for sm_120 (GPU 0, card sm_120)  [arch-kernels]"),
        ("cu126", host(container="docker"), {},
         f"{NAMED}  to take it all the same: --backend cu126"),
        ("cpu", host(container="docker"), {}, f"{NAMED}  to take it all the same: --backend cpu"),
        ("cu130", host(container="docker", environment={"CUDA_VERSION": "12.6.3"}), {},
         "    newer than the CUDA 12 of the base image  [driver-floor]"),
        ("xpu", host(gpu(0, "intel", "Intel GPU", None, pci_id="8086:ffff")), {},
         "among the GPUs that it supports  [policy]\n  to take it all the same: --backend xpu"),
        ("xpu", host(gpu(0, "intel", "Intel GPU", None, pci_id="8086:ffff")), {},
         "  it may run on GPU 0, GPU, up to torch 2.14.1; PyTorch does not name GPU 0, GPU\n"),
        ("cu126", nvidia("sm_61"), {"channel": "nightly"},
         ("  it may run on GPU 0, card sm_61, up to torch 2.15.0.dev0\n"
         "  to take it all the same: --backend cu126")),
        ("rocm7.1", amd("gfx906"), {"torch": "==2.10.*"},
         "      [broken-combination]\n  torch 2.13.0, 2.12.1, 2.12.0, 2.11.0: lists gfx906"),
    ],
)  # fmt: skip
def test_why_not_is_asked_of_the_gpus_that_a_backend_is_for(
    backend: str, profile: Profile, asked: dict[str, object], expected: str
) -> None:
    text = not_chosen(backend, profile, **asked)
    assert expected in text
    if "for NVIDIA GPUs, and another" not in expected:
        assert "another choice was made" not in text


def test_why_not_for_a_translated_python_names_the_ways() -> None:
    mac = host(gpu(0, "apple", "M2", None), system="darwin", arch="x86_64", version="15.3")
    text = not_chosen("default", mac)
    assert "nearest" not in text
    assert "or take what ends with torch 2.2.2: --platform macos-x86_64" in text


def test_an_architecture_that_is_not_known_is_told_so() -> None:
    assert "  serves  GPU 0: card None (architecture not known)" in chosen(nvidia(None))
    lost = not_chosen("amd", amd(None, system="windows"))
    assert "serves GPU 0, card None (architecture not known): none" in lost


def test_an_unknown_backend() -> None:
    with pytest.raises(AccelselError) as caught:
        not_chosen("cu999", PASCAL)
    assert (caught.value.code, caught.value.kind) == (2, "unknown-backend")
    assert caught.value.message == "there is no backend 'cu999' in the rules table"
    assert caught.value.help == "accelsel rules show lists them"


KEPT = {
    ("2.14.1", "cu126"), ("2.13.0", "cu126"), ("2.12.1", "cu126"), ("2.14.1", "cu130"),
    ("2.15.0", "cu130"), ("2.14.1", "cu132"), ("2.14.1", "rocm7.2"), ("2.14.1", "cpu"),
    ("2.7.1", "cu118"),
}  # fmt: skip
FEW = replace(
    TABLES,
    checked="2026-11-20",
    builds=tuple(
        row
        for row in TABLES.builds
        if row.platform == "linux-x86_64" and (row.torch, row.backend) in KEPT
    ),
)
LAPTOP = host(
    gpu(0, "nvidia", "NVIDIA GeForce GTX 1080 Ti", "sm_61"),
    gpu(1, "intel", "UHD", "gen9", integrated=True),
    driver="580.65.06",
)
WINNER = """\
torch 2.14.1 with cu126
  for     linux-x86_64, Python 3.12
  range   torch>=2.12.1,<2.15
  index   https://download.pytorch.org/whl/cu126
  serves  GPU 0: NVIDIA GeForce GTX 1080 Ti (sm_61)
  sure    read (rules of 2026-11-20)

why
  the NVIDIA GPU decides  [policy]
  GPU 0, GTX 1080 Ti (sm_61) runs its code for sm_60  [arch-kernels]
  driver 580.65.06, CUDA 13.0: enough for CUDA 12 (driver 525.60.13)
      [driver-floor]
  2.14.1 is the newest torch that runs here; 2.15.0 is the newest known
      [newest-torch]
warnings
  GPU 1, UHD is left out: no build in the table has ever had code for gen9
not chosen (accelsel why BACKEND tells more, -v all)
  cu130     2.15.0  no kernels for sm_61 (GPU 0, GTX 1080 Ti)  [arch-kernels]
  cu132     2.14.1  no kernels for sm_61 (GPU 0, GTX 1080 Ti)  [arch-kernels]
  cpu       2.14.1  without GPU support, and there is a GPU to serve  [policy]
  cu118     2.7.1   torch 2.14.1 with cu126 is newer and runs too  [newest-to..."""
WINNER_LONG = """\
torch 2.14.1 with cu126
  for     linux-x86_64, Python 3.12
  range   torch>=2.12.1,<2.15
  index   https://download.pytorch.org/whl/cu126
  serves  GPU 0: NVIDIA GeForce GTX 1080 Ti (sm_61)
  sure    read (rules of 2026-11-20)

why
  the NVIDIA GPU decides  [policy]
  GPU 0, GTX 1080 Ti (sm_61) runs its code for sm_60  [arch-kernels]
  driver 580.65.06, CUDA 13.0: enough for CUDA 12 (driver 525.60.13)
      [driver-floor]
  2.14.1 is the newest torch that runs here; 2.15.0 is the newest known
      [newest-torch]

warnings
  GPU 1, UHD is left out: no build in the table has ever had code for gen9

vendor: it is made for another vendor's GPUs
  rocm7.2 2.14.1: for AMD GPUs, and none is usable here

arch-kernels: it has no code that a GPU to be served runs
  cu130 2.15.0, 2.14.1: no kernels for sm_61 (GPU 0, GTX 1080 Ti)
  cu132 2.14.1: no kernels for sm_61 (GPU 0, GTX 1080 Ti)

policy: it would leave a GPU unused
  cpu 2.14.1: without GPU support, and there is a GPU to serve

newest-torch: a newer torch runs too
  cu126 2.13.0, 2.12.1: torch 2.14.1 with cu126 is newer and runs too
  cu118 2.7.1: torch 2.14.1 with cu126 is newer and runs too"""
NONE_LONG = """\
no build of torch for this host (linux-x86_64, Python 3.12)

why
  inside a container no GPU is to be seen, and nothing tells what will run it
      [policy]
  name the driver and the GPU: ACCELSEL_CUDA_DRIVER=580.65.06
      ACCELSEL_GPU_ARCH=sm_86  [policy]
  use a profile of the machine that will run it: accelsel detect there,
      --profile here  [policy]
  name the backend: --backend cu126  [policy]
  take the CPU build: --fallback cpu  [policy]

usable-gpu: the GPU has no usable driver
  cu130 2.15.0, 2.14.1: nothing is known of the GPU that would run it
  cpu 2.14.1: nothing is known of the GPU that would run it
  cu126 2.14.1, 2.13.0, 2.12.1: nothing is known of the GPU that would run it
  cu132 2.14.1: nothing is known of the GPU that would run it
  rocm7.2 2.14.1: nothing is known of the GPU that would run it
  cu118 2.7.1: nothing is known of the GPU that would run it"""
NOT_ROCM = """\
rocm7.2 was not chosen: torch 2.14.1 with cu126 was
  nearest: torch 2.14.1
    for AMD GPUs, and none is usable here  [vendor]
  it would take: a usable AMD GPU"""
NOT_CPU = """\
cpu was not chosen: torch 2.14.1 with cu126 was
  nearest: torch 2.14.1
    without GPU support, and there is a GPU to serve  [policy]
  it would take: --backend cpu"""


@pytest.mark.parametrize(
    ("profile", "verbose", "expected"),
    [
        (LAPTOP, False, WINNER),
        (LAPTOP, True, WINNER_LONG),
        (host(container="docker"), True, NONE_LONG),
        (host(container="docker"), False, NONE_LONG.partition("\n\nusable-gpu")[0]),
    ],
    ids=["winner", "winner at length", "none at length", "none"],
)
def test_screens(profile: Profile, expected: str, *, verbose: bool) -> None:
    assert why(select(profile, Request(), FEW), profile, FEW, verbose=verbose) == expected


@pytest.mark.parametrize(("backend", "expected"), [("rocm7.2", NOT_ROCM), ("cpu", NOT_CPU)])
def test_screens_of_losers(backend: str, expected: str) -> None:
    found = select(LAPTOP, Request(), FEW)
    assert why_not(backend, LAPTOP, Request(), FEW, found) == expected


def test_a_request_for_a_backend_or_force_is_no_part_of_why_not() -> None:
    asked = Request(backend="cu118", force=True)
    text = why_not("cu130", LAPTOP, asked, FEW, select(LAPTOP, asked, FEW))
    assert text.startswith("cu130 was not chosen: torch 2.7.1 with cu118 was\n  nearest: ")
    assert text.endswith("GTX 1080 Ti (sm_61): torch 2.14.1 with\n      cu126")


def test_each_gpu_without_kernels_is_told_of() -> None:
    cards = (
        gpu(0, "nvidia", "A", "sm_86"),
        gpu(1, "nvidia", "B", "sm_61"),
        gpu(2, "nvidia", "C", "sm_50"),
    )
    text = not_chosen("cu130", host(*cards, driver="580.65.06"))
    told = [line.strip() for line in text.splitlines() if "newest torch that serves" in line]
    assert [line.partition(" serves ")[2][:8] for line in told] == ["GPU 1, B", "GPU 2, C"]


def test_two_changes_are_told_in_one_line() -> None:
    text = not_chosen("cu132", nvidia("sm_61", driver="535.1"))
    assert "it would take: another GPU than card sm_61; driver 580.65.06 or newer" in text
    held = not_chosen("cu132", nvidia("sm_86"), torch="<2.13")
    assert held.startswith("cu132 was not chosen: torch 2.12.1 with cu130 was")


def test_gpus_of_two_kinds_share_the_line() -> None:
    cards = (gpu(0, "nvidia", "A", "sm_86"), gpu(1, "nvidia", "B", "sm_90"))
    assert "  serves  GPU 0: A (sm_86); GPU 1: B (sm_90)" in chosen(host(*cards, driver="580.65"))
    two = chosen(amd("gfx1031", "gfx1032"))
    assert "torch[device-gfx1031,device-gfx1032]==" in two
    assert chosen(None, backend="cpu", platform="linux-x86_64").startswith("torch 2.14.1 with cpu")


def test_what_the_screen_has_no_room_for_is_counted() -> None:
    names = [f"a card with a very long marketing name, number {n}" for n in range(12)]
    cards = [gpu(n, "nvidia", name, "sm_86") for n, name in enumerate(names)]
    lines = chosen(host(*cards, driver="580.65.06")).splitlines()
    assert len(lines) == 23
    assert lines[lines.index("why") + 10] == "  ... and 10 more (-v)"
    assert lines[-1] == "  ... and 7 more (-v)"


def test_why_not_looks_beyond_what_was_asked_for() -> None:
    asked = Request(backend="cu118", force=True, gpus="all")
    text = why_not("cu126", LAPTOP, asked, FEW, select(LAPTOP, asked, FEW))
    assert text == (
        "cu126 was not chosen: torch 2.7.1 with cu118 was\n"
        "  torch 2.14.1 with it runs, and another backend was asked for\n"
        "      [requested-backend]"
    )
