"""Which extra or group of a project with several backends is this host's."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from accelsel.cli.uv import Call, parse
from accelsel.cli.uv_pinned import Branch, Pinned, directory, normal, pinned_project, table
from accelsel.model.errors import NO_BUILD, AccelselError
from accelsel.model.value import replace

if TYPE_CHECKING:
    from accelsel.knowledge.tables import Tables
    from accelsel.model.selection import Selection

# With these the caller has said that nothing of the project itself is to be installed.
NAMED = ("--only-group", "--only-dev", "--no-project")
KINDS = ("extra", "group")


def backend_arguments(call: Call, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What this host adds to a project command of uv; () where it has nothing to say.

    Raises AccelselError (4) where none of the project's backends serves this host.
    """
    if call.has(*NAMED) or _installs_nothing(call, environ):
        return ()
    pinned = pinned_project(call, environ)
    if pinned is None or _named(call, pinned, environ) or _script(call, environ):
        return ()
    if call.command == ("tree",) and pinned.shape == "extra":
        return ()  # it shows all extras, and has no switch for one
    off = _groups_off(call, environ) if pinned.shape == "group" else ()
    return (*_switches(pinned, choose(pinned, call, environ), off), *_added_to(call, pinned))


def sync_arguments(path: Path, environ: Mapping[str, str]) -> tuple[str, ...]:
    """What `uv sync` of a project that has just been pinned is to be told; as `backend_arguments`,
    but for a project pinned for one backend, which is that one on whatever host."""
    if path.suffix == ".py":
        return ()
    call = parse(["sync", "--project", str(path.resolve().parent)])
    pinned = pinned_project(call, environ)
    if pinned is not None and len(pinned.branches) == 1:
        return _switches(pinned, pinned.branches[0])
    return backend_arguments(call, environ)


def _switches(pinned: Pinned, chosen: Branch, off: tuple[str, ...] = ()) -> tuple[str, ...]:
    """The words that choose a branch; the groups `off` are switched off beside it."""
    if pinned.shape == "extra":
        return ("--extra", chosen.name)
    others = (branch.name for branch in pinned.branches if branch.name != chosen.name)
    words = [word for name in (*others, *off) for word in ("--no-group", name)]
    return (*words, "--group", chosen.name)


def _added_to(call: Call, pinned: Pinned) -> tuple[str, ...]:
    """The extra or group that `add` adds to, which uv installs then, unless it excludes a
    backend."""
    if call.command != ("add",):
        return ()
    groups = (*call.values("--group")[-1:], *(("dev",) if call.has("--dev") else ()))
    places = [("extra", name) for name in call.values("--optional")[-1:]]
    places += [("group", name) for name in groups]
    mine = pinned.places
    apart = mine | _rivals(pinned, mine)
    words = ((f"--{key}", name) for key, name in places if (key, normal(name)) not in apart)
    return tuple(word for pair in words for word in pair)


def _groups_off(call: Call, environ: Mapping[str, str]) -> tuple[str, ...]:
    """The groups that the variable switches off: uv reads it where no `--no-group` is given."""
    if call.has("--no-group") or call.command[0] in ("add", "remove"):
        return ()
    return tuple(environ.get("UV_NO_GROUP", "").split())


def _installs_nothing(call: Call, environ: Mapping[str, str]) -> bool:
    def said(option: str) -> bool:
        value = environ.get(f"UV_{option[2:].upper().replace('-', '_')}")
        return call.has(option) or _is_true(value)

    if call.command == ("run",):
        return said("--no-sync") or said("--no-project")
    if call.command[0] in ("add", "remove", "version"):
        return said("--no-sync") or said("--frozen")
    return call.command == ("check",) and said("--no-sync")


def _is_true(value: str | None) -> bool:
    if not value:
        return False
    from accelsel.apply.hazards import true_flag

    return true_flag(value)


