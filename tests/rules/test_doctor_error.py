"""A pasted message by itself: whose fault it is, and what is no message at all."""

import json
import re
from pathlib import Path
from typing import Any

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
    ("libcusparse.so.12: undefined symbol: __nvJitLinkComplete_12_4", "libnvJitLink", "host"),
    ("libtorch_cpu.so: undefined symbol: iJIT_NotifyEvent", "MKL", "companion"),
    ("libstdc++.so.6: version `GLIBCXX_3.4.30' not found", "C++ library", "host"),
    ("/lib64/libc.so.6: version `GLIBC_2.28' not found", "newer Linux", "host"),
    (
        "A module that was compiled using NumPy 1.x cannot be run in NumPy 2.1.0",
        "NumPy",
        "companion",
    ),
    ("HIP error: invalid device function", "my-kernels 1.0, other-kernels 1.0", "companion"),
    ("other_kernels/ops.py: no kernel image is available", "code: other-kernels 1.0", "companion"),
)


# What users pasted, and what it was: one row each, with the host and the packages beside it.
USERS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parents[2] / "fixtures" / "messages.json").read_text("utf-8")
)
# Texts of programs that work, or whose fault is none of torch's, its neighbours' or the driver's.
ORDINARY = (
    "File x.py, line 803, in f",
    "took 804 ms",
    "code 8021",
    "exit 999",
    "fine",
    "KeyError: 'c10'",
    "torch.OutOfMemoryError: CUDA out of memory. Tried to allocate 2.00 GiB",
    "RuntimeError: Expected all tensors to be on the same device, cuda:0 and cpu!",
    "RuntimeError: mat1 and mat2 shapes cannot be multiplied (1x101 and 100x3)",
    "CUDA error: device-side assert triggered",
    "ModuleNotFoundError: No module named 'einops'",
    "ModuleNotFoundError: No module named 'torchmetrics'",
    "ImportError: cannot import name 'x' from 'mypackage'",
    "AttributeError: module 'numpy' has no attribute 'float'",
    "AttributeError: 'Tensor' object has no attribute 'foo'",
    "FileNotFoundError: [Errno 2] No such file or directory: 'data/train.csv'",
    "PermissionError: [Errno 13] Permission denied: '/data/x.bin'",
    "OSError: [WinError 32] The process cannot access the file",
    "INFO libavutil 58. 29.100 / 58. 29.100",
    "loaded /usr/lib/libcudart.so.12 and libcublas.so.12",
    "Using TensorFloat32, driver version 580.65.06, CUDA 13.0",
    "nvcc: NVIDIA (R) Cuda compiler driver, release 12.4",
    "UserWarning: the symbol table of my_lib is empty",
    "HTTPError: 503 Server Error",
    "docker: Error response from daemon: pull access denied",
    "ValueError: 13 is not a valid device count, 2 too old to be chosen",
    "warning: gcc 14 is used",
    "ninja: no work to do.",
    "triton kernels were compiled in 3 s",
    "busy waiting for the queue",
    "the shared memory of the block is 48 KiB",
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


@pytest.mark.parametrize("text", ORDINARY, ids=lambda text: text[:40])
def test_what_is_no_message(text: str) -> None:
    assert _found(text) == []


def _users(row: dict[str, Any]) -> tuple[Finding, list[Finding]]:
    """What is said of a user's message, and everything else above a note."""
    environment = {"packages": row["packages"], "python": row.get("python", "3.12.3")}
    data = {"host": row.get("host", HOST), "environment": environment, "error": row["said"]}
    findings = examined(Case(name=row["name"], data=data)).findings
    [told_of] = [finding for finding in findings if finding.id == "error-text"]
    return told_of, [f for f in findings if f.severity != "note" and f is not told_of]


@pytest.mark.parametrize("row", USERS, ids=lambda row: row["name"])
def test_users_message(row: dict[str, Any]) -> None:
    found, others = _users(row)
    assert found.cause == row["cause"]
    assert re.search(row["names"], f"{found.what} {found.hint}", re.IGNORECASE), found
    assert re.search(row["fix"], found.fix or ""), found
    # Said once: the message is a note where an error beside it states the same.
    beside = [other.id for other in others if other.fix == found.fix]
    assert beside == ([row["beside"]] if "beside" in row else [])
    assert (found.severity == "note") == ("beside" in row)


@pytest.mark.parametrize("row", USERS, ids=lambda row: row["name"])
def test_torch_stays_where_it_is_right(row: dict[str, Any]) -> None:
    found, others = _users(row)
    if any(each.cause == "torch" and each.severity == "error" for each in (found, *others)):
        return  # the host's GPU is not served at all by what is installed
    installed = next(p["version"] for p in row["packages"] if p["name"] == "torch")
    asked = re.findall(r"\"torch(?:\[[^\]]*\])?==([\w.]+)", found.fix or "")
    assert set(asked) <= {installed.partition("+")[0]}
    windows = "windows" in str(row.get("host", {}).get("base"))
    unix = ("&&", "export ", "unset ", "sudo ", "rm -r", "$(")
    assert not windows or not any(word in (found.fix or "") for word in unix), found
    assert "NAME" not in (found.fix or "").split(), found


def test_what_is_told_of_users_messages() -> None:
    texts = {f"{row['name']}: {row['said']}": (_users(row)[0],) for row in USERS}
    told.same("users-messages", told.text(texts))
