"""Why a build was chosen, and why another was not, as text that people paste into issues."""

from collections.abc import Iterable, Mapping

from accelsel.knowledge.tables import Tables
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import Reason, Rejection, Selection
from accelsel.model.value import replace
from accelsel.rules.choice import HOST, Candidate, Decision, Row, decide, outdone
from accelsel.rules.question import Finding, Scope, elsewhere
from accelsel.rules.units import BY_ID, all_findings
from accelsel.rules.versions import release

WIDTH = 80
HEIGHT = 23  # of 24: the prompt needs a line
_WARNINGS, _LOSERS = 5, 3  # lines for warnings at most, and for losers at least
_ASKED: frozenset[Scope] = frozenset({"request"})


def why(
    selection: Selection,
    profile: Profile | None,
    tables: Tables,  # noqa: ARG001  as `why_not`; what it tells is in the selection
    *,
    verbose: bool = False,
) -> str:
    """The choice and its reasons; without `verbose` at most 23 lines of 80 columns, with it every
    build that was not chosen, grouped by the rule that felled it."""
    lines = _head(selection, profile)
    reasons = _pairs(selection.reasons)
    warnings = [f"  {warning.message}" for warning in selection.warnings]
    if verbose:
        lines += ["", "why", *_wrapped(reasons)]
        if warnings:
            lines += ["", "warnings", *_wrapped(warnings)]
        return "\n".join([*lines, "", *_grouped(selection.rejected)])
    told = ["warnings", *_cut(warnings, _WARNINGS)] if warnings else []
    losers = _newest(selection)
    least = min(len(losers), _LOSERS) + 1 if losers else 0
    lines += ["", "why"]
    lines += _cut(reasons, HEIGHT - len(lines) - len(told) - least)
    lines += told
    if losers:
        lines.append("not chosen (accelsel why BACKEND tells more, -v all)")
        lines += _cut(losers, HEIGHT - len(lines))
    return "\n".join(lines)


def _head(selection: Selection, profile: Profile | None) -> list[str]:
    on = f"Python {selection.python}" if selection.python else "any Python"
    if selection.torch is None or selection.backend is None:
        return [f"no build of torch for this host ({selection.platform}, {on})"]
    extras = f"[{','.join(selection.torch.extras)}]" if selection.torch.extras else ""
    lines = [
        f"torch {selection.torch.version} with {selection.backend}",
        f"  for     {selection.platform}, {on}",
        f"  range   torch{extras}{selection.torch.specifier}",
    ]
    if selection.index:
        lines.append(f"  index   {selection.index.url}")
    if serves := _gpus(profile, selection.serves):
        lines.append(f"  serves  {serves}")
    for name, value in selection.environment.items():
        lines.append(f"  set     {name}={value}")
    lines.append(f"  sure    {selection.confidence} (rules of {selection.rules.checked})")
    return [_short(line) for line in lines]


def _gpus(profile: Profile | None, indexes: Iterable[int]) -> str:
    names: dict[str, list[int]] = {}
    wanted = set(indexes)
    for gpu in profile.gpus if profile else ():
        if gpu.index in wanted:
            name = f"{gpu.name or gpu.vendor} ({gpu.arch or 'architecture not known'})"
            names.setdefault(name, []).append(gpu.index)
    return "; ".join(
        f"GPU {', '.join(str(i) for i in places)}: {name}" for name, places in names.items()
    )


def _pairs(reasons: Iterable[Reason]) -> list[str]:
    return [f"  {reason.message}  [{reason.rule}]" for reason in reasons]


def _short(line: str) -> str:
    return line if len(line) <= WIDTH else line[: WIDTH - 3] + "..."


def _wrapped(lines: Iterable[str]) -> list[str]:
    import textwrap

    return [
        part
        for line in lines
        for part in textwrap.wrap(
            line, WIDTH, subsequent_indent="      ", break_long_words=False, break_on_hyphens=False
        )
    ]


