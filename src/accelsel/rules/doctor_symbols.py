"""Messages of a loader that finds a library, and it is not the one it was meant to be.

What is printed names a file and a symbol; whose fault it is follows from the torch beside it.
"""

import re
from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.rules.doctor_loader import fits
from accelsel.rules.doctor_message import (
    Message,
    culprits,
    listed,
    module_of,
    restored,
    said,
    suspects,
)
from accelsel.rules.doctor_requirements import asked_of
from accelsel.rules.doctor_subject import Subject, compiled, then, unsetting

SYSTEM_FOLDERS = ("/usr/lib", "/lib", "/usr/lib64", "/lib64")
# Extensions whose build takes a finished wheel of the same name, unless it is told not to.
FORCED = {
    "flash-attn": "FLASH_ATTENTION_FORCE_BUILD",
    "mamba-ssm": "MAMBA_FORCE_BUILD",
    "causal-conv1d": "CAUSAL_CONV1D_FORCE_BUILD",
}


def undefined(subject: Subject) -> Iterator[Finding]:
    """A symbol is missing, of which no row of the table speaks."""
    text, torch = subject.error or "", subject.torch
    if "torch_extensions" in text:
        yield from cached(subject)
        return
    who = suspects(subject)
    module = module_of(subject)
    name = who[0] if who else (module or "").strip("_").replace("_", "-")
    if not name or torch is None:
        return
    yield said(
        subject,
        f"{listed(who) or module} was built for another torch than {torch.full}",
        restored(subject, name),
        "the release made for this torch, or a build against it",
        cause="companion",
    )


def cached(subject: Subject) -> Iterator[Finding]:
    """What torch compiled for an extension and kept was made for another torch, or never ready."""
    windows = subject.profile.os.system == "windows"
    folder = "$env:LOCALAPPDATA\\torch_extensions" if windows else "~/.cache/torch_extensions"
    match = re.search(r"[^\s'\":]*torch_extensions", subject.error or "")
    shown = match[0] if match and not windows and " " not in match[0] else folder
    yield said(
        subject,
        "what torch compiled on this machine and kept in its cache is not of this torch, or was "
        "never finished",
        f"Remove-Item -Recurse {folder}" if windows else f"rm -r {shown}",
        "it is compiled anew at the next use, with a CUDA toolkit of torch's major",
        cause="companion",
    )


def newer_system(subject: Subject) -> Iterator[Finding]:
    """The C library of this system is older than that of the machine where a wheel was built."""
    who = [name for name in culprits(subject) if name != "torch"]
    if not who:
        yield said(
            subject,
            "the wheel was made for a newer Linux than this one",
            subject.renew(),
            "a newer system or container, or a release whose wheel is for this glibc",
            cause="host",
        )
        return
    name = who[0]
    force = f"{FORCED[name]}=TRUE " if name in FORCED else ""
    yield said(
        subject,
        f"the finished wheel of {name} was made for a newer Linux than this one",
        _prefixed(compiled(subject, name, name), force, then(subject)),
        "built here it fits; it takes a CUDA toolkit and a compiler, or a newer system",
        cause="companion",
    )


def _prefixed(command: str, prefix: str, joint: str) -> str:
    """A command with a variable set for its last part."""
    head, found, last = command.rpartition(joint)
    return f"{head}{found}{prefix}{last}"


def older_cpp(subject: Subject) -> Iterator[Finding]:
    """The C++ library that is loaded is older than the one a library was built with."""
    text, environment = subject.error or "", subject.environment
    match = re.search(r"(/[^\s:'\"]*?)/?libstdc\+\+\.so", text)
    folder = match[1] if match else ""
    conda = environment is not None and environment.kind == "conda"
    if conda or re.search(r"conda|/envs/|mamba", folder):
        fix = "conda install -c conda-forge libstdcxx-ng"
        hint = "conda's C++ library stands before the system's"
    elif folder and not folder.startswith(SYSTEM_FOLDERS):
        fix, hint = unsetting(subject, "LD_LIBRARY_PATH"), f"{folder} stands before the system's"
    else:
        name = next((n for n in culprits(subject) if n != "torch"), None)
        fix = compiled(subject, name, name) if name else (
            "sudo add-apt-repository ppa:ubuntu-toolchain-r/test && "
            "sudo apt-get install --only-upgrade libstdc++6"
        )  # fmt: skip
        hint = "or a newer system or container; built here a package fits it"
    yield said(
        subject,
        "the C++ library (libstdc++) that is loaded is older than the one with which this library "
        "was built",
        fix,
        hint,
        cause="host",
    )


