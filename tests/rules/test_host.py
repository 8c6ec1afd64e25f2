from dataclasses import replace

import pytest
from tests.rules.hosts import GIB, amd, gpu, host, nvidia
from tests.rules.rows import TABLES

from accelsel.model.errors import AccelselError
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules.host import Driver, Host, named_platform, platform_of, read_host


def read(profile: Profile | None, request: Request | None = None) -> Host:
    return read_host(profile, request or Request(), TABLES)


@pytest.mark.parametrize(
    ("system", "arch", "expected"),
    [
        ("linux", "x86_64", "linux-x86_64"),
        ("linux", "aarch64", "linux-aarch64"),
        ("linux", "arm64", "linux-aarch64"),
        ("linux", "riscv64", "linux-riscv64"),
        ("windows", "x86_64", "windows-amd64"),
        ("windows", "AMD64", "windows-amd64"),
        ("windows", "arm64", "windows-arm64"),
        ("windows", "aarch64", "windows-arm64"),
        ("darwin", "arm64", "macos-arm64"),
        ("darwin", "aarch64", "macos-arm64"),
        ("darwin", "x86_64", "macos-x86_64"),
        ("freebsd", "x64", "freebsd-x86_64"),
    ],
)
def test_platform_of(system: str, arch: str, expected: str) -> None:
    assert platform_of(host(system=system, arch=arch)) == expected


def test_a_platform_that_was_asked_for() -> None:
    assert named_platform(" Linux-X86_64 ") == "linux-x86_64"
    with pytest.raises(AccelselError) as caught:
        named_platform("solaris")
    assert (caught.value.code, caught.value.kind) == (2, "unknown-platform")
    assert caught.value.help
    assert "linux-aarch64" in caught.value.help


def test_nothing_is_known_without_a_profile() -> None:
    found = read(None)
    assert (found.known, found.platform, found.system, found.own) == (False, None, "", False)
    assert (found.driver, found.python, found.glibc, found.macos) == (None, None, None, None)
    assert (found.targets, found.unusable, found.jetson, found.container) == ((), (), False, False)
    assert found.implementation == "cpython"


def test_facts_of_the_profile() -> None:
    found = read(host(glibc="2.17", container="docker", implementation="pypy", python="3.11.9"))
    assert found.known
    assert found.own
    assert (found.platform, found.system) == ("linux-x86_64", "linux")
    assert (found.glibc, found.musl) == ((2, 17), False)
    assert found.container
    assert (found.python, found.implementation) == ("3.11", "pypy")


def test_libc() -> None:
    assert read(host(libc="musl", glibc="1.2.5")).musl
    assert read(host(libc="musl", glibc="1.2.5")).glibc is None
    assert read(host(glibc=None)).glibc is None
    assert not read(host(system="windows")).musl


def test_another_platform_leaves_libc_and_system_version_open() -> None:
    found = read(host(libc="musl"), Request(platform="linux-aarch64"))
    assert (found.platform, found.own, found.musl) == ("linux-aarch64", False, False)
    mac = host(system="darwin", arch="arm64", version="13.7.4")
    assert read(mac).macos == (13, 7, 4)
    assert read(mac, Request(platform="macos-x86_64")).macos is None
    assert read(mac, Request(platform="macos-arm64")).macos == (13, 7, 4)
    assert read(host(version="24.04")).macos is None


@pytest.mark.parametrize(
    ("request_", "expected"),
    [
        (Request(), "3.13t"),
        (Request(python="3.11.4"), "3.11"),
        (Request(python="3.11", requires_python=">=3.12"), "3.11"),
        (Request(requires_python=">=3.12"), None),
        (Request(requires_python=""), None),
    ],
)
def test_python(request_: Request, expected: str | None) -> None:
    assert read(host(python="3.13.1", free_threaded=True), request_).python == expected


def test_a_python_that_was_asked_for_is_cpython() -> None:
    assert read(host(implementation="pypy"), Request(python="3.12")).implementation == "cpython"


def driver(**facts: object) -> Driver | None:
    return read(host(**facts)).driver  # type: ignore[arg-type]


def test_driver() -> None:
    assert driver() is None
    assert driver(driver="N/A") is None
    assert driver(driver="580.65.06", cuda="13.0") == Driver(
        version=(580, 65, 6), cuda=(13, 0), system="linux", text="driver 580.65.06, CUDA 13.0"
    )


def test_the_cuda_of_a_driver_is_that_of_its_branch() -> None:
    found = driver(driver="470.256.02")
    assert found
    assert found.cuda == (11, 4)
    newer = driver(driver="999.1")
    assert newer
    assert newer.cuda is not None
    assert newer.cuda >= (13, 5)
    old = driver(driver="304.137")
    assert old
    assert (old.cuda, old.text) == (None, "driver 304.137")


