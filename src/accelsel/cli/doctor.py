"""`accelsel doctor`: an environment, a lock, a project and a host checked against each other."""

import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from accelsel.cli import present, steps
from accelsel.cli.present import Output
from accelsel.model.errors import DIFFERENT, USAGE, AccelselError
from accelsel.model.finding import Finding, Report
from accelsel.model.value import dataclass, replace

if TYPE_CHECKING:
    from accelsel.model.installed import Environment, HostFiles, Lock
    from accelsel.model.profile import Profile
    from accelsel.probe.world import World
    from accelsel.project.read import ProjectView

COLOURS = {"error": "red", "warning": "yellow", "note": "cyan"}


@dataclass(frozen=True, kw_only=True)
class DoctorFlags:
    """The flags of `doctor`: `python` an environment or interpreter, `profile` a saved host,
    `replay` a recorded one, which then is read in this host's place. `error` is a message to be
    explained, `-` for standard input."""

    path: str | None = None
    python: str | None = None
    profile: str | None = None
    replay: str | None = None
    fix: bool = False
    report: bool = False
    error: str | None = None

    def refuse_contradictions(self) -> None:
        """Flags that exclude each other are a usage error."""
        if self.profile is not None and self.replay is not None:
            raise AccelselError(
                USAGE, "usage", "--profile and --replay exclude each other", help="give one of them"
            )
        if self.profile == self.error == "-":
            raise AccelselError(
                USAGE, "usage", "--profile and --error cannot both be standard input",
                help="give the message as an argument",
            )  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Patient:
    """What was found to be examined; of a workspace `views` are all files, its root's first."""

    profile: "Profile"
    files: "HostFiles | None"
    environment: "Environment | None"
    views: "tuple[ProjectView, ...]"
    lock: "Lock | None"
    project: str | None
    error: str | None = None


def doctor(output: Output, flags: DoctorFlags) -> int:
    """Examine and tell; 1 where a finding is an error. With `--fix`, first cure what is accelsel's
    own."""
    flags.refuse_contradictions()
    patient = gathered(flags)
    report = examined(patient)
    if flags.fix:
        from accelsel.cli.cure import commands, cure

        tried: frozenset[str] = frozenset()
        while wanted := commands(report) - tried:
            cure(output, wanted, patient.profile, _folder(patient))
            tried |= wanted
            patient = gathered(flags, patient)
            report = examined(patient)
        if not tried:
            output.say("nothing here that accelsel wrote needs a fix")
    tell(output, report, patient, block=flags.report)
    return DIFFERENT if any(each.severity == "error" for each in report.findings) else 0


def _folder(patient: Patient) -> Path:
    """Where the commands of a report are to be run."""
    views = patient.views
    return Path(views[0].path).parent if views and not views[0].is_script else Path.cwd()


def gathered(flags: DoctorFlags, before: Patient | None = None) -> Patient:
    """The host, and what there is of project, lock and environment around the current folder; after
    a cure the host is as `before`."""
    from accelsel.probe.host_world import HostWorld
    from accelsel.probe.installed import locate, scan

    world: World = HostWorld()
    start = Path(flags.path) if flags.path else Path.cwd()
    path = _named(start) if flags.path else _around(start)
    views = _views(path) if path else ()
    place = None
    if flags.python or not (views and views[0].is_script):  # a script's is in uv's cache
        place = locate(
            world,
            python=flags.python,
            project=str(Path(views[0].path).parent.resolve()) if views else None,
            cwd=str((path.parent if path else start).resolve()),
        )
    profile, files = (before.profile, before.files) if before else _host(flags, world)
    return Patient(
        profile=profile,
        files=files,
        environment=scan(world, place) if place else None,
        views=views,
        lock=_lock(path) if path else None,
        project=_short(path) if path else None,
        error=before.error if before else _message(flags.error),
    )


def _message(text: str | None) -> str | None:
    if text != "-":
        return text
    import sys

    return sys.stdin.buffer.read().decode("utf-8", "replace")


def _named(start: Path) -> Path:
    """The project that was named; an error where there is none."""
    from accelsel.apply.files import find_project

    return find_project(start)


