"""The flags that commands share, as data, and the values that they are gathered into."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from accelsel.cli.present import Colour, Output
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.request import Channel
from accelsel.model.value import dataclass

# text: the last one given counts; many: all do; count: how often it was given
Kind = Literal["text", "many", "switch", "count"]


class Flag(NamedTuple):
    """One option of a command: `names` as typed, `dest` as the command's function names it."""

    dest: str
    names: tuple[str, ...]
    help: str
    metavar: str | None = None
    kind: Kind = "text"
    default: str | None = None

    @property
    def unset(self) -> Any:
        """The value where the flag is not given."""
        return {"text": self.default, "many": (), "switch": False, "count": 0}[self.kind]


class Argument(NamedTuple):
    """What a command takes without a flag: one word, or `many`."""

    dest: str
    metavar: str
    help: str
    many: bool = False
    required: bool = False


class Command(NamedTuple):
    """One command; `run` takes `output`, where the command `selects` also `flags`, its own flags
    and its argument by name, and `offline` where it `connects` without selecting."""

    run: Callable[..., int]
    help: str
    own: tuple[Flag, ...] = ()
    argument: Argument | None = None
    selects: bool = False
    connects: bool = False

    @property
    def flags(self) -> tuple[Flag, ...]:
        """All its flags, in the order of its help text."""
        return (*self.own, *(REQUEST if self.selects else ()), *COMMON)


COMMON = (
    Flag("format", ("--format",), "text or json.", "FORM", default="text"),
    Flag("verbose", ("-v", "--verbose"), "Say more; twice: say all.", kind="count"),
    Flag("quiet", ("-q", "--quiet"), "Say errors only.", kind="switch"),
    Flag("color", ("--color",), "auto, always or never.", "WHEN", default="auto"),
    Flag("offline", ("--offline",), "Use no network.", kind="switch"),
)
REQUEST = (
    Flag("profile", ("--profile",), "A saved profile; - for standard input.", "FILE"),
    Flag("torch", ("--torch",), "Version specifiers for torch.", "SPEC"),
    Flag("python", ("--python",), "Target Python: 3.12, 3.14t.", "VERSION"),
    Flag("platform", ("--platform",), "Target platform, such as linux-x86_64.", "NAME"),
    Flag("channel", ("--channel",), "stable, test or nightly.", "NAME"),
    Flag("companions", ("--with",), "Another package that must work with it.", "NAME", "many"),
    Flag("backend", ("--backend",), "Take this backend.", "NAME"),
    Flag("force", ("--force",), "Take --backend even where it cannot run.", kind="switch"),
    Flag("gpu", ("--gpu",), "GPUs to serve: all, any or indexes.", "WHICH"),
    Flag("fallback", ("--fallback",), "Allow the CPU build as the way out.", "cpu"),
    Flag("strict", ("--strict",), "Contradicting probes are an error (5).", kind="switch"),
)


@dataclass(frozen=True, kw_only=True)
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


def execute(command: Command, values: dict[str, Any]) -> int:
    """Run `command` with a value for each of its flags and its argument; the exit code."""
    common = {flag.dest: values.pop(flag.dest) for flag in COMMON}
    offline = common.pop("offline")
    output = _output(**common)
    if command.connects:
        values["offline"] = offline
    if command.selects:
        request = {flag.dest: values.pop(flag.dest) for flag in REQUEST}
        values["flags"] = asked(**request, offline=offline)
    return command.run(output=output, **values)


def asked(**request: Any) -> Flags:
    """The request flags; a value that one of them does not have is an error."""
    one_of("--channel", request["channel"], (None, "stable", "test", "nightly"))
    one_of("--fallback", request["fallback"], (None, "cpu"))
    return Flags(**request)


def _output(*, format: str, verbose: int, quiet: bool, color: Colour) -> Output:
    one_of("--color", color, ("auto", "always", "never"))
    return Output(format=format, verbose=verbose, quiet=quiet, color=color)


def one_of(flag: str, value: str | None, allowed: tuple[str | None, ...]) -> None:
    """Refuse a value that the flag does not have."""
    if value not in allowed:
        names = ", ".join(name for name in allowed if name)
        raise AccelselError(
            USAGE, "usage", f"{flag} {value!r} is not known", help=f"one of {names}"
        )
