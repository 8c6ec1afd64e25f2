"""The entry points. What need not wait for the command-line library does not."""

import gc
import os
import sys
from collections.abc import Sequence

COMMON = {"-v": 0, "-vv": 0, "-q": 0, "--verbose": 0, "--quiet": 0, "--offline": 0}
COMMON_WITH_VALUE = {"--format", "--color"}


def main() -> None:
    """Be `accelsel` with the process's arguments; the exit code is the contract's."""
    _be(sys.argv[1:])


def uv_main() -> None:
    """Be `accelsel uv` under the name `uv-accelsel`."""
    _be(["uv", *sys.argv[1:]])


def _be(argv: Sequence[str]) -> None:
    """Run one command and end the process, without what pays off in longer lives only: looking for
    cycles of garbage, and taking the interpreter apart at the end, a sixth of the whole time."""
    gc.disable()
    code = run(argv)
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105  what contextlib imports takes longer than this command may
            stream.flush()
        except (OSError, ValueError):
            pass
    os._exit(code)


def run(argv: Sequence[str]) -> int:
    """Run one command; every outcome is an exit code, every error one clear line."""
    _open_streams()
    argv = list(argv) if argv[:1] == ["uv"] else _hoisted(argv)
    try:
        return _dispatch(argv)
    except KeyboardInterrupt:
        return 130
    except BrokenPipeError:
        _silence_stdout()
        return 0
    except Exception as error:  # noqa: BLE001  the edge: whatever is left becomes one line
        from accelsel.cli.present import failed, is_unwritable

        if is_unwritable(error):
            _silence_stdout()
        return failed(error, as_json=_wants_json(argv))


def _open_streams() -> None:
    """A stream that the caller has closed is the null device, so that no file that is opened later
    takes its number."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: PTH123, SIM115


def _dispatch(argv: Sequence[str]) -> int:
    if argv in (["--version"], ["-V"]):
        from accelsel import __version__

        print(f"accelsel {__version__}", flush=True)
        return 0
    if argv and argv[0] == "uv":
        from accelsel.cli import uv

        return uv.run(argv[1:])
    code = _plain(argv)
    if code is not None:
        return code
    from accelsel.cli.app import invoke

    return invoke(argv)


def _plain(argv: Sequence[str]) -> int | None:
    """Run a command whose line is plainly right; None for help and for anything to be told."""
    from accelsel.cli.commands import COMMANDS, GROUPS
    from accelsel.cli.line import read
    from accelsel.cli.options import execute

    group = GROUPS.get(argv[0]) if argv else None
    known, words = (group[1], argv[1:]) if group else (COMMANDS, argv)
    command = known.get(words[0]) if words else None
    values = read(words[1:], command) if command else None
    return execute(command, values) if command and values is not None else None


def _hoisted(argv: Sequence[str]) -> list[str]:
    """`argv` with common flags that stand before the command moved behind it."""
    early: list[str] = []
    rest = list(argv)
    while rest:
        name = rest[0].split("=", 1)[0]
        if name in COMMON:
            early.append(rest.pop(0))
        elif name in COMMON_WITH_VALUE:
            take = 1 if "=" in rest[0] else 2
            early.extend(rest[:take])
            del rest[:take]
        else:
            break
    command = 2 if early and _is_group(rest[0] if rest else "") else 1
    return rest[:command] + early + rest[command:]


def _is_group(name: str) -> bool:
    from accelsel.cli.commands import GROUPS

    return name in GROUPS


def _wants_json(argv: Sequence[str]) -> bool:
    pairs = zip(argv, [*argv[1:], ""], strict=True)
    return any(a == "--format=json" or (a == "--format" and b == "json") for a, b in pairs)


def _silence_stdout() -> None:
    """The reader has gone: nothing more can be written, not even by the interpreter's exit."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
