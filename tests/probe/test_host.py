import pytest
from tests.kit.hosts import world

from accelsel.model.profile import Jetson, Libc
from accelsel.probe import host

V2 = "sse4_1 sse4_2 ssse3 popcnt cx16 lahf_lm"
V3 = f"{V2} avx avx2 bmi1 bmi2 f16c fma abm movbe xsave"
V4 = f"{V3} avx512f avx512bw avx512cd avx512dq avx512vl"
WSL2 = "5.15.167.4-microsoft-standard-WSL2"


@pytest.mark.parametrize(
    ("flags", "level"),
    [
        pytest.param(V4, "x86-64-v4", id="v4"),
        pytest.param(V3, "x86-64-v3", id="v3"),
        pytest.param(V3.replace("avx2 ", ""), "x86-64-v2", id="sandy-bridge-has-no-avx2"),
        pytest.param(V4.replace("bmi2 ", ""), "x86-64-v2", id="a-level-needs-all-below-it"),
        pytest.param("sse2", "x86-64", id="baseline"),
    ],
)
def test_x86_level(flags: str, level: str) -> None:
    text = f"processor\t: 0\nflags\t\t: fpu {flags} lm\nvmx flags\t: ept\n"
    assert host.x86_level(text) == level


def test_x86_level_of_a_file_without_flags() -> None:
    assert host.x86_level("processor : 0\nvmx flags\t: ept\n") is None


@pytest.mark.parametrize(
    ("text", "version"),
    [
        pytest.param('ID=ubuntu\nVERSION_ID="24.04"\n', "24.04", id="ubuntu"),
        pytest.param("VERSION_ID=40\n", "40", id="unquoted"),
        pytest.param("VERSION_ID='9.4'\n", "9.4", id="single-quotes"),
        pytest.param("ID=arch\nBUILD_ID=rolling\n", None, id="rolling"),
        pytest.param("#VERSION_ID=1\n\nnonsense\n", None, id="comment"),
        pytest.param('VERSION_ID=""\n', None, id="empty"),
    ],
)
def test_version_of_a_distribution(text: str, version: str | None) -> None:
    assert host.probe(world(files={"/etc/os-release": text})).os.version == version


def test_second_place_of_os_release() -> None:
    assert host.probe(world(files={"/usr/lib/os-release": "VERSION_ID=12\n"})).os.version == "12"


@pytest.mark.parametrize(
    ("system", "machine", "arch"),
    [
        ("linux", "x86_64", "x86_64"),
        ("linux", "aarch64", "aarch64"),
        ("linux", "arm64", "aarch64"),
        ("linux", "riscv64", "riscv64"),
        ("windows", "AMD64", "x86_64"),
        ("windows", "ARM64", "arm64"),
        ("darwin", "arm64", "arm64"),
        ("darwin", "x86_64", "x86_64"),
    ],
)
def test_cpu_arch(system: str, machine: str, arch: str) -> None:
    uname = {"system": system, "release": "1", "machine": machine}
    assert host.probe(world(uname=uname)).cpu.arch == arch


def linux(**more: str) -> dict[str, str]:
    return {"system": "linux", "release": "6.8.0", "machine": "x86_64", **more}


MUSL = "/lib/ld-musl-x86_64.so.1"
MUSL_SAYS = "musl libc (x86_64)\nVersion 1.2.5\nDynamic Program Loader\n"


@pytest.mark.parametrize(
    ("parts", "libc"),
    [
        pytest.param(
            {"uname": linux(libc="glibc 2.39")}, Libc(family="glibc", version="2.39"), id="glibc"
        ),
        pytest.param(
            {
                "access": {MUSL: ""},
                "commands": [{"argv": [MUSL], "code": 1, "err": MUSL_SAYS}],
            },
            Libc(family="musl", version="1.2.5"),
            id="musl",
        ),
        pytest.param(
            {"access": {MUSL: ""}}, Libc(family="musl", version=None), id="musl-without-answer"
        ),
        pytest.param(
            {"uname": linux(libc="glibc 2.36"), "access": {MUSL: ""}},
            Libc(family="glibc", version="2.36"),
            id="musl-tools-on-a-glibc-host",
        ),
        pytest.param(
            {"access": {"/lib64/ld-linux-x86-64.so.2": ""}},
            Libc(family="glibc", version=None),
            id="glibc-that-does-not-say",
        ),
        pytest.param({}, None, id="unknown"),
    ],
)
def test_libc(parts: dict[str, object], libc: Libc | None) -> None:
    assert host.probe(world(**parts)).os.libc == libc


