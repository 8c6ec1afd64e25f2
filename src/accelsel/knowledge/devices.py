"""What a PCI id, a KFD number, a device tree or an L4T release says of the hardware.

Each table is read when it is first asked for.
"""

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Final, Literal

from accelsel.knowledge import documents
from accelsel.knowledge.documents import Row

if TYPE_CHECKING:  # a probe that asks for a number's name does not pay for the rows' classes
    from accelsel.model.table import AmdTarget, Device

_VENDOR_IDS: Final = {"nvidia": "10de", "amd": "1002", "intel": "8086"}


@cache
def devices(vendor: Literal["nvidia", "amd", "intel"]) -> Mapping[str, "Device"]:
    """The vendor's devices by PCI id (`10de:2487`, lower case)."""
    document = documents.shipped(f"{vendor}-devices.json")
    return from_rows(vendor, document[f"{vendor}_devices"])


def from_rows(vendor: str, rows: Iterable[Row]) -> dict[str, "Device"]:
    """The devices of the rows; a later row has the last word on an id."""
    from accelsel.model.table import Device

    prefix = _VENDOR_IDS[vendor]
    return {
        f"{prefix}:{device_id}": Device(
            pci_id=f"{prefix}:{device_id}",
            arch=row["arch"],
            name=name or row.get("name"),
            integrated=row["integrated"],
            xpu=row.get("xpu"),
        )
        for row in rows
        for device_id, name in row["ids"].items()
    }


def gfx_of(version: int) -> str | None:
    """The gfx id of KFD's `gfx_target_version` (90010 -> `gfx90a`), None for a node without GPU.

    The number is major * 10000 + minor * 100 + stepping; the id has minor and stepping as one
    hexadecimal digit each, so a value that does not fit gives None.
    """
    major, rest = divmod(version, 10000)
    minor, stepping = divmod(rest, 100)
    if major <= 0 or minor > 15 or stepping > 15:
        return None
    return f"gfx{major}{minor:x}{stepping:x}"


@cache
def amd_targets() -> Mapping[str, "AmdTarget"]:
    """The AMD targets by gfx id."""
    from accelsel.model.table import AmdTarget

    return {
        row["gfx"]: AmdTarget(
            gfx=row["gfx"],
            version=row["version"],
            name=row["name"],
            integrated=row["integrated"],
        )
        for row in documents.shipped("amd-targets.json")["amd_targets"]
    }


@cache
def tegra() -> Mapping[str, str]:
    """The architecture of a Tegra SoC by its device tree name (`tegra234` -> `sm_87`)."""
    return {row["soc"]: row["arch"] for row in documents.shipped("jetson.json")["tegra"]}


def jetpack_of(l4t: str) -> str | None:
    """The JetPack version of an L4T release (`R36.4.3` -> `6.2`).

    Of a release that the table does not name, that of the newest older one of the same L4T major;
    where there is none, the JetPack major alone; None where the L4T major is not known.
    """
    older, family = _l4t_rows(l4t)
    if older:
        return str(older[-1]["jetpack"])
    return str(family[0]["jetpack"]).split(".", 1)[0] if family else None


def cuda_of_l4t(l4t: str) -> str | None:
    """The CUDA version of the driver in an L4T release (`R35.4.1` -> `11.4`).

    Of a release that the table does not name, that of the newest older one of the same L4T major,
    else of the oldest; None where the L4T major is not known.
    """
    older, family = _l4t_rows(l4t)
    row = next(iter(older[-1:] or family), None)
    return str(row["cuda"]) if row else None


def cuda_of_driver(version: str) -> str | None:
    """The CUDA version of the newest branch that is not above a driver's; None below the first.

    Windows numbers its drivers inside a branch (591.86 is of 590), and a branch newer than the
    table has at least the CUDA version of the newest that it names.
    """
    major = version.partition(".")[0]
    if not (major.isascii() and major.isdigit()):
        return None
    rows = [r for r in documents.shipped("drivers.json")["branches"] if r["branch"] <= int(major)]
    return str(max(rows, key=lambda row: int(row["branch"]))["cuda"]) if rows else None


def _l4t_rows(l4t: str) -> tuple[list[Row], list[Row]]:
    """The rows of the release's major that are not above it, and all of that major, in order."""
    wanted = _numbers(l4t)
    rows = documents.shipped("jetson.json")["l4t"]
    family: list[Row] = [row for row in rows if _numbers(row["l4t"])[:1] == wanted[:1]]
    family.sort(key=lambda row: _numbers(row["l4t"]))
    return [row for row in family if _numbers(row["l4t"]) <= wanted], family


def _numbers(l4t: str) -> tuple[int, ...]:
    parts = l4t.strip().lstrip("Rr").split(".")
    return tuple(int(part) for part in parts) if all(part.isdigit() for part in parts) else ()
