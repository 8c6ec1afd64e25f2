"""The rules table: data files, their JSON Schema, and the loader that gives typed rows."""

from typing import TYPE_CHECKING

from accelsel.knowledge.devices import (
    amd_targets,
    cuda_of_driver,
    cuda_of_l4t,
    devices,
    gfx_of,
    jetpack_of,
    tegra,
)

if TYPE_CHECKING:
    from pathlib import Path

    from accelsel.knowledge.tables import Tables

__all__ = [
    "amd_targets",
    "cuda_of_driver",
    "cuda_of_l4t",
    "devices",
    "gfx_of",
    "jetpack_of",
    "load",
    "tegra",
]


def load(extra: tuple["Path", ...] = ()) -> "Tables":
    """The rules table with the rows of the files and folders `extra` added or put in place.

    Raises `bad-rules` (exit 2) where an extra file is no table document or names what no row has.
    The table without additions is read once.
    """
    from accelsel.knowledge.loader import shipped, tables

    return tables(extra) if extra else shipped()
