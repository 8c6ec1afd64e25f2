"""The companions table: every row is well-formed, sourced, reachable, and read as it is written."""

import json
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.version import Version

from accelsel.knowledge import companions, load
from accelsel.knowledge.schema import violations

DATA = Path(companions.__file__).parent / "data"
FILES = ("companions", "companion-symptoms")
TABLE = companions.load()
OFFERS = [offer for rows in TABLE.offers.values() for offer in rows]

# the packages that issue 6 names
NAMED = [
    "torchvision", "torchaudio", "torchtext", "torchao", "torchcodec", "torch-tensorrt",
    "xformers", "triton", "pytorch-triton", "pytorch-triton-rocm", "triton-rocm",
    "pytorch-triton-xpu", "triton-xpu", "triton-windows", "flash-attn", "flash-attn-3",
    "flash-attn-4", "deepspeed", "bitsandbytes", "vllm", "sglang", "tensorrt-llm", "tensorrt",
    "nvidia-modelopt", "transformer-engine", "mamba-ssm", "causal-conv1d", "natten", "gsplat",
    "flashinfer-python", "deep-gemm", "fbgemm-gpu", "pyg-lib", "torch-scatter", "torch-sparse",
    "torch-cluster", "torch-spline-conv", "torch-geometric",
]  # fmt: skip


def raw(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((DATA / f"{name}.json").read_text(encoding="utf-8"))
    return document


def rows(name: str) -> list[dict[str, Any]]:
    return [row for rows in raw(name).values() if isinstance(rows, list) for row in rows]


@pytest.mark.parametrize("name", FILES)
def test_schema(name: str) -> None:
    schema = json.loads((DATA / "schema" / f"{name}.schema.json").read_text(encoding="utf-8"))
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema).validate(raw(name))
    assert list(violations(raw(name), schema)) == []


@pytest.mark.parametrize("name", FILES)
def test_sources_are_the_ones_in_use(name: str) -> None:
    used = {source for row in rows(name) for source in row["source"].split()}
    assert used == set(raw(name)["sources"])


@pytest.mark.parametrize("name", FILES)
def test_one_row_a_line(name: str) -> None:
    lines = (DATA / f"{name}.json").read_text(encoding="utf-8").splitlines()
    assert sum(line.startswith('  {"') for line in lines) == len(rows(name))


@pytest.mark.parametrize("name", NAMED)
def test_named_package_is_there(name: str) -> None:
    assert name in TABLE.distributions


def test_every_offer_is_of_a_known_distribution_and_index() -> None:
    assert set(TABLE.offers) <= set(TABLE.distributions)
    places = {"torch", "default", "direct", *TABLE.indexes}
    assert {offer.index for offer in OFFERS} <= places
    assert {offer.index for offer in OFFERS} >= set(TABLE.indexes)


def test_names_that_are_brought_or_clash_are_known() -> None:
    brought = {name.removesuffix("=") for offer in OFFERS for name in offer.brings}
    clashing = {name for clash in TABLE.clashes for name in clash.names}
    assert brought | clashing <= set(TABLE.distributions)


def test_backends_of_offers_exist() -> None:
    tables = load()
    kinds = {backend.kind for backend in tables.backends.values()}
    majors = {
        f"{backend.kind}{backend.toolkit[0]}"
        for backend in tables.backends.values()
        if backend.toolkit
    }
    named = {label for offer in OFFERS for label in offer.backends}
    assert named <= {*tables.backends, *kinds, *majors}


def test_platforms_of_offers_exist() -> None:
    platforms = {build.platform for build in load().builds}
    assert {platform for offer in OFFERS for platform in offer.platforms} <= platforms


def test_releases_stand_in_order() -> None:
    for distribution in TABLE.distributions.values():
        versions = [Version(release) for release in distribution.releases]
        assert versions == sorted(set(versions)), distribution.name


def test_every_offer_names_a_release() -> None:
    for offer in OFFERS:
        releases = TABLE.distributions[offer.name].releases
        wanted = SpecifierSet(offer.versions)
        held = any(wanted.contains(release, prereleases=True) for release in releases)
        assert held or not releases, f"{offer.name} {offer.versions}"


def test_every_torch_window_holds_a_release_of_torch() -> None:
    torches = {build.torch for build in load().builds}
    for offer in OFFERS:
        window = SpecifierSet(offer.torch)
        held = any(window.contains(torch, prereleases=True) for torch in torches)
        assert held, f"{offer.name} {offer.versions} for torch {offer.torch}"


def test_what_metadata_enforces_is_within_what_it_declares() -> None:
    torches = {build.torch for build in load().builds}
    for offer in OFFERS:
        if (
            offer.enforced
            and offer.declared
            and "X" not in offer.declared
            and "+" not in offer.declared
        ):
            works, declared = SpecifierSet(offer.torch), SpecifierSet(offer.declared)
            odd = {
                torch
                for torch in torches
                if works.contains(torch, prereleases=True)
                and not declared.contains(torch, prereleases=True)
            }
            assert odd == set(), f"{offer.name} {offer.versions}"


