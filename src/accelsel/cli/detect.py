"""`accelsel detect`: what this host is."""

from typing import TYPE_CHECKING

from accelsel.cli import present
from accelsel.cli.present import Output
from accelsel.model.profile import Profile

if TYPE_CHECKING:
    from accelsel.model.profile import Gpu

GIB = 1024**3
UNSEEN = ("denied", "failed", "timeout")


def detect(output: Output, *, record: str | None = None, replay: str | None = None) -> int:
    """Probe this host, or a recorded one, and present its profile."""
    profile = probed(record=record, replay=replay)
    if output.json:
        from accelsel.ports.documents import document

        present.document(document("profile", profile))
    else:
        output.data("\n".join(lines(profile, output)))
    return 0


def probed(*, record: str | None = None, replay: str | None = None) -> Profile:
    """The profile of this host, or of a recorded one."""
    from accelsel.probe import probe

    if record is None and replay is None:
        return probe()
    from accelsel.probe.record import RecordedWorld, Recorder

    world = RecordedWorld(replay) if replay is not None else None
    if record is None:
        return probe(world)
    recorder = Recorder(world)
    profile = probe(recorder)
    recorder.write(record, profile)
    return profile


def lines(profile: Profile, output: Output) -> list[str]:
    """The profile as people paste it: GPUs, driver, host, and under them what was not seen."""
    out = []
    if profile.gpus:
        titles = ("GPU", "Name", "Architecture", "Memory", "Usable")
        head, *body = present.table([titles, *(_row(gpu) for gpu in profile.gpus)])
        out += [output.paint(head, "bold"), *body, ""]
    facts = [("State", STATES[profile.state])]
    facts += [("Driver", text) for text in _drivers(profile)]
    facts += [("Host", _host(profile)), ("Python", _python(profile))]
    out += [f"{output.paint(name.ljust(8), 'bold')}{text}" for name, text in facts]
    out += [f"{output.paint('Variable', 'bold')} {k}={v}" for k, v in profile.environment.items()]
    noted = [f"GPU {gpu.index}: {gpu.note}" for gpu in profile.gpus if gpu.note]
    unseen = [
        f"{p.name}: {p.status}" + (f", {p.detail}" if p.detail else "")
        for p in profile.probes
        if p.status in UNSEEN
    ]
    for title, items in (("Notes", [*noted, *profile.notes]), ("Not seen", unseen)):
        if items:
            out += ["", output.paint(title, "bold"), *(f"  {present.one_line(i)}" for i in items)]
    if output.verbose:
        timed = [
            (p.name, p.status, f"{p.elapsed_ms:.1f} ms", p.detail or "") for p in profile.probes
        ]
        out += ["", *present.table([("Probe", "Status", "Time", "Detail"), *timed])]
        sources = [f"  GPU {g.index}: architecture from {g.arch_source}" for g in profile.gpus]
        out += ["", *sources] if sources else []
    return out


STATES = {
    "usable": "usable",
    "no-gpu": "no GPU",
    "gpu-without-driver": "GPU without a usable driver",
    "driver-without-gpu": "driver present, no GPU visible",
    "driver-mismatch": "driver library and kernel driver do not match",
}


def _row(gpu: "Gpu") -> tuple[str, str, str, str, str]:
    memory = "?" if gpu.memory_bytes is None else f"{gpu.memory_bytes / GIB:.1f} GiB"
    name = present.one_line(gpu.name or gpu.pci_id or gpu.vendor)
    return (str(gpu.index), name, gpu.arch or "unknown", memory, "yes" if gpu.usable else "no")


def _drivers(profile: Profile) -> list[str]:
    out = []
    drivers = profile.drivers
    if nvidia := drivers.nvidia:
        cuda = f", CUDA {nvidia.cuda_version}" if nvidia.cuda_version else ""
        source = f" ({nvidia.source})" if nvidia.source else ""
        out.append(f"NVIDIA {nvidia.version or 'of unknown version'}{cuda}{source}")
    if amd := drivers.amd:
        rocm = f", host ROCm {amd.rocm_version}" if amd.rocm_version else ""
        name = f"amdgpu {amd.version}" if amd.version else "amdgpu"
        out.append(f"{name}{rocm} ({amd.source})")
    if intel := drivers.intel:
        name = f"Intel {intel.version}" if intel.version else "Intel"
        out.append(f"{name} ({intel.source})")
    return out or ["none"]


def _host(profile: Profile) -> str:
    os = profile.os
    parts = [" ".join(filter(None, (os.system, os.version)))]
    parts.append(f"kernel {os.release}" if os.release and os.system == "linux" else "")
    parts.append(profile.cpu.level or profile.cpu.arch)
    parts.append(f"{os.libc.family} {os.libc.version or ''}".strip() if os.libc else "")
    parts.append("WSL2" if os.wsl else "")
    parts.append(f"container: {os.container}" if os.container else "")
    parts.append(f"Jetson {os.jetson.l4t}, JetPack {os.jetson.jetpack}" if os.jetson else "")
    return ", ".join(filter(None, parts))


def _python(profile: Profile) -> str:
    python = profile.python
    threads = " free-threaded" if python.free_threaded else ""
    return f"{python.version} ({python.implementation}{threads})"
