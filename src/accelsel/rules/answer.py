"""From a decision to the selection document: reasons, range, packages, warnings, ways out."""

from collections.abc import Mapping

from accelsel.knowledge.tables import Tables
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import (
    Reason,
    Rejection,
    RulesVersion,
    Selection,
    Torch,
)
from accelsel.model.table import Backend, Build, Confidence, Index
from accelsel.model.value import replace
from accelsel.rules import family, notices, units
from accelsel.rules.choice import VENDOR_INDEXES, Candidate, Decision, Row, outdone
from accelsel.rules.compatibility import VENDORS, native
from accelsel.rules.host import OVERRIDE, Target
from accelsel.rules.older_pythons import with_older
from accelsel.rules.on_host import floor_of
from accelsel.rules.question import Scope, pythons
from accelsel.rules.span import span_of, specifier_of
from accelsel.rules.versions import Numbers, meets, release

WEAKEST: dict[Confidence, int] = {"inferred": 0, "read": 1, "verified": 2}
_MASKS = ("HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES", "CUDA_VISIBLE_DEVICES")


def answer(profile: Profile | None, decision: Decision) -> Selection:
    """The selection document of a decision."""
    winner = decision.winner
    if winner is None:
        return _none(profile, decision)
    return _selected(profile, decision, winner)


def _selected(profile: Profile | None, decision: Decision, winner: Candidate) -> Selection:
    question, tables = decision.question, decision.question.tables
    build, backend = winner.row.build, winner.row.backend
    index = _index(winner.row, question.request.channel, tables.indexes)
    span = span_of(winner.row, decision)
    platforms = _platforms(build, tables.builds)
    served = _served(decision, winner.row)
    environment = _environment(profile, decision, served)
    triton_platforms = tuple(
        row.platform
        for row in tables.builds
        if row.platform in platforms
        and row.torch == build.torch
        and row.backend == build.backend
        and row.triton
    )
    selection = Selection(
        outcome="selected",
        backend=build.backend,
        channel=build.channel,
        torch=Torch(
            version=build.torch,
            specifier=specifier_of(winner.row, span, decision),
            extras=_extras(build, served),
        ),
        python=_python(build, decision),
        platform=build.platform,
        index=index,
        packages=(
            *family.partners(
                question.wishes, index.name if index else None, span, _kin(backend, tables)
            ),
            *family.triton_packages(backend, index.name if index else None, span, triton_platforms),
        ),
        environment=environment,
        serves=tuple(sorted(t.index for t in served if t.index is not None)),
        leaves_out=_leaves_out(decision, served),
        confidence=_confidence(decision, winner),
        reasons=_reasons(decision, winner, served),
        rejected=_rejected(decision),
        warnings=tuple(notices.warnings(profile, decision, winner, served)),
        rules=RulesVersion(version=tables.version, checked=tables.checked),
        platforms=platforms,
        rows=tuple(f"{row.torch}/{row.backend}/{row.platform}" for row in (build,)),
    )
    ordinary = backend.kind != "amd" and build.channel != "nightly"
    if not (ordinary and family.alone(question.wishes, question.request)):
        from accelsel.rules.companions_case import extended

        kin = _kin(backend, tables)
        selection = extended(selection, decision, winner, served, span, kin)
    return with_older(selection, build, question)


def _kin(backend: Backend, tables: Tables) -> tuple[Build, ...]:
    """The builds whose companions a resolver might mix up with this backend's: a vendor's index
    has releases of its own."""
    return tuple(
        build
        for build in tables.builds
        if build.backend == backend.name
        or tables.backends[build.backend].kind not in VENDOR_INDEXES
    )


def _index(row: Row, channel: str, indexes: Mapping[str, Index]) -> Index | None:
    name = row.backend.indexes.get(channel)
    return indexes.get(name) if name else None


def _platforms(build: Build, table: tuple[Build, ...]) -> tuple[str, ...]:
    return tuple(
        row.platform
        for row in table
        if row.torch == build.torch
        and row.backend == build.backend
        and row.channel == build.channel
        and row.published
    )


def _served(decision: Decision, row: Row) -> tuple[Target, ...]:
    """The GPUs of the deciding vendor that the build runs on, required or not."""
    aim = decision.aim
    if aim is None or aim.vendor is None:
        return ()
    if aim.vendor == "apple":
        return aim.required
    scopes: frozenset[Scope] = frozenset({"gpu"})
    found = []
    for target in (*aim.required, *aim.optional):
        alone = replace(decision.question, targets=(target,))
        finding, _ = units.first_finding(row.build, row.backend, alone, scopes)
        if finding is None:
            found.append(target)
    return tuple(found)


