"""The right PyTorch build for a machine, written into a uv project and kept there.

Five verbs on five values::

    profile = accelsel.probe()
    selection = accelsel.select(profile)
    plan = accelsel.plan(selection, text)
    text = accelsel.render(text, plan)
    accelsel.apply({"pyproject.toml": text}, root)
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from accelsel.api import apply, plan, probe, render, select
    from accelsel.model.request import Request

__version__ = "0.1.0"
__all__ = ["Request", "__version__", "apply", "plan", "probe", "render", "select"]


def __getattr__(name: str) -> Any:
    """The verbs, loaded when they are first asked for: importing accelsel costs nothing."""
    if name == "Request":
        from accelsel.model.request import Request

        return Request
    if name in __all__:
        from accelsel import api

        return getattr(api, name)
    raise AttributeError(f"module 'accelsel' has no attribute {name!r}")
