"""`uv.lock` in."""

import tomllib

import pytest
from tests.kit.environments import lock_text

from accelsel.model.errors import AccelselError
from accelsel.ports.locked import read

ROWS: list[dict[str, object]] = [
    {"name": "torch", "version": "2.14.1", "markers": ["sys_platform == 'darwin'"]},
    {"name": "torch", "version": "2.14.1+cu126", "index": "https://download.pytorch.org/whl/cu126"},
    {"name": "numpy", "version": "2.3.0"},
]


def test_read_agrees_with_a_full_parse() -> None:
    text = lock_text(ROWS)
    lock = read(text, "uv.lock")
    full = tomllib.loads(text)["package"]
    assert [(p.name, p.version, p.index) for p in lock.packages] == [
        (row["name"], row["version"], row["source"]["registry"]) for row in full
    ]
    assert lock.packages[0].markers == ("sys_platform == 'darwin'",)


def test_credentials_of_an_index_are_not_read() -> None:
    row = {"name": "torch", "version": "2.14.1", "index": "https://me:token@corp.example/simple"}
    [package] = read(lock_text([row]), "uv.lock").packages
    assert package.index == "https://corp.example/simple"


def test_read_takes_windows_newlines_and_a_choice_of_names() -> None:
    lock = read(lock_text(ROWS).replace("\n", "\r\n"), "uv.lock", lambda name: name == "torch")
    assert [package.version for package in lock.packages] == ["2.14.1", "2.14.1+cu126"]


@pytest.mark.parametrize(
    "text", ["", "[project]\nname = 'x'\n", 'version = 1\n[[package]]\nname = "a"\n=']
)
def test_what_is_no_lock_is_an_error(text: str) -> None:
    with pytest.raises(AccelselError) as caught:
        read(text, "uv.lock")
    assert caught.value.code == 2