def _leaves_out(decision: Decision, served: tuple[Target, ...]) -> tuple[int, ...]:
    host = decision.question.host
    everyone = [*host.targets, *(target for target, _ in host.unusable)]
    reached = {target.index for target in served}
    return tuple(
        sorted(
            target.index
            for target in everyone
            if target.index is not None and target.index not in reached
        )
    )


def _extras(build: Build, served: tuple[Target, ...]) -> tuple[str, ...]:
    wanted = [build.extras[t.arch] for t in served if t.arch and t.arch in build.extras]
    return tuple(dict.fromkeys(wanted))


def _python(build: Build, decision: Decision) -> str | None:
    fitting = pythons(build, decision.question)
    for row in build.companions:
        if row.pythons and any(wish.name == row.name for wish in decision.question.wishes):
            fitting = tuple(tag for tag in fitting if tag in row.pythons)
    return fitting[-1] if fitting else decision.question.host.python


def _environment(
    profile: Profile | None, decision: Decision, served: tuple[Target, ...]
) -> dict[str, str]:
    """What has to be set at run time: an override that was allowed, and a mask for AMD GPUs that
    the build cannot run on, because ROCm may put one of them first."""
    if profile is None:
        return {}
    found: dict[str, str] = {}
    host = decision.question.host
    if decision.aim is None or decision.aim.vendor != "amd":
        return found
    if host.override and OVERRIDE not in profile.environment:
        found[OVERRIDE] = host.override
    ours = [gpu for gpu in profile.gpus if gpu.vendor == "amd" and gpu.usable]
    reached = {target.index for target in served}
    if (
        len(reached) < len(ours)
        and reached
        and not any(m in profile.environment for m in _MASKS[:2])
    ):
        places = [str(place) for place, gpu in enumerate(ours) if gpu.index in reached]
        found["HIP_VISIBLE_DEVICES"] = ",".join(places)
    return found


def _confidence(decision: Decision, winner: Candidate) -> Confidence:
    """The weakest of the rows that decided; a doubt makes it inferred."""
    build, backend = winner.row.build, winner.row.backend
    parts: list[Confidence] = [build.confidence]
    if backend.kind in VENDORS:
        parts.append(build.arch_confidence)
    if floor := floor_of(backend, decision.question):
        parts.append(floor.confidence)
    host = decision.question.host
    if host.override and backend.kind == "rocm":
        used = [
            row.confidence
            for row in host.override_rows
            for target in decision.question.targets
            if row.arch == target.real and row.value == host.override
        ]
        parts += used or ["inferred"]
    if winner.doubts or decision.forced:
        parts.append("inferred")
    return min(parts, key=WEAKEST.__getitem__)


def _reasons(
    decision: Decision, winner: Candidate, served: tuple[Target, ...]
) -> tuple[Reason, ...]:
    question = decision.question
    build, backend = winner.row.build, winner.row.backend
    found = [decision.aim.reason] if decision.aim else []
    for target in merged(served) if backend.kind in VENDORS else ():
        if target.arch is None:
            continue
        code = native(build, backend, target.arch, question.exceptions)
        how = f"code for {code}" if code else "PTX that its driver compiles"
        as_what = f" as {target.arch}" if target.arch != target.real else ""
        message = f"{target.label} ({target.real}{as_what}) runs its {how}"
        found.append(Reason(rule="arch-kernels", message=message))
    floor = floor_of(backend, question)
    if floor and question.host.driver and not decision.forced:
        driver = question.host.driver
        message = f"{driver.text}: enough for CUDA {floor.major} (driver {floor.version})"
        found.append(Reason(rule="driver-floor", message=message))
    found += [Reason(rule=doubt.rule, message=doubt.message) for doubt in winner.doubts]
    found += _order_reasons(decision, winner)
    if question.request.backend:
        found.append(Reason(rule="requested-backend", message=f"{build.backend} was asked for"))
    return tuple(dict.fromkeys(found))


