"""Messages of Python's import system: a module or a name that is not where a package looks."""

import re
from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.rules.doctor_message import Message, culprits, listed, restored, said
from accelsel.rules.doctor_packages import windows_triton
from accelsel.rules.doctor_requirements import asked_of
from accelsel.rules.doctor_subject import BUILD_TOOLS, FAMILY, Subject, release_of, setting


def no_torch(subject: Subject) -> Iterator[Finding]:
    """Torch is not in this environment, or a package is built apart from it."""
    environment = subject.environment
    if environment is not None and subject.torch is None:
        yield said(
            subject,
            "torch is not installed in this environment",
            subject.sync if subject.lock and subject.own else subject.renew(),
            "or the program runs with another Python than this one",
            cause="project",
        )
        return
    built = re.search(
        r"[Ff]ailed (?:to build|building wheel for) [`'\"]?([\w.-]+)", subject.error or ""
    )
    name = built[1] if built else next((n for n in culprits(subject) if n != "torch"), "NAME")
    yield said(
        subject,
        "a package was built in isolation from the torch of the project",
        f"{subject.pin} --sync"
        if subject.project
        else f"uv pip install{subject.python_argument} --no-build-isolation {name}",
        "wire its build to torch: extra-build-dependencies with match-runtime",
        cause="companion",
    )


def shadowing(subject: Subject) -> Iterator[Finding]:
    """A file of one's own is called torch."""
    yield said(
        subject,
        "a file or folder called torch stands where Python looks first, in the place of torch",
        "python -c \"import importlib.util as u; print(u.find_spec('torch').origin)\"",
        "rename what is printed, where it is not in site-packages",
        cause="project",
    )


def newer_than_torch(subject: Subject) -> Iterator[Finding]:
    """A package uses a name that the installed torch does not have yet."""
    torch, environment = subject.torch, subject.environment
    who = [n for n in culprits(subject) if n not in ("torch", *FAMILY)]
    if torch is None or environment is None or not who:
        return
    package = environment.get(who[0])
    bound = f"{who[0]}<{release_of(package.version)}" if package else who[0]
    yield said(
        subject,
        f"{who[0]} {package.version if package else ''}".strip()
        + f" was written for a newer torch than {torch.full}",
        subject.install(bound, f"torch=={torch.release}"),
        "an older release of it goes with this torch",
        cause="companion",
    )


def dropped(subject: Subject) -> Iterator[Finding]:
    """A package uses what torchvision or torchaudio has dropped."""
    torch = subject.torch
    family = re.search(r"torch(?:vision|audio)", subject.error or "")
    who = [n for n in culprits(subject) if n not in ("torch", *FAMILY)]
    who = who or _askers(subject, family[0] if family else "")
    if torch is None or family is None:
        return
    yield said(
        subject,
        f"{listed(who) or 'a package'} uses what {family[0]} has dropped",
        subject.install("--upgrade", who[0], f"torch=={torch.release}")
        if who
        else subject.install("--upgrade", "NAME", f"torch=={torch.release}"),
        f"a newer release of it; {family[0]} belongs to torch as it is",
        cause="companion",
    )


def _askers(subject: Subject, name: str) -> list[str]:
    """The installed packages that ask for a member of torch's family."""
    packages = subject.environment.packages if subject.environment else ()
    return [
        p.name
        for p in packages
        if p.name not in ("torch", *FAMILY)
        and any(re.match(rf"{name}(?![\w.-])", line) for line in p.requires)
    ]


