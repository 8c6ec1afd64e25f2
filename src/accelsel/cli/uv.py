"""`accelsel uv ARGS...`: the real uv, with this host's selection applied.

What needs no selection becomes uv at once; only commands that install torch look at the host.
"""

import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from accelsel.model.value import dataclass, replace

if TYPE_CHECKING:
    from accelsel.cli.options import Flags

PROJECT = ("sync", "run", "export", "tree", "add", "remove")
SYNCING = (("version",), ("check",))  # on their own, with what the project installs by default
PIP = (
    ("pip", "install"),
    ("pip", "sync"),
    ("pip", "compile"),
    ("tool", "install"),
    ("tool", "run"),
    ("tool", "uvx"),
)
NESTED = ("pip", "tool")
# Options of uv 0.9 to 0.13 that take a value, so that the words behind them are no positionals
# (`uv help` of each command named here).
TAKE_VALUE = frozenset({
    "--allow-insecure-host", "--trusted-host", "--annotation-style", "--bounds", "--branch",
    "--build-constraints", "--build-constraint", "--bump", "--cache-dir", "--cert",
    "--color", "--config-file", "--config-setting", "--config-settings",
    "--config-settings-package",
    "--constraints", "--constraint", "--custom-compile-command", "--default-index", "--depth",
    "--directory", "--editable", "--env-file", "--exclude-newer", "--exclude-newer-package",
    "--excludes", "--extra", "--extra-index-url", "--find-links", "--fork-strategy", "--format",
    "--from", "--group", "--index", "--index-strategy", "--index-url", "--keyring-provider",
    "--link-mode", "--marker", "--no-binary", "--no-binary-package",
    "--no-build-isolation-package", "--no-build-package", "--no-editable-package",
    "--no-emit-package", "--no-extra", "--no-group", "--no-install-package",
    "--no-sources-package", "--only-binary", "--only-group", "--optional", "--output-file",
    "--output-format", "--overrides", "--override", "--package", "--preview-features",
    "--prefix", "--prerelease", "--prerelease-package", "--project", "--prune", "--python",
    "--python-fetch", "--python-platform", "--python-preference", "--python-version",
    "--refresh-package", "--reinstall-package", "--requirements", "--resolution", "--rev",
    "--tag", "--target", "--torch-backend", "--upgrade-group", "--upgrade-package", "--with",
    "--with-editable", "--with-executables-from", "--with-requirements", "-C", "-P", "-b", "-c",
    "-d", "-e", "-f", "-i", "-o", "-p", "-r", "-t", "-w",
})  # fmt: skip
# Of these all but `uv pip` make switches.
PIP_ALONE = ("--editable", "-e", "--no-binary")
# Behind these the first positional ends uv's own options.
RUNS = (("run",), ("tool", "run"), ("tool", "uvx"))
# The process that was accelsel and is, or runs, what was found as uv; how often it was so before.
BECAME = "ACCELSEL_BECAME_UV"
NESTED_AT_MOST = 8
PATIENCE_S = 0.5
QUIET = ("-q", "--quiet", "-qq")


@dataclass(frozen=True, kw_only=True)
class Call:
    """A command line of uv, as far as it matters here.

    `at` is the place behind the command's words; `options` are (name, value) of the whole line, a
    value None where the option has none; `words` are those behind the command that are none, up to
    what uv would run, and `target` is the last of them. `flags` are the request flags of accelsel
    itself, None where none was given.
    """

    argv: tuple[str, ...]
    command: tuple[str, ...]
    at: int
    options: tuple[tuple[str, str | None], ...]
    words: tuple[str, ...] = ()
    flags: "Flags | None" = None

    @property
    def target(self) -> str | None:
        return self.words[-1] if self.words else None

    def has(self, *names: str) -> bool:
        return any(name in names for name, _ in self.options)

    def values(self, *names: str) -> tuple[str, ...]:
        return tuple(value for name, value in self.options if name in names and value is not None)

    def with_arguments(self, arguments: Sequence[str]) -> list[str]:
        """The line with `arguments` right behind the command."""
        return [*self.argv[: self.at], *arguments, *self.argv[self.at :]]


