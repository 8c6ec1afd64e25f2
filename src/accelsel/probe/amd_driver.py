"""AMD's kernel driver, the host's ROCm, and who may use the devices."""

from collections.abc import Iterable

from accelsel.model.profile import AmdDriver
from accelsel.probe.facts import GpuFact, HostFacts
from accelsel.probe.world import World

_PCI = "/sys/bus/pci/devices"


def driver(world: World, host: HostFacts) -> AmdDriver:
    """The loaded amdgpu module. Only AMD's own package gives it a version."""
    version = version_of(world, "/sys/module/amdgpu/version")
    in_tree = "the Windows host" if host.os.wsl else f"in-tree, kernel {host.os.release}"
    return AmdDriver(
        version=version, rocm_version=rocm_version(world), source="sysfs" if version else in_tree
    )


def rocm_version(world: World) -> str | None:
    """The ROCm of the host, of which wheels are independent."""
    found = version_of(world, "/opt/rocm/.info/version")
    if found is not None:
        return found
    try:
        folders = world.list_dir("/opt")
    except OSError:
        return None
    versions = (
        version_of(world, f"/opt/{folder}/.info/version")
        for folder in reversed(folders)
        if folder.startswith("rocm")
    )
    return next((version for version in versions if version), None)


def notes_on_rocm(world: World) -> tuple[str, ...]:
    """What a host without AMD GPU and driver may still be there for: an image build."""
    rocm = rocm_version(world)
    return (f"ROCm {rocm} is installed here, and no AMD GPU or driver was seen",) if rocm else ()


def access_notes(world: World, host: HostFacts, gpus: Iterable[GpuFact]) -> tuple[str, ...]:
    """What keeps this user from the device nodes of GPUs that the driver serves, with the cure."""
    nodes = ["/dev/kfd"]
    for gpu in gpus:
        if gpu.usable and gpu.address:
            try:
                names = world.list_dir(f"{_PCI}/{gpu.address}/drm")
            except OSError:
                continue
            nodes += [f"/dev/dri/{name}" for name in names if name.startswith("renderD")]
    notes = []
    missing = [node for node in nodes if not world.exists(node)]
    denied = [node for node in nodes if node not in missing and not world.writable(node)]
    if missing:
        cure = (
            "start the container with --device /dev/kfd --device /dev/dri"
            if host.os.container
            else "check that the amdgpu module is loaded"
        )
        notes.append(f"{', '.join(missing)} not found: {cure}")
    if denied:
        notes.append(
            f"no permission for {', '.join(denied)}: add this user to the groups render and "
            "video (sudo usermod -aG render,video $USER), then log in again"
        )
    return tuple(notes)


def version_of(world: World, path: str) -> str | None:
    """The version at the head of a file; None without one."""
    try:
        text = world.read_text(path)
    except OSError:
        return None
    head = text.strip().partition("-")[0]
    parts = head.split(".")
    plain = all(part.isascii() and part.isdigit() and len(part) <= 6 for part in parts)
    return head if plain and 2 <= len(parts) <= 4 else None
