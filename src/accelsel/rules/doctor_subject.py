"""What a check is given, and the readings that several checks share."""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Literal

from accelsel.knowledge.tables import Tables
from accelsel.model.companion import CompanionTable, Faults, Symptom
from accelsel.model.finding import Finding, Severity
from accelsel.model.installed import Distribution, Environment, HostFiles, Lock
from accelsel.model.profile import Gpu, Profile, Vendor
from accelsel.model.request import Request
from accelsel.model.selection import Selection
from accelsel.model.table import Build
from accelsel.model.value import dataclass, field, replace
from accelsel.rules.against import Against, against
from accelsel.rules.choice import select
from accelsel.rules.compatibility import VENDORS
from accelsel.rules.host import platform_of
from accelsel.rules.recorded import command

Cause = Literal["torch", "companion", "host", "python", "project"]
FAMILY = ("torchvision", "torchaudio", "torchtext", "torchdata")


@dataclass(frozen=True, kw_only=True)
class TorchBuild:
    """The installed torch: `release` without local part; `backend` None where nothing says it;
    `vendor` True for one that somebody else built (a vendor's image, conda, from source)."""

    release: str
    full: str
    backend: str | None
    vendor: bool = False


@dataclass(frozen=True, kw_only=True)
class Subject:
    """All that is examined. What is not there is None; `record` is `[tool.accelsel.pin]`.

    `best` is the selection for this host and this environment's Python; `judged` is what the rules
    of the selection have against the installed build.
    """

    profile: Profile
    tables: Tables
    best: Selection
    request: Request = field(default_factory=Request)
    environment: Environment | None = None
    lock: Lock | None = None
    project: str | None = None
    record: Mapping[str, Any] | None = None
    workspace: bool = False
    files: HostFiles = field(default_factory=HostFiles)
    torch: TorchBuild | None = None
    judged: tuple[Against, ...] = ()
    companions: CompanionTable | None = None
    requirements: tuple[str, ...] = ()
    error: str | None = None  # a message to be explained
    symptoms: tuple[Symptom, ...] = ()
    faults: Faults = field(default_factory=Faults)
    found: tuple[Finding, ...] = ()  # what the other checks say, for the reading of a message

    @property
    def python_argument(self) -> str:
        """The flag that makes `uv pip` act on this environment."""
        environment = self.environment
        if environment is None or environment.chosen != "--python":
            return ""
        return f" --python {worded(environment.root)}"

    def install(self, *requirements: str, reinstall: bool = False) -> str:
        """The command that puts requirements into this environment."""
        quoted = " ".join(
            f'"{each}"' if re.search(r"[<>=!~ ]", each) else each for each in requirements
        )
        flag = self.reinstalled(requirements) if reinstall else ""
        return f"uv pip install{self.python_argument}{flag}{self.source_argument} {quoted}"

    @staticmethod
    def reinstalled(requirements: Iterable[str]) -> str:
        """The flags without which uv takes `2.14.1+cpu` for a `2.14.1` that is there already."""
        names = (re.split(r"[^A-Za-z0-9._-]", each, maxsplit=1)[0] for each in requirements)
        return "".join(f" --reinstall-package {name}" for name in names if name[:1].isalnum())

    @property
    def source_argument(self) -> str:
        """The flag by which `uv pip` takes the family from the index of the installed build."""
        backend = self.tables.backends.get(self.torch.backend or "") if self.torch else None
        if backend is None or backend.kind == "default" or (self.torch and self.torch.vendor):
            return ""
        if self.torch and ".dev" in self.torch.release and "nightly" in backend.indexes:
            return (
                f" --prerelease allow --index {self.tables.indexes[backend.indexes['nightly']].url}"
            )
        if backend.uv:
            return f" --torch-backend {backend.name}"
        index = self.tables.indexes.get(backend.indexes.get("stable", ""))
        return f" --index {index.url}" if index else ""

    def uninstall(self, *names: str) -> str:
        return f"uv pip uninstall{self.python_argument} {' '.join(names)}"

    @property
    def pinned(self) -> bool:
        return bool(self.record)

    @property
    def own(self) -> bool:
        """Whether the environment is the one that uv keeps for the project."""
        return self.environment is None or self.environment.chosen == ".venv"

    @property
    def sync(self) -> str:
        """The command that gives the project's own environment what its lock holds for this host.
        A plain `uv sync` takes no extra, of the groups the default one, and of a workspace what the
        member that it stands in asks for."""
        rows = (self.record or {}).get("selections") or ()
        apart = any(isinstance(row, dict) and {"extra", "group"} & set(row) for row in rows)
        of = " --all-packages" if self.workspace else self.script_argument
        return f"{'accelsel ' if apart else ''}uv sync{of}"

    @property
    def script_argument(self) -> str:
        """The flag that makes `uv sync` and `uv lock` act on a script; "" for a project."""
        return f" --script {worded(self.script)}" if self.script else ""

    @property
    def script(self) -> str | None:
        """The project, where it is a script with metadata of its own."""
        return self.project if (self.project or "").endswith((".py", ".pyw")) else None

    @property
    def pin(self) -> str:
        """The command that pins the project so that this host is served."""
        if len(self.backends) < 2:
            again = ("backend", "force")
            return command(self.record or {}, without=again, path=self.script)
        wanted = (self.best.backend,) if self.best.backend not in (None, "default") else ()
        return command(self.record or {}, *filter(None, wanted))

    @property
    def backends(self) -> tuple[str, ...]:
        """The backends that the project is pinned for, the first being the default."""
        rows = (self.record or {}).get("selections") or ()
        names = [row.get("backend") for row in rows if isinstance(row, dict)]
        return tuple(name for name in names if isinstance(name, str))

    @property
    def backends_here(self) -> tuple[str, ...]:
        """Those that have builds for this platform; elsewhere the pin leaves the default index."""
        platform = platform_of(self.profile)
        there = {build.backend for build in self.tables.builds if build.platform == platform}
        return tuple(name for name in self.backends if name in there)

    def holds(self) -> bool:
        """Whether one of the pinned backends serves what this host's own choice would serve."""
        rows = (self.record or {}).get("selections") or ()
        held = {(row.get("backend"), row.get("torch")) for row in rows if isinstance(row, dict)}
        gpu = self.best.backend not in (None, "cpu", "default")
        platform = platform_of(self.profile)
        for build in self.tables.builds:
            fits = build.platform == platform and (
                (build.backend, build.torch) in held or (build.backend, None) in held
            )
            if not fits or gpu == (build.backend in ("cpu", "default")):
                continue
            vendor = VENDORS.get(self.tables.backends[build.backend].kind)
            served = {g.vendor for g in self.profile.gpus if g.index in self.best.serves}
            if gpu and vendor not in served:
                continue
            found = against(self.profile, self.tables, self.request, build)
            if all(each.gpu is not None and each.gpu not in self.best.serves for each in found):
                return True
        return False

    @property
    def nearest(self) -> Selection:
        """The build that is right here: of the installed release, which what stands beside it was
        chosen for, where one serves what `best` serves; a project has bounds of its own."""
        known = self.torch and any(row.torch == self.torch.release for row in self.tables.builds)
        if not (self.torch and known) or (self.own and self.project is not None):
            return self.best
        asked = replace(self.request, torch=f"=={self.torch.release}")
        same = select(self.profile, asked, self.tables)
        return same if same.torch and {*same.serves} >= {*self.best.serves} else self.best

    def renew(self) -> str:
        """The command that gives this project or environment the build that is right here."""
        if self.own and self.pinned and (self.best.backend == "default" or self.holds()):
            return self.sync
        if self.own and self.project is not None:
            return f"{self.pin} --sync"
        best = self.nearest
        if best.torch is None or best.backend is None:
            return "accelsel why"
        row = self.tables.backends.get(best.backend)
        extras = f"[{','.join(best.torch.extras)}]" if best.torch.extras else ""
        family = [n for n in FAMILY[:2] if self.environment and self.environment.get(n)]
        if row is not None and row.uv:
            source = f" --torch-backend {best.backend}"
        else:
            source = f" --index {best.index.url}" if best.index else ""
        again = self.reinstalled(["torch", *family])
        wanted = " ".join([f'"torch{extras}=={best.torch.version}"', *family])
        return f"uv pip install{self.python_argument}{again}{source} {wanted}"