def parse(argv: Sequence[str]) -> Call:
    """What uv would take from its command line; unknown options are taken to have no value."""
    options: list[tuple[str, str | None]] = []
    command: list[str] = []
    words: list[str] = []
    at, index = len(argv), 0
    while index < len(argv):
        word = argv[index]
        index += 1
        if word == "--":
            words += argv[index : index + 1] if tuple(command) in RUNS else argv[index:]
            break
        if word.startswith("-") and word != "-":
            name, value, taken = _option(word, argv[index:], command)
            options.append((name, value))
            index += taken
        elif not command or (command == [command[0]] and command[0] in NESTED):
            command.append(word)
            at = index
        else:
            words.append(word)
            if tuple(command) in RUNS:
                break
    return Call(
        argv=tuple(argv), command=tuple(command), at=at, options=tuple(options), words=tuple(words)
    )


def _option(word: str, rest: Sequence[str], command: Sequence[str]) -> tuple[str, str | None, int]:
    """Name and value of an option of `command`, and how many further words it takes."""
    if word.startswith("--"):
        name, equals, value = word.partition("=")
        if equals:
            return name, value, 0
        takes = _takes_value(name, command)
    else:
        name, value = word[:2], word[2:].removeprefix("=")
        takes = _takes_value(name, command)
        if value and takes:
            return name, value, 0
        if value:  # several short switches at once, the last of which may take a value
            last = f"-{word[-1]}"
            takes = _takes_value(last, command)
            name = last if takes else word
    if takes and rest:
        return name, rest[0], 1
    return name, None, 0


def _takes_value(name: str, command: Sequence[str]) -> bool:
    return name in TAKE_VALUE and (name not in PIP_ALONE or command[:1] == ["pip"])


def request_flags(argv: Sequence[str]) -> "tuple[Flags | None, Sequence[str]]":
    """The request flags of accelsel before uv's command, where uv knows none of them, and the line
    without them."""
    if not argv or not argv[0].startswith("-"):
        return None, argv
    from accelsel.cli.line import read
    from accelsel.cli.options import REQUEST, Command, asked
    from accelsel.model.errors import USAGE, AccelselError

    known = {name: flag for flag in REQUEST for name in flag.names}
    mine: list[str] = []
    theirs: list[str] = []
    index = 0
    while index < len(argv) and argv[index].startswith("-") and argv[index] != "--":
        name, equals, _ = argv[index].partition("=")
        if name in known:
            words, taken = mine, int(known[name].kind != "switch" and not equals)
        else:
            words, taken = theirs, _option(argv[index], argv[index + 1 :], ())[2]
        words += argv[index : index + 1 + taken]
        index += 1 + taken
    if not mine:
        return None, argv
    values = read(mine, Command(run, "", own=REQUEST))
    if values is None:
        raise AccelselError(
            USAGE, "usage", f"{' '.join(mine)}: a flag lacks its value", help="accelsel pin --help"
        )
    return asked(**{flag.dest: values[flag.dest] for flag in REQUEST}), [*theirs, *argv[index:]]


def run(argv: Sequence[str]) -> int:
    """Become uv with `argv`; returns only where uv runs as a child (Windows, `add`, `remove`)."""
    from accelsel.apply.uv import locate

    environ = dict(os.environ)
    flags, argv = request_flags(argv)
    call = replace(parse(argv), flags=flags)
    uv = locate(environ)
    _refuse_circle(uv, environ)
    if call.has("--help", "-h", "--version", "-V"):
        return become(uv, argv, environ)
    if call.command[:1] and call.command[0] in PROJECT and len(call.command) == 1:
        from accelsel.cli.uv_project import backend_arguments

        arguments = backend_arguments(call, environ)
        if flags and not arguments:
            _without_effect(call)
        if arguments and call.command[0] in ("add", "remove"):
            return _edit_then_sync(uv, call, arguments, environ)
        return become(uv, call.with_arguments(arguments), environ)
    if call.command in PIP:
        from accelsel.cli.uv_pip import applied

        argv, environ = applied(call, environ)
    elif flags:
        _without_effect(call)
    if call.command in SYNCING:
        from accelsel.cli.uv_project import default_instead

        warning = default_instead(call, environ)
        if warning and not call.has(*QUIET):
            print(f"warning: {warning}", file=sys.stderr)
    return become(uv, argv, environ)


def _refuse_circle(uv: str, environ: dict[str, str]) -> None:
    """An error where the uv that was found is a script that calls accelsel, which would find it
    again: each is this process or its parent, time after time."""
    before, _, times = environ.get(BECAME, "").partition(".")
    again = before in (str(os.getpid()), str(os.getppid()))
    count = int(times) + 1 if again and times.isdecimal() else 0
    if count > NESTED_AT_MOST:
        from accelsel.model.errors import UV, AccelselError

        raise AccelselError(
            UV, "uv-is-accelsel", "the uv that was found calls accelsel again and again", where=uv,
            help="let the variable UV name the real uv",
        )  # fmt: skip
    environ[BECAME] = f"{os.getpid()}.{count}"