def default_instead(call: Call, environ: Mapping[str, str]) -> str | None:
    """What to say where `version` or `check`, which sync on their own, install the default group of
    a project and this host's is another one; None otherwise."""
    changed = call.target or call.has("--bump")
    if call.command == ("version",) and (not changed or call.has("--dry-run")):
        return None
    if call.has(*NAMED, "--isolated", "--script") or _installs_nothing(call, environ):
        return None
    try:
        pinned = pinned_project(call, environ)
        if pinned is None or pinned.shape != "group" or _named(call, pinned, environ):
            return None
        chosen = choose(pinned, call, environ).name
    except AccelselError:
        return None  # uv goes on as it would without us
    groups = table(pinned.data, "tool", "uv").get("default-groups")
    names = [normal(str(name)) for name in groups] if isinstance(groups, list) else []
    default = next((b.name for b in pinned.branches if normal(b.name) in names), chosen)
    if default == chosen:
        return None
    return (
        f"`uv {call.command[0]}` installs the default group {default}, and this host's is {chosen}:"
        " add --no-sync, or run `accelsel uv sync` after it"
    )


def _named(call: Call, pinned: Pinned, environ: Mapping[str, str]) -> bool:
    """Whether the caller chose a backend, also one of the project's own, or speaks of another
    package of the workspace."""
    own = normal(str(table(pinned.data, "project").get("name", "")))
    packages = {normal(name) for name in call.values("--package")}
    if call.command == ("tree",):
        packages = set()  # what it shows of the project's tree
    if packages and own not in packages:
        return True
    if call.command[0] in ("add", "remove"):  # there they say where the requirement goes
        return False
    mine = pinned.places
    theirs = mine | _rivals(pinned, mine)

    def asked(option: str) -> set[tuple[str, str]]:
        return {(kind, normal(n)) for kind in KINDS for n in call.values(option + kind)}

    every = {one for one in theirs if call.has(f"--all-{one[0]}s")}
    off = asked("--no-") | {("group", normal(name)) for name in _groups_off(call, environ)}
    return bool(every or asked("--") & theirs or off & mine)


def _rivals(pinned: Pinned, mine: set[tuple[str, str]]) -> set[tuple[str, str]]:
    """What excludes one of `mine`, by the sets of conflicts of the project."""
    found: set[tuple[str, str]] = set()
    sets = table(pinned.data, "tool", "uv").get("conflicts")
    for one in sets if isinstance(sets, list) else ():
        members = {
            (kind, normal(str(entry[kind])))
            for entry in (one if isinstance(one, list) else ())
            if isinstance(entry, dict)
            for kind in KINDS
            if kind in entry
        }
        if members & mine:
            found |= members
    return found


def _script(call: Call, environ: Mapping[str, str]) -> bool:
    """Whether uv works on a script with its own metadata, which is no part of the project. Of one
    that is not here to be read, uv says itself that groups and extras mean nothing to it."""
    target = call.target
    if call.command != ("run",):
        return call.has("--script")
    if target is None or call.has("-m", "--module"):
        return False
    named = call.has("-s", "--script", "--gui-script") or target.endswith((".py", ".pyw"))
    try:
        if target == "-":
            data = _waiting()
        elif named and not target.startswith(("http://", "https://")):
            data = (directory(call, environ) / target).read_bytes()
        else:
            return False
    except OSError:
        return False
    return any(line.rstrip() == b"# /// script" for line in data.splitlines())


def _waiting() -> bytes:
    """The beginning of a file that is standard input, which still begins there for uv."""
    import os

    if not hasattr(os, "pread"):
        return b""
    return os.pread(0, 1 << 20, os.lseek(0, 0, os.SEEK_CUR))  # OSError for a pipe


