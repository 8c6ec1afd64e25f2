"""`accelsel uv`: what it adds to a command line, and that it is uv in every other respect."""

import json
import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest

from accelsel.cli.uv import parse

ROOT = Path(__file__).parents[2]
HOSTS = ROOT / "fixtures" / "hosts"
UV = str(Path(sys.executable).with_name("uv"))
START = "import sys; from accelsel.cli.main import run; sys.exit(run(['uv', *sys.argv[1:]]))"
STAND_IN = """\
import json, os, sys
shown = {k: v for k, v in os.environ.items() if k in ("UV_TORCH_BACKEND", "UV_CONSTRAINT")}
with open(os.environ["CALLS"], "a") as file:
    file.write(json.dumps([sys.argv[1:], shown]) + "\\n")
sys.exit(int(os.environ.get("STAND_IN_CODE", "0")))
"""
BACKENDS = {"cpu": "2.14.1", "cu126": "2.14.1", "cu130": "2.14.1", "rocm7.2": "2.14.1"}


@dataclass(frozen=True, kw_only=True)
class Bench:
    """A folder with a stand-in for uv that writes down how it was called."""

    folder: Path

    def run(
        self,
        *words: str,
        host: str = "gtx-1080-ti-580",
        code: int = 0,
        env: Mapping[str, str] | None = None,
        stdin: str = "",
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [sys.executable, "-c", START, *words],
            input=stdin,
            cwd=self.folder / "project",
            env=environment(self.folder) | profile(host) | dict(env or {}),
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done

    @property
    def calls(self) -> list[tuple[list[str], dict[str, str]]]:
        path = self.folder / "calls"
        return (
            [tuple(json.loads(line)) for line in path.read_text().splitlines()]
            if path.exists()
            else []
        )

    def pin(self, shape: str, backends: Mapping[str, str] = BACKENDS) -> None:
        rows = "".join(
            f'    {{ backend = "{name}", torch = "{torch}", '
            f'{shape} = "{name.replace(".", "-")}" }},\n'
            for name, torch in backends.items()
        )
        (self.folder / "project" / "pyproject.toml").write_text(
            '[project]\nname = "demo"\nversion = "1"\nrequires-python = ">=3.11"\n'
            f"[tool.accelsel.pin]\nformat = 1\nselections = [\n{rows}]\nwritten = []\n"
        )


def environment(folder: Path) -> dict[str, str]:
    skipped = ("UV_", "ACCELSEL_", "VIRTUAL_ENV", "CONDA_", "XDG_", "CUDA_", "NV_VARIANT", "UV")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(skipped)}
    return kept | {
        "HOME": str(folder),
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PATH": f"{folder / 'bin'}{os.pathsep}{os.environ['PATH']}",
        "CALLS": str(folder / "calls"),
    }


def profile(host: str) -> dict[str, str]:
    return {"ACCELSEL_PROFILE": str(HOSTS / host / "profile.json")} if host else {}


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    for name in ("project", "bin"):
        (tmp_path / name).mkdir()
    program = tmp_path / "bin" / "uv"
    program.write_text(f"#!{sys.executable}\n{STAND_IN}")
    program.chmod(0o755)
    return Bench(folder=tmp_path)


@pytest.mark.parametrize(
    ("line", "command", "target", "names"),
    [
        ("sync --extra a", ("sync",), None, ["--extra"]),
        ("-q --directory x run --with y python -c z", ("run",), "python",
         ["-q", "--directory", "--with"]),
        ("run -p3.12 --no-sync s.py --extra no", ("run",), "s.py", ["-p", "--no-sync"]),
        ("run -m pytest -x", ("run",), "pytest", ["-m"]),
        ("run -s script.txt", ("run",), "script.txt", ["-s"]),
        ("run -- python -V", ("run",), "python", []),
        ("pip install -r req.txt torch", ("pip", "install"), "torch", ["-r"]),
        ("pip install -- a -b", ("pip", "install"), "-b", []),
        ("--color=never pip sync req.txt", ("pip", "sync"), "req.txt", ["--color"]),
        ("tool run --from x cmd --extra y", ("tool", "run"), "cmd", ["--from"]),
        ("-qv lock", ("lock",), None, ["-qv"]),
        # a switch, which `uv pip` alone gives a value
        ("run --no-binary s.py", ("run",), "s.py", ["--no-binary"]),
        ("add --editable --package a ./b", ("add",), "./b", ["--editable", "--package"]),
        ("pip install --no-binary :all: x", ("pip", "install"), "x", ["--no-binary"]),
        ("version --bump patch", ("version",), None, ["--bump"]),
        ("", (), None, []),
    ],
)  # fmt: skip
def test_parse(
    line: str, command: tuple[str, ...], target: str | None, names: Sequence[str]
) -> None:
    call = parse(line.split())
    assert (call.command, call.target) == (command, target)
    assert [name for name, _ in call.options] == list(names)


OFF = "--no-group cpu --no-group cu130 --no-group rocm7-2"


