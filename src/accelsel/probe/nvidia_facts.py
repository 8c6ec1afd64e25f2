"""NVIDIA's answers as facts: GPUs, driver, what every source has done, and what is to be told."""

from accelsel.model.profile import NvidiaDriver, ProbeResult, ProbeStatus
from accelsel.probe import nvidia_library as library
from accelsel.probe.facts import GpuFact, HostFacts, PciDevice, VendorFacts
from accelsel.probe.nvidia_gpus import KERNEL_DRIVERS, Evidence, gpus_of
from accelsel.probe.nvidia_smi import ANSWERS, SmiAnswer
from accelsel.probe.nvidia_sources import Asking, Said
from accelsel.probe.nvidia_text import KernelDriver, clean_name, registry_version
from accelsel.probe.world import Streamed, World

DEVICE_NODES = ("/dev/nvidiactl", "/dev/dxg", "/dev/nvhost-gpu", "/dev/nvgpu", "/dev/nvmap")
NO_LIBRARY = (
    "probe-incomplete: NVIDIA's kernel driver is loaded, but its library libcuda is not where the "
    "loader looks: torch needs it"
)
NO_LIBCUDA = "NVIDIA's NVML is there, libcuda is not, and without it CUDA does not start"
IN_CONTAINER = ": give the container NVIDIA_DRIVER_CAPABILITIES=compute,utility"
MISMATCH = (
    "NVIDIA's library and kernel driver are of different versions, as after an update: "
    "restart the machine"
)
BRANCHES = range(100, 10_000)  # JetPack 5 gives its L4T release in the place of a driver version


def facts_of(
    world: World, host: HostFacts, cards: tuple[PciDevice, ...], kernel: KernelDriver, said: Said
) -> VendorFacts:
    """What all sources together say."""
    soc_arch, board = _tegra(world, host)
    smi = said.smi
    evidence = Evidence(
        host=host,
        cards=cards,
        kernel=kernel,
        nvml=said.view("nvml"),
        cuda=said.view("cuda"),
        smi=smi.gpus if smi else (),
        smi_ended=smi is not None and smi.completed.status == "ok",
        device_nodes=any(world.exists(path) for path in DEVICE_NODES),
        soc_arch=soc_arch,
        board=board,
        mismatch=said.mismatch,
    )
    gpus, notes = gpus_of(evidence)
    return VendorFacts(
        vendor="nvidia",
        gpus=gpus,
        driver=_driver(evidence, smi.driver if smi else None),
        probes=tuple(map(_result, said.askings)),
        notes=(*_source_notes(evidence, said, gpus), *notes),
        mismatch=evidence.mismatch,
    )


def _result(asking: Asking) -> ProbeResult:
    status, detail = _status(asking)
    return ProbeResult(name=asking.name, status=status, detail=detail, elapsed_ms=asking.elapsed_ms)


def _status(asking: Asking) -> tuple[ProbeStatus, str | None]:
    answer = asking.answer
    if answer is None:
        return ("timeout", "no answer") if asking.waiting else ("failed", asking.failure)
    if isinstance(answer, SmiAnswer):
        done = answer.completed
        if done.status == "ok" and done.code:
            words = ANSWERS.get(done.code)
            return "failed", f"exit code {done.code}" + (f": {words}" if words else "")
        return done.status, _count(len(answer.gpus)) if done.status == "ok" else None
    if answer.status != "ok":
        return answer.status, answer.detail
    view = library.read(answer.records)
    if view.ready:
        return "ok", _count(len(view.gpus))
    if view.error is None:
        return "absent", "cannot be loaded"
    nvml = asking.name == "nvml"
    table = library.NVML_SAYS if nvml else library.CUDA_SAYS
    words = table.get(view.error) if isinstance(view.error, int) else None
    detail = f"error {view.error}" + (f": {words}" if words else "")
    if not nvml:
        nothing = view.error in {library.CUDA_NO_DEVICE, library.CUDA_STUB}
        return ("absent" if nothing else "failed"), detail
    if view.error in {library.NO_PERMISSION, library.OPERATING_SYSTEM}:
        return "denied", detail
    return ("absent" if view.error == library.LIBRARY_MISSING else "failed"), detail


def _answered(asking: Asking) -> bool:
    return isinstance(asking.answer, SmiAnswer) and asking.answer.completed.code in ANSWERS


def _count(number: int) -> str:
    return f"{number} GPU{'s' * (number != 1)}"


def _driver(evidence: Evidence, smi: str | None) -> NvidiaDriver | None:
    """The driver, where any source shows that its kernel part is loaded."""
    kernel, nvml, cuda = evidence.kernel, evidence.nvml, evidence.cuda
    jetson = evidence.host.os.jetson
    bound = [card for card in evidence.cards if card.driver in KERNEL_DRIVERS]
    registry = next((registry_version(card.driver_version) for card in bound), None)
    versions = (
        (nvml.driver, "nvml"),
        (_branch(kernel), kernel.source),
        (smi, "nvidia-smi"),
        (registry, "registry"),
    )
    version, source = next(((v, s) for v, s in versions if v), (None, None))
    answered = nvml.ready or cuda.ready or (jetson and jetson.l4t)
    if not (version or kernel.version or answered or bound):
        return None
    number, origin = nvml.cuda_version, nvml.cuda_source
    if cuda.cuda_version and (number is None or origin == library.WEAKER):
        number, origin = cuda.cuda_version, "libcuda"
    if number and origin is None and source != "nvml":
        origin = "nvml"
    if number and origin:
        source = f"{source}, cuda from {origin}" if source else origin
    return NvidiaDriver(version=version, cuda_version=number, source=source)


def _branch(kernel: KernelDriver) -> str | None:
    if kernel.version and int(kernel.version.partition(".")[0]) in BRANCHES:
        return kernel.version
    return None


def _tegra(world: World, host: HostFacts) -> tuple[str | None, str | None]:
    """Architecture of the Tegra chip, and the board's name."""
    if host.soc is None and host.os.jetson is None:
        return None, None
    from accelsel.knowledge import tegra

    try:
        board = clean_name(world.read_text("/proc/device-tree/model").replace("\0", " "))
    except OSError:
        board = None
    return tegra().get(host.soc or ""), board


def _source_notes(evidence: Evidence, said: Said, gpus: tuple[GpuFact, ...]) -> list[str]:
    if evidence.mismatch:
        return [MISMATCH]
    notes = []
    absent = all(_status(asking)[0] == "absent" for asking in said.askings)
    if absent and any(gpu.usable for gpu in gpus):
        notes.append(NO_LIBRARY)
    if evidence.nvml.without_libcuda and not evidence.cuda.ready:
        notes.append(NO_LIBCUDA + ("" if evidence.bare else IN_CONTAINER))
    for asking in said.askings:
        status, detail = _status(asking)
        if asking.name == "nvml" and evidence.nvml.error == library.DRIVER_NOT_LOADED:
            notes.append("NVIDIA's library is there, its kernel driver is not loaded")
        elif status in {"timeout", "failed", "denied"} and not _answered(asking):
            notes.append(f"probe-incomplete: {asking.name}: {detail or status}")
        elif isinstance(asking.answer, Streamed) and status == "ok" and asking.answer.detail:
            notes.append(
                f"NVIDIA's library is {asking.answer.detail}: torch needs it in LD_LIBRARY_PATH"
            )
    return notes
