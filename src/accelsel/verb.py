"""Two rooms carry the names of two verbs: `accelsel.probe` is a package and a function.

Python sets a package on its parent once it is imported, whatever stood there before; so the package
itself answers the call.
"""

import sys
from collections.abc import Callable
from types import ModuleType
from typing import Any


def callable_room(name: str, verb: Callable[..., Any]) -> None:
    """From now on calling the package `name` calls `verb`."""

    class Room(ModuleType):
        __call__ = staticmethod(verb)

    sys.modules[name].__class__ = Room