@pytest.mark.parametrize(
    ("shape", "line", "expected"),
    [
        ("extra", "sync --locked", "sync --extra cu126 --locked"),
        ("extra", "-q run python -c pass", "-q run --extra cu126 python -c pass"),
        ("extra", "export --no-hashes", "export --extra cu126 --no-hashes"),
        ("extra", "tree", "tree"),
        ("group", "sync --locked", f"sync {OFF} --group cu126 --locked"),
        ("group", "tree", f"tree {OFF} --group cu126"),
        ("group", "tree --package torch", f"tree {OFF} --group cu126 --package torch"),
        ("group", "run pytest", f"run {OFF} --group cu126 pytest"),
        # the caller has chosen
        ("extra", "sync --extra cu130", "sync --extra cu130"),
        ("extra", "sync --extra=ROCM7.2", "sync --extra=ROCM7.2"),
        ("extra", "sync --all-extras", "sync --all-extras"),
        ("group", "run --group cpu x", "run --group cpu x"),
        ("group", "sync --only-group dev", "sync --only-group dev"),
        ("group", "sync --no-group cpu", "sync --no-group cpu"),
        ("group", "sync --all-groups", "sync --all-groups"),
        # all of the other kind are none of the backends
        ("extra", "sync --all-groups", "sync --extra cu126 --all-groups"),
        ("group", "sync --all-extras", f"sync {OFF} --group cu126 --all-extras"),
        # something else is asked for beside it
        ("extra", "sync --extra docs", "sync --extra cu126 --extra docs"),
        ("group", "sync --group dev", f"sync {OFF} --group cu126 --group dev"),
        # nothing of the project is installed
        ("extra", "run --no-sync x", "run --no-sync x"),
        ("extra", "run --no-project x", "run --no-project x"),
        ("extra", "run tool.py", "run tool.py"),
        ("extra", "run --directory ../project tool.py", "run --directory ../project tool.py"),
        ("extra", "run -s noext", "run -s noext"),
        ("extra", "run --script plain.py", "run --extra cu126 --script plain.py"),
        ("extra", "sync --script tool.py", "sync --script tool.py"),
        ("extra", "run --no-binary tool.py", "run --no-binary tool.py"),
        ("extra", "run -- tool.py", "run -- tool.py"),
        ("extra", "run -m tool.py", "run --extra cu126 -m tool.py"),
        # whether it has metadata is known to uv alone
        ("extra", "run https://m.example/x.py", "run --extra cu126 https://m.example/x.py"),
        ("extra", "sync --package other", "sync --package other"),
        # no business of ours
        ("extra", "lock --upgrade", "lock --upgrade"),
        ("extra", "--version", "--version"),
        ("extra", "sync --help", "sync --help"),
        ("extra", "pip list", "pip list"),
        ("extra", "add --no-sync x", "add --no-sync x"),
    ],
)
def test_arguments(bench: Bench, shape: str, line: str, expected: str) -> None:
    bench.pin(shape)
    for name in ("tool.py", "noext"):
        script = bench.folder / "project" / name
        script.write_text("# /// script\n# dependencies = []\n# ///\n")
    (bench.folder / "project" / "plain.py").write_text("")
    bench.run(*line.split())
    assert [call for call, _ in bench.calls] == [expected.split()]


@pytest.mark.parametrize(
    ("host", "extra"),
    [
        ("no-gpu", "cpu"),
        ("gtx-1080-ti-580", "cu126"),
        ("t4-535", "cu126"),
        ("rtx-5090-580", "cu130"),
        ("rtx-3060-gtx-1050-580", "cu126"),
        ("rx-7900-xtx", "rocm7-2"),
        ("mi300x", "rocm7-2"),
        ("macos-arm64", "cpu"),
    ],
)
def test_each_host_has_its_own(bench: Bench, host: str, extra: str) -> None:
    bench.pin("extra")
    bench.run("sync", host=host)
    assert bench.calls[0][0] == ["sync", "--extra", extra]


@pytest.mark.parametrize(
    ("host", "backends", "says"),
    [
        ("arc-a770", BACKENDS, "it wants xpu"),
        # no silent CPU: this GPU is served, only not by what the project holds
        ("gtx-1080-ti-580", {"cpu": "2.14.1", "cu130": "2.14.1"}, "it wants cu126"),
        ("rtx-5090-570", {"cpu": "2.14.1", "cu126": "2.14.1"}, "it wants cu129"),
    ],
)
def test_none_fits(bench: Bench, host: str, backends: Mapping[str, str], says: str) -> None:
    bench.pin("extra", backends)
    done = bench.run("sync", host=host, code=4)
    assert bench.calls == []
    assert says in done.stderr
    wanted = says.rpartition(" ")[2]
    held = ",".join((*backends, wanted))
    anew = f"accelsel pin --write --as extras --backends {held}"
    assert f"help: `{anew} --lock`" in done.stderr
    other = bench.folder / "other"
    other.mkdir()
    path = (bench.folder / "project" / "pyproject.toml").rename(other / "pyproject.toml")
    done = bench.run("sync", "--project", "../other", host=host, code=4)
    assert f"help: `{anew} {path} --lock`" in done.stderr


def test_the_locked_torch_decides_not_the_pinned_one(bench: Bench) -> None:
    """cu128 had kernels for Volta up to 2.10: an older lock serves what the newer pin does not."""
    bench.pin("extra", {"cpu": "2.11.0", "cu128": "2.11.0"})
    gpus = {"ACCELSEL_CUDA_DRIVER": "570.86.10", "ACCELSEL_GPU_ARCH": "sm_70"}
    bench.run("sync", host="", code=4, env=gpus)
    (bench.folder / "project" / "uv.lock").write_text(
        'version = 1\n\n[[package]]\nname = "torch"\nversion = "2.10.0+cu128"\n'
        'source = { registry = "https://mirror.example/whl/cu128" }\n'
    )
    bench.run("sync", host="", env=gpus)
    assert bench.calls[-1][0] == ["sync", "--extra", "cu128"]


@pytest.mark.parametrize(
    ("variables", "settings", "expected"),
    [
        ({"ACCELSEL_BACKEND": "cpu"}, "", "cpu"),
        ({"UV_TORCH_BACKEND": "cpu"}, "", "cpu"),
        ({"UV_TORCH_BACKEND": "cpu", "ACCELSEL_ENV": "UV_TORCH_BACKEND"}, "", "cu126"),
        ({}, 'backend = "cpu"', "cpu"),
        ({"ACCELSEL_BACKEND": "cu126"}, 'backend = "cpu"', "cu126"),
    ],
)
def test_a_backend_that_was_asked_for(
    bench: Bench, variables: dict[str, str], settings: str, expected: str
) -> None:
    bench.pin("extra")
    path = bench.folder / "project" / "pyproject.toml"
    path.write_text(f"{path.read_text()}[tool.accelsel]\n{settings}\n")
    bench.run("sync", env=variables)
    assert bench.calls[0][0] == ["sync", "--extra", expected]


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("sync", "ACCELSEL_BACKEND"),
        ("sync", "UV_TORCH_BACKEND"),
        ("tool install x", "ACCELSEL_BACKEND"),  # there uv itself judges UV_TORCH_BACKEND
    ],
)
def test_a_backend_that_is_none_names_the_variable(bench: Bench, line: str, name: str) -> None:
    bench.pin("extra")
    done = bench.run(*line.split(), env={name: "cu999"}, code=2)
    assert f"where: {name}\n" in done.stderr


