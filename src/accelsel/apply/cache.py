"""The user's cache folder, and what `accelsel rules refresh` keeps there."""

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

from accelsel.model.errors import USAGE, AccelselError

_RULES = "rules.json"


def folder(env: Mapping[str, str]) -> Path | None:
    """Where accelsel keeps what can be made again: beside uv's own cache; None without a home."""
    windows = os.name == "nt"
    base = env.get("LOCALAPPDATA" if windows else "XDG_CACHE_HOME")
    if not base or not (windows or base.startswith("/")):  # a relative one is to be ignored
        home = env.get("HOME", os.path.expanduser("~"))  # noqa: PTH111  Path's raises
        if not home or home.startswith("~"):
            return None
        base = f"{home}/{'AppData/Local' if windows else '.cache'}"
    return Path(base) / "accelsel" / ("cache" if windows else "")


def rules_path(env: Mapping[str, str]) -> Path | None:
    """The file of refreshed rules, whether or not it is there; None where there is no cache."""
    base = folder(env)
    return base / _RULES if base else None


def write(path: Path, data: bytes) -> None:
    """The file holds `data`; a crash leaves the old or the new one. Its folder is made.

    Raises `AccelselError` (2, `unwritable`).
    """
    import tempfile

    name = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=".rules-", suffix=".part", dir=path.parent)
        with open(handle, "wb") as file:  # noqa: PTH123  a descriptor has no path
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        Path(name).replace(path)
    except BaseException as error:
        if name is not None:
            with contextlib.suppress(OSError):
                Path(name).unlink()
        if not isinstance(error, OSError):
            raise
        reason = (error.strerror or str(error)).lower()
        raise AccelselError(
            USAGE,
            "unwritable",
            f"the cache cannot be written: {reason}",
            where=str(path),
            help="check its permissions, or name another folder with XDG_CACHE_HOME",
        ) from None
