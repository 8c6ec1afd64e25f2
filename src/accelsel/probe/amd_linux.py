"""AMD GPUs of a Linux host: KFD topology, then PCI ids through the device table, then tools."""

from collections.abc import Mapping
from time import monotonic
from typing import Any

from accelsel.model.profile import AmdDriver, ProbeResult, ProbeStatus
from accelsel.model.value import replace
from accelsel.probe import amd_kfd
from accelsel.probe.amd_driver import access_notes, driver, notes_on_rocm
from accelsel.probe.amd_kfd import KfdDevice, KfdTopology
from accelsel.probe.amd_table import tabled
from accelsel.probe.facts import Deadline, GpuFact, HostFacts, PciDevice, VendorFacts
from accelsel.probe.pci import AMD
from accelsel.probe.world import World

_PCI = "/sys/bus/pci/devices"
_OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"
_RESERVE = 0.3  # seconds kept back for what follows a tool
_MOST_MEMORY = 1 << 48


class Look:
    """One look at a Linux host. The steps run once, in the order of `facts`."""

    def __init__(
        self, world: World, host: HostFacts, cards: tuple[PciDevice, ...], deadline: Deadline
    ) -> None:
        self.world = world
        self.host = host
        self.cards = cards
        self.deadline = deadline
        self.probes: list[ProbeResult] = []
        self.notes: list[str] = []

    def facts(self) -> VendorFacts:
        topology = self._topology()
        gpus = self._from_kfd(topology)
        gpus += self._from_pci(topology, gpus)
        gpus = [tabled(gpu) for gpu in gpus]
        if self._tools_can_help(topology, gpus):
            gpus = self._from_tools(gpus)
        gpus = self._with_library(gpus)
        gpus = [self._with_sysfs(gpu) for gpu in gpus]
        driver = self._driver(gpus)
        if driver is None and not gpus:
            self.notes += notes_on_rocm(self.world)
        if any(gpu.usable for gpu in gpus) and not self.host.os.wsl:
            self.notes += access_notes(self.world, self.host, gpus)
        return VendorFacts(
            vendor="amd",
            gpus=tuple(gpus),
            driver=driver,
            probes=tuple(self.probes),
            notes=tuple(self.notes),
        )

    def _result(self, name: str, status: ProbeStatus, detail: str | None, started: float) -> None:
        elapsed = round((monotonic() - started) * 1000, 1)
        self.probes.append(ProbeResult(name=name, status=status, detail=detail, elapsed_ms=elapsed))

    def _topology(self) -> KfdTopology:
        started = monotonic()
        topology = amd_kfd.read(self.world, frozenset(card.address for card in self.cards))
        if not topology.present:
            self._result("kfd", "absent", None, started)
        elif topology.hidden:
            detail = f"{topology.hidden} of the topology's nodes cannot be read"
            self._result("kfd", "ok" if topology.devices else "denied", detail, started)
        else:
            count = len(topology.devices)
            self._result("kfd", "ok", f"{count} GPU{'s' * (count != 1)}", started)
        return topology

    def _from_kfd(self, topology: KfdTopology) -> list[GpuFact]:
        taken: set[str] = set()
        gpus = []
        for device in topology.devices:
            card = self._card_of(device, taken)
            if card is not None:
                taken.add(card.address)
            device_id = f"{AMD}:{device.device_id}" if device.device_id else None
            gpus.append(
                GpuFact(
                    vendor="amd",
                    address=card.address if card else device.address,
                    pci_id=card.pci_id if card else device_id,
                    arch=device.arch,
                    arch_source="kfd" if device.arch else None,
                    memory_bytes=device.memory_bytes,
                    integrated=True if device.shares_node else None,
                    usable=True,
                    note=_sentences(_partitions(self.world, device), self._override_note(device)),
                )
            )
        return gpus

    def _card_of(self, device: KfdDevice, taken: set[str]) -> PciDevice | None:
        free = [card for card in self.cards if card.address not in taken]
        for card in free:
            if card.address == device.address:
                return card
        if device.address is None:
            return next((card for card in free if card.device_id == device.device_id), None)
        return None

    def _from_pci(self, topology: KfdTopology, gpus: list[GpuFact]) -> list[GpuFact]:
        known = {gpu.address for gpu in gpus}
        rest = [card for card in self.cards if card.address not in known]
        hidden = [card for card in rest if topology.hidden and card.driver == "amdgpu"]
        if hidden:
            self.notes.append(
                f"{len(hidden)} AMD GPU{'s' * (len(hidden) > 1)} of this machine "
                "cannot be reached from here (the container was not given them)"
            )
        return [
            GpuFact(
                vendor="amd",
                address=card.address or None,
                pci_id=card.pci_id,
                name=card.name,
                memory_bytes=card.memory_bytes,
                usable=False,
                note=_unusable(card),
            )
            for card in rest
            if card not in hidden
        ]

    def _override(self, node: str) -> tuple[str, str] | None:
        for name in (f"{_OVERRIDE}_{node}", _OVERRIDE):
            value = self.world.env(name)
            if value:
                return name, value
        return None

    def _override_note(self, device: KfdDevice) -> str | None:
        override = self._override(device.nodes[0])
        if override is None:
            return None
        name, value = override
        acts_as = override_target(value)
        if acts_as is None:
            return f"{name} is set and is not of the form major.minor.stepping"
        return f"{name}={value}: run as {acts_as}"

    def _tools_can_help(self, topology: KfdTopology, gpus: list[GpuFact]) -> bool:
        if any(gpu.usable for gpu in gpus):
            return any(gpu.usable and gpu.arch is None for gpu in gpus)
        behind_wsl = self.host.os.wsl and self.world.exists("/dev/dxg")
        return behind_wsl or (not topology.present and self.world.exists("/dev/kfd"))

    def _from_tools(self, gpus: list[GpuFact]) -> list[GpuFact]:
        from accelsel.probe import amd_tools

        for position, tool in enumerate(amd_tools.TOOLS):
            started = monotonic()
            # Half of what is left for each, so that one that hangs leaves time for the next.
            left = self.deadline.left(_RESERVE)
            last = position == len(amd_tools.TOOLS) - 1
            answer = amd_tools.ask(self.world, tool, left if last else left / 2)
            self._result(tool.name, answer.status, answer.detail, started)
            if not answer.agents:
                continue
            acts_as = override_target(self.world.env(_OVERRIDE) or "")
            gpus = amd_tools.join(gpus, answer.agents, tool.name, acts_as)
            if gpus and all(gpu.arch for gpu in gpus if gpu.usable):
                break
        return gpus

    def _with_sysfs(self, gpu: GpuFact) -> GpuFact:
        """Memory and product name from amdgpu's own attributes."""
        folder = f"{_PCI}/{gpu.address}"
        memory = self._text(f"{folder}/mem_info_vram_total") if gpu.usable else None
        name = self._text(f"{folder}/product_name") if gpu.usable else None
        size = int(memory) if memory and memory.isascii() and memory.isdigit() else 0
        return replace(
            gpu,
            name=name if name and name.isprintable() and len(name) < 100 else gpu.name,
            memory_bytes=size if 0 < size < _MOST_MEMORY else gpu.memory_bytes,
        )

    def _with_library(self, gpus: list[GpuFact]) -> list[GpuFact]:
        """Name and memory from pyamdgpuinfo, where it is installed: it knows the very product."""
        left = self.deadline.left(_RESERVE)
        usable = any(gpu.usable for gpu in gpus)
        if not usable or not left or not self.world.exists("/dev/dri"):
            return gpus
        started = monotonic()
        streamed = self.world.stream("pyamdgpuinfo", min(left, 1.0))
        if streamed.status == "absent":
            return gpus
        self._result("pyamdgpuinfo", streamed.status, streamed.detail, started)
        told: dict[object, dict[str, Any]] = {}
        for record in streamed.records:
            told.setdefault(record.get("gpu"), {})[str(record.get("call"))] = record.get("value")
        by_address = {str(values.get("slot")).lower(): values for values in told.values()}
        return [_with_record(gpu, by_address.get(gpu.address or "", {})) for gpu in gpus]

    def _driver(self, gpus: list[GpuFact]) -> AmdDriver | None:
        served = any(gpu.usable for gpu in gpus)
        bound = any(card.driver == "amdgpu" for card in self.cards)
        if served or bound or self.world.exists("/sys/module/amdgpu"):
            return driver(self.world, self.host)
        return None

    def _text(self, path: str) -> str | None:
        try:
            return self.world.read_text(path).strip()
        except OSError:
            return None