@pytest.mark.parametrize(
    ("name", "says", "helps"),
    [
        ("cu130", "cu130 was asked for: cu130 2.14.1: no kernels for sm_61",
         "`accelsel why cu130`"),
        ("xpu", "xpu was asked for: this project has cpu, cu126, cu130, rocm7.2",
         "`accelsel why xpu`"),
        ("cu118", "cu118 was asked for: this project has cpu, cu126, cu130, rocm7.2",
         "`accelsel pin --write --as extras --backends cpu,cu126,cu130,rocm7.2,cu118 --lock`"),
    ],
)  # fmt: skip
def test_a_backend_that_was_asked_for_and_is_none_for_here(
    bench: Bench, name: str, says: str, helps: str
) -> None:
    bench.pin("extra")
    done = bench.run("sync", env={"ACCELSEL_BACKEND": name}, code=4)
    assert done.stderr.startswith(f"error: {says}")
    assert f"  where: ACCELSEL_BACKEND\n  help: {helps}, or take" in done.stderr
    assert bench.calls == []


def test_a_fallback_that_was_allowed(bench: Bench) -> None:
    bench.pin("extra")
    path = bench.folder / "project" / "pyproject.toml"
    path.write_text(f'{path.read_text()}[tool.accelsel]\nfallback = "cpu"\n')
    bench.run("sync", host="arc-a770")
    assert bench.calls[0][0] == ["sync", "--extra", "cpu"]


def test_a_script_in_standard_input(bench: Bench) -> None:
    """A file can be looked into; what a pipe will bring cannot."""
    bench.pin("extra")
    found = []
    for text in ("# /// script\n# dependencies = []\n# ///\n", "print()\n"):
        for piped in (False, True):
            (bench.folder / "input").write_text(f"skipped\n{text}")
            with (bench.folder / "input").open("rb") as file:
                os.lseek(file.fileno(), len("skipped\n"), os.SEEK_SET)
                given = {"input": text.encode()} if piped else {"stdin": file}
                subprocess.run(
                    [sys.executable, "-c", START, "run", "-"], cwd=bench.folder / "project",
                    env=environment(bench.folder) | profile("t4-535"), check=True, timeout=60,
                    **given,
                )  # fmt: skip
                if not piped:
                    assert file.read() == text.encode(), "all of it is left for uv"
            found.append(bench.calls[-1][0])
    added = ["run", "--extra", "cu126", "-"]
    assert found == [["run", "-"], added, added, added]


def test_a_project_named_from_elsewhere(bench: Bench) -> None:
    bench.pin("extra")
    folder = str(bench.folder / "project")
    outside = bench.folder / "project" / "outside"
    outside.mkdir()
    (outside / "pyproject.toml").write_text('[project]\nname = "o"\nversion = "1"\n')
    bench.run("--directory", "outside", "sync")
    bench.run("--directory", "outside", "sync", "--project", folder)
    bench.run("--directory", "outside", "sync", env={"UV_PROJECT": folder})
    given = [call for call, _ in bench.calls]
    assert given[0] == ["--directory", "outside", "sync"]
    assert given[1][2:5] == ["sync", "--extra", "cu126"]
    assert given[2][2:] == ["sync", "--extra", "cu126"]


@pytest.mark.parametrize(
    ("line", "variables", "expected"),
    [
        # uv reads the variable only where the line has no such switch, and ours are some
        ("sync", {"UV_NO_GROUP": "dev slow"}, f"sync {OFF} --no-group dev --no-group slow"),
        ("sync --no-group a", {"UV_NO_GROUP": "dev"}, f"sync {OFF}"),
        ("sync", {"UV_NO_GROUP": "slow CPU"}, None),
        ("run x", {"UV_NO_PROJECT": "1"}, None),
        ("run x", {"UV_NO_PROJECT": "n"}, f"run {OFF}"),
        ("run x", {"UV_NO_SYNC": "y"}, None),
        ("sync", {"UV_WORKING_DIRECTORY": "nowhere"}, None),
        ("sync", {"UV_WORKING_DIRECTORY": "nowhere", "UV_WORKING_DIR": "."}, f"sync {OFF}"),
    ],
)
def test_variables_of_uv(
    bench: Bench, line: str, variables: dict[str, str], expected: str | None
) -> None:
    bench.pin("group")
    inside = bench.folder / "project" / "nowhere"
    inside.mkdir()
    (inside / "pyproject.toml").write_text('[project]\nname = "n"\nversion = "1"\n')
    bench.run(*line.split(), env=variables)
    [(call, _)] = bench.calls
    if expected is None:
        assert call == line.split()
    else:
        rest = line.split()[1:]
        assert call == [*expected.split(), "--group", "cu126", *rest]


WARNED = "warning: `uv {}` installs the default group cpu, and this host's is cu126: add --no-sync"


@pytest.mark.parametrize(
    ("line", "variables", "warned"),
    [
        ("version --bump patch", {}, True),
        ("version 2.0", {}, True),
        ("check", {}, True),
        ("version", {}, False),
        ("version --bump patch --no-sync", {}, False),
        ("version --bump patch --frozen", {}, False),
        ("version --bump patch --dry-run", {}, False),
        ("version --bump patch", {"UV_NO_SYNC": "1"}, False),
        ("version -q --bump patch", {}, False),
        ("version --bump patch --package other", {}, False),
        ("version --bump patch", profile("no-gpu"), False),
        ("version --bump patch", profile("arc-a770"), False),  # none fits, and none is asked for
        ("version --bump patch", {"ACCELSEL_PROFILE": "nowhere"}, False),
        ("check --no-group cpu --group cu126", {}, False),
        ("lock", {}, False),
    ],
)
def test_what_syncs_on_its_own_is_told(
    bench: Bench, line: str, variables: dict[str, str], warned: bool
) -> None:
    """The line stays as it is, and the groups are the project's default ones."""
    bench.pin("group")
    path = bench.folder / "project" / "pyproject.toml"
    path.write_text(f'{path.read_text()}[tool.uv]\ndefault-groups = ["dev", "cpu"]\n')
    words = line.split()
    said = bench.run(*words, env=variables).stderr
    assert said.startswith(WARNED.format(words[0])) if warned else said == ""
    assert [call for call, _ in bench.calls] == [words]


