"""torchvision and torchaudio through another package alone: they come from torch's index too."""

from collections.abc import Callable

from tests.e2e.conftest import Project

TEXT = """\
[project]
name = "app"
version = "0"
requires-python = ">=3.11"
dependencies = ["torch>=2.6", "helper"]

[tool.uv.sources]
helper = { path = "helper" }
"""
HELPER = """\
[project]
name = "helper"
version = "0"
requires-python = ">=3.11"
dependencies = ["torchvision"]

[build-system]
requires = []
build-backend = "absent"
"""


def test_the_lock_tells_and_pin_routes(make_project: Callable[[str], Project]) -> None:
    project = make_project(TEXT)
    helper = project.folder / "helper"
    helper.mkdir()
    (helper / "pyproject.toml").write_text(HELPER, encoding="utf-8")
    project.pin("gtx-1080-ti-580", "--write", "--lock")
    assert "torchvision" in project.taken_from("/whl/cu126")
    written = project.file.read_bytes()
    project.pin("gtx-1080-ti-580", "--write", "--lock")
    assert project.file.read_bytes() == written
    project.accelsel("pin", "--check")
    project.accelsel("unpin", "--write")
    assert project.file.read_text(encoding="utf-8") == TEXT
