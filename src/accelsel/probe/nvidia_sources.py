"""The sources that have to be waited for, each asked in a thread of its own."""

from collections.abc import Callable
from threading import Thread
from time import monotonic
from typing import TYPE_CHECKING

from accelsel.probe.facts import Deadline
from accelsel.probe.world import Completed, Streamed, World

if TYPE_CHECKING:
    from accelsel.probe.nvidia_library import LibraryView
    from accelsel.probe.nvidia_smi import SmiAnswer

RESERVE = 0.4  # seconds kept for killing what hangs, on a busy machine too
JOINING = 0.05  # seconds kept for putting the answers together
HEAD_START = 0.004  # seconds in which a source that does not exist has said so
PATIENCE = 0.5  # share of the time left that a source has before the next one is started


class Asking:
    """A source that is being asked; `answer` is None until it has answered."""

    def __init__(self, name: str, ask: "Callable[[], Streamed | SmiAnswer]") -> None:
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
        self.elapsed_ms = since(started)

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    @property
    def waiting(self) -> bool:
        return self._thread.is_alive()

    @property
    def completed(self) -> Completed | Streamed | None:
        answer = self.answer
        return answer if answer is None or isinstance(answer, Streamed) else answer.completed

    @property
    def absent(self) -> bool:
        return self.completed is not None and self.completed.status == "absent"


class Said:
    """What has been answered so far. The modules that read it are imported when there is some."""

    def __init__(self) -> None:
        self.askings: list[Asking] = []

    @property
    def nothing(self) -> bool:
        """Whether none of the sources exists on this host."""
        return all(asking.absent for asking in self.askings)

    def stream(self, name: str) -> Streamed | None:
        answers = (asking.answer for asking in self.askings if asking.name == name)
        return next((answer for answer in answers if isinstance(answer, Streamed)), None)

    def view(self, name: str) -> "LibraryView":
        from accelsel.probe.nvidia_library import read

        stream = self.stream(name)
        return read(stream.records if stream else (), "nvml" if name == "nvml" else "libcuda")

    @property
    def smi(self) -> "SmiAnswer | None":
        from accelsel.probe.nvidia_smi import SmiAnswer

        answers = (asking.answer for asking in self.askings)
        return next((answer for answer in answers if isinstance(answer, SmiAnswer)), None)

    @property
    def mismatch(self) -> bool:
        """Whether library and kernel driver are of different versions."""
        from accelsel.probe.nvidia_library import CUDA_MISMATCH, MISMATCH

        smi = self.smi
        return (
            self.view("nvml").error == MISMATCH
            or self.view("cuda").error == CUDA_MISMATCH
            or (smi is not None and smi.completed.code == MISMATCH)
        )

    @property
    def settled(self) -> bool:
        """Whether another source could add nothing that a choice needs."""
        if self.nothing:
            return False
        from accelsel.probe.nvidia_library import DRIVER_NOT_LOADED, MISMATCH

        nvml, cuda = self.view("nvml"), self.view("cuda")
        if nvml.error in {DRIVER_NOT_LOADED, MISMATCH}:
            return True
        if not (nvml.complete or cuda.complete):
            return False
        stream = self.stream("nvml")
        tried = self.stream("cuda") is not None or (stream is not None and stream.status == "ok")
        return tried or bool(nvml.cuda_version or cuda.cuda_version)


def ask(world: World, deadline: Deadline) -> Said:
    """What NVML, libcuda and nvidia-smi say, in this order of trust, until enough is known."""

    def left() -> float:
        return deadline.left(RESERVE)

    def smi() -> "SmiAnswer":
        from accelsel.probe.nvidia_smi import query

        return query(world, left())

    sources: tuple[tuple[str, Callable[[], Streamed | SmiAnswer]], ...] = (
        ("nvml", lambda: world.stream("nvml", left())),
        ("cuda", lambda: world.stream("cuda", left())),
        ("nvidia-smi", smi),
    )
    said = Said()
    for name, source in sources:
        if not left():
            break
        asking = Asking(name, source)
        said.askings.append(asking)
        asking.wait(HEAD_START)
        if asking.waiting:  # what will be needed is imported while the child starts
            import accelsel.probe.nvidia_facts  # noqa: F401
        asking.wait(left() * PATIENCE)
        if said.settled:
            break
    for asking in said.askings:
        asking.wait(deadline.left(JOINING))
    return said


def since(started: float) -> float:
    """Milliseconds since a reading of `monotonic`."""
    return round((monotonic() - started) * 1000, 1)
