"""Settings: `[tool.accelsel]` in a project, or the user's own `config.toml`."""

from typing import Literal

from accelsel.model.value import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Config:
    """Every key of the settings; None or () where it is not set.

    Keys are written in kebab case. `mirror` maps a URL prefix to the one written instead, `vendors`
    is an order of preference between vendors in one host, `companions` (`with`) are requirement
    strings of packages that must work with the choice.
    """

    backend: str | None = None
    torch: str | None = None
    python: str | None = None
    platform: str | None = None
    channel: Literal["stable", "test", "nightly"] | None = None
    gpu: str | None = None
    fallback: Literal["cpu"] | None = None
    strict: bool | None = None
    offline: bool | None = None
    allow_arch_override: bool | None = None
    companions: tuple[str, ...] = ()
    prebuilt: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()
    mirror: dict[str, str] = field(default_factory=dict)
    rules: str | None = None
