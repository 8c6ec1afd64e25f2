"""The real command line and the real uv, in a folder of their own."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from tests.kit.replay import Replay

HOSTS = Path(__file__).parents[2] / "fixtures" / "hosts"
ACCELSEL = str(Path(sys.executable).with_name("accelsel"))
# another uv for all of it, such as the oldest that is supported
UV = os.environ.get("ACCELSEL_TEST_UV") or str(Path(sys.executable).with_name("uv"))


# a requires-python that this interpreter satisfies alone
THIS_PYTHON = f"=={sys.version_info.major}.{sys.version_info.minor}.*"
OLD_TORCH = pytest.mark.skipif(
    sys.version_info >= (3, 13), reason="torch 2.5 and older have no wheels for this Python"
)


def interpreter(minor: str) -> str | None:
    """Another Python of this machine, `3.10`: on PATH or one of pyenv's; None where none runs."""
    pyenv = Path(os.environ.get("PYENV_ROOT", Path.home() / ".pyenv")) / "versions"
    found = [shutil.which(f"python{minor}"), *map(str, pyenv.glob(f"{minor}.*/bin/python"))]
    for path in filter(None, found):
        done = subprocess.run([path, "-c", ""], capture_output=True, check=False)
        if done.returncode == 0:
            return path
    return None


PYTHON_310 = interpreter("3.10")


@dataclass(frozen=True, kw_only=True)
class Project:
    """A project in a folder, with the commands run on it."""

    folder: Path
    env: Mapping[str, str]
    mirrors: tuple[str, ...]

    @property
    def mirror(self) -> str:
        """The mirror of PyTorch's indexes."""
        return self.mirrors[0]

    @property
    def file(self) -> Path:
        return self.folder / "pyproject.toml"

    @property
    def lock(self) -> Path:
        return self.folder / "uv.lock"

    def accelsel(
        self, *words: str, code: int = 0, env: Mapping[str, str] | None = None
    ) -> subprocess.CompletedProcess[str]:
        """Run accelsel here; it ends with `code`."""
        return self._run([ACCELSEL, *words], code, env)

    def pin(self, host: str, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        """Pin for a described host, with the replay as mirror."""
        profile = str(HOSTS / host / "profile.json")
        mirrors = [word for mirror in self.mirrors for word in ("--mirror", mirror)]
        return self.accelsel("pin", "--profile", profile, *mirrors, *words, code=code)

    def uv(self, *words: str, code: int = 0) -> subprocess.CompletedProcess[str]:
        return self._run([UV, *words], code, None)

    def locked(self) -> list[dict[str, Any]]:
        packages: list[dict[str, Any]] = tomllib.loads(self.lock.read_text())["package"]
        return packages

    def installed(self) -> dict[str, str]:
        """Version by name of what is in the environment."""
        return {
            match[1]: match[2]
            for path in self.site().glob("*.dist-info")
            if (match := re.match(r"(.+?)-([^-]+)\.dist-info$", path.name))
        }

    def site(self) -> Path:
        [site] = (self.folder / ".venv" / "lib").glob("python3*/site-packages")
        return site

    def owners(self, top: str) -> set[str]:
        """The distributions whose RECORD has a file below `top`."""
        return {
            path.parent.name.partition("-")[0]
            for path in self.site().glob("*.dist-info/RECORD")
            if any(line.startswith(f"{top}/") for line in path.read_text().splitlines())
        }

    def shared(self) -> dict[str, set[str]]:
        """Files that more than one distribution owns, with their owners."""
        owners: dict[str, set[str]] = {}
        for record in self.site().glob("*.dist-info/RECORD"):
            for line in record.read_text().splitlines():
                path = line.partition(",")[0]
                owners.setdefault(path, set()).add(record.parent.name.partition("-")[0])
        return {path: names for path, names in owners.items() if len(names) > 1}

    def taken_from(self, part: str) -> set[str]:
        """Names of the locked packages whose index has `part` in its URL."""
        return {
            package["name"]
            for package in self.locked()
            if part in package["source"].get("registry", "")
        }

    def _run(
        self, words: list[str], code: int, env: Mapping[str, str] | None
    ) -> subprocess.CompletedProcess[str]:
        done = subprocess.run(
            words,
            cwd=self.folder,
            env={**self.env, **(env or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=120,
        )
        said = f"{words} gave {done.returncode}\n{done.stdout}{done.stderr}"
        assert done.returncode == code, said
        return done


@pytest.fixture
def make_project(
    tmp_path: Path, replay: Replay, uv_env: Mapping[str, str]
) -> Callable[[str], Project]:
    """Makes the folder's project from the text of its pyproject.toml."""

    def make(text: str) -> Project:
        folder = tmp_path / "project"
        folder.mkdir()
        # bytes: newlines stay as the test wrote them
        (folder / "pyproject.toml").write_bytes(text.encode())
        path = os.pathsep.join([str(Path(sys.executable).parent), uv_env["PATH"]])
        env = {**uv_env, "PATH": path, "UV": UV}
        return Project(folder=folder, env=env, mirrors=replay.mirrors)

    return make
