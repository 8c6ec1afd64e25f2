"""The packages of a request beside the builds of the rules table, and in a selection."""

from collections.abc import Callable, Container, Iterable, Iterator

from accelsel.model.companion import CompanionAnswer, CompanionTable, Refusal
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.selection import Package, Reason, Selection, Warning_
from accelsel.model.table import Backend, Build
from accelsel.model.value import dataclass, replace
from accelsel.rules import channels
from accelsel.rules.channels import ANY, NIGHTLY
from accelsel.rules.choice import Candidate, Decision, Row
from accelsel.rules.companions_answer import ORDER, conflict, constraints, told
from accelsel.rules.companions_runtime import (
    requirement,
    runtime_packages,
    triton_package,
    triton_where_torch_has_it,
)
from accelsel.rules.family import FAMILY, Wish, against, partners
from accelsel.rules.host import Target
from accelsel.rules.question import Case, Question, pythons
from accelsel.rules.versions import python_key, release


@dataclass(frozen=True, kw_only=True)
class Beside:
    """The newest Python for which all packages go with a build, and what goes."""

    python: str | None
    answer: CompanionAnswer


def beside(case: Case) -> Beside:
    """What the request's other packages come to beside one build.

    Where no Python serves, the answer for the newest tells who is in the way.
    Raises AccelselError (2, `unknown-prebuilt`) for an index of wheels that is not in the table.
    """
    question = case.question
    table = _table(question)
    if table is None:
        return Beside(python=None, answer=CompanionAnswer())
    first: Beside | None = None
    for python in _pythons(case) or (None,):
        answer = constraints(
            question.request.companions,
            build=case.build,
            backend=case.backend,
            index=case.backend.indexes.get(case.build.channel),
            table=table,
            python=python,
            archs=tuple(target.arch for target in question.targets if target.arch),
            prebuilt=question.request.prebuilt,
            exceptions=question.exceptions,
            torch=question.request.torch,
        )
        found = Beside(python=python, answer=answer)
        if not answer.refusals:
            return found
        first = first or found
        if all(refusal.cause != "python" for refusal in answer.refusals):
            break
    return first or Beside(python=None, answer=CompanionAnswer())


def _table(question: Question) -> CompanionTable | None:
    read = question.tables.companions
    if read is None:
        return None
    table = read()
    names = sorted({row.prebuilt for row in table.indexes.values() if row.prebuilt})
    for name in question.request.prebuilt:
        if name not in names:
            raise AccelselError(
                USAGE,
                "unknown-prebuilt",
                f"there is no index of finished wheels named {name!r}",
                where="--prebuilt",
                help=f"one of {', '.join(names)}",
            )
    return table


def _pythons(case: Case) -> tuple[str, ...]:
    """The Pythons of a build that torch's own family has too, newest first."""
    tags = pythons(case.build, case.question)
    asked = {wish.name for wish in case.question.partners}
    for row in case.build.companions:
        if row.pythons and row.name in asked:
            tags = tuple(tag for tag in tags if tag in row.pythons)
    return tags[::-1]


