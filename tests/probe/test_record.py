"""What goes into a recording, and what stays out of it."""

import json
from pathlib import Path
from typing import Any

import pytest
from tests.kit import hosts
from tests.kit.hosts import world

from accelsel.model.errors import AccelselError
from accelsel.probe.detect import probe
from accelsel.probe.host_world import HostWorld
from accelsel.probe.record import RecordedWorld, Recorder, essentials, lines_of, rendered
from accelsel.probe.world import Streamed

UUID = "5c5e3f2b-aaaa-bbbb-cccc-0123456789ab"
SECRETS = {
    "uuid": UUID,
    "short uuid": "8c5e3f2b1a2b3c4d",
    "serial": "1320521001234",
    "unique id": "1801979520617338022",
    "host": "node-seventeen",
    "user": "alice.cooper",
    "address": "10.96.0.1",
    "container": "ab12" * 16,
    "company": "megacorp-internal",
    "volume": "vg_of_megacorp",
    "pod": "pod5c5e3f2b_aaaa_bbbb",
}


def identified(**env: str) -> RecordedWorld:
    """A host with identifying data wherever a probe reads."""
    nodes = "/sys/class/kfd/kfd/topology/nodes"
    card = "/sys/bus/pci/devices/0000:03:00.0"
    return world(
        env={"CUDA_VISIBLE_DEVICES": f"GPU-{UUID}", **env},
        files={
            f"{card}/class": "0x030000\n",
            f"{card}/vendor": "0x1002\n",
            f"{card}/device": "0x6fff\n",
            "/proc/driver/nvidia/version": (
                "NVRM version: NVIDIA UNIX x86_64 Kernel Module  580.65.06  "
                f"Release Build  ({SECRETS['user']}@{SECRETS['host']})\n"
            ),
            "/proc/cpuinfo": f"processor\t: 0\nSerial\t: {SECRETS['serial']}\nflags\t: fpu lm\n",
            "/proc/self/mountinfo": (
                f"1 0 0:1 / / rw - overlay /dev/{SECRETS['volume']} rw,"
                f"lowerdir=/home/{SECRETS['user']}/.local/share/containers/storage/x\n"
                f"2 1 0:2 / /srv/{SECRETS['company']} rw - ext4 /dev/sda rw\n"
            ),
            "/etc/os-release": f'ID=own\nHOME_URL="https://{SECRETS["company"]}.example"\n',
            "/proc/1/cgroup": f"0::/kubepods/{SECRETS['pod']}/{SECRETS['container']}\n",
            f"{nodes}/1/properties": (
                f"simd_count 8\nvendor_id 4098\ndevice_id 28671\nlocation_id 768\n"
                f"unique_id {SECRETS['unique id']}\n"
            ),
        },
        dirs={"/opt": ["rocm", SECRETS["company"]], "/sys/bus/pci/devices": ["0000:03:00.0"]},
        links={f"{card}/driver": "../../../bus/pci/drivers/amdgpu"},
        commands=[
            {
                "argv": ["rocminfo"],
                "code": 0,
                "out": (
                    f"Agent 2\n  Name: gfx803\n  Uuid: GPU-{SECRETS['short uuid']}\n"
                    f"  Marketing Name: a card of {SECRETS['user']}\n  Device Type: GPU\n"
                    "  BDFID: 768\n"
                ),
            }
        ],
        streams={
            "nvml": {
                "status": "failed",
                "records": [
                    {"call": "init", "gpu": None, "value": True},
                    {"call": "serial", "gpu": None, "value": f"serial: {SECRETS['serial']}"},
                ],
                "detail": f"GPU-{UUID} on {SECRETS['host']}",
            }
        },
    )


POD = {"KUBERNETES_SERVICE_HOST": SECRETS["address"]}


class Heard:
    """A World that keeps all that it has answered."""

    def __init__(self, through: RecordedWorld) -> None:
        self._world = through
        self.said = ""

    def __getattr__(self, name: str) -> Any:
        def call(*arguments: Any) -> Any:
            value = getattr(self._world, name)(*arguments)
            self.said += repr(value)
            return value

        return call


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder_of_all = tmp_path_factory.mktemp("recordings")
    for folder, env in (("node", {}), ("pod", POD)):
        recorder = Recorder(identified(**env), names=(SECRETS["host"], SECRETS["user"]))
        recorder.write(folder_of_all / folder, probe(recorder))
    return folder_of_all


