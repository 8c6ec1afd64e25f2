"""All packages that a request names, beside one build: what to write, or who is in the way."""

from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import combinations
from typing import Final

from accelsel.model.companion import (
    Clash,
    CompanionAnswer,
    CompanionTable,
    Distribution,
    IndexTemplate,
    Offer,
    Refusal,
)
from accelsel.model.selection import Package, Warning_
from accelsel.model.table import ArchException, Backend, Build, Confidence, Index
from accelsel.model.value import replace
from accelsel.rules.companions_offer import (
    Chosen,
    Place,
    Wanted,
    choose,
    prebuilt,
    version,
)
from accelsel.rules.family import FAMILY
from accelsel.rules.requirements import parsed
from accelsel.rules.versions import contains, overlap

TORCH_INDEX: Final = "torch"
ORDER: Final[tuple[Confidence, ...]] = ("verified", "read", "inferred")


def constraints(
    requirements: tuple[str, ...],
    *,
    build: Build,
    backend: Backend,
    index: str | None,
    table: CompanionTable,
    python: str | None = None,
    archs: tuple[str, ...] = (),
    prebuilt: tuple[str, ...] = (),
    exceptions: tuple[ArchException, ...] = (),
    torch: str = "",
) -> CompanionAnswer:
    """What goes with `build` for PEP 508 requirement strings.

    `index` is the name of the build's own index, None for the default one. Names that the table
    does not have are in `unknown` and nothing is said of them; torch, torchvision and torchaudio
    are left to the build's own row, but for those that another package brings along.
    Raises AccelselError (2, `invalid-requirement`) for text that is no requirement.
    """
    at = Place(
        build=build, backend=backend, python=python, archs=archs, prebuilt=prebuilt,
        exceptions=exceptions, torch=torch,
    )  # fmt: skip
    names = frozenset(table.distributions)
    known, unknown = _sorted_out(requirements, build.platform, python, names)
    return _Answering(known, unknown, index, table, at).answer()


@lru_cache(maxsize=64)
def _sorted_out(
    requirements: tuple[str, ...], platform: str, python: str | None, names: frozenset[str]
) -> tuple[tuple[Wanted, ...], tuple[str, ...]]:
    """The packages that requirement strings name: those of `names`, and the names of the others
    but for torch. A project may name a thousand, and every build is asked about."""
    found = parsed(requirements, platform, python)
    known = tuple(one for one in found if one.name in names)
    return known, tuple(o.name for o in found if o.name not in names and o.name != "torch")