def _around(start: Path) -> Path | None:
    """The project around a folder, if it stands in one."""
    folders = (start, *start.parents)
    return next((f / "pyproject.toml" for f in folders if (f / "pyproject.toml").is_file()), None)


def _views(path: Path) -> "tuple[ProjectView, ...]":
    from accelsel.apply.files import read_project
    from accelsel.apply.workspace import project_files
    from accelsel.project.read import read

    return tuple(read(read_project(each).text, str(each)) for each in project_files(path))


def _short(path: Path) -> str:
    """The path as seen from here, where it lies below."""
    here, path = Path.cwd(), path.resolve()
    return str(path.relative_to(here)) if path.is_relative_to(here) else str(path)


def _lock(project: Path) -> "Lock | None":
    from accelsel.apply.lock import lock_path
    from accelsel.ports.locked import read

    path = lock_path(project)
    if not path.is_file():
        return None
    text = steps.read_text(str(path), "lock")
    return read(text, _short(path), lambda name: name.startswith(AROUND) or "triton" in name)


AROUND = ("torch", "nvidia-", "cuda-")


def _host(flags: DoctorFlags, world: "World") -> "tuple[Profile, HostFiles | None]":
    """The profile of the host, and what lies around its drivers where it is this one."""
    from accelsel.probe.surroundings import look

    if flags.replay is not None:
        from accelsel.probe import probe
        from accelsel.probe.record import RecordedWorld

        recorded = RecordedWorld(Path(flags.replay))
        return probe(recorded), look(recorded)
    path = flags.profile or os.environ.get("ACCELSEL_PROFILE")
    if path:
        return steps.saved_profile(path), None
    from accelsel.probe import probe

    return probe(), look(world)


def examined(patient: Patient) -> Report:
    """The report on what was gathered."""
    from accelsel.knowledge.companions import faults, symptoms
    from accelsel.knowledge.companions import load as companions
    from accelsel.ports.config import read
    from accelsel.rules.doctor import examine

    views = patient.views
    config = steps.user_config()
    for view in views[:1]:
        config = steps.merged(read(view.settings, f"{view.path}: [tool.accelsel]"), config)
    report = examine(
        patient.profile,
        steps.tables_for(config),
        environment=patient.environment,
        lock=patient.lock,
        project=patient.project,
        record=_record(views),
        workspace=len(views) > 1,
        files=patient.files,
        companions=companions(),
        requirements=tuple(dict.fromkeys(text for view in views for text in view.companions)),
        error=patient.error,
        symptoms=symptoms() if patient.error else (),
        faults=faults(),
    )
    edited = _edited(patient)
    return replace(report, findings=(*edited, *report.findings)) if edited else report


def _record(views: "Sequence[ProjectView]") -> Any:
    """The table of the record as it is written; of several the one with extras or groups."""
    from accelsel.project.read import table

    def apart(record: Mapping[str, Any]) -> bool:
        rows = record.get("selections")
        rows = [row for row in rows if isinstance(row, dict)] if isinstance(rows, list) else []
        return any({"extra", "group"} & set(row) for row in rows)

    found = [table(view.data, "tool", "accelsel", "pin") for view in views]
    return next(iter(sorted(filter(None, found), key=lambda each: not apart(each))), None)


def _edited(patient: Patient) -> tuple[Finding, ...]:
    """Values that `pin` wrote and that are no longer as written."""
    from accelsel.project.check import check
    from accelsel.rules.recorded import command

    script = patient.project if patient.views and patient.views[0].is_script else None
    return tuple(
        Finding(
            id="pin-edited",
            severity="error",
            what=difference.message,
            where=f"{_short(Path(view.path))}:{difference.line}",
            fix=command(_record(patient.views), path=script),
            cause="project",
        )
        for view in patient.views
        if view.record is not None
        for difference in check(view)
    )


def tell(output: Output, report: Report, patient: Patient, *, block: bool) -> None:
    """The report in the form asked for."""
    forms: dict[str, Callable[[], None]] = {
        "json": lambda: _json(report),
        "github": lambda: _github(output, report),
        "sarif": lambda: _sarif(report),
    }
    if block and output.format not in forms:
        output.data(pasted(report, patient))
    elif output.format in forms:
        forms[output.format]()
    else:
        output.data("\n".join(lines(report, output)))


