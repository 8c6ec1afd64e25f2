"""The command that pins again what a record holds."""

from collections.abc import Mapping
from typing import Any

import pytest

from accelsel.rules.recorded import command

ONE = [{"backend": "cu126", "torch": "2.14.1"}]
GROUPS = [{"backend": "cpu", "group": "cpu"}, {"backend": "rocm7.2", "group": "rocm7-2"}]
EXTRAS = [{"backend": "cpu", "extra": "cpu"}, {"backend": "cu126", "extra": "cu126"}]


@pytest.mark.parametrize(
    ("record", "wanted", "expected"),
    [
        ({}, (), ""),
        ({"selections": ONE}, (), ""),
        ({"selections": ONE, "request": {"backend": "cu126", "force": True}}, (),
         " --backend cu126 --force"),
        ({"selections": ONE, "request": {"torch": ">=2.6,<2.9", "companions": ["a", "b>1"]}}, (),
         " --torch '>=2.6,<2.9' --with a --with 'b>1'"),
        ({"selections": GROUPS, "request": {"backends": ["cpu", "rocm7.2"]}}, (),
         " --backends cpu,rocm7.2"),
        ({"selections": GROUPS}, ("xpu",), " --backends cpu,rocm7.2,xpu"),
        ({"selections": EXTRAS, "request": {"gpu": "all"}}, ("cu126",),
         " --as extras --gpu all --backends cpu,cu126"),
        ({"selections": 3, "request": "x"}, (), ""),
    ],
)  # fmt: skip
def test_command(record: Mapping[str, Any], wanted: tuple[str, ...], expected: str) -> None:
    assert command(record, *wanted) == f"accelsel pin --write{expected}"


def test_what_is_to_be_decided_anew_is_left_out() -> None:
    mirror = "https://a.example=https://b.example"
    record = {"selections": ONE, "request": {"backend": "cpu", "force": True, "mirror": [mirror]}}
    again = command(record, without=("backend", "force"))
    assert again == f"accelsel pin --write --mirror {mirror}"