class _Answering:
    """One question, worked off: direct names, what they bring, clashes, triton."""

    def __init__(
        self,
        wanted: tuple[Wanted, ...],
        unknown: tuple[str, ...],
        index: str | None,
        table: CompanionTable,
        at: Place,
    ) -> None:
        self.wanted = wanted
        self.index = index
        self.table = table
        self.at = at
        self.chosen: dict[str, Chosen] = {}
        self.packages: dict[str, Package] = {}
        self.refusals: list[Refusal] = []
        self.warnings: list[Warning_] = []
        self.unknown = list(unknown)
        self.excludes: list[str] = []
        self.indexes: dict[str, Index] = {}

    def answer(self) -> CompanionAnswer:
        for wanted in self.wanted:
            self._direct(wanted)
        direct = {wanted.name for wanted in self.wanted}
        for name, chosen in list(self.chosen.items()):
            for brought in chosen.offer.brings:
                self._brought(brought, by=name, direct=direct)
        for clash in self.table.clashes:
            self._clash(clash)
        self._triton()
        offers = [chosen.offer for chosen in self.chosen.values()]
        clauses = dict.fromkeys(
            clause for offer in offers for clause in offer.torch.split(",") if clause
        )
        pythons, scarce = _pythons(offers)
        return CompanionAnswer(
            packages=tuple(self.packages.values()),
            indexes=tuple(self.indexes.values()),
            excludes=tuple(dict.fromkeys(self.excludes)),
            torch=",".join(clauses),
            refusals=tuple(self.refusals),
            unknown=tuple(self.unknown),
            trusted=tuple(offer.name for offer in offers if prebuilt(offer, self.table)),
            doubts=tuple(
                f"nobody has seen {chosen.wanted.name} {chosen.newest} on the index that it "
                "has to come from"
                for chosen in self.chosen.values()
                if not chosen.offer.published
            ),
            pythons=pythons,
            scarce=scarce,
            warnings=tuple(self.warnings),
            rows=tuple(f"{offer.name}{offer.versions}/{offer.index}" for offer in offers),
            confidence=max(
                (offer.confidence for offer in offers), key=ORDER.index, default="verified"
            ),
        )

    def _direct(self, wanted: Wanted) -> None:
        distribution = self.table.distributions[wanted.name]
        if wanted.name not in self.table.offers:
            return  # the build's own row speaks of it, or the triton rule
        outcome = choose(wanted, distribution, self.table, self.at)
        if isinstance(outcome, Refusal):
            self.refusals.append(outcome)
        elif outcome is None:
            self.unknown.append(wanted.name)
            if not wanted.direct:
                self._warn_unknown(wanted, distribution)
        else:
            self.chosen[wanted.name] = outcome
            self.packages[wanted.name] = self._package(outcome)
            self._warn(outcome, distribution.advice)

    def _warn(self, chosen: Chosen, advice: str | None) -> None:
        wanted, offer = chosen.wanted, chosen.offer
        if offer.warning:
            self.warnings.append(Warning_(code="companion", message=offer.warning, hint=advice))
        lacking = [extra for extra in offer.extras if extra not in wanted.extras]
        if lacking:
            full = f"{wanted.name}[{','.join((*wanted.extras, *lacking))}]"
            self.warnings.append(
                Warning_(
                    code="companion-extra",
                    message=f"with torch of {self.at.backend.name} ask for {full}",
                    hint=advice,
                )
            )

    def _warn_unknown(self, wanted: Wanted, distribution: Distribution) -> None:
        """Says which releases are known, and under which name those were published that are."""
        ways = [
            f"{name}{part}"
            for part in wanted.specifier.split(",")
            if not any(contains(part, release) for release in distribution.releases)
            for name in distribution.later
            if any(contains(part, r) for r in self.table.distributions[name].releases)
        ]
        newest = distribution.releases[-1:]
        known = f"; the newest that it knows is {newest[0]}" if newest else ""
        self.warnings.append(
            Warning_(
                code="companion-not-in-table",
                message=f"the rules table has no release for {wanted}, so it is left alone{known}",
                hint=f"later ones have names of their own: {' or '.join(ways)}" if ways else None,
            )
        )

    def _package(self, chosen: Chosen) -> Package:
        offer = chosen.offer
        index = self._index_of(offer, chosen)
        specifier = offer.versions
        if "{version}" in self._url(offer) or offer.local:
            local = "+" + self._filled(offer.local, chosen) if offer.local else ""
            specifier = f"=={chosen.newest}{local}"
        return Package(
            name=offer.name, specifier=specifier, index=index,
            kind=self.table.distributions[offer.name].kind, why=offer.why,
            constrain=bool(specifier) and (chosen.bound or specifier != offer.versions),
            platforms=offer.platforms, match_runtime=offer.match_runtime,
            build_requires=offer.build_requires, build_variables=offer.build_variables,
            metadata_version=offer.metadata_version, requires_dist=offer.requires_dist,
            everywhere=offer.everywhere, pythons=() if offer.match_runtime else offer.pythons,
        )  # fmt: skip

    def _index_of(self, offer: Offer, chosen: Chosen) -> str | None:
        if offer.index == TORCH_INDEX:
            return self.index
        template = self.table.indexes.get(offer.index)
        if template is None:
            return None
        name = self._filled(template.name, chosen)
        self.indexes[name] = Index(
            name=name, url=self._filled(template.url, chosen), format=template.format
        )
        return name

    def _url(self, offer: Offer) -> str:
        template: IndexTemplate | None = self.table.indexes.get(offer.index)
        return template.url if template else ""

    def _filled(self, text: str, chosen: Chosen) -> str:
        backend, torch = self.at.backend, self.at.build.torch
        minor = ".".join(torch.split(".")[:2])
        return text.format(
            backend=backend.name,
            page="cpu" if backend.kind == "default" else backend.name,
            torch=torch,
            minor=minor,
            digits=minor.replace(".", ""),
            version=chosen.newest or "",
            cuda=backend.toolkit[0] if backend.toolkit else "",
            abi=_abi(torch, backend),
        )

    def _brought(self, entry: str, *, by: str, direct: set[str]) -> None:
        """Route a name that another package asks for."""
        name = entry.removesuffix("=")
        if name in direct or name in self.packages:
            return
        if any(row.name == name for row in self.at.build.companions):
            if self.index is not None:
                self.packages[name] = Package(
                    name=name, specifier=">=0", index=self.index, kind="companion", constrain=True,
                    why=f"{by} asks for it; it has to be the build of torch's own index",
                )  # fmt: skip
            return
        if name in FAMILY and self.at.build.companions:
            message = f"{by} asks for {name}, which {self.at.backend.name} does not have"
            self.refusals.append(Refusal(name=by, requirement=by, cause="backend", message=message))
            return
        distribution = self.table.distributions.get(name)
        if distribution is None or name not in self.table.offers:
            return
        outcome = choose(Wanted(name=name), distribution, self.table, self.at)
        if isinstance(outcome, Refusal) and outcome.cause == "backend":
            message = f"{by} asks for {name}, and {outcome.message}"
            self.warnings.append(Warning_(code="companion-brought", message=message))
        if not isinstance(outcome, Chosen):
            return
        package = self._package(outcome)
        if entry.endswith("=") and package.constrain and not distribution.prerelease:
            package = replace(package, specifier=">=0", constrain=package.index is not None)
        if package.index is not None and not package.constrain:
            package = replace(package, specifier=">=0", constrain=True)
        if package.constrain or package.match_runtime:
            self.packages[name] = replace(package, why=f"{by} asks for it; {package.why}")
            self.chosen[name] = outcome
        for brought in outcome.offer.brings:
            self._brought(brought, by=name, direct=direct)

    def _clash(self, clash: Clash) -> None:
        present = [name for name in clash.names if name in self.chosen]
        if len(present) < 2:
            return
        cured = [name for name in present if name in clash.cure]
        for name in cured:
            self._cure(name, clash, self._others(name, present))
        if cured:
            return
        for name in present:
            others = " and ".join(other for other in present if other != name)
            self.refusals.append(
                Refusal(
                    name=name, requirement=str(self.chosen[name].wanted), cause="clash",
                    message=f"{name} and {others} install the same files ({clash.path}): "
                    "only one of them can be there",
                    beside=self._others(name, present),
                )
            )  # fmt: skip

    def _others(self, name: str, present: Iterable[str]) -> tuple[str, ...]:
        """The requirements of the packages of a clash beside one of them."""
        return tuple(str(self.chosen[other].wanted) for other in present if other != name)

    def _cure(self, name: str, clash: Clash, beside: tuple[str, ...]) -> None:
        chosen, bound = self.chosen[name], clash.cure[name]
        left = [
            release
            for release in self.table.distributions[name].releases
            if contains(chosen.offer.versions, release)
            and contains(chosen.wanted.specifier, release)
            and contains(bound, release)
        ]
        others = " and ".join(other for other in clash.names if other != name)
        if not left:
            self.refusals.append(
                Refusal(
                    name=name, requirement=str(chosen.wanted), cause="clash",
                    message=f"{name} and {others} install the same files ({clash.path}) "
                    f"unless {name}{bound}, which was not asked for", beside=beside,
                )
            )  # fmt: skip
            return
        package = self.packages[name]
        specifier = ",".join(part for part in (package.specifier, bound) if part)
        self.packages[name] = replace(
            package, specifier=specifier, constrain=True,
            why=f"{package.why}; newer ones install the same files as {others} ({clash.path})",
        )  # fmt: skip

    def _triton(self) -> None:
        """Exactly one distribution may own `triton/`: that of the build."""
        from accelsel.rules.companions_runtime import triton_name

        owner = triton_name(self.at.backend.kind, self.at.build, self.table)
        names = {wanted.name for wanted in self.wanted}
        self._triton_of_torch()
        family = next(clash.names for clash in self.table.clashes if "triton" in clash.names)
        for name in family:
            if name in names and name not in {owner, "triton", "triton-windows"}:
                message = f"{name} is not the triton of {self.at.backend.name}"
                hint = f"remove it: torch asks for {owner} itself" if owner else "remove it"
                self.warnings.append(Warning_(code="companion-triton", message=message, hint=hint))
        if owner in (None, "triton"):
            return
        askers = sorted(
            wanted.name
            for wanted in self.wanted
            if wanted.name == "triton"
            or ((row := self.table.distributions.get(wanted.name)) is not None and row.triton)
        )
        if askers or self.unknown:  # what the table does not know may ask for triton too
            self.excludes.append("triton")
        if askers:
            if self.at.backend.kind == "xpu" and askers != ["triton"]:
                self.excludes.append("triton-windows")  # torch's own is for Windows too
            self.warnings.append(
                Warning_(
                    code="companion-masked",
                    message=f"{' and '.join(askers)} {'name' if len(askers) > 1 else 'names'} "
                    f"triton, and {owner} holds the files of this build: triton is masked",
                )
            )

    def _triton_of_torch(self) -> None:
        """CUDA's torch names the release of its triton itself."""
        own, torch = self.at.build.triton, self.at.build.torch
        if own is None or own.name != "triton" or self.at.backend.kind != "cuda":
            return
        for wanted in self.wanted:
            if wanted.name != own.name or wanted.direct:
                continue
            if not overlap(wanted.specifier, own.specifier, where=wanted.name):
                message = f"{wanted} was asked for, and torch {torch} asks for {own.name}"
                self.refusals.append(
                    Refusal(
                        name=wanted.name, requirement=str(wanted), cause="torch",
                        message=f"{message}{own.specifier}",
                    )
                )  # fmt: skip


