"""What lies around the drivers of a host and can spoil a right build. For the doctor alone."""

import json
import re
from collections.abc import Iterator, Sequence
from typing import Literal

from accelsel.model.installed import HostFiles
from accelsel.model.profile import STATED
from accelsel.probe.world import World

LIBRARY_FOLDERS = (
    "/usr/lib/x86_64-linux-gnu",
    "/usr/lib/aarch64-linux-gnu",
    "/usr/lib64",
    "/usr/lib",
)
WSL_FOLDER = "/usr/lib/wsl/lib"
LIBCUDA = re.compile(r"libcuda\.so\.(\d{3,}(?:\.\d+)+)$")
LEVEL_ZERO = re.compile(r"libze_intel_gpu\.so\.(\d+(?:\.\d+)*)$")
MODULE = re.compile(r"Module\s+(?:for\s+\S+\s+)?(\d+(?:\.\d+)+)")
CACHE_LIMIT = 1 << 21
DEVICES = ("/dev/nvidiactl", "/dev/nvidia0", "/dev/nvidia-uvm", "/dev/kfd")
FAMILIES = (
    "ubuntu", "debian", "fedora", "rhel", "rocky", "almalinux", "arch", "opensuse-tumbleweed",
    "opensuse-leap",
)  # fmt: skip
BEFORE = re.compile(r"lib(nvJitLink|cudnn|nccl|cublas)\.so\.(\d+(?:\.\d+)+)")
SECURE_BOOT = "/sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c"
# Where distributions put NVIDIA's module, below the folder of the running kernel.
MODULE_FOLDERS = (
    "updates/dkms", "updates", "extra", "extra/nvidia", "kernel/drivers/video", "extramodules",
    "weak-updates/nvidia", "weak-updates",
)  # fmt: skip
NVSWITCH = ("0x10de", "0x068000")
FABRIC = (
    "/run/systemd/units/invocation:nvidia-fabricmanager.service",
    "/run/nvidia-fabricmanager/nv-fabricmanager.pid",
    "/var/run/nvidia-fabricmanager/nv-fabricmanager.pid",
)
RUNTIME = ("vcruntime140.dll", "vcruntime140_1.dll", "msvcp140.dll")
# Variables that make accelsel, uv, CUDA or ROCm believe something else than what is there.
VARIABLES = (
    *STATED,
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "ONEAPI_DEVICE_SELECTOR",
    "ZE_AFFINITY_MASK",
    "HSA_OVERRIDE_GFX_VERSION",
    "PYTORCH_ROCM_ARCH",
    "PYTORCH_NVML_BASED_CUDA_CHECK",
    "UV_TORCH_BACKEND",
    "UV_INDEX",
    "UV_DEFAULT_INDEX",
    "UV_FROZEN",
    "PYTHONPATH",
    "PYTHONNOUSERSITE",
    # NVIDIA's PyTorch images say which torch they were made with.
    "NVIDIA_PYTORCH_VERSION",
    "PYTORCH_VERSION",
    "VIRTUAL_ENV",
    "ACCELSEL_ENV",
)


def look(world: World) -> HostFiles:
    """What is there; nothing is run, nothing is loaded."""
    wsl = world.exists("/dev/dxg") or world.exists(WSL_FOLDER)
    linux_library = _first(world, LIBRARY_FOLDERS, LIBCUDA)
    compat_path, compat = _compat(world)
    toolkit_path, toolkit = _toolkit(world)
    return HostFiles(
        compat=compat,
        compat_path=compat_path,
        compat_active=bool(compat) and _on_loader_path(world),
        kernel_driver=_kernel_driver(world),
        library_driver=None if wsl else linux_library,
        toolkit=toolkit,
        toolkit_path=toolkit_path,
        denied=tuple(path for path in _devices(world) if not world.writable(path)),
        wsl_linux_driver=linux_library if wsl else None,
        distribution=_distribution(world),
        level_zero=_first(world, LIBRARY_FOLDERS, LEVEL_ZERO),
        variables=tuple(
            (name, value) for name in VARIABLES if (value := world.env(name)) is not None
        ),
        before=tuple(_before(world)),
        shadow=_shadow(world),
        module=_module(world),
        open_module=_open_module(world),
        user_torch=tuple(_user_torch(world)),
        secure_boot=_secure_boot(world),
        fabric=_fabric(world),
        unmapped=_unmapped(world),
        runtime=_runtime(world),
    )


def _before(world: World) -> Iterator[tuple[str, str, str]]:
    """CUDA libraries in the folders that the loader searches before torch's own."""
    for folder in dict.fromkeys((world.env("LD_LIBRARY_PATH") or "").split(":")):
        if not folder.startswith("/") or "/site-packages/" in folder:
            continue
        full: dict[str, str] = {}
        for name in _names(world, folder):
            if (match := BEFORE.fullmatch(name)) and len(match[2]) > len(full.get(match[1], "")):
                full[match[1]] = match[2]
        yield from ((folder, name.lower(), version) for name, version in full.items())


def _shadow(world: World) -> str | None:
    """The first folder of PYTHONPATH that holds a torch."""
    windows = world.uname()["system"] == "windows"
    folders = (world.env("PYTHONPATH") or "").split(";" if windows else ":")
    return next((f for f in folders if f and world.exists(f"{f}/torch/version.py")), None)


def _module(world: World) -> Literal["loaded", "built", "source"] | None:
    """What became of NVIDIA's kernel module, where a package for it is there at all."""
    if world.exists("/sys/module/nvidia"):
        return "loaded"
    root = f"/lib/modules/{world.uname().get('release', '')}"
    kernel = [n for n in _names(world, f"{root}/kernel") if n.startswith("nvidia")]
    for folder in (*MODULE_FOLDERS, *(f"kernel/{name}" for name in kernel)):
        if any(re.match(r"nvidia\.ko(\.|$)", n) for n in _names(world, f"{root}/{folder}")):
            return "built"
    sources = (*_names(world, "/usr/src"), *_names(world, "/var/lib/dkms"))
    return "source" if any(re.match(r"nvidia(-[\w.-]+)?$", n) for n in sources) else None