def choose(pinned: Pinned, call: Call, environ: Mapping[str, str]) -> Branch:
    """The branch of this host: the selection among the builds that the project holds."""
    from accelsel.cli import steps
    from accelsel.cli.options import Flags
    from accelsel.cli.uv_pip import host_profile, refuse, request_of
    from accelsel.ports.config import read
    from accelsel.rules.choice import decide, select

    where = f"{pinned.root / 'pyproject.toml'}: [tool.accelsel]"
    config = steps.merged(read(pinned.settings, where), steps.user_config())
    tables = steps.tables_for(config)
    flags = call.flags or Flags()
    profile = host_profile(environ, flags.profile)
    request = request_of(call, environ, config, profile, root=pinned.root)
    required = table(pinned.data, "project").get("requires-python")
    if request.python is None and isinstance(required, str):
        request = replace(request, requires_python=required)
    if flags.strict or config.strict:
        refuse(select(profile, request, tables), Flags(strict=True), config)
    held = _locked(pinned, tables)
    decision = decide(profile, request, _with(tables, held))
    for candidate in decision.candidates:
        build = candidate.row.build
        if held.get(build.backend) == build.torch:
            return _branch(pinned, build.backend)
        if candidate.row.backend.kind == "default":
            # The default index serves this platform in every branch; their sources are for others.
            return _branch(pinned, "cpu" if "cpu" in held else pinned.branches[0].backend)
    if request.fallback == "cpu" and "cpu" in held:
        return _branch(pinned, "cpu")
    asked = (request.backend, request.asked_by) if request.backend else None
    raise _none(pinned, select(profile, request, tables), asked)


def _branch(pinned: Pinned, backend: str) -> Branch:
    return next(branch for branch in pinned.branches if branch.backend == backend)


def _with(tables: "Tables", held: Mapping[str, str | None]) -> "Tables":
    """The table with the builds that this project holds as published: they were locked."""
    return replace(
        tables,
        builds=tuple(
            replace(build, published=True) if held.get(build.backend) == build.torch else build
            for build in tables.builds
        ),
    )


def _locked(pinned: Pinned, tables: "Tables") -> dict[str, str | None]:
    """The torch of each backend: as locked, else as pinned."""
    held = {branch.backend: branch.torch for branch in pinned.branches}
    path = pinned.root / "uv.lock"
    if not path.is_file():
        from accelsel.apply.lock import lock_path

        path = lock_path(pinned.root / "pyproject.toml")  # at the root of a workspace
    if not path.is_file():
        return held
    from accelsel.ports.locked import read

    versions = {
        backend.name: backend for backend in tables.backends.values() if backend.name in held
    }
    try:
        lock = read(path.read_text(encoding="utf-8"), str(path), lambda name: name == "torch")
    except (OSError, UnicodeDecodeError, AccelselError):
        return held
    for package in lock.packages:
        release, _, local = package.version.partition("+")
        for name, backend in versions.items():
            urls = [tables.indexes[i].url for i in backend.indexes.values() if i in tables.indexes]
            if local == name or (package.index or "").rstrip("/") in [u.rstrip("/") for u in urls]:
                held[name] = release
    return held


def _none(pinned: Pinned, best: "Selection", asked: tuple[str, str] | None = None) -> AccelselError:
    """None of the branches runs here: what this host wants instead, or why nothing does. Where a
    backend was `asked` for (by its name, and by what), none but that was looked at."""
    from accelsel.rules.recorded import command

    held = [branch.backend for branch in pinned.branches]
    names, where = ", ".join(held), str(pinned.root / "pyproject.toml")
    what = f"none of this project's backends ({names}) serves this host"
    if len(held) == 1:
        what = f"the backend of this project ({names}) does not serve this host"
    if best.torch is not None:
        why = f"it wants {best.backend} (torch {best.torch.version})"
        record = table(pinned.data, "tool", "accelsel", "pin")
        path = None if Path.cwd().is_relative_to(pinned.root) else where
        how = command(record, f"{best.backend}", path=path) + " --lock"
    else:
        why = next((reason.message for reason in best.reasons), "no build serves it")
        how = f"accelsel why {asked[0]}" if asked else "accelsel why"
    if asked:
        what, where = f"{asked[0]} was asked for", asked[1]
        if asked[0] not in held:
            why = f"this project has {names}"
    return AccelselError(
        NO_BUILD,
        "no-backend",
        f"{what}: {why}",
        where=where,
        help=f"`{how}`, or take one all the same: --{pinned.shape} {held[0]}",
    )
