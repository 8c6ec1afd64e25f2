"""The entry point: start-up, dispatch, errors at the edge."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from accelsel.cli import main, present

HEAVY = ("pydantic", "httpx2", "rich", "tomlkit", "typer", "pynvml", "packaging")


def accelsel(*argv: str, **env: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "accelsel", *argv],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, **env},
    )


def loaded(*argv: str) -> set[str]:
    """The heavy libraries that a command leaves in `sys.modules`."""
    code = (
        "import sys\nfrom accelsel.cli.main import run\n"
        f"run({list(argv)!r})\n"
        f"print([m for m in {HEAVY!r} if m in sys.modules], file=sys.stderr)"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60
    )
    return set(eval(done.stderr.strip().splitlines()[-1]))  # noqa: S307  a list we printed


def test_detect_json_loads_nothing_heavy() -> None:
    assert loaded("detect", "--format", "json") == set()


def test_the_version_loads_nothing_at_all() -> None:
    code = (
        "import sys; from accelsel.cli.main import run; run(['--version']); print(len(sys.modules))"
    )
    bare = "import sys; print(len(sys.modules))"
    counts = [
        int(subprocess.check_output([sys.executable, "-c", c], text=True).split()[-1])
        for c in (code, bare)
    ]
    assert counts[0] - counts[1] < 15


@pytest.mark.parametrize(
    ("argv", "hoisted"),
    [
        (["detect"], ["detect"]),
        (["--format", "json", "detect"], ["detect", "--format", "json"]),
        (["--format=json", "-v", "why", "cpu"], ["why", "--format=json", "-v", "cpu"]),
        (["--help"], ["--help"]),
        (["--format"], ["--format"]),
        ([], []),
    ],
)
def test_common_flags_may_stand_before_the_command(argv: list[str], hoisted: list[str]) -> None:
    assert main._hoisted(argv) == hoisted


@pytest.mark.parametrize(
    "argv",
    [
        ["nonsense"],
        ["detect", "--nonsense"],
        ["detect", "--format", "yaml"],
        ["select", "--channel", "daily"],
        ["select", "--profile", "absent.json"],
        ["schema", "nonsense"],
        ["rules", "nonsense"],
        ["--nonsense"],
    ],
    ids=" ".join,
)
def test_usage_errors(argv: list[str]) -> None:
    done = accelsel(*argv)
    assert done.returncode == 2
    assert done.stdout == ""
    first = done.stderr.splitlines()[0]
    assert first.startswith("error: ")
    assert "Traceback" not in done.stderr


def test_an_error_as_json_is_one_document() -> None:
    done = accelsel("select", "--profile", "absent.json", "--format", "json")
    error = json.loads(done.stdout)
    assert (error["schema"], error["code"], error["where"]) == (
        "accelsel.error/1", 2, "absent.json",
    )  # fmt: skip
    assert set(error) == {"schema", "code", "kind", "message", "where", "help"}


@pytest.mark.parametrize(
    ("flag", "env", "expected"),
    [
        ("always", {"NO_COLOR": "1"}, True),
        ("never", {"FORCE_COLOR": "1"}, False),
        ("auto", {"NO_COLOR": "1", "FORCE_COLOR": "1"}, False),
        ("auto", {"FORCE_COLOR": "1"}, True),
        ("auto", {"NO_COLOR": ""}, False),
        ("auto", {}, False),
    ],
)
def test_colour_order(
    flag: present.Colour, env: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    for name, value in env.items():
        monkeypatch.setenv(name, value)
    with open(os.devnull, "w") as stream:
        assert present.coloured(flag, stream) is expected


def test_every_schema_is_printed_and_describes_its_document() -> None:
    import jsonschema

    done = accelsel("schema", "profile")
    schema = json.loads(done.stdout)
    jsonschema.Draft202012Validator.check_schema(schema)
    profile = json.loads(accelsel("detect", "--format", "json").stdout)
    jsonschema.validate(profile, schema)


def test_a_closed_pipe_is_no_crash() -> None:
    done = subprocess.run(
        f"{sys.executable} -m accelsel schema profile | head -c 1",
        shell=True,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stderr == ""


@pytest.mark.parametrize(
    "argv",
    [["--version"], ["detect"], ["--help"], ["schema", "profile"], ["detect", "--format", "json"]],
    ids=" ".join,
)
def test_a_full_disk_is_one_line(argv: list[str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "accelsel", *argv],
            stdout=full, stderr=subprocess.PIPE, text=True, check=False, timeout=60,
        )  # fmt: skip
    assert done.stderr == "error: cannot write: No space left on device\n"
    assert done.returncode == 2


@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&-", ">&- 2>&- <&-"])
def test_a_closed_stream_is_the_null_device(closed: str, tmp_path: Path) -> None:
    profile = tmp_path / "profile.json"
    profile.write_text(accelsel("detect", "--format", "json").stdout)
    for words in ("detect", f"select --profile {profile} --fallback cpu --backend cpu --force"):
        done = subprocess.run(
            f"exec {sys.executable} -m accelsel {words} {closed}",
            shell=True, capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert (done.returncode, "internal" in done.stdout + done.stderr) == (0, False)


def test_warnings_stay_off_stdout_where_stderr_is_closed(tmp_path: Path) -> None:
    command = f"exec {sys.executable} -m accelsel select --backend cu126 --format json 2>&-"
    done = subprocess.run(
        command, shell=True, capture_output=True, text=True, check=False, timeout=60, cwd=tmp_path
    )
    assert json.loads(done.stdout)["schema"] == "accelsel.selection/1"
