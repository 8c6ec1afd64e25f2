"""Who decides, over described hosts."""

from dataclasses import replace

import pytest
from tests.rules.hosts import amd, gpu, host, nvidia
from tests.rules.rows import TABLES

from accelsel.model.errors import AccelselError
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules import select
from accelsel.rules.host import read_host
from accelsel.rules.policy import WAYS, Aims, Standing, aims, standing

CARD = gpu(0, "nvidia", "card", "sm_86")


def of(profile: Profile | None, request: Request | None = None) -> Aims:
    request = request or Request()
    return aims(profile, read_host(profile, request, TABLES), request, TABLES)


def told(found: Aims) -> str:
    return "\n".join(cause.message for cause in found.causes)


@pytest.mark.parametrize(
    ("profile", "expected"),
    [
        (nvidia("sm_86"), "served"),
        (nvidia("sm_61"), "served"),
        (nvidia("sm_37"), "served"),
        (nvidia("sm_87"), "served"),
        (nvidia("sm_107"), "served"),
        (nvidia("sm_130"), "served"),  # by PTX of an older build
        (nvidia("sm_35"), "never"),
        (nvidia("sm_21"), "never"),
        (nvidia(None), "unknown"),
        (amd("gfx1100"), "served"),
        (amd("gfx906"), "served"),
        (amd("gfx1103"), "served"),
        (amd("gfx1033"), "never"),
        (amd("gfx803"), "never"),
        (amd("gfx90c"), "never"),
        (amd("gfx1300"), "newer"),
        (amd(None), "unknown"),
        (host(gpu(0, "intel", "Arc", "xe-hpg")), "served"),
        (host(gpu(0, "intel", "Arc", "xe-hpg", pci_id="8086:56c0")), "served"),
        (host(gpu(0, "intel", "UHD", "gen9", pci_id="8086:3e92")), "never"),
        (host(gpu(0, "intel", "UHD", None, pci_id="8086:3e92")), "never"),
        (host(gpu(0, "intel", "UHD", "xe-lp")), "never"),
        (host(gpu(0, "intel", "next", "xe4")), "newer"),
        (host(gpu(0, "apple", "M2", "apple-m2"), arch="aarch64"), "never"),
    ],
    ids=lambda value: value.gpus[0].arch if isinstance(value, Profile) else value,
)
def test_standing(profile: Profile, expected: Standing) -> None:
    (target,) = read_host(profile, Request(), TABLES).targets
    assert standing(target, TABLES) == expected


def test_a_build_that_is_not_established_serves_nobody() -> None:
    (target,) = read_host(nvidia("sm_86"), Request(), TABLES).targets
    rows = tuple(replace(row, published=None) for row in TABLES.builds)
    assert standing(target, replace(TABLES, builds=rows)) == "newer"


def test_cpu_on_a_bare_host_without_gpu() -> None:
    (aim,) = of(host()).aims
    assert (aim.vendor, aim.required, aim.reason.rule) == (None, (), "policy")
    assert aim.reason.message == "this host has no GPU"


def test_cpu_where_no_build_ever_served_the_gpus() -> None:
    (aim,) = of(amd("gfx803")).aims
    assert aim.vendor is None
    (warning,) = aim.warnings
    assert warning.code == "gpu-never-served"
    assert "GPU 0, card gfx803 (gfx803)" in warning.message
    unusable = host(gpu(0, "nvidia", "GT 710", "sm_35", usable=False))
    assert of(unusable).aims[0].vendor is None
    both = host(gpu(0, "nvidia", "old", "sm_35"), gpu(1, "intel", "UHD", "gen9"))
    assert "old" in of(both).aims[0].warnings[0].message
    assert "UHD" in of(both).aims[0].warnings[0].message


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (host(container="docker"), "inside a container no GPU is to be seen"),
        (None, "there is no profile"),
        (host(driver="580.65.06", state="driver-without-gpu"), "shows no GPU (not passed in"),
        (host(state="gpu-without-driver"), "a GPU is present and has no usable driver"),
        (host(state="driver-mismatch"), "differ in version"),
        (host(state="driver-without-gpu"), "a driver answers and shows no GPU"),
    ],
)
def test_nothing_to_go_by(profile: Profile | None, words: str) -> None:
    found = of(profile)
    assert not found.aims
    assert words in found.causes[0].message
    assert tuple(cause.message for cause in found.causes[1:]) == WAYS
    assert len(of(profile, Request(fallback="cpu")).aims) == 1