def _order_reasons(decision: Decision, winner: Candidate) -> list[Reason]:
    """Why the winner comes before the others that run."""
    build, backend = winner.row.build, winner.row.backend
    others = [one.row for one in decision.candidates[1:]]
    found = []
    if backend.kind in VENDOR_INDEXES:
        found += _no_own_index(decision)
    elif any(row.backend.kind in VENDOR_INDEXES for row in others):
        found.append(
            Reason(rule="own-index", message="it is on PyTorch's own index; a vendor's runs too")
        )
    known = max((row.build.torch for row in decision.rows), key=release)
    if release(known) > release(build.torch):
        what = _limits(decision, backend)
        message = f"{build.torch} is the newest torch {what}; {known} is the newest known"
    elif release(newest := _newest(decision)) > release(build.torch):
        message = (
            f"{build.torch} is the newest torch with a wheel for {build.platform}; {newest} is "
            "the newest known"
        )
    else:
        message = f"{build.torch} is the newest torch that is known"
    found.append(Reason(rule="newest-torch", message=message))
    same = [row.backend.name for row in others if row.build.torch == build.torch]
    if same and backend.toolkit:
        driver = decision.question.host.driver
        cuda = driver.cuda if driver else None
        too = f"{', '.join(same)} {'run' if len(same) > 1 else 'runs'} too"
        if backend.kind == "cuda" and not (cuda and meets(cuda, backend.toolkit)):
            message = f"the lowest CUDA of {build.torch} that runs; {too}"
        else:
            message = f"the nearest to the driver of the {build.torch} builds; {too}"
        found.append(Reason(rule="nearest-toolkit", message=message))
    return found


def _no_own_index(decision: Decision) -> list[Reason]:
    """Why a vendor's index is taken: nothing on PyTorch's own runs, or fits what was asked for."""
    question = decision.question
    if question.request.backend:
        return []
    kept = {
        finding.rule
        for row, finding in decision.rejected
        if row.backend.kind not in VENDOR_INDEXES
        and VENDORS.get(row.backend.kind) == question.vendor
    }
    asked = kept & {"requested-range", "companion", "channel"}
    what = "fits what was asked for" if asked else "runs on this host"
    return [Reason(rule="own-index", message=f"no build on PyTorch's own index {what}")]


def _limits(decision: Decision, backend: Backend) -> str:
    """Among which builds the winner is the newest."""
    request = decision.question.request
    if decision.forced:
        return f"with {backend.name} that there is a wheel of"
    what = "that runs here"
    if request.backend:
        what += f" with {backend.name}"
    if request.torch:
        what += f" within torch{request.torch}"
    return what


def _newest(decision: Decision) -> str:
    """The newest torch of the table that is released, on any platform."""
    builds = decision.question.tables.builds
    return max(
        (one.torch for one in builds if one.published and one.channel == "stable"), key=release
    )


def _age(row: Row) -> tuple[Numbers, bool]:
    return release(row.build.torch)


def _rejected(decision: Decision) -> tuple[Rejection, ...]:
    """Every row of the platform but the winner, newest torch first: what is against it, or what
    comes before it."""
    told = {
        (row.build.torch, row.backend.name): (finding.rule, finding.message)
        for row, finding in decision.rejected
    }
    for one in decision.candidates[1:]:
        told[one.row.build.torch, one.row.backend.name] = outdone(one, decision.candidates[0])
    return tuple(
        Rejection(
            backend=row.backend.name,
            torch=row.build.torch,
            rule=told[row.build.torch, row.backend.name][0],
            message=told[row.build.torch, row.backend.name][1],
        )
        for row in sorted(decision.rows, key=_age, reverse=True)
        if (row.build.torch, row.backend.name) in told
    )


def _none(profile: Profile | None, decision: Decision) -> Selection:
    from accelsel.rules.ways import causes, ways

    conflict: tuple[Reason, ...] = ()
    if decision.question.wishes:
        from accelsel.rules.companions_case import in_conflict

        conflict = in_conflict(decision)
    request: Request = decision.question.request
    tables = decision.question.tables
    told = causes(profile, decision)

    def again(reason: Reason) -> bool:
        """Whether what one package lacks is what the causes begin with."""
        lack = reason.message.partition(" here: ")[2]
        return bool(lack) and any(cause.message.endswith(lack) for cause in told)

    return Selection(
        outcome="none",
        backend=None,
        channel=request.channel,
        torch=None,
        python=decision.question.host.python,
        platform=decision.question.host.platform,
        index=None,
        packages=(),
        environment={},
        serves=(),
        leaves_out=_leaves_out(decision, ()),
        confidence=None,
        reasons=(*told, *(r for r in conflict if not again(r)), *ways(profile, decision)),
        rejected=_rejected(decision),
        warnings=(
            *notices.probe_warnings(profile),
            *notices.override_warnings(decision),
        ),
        rules=RulesVersion(version=tables.version, checked=tables.checked),
    )


def merged(targets: tuple[Target, ...]) -> tuple[Target, ...]:
    """One target for all of a kind: eight H100 are told once, by the first of them."""
    kinds = {(target.name, target.real): target for target in reversed(targets)}
    return tuple(reversed(kinds.values()))
