"""Truths about packages around torch: name, torch and backend in, answer out."""

import pytest
from tests.kit import told as kept

from accelsel.knowledge import companions, load
from accelsel.model.companion import CompanionAnswer, Refusal
from accelsel.model.errors import AccelselError
from accelsel.rules.companions_answer import conflict, constraints, told

TABLES = load()
TABLE = companions.load()
PLATFORMS = {build.platform for build in TABLES.builds}
BUILDS = {(build.torch, build.backend, build.platform): build for build in TABLES.builds}


def ask(
    torch: str,
    backend: str,
    *requirements: str,
    platform: str = "linux-x86_64",
    python: str = "3.12",
    archs: str = "",
    prebuilt: tuple[str, ...] = (),
) -> CompanionAnswer:
    row = TABLES.backends[backend]
    return constraints(
        requirements,
        build=BUILDS[torch, backend, platform],
        backend=row,
        index=row.indexes.get("stable"),
        table=TABLE,
        python=python,
        archs=tuple(archs.split()),
        prebuilt=prebuilt,
        exceptions=TABLES.exceptions,
    )


# name, torch, backend, host; what is written: specifier, index, whether the specifier is
GOES = [
    ("torchao", "2.15.0", "cu132", "", ">=0.17", None, "bound"),
    ("torchao", "2.10.0", "cu128", "", "==0.16.*", None, "bound"),
    ("torchao", "2.9.1", "cu128", "", "==0.15.*", None, "bound"),
    ("torchao", "2.9.0", "cu128", "", "==0.14.*", None, "bound"),
    ("torchcodec", "2.14.1", "cu130", "", ">=0.14", None, "bound"),
    ("torchcodec", "2.14.1", "cu126", "", ">=0.14", "pytorch-cu126", "bound"),
    ("torchcodec", "2.14.1", "cpu", "", ">=0.14", "pytorch-cpu", "bound"),
    ("torchcodec", "2.14.1", "rocm7.2", "", ">=0.12,<0.14", None, "bound"),
    ("torchcodec", "2.10.0", "cu126", "", "==0.10.*", None, "bound"),
    ("xformers", "2.14.1", "cu126", "", ">=0.0.35", "pytorch-cu126", "bound"),
    ("xformers", "2.14.1", "cu130", "sm_120", ">=0.0.35", "pytorch-cu130", "bound"),
    ("xformers", "2.10.0", "cu128", "sm_120", ">=0.0.35", "pytorch-cu128", "bound"),
    ("xformers", "2.7.0", "cu126", "sm_61", "==0.0.30", "pytorch-cu126", "free"),
    ("fbgemm-gpu", "2.14.1", "cu130", "sm_86", "==1.9.*", None, "bound"),
    ("fbgemm-gpu-genai", "2.13.0", "cu132", "", "==1.8.*", None, "bound"),
    ("fbgemm-gpu", "2.10.0", "cu126", "", "==1.5.*", None, "bound"),
    ("fbgemm-gpu-cpu", "2.14.1", "cpu", "", "==1.9.*", None, "bound"),
    ("vllm", "2.14.0", "cu130", "sm_75", ">=0.33.0", None, "free"),
    ("vllm", "2.10.0", "cu126", "sm_70", ">=0.17.0,<0.20.0", None, "free"),
    ("vllm", "2.13.0", "cu129", "--prebuilt=vllm", "==0.30.0+cu129", "vllm-cu129", "bound"),
    ("vllm", "2.14.0", "cu130", "--prebuilt=vllm", ">=0.33.0", None, "free"),
    ("vllm", "2.10.0", "cu130", "--prebuilt=vllm", "==0.19.1+cu130", "vllm-cu130", "bound"),
    (
        "flash-attn-3",
        "2.11.0",
        "cu130",
        "sm_90 --prebuilt=astral",
        ">=3.0.0",
        "pytorch-cu130",
        "bound",
    ),
    (
        "flash-attn-3",
        "2.8.0",
        "cu129",
        "sm_90 --prebuilt=astral",
        "==3.0.0b1",
        "astral-cu129",
        "bound",
    ),
    ("xformers", "2.13.0", "cu129", "sm_90", ">=0.0.35", None, "bound"),
    ("xformers", "2.9.1", "cu129", "sm_90", "==0.0.33.post2", None, "free"),
    ("fbgemm-gpu", "2.6.0", "cu126", "sm_90", "==1.1.*", None, "bound"),
    ("natten", "2.7.1", "cu126", "", "<0.21.5", None, "bound"),
    ("torch-tensorrt", "2.8.0", "cu126", "", "==2.8.*", None, "bound"),
    ("sglang", "2.14.1", "cu130", "sm_90", ">=0.5.22", None, "free"),
    ("sglang", "2.9.1", "cu128", "", ">=0.5.6,<0.5.11", None, "free"),
    ("sglang-kernel", "2.13.0", "cu130", "", ">=0.4.7,<0.4.9", None, "free"),
    ("torch-tensorrt", "2.14.1", "cu130", "", "==2.14.*", None, "free"),
    ("torch-scatter", "2.12.1", "cu126", "", ">=2.1", "pyg-212-cu126", "free"),
    ("torch-sparse", "2.5.1", "cu121", "", ">=0.6.15", "pyg-25-cu121", "free"),
    ("pyg-lib", "2.13.0", "cpu", "", ">=0.8,<0.10", "pyg-213-cpu", "free"),
    ("torch-cluster", "2.12.0", "default", "macos-arm64", ">=1.6", "pyg-212-cpu", "free"),
    ("bitsandbytes", "2.14.1", "cu126", "sm_61", ">=0.50", None, "free"),
    ("bitsandbytes", "2.14.1", "cu126", "sm_52", ">=0.45.3,<0.46", None, "bound"),
    ("bitsandbytes", "2.14.1", "rocm7.2", "", ">=0.50", None, "free"),
    ("bitsandbytes", "2.15.0", "cu132", "sm_120", ">=0.50", None, "free"),
    ("bitsandbytes", "2.13.0", "cu129", "sm_100 linux-aarch64", ">=0.50", None, "free"),
    ("bitsandbytes", "2.3.1", "cu121", "sm_80", ">=0.48,<0.50", None, "free"),
    ("flash-attn-3", "2.14.1", "cu130", "sm_90", ">=3.0.0", "pytorch-cu130", "bound"),
    ("flash-attn-4", "2.14.1", "cu130", "sm_100", ">=4.0.0b3", None, "bound"),
    (
        "flash-attn",
        "2.12.1",
        "cu130",
        "sm_89 --prebuilt=astral",
        ">=2.8.3,<2.8.4",
        "astral-cu130",
        "free",
    ),
    (
        "flash-attn",
        "2.8.0",
        "cu126",
        "sm_80 --prebuilt=flash-attn",
        "==2.8.3+cu12torch2.8cxx11abiTRUE",
        "flash-attn-releases",
        "bound",
    ),
    (
        "flash-attn",
        "2.6.0",
        "cu124",
        "sm_80 --prebuilt=flash-attn",
        "==2.8.3+cu12torch2.6cxx11abiFALSE",
        "flash-attn-releases",
        "bound",
    ),
    (
        "mamba-ssm",
        "2.10.0",
        "cu130",
        "--prebuilt=mamba",
        "==2.3.2.post1+cu13torch2.10cxx11abiTRUE",
        "mamba-releases",
        "bound",
    ),
    ("natten", "2.12.0", "cu132", "--prebuilt=natten", "==0.21.6", "natten-212-cu132", "bound"),
    ("tensorrt-llm", "2.9.1", "cu130", "", ">=1.2,<1.3", "nvidia", "free"),
    ("tensorrt-llm", "2.4.0", "cu124", "py3.10", "==0.12.*", "nvidia", "free"),
    ("tensorrt", "2.14.1", "cu126", "", ">=10.0,<10.13.2", "nvidia", "bound"),
    ("tensorrt", "2.14.1", "cu130", "", ">=10.13.2.6", "nvidia", "free"),
    ("transformer-engine-torch", "2.14.1", "cu126", "", ">=2.8,<2.14", None, "bound"),
    ("transformer-engine-torch", "2.14.1", "cu130", "", ">=2.14", None, "bound"),
    ("flashinfer-jit-cache", "2.13.0", "cu130", "", ">=0.4", "flashinfer-cu130", "free"),
    ("torchtext", "2.3.1", "cu121", "", "==0.18.0", None, "bound"),
    ("whisperx", "2.8.0", "cu128", "", ">=3.7.4", None, "free"),
    ("unsloth", "2.14.1", "cu130", "", ">=2026.10.3", None, "free"),
    ("triton-windows", "2.14.1", "cpu", "windows-amd64", "==3.8.*", None, "bound"),
]


