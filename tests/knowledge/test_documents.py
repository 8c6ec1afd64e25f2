"""The files themselves: one row a line, nothing beside them, nothing that must not be named."""

import json
import re
from pathlib import Path

import pytest

from accelsel.knowledge import documents
from accelsel.model.errors import AccelselError

FILES = (*documents.SELECTION_FILES, *documents.DEVICE_FILES)


@pytest.mark.parametrize("name", FILES)
def test_one_row_a_line(name: str) -> None:
    lines = (documents.DATA / name).read_text(encoding="utf-8").splitlines()
    rows = [row for rows in documents.shipped(name).values() for row in rows]
    stated = [json.loads(line.strip().rstrip(",")) for line in lines if line.startswith("  ")]
    assert stated == rows


def test_every_file_is_read() -> None:
    names = {path.name for path in documents.DATA.glob("*.json")}
    assert {name for name in names if not name.startswith("companion")} == set(FILES)


@pytest.mark.parametrize("name", FILES)
def test_no_registry_host(name: str) -> None:
    text = (documents.DATA / name).read_text(encoding="utf-8")
    assert not re.search("|".join((r"pypi\.o" + "rg", "python" + "hosted")), text)


def test_files_of_a_folder_come_in_order(tmp_path: Path) -> None:
    for name in ("b.json", "a.json", "notes.txt"):
        (tmp_path / name).write_text("{}")
    one = tmp_path / "notes.txt"
    assert list(documents.files([one, tmp_path])) == [one, tmp_path / "a.json", tmp_path / "b.json"]


UNREADABLE = {
    "no such file": (None, "cannot read the rules file"),
    "no JSON": (b"{'builds': []}", "the rules file is not JSON"),
    "no UTF-8": (b'{"builds": ["\xff"]}', "the rules file is not JSON"),
    "a list": (b"[]", "the document: must be object"),
    "a row too little": (b'{"floors": [{"major": 14}]}', "floors[0]: has no system"),
}


@pytest.mark.parametrize(("content", "message"), UNREADABLE.values(), ids=UNREADABLE.keys())
def test_unreadable(tmp_path: Path, content: bytes | None, message: str) -> None:
    path = tmp_path / "rules.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(AccelselError) as raised:
        documents.added(path)
    error = raised.value
    assert (error.code, error.kind) == (2, "bad-rules")
    assert error.message.startswith(message)
    assert error.where is not None
    assert error.where.startswith(str(path))
