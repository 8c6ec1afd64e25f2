"""What was chosen, for which reasons, and what was not."""

from collections.abc import Mapping
from typing import Literal

from accelsel.model.request import Channel
from accelsel.model.table import Confidence, Index
from accelsel.model.value import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Torch:
    """`version` is the newest published release that satisfies everything (no local part);
    `specifier` the range over which the choice stays right; `extras` as in AMD's wheels."""

    version: str
    specifier: str
    extras: tuple[str, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Package:
    """Another package that goes with the choice, and what has to be written for it.

    `kind`: `companion` (torch family, same index), `triton`, `runtime` (a name that torch of that
    index requires and that must be routed), `extension` (compiled against torch), `vendor`.
    `index` None leaves the package on the default index. `constrain` is True where `specifier` must
    be written because the package's own metadata does not enforce it. `platforms` () means those
    of torch. `match_runtime` wires the build to the project's torch. `everywhere` is True where the
    default index cannot serve the name at all, so that its source holds on every platform, not only
    on torch's. `override` is True where `specifier` must replace what every package requires of the
    name: on `platforms` it is required so, on `elsewhere` in any version, and on no other platform.
    `marker` stands in the place of `platforms` where an override needs a condition of its own.
    `pythons` are the Pythons for which it has files where the project allows others too, so that
    it may be required on them and on `platforms` alone; () for any. `of_torch` is True where the
    selected torch itself requires the name, so that what is built beside torch needs it too.
    """

    name: str
    specifier: str
    index: str | None
    kind: Literal["companion", "triton", "runtime", "extension", "vendor"]
    why: str
    constrain: bool = False
    platforms: tuple[str, ...] = ()
    extras: tuple[str, ...] = ()
    match_runtime: bool = False
    build_requires: tuple[str, ...] = ()
    build_variables: Mapping[str, str] = field(default_factory=dict)
    metadata_version: str | None = None  # of the [[tool.uv.dependency-metadata]] entry
    requires_dist: tuple[str, ...] | None = None  # None: no entry is written
    everywhere: bool = False
    override: bool = False
    elsewhere: tuple[str, ...] = ()
    marker: str | None = None
    pythons: tuple[str, ...] = ()
    of_torch: bool = False


@dataclass(frozen=True, kw_only=True)
class Reason:
    rule: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Rejection:
    backend: str
    torch: str | None  # None: the backend as a whole
    rule: str
    message: str


@dataclass(frozen=True, kw_only=True)
class Warning_:  # noqa: N801  the builtin of this name is another thing
    code: str
    message: str
    hint: str | None = None


@dataclass(frozen=True, kw_only=True)
class LeftOut:
    """An extra or group of the project that cannot be installed together with the choice: every
    release of its `packages` that the project allows requires a torch outside of the range."""

    kind: Literal["extra", "group"]
    name: str
    packages: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class RulesVersion:
    version: str
    checked: str


@dataclass(frozen=True, kw_only=True)
class Selection:
    """The selection document, and beside it what `plan` needs: `platforms`, the ones that have this
    torch and backend; `indexes`, those named by `packages` beside torch's; `excludes`, names masked
    so that one distribution owns an import package; `rows`, identifiers of the table rows used;
    `confined` says that no other platform has a torch within the bounds asked for, so that a lock
    for all of them would fail; `triton` is the requirement on the distribution of that name that
    torch of `torch.version` has, or torch for CUDA of the same release where this one has none;
    `left_out` are the extras and groups that exclude the choice by what they require; `since` is
    the first Python that the range has wheels for, where the project allows older ones and the
    default index has a torch for these."""

    outcome: Literal["selected", "none"]
    backend: str | None
    channel: Channel
    torch: Torch | None
    python: str | None
    platform: str | None
    index: Index | None
    packages: tuple[Package, ...]
    environment: Mapping[str, str]
    serves: tuple[int, ...]
    leaves_out: tuple[int, ...]
    confidence: Confidence | None
    reasons: tuple[Reason, ...]
    rejected: tuple[Rejection, ...]
    warnings: tuple[Warning_, ...]
    rules: RulesVersion
    platforms: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    excludes: tuple[str, ...] = ()
    rows: tuple[str, ...] = ()
    confined: bool = False
    triton: str | None = None
    left_out: tuple[LeftOut, ...] = ()
    since: str | None = None