@pytest.mark.parametrize(
    ("profile", "words"),
    [
        (
            host(replace(CARD, usable=False, note="nouveau is bound to it")),
            "nouveau is bound to it",
        ),
        (host(replace(CARD, usable=False)), "no working driver answers for it"),
        (host(replace(CARD, usable=False), state="driver-mismatch"), "of different versions"),
    ],
)
def test_a_gpu_without_a_working_driver(profile: Profile, words: str) -> None:
    found = of(profile)
    assert not found.aims
    assert {cause.rule for cause in found.causes} == {"usable-gpu"}
    assert words in found.causes[0].message
    assert "GPU 0, card is present and not usable" in found.causes[0].message
    assert "--fallback cpu" in found.causes[-1].message
    assert ("reboot" in found.causes[-1].message) is (profile.state == "driver-mismatch")
    (aim,) = of(profile, Request(fallback="cpu")).aims
    assert (aim.vendor, aim.reason.message) == (None, "--fallback cpu allows it")


def test_a_usable_gpu_that_nothing_serves_does_not_stand_in_for_one_without_driver() -> None:
    found = of(host(gpu(0, "intel", "UHD", "gen9"), replace(CARD, index=1, usable=False)))
    assert not found.aims
    assert "GPU 1, card" in told(found)


def test_a_gpu_newer_than_the_table() -> None:
    found = of(amd("gfx1300"))
    assert not found.aims
    assert found.causes[0].rule == "arch-kernels"
    assert "accelsel rules refresh" in told(found)
    beside = of(amd("gfx1300", "gfx1100"))
    assert [target.arch for target in beside.aims[0].required] == ["gfx1100"]
    ((left, why),) = beside.left_out
    assert (left.arch, why) == ("gfx1300", "gfx1300 is newer than every build in the table")


def test_a_jetson_is_never_given_the_cpu_build() -> None:
    nano = host(gpu(0, "nvidia", "TX2", "sm_35"), arch="aarch64", jetson=("R32.7", "4"))
    found = of(nano)
    assert not found.aims
    assert {cause.rule for cause in found.causes} == {"jetpack"}
    assert "TX2 (sm_35) with JetPack 4" in told(found)
    bare = host(gpu(0, "nvidia", "?", "sm_35", usable=False), arch="aarch64", jetson=(None, None))
    assert "this Jetson with its JetPack" in told(of(bare))


def test_old_gpus_do_not_decide() -> None:
    cards = (gpu(0, "nvidia", "GT 710", "sm_35"), gpu(1, "amd", "RX 7900", "gfx1100"))
    found = of(host(*cards, driver="470.256.02"))
    assert [aim.vendor for aim in found.aims] == ["amd"]
    ((left, why),) = found.left_out
    assert (left.index, why) == (0, "no build in the table has ever had code for sm_35")


N = gpu(0, "nvidia", "n", "sm_86")
A = gpu(1, "amd", "a", "gfx1100")
I = gpu(2, "intel", "i", "xe-hpg")  # noqa: E741


