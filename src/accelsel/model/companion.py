"""The packages around torch: rows of the companions table, and what the rule answers with.

Specifiers are PEP 440; "" admits everything. `source`, `checked` and `confidence` are as in
`accelsel.model.table`.
"""

from collections.abc import Mapping
from typing import Literal

from accelsel.model.selection import Package, Warning_
from accelsel.model.table import Confidence, Index
from accelsel.model.value import dataclass, field

Kind = Literal["companion", "triton", "runtime", "extension", "vendor"]
Cause = Literal[
    "version", "platform", "backend", "torch", "python", "arch", "prebuilt", "source", "clash"
]


@dataclass(frozen=True, kw_only=True)
class Distribution:
    """A distribution that has to match torch, or has a place of its own to come from.

    `releases` are the versions that the table knows, oldest first; () where nothing depends on the
    version. `imports` are the top-level packages that it installs. `triton` is True where its
    metadata asks for the distribution `triton` by name. `prerelease` is True where every release is
    a pre-release, so that a bound has to name one. `place` says where a `direct` requirement comes
    from when the name on the default index is another project's. `later` are the distributions that
    its later releases were published as.
    """

    name: str
    kind: Kind
    releases: tuple[str, ...] = ()
    imports: tuple[str, ...] = ()
    triton: bool = False
    prerelease: bool = False
    place: str | None = None
    later: tuple[str, ...] = ()
    advice: str | None = None
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Offer:
    """Some releases of a distribution, in one place, for some builds of torch.

    `versions` are the releases; `torch` the torch releases with which they both resolve and work.
    `declared` is what their metadata asks of torch (None: nothing at all); `enforced` is True where
    that alone keeps a resolver from taking them beside another torch.
    `backends` are names (`cu126`), kinds (`cuda`), or kinds with a major (`cuda13`); () is all.
    `platforms` and `pythons` () are those of torch. `archs` and `ptx` are as in a Build; None
    where the code is not tied to a GPU or not known. `index` is `torch` (the index of the build),
    `default` (no source is written), `direct` (a URL or repository in the requirement itself), or
    the id of an IndexTemplate. `local` is the local version to pin where the page mixes builds.
    `asked` rows count only where the requirements, on the package or on torch, rule out every
    other. `published` False: the releases are known from elsewhere, and nobody has seen them on
    `index`. `extras` are those that the requirement should name. `brings` are names in its metadata
    that have to be routed with it; one that ends in `=` is pinned by that metadata, so that only
    its place is written.
    `match_runtime`, `build_requires`, `build_variables`: what its build needs; `requires_dist` is
    the metadata to write where uv cannot read it without building (`metadata_version` None: for
    every version). `everywhere` is True where the default index has no usable release at all.
    """

    name: str
    versions: str
    torch: str = ""
    index: str = "default"
    declared: str | None = None
    enforced: bool = False
    backends: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    pythons: tuple[str, ...] = ()
    archs: tuple[str, ...] | None = None
    ptx: tuple[str, ...] = ()
    local: str | None = None
    asked: bool = False
    published: bool = True
    extras: tuple[str, ...] = ()
    brings: tuple[str, ...] = ()
    match_runtime: bool = False
    build_requires: tuple[str, ...] = ()
    build_variables: Mapping[str, str] = field(default_factory=dict)
    requires_dist: tuple[str, ...] | None = None
    metadata_version: str | None = None
    everywhere: bool = False
    why: str
    warning: str | None = None
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class IndexTemplate:
    """An index whose name and URL follow the choice.

    `{backend}` (`cu126`), `{page}` (the same, `cpu` where the backend has no label), `{torch}`
    (2.12.1), `{minor}` (2.12), `{digits}` (212) and `{version}` (the package's) are filled in.
    `prebuilt` is the name under which it has to be chosen, None where it is the home of what it
    serves.
    """

    id: str
    name: str
    url: str
    format: Literal["simple", "flat"] = "simple"
    prebuilt: str | None = None
    hashes: bool
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Clash:
    """Distributions that install the same files. `cure` bounds one of them so that they do not;
    without one, exactly one of the names may be there."""

    names: tuple[str, ...]
    path: str
    cure: Mapping[str, str] = field(default_factory=dict)
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class TritonName:
    """The distribution that holds `triton/` for builds of a kind. `until` is the last date of a
    nightly (YYYYMMDD) or the last torch release for which the name holds; None: to this day.
    `minor` is the last torch minor of such nightlies, for one that names no date."""

    kind: Literal["cuda", "rocm", "xpu"]
    channel: Literal["release", "nightly"]
    name: str
    until: str | None = None
    minor: str | None = None
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class RuntimeName:
    """A name that a build of a backend needs from the backend's index beside torch.

    `name` and `specifier` may hold `{gfx}`, `{family}` and `{torchvision}`. `per` says whether it
    is once for the build, once for each GPU architecture, or once for each that has a `family`.
    """

    backend: str
    name: str
    specifier: str
    per: Literal["build", "arch", "family"] = "build"
    platforms: tuple[str, ...] = ()
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Symptom:
    """A text that a wrong pairing, or a wrong host, prints. `pattern` is a regular expression.

    `name` is the distribution whose fault it is, None where the text or the environment says it;
    with `installed` the row holds only where it is there. `whose` is the cause as in a finding.
    `fix` are commands by where they hold: `container`, `wsl`, an ID of os-release, a system, `any`;
    `{python}` stands for the Python (3.12), `{torch}` and `{minor}` for torch's release (2.9.1,
    2.9), `{cuda}`, `{major}` and `{toolkit}` for its CUDA (12.6, 12, 12-6), `{add}` and `{remove}`
    for uv's commands, `{engine}` for the container's. Without a command the named package is
    renewed. `kin` are findings that state the same without a message.
    """

    pattern: str
    name: str | None
    cause: str
    cure: str
    source: str
    checked: str
    confidence: Confidence
    installed: bool = False
    whose: Literal["torch", "companion", "host", "python", "project"] = "companion"
    fix: Mapping[str, str] = field(default_factory=dict)
    kin: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CudaFile:
    """A library of CUDA: `pattern` is its name without `lib` and number, `package` the distribution
    that holds it, without the CUDA major. `counts` says what the number in its name is: `cuda` the
    toolkit's major, `release` the library's own, `apart` one that nothing else tells."""

    pattern: str
    package: str
    counts: Literal["cuda", "release", "apart"]
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Want:
    """A program that is not built against torch and loads a library of CUDA beside torch's:
    `number` is the one in that library's name, `extras` those that bring it."""

    name: str
    versions: str
    package: str
    number: int
    source: str
    checked: str
    confidence: Confidence
    extras: str | None = None


