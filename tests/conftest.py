"""What every room's tests may ask for."""

import os
import signal
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest
from hypothesis import settings
from tests.kit.replay import Replay

# `make test` says the same twice of the same tree; `make fuzz` looks at other examples every time.
settings.register_profile("test", derandomize=True)
settings.load_profile("default" if "ACCELSEL_FUZZ_EXAMPLES" in os.environ else "test")

# A runner in the background ignores these, and every process of a test would inherit that.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)


@pytest.fixture(scope="session")
def _replay() -> Iterator[Replay]:
    with Replay() as replay:
        yield replay


@pytest.fixture
def replay(_replay: Replay) -> Iterator[Replay]:
    """The replay index, without faults and with an empty log. Rows that a test adds stay: let it
    start a `Replay` of its own."""
    _replay.requests.clear()
    yield _replay
    _replay.faults.clear()


@pytest.fixture(scope="session")
def uv_cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One cache of uv for the session; a test of faults or of hit counts makes its own."""
    return tmp_path_factory.mktemp("uv-cache")


@pytest.fixture
def uv_env(_replay: Replay, uv_cache: Path, tmp_path: Path) -> Mapping[str, str]:
    """An environment in which uv sees the replay alone: none of the user's settings, no network."""
    skipped = ("UV_", "ACCELSEL_", "VIRTUAL_ENV", "CONDA_", "XDG_", "PIP_", "CUDA_", "NV_VARIANT")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(skipped)}
    home = {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / "no-config")}
    return {**kept, **home, **_replay.environment(uv_cache)}
