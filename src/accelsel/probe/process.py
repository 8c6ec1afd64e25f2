"""Run one program within bounds of time and output, and leave no process of it behind."""
# Importing pathlib would cost as much as all that is done here.
# ruff: noqa: PTH118, PTH123, PTH208

import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

from accelsel.probe.facts import Deadline
from accelsel.probe.world import Completed

OUTPUT_LIMIT = 1 << 20  # bytes kept per stream; the rest is read and dropped
POLL = 0.02  # seconds between looks at a program whose output another process holds open
DRAIN = 0.2  # seconds for the last output after the end


def run_process(
    program: str, arguments: Sequence[str], *, environ: Mapping[str, str], timeout: float
) -> Completed:
    """Run `program` (a path) in a session of its own, without shell and standard input.

    After the call neither the program nor a process that it started is running, whether it ended by
    itself or was killed after `timeout` seconds. `code` is negative for a signal, as in subprocess.
    """
    import subprocess
    import threading

    deadline = Deadline(timeout)
    try:
        process = subprocess.Popen(
            [program, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=dict(environ),
            start_new_session=True,
        )
    except PermissionError as error:
        return Completed(status="denied", code=None, out="", err=str(error))
    except FileNotFoundError as error:
        return Completed(status="absent", code=None, out="", err=str(error))
    except OSError as error:
        return Completed(status="failed", code=None, out="", err=str(error))

    kept = (bytearray(), bytearray())
    readers = []
    for stream, buffer in zip((process.stdout, process.stderr), kept, strict=True):
        assert stream is not None  # noqa: S101  both are pipes
        reader = threading.Thread(target=_drain, args=(stream.fileno(), buffer), daemon=True)
        reader.start()
        readers.append(reader)

    while process.poll() is None and (left := deadline.left()):
        reading = next((reader for reader in readers if reader.is_alive()), None)
        if reading:  # its end is the usual sign of the program's end, seen without a delay
            reading.join(min(left, POLL))
        else:
            try:
                process.wait(min(left, POLL))
            except subprocess.TimeoutExpired:
                continue
    ended = process.poll() is not None
    _kill_tree(process.pid, ended=ended)
    drained = Deadline(DRAIN)
    with suppress(subprocess.TimeoutExpired):  # one that hangs inside the kernel cannot be killed
        process.wait(DRAIN)
    for reader in readers:
        reader.join(drained.left())
    if not any(reader.is_alive() for reader in readers):
        for stream in (process.stdout, process.stderr):
            if stream is not None:
                stream.close()
    out, err = (bytes(buffer).decode("utf-8", "replace") for buffer in kept)
    if not ended:
        return Completed(status="timeout", code=None, out=out, err=err)
    code = process.returncode
    return Completed(status="failed" if code < 0 else "ok", code=code, out=out, err=err)


def _drain(descriptor: int, buffer: bytearray) -> None:
    while True:
        try:
            chunk = os.read(descriptor, 65536)
        except OSError:
            return
        if not chunk:
            return
        buffer += chunk[: OUTPUT_LIMIT - len(buffer)]


def _kill_tree(pid: int, *, ended: bool) -> None:
    """Kill the session that `pid` leads, and what it started in sessions of their own."""
    if sys.platform == "win32":
        if not ended:
            import subprocess

            taskkill = os.path.join(
                os.environ.get("SYSTEMROOT", r"C:\Windows"), "System32", "taskkill.exe"
            )
            subprocess.run(
                [taskkill, "/F", "/T", "/PID", str(pid)], capture_output=True, check=False
            )
        return
    import signal

    strays = () if ended else _descendants(pid)
    for kill, target in ((os.killpg, pid), *((os.kill, stray) for stray in strays)):
        try:
            kill(target, signal.SIGKILL)
        except (ProcessLookupError, PermissionError):
            continue


def _descendants(pid: int) -> tuple[int, ...]:
    """Processes that descend from `pid`, by the parent of each in `/proc`; () off Linux."""
    parents: dict[int, int] = {}
    try:
        numbers = [int(name) for name in os.listdir("/proc") if name.isdigit()]
    except OSError:
        return ()
    for number in numbers:
        try:
            with open(f"/proc/{number}/stat", "rb") as file:
                # the name in parentheses may hold anything; the state and the parent follow it
                parents[number] = int(file.read(4096).rpartition(b")")[2].split()[1])
        except (OSError, ValueError, IndexError):
            continue
    found = {pid}
    grown = True
    while grown:
        more = {child for child, parent in parents.items() if parent in found} - found
        found |= more
        grown = bool(more)
    return tuple(sorted(found - {pid}))