@dataclass(frozen=True, kw_only=True)
class KernelLimit:
    """GPUs for which installed releases have no, or no right code, by their makers' words.

    `below` is the lowest capability served (`sm_80`), `lacks` are architectures that are not;
    `platforms` () is all. `part` names what does not work where it is not the whole. `since` is a
    specifier of releases that serve them, None where none does. `direct` is the requirement to take
    where the name on the default index is another project's.
    """

    name: str
    versions: str
    severity: Literal["error", "warning", "note"]
    below: str | None = None
    lacks: tuple[str, ...] = ()
    platforms: tuple[str, ...] = ()
    part: str | None = None
    since: str | None = None
    direct: str | None = None
    cure: str
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Mislabel:
    """Wheels whose label is wrong: releases `versions` for the torch minor `torch` use the C++ ABI
    `abi` (True: the new one), whatever their name says. `good` is a specifier of right ones."""

    name: str
    versions: str
    torch: str
    abi: bool
    good: str
    source: str
    checked: str
    confidence: Confidence


@dataclass(frozen=True, kw_only=True)
class Faults:
    """What is known to be wrong in published releases. Read by the doctor alone."""

    limits: tuple[KernelLimit, ...] = ()
    mislabels: tuple[Mislabel, ...] = ()
    files: tuple[CudaFile, ...] = ()
    wants: tuple[Want, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CompanionTable:
    """All rows, read only when a request names companions. Offers stand in order of preference."""

    checked: str
    distributions: Mapping[str, Distribution]
    offers: Mapping[str, tuple[Offer, ...]]
    indexes: Mapping[str, IndexTemplate]
    clashes: tuple[Clash, ...]
    tritons: tuple[TritonName, ...]
    runtime: tuple[RuntimeName, ...]
    families: Mapping[str, str]  # gfx id -> family package suffix


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """Why a requirement cannot be met beside a build. `nearest` is the specifier of the torch
    releases closest to the build's for which it can, None where another torch does not help.
    `beside` are other requirements without any of which it could be met."""

    name: str
    requirement: str
    cause: Cause
    message: str
    nearest: str | None = None
    beside: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class CompanionAnswer:
    """What goes with one build for the named requirements.

    `torch` is the range over which these very rows hold. `unknown` are the names that are not in
    the table and left alone; `trusted` those that come from an index of wheels that the user chose.
    `doubts` say which of them nobody has seen where they would come from. `pythons` are those for
    which all have a file, None where that is no question; `scarce` names who has not got more. The
    build serves the request if `refusals` is empty.
    """

    packages: tuple[Package, ...] = ()
    indexes: tuple[Index, ...] = ()
    excludes: tuple[str, ...] = ()
    torch: str = ""
    refusals: tuple[Refusal, ...] = ()
    unknown: tuple[str, ...] = ()
    trusted: tuple[str, ...] = ()
    doubts: tuple[str, ...] = ()
    pythons: tuple[str, ...] | None = None
    scarce: str = ""
    warnings: tuple[Warning_, ...] = ()
    rows: tuple[str, ...] = ()
    confidence: Confidence = "verified"