def test_extras_are_left_as_they_are_by_what_syncs_on_its_own(bench: Bench) -> None:
    bench.pin("extra")
    assert bench.run("version", "--bump", "patch").stderr == ""


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("--backend cu130 --force sync", "sync --extra cu130"),
        ("-q --backend=cpu --offline sync", "-q --offline sync --extra cpu"),
        ("--gpu 0 sync --gpu", "sync --extra cu126 --gpu"),  # behind the command they are uv's
        ("--profile - run x", "run --extra cpu x"),
    ],
)
def test_request_flags_stand_before_uvs_command(bench: Bench, line: str, expected: str) -> None:
    bench.pin("extra")
    bench.run(*line.split(), stdin=(HOSTS / "no-gpu" / "profile.json").read_text())
    assert [call for call, _ in bench.calls] == [expected.split()]


@pytest.mark.parametrize(
    ("line", "code", "says"),
    [
        ("--backend cu130 sync", 4, "no kernels for sm_61"),
        ("--backend cu130 pip install torch", 4, "no kernels for sm_61"),
        ("--backend", 2, "lacks its value"),
        ("--fallback gpu sync", 2, "--fallback"),
    ],
)
def test_a_request_that_cannot_be_met_ends_before_uv(
    bench: Bench, line: str, code: int, says: str
) -> None:
    bench.pin("extra")
    assert says in bench.run(*line.split(), code=code).stderr
    assert bench.calls == []


@pytest.mark.parametrize("line", ["lock", "sync", "sync --extra cu130", "pip list"])
def test_a_request_without_effect_is_told(bench: Bench, line: str) -> None:
    if line.endswith("cu130"):
        bench.pin("extra")
    assert "without the request flags" in bench.run("--backend", "cpu", *line.split()).stderr
    assert bench.run(*line.split()).stderr == ""
    assert [call for call, _ in bench.calls] == [line.split()] * 2


def test_contradicting_probes_end_it_where_they_must_not(bench: Bench) -> None:
    path = bench.folder / "profile.json"
    data = json.loads((HOSTS / "gtx-1080-ti-580" / "profile.json").read_text())
    data["notes"].append("probe-contradiction: nvml and smi tell different drivers")
    path.write_text(json.dumps(data))
    bench.pin("extra")
    for line in ("sync", "pip install torch"):
        bench.run("--strict", "--profile", str(path), *line.split(), code=5)
        bench.run("--profile", str(path), *line.split())
    assert len(bench.calls) == 2


@pytest.mark.parametrize(
    "rows",
    ['{ backend = "cpu", extra = 3 }', '{ backend = ["cpu"], extra = "cpu" }', "3", "{}"],
)
def test_a_record_that_cannot_be_read_is_said(bench: Bench, rows: str) -> None:
    text = f"[project]\n[tool.accelsel.pin]\nformat = 1\nselections = [{rows}]\nwritten = []\n"
    (bench.folder / "project" / "pyproject.toml").write_text(text)
    assert "cannot be read" in bench.run("sync", code=2).stderr
    path = bench.folder / "project" / "pyproject.toml"
    path.write_text(text.replace("format = 1", "format = 9"))
    assert "format 9" in bench.run("sync", code=2).stderr
    assert bench.calls == []


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("sync --package demo", "sync --extra cu126 --package demo"),
        ("sync --all-packages", "sync --extra cu126 --all-packages"),
        ("sync --package other", "sync --package other"),
        ("sync --package other --package Demo",
         "sync --extra cu126 --package other --package Demo"),
        ("sync", "sync"),
    ],
)  # fmt: skip
def test_the_pinned_package_of_a_workspace(bench: Bench, line: str, expected: str) -> None:
    bench.pin("extra")
    root, member = bench.folder / "project", bench.folder / "project" / "packages" / "demo"
    member.mkdir(parents=True)
    (root / "pyproject.toml").rename(member / "pyproject.toml")
    other = root / "packages" / "other"
    other.mkdir()
    (other / "pyproject.toml").write_text('[project]\nname = "other"\nversion = "1"\n')
    (root / "pyproject.toml").write_text('[tool.uv.workspace]\nmembers = ["packages/*"]\n')
    bench.run(*line.split())
    assert bench.calls[0][0] == expected.split()


def test_a_folder_above_is_not_this_one(bench: Bench) -> None:
    bench.pin("extra")
    bench.run("--project", "..", "sync")
    assert bench.calls[0][0] == ["--project", "..", "sync"]


def test_single_pins_and_other_projects_are_left_alone(bench: Bench) -> None:
    bench.run("sync")
    bench.pin("torch", {"cu126": "2.14.1"})  # neither an extra nor a group
    bench.run("sync")
    assert [call for call, _ in bench.calls] == [["sync"], ["sync"]]


@pytest.mark.parametrize(
    ("line", "added"),
    [
        ("sync", ["--extra", "cu126"]),
        ("sync --extra docs", ["--extra", "cu126"]),
        ("sync --extra CU126", []),
        ("sync --extra cpu", []),
        ("sync --group slow", []),
        ("sync --no-extra cpu", ["--extra", "cu126"]),
        ("run --package other python", []),
    ],
)
def test_one_backend_beside_those_of_the_project(bench: Bench, line: str, added: list[str]) -> None:
    bench.pin("extra", {"cu126": "2.14.1"})
    path = bench.folder / "project" / "pyproject.toml"
    sets = '[[{ extra = "cpu" }, { extra = "cu126" }, { group = "slow" }], [{ extra = "docs" }]]'
    path.write_text(f"{path.read_text()}[tool.uv]\nconflicts = {sets}\n")
    words = line.split()
    bench.run(*words)
    assert bench.calls[0][0] == [words[0], *added, *words[1:]]


def test_one_backend_that_does_not_serve_the_host(bench: Bench) -> None:
    bench.pin("extra", {"cu126": "2.14.1"})
    done = bench.run("sync", host="no-gpu", code=4)
    assert (
        "the backend of this project (cu126) does not serve this host: it wants cpu" in done.stderr
    )


