"""Every package around torch beside every kind of backend: locked by the real uv where it is
published, else refused."""

from pathlib import Path

import pytest
from tests.kit.companions import BACKENDS, NAMES, OLDER, builds, cells, contradictions, table
from tests.kit.published import published
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
# packages that are tied to torch each in a way of its own
TIED = (
    "torchvision", "torchcodec", "xformers", "vllm", "fbgemm-gpu", "tensorrt-llm", "pyg-lib",
    "bitsandbytes",
)  # fmt: skip


@pytest.mark.parametrize("pair", LOCKED, ids=" ".join)
def test_packages_around_torch(pair: tuple[str, str], replay: Replay, uv_cache: Path) -> None:
    found = tuple(cells([pair], NAMES, replay, uv_cache))
    assert not [one for one in found if one.outcome not in ("locked", "refused")], table(found)
    assert {one.name for one in found if one.outcome == "locked"} == LOCKED[pair]
    assert all(one.detail for one in found if one.outcome == "refused")
    assert contradictions(found) == []


def test_nothing_that_is_published_is_refused(uv_cache: Path) -> None:
    """For older builds of torch; `make companions` locks each pair, of all of them."""
    found = tuple(cells(builds(OLDER[2::3]), TIED, None, uv_cache))
    assert contradictions(found) == []
    assert sum(bool(published(one.name, one.torch, one.backend)) for one in found) > 50


@pytest.mark.parametrize("backend", ["cu118", "cu129", "rocm6.3"])
def test_packages_around_an_older_torch(backend: str, replay: Replay, uv_cache: Path) -> None:
    pairs = [pair for pair in builds(OLDER) if pair[1] == backend][-1:]
    found = tuple(cells(pairs, TIED, replay, uv_cache))
    assert not [one for one in found if one.outcome not in ("locked", "refused")], table(found)
    assert contradictions(found) == []


def test_every_backend_is_tried() -> None:
    assert {backend for _, backend in LOCKED} == set(BACKENDS)
