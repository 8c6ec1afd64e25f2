"""Stub files of the replayed distributions: small, deterministic, and they really install."""

import base64
import hashlib
import io
import re
import tarfile
import zipfile
from collections.abc import Mapping

from tests.kit.replay_catalog import Dist, normalized
from tests.kit.replay_sdist import Source, described, tree

_EPOCH = (1980, 1, 1, 0, 0, 0)


def wheel_name(dist: Dist, tag: str) -> str:
    return f"{normalized(dist.name).replace('-', '_')}-{dist.version}-{tag}.whl"


def sdist_name(dist: Dist) -> str:
    return f"{normalized(dist.name).replace('-', '_')}-{dist.version}.tar.gz"


def metadata(dist: Dist) -> str:
    """The core metadata; extras are those that the requirements name."""
    lines = ["Metadata-Version: 2.1", f"Name: {dist.name}", f"Version: {dist.version}"]
    if dist.requires_python:
        lines.append(f"Requires-Python: {dist.requires_python}")
    extras = (re.search(r"extra == '([^']+)'", need) for need in dist.requires)
    lines += [f"Provides-Extra: {name}" for name in sorted({found[1] for found in extras if found})]
    lines += [f"Requires-Dist: {need}" for need in dist.requires]
    return "\n".join(lines) + "\n"


def wheel(dist: Dist, tag: str) -> bytes:
    """A wheel whose bytes depend on its arguments alone."""
    info = f"{normalized(dist.name).replace('-', '_')}-{dist.version}.dist-info"
    python, abi, platforms = tag.split("-")
    tags = [f"Tag: {python}-{abi}-{platform}" for platform in platforms.split(".")]
    pure = "true" if tag.endswith("none-any") else "false"
    about = ["Wheel-Version: 1.0", "Generator: replay", f"Root-Is-Purelib: {pure}", *tags]
    files = {
        **_contents(dist, tag),
        f"{info}/METADATA": metadata(dist),
        f"{info}/WHEEL": "\n".join(about) + "\n",
    }
    record = [f"{path},{_digest(text)},{len(text.encode())}" for path, text in files.items()]
    files[f"{info}/RECORD"] = "\n".join([*record, f"{info}/RECORD,,", ""])
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        for path, text in files.items():
            entry = zipfile.ZipInfo(path, _EPOCH)
            entry.external_attr = 0o100644 << 16
            archive.writestr(entry, text)
    return buffer.getvalue()


def sdist(dist: Dist, source: Source) -> bytes:
    """A source distribution that builds as `source` says."""
    root = sdist_name(dist).removesuffix(".tar.gz")
    about = metadata(dist)
    files = tree(source, _plain(dist.name), dist.version, _module(dist), about)
    buffer = io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w:gz", compresslevel=1) as archive:
        for path, text in {"PKG-INFO": described(source, about), **files}.items():
            entry = tarfile.TarInfo(f"{root}/{path}")
            entry.size = len(text.encode())
            archive.addfile(entry, io.BytesIO(text.encode()))
    # gzip keeps the time of writing in bytes 4 to 8
    return buffer.getvalue()[:4] + bytes(4) + buffer.getvalue()[8:]


def _plain(name: str) -> str:
    return normalized(name).replace("-", "_")


def _module(dist: Dist) -> str:
    return dist.owns or _plain(dist.name)


def _digest(text: str) -> str:
    digest = hashlib.sha256(text.encode()).digest()
    return "sha256=" + base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _contents(dist: Dist, tag: str) -> Mapping[str, str]:
    module = _module(dist)
    files = {f"{module}/__init__.py": f"__version__ = {dist.version!r}\n"}
    if dist.name == "torch":
        backend = _backend(dist, tag)
        files["torch/__init__.py"] = "from torch.version import __version__ as __version__\n"
        files["torch/version.py"] = _torch_version(dist, backend)
        files["torch/_accelsel_stub"] = f"{backend}\n"
    return {**files, **dist.files}


def _backend(dist: Dist, tag: str) -> str:
    if isinstance(dist.backend, str):
        return dist.backend
    linux = "linux" in tag
    ends = (dist.backend or {}).items()
    return next((name for end, name in ends if tag.endswith(end) and (linux or not end)), "cpu")


def _torch_version(dist: Dist, backend: str) -> str:
    cuda = f"{backend[2:4]}.{backend[4:]}" if backend.startswith("cu") else None
    hip = backend.removeprefix("rocm") if backend.startswith("rocm") else None
    full = dist.version if "+" in dist.version else f"{dist.version}+{backend}"
    return (
        f"__version__ = {full!r}\ndebug = False\ncuda = {cuda!r}\nhip = {hip!r}\n"
        f"xpu = {'20260000' if backend == 'xpu' else None!r}\ngit_version = 'stub'\n"
    )
