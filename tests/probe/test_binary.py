"""What shared libraries say of themselves, from images made byte by byte."""

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.kit.environments import elf, portable

from accelsel.model.installed import Library
from accelsel.probe.binary import describe
from accelsel.probe.host_world import HostWorld

NEW = "_ZN3c105ErrorC2ENS_14SourceLocationENSt7__cxx1112basic_stringIcSt11char_traitsIcESaIcEEE"
OLD = "_ZN3c105ErrorC2ENS_14SourceLocationESs"
CHECK_NEW = "_ZN3c106detail14torchCheckFailEPKcS2_jRKNSt7__cxx1112basic_stringIcE"


def _told(image: bytes, folder: Path) -> Library | None:
    path = folder / "x.so"
    path.write_bytes(image)
    return describe(HostWorld(), str(path), "x.so")


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ({}, Library(path="x.so")),
        (
            {"sass": ["sm_86", "sm_80"], "ptx": ["sm_90"]},
            Library(path="x.so", sass=("sm_80", "sm_86"), ptx=("sm_90",)),
        ),
        ({"sass": ["sm_120"]}, Library(path="x.so", sass=("sm_120",))),
        (
            {"needs": ["libcudart.so.12", "libc10_cuda.so"]},
            Library(path="x.so", cuda=12, gpu="cuda"),
        ),
        ({"needs": ["libcublasLt.so.13"]}, Library(path="x.so", cuda=13)),
        ({"needs": ["libcufft.so.11", "libc10.so"]}, Library(path="x.so")),
        ({"needs": ["libtorch_hip.so"]}, Library(path="x.so", gpu="hip")),
        ({"asks": [NEW]}, Library(path="x.so", abi=True)),
        ({"asks": ["memcpy", OLD]}, Library(path="x.so", abi=False)),
        ({"asks": [CHECK_NEW]}, Library(path="x.so", abi=True)),
        ({"asks": [NEW, OLD]}, Library(path="x.so")),
    ],
    ids=str,
)
def test_elf(code: dict[str, list[str]], expected: Library, tmp_path: Path) -> None:
    assert _told(elf(code), tmp_path) == expected


def test_portable(tmp_path: Path) -> None:
    code = {"sass": ["sm_75"], "ptx": ["sm_90"], "needs": ["cudart64_12.dll", "torch_cuda.dll"]}
    assert _told(portable(code), tmp_path) == Library(
        path="x.so", sass=("sm_75",), ptx=("sm_90",), cuda=12, gpu="cuda"
    )


@pytest.mark.parametrize("image", [b"", b"MZ", b"\x7fELF", b"#!/bin/sh\n", bytes(4096)], ids=repr)
def test_what_is_no_library(image: bytes, tmp_path: Path) -> None:
    assert _told(image, tmp_path) is None


def test_what_is_not_there() -> None:
    assert describe(HostWorld(), "/no/such/library.so", "x.so") is None


WHOLE = elf({"sass": ["sm_80", "sm_90"], "needs": ["libcudart.so.12"], "asks": [NEW]})


@settings(max_examples=60, deadline=None)
@given(cut=st.integers(0, len(WHOLE)), at=st.integers(0, len(WHOLE) - 1), byte=st.integers(0, 255))
def test_a_damaged_library_is_read_or_not(
    cut: int, at: int, byte: int, tmp_path_factory: pytest.TempPathFactory
) -> None:
    damaged = bytearray(WHOLE)
    damaged[at] = byte
    folder = tmp_path_factory.mktemp("damaged")
    for image in (bytes(damaged), WHOLE[:cut]):
        found = _told(image, folder)
        assert found is None or found.path == "x.so"