def test_add_locks_first_and_then_installs_with_the_backend(bench: Bench) -> None:
    """`uv add --extra` means another thing: the extras of what is added."""
    bench.pin("group")
    bench.run("-q", "add", "--extra", "fast", "rich", "--index", "https://i.example/simple")
    first, second = (call for call, _ in bench.calls)
    assert first == ["-q", "add", "--no-sync", "--extra", "fast", "rich", "--index",
                     "https://i.example/simple"]  # fmt: skip
    assert second == ["sync", "--frozen", "--inexact", "-q", "--index", "https://i.example/simple",
                      *OFF.split(), "--group", "cu126"]  # fmt: skip


@pytest.mark.parametrize(
    ("line", "synced"),
    [
        ("add x", "--inexact {}"),
        ("add --group slow x", "--inexact {} --group slow"),
        ("add --group Slow_er x --dev", "--inexact {} --group Slow_er --group dev"),
        ("add --optional docs x", "--inexact {} --extra docs"),
        ("add --group cu130 x", "--inexact {}"),  # excluded by this host's
        ("add --extra fast x", "--inexact {}"),  # of what is added
        ("add --resolution lowest --upgrade x", "--inexact {}"),  # the lock has it
        ("add --no-build --refresh-package x x", "--inexact --no-build --refresh-package x {}"),
        ("remove x", "{}"),
        ("remove --group slow x", "{}"),
    ],
)
def test_what_is_synced_after_an_edit(bench: Bench, line: str, synced: str) -> None:
    bench.pin("group")
    command, *words = line.split()
    bench.run(command, *words)
    (first, _), (second, _) = bench.calls
    assert first == [command, "--no-sync", *words]
    assert second == ["sync", "--frozen", *synced.format(f"{OFF} --group cu126").split()]


def test_add_that_fails_ends_there(bench: Bench) -> None:
    bench.pin("group")
    bench.run("add", "rich", code=1, env={"STAND_IN_CODE": "1"})
    assert len(bench.calls) == 1


PIP = "pip install torch"


@pytest.mark.parametrize(
    ("host", "line", "variables", "expected"),
    [
        ("t4-535", PIP, {}, "cu126"),
        ("rtx-5090-570", "pip sync req.txt", {}, "cu129"),
        ("rx-7900-xtx", "pip compile req.in", {}, "rocm7.2"),
        ("arc-a770", "tool install x", {}, "xpu"),
        ("no-gpu", "tool run x", {}, "cpu"),
        ("t4-535", "tool uvx --with torch x", {}, "cu126"),
        ("macos-arm64", PIP, {}, None),
        # set by the caller
        ("t4-535", "pip install --torch-backend cu118 torch", {}, None),
        ("t4-535", PIP, {"UV_TORCH_BACKEND": "cpu"}, "cpu"),
        ("t4-535", PIP, {"UV_TORCH_BACKEND": "auto"}, "cu126"),
        ("t4-535", PIP, {"UV_EXTRA_INDEX_URL": "https://mirror.example/whl/cu121"}, None),
        ("t4-535", f"{PIP} --index-url https://download.pytorch.org/whl/cpu", {}, None),
        ("t4-535", f"{PIP} --python-platform windows", {}, None),
        ("t4-535", f"{PIP} -f https://download.pytorch.org/whl/cpu", {}, None),
        ("t4-535", PIP, {"UV_FIND_LINKS": "https://download.pytorch.org/whl/cpu"}, None),
        ("t4-535", "pip install https://download.pytorch.org/whl/cpu/torch-2.9.whl", {}, None),
        ("t4-535", "pip install torch@https://m.example/whl/cpu/torch-2.9.whl", {}, None),
        ("t4-535", "pip install x@https://m.example/x-2.9.whl torch", {}, "cu126"),
        # other commands
        ("t4-535", "pip list", {}, None),
        ("t4-535", "tool list", {}, None),
        ("t4-535", "venv", {}, None),
    ],
)
def test_pip(
    bench: Bench, host: str, line: str, variables: dict[str, str], expected: str | None
) -> None:
    bench.run(*line.split(), host=host, env=variables)
    [(call, shown)] = bench.calls
    assert call == line.split()
    assert shown.get("UV_TORCH_BACKEND") == expected
    assert "UV_CONSTRAINT" not in shown


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("torch\n", "cu126"),
        ("--extra-index-url https://download.pytorch.org/whl/cu121\ntorch\n", None),
        ("  -f https://m.example/whl/cu121/torch/\n", None),
        ("# --extra-index-url https://download.pytorch.org/whl/cu121\n", "cu126"),
        ("--extra-index-url https://m.example/simple\n", "cu126"),
        ("torch @ https://download.pytorch.org/whl/cu121/torch-2.5.1-x.whl\n", None),
    ],
)
@pytest.mark.parametrize("line", ["pip install -r req.txt", "pip sync req.txt",
                                  "tool run --with-requirements req.txt x"])  # fmt: skip
def test_a_file_of_requirements_may_be_the_callers_word(
    bench: Bench, line: str, text: str, expected: str | None
) -> None:
    (bench.folder / "project" / "req.txt").write_text(text)
    bench.run(*line.split(), host="t4-535")
    assert bench.calls[0][1].get("UV_TORCH_BACKEND") == expected


WHEELS = "https://download.pytorch.org/whl/cu121"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (f'[[index]]\nname = "i"\nurl = "{WHEELS}"\n', None),
        (f'[[index]]\nname = "i"\nurl = "{WHEELS}"\nexplicit = true\n', "cu126"),
        (f'[pip]\nextra-index-url = ["{WHEELS}"]\n', None),
        (f'find-links = ["{WHEELS}"]\n', None),
        (f"# {WHEELS}\nindex = 3\n", "cu126"),
    ],
)  # fmt: skip
def test_an_index_in_uvs_settings_is_the_callers_word(
    bench: Bench, text: str, expected: str | None
) -> None:
    (bench.folder / "project" / "uv.toml").write_text(text)
    bench.run(*PIP.split(), host="t4-535")
    assert bench.calls[0][1].get("UV_TORCH_BACKEND") == expected


def test_a_setting_of_uv_is_the_callers_word(bench: Bench) -> None:
    (bench.folder / "project" / "uv.toml").write_text('[pip]\ntorch-backend = "cu118"\n')
    bench.run(*PIP.split(), host="t4-535")
    assert bench.calls == [(PIP.split(), {})]


