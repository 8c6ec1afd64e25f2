"""What a plan does to the files: shown, written, locked, and put back where the lock fails."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from accelsel.apply.files import ProjectFile
from accelsel.cli.present import Output
from accelsel.model.plan import Plan
from accelsel.model.value import dataclass

if TYPE_CHECKING:
    from accelsel.cli.pin import PinFlags


@dataclass(frozen=True, kw_only=True)
class Change:
    """A file, the plan for it and the text that it will hold."""

    file: ProjectFile
    plan: Plan
    text: str

    @property
    def data(self) -> bytes:
        return self.text.encode()

    @property
    def diff(self) -> str:
        """The unified diff, "" where nothing changes."""
        if self.text == self.file.text:
            return ""
        import difflib

        old, new = (t.splitlines(keepends=True) for t in (self.file.text, self.text))
        name = self.file.path.name
        lines = difflib.unified_diff(old, new, f"a/{name}", f"b/{name}")
        missing = "\n\\ No newline at end of file\n"
        return "".join(line if line.endswith("\n") else line + missing for line in lines)


def replace_all(changes: Sequence[Change]) -> None:
    """Every file holds its text, or none does."""
    from accelsel.apply.files import write_replacing

    done: list[Change] = []
    try:
        for change in changes:
            write_replacing(change.file.path, change.file.data, change.data)
            done.append(change)
    except BaseException:
        put_back(done)
        raise


def put_back(changes: Sequence[Change]) -> None:
    """Every file holds again what it held."""
    from accelsel.apply.files import write_replacing

    for change in reversed(changes):
        write_replacing(change.file.path, change.data, change.file.data)


def write(
    output: Output,
    how: "PinFlags",
    changes: Sequence[Change],
    urls: Mapping[str, str],
    *,
    offline: bool,
) -> None:
    """Write, then lock where asked; a lock that fails puts the files back."""
    from accelsel.apply import hazards
    from accelsel.apply.files import exclusive

    path, lead = changes[0].file.path, _lead([change.plan for change in changes])
    names = _names(lead)
    found = hazards.hazards(path.parent, os.environ, indexes=urls, packages=names)
    hazards.refuse(found)
    for hazard in found:
        output.warn(hazard.code, hazard.message, hazard.help)
    tool = None
    if how.lock:
        from accelsel.apply import lock, uv

        tool = uv.find(os.environ)
    with exclusive(path):
        replace_all(changes)
        for change in changes:
            if change.diff:
                output.say(f"{change.file.path}: pinned")
        if not any(change.diff for change in changes):
            output.say(f"{path}: already as pinned")
        if tool is None:
            return
        kept = _Kept(lock.lock_path(path))
        try:
            uv.lock(tool, path, upgrade=names, offline=offline)
            _read_back(output, path, lead, urls)
        except BaseException:
            put_back(changes)
            kept.put_back()
            raise


def _lead(plans: Sequence[Plan]) -> Plan:
    """The plan of the file in which the backends have their extras or groups: a member's, or the
    root's as where there is none."""
    for plan in plans:
        rows = plan.record.facts["selections"] if plan.record else ()
        if any(key in row for row in rows for key in ("extra", "group")):
            return plan
    return plans[0]


def synced(path: Path, environ: Mapping[str, str], *, offline: bool) -> None:
    """The project's environment is as its lock says, for the host of `environ`."""
    from accelsel.apply import uv
    from accelsel.cli.uv_project import sync_arguments

    uv.sync(uv.find(os.environ), path, sync_arguments(path, environ), offline=offline)


class _Kept:
    """A lock file as it was before uv ran."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._data = path.read_bytes() if path.is_file() else None

    def put_back(self) -> None:
        from accelsel.apply.files import write_replacing

        if self._data is None:
            self._path.unlink(missing_ok=True)
        elif self._path.is_file():
            write_replacing(self._path, self._path.read_bytes(), self._data)


def _read_back(output: Output, path: Path, plan: Plan, urls: Mapping[str, str]) -> None:
    """The lock holds what was selected, or it is an error with the chain that caused it."""
    from accelsel.apply import lock
    from accelsel.project.requirement import normalize

    where = lock.lock_path(path)
    locked = lock.read_lock(where)
    facts = plan.record.facts["selections"] if plan.record else [{} for _ in plan.selections]
    for selection, written in zip(plan.selections, facts, strict=True):
        name = written.get("extra") or written.get("group")
        branch = normalize(name) if name else None
        found = lock.mismatches(locked, selection, urls, branch=branch)
        lock.refuse(found, where)
        for mismatch in found:
            output.warn(f"lock-{mismatch.kind}", f"{mismatch.platform}: {mismatch.message}")


def _names(plan: Plan) -> tuple[str, ...]:
    """The packages that a lock may move: torch and what the selections name."""
    found = {"torch": None}
    for selection in plan.selections:
        found |= dict.fromkeys(package.name for package in selection.packages)
    return tuple(found)
