"""What `--check` says of an edited file, and where."""

import subprocess
import sys

import pytest
from tests.project.cases import ROOT

from accelsel.model.errors import AccelselError
from accelsel.project.check import check
from accelsel.project.read import read

TEXT = (ROOT / "migrate-backend" / "after.toml").read_text()
EDITS = {
    "source of another index": (
        'torch = { index = "pytorch-cu126"', 'torch = { index = "company"',
        "tool.uv.sources", "torch",
    ),
    "source without marker": (
        'torchvision = { index = "pytorch-cu126", ', "torchvision = { index = 'pytorch-cu126' } #",
        "tool.uv.sources", "torchvision",
    ),
    "index elsewhere": (
        'whl/cu126"\nexplicit', 'whl/cu118"\nexplicit', "tool.uv", "index",
    ),
    "index no longer explicit": ("explicit = true", "explicit = false", "tool.uv", "index"),
    "other bound": ("torch>=2.6,<2.15", "torch>=2.6,<2.16", "tool.uv", "constraint-dependencies"),
    "no bound": ('    "torch>=2.6,<2.15', '    # "torch', "tool.uv", "constraint-dependencies"),
}  # fmt: skip


@pytest.mark.parametrize(("old", "new", "table", "key"), EDITS.values(), ids=EDITS)
def test_edit_is_found_with_its_line(old: str, new: str, table: str, key: str) -> None:
    edited = TEXT.replace(old, new, 1)
    assert edited != TEXT
    (difference,) = check(read(edited))
    assert (difference.table, difference.key) == (table, key)
    line = edited.split("\n")[difference.line - 1]
    assert key in line or new.strip()[:10] in line
    assert key in difference.message


def test_what_was_taken_out_and_is_back_is_found() -> None:
    text = (ROOT / "unsafe-strategy" / "after.toml").read_text()
    edited = text.replace("[tool.uv]\n", '[tool.uv]\nindex-strategy = "unsafe-best-match"\n', 1)
    (difference,) = check(read(edited))
    assert (difference.expected, difference.found) == (None, '"unsafe-best-match"')
    assert edited.split("\n")[difference.line - 1].startswith("index-strategy")


def test_line_in_a_script_is_that_of_the_script() -> None:
    text = (ROOT / "script" / "after.py").read_text()
    edited = text.replace('# torch = { index = "pytorch-cu126"', '# torch = { index = "x"', 1)
    (difference,) = check(read(edited, "script.py"))
    assert edited.split("\n")[difference.line - 1].startswith("# torch = ")


def test_other_edits_are_no_difference() -> None:
    assert check(read(TEXT.replace('name = "migrate-backend"', 'name = "other"'))) == ()
    assert check(read(TEXT + "\n[tool.x]\na = 1\n")) == ()


def test_without_record() -> None:
    with pytest.raises(AccelselError) as raised:
        check(read('[project]\nname = "a"\n'))
    assert (raised.value.code, raised.value.kind) == (3, "no-record")


def test_check_leaves_heavy_modules_alone() -> None:
    code = (
        "import sys; from accelsel.project.read import read;"
        "from accelsel.project.check import check;"
        f"check(read(open({str(ROOT / 'ordinary' / 'after.toml')!r}).read()));"
        "print([m for m in ('tomlkit', 'packaging', 'pydantic', 'difflib', 'hashlib', 'urllib')"
        " if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