def _open_module(world: World) -> bool | None:
    """Whether the loaded module is NVIDIA's open one."""
    text = _text(world, "/proc/driver/nvidia/version")
    return "Open Kernel Module" in text if "Kernel Module" in text else None


def _user_torch(world: World) -> Iterator[str]:
    """The user's own site folders that hold a torch, which stands before that of an interpreter."""
    home = world.env("HOME")
    for name in _names(world, f"{home}/.local/lib") if home else ():
        site = f"{home}/.local/lib/{name}/site-packages"
        if name.startswith("python3.") and world.exists(f"{site}/torch/version.py"):
            yield site


def _secure_boot(world: World) -> bool | None:
    """The last of the variable's five bytes; None where the firmware has none."""
    try:
        return world.read_bytes(SECURE_BOOT, 16)[-1:] == b"\1"
    except OSError:
        return None


def _fabric(world: World) -> bool | None:
    """Whether Fabric Manager runs; None where no NVSwitch is there or nothing would show it."""
    root = "/sys/bus/pci/devices"
    switch = any(
        (_text(world, f"{root}/{n}/vendor").strip(), _text(world, f"{root}/{n}/class").strip())
        == NVSWITCH
        for n in _names(world, root)
    )
    if not switch or not world.exists("/run/systemd/units"):
        return None
    return any(world.exists(path) for path in FABRIC)


def _unmapped(world: World) -> str | None:
    """The device file of CUDA that a container lacks where it was given a GPU's own."""
    given = all(world.exists(path) for path in ("/dev/nvidiactl", "/dev/nvidia0"))
    inside = any(world.exists(path) for path in ("/.dockerenv", "/run/.containerenv")) or (
        world.env("container") in ("lxc", "podman", "docker")
    )
    return "/dev/nvidia-uvm" if given and inside and not world.exists("/dev/nvidia-uvm") else None


def _runtime(world: World) -> bool | None:
    """Whether Windows has the C++ runtime; None elsewhere, and where the folder is not seen."""
    folder = (world.env("SystemRoot") or "C:/Windows").replace("\\", "/") + "/System32"
    if world.uname()["system"] != "windows" or not world.exists(folder):
        return None
    return all(world.exists(f"{folder}/{name}") for name in RUNTIME)


def _compat(world: World) -> tuple[str | None, tuple[str, ...]]:
    """CUDA's forward-compatibility libraries: their folder and the driver versions they are of."""
    toolkits = [name for name in _names(world, "/usr/local") if name.startswith("cuda")]
    for toolkit in toolkits:
        for folder in (f"/usr/local/{toolkit}/compat", f"/usr/local/{toolkit}/compat/lib.real"):
            found = [m[1] for name in _names(world, folder) if (m := LIBCUDA.match(name))]
            if found:
                return folder, tuple(found)
    return None, ()


def _on_loader_path(world: World) -> bool:
    if "/compat" in (world.env("LD_LIBRARY_PATH") or ""):
        return True
    try:
        return b"/compat/" in world.read_bytes("/etc/ld.so.cache", CACHE_LIMIT)
    except OSError:
        return False


def _kernel_driver(world: World) -> str | None:
    match = MODULE.search(_text(world, "/proc/driver/nvidia/version"))
    return match[1] if match else _text(world, "/sys/module/nvidia/version").strip() or None


def _toolkit(world: World) -> tuple[str | None, str | None]:
    """The CUDA toolkit that a build on this host would take: one with a compiler."""
    for root in (world.env("CUDA_HOME"), world.env("CUDA_PATH"), "/usr/local/cuda"):
        if not root or not (
            world.exists(f"{root}/bin/nvcc") or world.exists(f"{root}/bin/nvcc.exe")
        ):
            continue
        try:
            version = json.loads(_text(world, f"{root}/version.json"))["cuda"]["version"]
        except (ValueError, KeyError, TypeError):
            match = re.search(r"CUDA Version (\d+\.\d+)", _text(world, f"{root}/version.txt"))
            version = match[1] if match else None
        if isinstance(version, str):
            return root, version
    return None, None


def _devices(world: World) -> Iterator[str]:
    yield from (path for path in DEVICES if world.exists(path))
    for name in _names(world, "/dev/dri"):
        if name.startswith("renderD"):
            yield f"/dev/dri/{name}"


def _distribution(world: World) -> str | None:
    """The ID of os-release; of a derivative (Mint, Pop, Manjaro) that of what it is made from."""
    text = _text(world, "/etc/os-release")
    match = re.search(r'^ID="?([\w.-]+)"?', text, re.MULTILINE)
    like = re.search(r'^ID_LIKE="?([\w. -]+)"?', text, re.MULTILINE)
    if match is None or match[1] in FAMILIES or like is None:
        return match[1] if match else None
    return next((name for name in like[1].split() if name in FAMILIES), match[1])


def _first(world: World, folders: Sequence[str], pattern: re.Pattern[str]) -> str | None:
    """The version in a library's name; of several in one folder the fullest."""
    for folder in folders:
        found = [match[1] for name in _names(world, folder) if (match := pattern.match(name))]
        if found:
            return max(found, key=len)
    return None


def _names(world: World, path: str) -> tuple[str, ...]:
    try:
        return world.list_dir(path)
    except OSError:
        return ()


def _text(world: World, path: str) -> str:
    try:
        return world.read_text(path)
    except OSError:
        return ""
