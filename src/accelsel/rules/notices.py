"""The warnings of a selection: who is left out, what is not known, what is forced or overridden."""

from accelsel.model.profile import Profile
from accelsel.model.selection import Warning_
from accelsel.rules.choice import Candidate, Decision
from accelsel.rules.host import OVERRIDE, Target
from accelsel.rules.policy import standing
from accelsel.rules.question import Finding


def warnings(
    profile: Profile | None, decision: Decision, winner: Candidate, served: tuple[Target, ...]
) -> list[Warning_]:
    """All warnings of a selection, the profile's own first."""
    found = probe_warnings(profile)
    found += decision.aim.warnings if decision.aim else ()
    reached = {target.index for target in served}
    for target, why in decision.left_out:
        told = decision.aim is not None and decision.aim.vendor is None and decision.aim.warnings
        if target.index in reached or target.index is None or told:
            continue
        found.append(
            Warning_(
                code="gpu-left-out",
                message=f"{target.label} is left out: {why}",
                hint="choose GPUs with --gpu" if _has_builds(target, decision) else None,
            )
        )
    for target in decision.aim.optional if decision.aim else ():
        if target.index not in reached:
            found.append(_ignored(target, profile))
    for target, note in decision.question.host.unusable:
        found.append(
            Warning_(
                code="gpu-unusable",
                message=f"{target.label} is present and not usable" + (f": {note}" if note else ""),
                hint="install or repair its driver, then run this again",
            )
        )
    found += _doubt_warnings(decision, winner)
    found += [
        Warning_(
            code="forced", message=f"{winner.row.backend.name} is forced: {finding.message}",
            hint=finding.change,
        )
        for finding in decision.forced
    ]  # fmt: skip
    found += override_warnings(decision)
    return found


def _has_builds(target: Target, decision: Decision) -> bool:
    """Whether naming the GPU with --gpu can get a build for it."""
    return standing(target, decision.question.tables) in ("served", "unknown")


def probe_warnings(profile: Profile | None) -> list[Warning_]:
    """The profile's own warnings: notes that start with their code, and a driver mismatch."""
    if profile is None:
        return []
    found = []
    for note in profile.notes:
        code, colon, message = note.partition(":")
        if colon and code.startswith("probe-") and " " not in code:
            found.append(Warning_(code=code, message=message.strip()))
    if profile.state == "driver-mismatch":
        found.append(
            Warning_(
                code="probe-driver-mismatch",
                message="the driver's library and its kernel module are of different versions",
                hint="reboot, or load the kernel module that matches the library",
            )
        )
    return found


def _ignored(target: Target, profile: Profile | None) -> Warning_:
    hint = None
    if target.vendor == "amd" and profile:
        hint = "hide it from ROCm with HIP_VISIBLE_DEVICES; accelsel env prints it"
    return Warning_(
        code="gpu-left-out",
        message=f"{target.label} is left out: integrated, beside a discrete GPU that decides",
        hint=hint,
    )


def _doubt_warnings(decision: Decision, winner: Candidate) -> list[Warning_]:
    several = decision.question.request.asked_by == "--backends"
    codes = {"arch-kernels": "arch-unknown", "driver-floor": "driver-unknown"}
    return [
        Warning_(
            code=codes.get(doubt.rule, "inferred"), message=doubt.message,
            hint=_settles(doubt, winner, several=several and doubt.rule in codes),
        )
        for doubt in winner.doubts
    ]  # fmt: skip


def _settles(doubt: Finding, winner: Candidate, *, several: bool) -> str | None:
    """What tells whether a doubt holds; of `several` backends no host of this time decides."""
    change = "`accelsel uv sync` looks at the machine that runs it" if several else doubt.change
    if doubt.rule == "arch-kernels" and winner.row.build.archs:
        archs = winner.row.build.archs
        return f"it has code for {archs[0]} to {archs[-1]}; {change}"
    return change


def override_warnings(decision: Decision) -> list[Warning_]:
    """An override in force is told; one that would help a GPU is offered, never taken, and not
    where another vendor's GPU decides."""
    host = decision.question.host
    if host.override:
        names = ", ".join(t.label for t in host.targets if t.vendor == "amd" and t.arch != t.real)
        if not names:
            return []
        message = f"{OVERRIDE}={host.override} makes {names} run as another GPU"
        return [Warning_(code="arch-override", message=message, hint=None)]
    if decision.aim and decision.aim.vendor not in (None, "amd"):
        return []
    found = []
    for target in host.targets:
        row = next(
            (r for r in host.override_rows if r.arch == target.real and r.value == host.offer), None
        )
        if target.vendor != "amd" or row is None or not row.works:
            continue
        found.append(
            Warning_(
                code="arch-override-offer",
                message=f"{target.label} can also run as {row.acts_as} on PyTorch's ROCm builds: "
                f"{row.note}",
                hint=f"at your own risk: {OVERRIDE}={row.value}, or allow-arch-override = true in "
                "[tool.accelsel]",
            )
        )
    return found