def _cut(lines: list[str], room: int) -> list[str]:
    """As many whole entries as fit, wrapped; the last line says how many are missing."""
    found: list[str] = []
    for number, line in enumerate(lines):
        wrapped = [_short(part) for part in _wrapped([line])]
        if len(found) + len(wrapped) > max(room, 1) - (number < len(lines) - 1):
            return [*found, f"  ... and {len(lines) - number} more (-v)"]
        found += wrapped
    return found


def _newest(selection: Selection) -> list[str]:
    """The newest build of each backend that was not chosen, newest torch first."""
    found: dict[str, Rejection] = {}
    for one in selection.rejected:
        held = found.get(one.backend)
        if one.torch and (held is None or release(one.torch) > release(held.torch or "0")):
            found[one.backend] = one
    places = {rule: place for place, rule in enumerate(BY_ID)}
    by_name = sorted(found.values(), key=lambda one: one.backend, reverse=True)
    by_rule = sorted(by_name, key=lambda one: places[one.rule])
    ordered = sorted(by_rule, key=lambda one: release(one.torch or "0"), reverse=True)
    return [
        _short(f"  {one.backend:<9} {one.torch:<7} {one.message}  [{one.rule}]")
        for one in ordered
        if one.backend != selection.backend and one.rule not in ("vendor", "usable-gpu")
    ]


def _grouped(rejected: Iterable[Rejection]) -> list[str]:
    groups: dict[str, dict[tuple[str, str], list[str]]] = {}
    for one in rejected:
        by_text = groups.setdefault(one.rule, {})
        by_text.setdefault((one.backend, one.message), []).append(one.torch or "")
    lines = []
    for rule in (name for name in BY_ID if name in groups):
        lines.append(f"{rule}: {BY_ID[rule].why_not}")
        for (backend, message), torches in groups[rule].items():
            lines += _wrapped([f"  {backend} {', '.join(torches)}: {message}"])
        lines.append("")
    return lines[:-1]


def why_not(
    backend: str,
    profile: Profile | None,
    request: Request,
    tables: Tables,
    selection: Selection,
) -> str:
    """Why a backend was chosen or not: its nearest miss, the rules against it, and what would have
    to change. Raises AccelselError (2, `unknown-backend`) for a name that the table does not have.
    """
    if backend not in tables.backends:
        raise AccelselError(
            USAGE,
            "unknown-backend",
            f"there is no backend {backend!r} in the rules table",
            help="accelsel rules show lists them",
        )
    if selection.backend == backend:
        return f"{backend} is the choice\n\n{why(selection, profile, tables)}"
    request = replace(request, backend=None, force=False)
    decision = decide(profile, request, tables)
    rows = [row for row in decision.rows if row.backend.name == backend]
    lines = [f"{backend} was not chosen: {_choice(selection)}"]
    lines += [f"  {cause.message}  [{cause.rule}]" for cause in decision.aims.causes[:1]]
    running = next((one for one in decision.candidates if one.row.backend.name == backend), None)
    if running is not None:
        lines += _outdone(running, decision)
    elif rows:
        asked = decide(profile, replace(request, backend=backend), tables)
        if _left_to_it(asked, decision):
            lines += _named(asked, decision)
        else:
            aimed = asked.question.vendor and not asked.winner
            lines += _misses(rows, asked if aimed else decision)
            lines += _served_by(profile, request, tables, rows, asked)
    else:
        lines.append(f"  no wheel of it for {decision.question.host.platform}  [platform-wheel]")
    lines += _elsewhere(backend, decision)
    return "\n".join(_wrapped(lines))


def _left_to_it(asked: Decision, decision: Decision) -> bool:
    """Whether a backend is taken where it is named, and not chosen because other GPUs decide, or
    because nothing does."""
    if asked.winner is None or decision.aim is None:
        return asked.winner is not None
    vendor = asked.question.vendor
    return vendor is not None and (decision.winner is None or vendor != decision.question.vendor)