@pytest.mark.parametrize(
    ("line", "sourced"),
    [
        ("pip install -e .", True),
        ("pip install .[dev]", True),
        ("pip install ./../project", True),
        ("pip install -r pyproject.toml", True),
        ("pip compile pyproject.toml -o out.txt", True),
        ("pip sync --quiet -- pyproject.toml", True),
        ("tool install --with-editable . x", True),
        ("tool run --from ./ x", True),
        ("pip install -e member", True),
        ("pip install -r editable.txt", True),
        ("pip sync folder.in", True),
        ("pip install --group cu126", True),
        ("pip install --group member/pyproject.toml:dev", True),
        ("pip install --group other/pyproject.toml:dev", False),
        ("pip install torch", False),
        ("pip install member", False),  # a name, not the folder
        ("pip install -e other", False),
        ("pip install -e . --no-sources", False),
        ("tool run x .", False),
    ],
)
def test_a_project_that_says_where_torch_comes_from(bench: Bench, line: str, sourced: bool) -> None:
    """Its source and a backend's index do not go together: uv looks for torch at the one and for
    what torch needs at the other."""
    root = bench.folder / "project"
    for name in ("member", "other"):
        (root / name).mkdir()
        (root / name / "pyproject.toml").write_text(f'[project]\nname = "{name}"\nversion = "1"\n')
    (root / "editable.txt").write_text("numpy\n-e ./member[all]\n")
    (root / "folder.in").write_text("# .\n  .\n")
    (root / "pyproject.toml").write_text(
        '[project]\nname = "demo"\nversion = "1"\n[tool.uv.sources]\ntorch = { index = "i" }\n'
        '[tool.uv.workspace]\nmembers = ["member"]\n'
    )
    bench.run(*line.split(), host="t4-535")
    [(call, shown)] = bench.calls
    assert call == line.split()
    assert shown == ({} if sourced else {"UV_TORCH_BACKEND": "cu126"})


def test_settings_of_uv_are_read_where_uv_reads_them(bench: Bench) -> None:
    def backend(line: str, **env: str) -> str | None:
        bench.run(*line.split(), host="t4-535", env={"XDG_CONFIG_HOME": str(bench.folder), **env})
        return bench.calls[-1][1].get("UV_TORCH_BACKEND")

    user = bench.folder / "uv" / "uv.toml"
    user.parent.mkdir()
    user.write_text('[pip]\ntorch-backend = "cpu"\n')
    assert backend(PIP) is None
    assert backend(f"{PIP} --no-config") == "cu126"
    assert backend(PIP, UV_CONFIG_FILE=os.devnull) == "cu126"
    project = bench.folder / "project" / "pyproject.toml"
    project.write_text('[tool.uv.pip]\ntorch-backend = "auto"\n')
    assert backend(PIP) == "cu126"
    assert backend("tool install x") is None  # a project's settings are none of a tool's
    project.write_text("[tool.ruff]\n")
    assert backend(PIP) is None


