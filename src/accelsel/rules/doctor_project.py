"""Checks of what was written down: the pin, the lock, and the environment made from it."""

from collections.abc import Iterator

from accelsel.model.finding import Finding
from accelsel.model.installed import LockedPackage
from accelsel.rules.doctor_requirements import marker_environment
from accelsel.rules.doctor_subject import FAMILY, Check, Subject, finding

TIED = ("torch", *FAMILY)


def _here(subject: Subject, name: str) -> list[LockedPackage]:
    """The locked versions of a package whose fork is this host's and this Python's."""
    if subject.lock is None:
        return []
    rows = list(subject.lock.named(name))
    if not any(row.markers for row in rows):
        return rows
    from packaging.markers import InvalidMarker, Marker

    environment = marker_environment(subject)
    kept = []
    for row in rows:
        try:
            fits = not row.markers or any(Marker(m).evaluate(environment) for m in row.markers)
        except InvalidMarker:
            fits = True
        if fits:
            kept.append(row)
    return kept or rows


def lock(subject: Subject) -> Iterator[Finding]:
    """The environment holds other versions than the lock gives it."""
    environment = subject.environment
    if environment is None or subject.lock is None or environment.chosen != ".venv":
        return
    for name in (*TIED, "triton", "triton-rocm", "pytorch-triton-rocm", "triton-xpu"):
        rows = _here(subject, name)
        package = environment.get(name)
        if package is None or not rows:
            if name == "torch" and rows and environment.packages:
                yield finding(
                    "not-synced",
                    "warning",
                    f"the lock holds torch {_versions(rows)}, the environment none",
                    environment.root,
                    subject.sync,
                    cause="project",
                    hint="or torch stands in an extra or group that was not asked for",
                )
            continue
        if any(row.version in (package.version, package.full_version) for row in rows):
            continue
        yield finding(
            "lock-differs",
            "error",
            f"{name} {package.full_version} is installed, the lock gives {_versions(rows)}",
            environment.root,
            subject.sync,
            cause="project",
            own=subject.pinned,
        )


def _versions(rows: list[LockedPackage]) -> str:
    return " or ".join(dict.fromkeys(row.version for row in rows))


def pin(subject: Subject) -> Iterator[Finding]:
    """The lock takes torch from another place than the pin says, or was made before it."""
    names = subject.backends
    if not names or subject.lock is None or not subject.backends_here:
        return
    backends = [subject.tables.backends[name] for name in names if name in subject.tables.backends]
    if len(backends) != 1 or not backends[0].indexes:
        return  # several: the lock holds each in its own fork
    name = backends[0].indexes.get("stable", next(iter(backends[0].indexes.values())))
    wanted = _recorded_url(subject, name) or subject.tables.indexes[name].url
    rows = _here(subject, "torch")
    if not rows:
        yield finding(
            "pin-not-locked",
            "error",
            "the project is pinned and its lock holds no torch",
            subject.lock.path,
            f"uv lock{subject.script_argument}",
            cause="project",
            own=True,
        )
        return
    for row in rows:
        if row.index is None or row.index.rstrip("/") == wanted.rstrip("/"):
            continue
        yield finding(
            "pin-not-locked",
            "error",
            f"the lock takes torch {row.version} from {row.index}; the pin says {wanted}",
            subject.lock.path,
            f"uv lock{subject.script_argument} --upgrade-package torch",
            cause="project",
            own=True,
        )


def _recorded_url(subject: Subject, index: str) -> str | None:
    """The URL that `pin` wrote for an index: another one than the table's behind a mirror."""
    for row in (subject.record or {}).get("written", ()):
        value = row.get("is") if isinstance(row, dict) else None
        if isinstance(value, dict) and value.get("name") == index:
            return str(value.get("url"))
    return None


def outdated(subject: Subject) -> Iterator[Finding]:
    """The pinned backend is not one that this host can use."""
    names = subject.backends
    best = subject.best
    if not names or best.outcome != "selected" or best.backend in (None, "default"):
        return
    if len(names) > 1 and best.backend not in names and not subject.holds():
        yield finding(
            "host-not-pinned",
            "warning",
            f"this host wants {best.backend}; the project is pinned for {', '.join(names)}",
            subject.project or "pyproject.toml",
            subject.pin,
            cause="project",
        )


def active(subject: Subject) -> Iterator[Finding]:
    """Another environment is active than the one that uv uses here."""
    environment = subject.environment
    value = dict(subject.files.variables).get("VIRTUAL_ENV")
    if environment is None or environment.chosen != ".venv" or not value:
        return
    if value.rstrip("/") == environment.root.rstrip("/"):
        return
    yield finding(
        "other-environment",
        "note",
        f"VIRTUAL_ENV is {value}; uv uses {environment.root} in this project",
        "VIRTUAL_ENV",
        "deactivate",
        hint="`uv pip` acts on the active one, `uv sync` and `uv run` on the project's",
        cause="project",
    )


def orphaned(subject: Subject) -> Iterator[Finding]:
    """Torch's neighbours are installed and torch is not."""
    environment = subject.environment
    if environment is None or subject.torch is not None:
        return
    left = [name for name in TIED if environment.get(name)]
    if left:
        yield finding(
            "torch-missing",
            "error",
            f"{' and '.join(left)} installed without torch",
            environment.root,
            subject.sync if subject.lock and subject.own else subject.renew(),
            cause="project",
        )


PROJECT_CHECKS = (
    Check(id="lock-differs", title="Environment and lock differ", run=lock),
    Check(id="pin-not-locked", title="Pin and lock differ", run=pin),
    Check(id="host-not-pinned", title="No pinned backend is this host's", run=outdated),
    Check(id="other-environment", title="Another environment is active", run=active),
    Check(id="torch-missing", title="torch's neighbours without torch", run=orphaned),
)