def worded(path: str) -> str:
    """A path as one word of a command, in the shells of every system."""
    if re.fullmatch(r"[\w./\\:+@~-]+", path):
        return path
    return f'"{path}"' if "'" in path else f"'{path}'"


def setting(subject: Subject, name: str, value: str) -> str:
    """The command by which the shell of this system sets a variable."""
    if subject.profile.os.system == "windows":
        return f'$env:{name} = "{value}"'
    return f"export {name}={value}"


def unsetting(subject: Subject, name: str) -> str:
    """The command by which the shell of this system forgets a variable."""
    windows = subject.profile.os.system == "windows"
    return f"Remove-Item Env:{name}" if windows else f"unset {name}"


def then(subject: Subject) -> str:
    """What joins two commands: the PowerShell that Windows brings knows no `&&`."""
    return "; " if subject.profile.os.system == "windows" else " && "


def compiled(subject: Subject, package: str, requirement: str, arch: str = "") -> str:
    """The command that builds a package against the installed torch, for one CUDA capability."""
    name = "TORCH_CUDA_ARCH_LIST"
    windows = subject.profile.os.system == "windows"
    first = (setting(subject, name, arch) + "; " if windows else f"{name}={arch} ") if arch else ""
    return equipped(
        subject,
        f"{first}uv pip install{subject.python_argument} --reinstall-package {package} "
        f"--no-build-isolation --no-binary {package} {requirement}",
    )


