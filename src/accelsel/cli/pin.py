"""`accelsel pin` and `accelsel unpin`: plan, show, and only with --write apply."""

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from accelsel.apply.files import ProjectFile, read_project
from accelsel.apply.workspace import project_files
from accelsel.cli import steps
from accelsel.cli.change import Change, replace_all, synced, write
from accelsel.cli.check import Outcome, check_one, each
from accelsel.cli.locked import locked_family, without_left_out
from accelsel.cli.mirrors import mirrors, recorded
from accelsel.cli.options import Flags
from accelsel.cli.present import Output
from accelsel.cli.python import project_python
from accelsel.cli.selected import selected
from accelsel.cli.without_files import (
    asks_for_triton,
    tell_without_files,
    triton_where_it_has_files,
)
from accelsel.model.config import Config
from accelsel.model.errors import DIFFERENT, NO_BUILD, NOTHING, USAGE, AccelselError
from accelsel.model.plan import PinOptions, Plan
from accelsel.model.selection import Selection
from accelsel.model.value import dataclass, replace
from accelsel.project.read import ProjectView


@dataclass(frozen=True, kw_only=True)
class PinFlags:
    """The flags of `pin` beside the request's."""

    write: bool = False
    check: bool = False
    diff: bool = False
    backends: tuple[str, ...] = ()
    shape: str | None = None
    mirrors: tuple[str, ...] = ()
    lock: bool = False
    sync: bool = False
    prebuilt: tuple[str, ...] = ()

    def refuse_contradictions(self) -> None:
        """Flags that exclude each other are a usage error."""
        if self.write and self.check:
            raise AccelselError(
                USAGE, "usage", "--check and --write exclude each other", help="give one of them"
            )
        if (self.lock or self.sync) and not self.write:
            flag = "--lock" if self.lock else "--sync"
            raise AccelselError(USAGE, "usage", f"{flag} needs --write", help="add --write")
        if self.shape and not self.backends:
            raise AccelselError(
                USAGE, "usage", "--as needs --backends", help="--backends cpu,cu126"
            )


def pin(output: Output, flags: Flags, how: PinFlags, paths: Sequence[str]) -> int:
    """Pin, or check, every project of `paths`; each on its own, the worst exit code counts."""
    how.refuse_contradictions()
    return each(output, paths, lambda path, many: _pin_one(output, flags, how, path, many=many))


def unpin(output: Output, paths: Sequence[str], *, write_it: bool, diff: bool) -> int:
    """Plan the removal of what `pin` put into every project of `paths`, or do it."""
    return each(output, paths, lambda path, many: _unpin_one(output, path, write_it, diff, many))


def _pin_one(
    output: Output,
    flags: Flags,
    how: PinFlags,
    path: Path,
    *,
    many: bool,
    again: bool = False,
    apart: bool = False,
) -> Outcome:
    """Pin, or check, one project; `again` where the lock that a first round made showed packages of
    torch's family that no requirement of the project names, `apart` where it showed that something
    beside torch asks for triton, which not all of several backends take."""
    from accelsel.apply.lock import TwoTritonsError
    from accelsel.project.plan import bare
    from accelsel.project.read import FAMILY, read
    from accelsel.project.tritons import divided
    from accelsel.project.workspace import combined

    _refuse_requirements_file(path)
    if how.check and not (flags.given or how.backends or how.mirrors or how.prebuilt):
        return check_one(output, path, many=many)
    whole = [read_project(name) for name in project_files(path)]
    views = [read(file.text, str(file.path)) for file in whole]
    config = steps.merged(_settings(views[0].settings, path), steps.user_config())
    own = [bare(view) for view in views]
    wishes = combined(own[0], own[1:])
    locked = locked_family(path)
    if not (wishes.requires(*FAMILY) or _around(wishes, config) or "torch" in locked):
        return _nothing(output, path, many=many)
    through = tuple(name for name in locked if name != "torch" and not wishes.requires(name))
    selections = selected(
        flags,
        own,
        config,
        backends=how.backends,
        key="extra" if how.shape == "extras" else "group",
        prebuilt=how.prebuilt,
        path=path,
        through=through,
    )
    failed = [s for s in selections if s.outcome == "none"]
    if failed:
        return _no_build(output, failed[0], path, _for_the_others(how.backends, selections))
    selections = without_left_out(selections, own, path, through)
    python = flags.python or config.python or project_python(path.parent)
    selections = triton_where_it_has_files(selections, path, views[0], python)
    _tell(output, selections)
    locks = how.lock or how.sync
    apart = apart or asks_for_triton(selections, path, views[0], wishes, locks=locks)
    options = replace(_options(flags, how, config, selections, through), tritons_apart=apart)
    changes = _changes(whole, _plans(views, selections, options))
    for change in changes:
        for warning in change.plan.warnings:
            output.warn(warning.code, warning.message, warning.hint)
    strict = next(filter(None, (steps.strict_code(s, flags, config) for s in selections)), 0)
    different = [change.file.path for change in changes if change.diff]
    code = strict or (DIFFERENT if how.check and different else 0)
    for name in different if how.check else ():
        output.say(f"{name} is not as `accelsel pin --write` would leave it")
    if not output.json and (how.diff or not (how.write or how.check)):
        _show(output, changes)
    if how.write and not strict and (different or not again):
        urls = _urls(wishes, selections, options)
        offline = steps.offline(flags, config)
        first = replace(how, lock=how.lock or how.sync, sync=False)
        try:
            write(output, first, changes, urls, offline=offline)
        except TwoTritonsError:
            if apart or not divided(selections):
                raise
            quiet = replace(output, quiet=True)
            return _pin_one(quiet, flags, how, path, many=many, again=again, apart=True)
        masked = selections
        if first.lock:
            masked = triton_where_it_has_files(selections, path, views[0], python)
        if first.lock and not again:
            told = len(selections[0].warnings)
            _tell(output, tuple(replace(s, warnings=s.warnings[told:]) for s in masked[:1]))
            tell_without_files(output, path, masked, python)
        if not again and (masked != selections or (first.lock and locked_family(path) != locked)):
            quiet = replace(output, quiet=True)
            code, _ = _pin_one(quiet, flags, first, path, many=many, again=True, apart=apart)
        if how.sync:
            synced(path, _of_host(flags), offline=offline)
    return code, _document(changes) if output.json else None


