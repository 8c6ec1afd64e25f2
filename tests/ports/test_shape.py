"""Plain data to values: what is built without a library is what pydantic builds, and no more."""

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from accelsel.model.profile import Cpu, Gpu, Libc, Os, ProbeResult, Profile, Python
from accelsel.ports.documents import document
from accelsel.ports.parse import _completed
from accelsel.ports.shape import MisfitError, shaped

PROFILE = Profile(
    state="usable",
    os=Os(system="linux", version="24.04", release="6.8", libc=Libc(family="glibc", version="2.39"),
          wsl=False, container=None, jetson=None),
    cpu=Cpu(arch="x86_64", level=None),
    python=Python(version="3.12.3", implementation="cpython", free_threaded=False),
    gpus=(Gpu(index=0, vendor="nvidia", name="RTX 3060", arch="sm_86", arch_source="nvml",
              pci_id="10de:2487", memory_bytes=12884901888, integrated=False, usable=True),),
    probes=(ProbeResult(name="nvml", status="ok", detail=None, elapsed_ms=12.1),),
    environment={"CUDA_VERSION": "12.6"},
)  # fmt: skip
PLACES: list[tuple[str | int, ...]] = [
    ("state",), ("os",), ("os", "wsl"), ("os", "libc"), ("os", "libc", "version"), ("cpu", "arch"),
    ("python", "free_threaded"), ("gpus",), ("gpus", 0), ("gpus", 0, "index"),
    ("gpus", 0, "vendor"), ("gpus", 0, "memory_bytes"), ("gpus", 0, "usable"), ("gpus", 0, "note"),
    ("probes", 0, "elapsed_ms"), ("probes", 0, "status"), ("notes",), ("environment",),
    ("environment", "CUDA_VERSION"), ("drivers",), ("drivers", "nvidia"),
]  # fmt: skip
VALUES: list[Any] = [
    None, True, False, 0, 1, -3, 1.0, 2.5, 10**30, "", "nvidia", "usable", "ok", [], [1], ["a"], {},
    {"a": "b"}, {"a": 1}, [None], float("inf"),
]  # fmt: skip


def by_library(data: Any) -> Profile | None:
    text = json.dumps(_completed(data, Profile))
    try:
        return TypeAdapter(Profile).validate_json(text, strict=True)
    except ValidationError:
        return None


@given(st.lists(st.tuples(st.sampled_from(PLACES), st.sampled_from(VALUES)), max_size=3),
       st.lists(st.sampled_from(PLACES), max_size=2))  # fmt: skip
def test_what_fits_is_what_the_library_takes(
    changes: list[tuple[tuple[str | int, ...], Any]], gone: list[tuple[str | int, ...]]
) -> None:
    data: Any = copy.deepcopy(document("profile", PROFILE))
    for place, value in changes:
        if isinstance(holder := _at(data, place[:-1]), dict) or _holds(holder, place[-1]):
            holder[place[-1]] = copy.deepcopy(value)
    for place in gone:
        if isinstance(holder := _at(data, place[:-1]), dict):
            holder.pop(place[-1], None)
    try:
        found = shaped(Profile, data)
    except MisfitError:
        return
    assert found == by_library(data)


def _at(data: Any, place: tuple[str | int, ...]) -> Any:
    for step in place:
        if not (isinstance(data, dict) and step in data) and not _holds(data, step):
            return None
        data = data[step]
    return data


def _holds(data: Any, step: str | int) -> bool:
    return isinstance(data, list) and isinstance(step, int) and step < len(data)


def test_a_document_that_fits_needs_no_library() -> None:
    assert shaped(Profile, document("profile", PROFILE)) == PROFILE


@pytest.mark.parametrize(
    ("kind", "data"),
    [(int, True), (int, 1.0), (bool, 1), (str, 1), (str, None), (float, "1"), (float, True),
     (float, float("nan")), (tuple[str, ...], "ab"), (tuple[str, ...], {"a": 1}), (Libc, []),
     (Libc, {"version": "2.39"})],
)  # fmt: skip
def test_what_does_not_fit_is_refused(kind: Any, data: Any) -> None:
    with pytest.raises(MisfitError):
        shaped(kind, data)
