"""Why nothing was selected, and the nearest ways out."""

from collections import Counter
from typing import Final

from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.selection import Reason
from accelsel.model.value import replace
from accelsel.rules import family
from accelsel.rules.channels import NIGHTLY
from accelsel.rules.choice import EVERYTHING, Candidate, Decision, Row, decide, preference
from accelsel.rules.compatibility import VENDORS, newer_than_known
from accelsel.rules.host import BRAND, OVERRIDE
from accelsel.rules.policy import newer
from accelsel.rules.question import Case, Finding, Question, elsewhere, pythons
from accelsel.rules.units import all_findings
from accelsel.rules.versions import release

_LONGEST = 3
_OF_THE_DRIVER = ("driver-floor", "arch-kernels")  # PTX is compiled by the driver
_SUCH_AS: Final = {"nvidia": "sm_86", "amd": "gfx1100", "intel": "xe-hpg"}
_JETPACKS = ("5", "6", "7")  # those that any build in the table is for


# what would make a channel known of which the table has no build
_SETTLED: Final = {
    channel: Reason(
        rule="channel",
        message=f"{what}, so the table keeps none: a build that is there today can be added to it, "
        "as a row of a file that ACCELSEL_RULES names",
    )
    for channel, what in (
        ("test", "it holds release candidates, for some weeks and under the release's own number"),
        (NIGHTLY, "its pages change daily"),
    )
}


def causes(profile: Profile | None, decision: Decision) -> tuple[Reason, ...]:
    """What rules every build out, the most telling first."""
    if decision.aims.causes:
        return decision.aims.causes
    question = decision.question
    request, host = question.request, question.host
    if host.platform is None:
        return (
            Reason(
                rule="platform-wheel",
                message="the platform is not known: name it with --platform, or give a profile",
            ),
        )
    if not decision.rows:
        return (_no_platform(decision),)
    if request.torch and not any(question.in_range(row.build) for row in decision.rows):
        return (_not_in_table(decision),)
    if request.channel != "stable" and not any(
        row.build.channel == request.channel and row.build.published for row in decision.rows
    ):
        return (_no_channel(profile, decision), _SETTLED[request.channel])
    if request.backend and not any(row.backend.name == request.backend for row in decision.rows):
        message = f"no wheel of {request.backend} for {host.platform}"
        return (Reason(rule="platform-wheel", message=message),)
    return _felled(decision)


def _no_platform(decision: Decision) -> Reason:
    question = decision.question
    has = sorted({build.platform for build in question.tables.builds if build.published})
    message = f"no wheel of torch for {question.host.platform}; there are wheels for "
    return Reason(rule="platform-wheel", message=message + ", ".join(has))


def _not_in_table(decision: Decision) -> Reason:
    """No release within the bound: none that is known, or none of those has a wheel here."""
    question = decision.question
    platform, bound = question.host.platform, f"torch{question.request.torch}"
    known = sorted({row.build.torch for row in decision.rows}, key=release)
    span = f"{known[0]} to {known[-1]}"
    if any(build.published and question.in_range(build) for build in question.tables.builds):
        message = f"no wheel of {bound} for {platform}; it has {span}"
        return Reason(rule="platform-wheel", message=message)
    message = f"no release of {bound} is in the rules table, which has {span} for {platform}"
    return Reason(rule="not-in-table", message=message)


def _outside(decision: Decision) -> Reason:
    """The backend or channel asked for has builds, and none of them within the bound on torch."""
    request = decision.question.request
    rows = [
        row
        for row in decision.rows
        if row.build.channel == request.channel and request.backend in (None, row.backend.name)
    ]
    return _spanned(decision, request.backend or f"the {request.channel} channel", rows)


