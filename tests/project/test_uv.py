"""The real uv locks every pinned pair of fixtures/projects against the replayed indexes."""

import json
import os
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests.kit.replay import Replay
from tests.project.cases import ROOT, Case, load_all, pinned

uv = pytest.importorskip("uv")
CASES = [
    case
    for case in load_all()
    if "lock" not in json.loads((ROOT / case.name / "args.json").read_text())
]


@pytest.fixture(scope="module")
def replay() -> Iterator[Replay]:
    with Replay() as running:
        yield running


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.mark.parametrize("case", CASES, ids=[case.name for case in CASES])
def test_uv_locks_the_selected_build(
    case: Case, replay: Replay, cache: Path, tmp_path: Path
) -> None:
    mirrors = [pair.partition("=") for pair in replay.mirrors]
    text = pinned(case)
    for host, _, here in mirrors:
        text = text.replace(host, here)
    (tmp_path / case.path).write_bytes(text.encode())
    env = {**os.environ, **replay.environment(cache)}
    command = [uv.find_uv_bin(), "lock", *(["--script", case.path] * case.path.endswith(".py"))]
    done = subprocess.run(
        command, cwd=tmp_path, env=env, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    lock = tmp_path / (f"{case.path}.lock" if case.path.endswith(".py") else "uv.lock")
    registries = torch_registries(tomllib.loads(lock.read_text()))
    for selection in case.selections:
        if selection.index is not None:
            wanted = selection.index.url
            for host, _, here in mirrors:
                wanted = wanted.replace(host, here)
            assert wanted in registries
    again = subprocess.run([*command, "--check"], cwd=tmp_path, env=env, check=False)
    assert again.returncode == 0


def torch_registries(lock: Any) -> set[str]:
    return {
        package["source"].get("registry", "").rstrip("/")
        for package in lock["package"]
        if package["name"] == "torch"
    } | {package["source"].get("registry", "") for package in lock["package"]}
