"""A pasted message by itself: whose fault it is, and what is no message at all."""

import pytest
from tests.kit import told
from tests.kit.environments import Case, examined

from accelsel.model.finding import Finding

TORCH = {
    "name": "torch",
    "version": "2.14.1+cu130",
    "built": "2.14.1+cu130",
    "states": {"cuda": "13.0"},
}
KERNELS = {"name": "my-kernels", "version": "1.0", "requires": ["torch"], "compiled": True}
OTHER = {"name": "other-kernels", "version": "1.0", "requires": ["torch"], "compiled": True}
HOST = {
    "nvidia": {
        "driver": "580.65.06",
        "cuda": "13.0",
        "gpus": [["NVIDIA GeForce RTX 3060", "2504", [8, 6]]],
    }
}
MESSAGES = (
    ("CUDA error 803: system has unsupported display driver / cuda driver", "803", "host"),
    ("Failed to initialize NVML: Driver/library version mismatch", "803", "host"),
    ("cudaGetDeviceCount() Error 802: system not yet initialized", "Fabric Manager", "host"),
    ("Error 804: forward compatibility was attempted on non supported HW", "804", "host"),
    ("RuntimeError: CUDA unknown error - this may be due to an incorrectly set up", "999", "host"),
    ("RuntimeError: No CUDA GPUs are available", "no GPU", "host"),
    ("RuntimeError: Found no NVIDIA driver on your system.", "no NVIDIA driver", "host"),
    ("ImportError: libcuda.so.1: cannot open shared object file", "no NVIDIA driver", "host"),
    ("Unable to determine the device handle: GPU is lost.", "off the bus", "host"),
    ("OSError: [WinError 126] The specified module could not be found.", "C++ runtime", "host"),
    ('[WinError 1114] Error loading "C:\\\\torch\\\\lib\\\\c10.dll"', "C++ runtime", "host"),
    ("libcusparse.so.12: undefined symbol: __nvJitLinkComplete_12_4", "libnvJitLink", "companion"),
    ("libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent", "MKL", "companion"),
    ("libstdc++.so.6: version `GLIBCXX_3.4.30' not found", "C++ library", "companion"),
    ("/lib64/libc.so.6: version `GLIBC_2.28' not found", "newer Linux", "companion"),
    (
        "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.1.0",
        "NumPy",
        "companion",
    ),
    ("HIP error: invalid device function", "my-kernels 1.0, other-kernels 1.0", "companion"),
    ("other_kernels/ops.py: no kernel image is available", "code: other-kernels 1.0", "companion"),
)


def _found(text: str) -> list[Finding]:
    environment = {"packages": [TORCH, KERNELS, OTHER]}
    data = {"host": HOST, "environment": environment, "error": text}
    report = examined(Case(name="x", data=data))
    return [finding for finding in report.findings if finding.severity != "note"]


@pytest.mark.parametrize(("text", "word", "cause"), MESSAGES, ids=lambda value: value[:28])
def test_message(text: str, word: str, cause: str) -> None:
    [found] = _found(text)
    assert found.id == "error-text"
    assert word in found.what
    assert found.cause == cause


def test_what_is_told() -> None:
    told.same("messages", told.text({text: tuple(_found(text)) for text, *_ in MESSAGES}))


@pytest.mark.parametrize(
    "text",
    [
        "File x.py, line 803, in f",
        "took 804 ms",
        "code 8021",
        "exit 999",
        "fine",
        "KeyError: 'c10'",
    ],
)
def test_what_is_no_message(text: str) -> None:
    assert _found(text) == []
