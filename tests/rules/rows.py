"""Rows of the table made by hand, and one build before one question."""

from accelsel.knowledge import load
from accelsel.knowledge.tables import Tables
from accelsel.model.profile import Profile
from accelsel.model.request import Request
from accelsel.model.table import ArchException, Backend, Build, Companion, Confidence
from accelsel.rules.choice import _aimed, _question
from accelsel.rules.host import read_host
from accelsel.rules.policy import Aim, aims
from accelsel.rules.question import Case

TABLES = load()


def build(
    torch: str = "2.14.0",
    backend: str = "cu126",
    platform: str = "linux-x86_64",
    *,
    archs: tuple[str, ...] | None = ("sm_50", "sm_60", "sm_70", "sm_75", "sm_80", "sm_86", "sm_90"),
    ptx: tuple[str, ...] | None = (),
    broken: tuple[str, ...] = (),
    pythons: tuple[str, ...] = ("3.10", "3.11", "3.12", "3.13", "3.14", "3.14t"),
    published: bool | None = True,
    channel: str = "stable",
    version: str | None = None,
    glibc: str | None = "2.28",
    macos: str | None = None,
    gpu_macos: str | None = None,
    companions: tuple[Companion, ...] = (),
    confidence: Confidence = "read",
) -> Build:
    return Build(
        torch=torch,
        backend=backend,
        platform=platform,
        channel=channel,  # type: ignore[arg-type]
        version=version or f"{torch}+{backend}",
        published=published,
        pythons=pythons,
        archs=archs,
        ptx=ptx,
        broken=broken,
        glibc=glibc,
        macos=macos,
        triton=None,
        companions=companions,
        extras={},
        on_pypi=False,
        note=None,
        source="tests",
        checked="2026-11-20",
        confidence=confidence,
        arch_confidence=confidence,
        gpu_macos=gpu_macos,
    )


def backend(name: str) -> Backend:
    return TABLES.backends[name]


def exception(code: str, device: str, *, until: tuple[int, ...] | None = None) -> ArchException:
    return ArchException(
        code=code, device=device, until_cuda=until, same=False, source="tests",
        checked="2026-11-20", confidence="read",
    )  # fmt: skip


def case(
    row: Build, profile: Profile | None, request: Request | None = None, tables: Tables = TABLES
) -> Case:
    """The row before the question that the profile and request put, for their first aim."""
    request = request or Request()
    host = read_host(profile, request, tables)
    found = aims(profile, host, request, tables).aims
    question = _question(host, request, tables)
    if found:
        question = _aimed(question, found[0])
    return Case(row, tables.backends[row.backend], question)


def first_aim(profile: Profile | None, request: Request | None = None) -> Aim | None:
    request = request or Request()
    found = aims(profile, read_host(profile, request, TABLES), request, TABLES).aims
    return found[0] if found else None
