"""What the tests of the probes share."""

from pathlib import Path

import pytest
from tests.kit.nvml.stub import Stubs


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fuzz: run at length by `make fuzz`")


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
