"""`make run`: this host, why its build, and the example project pinned for another host and locked.

Ends with 1 where the lock does not hold what the described host needs.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.kit.replay import Replay

from accelsel.apply.lock import installed, lock_path, read_lock

ROOT = Path(__file__).parents[2]
HOST = "rtx-3060-gtx-1050-580"
WANTED = ("2.14.1+cu126", "linux-x86_64")
TRITONS = {"triton", "pytorch-triton", "pytorch-triton-rocm", "triton-rocm", "triton-xpu"}


def say(text: str) -> None:
    print(f"\n\033[1m{text}\033[0m" if sys.stdout.isatty() else f"\n{text}", flush=True)


def run(
    words: Sequence[str], env: Mapping[str, str], *, hidden: int = 0, may_fail: bool = False
) -> None:
    """Run a command of this environment and show it without its last `hidden` words."""
    name, *arguments = words
    shown = " ".join([name, *arguments[: len(arguments) - hidden]])
    print(f"\n$ {shown}", flush=True)
    found = shutil.which(name, path=str(Path(sys.executable).parent))
    if found is None:
        raise SystemExit(
            f"error: {name} is not installed beside {sys.executable}; run `make setup`"
        )
    done = subprocess.run([found, *arguments], env=dict(env), cwd=ROOT, check=False)
    if done.returncode and not may_fail:
        raise SystemExit(f"error: `{shown}` ended with {done.returncode}")


def main() -> int:
    """0 when the lock of the example holds the wanted torch and one triton."""
    say("This host")
    run(["accelsel", "detect"], os.environ)
    say("Its build, and why (the CPU build counts where no GPU can be looked for)")
    run(["accelsel", "why", "--fallback", "cpu"], os.environ, may_fail=True)

    say("The example project for a described host: RTX 3060 and GTX 1050, driver 580")
    with tempfile.TemporaryDirectory() as scratch, Replay() as replay:
        project = Path(scratch) / "example"
        shutil.copytree(ROOT / "fixtures" / "projects" / "example", project)
        env = {**os.environ, **replay.environment(Path(scratch) / "cache")}
        env.pop("VIRTUAL_ENV", None)
        profile = f"fixtures/hosts/{HOST}/profile.json"
        mirrors = ["--mirror", replay.mirrors[0]]
        flags = ["--profile", profile, "--write", "--diff"]
        run(["accelsel", "pin", *flags, *mirrors, str(project)], env)
        run(["uv", "lock", "--project", str(project)], env)
        return report(project, replay)


def report(project: Path, replay: Replay) -> int:
    version, platform = WANTED
    packages = installed(read_lock(lock_path(project / "pyproject.toml")), platform, "3.12")
    torch = [one for one in packages if one.name == "torch"]
    tritons = [f"{one.name} {one.version}" for one in packages if one.name in TRITONS]
    for one in torch:
        index = (one.registry or "").removeprefix(replay.url)
        print(f"\nuv.lock, {platform}: torch {one.version} from {index}; {', '.join(tritons)}")
    right = [one.version for one in torch] == [version] and len(tritons) == 1
    print("as it should be" if right else f"error: not torch {version} with one triton", flush=True)
    return 0 if right else 1


if __name__ == "__main__":
    raise SystemExit(main())