@pytest.mark.parametrize(
    ("name", "torch", "backend", "host", "specifier", "index", "bound"),
    GOES,
    ids=[" ".join(row[:4]).strip() for row in GOES],
)
def test_goes(
    name: str, torch: str, backend: str, host: str, specifier: str, index: str | None, bound: str
) -> None:
    words = host.split()
    answer = ask(
        torch,
        backend,
        name,
        archs=" ".join(word for word in words if word.startswith("sm_")),
        platform=next((word for word in words if word in PLATFORMS), "linux-x86_64"),
        python=next((word[2:] for word in words if word.startswith("py")), "3.12"),
        prebuilt=tuple(word.partition("=")[2] for word in words if word.startswith("--prebuilt")),
    )
    assert answer.refusals == ()
    package = next(package for package in answer.packages if package.name == name)
    assert (package.specifier, package.index) == (specifier, index)
    assert package.constrain == (bound == "bound")
    named = {index.name for index in answer.indexes}
    assert index is None or index.startswith("pytorch-") or index in named


FAILS = [
    # name, torch, backend, archs, python, cause, nearest torch
    ("vllm", "2.15.0", "cu132", "sm_90", "3.12", "torch", "==2.14.0"),
    ("vllm", "2.14.1", "cu126", "sm_90", "3.12", "torch", "==2.10.0"),
    ("vllm", "2.14.0", "cu130", "sm_75", "3.10", "python", None),
    ("vllm", "2.10.0", "cu126", "sm_61", "3.12", "arch", None),
    ("vllm", "2.14.1", "rocm7.2", "gfx942", "3.12", "backend", None),
    ("vllm", "2.14.1", "cpu", "", "3.12", "backend", None),
    ("sglang", "2.15.0", "cu132", "sm_90", "3.12", "torch", "==2.14.1"),
    ("sglang", "2.14.1", "cu130", "sm_75", "3.12", "arch", None),
    ("xformers", "2.15.0", "cu132", "sm_90", "3.12", "backend", None),
    ("xformers", "2.14.1", "cpu", "", "3.12", "backend", None),
    ("xformers", "2.14.1", "rocm7.2", "gfx1100", "3.12", "backend", None),
    ("xformers", "2.14.1", "cu126", "sm_70", "3.12", "torch", "==2.7.0"),
    ("torchtext", "2.14.1", "cpu", "", "3.12", "torch", "==2.3.*"),
    ("bitsandbytes<0.50", "2.15.0", "cu132", "sm_120", "3.12", "backend", None),
    ("bitsandbytes==0.45.*", "2.11.0", "cu129", "sm_90", "3.12", "backend", None),
    ("bitsandbytes<0.49", "2.14.1", "rocm7.2", "gfx942", "3.12", "backend", None),
    ("bitsandbytes==0.43.0", "2.5.1", "cu124", "sm_90", "3.12", "backend", None),
    ("fbgemm-gpu", "2.15.0", "cu132", "sm_90", "3.12", "torch", "==2.14.*"),
    ("fbgemm-gpu", "2.14.1", "cu126", "sm_90", "3.12", "torch", "==2.10.*"),
    ("fbgemm-gpu", "2.14.1", "cu130", "sm_75", "3.12", "arch", None),
    ("torch-scatter", "2.13.0", "cu130", "sm_90", "3.12", "torch", "==2.12.*"),
    ("pyg-lib", "2.15.0", "cu132", "sm_90", "3.12", "torch", "==2.14.*"),
    ("torch-scatter", "2.12.1", "rocm7.2", "gfx1100", "3.12", "backend", None),
    ("flash-attn", "2.14.1", "cpu", "", "3.12", "backend", None),
    ("flash-attn", "2.14.1", "cu126", "sm_75", "3.12", "arch", None),
    ("flash-attn-3", "2.14.1", "cu130", "sm_100", "3.12", "arch", None),
    ("flash-attn-3", "2.14.1", "cu130", "sm_89", "3.12", "arch", None),
    ("flash-attn-4", "2.14.1", "cu126", "sm_75", "3.12", "arch", None),
    ("torch-tensorrt", "2.14.1", "cu126", "sm_90", "3.12", "torch", "<2.9.0,>=2.8.0"),
    ("tensorrt-llm", "2.14.1", "cu130", "sm_90", "3.12", "torch", "==2.9.1"),
    ("tensorrt-llm", "2.9.1", "cu130", "sm_90", "3.11", "python", None),
    ("whisperx", "2.14.1", "cu130", "sm_90", "3.12", "torch", "==2.8.*"),
    ("unsloth", "2.15.0", "cu132", "sm_90", "3.12", "torch", "<2.15.0,>=2.4.0"),
    ("tensorrt-cu13", "2.14.1", "cu126", "sm_90", "3.12", "backend", None),
    ("apex", "2.14.1", "cu130", "sm_90", "3.12", "source", None),
    ("deep-gemm", "2.14.1", "cu130", "sm_90", "3.12", "source", None),
    ("flashinfer-jit-cache", "2.14.1", "cu132", "sm_90", "3.12", "backend", None),
    ("triton-windows", "2.14.1", "cu130", "", "3.12", "platform", None),
]