MOUNT = "29 1 0:26 / {} rw,relatime - overlay overlay rw,lowerdir={}\n"


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        pytest.param({}, None, id="bare"),
        pytest.param({"access": {"/.dockerenv": ""}}, "docker", id="docker"),
        pytest.param({"access": {"/run/.containerenv": ""}}, "podman", id="podman"),
        pytest.param(
            {"access": {"/.dockerenv": ""}, "env": {"KUBERNETES_SERVICE_HOST": "set"}},
            "kubernetes",
            id="kubernetes-on-docker",
        ),
        pytest.param(
            {"access": {"/var/run/secrets/kubernetes.io": ""}}, "kubernetes", id="service-account"
        ),
        pytest.param({"env": {"container": "podman"}}, "podman", id="variable-podman"),
        pytest.param({"env": {"container": "systemd-nspawn"}}, "other", id="variable-nspawn"),
        pytest.param({"env": {"APPTAINER_CONTAINER": "/x.sif"}}, "other", id="apptainer"),
        pytest.param({"files": {"/run/systemd/container": "lxc\n"}}, "other", id="systemd"),
        pytest.param(
            {"files": {"/proc/1/cgroup": "5:cpu:/docker/0123\n"}}, "docker", id="cgroup-docker"
        ),
        pytest.param(
            {"files": {"/proc/1/cgroup": "0::/kubepods.slice/kubepods/pod1\n"}},
            "kubernetes",
            id="cgroup-kubernetes",
        ),
        pytest.param(
            {"files": {"/proc/1/cgroup": "0::/machine.slice/libpod-0123.scope\n"}},
            "podman",
            id="cgroup-podman",
        ),
        pytest.param(
            {"files": {"/proc/1/cgroup": "0::/init.scope\n"}}, None, id="cgroup-of-a-bare-host"
        ),
        pytest.param(
            {"files": {"/proc/self/mountinfo": MOUNT.format("/", "/var/lib/docker/overlay2/l")}},
            "docker",
            id="root-mount-docker",
        ),
        pytest.param(
            {"files": {"/proc/self/mountinfo": MOUNT.format("/", "/var/lib/buildkit/x")}},
            "docker",
            id="root-mount-buildkit",
        ),
        pytest.param(
            {
                "files": {
                    "/proc/self/mountinfo": MOUNT.format(
                        "/", "/home/user/.local/share/containers/storage/overlay"
                    )
                }
            },
            "podman",
            id="root-mount-podman",
        ),
        pytest.param(
            {
                "files": {
                    "/proc/self/mountinfo": MOUNT.format("/", "/cow")
                    + MOUNT.format("/mnt/a", "/var/lib/docker/overlay2/l")
                }
            },
            None,
            id="docker-runs-here-but-root-is-not-its",
        ),
    ],
)
def test_container(parts: dict[str, object], kind: str | None) -> None:
    assert host.probe(world(**parts)).os.container == kind


@pytest.mark.parametrize(
    ("parts", "wsl"),
    [
        pytest.param(
            {"uname": linux(release="5.15.167.4-microsoft-standard-WSL2")}, True, id="wsl2"
        ),
        pytest.param({"access": {"/dev/dxg": "rw"}}, True, id="own-kernel"),
        pytest.param({"access": {"/proc/sys/fs/binfmt_misc/WSLInterop": ""}}, True, id="interop"),
        pytest.param({}, False, id="linux"),
    ],
)
def test_wsl(parts: dict[str, object], wsl: bool) -> None:
    assert host.probe(world(**parts)).os.wsl is wsl


def test_wsl_1_is_told() -> None:
    uname = linux(release="4.4.0-19041-Microsoft")
    assert host.probe(world(uname=uname)).notes[0].startswith("WSL 1 has no GPU access")
    uname = linux(release=WSL2)
    assert host.probe(world(uname=uname)).notes == ()


RELEASE = "# R{} (release), REVISION: {}, GCID: 1, BOARD: generic, EABI: aarch64\n"
ORIN = "nvidia,p3737-0000+p3701-0000\0nvidia,tegra234\0"