def _pythons(offers: Sequence[Offer]) -> tuple[tuple[str, ...] | None, str]:
    """The Pythons that all offers of wheels alone have, and which of them has the fewest."""
    wheels = [offer for offer in offers if offer.pythons and not offer.match_runtime]
    if not wheels:
        return None, ""
    least = min(wheels, key=lambda offer: len(offer.pythons))
    common = [tag for tag in least.pythons if all(tag in offer.pythons for offer in wheels)]
    return tuple(common), least.name


def _abi(torch: str, backend: Backend) -> str:
    """TRUE where torch is built with the C++11 ABI, as the names of release wheels have it.

    All builds are from 2.7, and cu126's from 2.6 (torch's build files).
    """
    new = version(torch) >= version("2.7")
    return (
        "TRUE" if new or (backend.name == "cu126" and version(torch) >= version("2.6")) else "FALSE"
    )


def conflict(answers: Iterable[CompanionAnswer]) -> tuple[str, ...]:
    """The smallest set of requirements that no build of `answers` serves together; () where one
    serves all, or there is no build. Of equally small sets the first by order of refusal."""
    refused = [{(r.requirement, *sorted(r.beside)) for r in answer.refusals} for answer in answers]
    if not refused or not all(refused):
        return ()
    names = dict.fromkeys(name for each in refused for held in sorted(each) for name in held)
    for size in range(1, len(names) + 1):
        for group in combinations(names, size):
            if all(any({*held} <= {*group} for held in each) for each in refused):
                return group
    return ()


def told(group: Iterable[str], answers: Mapping[str, Sequence[CompanionAnswer]]) -> tuple[str, ...]:
    """For each requirement of a conflict the torch releases beside which it can be met; `answers`
    are those of the builds of each release, newest first."""
    lines = []
    for requirement in group:
        served = [
            torch
            for torch, found in answers.items()
            if any(
                all(r.requirement != requirement or r.beside for r in answer.refusals)
                for answer in found
            )
        ]
        lines.append(f"{requirement} goes with torch {', '.join(served)}")
    return tuple(lines)