@pytest.mark.parametrize(
    ("name", "torch", "backend", "archs", "python", "cause", "nearest"),
    FAILS,
    ids=[f"{row[0]}-torch{row[1]}-{row[2]}-{row[3]}-py{row[4]}" for row in FAILS],
)
def test_fails(
    name: str, torch: str, backend: str, archs: str, python: str, cause: str, nearest: str | None
) -> None:
    answer = ask(torch, backend, name, archs=archs, python=python)
    (refusal,) = answer.refusals
    assert (refusal.requirement, refusal.cause, refusal.nearest) == (name, cause, nearest)
    assert name in refusal.message
    assert answer.packages == ()


EVERYWHERE = [
    # torch, backend, platform, GPU
    ("2.15.0", "cu132", "linux-x86_64", "sm_120"),
    ("2.14.1", "cu130", "linux-aarch64", "sm_121"),
    ("2.14.1", "cu126", "linux-x86_64", "sm_61"),
    ("2.14.1", "cpu", "linux-x86_64", ""),
    ("2.14.1", "rocm7.2", "linux-x86_64", "gfx1100"),
    ("2.14.0", "xpu", "windows-amd64", ""),
    ("2.10.0", "cu128", "linux-x86_64", "sm_90"),
    ("2.8.0", "cu126", "windows-amd64", "sm_86"),
    ("2.7.1", "default", "macos-arm64", ""),
]


