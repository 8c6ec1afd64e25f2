"""The library's last step: files that hold what was rendered."""

from collections.abc import Mapping
from pathlib import Path


def apply(texts: Mapping[str, str], root: Path) -> tuple[Path, ...]:
    """The files of `texts` (path below `root` to text) hold their texts; gives those that changed.

    Each is replaced in one step. Raises `AccelselError` (2) where a file is unreadable, read-only
    or changed meanwhile; the ones before it are written then.
    """
    from accelsel.apply.files import read_project, write_replacing

    changed = []
    for name, text in texts.items():
        file = read_project(root / name)
        if write_replacing(file.path, file.data, text.encode()):
            changed.append(file.path)
    return tuple(changed)
