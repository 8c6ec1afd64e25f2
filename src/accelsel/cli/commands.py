"""The commands: of each its flags as data, and the function that runs it."""

from typing import Any

from accelsel.cli.options import REQUEST, Argument, Command, Flag, Flags, asked, one_of
from accelsel.cli.present import Output

PATHS = Argument("paths", "PATH", "Default: the project around here.", many=True)
WRITE = Flag("write", ("--write",), "Write the file.", kind="switch")
DIFF = Flag("diff", ("--diff",), "Print the diff also beside other flags.", kind="switch")
MIRROR = Flag("mirrors", ("--mirror",), "Replace an index's URL prefix.", "FROM=TO", "many")


def _forms(output: Output, *more: str) -> None:
    one_of("--format", output.format, ("text", "json", *more))


def _detect(*, output: Output, record: str | None, replay: str | None) -> int:
    from accelsel.cli.detect import detect

    _forms(output)
    return detect(output, record=record, replay=replay)


def _select(*, output: Output, flags: Flags) -> int:
    from accelsel.cli.select import select

    _forms(output)
    return select(output, flags)


def _why(*, output: Output, flags: Flags, about: str | None) -> int:
    from accelsel.cli.select import why

    _forms(output)
    return why(output, flags, about)


def _pin(*, output: Output, flags: Flags, paths: tuple[str, ...], **how: Any) -> int:
    _forms(output, "github")
    one_of("--as", how["shape"], (None, "groups", "extras"))
    asked = {name for name, value in how.items() if value}
    if asked == {"check"} and not flags.given:  # needs neither the planner nor the rules
        from accelsel.cli.check import check

        return check(paths, output)
    from accelsel.cli.pin import PinFlags, pin

    named = tuple(name for name in (how.pop("backends") or "").split(",") if name)
    return pin(output, flags, PinFlags(**how, backends=named), paths)


def _unpin(*, output: Output, paths: tuple[str, ...], write: bool, diff: bool) -> int:
    from accelsel.cli.pin import unpin

    _forms(output)
    return unpin(output, paths, write_it=write, diff=diff)


def _env(*, output: Output, flags: Flags) -> int:
    _forms(output, "sh", "fish", "powershell", "dotenv", "github", "docker", "variants")
    if output.format == "variants":
        from accelsel.cli.provider import properties

        return properties(flags)
    from accelsel.cli.env import env

    return env(output, flags)


def _doctor(*, output: Output, **values: Any) -> int:
    from accelsel.cli.doctor import DoctorFlags, doctor

    _forms(output, "github", "sarif")
    return doctor(output, DoctorFlags(**values))


def _uv(*, output: Output, arguments: tuple[str, ...]) -> int:
    from accelsel.cli.uv import run

    del output  # uv answers in its own way
    return run(arguments)


def _rules_show(*, output: Output) -> int:
    from accelsel.cli.rules import show

    _forms(output)
    return show(output)


def _rules_check(*, output: Output) -> int:
    from accelsel.cli.rules import check

    _forms(output)
    return check(output)


def _rules_refresh(*, output: Output, offline: bool, mirrors: tuple[str, ...]) -> int:
    from accelsel.cli.refresh import refresh

    _forms(output)
    return refresh(output, mirrors=mirrors, offline=offline)


def _fleet_probe(*, output: Output) -> int:
    from accelsel.cli.fleet import probe

    _forms(output)
    return probe()


def _fleet_merge(*, output: Output, paths: tuple[str, ...]) -> int:
    from accelsel.cli.fleet import merge

    _forms(output)
    return merge(output, paths)


def _fleet_select(*, output: Output, paths: tuple[str, ...], **request: Any) -> int:
    from accelsel.cli.fleet import select

    _forms(output)
    return select(output, asked(**request), paths)


def _schema(*, output: Output, name: str) -> int:
    from accelsel.cli.rules import schema

    _forms(output)
    return schema(name)


