"""The right PyTorch build for a machine, written into a uv project and kept there.

Five verbs on five values::

    profile = accelsel.probe()
    selection = accelsel.select(profile)
    plan = accelsel.plan(selection, text)
    text = accelsel.render(text, plan)
    accelsel.apply({"pyproject.toml": text}, root)
"""

TYPE_CHECKING = False  # typing itself would double the cost of `accelsel --version`
if TYPE_CHECKING:
    from accelsel.api import plan, render, select
    from accelsel.apply.texts import apply
    from accelsel.model.errors import AccelselError
    from accelsel.model.request import Request
    from accelsel.probe.detect import probe

__version__ = "0.1.0"
__all__ = [
    "AccelselError",
    "Request",
    "__version__",
    "apply",
    "plan",
    "probe",
    "render",
    "select",
]

_HOMES = {
    "AccelselError": "accelsel.model.errors",
    "Request": "accelsel.model.request",
    "apply": "accelsel.apply.texts",
    "plan": "accelsel.api",
    "probe": "accelsel.probe.detect",
    "render": "accelsel.api",
    "select": "accelsel.api",
}


def __getattr__(name: str) -> object:
    """The verbs, loaded when they are first asked for: importing accelsel costs nothing."""
    if name not in _HOMES:
        raise AttributeError(f"module 'accelsel' has no attribute {name!r}")
    from importlib import import_module

    return getattr(import_module(_HOMES[name]), name)
