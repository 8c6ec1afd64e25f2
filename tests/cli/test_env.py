"""`accelsel env`: what a shell makes of it, and what is left out and why."""

import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from accelsel.ports.env import FORMS

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
COMMAND = [sys.executable, "-m", "accelsel", "env"]


def environment(folder: Path, host: str) -> dict[str, str]:
    skipped = ("UV_", "ACCELSEL_", "VIRTUAL_ENV", "CONDA_", "CUDA_", "NV_VARIANT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(skipped)}
    own = {"HOME": str(folder), "XDG_CACHE_HOME": str(folder / "cache")}
    named = {"ACCELSEL_PROFILE": str(HOSTS / host / "profile.json")} if host else {}
    return kept | own | named


def ran(
    folder: Path, host: str, *words: str, code: int = 0, env: Mapping[str, str] | None = None
) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [*COMMAND, *words], cwd=folder, env=environment(folder, host) | dict(env or {}),
        timeout=60, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == code, done.stderr
    return done


def test_a_shell_has_the_variables_after_eval(tmp_path: Path) -> None:
    script = 'eval "$("$@")"; env | grep -E "^(UV_|NV_|ACCELSEL_ENV)" | sort'
    done = subprocess.run(
        ["/bin/sh", "-ec", script, "sh", *COMMAND], cwd=tmp_path, timeout=60,
        env=environment(tmp_path, "rtx-5090-570"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout.splitlines() == [
        "ACCELSEL_ENV=UV_TORCH_BACKEND,UV_CUDA_DRIVER_VERSION,"  # noqa: ISC004  one line of output
        "NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION,NV_VARIANT_PROVIDER_FORCE_SM_ARCH",
        "NV_VARIANT_PROVIDER_FORCE_CUDA_DRIVER_VERSION=12.9",
        "NV_VARIANT_PROVIDER_FORCE_SM_ARCH=12.0",
        "UV_CUDA_DRIVER_VERSION=570.86.16",
        "UV_TORCH_BACKEND=cu129",
    ]


def test_a_comment_does_not_hide_the_variables_from_an_unquoted_eval(tmp_path: Path) -> None:
    script = 'eval $("$@"); echo "$UV_TORCH_BACKEND"'
    done = subprocess.run(
        ["/bin/sh", "-ec", script, "sh", *COMMAND], cwd=tmp_path, timeout=60,
        env=environment(tmp_path, "gtx-1080-ti-580"), capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert done.stdout == "cu126\n"


@pytest.mark.parametrize("form", FORMS)
def test_every_form_has_the_backend(tmp_path: Path, form: str) -> None:
    done = ran(tmp_path, "t4-535", "--format", form)
    assert "UV_TORCH_BACKEND" in done.stdout
    assert "cu126" in done.stdout
    if form == "github":
        assert all("=" in line for line in done.stdout.splitlines())


def test_its_own_output_is_no_fact_for_it(tmp_path: Path) -> None:
    """After `eval`, a driver of another host in the variables would be taken for this one's."""
    first = json.loads(ran(tmp_path, "rtx-5090-570", "--format", "json").stdout)["variables"]
    facts = {"ACCELSEL_CUDA_DRIVER": "535.183.01", "ACCELSEL_GPU_ARCH": "sm_75"}
    again = json.loads(ran(tmp_path, "", "--format", "json", env=first | facts).stdout)
    assert again["variables"]["UV_TORCH_BACKEND"] == "cu126"
    unmarked = {k: v for k, v in first.items() if k != "ACCELSEL_ENV"}
    named = json.loads(ran(tmp_path, "", "--format", "json", env=unmarked | facts).stdout)
    assert named["variables"]["UV_TORCH_BACKEND"] == "cu129"  # without the mark it is a wish


def test_what_no_longer_holds_is_taken_back(tmp_path: Path) -> None:
    mark = {"ACCELSEL_ENV": "UV_TORCH_BACKEND,UV_CUDA_DRIVER_VERSION", "UV_TORCH_BACKEND": "cu129"}
    text = ran(tmp_path, "t4-535", env=mark).stdout
    assert "unset UV_CUDA_DRIVER_VERSION\n" in text
    assert "export UV_TORCH_BACKEND=cu126\n" in text


def test_constraints_that_stood_there_before_stay(tmp_path: Path) -> None:
    facts = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_70,sm_100"}
    here = facts | {"UV_CONSTRAINT": "theirs.txt"}
    first = json.loads(ran(tmp_path, "", "--format", "json", env=here).stdout)["variables"]
    files = first["UV_CONSTRAINT"].split()
    assert files[0] == "theirs.txt"
    assert len(files) == 2
    again = json.loads(ran(tmp_path, "", "--format", "json", env=facts | first).stdout)["variables"]
    assert again == first
    elsewhere = ran(tmp_path, "t4-535", env=first).stdout
    assert "export UV_CONSTRAINT=theirs.txt\n" in elsewhere
    [mark] = (line for line in elsewhere.splitlines() if "ACCELSEL_ENV" in line)
    assert "UV_CONSTRAINT" not in mark
    alone = {**first, "UV_CONSTRAINT": files[1]}
    assert "unset UV_CONSTRAINT\n" in ran(tmp_path, "t4-535", env=alone).stdout


def test_without_a_build_nothing_is_printed(tmp_path: Path) -> None:
    facts = {"ACCELSEL_CUDA_DRIVER": "390.157", "ACCELSEL_GPU_ARCH": "sm_30"}
    done = ran(tmp_path, "", "--torch", ">=2.14", "--backend", "cu130", code=4, env=facts)
    assert done.stdout == ""
    assert done.stderr.count("error:") == 1
    assert "help:" in done.stderr


def test_a_bound_is_a_file_here_and_a_word_elsewhere(tmp_path: Path) -> None:
    facts = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_70,sm_100"}
    here = json.loads(ran(tmp_path, "", "--format", "json", env=facts).stdout)["variables"]
    bounds = Path(here["UV_CONSTRAINT"])
    assert bounds.is_relative_to(tmp_path / "cache")
    assert bounds.read_text().startswith("torch<2.11")
    there = ran(tmp_path, "", "--format", "docker", env=facts).stdout
    assert "UV_CONSTRAINT" not in there
    assert '# the index alone would give a newer build: ask uv for "torch<2.11' in there


def test_a_backend_that_uv_does_not_know_is_said(tmp_path: Path) -> None:
    done = ran(tmp_path, "", env={"ACCELSEL_GPU_ARCH": "gfx1103"})
    assert "UV_TORCH_BACKEND" not in done.stdout.replace("# ", "")
    assert "# uv does not know the backend amd" in done.stdout


def test_the_python_is_that_of_the_environment(tmp_path: Path) -> None:
    venv = tmp_path / ".venv"
    (venv / "lib" / "python3.9" / "site-packages").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.9.18\n")
    facts = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_120"}
    old = json.loads(ran(tmp_path, "", "--format", "json", env=facts).stdout)["variables"]
    new = json.loads(ran(tmp_path, "", "--format", "json", "--python", "3.13", env=facts).stdout)
    assert old["UV_TORCH_BACKEND"] == "cu129"
    assert new["variables"]["UV_TORCH_BACKEND"] == "cu132"


def test_a_cache_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("no folder")
    facts = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_70,sm_100"}
    done = ran(tmp_path, "", code=2, env=facts)
    first = done.stderr.splitlines()[0]
    assert first.startswith("error: cannot keep the constraints: ")
    assert "help: set XDG_CACHE_HOME" in done.stderr
    assert done.stdout == ""


def test_a_bound_that_was_asked_for_goes_along(tmp_path: Path) -> None:
    for host, lines in {
        "t4-535": ["torch<2.9", "torchaudio<2.9"],
        "no-gpu": ["torch<2.9", "torchaudio<2.9"],
    }.items():
        done = ran(tmp_path, host, "--torch", "<2.9", "--format", "dotenv")
        assert all(f'"{line}"' in done.stdout for line in lines), done.stdout
