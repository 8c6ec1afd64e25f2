"""Checks of what torch and its neighbours ask of each other in their metadata."""

import re
from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.model.installed import Distribution, Environment
from accelsel.model.requirement import normalized
from accelsel.model.value import dataclass
from accelsel.rules.doctor_companions import cure
from accelsel.rules.doctor_subject import (
    FAMILY,
    Check,
    Subject,
    TorchBuild,
    both_of,
    compiled,
    finding,
    release_of,
)
from accelsel.rules.versions import contains


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A Requires-Dist line: `name` normalized, `marker` as written, "" for none."""

    name: str
    specifier: str
    marker: str


def requirements(subject: Subject) -> Iterator[Finding]:
    """A package asks for another torch, or torch for other libraries, than stand here."""
    both = both_of(subject)
    if both is None:
        return
    environment, torch = both
    tied = _tied(subject, torch)
    for package in environment.packages:
        if package.name == "torch":
            yield from _runtime(subject, environment, torch, package)
        elif package.name not in tied:  # said by `family-version`
            yield from _of_torch(subject, environment, torch, package)


def _of_torch(
    subject: Subject, environment: Environment, torch: TorchBuild, package: Distribution
) -> Iterator[Finding]:
    for asked in _read(package):
        if asked.name != "torch" or _holds(asked.specifier, torch.full):
            continue
        extra = EXTRA.search(asked.marker)
        if not extra and not _applies(subject, asked):
            continue
        yield finding(
            "torch-requirement",
            "warning" if extra else "error",
            f"{package.name} {package.version} asks for torch{asked.specifier}"
            + (f" where it uses torch (extra {extra[1]})" if extra else "")
            + f"; installed is {torch.full}",
            environment.root,
            _keeping(subject, torch, package),
            hint="torch stays as it is; a release of the other package has to follow it",
            cause="companion",
        )


def _tied(subject: Subject, torch: TorchBuild) -> set[str]:
    """The names that torch's own row ties to it."""
    rows = (b for b in subject.tables.builds if b.torch == torch.release)
    return {companion.name for row in rows for companion in row.companions}


def _keeping(subject: Subject, torch: TorchBuild, package: Distribution) -> str:
    """The command that finds a release of a package that fits the torch that is there."""
    if package.name in FAMILY or not torch.vendor:
        if subject.pinned and subject.own:
            return f"{subject.sync} --reinstall-package {package.name}"
        table = subject.companions
        if table is not None and package.name in table.offers and package.name not in FAMILY:
            return cure(subject, table, package)[0]
        return subject.install(package.name, f"torch=={torch.release}", reinstall=False)
    name = package.name
    return compiled(subject, name, f"--no-deps {name}=={release_of(package.version)}")


def _runtime(
    subject: Subject, environment: Environment, torch: TorchBuild, package: Distribution
) -> Iterator[Finding]:
    """What torch asks for itself: triton and NVIDIA's libraries."""
    for asked in _read(package):
        name = asked.name
        if "triton" not in name and not name.startswith(BROUGHT):
            continue
        found = environment.get(name)
        if found is not None and _holds(asked.specifier, found.version):
            continue
        if torch.vendor or (found is None and environment.kind != "venv"):
            continue  # an image or conda brings these libraries in another way
        if not _applies(subject, asked):
            continue
        has = f"installed is {found.version}" if found else "it is not installed"
        wanted = f"{name}{asked.specifier}"
        again = f"{subject.sync} --reinstall-package {name}"
        source = again if subject.pinned and subject.own else None
        yield finding(
            "runtime-version",
            "error",
            f"torch {torch.full} asks for {wanted}; {has}",
            environment.root,
            source or subject.install(wanted),
            hint="torch is right; another package brought the other version" if found else None,
            cause="companion",
        )


def asked_of(subject: Subject, name: str) -> tuple[Asked, ...]:
    """What an installed package asks for on this host; () where it is not installed."""
    package = subject.environment.get(name) if subject.environment else None
    return tuple(each for each in _read(package) if _applies(subject, each)) if package else ()


# The libraries that torch's builds for CUDA and XPU bring as packages.
BROUGHT = (
    "nvidia-", "cuda-", "intel-", "dpcpp-", "mkl", "onemkl-", "oneccl", "impi-rt", "tbb", "tcmlib",
    "umf",
)  # fmt: skip
# A line as every builder writes it. What names a URL asks for no version.
LINE = re.compile(
    r"\s*([A-Za-z0-9][\w.-]*)\s*(?:\[[^\]]*\])?\s*\(?\s*([^;@()]*?)\s*\)?\s*(?:;(.*))?", re.DOTALL
)
# Of a package that can do without torch this extra says which torch it can use.
EXTRA = re.compile(r"^\s*extra\s*==\s*['\"](torch|pytorch)['\"]\s*$")
CLAUSE = re.compile(r"\s*([a-z_]+)\s*(==|!=)\s*(?:'([^']*)'|\"([^\"]*)\")\s*")


def _read(package: Distribution) -> Iterator[Asked]:
    for line in package.requires:
        if match := LINE.fullmatch(line):
            yield Asked(
                name=normalized(match[1]), specifier=match[2], marker=(match[3] or "").strip()
            )


def _holds(specifier: str, version: str) -> bool:
    """Whether a specifier holds for a version; a local part counts where the specifier names one.
    What is no specifier asks for nothing."""
    plain = version if "+" in specifier else version.partition("+")[0]
    try:
        return not specifier or contains(specifier, plain)
    except ValueError:
        return True


def _applies(subject: Subject, asked: Asked) -> bool:
    """Whether a requirement's marker holds here. Equalities are read by themselves: the library
    that knows all of PEP 508 takes longer to import than an environment to be read."""
    if not asked.marker:
        return True
    environment = marker_environment(subject)
    clauses = [CLAUSE.fullmatch(part) for part in asked.marker.split(" and ")]
    if all(match is not None and match[1] in environment for match in clauses):
        return all(
            (environment[match[1]] == (match[3] or match[4] or "")) == (match[2] == "==")
            for match in clauses
            if match is not None
        )
    from packaging.markers import InvalidMarker, Marker

    try:
        return bool(Marker(asked.marker).evaluate(environment))
    except InvalidMarker:
        return False


def marker_environment(subject: Subject) -> dict[str, str]:
    """The environment in which requirement markers are read: this host and the other Python."""
    profile, environment = subject.profile, subject.environment
    version = (environment.python if environment else None) or profile.python.version
    system = profile.os.system
    machine = profile.cpu.arch
    if system == "windows":
        machine = {"x86_64": "AMD64", "arm64": "ARM64"}.get(machine, machine)
    return {
        "python_version": ".".join(version.split(".")[:2]),
        "python_full_version": version,
        "sys_platform": {"windows": "win32"}.get(system, system),
        "platform_system": {"linux": "Linux", "windows": "Windows", "darwin": "Darwin"}.get(
            system, system
        ),
        "os_name": "nt" if system == "windows" else "posix",
        "platform_machine": machine,
        "platform_python_implementation": "CPython",
        "implementation_name": "cpython",
        "implementation_version": version,
        "platform_release": profile.os.release or "",
        "platform_version": "",
        "extra": "",
    }


REQUIREMENT_CHECKS = (
    Check(id="requirements", title="What torch and its neighbours ask for", run=requirements),
)
