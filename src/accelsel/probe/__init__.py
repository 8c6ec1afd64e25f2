"""Read-only effects: what can be seen of this host, and what could not be seen."""

from accelsel.probe.detect import probe

__all__ = ["probe"]