def _named(asked: Decision, decision: Decision) -> list[str]:
    """What naming a backend leads to, and whose GPUs decide without."""
    question, best = asked.question, asked.candidates[0]
    build = best.row.build
    gpus = [target for target in question.targets if target.index is not None]
    others = decision.aim is not None and question.vendor != decision.question.vendor
    line = "  it is taken where it is named"
    if gpus:
        sure = not best.doubts and build.confidence != "inferred"
        names = "; ".join(target.label for target in gpus)
        line = f"  it {'runs' if sure else 'may run'} on {names}"
    line += f", up to torch {build.torch}"
    if decision.aim and others:
        line += f"; {decision.aim.reason.message}  [{decision.aim.reason.rule}]"
    take = f"  to take it all the same: --backend {build.backend}"
    if others and decision.question.vendor and question.request.gpus in ("all", "any"):
        take += f", or --gpu {','.join(str(target.index) for target in gpus)}"
    return [line, take]


def _choice(selection: Selection) -> str:
    if selection.torch is None:
        return "no build was"
    return f"torch {selection.torch.version} with {selection.backend} was"


def _outdone(one: Candidate, decision: Decision) -> list[str]:
    best = decision.candidates[0]
    if one is best:
        message = f"torch {one.row.build.torch} with it runs, and another backend was asked for"
        return [f"  {message}  [requested-backend]"]
    rule, message = outdone(one, best)
    return [
        f"  it runs, up to torch {one.row.build.torch}; {message}  [{rule}]",
        f"  to take it all the same: --backend {one.row.backend.name}",
    ]


def _misses(rows: list[Row], decision: Decision) -> list[str]:
    """The build with the least against it, then the others by rule."""
    question = decision.question
    against = {
        row.build.torch: (row, all_findings(row.build, row.backend, question, HOST)) for row in rows
    }
    asked = {
        row.build.torch: all_findings(
            row.build, row.backend, replace(question, newest_sure=None), _ASKED
        )
        for row in rows
    }
    nearest = min(
        (against[torch] for torch in sorted(against, key=release, reverse=True)),
        key=lambda pair: len(pair[1]) + len(asked[pair[0].build.torch]),
    )
    findings = (*nearest[1], *asked[nearest[0].build.torch])
    if not findings:
        return [f"  {cause.message}  [{cause.rule}]" for cause in decision.aims.causes[1:]]
    lines = [f"  nearest: torch {nearest[0].build.torch}"]
    lines += [f"    {finding.message}  [{finding.rule}]" for finding in findings]
    changes = dict.fromkeys(finding.change for finding in findings if finding.change)
    if changes:
        lines.append(f"  it would take: {'; '.join(changes)}")
    lines += _others(against, nearest[0].build.torch)
    return lines


def _others(against: Mapping[str, tuple[Row, tuple[Finding, ...]]], nearest: str) -> list[str]:
    """The other releases, under the rule that fells each first."""
    groups: dict[str, list[str]] = {}
    for torch in sorted(against, key=release, reverse=True):
        findings = against[torch][1]
        if torch != nearest and findings:
            groups.setdefault(f"{findings[0].message}  [{findings[0].rule}]", []).append(torch)
    return [f"  torch {', '.join(torches)}: {text}" for text, torches in groups.items()]


def _served_by(
    profile: Profile | None, request: Request, tables: Tables, rows: list[Row], asked: Decision
) -> list[str]:
    """For each GPU without kernels in this backend: the newest torch that serves it, whatever the
    bounds on torch and the other packages."""
    lines = []
    bare = replace(request, torch="", companions=(), channel="stable")
    for target in asked.question.targets:
        alone = replace(asked.question, targets=(target,))
        findings = [all_findings(row.build, row.backend, alone, frozenset({"gpu"})) for row in rows]
        if target.index is None or not all(findings):
            continue
        other = decide(profile, replace(bare, gpus=str(target.index)), tables)
        told = "none on this host"
        if other.winner and other.question.vendor:
            build = other.winner.row.build
            told = f"torch {build.torch} with {build.backend}"
            if not asked.question.in_range(build):
                told += f", outside torch{request.torch}"
        arch = target.real or "architecture not known"
        lines.append(f"  the newest torch that serves {target.label} ({arch}): {told}")
    return lines


def _elsewhere(backend: str, decision: Decision) -> list[str]:
    return [
        f"  not established: {row.message} ({row.index})"
        for row in elsewhere(decision.question)
        if row.backend == backend
    ]