COMMANDS = {
    "detect": Command(
        _detect,
        "Probe this host and print its profile.",
        own=(
            Flag("record", ("--record",), "Also write what was read.", "DIR"),
            Flag("replay", ("--replay",), "Read that instead of the host.", "DIR"),
        ),
    ),
    "select": Command(_select, "Choose the build for this host and the request.", selects=True),
    "why": Command(
        _why,
        "Explain the selection, or why BACKEND was not chosen.",
        argument=Argument("about", "BACKEND", "Why it was, or was not, chosen."),
        selects=True,
    ),
    "pin": Command(
        _pin,
        "Write the choice into a project: sources, index and bounds. Prints the diff only.",
        own=(
            WRITE,
            Flag("check", ("--check",), "Exit 1 if not as recorded.", kind="switch"),
            DIFF,
            Flag("backends", ("--backends",), "Several in one project.", "A,B,..."),
            Flag("shape", ("--as",), "How to hold several.", "groups|extras"),
            MIRROR,
            Flag("lock", ("--lock",), "Then run uv lock.", kind="switch"),
            Flag("sync", ("--sync",), "Then run uv lock and uv sync.", kind="switch"),
            Flag("prebuilt", ("--prebuilt",), "Use this index of prebuilt wheels.", "NAME", "many"),
        ),
        argument=PATHS,
        selects=True,
    ),
    "unpin": Command(
        _unpin,
        "Take out of a project what pin put there. Prints the diff only.",
        own=(WRITE, DIFF),
        argument=PATHS,
    ),
    "uv": Command(
        _uv,
        "Run the real uv with this host's selection applied.",
        argument=Argument("arguments", "ARGS", "As uv takes them.", many=True),
    ),
    "env": Command(
        _env,
        "Print this host's selection as variables: sh, fish, powershell, dotenv, github, docker.",
        selects=True,
    ),
    "doctor": Command(
        _doctor,
        "Check an environment, a lock file and a host against each other.",
        own=(
            Flag("python", ("--python",), "The environment or its interpreter.", "PATH"),
            Flag("profile", ("--profile",), "A saved profile.", "FILE"),
            Flag("replay", ("--replay",), "A recorded host.", "DIR"),
            Flag("fix", ("--fix",), "Cure what accelsel itself wrote.", kind="switch"),
            Flag("report", ("--report",), "Print a block for an issue, private data out.",
                 kind="switch"),
            Flag("error", ("--error",), "The message that was seen.", "TEXT"),
        ),
        argument=Argument("path", "PATH", "Default: the project around here."),
    ),
    "schema": Command(
        _schema,
        "Print the JSON Schema of a document.",
        argument=Argument("name", "NAME", "profile, selection, plan, ...", required=True),
    ),
}  # fmt: skip
RULES = {
    "show": Command(_rules_show, "Print the rules, the backends and the builds of the table."),
    "check": Command(_rules_check, "Validate the table and the rows that ACCELSEL_RULES adds."),
    "refresh": Command(
        _rules_refresh,
        "Read PyTorch's indexes, and keep what they add to the table in the user's cache.",
        own=(MIRROR,),
        connects=True,
    ),
}
PROFILES = Argument("paths", "FILE", "Profiles or fleets; - for standard input.", many=True)
FLEET = {
    "probe": Command(_fleet_probe, "Print this host's profile as one line of JSON."),
    "merge": Command(
        _fleet_merge, "Put the profiles of many hosts into one document.", argument=PROFILES
    ),
    "select": Command(
        _fleet_select,
        "Choose the build for all of them, or as few builds as serve them.",
        own=tuple(flag for flag in REQUEST if flag.dest != "profile"),
        argument=PROFILES,
        connects=True,
    ),
}
GROUPS = {
    "rules": ("Show, check and refresh the rules table.", RULES),
    "fleet": ("Choose for many hosts: one build for all, or as few as can be.", FLEET),
}
