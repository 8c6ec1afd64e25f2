"""What the name of a compiled extension says of the torch it was built against.

Projects write it into the local version or the wheel's file name, each in its own way:
`+pt25cu124`, `+cu12torch2.6cxx11abiFALSE`, `+cu128.torch271`, `+torch280cu128`,
`+cu.13.0.torch.2.11`.
"""

import re
from urllib.parse import unquote

from accelsel.model.installed import Distribution
from accelsel.model.value import dataclass

TORCH = r"(?<![a-z])(?:torch|pt)\.?(\d+(?:\.\d+)*)"
CUDA = r"(?<![a-z])cu\.?(\d{3}|\d{2}\.\d+|\d{2})(?!\d)"
FOLDER = r"torch-?\d+\.\d+(\.\d+)?|cu\d{3}|cpu"
ABI = r"cxx11abi(true|false)"


@dataclass(frozen=True, kw_only=True)
class Label:
    """`torch` are the minors that the label may mean (`torch210` is 2.10, or 2.1.0), () where it
    says none. `cuda` is (12,) or (12, 4), () where it says none; `cpu` that it says CPU; `abi` that
    of the C++ library, True for the new one."""

    text: str
    torch: tuple[tuple[int, int], ...] = ()
    cuda: tuple[int, ...] = ()
    cpu: bool = False
    abi: bool | None = None


def label_of(package: Distribution) -> Label | None:
    """The label of a package that is not torch's own; None where it carries none."""
    text = package.version.partition("+")[2] or _file_label(package.source)
    return read(text) if text else None


def read(text: str) -> Label | None:
    """The label that a local version holds; None for one that says nothing of torch's build."""
    lower = unquote(text).lower().replace("_", ".")
    torch, cuda, abi = (re.search(each, lower) for each in (TORCH, CUDA, ABI))
    cpu = re.search(r"(?:^|[^a-z])cpu(?![a-z])|^pt\d+cpu", lower) is not None
    if not (torch or abi or cpu or cuda):
        return None
    return Label(
        text=text,
        torch=_minors(torch[1]) if torch else (),
        cuda=_cuda(cuda[1]) if cuda else (),
        cpu=cpu,
        abi=abi[1] == "true" if abi else None,
    )


def _minors(text: str) -> tuple[tuple[int, int], ...]:
    if "." in text:
        numbers = [int(part) for part in text.split(".")]
        return ((numbers[0], numbers[1]),)
    major, rest = int(text[0]), text[1:]
    if not rest:
        return ()
    readings = [(major, int(rest))] if len(rest) <= 2 else []
    if len(rest) >= 2:
        readings.append((major, int(rest[:-1])))  # the last digit is the patch
    return tuple(readings)


def _cuda(text: str) -> tuple[int, ...]:
    if "." in text:
        return tuple(int(part) for part in text.split("."))
    return (int(text[:2]), int(text[2])) if len(text) == 3 else (int(text),)


def _file_label(url: str | None) -> str | None:
    """The local part in the wheel's file name of a direct install."""
    place, _, name = unquote(url or "").rpartition("/")
    if not name.endswith(".whl"):
        return None
    if "+" in name:
        return name.partition("+")[2].split("-")[0]
    # Some projects say it in the folders: `/cu121/torch2.1.0/`, `/torch-2.5.0+cu124/`.
    said = [each for each in re.split(r"[/+_]", place) if re.fullmatch(FOLDER, each)]
    return ".".join(said).replace("torch-", "torch") if any("torch" in s for s in said) else None


def abi_of(release: tuple[int, ...], backend: str, platform: str) -> bool | None:
    """Whether torch's Linux wheel uses the new C++ ABI; None where it is not established.

    2.7 and newer do; of 2.6 the builds made on manylinux_2_28 (cu126, rocm6.2.4, xpu, aarch64);
    older x86-64 ones do not (research on torch's builds, 2026-11-20).
    """
    if not platform.startswith("linux"):
        return None
    if release[:2] >= (2, 7):
        return True
    if release[:2] == (2, 6):
        return platform == "linux-aarch64" or backend in ("cu126", "rocm6.2.4", "xpu")
    return False if platform == "linux-x86_64" else None