def test_of_a_driver_after_the_last_branch_the_cuda_is_a_floor() -> None:
    row = max(TABLES.branches, key=lambda row: row.branch)
    last, cuda = row.branch, row.cuda
    known = driver(driver=f"{last}.10")
    assert known
    assert known.text == f"driver {last}.10, CUDA {cuda}"
    later = driver(driver=f"{last + 1}.10")
    assert later
    assert later.text == f"driver {last + 1}.10, CUDA {cuda} or newer"
    told = driver(driver=f"{last + 1}.10", cuda="14.0")
    assert told
    assert told.text == f"driver {last + 1}.10, CUDA 14.0"


def test_cuda_alone() -> None:
    found = driver(cuda="12.4")
    assert found == Driver(version=None, cuda=(12, 4), system="linux", text="CUDA 12.4")


def test_windows_floors_hold_on_windows_and_in_wsl() -> None:
    for facts in ({"system": "windows"}, {"wsl": True}):
        found = driver(driver="572.60", **facts)
        assert found
        assert (found.system, found.version) == ("windows", (572, 60))


def test_a_driver_number_says_nothing_for_another_system() -> None:
    profile = nvidia("sm_86", driver="580.65.06")
    found = read(profile, Request(platform="windows-amd64")).driver
    assert found
    assert (found.version, found.cuda, found.system) == (None, (13, 0), "linux")
    again = read(profile, Request(platform="linux-aarch64")).driver
    assert again
    assert again.version == (580, 65, 6)


@pytest.mark.parametrize(
    ("jetson", "jetpack", "cuda"),
    [
        (("R36.4.3", "6"), 6, (12, 6)),
        (("R36.4.3", "6.2"), 6, (12, 6)),
        (("R35.4.1", None), 5, (11, 4)),
        (("R34.1", None), 5, (11, 4)),
        (("38.2", None), 7, (13, 0)),
        (("R39.2", None), 7, (13, 0)),
        (("R32.7.6", None), 4, (10, 2)),
        (("R99", None), None, None),
        ((None, None), None, None),
        ((None, "9"), 9, None),
    ],
)
def test_jetpack(
    jetson: tuple[str | None, str | None], jetpack: int | None, cuda: tuple[int, ...] | None
) -> None:
    found = read(host(arch="aarch64", jetson=jetson))
    assert found.jetson
    assert found.jetpack == jetpack
    assert (found.driver.cuda if found.driver else None) == cuda
    if found.driver:
        assert found.driver.text.startswith(f"JetPack {jetpack}, CUDA ")
        assert found.driver.version is None
        assert found.driver.system == "linux"


def test_jetpack_numbers_its_driver_by_l4t() -> None:
    found = driver(arch="aarch64", jetson=("R35.3.1", "5"), driver="35.3.1", cuda="11.4")
    assert found
    assert (found.version, found.cuda) == (None, (11, 4))
    bare = driver(arch="aarch64", jetson=("R35.3.1", "5"), driver="35.3.1")
    assert bare
    assert (bare.version, bare.cuda) == (None, (11, 4))
    assert driver(driver="35.3.1") is None
    six = driver(arch="aarch64", jetson=("R36.4.3", "6"), driver="540.4.0", cuda="12.6")
    assert six
    assert (six.version, six.cuda, six.text) == (None, (12, 6), "driver 540.4.0, CUDA 12.6")
    thor = driver(arch="aarch64", jetson=("R38.2.0", "7"), driver="580.00", cuda="13.0")
    assert thor
    assert (thor.version, thor.cuda) == (None, (13, 0))


def test_targets() -> None:
    found = read(
        host(
            gpu(0, "nvidia", "NVIDIA GeForce RTX 3060", "sm_86", memory=12),
            gpu(1, "amd", "AMD Radeon 780M", "gfx1103:xnack-", integrated=True),
            gpu(2, "intel", "Intel(R) Arc A770", "xe-hpg", integrated=None, pci_id="8086:56a0"),
            gpu(3, "nvidia", "NVIDIA H100", "sm_90", usable=False, note="lost"),
            gpu(4, "intel", "Intel Arc B580", None, pci_id="8086:ffff"),
        )
    )
    cards = {target.index: target for target in found.targets}
    assert set(cards) == {0, 1, 2, 4}
    assert (cards[0].label, cards[0].arch, cards[0].memory) == (
        "GPU 0, RTX 3060",
        "sm_86",
        12 * GIB,
    )
    assert (cards[1].name, cards[1].arch, cards[1].real) == ("Radeon 780M", "gfx1103", "gfx1103")
    assert (cards[1].integrated, cards[2].integrated) == (True, False)
    assert (cards[2].name, cards[2].documented) == ("Arc A770", "yes")
    assert (cards[4].name, cards[4].documented, cards[4].arch) == ("Arc B580", "no", None)
    assert cards[1].memory == 0
    ((lost, note),) = found.unusable
    assert (lost.label, note) == ("GPU 3, H100", "lost")