def extended(
    selection: Selection,
    decision: Decision,
    winner: Candidate,
    served: Iterable[Target],
    span: tuple[Build, ...],
    kin: tuple[Build, ...],
) -> Selection:
    """The selection with what has to be written for the packages around torch; `span` are the
    builds of the range of the choice, newest first, `kin` those of other backends with them."""
    build, backend, question = winner.row.build, winner.row.backend, decision.question
    tables = question.tables
    found = beside(Case(build, backend, question))
    answer = found.answer
    index = selection.index.name if selection.index else None
    table = _table(question)
    runtime: tuple[Package, ...] = ()
    if table is not None and backend.kind == "amd":
        archs = tuple(dict.fromkeys(target.arch for target in served if target.arch))
        siblings = tuple(
            row
            for row in question.tables.builds
            if row.backend == build.backend and row.version == build.version and row.published
        )
        own_platforms = {row.platform for row in siblings}
        elsewhere = {
            row.platform
            for row in question.tables.builds
            if row.triton and row.triton.name == "triton" and row.platform not in own_platforms
        }
        runtime = runtime_packages(build, archs, index, table, siblings, tuple(sorted(elsewhere)))
    if table is not None and build.channel == NIGHTLY:
        with_triton = {
            row.platform
            for row in tables.builds
            if row.triton and tables.backends[row.backend].kind == backend.kind
        }
        selection = _nightly(selection, build, backend, table, with_triton)
        selection = replace(selection, confined=channels.nightly_only(question.request, tables))
    like = _with_triton(build, question)
    if like is not None and like.triton is not None and build.channel == "stable":
        selection = replace(selection, triton=requirement(like.triton))
    if like is not None and backend.kind == "cpu" and answer.unknown:
        mask = triton_where_torch_has_it(like, question.allows_python)
        runtime = (mask,) if mask else ()
    if backend.kind == "cuda" and build.channel == "stable":
        mask = triton_where_torch_has_it(build, question.allows_python)
        if mask is not None and selection.torch is not None:
            runtime = (mask,)
            torch = replace(selection.torch, specifier=f"=={build.torch}")
            selection = replace(selection, torch=torch)
    around = tuple(
        _where_files_are(_of_the_span(package, span, kin), build, question)
        for package in answer.packages
    )
    own = {package.name: package for package in runtime}
    before = [package for package in selection.packages if package.name not in own]
    named = {package.name for package in before}
    added = [package for package in (*around, *runtime) if package.name not in named]
    every = (*map(_with_device(selection), before), *added)
    scarce = [package for package in added if package.pythons]
    return replace(
        selection,
        python=found.python or selection.python,
        packages=tuple(sorted(every, key=lambda package: package.name not in FAMILY)),
        indexes=(*selection.indexes, *answer.indexes),
        excludes=tuple(dict.fromkeys((*selection.excludes, *answer.excludes))),
        reasons=(
            *selection.reasons,
            *_caps(decision, winner),
            *_places(answer),
            *_left_alone(answer),
        ),
        warnings=(
            *selection.warnings,
            *answer.warnings,
            *map(_told_pythons, scarce),
        ),
        rows=(*selection.rows, *answer.rows),
        confidence=max(
            (one for one in (selection.confidence, answer.confidence) if one), key=ORDER.index
        ),
    )


def _with_triton(build: Build, question: Question) -> Build | None:
    """The build itself, or where it is for the CPU one for CUDA of the same release and platform,
    whose triton others of its time ask for; None for others."""
    if build.backend != "cpu":
        own = build.triton is not None and build.triton.name == "triton"
        return build if own and build.backend.startswith("cu") else None
    return next(
        (
            row
            for row in question.tables.builds
            if (row.torch, row.platform) == (build.torch, build.platform)
            and row.triton is not None
            and row.triton.name == "triton"
            and row.channel == "stable"
        ),
        None,
    )


def _of_the_span(package: Package, span: tuple[Build, ...], kin: tuple[Build, ...]) -> Package:
    """What another package brings of torch's own family, with the bound that it has where the
    project itself asks for it."""
    if package.name not in FAMILY or package.index is None:
        return package
    asked = (Wish(name=package.name, specifier=""),)
    (row,) = partners(asked, package.index, span, kin) or (package,)
    return replace(package, specifier=row.specifier) if row.constrain else package


def _where_files_are(package: Package, build: Build, question: Question) -> Package:
    """The package with the Pythons that it has files for, if the project asks for it and allows an
    older Python that it has none for.

    uv divides a lock at the Python from which the newest release of any package holds; it then
    finds no file for the older part, and fails.
    """
    asked = {wish.name for wish in question.wishes if question.request.requires_python}
    allowed = [
        tag for tag in build.pythons if not tag.endswith("t") and question.allows_python(tag)
    ]
    served = sorted(set(allowed) & set(package.pythons), key=python_key)
    lacking = [tag for tag in allowed if tag not in served]
    divided = served and any(python_key(tag) < python_key(served[-1]) for tag in lacking)
    return replace(package, pythons=tuple(served) if divided and package.name in asked else ())


def _told_pythons(package: Package) -> Warning_:
    where = f"Python {' and '.join(package.pythons)}"
    return Warning_(
        code="companion-python",
        message=f"{package.name} has files for {where} alone of the Pythons that the project "
        "allows, so it is required on these alone",
        hint=f"requires-python = '{_span(package.pythons)}' says the same for all of the project",
    )


def _span(minors: tuple[str, ...]) -> str:
    """The requires-python of Pythons without a gap, else of the newest."""
    first, last = (int(minors[at].partition(".")[2]) for at in (0, -1))
    together = len(minors) > 1 and last - first == len(minors) - 1
    return f">=3.{first},<3.{last + 1}" if together else f"==3.{last}.*"


