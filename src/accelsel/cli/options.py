"""The flags that commands share, declared once and gathered into values."""

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, get_type_hints

import typer

from accelsel.cli.present import Colour, Output
from accelsel.model.request import Channel

Command = Callable[..., int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Flags:
    """The request flags as given; None or () where a flag was not given."""

    profile: str | None = None
    torch: str | None = None
    python: str | None = None
    platform: str | None = None
    channel: Channel | None = None
    companions: tuple[str, ...] = ()
    backend: str | None = None
    force: bool = False
    gpu: str | None = None
    fallback: str | None = None
    strict: bool = False
    offline: bool = False

    @property
    def given(self) -> bool:
        """Whether the caller asked for anything in particular."""
        return self != Flags(offline=self.offline, strict=self.strict)


def _common(
    format: Annotated[str, typer.Option("--format", help="text or json.", metavar="FORM")] = "text",
    verbose: Annotated[
        int, typer.Option("-v", "--verbose", count=True, help="Say more; twice: say all.")
    ] = 0,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Say errors only.")] = False,
    color: Annotated[
        str, typer.Option("--color", help="auto, always or never.", metavar="WHEN")
    ] = "auto",
    offline: Annotated[bool, typer.Option("--offline", help="Use no network.")] = False,
) -> None:
    """Template: the flags of every command."""


def _request(
    profile: Annotated[
        str | None,
        typer.Option("--profile", metavar="FILE", help="A saved profile; - for standard input."),
    ] = None,
    torch: Annotated[
        str | None, typer.Option("--torch", metavar="SPEC", help="Version specifiers for torch.")
    ] = None,
    python: Annotated[
        str | None, typer.Option("--python", metavar="VERSION", help="Target Python: 3.12, 3.14t.")
    ] = None,
    platform: Annotated[
        str | None,
        typer.Option("--platform", metavar="NAME", help="Target platform, such as linux-x86_64."),
    ] = None,
    channel: Annotated[
        str | None, typer.Option("--channel", metavar="NAME", help="stable, test or nightly.")
    ] = None,
    companions: Annotated[
        list[str] | None,
        typer.Option("--with", metavar="NAME", help="Another package that must work with it."),
    ] = None,
    backend: Annotated[
        str | None, typer.Option("--backend", metavar="NAME", help="Take this backend.")
    ] = None,
    force: Annotated[
        bool, typer.Option("--force", help="Take --backend even where it cannot run.")
    ] = False,
    gpu: Annotated[
        str | None,
        typer.Option("--gpu", metavar="WHICH", help="GPUs to serve: all, any or indexes."),
    ] = None,
    fallback: Annotated[
        str | None,
        typer.Option("--fallback", metavar="cpu", help="Allow the CPU build as the way out."),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Contradicting probes are an error (5).")
    ] = False,
) -> None:
    """Template: the flags of every command that selects."""


def _parameters(template: Callable[..., None]) -> list[inspect.Parameter]:
    hints = get_type_hints(template, include_extras=True)
    parameters = inspect.signature(template).parameters.values()
    return [p.replace(annotation=hints[p.name], kind=p.KEYWORD_ONLY) for p in parameters]


def _take(values: dict[str, Any], template: Callable[..., None]) -> dict[str, Any]:
    return {name: values.pop(name) for name in inspect.signature(template).parameters}


def command(function: Command, *, selects: bool) -> Command:
    """`function` as the command-line library wants it: it takes `output`, with `selects` also
    `flags`, `offline` where it names that, and its own parameters beside them; the shared flags are
    declared for it."""
    templates: list[Callable[..., None]] = [_request, _common] if selects else [_common]
    hints = get_type_hints(function, include_extras=True)
    own = [
        p.replace(annotation=hints[p.name])
        for p in inspect.signature(function).parameters.values()
        if p.name not in ("output", "flags", "offline")
    ]

    def run(**values: Any) -> int:
        common = _take(values, _common)
        offline = common.pop("offline")
        output = _output(**common)
        if "offline" in hints:
            values["offline"] = offline
        if not selects:
            return function(output=output, **values)
        request = _take(values, _request)
        request["companions"] = tuple(request["companions"] or ())
        one_of("--channel", request["channel"], (None, "stable", "test", "nightly"))
        one_of("--fallback", request["fallback"], (None, "cpu"))
        return function(output=output, flags=Flags(**request, offline=offline), **values)

    shared = [p for template in templates for p in _parameters(template)]
    parameters = [*own, *shared]
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    run.__doc__ = function.__doc__
    run.__name__ = function.__name__
    return run


def _output(*, format: str, verbose: int, quiet: bool, color: Colour) -> Output:
    one_of("--color", color, ("auto", "always", "never"))
    return Output(format=format, verbose=verbose, quiet=quiet, color=color)


def one_of(flag: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    """Refuse a value that the flag does not have."""
    from accelsel.model.errors import USAGE, AccelselError

    if value not in allowed:
        names = ", ".join(name for name in allowed if name)
        raise AccelselError(
            USAGE, "usage", f"{flag} {value!r} is not known", help=f"one of {names}"
        )
