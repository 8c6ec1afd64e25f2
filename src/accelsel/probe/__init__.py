"""Read-only effects: what can be seen of this host, and what could not be seen."""

from accelsel.probe.detect import probe
from accelsel.verb import callable_room

__all__ = ["probe"]

callable_room(__name__, probe)
