"""`accelsel rules refresh` against indexes that hold what nobody has seen, and its effect."""

import json
import os
import subprocess
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.e2e.conftest import ACCELSEL, HOSTS, Project
from tests.kit.replay import DROPPED, Replay
from tests.kit.replay_catalog import Dist
from tests.kit.replay_fixtures import load

from accelsel.model.errors import NETWORK, NO_BUILD, USAGE

GTX = str(HOSTS / "gtx-1080-ti-580" / "profile.json")
NO_GPU = str(HOSTS / "no-gpu" / "profile.json")
WHEELS = tuple(f"cp3{minor}-cp3{minor}-manylinux_2_28_x86_64" for minor in (11, 12, 13, 14))


@dataclass(frozen=True, kw_only=True)
class User:
    """A user with a home and no cache, whose mirror is the replay."""

    home: Path
    env: Mapping[str, str]

    @property
    def cache(self) -> Path:
        return self.home / ".cache" / "accelsel" / "rules.json"

    def run(
        self, *words: str, code: int = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            [ACCELSEL, *words],
            env={**self.env, **(env or {})},
            cwd=self.home,
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
        assert done.returncode == code, f"{words}: {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def document(self, *words: str, code: int = 0) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.run(*words, "--format", "json", code=code).stdout)
        return found

    def selected(self, *words: str, profile: str = GTX) -> tuple[str, str]:
        found = self.document("select", "--profile", profile, *words)
        return found["torch"]["version"], found["backend"]


@pytest.fixture(scope="module")
def _ahead() -> Iterator[Replay]:
    """The indexes as they may be tomorrow: 2.15.0 for cu126, and a release that no table knows."""
    catalog = load()
    for backend, version in (("cu126", "2.15.0"), ("cu126", "2.16.0"), ("cpu", "2.16.0")):
        catalog.add(
            Dist(
                index=f"/whl/{backend}",
                name="torch",
                version=f"{version}+{backend}",
                wheels=WHEELS,
                requires_python=">=3.11",
                backend=backend,
            )
        )
    with Replay(catalog) as replay:
        yield replay


@pytest.fixture
def ahead(_ahead: Replay) -> Iterator[Replay]:
    yield _ahead
    _ahead.faults.clear()


@pytest.fixture
def user(ahead: Replay, tmp_path: Path) -> User:
    skipped = ("UV_", "ACCELSEL_", "XDG_", "CUDA_", "VIRTUAL_ENV", "HSA_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(skipped)}
    home = tmp_path / "home"
    home.mkdir()
    return User(home=home, env={**kept, "HOME": str(home), "ACCELSEL_MIRROR": ahead.mirrors[0]})


def test_what_the_index_holds_decides(user: User) -> None:
    assert user.selected() == ("2.14.1", "cu126")
    user.run("rules", "refresh")
    assert user.selected() == ("2.15.0", "cu126")
    found = user.document("select", "--profile", GTX)
    assert found["confidence"] == "read"
    assert user.run("rules", "check").stdout == ""


def test_a_release_of_unknown_architectures_is_named_and_not_selected(user: User) -> None:
    user.run("rules", "refresh")
    found = user.document("select", "--profile", GTX, "--torch", "==2.16.0", code=NO_BUILD)
    rules = {(one["torch"], one["backend"]): one["rule"] for one in found["rejected"]}
    assert rules["2.16.0", "cu126"] == "arch-list-unknown"
    # nor for the CPU: what goes with it is not known
    assert user.selected(profile=NO_GPU) == ("2.14.1", "cpu")


def test_what_changed_is_told(user: User) -> None:
    said = user.run("rules", "refresh")
    assert "torch 2.15.0 with cu126 is on its index: linux-x86_64, Python 3.11" in said.stdout
    [unknown] = [line for line in said.stdout.splitlines() if "2.16.0 with cu126" in line]
    assert "never selected" in unknown
    assert str(user.cache) in said.stderr
    again = user.document("rules", "refresh")
    assert again["changes"] == []
    assert {"cu126", "cpu", "rocm7.2", "xpu"} <= set(again["read"])
    assert [one["backend"] for one in again["unread"]] == ["cu134"]  # it has no such index


def test_a_flag_beats_the_variable(user: User, ahead: Replay) -> None:
    wrong = {"ACCELSEL_MIRROR": "https://download.pytorch.org/whl=http://127.0.0.1:9/whl"}
    user.run("rules", "refresh", "--mirror", ahead.mirrors[0], env=wrong)
    assert f"{ahead.url}/whl/cu126/torch/" in user.cache.read_text()
    bad = user.run("rules", "refresh", "--mirror", "nothing", code=USAGE)
    assert "bad" not in bad.stdout
    assert "--mirror" in bad.stderr


@pytest.mark.parametrize("way", ["flag", "variable", "unreachable", "errors"])
def test_without_the_network_the_cache_stays(user: User, ahead: Replay, way: str) -> None:
    user.run("rules", "refresh")
    before = user.cache.read_bytes()
    words, env = ["rules", "refresh"], {}
    if way == "flag":
        words.append("--offline")
    elif way == "variable":
        env["ACCELSEL_OFFLINE"] = "1"
    else:
        ahead.faults["/whl/"] = DROPPED if way == "unreachable" else 503
    said = user.run(*words, code=NETWORK, env=env).stderr
    assert said.startswith("error: ")
    assert "  help: " in said
    assert user.cache.read_bytes() == before
    assert [path.name for path in user.cache.parent.iterdir()] == ["rules.json"]
    assert user.selected() == ("2.15.0", "cu126")


def test_a_first_time_without_the_network_leaves_nothing(user: User, ahead: Replay) -> None:
    ahead.faults["/whl/"] = 503
    user.run("rules", "refresh", code=NETWORK)
    assert not user.cache.parent.exists()


def test_what_could_not_be_read_stays_as_it_was(user: User, ahead: Replay) -> None:
    ahead.faults["/whl/cu126/"] = 503
    said = user.run("rules", "refresh")
    assert "warning: cu126: the index answered 503" in said.stderr
    assert user.selected() == ("2.14.1", "cu126")
    ahead.faults.clear()
    user.run("rules", "refresh")
    ahead.faults["/whl/cu126/"] = 503
    user.run("rules", "refresh")
    assert user.selected() == ("2.15.0", "cu126")


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("{", id="no-json"),
        pytest.param('{"table": [{"version": "2020.1.1"}]}', id="another-table"),
        pytest.param('{"table": TABLE, "builds": [{"torch": 1}]}', id="no-row"),
        pytest.param(
            '{"table": TABLE, "builds": [{"torch": "9.9.9", "backend": "cu126", "platform": '
            '"linux-x86_64", "published": true, "archs": [], "ptx": [], "source": "pypi", '
            '"checked": "2026-12-01", "confidence": "read", "arch_confidence": "read"}]}',
            id="no-release",
        ),
    ],
)
def test_a_cache_that_does_not_fit_is_one_warning(user: User, text: str) -> None:
    version = user.document("rules", "show")["version"]
    user.cache.parent.mkdir(parents=True)
    user.cache.write_text(text.replace("TABLE", json.dumps([{"version": version}])))
    said = user.run("select", "--profile", GTX)
    assert said.stdout.startswith("torch   2.14.1")
    assert said.stderr.count("warning: ") == 1
    assert "[rules-cache]" in said.stderr


