"""The commands as the command-line library knows them."""

from collections.abc import Sequence
from typing import Annotated

import typer

from accelsel.cli.options import Command, Flags, command, one_of
from accelsel.cli.present import Output
from accelsel.model.errors import USAGE, AccelselError

ROOT_HELP = "The right PyTorch build for this machine, written into your uv project and kept there."


def _root(
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False,
) -> None:
    if version:
        from accelsel import __version__
        from accelsel.cli.present import write

        write(f"accelsel {__version__}")
        raise typer.Exit


def invoke(argv: Sequence[str]) -> int:
    """Run the command that `argv` names; usage errors become `AccelselError`."""
    from typer._click import exceptions

    try:
        app = _app(argv[0] if argv else None)
        code = app(args=list(argv) or ["--help"], prog_name="accelsel", standalone_mode=False)
    except exceptions.UsageError as error:
        context = error.ctx.command_path if error.ctx else "accelsel"
        message = error.format_message()
        raise AccelselError(
            USAGE, "usage", message[:1].lower() + message[1:].rstrip("."), help=f"{context} --help"
        ) from None
    except typer.Abort:
        raise KeyboardInterrupt from None
    return code if isinstance(code, int) else 0


def _detect(
    *,
    output: Output,
    record: Annotated[
        str | None, typer.Option("--record", metavar="DIR", help="Also write what was read.")
    ] = None,
    replay: Annotated[
        str | None, typer.Option("--replay", metavar="DIR", help="Read that instead of the host.")
    ] = None,
) -> int:
    """Probe this host and print its profile."""
    from accelsel.cli.detect import detect

    _forms(output)
    return detect(output, record=record, replay=replay)


def _select(*, output: Output, flags: Flags) -> int:
    """Choose the build for this host and the request."""
    from accelsel.cli.select import select

    _forms(output)
    return select(output, flags)


def _why(
    about: Annotated[
        str | None, typer.Argument(metavar="[BACKEND]", help="Why it was, or was not, chosen.")
    ] = None,
    *,
    output: Output,
    flags: Flags,
) -> int:
    """Explain the selection, or why BACKEND was not chosen."""
    from accelsel.cli.select import why

    _forms(output)
    return why(output, flags, about)


Paths = Annotated[
    list[str] | None, typer.Argument(metavar="[PATH]...", help="Default: the project around here.")
]
Write = Annotated[bool, typer.Option("--write", help="Write the file.")]
Diff = Annotated[bool, typer.Option("--diff", help="Print the diff also beside other flags.")]


def _pin(
    paths: Paths = None,
    *,
    output: Output,
    flags: Flags,
    write: Write = False,
    check: Annotated[bool, typer.Option("--check", help="Exit 1 if not as recorded.")] = False,
    diff: Diff = False,
    backends: Annotated[
        str | None, typer.Option("--backends", metavar="A,B,...", help="Several in one project.")
    ] = None,
    shape: Annotated[
        str | None, typer.Option("--as", metavar="groups|extras", help="How to hold several.")
    ] = None,
    mirror: Annotated[
        list[str] | None,
        typer.Option("--mirror", metavar="FROM=TO", help="Replace an index's URL prefix."),
    ] = None,
    lock: Annotated[bool, typer.Option("--lock", help="Then run uv lock.")] = False,
    sync: Annotated[bool, typer.Option("--sync", help="Then run uv lock and uv sync.")] = False,
    prebuilt: Annotated[
        list[str] | None,
        typer.Option("--prebuilt", metavar="NAME", help="Use this index of prebuilt wheels."),
    ] = None,
) -> int:
    """Write the choice into a project: sources, index and bounds. Prints the diff only."""
    from accelsel.cli.pin import PinFlags, pin

    _forms(output, "github")
    one_of("--as", shape, (None, "groups", "extras"))
    how = PinFlags(
        write=write,
        check=check,
        diff=diff,
        backends=tuple(name for name in (backends or "").split(",") if name),
        shape=shape,
        mirrors=tuple(mirror or ()),
        lock=lock,
        sync=sync,
        prebuilt=tuple(prebuilt or ()),
    )
    return pin(output, flags, how, paths or ())


def _unpin(paths: Paths = None, *, output: Output, write: Write = False, diff: Diff = False) -> int:
    """Take out of a project what pin put there. Prints the diff only."""
    from accelsel.cli.pin import unpin

    _forms(output)
    return unpin(output, paths or (), write_it=write, diff=diff)