@pytest.mark.parametrize("kind", SECRETS)
def test_probes_read_it(kind: str) -> None:
    heard = Heard(identified(**POD if kind == "address" else {}))
    probe(heard)
    assert SECRETS[kind] in heard.said


@pytest.mark.parametrize("kind", SECRETS)
def test_nothing_identifies(recording: Path, kind: str) -> None:
    for path in recording.glob("*/*"):
        assert SECRETS[kind].lower() not in path.read_text().lower(), path.name


def test_the_profile_is_the_same(recording: Path) -> None:
    before, after = probe(identified()), probe(RecordedWorld(recording / "node"))
    assert [gpu.arch for gpu in after.gpus] == ["gfx803"]
    assert after.gpus[0].name == "a card of name"  # the one fact that held a user's name
    for key in ("state", "os", "cpu", "drivers", "environment"):
        assert essentials(after)[key] == essentials(before)[key]


def test_this_host_is_replayed(tmp_path: Path) -> None:
    recorder = Recorder(HostWorld(environ={"PATH": "/nowhere", "CUDA_VISIBLE_DEVICES": "0"}))
    profile = probe(recorder)
    recorder.write(tmp_path, profile)
    assert essentials(probe(RecordedWorld(tmp_path))) == essentials(profile)


def test_writing_again_replaces(tmp_path: Path) -> None:
    for value in ("0", "1"):
        recorder = Recorder(world(env={"CUDA_VISIBLE_DEVICES": value}))
        probe(recorder)
        recorder.write(tmp_path / "a" / "b")
    document = json.loads((tmp_path / "a" / "b" / "host.json").read_text())
    assert document["env"] == {"CUDA_VISIBLE_DEVICES": "1"}
    assert [path.name for path in (tmp_path / "a" / "b").iterdir()] == ["host.json"]


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(AccelselError) as caught:
        Recorder(world()).write(tmp_path / "file")
    assert (caught.value.code, caught.value.kind) == (2, "unwritable-recording")


def test_long_output_is_cut(tmp_path: Path) -> None:
    commands = [{"argv": ["rocminfo"], "code": 0, "out": "x" * (1 << 20)}]
    recorder = Recorder(world(commands=commands))
    recorder.run(["rocminfo"], 1.0)
    path = recorder.write(tmp_path)
    assert Path(path).stat().st_size < 1 << 17


def test_errors_are_recorded_and_absence_is_not(tmp_path: Path) -> None:
    recorder = Recorder(world(errors={"/a": "EPERM", "/b": "EIO"}))
    for path in ("/a", "/b", "/c"):
        with pytest.raises(OSError, match=path):
            recorder.read_text(path)
    with pytest.raises(FileNotFoundError):
        recorder.read_link("/c")
    assert recorder.run(["nothing"], 1.0).status == "absent"
    assert recorder.stream("nvml", 1.0).status == "absent"
    document = recorder.document()
    assert document["errors"] == {"/a": "EPERM", "/b": "EIO"}
    assert (document["commands"], document["streams"]) == ([], {})
    recorder.write(tmp_path)
    with pytest.raises(PermissionError):
        RecordedWorld(tmp_path).read_text("/a")


@pytest.mark.parametrize("name", hosts.NAMES)
def test_descriptions_are_in_the_form_of_a_recording(name: str) -> None:
    text = (hosts.FOLDER / name / "host.json").read_text()
    assert text == rendered(json.loads(text))


@pytest.mark.parametrize(
    ("text", "lines"),
    [
        ("a\nb\n", ["a", "b"]),
        ("a\n\n\n", ["a", "", ""]),
        ("a\n", "a\n"),
        ("a\nb", "a\nb"),
        ("a\r\nb\r\n", "a\r\nb\r\n"),
        ("", ""),
    ],
)
def test_lines(text: str, lines: Any) -> None:
    assert lines_of(text) == lines
    assert world(files={"/x": lines}).read_text("/x") == text


def test_why_a_library_is_absent_is_replayed(tmp_path: Path) -> None:
    class WithoutNvml(RecordedWorld):
        def stream(self, library: str, timeout: float) -> Streamed:
            del library, timeout
            return Streamed(status="absent", records=(), detail="libnvidia-ml.so.1 not found")

    recorder = Recorder(WithoutNvml(hosts.FOLDER / "gtx-1080-ti-580"))
    profile = probe(recorder)
    recorder.write(tmp_path / "host", profile)
    told = [
        [each.detail for each in p.probes]
        for p in (profile, probe(RecordedWorld(tmp_path / "host")))
    ]
    assert "libnvidia-ml.so.1 not found" in told[0]
    assert told[0] == told[1]
