"""Filter, order, pick: from a profile and a request to the selection, every rejection kept."""

from collections.abc import Iterable

from accelsel.knowledge.tables import Tables
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import Selection
from accelsel.model.table import Backend, Build
from accelsel.model.value import dataclass, replace
from accelsel.rules import channels, family, units
from accelsel.rules.host import Host, Target, read_host
from accelsel.rules.policy import Aim, Aims, aims
from accelsel.rules.question import Finding, Question, Scope
from accelsel.rules.versions import admits, admits_python, arch_numbers, meets, release

VENDOR_INDEXES = ("amd", "jetson")

EVERYTHING: frozenset[Scope] = frozenset({"gpu", "host", "wheel", "python", "policy", "request"})
_FORCED: frozenset[Scope] = frozenset({"wheel", "python", "request"})
HOST: frozenset[Scope] = frozenset({"gpu", "host", "wheel", "python", "policy"})


@dataclass(frozen=True, kw_only=True)
class Row:
    """A build of the target platform with its backend."""

    build: Build
    backend: Backend


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A row that nothing is surely against, and what is not known about it."""

    row: Row
    doubts: tuple[Finding, ...]


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What was decided, before it is put in words.

    `rejected` holds the rows that something is against, in the order of the table; `candidates` all
    that run, best first, so that the winner is the first.
    """

    question: Question
    aim: Aim | None
    aims: Aims
    rows: tuple[Row, ...]
    candidates: tuple[Candidate, ...]
    rejected: tuple[tuple[Row, Finding], ...]
    left_out: tuple[tuple[Target, str], ...]
    forced: tuple[Finding, ...] = ()

    @property
    def winner(self) -> Candidate | None:
        return self.candidates[0] if self.candidates else None


def select(profile: Profile | None, request: Request, tables: Tables) -> Selection:
    """The build for a profile under a request, with reasons, rejections and warnings.

    Pure and total: a host that no build serves is answered `outcome="none"`. Raises AccelselError
    (2) for a request that is malformed in itself: a specifier, Python, platform, GPU index or
    backend that does not exist.
    """
    from accelsel.rules.answer import answer

    if not request.parts:
        return answer(profile, decide(profile, request, tables))
    from accelsel.rules.parts import left_out, served

    decision, warnings = served(profile, request, tables)
    selection = answer(profile, decision)
    torch = selection.torch.specifier if selection.torch else None
    return replace(
        selection,
        warnings=(*selection.warnings, *warnings),
        left_out=() if torch is None else left_out(request.parts, decision, torch),
    )


def decide(profile: Profile | None, request: Request, tables: Tables) -> Decision:
    """The decision behind `select`; raises what `select` raises."""
    _known_backend(request, tables)
    request = channels.implied(request, tables)
    host = read_host(profile, request, tables)
    found = aims(profile, host, request, tables)
    question = _question(host, request, tables)
    rows = rows_of(host.platform, request, tables)
    return _decide(question, rows, found)


def _decide(question: Question, rows: tuple[Row, ...], found: Aims) -> Decision:
    first: Decision | None = None
    settled = False
    for aim in found.aims:
        if settled and aim.vendor is not None:
            continue  # a bound or a backend that was asked for moves no choice to another vendor
        aimed = _aimed(question, aim)
        group = _group(aimed, rows, aim)
        decision = _pick(aimed, rows, aim, group, found)
        if decision.candidates:
            return decision
        first = first or decision
        settled = settled or bool(_legal(replace(aimed, targets=group), rows, HOST))
    if first is not None:
        return first
    return Decision(
        question=question,
        aim=None,
        aims=found,
        rows=rows,
        candidates=(),
        rejected=_no_aim(rows),
        left_out=found.left_out,
    )


def rows_of(platform: str | None, request: Request, tables: Tables) -> tuple[Row, ...]:
    """The rows of a platform in the stable channel and in the one asked for."""
    held = (
        build
        for build in tables.builds
        if build.platform == platform and build.channel in ("stable", request.channel)
    )
    return tuple(
        Row(build=build, backend=tables.backends[build.backend])
        for build in (*held, *channels.asked(platform, request, tables))
    )


def _known_backend(request: Request, tables: Tables) -> None:
    name = request.backend
    if name is None or name in tables.backends:
        return
    from difflib import get_close_matches

    near = get_close_matches(name, tables.backends, n=3)
    raise AccelselError(
        USAGE,
        "unknown-backend",
        f"there is no backend {name!r} in the rules table",
        where=request.asked_by,
        help=f"did you mean {' or '.join(near)}?" if near else "accelsel rules show lists them",
    )


def _question(host: Host, request: Request, tables: Tables) -> Question:
    admitted = admits(request.torch, where="--torch")
    local = "+" in request.torch
    memory: dict[str, bool] = {}
    wishes = family.wishes(request.companions, host.platform, host.python)

    def in_range(build: Build) -> bool:
        version = build.version if local or "+" in build.torch else build.torch
        if version not in memory:
            meant = channels.meant(build, request.torch)
            memory[version] = admitted(version) or any(map(admitted, meant))
        return memory[version]

    return Question(
        host=host,
        request=request,
        tables=tables,
        vendor=None,
        targets=(),
        in_range=in_range,
        allows_python=admits_python(request.requires_python or ""),
        wishes=wishes,
        partners=family.of_torch(wishes),
        around=family.around(wishes, request, tables),
    )


def _aimed(question: Question, aim: Aim) -> Question:
    devices = {target.arch for target in aim.required} | {target.arch for target in aim.optional}
    host = replace(question.host, driver=aim.driver) if aim.driver else question.host
    return replace(
        question,
        host=host,
        vendor=aim.vendor,
        targets=aim.required,
        ceiling=aim.ceiling,
        exceptions=tuple(
            row
            for row in question.tables.exceptions
            if row.device in devices or (row.same and row.code in devices)
        ),
    )


