"""NVIDIA GPUs: the driver's libraries first, then its files, nvidia-smi, and the PCI bus.

Sources are asked in the order of trust. The next one is started when those before it have not given
a complete picture, or take long; none is stopped before the deadline, and each keeps what it has.
"""

from collections.abc import Callable
from threading import Thread
from time import monotonic

from accelsel.model.profile import NvidiaDriver, ProbeResult, ProbeStatus
from accelsel.probe import nvidia_library as library
from accelsel.probe import nvidia_smi
from accelsel.probe.facts import Deadline, HostFacts, PciDevice, VendorFacts
from accelsel.probe.nvidia_gpus import Evidence, gpus_of
from accelsel.probe.nvidia_smi import SmiAnswer
from accelsel.probe.nvidia_text import KernelDriver, clean_name, read_kernel_driver
from accelsel.probe.pci import NVIDIA
from accelsel.probe.world import Streamed, World

RESERVE = 0.15  # seconds kept for killing what hangs and for putting the answers together
PATIENCE = 0.5  # share of the time left that a source has before the next one is started
DEVICE_NODES = ("/dev/nvidiactl", "/dev/dxg", "/dev/nvhost-gpu", "/dev/nvgpu", "/dev/nvmap")
BRANCHES = range(100, 10_000)  # JetPack 5 gives its L4T release in the place of a driver version


def probe(
    world: World, host: HostFacts, pci: tuple[PciDevice, ...], deadline: Deadline
) -> VendorFacts:
    """GPUs in NVML's order, which is that of their PCI addresses; those it does not list follow."""
    if host.os.system not in {"linux", "windows"}:
        return VendorFacts(vendor="nvidia")
    started = monotonic()
    kernel = read_kernel_driver(world)
    files = ProbeResult(
        name=kernel.source or "procfs",
        status="ok" if kernel.version or kernel.names else "absent",
        detail=kernel.version,
        elapsed_ms=_since(started),
    )
    said = _Said()
    _ask(world, deadline, said)
    soc_arch, board = _tegra(world, host)
    evidence = Evidence(
        host=host,
        cards=tuple(card for card in pci if card.vendor_id == NVIDIA),
        kernel=kernel,
        nvml=said.view("nvml"),
        cuda=said.view("cuda"),
        smi=said.smi.gpus if said.smi else (),
        device_nodes=any(world.exists(path) for path in DEVICE_NODES),
        soc_arch=soc_arch,
        board=board,
        mismatch=said.mismatch,
    )
    gpus, notes = gpus_of(evidence)
    return VendorFacts(
        vendor="nvidia",
        gpus=gpus,
        driver=_driver(evidence),
        probes=(files, *(_result(asking) for asking in said.askings)),
        notes=(*_source_notes(world, evidence, said), *notes),
        mismatch=said.mismatch,
    )


class _Asking:
    """A source that is being asked; `answer` is None until it has answered."""

    def __init__(self, name: str, ask: Callable[[], Streamed | SmiAnswer]) -> None:
        self.name = name
        self.answer: Streamed | SmiAnswer | None = None
        self.failure: str | None = None
        self.elapsed_ms = 0.0
        self._ask = ask
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self) -> None:
        started = monotonic()
        try:
            self.answer = self._ask()
        except Exception as error:  # noqa: BLE001  a source that fails must not take the others along
            self.failure = type(error).__name__
        self.elapsed_ms = _since(started)

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    @property
    def waiting(self) -> bool:
        return self._thread.is_alive()


class _Said:
    """What has been answered so far."""

    def __init__(self) -> None:
        self.askings: list[_Asking] = []

    def stream(self, name: str) -> Streamed | None:
        answers = (asking.answer for asking in self.askings if asking.name == name)
        return next((answer for answer in answers if isinstance(answer, Streamed)), None)

    def view(self, name: str) -> library.LibraryView:
        stream = self.stream(name)
        return library.read(stream.records if stream else ())

    @property
    def smi(self) -> SmiAnswer | None:
        answers = (asking.answer for asking in self.askings)
        return next((answer for answer in answers if isinstance(answer, SmiAnswer)), None)

    @property
    def mismatch(self) -> bool:
        nvml, smi = self.view("nvml"), self.smi
        if nvml.ready:
            return False
        return (
            nvml.error == library.MISMATCH
            or self.view("cuda").error == library.CUDA_MISMATCH
            or bool(smi and smi.completed.code == nvidia_smi.MISMATCH)
        )

    @property
    def settled(self) -> bool:
        """Whether another source could add nothing that a choice needs."""
        nvml, cuda = self.view("nvml"), self.view("cuda")
        if nvml.error in {library.DRIVER_NOT_LOADED, library.MISMATCH}:
            return True
        if not (nvml.complete or cuda.complete):
            return False
        stream = self.stream("nvml")
        tried = self.stream("cuda") is not None or (stream is not None and stream.status == "ok")
        return tried or bool(nvml.cuda_version or cuda.cuda_version)


