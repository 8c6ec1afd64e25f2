"""The host itself: system, C library, container, Jetson, processor, Python, environment."""

import re
from collections.abc import Mapping

from accelsel.model.profile import Cpu, Jetson, Libc, Os, Python
from accelsel.probe.facts import HostFacts
from accelsel.probe.world import World

_CPUINFO_LIMIT = 8192  # the first processor's block; more would make the kernel ask every core
_MUSL_TIMEOUT = 0.5

# What each x86-64 level adds, in the kernel's names (lzcnt is `abm`).
_LEVELS: tuple[tuple[str, frozenset[str]], ...] = (
    ("x86-64-v2", frozenset({"cx16", "lahf_lm", "popcnt", "sse4_1", "sse4_2", "ssse3"})),
    (
        "x86-64-v3",
        frozenset({"avx", "avx2", "bmi1", "bmi2", "f16c", "fma", "abm", "movbe", "xsave"}),
    ),
    ("x86-64-v4", frozenset({"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"})),
)

_MASKS = (
    "CUDA_VISIBLE_DEVICES",
    "NVIDIA_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HIP_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "ZE_AFFINITY_MASK",
    "ONEAPI_DEVICE_SELECTOR",
)
_NO_MASK = frozenset({"all", "void", "*:*"})  # what images set without masking a device
_GFX_OVERRIDE = "HSA_OVERRIDE_GFX_VERSION"
# What base images say of the host that they were made for.
_IMAGE = ("CUDA_VERSION", "NVIDIA_REQUIRE_CUDA", "ROCM_VERSION")
_NODES = 16  # HSA nodes that an override is looked for
# Patterns are compiled where they are needed: most hosts need none.
_UUID = r"(?i)((?:GPU|MIG)-)[0-9a-f][0-9a-f-]{7,}(?:/[0-9]+/[0-9]+)?"
_L4T = r"(?m)^#\s*R([0-9]+)\s*\(release\),\s*REVISION:\s*([0-9]+(?:\.[0-9]+)*)"
_SOC = r"nvidia,(tegra[0-9]{3})"
# NVIDIA's kernels by L4T release (R32, R35, R36, R38 and R39), general knowledge of 2026-11.
_TEGRA_KERNELS = {"4.9": "4", "5.10": "5", "5.15": "6", "6.8": "7"}
_ENGINES = (  # marks of a container engine in the root mount and the control groups
    ("kubernetes", ("/kubepods", "/kubelet/")),
    ("podman", ("/libpod", "/containers/storage/")),
    ("docker", ("/docker/", "/docker-", "/buildkit/", "/moby/")),
    ("other", ("/lxc/", "/lxc.", "/machine.slice/", "containerd/", "containerd.", "/garden/")),
)


def probe(world: World) -> HostFacts:
    """What the host says of itself; what it does not say is None."""
    uname = world.uname()
    system, release = uname.get("system", ""), uname.get("release") or None
    notes: list[str] = []
    sysctl: Mapping[str, str] = {}
    if system == "darwin":
        from accelsel.probe import apple

        sysctl = apple.sysctl(world)
        if apple.is_translated(sysctl):
            notes.append(
                "this Python is an x86-64 build that Rosetta translates: torch 2.2.2 is the last "
                "for it; install an arm64 Python (uv python install --reinstall)"
            )
    arch = _arch(system, uname.get("machine", ""), sysctl)
    linux = system == "linux"
    container = _container(world) if linux else None
    soc = _soc(world) if linux and arch == "aarch64" else None
    wsl = linux and _wsl(world, release)
    if wsl and release and "-WSL2" not in release and release.endswith("-Microsoft"):
        notes.append("WSL 1 has no GPU access: convert the distribution to WSL 2")
    environment = _environment(world, in_container=container is not None)
    notes += _mask_notes(environment)
    return HostFacts(
        os=Os(
            system=system,
            version=_version(world, system, release),
            release=release,
            libc=_libc(world, uname) if linux else None,
            wsl=wsl,
            container=container,
            jetson=_jetson(world, soc, release) if linux and arch == "aarch64" else None,
        ),
        cpu=Cpu(arch=arch, level=_level(world) if linux and arch == "x86_64" else None),
        python=_python(world),
        environment=environment,
        notes=tuple(notes),
        soc=soc,
        sysctl=sysctl,
    )


def _arch(system: str, machine: str, sysctl: Mapping[str, str]) -> str:
    machine = machine.lower()
    if machine in {"amd64", "x64"}:
        machine = "x86_64"
    if system == "darwin" and sysctl:
        from accelsel.probe import apple

        return "arm64" if apple.is_silicon(sysctl) else machine
    if machine in {"arm64", "aarch64"}:
        return "aarch64" if system == "linux" else "arm64"
    return machine


def _version(world: World, system: str, release: str | None) -> str | None:
    if system == "linux":
        fields = os_release(
            _text(world, "/etc/os-release") or _text(world, "/usr/lib/os-release") or ""
        )
        return fields.get("VERSION_ID") or None
    if system == "darwin":
        plist = _text(world, "/System/Library/CoreServices/SystemVersion.plist") or ""
        match = re.search(r"<key>ProductVersion</key>\s*<string>([0-9.]+)</string>", plist)
        return match[1] if match else None
    if system == "windows" and release:
        build = release.split(".")[-1]
        return "11" if build.isascii() and build.isdigit() and int(build) >= 22000 else "10"
    return None


def os_release(text: str) -> Mapping[str, str]:
    """The assignments of an os-release file, without their quotes."""
    fields = {}
    for line in text.splitlines():
        name, equals, value = line.strip().partition("=")
        if equals and not name.startswith("#"):
            fields[name] = value.strip().strip("\"'")
    return fields