@pytest.mark.parametrize(
    ("pci_id", "expected"),
    [("8086:56a0", "yes"), ("8086:3e92", "no"), ("8086:56c0", "not said"), (None, None)],
)
def test_intel_by_pci_id(pci_id: str | None, expected: str | None) -> None:
    card = gpu(0, "intel", "card", "xe-hpg", pci_id=pci_id)
    assert read(host(card)).targets[0].documented == expected


def test_only_intel_is_looked_up() -> None:
    card = gpu(0, "nvidia", "card", "sm_86", pci_id="8086:3e92")
    assert read(host(card)).targets[0].documented is None


def test_names_of_nameless_gpus() -> None:
    bare = replace(gpu(0, "nvidia", "", "sm_86"), name=None)
    assert read(host(bare)).targets[0].label == "GPU 0, NVIDIA GPU"
    by_id = replace(bare, pci_id="10de:2487")
    assert read(host(by_id)).targets[0].label == "GPU 0, NVIDIA 10de:2487"


SET = {"HSA_OVERRIDE_GFX_VERSION": "10.3.0"}


@pytest.mark.parametrize(
    ("profile", "allow", "override", "offer", "arch"),
    [
        (amd("gfx1031"), False, None, "10.3.0", "gfx1031"),
        (amd("gfx1031"), True, "10.3.0", "10.3.0", "gfx1030"),
        (amd("gfx1031", environment=SET), False, "10.3.0", "10.3.0", "gfx1030"),
        (amd("gfx1031", environment={"HSA_OVERRIDE_GFX_VERSION": "x"}), True, None, "10.3.0",
         "gfx1031"),
        (amd("gfx1031", environment={"HSA_OVERRIDE_GFX_VERSION": ""}), True, "10.3.0", "10.3.0",
         "gfx1030"),
        (amd("gfx1031", "gfx1032"), True, "10.3.0", "10.3.0", "gfx1030"),
        (amd("gfx1031", "gfx1100"), True, None, None, "gfx1031"),
        (amd("gfx1031", "gfx1152"), True, None, None, "gfx1031"),
        (amd("gfx1031", "gfx803"), True, None, None, "gfx1031"),
        (amd("gfx1033"), True, None, None, "gfx1033"),
        (amd("gfx1010"), True, None, None, "gfx1010"),
        (amd("gfx1100"), True, None, None, "gfx1100"),
        (amd("gfx1031", system="windows", environment=SET), True, None, None, "gfx1031"),
    ],
)  # fmt: skip
def test_override(
    profile: Profile, override: str | None, offer: str | None, arch: str, *, allow: bool
) -> None:
    found = read(profile, Request(allow_arch_override=allow))
    assert (found.override, found.offer) == (override, offer)
    assert found.targets[0].arch == arch
    assert found.targets[0].real == (profile.gpus[0].arch or "")


def test_an_integrated_gpu_forbids_no_override_for_a_discrete_one() -> None:
    cards = (
        gpu(0, "amd", "iGPU", "gfx1151", integrated=True),
        gpu(1, "amd", "card", "gfx1031"),
        gpu(2, "amd", "broken", "gfx1100", usable=False),
    )
    assert read(host(*cards)).offer == "10.3.0"
    only = gpu(0, "amd", "iGPU", "gfx1036", integrated=True)
    assert read(host(only)).offer == "10.3.0"


def test_an_override_is_for_amd_alone() -> None:
    card = gpu(0, "nvidia", "card", "sm_86")
    assert read(host(card, environment=SET)).targets[0].arch == "sm_86"
    unknown = gpu(0, "amd", "card", None)
    assert read(host(unknown, environment=SET)).targets[0].arch is None
    assert read(host(unknown), Request(allow_arch_override=True)).override is None


def test_a_listed_gpu_that_fails_everywhere_does_not_forbid_an_override() -> None:
    rows = tuple(
        replace(row, broken=("gfx1100",)) if TABLES.backends[row.backend].kind == "rocm" else row
        for row in TABLES.builds
    )
    one = next(row for row in TABLES.overrides if row.arch == "gfx1031")
    overrides = (replace(one, arch="gfx1100"),)
    tables = replace(TABLES, builds=rows, overrides=overrides)
    assert read_host(amd("gfx1100"), Request(), tables).offer == "10.3.0"
    assert read_host(amd("gfx1100"), Request(), replace(tables, builds=TABLES.builds)).offer is None


def test_a_platform_that_does_not_exist_is_named() -> None:
    with pytest.raises(AccelselError, match="'solaris' is not a platform"):
        named_platform("solaris")