@pytest.mark.parametrize(
    ("cards", "vendors", "expected"),
    [
        ((I, A, N), (), ["nvidia", "amd", "intel"]),
        ((I, A, N), ("intel",), ["intel", "nvidia", "amd"]),
        ((I, A, N), ("amd", "intel"), ["amd", "intel", "nvidia"]),
        ((replace(N, integrated=True), A), (), ["amd", "nvidia"]),
        ((replace(N, integrated=True), A), ("nvidia",), ["nvidia", "amd"]),
        ((replace(A, integrated=True), I), (), ["intel", "amd"]),
        ((replace(A, integrated=True), replace(I, integrated=True)), (), ["amd", "intel"]),
        ((replace(N, integrated=None), I), (), ["nvidia", "intel"]),
        ((replace(I, usable=False), A), (), ["amd"]),
    ],
)
def test_order_of_vendors(
    cards: tuple[object, ...], vendors: tuple[str, ...], expected: list[str]
) -> None:
    found = of(host(*cards, driver="580.65.06"), Request(vendors=vendors))  # type: ignore[arg-type]
    assert [aim.vendor for aim in found.aims] == expected


def test_the_reason_names_who_stands_back() -> None:
    found = of(host(N, A, I, driver="580.65.06"))
    assert found.aims[0].reason.message == "the NVIDIA GPU decides, before AMD and Intel"
    assert of(host(N)).aims[0].reason.message == "the NVIDIA GPU decides"


def test_an_integrated_gpu_beside_a_discrete_one_is_optional() -> None:
    inner = gpu(3, "amd", "iGPU", "gfx1036", integrated=True)
    (aim,) = of(host(A, inner)).aims
    assert ([t.index for t in aim.required], [t.index for t in aim.optional]) == ([1], [3])
    (alone,) = of(host(inner)).aims
    assert ([t.index for t in alone.required], alone.optional) == ([3], ())
    (asked,) = of(host(A, inner), Request(gpus="1,3")).aims
    assert ([t.index for t in asked.required], asked.optional) == ([1, 3], ())


def test_gpus_that_were_asked_for() -> None:
    profile = host(N, A, driver="580.65.06")
    assert [aim.vendor for aim in of(profile, Request(gpus="1")).aims] == ["amd"]
    assert [aim.vendor for aim in of(profile, Request(gpus=" 0 ")).aims] == ["nvidia"]
    mixed = of(profile, Request(gpus="0,1"))
    assert not mixed.aims
    assert [(cause.rule, cause.message) for cause in mixed.causes] == [
        ("policy", "one build cannot serve GPUs of several vendors"),
        ("policy", "name GPUs of one vendor with --gpu"),
    ]


@pytest.mark.parametrize("text", ["7", "x", "", "0,9", "-1"])
def test_gpus_that_do_not_exist(text: str) -> None:
    with pytest.raises(AccelselError) as caught:
        of(host(N, A), Request(gpus=text))
    assert (caught.value.code, caught.value.kind) == (2, "unknown-gpu")
    assert caught.value.where == "--gpu"
    assert caught.value.help
    assert caught.value.help.endswith("out of 0, 1")
    with pytest.raises(AccelselError, match="no GPU") as empty:
        of(host(), Request(gpus="0"))
    assert empty.value.help == "this host shows no GPU"


def test_an_unusable_gpu_may_be_asked_for_and_is_told() -> None:
    profile = host(N, replace(A, usable=False, note="no permission"))
    found = of(profile, Request(gpus="1"))
    assert not found.aims
    assert "no permission" in told(found)


def test_a_backend_that_was_asked_for() -> None:
    profile = host(N, A, driver="580.65.06")
    (aim,) = of(profile, Request(backend="rocm7.2")).aims
    assert aim.vendor == "amd"
    (cpu,) = of(profile, Request(backend="cpu")).aims
    assert (cpu.vendor, cpu.reason.rule) == (None, "requested-backend")
    (none,) = of(host(), Request(backend="cu126")).aims
    assert (none.vendor, none.reason.rule) == (None, "vendor")
    (old,) = of(nvidia("sm_35"), Request(backend="cu118")).aims
    assert (old.vendor, old.required[0].arch) == ("nvidia", "sm_35")
    (newest,) = of(nvidia("sm_35", "sm_86"), Request(backend="cu118")).aims
    assert [target.arch for target in newest.required] == ["sm_86"]
    broken = host(replace(N, usable=False))
    assert not of(broken, Request(backend="cu126")).aims
    assert of(broken, Request(backend="cu126", force=True)).aims
    other = host(replace(A, usable=False))
    assert of(other, Request(backend="cu126")).aims[0].reason.rule == "vendor"