def test_pip_takes_the_python_of_the_environment(bench: Bench) -> None:
    """Torch 2.9 and newer have no wheel for 3.9: nothing newer than that Python's is chosen."""
    venv = bench.folder / "project" / ".venv"
    (venv / "lib" / "python3.9" / "site-packages").mkdir(parents=True)
    (venv / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.9.18\n")
    bench.run(*PIP.split(), host="t4-535")
    assert bench.calls[0][1]["UV_TORCH_BACKEND"] in ("cu128", "cu129", "cu126")
    bench.run(*PIP.split(), "--python", "3.13", host="t4-535")
    assert bench.calls[1][1]["UV_TORCH_BACKEND"] == "cu126"


@pytest.mark.parametrize(
    ("words", "variables"),
    [
        (["--directory", "../other"], {}),
        (["--directory=../other/below"], {}),  # uv takes the nearest above
        ([], {"UV_WORKING_DIR": "../other"}),
    ],
)
def test_pip_of_another_folder(bench: Bench, words: list[str], variables: dict[str, str]) -> None:
    """Its environment's Python, its settings."""
    other = bench.folder / "other"
    (other / ".venv" / "lib" / "python3.9" / "site-packages").mkdir(parents=True)
    (other / ".venv" / "pyvenv.cfg").write_text("home = /usr/bin\nversion_info = 3.9.18\n")
    (other / "below").mkdir()
    host = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_120"}
    bench.run(*PIP.split(), host="", env=host)
    bench.run(*words, *PIP.split(), host="", env=host | variables)
    (other / "pyproject.toml").write_text('[tool.accelsel]\nbackend = "cpu"\n')
    bench.run(*words, *PIP.split(), host="", env=host | variables)
    (other / "pyproject.toml").write_text('[tool.uv.pip]\ntorch-backend = "cu118"\n')
    bench.run(*words, *PIP.split(), host="", env=host | variables)
    shown = [backend.get("UV_TORCH_BACKEND") for _, backend in bench.calls]
    assert shown == ["cu132", "cu129", "cpu", None]


@pytest.mark.parametrize(
    ("settings", "line", "expected"),
    [
        ('python = "3.9"', PIP, "cu129"),
        ('python = "3.9"', f"{PIP} --python 3.13", "cu132"),  # a word before a setting
        ('python = "3.13"', f"{PIP} -p3.9", "cu129"),
        ('platform = "linux-aarch64"\nbackend = "cu129"', PIP, "cu129"),
        ('with = ["vllm"]', PIP, "cu130"),
    ],
)
def test_settings_of_the_project_for_pip(
    bench: Bench, settings: str, line: str, expected: str
) -> None:
    text = f"[project]\n[tool.accelsel]\n{settings}\n"
    (bench.folder / "project" / "pyproject.toml").write_text(text)
    host = {"ACCELSEL_CUDA_DRIVER": "580.65.06", "ACCELSEL_GPU_ARCH": "sm_120"}
    bench.run(*line.split(), host="", env=host)
    assert bench.calls[0][1]["UV_TORCH_BACKEND"] == expected


def volta_and_blackwell(folder: Path) -> dict[str, str]:
    """A host whose newest common build is torch 2.10 of cu129; its index goes on to 2.13."""
    data = json.loads((HOSTS / "rtx-3060-gtx-1050-580" / "profile.json").read_text())
    for gpu, arch in zip(data["gpus"], ("sm_70", "sm_100"), strict=True):
        gpu |= {"arch": arch, "integrated": False}
    path = folder / "profile.json"
    path.write_text(json.dumps(data))
    return {"ACCELSEL_PROFILE": str(path)}


def test_a_constraint_where_the_index_alone_would_go_wrong(bench: Bench) -> None:
    host = volta_and_blackwell(bench.folder)
    theirs = bench.folder / "theirs.txt"
    bench.run(*PIP.split(), host="", env=host)
    bench.run(*PIP.split(), host="", env=host | {"UV_CONSTRAINT": str(theirs)})
    bench.run("pip", "install", "-c", str(theirs), "torch", host="", env=host)
    (_, alone), (_, beside), (flagged, _) = bench.calls
    assert alone["UV_TORCH_BACKEND"] == "cu129"
    ours = Path(alone["UV_CONSTRAINT"])
    assert ours.read_text() == "torch<2.11.0\ntorchaudio<2.11\n"
    assert beside["UV_CONSTRAINT"].split() == [str(theirs), str(ours)]
    assert flagged == ["pip", "install", "--constraints", str(ours), "-c", str(theirs), "torch"]


def test_what_accelsel_env_emitted_on_another_host_does_not_speak(bench: Bench) -> None:
    """A shell that evaluated it, an image that was built with it."""
    run = subprocess.run(
        [sys.executable, "-m", "accelsel", "env", "--format", "json"], cwd=bench.folder,
        env=environment(bench.folder) | volta_and_blackwell(bench.folder),
        capture_output=True, text=True, check=True, timeout=60,
    )  # fmt: skip
    emitted = json.loads(run.stdout)["variables"]
    theirs = {"UV_CONSTRAINT": f"theirs.txt {emitted['UV_CONSTRAINT']}"}
    bench.run(*PIP.split(), host="t4-535", env=emitted | theirs)
    bench.run(*PIP.split(), host="macos-arm64", env=emitted | theirs)
    for facts in ({}, {"ACCELSEL_ENV": ""}):  # without the mark it is a wish
        bench.run(*PIP.split(), host="", env=emitted | volta_and_blackwell(bench.folder) | facts)
    other, default, same, wish = (shown for _, shown in bench.calls)
    assert other == {"UV_TORCH_BACKEND": "cu126", "UV_CONSTRAINT": "theirs.txt"}
    assert default == {"UV_CONSTRAINT": "theirs.txt"}
    assert same == wish
    assert wish == {name: emitted[name] for name in ("UV_TORCH_BACKEND", "UV_CONSTRAINT")}


@pytest.mark.parametrize("container", ["docker", None])
@pytest.mark.parametrize("line", ["sync", PIP])
def test_what_accelsel_env_put_into_an_image_speaks_where_no_gpu_is_seen(
    bench: Bench, line: str, container: str | None
) -> None:
    bench.pin("extra")
    data = json.loads((HOSTS / "no-gpu" / "profile.json").read_text())
    data["os"]["container"] = container
    path = bench.folder / "profile.json"
    path.write_text(json.dumps(data))
    emitted = {"UV_TORCH_BACKEND": "cu126", "ACCELSEL_ENV": "UV_TORCH_BACKEND"}
    bench.run(*line.split(), host="", env=emitted | {"ACCELSEL_PROFILE": str(path)})
    [(call, shown)] = bench.calls
    taken = call[2] if line == "sync" else shown["UV_TORCH_BACKEND"]
    assert taken == ("cu126" if container else "cpu")


def test_a_backend_that_uv_does_not_know(bench: Bench) -> None:
    done = bench.run(*PIP.split(), host="", env={"ACCELSEL_GPU_ARCH": "gfx1103"})
    assert done.stderr.count("warning:") == 1
    assert "amd" in done.stderr
    assert bench.calls == [(PIP.split(), {})]


def test_uv_is_missing(bench: Bench) -> None:
    done = bench.run("lock", code=6, env={"UV": str(bench.folder / "nowhere")})
    assert done.stderr.startswith("error: ")


@pytest.mark.parametrize("word", ["exec ", ""], ids=["becomes it", "runs it"])
@pytest.mark.parametrize("named", [False, True], ids=["on PATH", "named by UV"])
def test_a_uv_that_is_a_script_for_accelsel_ends(bench: Bench, word: str, named: bool) -> None:
    """It would be found again, for ever."""
    program = bench.folder / "bin" / "uv"
    program.write_text(f'#!/bin/sh\n{word}{sys.executable} -c "{START}" "$@"\n')
    done = bench.run("lock", code=6, env={"UV": str(program)} if named else {})
    assert done.stderr.count("error: the uv that was found calls accelsel again") == 1
    assert bench.calls == []


# The real uv: everything passes through.


def command(*words: str) -> list[str]:
    return [sys.executable, "-c", START, *words]


@pytest.fixture
def real(tmp_path: Path) -> dict[str, str]:
    names = environment(tmp_path) | {
        "UV": UV,
        "UV_CACHE_DIR": str(tmp_path / "uv-cache"),
        "UV_PYTHON": sys.executable,
        "UV_PYTHON_DOWNLOADS": "never",
        "UV_OFFLINE": "1",
    }
    return names | profile("no-gpu")


def ran(argv: Sequence[str], env: Mapping[str, str], cwd: Path) -> tuple[int, str, str]:
    done = subprocess.run(
        argv, env=dict(env), cwd=cwd, capture_output=True, text=True, check=False, timeout=60,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize(
    ("words", "code"),
    [
        pytest.param(["--version"], 0, id="0"),
        pytest.param(["lock", "--check"], 1, id="1, a missing lock"),
        pytest.param(["lock", "--no-such-flag"], 2, id="2, a bad flag"),
        pytest.param(["no-such-command"], 2, id="2, a bad command"),
        pytest.param(["run", "--no-project", "python", "-c", "raise SystemExit(7)"], 7, id="own"),
        pytest.param([], 2, id="nothing at all"),
    ],
)
def test_exit_codes_and_output_are_uvs(
    real: Mapping[str, str], tmp_path: Path, words: list[str], code: int
) -> None:
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "p"\nversion = "1"\n')
    ours, theirs = ran(command(*words), real, tmp_path), ran([UV, *words], real, tmp_path)
    assert ours == theirs
    assert ours[0] == code


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_reach_uv_and_end_like_uv(
    real: Mapping[str, str], tmp_path: Path, number: signal.Signals
) -> None:
    script = "import time; print('ready', flush=True); time.sleep(60)"
    words = ["run", "--no-project", "python", "-c", script]
    codes = []
    for argv in (command(*words), [UV, *words]):
        process = subprocess.Popen(
            argv, env=dict(real), cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            text=True, start_new_session=True,
        )  # fmt: skip
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        time.sleep(0.2)
        os.killpg(process.pid, number)
        codes.append(process.wait(timeout=20))
        process.stdout.close()
    assert codes[0] == codes[1]


@pytest.mark.parametrize("whole", [True, False], ids=["the group", "one process"])
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_signals_while_uv_is_a_child(bench: Bench, number: signal.Signals, whole: bool) -> None:
    """`add` runs uv twice. Its index is silent, so that it waits."""
    bench.pin("group")
    codes = []
    with socket.create_server(("127.0.0.1", 0)) as silent:
        url = f"http://127.0.0.1:{silent.getsockname()[1]}/simple"
        words = ["add", "--no-cache", "--default-index", url, "x"]
        env = environment(bench.folder) | profile("no-gpu") | {"UV": UV}
        env |= {"UV_PYTHON": sys.executable, "UV_PYTHON_DOWNLOADS": "never"}
        for argv in (command(*words), [UV, *words]):
            process = subprocess.Popen(
                argv, env=env, cwd=bench.folder / "project", stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL, start_new_session=True,
            )  # fmt: skip
            connection, _ = silent.accept()
            with connection:
                time.sleep(0.2)
                (os.killpg if whole else os.kill)(process.pid, number)
                codes.append(process.wait(timeout=20))
    assert codes[0] == codes[1]


# A process with a terminal of its own; what it prints and its exit status come back as JSON.
TERMINAL = textwrap.dedent(
    """
    import json, os, pty, sys
    pid, master = pty.fork()
    if pid == 0:
        os.execvp(sys.argv[2], sys.argv[2:])
    text, sent = b"", False
    while True:
        try:
            chunk = os.read(master, 4096)
        except OSError:
            break
        if not chunk:
            break
        text += chunk
        if b"ready" in text and not sent and sys.argv[1]:
            os.write(master, bytes.fromhex(sys.argv[1]))
            sent = True
    status = os.waitpid(pid, 0)[1]
    print(json.dumps([os.waitstatus_to_exitcode(status), text.decode()]))
    """
)


def in_terminal(
    argv: Sequence[str], env: Mapping[str, str], cwd: Path, keys: str = ""
) -> tuple[int, str]:
    code, out, err = ran([sys.executable, "-c", TERMINAL, keys, *argv], env, cwd)
    assert code == 0, err
    status, text = json.loads(out)
    return status, text


def test_a_terminal_stays_a_terminal(real: Mapping[str, str], tmp_path: Path) -> None:
    script = "import sys; print([f.isatty() for f in (sys.stdin, sys.stdout, sys.stderr)])"
    words = ["run", "--no-project", "python", "-c", script]
    status, text = in_terminal(command(*words), real, tmp_path)
    assert status == 0
    assert "[True, True, True]" in text
    assert ran(command(*words), real, tmp_path)[1].strip() == "[False, False, False]"


def test_ctrl_c_in_a_terminal(real: Mapping[str, str], tmp_path: Path) -> None:
    script = (
        "import os, time\ntry:\n os.write(1, b'ready\\n')\n time.sleep(60)\n"
        "except KeyboardInterrupt:\n print('caught'); raise SystemExit(3)"
    )
    words = ["run", "--no-project", "python", "-c", script]
    ours = in_terminal(command(*words), real, tmp_path, keys="03")
    theirs = in_terminal([UV, *words], real, tmp_path, keys="03")
    assert ours == theirs
    assert "caught" in ours[1]


def test_what_is_ignored_is_ignored_by_uv_as_a_child(bench: Bench) -> None:
    bench.pin("group")
    program = bench.folder / "bin" / "uv"
    program.write_text('#!/bin/sh\ngrep SigIgn /proc/self/status >> "$CALLS"\n')
    for line in ("nohup", "env"):
        subprocess.run(
            [line, *command("add", "x")], cwd=bench.folder / "project", check=True, timeout=60,
            env=environment(bench.folder) | profile("no-gpu"), capture_output=True,
        )  # fmt: skip
    lines = (bench.folder / "calls").read_text().splitlines()
    masks = [int(line.split()[1], 16) >> (signal.SIGHUP - 1) & 1 for line in lines]
    assert masks == [1, 1, 0, 0]


def test_accelsel_below_uv_below_accelsel(real: Mapping[str, str], tmp_path: Path) -> None:
    words = ["run", "--no-project", "--", *command("run", "--no-project", *command("--version"))]
    assert ran(command(*words), real, tmp_path) == ran([UV, "--version"], real, tmp_path)


def test_a_closed_pipe_ends_it_as_it_ends_uv(real: Mapping[str, str], tmp_path: Path) -> None:
    codes: list[int] = []
    for argv in (command("help", "pip"), [UV, "help", "pip"]):
        read, write = os.pipe()
        os.close(read)
        with os.fdopen(write, "wb") as closed:
            done = subprocess.run(
                argv, env=dict(real), cwd=tmp_path, stdout=closed, stderr=subprocess.DEVNULL,
                check=False, timeout=60, stdin=subprocess.DEVNULL,
            )  # fmt: skip
        codes.append(done.returncode)
    assert codes[0] == codes[1]


def test_signals_are_as_a_shell_hands_them_on(real: Mapping[str, str], tmp_path: Path) -> None:
    """An interpreter ignores SIGPIPE; what runs below uv must not find it ignored."""
    words = ["run", "--no-project", "sh", "-c", "grep SigIgn /proc/self/status"]
    ours, theirs = ran(command(*words), real, tmp_path), ran([UV, *words], real, tmp_path)
    assert ours == theirs