# What nearly every extension's build imports; an environment of uv holds none of it.
BUILD_TOOLS = ("setuptools", "wheel", "packaging", "ninja", "psutil")


def equipped(subject: Subject, command: str) -> str:
    """The command that builds without isolation, after one that installs what is missing for it."""
    environment = subject.environment
    missing = [name for name in BUILD_TOOLS if environment and environment.get(name) is None]
    if not missing:
        return command
    return f"uv pip install{subject.python_argument} {' '.join(missing)}{then(subject)}{command}"


# How a container is given the GPUs of its host, by its engine: docker's and podman's flags, and the
# commands of the others.
GIVEN = {
    "docker": {
        "nvidia": "docker run --gpus all IMAGE",
        "amd": "docker run --device /dev/kfd --device /dev/dri --group-add video IMAGE",
        "intel": "docker run --device /dev/dri IMAGE",
    },
    "podman": {
        "nvidia": "podman run --device nvidia.com/gpu=all IMAGE",
        "amd": "podman run --device /dev/kfd --device /dev/dri --group-add keep-groups IMAGE",
        "intel": "podman run --device /dev/dri --group-add keep-groups IMAGE",
    },
    "kubernetes": {
        "nvidia": "kubectl set resources deployment NAME --limits=nvidia.com/gpu=1",
        "amd": "kubectl set resources deployment NAME --limits=amd.com/gpu=1",
        "intel": "kubectl set resources deployment NAME --limits=gpu.intel.com/i915=1",
    },
    "other": dict.fromkeys(("nvidia", "amd", "intel"), "lxc config device add NAME gpu0 gpu"),
}


def without_compat(subject: Subject) -> str:
    """The command that takes CUDA's compat libraries off the loader's path, and can be undone."""
    folder = subject.files.compat_path or "/usr/local/cuda/compat"
    sudo = "" if subject.profile.os.container else "sudo "
    return f"{sudo}mv {folder} {folder}.off && {sudo}ldconfig"


def given(subject: Subject, vendor: str) -> str:
    """The command that gives this kind of container the GPUs of a vendor."""
    engine = GIVEN.get(subject.profile.os.container or "docker", GIVEN["docker"])
    return engine.get(vendor, engine["nvidia"])


@dataclass(frozen=True, kw_only=True)
class Check:
    """One check: `id` is stable and is the id of its findings; `title` says what is wrong when it
    finds something. `run` gives findings, and nothing where the check does not apply."""

    id: str
    title: str
    run: Callable[[Subject], Iterable[Finding]]


