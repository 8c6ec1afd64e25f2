"""Writing effects: project files, uv, and the package index."""

from accelsel.apply.texts import apply
from accelsel.verb import callable_room

__all__ = ["apply"]

callable_room(__name__, apply)
