"""`accelsel fleet` as a process: documents in and out, the text, the exit codes."""

import json
import os
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from tests.rules.hosts import gpu, host, nvidia

from accelsel.cli.uv import parse
from accelsel.cli.uv_project import backend_arguments
from accelsel.knowledge import load
from accelsel.model.errors import NO_BUILD, USAGE
from accelsel.model.profile import Profile
from accelsel.ports.documents import document
from accelsel.ports.schema import schema

HOSTS: dict[str, Profile] = {
    "b200": nvidia("sm_100", "sm_100"),
    "gtx": nvidia("sm_61"),
    "h100": nvidia("sm_90"),
    "radeon": host(gpu(0, "amd", "AMD Radeon RX 7900 XTX", "gfx1100", memory=24)),
    "head": host(),
    "musl": host(libc="musl", glibc=None),
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name, profile in HOSTS.items():
        (tmp_path / f"{name}.json").write_text(json.dumps(document("profile", profile)))
    return tmp_path


def run(
    folder: Path, *argv: str, code: int = 0, stdin: str | bytes = ""
) -> subprocess.CompletedProcess[str]:
    """The command in a folder, with no setting of this user."""
    env = {k: v for k, v in os.environ.items() if not k.startswith(("ACCELSEL", "UV_"))}
    done = subprocess.run(
        [sys.executable, "-m", "accelsel", *argv],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=60,
        input=stdin.encode() if isinstance(stdin, str) else stdin,
        env=env | {"XDG_CONFIG_HOME": str(folder), "XDG_CACHE_HOME": str(folder)},
    )
    text = subprocess.CompletedProcess(
        done.args, done.returncode, done.stdout.decode(), done.stderr.decode()
    )
    assert text.returncode == code, text.stderr
    return text


def fleet(folder: Path, *argv: str, code: int = 0, stdin: str | bytes = "") -> dict[str, Any]:
    """The fleet document that a command prints, which the printed schema admits."""
    found = json.loads(run(folder, "fleet", *argv, code=code, stdin=stdin).stdout)
    assert next(iter(found)) == "schema"
    assert found["schema"] == "accelsel.fleet/1"
    jsonschema.validate(found, schema("fleet"))
    for node in found["nodes"]:
        jsonschema.validate(node["profile"], schema("profile"))
    for group in found["groups"]:
        jsonschema.validate(group["selection"], schema("selection"))
    return dict(found)


def error(folder: Path, *argv: str, stdin: str | bytes = "") -> tuple[str, str, str]:
    """Kind, place and help of the error document."""
    done = run(folder, "fleet", *argv, "--format", "json", code=USAGE, stdin=stdin)
    found = json.loads(done.stdout)
    return found["kind"], found["where"], found["help"]


def test_probe_is_a_profile_on_one_line(folder: Path) -> None:
    line, end, rest = run(folder, "fleet", "probe").stdout.partition("\n")
    assert (end, rest) == ("\n", "")
    assert line.isascii()
    jsonschema.validate(json.loads(line), schema("profile"))
    found = fleet(folder, "merge", "-", stdin=line + end)
    assert [(node["name"], node["count"]) for node in found["nodes"]] == [("1", 1)]


def test_merge_reads_documents_however_they_were_collected(folder: Path) -> None:
    b200, gtx, head = ((folder / f"{name}.json").read_text() for name in ("b200", "gtx", "head"))
    whole = fleet(folder, "merge", "head.json", "b200.json", "gtx.json")
    assert [node["name"] for node in whole["nodes"]] == ["b200", "gtx", "head"]
    assert (whole["outcome"], whole["groups"], whole["pin"]) == (None, [], [])
    (folder / "fleet.json").write_text(json.dumps(whole))
    for text in (f"{b200}\n{gtx}\n{head}\n", b200 + gtx + head, f"[{b200},{gtx}, {head}]"):
        found = fleet(folder, "merge", "-", stdin=text)
        assert [node["profile"] for node in found["nodes"]] == [
            node["profile"]
            for node in fleet(folder, "merge", "-", stdin=head + gtx + b200)["nodes"]
        ]
    assert fleet(folder, "merge", "fleet.json") == whole
    more = fleet(folder, "merge", "fleet.json", "-", stdin=b"\xef\xbb\xbf" + b200.encode())
    assert [(node["name"], node["count"]) for node in more["nodes"]] == [
        ("b200", 2), ("gtx", 1), ("head", 1),
    ]  # fmt: skip


def test_common_flags_may_stand_before_the_group(folder: Path) -> None:
    done = run(folder, "--format", "json", "-q", "fleet", "select", "gtx.json")
    assert json.loads(done.stdout) == fleet(folder, "select", "gtx.json", "--format", "json")


def test_a_profile_of_a_fleet_is_a_profile(folder: Path) -> None:
    (node,) = fleet(folder, "merge", "gtx.json")["nodes"]
    text = json.dumps(node["profile"])
    asked = ("select", "--format", "json", "--profile")
    assert run(folder, *asked, "-", stdin=text).stdout == run(folder, *asked, "gtx.json").stdout


def test_select_says_what_serves_whom_and_why(folder: Path) -> None:
    done = run(folder, "fleet", "select", "b200.json", "gtx.json", "head.json", "--color", "never")
    system, sure = "linux-x86_64, Python 3.12", f"  sure   read (rules of {load().checked})"
    assert done.stdout.splitlines() == [
        "no build serves all 3 hosts, 2 builds do",
        "",
        "torch 2.15.0 with cu132 for 2 hosts",
        "  range  torch>=2.12,<2.16",
        "  index  https://download.pytorch.org/whl/cu132",
        sure,
        f"  nodes  b200  1 host  2 x card sm_100 (sm_100)  {system}, driver 580.65.06",
        f"         head  1 host  no GPU                    {system}",
        "  apart  b200 does not take torch 2.14.1 with cu126; no kernels for sm_100 (GPU",
        "           0, card sm_100) [arch-kernels]",
        "",
        "torch 2.14.1 with cu126 for 1 host",
        "  range  torch>=2.6,<2.15",
        "  index  https://download.pytorch.org/whl/cu126",
        sure,
        f"  nodes  gtx  1 host  card sm_61 (sm_61)  {system}, driver 580.65.06",
        "  apart  gtx does not take torch 2.15.0 with cu132; no kernels for sm_61 (GPU 0,",
        "           card sm_61) [arch-kernels]",
        "",
        "one project, in which `accelsel uv sync` takes what serves its host",
        "  accelsel pin --write --backends cu132,cu126,cpu --as groups",
    ]
    assert done.stderr.splitlines()[0] == (
        "warning: head has no GPU for this build, which is imported there and computes on the CPU "
        "[node-without-gpu]"
    )


def test_the_command_gives_every_host_its_build(folder: Path) -> None:
    names = ("b200", "gtx", "radeon", "head")
    found = fleet(folder, "select", *(f"{name}.json" for name in names), "--format", "json")
    assert found["outcome"] == "split"
    (command,) = found["pin"]
    project = folder / "project"
    project.mkdir()
    (project / "pyproject.toml").write_text(
        '[project]\nname = "x"\nversion = "0"\nrequires-python = ">=3.12"\n'
        'dependencies = ["torch"]\n'
    )
    run(project, *shlex.split(command)[1:], "-q")
    text = (project / "pyproject.toml").read_text()
    for group in found["groups"]:
        chosen = group["selection"]
        wanted = f'backend = "{chosen["backend"]}", torch = "{chosen["torch"]["version"]}"'
        assert wanted in text
    taken = {}
    for name in names:
        told = {"ACCELSEL_PROFILE": str(folder / f"{name}.json")}
        call = parse(["sync", "--project", str(project)])
        taken[name] = backend_arguments(call, {**os.environ, **told})[-1]
    assert taken == {"b200": "cu132", "gtx": "cu126", "radeon": "rocm7-2", "head": "cpu"}


def test_one_build_is_pinned_on_a_host_that_it_serves(folder: Path) -> None:
    found = fleet(folder, "select", "gtx.json", "h100.json", "--format", "json")
    (group,), (command,) = found["groups"], found["pin"]
    asked = [word for word in shlex.split(command)[2:] if word != "--write"]
    for name in ("gtx", "h100"):
        done = run(folder, "select", "--format", "json", "--profile", f"{name}.json", *asked)
        alone, whole = json.loads(done.stdout), group["selection"]
        assert (alone["backend"], alone["torch"]["version"]) == (
            whole["backend"], whole["torch"]["version"],
        )  # fmt: skip


def test_a_node_without_a_build_is_exit_4_and_keeps_no_other_from_its_own(folder: Path) -> None:
    done = run(folder, "fleet", "select", "h100.json", "musl.json", code=NO_BUILD)
    assert done.stdout.startswith("no build serves musl\n\ntorch 2.15.0 with cu132 for 1 host\n")
    found = fleet(
        folder, "select", "h100.json", "musl.json", "--format", "json", code=NO_BUILD
    )  # fmt: skip
    assert found["outcome"] == "none"
    assert [group["selection"]["outcome"] for group in found["groups"]] == ["selected", "none"]


def test_the_request_flags_hold_for_every_node(folder: Path) -> None:
    asked = ("--torch", "<2.14", "--with", "torchvision", "--backend", "cu126")
    (group,) = fleet(folder, "select", "gtx.json", "h100.json", *asked, "--format", "json")[
        "groups"
    ]
    chosen = group["selection"]
    assert (chosen["backend"], chosen["torch"]["version"]) == ("cu126", "2.13.0")
    assert [package["name"] for package in chosen["packages"]] == ["torchvision"]


def test_strict_is_exit_5_where_probes_contradict(folder: Path) -> None:
    profile = document("profile", HOSTS["gtx"]) | {"notes": ["probe-contradiction: two drivers"]}
    text = json.dumps(profile) + (folder / "h100.json").read_text()
    run(folder, "fleet", "select", "-", "--strict", code=5, stdin=text)
    run(folder, "fleet", "select", "-", stdin=text)


@pytest.mark.parametrize(
    ("argv", "stdin", "expected"),
    [
        (("select",), "", ("no-profile", None)),
        (("merge",), "", ("no-profile", None)),
        (("select", "-"), " \n", ("no-profile", "-")),
        (("merge", "missing.json"), "", ("unreadable", "missing.json")),
        (("merge", "h100.json", "broken.json"), "", ("invalid-json", "broken.json:3")),
        (("merge", "-"), "{}{", ("wrong-schema", "standard input")),
        (("merge", "-"), b"\xff", ("unreadable", "standard input")),
        (("merge", "-"), "[" * 100_000, ("invalid-json", "standard input:1")),
        (("merge", "-"), '{"schema": "accelsel.profile/2"}', ("wrong-schema", "standard input")),
        (("merge", "-"), '\n{"schema": "accelsel.error/1"}', ("wrong-schema", "standard input:2")),
        (
            ("merge", "-"),
            '{"schema": "accelsel.fleet/1", "nodes": [{"name": 1}]}',
            ("invalid-document", "standard input"),
        ),
        (
            ("merge", "-"),
            json.dumps(
                {
                    "schema": "accelsel.fleet/1",
                    "nodes": [
                        {"name": "n", "count": 0, "profile": document("profile", HOSTS["gtx"])}
                    ],
                }
            ),
            ("invalid-document", "standard input"),
        ),
        (("select", "head.json", "--gpu", "3"), "", ("unknown-gpu", "--gpu")),
        (("select", "head.json", "--channel", "beta"), "", ("usage", None)),
        (("select", "head.json", "--profile", "gtx.json"), "", ("usage", None)),
    ],
    ids=str,
)
def test_what_is_refused(
    folder: Path, argv: tuple[str, ...], stdin: str | bytes, expected: tuple[str, str | None]
) -> None:
    head = (folder / "head.json").read_text()
    (folder / "broken.json").write_text(f"{head}\n{head}\n{{,\n")
    kind, where, told = error(folder, *argv, stdin=stdin)
    assert (kind, where) == expected
    assert kind == "unreadable" or told
