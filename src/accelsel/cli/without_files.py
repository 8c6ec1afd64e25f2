"""What a project's lock holds without a file for the machine: masked if it is triton, else told."""

from contextlib import suppress
from pathlib import Path

from accelsel.cli.present import Output
from accelsel.model.selection import Selection
from accelsel.project.read import ProjectView, is_direct


def triton_where_it_has_files(
    selections: tuple[Selection, ...], path: Path, view: ProjectView, python: str | None
) -> tuple[Selection, ...]:
    """The selection with triton required where it has files alone, if the project's lock has it
    elsewhere too because something beside torch asks for it; or had, before an earlier pin. As it
    is where torch of another index, with a triton of its own, serves the other platforms. `python`
    is the Python that the project is known to run on."""
    from accelsel.apply.lock import lock_path, read_lock
    from accelsel.apply.lock_files import lacking, may_be_requested, requested
    from accelsel.project.change import about
    from accelsel.rules.companions_runtime import where_files_are

    where = lock_path(path)
    if len(selections) > 1 or not where.is_file():
        return selections
    with suppress(OSError):
        if not may_be_requested(where.read_bytes(), "triton"):
            return selections
    [selection] = selections
    place, newest = selection.platform, selection.python
    named = {*selection.excludes, *(package.name for package in selection.packages)}
    whole = (selection.backend or "").startswith(("cpu", "cu"))
    if "triton" in named or not (whole and place and newest):
        return selections
    lock = read_lock(where)
    found = requested(lock, "triton")
    written = view.record.written if view.record else ()
    overrides = [str(e.after) for e in written if e.key == "override-dependencies"]
    before = {about(text) for text in overrides if "==" in text.partition(";")[0]}
    lacks = any(one.name == "triton" for one in lacking(lock, place, python, newest))
    if found is None or not (lacks or "triton" in before):
        return selections
    return (where_files_are(selection, found.version, found.places, found.below, found.chain[0]),)


def asks_for_triton(
    selections: tuple[Selection, ...],
    path: Path,
    view: ProjectView,
    wishes: ProjectView,
    *,
    locks: bool,
) -> bool:
    """Whether the project asks for triton beside what torch asks for: by a package of the rules
    table, by one that its lock shows, or before an earlier pin. Unless the pin `locks` it, also
    where its lock does not show all that `wishes` require, as any of it may."""
    from accelsel.apply.lock import lock_path, read_lock
    from accelsel.apply.lock_files import may_be_requested, requested
    from accelsel.project.tritons import divided

    if len(selections) < 2 or not divided(selections):
        return False
    written = view.record.written if view.record else ()
    known = any(one.code == "companion-masked" for s in selections for one in s.warnings)
    before = any("extra ==" in str(e.after) for e in written if e.key == "override-dependencies")
    if known or before:
        return True
    where = lock_path(path)
    if not where.is_file():
        return not locks
    lock = where.read_bytes()
    named = {r.name for r in wishes.requirements if is_direct(r)}
    if not locks and not all(f'\nname = "{name}"\n'.encode() in lock for name in named):
        return True
    return may_be_requested(lock, "triton") and requested(read_lock(where), "triton") is not None


def tell_without_files(
    output: Output, path: Path, selections: tuple[Selection, ...], python: str | None
) -> None:
    """Which locked packages have no file for the machine, but for torch, of which the lock's own
    check tells, and what the selection names itself. `python` as above."""
    from accelsel.apply.lock import lock_path, read_lock
    from accelsel.apply.lock_files import lacking, told

    place, newest = selections[0].platform, selections[0].python
    named = {"torch", *(package.name for package in selections[0].packages if package.override)}
    if len(selections) == 1 and place and newest:
        for one in lacking(read_lock(lock_path(path)), place, python, newest):
            if one.name not in named:
                output.warn("lock-no-file", *told(one, place, python or newest))
