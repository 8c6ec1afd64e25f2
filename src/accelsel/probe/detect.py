"""From a World to a profile: host, bus, then all vendors side by side."""

from collections.abc import Callable
from threading import Thread
from time import monotonic

from accelsel.model.profile import ProbeResult, Profile, Vendor
from accelsel.model.value import replace
from accelsel.probe.assemble import assemble
from accelsel.probe.facts import Deadline, GpuFact, HostFacts, PciDevice, VendorFacts
from accelsel.probe.world import World

VendorProbe = Callable[[World, HostFacts, tuple[PciDevice, ...], Deadline], VendorFacts]
GRACE = 0.2  # seconds after a vendor's deadline in which its probe may still hand over its facts
BEHIND_WSL = (
    "probe-incomplete: a GPU may be behind /dev/dxg (WSL), but no vendor's library answers for it: "
    "the Windows driver puts NVIDIA's into /usr/lib/wsl/lib"
)
VENDOR_IDS: dict[str, Vendor] = {"10de": "nvidia", "1002": "amd", "8086": "intel"}


def _vendors() -> tuple[tuple[Vendor, VendorProbe], ...]:
    """The probes, in the order in which their GPUs are numbered."""
    from accelsel.probe import amd, apple, intel, nvidia

    return (
        ("nvidia", nvidia.probe),
        ("amd", amd.probe),
        ("intel", intel.probe),
        ("apple", apple.probe),
    )


def probe(world: World | None = None, *, deadline: float = 3.0) -> Profile:
    """The profile of the host that `world` shows, by default the one that runs this.

    Every vendor has `deadline` seconds, all at the same time. What could not be seen is told in
    `probes` and `notes`. Raises AccelselError only for an override that no host can have.
    """
    from accelsel.probe import host, overrides, pci

    if world is None:
        from accelsel.probe.host_world import HostWorld

        world = HostWorld()
    stated = overrides.read(world.env)
    facts = host.probe(world)
    started = monotonic()
    devices = pci.scan(world)
    scan = ProbeResult(
        name="pci",
        status="ok" if devices else "absent",
        detail=f"{len(devices)} GPU{'s' * (len(devices) != 1)}",
        elapsed_ms=round((monotonic() - started) * 1000, 1),
    )
    running = [
        _Running(vendor, run, (world, facts, devices, Deadline(deadline)))
        for vendor, run in _vendors()
    ]
    end = Deadline(deadline + GRACE)
    found = [each.facts(end) for each in running]
    if not (stated.archs or any(each.gpus for each in found)) and world.exists("/dev/dxg"):
        facts = replace(facts, notes=(*facts.notes, BEHIND_WSL))
    return assemble(facts, found, probes=(scan,), overrides=stated)


class _Running:
    """One vendor's probe in a thread of its own."""

    def __init__(
        self,
        vendor: Vendor,
        run: VendorProbe,
        arguments: tuple[World, HostFacts, tuple[PciDevice, ...], Deadline],
    ) -> None:
        self._vendor = vendor
        self._probe = run
        self._arguments = arguments
        self._devices = arguments[2]
        self._facts: VendorFacts | None = None
        self._failure: str | None = None
        self._started = monotonic()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        try:
            self._facts = self._probe(*self._arguments)
        except Exception as error:  # noqa: BLE001  one vendor must not take the others along
            self._failure = type(error).__name__

    def facts(self, end: Deadline) -> VendorFacts:
        """The vendor's facts; what the bus shows of it where the probe has not come to an end."""
        self._thread.join(end.left())
        if self._facts is not None:
            return self._facts
        status, detail = ("failed", self._failure) if self._failure else ("timeout", "no answer")
        result = ProbeResult(
            name=self._vendor,
            status="failed" if self._failure else "timeout",
            detail=detail,
            elapsed_ms=round((monotonic() - self._started) * 1000, 1),
        )
        gpus = tuple(
            GpuFact(
                vendor=self._vendor,
                address=device.address or None,
                pci_id=device.pci_id,
                name=device.name,
                memory_bytes=device.memory_bytes,
                note="seen on the PCI bus only",
            )
            for device in self._devices
            if VENDOR_IDS.get(device.vendor_id) == self._vendor
        )
        note = f"probe-incomplete: the probe of {self._vendor} {status}: {detail}"
        return VendorFacts(vendor=self._vendor, gpus=gpus, probes=(result,), notes=(note,))