def _for_others(decision: Decision) -> Reason:
    """No build that the request is about is made for the GPUs of the host."""
    question = decision.question
    brand = BRAND[question.vendor] if question.vendor else ""
    rows = [row for row in decision.rows if VENDORS.get(row.backend.kind) == question.vendor]
    if question.request.torch and rows:
        return _spanned(decision, f"what is made for {brand} GPUs", rows)
    message = f"no build for {brand} GPUs on {question.host.platform}"
    return Reason(rule="platform-wheel", message=message)


def _spanned(decision: Decision, what: str, rows: list[Row]) -> Reason:
    has = sorted({row.build.torch for row in rows}, key=release)
    span = " to ".join(dict.fromkeys((has[0], has[-1]))) if has else "nothing that is known"
    message = f"torch{decision.question.request.torch} was asked for; {what} has {span}"
    return Reason(rule="requested-range", message=message)


def _no_channel(profile: Profile | None, decision: Decision) -> Reason:
    """Names the channel's index of the backend that the stable channel would give."""
    question, tables = decision.question, decision.question.tables
    channel = question.request.channel
    stable = decide(profile, replace(question.request, channel="stable"), tables).winner
    message = f"no {channel} build for {question.host.platform} is established"
    if stable is None:
        return Reason(rule="channel", message=message)
    kind = stable.row.backend.kind
    like = [row for row in tables.backends.values() if row.kind == kind and channel in row.indexes]
    same = [row for row in like if row.name == stable.row.backend.name]
    urls = [tables.indexes[row.indexes[channel]].url for row in same or like[-_LONGEST:]]
    if urls:
        message += f"; what is known of it is its index: {', '.join(urls)}"
    return Reason(rule="channel", message=message)


def _felled(decision: Decision) -> tuple[Reason, ...]:
    """The rules that felled the builds that the request is about, with their best message each."""
    question = decision.question
    asked = [
        (row, _behind(row, finding, question))
        for row, finding in decision.rejected
        if question.in_range(row.build)
        and row.build.channel == question.request.channel
        and question.request.backend in (None, row.backend.name)
    ]
    if not asked:
        return (_outside(decision),)
    for_it = [p for p in asked if VENDORS.get(p[0].backend.kind) == question.vendor]
    if not for_it and question.vendor in VENDORS.values():
        return (_for_others(decision),)
    others = ("vendor", "policy") if question.host.jetson else ("vendor", "policy", "jetpack")
    about = [pair for pair in for_it if pair[1].rule not in others] or asked
    counts = Counter(finding.rule for _, finding in about)
    newest: dict[str, Reason] = {}
    for row, finding in sorted(
        about, key=lambda pair: (pair[0].build.published is True, release(pair[0].build.torch))
    ):
        text = f"{row.backend.name} {row.build.torch}: {finding.message}"
        newest[finding.rule] = Reason(rule=finding.rule, message=text)
    alone = {finding.rule for row, finding in about if _is_all(row, question)}
    # the nearest miss is a build that only the packages asked for rule out, then one that only one
    # rule does
    told = sorted(counts, key=lambda rule: (rule != "companion", rule not in alone, -counts[rule]))
    return (*_ahead(decision), *(newest[rule] for rule in told[:_LONGEST]))


def _ahead(decision: Decision) -> list[Reason]:
    """The GPUs that are newer than all code for this platform."""
    known = {arch for row in decision.rows for arch in row.build.archs or ()}
    return [
        newer(target)
        for target in decision.question.targets
        if target.arch
        and target.vendor in VENDORS.values()
        and newer_than_known(target.arch, target.vendor, known)
    ]


def _behind(row: Row, finding: Finding, question: Question) -> Finding:
    """What is against a build that is newer than the sure ones, where that is not all."""
    if finding.rule != "requested-range":
        return finding
    found = all_findings(row.build, row.backend, replace(question, newest_sure=None), EVERYTHING)
    return next((one for one in found if one.rule == "companion"), finding)


def _is_all(row: Row, question: Question) -> bool:
    """Whether one thing alone is against a build."""
    bare = replace(question, newest_sure=None)
    return len(all_findings(row.build, row.backend, bare, EVERYTHING)) == 1


