"""Where the loader would find a vendor's library, without loading it."""
# Importing pathlib would cost as much as all that is done here.
# ruff: noqa: PTH110, PTH118, PTH123

import os
from collections.abc import Mapping

FILES: Mapping[str, Mapping[str, str]] = {
    "nvml": {"linux": "libnvidia-ml.so.1", "windows": "nvml.dll"},
    "cuda": {"linux": "libcuda.so.1", "windows": "nvcuda.dll"},
}

# Where drivers put their libraries on hosts whose loader may not know: WSL, GKE, NixOS, Jetson.
BESIDE_THE_PATH = (
    "/usr/lib/wsl/lib",
    "/usr/local/nvidia/lib64",
    "/run/opengl-driver/lib",
    "/usr/lib/aarch64-linux-gnu/tegra",
    "/usr/lib/aarch64-linux-gnu/nvidia",
)
CACHE_LIMIT = 8 << 20


def find(library: str, *, system: str, machine: str, environ: Mapping[str, str]) -> str | None:
    """None where there is no such library, else the folder that the loader has to be pointed at:
    "" for one that it searches.

    Only names are read: a cache that is out of date may promise what is not there.
    """
    name = FILES[library].get(system)
    if name is None:
        return None
    if system == "windows":
        programs = environ.get("PROGRAMFILES", r"C:\Program Files")
        folders = (
            os.path.join(environ.get("WINDIR", r"C:\Windows"), "System32"),
            os.path.join(programs, "NVIDIA Corporation", "NVSMI"),
        )
        return "" if _first(folders, name) else None
    searched = [
        *filter(None, environ.get("LD_LIBRARY_PATH", "").replace(";", ":").split(":")),
        f"/lib/{machine}-linux-gnu",
        f"/usr/lib/{machine}-linux-gnu",
        "/lib64",
        "/usr/lib64",
        "/lib",
        "/usr/lib",
        "/usr/local/lib",
    ]
    if _first(searched, name) or _cached(name):
        return ""
    return _first(BESIDE_THE_PATH, name)


def _first(folders: list[str] | tuple[str, ...], name: str) -> str | None:
    return next((folder for folder in folders if os.path.exists(os.path.join(folder, name))), None)


def _cached(name: str) -> bool:
    """Whether the loader's cache lists the name; its entries are NUL-terminated strings."""
    try:
        with open("/etc/ld.so.cache", "rb") as file:
            return name.encode() + b"\0" in file.read(CACHE_LIMIT)
    except OSError:
        return False
