"""Real user cases with a known outcome: what each host is, what is right for it, what fails.

`fixtures/cases/<kind>.json` holds those that are counted, condensed from public threads named in
`source`; `fixtures/threads/<kind>.json`, in the same form, those that were collected afterwards, to
see whether what is right on the first is right on others. `right`
and `fails` are backends, each with the torch releases it is meant for; `*` ends a pattern. `added`
maps an entry of `right` that the thread does not have to its source, which is younger than the
thread; `carried` one that the facts have for the same GPU in another case. `pinned` lists the
backends that are right with the request's bound on torch kept, [] where none is. `none` says why no
build may be the right answer as well. `override` is the HSA_OVERRIDE_GFX_VERSION of an answer that
rests on one: its user accepts that, so the case is asked with overrides allowed. `contradicted`
names the better source by which the thread's own answer no longer holds.
"""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from fnmatch import fnmatchcase
from functools import cache
from pathlib import Path
from typing import Any

from packaging.specifiers import SpecifierSet

from accelsel.knowledge import load
from accelsel.model.profile import (
    Cpu,
    Drivers,
    Gpu,
    Jetson,
    Libc,
    NvidiaDriver,
    Os,
    Profile,
    Python,
)
from accelsel.model.request import Request
from accelsel.model.selection import Selection
from accelsel.rules import select
from accelsel.rules.host import OVERRIDE

FIXTURES = Path(__file__).parents[2] / "fixtures"
ANY_PYTHON = ">=3.8"


