"""What the tests of the probes share."""

from pathlib import Path

import pytest
from tests.kit.nvml.stub import Stubs


@pytest.fixture(scope="session")
def stubs(tmp_path_factory: pytest.TempPathFactory) -> Stubs:
    """NVIDIA's libraries, compiled once."""
    return Stubs(tmp_path_factory.mktemp("nvml"))


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """An empty tree to be a host's files."""
    folder = tmp_path / "root"
    folder.mkdir()
    return folder
