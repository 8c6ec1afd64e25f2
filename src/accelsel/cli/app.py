"""The commands as the command-line library knows them: for help texts and errors of usage."""

import inspect
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any

import typer

from accelsel.cli.commands import COMMANDS, GROUPS
from accelsel.cli.options import Argument, Command, Flag, execute
from accelsel.model.errors import USAGE, AccelselError

ROOT_HELP = "The right PyTorch build for this machine, written into your uv project and kept there."


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


def _root(
    version: Annotated[bool, typer.Option("--version", "-V", help="Print the version.")] = False,
) -> None:
    if version:
        from accelsel import __version__
        from accelsel.cli.present import write

        write(f"accelsel {__version__}")
        raise typer.Exit


def _app(only: str | None) -> typer.Typer:
    """The application; with `only` that command alone is declared, which starts faster."""
    chosen = {only: COMMANDS[only]} if only in COMMANDS else COMMANDS
    app = _group(chosen, ROOT_HELP)
    app.callback()(_root)
    if only not in COMMANDS:
        for name, (about, commands) in GROUPS.items():
            app.add_typer(_group(commands, about), name=name)
    return app


def _group(commands: Mapping[str, Command], help: str) -> typer.Typer:
    group = typer.Typer(
        help=help,
        add_completion=False,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    for name, command in commands.items():
        group.command(name, help=command.help)(_function(command))
    return group


def _function(command: Command) -> Callable[..., int]:
    """A function with the signature that the library reads the flags of `command` from."""
    parameters = [_option(flag) for flag in command.flags]
    if command.argument:
        parameters.insert(0, _argument(command.argument))

    def run(**values: Any) -> int:
        lists = {name: tuple(v) for name, v in values.items() if isinstance(v, list)}
        unset = {flag.dest: () for flag in command.flags if flag.kind == "many"}
        if command.argument and command.argument.many:
            unset[command.argument.dest] = ()
        empty = {name: unset[name] for name, v in values.items() if v is None and name in unset}
        return execute(command, values | lists | empty)

    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    run.__annotations__ = {p.name: p.annotation for p in parameters}
    return run


TYPES: Mapping[str, Any] = {
    "text": str | None, "many": list[str] | None, "switch": bool, "count": int,
}  # fmt: skip


def _option(flag: Flag) -> inspect.Parameter:
    info = typer.Option(
        *flag.names, help=flag.help, metavar=flag.metavar, count=flag.kind == "count"
    )
    kind = str if flag.default else TYPES[flag.kind]
    default = None if flag.kind == "many" else flag.unset
    return inspect.Parameter(
        flag.dest, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=Annotated[kind, info]
    )


def _argument(argument: Argument) -> inspect.Parameter:
    name = argument.metavar if argument.required else f"[{argument.metavar}]"
    info = typer.Argument(metavar=f"{name}..." if argument.many else name, help=argument.help)
    kind: Any = TYPES["many"] if argument.many else str if argument.required else TYPES["text"]
    default = inspect.Parameter.empty if argument.required else None
    return inspect.Parameter(
        argument.dest, inspect.Parameter.KEYWORD_ONLY, default=default,
        annotation=Annotated[kind, info],
    )  # fmt: skip
