"""The README shows what the commands print and promises none that is not there."""

import re
import subprocess
import sys

from tests.kit.readme import ROOT, spliced

README = ROOT / "README.md"


def test_the_example_is_what_the_commands_print() -> None:
    text = README.read_text(encoding="utf-8")
    assert spliced(text) == text, "run: python -m tests.kit.readme"


def test_every_command_named_exists() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "accelsel", "--help"], capture_output=True, text=True, check=True
    )
    known = set(re.findall(r"^  ([a-z]+)  ", done.stdout, re.MULTILINE)) | {"uv"}
    named = set(re.findall(r"`accelsel ([a-z]+)", README.read_text(encoding="utf-8")))
    assert named - known == set()