@pytest.mark.parametrize("profile", [None, host(container="docker")])
def test_a_backend_without_any_host_facts(profile: Profile | None) -> None:
    (aim,) = of(profile, Request(backend="cu126", platform="linux-x86_64")).aims
    (target,) = aim.required
    assert (aim.vendor, target.index, target.arch) == ("nvidia", None, None)
    assert target.label == "the NVIDIA GPU that will run it"
    assert (aim.reason.rule, aim.reason.message) == ("policy", "no GPU was looked at")
    (amd_aim,) = of(profile, Request(backend="rocm7.2", platform="linux-x86_64")).aims
    assert amd_aim.vendor == "amd"


def test_a_declared_driver() -> None:
    profile = host(driver="570.86", driver_source="env:ACCELSEL_CUDA_DRIVER", container="docker")
    (aim,) = of(profile).aims
    assert aim.required[0].index is None
    assert aim.driver
    assert aim.driver.version == (570, 86)
    assert aim.reason.message == ("driver 570.86, CUDA 12.8 is declared (ACCELSEL_CUDA_DRIVER)")
    bare = host(driver="570.86", driver_source="env:X", state="driver-without-gpu")
    assert of(bare).aims[0].vendor == "nvidia"


REQUIRE = "cuda>=12.0 brand=tesla,driver>=470,driver<471 brand=tesla,driver>=515,driver<516"


@pytest.mark.parametrize(
    ("environment", "vendor", "cuda", "ceiling"),
    [
        ({"CUDA_VERSION": "12.4.1"}, "nvidia", (12, 4), 12),
        ({"CUDA_VERSION": "12.4.1", "NVIDIA_REQUIRE_CUDA": REQUIRE}, "nvidia", (12, 0), 12),
        ({"NVIDIA_REQUIRE_CUDA": REQUIRE}, "nvidia", (12, 0), None),
        ({"CUDA_VERSION": "13.0.1", "NVIDIA_REQUIRE_CUDA": "cuda>=13.0,driver>=580"}, "nvidia",
         (13, 0), 13),
        ({"NVIDIA_REQUIRE_CUDA": "cuda>=12.8 cuda>=12.2"}, "nvidia", (12, 2), None),
        ({"NVIDIA_REQUIRE_CUDA": "brand=tesla", "CUDA_VERSION": "11.8.0"}, "nvidia", (11, 8), 11),
        ({"ROCM_VERSION": "7.2.0"}, "amd", None, 7),
    ],
)  # fmt: skip
def test_the_base_image_is_evidence(
    environment: dict[str, str], vendor: str, cuda: tuple[int, ...] | None, ceiling: int | None
) -> None:
    (aim,) = of(host(container="docker", environment=environment)).aims
    assert (aim.vendor, aim.ceiling) == (vendor, ceiling)
    assert (aim.driver.cuda if aim.driver else None) == cuda
    assert aim.required[0].index is None
    if aim.driver:
        assert aim.driver.text == f"base image, CUDA {cuda[0]}.{cuda[1]}" if cuda else ""
        assert aim.driver.version is None
        assert "base image is made for drivers of CUDA" in aim.reason.message
    else:
        assert aim.reason.message == "the base image is made for ROCm 7.2.0"


def test_a_driver_that_answers_in_a_container_is_better_evidence_than_its_image() -> None:
    profile = host(
        container="docker", driver="550.54", state="driver-without-gpu",
        environment={"CUDA_VERSION": "12.8.0"},
    )  # fmt: skip
    (aim,) = of(profile).aims
    assert aim.driver
    assert (aim.driver.cuda, aim.ceiling) == ((12, 4), 12)
    assert "answers without a GPU" in aim.reason.message


