"""Checks of the torch build itself: can it run here, and is it the one that was meant."""

from collections.abc import Iterator

from accelsel.knowledge.tables import Tables
from accelsel.model.finding import Finding
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.rules.against import Against, against
from accelsel.rules.doctor_subject import (
    Check,
    Subject,
    TorchBuild,
    finding,
    gpu_name,
    release_of,
    worded,
)
from accelsel.rules.host import OVERRIDE, platform_of
from accelsel.rules.versions import python_key, release

PLACE_RULES = ("libc-floor", "macos-floor")


def judge(
    profile: Profile, tables: Tables, request: Request, torch: TorchBuild | None
) -> tuple[Against, ...]:
    """What the rules of the selection have against the installed build on this host.

    A build is judged as if published, since it is installed; of a release that the table does not
    know only the driver is asked for.
    """
    backend = tables.backends.get(torch.backend or "") if torch else None
    if torch is None or backend is None:
        return ()
    platform = platform_of(profile)
    rows = [b for b in tables.builds if b.backend == backend.name and b.platform == platform]
    exact = [b for b in rows if b.torch == torch.release]
    if not rows:
        return ()
    found = against(profile, tables, request, (exact or rows)[-1])
    if torch.vendor or not exact:
        return tuple(each for each in found if each.rule == "driver-floor")
    return found


def _against(subject: Subject, rules: tuple[str, ...]) -> Iterator[Against]:
    yield from (each for each in subject.judged if each.rule in rules)


def driver(subject: Subject) -> Iterator[Finding]:
    """The driver is older than the CUDA major of the installed build needs."""
    torch = subject.torch
    if torch is None:
        return
    unserved = {each.gpu for each in _against(subject, ("arch-kernels",))}
    gpus = {g.index for g in subject.profile.gpus if g.vendor == "nvidia" and g.usable}
    if gpus and gpus <= unserved:
        return  # said by `gpu-not-served`: no driver helps
    for each in _against(subject, ("driver-floor",)):
        inside = subject.profile.os.container is not None
        best = subject.best
        fits = best.outcome == "selected" and best.backend != "cpu"
        command = driver_command(subject)
        ways = [f"{each.finding.change}{' on the host of the container' if inside else ''}"]
        if fits and command:
            ways.append(f"the build that this driver runs: {subject.renew()}")
        yield finding(
            "driver-too-old",
            "error",
            f"the driver is too old for torch {torch.full}: {each.message}",
            "NVIDIA driver",
            command or (subject.renew() if fits else VISIT),
            hint=", or ".join(ways),
            cause="host",
        )


def driver_command(subject: Subject) -> str | None:
    """How this system gets a newer NVIDIA driver; None where the host is out of reach."""
    if subject.profile.os.container is not None and not subject.profile.os.wsl:
        return None
    if subject.profile.os.wsl:
        return f"explorer.exe {DRIVER_PAGE}"
    if subject.profile.os.system == "windows":
        return f"start {DRIVER_PAGE}"
    return DRIVER_COMMANDS.get(subject.files.distribution or "")


DRIVER_PAGE = "https://www.nvidia.com/drivers"
VISIT = f"xdg-open {DRIVER_PAGE}"
DRIVER_COMMANDS = {
    "ubuntu": "sudo ubuntu-drivers install",
    "debian": "sudo apt-get install nvidia-driver",
    "fedora": "sudo dnf upgrade akmod-nvidia",
    "rhel": "sudo dnf upgrade nvidia-driver",
    "rocky": "sudo dnf upgrade nvidia-driver",
    "almalinux": "sudo dnf upgrade nvidia-driver",
    "arch": "sudo pacman -Syu nvidia-utils",
    "opensuse-tumbleweed": "sudo zypper update",
    "opensuse-leap": "sudo zypper update",
}


def kernels(subject: Subject) -> Iterator[Finding]:
    """The installed build has no working kernels for a GPU that another build serves."""
    torch, environment, best = subject.torch, subject.environment, subject.best
    if torch is None or environment is None or needs_jetson_wheel(subject):
        return
    told: dict[str, str] = {}
    for each in _against(subject, ("arch-kernels", "broken-combination", "jetpack")):
        if OVERRIDE in each.message:
            continue  # said by `arch-override`: the build is right without it
        served = each.gpu is None or each.gpu in best.serves or not best.serves
        told.setdefault(each.message, "error" if served else "note")
    for message, severity in told.items():
        yield finding(
            "gpu-not-served",
            "error" if severity == "error" else "note",
            f"torch {torch.full}: {message}"
            + ("" if severity == "error" else "; no build serves it beside the others"),
            environment.root,
            subject.renew() if severity == "error" else "accelsel why",
            cause="torch",
        )


def needs_jetson_wheel(subject: Subject) -> bool:
    """A Jetson with JetPack 5 or 6 runs only wheels made for it, and this is a server's."""
    board, torch = subject.profile.os.jetson, subject.torch
    return (
        board is not None
        and board.jetpack in ("5", "6")
        and torch is not None
        and not torch.vendor
        and torch.backend not in (None, "cpu")
        and not torch.backend.startswith("jetson")
    )


def wheel(subject: Subject) -> Iterator[Finding]:
    """There are no wheels of the torch that is asked for, and not there, for this Python."""
    environment = subject.environment
    if environment is None or subject.torch is not None:
        return
    if environment.python and _asks_torch(subject):
        offered = _pythons(subject)
        tag = ".".join(environment.python.split(".")[:2]) + "t" * bool(environment.free_threaded)
        if offered and tag not in offered:
            yield finding(
                "python-without-wheels",
                "error",
                f"no established torch has a wheel for Python {tag} on this platform",
                environment.root,
                _python_command(subject, environment.root),
                cause="python",
            )