def _ask(world: World, deadline: Deadline, said: _Said) -> None:
    def left() -> float:
        return deadline.left(RESERVE)

    sources: tuple[tuple[str, Callable[[], Streamed | SmiAnswer]], ...] = (
        ("nvml", lambda: world.stream("nvml", left())),
        ("cuda", lambda: world.stream("cuda", left())),
        ("nvidia-smi", lambda: nvidia_smi.query(world, left())),
    )
    for name, ask in sources:
        asking = _Asking(name, ask)
        said.askings.append(asking)
        asking.wait(left() * PATIENCE)
        if said.settled:
            break
    for asking in said.askings:
        asking.wait(deadline.left(RESERVE / 3))


def _result(asking: _Asking) -> ProbeResult:
    status, detail = _status(asking)
    return ProbeResult(name=asking.name, status=status, detail=detail, elapsed_ms=asking.elapsed_ms)


def _status(asking: _Asking) -> tuple[ProbeStatus, str | None]:
    answer = asking.answer
    if answer is None:
        return ("timeout", "no answer") if asking.waiting else ("failed", asking.failure)
    if isinstance(answer, SmiAnswer):
        done = answer.completed
        if done.status == "ok" and done.code:
            return "failed", f"ended with {done.code}"
        return done.status, f"{len(answer.gpus)} GPUs" if done.status == "ok" else None
    if answer.status != "ok":
        return answer.status, answer.detail
    view = library.read(answer.records)
    if view.ready:
        return "ok", f"{len(view.gpus)} GPUs"
    if asking.name == "cuda":
        return "failed", f"error {view.error}"
    detail = f"error {view.error}"
    if isinstance(view.error, int) and view.error in library.NVML_SAYS:
        detail += f": {library.NVML_SAYS[view.error]}"
    if view.error in {library.NO_PERMISSION, library.OPERATING_SYSTEM}:
        return "denied", detail
    return ("absent" if view.error == library.LIBRARY_MISSING else "failed"), detail


def _driver(evidence: Evidence) -> NvidiaDriver | None:
    """The driver, where any source shows that its kernel part is loaded."""
    kernel, nvml, cuda = evidence.kernel, evidence.nvml, evidence.cuda
    jetson = evidence.host.os.jetson
    smi = next((gpu.driver for gpu in evidence.smi if gpu.driver), None)
    versions = ((nvml.driver, "nvml"), (_branch(kernel), kernel.source), (smi, "nvidia-smi"))
    version, source = next(((v, s) for v, s in versions if v), (None, None))
    loaded = version or kernel.version or nvml.ready or cuda.ready or (jetson and jetson.l4t)
    if not loaded:
        return None
    number, origin = nvml.cuda_version, nvml.cuda_source
    if cuda.cuda_version and (number is None or origin == library.WEAKER):
        number, origin = cuda.cuda_version, "libcuda"
    if source is None:
        source = "nvml" if nvml.ready else "libcuda" if cuda.ready else None
    if number and origin and origin != source:
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


def _source_notes(world: World, evidence: Evidence, said: _Said) -> list[str]:
    notes = []
    for asking in said.askings:
        status, detail = _status(asking)
        if status in {"timeout", "failed", "denied"} and not evidence.mismatch:
            if asking.name == "nvml" and evidence.nvml.error == library.DRIVER_NOT_LOADED:
                notes.append("NVIDIA's library is there, its kernel driver is not loaded")
            else:
                notes.append(f"probe-incomplete: {asking.name}: {detail or status}")
    if evidence.mismatch:
        notes.append(
            "NVIDIA's library and kernel driver are of different versions, as after an update: "
            "restart the machine"
        )
    if world.exists("/dev/dxg") and not (evidence.nvml.ready or evidence.cuda.ready):
        notes.append(
            "probe-incomplete: a GPU may be behind /dev/dxg (WSL), but no library answers for it: "
            "the Windows driver puts NVIDIA's into /usr/lib/wsl/lib"
        )
    return notes


def _since(started: float) -> float:
    return round((monotonic() - started) * 1000, 1)
