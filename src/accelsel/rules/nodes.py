"""The hosts of a fleet, those that no rule tells apart taken together. Pure."""

import re
from collections.abc import Iterable, Sequence

from accelsel.model.fleet import Node
from accelsel.model.profile import Gpu, Profile
from accelsel.model.value import dataclass, replace
from accelsel.rules.versions import dotted, numbers


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A host as it was collected; `name` is None where nothing names it."""

    name: str | None
    profile: Profile
    count: int = 1


def facts(profile: Profile) -> Profile:
    """What the rules look at: the same is selected for it as for the profile."""
    system, python, driver = profile.os, profile.python, profile.drivers.nvidia
    declared = driver and (driver.source or "").startswith("env:")
    return replace(
        profile,
        os=replace(
            system, release=None, version=system.version if system.system == "darwin" else None
        ),
        cpu=replace(profile.cpu, level=None),
        python=replace(python, version=dotted(numbers(python.version)[:2]) or python.version),
        drivers=replace(
            profile.drivers,
            nvidia=driver and replace(driver, source=driver.source if declared else None),
            amd=None,
            intel=None,
        ),
        gpus=tuple(_gpu(gpu) for gpu in sorted(profile.gpus, key=lambda gpu: gpu.index)),
        probes=(),
        notes=tuple(note for note in profile.notes if note.startswith("probe-")),
        environment=dict(sorted(profile.environment.items())),
    )


def _gpu(gpu: Gpu) -> Gpu:
    return replace(gpu, arch_source=None, note=None if gpu.usable else gpu.note)


def merge(seen: Iterable[Seen]) -> tuple[Node, ...]:
    """The nodes of a fleet by name, in whatever order the hosts come; those of a merged fleet stay
    as they are.

    Hosts that differ in no fact but the warnings of their probes are one node, which keeps the
    warnings of all. It has the first of its names; one without gets a number.
    """
    alike: dict[str, list[Seen]] = {}
    for one in seen:
        known = replace(one, profile=facts(one.profile))
        alike.setdefault(repr(replace(known.profile, notes=())), []).append(known)
    found = []
    for content, hosts in alike.items():
        profile = replace(hosts[0].profile, notes=_notes([one.profile.notes for one in hosts]))
        names = sorted((one.name for one in hosts if one.name), key=natural)
        first = names[0] if names else ""
        count = sum(one.count for one in hosts)
        found.append((not first, natural(first), content, first, count, profile))
    taken: set[str] = set()
    nodes = []
    for *_, first, count, profile in sorted(found, key=lambda row: row[:3]):
        nodes.append(Node(name=_free(first, taken), count=count, profile=profile))
    return tuple(sorted(nodes, key=lambda node: natural(node.name)))


def _notes(each: Sequence[tuple[str, ...]]) -> tuple[str, ...]:
    """The notes of all hosts, sorted where they are not those of each."""
    if all(notes == each[0] for notes in each):
        return each[0]
    return tuple(sorted({note for notes in each for note in notes}))


def _free(name: str, taken: set[str]) -> str:
    """The name, or the first number that makes it one's own."""
    number, free = 1, name
    while not free or free in taken:
        free = f"{name}-{number + 1}" if name else str(number)
        number += 1
    taken.add(free)
    return free


def natural(name: str) -> tuple[tuple[tuple[str, int, str], ...], str]:
    """A key that sorts names as people do: `node-9` before `node-10`."""
    parts = [(text, digits.lstrip("0")) for text, digits in re.findall(r"(\D*)(\d*)", name)]
    return tuple((text, len(digits), digits) for text, digits in parts), name