@pytest.mark.parametrize("environment", [{}, {"CUDA_VERSION": ""}, {"ROCM_VERSION": "x"}])
def test_an_image_that_tells_nothing(environment: dict[str, str]) -> None:
    assert not of(host(container="docker", environment=environment)).aims


def test_images_are_no_evidence_outside_containers() -> None:
    (aim,) = of(host(environment={"CUDA_VERSION": "12.4.1"})).aims
    assert aim.vendor is None


def test_macos() -> None:
    (aim,) = of(host(gpu(0, "apple", "M3", "apple-m3"), system="darwin", arch="arm64")).aims
    assert (aim.vendor, [t.index for t in aim.required]) == ("apple", [0])
    assert "MPS" in aim.reason.message
    (intel,) = of(host(A, system="darwin", arch="x86_64")).aims
    assert (intel.vendor, intel.required) == ("apple", ())


def test_a_translated_python_on_apple_silicon() -> None:
    profile = host(gpu(0, "apple", "M3", None), system="darwin", arch="x86_64")
    found = of(profile)
    assert not found.aims
    assert "Rosetta" in told(found)
    assert "macos-aarch64" in told(found)
    assert of(profile, Request(platform="macos-x86_64")).aims


def test_fallback_stands_behind_the_gpus() -> None:
    found = of(nvidia("sm_86"), Request(fallback="cpu"))
    assert [aim.vendor for aim in found.aims] == ["nvidia", None]
    assert len(of(host(), Request(fallback="cpu")).aims) == 1


