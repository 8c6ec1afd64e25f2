"""The before/after pairs of fixtures/projects, read.

`python -m tests.project.cases NAME...` writes `after.*` anew from the code as it is; what it wrote
is then read by a person before it is committed.
"""

import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from accelsel.model.plan import PinOptions
from accelsel.model.selection import LeftOut, Package, RulesVersion, Selection, Torch
from accelsel.model.table import Index
from accelsel.project.plan import plan
from accelsel.project.read import read
from accelsel.project.render import render

ROOT = Path(__file__).parents[2] / "fixtures" / "projects"
LINUX = "linux-x86_64"


@dataclass(frozen=True, kw_only=True)
class Case:
    name: str
    before: str
    after: str
    path: str
    selections: tuple[Selection, ...]
    options: PinOptions


def selection(facts: Mapping[str, Any]) -> Selection:
    """A selection from its essentials; what is not given is as for a Pascal card on Linux."""
    backend = facts.get("backend", "cu126")
    platforms = tuple(facts.get("platforms", ("linux-x86_64", "windows-amd64")))
    channel = facts.get("channel", "stable")
    return Selection(
        outcome="selected",
        backend=backend,
        channel=channel,
        torch=Torch(
            version=facts.get("torch", "2.14.1"),
            specifier=facts.get("specifier", ">=2.6,<2.15"),
            extras=tuple(facts.get("extras", ())),
        ),
        python=facts.get("python", "3.12"),
        platform=facts.get("platform", platforms[0]),
        index=None if facts.get("index", True) is None else _index(facts, backend),
        packages=tuple(_package(package) for package in facts.get("packages", ())),
        environment={},
        serves=(0,),
        leaves_out=(),
        confidence="read",
        reasons=(),
        rejected=(),
        warnings=(),
        rules=RulesVersion(version="2026.11.20", checked="2026-11-20"),
        platforms=platforms,
        indexes=tuple(Index(**index) for index in facts.get("indexes", ())),
        excludes=tuple(facts.get("excludes", ())),
        rows=tuple(facts.get("rows", ())),
        since=facts.get("since"),
        left_out=tuple(
            LeftOut(**{**one, "packages": tuple(one["packages"])})
            for one in facts.get("left_out", ())
        ),
    )


def _package(facts: Mapping[str, Any]) -> Package:
    given: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()}
    rest: dict[str, Any] = {"specifier": "", "index": None, "kind": "companion"}
    return Package(**{"why": "it goes with torch", **rest, **given})


def _index(facts: Mapping[str, Any], backend: str) -> Index:
    return Index(
        **facts.get(
            "index",
            {"name": f"pytorch-{backend}", "url": f"https://download.pytorch.org/whl/{backend}"},
        )
    )


def options(facts: Mapping[str, Any]) -> PinOptions:
    pairs = tuple((a, b) for a, b in facts.get("mirrors", ()))
    rest: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in facts.items()}
    return PinOptions(**{**rest, "mirrors": pairs})


def load(folder: Path) -> Case:
    suffix = ".py" if (folder / "before.py").exists() else ".toml"
    facts = json.loads((folder / "args.json").read_text())
    after = folder / f"after{suffix}"
    return Case(
        name=folder.name,
        before=(folder / f"before{suffix}").read_bytes().decode(),
        after=after.read_bytes().decode() if after.exists() else "",
        path="script.py" if suffix == ".py" else "pyproject.toml",
        selections=tuple(selection(s) for s in facts.get("selections", [{}])),
        options=options(facts.get("options", {})),
    )


def load_all() -> list[Case]:
    return [load(folder) for folder in sorted(ROOT.iterdir()) if (folder / "args.json").exists()]


def pinned(case: Case) -> str:
    return render(case.before, plan(read(case.before, case.path), case.selections, case.options))


if __name__ == "__main__":
    for name in sys.argv[1:] or [case.name for case in load_all()]:
        found = load(ROOT / name)
        suffix = ".py" if found.path.endswith(".py") else ".toml"
        (ROOT / name / f"after{suffix}").write_bytes(pinned(found).encode())