def override_target(value: str) -> str | None:
    """`10.3.0` -> `gfx1030`; None for what ROCm would not read as a target."""
    parts = value.split(".")
    if len(parts) != 3 or not all(p.isascii() and p.isdigit() and len(p) <= 2 for p in parts):
        return None
    major, minor, stepping = (int(part) for part in parts)
    return amd_kfd.gfx_name(major * 10000 + minor * 100 + stepping)


def _with_record(gpu: GpuFact, values: Mapping[str, Any]) -> GpuFact:
    name, memory = values.get("name"), values.get("memory")
    return replace(
        gpu,
        name=name if isinstance(name, str) and name.isprintable() and name else gpu.name,
        memory_bytes=gpu.memory_bytes or (memory if isinstance(memory, int) and memory else None),
    )


def _partitions(world: World, device: KfdDevice) -> str | None:
    if len(device.nodes) == 1:
        return None
    try:
        mode = world.read_text(f"{_PCI}/{device.address}/current_compute_partition").strip()
    except OSError:
        mode = ""
    shown = f" ({mode})" if mode.isalnum() and len(mode) <= 8 else ""
    return f"split into {len(device.nodes)} compute partitions{shown}"


def _unusable(card: PciDevice) -> str:
    if not card.address:
        return "behind WSL, where no ROCm answers: install ROCm for WSL (librocdxg)"
    if card.driver == "amdgpu":
        return "driver amdgpu, without compute (no KFD node)"
    if card.driver == "vfio-pci":
        return "bound to vfio-pci: handed to a virtual machine"
    return f"bound to {card.driver}: no compute" if card.driver else "no kernel driver is bound"


def _sentences(*parts: str | None) -> str | None:
    return "; ".join(part for part in parts if part) or None
