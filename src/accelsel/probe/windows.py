"""Display adapters as the Windows registry lists them, read through `reg query`."""

import re
from collections.abc import Iterable, Mapping

from accelsel.probe.facts import Deadline, PciDevice
from accelsel.probe.pci import is_gpu
from accelsel.probe.world import World

# The class of display adapters: one subkey per adapter, also of adapters that were taken out.
_CLASS = r"HKLM\SYSTEM\CurrentControlSet\Control\Class\{4d36e968-e325-11ce-bfc1-08002be10318}"
# Made at every start: only what is there now.
_PRESENT = r"HKLM\HARDWARE\DEVICEMAP\VIDEO"
# Every PCI device, also those that only Windows' own display driver serves.
_ENUM = r"HKLM\SYSTEM\CurrentControlSet\Enum\PCI"
_TIMEOUT = 0.7  # seconds for all questions: the vendors' own probes come after them
_PROGRAMS: Mapping[str, tuple[str, ...]] = {
    "windows": ("reg",),
    "linux": ("reg.exe", "/mnt/c/Windows/System32/reg.exe"),
}

_VALUE = re.compile(r"^ {4}(\S.*?) {4}(REG_\w+) {4}(.*)$")
_ID = re.compile(r"pci\\ven_([0-9a-f]{4})&dev_([0-9a-f]{4})", re.IGNORECASE)
_ANY_DISPLAY = re.compile(r"pci\\cc_03", re.IGNORECASE)
_GUID = re.compile(r"\{[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\}", re.IGNORECASE)


def display_adapters(world: World) -> tuple[PciDevice, ...]:
    """The adapters that are present, in the registry's order; () where it cannot be read.

    `driver` is the vendor driver's provider (`NVIDIA`), None with the driver that Windows brings.
    Under WSL the registry is that of the Windows host, reached through its own `reg.exe`.
    """
    registry = _Registry(world)
    adapters = parse_registry(registry.query(_CLASS))
    present = {guid.lower() for guid in _GUID.findall(registry.query(_PRESENT))}
    known = present.intersection(v.get("VideoID", "").lower() for v in adapters.values())
    shown = [
        values
        for values in adapters.values()
        if not known or values.get("VideoID", "").lower() in known
    ]
    devices = [device for values in shown if (device := adapter_of(values)) is not None]
    if any(_ANY_DISPLAY.match(values.get("MatchingDeviceId", "")) for values in shown):
        served = {device.pci_id for device in devices}
        keys = parse_registry(registry.query(_ENUM, "/f", _CLASS.rpartition("\\")[2], "/d"))
        devices += [device for device in _enumerated(keys) if device.pci_id not in served]
    return tuple(devices)


def parse_registry(text: str) -> Mapping[str, Mapping[str, str]]:
    """What `reg query KEY /s` prints: key -> value name -> data."""
    keys: dict[str, dict[str, str]] = {}
    values: dict[str, str] = {}
    for line in text.splitlines():
        if line.upper().startswith("HKEY_"):
            values = keys.setdefault(line.strip(), {})
        elif match := _VALUE.match(line):
            values[match[1]] = match[3].strip()
    return keys


def adapter_of(values: Mapping[str, str]) -> PciDevice | None:
    """One subkey of the display class as a device; None for what is no GPU on PCI."""
    provider = values.get("ProviderName") or None
    basic = provider == "Microsoft"
    return _device(
        values.get("MatchingDeviceId", ""),
        driver=None if basic else provider,
        name=None if basic else values.get("DriverDesc") or None,
        memory_bytes=_number(values.get("HardwareInformation.qwMemorySize", "")),
        driver_version=values.get("DriverVersion") or None,
    )


def _enumerated(keys: Iterable[str]) -> tuple[PciDevice, ...]:
    names = dict.fromkeys(key.partition("\\Enum\\")[2] for key in keys)
    devices = (_device(name) for name in names)
    return tuple(device for device in devices if device is not None)


def _device(
    hardware_id: str,
    *,
    driver: str | None = None,
    name: str | None = None,
    memory_bytes: int | None = None,
    driver_version: str | None = None,
) -> PciDevice | None:
    match = _ID.match(hardware_id)
    if match is None or not is_gpu(match[1].lower(), "030000"):
        return None
    return PciDevice(
        address="",
        vendor_id=match[1].lower(),
        device_id=match[2].lower(),
        class_id="030000",
        driver=driver,
        name=name,
        memory_bytes=memory_bytes,
        driver_version=driver_version,
    )


def _number(data: str) -> int | None:
    try:
        return int(data, 16) or None
    except ValueError:
        return None


class _Registry:
    """Asks `reg query` until it is absent, fails or the time for all questions is over."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._deadline = Deadline(_TIMEOUT)
        self._programs = _PROGRAMS.get(world.uname().get("system", ""), ())

    def query(self, key: str, *options: str) -> str:
        """The subkeys and values below a key as text; "" where they cannot be read."""
        for program in self._programs:
            left = self._deadline.left()
            if not left:
                return ""
            done = self._world.run((program, "query", key, "/s", *options), left)
            if done.status != "absent":
                self._programs = (program,) if done.status == "ok" else ()
                return done.out
        self._programs = ()
        return ""