def _scopes(question: Question) -> frozenset[Scope]:
    return _FORCED if question.request.force and question.request.backend else EVERYTHING


def _legal(
    question: Question, rows: Iterable[Row], scopes: frozenset[Scope]
) -> tuple[Candidate, ...]:
    found = []
    for row in rows:
        finding, doubts = units.first_finding(row.build, row.backend, question, scopes)
        if finding is None:
            found.append(Candidate(row=row, doubts=doubts))
    return tuple(found)


def _group(question: Question, rows: tuple[Row, ...], aim: Aim) -> tuple[Target, ...]:
    """The GPUs that one build has to serve: all, else the largest group that one can.

    Bounds on torch, a backend asked for and other packages play no part, so they never drop a GPU.
    """
    if question.request.gpus not in ("all", "any") or question.request.force:
        return aim.required
    if question.request.gpus == "all" and (len(aim.required) < 2 or _legal(question, rows, HOST)):
        return aim.required
    apart = [
        (target, frozenset(
            (one.row.build.torch, one.row.backend.name)
            for one in _legal(replace(question, targets=(target,)), rows, HOST)
        ))
        for target in aim.required
    ]  # fmt: skip
    if question.request.gpus == "any":
        able = [target for target, builds in apart if builds]
        return (max(able, key=_weight),) if able else aim.required
    groups = {
        tuple(target for target, builds in apart if key in builds)
        for key in {key for _, builds in apart for key in builds}
    }
    return max(
        groups,
        key=lambda group: (
            len(group),
            sum(not target.integrated for target in group),
            sum(target.memory for target in group),
            sorted((_weight(target) for target in group), reverse=True),
        ),
        default=aim.required,
    )


def _weight(target: Target) -> tuple[bool, int, tuple[int, ...], str]:
    """Discrete before integrated, more memory before less, newer before older."""
    return (not target.integrated, target.memory, arch_numbers(target.arch or ""), target.name)


def _pick(
    question: Question, rows: tuple[Row, ...], aim: Aim, group: tuple[Target, ...], found: Aims
) -> Decision:
    question = replace(question, targets=group)
    scopes = _scopes(question)
    if question.request.torch:
        free = replace(
            question, request=replace(question.request, torch=""), in_range=lambda _build: True
        )
        newest = _ordered(_legal(free, rows, scopes), free)
        sure = newest[0].row.build.torch if newest else None
        question = replace(question, newest_sure=sure)
    candidates, rejected = [], []
    for row in rows:
        finding, doubts = units.first_finding(row.build, row.backend, question, scopes)
        if finding is None:
            candidates.append(Candidate(row=row, doubts=doubts))
        else:
            rejected.append((row, finding))
    ordered = _ordered(candidates, question)
    served = {target.index for target in group}
    why = "no build serves it together with the others"
    if question.request.gpus == "any":
        why = "the best GPU alone decides (--gpu any)"
    left = [(target, why) for target in aim.required if target.index not in served]
    instead = "the CPU build is taken" if aim.vendor is None else "another vendor's GPU decides"
    for other in found.aims:
        if other is not aim and other.vendor is not None:
            left += [(target, instead) for target in (*other.required, *other.optional)]
    forced: tuple[Finding, ...] = ()
    if ordered and scopes is _FORCED:
        best = ordered[0].row
        forced = units.all_findings(best.build, best.backend, question, HOST)
    return Decision(
        question=question,
        aim=aim,
        aims=found,
        rows=rows,
        candidates=ordered,
        rejected=tuple(rejected),
        left_out=(*found.left_out, *left),
        forced=forced,
    )


def _no_aim(rows: tuple[Row, ...]) -> tuple[tuple[Row, Finding], ...]:
    return tuple(
        (row, Finding(rule="usable-gpu", message="nothing is known of the GPU that would run it"))
        for row in rows
    )


def _ordered(candidates: Iterable[Candidate], question: Question) -> tuple[Candidate, ...]:
    """The candidates, best first."""
    return tuple(sorted(candidates, key=lambda one: preference(one, question), reverse=True))


def preference(one: Candidate, question: Question) -> tuple[object, ...]:
    """The order among builds that run; the greatest is taken.

    Fewer unknowns come first of all, because a build that is sure to run comes before a newer one
    that is not. PyTorch's own index comes before a vendor's. Then the newest torch; of one release
    an established build before an inferred one, the newest toolkit not above the driver's, and
    where all are above, the lowest.
    """
    build, backend = one.row.build, one.row.backend
    driver = question.host.driver
    cuda = driver.cuda if driver else None
    toolkit = backend.toolkit
    within = backend.kind != "cuda" or (cuda is not None and meets(cuda, toolkit))
    return (
        -len(one.doubts),
        backend.kind not in VENDOR_INDEXES,
        release(build.torch),
        build.confidence != "inferred",
        within,
        toolkit if within else tuple(-part for part in toolkit),
        release(build.version),
        backend.name,
    )


def outdone(one: Candidate, best: Candidate) -> tuple[str, str]:
    """The rule by which a build that runs comes after the best one, and the sentence for it."""
    build, winner = one.row.build, best.row.build
    name = f"torch {winner.torch} with {winner.backend}"
    if len(one.doubts) > len(best.doubts):
        return "newest-torch", f"it is less sure to run than {name}"
    if one.row.backend.kind in VENDOR_INDEXES and best.row.backend.kind not in VENDOR_INDEXES:
        return "own-index", f"{name} is on PyTorch's own index and runs too"
    if release(winner.torch) > release(build.torch):
        return "newest-torch", f"{name} is newer and runs too"
    return "nearest-toolkit", f"{name} is nearer to what the driver reports"