def _finished(decision: Decision) -> list[str]:
    """The indexes of finished wheels, not chosen yet, that hold a package of the request."""
    request, read = decision.question.request, decision.question.tables.companions
    if read is None or not request.companions:
        return []
    table, asked = read(), {wish.name for wish in decision.question.wishes}
    found = {
        table.indexes[offer.index].prebuilt: None
        for name in sorted(asked)
        for offer in table.offers.get(name, ())
        if offer.index in table.indexes
    }
    return [name for name in found if name is not None and name not in request.prebuilt]


def ways(profile: Profile | None, decision: Decision) -> tuple[Reason, ...]:
    """What one change would lead to: another torch, channel, Python, backend, driver, or fewer
    packages or GPUs; and what exists outside the established rows."""
    if causes := decision.aims.causes:
        return () if causes[0].rule == "policy" else tuple(_unestablished(decision))
    if decision.question.host.platform is None:
        return ()
    request = decision.question.request
    found: list[Reason] = []
    changes: list[tuple[str, str, Request]] = []
    if request.torch:
        changes.append(
            ("requested-range", "with another bound on torch", replace(request, torch=""))
        )
    for name in _finished(decision):
        wheels = replace(request, prebuilt=(*request.prebuilt, name))
        changes.append(("companion", f"with --prebuilt {name}", wheels))
    if request.companions:
        changes.append(("companion", "without the other packages", replace(request, companions=())))
    if request.backend:
        changes.append(("requested-backend", "without --backend", replace(request, backend=None)))
    if request.channel != "stable":
        changes.append(("channel", "in the stable channel", replace(request, channel="stable")))
    if request.channel == "test":
        changes.append(("channel", "in the nightly channel", replace(request, channel=NIGHTLY)))
    other = replace(request, python=None, requires_python="")
    if decision.question.host.implementation not in ("cpython", ""):
        other = replace(other, python=decision.question.host.python)
    changes.append(("python-wheel", "with another Python", other))
    for rule, how, changed in changes:
        found += _outcome(profile, decision, rule, how, changed)
    found += _without_override(profile, decision)
    found += _jetpacks(profile, decision)
    found += _upgrades(decision)
    found += _fewer_gpus(profile, decision)
    found = [*_architectures(decision), *(found or _cpu(profile, decision))]
    found += _unestablished(decision)
    if decision.question.host.jetson:
        text = "NVIDIA has wheels of its own for some JetPacks; the CPU build needs --fallback cpu"
        found.append(Reason(rule="jetpack", message=text))
    return tuple(found)


def _outcome(
    profile: Profile | None, decision: Decision, rule: str, how: str, changed: Request
) -> list[Reason]:
    other = decide(profile, changed, decision.question.tables)
    moved = other.aim is not None and other.aim.vendor != decision.question.vendor
    if other.winner is None or (moved and rule != "requested-backend"):
        return []
    build = other.winner.row.build
    text = f"{how}: torch {build.torch} with {build.backend} runs"
    if rule == "python-wheel":
        python = pythons(build, other.question)[-1]
        if not family.alone(other.question.wishes, other.question.request):
            from accelsel.rules.companions_case import beside

            row = other.winner.row
            python = beside(Case(row.build, row.backend, other.question)).python or python
        name = "Python" if decision.question.host.implementation == "cpython" else "CPython"
        text = f"with {name} {python}: torch {build.torch} with {build.backend} runs"
    return [Reason(rule=rule, message=text)]


def _without_override(profile: Profile | None, decision: Decision) -> list[Reason]:
    if profile is None or decision.question.host.override is None:
        return []
    told = {name: value for name, value in profile.environment.items() if name != OVERRIDE}
    bare = replace(profile, environment=told)
    request = replace(decision.question.request, allow_arch_override=False)
    how = f"without {OVERRIDE}"
    return _outcome(bare, decision, "broken-combination", how, request)


