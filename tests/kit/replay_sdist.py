"""Stub source distributions that really build, with a backend of their own inside."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, kw_only=True)
class Source:
    """How a source distribution behaves. `readable`: uv can read its metadata without a build.
    `torch`: its build imports torch, and says so in build-system.requires (`required`), does not
    (`imported`), or does without where there is none (`optional`). `fails`: the build ends with
    this text."""

    readable: bool = True
    torch: Literal["imported", "required", "optional"] | None = None
    fails: str | None = None


_BACKEND = """\
import base64, hashlib, os, zipfile

NAME, VERSION, MODULE, METADATA, TORCH, FAILS = {values!r}


def _torch():
    if FAILS:
        raise SystemExit(FAILS)
    if not TORCH:
        return None
    try:
        import torch.version
    except ImportError:
        if TORCH == "optional":
            return None
        raise
    return torch.version.__version__


def _write(folder, info, files):
    record = []
    for path, text in files.items():
        digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest()).rstrip(b"=")
        record.append(f"{{path}},sha256={{digest.decode()}},{{len(text.encode())}}")
    files[info + "/RECORD"] = "\\n".join([*record, info + "/RECORD,,", ""])
    name = f"{{NAME}}-{{VERSION}}-py3-none-any.whl"
    with zipfile.ZipFile(os.path.join(folder, name), "w") as archive:
        for path, text in files.items():
            archive.writestr(path, text)
    return name


def prepare_metadata_for_build_wheel(metadata_directory, config_settings=None):
    _torch()
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    os.makedirs(os.path.join(metadata_directory, info))
    with open(os.path.join(metadata_directory, info, "METADATA"), "w") as file:
        file.write(METADATA)
    return info


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    seen = _torch()
    info = f"{{NAME}}-{{VERSION}}.dist-info"
    return _write(wheel_directory, info, {{
        f"{{MODULE}}/__init__.py": f"__version__ = {{VERSION!r}}\\nBUILT_WITH = {{seen!r}}\\n",
        f"{{info}}/METADATA": METADATA,
        f"{{info}}/WHEEL": "Wheel-Version: 1.0\\nGenerator: replay\\nRoot-Is-Purelib: true\\n"
                         "Tag: py3-none-any\\n",
    }})
"""


def tree(source: Source, name: str, version: str, module: str, metadata: str) -> Mapping[str, str]:
    """The files of the distribution beside its PKG-INFO."""
    needs = '["torch"]' if source.torch == "required" else "[]"
    backend = 'build-backend = "backend"\nbackend-path = ["."]\n'
    values = (name, version, module, metadata, source.torch, source.fails)
    return {
        "pyproject.toml": f"[build-system]\nrequires = {needs}\n{backend}",
        "backend.py": _BACKEND.format(values=values),
    }


def described(source: Source, metadata: str) -> str:
    """PKG-INFO: from version 2.2 on a resolver may trust it."""
    return (
        metadata.replace("Metadata-Version: 2.1", "Metadata-Version: 2.2")
        if (source.readable)
        else metadata
    )