def finding(
    id: str,
    severity: Severity,
    what: str,
    where: str,
    fix: str | None,
    *,
    cause: Cause,
    hint: str | None = None,
    own: bool = False,
) -> Finding:
    """A finding in the order in which a reader meets its parts."""
    return Finding(
        id=id, severity=severity, what=what, where=where, fix=fix, hint=hint, cause=cause, own=own
    )


def release_of(version: str) -> str:
    """The version without its local part."""
    return version.partition("+")[0]


def minor_of(version: str) -> str:
    """`2.14` of `2.14.1+cu126`."""
    return ".".join(release_of(version).split(".")[:2])


def cuda_of(backend: str | None) -> tuple[int, int] | None:
    """(12, 6) of `cu126`."""
    match = re.fullmatch(r"cu(\d+)(\d)", backend or "")
    return (int(match[1]), int(match[2])) if match else None


def installed_torch(environment: Environment, tables: Tables, platform: str) -> TorchBuild | None:
    """The torch of an environment and its backend, by what states it most surely."""
    package = environment.get("torch")
    text = environment.torch
    if package is None:
        return None
    full = package.full_version
    if text is not None and text.version and release_of(text.version) == release_of(full):
        full = text.version if "+" not in full else full
    release, _, local = full.partition("+")
    rows = [b for b in tables.builds if b.torch == release and b.platform == platform]
    exact = next((row.backend for row in rows if row.version == full and local), None)
    stated = _stated(environment, local, tables)
    backend = exact or stated or _asked(package, tables) or (None if local else _default(rows))
    # PyTorch's own CUDA wheels carry a local version; who builds for an image or conda has none.
    own = bool(text and text.cuda and not local)
    vendor = own or (bool(local) and backend is None)
    return TorchBuild(release=release, full=full, backend=backend, vendor=vendor)


def _stated(environment: Environment, local: str, tables: Tables) -> str | None:
    """The backend that the local version or `torch/version.py` names."""
    if local in tables.backends:
        return local
    text = environment.torch
    if text is None or local:
        return None
    if text.cuda:
        return "cu" + "".join(text.cuda.split(".")[:2])
    if text.xpu:
        return "xpu"
    return None


def _asked(torch: Distribution, tables: Tables) -> str | None:
    """The CUDA backend of a build by the runtime that its metadata pins."""
    for requirement in torch.requires:
        match = re.match(
            r"(?:nvidia-cuda-runtime(?:-cu\d+)?|cuda-toolkit(?:\[[^\]]*\])?)\s*==\s*(\d+)\.(\d+)",
            requirement,
        )
        if match and (name := f"cu{match[1]}{match[2]}") in tables.backends:
            return name
    return None


def _default(rows: list[Build]) -> str | None:
    return next((row.backend for row in rows if row.on_pypi), None)


def python_tag(environment: Environment | None) -> str | None:
    """`3.12`, or `3.14t` where it is free-threaded; None for what is no Python 3."""
    version = environment.python if environment else None
    if environment is None or version is None or not version.startswith("3."):
        return None
    minor = ".".join(version.split(".")[:2])
    return f"{minor}t" if environment.free_threaded else minor


def gpu_name(gpu: Gpu) -> str:
    """How a GPU is called in a sentence."""
    return f"GPU {gpu.index} ({', '.join(filter(None, (gpu.name or gpu.pci_id, gpu.arch)))})"


def both_of(subject: Subject) -> tuple[Environment, TorchBuild] | None:
    """The environment and its torch, where both are there and torch is a public build."""
    if subject.environment is None or subject.torch is None:
        return None
    return subject.environment, subject.torch


def renewed(subject: Subject, *requirements: str) -> str:
    """In a pinned project the lock knows better than a guess."""
    if subject.pinned and subject.own:
        return subject.sync
    return subject.install(*requirements, reinstall=True)


def gpu_build(subject: Subject) -> Vendor | None:
    """The vendor for which the installed build is; None for a CPU build or where there is none."""
    return vendor_of(subject, subject.torch.backend if subject.torch else None)


def vendor_of(subject: Subject, backend: str | None) -> Vendor | None:
    """The vendor whose GPUs a backend is for; None for the CPU and what is not known."""
    row = subject.tables.backends.get(backend or "")
    kind = row.kind if row else ("cuda" if cuda_of(backend) else None)
    return VENDORS.get(kind or "")