def _of_host(flags: Flags) -> dict[str, str]:
    """The environment, with the host and the backend that the flags name."""
    named = {"ACCELSEL_PROFILE": flags.profile, "ACCELSEL_BACKEND": flags.backend}
    return {
        **os.environ,
        **{key: value for key, value in named.items() if value not in (None, "-")},
    }


def _plans(
    views: Sequence[ProjectView], selections: tuple[Selection, ...], options: PinOptions
) -> tuple[Plan, ...]:
    """One plan per file."""
    from accelsel.project.plan import plan
    from accelsel.project.workspace import plan_workspace

    if len(views) == 1:
        return (plan(views[0], selections, options),)
    return plan_workspace(views[0], views[1:], selections, options)


def _changes(whole: Sequence[ProjectFile], plans: Sequence[Plan]) -> tuple[Change, ...]:
    from accelsel.project.render import render

    pairs = zip(whole, plans, strict=True)
    return tuple(Change(file=file, plan=p, text=render(file.text, p)) for file, p in pairs)


def _unpin_one(output: Output, path: Path, write_it: bool, diff: bool, many: bool) -> Outcome:
    from accelsel.project.plan import unplan
    from accelsel.project.read import read

    read_in = [read_project(name) for name in project_files(path)]
    whole = [(file, read(file.text, str(file.path))) for file in read_in]
    pinned = [(file, view) for file, view in whole if view.record is not None]
    if not pinned:
        if many:
            return 0, None
        raise AccelselError(
            NOTHING, "no-record", "there is no record of `accelsel pin` to take out",
            where=str(path), help="accelsel takes back only what it wrote",
        )  # fmt: skip
    changes = _changes([file for file, _ in pinned], [unplan(view) for _, view in pinned])
    if not output.json and (diff or not write_it):
        _show(output, changes)
    if write_it:
        replace_all(changes)
    for change in changes:
        for item in change.plan.left:
            output.say(f"{change.file.path}: left as it was edited since: {item}")
    return 0, _document(changes) if output.json else None


def _urls(
    view: ProjectView, selections: tuple[Selection, ...], options: PinOptions
) -> dict[str, str]:
    """The indexes that the selections name, each with its URL as written in the project."""
    from accelsel.project.indexes import kept_url, mirrored, serving

    found = {}
    for selection in selections:
        for index in filter(None, (selection.index, *selection.indexes)):
            own = serving(view, index, options.mirrors)
            found[index.name] = (
                kept_url(own, index, options.mirrors)
                if own
                else mirrored(index.url, options.mirrors)
            )
    return found


