"""Settings in."""

from typing import Any

import pytest

from accelsel.model.config import Config
from accelsel.model.errors import AccelselError
from accelsel.ports.config import read


def test_every_key_is_read() -> None:
    table = {
        "backend": "cu126",
        "channel": "nightly",
        "fallback": "cpu",
        "allow-arch-override": True,
        "with": ["flash-attn>=2"],
        "mirror": {"https://download.pytorch.org": "https://mirror.example/torch"},
        "pin": {"anything": 1},
    }
    assert read(table, "pyproject.toml") == Config(
        backend="cu126",
        channel="nightly",
        fallback="cpu",
        allow_arch_override=True,
        companions=("flash-attn>=2",),
        mirror={"https://download.pytorch.org": "https://mirror.example/torch"},
    )


@pytest.mark.parametrize(
    ("table", "word"),
    [
        ({"backend": 126}, "backend must be a string"),
        ({"channel": "daily"}, "stable or test or nightly"),
        ({"strict": "yes"}, "true or false"),
        ({"with": "flash-attn"}, "array of strings"),
        ({"mirror": {"a": 1}}, "URL prefixes"),
        ({"bakend": "cu126"}, "'bakend'"),
    ],
)
def test_what_is_wrong_is_named(table: dict[str, Any], word: str) -> None:
    with pytest.raises(AccelselError) as caught:
        read(table, "pyproject.toml")
    assert caught.value.code == 2
    assert word in caught.value.message