def test_metadata_to_write_is_made_of_requirements() -> None:
    for offer in OFFERS:
        for text in (*(offer.requires_dist or ()), *offer.build_requires):
            Requirement(text)


def test_a_row_that_builds_against_torch_says_what_uv_cannot_read() -> None:
    old = {offer.name for offer in OFFERS if offer.requires_dist is not None}
    assert old >= {"flash-attn", "deepspeed", "mamba-ssm", "causal-conv1d", "apex", "rotary-emb"}


def test_pythons_are_expanded() -> None:
    offer = next(row for row in TABLE.offers["torchcodec"] if "3.14t" in row.pythons)
    assert offer.pythons == ("3.10", "3.11", "3.12", "3.13", "3.14", "3.14t")


@pytest.mark.parametrize(
    ("text", "name", "cause"),
    [
        ("RuntimeError: operator torchvision::nms does not exist", "torchvision", "torchvision"),
        ("ImportError: libavutil.so.59: cannot open shared object file", None, "FFmpeg"),
        ("undefined symbol: _ZN3c104cuda19CUDAErrorLogCaptureC1Ev", None, "2.14"),
        ("undefined symbol: _ZN3c105ErrorC2ENS_14SourceLocationE", None, "ABI"),
        ("undefined symbol: torch_from_blob", None, "newer torch"),
        ("undefined symbol: torch_dtype_float4_e2m1fn_x2", None, "2.10"),
        ("Could not find the bitsandbytes CUDA binary", "bitsandbytes", "no library"),
    ],
    ids=lambda value: value if isinstance(value, str) and " " not in value else None,
)
def test_symptom(text: str, name: str | None, cause: str) -> None:
    found = next(row for row in companions.symptoms() if re.search(row.pattern, text))
    assert found.name == name
    assert cause in found.cause


WHEELS = [
    # the file lists of the default index, by release
    ("torchcodec", "0.7.0", "windows-amd64", "3.13", "2.8.0"),
    ("torchcodec", "0.8.1", "linux-x86_64", "3.13", "2.9.1"),
    ("torchcodec", "0.9.1", "linux-x86_64", "3.14", "2.9.1"),
    ("torchcodec", "0.13.0", "macos-arm64", "3.12", "2.11.0"),
    ("torch-tensorrt", "2.3.0", "windows-amd64", "3.11", "2.3.1"),
    ("torch-tensorrt", "2.8.0", "linux-aarch64", "3.12", "2.8.0"),
    ("xformers", "0.0.25.post1", "windows-amd64", "3.11", "2.2.2"),
    ("torchtext", "0.15.2", "linux-aarch64", "3.10", "2.0.1"),
    ("fbgemm-gpu-cpu", "1.4.0", "linux-aarch64", "3.12", "2.9.1"),
    ("triton-windows", "3.2.0.post21", "windows-amd64", "3.9", "2.6.0"),
    ("pyannote-audio", "4.0.1", "linux-x86_64", "3.12", "2.9.0"),
    ("pyannote-audio", "3.4.0", "linux-x86_64", "3.12", "2.3.0"),
]
NO_WHEELS = [
    ("torchcodec", "0.6.0", "windows-amd64", "3.12", "2.8.0"),
    ("torchcodec", "0.8.1", "linux-x86_64", "3.14", "2.9.1"),
    ("torch-tensorrt", "2.4.0", "linux-x86_64", "3.12", "2.4.1"),
    ("vllm", "0.5.1", "linux-x86_64", "3.12", "2.3.0"),
    ("triton-windows", "3.4.0.post21", "windows-amd64", "3.14", "2.8.0"),
    ("pyannote-audio", "4.0.1", "linux-x86_64", "3.12", "2.7.1"),
]


def on_the_default_index(name: str, version: str, platform: str, python: str, torch: str) -> bool:
    return any(
        SpecifierSet(offer.versions, prereleases=True).contains(version)
        and SpecifierSet(offer.torch).contains(torch)
        and (not offer.platforms or platform in offer.platforms)
        and (not offer.pythons or python in offer.pythons)
        for offer in TABLE.offers[name]
        if offer.index == "default"
    )


@pytest.mark.parametrize("wheel", WHEELS, ids=" ".join)
def test_a_wheel_that_is_there_is_offered(wheel: tuple[str, str, str, str, str]) -> None:
    assert on_the_default_index(*wheel)


@pytest.mark.parametrize("wheel", NO_WHEELS, ids=" ".join)
def test_a_wheel_that_is_not_there_is_not_offered(wheel: tuple[str, str, str, str, str]) -> None:
    assert not on_the_default_index(*wheel)
