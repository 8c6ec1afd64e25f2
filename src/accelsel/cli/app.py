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
    backend: Annotated[
        str | None, typer.Argument(metavar="[BACKEND]", help="Why it was, or was not, chosen.")
    ] = None,
    *,
    output: Output,
    flags: Flags,
) -> int:
    """Explain the selection, or why BACKEND was not chosen."""
    from accelsel.cli.select import why

    _forms(output)
    return why(output, flags, backend)


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
    "schema": (_schema, False),
}
RULES: dict[str, tuple[Command, bool]] = {
    "show": (_rules_show, False),
    "check": (_rules_check, False),
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
        app.add_typer(_group(RULES, "Show and check the rules table."), name="rules")
    return app