@dataclass(frozen=True, kw_only=True)
class Case:
    id: str
    kind: str
    action: str
    source: str
    profile: Profile
    request: Request
    right: tuple[str, ...]
    pinned: tuple[str, ...] | None
    fails: tuple[str, ...]
    none: str | None = None
    added: Mapping[str, str] = field(default_factory=dict)
    carried: Mapping[str, str] = field(default_factory=dict)
    override: str | None = None
    contradicted: str | None = None

    @property
    def own(self) -> "Case":
        """The case with the thread's own answers alone, and what the facts carry over to it."""
        return replace(self, right=tuple(one for one in self.right if one not in self.added))


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A backend and a torch release, or nothing; `named` is the text that goes with nothing;
    `default` says that the wheel is the default index's, whatever backend is in it; `override` is
    the HSA_OVERRIDE_GFX_VERSION that has to be set for it."""

    backend: str | None
    torch: str | None
    named: str = ""
    default: bool = False
    override: str | None = None


def cases() -> tuple[Case, ...]:
    """Every case that is counted, by kind and number."""
    return _read("cases")


def threads() -> tuple[Case, ...]:
    """Every case that was collected afterwards, by kind and number."""
    return _read("threads")


@cache
def _read(folder: str) -> tuple[Case, ...]:
    found = []
    for path in sorted((FIXTURES / folder).glob("*.json")):
        document = json.loads(path.read_text(encoding="utf-8"))
        found += [_case(document["kind"], row) for row in document["cases"]]
    return tuple(found)


def _case(kind: str, row: Mapping[str, Any]) -> Case:
    host = row["host"]
    return Case(
        id=row["id"],
        kind=kind,
        action=row["action"],
        source=row["source"],
        profile=_profile(host),
        request=Request(
            torch=row["request"].get("torch", ""),
            platform=row["request"].get("platform"),
            requires_python=None if "python" in host else ANY_PYTHON,
        ),
        right=tuple(row["right"]),
        pinned=tuple(row["pinned"]) if "pinned" in row else None,
        fails=tuple(row.get("fails", ())),
        none=row.get("none"),
        added=row.get("added", {}),
        carried=row.get("carried", {}),
        override=row.get("override"),
        contradicted=row.get("contradicted"),
    )


def _profile(host: Mapping[str, Any]) -> Profile:
    gpus = tuple(_gpus(host.get("gpus", ())))
    nvidia = any(gpu.vendor == "nvidia" for gpu in gpus)
    driver, cuda = host.get("driver"), host.get("cuda")
    libc = Libc(family=host.get("libc", "glibc"), version=host.get("glibc"))
    jetson = host.get("jetson")
    python = host.get("python", "3.12")
    return Profile(
        state="usable" if gpus else "no-gpu",
        os=Os(
            system=host["system"],
            version=host.get("version"),
            release=None,
            libc=libc if host["system"] == "linux" else None,
            wsl=host.get("wsl", False),
            container=host.get("container"),
            jetson=Jetson(**jetson) if jetson else None,
        ),
        cpu=Cpu(arch=host["arch"], level=None),
        python=Python(
            version=python.rstrip("t"),
            implementation="cpython",
            free_threaded=python.endswith("t"),
        ),
        drivers=Drivers(
            nvidia=NvidiaDriver(version=driver, cuda_version=cuda, source="the thread")
            if nvidia and (driver or cuda)
            else None
        ),
        gpus=gpus,
    )


def _gpus(rows: Any) -> Iterator[Gpu]:
    index = 0
    for row in rows:
        for _ in range(row.get("count", 1)):
            yield Gpu(
                index=index,
                vendor=row["vendor"],
                name=row["name"],
                arch=row["arch"],
                arch_source="the thread",
                pci_id=None,
                memory_bytes=None,
                integrated=row.get("integrated", False),
                usable=True,
            )
            index += 1


def _meant(entries: tuple[str, ...], answer: Answer) -> bool:
    for entry in entries:
        pattern, _, torches = entry.partition(" ")
        if answer.backend is None or answer.torch is None:
            return False
        inside = SpecifierSet(torches).contains(answer.torch, prereleases=True)
        same = fnmatchcase(answer.backend, pattern) or (answer.default and pattern == "default")
        if same and inside:
            return True
    return False


def fails(case: Case, answer: Answer) -> bool:
    """Whether an answer is one that the case says must not be chosen."""
    return _meant(case.fails, answer)


def wrong(case: Case, free: Answer, kept: Answer) -> str | None:
    """Why the answers to a case are not right; None where they are.

    `free` is the answer without the request's bound on torch, `kept` the one with it.
    """
    for answer in (free, kept):
        if fails(case, answer):
            return f"chose {answer.backend} {answer.torch}, which fails there"
        if answer.override not in (None, case.override):
            return f"set an override of {answer.override}, right is {case.override}"
    if case.pinned is not None:
        if kept.backend is not None and kept.backend not in case.pinned:
            return f"with {case.request.torch} chose {kept.backend}, right are {case.pinned}"
        if kept.backend is None and case.pinned:
            return f"with {case.request.torch} chose nothing, right are {case.pinned}"
    if _meant(case.right, free) or (case.request.torch and _meant(case.right, kept)):
        return None
    if case.none and (free.backend is None or kept.backend is None):
        return None
    if free.backend is None and _names_a_vendor(case, free):
        return None
    if free.backend is None:
        return f"chose nothing, right are {', '.join(case.right)}"
    return f"chose {free.backend} {free.torch}, right are {', '.join(case.right) or 'none'}"


def _names_a_vendor(case: Case, answer: Answer) -> bool:
    """Nothing chosen is right where only a vendor's build would do and the answer names it."""
    vendors = {entry.partition(" ")[0] for entry in case.right}
    return bool(vendors) and vendors <= {"amd", "jetson-jp5", "jetson-jp6"} and any(
        vendor in answer.named for vendor in vendors
    )  # fmt: skip


def ours(case: Case, *, overrides: bool = True) -> tuple[Answer, Answer]:
    """What accelsel answers, without and with the request's bound on torch.

    An override is allowed where the case's own answer has one, and `overrides` says so.
    """
    allowed = overrides and case.override is not None
    request = replace(case.request, allow_arch_override=allowed)
    free = select(case.profile, replace(request, torch=""), load())
    return _answer(free), _answer(select(case.profile, request, load()))


def _answer(selection: Selection) -> Answer:
    told = [one.message for one in selection.reasons]
    for warning in selection.warnings:
        told += [warning.message, warning.hint or ""]
    return Answer(
        backend=selection.backend,
        torch=selection.torch.version if selection.torch else None,
        named="\n".join(told),
        override=selection.environment.get(OVERRIDE),
    )