def _json(report: Report) -> None:
    from accelsel.ports.documents import document

    present.document(document("report", report))


def _github(output: Output, report: Report) -> None:
    from accelsel.ports.github import annotations

    text = annotations(report.findings, file=report.project, lock=report.lock)
    if text:
        output.data(text)


def _sarif(report: Report) -> None:
    from accelsel import __version__
    from accelsel.ports.sarif import sarif
    from accelsel.rules.doctor import TITLES

    present.document(sarif(report, version=__version__, titles=TITLES))


def lines(report: Report, output: Output) -> list[str]:
    """The findings, the worst first, and what was looked at."""
    out = []
    for finding in report.findings:
        head = output.paint(f"{finding.severity}[{finding.id}]", COLOURS[finding.severity])
        out.append(f"{head} {present.one_line(finding.what)}")
        out.append(f"  where: {present.one_line(finding.where)}")
        if finding.fix:
            out.append(f"  fix:   {output.paint(finding.fix, 'bold')}")
        if finding.hint:
            out.append(f"  help:  {present.one_line(finding.hint)}")
    out += ["", *_looked_at(report)] if out else _looked_at(report)
    counts = [sum(f.severity == s for f in report.findings) for s in COLOURS]
    words = [
        f"{count} {name}{'s' * (count != 1)}"
        for count, name in zip(counts, COLOURS, strict=True)
        if count
    ]
    out.append(", ".join(words) if words else output.paint("nothing found", "green"))
    return out


def _looked_at(report: Report) -> list[str]:
    environment = report.environment
    where = "no environment"
    if environment is not None:
        torch = environment.torch
        built_for = f" ({torch.backend})" if torch and torch.backend else ""
        build = f"torch {torch.version}{built_for}" if torch else "no torch"
        where = (
            f"{environment.path} ({environment.chosen}): Python {environment.python or '?'}, "
            f"{environment.distributions} distributions, {build}"
        )
    return [
        f"environment  {where}",
        f"project      {report.project or 'none'}, lock {report.lock or 'none'}",
        f"host         {report.state}",
    ]


def pasted(report: Report, patient: Patient) -> str:
    """A block for an issue: Markdown, without names of machine or user."""
    from accelsel import __version__
    from accelsel.cli.detect import lines as host
    from accelsel.probe.record import identities
    from accelsel.probe.scrub import Scrubber

    plain = Output(color="never")
    environment = patient.environment
    near = [
        f"  {package.name} {package.full_version}"
        for package in (environment.packages if environment else ())
        if package.requires or "torch" in package.name or package.name.startswith("nvidia-")
    ]
    text = "\n".join(
        [
            f"accelsel {__version__}, rules {report.rules.version}",
            "",
            *host(patient.profile, plain),
            "",
            *lines(report, plain),
            *(["", "around torch", *sorted(near)] if near else []),
        ]
    )
    here = os.getcwd()  # noqa: PTH109  as it stands in the text
    root = environment.root if environment else ""
    outside = "" if root.startswith(here) else root
    for path, name in ((outside, "<environment>"), (here, "."), (str(Path.home()), "~")):
        if len(path) > 1:
            text = text.replace(path, name)
    return f"```text\n{Scrubber(identities()).text(_public(text))}\n```"


# Whose addresses are everybody's; any other may be of a company or hold a token.
PUBLIC = ("pytorch.org", "nvidia.com", "github.com", "pyg.org", "amd.com", "astral.sh", "vllm.ai",
          "natten.org", "jetson-ai-lab.io", "intel.com")  # fmt: skip


def _public(text: str) -> str:
    """The text with nothing but public addresses."""
    import re

    def shown(match: re.Match[str]) -> str:
        host = match[1].rpartition("@")[2].partition(":")[0]
        known = any(host == each or host.endswith(f".{each}") for each in PUBLIC)
        return match[0] if known and "@" not in match[1] else "https://private.example"

    return re.sub(r"\w+://([^/\s'\"]+)[^\s'\"]*", shown, text)
