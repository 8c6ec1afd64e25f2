"""The host that runs this interpreter."""
# Importing pathlib would cost as much as all that is done here.
# ruff: noqa: PTH110, PTH113, PTH115, PTH117, PTH118, PTH208, PTH119

import os
import stat
import sys
from collections.abc import Mapping, Sequence
from typing import Any

from accelsel.model.value import replace
from accelsel.probe.world import Completed, Streamed

TEXT_LIMIT = 1 << 20
# Programs must answer in English and in the format that is documented, whatever the user's locale.
LOCALE = ("LANGUAGE", "LANG", "LC_MESSAGES", "LC_NUMERIC", "LC_CTYPE")
# What hides devices from a library or renames them; a profile lists what there is.
MASKS = (
    "CUDA_VISIBLE_DEVICES",
    "GPU_DEVICE_ORDINAL",
    "HIP_VISIBLE_DEVICES",
    "ROCR_VISIBLE_DEVICES",
    "HSA_OVERRIDE_GFX_VERSION",
)


class HostWorld:
    """The real World. `root` is put before every path that is read (a copy of a host's files);
    commands and libraries are always the real ones, found through `environ`."""

    __slots__ = ("_environ", "_root")

    def __init__(self, *, root: str = "", environ: Mapping[str, str] | None = None) -> None:
        self._root = root.rstrip("/")
        self._environ: Mapping[str, str] = os.environ if environ is None else environ

    def read_text(self, path: str) -> str:
        return self.read_bytes(path, TEXT_LIMIT).decode("utf-8", "replace")

    def read_bytes(self, path: str, limit: int) -> bytes:
        # Without O_NONBLOCK the open of a pipe would wait for a writer that never comes.
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self._root + path, flags)
        try:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"not a regular file: {path}")
            content = b""
            while len(content) < limit:
                chunk = os.read(descriptor, limit - len(content))
                if not chunk:
                    break
                content += chunk
            return content
        finally:
            os.close(descriptor)

    def read_at(self, path: str, offset: int, size: int) -> bytes:
        flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
        descriptor = os.open(self._root + path, flags)
        try:
            os.lseek(descriptor, offset, os.SEEK_SET)
            return os.read(descriptor, size)
        finally:
            os.close(descriptor)

    def list_dir(self, path: str) -> tuple[str, ...]:
        return tuple(sorted(os.listdir(self._root + path)))

    def read_link(self, path: str) -> str:
        return os.readlink(self._root + path)

    def exists(self, path: str) -> bool:
        return os.path.exists(self._root + path)

    def writable(self, path: str) -> bool:
        return os.access(self._root + path, os.R_OK | os.W_OK)

    def env(self, name: str) -> str | None:
        return self._environ.get(name)

    def run(self, argv: Sequence[str], timeout: float) -> Completed:
        program = self._resolve(argv[0])
        if program is None:
            return Completed(status="absent", code=None, out="", err="")
        if not os.access(program, os.X_OK):
            return Completed(status="denied", code=None, out="", err=f"not executable: {program}")
        from accelsel.probe.process import run_process

        return run_process(program, argv[1:], environ=self._neutral(), timeout=timeout)

    def stream(self, library: str, timeout: float) -> Streamed:
        from accelsel.probe.libraries import FILES, find

        host = self.uname()
        folder = ""
        if library in FILES:
            found = find(
                library, system=host["system"], machine=host["machine"], environ=self._environ
            )
            if found is None:
                name = FILES[library].get(host["system"], library)
                return Streamed(status="absent", records=(), detail=f"{name} not found")
            folder = found
        from accelsel.probe.child import ask

        environ = self._neutral()
        if folder:
            known = environ.get("LD_LIBRARY_PATH")
            environ["LD_LIBRARY_PATH"] = f"{known}:{folder}" if known else folder
        said = ask(library, environ=environ, timeout=timeout)
        if not folder or said.status != "ok":
            return said
        return replace(said, detail=f"in {folder}, which the loader does not search")

    def uname(self) -> Mapping[str, str]:
        if sys.platform == "win32":
            version = sys.getwindowsversion()
            machine = os.environ.get("PROCESSOR_ARCHITEW6432") or os.environ.get(
                "PROCESSOR_ARCHITECTURE", ""
            )
            return {
                "system": "windows",
                "release": f"{version.major}.{version.minor}.{version.build}",
                "machine": machine.lower(),
            }
        host = os.uname()
        facts = {"system": sys.platform, "release": host.release, "machine": host.machine}
        try:
            facts["libc"] = os.confstr("CS_GNU_LIBC_VERSION") or ""
        except (ValueError, OSError):
            facts["libc"] = ""
        return facts

    def python(self) -> Mapping[str, Any]:
        return {
            "version": sys.version.split()[0].rstrip("+"),
            "implementation": sys.implementation.name,
            "free_threaded": "free-threading build" in sys.version,
        }

    def _neutral(self) -> dict[str, str]:
        """The environment without what would change an answer's language or leave devices out."""
        kept = {
            name: value
            for name, value in self._environ.items()
            if name not in LOCALE and not name.startswith(MASKS)
        }
        return kept | {"LC_ALL": "C"}

    def _resolve(self, name: str) -> str | None:
        """The program's absolute path; never one relative to the current folder."""
        if os.path.isabs(name):
            return name if os.path.isfile(name) else None
        if os.path.basename(name) != name:
            return None
        names = (f"{name}.exe",) if sys.platform == "win32" else (name,)
        found = [
            path
            for folder in self._environ.get("PATH", os.defpath).split(os.pathsep)
            if os.path.isabs(folder)
            for path in (os.path.join(folder, each) for each in names)
            if os.path.isfile(path)
        ]
        executable = (path for path in found if os.access(path, os.X_OK))
        return next(executable, found[0] if found else None)
