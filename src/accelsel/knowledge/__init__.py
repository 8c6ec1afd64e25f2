"""The rules table: data files, their JSON Schema, and the loader that gives typed rows."""

from accelsel.knowledge.devices import amd_targets, devices, gfx_of, jetpack_of, tegra
from accelsel.knowledge.loader import load

__all__ = ["amd_targets", "devices", "gfx_of", "jetpack_of", "load", "tegra"]
