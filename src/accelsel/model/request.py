"""What is asked for."""

from typing import Literal

from accelsel.model.value import dataclass

Channel = Literal["stable", "test", "nightly"]


@dataclass(frozen=True, kw_only=True)
class Part:
    """What a part of a project asks for that is installed on request: it is served where a build
    can, and stands in no build's way.

    `place` names the part, such as `extra gpu`. `torch` is a specifier set of its own on torch,
    `companions` are requirement strings that hold together with it. `joined` says that the part can
    be installed along with all others, so that its bound holds with theirs as far as a build can.
    `also` names the other parts that ask for the very same.
    """

    place: str
    also: tuple[str, ...] = ()
    torch: str = ""
    companions: tuple[str, ...] = ()
    joined: bool = False


@dataclass(frozen=True, kw_only=True)
class Request:
    """A request for a build; every field has the contract's default.

    `torch` is a PEP 440 specifier set ("" allows all); `python` a version such as `3.12` or
    `3.14t`, None for the newest that `requires_python` and the builds allow, else the profile's;
    `companions` are PEP 508 requirement strings of other packages that must work with the choice;
    `gpus` is `all`, `any` or comma-separated indexes; `asked_by` is what named the backend;
    `nightlies` are the backends of which the project names the nightly index itself.
    """

    torch: str = ""
    python: str | None = None
    requires_python: str | None = None
    platform: str | None = None
    channel: Channel = "stable"
    companions: tuple[str, ...] = ()
    backend: str | None = None
    asked_by: str = "--backend"
    force: bool = False
    gpus: str = "all"
    fallback: Literal["cpu"] | None = None
    prebuilt: tuple[str, ...] = ()
    allow_arch_override: bool = False
    parts: tuple[Part, ...] = ()
    nightlies: tuple[str, ...] = ()
    vendors: tuple[str, ...] = ()  # order of preference; () for discrete first, then the table's
