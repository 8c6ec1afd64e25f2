"""Ask a vendor's library in a process of its own.

This file has two sides. `ask` starts an isolated interpreter on the very same file; there `main`
loads the library and writes one JSON line per call, at once, so that a crash or a hang costs only
the calls that were still to come. Calls go breadth first, from what a choice needs most (which
GPUs, which architectures) to what is only shown.

A record is `{"call": NAME, "gpu": INDEX or null}` with either `"value"` or `"error"`: the library's
own error code, or the text of another failure. The last record's call is `end`.
"""
# Importing pathlib would cost as much as all that is done here.
# ruff: noqa: PTH100, PTH120

import os
import sys
from collections.abc import Callable, Mapping
from typing import Any

# Nothing of this package is imported above: the isolated interpreter does not find it.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from accelsel.probe.world import Streamed

BINDINGS = {"nvml": "pynvml", "pyamdgpuinfo": "pyamdgpuinfo"}
MOST_GPUS = 512
MOST_SLICES = 64


def ask(library: str, *, environ: Mapping[str, str], timeout: float) -> "Streamed":
    """The records of `library` (`nvml`, `cuda`, `pyamdgpuinfo`) until the child's end.

    The status is `absent` where the Python bindings of the library are not installed.
    """
    import json
    from importlib.machinery import PathFinder

    from accelsel.probe.process import run_process
    from accelsel.probe.world import Streamed

    folder = ""
    if library in BINDINGS:
        module = PathFinder.find_spec(BINDINGS[library])
        if module is None or not module.origin:
            detail = f"the module {BINDINGS[library]} is not installed"
            return Streamed(status="absent", records=(), detail=detail)
        folder = os.path.dirname(module.origin)
        if module.submodule_search_locations:  # a package: its folder's folder is what is searched
            folder = os.path.dirname(folder)
    if not sys.executable or getattr(sys, "frozen", False):
        return Streamed(status="failed", records=(), detail="no interpreter to start")
    # -S: the site folder is not needed, and what others have put there must not run here
    flags = ["-I", "-S", *(["-B"] if sys.dont_write_bytecode else [])]
    done = run_process(
        sys.executable,
        [*flags, os.path.abspath(__file__), library, folder],
        environ={**environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"},
        timeout=timeout,
    )
    records: list[Mapping[str, Any]] = []
    for line in done.out.splitlines():
        try:
            record = json.loads(line)
        except ValueError:
            continue  # the line that was being written when the end came
        if isinstance(record, dict) and isinstance(record.get("call"), str):
            records.append(record)
    if records and records[-1]["call"] == "end":
        return Streamed(status="ok", records=tuple(records[:-1]), detail=None)
    after = f" after {records[-1]['call']}" if records else ""
    if done.status == "timeout":
        return Streamed(status="timeout", records=tuple(records), detail=f"no answer{after}")
    how = f"ended by signal {-done.code}" if done.code and done.code < 0 else "ended early"
    return Streamed(status="failed", records=tuple(records), detail=how + after)


class _Recorder:
    """Writes one line per call; `error_of` gives the library's code of an exception or None."""

    def __init__(self, error_of: Callable[[Exception], int | None]) -> None:
        import json

        self._dumps = json.dumps
        self._error_of = error_of
        # What a library prints must not get between the records.
        self._descriptor = os.dup(1)
        os.dup2(2, 1)

    def __call__(
        self, call: str, function: Callable[..., Any], *arguments: Any, gpu: int | None = None
    ) -> Any:
        """The function's value, or None where it failed; both are written down."""
        record: dict[str, Any] = {"call": call, "gpu": gpu}
        value = None
        try:
            value = function(*arguments)
            record["value"] = self._plain(value)
        except Exception as error:  # noqa: BLE001  whatever a library does is an answer
            code = self._error_of(error)
            record["error"] = f"{type(error).__name__}: {error}" if code is None else code
        os.write(self._descriptor, (self._dumps(record) + "\n").encode())
        return value

    def each(
        self, call: str, function: Callable[[Any], Any], devices: Mapping[int, Any]
    ) -> dict[int, Any]:
        """The function's values by GPU, without those that failed."""
        values = {i: self(call, function, device, gpu=i) for i, device in devices.items()}
        return {index: value for index, value in values.items() if value is not None}

    def end(self) -> None:
        self("end", bool)

    @staticmethod
    def _plain(value: Any) -> Any:
        """Handles of the library are kept, not written."""
        plain = value is None or isinstance(value, str | int | list | tuple | dict)
        return value if plain else True


def _nvml(folder: str) -> None:
    sys.path.append(folder)
    import pynvml

    def code(error: Exception) -> int | None:
        value = getattr(error, "value", None)
        return value if isinstance(error, pynvml.NVMLError) and isinstance(value, int) else None

    def pci(handle: Any) -> dict[str, int]:
        info = pynvml.nvmlDeviceGetPciInfo_v3(handle)
        return {
            "id": info.pciDeviceId,
            "domain": info.domain,
            "bus": info.bus,
            "device": info.device,
        }

    def init() -> bool:
        pynvml.nvmlInitWithFlags(pynvml.NVML_INIT_FLAG_NO_GPUS)
        return True

    def memory(handle: Any) -> int:
        return int(pynvml.nvmlDeviceGetMemoryInfo(handle).total)

    record = _Recorder(code)
    if not record("init", init):
        _cuda_version(record)
        record.end()
        return
    record("driver", pynvml.nvmlSystemGetDriverVersion)
    count = min(record("count", pynvml.nvmlDeviceGetCount) or 0, MOST_GPUS)
    handles = record.each(
        "handle", pynvml.nvmlDeviceGetHandleByIndex, {index: index for index in range(count)}
    )
    record.each("capability", pynvml.nvmlDeviceGetCudaComputeCapability, handles)
    record.each("pci", pci, handles)
    cuda = record("cuda", pynvml.nvmlSystemGetCudaDriverVersion_v2)
    if not cuda:
        record("cuda-v1", pynvml.nvmlSystemGetCudaDriverVersion)
    record.each("name", pynvml.nvmlDeviceGetName, handles)
    record.each("memory", memory, handles)
    for index, mode in record.each("mig", pynvml.nvmlDeviceGetMigMode, handles).items():
        if not mode[0]:
            continue
        parent = handles[index]
        most = record("mig-most", pynvml.nvmlDeviceGetMaxMigDeviceCount, parent, gpu=index) or 0
        for slot in range(min(most, MOST_SLICES)):
            piece = record(
                "mig-handle", pynvml.nvmlDeviceGetMigDeviceHandleByIndex, parent, slot, gpu=index
            )
            if piece is not None:
                record("mig-name", pynvml.nvmlDeviceGetName, piece, gpu=index)
    if not cuda:
        _cuda_version(record)
    record.end()


class _CudaError(Exception):
    def __init__(self, code: int) -> None:
        super().__init__(str(code))
        self.code = code


def _open_cuda() -> Any:
    import ctypes

    return ctypes.CDLL("nvcuda.dll" if sys.platform == "win32" else "libcuda.so.1")


def _checked(code: int) -> None:
    if code:
        raise _CudaError(code)


def _cuda_version(record: _Recorder) -> Any:
    """The driver library loaded, its version recorded as `libcuda`."""
    import ctypes

    loaded = record("load", _open_cuda)
    if loaded is None:
        return None

    def version() -> int:
        number = ctypes.c_int()
        _checked(loaded.cuDriverGetVersion(ctypes.byref(number)))
        return number.value

    record("libcuda", version)
    return loaded


def _cuda(_folder: str) -> None:
    import ctypes

    record = _Recorder(lambda error: error.code if isinstance(error, _CudaError) else None)
    cuda = _cuda_version(record)

    def init() -> bool:
        _checked(cuda.cuInit(0))
        return True

    def number(function: str, *arguments: int) -> int:
        value = ctypes.c_int()
        _checked(getattr(cuda, function)(ctypes.byref(value), *arguments))
        return value.value

    def text(function: str, device: int) -> str:
        buffer = ctypes.create_string_buffer(256)
        _checked(getattr(cuda, function)(buffer, len(buffer), device))
        return buffer.value.decode("utf-8", "replace")

    def capability(device: int) -> list[int]:
        # CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR
        return [number("cuDeviceGetAttribute", which, device) for which in (75, 76)]

    def memory(device: int) -> int:
        size = ctypes.c_size_t()
        _checked(cuda.cuDeviceTotalMem_v2(ctypes.byref(size), device))
        return size.value

    if cuda is not None and record("init", init):
        count = min(record("count", number, "cuDeviceGetCount") or 0, MOST_GPUS)
        devices = record.each(
            "handle",
            lambda index: number("cuDeviceGet", index),
            {index: index for index in range(count)},
        )
        record.each("capability", capability, devices)
        record.each("bus", lambda device: text("cuDeviceGetPCIBusId", device), devices)
        record.each("name", lambda device: text("cuDeviceGetName", device), devices)
        record.each("memory", memory, devices)
        # CU_DEVICE_ATTRIBUTE_INTEGRATED
        record.each("integrated", lambda d: number("cuDeviceGetAttribute", 18, d), devices)
    record.end()


def _pyamdgpuinfo(folder: str) -> None:
    sys.path.append(folder)
    import pyamdgpuinfo

    record = _Recorder(lambda _: None)
    count = min(record("count", pyamdgpuinfo.detect_gpus) or 0, MOST_GPUS)
    gpus = record.each("handle", pyamdgpuinfo.get_gpu, {index: index for index in range(count)})
    record.each("slot", lambda gpu: gpu.pci_slot, gpus)
    record.each("name", lambda gpu: gpu.name, gpus)
    record.each("memory", lambda gpu: gpu.memory_info["vram_size"], gpus)
    record.end()


def _contain() -> None:
    """A crash of the library leaves neither a core file nor a dialog."""
    if sys.platform == "win32":
        import ctypes

        ctypes.windll.kernel32.SetErrorMode(0x8007)
    else:
        import resource

        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def main(library: str, folder: str) -> None:
    _contain()
    {"nvml": _nvml, "cuda": _cuda, "pyamdgpuinfo": _pyamdgpuinfo}[library](folder)


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2])
    os._exit(0)  # the library's own end is not waited for: it has answered
