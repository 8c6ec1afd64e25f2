"""What is read of a project, and what is refused."""

import pytest
from tests.project.cases import ROOT

from accelsel.model.errors import AccelselError
from accelsel.project.read import read

PROJECT = """\
[project]
name = "demo"
requires-python = ">=3.11"
dynamic = ["version"]
dependencies = ["torch>=2.5,<3", "Torch_Vision==0.20.1+cu124", "numpy"]

[project.optional-dependencies]
gpu = ["torch>=2.6"]

[dependency-groups]
dev = [{ include-group = "lint" }, "torchaudio"]
lint = ["ruff"]

[tool.uv]
constraint-dependencies = ["torch!=2.7.0"]
environments = "sys_platform == 'linux'"
conflicts = [[{ extra = "gpu" }, { group = "dev" }]]

[tool.uv.sources]
Torch_Vision = { index = "a" }
numpy = [{ git = "x" }, { path = "y" }]

[[tool.uv.index]]
name = "a"
url = "https://download.pytorch.org/whl/cu124"

[tool.accelsel]
backend = "cu126"
"""


def test_project() -> None:
    view = read(PROJECT)
    assert (view.name, view.requires_python) == ("demo", ">=3.11")
    assert view.bounds("torch") == ">=2.5,<3,>=2.6,!=2.7.0"
    assert view.bounds("torch-vision") == "==0.20.1"
    assert view.family == ("torch", "torchaudio")
    assert [(r.name, r.place.kind, r.place.name) for r in view.requirements] == [
        ("torch", "dependencies", None),
        ("torch-vision", "dependencies", None),
        ("numpy", "dependencies", None),
        ("torch", "extra", "gpu"),
        ("torchaudio", "group", "dev"),
        ("ruff", "group", "lint"),
        ("torch", "constraint", None),
    ]
    assert view.sources["torch-vision"] == ({"index": "a"},)
    assert view.keys["torch-vision"] == "Torch_Vision"
    assert len(view.sources["numpy"]) == 2
    assert view.environments == ("sys_platform == 'linux'",)
    assert view.settings == {"backend": "cu126"}
    assert view.dynamic == ("version",)
    assert not view.is_virtual
    assert view.record is None


def test_bounds_of_a_requirement_with_a_marker_hold_on_its_platforms() -> None:
    text = (
        "[project]\nname = 'a'\ndependencies = ["
        "\"torch<2.5 ; sys_platform == 'darwin'\", \"torch>=2.6 ; python_version >= '3.12'\"]\n"
    )
    view = read(text)
    assert view.bounds("torch") == ""
    assert view.bounds("torch", "macos-arm64") == "<2.5,>=2.6"
    assert view.bounds("torch", "linux-x86_64") == ">=2.6"


def test_bounds_of_a_url_in_sources() -> None:
    url = "https://download.pytorch.org/whl/cu118/torch-2.2.1%2Bcu118-cp310-cp310-linux_x86_64.whl"
    text = (
        f"[project]\nname = 'a'\ndependencies = ['torch']\n[tool.uv.sources]\ntorch.url = '{url}'"
    )
    assert read(text).bounds("torch") == "==2.2.1"


def test_bounds_of_an_extra_with_its_own_source_bind_that_extra_alone() -> None:
    text = (ROOT / "groups-declared" / "before.toml").read_text()
    view = read(text)
    assert view.bounds("torch") == ">=2.4"
    assert view.bounds("torch", variant="oldest") == ">=2.4,==2.5.1"


def test_workspace_of_a_virtual_root() -> None:
    view = read("[tool.uv.workspace]\nmembers = ['packages/*']\n")
    assert view.members == ("packages/*",)
    assert view.is_virtual


def test_script() -> None:
    text = "import os\n# /// script\n# dependencies = ['torch>=2.6']\n# ///\n"
    view = read(text, "tool.py")
    assert view.is_script
    assert view.bounds("torch") == ">=2.6"


TOML, NONE, BAD = "invalid-toml", "not-a-project", "bad-record"
FILE = "pyproject.toml"
PIN = "[project]\nname = 'a'\n[tool.accelsel.pin]\n"
REFUSED = {
    "broken": ('[project]\nname = "a\n', FILE, TOML, f"{FILE}:2"),
    "broken at the end": ("[project]\nname =", FILE, TOML, f"{FILE}:2"),
    "key twice": ("[project]\na = 1\na = 2\n", FILE, TOML, f"{FILE}:3"),
    "no project": ("[tool.ruff]\n", "a/pyproject.toml", NONE, "a/pyproject.toml"),
    "script without block": ("import os\n", "x.py", NONE, "x.py"),
    "script with two blocks": ("# /// script\n#\n# ///\n\n" * 2, "x.py", NONE, "x.py"),
    "broken script": ("#!python\n# /// script\n# a = 1\n# a = \n# ///\n", "x.py", TOML, "x.py:4"),
    "a string for an array": ("[project]\ndependencies = 'torch'\n", FILE, "invalid-project", FILE),
    "record alone": ("[tool.accelsel.pin]\nformat = 1\n", FILE, NONE, FILE),
    "record of a later format": (f"{PIN}format = 2\n", FILE, BAD, FILE),
    "record of a wrong type": (
        "[project]\nname = 'a'\n[tool.accelsel]\npin = 1\n",
        FILE,
        BAD,
        FILE,
    ),
    "record of a format that is none": (f"{PIN}format = '1'\n", FILE, BAD, FILE),
    "record edited": (f"{PIN}format = 1\nwritten = [1]\n", FILE, BAD, FILE),
    "nested too deeply": ("x = " + "[" * 5000 + "]" * 5000, FILE, TOML, FILE),
}


@pytest.mark.parametrize(("text", "path", "kind", "where"), REFUSED.values(), ids=REFUSED)
def test_refused(text: str, path: str, kind: str, where: str) -> None:
    with pytest.raises(AccelselError) as raised:
        read(text, path)
    assert (raised.value.code, raised.value.kind, raised.value.where) == (2, kind, where)
    assert "\n" not in raised.value.message
    assert "has format 1" not in raised.value.message


ODDITIES = {
    "numbers as names": "[project]\nname = 1\ndependencies = [1, 'torch']\n",
    "tables in wrong places": "[project]\nname = 'a'\n[tool]\nuv = 1\n",
    "sources of a wrong type": (
        "[project]\nname = 'a'\n"
        "[tool.uv]\nsources = []\nindex = 1\nenvironments = 2\nconflicts = 3\n"
    ),
    "not a requirement": "[project]\nname = 'a'\ndependencies = ['!!', 'torch']\n",
}


@pytest.mark.parametrize("text", ODDITIES.values(), ids=ODDITIES)
def test_what_uv_refuses_is_left_to_uv(text: str) -> None:
    assert read(text).path == "pyproject.toml"
