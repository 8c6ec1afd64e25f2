"""The cures that `accelsel doctor --fix` runs itself."""

import json
import os
import sys
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING

from accelsel.cli.present import Output
from accelsel.model.errors import UV, AccelselError
from accelsel.model.finding import Report

if TYPE_CHECKING:
    from accelsel.model.profile import Profile

# uv on what accelsel wrote. A new pin is the user's to ask for, since it would be this host's.
OWN_FIXES = ("uv sync", "uv lock", "accelsel uv sync")


def commands(report: Report) -> frozenset[str]:
    """Those of the report's fixes that cure what accelsel itself wrote."""
    own = (each.fix or "" for each in report.findings if each.own)
    return frozenset(fix for fix in own if fix.startswith(OWN_FIXES))


def cure(output: Output, wanted: Collection[str], profile: "Profile", folder: Path) -> None:
    """Run commands in `folder` for the host that was examined, their output passed through: what
    locks first, since an environment is made from the lock.

    Raises AccelselError (6) where one fails.
    """
    from tempfile import TemporaryDirectory

    from accelsel.ports.documents import document

    with TemporaryDirectory(prefix="accelsel-") as place:
        path = Path(place) / "profile.json"
        path.write_text(json.dumps(document("profile", profile)), encoding="utf-8")
        environ = {**os.environ, "ACCELSEL_PROFILE": str(path)}
        for command in sorted(wanted, key=lambda text: (not text.startswith("uv lock"), text)):
            output.say(f"running: {command}")
            _run(command, folder, environ)


def _run(command: str, folder: Path, environ: dict[str, str]) -> None:
    import shlex
    import subprocess

    from accelsel.apply.uv import locate

    words = shlex.split(command)
    first = [locate(environ)] if words[0] == "uv" else [sys.executable, "-m", words[0]]
    done = subprocess.run(
        [*first, *words[1:]], cwd=folder, env=environ, stdout=sys.stderr, check=False
    )
    if done.returncode:
        raise AccelselError(
            UV, "fix-failed", f"`{command}` gave {done.returncode}", where=str(folder),
            help="its own words stand above",
        )  # fmt: skip