def _jetpacks(profile: Profile | None, decision: Decision) -> list[Reason]:
    """What each JetPack would lead to, where it is not known which one a Jetson has."""
    jetson = profile.os.jetson if profile else None
    if profile is None or jetson is None or decision.question.host.jetpack is not None:
        return []
    found = []
    for jetpack in _JETPACKS:
        system = replace(profile.os, jetson=replace(jetson, jetpack=jetpack))
        told, how = replace(profile, os=system), f"on JetPack {jetpack}"
        found += _outcome(told, decision, "jetpack", how, decision.question.request)
    return found


def _newest_lowest(pair: tuple[Row, Finding]) -> tuple[object, ...]:
    row = pair[0]
    return release(row.build.torch), tuple(-part for part in row.backend.toolkit)


def _upgrades(decision: Decision) -> list[Reason]:
    """For the driver, the C library and the system: the build that it alone keeps away, and that
    would be chosen with it."""
    question = replace(decision.question, newest_sure=None)
    upgradable = [pair for pair in decision.rejected if pair[1].upgrade]
    by_driver = [pair for pair in upgradable if pair[1].rule in _OF_THE_DRIVER]
    others = [pair for pair in upgradable if pair[1].rule not in _OF_THE_DRIVER]
    by_driver.sort(key=_newest_lowest, reverse=True)
    others.sort(key=lambda pair: _preferred(pair[0], question), reverse=True)
    found: dict[str, Reason] = {}
    for row, finding in (*by_driver, *others):
        if finding.rule in found or finding.change is None:
            continue
        if len(all_findings(row.build, row.backend, question, EVERYTHING)) == 1:
            how = "on" if finding.change.startswith("a system") else "with"
            runs = "may run" if finding.rule == "arch-kernels" else "runs"
            text = f"{how} {finding.change}: torch {row.build.torch} with {row.backend.name} {runs}"
            found[finding.rule] = Reason(rule=finding.rule, message=text)
    return list(found.values())


def _preferred(row: Row, question: Question) -> tuple[object, ...]:
    return preference(Candidate(row=row, doubts=()), question)


def _architectures(decision: Decision) -> list[Reason]:
    return [
        Reason(
            rule="arch-kernels",
            message=f"where the architecture of {target.label} is known, name it in "
            f"ACCELSEL_GPU_ARCH, such as {_SUCH_AS[target.vendor]}",
        )
        for target in decision.question.targets
        if target.arch is None and target.index is not None and target.vendor in _SUCH_AS
    ]


def _fewer_gpus(profile: Profile | None, decision: Decision) -> list[Reason]:
    if profile is None or len(decision.question.targets) < 2:
        return []
    found = []
    for target in decision.question.targets:
        changed = replace(decision.question.request, gpus=str(target.index))
        other = decide(profile, changed, decision.question.tables)
        if other.winner:
            build = other.winner.row.build
            text = f"torch {build.torch} with {build.backend} runs"
            message = f"--gpu {target.index} ({target.name} alone): {text}"
            found.append(Reason(rule="policy", message=message))
    return found


def _cpu(profile: Profile | None, decision: Decision) -> list[Reason]:
    """What is left where nothing else helps a GPU."""
    if decision.question.vendor is None:
        return []
    other = decide(
        profile, replace(decision.question.request, fallback="cpu"), decision.question.tables
    )
    if other.winner is None:
        return []
    build = other.winner.row.build
    text = f"with --fallback cpu: torch {build.torch} with {build.backend} runs"
    return [Reason(rule="policy", message=text)]


def _unestablished(decision: Decision) -> list[Reason]:
    asked = decision.question.request.backend
    return [
        Reason(rule="published", message=f"{row.backend}: {row.message}")
        for row in elsewhere(decision.question)
        if asked in (None, row.backend)
    ]