WAYS_TOLD = [
    (
        "policy",
        "name the driver and the GPU: ACCELSEL_CUDA_DRIVER=580.65.06 ACCELSEL_GPU_ARCH=sm_86",
    ),
    (
        "policy",
        "use a profile of the machine that will run it: accelsel detect there, --profile here",
    ),
    ("policy", "name the backend: --backend cu126"),
    ("policy", "take the CPU build: --fallback cpu"),
]
NOTHING = {
    "a container": (
        host(container="docker"),
        ("policy", "inside a container no GPU is to be seen, and nothing tells what will run it"),
    ),
    "no profile": (None, ("policy", "there is no profile to choose for")),
    "a driver alone": (
        host(driver="580.65.06", state="driver-without-gpu"),
        ("usable-gpu",
         "an NVIDIA driver answers and shows no GPU (not passed in, masked, or fallen off)"),
    ),
    "a GPU without driver": (
        host(state="gpu-without-driver"),
        ("usable-gpu", "a GPU is present and has no usable driver"),
    ),
    "a mismatch": (
        host(state="driver-mismatch"),
        ("usable-gpu", "the driver's library and its kernel module differ in version"),
    ),
    "another driver alone": (
        host(state="driver-without-gpu"), ("usable-gpu", "a driver answers and shows no GPU"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("profile", "first"), NOTHING.values(), ids=NOTHING)
def test_nothing_to_go_by_in_full(profile: Profile | None, first: tuple[str, str]) -> None:
    causes = [(cause.rule, cause.message) for cause in of(profile).causes]
    assert causes == [first, *WAYS_TOLD]


LOST = replace(CARD, usable=False)
DRIVERLESS = "GPU 0, card is present and not usable"
CPU_WAY = "; or take the CPU build with --fallback cpu"
NEWER = (
    "GPU 0, card gfx1300 (gfx1300) is newer than every build in the table: look for newer rows "
    "with accelsel rules refresh, or take the CPU build with --fallback cpu"
)
OWN_WHEELS = "NVIDIA's own wheels for {} do, where it has them; the CPU build needs --fallback cpu"
NO_JETSON = "no build in the table serves {} with {}"
CAUSES = {
    "a note": (
        host(replace(LOST, note="nouveau is bound to it")),
        "usable-gpu",
        [f"{DRIVERLESS}: nouveau is bound to it", f"install or repair the GPU's driver{CPU_WAY}"],
    ),
    "no note": (
        host(LOST),
        "usable-gpu",
        [
            f"{DRIVERLESS}: no working driver answers for it",
            f"install or repair the GPU's driver{CPU_WAY}",
        ],
    ),
    "a mismatch": (
        host(LOST, state="driver-mismatch"),
        "usable-gpu",
        [
            f"{DRIVERLESS}: the driver's library and its kernel module are of different versions",
            f"load the matching kernel module, usually by a reboot{CPU_WAY}",
        ],
    ),
    "newer than the table": (amd("gfx1300"), "arch-kernels", [NEWER]),
    "two on a Jetson": (
        host(
            gpu(0, "nvidia", "TX2", "sm_35"),
            gpu(1, "nvidia", "TX1", "sm_21"),
            arch="aarch64",
            jetson=("R32.7", "4"),
        ),
        "jetpack",
        [
            NO_JETSON.format("GPU 0, TX2 (sm_35), GPU 1, TX1 (sm_21)", "JetPack 4"),
            OWN_WHEELS.format("JetPack 4"),
        ],
    ),
    "a Jetson without driver": (
        host(gpu(0, "nvidia", "?", "sm_35", usable=False), arch="aarch64", jetson=(None, None)),
        "jetpack",
        [NO_JETSON.format("this Jetson", "its JetPack"), OWN_WHEELS.format("its JetPack")],
    ),
    "Rosetta": (
        host(gpu(0, "apple", "M3", None), system="darwin", arch="x86_64"),
        "python-wheel",
        [
            "the Python is for Intel and runs translated (Rosetta) on Apple silicon",
            "use a Python for arm64: uv python install cpython-3.13-macos-aarch64-none",
            "or take what ends with torch 2.2.2: --platform macos-x86_64",
        ],
    ),
}


@pytest.mark.parametrize(("profile", "rule", "messages"), CAUSES.values(), ids=CAUSES)
def test_causes_in_full(profile: Profile, rule: str, messages: list[str]) -> None:
    assert [(cause.rule, cause.message) for cause in of(profile).causes] == [
        (rule, message) for message in messages
    ]


REASONS = {
    "macOS": (
        host(gpu(0, "apple", "M3", None), system="darwin", arch="arm64"),
        ("policy",
         "on macOS the wheel of the default index is the right one; Metal (MPS) is inside"),
    ),
    "never served": (
        host(gpu(0, "nvidia", "old", "sm_35"), gpu(1, "intel", "UHD", "gen9")),
        (
            "policy",
            "no build in the table has ever had code for GPU 0, old (sm_35), GPU 1, UHD (gen9)",
        ),
    ),
    "no GPU": (host(), ("policy", "this host has no GPU")),
    "declared": (
        host(driver="570.86", driver_source="env:ACCELSEL_CUDA_DRIVER", container="docker"),
        ("policy", "driver 570.86, CUDA 12.8 is declared (ACCELSEL_CUDA_DRIVER)"),
    ),
    "an image": (
        host(container="docker", environment={"CUDA_VERSION": "12.4.1"}),
        ("policy", "the base image is made for drivers of CUDA 12.4 and newer"),
    ),
    "an image of ROCm": (
        host(container="docker", environment={"ROCM_VERSION": "7.2"}),
        ("policy", "the base image is made for ROCm 7.2"),
    ),
    "a driver in a container": (
        host(container="docker", driver="550.54", state="driver-without-gpu",
             environment={"CUDA_VERSION": "12.8.0"}),
        ("policy", "driver 550.54, CUDA 12.4 answers without a GPU in this container"),
    ),
}  # fmt: skip


@pytest.mark.parametrize(("profile", "expected"), REASONS.values(), ids=REASONS)
def test_reasons_in_full(profile: Profile, expected: tuple[str, str]) -> None:
    reason = of(profile).aims[0].reason
    assert (reason.rule, reason.message) == expected


def test_the_gpu_that_is_presumed() -> None:
    aim = of(host(container="docker", environment={"CUDA_VERSION": "12.4.1"})).aims[0]
    (target,) = aim.required
    assert (target.index, target.vendor, target.arch, target.real) == (None, "nvidia", None, None)
    assert (target.integrated, target.memory, target.documented) == (False, 0, None)
    assert aim.driver
    assert aim.driver.system == "linux"
    assert aim.optional == ()


def test_an_image_asks_for_the_lowest_of_its_alternatives() -> None:
    told = {"NVIDIA_REQUIRE_CUDA": "brand=tesla,cuda>=12.8.1 cuda>=12.4,driver>=550"}
    (aim,) = of(host(container="docker", environment=told)).aims
    assert aim.driver
    assert aim.driver.cuda == (12, 4)
    bare = host(container="docker", driver="550.54", state="driver-without-gpu", environment=told)
    assert of(bare).aims[0].ceiling is None


def test_a_device_of_intels_that_the_table_does_not_know_is_not_taken_for_xpu() -> None:
    old = gpu(0, "intel", "GM45", None, pci_id="8086:2a42", integrated=True)
    found = select(host(old), Request(), TABLES)
    assert found.backend == "cpu"
    assert [(one.code, one.hint) for one in found.warnings] == [
        ("gpu-never-served",
         "where it is one that PyTorch supports, name its architecture in ACCELSEL_GPU_ARCH"),
    ]  # fmt: skip
    assert found.warnings[0].message == (
        "PyTorch does not name GPU 0, GM45 among the GPUs that it supports, so the CPU build is "
        "chosen"
    )
    both = select(host(old, gpu(1, "amd", "RX 580", "gfx803")), Request(), TABLES)
    assert both.warnings[0].message == (
        "no build in the table has ever had code for GPU 1, RX 580 (gfx803), and PyTorch does not "
        "name GPU 0, GM45 among the GPUs that it supports, so the CPU build is chosen"
    )
    beside = select(host(old, gpu(1, "nvidia", "card", "sm_86"), driver="550.1"), Request(), TABLES)
    assert (beside.serves, beside.leaves_out) == ((1,), (0,))
    assert "PyTorch does not name it" in beside.warnings[0].message
    assert select(host(old), Request(backend="xpu"), TABLES).confidence == "inferred"


def test_the_cpu_is_not_taken_for_gpus_that_the_request_excludes() -> None:
    cards = (gpu(0, "nvidia", "GT 710", "sm_35"), gpu(1, "amd", "RX 7900 XTX", "gfx1100"))
    profile = host(*cards, driver="470.256.02")
    found = select(profile, Request(gpus="0"), TABLES)
    assert [reason.message for reason in found.reasons][:2] == [
        "no build serves what --gpu 0 admits, and it leaves GPU 1, RX 7900 XTX",
        "admit it; or take the CPU build: --fallback cpu",
    ]
    assert select(profile, Request(gpus="0", fallback="cpu"), TABLES).backend == "cpu"
    assert select(profile, Request(gpus="1"), TABLES).backend == "rocm7.2"
    alone = host(gpu(0, "nvidia", "GT 710", "sm_35"), driver="470.256.02")
    assert select(alone, Request(gpus="0"), TABLES).backend == "cpu"


def test_another_vendors_backend_leaves_gpus_out_by_its_name() -> None:
    card = host(gpu(0, "amd", "RX 7900 XTX", "gfx1100"))
    found = select(card, Request(backend="cu130", force=True), TABLES)
    assert "GPU 0, RX 7900 XTX is left out: the backend asked for is another vendor's" in [
        warning.message for warning in found.warnings
    ]


@pytest.mark.parametrize(
    ("version", "backend"), [("6.2.4", "rocm6.4"), ("7.0.2", "rocm7.2"), ("7.2", "rocm7.2")]
)
def test_a_rocm_image_bounds_rocm_as_a_cuda_image_bounds_cuda(version: str, backend: str) -> None:
    image = host(container="docker", environment={"ROCM_VERSION": version})
    assert select(image, Request(), TABLES).backend == backend
