"""`uv.lock` in: the packages, without the megabyte of hashes around them."""

import re
import tomllib
from collections.abc import Callable

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.installed import Lock, LockedPackage

START = "[[package]]\n"
# What a package's table holds before its dependencies and files; uv writes it in this order.
BODY = re.compile(
    r"^(?:dependencies|sdist|wheels|dev-dependencies|optional-dependencies)\s*=|^\[", re.MULTILINE
)


def read(text: str, path: str, wanted: Callable[[str], bool] | None = None) -> Lock:
    """The packages of a lock whose names `wanted` admits (all by default).

    uv writes one `[[package]]` table after the other; each is parsed by itself, and only its head,
    which costs a hundredth of parsing the file. A file that is no lock is an error.
    """
    head, *tables = text.replace("\r\n", "\n").split(START)
    if re.search(r"^version\s*=\s*\d+", head, re.MULTILINE) is None:
        raise AccelselError(USAGE, "invalid-lock", "this is not a lock of uv", where=path)
    packages = []
    for table in tables:
        name = re.match(r'name = "([^"]+)"', table)
        if name is None or (wanted is not None and not wanted(name[1])):
            continue
        end = BODY.search(table)
        packages.append(_package(table[: end.start()] if end else table, path))
    return Lock(path=path, packages=tuple(packages))


def _package(text: str, path: str) -> LockedPackage:
    try:
        row = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise AccelselError(USAGE, "invalid-lock", f"not TOML: {error}", where=path) from None
    source = row.get("source", {})
    return LockedPackage(
        name=row["name"],
        version=str(row.get("version", "")),
        index=_public(source.get("registry")) if isinstance(source, dict) else None,
        markers=tuple(row.get("resolution-markers", ())),
    )


def _public(url: object) -> str | None:
    """The address of an index without the credentials that somebody may have left in it."""
    return re.sub(r"//[^/@]*@", "//", url) if isinstance(url, str) else None