def windows(subject: Subject) -> Iterator[Finding]:
    """A DLL does not load: torch's own for want of Microsoft's runtime, or for files of another
    torch among its own; an extension's because it was built for another torch."""
    text = subject.error or ""
    lacks = re.search(r"WinError 127|procedure could not be found", text, re.IGNORECASE)
    who = [name for name in culprits(subject) if name not in ("torch", "numpy")]
    own = re.search(r"torch[/\\]+lib[/\\]+([\w.+-]+\.dll)", text, re.IGNORECASE)
    torch = subject.torch
    if who and not own:
        yield said(
            subject,
            f"{listed(who[:1])} was built for another torch"
            + (f" than {torch.full}" if torch else ""),
            restored(subject, who[0]),
            "a library of it asks torch for what this one does not have",
            cause="companion",
        )
    elif lacks and torch is not None:
        yield said(
            subject,
            f"files of another torch, or of another CUDA, stand among those of torch {torch.full}",
            subject.install(f"torch=={torch.release}", reinstall=True),
            "conda's and pip's torch in one folder, or CUDA's folders in PATH before torch's; the "
            "same version installed anew is enough",
            cause="project",
        )
    elif own is not None and own[1].lower() == "fbgemm.dll":
        yield said(
            subject,
            "torch's fbgemm.dll needs libomp140.x86_64.dll, which comes with Visual Studio's "
            "C++ build tools",
            'winget install --id Microsoft.VisualStudio.2022.BuildTools --override "--quiet '
            '--wait --add Microsoft.VisualStudio.Component.VC.Tools.x86.x64"',
            "torch 2.4.1 and newer bring it",
            cause="host",
        )
    else:
        yield said(
            subject,
            "a DLL that torch needs does not load: Microsoft's C++ runtime is missing or too old",
            "winget install --id Microsoft.VCRedist.2015+.x64",
            "2.9 and newer need that of 2022",
            cause="host",
        )


def on_a_mac(subject: Subject) -> Iterator[Finding]:
    """A library on a Mac was built for another torch, or for another processor."""
    torch, who = subject.torch, [n for n in culprits(subject) if n != "torch"]
    if torch is None or not who:
        return
    yield said(
        subject,
        f"{listed(who[:1])} was built for another torch than {torch.full}",
        restored(subject, who[0]),
        "the release made for this torch",
        cause="companion",
    )


def other_processor(subject: Subject) -> Iterator[Finding]:
    """A library is of another processor than the Python that loads it."""
    mac = subject.profile.os.system == "darwin"
    yield said(
        subject,
        "a library was installed for another processor than the one this Python is built for",
        "uv venv --clear --python cpython-3.12-macos-aarch64-none" if mac else (
            "uv venv --clear --python cpython-3.12-windows-x86_64-none"
        ),
        "an x86-64 Python under Rosetta" if mac else "a 32-bit Python has no torch",
        cause="python",
    )  # fmt: skip


NCCL = re.compile(r"undefined symbol:? nccl\w+", re.IGNORECASE)


def nccl(subject: Subject) -> Iterator[Finding]:
    """Another NCCL than torch's is loaded: of another package, or from the system."""
    environment = subject.environment
    if environment is None:
        return
    names = [p.name for p in environment.packages if p.name.startswith("nvidia-nccl")]
    asked = next((a for a in asked_of(subject, "torch") if a.name.startswith("nvidia-nccl")), None)
    wanted = f"{asked.name}{asked.specifier}" if asked else "nvidia-nccl-cu12"
    others = [name for name in names if asked is not None and name != asked.name]
    has = environment.get(asked.name) if asked else None
    if asked is not None and has is not None and not others and fits(asked, has.version):
        yield said(
            subject,
            f"another NCCL than torch's own {has.version} is loaded, from LD_LIBRARY_PATH or the "
            "system",
            unsetting(subject, "LD_LIBRARY_PATH"),
            "torch brings the NCCL it needs",
            cause="host",
        )
        return
    remove = f"{subject.uninstall(*others)}{then(subject)}" if others else ""
    yield said(
        subject,
        f"another NCCL than torch asks for is loaded (installed: {listed(names) or 'none'})",
        remove + subject.install(wanted, reinstall=True),
        "LD_LIBRARY_PATH may bring one of the system",
        cause="companion",
    )


def _other_cuda(subject: Subject) -> Iterator[Finding]:
    """torchvision, torchaudio or PyG's libraries say themselves that their CUDA is another."""
    torch, who = subject.torch, [n for n in culprits(subject) if n != "torch"]
    if torch is None or not who:
        return
    yield said(
        subject,
        f"{who[0]} was built for another CUDA than torch {torch.full}",
        restored(subject, who[0]),
        "from the index of torch, in the release that goes with it",
        cause="companion",
    )


FIRST_MESSAGES = (
    Message(pattern=NCCL.pattern, find=nccl, kin=("library-path", "runtime-version", "two-owners")),
    Message(pattern=r"torch_extensions", find=cached),
    Message(pattern=r"compiled with different CUDA", find=_other_cuda),
    Message(
        pattern=r"version .GLIBC_[\d.]+. not found", find=newer_system, kin=("system-too-old",)
    ),
    Message(
        pattern=r"version .(?:GLIBCXX|CXXABI)_[\d.]+. not found"
        r"|undefined symbol:? _ZNSt15__exception_ptr|undefined symbol:? _ZSt\d+__throw",
        find=older_cpp,
    ),
    Message(
        pattern=r"WinError 193\b|not a valid Win32 application|incompatible architecture \(have",
        find=other_processor,
        kin=("python-translated",),
    ),
    Message(
        pattern=r"WinError (?:126|127|1114)\b|Error loading .*c10\.dll|DLL load failed",
        find=windows,
        kin=("cpp-runtime",),
    ),
)  # fmt: skip
LAST_MESSAGES = (
    Message(pattern=r"symbol not found", find=on_a_mac),
    Message(pattern=r"undefined symbol", find=undefined, anybodys=True),
)
