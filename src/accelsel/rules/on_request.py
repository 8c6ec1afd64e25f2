"""Rules about a build and what was asked for."""

from accelsel.rules import family
from accelsel.rules.question import Case, Finding, pythons
from accelsel.rules.versions import release


def policy(case: Case) -> Finding | None:
    if case.backend.kind != "cpu" or case.question.vendor is None:
        return None
    message = "without GPU support, and there is a GPU to serve"
    return Finding(rule="policy", message=message, change="--backend cpu")


def channel(case: Case) -> Finding | None:
    if case.build.channel == case.question.request.channel:
        return None
    where = case.build.channel
    return Finding(rule="channel", message=f"in the {where} channel", change=f"--channel {where}")


def requested_backend(case: Case) -> Finding | None:
    wanted, name = case.question.request.backend, case.backend.name
    if wanted is None or wanted == name:
        return None
    message = f"{wanted} was asked for"
    return Finding(rule="requested-backend", message=message, change=f"--backend {name}")


def requested_range(case: Case) -> Finding | None:
    torch, sure = case.build.torch, case.question.newest_sure
    if not case.question.in_range(case.build):
        message = f"torch{case.question.request.torch} was asked for"
        change = f"a bound on torch that admits {torch}"
        return Finding(rule="requested-range", message=message, change=change)
    if sure is not None and release(torch) > release(sure):
        message = f"newer than {sure}, the newest torch that is sure to run here"
        change = f"a bound on torch that admits {sure}"
        return Finding(rule="requested-range", message=message, change=change)
    return None


def companion(case: Case) -> Finding | None:
    for wish in case.question.partners:
        tags = pythons(case.build, case.question)
        message = family.against(wish, case.build, tags, case.backend)
        if message:
            change = f"another bound on {wish.name}"
            return Finding(rule="companion", message=message, change=change)
    if not case.question.around:
        return None
    from accelsel.rules.companions_case import beside

    answer = beside(case).answer
    for refusal in answer.refusals:
        change = f"torch{refusal.nearest}" if refusal.nearest else f"without {refusal.name}"
        return Finding(rule="companion", message=refusal.message, change=change)
    for doubt in answer.doubts:
        return Finding(rule="companion", message=doubt, certain=False, change="another release")
    return None