def _without_effect(call: Call) -> None:
    """Say that what was asked for changes nothing: no silence where somebody wants something."""
    if not call.has(*QUIET):
        command = " ".join(("uv", *call.command))
        print(f"warning: `{command}` here is as without the request flags", file=sys.stderr)


def become(uv: str, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Replace this process by uv; where a system cannot, run it as a child with this console."""
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "nt":
        return child(uv, argv, environ)
    import signal

    # An interpreter ignores these two; what it becomes must not inherit that.
    for name in ("SIGPIPE", "SIGXFSZ"):
        signal.signal(getattr(signal, name), signal.SIG_DFL)
    return os.execve(uv, [uv, *argv], dict(environ))  # noqa: S606  becoming uv is the point


def child(uv: str, argv: Sequence[str], environ: Mapping[str, str]) -> int:
    """Run uv with this console and give its exit code; one that a signal ended ends this one too.

    A terminal sends Ctrl-C to both, and this process waits for what uv makes of it. An interrupt
    that was sent to this one alone is passed on.
    """
    import signal
    import subprocess

    def end(number: int, _: object) -> None:
        process.send_signal(number)

    def interrupt(number: int, _: object) -> None:
        _soon(lambda: process.send_signal(number))

    hangup = getattr(signal, "SIGHUP", signal.SIGTERM)
    taken = {signal.SIGINT: interrupt, signal.SIGTERM: end, hangup: end}
    before = {
        number: signal.signal(number, handler)
        for number, handler in taken.items()
        if signal.getsignal(number) != signal.SIG_IGN  # as under nohup, and so for uv
    }
    try:
        process = subprocess.Popen([uv, *argv], env=dict(environ))
        code = process.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
        if os.name != "nt":  # else it would outlive this program in the process
            signal.setitimer(signal.ITIMER_REAL, 0)
    if code >= 0:
        return code
    signal.signal(-code, signal.SIG_DFL)
    os.kill(os.getpid(), -code)
    return 128 - code  # as a shell tells it, where the signal is not delivered at once


def _soon(action: Callable[[], None]) -> None:
    """Do it when uv has had the time to end by itself; on Windows a console's processes all have
    the interrupt."""
    if os.name != "nt":
        import signal

        signal.signal(signal.SIGALRM, lambda *_: action())
        signal.setitimer(signal.ITIMER_REAL, PATIENCE_S)


# What `add` and `remove` share with `sync` and what says where and how it installs; what says how
# to lock has had its effect.
CARRIED = frozenset({
    "--active", "--allow-insecure-host", "--cache-dir", "--color", "--compile-bytecode",
    "--config-file", "--config-setting", "--config-settings", "--config-settings-package",
    "--default-index", "--directory", "--extra-index-url", "--find-links", "--index",
    "--index-strategy", "--index-url", "--keyring-provider", "--link-mode", "--managed-python",
    "--native-tls", "--no-binary", "--no-binary-package", "--no-build", "--no-build-isolation",
    "--no-build-isolation-package", "--no-build-package", "--no-cache", "--no-config",
    "--no-index", "--no-install-local", "--no-install-package", "--no-install-project",
    "--no-install-workspace", "--no-managed-python", "--no-progress", "--no-python-downloads",
    "--no-sources", "--no-sources-package", "--offline", "--package", "--project", "--python",
    "--quiet", "--refresh", "--refresh-package", "--reinstall", "--reinstall-package",
    "--system-certs", "--verbose", "-C", "-f", "-i", "-n", "-p", "-q", "-v",
})  # fmt: skip


def _edit_then_sync(
    uv: str, call: Call, arguments: Sequence[str], environ: Mapping[str, str]
) -> int:
    """`add` and `remove` have no switch for the groups that they install: edit and lock with uv,
    then become `uv sync` of that lock with this host's. As uv's own, `add` leaves in the
    environment what it did not install."""
    code = child(uv, call.with_arguments(["--no-sync"]), environ)
    if code:
        return code
    carried = [
        word
        for name, value in call.options
        if name in CARRIED
        for word in ((name,) if value is None else (name, value))
    ]
    kept = ["--inexact"] if call.command == ("add",) else []
    free = {name: value for name, value in environ.items() if name != "UV_LOCKED"}
    return become(uv, ["sync", "--frozen", *kept, *carried, *arguments], free)
