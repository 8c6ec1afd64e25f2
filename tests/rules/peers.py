"""Other tools on the same cases: what each, really run, would install of what the replay holds.

uv's own binary resolves with `--torch-backend`; light-the-torch's pip runs as it is; torchruntime
and comfy-cli give the pip commands that they would run, and uv resolves those as pip would. All of
them reach the replay under the name of PyTorch's host, and nothing else. `make cases` installs them
in `.venv-peers`; without it uv of the development environment runs alone.

What a host tells them is in `peers_facts`. Beyond it, uv is told of AMD by UV_AMD_GPU_ARCHITECTURE
on Linux alone, where it would find rocm_agent_enumerator; an architecture that it refuses there is
one that it overlooks on a host, so it gets `cpu`, as does a host without a GPU. For Intel it has no
variable: an Intel GPU is told as `xpu`, which is what it makes of any Intel display device. To
comfy-cli the user names the vendor.
"""

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import asdict, dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import Self

from tests.kit.replay import Replay
from tests.kit.replay_catalog import DEFAULT
from tests.kit.tunnel import HOST, Tunnel
from tests.rules.cases import Answer, Case
from tests.rules.peers_facts import Facts, facts

ROOT = Path(__file__).parents[2]
VENV = ROOT / ".venv-peers"
RUN = Path(__file__).with_name("peers_run.py")
NOTHING = Answer(backend=None, torch=None)
ANSWERED = re.compile(r"^torch==(\S+)\s+# from (\S+)$", re.MULTILINE)
TOOLS = ("uv", "light-the-torch", "torchruntime", "comfy-cli")
UNKNOWN_GFX = "Unknown AMD GPU architecture"

# what light-the-torch does not look at
_UNSEEN = {"vendor": None, "module": None, "cuda": None, "gfx": None, "devices": ()}

_SMI = """#!/bin/sh
[ -n "$SMI_DRIVER" ] || exit 9
case "$*" in
*driver_version*) printf 'driver_version\\n%s\\n' "$SMI_DRIVER" ;;
*) printf '| Driver Version: %s   CUDA Version: %s |\\n' "$SMI_DRIVER" "$SMI_CUDA" ;;
esac
"""
_RECORDER = '#!/bin/sh\necho "$@" >> "$(dirname "$0")/record"\n'


def names() -> tuple[str, ...]:
    """The tools that can be run here, each with the version that is run."""
    found = [_words([_uv(), "--version"]).rpartition(" (")[0]]
    if (VENV / ".ready").exists():
        listed = json.loads(_words([_uv(), "pip", "list", "--format", "json", "-p", str(VENV)]))
        versions = {row["name"]: row["version"] for row in listed}
        found += [f"{name} {versions[name]}" for name in TOOLS[1:]]
    return tuple(found)


def answers(cases: Sequence[Case]) -> Mapping[str, Mapping[str, tuple[Answer, Answer]]]:
    """By tool and case id: the answers without and with the case's bound on torch."""
    with Runner() as runner:
        return {name: _answers(runner, name, cases) for name in names()}


def _answers(
    runner: "Runner", name: str, cases: Sequence[Case]
) -> Mapping[str, tuple[Answer, Answer]]:
    asked = [(facts(case), bound) for case in cases for bound in ("", case.request.torch)]
    unique = list(dict.fromkeys(asked))
    found = dict(zip(unique, runner.ask(name.partition(" ")[0], unique), strict=True))
    return {
        case.id: (found[facts(case), ""], found[facts(case), case.request.torch]) for case in cases
    }


@cache
def _uv() -> str:
    """The peers' own uv, else that of the development environment."""
    own = VENV / "bin" / "uv"
    return str(own if own.exists() else Path(sys.executable).with_name("uv"))


