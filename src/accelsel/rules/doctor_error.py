"""What a pasted error message says, beside what is installed: whose fault it is."""

import re
from collections.abc import Iterable, Iterator

from accelsel.model.companion import Symptom
from accelsel.model.finding import Finding
from accelsel.model.value import replace
from accelsel.rules.doctor_drivers import DRIVER_MESSAGES
from accelsel.rules.doctor_kernels import KERNEL_MESSAGES
from accelsel.rules.doctor_loader import LIBRARY_MESSAGES
from accelsel.rules.doctor_message import Message, listed, restored, said, suspects
from accelsel.rules.doctor_modules import MODULE_MESSAGES
from accelsel.rules.doctor_subject import FAMILY, Check, Subject, cuda_of, minor_of
from accelsel.rules.doctor_symbols import FIRST_MESSAGES, LAST_MESSAGES


def told(subject: Subject) -> Iterator[Finding]:
    """What the text says: of the drivers' messages, the loader's and the table's the first that it
    holds. Where another finding states the same, it is only said that the message comes from it."""
    text = subject.error
    if not text:
        return
    for message in (*KERNEL_MESSAGES, *DRIVER_MESSAGES, *FIRST_MESSAGES, *MODULE_MESSAGES):
        if re.search(message.pattern, text, re.IGNORECASE):
            yield from _joined(subject, message.find(subject), message.kin, message.anybodys)
            return
    row = next((row for row in subject.symptoms if _speaks(subject, row, text)), None)
    if row is not None:
        anybodys = row.name is None and row.whose == "companion" and not row.fix
        yield from _joined(subject, (_symptom(subject, row),), row.kin, anybodys)
        return
    yield from _last(subject, text, (*LIBRARY_MESSAGES, *LAST_MESSAGES))


def _last(subject: Subject, text: str, messages: tuple[Message, ...]) -> Iterator[Finding]:
    """The first of these messages that finds something."""
    for message in messages:
        if re.search(message.pattern, text, re.IGNORECASE):
            said = message.find(subject)
            found = tuple(_joined(subject, said, message.kin, message.anybodys))
            yield from found
            if found:
                return


def _joined(
    subject: Subject, found: Iterable[Finding], kin: tuple[str, ...], anybodys: bool
) -> Iterator[Finding]:
    """The findings, as notes with the cure of another one that states the same: the message proves
    that one (see `proved`)."""
    for each in found:
        twins = [f for f in subject.found if _same(subject, each, f, kin, anybodys)]
        twin = min(twins, key=lambda f: f.severity != "error", default=None)
        if twin is None:
            yield each
        else:
            yield replace(
                each,
                severity="note",
                fix=twin.fix or each.fix,
                cause=twin.cause,
                hint=f"{CURED}{twin.id}, which stands above",
            )


def proved(found: list[Finding]) -> list[Finding]:
    """The findings with what a message proves as errors, and without the notes that say what it
    says."""
    told_of = [each for each in found if each.id == "error-text"]
    cures = {each.fix for each in told_of if each.severity == "error"}
    shown = {(each.hint or "").removeprefix(CURED).partition(",")[0]: each.fix for each in told_of}
    out = []
    for each in found:
        if each.severity == "warning" and shown.get(each.id) == each.fix:
            out.append(replace(each, severity="error"))
        elif each.severity != "note" or each.fix not in cures:
            out.append(each)
    return out


CURED = "cured with "
# What is said of packages whose code does not go with torch or a GPU.
BUILT = (
    "built-for-other-torch", "companion-torch", "companion-build", "companion-version",
    "companion-kernels", "torch-requirement", "family-version", "family-build", "two-owners",
)  # fmt: skip


def _same(
    subject: Subject, message: Finding, other: Finding, kin: tuple[str, ...], anybodys: bool
) -> bool:
    """Whether another finding states the cause of a message: it is of the same kind, or both speak
    of the same package."""
    if other.severity == "note" or not other.fix:
        return False
    if other.id in kin:
        return True
    ours = _names(subject, message.what)
    if other.cause == "torch" and ours & set(FAMILY):
        return other.severity == "error"  # torch's own family comes anew with it
    if message.cause != "companion" or other.cause != "companion":
        return False
    if not ours:
        return anybodys and other.severity == "error" and other.id in BUILT
    return bool(ours & _names(subject, other.what))


def _names(subject: Subject, what: str) -> set[str]:
    """The distributions that a sentence names."""
    environment, table = subject.environment, subject.companions
    known = {package.name for package in environment.packages} if environment else set()
    known |= set(table.distributions) if table else set()
    words = {word.strip(".,;:()") for word in re.split(r"[\s=<>!~]+", what)}
    return {w for w in words if w in known or w.startswith(("nvidia-", "cuda-"))} - {"torch"}


def _speaks(subject: Subject, row: Symptom, text: str) -> bool:
    if row.installed and not (subject.environment and subject.environment.get(row.name or "")):
        return False
    return re.search(row.pattern, text) is not None


def _symptom(subject: Subject, row: Symptom) -> Finding:
    """What a row of the table says, and the command that cures it here."""
    own = row.whose == "companion" and not row.fix
    names = suspects(subject) if row.name is None and own else (row.name,) if row.name else ()
    names = tuple(name for name in names if name)
    command = _command(subject, row)
    if command is None:
        command = restored(subject, names[0]) if names else "accelsel doctor --python .venv"
    return said(
        subject,
        f"{row.cause}" + (f" ({listed(names)})" if names else ""),
        command,
        row.cure,
        cause=row.whose,
    )


def _command(subject: Subject, row: Symptom) -> str | None:
    """The row's command for this place, its blanks filled; None where the row has none."""
    os = subject.profile.os
    inside = os.container is not None and not os.wsl
    places = (
        *(("container",) if inside else ()),
        *(("wsl",) if os.wsl else ()),
        subject.files.distribution or "",
        os.system,
        "any",
    )
    command = next((row.fix[place] for place in places if place in row.fix), None)
    if command is None:
        return None
    python = minor_of((subject.environment and subject.environment.python) or "3.12")
    cuda = cuda_of(subject.torch.backend if subject.torch else None) or (12, 6)
    release = subject.torch.release if subject.torch else "2.14.1"
    engine = "podman" if os.container == "podman" else "docker"
    blanks = {
        "{python}": python,
        "{toolkit}": f"{cuda[0]}-{cuda[1]}",
        "{cuda}": f"{cuda[0]}.{cuda[1]}",
        "{major}": f"{cuda[0]}",
        "{add}": f"uv pip install{subject.python_argument}",
        "{torch}": release,
        "{minor}": minor_of(release),
        "{remove}": f"uv pip uninstall{subject.python_argument}",
        "{engine}": engine,
    }
    for blank, value in blanks.items():
        command = command.replace(blank, value)
    return command.replace("sudo ", "") if inside else command


ERROR_CHECKS = (Check(id="error-text", title="What a pasted message says", run=told),)
