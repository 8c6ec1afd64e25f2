"""Every cure that is a command of uv is one that the real uv understands."""

import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest
from tests.kit.environments import Case, cases, examined

UV = str(Path(sys.executable).with_name("uv"))
REFUSED = ("unexpected argument", "invalid value", "unrecognized", "required arguments",
           "Failed to parse")  # fmt: skip
ADDED = {"install": ["--dry-run"], "uninstall": ["--dry-run"], "sync": ["--dry-run"]}


@pytest.fixture(scope="module")
def commands() -> list[str]:
    """The commands of uv in the cures of all described environments, one of each form."""
    found: dict[str, None] = {}
    for case in (case for case in cases() if not case.near):
        said = case.data.get("error") or case.data.get("said")
        for error in dict.fromkeys((None, said)):
            data = {**case.data, "error": error}
            report = examined(Case(name=case.name, data=data))
            for finding in report.findings:
                for part in re.split(r" && |; ", finding.fix or ""):
                    found[re.sub(r"^[A-Z_]+=\S+ ", "", part)] = None
    of_uv = [each for each in found if each.startswith("uv ")]
    assert len(of_uv) > 40
    # One of each form: by its options, whose values are names that uv does not judge offline.
    forms = {tuple(re.findall(r"^uv \w+ \w*|--[\w-]+", each)): each for each in of_uv}
    return list(forms.values())


def test_uv_understands_them(commands: list[str], tmp_path: Path) -> None:
    subprocess.run([UV, "venv", "-q", tmp_path / ".venv"], check=True)
    env = {
        **os.environ,
        "VIRTUAL_ENV": str(tmp_path / ".venv"),
        "UV_CACHE_DIR": str(tmp_path / "cache"),
    }
    for command in commands:
        words = shlex.split(command)[1:]
        verb = words[1] if words[0] == "pip" else words[0]
        done = subprocess.run(
            [UV, *words, "--offline", *ADDED.get(verb, [])], cwd=tmp_path, env=env,
            capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert not any(word in done.stderr for word in REFUSED), (command, done.stderr)