def _words(command: Sequence[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


@dataclass(slots=True)
class Runner:
    """The replay, the tunnel to it, and an empty folder for what the tools write."""

    replay: Replay = field(default_factory=Replay)
    _stack: ExitStack = field(default_factory=ExitStack)
    _work: Path = Path()
    _env: dict[str, str] = field(default_factory=dict)
    _resolved: dict[tuple[object, ...], Answer] = field(default_factory=dict)

    def __enter__(self) -> Self:
        self._stack.enter_context(self.replay)
        host, port = self.replay.url.removeprefix("http://").split(":")
        tunnel = self._stack.enter_context(Tunnel((host, int(port))))
        self._work = Path(self._stack.enter_context(tempfile.TemporaryDirectory()))
        for name, text in (("bin/nvidia-smi", _SMI), ("recorder", _RECORDER)):
            path = self._work / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8")
            path.chmod(0o755)
        plain = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
        self._env = {
            **plain, **tunnel.environment, "HOME": str(self._work), "DO_NOT_TRACK": "1",
            **self.replay.environment(self._work / "cache"),
        }  # fmt: skip
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def ask(self, tool: str, hosts: Sequence[tuple[Facts, str]]) -> list[Answer]:
        """What a tool would install on each host, with a bound on torch."""
        abouts, bounds = zip(*hosts, strict=True)
        with ThreadPoolExecutor(2) as pool:
            if tool == "uv":
                return list(pool.map(self._uv, abouts, bounds))
            if tool == "light-the-torch":
                seen = [replace(about, **_UNSEEN) for about in abouts]
                unique = list(dict.fromkeys(zip(seen, bounds, strict=True)))
                found = pool.map(self._light_the_torch, *zip(*unique, strict=True))
                by_host = dict(zip(unique, found, strict=True))
                return [by_host[key] for key in zip(seen, bounds, strict=True)]
            return list(pool.map(self._installed, abouts, bounds, self._commands(tool, hosts)))

    def _uv(self, about: Facts, bound: str) -> Answer:
        told, backend = {}, "cpu"
        if about.vendor == "nvidia":
            told, backend = {"UV_CUDA_DRIVER_VERSION": about.module or ""}, "auto"
        elif about.vendor == "amd" and about.gfx and about.system == "Linux":
            told, backend = {"UV_AMD_GPU_ARCHITECTURE": about.gfx}, "auto"
        elif about.vendor == "intel":
            backend = "xpu"
        return self._resolve(about, bound, (f"--torch-backend={backend}",), told)

    def _resolve(
        self, about: Facts, bound: str, options: tuple[str, ...], told: Mapping[str, str]
    ) -> Answer:
        """What uv's resolver ends on, nothing where it finds nothing."""
        key = (about.platform, about.pythons, about.macos, bound, options, *told.items())
        if key not in self._resolved:
            self._resolved[key] = self._compiled(about, bound, options, told)
        return self._resolved[key]

    def _compiled(
        self, about: Facts, bound: str, options: tuple[str, ...], told: Mapping[str, str]
    ) -> Answer:
        if not about.platform:
            return NOTHING
        env = {**self._env, **told, "MACOSX_DEPLOYMENT_TARGET": about.macos}
        if "--index-url" in options:
            del env["UV_DEFAULT_INDEX"]
        for python in about.pythons:
            done = subprocess.run(
                [_uv(), "pip", "compile", "-", "--no-deps", "--no-header", "--no-config",
                 "--emit-index-annotation", "--python-platform", about.platform,
                 "--python-version", python, *options],
                cwd=self._work, env=env, input=f"torch{bound}\n", timeout=120,
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if UNKNOWN_GFX in done.stderr:
                return self._resolve(about, bound, ("--torch-backend=cpu",), {})
            if match := ANSWERED.search(done.stdout):
                return self._answer(about, match[1], match[2])
        return NOTHING

    def _answer(self, about: Facts, version: str, index: str) -> Answer:
        """A version out of an index, by the name of its backend."""
        torch, _, local = version.partition("+")
        plain = HOST not in index
        if about.system == "Darwin":
            return Answer(backend="default", torch=torch)
        if not plain:
            return Answer(backend=local or index.rstrip("/").rpartition("/")[2], torch=torch)
        dists = self.replay.catalog.dists(DEFAULT, "torch")
        held = next(dist.backend for dist in dists if dist.version == torch)
        if isinstance(held, Mapping):
            held = held.get(about.machine if about.system == "Linux" else "", "cpu")
        return Answer(backend=held, torch=torch, default=True)

    def _light_the_torch(self, about: Facts, bound: str) -> Answer:
        if not about.tags:
            return NOTHING
        env = {
            **self._env, "PATH": f"{self._work / 'bin'}:{self._env['PATH']}",
            "SMI_DRIVER": about.driver or "", "PIP_CERT": self._env["SSL_CERT_FILE"],
            "PIP_INDEX_URL": self.replay.default_index, "PIP_CONFIG_FILE": os.devnull,
        }  # fmt: skip
        platforms = [word for tag in about.tags for word in ("--platform", tag)]
        for python in about.pythons:
            with tempfile.TemporaryDirectory(dir=self._work) as folder:
                report = Path(folder, "report.json")
                subprocess.run(
                    [str(VENV / "bin" / "python"), str(RUN), "ltt", about.system, "install",
                     "--dry-run", "--no-deps", "--quiet", "--report", str(report), "--target",
                     folder, "--only-binary=:all:", "--no-cache-dir", *platforms,
                     "--python-version", python, f"torch{bound}"],
                    cwd=folder, env=env, capture_output=True, text=True, check=False, timeout=300,
                )  # fmt: skip
                if report.exists() and (found := json.loads(report.read_text())["install"]):
                    index = found[0]["download_info"]["url"].rpartition("/")[0]
                    return self._answer(about, found[0]["metadata"]["version"], index)
        return NOTHING

    def _commands(
        self, tool: str, hosts: Iterable[tuple[Facts, str]]
    ) -> Sequence[list[list[str]] | str]:
        """The pip commands of torchruntime or comfy-cli for each host, or why it refuses."""
        told = [asdict(about) | {"bound": bound} for about, bound in hosts]
        env = self._env | {"PATH": f"{self._work / 'bin'}:{self._env['PATH']}"}
        done = subprocess.run(
            [str(VENV / "bin" / "python"), str(RUN), "commands", str(self._work)],
            input=json.dumps(told), cwd=self._work, env=env, text=True, check=True,
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=300,
        )  # fmt: skip
        return [row[tool] for row in json.loads(done.stdout)]

    def _installed(self, about: Facts, bound: str, commands: list[list[str]] | str) -> Answer:
        """What pip ends on with the commands of a tool."""
        if isinstance(commands, str):
            return NOTHING
        if any("torch-directml" in command for command in commands):
            return Answer(backend="directml", torch=None)
        for command in commands:
            if any(re.match(r"torch(?![-\w])", word) for word in command):
                at = next(
                    (place for place, word in enumerate(command) if word.startswith("--")),
                    len(command),
                )
                options = [
                    "--prerelease=allow" if word == "--pre" else word
                    for word in command[at:]
                    if not re.match(r"torch(?![-\w])", word)
                ]
                best = ("--index-strategy", "unsafe-best-match")
                return self._resolve(about, bound, (*options, *best), {})
        return NOTHING
