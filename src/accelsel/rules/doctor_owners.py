"""Checks of who owns what: two distributions in one folder, or for two majors of CUDA."""

import re
from collections.abc import Iterator, Mapping

from accelsel.model.finding import Finding
from accelsel.model.installed import Environment, SharedPath
from accelsel.model.requirement import normalized
from accelsel.rules.doctor_subject import (
    Check,
    Subject,
    both_of,
    cuda_of,
    finding,
    gpu_build,
    release_of,
    then,
)
from accelsel.rules.versions import contains

# Top-level folders that wheels ship by mistake: an overlap costs nobody a working package.
STRAY = {
    "test", "tests", "docs", "examples", "example", "benchmarks", "scripts", "tools", "studio",
    "hopper", "include", "lib", "lib64", "share", "build_backend.py", "build_utils.py", "b12x",
    "LICENSE", "README.md",
}  # fmt: skip
# Distributions that call CUDA themselves, and not through torch.
CUDA_ALONE = (
    r"(?:cupy-cuda|pycuda|numba-cuda|onnxruntime-gpu$|tensorrt|faiss-gpu|spconv-cu|cumm-cu"
    r"|nvidia-dali|cuml-cu|cudf-cu|jax-cuda)"
)
# Distributions of one project that all install the same folder, whatever their metadata says.
ONE_FOLDER = (
    (r"onnxruntime(?:-(?:gpu|rocm|migraphx|directml|openvino|qnn))?", "onnxruntime"),
    (r"cupy(?:-cuda\d+x?|-rocm-[\d-]+)?", "cupy"),
    (r"faiss-(?:cpu|gpu)(?:-cu\d+)?", "faiss"),
)
TWIN = re.compile(r"(?P<stem>.+?)-cu(?:da)?(?P<major>\d{2})x?(?P<rest>-.+)?$")


def shared_files(subject: Subject) -> Iterator[Finding]:
    """Two distributions own the same files of one import package."""
    environment = subject.environment
    if environment is None:
        return
    asked = asked_names(environment)
    claimed = (*_claimed(subject, environment), *_one_folder(environment))
    for shared in (*environment.shared, *claimed):
        stray = shared.package in STRAY
        keep = _to_keep(subject, shared.owners, asked)
        drop = [name for name in shared.owners if name != keep]
        kept = environment.get(keep)
        again = f"{keep}=={kept.version}" if kept else keep
        yield finding(
            "two-owners",
            "note" if stray else "error",
            f"{' and '.join(shared.owners)} both own {shared.package}/"
            + (f" ({shared.files} files)" if shared.files else "")
            + "; the last one installed wins",
            environment.root,
            None
            if stray
            else subject.uninstall(*drop) + then(subject) + subject.install(again, reinstall=True),
            hint=None if stray else f"torch is right; only {keep} is to stay",
            cause="companion",
        )


def _claimed(subject: Subject, environment: Environment) -> Iterator[SharedPath]:
    """Rivals by the table, where their RECORD files show nothing."""
    told = [set(shared.owners) for shared in environment.shared]
    for clash in subject.companions.clashes if subject.companions else ():
        owners = tuple(name for name in clash.names if environment.get(name))
        cured = any(
            (package := environment.get(name)) and contains(bound, release_of(package.version))
            for name, bound in clash.cure.items()
        )
        if len(owners) > 1 and not cured and not any(len(set(owners) & each) > 1 for each in told):
            yield SharedPath(package=clash.path.rstrip("/"), owners=tuple(sorted(owners)), files=0)


def _one_folder(environment: Environment) -> Iterator[SharedPath]:
    """Rivals by their names, outside of torch's own neighbourhood."""
    for pattern, folder in ONE_FOLDER:
        owners = tuple(p.name for p in environment.packages if re.fullmatch(pattern, p.name))
        if len(set(owners)) > 1:
            yield SharedPath(package=folder, owners=tuple(sorted(set(owners))), files=0)


