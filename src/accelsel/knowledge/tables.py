"""The table as `rules` reads it."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from accelsel.model.table import (
    ArchException,
    ArchOverride,
    Backend,
    Build,
    Device,
    DriverBranch,
    DriverFloor,
    Index,
    Release,
    Unestablished,
)
from accelsel.model.value import dataclass, field

if TYPE_CHECKING:
    from accelsel.model.companion import CompanionTable


@dataclass(frozen=True, kw_only=True)
class Tables:
    """All that `select` needs, in one value. `checked` is the newest date of any row.

    `intel` maps a PCI id (`8086:56a0`) to the device, because Intel support goes by id where it is
    known. `sources` maps the identifiers in a row's `source` to their text. `companions` gives the
    table of the packages around torch, which is read only when it is called.
    """

    version: str
    checked: str
    indexes: Mapping[str, Index]
    backends: Mapping[str, Backend]
    builds: tuple[Build, ...]
    floors: tuple[DriverFloor, ...]
    branches: tuple[DriverBranch, ...]
    exceptions: tuple[ArchException, ...]
    overrides: tuple[ArchOverride, ...]
    unestablished: tuple[Unestablished, ...]
    releases: Mapping[str, Release] = field(default_factory=dict)
    intel: Mapping[str, Device] = field(default_factory=dict)
    sources: Mapping[str, str] = field(default_factory=dict)
    companions: "Callable[[], CompanionTable] | None" = None
