"""The terminal example of the README, made by running the commands it shows.

`python -m tests.kit.readme` writes it; a test compares.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BEGIN, END = "<!-- example: begin -->\n", "<!-- example: end -->\n"
HOST = ROOT / "fixtures" / "hosts" / "rtx-3060-gtx-1050-580"
PROJECT = """\
[project]
name = "demo"
version = "0.1.0"
requires-python = ">=3.11"
dependencies = ["torch>=2.6", "torchvision"]
"""


def example() -> str:
    """The commands with what they print, as a fenced block."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "pyproject.toml").write_text(PROJECT, encoding="utf-8")
        profile = str(HOST / "profile.json")
        shown = [
            _run(folder, ["detect"], ["--replay", str(HOST)]),
            _run(folder, ["why"], ["--profile", profile]),
            _run(folder, ["why", "cu130"], ["--profile", profile]),
            _run(folder, ["pin"], ["--profile", profile], until="[tool.accelsel.pin]"),
        ]
    return "```console\n" + "\n".join(shown) + "```\n"


def _run(folder: Path, words: list[str], hidden: list[str], until: str | None = None) -> str:
    """One command as typed on the host itself; `hidden` makes another machine that host."""
    done = subprocess.run(
        [sys.executable, "-m", "accelsel", *words, *hidden],
        cwd=folder,
        capture_output=True,
        text=True,
        check=True,
    )
    lines = done.stdout.splitlines()
    if until:
        end = next(number for number, line in enumerate(lines) if line.endswith(until))
        lines = [*lines[: end + 1], "+..."]
    return "\n".join([f"$ accelsel {' '.join(words)}", *lines]) + "\n"


def spliced(text: str) -> str:
    """The README's text with the example as it is now."""
    head, _, rest = text.partition(BEGIN)
    _, _, tail = rest.partition(END)
    return f"{head}{BEGIN}{example()}{END}{tail}"


if __name__ == "__main__":
    path = ROOT / "README.md"
    path.write_text(spliced(path.read_text(encoding="utf-8")), encoding="utf-8")
