"""`make run` ends well."""

import subprocess
import sys
from pathlib import Path


def test_the_demo_ends_with_the_wanted_lock() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "tests.kit.demo"],
        cwd=Path(__file__).parents[2],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "torch 2.14.1+cu126 from /whl/cu126; triton 3.8.0" in done.stdout
