"""What the device tables say of well-known hardware."""

import pytest

from accelsel.knowledge import (
    amd_targets,
    cuda_of_driver,
    cuda_of_l4t,
    devices,
    gfx_of,
    jetpack_of,
    tegra,
)

COUNTS = {"nvidia": 823, "amd": 231, "intel": 370}


@pytest.mark.parametrize(("vendor", "count"), COUNTS.items())
def test_count(vendor: str, count: int) -> None:
    assert len(devices(vendor)) == count


KNOWN = [
    ("nvidia", "10de:1b06", "sm_61", False),  # GeForce GTX 1080 Ti
    ("nvidia", "10de:1c81", "sm_61", False),  # GeForce GTX 1050
    ("nvidia", "10de:1380", "sm_50", False),  # GeForce GTX 750 Ti of Maxwell
    ("nvidia", "10de:11c7", "sm_30", False),  # GeForce GTX 750 Ti of Kepler
    ("nvidia", "10de:1db1", "sm_70", False),  # Tesla V100
    ("nvidia", "10de:1eb8", "sm_75", False),  # Tesla T4
    ("nvidia", "10de:20b0", "sm_80", False),  # A100
    ("nvidia", "10de:2503", "sm_86", False),  # GeForce RTX 3060 on GA106
    ("nvidia", "10de:2487", "sm_86", False),  # GeForce RTX 3060 on GA104
    ("nvidia", "10de:2684", "sm_89", False),  # GeForce RTX 4090
    ("nvidia", "10de:2330", "sm_90", False),  # H100 SXM5
    ("nvidia", "10de:2342", "sm_90", False),  # GH200
    ("nvidia", "10de:2901", "sm_100", False),  # B200
    ("nvidia", "10de:2b85", "sm_120", False),  # GeForce RTX 5090
    ("nvidia", "10de:2e12", "sm_121", True),  # GB10
    ("nvidia", "10de:0fa0", None, None),  # a chip that no product table names
    ("amd", "1002:73bf", "gfx1030", False),  # Radeon RX 6800 XT
    ("amd", "1002:73df", "gfx1031", False),  # Radeon RX 6700 XT
    ("amd", "1002:744c", "gfx1100", False),  # Radeon RX 7900 XTX
    ("amd", "1002:73f0", "gfx1102", False),  # a Navi 33 among the ids of Navi 23
    ("amd", "1002:7550", "gfx1201", False),  # Radeon RX 9070 XT
    ("amd", "1002:74a1", "gfx942", False),  # Instinct MI300X
    ("amd", "1002:75a0", "gfx950", False),  # Instinct MI350X, by its codename an MI300
    ("amd", "1002:66a1", "gfx906", False),  # Instinct MI50
    ("amd", "1002:164e", "gfx1036", True),  # graphics of a Ryzen 7000
    ("amd", "1002:1586", "gfx1151", True),  # Ryzen AI Max
    ("amd", "1002:15bf", "gfx1103", True),  # Ryzen 7040
    ("intel", "8086:56a0", "xe-hpg", False),  # Arc A770
    ("intel", "8086:e20b", "xe2", False),  # Arc B580
    ("intel", "8086:64a0", "xe2", True),  # Lunar Lake
    ("intel", "8086:0bd5", "xe-hpc", False),  # Data Center GPU Max 1550
    ("intel", "8086:7d55", "xe-lpg", True),  # Meteor Lake-H
    ("intel", "8086:7d51", "xe-lpg-plus", True),  # Arrow Lake-H
    ("intel", "8086:b080", "xe3", True),  # Panther Lake
    ("intel", "8086:9a49", "xe-lp", True),  # Tiger Lake
    ("intel", "8086:3e92", "gen9", True),  # Coffee Lake, UHD Graphics 630
    ("intel", "8086:8a52", "gen11", True),  # Ice Lake
]


@pytest.mark.parametrize(
    ("vendor", "pci_id", "arch", "integrated"), KNOWN, ids=[row[1] for row in KNOWN]
)
def test_known(vendor: str, pci_id: str, arch: str | None, integrated: bool | None) -> None:
    device = devices(vendor)[pci_id]
    assert (device.arch, device.integrated) == (arch, integrated)


