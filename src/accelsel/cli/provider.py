"""Wheel-variant providers: entries that an installer loads (`plugin-api`), and a static file.

`accelsel.cli.provider:nvidia`, `:amd` and `:intel` each answer for one namespace. Importing this
costs nothing; the host is looked at when an installer asks, once for all three.
"""

from functools import cache
from typing import TYPE_CHECKING

from accelsel.cli import present
from accelsel.model.value import dataclass

if TYPE_CHECKING:
    from accelsel.cli.options import Flags
    from accelsel.rules.variants import Features


@dataclass(frozen=True, kw_only=True)
class Config:
    """A feature as installers take it."""

    name: str
    values: list[str]
    multi_value: bool


class Provider:
    """The provider of one namespace."""

    all_properties_compatible = False

    def __init__(self, namespace: str) -> None:
        self.namespace = namespace

    def get_all_configs(self) -> list[Config]:
        """Every property that a wheel may carry."""
        from accelsel.cli.steps import tables_for, user_config
        from accelsel.rules.variants import known

        return _configs(known(tables_for(user_config())), self.namespace)

    def get_supported_configs(self) -> list[Config]:
        """The properties of this host, in order of preference; none where the vendor is absent."""
        return _configs(_supported(), self.namespace)


def _configs(features: "Features", namespace: str) -> list[Config]:
    return [
        Config(name=each.name, values=list(each.values), multi_value=each.multi_value)
        for each in features.get(namespace, ())
    ]


@cache
def _supported() -> "Features":
    import os

    from accelsel.cli.steps import tables_for, user_config
    from accelsel.cli.uv_pip import host_profile
    from accelsel.rules.variants import supported

    return supported(host_profile(os.environ), tables_for(user_config()))


nvidia = Provider("nvidia")
amd = Provider("amd")
intel = Provider("intel")


def properties(flags: "Flags") -> int:
    """Print the properties of this host, or of the profile that was named, as the static document;
    what was asked for narrows them to the GPUs that are to be served."""
    from accelsel.cli import steps
    from accelsel.ports.variants import static
    from accelsel.rules.variants import supported

    config = steps.settings(steps.project_here())
    request = steps.request_for(flags, config)
    present.document(static(supported(steps.profile_for(flags), steps.tables_for(config), request)))
    return 0
