"""Which releases of a package go with one build of torch, and if none, why and what is nearest."""

from collections.abc import Callable, Iterable
from functools import lru_cache
from typing import TYPE_CHECKING, Final

from accelsel.model.companion import Cause, CompanionTable, Distribution, Offer, Refusal
from accelsel.model.table import ArchException, Backend, Build
from accelsel.model.value import dataclass
from accelsel.rules.compatibility import compiles, plain, runs
from accelsel.rules.versions import contains, overlap, specifiers

if TYPE_CHECKING:
    from packaging.version import Version


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """A package that the request names. `direct` is True for one that a URL or repository gives."""

    name: str
    specifier: str = ""
    extras: tuple[str, ...] = ()
    direct: bool = False

    def __str__(self) -> str:
        return f"{self.name}{self.specifier}"


@dataclass(frozen=True, kw_only=True)
class Place:
    """Where the package has to work: one build on one host.

    `python` is a tag (`3.12`, `3.14t`) or None; `archs` are those of the GPUs to be served;
    `prebuilt` the chosen indexes of finished wheels; `torch` the bounds that the request has on it.
    """

    build: Build
    backend: Backend
    python: str | None
    archs: tuple[str, ...]
    prebuilt: tuple[str, ...]
    exceptions: tuple[ArchException, ...]
    torch: str = ""


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The offer taken. `newest` is its newest release that the request admits, None where the
    table does not list releases; `bound` is True where a resolver would take another by itself."""

    wanted: Wanted
    offer: Offer
    newest: str | None
    bound: bool


def _in(value: str, allowed: tuple[str, ...]) -> bool:
    return not allowed or value in allowed


@lru_cache(maxsize=4096)
def version(text: str) -> "Version":
    from packaging.version import Version

    return Version(text)


def labels(at: Place) -> set[str]:
    """The words by which an offer may name the backend: `cu126`, `cuda`, `cuda12`."""
    backend = at.backend
    names = {backend.name, backend.kind}
    return names | {f"{backend.kind}{backend.toolkit[0]}"} if backend.toolkit else names


def serves(offer: Offer, arch: str, at: Place) -> bool:
    """Whether the offer has code for a GPU, or is not tied to any."""
    if offer.archs is None:
        return True
    device, toolkit = plain(arch), at.backend.toolkit
    return any(runs(code, device, toolkit, at.exceptions) for code in offer.archs) or any(
        compiles(code, device) for code in offer.ptx
    )


Test = Callable[[Offer, Place], bool]

# the order in which a refusal is told: what cannot be helped first
STAGES: Final[tuple[tuple[Cause, Test], ...]] = (
    ("platform", lambda offer, at: _in(at.build.platform, offer.platforms)),
    ("backend", lambda offer, at: not offer.backends or bool(labels(at) & {*offer.backends})),
    ("arch", lambda offer, at: all(serves(offer, arch, at) for arch in at.archs)),
    ("torch", lambda offer, at: contains(offer.torch, at.build.torch)),
    ("python", lambda offer, at: at.python is None or _in(at.python, offer.pythons)),
)


def choose(
    wanted: Wanted, distribution: Distribution, table: CompanionTable, at: Place
) -> Chosen | Refusal | None:
    """The first offer that fits, or why none does; None where the request admits no release that
    the table knows, so that it has nothing to say."""
    offers = table.offers[wanted.name]
    if wanted.direct:
        offers = tuple(offer for offer in offers if offer.index == "direct")
    admitted = {
        id(offer): _admitted(offer, wanted.specifier, distribution.releases) for offer in offers
    }
    known = [offer for offer in offers if admitted[id(offer)] is not None]
    known = [offer for offer in known if not offer.asked and _allowed(offer, at)] or known
    if not known:
        return None
    chosen_places = (None, *at.prebuilt)
    usable = [offer for offer in known if prebuilt(offer, table) in chosen_places]
    if any(prebuilt(offer, table) and _concerns(offer, at) for offer in usable):
        # who chose finished wheels does not fall into a source build
        usable = [offer for offer in usable if prebuilt(offer, table) or not offer.match_runtime]
    refused: list[tuple[int, Offer]] = []
    for offer in usable:
        failed = _failed(offer, at)
        if failed is None and not (offer.index == "direct" and not wanted.direct):
            newest = admitted[id(offer)] or None
            bound = _bound(offer, newest, wanted, distribution, offers, at)
            return Chosen(wanted=wanted, offer=offer, newest=newest, bound=bound)
        refused.append((len(STAGES) if failed is None else failed, offer))
    looked_at = {id(offer) for offer in usable}
    others = [o for o in known if id(o) not in looked_at and _failed(o, at) is None]
    ways = sorted(
        f"--prebuilt {name}"
        if (name := prebuilt(offer, table))
        else "without --prebuilt its source"
        for offer in others
    )
    return _refusal(wanted, distribution, refused, ways, at)


def _allowed(offer: Offer, at: Place) -> bool:
    """Whether a resolver may take the offer with some torch that the request allows."""
    return not offer.enforced or overlap(offer.torch, at.torch, where="torch")


def prebuilt(offer: Offer, table: CompanionTable) -> str | None:
    template = table.indexes.get(offer.index)
    return template.prebuilt if template else None


def _failed(offer: Offer, at: Place) -> int | None:
    return next((number for number, (_, test) in enumerate(STAGES) if not test(offer, at)), None)


def _concerns(offer: Offer, at: Place) -> bool:
    """Whether an offer is for this platform, kind of backend and GPUs, on whatever torch."""
    kinds = {
        "cuda" if label.startswith("cu") else label.rstrip("0123456789.")
        for label in offer.backends
    }
    return (
        _in(at.build.platform, offer.platforms)
        and (not kinds or at.backend.kind in kinds)
        and all(serves(offer, arch, at) for arch in at.archs)
    )


def _admitted(offer: Offer, specifier: str, releases: tuple[str, ...]) -> str | None:
    """The newest release of the offer that the request admits: "" where releases are not listed,
    None where there is none."""
    if not releases:
        return ""
    return next(
        (
            release
            for release in reversed(releases)
            if contains(offer.versions, release) and contains(specifier, release)
        ),
        None,
    )


def _bound(
    offer: Offer,
    newest: str | None,
    wanted: Wanted,
    distribution: Distribution,
    offers: Iterable[Offer],
    at: Place,
) -> bool:
    """Whether the releases of the offer have to be written down.

    They must where the metadata does not keep them to their torch, and where a newer release that
    fails here would be taken because its metadata admits this torch.
    """
    if distribution.prerelease or (offer.torch and not offer.enforced):
        return True
    if newest is None:
        return False
    for release in reversed(distribution.releases):
        if release == newest:
            return False
        if contains(offer.versions, release):
            continue
        if not contains(wanted.specifier, release) or version(release).is_prerelease:
            continue
        rows = [row for row in offers if contains(row.versions, release)]
        if any(_resolves(row, at.build.torch) for row in rows):
            return True
    return False


def _resolves(offer: Offer, torch: str) -> bool:
    """Whether a resolver may put these releases beside a torch, going by their metadata."""
    if offer.enforced:
        return contains(offer.torch, torch)
    return not offer.declared or contains(offer.declared, torch)


def _refusal(
    wanted: Wanted,
    distribution: Distribution,
    refused: list[tuple[int, Offer]],
    ways: list[str],
    at: Place,
) -> Refusal:
    advice = f"; {distribution.advice}" if distribution.advice else ""
    if ways:
        advice = f"; what fits: {' or '.join(dict.fromkeys(ways))}{advice}"
    if not refused:
        return Refusal(
            name=wanted.name, requirement=str(wanted), cause="prebuilt",
            message=f"{wanted} has wheels for this build on an index that was not chosen{advice}",
        )  # fmt: skip
    stage = max(stage for stage, _ in refused)
    rows = [offer for number, offer in refused if number == stage]
    if stage == len(STAGES):
        return Refusal(
            name=wanted.name, requirement=str(wanted), cause="source",
            message=f"{wanted.name} on the default index is not the package that goes with torch: "
            f"name its source, {wanted.name} @ {distribution.place}{advice}",
        )  # fmt: skip
    cause = STAGES[stage][0]
    nearest = _nearest(rows, at.build.torch) if cause == "torch" else None
    message = f"{wanted} {_lacks(cause, rows, at, nearest)}{advice}"
    return Refusal(
        name=wanted.name, requirement=str(wanted), cause=cause, message=message, nearest=nearest
    )


def _lacks(cause: Cause, rows: list[Offer], at: Place, nearest: str | None) -> str:
    build = at.build
    if cause == "platform":
        return f"has nothing for {build.platform}, only for {_all(rows, 'platforms')}"
    if cause == "backend":
        return f"has no build for {at.backend.name}, only for {_all(rows, 'backends')}"
    if cause == "arch":
        lacking = [arch for arch in at.archs if not any(serves(row, arch, at) for row in rows)]
        return (
            f"has no code for {' and '.join(lacking or at.archs)}, only for {_all(rows, 'archs')}"
        )
    if cause == "python":
        return f"has no wheel for Python {at.python} with torch {build.torch}"
    return f"does not go with torch {build.torch}; the nearest it goes with is torch {nearest}"


def _all(rows: list[Offer], field: str) -> str:
    found: dict[str, None] = {}
    for row in rows:
        found |= dict.fromkeys(getattr(row, field) or ())
    return ", ".join(found)


def _nearest(rows: list[Offer], torch: str) -> str:
    """The torch window closest to a release, an older one before a newer one."""
    here = _point(torch)

    def distance(row: Offer) -> tuple[float, int]:
        ends = [_point(clause.version) for clause in specifiers(row.torch)]
        gaps = [abs(end - here) for end in ends]
        return (min(gaps), int(min(ends) > here)) if gaps else (float("inf"), 1)

    return min(rows, key=distance).torch


def _point(text: str) -> float:
    """A release as a number, for distances only: 2.14.1 is 214.1."""
    parts = [*version(text.removesuffix(".*")).release, 0, 0]
    return parts[0] * 100 + parts[1] + parts[2] / 10
