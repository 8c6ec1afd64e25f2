"""The rows of the rules table. Every row that states a fact says where it is from and how sure.

`source` holds identifiers of the table's `sources` file, separated by blanks; `checked` is the date
on which the fact was last looked at; `confidence` orders `verified` > `read` > `inferred`.
"""

from collections.abc import Mapping
from typing import Literal

from accelsel.model.value import dataclass, field

Confidence = Literal["verified", "read", "inferred"]


@dataclass(frozen=True, kw_only=True)
class Index:
    """A package index. `url` is what is written; `format` is uv's (`flat`: one page of links)."""

    name: str
    url: str
    format: Literal["simple", "flat"] = "simple"


@dataclass(frozen=True, kw_only=True)
class Backend:
    """A backend: `kind` is cpu, cuda, rocm, xpu, default, amd or jetson.

    `toolkit` is the CUDA or ROCm version as numbers ((12, 6); (7, 2)), () for the others, so that
    rocm7.14 sorts after rocm7.2. `indexes` maps a channel to the index name. `uv` says whether
    uv's own `--torch-backend` knows the name. `absent` maps a companion that does not exist for
    this backend, though it does for the release, to the sentence that says so.
    """

    name: str
    kind: Literal["cpu", "cuda", "rocm", "xpu", "default", "amd", "jetson"]
    toolkit: tuple[int, ...]
    indexes: Mapping[str, str]
    uv: bool
    source: str
    checked: str
    confidence: Confidence
    absent: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Triton:
    name: str
    specifier: str  # "==3.7.1", "~=3.8.0"; "" where the version is not known
    marker: str | None  # torch's own marker on the requirement


@dataclass(frozen=True, kw_only=True)
class Companion:
    """A torch-family package as tied to one torch release.

    `specifier` admits the versions that work with that torch. `declared` is True where the
    package's own metadata enforces it, False where only this table knows. `pythons` are the tags
    for which it has wheels, () for those of torch. `index` is `torch` where it comes from the index
    of torch, `default` where only the default index has one that works. `newest` is the last
    release of an open specifier. A companion that a build does not list is not known to exist for
    it.
    """

    name: str
    specifier: str
    declared: bool
    pythons: tuple[str, ...] = ()
    index: Literal["torch", "default"] = "torch"
    newest: str | None = None


@dataclass(frozen=True, kw_only=True)
class Release:
    """A torch release as such; `requires_python` is a PEP 440 specifier set."""

    torch: str
    date: str
    requires_python: str
    note: str | None
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Build:
    """One torch release for one backend on one platform.

    `published` is True where the wheel was seen, None where it is not established. `version` is the
    full version in the index (`2.14.1+cu126`). `archs` lists machine code (`sm_50`, `sm_90a`,
    gfx ids, Intel architectures), None where unknown, () where the build has no GPU code; `ptx`
    likewise. `broken` are archs that are listed in the build and do not work. `pythons` are tags
    such as `3.12` and `3.14t`. `glibc` and `macos` are floors; `gpu_macos` is that of its GPU code
    where it is higher. `extras` maps an arch to the extra that brings its code (AMD's multi-arch
    wheels).
    """

    torch: str
    backend: str
    platform: str
    channel: Literal["stable", "test", "nightly"]
    version: str
    published: bool | None
    pythons: tuple[str, ...]
    archs: tuple[str, ...] | None
    ptx: tuple[str, ...] | None
    broken: tuple[str, ...]
    glibc: str | None
    macos: str | None
    triton: Triton | None
    companions: tuple[Companion, ...]
    extras: Mapping[str, str]
    on_pypi: bool
    note: str | None
    source: str
    checked: str
    confidence: Confidence
    arch_confidence: Confidence
    gpu_macos: str | None = None


@dataclass(frozen=True, kw_only=True)
class DriverFloor:
    """The oldest driver on which any build of a CUDA major starts (minor-version compatibility)."""

    major: int
    system: Literal["linux", "windows"]
    version: str
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class DriverBranch:
    """The CUDA version that a driver branch reports."""

    branch: int
    cuda: str
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class ArchException:
    """Where the rule "same major, minor not above the device's" does not hold.

    Code for `code` does not run on `device`; `until_cuda` ends the exception at that toolkit
    (builds of it and newer run). `same` True instead says that both names are one chip.
    """

    code: str
    device: str
    until_cuda: tuple[int, ...] | None
    same: bool
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class ArchOverride:
    """An `HSA_OVERRIDE_GFX_VERSION` that people use: `arch` runs as `acts_as`; `works` is False
    where it installs and then computes wrong or crashes."""

    arch: str
    value: str
    acts_as: str
    system: Literal["linux", "windows"]
    works: bool
    note: str
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Device:
    """A PCI device: `arch` as in a profile, `name` the product's or family's, `integrated` None
    where the id does not say. `xpu` (Intel only) is True where torch documents XPU support, None
    where it is not known."""

    pci_id: str
    arch: str | None
    name: str | None
    integrated: bool | None
    xpu: bool | None = None


@dataclass(frozen=True, kw_only=True)
class Unestablished:
    """A way out that exists somewhere and is not established well enough to be selected; `jetpack`
    is the major release that it is for, None where it is not for a Jetson."""

    backend: str
    archs: tuple[str, ...]
    platform: str
    index: str
    message: str
    source: str
    checked: str
    confidence: Confidence
    jetpack: int | None = None


@dataclass(frozen=True, kw_only=True)
class AmdTarget:
    """An AMD target: `version` is KFD's `gfx_target_version`, `integrated` None where not known."""

    gfx: str
    version: int
    name: str | None
    integrated: bool | None