@pytest.mark.parametrize(
    ("torch", "backend", "platform", "gpu"), EVERYWHERE, ids=[" ".join(row) for row in EVERYWHERE]
)
def test_what_is_told_of_each(torch: str, backend: str, platform: str, gpu: str) -> None:
    """Every package of the table beside one build, by its source or its own index."""
    found = {
        name: ask(torch, backend, name, platform=platform, archs=gpu)
        for name in sorted(TABLE.distributions)
    }
    every = {"prebuilt": ask(torch, backend, *PREBUILT, platform=platform, archs=gpu, prebuilt=ALL)}
    kept.same(f"companions/{backend}-{torch}-{platform}", kept.text(found | every))


PREBUILT = ("flash-attn", "mamba-ssm", "natten", "causal-conv1d", "torch-scatter", "vllm>=0.10")
ALL = tuple(sorted({row.prebuilt for row in TABLE.indexes.values() if row.prebuilt}))
TOGETHER = [
    ("2.14.0", "cu130", "linux-x86_64", "vllm torchcodec==0.15 triton", "sm_90"),
    ("2.14.1", "cu130", "linux-x86_64", "flash-attn flash-attn-4 torchao", "sm_100"),
    ("2.14.1", "cu130", "linux-x86_64", "flash-attn==2.8.3 flash-attn-4 triton==3.1.0", "sm_120"),
    ("2.10.0", "cu128", "linux-x86_64", "fbgemm-gpu fbgemm-gpu-genai fbgemm-gpu-cpu", "sm_90"),
    ("2.9.1", "cu130", "linux-x86_64", "tensorrt-llm tensorrt requests", "sm_90"),
    ("2.14.1", "cpu", "linux-x86_64", "unsloth torch-geometric triton numpy", ""),
    ("2.14.1", "rocm7.2", "linux-x86_64", "unsloth triton pytorch-triton-rocm", "gfx1100"),
    ("2.14.0", "xpu", "windows-amd64", "unsloth pytorch-triton-xpu triton-windows", ""),
    ("2.15.0", "cu132", "linux-x86_64", "vllm>=0.40 flash-attn>=3.0.0b1 torchvision", "sm_90"),
    ("2.14.1", "cu126", "linux-x86_64", "transformer-engine deepspeed xformers", "sm_70 sm_61"),
    ("2.6.0", "cu124", "linux-x86_64", "deepspeed<0.16 bitsandbytes apex", "sm_80"),
    ("2.14.1", "cu130", "linux-x86_64", "whisperx pyannote-audio vllm<0.20", "sm_90"),
]