def triton(subject: Subject) -> Iterator[Finding]:
    """Triton is missing, not torch's own, or somebody's code is for another one."""
    torch, environment = subject.torch, subject.environment
    if torch is None or environment is None:
        return
    who = [n for n in culprits(subject) if "triton" not in n and n != "torch"]
    asked = next((a for a in asked_of(subject, "torch") if "triton" in a.name), None)
    if who and re.search(
        r"libtriton' is not a package|from 'triton|module 'triton", subject.error or ""
    ):
        yield said(
            subject,
            f"{who[0]} was written for another Triton than that of torch {torch.full}",
            restored(subject, who[0]),
            "a release of it of this torch's time",
            cause="companion",
        )
        return
    wanted = f"{asked.name}{asked.specifier}" if asked else None
    if wanted is None and subject.profile.os.system == "windows":
        wanted = windows_triton(subject) or "triton-windows"
    if wanted is None:
        build = (b for b in subject.tables.builds if b.torch == torch.release and b.triton)
        own = next((b.triton for b in build if b.backend == torch.backend and b.triton), None)
        wanted = f"{own.name}{own.specifier}" if own else "triton"
    yield said(
        subject,
        f"Triton is missing, or is not the one of torch {torch.full}: {wanted}",
        subject.install(wanted, reinstall=True),
        "each torch has a Triton of its own",
        cause="companion",
    )


def kernels(subject: Subject) -> Iterator[Finding]:
    """The compiled part of a package is not there."""
    match = re.search(COMPILED, subject.error or "")
    name = next((n for n in culprits(subject) if n != "torch"), None)
    if match is None or subject.torch is None or name is None:
        return
    yield said(
        subject,
        f"the compiled part of {name} is missing: it was installed without it, or its source "
        "folder stands before it",
        restored(subject, name),
        "away from a folder that is called like the package",
        cause="companion",
    )


def thread_storage(subject: Subject) -> Iterator[Finding]:
    """A library is loaded too late to get its thread-local storage, as on aarch64."""
    match = re.search(
        r"(/[^\s:'\"]+\.so[.\d]*): cannot allocate memory in static TLS", subject.error or ""
    )
    yield said(
        subject,
        f"{match[1].rpartition('/')[2] if match else 'a library'} was loaded too late for its "
        "thread-local storage (TLS)",
        setting(subject, "LD_PRELOAD", match[1] if match else "libgomp.so.1"),
        "importing torch before everything else does the same",
        cause="host",
    )


def build_tools(subject: Subject) -> Iterator[Finding]:
    """A build without isolation lacks what it imports."""
    yield said(
        subject,
        "a package is built in this environment, which lacks the tools that its build imports",
        f"uv pip install{subject.python_argument} {' '.join(BUILD_TOOLS)}",
        "then the same again, with --no-build-isolation",
        cause="project",
    )


# The compiled part of a package: `mmcv._ext`, `vllm._C`, `pkg._kernels`.
COMPILED = r"No module named ['\"](\w+)\.(?:_[A-Za-z]\w*|C)['\"]"
MODULE_MESSAGES = (
    Message(
        pattern=r"No module named ['\"](?:packaging|wheel|setuptools|psutil|ninja)['\"]",
        find=build_tools,
    ),
    Message(pattern=r"static TLS", find=thread_storage),
    Message(
        pattern=r"No module named ['\"]?torch(?:['\"]|\s|$)",
        find=no_torch,
        kin=("torch-missing", "not-synced"),
    ),
    Message(pattern=r"partially initialized module 'torch'", find=shadowing),
    Message(
        pattern=r"TritonMissing|no (?:working )?triton\b|working triton installation"
        r"|No module named ['\"]triton|from 'triton|module 'triton|libtriton' is not a package",
        find=triton,
        kin=("triton-version",),
    ),
    Message(
        pattern=r"No module named ['\"]torch(?:vision|audio)\.(?!_C)"
        r"|(?<!initialized module )'torch(?:vision|audio)[\w.]*' has no attribute"
        r"|from 'torch(?:vision|audio)",
        find=dropped,
    ),
    Message(
        pattern=r"module 'torch(?:\.[\w.]+)?' has no attribute|from 'torch(?:\.[\w.]+)?'"
        r"|No module named 'torch\.",
        find=newer_than_torch,
        kin=("torch-requirement",),
    ),
    Message(pattern=COMPILED, find=kernels),
)
