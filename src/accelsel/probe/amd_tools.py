"""AMD GPUs as ROCm's own command line tools list them. They are optional, and asked last."""

import re
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from accelsel.model.profile import ProbeStatus
from accelsel.model.value import dataclass, replace
from accelsel.probe.amd_table import tabled
from accelsel.probe.facts import Deadline, GpuFact
from accelsel.probe.pci import AMD, hex_id
from accelsel.probe.world import World

_GFX = re.compile(r"gfx(?:[6-9]|[1-9][0-9])[0-9a-f]{2}")  # `gfx000` is a CPU
_FIELD = re.compile(r"^\s*([A-Za-z][A-Za-z ]*?):\s*(.*?)\s*$")
_CHIP = re.compile(r"\(0x([0-9a-f]{1,4})\)", re.IGNORECASE)


@dataclass(frozen=True, kw_only=True)
class Agent:
    """A GPU as a tool names it; `address` `0000:03:00.0`, without its domain where that is not
    told (`03:00.0`)."""

    arch: str
    name: str | None = None
    device_id: str | None = None
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class Tool:
    name: str
    commands: Sequence[Sequence[str]]  # the first that exists is run
    parse: Callable[[str], tuple[Agent, ...]]


@dataclass(frozen=True, kw_only=True)
class Answer:
    status: ProbeStatus
    detail: str | None
    agents: tuple[Agent, ...] = ()


def ask(world: World, tool: Tool, timeout: float) -> Answer:
    """Run one tool for at most `timeout` seconds."""
    deadline = Deadline(timeout)
    for command in tool.commands:
        left = deadline.left()
        if not left:
            return Answer(status="skipped", detail="no time left")
        done = world.run(command, left)
        if done.status == "absent":
            continue
        agents = tool.parse(done.out)
        if agents or (done.status == "ok" and done.code == 0):
            return Answer(
                status="ok" if done.status == "ok" else done.status, detail=None, agents=agents
            )
        if done.status == "ok":
            return Answer(status="failed", detail=f"{tool.name} ended with {done.code}")
        return Answer(status=done.status, detail=None)
    return Answer(status="absent", detail=None)


def parse_rocminfo(text: str) -> tuple[Agent, ...]:
    """The agents of device type GPU; CPUs, NPUs and the generic second ISA are left out."""
    return tuple(agent for block in _agents(text) if (agent := _agent(block)) is not None)


def parse_enumerator(text: str) -> tuple[Agent, ...]:
    """One gfx id per line; `gfx000` is a CPU."""
    names = (line.strip() for line in text.splitlines())
    return tuple(Agent(arch=name) for name in names if _GFX.fullmatch(name))


def parse_amd_smi(text: str) -> tuple[Agent, ...]:
    """`amd-smi static --asic --bus --json`, as a list or under `gpu_data`."""
    import json

    try:
        document = json.loads(text[text.index("[" if text.lstrip()[:1] == "[" else "{") :])
    except (ValueError, RecursionError):
        return ()
    if isinstance(document, dict):
        document = document.get("gpu_data")
    if not isinstance(document, list):
        return ()
    return tuple(agent for entry in document if (agent := _smi_agent(entry)) is not None)


def join(
    gpus: list[GpuFact], agents: tuple[Agent, ...], source: str, acts_as: str | None
) -> list[GpuFact]:
    """What sysfs saw, completed by what a tool names; the tool's own list where sysfs saw nothing.

    An agent is joined by address, then by device id, then by position where both lists are of one
    length (the tools list KFD's order). A name that only repeats the override is no fact.
    """
    named = [agent if agent.arch != acts_as else replace(agent, arch="") for agent in agents]
    if not any(gpu.usable for gpu in gpus):
        devices = {agent.address or str(place): agent for place, agent in enumerate(named)}
        found = [_of_agent(agent, source) for agent in devices.values()]
        ids = {gpu.pci_id for gpu in found}
        return [gpu for gpu in gpus if gpu.pci_id not in ids] + found
    places = [place for place, gpu in enumerate(gpus) if gpu.usable]
    joined = list(gpus)
    for number, place in enumerate(places):
        gpu = gpus[place]
        agent = (
            next((a for a in named if a.address and (gpu.address or "").endswith(a.address)), None)
            or next(
                (a for a in named if a.device_id and gpu.pci_id == f"{AMD}:{a.device_id}"), None
            )
            or (
                named[number]
                if len(named) == len(places) and _in_order(named, gpus, places)
                else None
            )
        )
        if agent is not None and agent.arch and gpu.arch is None:
            joined[place] = replace(
                gpu, arch=agent.arch, arch_source=source, name=gpu.name or agent.name
            )
    return joined


