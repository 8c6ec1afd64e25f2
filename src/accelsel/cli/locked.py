"""The packages of torch's family that a project's lock holds, through whatever package."""

from collections.abc import Collection, Sequence
from pathlib import Path

from accelsel.model.selection import Selection
from accelsel.model.value import replace
from accelsel.project.read import ProjectView


def locked_family(path: Path) -> tuple[str, ...]:
    """The packages of torch's family that the project's lock holds, through whatever package."""
    from accelsel.apply.lock import lock_path
    from accelsel.project.read import FAMILY

    try:
        lock = lock_path(path).read_bytes()
    except OSError:
        return ()
    return tuple(name for name in FAMILY if f'\nname = "{name}"\n'.encode() in lock)


def without_left_out(
    selections: tuple[Selection, ...],
    views: Sequence[ProjectView],
    path: Path,
    through: Collection[str],
) -> tuple[Selection, ...]:
    """The selections without those packages of the lock, `through`, that it holds for nothing but
    what is left out: they go with the torch of that."""
    from accelsel.apply.lock import lock_path, read_lock
    from accelsel.apply.lock_reach import reached
    from accelsel.project.requirement import normalize
    from accelsel.project.scopes import rivals_of

    if not through or not any(selection.left_out for selection in selections):
        return selections
    rivals = (one for view in views for one in rivals_of(view, selections, (), together=True))
    apart = {(key, normalize(name)) for key, name in rivals}
    gone = {*through} - reached(read_lock(lock_path(path)), apart)
    return tuple(
        replace(s, packages=tuple(p for p in s.packages if p.name not in gone)) for s in selections
    )
