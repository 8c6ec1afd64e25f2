"""The table as `rules` reads it."""

from collections.abc import Mapping
from dataclasses import dataclass

from accelsel.model.table import (
    ArchException,
    ArchOverride,
    Backend,
    Build,
    DriverBranch,
    DriverFloor,
    Index,
    Unestablished,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """All that `select` needs, in one value. `checked` is the newest date of any row."""

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