def _in_order(named: list[Agent], gpus: list[GpuFact], places: list[int]) -> bool:
    pairs = zip(named, (gpus[place] for place in places), strict=True)
    return all(gpu.arch is None or gpu.arch == agent.arch for agent, gpu in pairs)


def _of_agent(agent: Agent, source: str) -> GpuFact:
    address = agent.address
    if address is not None and address.count(":") == 1:
        address = f"0000:{address}"
    return tabled(
        GpuFact(
            vendor="amd",
            address=address,
            pci_id=f"{AMD}:{agent.device_id}" if agent.device_id else None,
            name=agent.name,
            arch=agent.arch or None,
            arch_source=source if agent.arch else None,
            usable=True,
        )
    )


def _agents(text: str) -> Iterator[list[str]]:
    block: list[str] | None = None
    for line in text.splitlines():
        if re.match(r"^Agent \d+\s*$", line):
            if block is not None:
                yield block
            block = []
        elif block is not None:
            block.append(line)
    if block is not None:
        yield block


def _agent(lines: list[str]) -> Agent | None:
    fields: dict[str, str] = {}
    for line in lines:
        if match := _FIELD.match(line):
            fields.setdefault(match[1], match[2])  # the agent's own lines stand before its ISAs'
    arch = fields.get("Name", "")
    if fields.get("Device Type") != "GPU" or not _GFX.fullmatch(arch):
        return None
    chip = _CHIP.search(fields.get("Chip ID", ""))
    return Agent(
        arch=arch,
        name=fields.get("Marketing Name") or None,
        device_id=hex_id(chip[1], 4) if chip else None,
        address=_bdf(fields.get("BDFID", "")),
    )


def _bdf(text: str) -> str | None:
    if not (text.isascii() and text.isdigit() and len(text) <= 10):
        return None
    number = int(text) & 0xFFFF
    return f"{number >> 8:02x}:{number >> 3 & 0x1F:02x}.{number & 7}" if number else None


def _smi_agent(entry: Any) -> Agent | None:
    if not isinstance(entry, dict):
        return None
    asic, bus = entry.get("asic"), entry.get("bus")
    if not isinstance(asic, dict):
        return None
    arch = asic.get("target_graphics_version")
    if not isinstance(arch, str) or not _GFX.fullmatch(arch):
        return None
    name, device, address = (
        asic.get("market_name"),
        asic.get("device_id"),
        bus.get("bdf") if isinstance(bus, dict) else None,
    )
    return Agent(
        arch=arch,
        name=name if isinstance(name, str) and name not in {"", "N/A"} else None,
        device_id=hex_id(device, 4) if isinstance(device, str) else None,
        address=address.lower() if isinstance(address, str) else None,
    )


ROCMINFO = Tool(
    name="rocminfo",
    commands=(("rocminfo",), ("/opt/rocm/bin/rocminfo",)),
    parse=parse_rocminfo,
)
ENUMERATOR = Tool(
    name="rocm_agent_enumerator",
    commands=(("rocm_agent_enumerator",), ("/opt/rocm/bin/rocm_agent_enumerator",)),
    parse=parse_enumerator,
)
AMD_SMI = Tool(
    name="amd-smi",
    commands=(
        ("amd-smi", "static", "--asic", "--bus", "--json"),
        ("/opt/rocm/bin/amd-smi", "static", "--asic", "--bus", "--json"),
    ),
    parse=parse_amd_smi,
)
TOOLS = (ROCMINFO, ENUMERATOR, AMD_SMI)