@pytest.mark.parametrize(
    ("torch", "backend", "platform", "names", "gpus"),
    TOGETHER,
    ids=[f"{row[1]} {row[3]}" for row in TOGETHER],
)
def test_what_is_told_of_several(
    torch: str, backend: str, platform: str, names: str, gpus: str
) -> None:
    answer = ask(torch, backend, *names.split(), platform=platform, archs=gpus)
    first = names.partition(" ")[0]
    kept.same(f"companions/together/{first}-{backend}-{torch}", kept.text({names: answer}))


def package(answer: CompanionAnswer, name: str) -> tuple[str, str | None]:
    found = next(package for package in answer.packages if package.name == name)
    return found.specifier, found.index


def test_what_vllm_brings_comes_from_the_index_of_torch() -> None:
    answer = ask("2.14.0", "cu130", "vllm")
    assert package(answer, "torchvision") == (">=0", "pytorch-cu130")
    assert package(answer, "torchaudio") == (">=0", "pytorch-cu130")
    assert package(answer, "torchcodec") == (">=0.14", None)


def test_a_package_that_is_asked_for_and_brought_is_written_as_asked() -> None:
    answer = ask("2.14.0", "cu130", "vllm", "torchcodec==0.15")
    assert [package.name for package in answer.packages].count("torchcodec") == 1


def test_the_range_of_torch_is_that_of_all() -> None:
    assert ask("2.14.1", "cu130", "fbgemm-gpu", "torchao").torch == "==2.14.*,>=2.11"


