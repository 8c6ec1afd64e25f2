"""AMD GPUs as the kernel's compute driver (KFD) lists them in its topology."""

from collections.abc import Mapping

from accelsel.model.value import dataclass
from accelsel.probe.amd import KFD_TREES
from accelsel.probe.world import World

_AMD = 0x1002
_TARGETS = range(60000, 1000000)
_FRAME_BUFFER = frozenset({1, 2})  # heap types of a memory bank: private and public frame buffer


@dataclass(frozen=True, kw_only=True)
class KfdDevice:
    """One GPU; `nodes` are its nodes in the topology, several when it is partitioned.

    `arch` None on kernels that do not tell it. `shares_node` is True where CPU cores sit in the
    same node (old APUs).
    """

    address: str | None
    device_id: str | None
    arch: str | None
    nodes: tuple[str, ...]
    memory_bytes: int | None
    shares_node: bool


@dataclass(frozen=True, kw_only=True)
class KfdTopology:
    """`hidden` counts nodes that a container may list and not read."""

    present: bool
    devices: tuple[KfdDevice, ...] = ()
    hidden: int = 0


def read(world: World, known: frozenset[str] = frozenset()) -> KfdTopology:
    """The topology's GPUs in the order of their nodes; `known` are addresses seen on the bus."""
    tree, names = _nodes(world)
    if tree is None:
        return KfdTopology(present=False)
    hidden = 0
    devices: dict[str, list[tuple[str, Mapping[str, int]]]] = {}
    for name in names:
        try:
            properties = parse_properties(world.read_text(f"{tree}/{name}/properties"))
        except PermissionError:
            hidden += 1
            continue
        except OSError:
            continue
        if is_gpu(properties):
            key = address_of(properties, known) or f"node {name}"
            devices.setdefault(key, []).append((name, properties))
    return KfdTopology(
        present=True,
        devices=tuple(_device(world, tree, key, nodes) for key, nodes in devices.items()),
        hidden=hidden,
    )


def parse_properties(text: str) -> Mapping[str, int]:
    """Lines of a name and a whole number; others are left out."""
    found: dict[str, int] = {}
    for line in text.splitlines():
        name, _, value = line.strip().partition(" ")
        value = value.strip()
        if value.isascii() and value.isdigit() and len(value) <= 20:
            found[name] = int(value)
    return found


def is_gpu(properties: Mapping[str, int]) -> bool:
    """A node with a graphics target; on kernels before that field, one with SIMD units."""
    if properties.get("vendor_id", _AMD) not in {0, _AMD}:
        return False
    version = properties.get("gfx_target_version")
    return properties.get("simd_count", 0) > 0 if version is None else version > 0


def gfx_name(version: int) -> str | None:
    """90010 -> `gfx90a`; None for a number that no target can have."""
    from accelsel.knowledge import gfx_of

    return gfx_of(version) if version in _TARGETS else None


def address_of(properties: Mapping[str, int], known: frozenset[str] = frozenset()) -> str | None:
    """The PCI address; None where the node has none.

    Partitions of one device are counted in the upper bits of `location_id`, and on some kernels in
    its function number instead: one that is not `known` on the bus is function 0's.
    """
    location = properties.get("location_id", 0) & 0xFFFF
    domain = properties.get("domain", 0)
    if not location or domain > 0xFFFFFFFF:
        return None
    device = f"{domain:04x}:{location >> 8:02x}:{location >> 3 & 0x1F:02x}"
    address = f"{device}.{location & 7}"
    return address if address in known else f"{device}.0"


def _nodes(world: World) -> tuple[str | None, tuple[str, ...]]:
    for tree in KFD_TREES:
        try:
            names = world.list_dir(tree)
        except OSError:
            continue
        numbers = [name for name in names if name.isascii() and name.isdigit()]
        return tree, tuple(sorted(numbers, key=int))
    return None, ()


def _device(
    world: World, tree: str, key: str, nodes: list[tuple[str, Mapping[str, int]]]
) -> KfdDevice:
    _, first = nodes[0]
    device_id = first.get("device_id", 0)
    memory = sum(_memory(world, f"{tree}/{name}/mem_banks") for name, _ in nodes)
    return KfdDevice(
        address=key if ":" in key else None,
        device_id=f"{device_id:04x}" if 0 < device_id <= 0xFFFF else None,
        arch=gfx_name(first.get("gfx_target_version", 0)),
        nodes=tuple(name for name, _ in nodes),
        memory_bytes=memory or None,
        shares_node=first.get("cpu_cores_count", 0) > 0,
    )


def _memory(world: World, banks: str) -> int:
    total = 0
    try:
        for bank in world.list_dir(banks):
            properties = parse_properties(world.read_text(f"{banks}/{bank}/properties"))
            if properties.get("heap_type") in _FRAME_BUFFER:
                total += properties.get("size_in_bytes", 0)
    except OSError:
        return total
    return total