def place(subject: Subject) -> Iterator[Finding]:
    """The installed wheel is made for a newer system than this one."""
    if subject.environment is None or subject.torch is None:
        return
    for each in _against(subject, PLACE_RULES):
        yield finding(
            "system-too-old",
            "error",
            f"torch {subject.torch.full}: {each.message}",
            subject.environment.root,
            subject.renew(),
            cause="host",
        )


def _asks_torch(subject: Subject) -> bool:
    return subject.pinned or bool(subject.lock and subject.lock.named("torch"))


def _pythons(subject: Subject) -> set[str]:
    platform = platform_of(subject.profile)
    rows = (b for b in subject.tables.builds if b.platform == platform and b.published)
    return {python for row in rows for python in row.pythons}


def _python_command(subject: Subject, root: str) -> str:
    """The environment made anew with the newest Python of the newest torch."""
    platform = platform_of(subject.profile)
    rows = [b for b in subject.tables.builds if b.platform == platform and b.published]
    newest_torch = max(release(row.torch) for row in rows)
    tags = {p for row in rows if release(row.torch) == newest_torch for p in row.pythons}
    newest = max((tag for tag in tags if not tag.endswith("t")), key=python_key)
    if subject.project is not None and subject.own:
        return f"{subject.sync} --python {newest}"
    return f"uv venv --python {newest} --clear {worded(root)}"


def cpu_build(subject: Subject) -> Iterator[Finding]:
    """A CPU build stands on a host whose GPU a build would serve."""
    torch, environment, best = subject.torch, subject.environment, subject.best
    if torch is None or environment is None or torch.backend != "cpu":
        return
    meant = subject.backends == ("cpu",)
    if best.outcome != "selected" or best.backend in (None, "cpu", "default") or meant:
        return
    gpus = [gpu_name(gpu) for gpu in subject.profile.gpus if gpu.index in best.serves]
    if not gpus:
        return  # chosen by what an image says of itself: no GPU can be seen
    backend = subject.nearest.backend
    yield finding(
        "cpu-build",
        "error",
        f"torch {torch.full} is a CPU build; {backend} would use {' and '.join(gpus)}",
        environment.root,
        subject.renew(),
        cause="torch",
        own=subject.pinned,
    )


def other_build(subject: Subject) -> Iterator[Finding]:
    """The environment holds another build than the one that is recorded in the project."""
    torch, environment = subject.torch, subject.environment
    pinned = subject.backends_here
    if torch is None or environment is None or not pinned or torch.backend is None:
        return
    if torch.backend in pinned or torch.backend == "cpu":
        return  # a CPU build is said as `cpu-build` where there is a GPU for another
    default = "+" not in environment_version(subject)
    whose = "the default index's build" if default else "a build"
    yield finding(
        "other-build",
        "error",
        f"torch {torch.full} is {whose} for {torch.backend}; the project pins "
        f"{' and '.join(pinned)}",
        environment.root,
        subject.renew(),
        cause="torch",
        hint="`uv run` and `uv sync` keep the pinned build; `uv pip install` may replace it",
        own=True,
    )


def environment_version(subject: Subject) -> str:
    package = subject.environment.get("torch") if subject.environment else None
    return package.version if package else ""


def unknown_build(subject: Subject) -> Iterator[Finding]:
    """The installed build is not in the table: it was not judged."""
    torch, environment = subject.torch, subject.environment
    if torch is None or environment is None:
        return
    known = any(
        b.torch == torch.release and b.backend == torch.backend for b in subject.tables.builds
    )
    if known and not torch.vendor:
        return
    kind = "somebody's own build" if torch.vendor else "not in the rules table"
    yield finding(
        "unknown-build",
        "note",
        f"torch {torch.full} is {kind}; whether it runs here was not checked",
        environment.root,
        None if torch.vendor else "accelsel rules refresh",
        hint="leave a vendor image's torch alone: pip and uv replace it without asking"
        if torch.vendor
        else None,
        cause="torch",
    )


def duplicate(subject: Subject) -> Iterator[Finding]:
    """One distribution is installed twice, as an interrupted install leaves it."""
    environment = subject.environment
    if environment is None:
        return
    versions: dict[str, list[str]] = {}
    for package in environment.packages:
        versions.setdefault(package.name, []).append(package.version)
    for name, found in versions.items():
        if len(set(found)) > 1 and (name.startswith(("torch", "triton", "nvidia-"))):
            yield finding(
                "installed-twice",
                "error",
                f"{name} is installed in versions {' and '.join(found)} at once",
                environment.root,
                subject.install(f"{name}=={release_of(found[-1])}", reinstall=True),
                cause="project",
            )


TORCH_CHECKS = (
    Check(id="driver-too-old", title="The driver is too old for the installed build", run=driver),
    Check(id="gpu-not-served", title="The build has no kernels for a GPU", run=kernels),
    Check(id="python-without-wheels", title="No wheels for this Python", run=wheel),
    Check(id="system-too-old", title="A wheel for a newer system", run=place),
    Check(id="cpu-build", title="A CPU build on a GPU host", run=cpu_build),
    Check(id="other-build", title="Another build than the pinned one", run=other_build),
    Check(id="unknown-build", title="The build is not in the table", run=unknown_build),
    Check(id="installed-twice", title="One distribution in two versions", run=duplicate),
)
