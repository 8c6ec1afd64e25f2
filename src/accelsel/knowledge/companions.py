"""The companions table, read only when a request names packages around torch."""

import json
from functools import cache
from pathlib import Path
from typing import Any

from accelsel.model.companion import (
    Clash,
    CompanionTable,
    CudaFile,
    Distribution,
    Faults,
    IndexTemplate,
    KernelLimit,
    Mislabel,
    Offer,
    RuntimeName,
    Symptom,
    TritonName,
    Want,
)

_DATA = Path(__file__).parent / "data"
_LISTS = (
    "imports", "backends", "platforms", "archs", "ptx", "extras", "brings", "build_requires",
    "requires_dist", "names", "lacks", "later", "kin",
)  # fmt: skip


@cache
def load() -> CompanionTable:
    """The whole table. Offers of a distribution keep the order of the file: the preferred first."""
    raw = json.loads((_DATA / "companions.json").read_text(encoding="utf-8"))
    offers: dict[str, list[Offer]] = {}
    for row in raw["offers"]:
        offers.setdefault(row["name"], []).append(Offer(**_typed(row)))
    return CompanionTable(
        checked=raw["checked"],
        distributions={row["name"]: Distribution(**_typed(row)) for row in raw["distributions"]},
        offers={name: tuple(rows) for name, rows in offers.items()},
        indexes={row["id"]: IndexTemplate(**row) for row in raw["indexes"]},
        clashes=tuple(Clash(**_typed(row)) for row in raw["clashes"]),
        tritons=tuple(TritonName(**row) for row in raw["tritons"]),
        runtime=tuple(RuntimeName(**_typed(row)) for row in raw["runtime"]),
        families=raw["families"],
    )


@cache
def symptoms() -> tuple[Symptom, ...]:
    """The texts that wrong pairings and hosts print, the most specific first."""
    raw = json.loads((_DATA / "companion-symptoms.json").read_text(encoding="utf-8"))
    return tuple(Symptom(**_typed(row)) for row in raw["symptoms"])


@cache
def faults() -> Faults:
    """What is known to be wrong in published releases, the most specific first."""
    raw = json.loads((_DATA / "companion-symptoms.json").read_text(encoding="utf-8"))
    return Faults(
        limits=tuple(KernelLimit(**_typed(row)) for row in raw["limits"]),
        mislabels=tuple(Mislabel(**row) for row in raw["mislabels"]),
        files=tuple(CudaFile(**row) for row in raw["files"]),
        wants=tuple(Want(**row) for row in raw["wants"]),
    )


def _typed(row: dict[str, Any]) -> dict[str, Any]:
    typed: dict[str, Any] = {
        key: tuple(value) if key in _LISTS else value for key, value in row.items()
    }
    if "releases" in row:
        typed["releases"] = tuple(row["releases"].split())
    if "pythons" in row:
        typed["pythons"] = tuple(_pythons(row["pythons"]))
    return typed


def _pythons(text: str) -> list[str]:
    """`3.10-3.12 3.14t` as tags: 3.10, 3.11, 3.12, 3.14t."""
    tags: list[str] = []
    for part in text.split():
        first, _, last = part.partition("-")
        if last:
            low, high = int(first.split(".")[1]), int(last.split(".")[1])
            tags += [f"3.{minor}" for minor in range(low, high + 1)]
        else:
            tags.append(part)
    return tags
