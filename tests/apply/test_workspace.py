"""The workspace is the one that uv finds."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from accelsel.apply.workspace import root_of, workspace_of

UV = str(Path(sys.executable).with_name("uv"))
ALL = 'members = ["packages/*"]'
BUT_B = ALL + '\nexclude = ["packages/b"]'
TWO = {"packages/a": "", "packages/b": ""}
# the workspace tables by folder, where to start, the root's folder, the other members
LAYOUTS = {
    "alone": ({".": "", "other": ""}, "other", "other", ()),
    "member": ({".": ALL, **TWO}, "packages/a", ".", tuple(TWO)),
    "root": ({".": ALL, "packages/a": ""}, ".", ".", ("packages/a",)),
    "not-listed": ({".": ALL, "tools/x": ""}, "tools/x", "tools/x", ()),
    "excluded": ({".": BUT_B, **TWO}, "packages/b", "packages/b", ()),
    "excluded-is-no-member": ({".": BUT_B, **TWO}, "packages/a", ".", ("packages/a",)),
    "deep": (
        {".": 'members = ["libs/**/pkg"]', "libs/x/pkg": ""},
        "libs/x/pkg",
        ".",
        ("libs/x/pkg",),
    ),
    "named-twice": ({".": 'members = ["a", "a*"]', "a": ""}, "a", ".", ("a",)),
    "without-members": ({".": "members = []"}, ".", ".", ()),
}


def write(root: Path, layout: Mapping[str, str]) -> None:
    for number, (folder, workspace) in enumerate(layout.items()):
        path = root / folder
        path.mkdir(parents=True, exist_ok=True)
        table = f"[tool.uv.workspace]\n{workspace}\n" if workspace else ""
        head = f'[project]\nname = "p{number}"\nversion = "0"\nrequires-python = ">=3.11"\n'
        (path / "pyproject.toml").write_text(f"{head}[tool.uv]\npackage = false\n{table}")


@pytest.mark.parametrize(
    ("layout", "start", "root", "members"),
    [pytest.param(*case, id=name) for name, case in LAYOUTS.items()],
)
def test_as_uv(
    tmp_path: Path,
    uv_env: Mapping[str, str],
    layout: Mapping[str, str],
    start: str,
    root: str,
    members: tuple[str, ...],
) -> None:
    write(tmp_path, layout)
    project = tmp_path / start / "pyproject.toml"
    found = workspace_of(project)
    paths = found.members if found else ()
    assert [str(p.parent.relative_to(tmp_path)) for p in paths] == list(members)
    assert root_of(project) == (tmp_path / root).resolve()

    command = [UV, "lock", "--project", str(project.parent)]
    subprocess.run(command, env=dict(uv_env), check=True, capture_output=True)
    locks = {path.parent for path in tmp_path.rglob("uv.lock")}
    assert locks == {root_of(project)}
    names = (root_of(project) / "uv.lock").read_text().count('source = { virtual = "')
    assert names == len(members) + 1


def test_a_script_stands_alone(tmp_path: Path) -> None:
    write(tmp_path, {".": 'members = ["*"]'})
    assert workspace_of(tmp_path / "run.py") is None


def test_a_broken_file_above_is_not_in_the_way(tmp_path: Path) -> None:
    write(tmp_path, {"p": ""})
    (tmp_path / "pyproject.toml").write_text("[tool")
    assert workspace_of(tmp_path / "p" / "pyproject.toml") is None
