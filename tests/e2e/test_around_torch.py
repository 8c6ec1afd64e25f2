"""Every package around torch beside every kind of backend: locked by the real uv, or refused."""

from pathlib import Path

import pytest
from tests.kit.companions import BACKENDS, NAMES, cells, table
from tests.kit.replay import Replay

ANYWHERE = {
    "torchvision", "torchaudio", "torchao", "torchcodec", "triton", "triton-rocm", "triton-xpu",
    "deepspeed", "bitsandbytes", "nvidia-modelopt", "natten", "torch-geometric",
}  # fmt: skip
BUILT = {"flash-attn", "mamba-ssm", "causal-conv1d"}  # from source, beside CUDA and ROCm
CUDA = {*BUILT, "flash-attn-3", "flash-attn-4", "transformer-engine", "gsplat", "flashinfer-python"}
LOCKED = {
    ("2.14.1", "cpu"): {*ANYWHERE, "pyg-lib"},
    ("2.14.1", "cu126"): {*ANYWHERE, *CUDA, "pyg-lib", "xformers"},
    ("2.14.1", "cu130"): {
        *ANYWHERE, *CUDA, "pyg-lib", "xformers", "fbgemm-gpu", "sglang", "torch-tensorrt",
    },
    ("2.14.1", "rocm7.2"): {*ANYWHERE, *BUILT},
    ("2.14.0", "amd"): ANYWHERE,
    ("2.14.1", "xpu"): ANYWHERE,
}  # fmt: skip


@pytest.mark.parametrize("pair", LOCKED, ids=" ".join)
def test_packages_around_torch(pair: tuple[str, str], replay: Replay, uv_cache: Path) -> None:
    found = tuple(cells([pair], NAMES, replay, uv_cache))
    assert not [one for one in found if one.outcome not in ("locked", "refused")], table(found)
    assert {one.name for one in found if one.outcome == "locked"} == LOCKED[pair]
    assert all(one.detail for one in found if one.outcome == "refused")


def test_every_backend_is_tried() -> None:
    assert {backend for _, backend in LOCKED} == set(BACKENDS)