XPU = {
    "8086:56a0": True,  # Arc A770
    "8086:56c0": None,  # Flex 170: in no list, and of the chip of the A770
    "8086:7d55": True,  # Meteor Lake-H
    "8086:7d45": False,  # Meteor Lake-U
    "8086:7d51": True,  # Arrow Lake-H
    "8086:7d67": False,  # Arrow Lake-S
    "8086:9a49": False,  # Tiger Lake
    "8086:64a0": True,  # Lunar Lake
    "8086:fd80": None,  # Wildcat Lake: in no list
}


@pytest.mark.parametrize(("pci_id", "documented"), XPU.items())
def test_xpu(pci_id: str, documented: bool | None) -> None:
    assert devices("intel")[pci_id].xpu is documented


def test_names_are_of_the_product() -> None:
    assert devices("nvidia")["10de:1c81"].name == "GeForce GTX 1050"
    assert devices("intel")["8086:56a0"].name == "Intel Arc A770 Graphics"
    assert devices("amd")["1002:13fa"].name == "Cyan Skillfish"


@pytest.mark.parametrize("target", amd_targets().values(), ids=lambda target: str(target.gfx))
def test_every_target_by_its_number(target: object) -> None:
    assert gfx_of(target.version) == target.gfx  # type: ignore[attr-defined]


GFX = {90010: "gfx90a", 90402: "gfx942", 110501: "gfx1151", 120500: "gfx1250", 130000: "gfx1300"}


@pytest.mark.parametrize(("version", "gfx"), GFX.items())
def test_gfx_of(version: int, gfx: str) -> None:
    assert gfx_of(version) == gfx


@pytest.mark.parametrize("version", [0, -1, 9, 901699, 100016])
def test_no_gpu(version: int) -> None:
    assert gfx_of(version) is None


def test_integrated_targets() -> None:
    targets = amd_targets()
    assert len(targets) == 39
    assert targets["gfx1036"].integrated is True
    assert targets["gfx1030"].integrated is False
    assert targets["gfx1170"].integrated is None


def test_tegra() -> None:
    assert tegra() == {
        "tegra210": "sm_53",
        "tegra186": "sm_62",
        "tegra194": "sm_72",
        "tegra234": "sm_87",
        "tegra264": "sm_110",
    }


L4T = {
    "R36.4.3": "6.2",
    "36.4.3": "6.2",
    "R36.4.4": "6.2",  # not in the table: that of the newest older release
    "R36.2.0": "6",  # older than any of its major
    "R35.6.4": "5.1.6",
    "R32.7.6": "4.6.6",
    "R38.4.0": "7.1",
    "R39.2.0": "7.2",
    "R40.1.0": None,
    "unknown": None,
    "": None,
}


@pytest.mark.parametrize(("l4t", "jetpack"), L4T.items())
def test_jetpack_of(l4t: str, jetpack: str | None) -> None:
    assert jetpack_of(l4t) == jetpack


@pytest.mark.parametrize(
    ("version", "cuda"),
    [
        ("580.65.06", "13.0"),
        ("591.86", "13.1"),  # Windows numbers inside the branch 590
        ("470.256.02", "11.4"),
        ("390.157", None),
        ("9999.1", "13.5"),  # at least what the newest known branch has
        ("garbage", None),
    ],
)
def test_cuda_of_driver(version: str, cuda: str | None) -> None:
    assert cuda_of_driver(version) == cuda


@pytest.mark.parametrize(
    ("release", "cuda"),
    [
        ("R32.7.6", "10.2"),
        ("R35.4.1", "11.4"),
        ("R36.3.0", "12.2"),
        ("R36.4.3", "12.6"),
        ("R39.2", "13.2"),
        ("R28.1", None),
        ("Rx", None),
    ],
)
def test_cuda_of_l4t(release: str, cuda: str | None) -> None:
    assert cuda_of_l4t(release) == cuda
