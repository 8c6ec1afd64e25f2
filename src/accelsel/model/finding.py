"""What a doctor finds, and the report that holds it."""

from typing import Literal

from accelsel.model.selection import RulesVersion
from accelsel.model.value import dataclass

Severity = Literal["error", "warning", "note"]


@dataclass(frozen=True, kw_only=True)
class Finding:
    """One finding: `id` is stable; `what` a sentence; `where` a path, a GPU, a variable or a
    distribution; `fix` a command, None where no command can cure it; `hint` what to know besides.

    `cause` says whose fault it is: the torch build, a companion, the host, the Python, or the
    project's files. `own` is True where accelsel itself wrote what is wrong.
    """

    id: str
    severity: Severity
    what: str
    where: str
    fix: str | None
    hint: str | None = None
    cause: Literal["torch", "companion", "host", "python", "project"] = "torch"
    own: bool = False


@dataclass(frozen=True, kw_only=True)
class InstalledTorch:
    version: str
    backend: str | None


@dataclass(frozen=True, kw_only=True)
class EnvironmentSummary:
    path: str
    kind: Literal["venv", "conda", "system"]
    chosen: str
    python: str | None
    distributions: int
    torch: InstalledTorch | None


@dataclass(frozen=True, kw_only=True)
class Report:
    """The report document. What was not there to be checked is None."""

    environment: EnvironmentSummary | None
    project: str | None
    lock: str | None
    state: str  # of the host, as in its profile
    checks: int  # how many checks ran
    findings: tuple[Finding, ...]
    rules: RulesVersion