def test_tensorrt_llm_routes_its_family_and_nothing_else() -> None:
    answer = ask("2.9.1", "cu130", "tensorrt-llm")
    nvidia = {package.name for package in answer.packages if package.index == "nvidia"}
    assert nvidia == {
        "tensorrt-llm", "tensorrt", "tensorrt-cu13", "tensorrt-cu13-bindings", "tensorrt-cu13-libs",
    }  # fmt: skip
    assert [index.url for index in answer.indexes] == ["https://pypi.nvidia.com"]


def test_tensorrt_on_cuda_12_stays_below_the_change_of_major() -> None:
    names = {package.name for package in ask("2.6.0", "cu126", "tensorrt").packages}
    assert names == {"tensorrt", "tensorrt-cu12", "tensorrt-cu12-bindings", "tensorrt-cu12-libs"}


def test_deepspeed_is_built_for_each_torch_without_its_operators() -> None:
    (found,) = ask("2.14.1", "cpu", "deepspeed").packages
    assert found.match_runtime
    assert found.build_variables == {"DS_BUILD_OPS": "0"}
    assert found.requires_dist is None


def test_an_old_deepspeed_gets_the_metadata_that_uv_cannot_read() -> None:
    (found,) = ask("2.6.0", "cu124", "deepspeed<0.16").packages
    assert found.requires_dist is not None
    assert "torch" in found.requires_dist


def test_flash_attn_is_built_against_the_torch_of_the_project() -> None:
    answer = ask("2.14.1", "cu130", "flash-attn", archs="sm_90")
    (found,) = answer.packages
    assert (found.match_runtime, found.index, found.constrain) == (True, None, False)
    assert "psutil" in found.build_requires
    assert "nvcc" in answer.warnings[0].message


def test_a_chosen_index_of_wheels_caps_torch_instead_of_building() -> None:
    (refusal,) = ask("2.14.1", "cu130", "flash-attn", prebuilt=("astral",)).refusals
    assert (refusal.cause, refusal.nearest) == ("torch", ">=2.9,<2.13")


def test_wheels_that_cannot_serve_the_gpus_do_not_stand_in_the_way() -> None:
    answer = ask("2.14.1", "rocm7.2", "flash-attn", archs="gfx942", prebuilt=("astral",))
    assert answer.refusals == ()


def test_flash_attention_2_and_3_side_by_side() -> None:
    answer = ask("2.14.1", "cu130", "flash-attn", "flash-attn-3", archs="sm_90")
    assert answer.refusals == ()
    assert package(answer, "flash-attn-3") == (">=3.0.0", "pytorch-cu130")
    assert package(answer, "flash-attn") == (">=2.7.4.post1", None)


def test_flash_attention_2_and_4_share_no_file() -> None:
    answer = ask("2.14.1", "cu130", "flash-attn", "flash-attn-4", archs="sm_100")
    assert answer.refusals == ()
    assert package(answer, "flash-attn") == (">=2.7.4.post1,<2.8.2", None)
    assert all(found.constrain for found in answer.packages)


def test_flash_attention_4_beside_a_release_that_owns_its_files() -> None:
    answer = ask("2.14.1", "cu130", "flash-attn==2.8.3", "flash-attn-4", archs="sm_100")
    assert [refusal.cause for refusal in answer.refusals] == ["clash"]


@pytest.mark.parametrize(
    "names",
    [("fbgemm-gpu", "fbgemm-gpu-genai"), ("sgl-kernel", "sglang-kernel")],
    ids=" and ".join,
)
def test_two_owners_of_one_folder(names: tuple[str, str]) -> None:
    torch = "2.9.1" if "sgl-kernel" in names else "2.10.0"
    answer = ask(torch, "cu128", *names)
    assert {refusal.name for refusal in answer.refusals} == set(names)
    assert {refusal.cause for refusal in answer.refusals} == {"clash"}