def asked_names(environment: Environment) -> dict[str, set[str]]:
    """Who asks for a name: name -> the installed packages that require it."""
    asked: dict[str, set[str]] = {}
    for package in environment.packages:
        for requirement in package.requires:
            match = re.match(r"[A-Za-z0-9][\w.-]*", requirement)
            if match and "extra ==" not in requirement:
                name = normalized(match[0])
                asked.setdefault(name, set()).add(package.name)
    return asked


def _to_keep(subject: Subject, owners: tuple[str, ...], asked: Mapping[str, set[str]]) -> str:
    """The one of several owners that torch asks for, that fits its CUDA, or that others ask for."""
    cuda = cuda_of(subject.torch.backend) if subject.torch else None

    vendor = gpu_build(subject)

    def rank(name: str) -> tuple[bool, bool, int, str]:
        twin = TWIN.match(name)
        fits = bool(cuda and twin and int(twin["major"]) == cuda[0])
        wanted = asked.get(name, set())
        of_gpu = vendor == "nvidia" and name.endswith("-gpu")
        return ("torch" in wanted, fits or of_gpu, len(wanted), name)

    return max(owners, key=rank)


def twins(subject: Subject) -> Iterator[Finding]:
    """A package for another CUDA major stands beside the one for torch's."""
    both = both_of(subject)
    cuda = cuda_of(both[1].backend) if both else None
    if both is None or cuda is None:
        return
    environment, torch = both
    asked = asked_names(environment)
    told = {name for shared in environment.shared for name in shared.owners}
    present = {package.name for package in environment.packages}
    for package in environment.packages:
        twin = TWIN.match(package.name)
        if twin is None or int(twin["major"]) == cuda[0] or package.name in told:
            continue
        stem, rest = twin["stem"], twin["rest"] or ""
        rivals = present & {
            f"{stem}-cu{cuda[0]}{rest}", f"{stem}-cuda{cuda[0]}x{rest}", f"{stem}{rest}"
        }  # fmt: skip
        wanted = sorted(asked.get(package.name, set()) - {"torch"})
        if _named(environment, package.name) and not any(_of_torch(subject, n) for n in wanted):
            continue  # it is meant: for a program with a CUDA of its own, in an extra perhaps
        if not rivals and re.match(CUDA_ALONE, package.name):
            continue  # such a program itself: libraries of two majors can be loaded
        if wanted and not rivals:
            what = f"{package.name} ({', '.join(wanted)} asks for it) is"
        else:
            beside = f" beside {' and '.join(sorted(rivals))}" if rivals else ""
            what = f"{package.name}{beside} is"
        yield finding(
            "other-cuda",
            "warning",
            f"{what} for CUDA {twin['major']}; torch {torch.full} is built for CUDA {cuda[0]}",
            environment.root,
            subject.uninstall(package.name)
            if not wanted
            else subject.install(*wanted, f"torch=={torch.release}"),
            hint="a leftover of an earlier install" if not wanted else None,
            cause="companion",
        )


def _of_torch(subject: Subject, name: str) -> bool:
    """Whether a package works on torch, so that its CUDA has to be torch's."""
    package = subject.environment.get(name) if subject.environment else None
    known = subject.companions.distributions if subject.companions else {}
    return name in known or any(
        re.match(r"torch(?![\w.-])", line) for line in (package.requires if package else ())
    )


def _named(environment: Environment, name: str) -> bool:
    """Whether an installed package names another in its requirements, also in an extra's."""
    return any(
        (match := re.match(r"[A-Za-z0-9][\w.-]*", line)) and normalized(match[0]) == name
        for package in environment.packages
        for line in package.requires
    )


OWNER_CHECKS = (
    Check(id="two-owners", title="Two owners of one import package", run=shared_files),
    Check(id="other-cuda", title="A package for another CUDA major", run=twins),
)
