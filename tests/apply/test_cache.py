"""Where the cache is, and that what is written there is whole."""

import os
from pathlib import Path

import pytest

from accelsel.apply import cache
from accelsel.model.errors import USAGE, AccelselError


@pytest.mark.skipif(os.name == "nt", reason="XDG folders")
@pytest.mark.parametrize(
    ("env", "expected"),
    [
        ({"XDG_CACHE_HOME": "/c", "HOME": "/h"}, "/c/accelsel/rules.json"),
        ({"XDG_CACHE_HOME": "relative", "HOME": "/h"}, "/h/.cache/accelsel/rules.json"),
        ({"XDG_CACHE_HOME": "", "HOME": "/h"}, "/h/.cache/accelsel/rules.json"),
    ],
    ids=["named", "relative", "home"],
)
def test_where_it_is(env: dict[str, str], expected: str) -> None:
    assert cache.rules_path(env) == Path(expected)


def test_an_empty_home_is_no_home() -> None:
    assert cache.rules_path({"HOME": ""}) is None


def test_the_file_is_replaced_and_nothing_else_stays(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b" / "rules.json"
    for data in (b"one", b"two"):
        cache.write(path, data)
        assert path.read_bytes() == data
    assert list(path.parent.iterdir()) == [path]


@pytest.mark.parametrize("taken", ["folder", "file"])
def test_where_it_cannot_be_written(tmp_path: Path, taken: str) -> None:
    path = tmp_path / "a" / "rules.json"
    if taken == "folder":
        path.mkdir(parents=True)
    else:
        path.parent.write_text("")
    with pytest.raises(AccelselError) as caught:
        cache.write(path, b"data")
    assert (caught.value.code, caught.value.kind) == (USAGE, "unwritable")
    assert [p.name for p in tmp_path.rglob("*")] in (["a"], ["a", "rules.json"])
