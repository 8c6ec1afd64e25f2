"""Stand-ins for nvidia-smi: real programs that refuse, rename or leave out as the real ones do."""

import shlex
from collections.abc import Mapping
from pathlib import Path

import pytest

from accelsel.probe.facts import GpuFact
from accelsel.probe.host_world import HostWorld
from accelsel.probe.nvidia_smi import gpu_of, query, values

RTX = {
    "name": "NVIDIA GeForce RTX 2080 SUPER",
    "driver_version": "595.71.05",
    "compute_cap": "7.5",
    "pci.device_id": "0x1E8110DE",
    "pci.bus_id": "00000000:0C:00.0",
    "memory.total": "8192 MiB",
}
FIELDS = tuple(RTX)
FACT = GpuFact(
    vendor="nvidia",
    address="0000:0c:00.0",
    pci_id="10de:1e81",
    name="NVIDIA GeForce RTX 2080 SUPER",
    arch="sm_75",
    arch_source="nvidia-smi",
    memory_bytes=8192 << 20,
    usable=True,
)

# A program that answers a query from a table of fields, and refuses others as nvidia-smi does.
STAND_IN = r"""
query=
for argument in "$@"; do
  case $argument in --query-gpu=*) query=${argument#--query-gpu=} ;; esac
done
old=$IFS; IFS=,; row=
for field in $query; do
  case $field in
@CASES@
    *) echo "Field \"$field\" is not a valid field to query."; exit 2 ;;
  esac
  row="$row${row:+, }$value"
done
IFS=$old
echo "$row"
"""


def stand_in(folder: Path, answers: Mapping[str, str]) -> HostWorld:
    cases = "\n".join(f"    {key}) value={shlex.quote(text)} ;;" for key, text in answers.items())
    path = folder / "nvidia-smi"
    path.write_text("#!/bin/sh\n" + STAND_IN.replace("@CASES@", cases))
    path.chmod(0o755)
    return HostWorld(environ={"PATH": str(folder)})


def without(*names: str) -> dict[str, str]:
    return {name: text for name, text in RTX.items() if name not in names}


@pytest.mark.parametrize(
    ("answers", "driver", "arch"),
    [
        pytest.param(RTX, "595.71.05", "sm_75", id="595"),
        pytest.param(without("compute_cap"), "595.71.05", None, id="470-refuses-compute-cap"),
        pytest.param(
            {**without("driver_version"), "kmd_version": "620.70.06"},
            "620.70.06",
            "sm_75",
            id="620-has-only-the-new-name",
        ),
        pytest.param(
            {**RTX, "driver_version": "[Deprecated]", "kmd_version": "610.43.02"},
            "610.43.02",
            "sm_75",
            id="610-old-name-without-value",
        ),
        pytest.param(
            {
                **RTX,
                "driver_version": 'Deprecated, see "KMD version" instead',
                "kmd_version": "610.43.02",
            },
            "610.43.02",
            "sm_75",
            id="610-words-with-a-comma",
        ),
        pytest.param(
            {**RTX, "compute_cap": "[N/A]", "memory.total": "[N/A]"}, "595.71.05", None, id="n-a"
        ),
        pytest.param(
            without("compute_cap", "pci.bus_id", "memory.total"), "595.71.05", None, id="ancient"
        ),
    ],
)
def test_layouts(tmp_path: Path, answers: Mapping[str, str], driver: str, arch: str | None) -> None:
    answer = query(stand_in(tmp_path, answers), 5)
    assert answer.completed.code == 0
    assert answer.driver == driver
    (gpu,) = answer.gpus
    assert (gpu.arch, gpu.pci_id) == (arch, "10de:1e81")


def test_all_that_is_said(tmp_path: Path) -> None:
    answer = query(stand_in(tmp_path, RTX), 5)
    assert answer.gpus == (FACT,)


@pytest.mark.parametrize("code", [6, 9, 18])
def test_exit_codes_are_kept(tmp_path: Path, code: int) -> None:
    path = tmp_path / "nvidia-smi"
    path.write_text(
        f"#!/bin/sh\necho 'NVIDIA-SMI has failed because it could not, at all'\nexit {code}\n"
    )
    path.chmod(0o755)
    answer = query(HostWorld(environ={"PATH": str(tmp_path)}), 5)
    assert (answer.completed.code, answer.gpus, answer.driver) == (code, (), None)


def test_one_that_refuses_everything_comes_to_an_end(tmp_path: Path) -> None:
    answer = query(stand_in(tmp_path, {"nothing": ""}), 5)
    assert answer.completed.code == 2
    assert answer.gpus == ()


def test_messages_are_no_rows() -> None:
    text = (
        "Unable to determine the device handle for GPU0000:0B:00.0: GPU is lost, reboot, please, "
        "or, better, replace\n\nA, B, C, D, E, F\n"
    )
    assert values(text, FIELDS) == ()


@pytest.mark.parametrize(
    ("field", "text"),
    [
        ("compute_cap", "75"),
        ("compute_cap", "7.55"),
        ("compute_cap", "0.0"),
        ("compute_cap", "-7.5"),
        ("compute_cap", "٧.5"),
        ("pci.device_id", "0x000010DE"),
        ("pci.device_id", "0x731F1002"),
        ("pci.device_id", "1E81"),
        ("memory.total", "0 MiB"),
        ("memory.total", "8192"),
        ("memory.total", "Insufficient Permissions"),
        ("name", "[Unknown Error]"),
    ],
)
def test_a_value_of_another_kind_is_none(field: str, text: str) -> None:
    said = gpu_of({field: text})
    assert (said.arch, said.pci_id, said.memory_bytes, said.name) == (None, None, None, None)