def _env(*, output: Output, flags: Flags) -> int:
    """Print this host's selection as variables: sh, fish, powershell, dotenv, github, docker."""
    from accelsel.cli.env import env

    _forms(output, "sh", "fish", "powershell", "dotenv", "github", "docker", "variants")
    if output.format == "variants":
        from accelsel.cli.provider import properties

        return properties(flags)
    return env(output, flags)


def _doctor(
    path: Annotated[
        str | None, typer.Argument(metavar="[PATH]", help="Default: the project around here.")
    ] = None,
    *,
    output: Output,
    python: Annotated[
        str | None,
        typer.Option("--python", metavar="PATH", help="The environment or its interpreter."),
    ] = None,
    profile: Annotated[
        str | None, typer.Option("--profile", metavar="FILE", help="A saved profile.")
    ] = None,
    replay: Annotated[
        str | None, typer.Option("--replay", metavar="DIR", help="A recorded host.")
    ] = None,
    fix: Annotated[bool, typer.Option("--fix", help="Cure what accelsel itself wrote.")] = False,
    report: Annotated[
        bool, typer.Option("--report", help="Print a block for an issue, private data out.")
    ] = False,
    error: Annotated[
        str | None, typer.Option("--error", metavar="TEXT", help="The message that was seen.")
    ] = None,
) -> int:
    """Check an environment, a lock file and a host against each other."""
    from accelsel.cli.doctor import DoctorFlags, doctor

    _forms(output, "github", "sarif")
    flags = DoctorFlags(
        path=path,
        python=python,
        profile=profile,
        replay=replay,
        fix=fix,
        report=report,
        error=error,
    )
    return doctor(output, flags)


def _uv(
    arguments: Annotated[
        list[str] | None, typer.Argument(metavar="ARGS...", help="As uv takes them.")
    ] = None,
    *,
    output: Output,
) -> int:
    """Run the real uv with this host's selection applied."""
    from accelsel.cli.uv import run

    del output  # uv answers in its own way
    return run(arguments or [])


def _rules_show(*, output: Output) -> int:
    """Print the rules, the backends and the builds of the table."""
    from accelsel.cli.rules import show

    _forms(output)
    return show(output)


def _rules_check(*, output: Output) -> int:
    """Validate the table and the rows that ACCELSEL_RULES adds."""
    from accelsel.cli.rules import check

    _forms(output)
    return check(output)


def _rules_refresh(
    *,
    output: Output,
    offline: bool,
    mirror: Annotated[
        list[str] | None,
        typer.Option("--mirror", metavar="FROM=TO", help="Replace an index's URL prefix."),
    ] = None,
) -> int:
    """Read PyTorch's indexes, and keep what they add to the table in the user's cache."""
    from accelsel.cli.refresh import refresh

    _forms(output)
    return refresh(output, mirrors=tuple(mirror or ()), offline=offline)


def _schema(
    name: Annotated[str, typer.Argument(metavar="NAME", help="profile, selection, plan, ...")],
    *,
    output: Output,
) -> int:
    """Print the JSON Schema of a document."""
    from accelsel.cli.rules import schema

    _forms(output)
    return schema(name)


def _forms(output: Output, *more: str) -> None:
    one_of("--format", output.format, ("text", "json", *more))


# name: the function, and whether it takes the request flags
COMMANDS: dict[str, tuple[Command, bool]] = {
    "detect": (_detect, False),
    "select": (_select, True),
    "why": (_why, True),
    "pin": (_pin, True),
    "unpin": (_unpin, False),
    "uv": (_uv, False),
    "env": (_env, True),
    "doctor": (_doctor, False),
    "schema": (_schema, False),
}
RULES: dict[str, tuple[Command, bool]] = {
    "show": (_rules_show, False),
    "check": (_rules_check, False),
    "refresh": (_rules_refresh, False),
}


def _group(commands: dict[str, tuple[Command, bool]], help: str) -> typer.Typer:
    group = typer.Typer(
        help=help,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        no_args_is_help=True,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, (function, selects) in commands.items():
        group.command(name)(command(function, selects=selects))
    return group


def _app(only: str | None) -> typer.Typer:
    """The application; with `only` that command alone is declared, which starts faster."""
    chosen = {only: COMMANDS[only]} if only in COMMANDS else COMMANDS
    app = _group(chosen, ROOT_HELP)
    app.callback()(_root)
    if only not in COMMANDS:
        app.add_typer(_group(RULES, "Show, check and refresh the rules table."), name="rules")
    return app