@pytest.mark.parametrize(
    ("files", "jetson", "soc"),
    [
        pytest.param(
            {"/etc/nv_tegra_release": RELEASE.format(35, "4.1")},
            Jetson(l4t="R35.4.1", jetpack="5"),
            None,
            id="jetpack-5",
        ),
        pytest.param(
            {
                "/etc/nv_tegra_release": RELEASE.format(36, "4.3"),
                "/proc/device-tree/compatible": ORIN,
            },
            Jetson(l4t="R36.4.3", jetpack="6"),
            "tegra234",
            id="jetpack-6",
        ),
        pytest.param(
            {"/etc/nv_tegra_release": RELEASE.format(38, "2.0")},
            Jetson(l4t="R38.2.0", jetpack="7"),
            None,
            id="jetpack-7",
        ),
        pytest.param(
            {"/etc/nv_tegra_release": RELEASE.format(99, "1.0")},
            Jetson(l4t="R99.1.0", jetpack=None),
            None,
            id="newer-than-the-table",
        ),
        pytest.param(
            {"/proc/device-tree/compatible": ORIN},
            Jetson(l4t=None, jetpack=None),
            "tegra234",
            id="device-tree-alone",
        ),
        pytest.param(
            {"/proc/device-tree/compatible": "raspberrypi,5-model-b\0brcm,bcm2712\0"},
            None,
            None,
            id="another-board",
        ),
        pytest.param(
            {"/sys/devices/soc0/soc_id": "jep106:0426:8901\n"}, None, None, id="dgx-spark"
        ),
        pytest.param({"/etc/nv_tegra_release": "garbage\n"}, None, None, id="garbage"),
    ],
)
def test_jetson(files: dict[str, str], jetson: Jetson | None, soc: str | None) -> None:
    found = host.probe(world(uname=linux(machine="aarch64"), files=files))
    assert (found.os.jetson, found.soc) == (jetson, soc)


@pytest.mark.parametrize(
    ("release", "jetson"),
    [
        ("4.9.337-tegra", Jetson(l4t=None, jetpack="4")),
        ("5.10.120-tegra", Jetson(l4t=None, jetpack="5")),
        ("5.15.148-tegra", Jetson(l4t=None, jetpack="6")),
        ("6.8.12-tegra", Jetson(l4t=None, jetpack="7")),
        ("9.9.0-tegra", Jetson(l4t=None, jetpack=None)),
        ("5.15.0-1048-nvidia", None),
        ("6.11.0-1016-nvidia", None),
    ],
)
def test_jetson_by_its_kernel(release: str, jetson: Jetson | None) -> None:
    uname = linux(machine="aarch64", release=release)
    assert host.probe(world(uname=uname)).os.jetson == jetson


def test_another_kernel_on_a_jetson_says_nothing_of_its_jetpack() -> None:
    found = host.probe(
        world(
            uname=linux(machine="aarch64", release="6.8.0-49-generic"),
            files={"/proc/device-tree/compatible": ORIN},
        )
    )
    assert found.os.jetson == Jetson(l4t=None, jetpack=None)


def test_no_jetson_on_x86() -> None:
    files = {"/etc/nv_tegra_release": RELEASE.format(36, "4.3")}
    assert host.probe(world(files=files)).os.jetson is None


def test_environment_of_interest() -> None:
    env = {
        "CUDA_VISIBLE_DEVICES": "GPU-5c5e3f2b-aaaa-bbbb-cccc-0123456789ab,1",
        "NVIDIA_VISIBLE_DEVICES": "all",
        "HSA_OVERRIDE_GFX_VERSION_3": "10.3.0",
        "ROCR_VISIBLE_DEVICES": "",
        "CUDA_VERSION": "12.4.1",
        "HOME": "/home/somebody",
    }
    found = host.probe(world(env=env))
    assert found.environment == {
        "CUDA_VISIBLE_DEVICES": "GPU-<uuid>,1",
        "NVIDIA_VISIBLE_DEVICES": "all",
        "ROCR_VISIBLE_DEVICES": "",
        "HSA_OVERRIDE_GFX_VERSION_3": "10.3.0",
    }
    assert [note.partition("=")[0] for note in found.notes] == [
        "CUDA_VISIBLE_DEVICES",
        "ROCR_VISIBLE_DEVICES",
    ]
    assert found.notes[1].startswith("ROCR_VISIBLE_DEVICES=(empty) limits what programs see")
    inside = host.probe(world(env=env, access={"/.dockerenv": ""}))
    assert inside.environment["CUDA_VERSION"] == "12.4.1"


@pytest.mark.parametrize(
    "value",
    [
        "MIG-5c5e3f2b-aaaa-bbbb-cccc-0123456789ab",
        "MIG-GPU-5c5e3f2b-aaaa-bbbb-cccc-0123456789ab/3/0",
        "gpu-5c5e3f2b",
    ],
)
def test_no_uuid_in_a_profile(value: str) -> None:
    (shown,) = host.probe(world(env={"CUDA_VISIBLE_DEVICES": value})).environment.values()
    assert "5c5e3f2b" not in shown


@pytest.mark.parametrize(
    ("release", "version"),
    [("10.0.26100", "11"), ("10.0.22000", "11"), ("10.0.19045", "10"), ("10.0.x", "10")],
)
def test_windows_version(release: str, version: str) -> None:
    uname = {"system": "windows", "release": release, "machine": "amd64"}
    assert host.probe(world(uname=uname)).os.version == version


def test_cpuinfo_that_cannot_be_read() -> None:
    assert host.probe(world(errors={"/proc/cpuinfo": "EACCES"})).cpu.level is None