@pytest.mark.parametrize(
    ("backend", "torch", "masked"),
    [
        ("rocm7.2", "2.14.1", ("triton",)),
        ("rocm6.4", "2.9.1", ("triton",)),
        ("xpu", "2.14.0", ("triton",)),
        ("cu130", "2.14.1", ()),
        ("cpu", "2.14.1", ()),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_triton_named_by_another_package(backend: str, torch: str, masked: tuple[str, ...]) -> None:
    asker = (
        "whisperx<3.7" if backend == "cpu" else "unsloth<2026.9" if torch == "2.9.1" else "unsloth"
    )
    if backend in {"rocm7.2", "xpu"}:
        asker = "mamba-ssm" if backend == "rocm7.2" else "triton"
    assert ask(torch, backend, asker).excludes == masked


@pytest.mark.parametrize(("backend", "lacks"), [("rocm7.2", True), ("cpu", True), ("cu130", False)])
def test_what_a_package_brings_may_have_no_build(backend: str, lacks: bool) -> None:
    warnings = ask("2.14.1", backend, "unsloth").warnings
    said = [one.message for one in warnings if one.code == "companion-brought"]
    start = f"unsloth asks for xformers, and xformers has no build for {backend}"
    assert [message.startswith(start) for message in said] == [True] * lacks


def test_the_triton_of_windows_beside_a_backend_whose_own_is_for_windows_too() -> None:
    assert ask("2.14.0", "xpu", "unsloth").excludes == ("triton", "triton-windows")
    assert ask("2.14.1", "rocm7.2", "unsloth").excludes == ("triton",)


def test_the_torchvision_and_torch_of_the_request_are_left_to_their_rows() -> None:
    answer = ask("2.14.1", "cu130", "torch>=2", "torchvision", "torchaudio")
    assert (answer.packages, answer.refusals, answer.unknown) == ((), (), ())


def test_a_name_that_the_table_does_not_have_is_left_alone() -> None:
    answer = ask("2.14.1", "cu130", "numpy", "My_Package>=1")
    assert answer.unknown == ("numpy", "my-package")
    assert answer.packages == ()


def test_a_release_that_the_table_does_not_have_is_left_alone_with_a_warning() -> None:
    answer = ask("2.15.0", "cu132", "vllm>=0.40")
    assert (answer.unknown, answer.refusals) == (("vllm",), ())
    assert [warning.code for warning in answer.warnings] == ["companion-not-in-table"]


@pytest.mark.parametrize(
    ("asked", "ways"),
    [
        (["flash-attn==2.8.3", "flash-attn==3.0.0b1"], "flash-attn-3==3.0.0b1"),
        (["flash-attn>=3.0.0b1"], "flash-attn-3>=3.0.0b1 or flash-attn-4>=3.0.0b1"),
        (["flash-attn>=2.8,>=4.0.0b1"], "flash-attn-4>=4.0.0b1"),
        (["sgl-kernel>=0.4"], "sglang-kernel>=0.4"),
        (["flash-attn>=9"], None),
    ],
)
def test_later_releases_have_names_of_their_own(asked: list[str], ways: str | None) -> None:
    answer = ask("2.14.1", "cu126", *asked, archs="sm_90")
    assert answer.refusals == ()
    [warning] = answer.warnings
    assert "the newest that it knows is" in warning.message
    assert warning.hint == (ways and f"later ones have names of their own: {ways}")


def test_a_marker_for_another_platform_is_no_requirement() -> None:
    answer = ask("2.15.0", "cu132", "vllm ; sys_platform == 'win32'")
    assert answer == CompanionAnswer()


def test_a_requirement_with_a_repository_is_wired() -> None:
    requirement = "apex @ git+https://github.com/NVIDIA/apex"
    (found,) = ask("2.14.1", "cu130", requirement).packages
    assert (found.match_runtime, found.metadata_version) == (True, "0.1")
    assert found.requires_dist == ("packaging>20.6",)


def test_a_wheel_by_url_of_a_known_package_is_left_alone() -> None:
    answer = ask("2.15.0", "cu132", "vllm @ https://wheels.example/vllm-0.1-py3-none-any.whl")
    assert (answer.refusals, answer.packages, answer.unknown) == ((), (), ("vllm",))


def test_text_that_is_no_requirement() -> None:
    with pytest.raises(AccelselError) as caught:
        ask("2.14.1", "cu130", "flash attn!")
    assert (caught.value.code, caught.value.kind) == (2, "invalid-requirement")


def refusing(*names: str) -> CompanionAnswer:
    return CompanionAnswer(
        refusals=tuple(
            Refusal(name=name, requirement=name, cause="torch", message="") for name in names
        )
    )


@pytest.mark.parametrize(
    ("answers", "group"),
    [
        ((), ()),
        ((refusing(),), ()),
        ((refusing("a"), refusing()), ()),
        ((refusing("a"), refusing("a", "b")), ("a",)),
        ((refusing("a"), refusing("b")), ("a", "b")),
        ((refusing("a", "c"), refusing("b", "c"), refusing("c")), ("c",)),
        ((refusing("a", "b"), refusing("b", "c"), refusing("a", "c")), ("a", "b")),
    ],
    ids=[
        "no build",
        "served",
        "one build serves",
        "one alone",
        "two",
        "one of three",
        "pair of three",
    ],
)
def test_conflict(answers: tuple[CompanionAnswer, ...], group: tuple[str, ...]) -> None:
    assert conflict(answers) == group


def test_a_clash_is_between_its_packages_alone() -> None:
    both = ("flash-attn==2.8.3", "flash-attn-4")
    answers = [ask("2.14.1", "cu130", *both, "torchao", archs="sm_120")]
    assert conflict(answers) == both
    told_apart = told(both, {"2.14.1": answers})
    assert told_apart == tuple(f"{one} goes with torch 2.14.1" for one in both)
    both = ("fbgemm-gpu", "fbgemm-gpu-genai")
    assert conflict([ask("2.14.1", "cu130", *both, archs="sm_90")]) == both


@pytest.mark.parametrize(
    ("asked", "torch", "fits"),
    [
        ("triton==3.1.0", "2.14.1", False),
        ("triton==3.1.0", "2.5.1", True),
        ("triton<3.7", "2.12.1", False),
        ("triton<3.7", "2.11.0", True),
        ("triton", "2.14.1", True),
        ("triton @ https://example.com/triton-3.1.0-py3-none-any.whl", "2.14.1", True),
    ],
)
def test_the_triton_asked_for_is_the_one_that_torch_asks_for(
    asked: str, torch: str, fits: bool
) -> None:
    answer = ask(torch, "cu118" if torch == "2.5.1" else "cu126", asked)
    assert (not answer.refusals) == fits
    assert all(torch in refusal.message for refusal in answer.refusals)


def test_another_triton_is_nothing_to_a_torch_that_has_none() -> None:
    assert ask("2.14.1", "cpu", "triton==3.1.0").refusals == ()
    assert ask("2.14.1", "rocm7.2", "triton==3.1.0").refusals == ()


def test_conflict_of_a_real_request() -> None:
    torches = ("2.14.1", "2.14.0", "2.13.0", "2.12.1", "2.11.0")
    answers = {torch: ask(torch, "cu130", "vllm", "sglang", "torchao") for torch in torches}
    assert conflict(answers.values()) == ()  # torch 2.13.0 and 2.11.0 serve all
    newest = {
        torch: ask(torch, "cu130", "vllm>=0.33", "torch-scatter", "torchao") for torch in torches
    }
    assert conflict(newest.values()) == ("torch-scatter", "vllm>=0.33")
    assert told(("torch-scatter", "vllm>=0.33"), {t: [a] for t, a in newest.items()}) == (
        "torch-scatter goes with torch 2.12.1, 2.11.0",
        "vllm>=0.33 goes with torch 2.14.0",
    )
