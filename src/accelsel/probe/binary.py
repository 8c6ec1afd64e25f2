"""What a shared library says of itself, read from its headers: nothing is loaded, nothing run.

ELF and PE are read as far as their section tables, and of the sections only what is asked for: the
architectures of the CUDA code, the libraries that are needed, the symbols that are missing.
"""

import re
import struct
from collections.abc import Iterator
from typing import Literal

from accelsel.model.installed import Library
from accelsel.probe.world import World

FATBIN = 0xBA55ED50
PTX, SASS = 1, 2
ENTRIES = 20_000  # of CUDA code in one library
NAMES_LIMIT = 1 << 24
# CUDA's libraries whose file name carries the major of the toolkit. cuFFT and others count on
# their own.
CUDA_ELF = re.compile(rb"\0lib(?:cudart|nvrtc|cublas|cublasLt|nvJitLink)\.so\.(1[0-9])(?:\.\d+)?\0")
CUDA_PE = re.compile(rb"(?:cudart64_|cublas64_|cublasLt64_)(1[0-9])0?\.dll\0", re.IGNORECASE)
TORCH_CUDA = re.compile(rb"\0lib(?:c10|torch)_cuda\.so\0|(?:c10|torch)_cuda\.dll\0")
TORCH_HIP = re.compile(rb"\0lib(?:c10|torch)_hip\.so\0")
# c10::Error and torchCheckFail take a std::string, whose name tells the ABI (the new one says
# __cxx11). Nearly every extension calls one of them.
STRINGS = re.compile(
    rb"\0(?:_ZN3c105ErrorC[12]ENS_14SourceLocationE|_ZN3c106detail14torchCheckFailEPKcS2_jRK)"
    rb"(NSt7__cxx1112basic_string\w*|Ss)(?=\0)"
)


def describe(world: World, path: str, name: str) -> Library | None:
    """What a library states; None for what is not there or is no library."""
    try:
        head = world.read_at(path, 0, 64)
        if head[:4] == b"\x7fELF":
            return _elf(world, path, name, head)
        if head[:2] == b"MZ":
            return _pe(world, path, name, head)
    except (OSError, struct.error):
        pass
    return None


def _elf(world: World, path: str, name: str, head: bytes) -> Library | None:
    if head[4:6] != b"\x02\x01":  # 64 bit, little-endian
        return None
    (table,) = struct.unpack_from("<Q", head, 40)
    size, count, names_at = struct.unpack_from("<HHH", head, 58)
    if size != 64 or not count:
        return None
    raw = world.read_at(path, table, size * count)
    rows = [struct.unpack_from("<IIQQQQ", raw, size * each) for each in range(len(raw) // size)]
    if names_at >= len(rows):
        return None
    titles = world.read_at(path, rows[names_at][4], min(rows[names_at][5], 1 << 16))
    sections: dict[bytes, tuple[int, int]] = {}
    for title, _, _, _, offset, length in rows:
        sections.setdefault(titles[title:].partition(b"\0")[0], (offset, length))
    sass, ptx = _codes(world, path, sections.get(b".nv_fatbin"))
    strings = _section(world, path, sections.get(b".dynstr"))
    cuda = CUDA_ELF.search(strings)
    return Library(
        path=name,
        sass=sass,
        ptx=ptx,
        cuda=int(cuda[1]) if cuda else None,
        gpu=_gpu(strings),
        abi=_abi(strings),
    )


def _pe(world: World, path: str, name: str, head: bytes) -> Library | None:
    (start,) = struct.unpack_from("<I", head, 60)
    header = world.read_at(path, start, 24)
    if header[:4] != b"PE\0\0":
        return None
    count, optional = (
        struct.unpack_from("<H", header, 6)[0],
        struct.unpack_from("<H", header, 20)[0],
    )
    raw = world.read_at(path, start + 24 + optional, 40 * count)
    sections: dict[bytes, tuple[int, int]] = {}
    for each in range(len(raw) // 40):
        title = raw[40 * each : 40 * each + 8].rstrip(b"\0")
        length, offset = struct.unpack_from("<II", raw, 40 * each + 16)
        sections[title] = (offset, length)
    sass, ptx = _codes(world, path, sections.get(b".nv_fatb") or sections.get(b".nv_fatbin"))
    strings = _section(world, path, sections.get(b".rdata"))  # holds the names of needed DLLs
    cuda = CUDA_PE.search(strings)
    return Library(
        path=name, sass=sass, ptx=ptx, cuda=int(cuda[1]) if cuda else None, gpu=_gpu(strings)
    )


def _section(world: World, path: str, place: tuple[int, int] | None) -> bytes:
    return b"" if place is None else world.read_at(path, place[0], min(place[1], NAMES_LIMIT))


def _gpu(strings: bytes) -> Literal["cuda", "hip"] | None:
    if TORCH_CUDA.search(strings):
        return "cuda"
    return "hip" if TORCH_HIP.search(strings) else None


def _abi(strings: bytes) -> bool | None:
    """The C++ ABI of the torch symbols that are asked for; None where both or none are."""
    found = {match != b"Ss" for match in STRINGS.findall(strings)}
    return found.pop() if len(found) == 1 else None


def _codes(
    world: World, path: str, place: tuple[int, int] | None
) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """The architectures of machine code and of PTX in a section of fat binaries."""
    if place is None:
        return (), ()
    found: dict[int, set[int]] = {SASS: set(), PTX: set()}
    for kind, arch in _entries(world, path, *place):
        found.setdefault(kind, set()).add(arch)
    return tuple(_names(found[SASS])), tuple(_names(found[PTX]))


def _names(archs: set[int]) -> Iterator[str]:
    return (f"sm_{arch}" for arch in sorted(archs))


def _entries(world: World, path: str, start: int, size: int) -> Iterator[tuple[int, int]]:
    """Kind and architecture of each piece of code; the code itself is passed over."""
    at, end = start, start + size
    for _ in range(ENTRIES):
        if at + 16 > end:
            return
        head = world.read_at(path, at, 16)
        magic, _, length, body = struct.unpack_from("<IHHQ", head)
        if magic != FATBIN:
            if magic != 0:
                return
            at += 8  # padding between the binaries of two files
            continue
        piece, at = at + length, at + length + body
        while piece + 64 <= at:
            entry = world.read_at(path, piece, 64)
            kind, _, entry_head, entry_size = struct.unpack_from("<HHIQ", entry)
            (arch,) = struct.unpack_from("<I", entry, 28)
            if not entry_head:
                return
            yield kind, arch
            piece += entry_head + entry_size