def _libc(world: World, uname: Mapping[str, str]) -> Libc | None:
    """The C library of this interpreter, as it names itself; else by the loader that is there."""
    family, _, version = uname.get("libc", "").partition(" ")
    if family == "glibc":
        return Libc(family="glibc", version=version or None)
    loader = f"/lib/ld-musl-{uname.get('machine', '')}.so.1"
    if not world.exists(loader):
        return Libc(family="glibc", version=None) if _has_glibc(world, uname) else None
    done = world.run((loader,), _MUSL_TIMEOUT)
    match = re.search(r"^Version ([0-9]+(?:\.[0-9]+)+)", done.err or done.out, re.MULTILINE)
    return Libc(family="musl", version=match[1] if match else None)


def _has_glibc(world: World, uname: Mapping[str, str]) -> bool:
    machine = uname.get("machine", "")
    return any(
        world.exists(path)
        for path in ("/lib64/ld-linux-x86-64.so.2", f"/lib/ld-linux-{machine}.so.1")
    )


def _wsl(world: World, release: str | None) -> bool:
    return (
        "microsoft" in (release or "").lower()
        or world.exists("/dev/dxg")
        or world.exists("/proc/sys/fs/binfmt_misc/WSLInterop")
    )


def _container(world: World) -> str | None:
    """The engine by what it leaves inside; for builds, which leave nothing, by the root mount."""
    if world.env("KUBERNETES_SERVICE_HOST") or world.exists("/var/run/secrets/kubernetes.io"):
        return "kubernetes"
    if world.exists("/run/.containerenv"):
        return "podman"
    if world.exists("/.dockerenv"):
        return "docker"
    named = world.env("container") or (_text(world, "/run/systemd/container") or "").strip()
    if named:
        return named if named in {"docker", "podman"} else "other"
    if world.env("APPTAINER_CONTAINER") or world.env("SINGULARITY_CONTAINER"):
        return "other"
    evidence = (_text(world, "/proc/1/cgroup") or "") + root_mount(
        _text(world, "/proc/self/mountinfo") or ""
    )
    return next((kind for kind, marks in _ENGINES if any(mark in evidence for mark in marks)), None)


def engine_marks(evidence: str) -> tuple[str, ...]:
    """The marks of container engines that a text holds."""
    return tuple(mark for _, marks in _ENGINES for mark in marks if mark in evidence)


def root_mount(mountinfo: str) -> str:
    """The line of the root file system; "" where there is none."""
    for line in mountinfo.splitlines():
        fields = line.split(" ")
        if len(fields) > 4 and fields[4] == "/":
            return line
    return ""


def _soc(world: World) -> str | None:
    """The Tegra chip of the device tree, the most specific name first."""
    text = _text(world, "/proc/device-tree/compatible") or ""
    matches = (re.fullmatch(_SOC, name) for name in text.split("\0"))
    return next((match[1] for match in matches if match), None)


def _jetson(world: World, soc: str | None, release: str | None) -> Jetson | None:
    """A board with NVIDIA's L4T; servers with a Grace processor and DGX Spark have none.

    A container often has no release file: the device tree and the kernel are then what is left.
    """
    l4t = l4t_release(_text(world, "/etc/nv_tegra_release") or "")
    if l4t is not None:
        from accelsel.knowledge import jetpack_of

        jetpack = jetpack_of(l4t)
        return Jetson(l4t=l4t, jetpack=jetpack.split(".")[0] if jetpack else None)
    if soc is None and not (release or "").endswith("-tegra"):
        return None
    return Jetson(l4t=None, jetpack=jetpack_of_kernel(release or ""))


def jetpack_of_kernel(release: str) -> str | None:
    """The JetPack major whose L4T is built on this kernel; None for kernels of others."""
    if not release.endswith("-tegra"):
        return None
    return _TEGRA_KERNELS.get(".".join(release.split(".")[:2]))


def l4t_release(text: str) -> str | None:
    """`# R36 (release), REVISION: 4.3, ...` -> `R36.4.3`."""
    match = re.search(_L4T, text)
    return f"R{match[1]}.{match[2]}" if match else None


def _level(world: World) -> str | None:
    try:
        text = world.read_bytes("/proc/cpuinfo", _CPUINFO_LIMIT).decode("ascii", "replace")
    except OSError:
        return None
    return x86_level(text)


def x86_level(cpuinfo: str) -> str | None:
    """The highest level whose features the first processor has; None without a list of them."""
    lines = (line.partition(":") for line in cpuinfo.splitlines())
    flags = next((set(value.split()) for name, _, value in lines if name.strip() == "flags"), None)
    if flags is None:
        return None
    level = "x86-64"
    for name, needs in _LEVELS:
        if not needs <= flags:
            break
        level = name
    return level


def _python(world: World) -> Python:
    facts = world.python()
    return Python(
        version=str(facts.get("version", "")),
        implementation=str(facts.get("implementation", "")),
        free_threaded=facts.get("free_threaded") is True,
    )


def _environment(world: World, *, in_container: bool) -> Mapping[str, str]:
    names = [*_MASKS, _GFX_OVERRIDE]
    names += [f"{_GFX_OVERRIDE}_{node}" for node in range(_NODES)]
    if in_container:
        names += _IMAGE
    found = {name: value for name in names if (value := world.env(name)) is not None}
    return {name: re.sub(_UUID, r"\1<uuid>", value) for name, value in found.items()}


def _mask_notes(environment: Mapping[str, str]) -> list[str]:
    return [
        f"{name}={value or '(empty)'} limits what programs see; the profile lists all GPUs"
        for name, value in environment.items()
        if name in _MASKS and value.lower() not in _NO_MASK
    ]


def _text(world: World, path: str) -> str | None:
    try:
        return world.read_text(path)
    except OSError:
        return None