def _options(
    flags: Flags,
    how: PinFlags,
    config: Config,
    selections: tuple[Selection, ...],
    through: tuple[str, ...],
) -> PinOptions:
    from accelsel.model.value import fields

    given = {
        f.name: list(value) if isinstance(value := getattr(flags, f.name), tuple) else value
        for f in fields(Flags)
        if f.name not in ("profile", "offline", "strict")
        and getattr(flags, f.name) not in (None, (), False)
    }
    indexes = (i for s in selections for i in (s.index, *s.indexes) if i is not None)
    mirror = recorded(how.mirrors, config, os.environ, (index.url for index in indexes))
    more = {"backends": [*how.backends], "prebuilt": [*how.prebuilt], "mirror": mirror}
    given |= {name: value for name, value in more.items() if value}
    chosen = {s.torch.version for s in selections if s.torch}
    builds = steps.tables_for(config).builds
    return PinOptions(
        request=given,
        mirrors=mirrors(how.mirrors, config, os.environ),
        shape=("single" if not how.backends else "extras" if how.shape == "extras" else "groups"),
        transitive=True,  # whether it acts on the project at all is decided before
        locked=tuple(
            n for n in through if any(p.name == n for s in selections for p in s.packages)
        ),
        served=tuple(sorted({b.platform for b in builds if b.on_pypi and b.torch in chosen})),
    )


def _settings(table: Mapping[str, Any], path: Path) -> Config:
    from accelsel.ports.config import read

    return read(table, f"{path}: [tool.accelsel]")


def _around(view: ProjectView, config: Config) -> bool:
    """Whether the project requires a package that the rules table ties to torch."""
    companions = steps.tables_for(config).companions
    rows = companions().distributions.values() if companions else ()
    return view.requires(*(row.name for row in rows if row.kind != "triton"))


def _refuse_requirements_file(path: Path) -> None:
    if path.suffix in (".txt", ".in"):
        raise AccelselError(
            USAGE,
            "requirements-file",
            "a requirements file holds no sources or indexes; make it a project first",
            where=str(path),
            help=f"uv init --bare && uv add -r {path.name}",
        )


def _nothing(output: Output, path: Path, *, many: bool) -> Outcome:
    if many:
        output.say(f"{path}: no torch-family dependency, skipped")
        return 0, None
    raise AccelselError(
        NOTHING, "no-torch", "the project does not depend on torch or its family",
        where=str(path), help="`uv add torch` first",
    )  # fmt: skip


def _for_the_others(backends: Sequence[str], selections: Sequence[Selection]) -> str:
    """The way out where some of several backends have a build for all that the project requires."""
    each = list(zip(backends, selections, strict=False))
    served = [name for name, one in each if one.outcome != "none"]
    lacking = [name for name, one in each if one.outcome == "none"]
    causes = [one.reasons[0].rule for one in selections if one.outcome == "none" and one.reasons]
    if "amd" in lacking and "arch-kernels" in causes:
        return "amd has files for one GPU's architecture: pin it alone, by --backend amd"
    if not served or "companion" not in causes:
        return ""
    return (
        f"require the package in the extra or group of {' and '.join(served)} alone, or leave "
        f"{' and '.join(lacking)} out of --backends"
    )


def _no_build(output: Output, selection: Selection, path: Path, way: str) -> Outcome:
    """No build: the reasons, and the ways out; the file is untouched."""
    if output.json:
        from accelsel.ports.documents import document

        return NO_BUILD, document("selection", selection)
    messages = [reason.message for reason in selection.reasons] or ["see `accelsel why -v`"]
    raise AccelselError(
        NO_BUILD, "no-build", f"no build satisfies the host and the project: {messages[0]}",
        where=str(path),
        help="; ".join(filter(None, (way, *messages[1:]))) or "`accelsel why` tells the reasons",
    )  # fmt: skip


def _tell(output: Output, selections: tuple[Selection, ...]) -> None:
    for selection in selections:
        for warning in selection.warnings:
            output.warn(warning.code, warning.message, warning.hint)


def _show(output: Output, changes: Sequence[Change]) -> None:
    styles = {"+": "green", "-": "red", "@": "cyan"}
    for line in "".join(change.diff for change in changes).splitlines():
        style = styles.get(line[:1])
        output.data(output.paint(line, style) if style else line)


def _document(changes: Sequence[Change]) -> Mapping[str, Any]:
    """The plan document: of a workspace the root's, with the edits of all its files."""
    from accelsel.model.report import EditDocument, PlanDocument
    from accelsel.ports.documents import document

    root = changes[0].plan
    edits = tuple(
        EditDocument(
            path=change.plan.path,
            table=".".join(e.table),
            key=e.key,
            before=e.before,
            after=e.after,
            why=e.why,
        )
        for change in changes
        for e in change.plan.edits
    )
    chosen = root.selections
    value = PlanDocument(
        path=root.path,
        changed=any(change.diff for change in changes),
        selection=None if not chosen else chosen[0] if len(chosen) == 1 else chosen,
        edits=edits,
        diff="".join(change.diff for change in changes),
        record=root.record.facts if root.record else None,
        warnings=tuple(w for change in changes for w in change.plan.warnings),
        left=tuple(item for change in changes for item in change.plan.left),
    )
    return document("plan", value)