def _nightly(
    selection: Selection, build: Build, backend: Backend, table: CompanionTable, on: Container[str]
) -> Selection:
    """The selection of a nightly: any version of its page, with the triton of its index on the
    platforms `on`, and no other distribution in the place of that one."""
    torch = selection.torch
    platforms = selection.platforms or (build.platform,)
    places = tuple(platform for platform in platforms if platform in on)
    index = selection.index.name if selection.index else None
    there = replace(build, platform=places[0]) if places else build
    triton = triton_package(backend.kind, there, index, table) if places else None
    named = {package.name for package in selection.packages}
    added = (replace(triton, platforms=places),) if triton and triton.name not in named else ()
    notice = Warning_(
        code="nightly",
        message="a nightly page keeps about sixty versions and no hashes: the lock goes stale",
        hint="pin again to follow it, or pin a release",
    )
    return replace(
        selection,
        torch=replace(torch, specifier=ANY) if torch else None,
        platforms=platforms,
        packages=(*selection.packages, *added),
        excludes=("triton",) if triton and triton.name != "triton" else (),
        warnings=(*selection.warnings, notice),
    )


def _with_device(selection: Selection) -> Callable[[Package], Package]:
    """Gives torchvision the extra that brings its device code, as torch has it (AMD's wheels)."""
    extras = selection.torch.extras if selection.torch else ()

    def change(package: Package) -> Package:
        return replace(package, extras=extras) if package.name == "torchvision" else package

    return change


def _caps(decision: Decision, winner: Candidate) -> list[Reason]:
    """The package that holds torch back, told for the newest torch that it holds back."""
    held = [
        (row, finding)
        for row, finding in decision.rejected
        if finding.rule == "companion"
        and release(row.build.torch) > release(winner.row.build.torch)
    ]
    if not held:
        return []
    row, finding = max(held, key=lambda pair: release(pair[0].build.torch))
    message = f"torch {row.build.torch} with {row.backend.name} is held back: {finding.message}"
    return [Reason(rule="companion", message=message)]


def _places(answer: CompanionAnswer) -> list[Reason]:
    """Where packages come from that are neither on torch's index nor on the default one."""
    found = []
    for index in answer.indexes:
        names = [package.name for package in answer.packages if package.index == index.name]
        chosen = set(names) & set(answer.trusted)
        whose = "chosen with --prebuilt: its wheels are trusted" if chosen else "their home"
        message = f"{', '.join(names)} from {index.url}, {whose}"
        found.append(Reason(rule="companion", message=message))
    return found


def _left_alone(answer: CompanionAnswer) -> list[Reason]:
    if not answer.unknown:
        return []
    names = ", ".join(answer.unknown)
    message = f"left alone, as the rules table does not have them: {names}"
    return [Reason(rule="companion", message=message)]


def in_conflict(decision: Decision) -> tuple[Reason, ...]:
    """Where nothing was selected: the smallest set of requirements that no build serves together,
    over the builds that only the packages asked for rule out."""
    question = decision.question
    answers: dict[str, list[CompanionAnswer]] = {}
    rows: list[Row] = [row for row, finding in decision.rejected if finding.rule == "companion"]
    for row in sorted(rows, key=lambda row: release(row.build.torch), reverse=True):
        case = Case(row.build, row.backend, question)
        answer = beside(case).answer
        answer = replace(answer, refusals=(*_of_family(case), *answer.refusals))
        answers.setdefault(row.build.torch, []).append(answer)
    each = [answer for found in answers.values() for answer in found]
    group = conflict(each)
    if not group or len(question.wishes) < 2:
        return ()
    if len(group) == 1:
        first = next(r for r in each[0].refusals if (r.requirement, *r.beside) == group)
        lines: tuple[str, ...] = (f"no torch serves {group[0]} here: {first.message}",)
    else:
        lines = (f"no torch serves {' and '.join(group)} together", *told(group, answers))
    return tuple(Reason(rule="companion", message=line) for line in lines)


def _of_family(case: Case) -> Iterator[Refusal]:
    """What of torch's own family a build cannot have beside it."""
    tags = pythons(case.build, case.question)
    for wish in case.question.partners:
        message = against(wish, case.build, tags, case.backend)
        if message:
            text = f"{wish.name}{wish.specifier}"
            yield Refusal(name=wish.name, requirement=text, cause="torch", message=message)