def test_a_refresh_replaces_a_cache_that_does_not_fit(user: User) -> None:
    user.cache.parent.mkdir(parents=True)
    user.cache.write_text("{")
    user.run("rules", "refresh")
    said = user.run("select", "--profile", GTX)
    assert (said.stdout.split()[1], said.stderr) == ("2.15.0", "")


def test_what_the_user_adds_wins_over_the_cache(user: User, tmp_path: Path) -> None:
    user.run("rules", "refresh")
    rows = json.loads(user.cache.read_text())["builds"]
    [row] = [r for r in rows if (r["torch"], r["backend"]) == ("2.15.0", "cu126")]
    del row["pythons"]
    mine = {**row, "source": "pypi", "published": None, "note": "not on our mirror"}
    rules = tmp_path / "mine.json"
    rules.write_text(json.dumps({"builds": [mine]}))
    found = json.loads(
        user.run(
            "select", "--profile", GTX, "--format", "json", env={"ACCELSEL_RULES": str(rules)}
        ).stdout
    )
    assert found["torch"]["version"] == "2.14.1"
    rules.write_text("{")
    said = user.run("select", "--profile", GTX, code=USAGE, env={"ACCELSEL_RULES": str(rules)})
    assert str(rules) in said.stderr
    assert "[rules-cache]" not in said.stderr


def test_without_a_cache_nothing_of_it_is_loaded(user: User) -> None:
    code = (
        "import sys\nfrom accelsel.cli.main import run\n"
        f"run(['select', '--profile', {GTX!r}])\n"
        "print([m for m in ('accelsel.knowledge.refresh', 'accelsel.apply.index', 'httpx2') "
        "if m in sys.modules])"
    )
    python = str(Path(ACCELSEL).with_name("python"))
    done = subprocess.run(
        [python, "-c", code],
        env=user.env,
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_a_project_is_pinned_and_locked_by_it(
    make_project: Callable[[str], Project], user: User, ahead: Replay
) -> None:
    project = make_project(
        '[project]\nname = "p"\nversion = "0"\nrequires-python = ">=3.11"\n'
        'dependencies = ["torch"]\n'
    )
    home = {"HOME": user.env["HOME"]}
    mirror = ("--mirror", ahead.mirrors[0])
    user.run("rules", "refresh")
    project.accelsel("pin", "--write", "--lock", "--profile", GTX, *mirror, env=home)
    [torch] = [one for one in project.locked() if one["name"] == "torch" and "+" in one["version"]]
    assert torch["version"] == "2.15.0+cu126"
    project.accelsel("pin", "--check")  # another user, without the cache
