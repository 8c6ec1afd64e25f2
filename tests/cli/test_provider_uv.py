"""The real uv takes the same NVIDIA variant, with accelsel's variables, as accelsel selects."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.kit.variants import VariantIndex

from accelsel.knowledge import load
from accelsel.model.request import Request
from accelsel.probe import probe
from accelsel.probe.record import RecordedWorld
from accelsel.rules import select
from accelsel.rules.environment import VARIANT_CUDA, variables
from accelsel.rules.versions import release

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
UV = Path(sys.executable).with_name("uv")
PLATFORM = "linux-x86_64"


@pytest.fixture(scope="module")
def index() -> Iterator[VariantIndex]:
    tables = load()
    releases = sorted({b.torch for b in tables.builds if b.platform == PLATFORM}, key=release)
    with VariantIndex(tables, PLATFORM, releases[-16:]) as index:
        yield index


NAMES = (
    "gtx-1050-ti-535", "gtx-1080-ti-580", "h100-525", "h200-590", "hopper-and-kepler-override",
    "l40s-595", "quadro-p2000-525", "rtx-3060-gtx-1050-580", "rtx-5090-570", "rtx-5090-580",
    "smi-470-refuses-compute-cap", "t4-515", "t4-535", "three-l4-one-with-errors", "v100-580",
    "vgpu-guest-a16", "wsl2-rtx-4070",
)  # fmt: skip


@pytest.mark.parametrize("name", NAMES)
def test_the_same_variant(name: str, index: VariantIndex, tmp_path: Path) -> None:
    tables, request = load(), Request(requires_python=">=3.9")
    profile = probe(RecordedWorld(HOSTS / name))
    selection = select(profile, request, tables)
    values = variables(selection, profile, request, tables).values
    assert VARIANT_CUDA in values
    assert selection.torch is not None
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("UV_", "NV_", "VIRTUAL"))}
    subprocess.run(
        [UV, "pip", "install", "--preview-features", "wheel-variants", "--no-config",
         "--target", tmp_path / "out", index.PACKAGE],
        env={
            **kept,
            **values,
            "UV_DEFAULT_INDEX": index.url,
            "UV_CACHE_DIR": str(tmp_path / "cache"),
            "UV_PYTHON": sys.executable,
        },
        check=True, capture_output=True, timeout=60,
    )  # fmt: skip
    installed = (tmp_path / "out" / index.PACKAGE / "__init__.py").read_text()
    assert installed == f"BUILD = '{selection.torch.version}+{selection.backend}'\n"
