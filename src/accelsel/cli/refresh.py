"""`accelsel rules refresh`: what PyTorch's indexes hold today, kept in the user's cache."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from accelsel.cli import present, steps
from accelsel.cli.present import Output
from accelsel.model.errors import NETWORK, USAGE, AccelselError

if TYPE_CHECKING:
    from accelsel.knowledge.refresh import Change, Page

NO_TORCH: Final = "the index has no torch"
_SHOWN: Final = 12
_WORDS: Final[Mapping[str, str]] = {
    "published": "is on its index",
    "pythons": "has wheels for other Pythons",
    "confirmed": "is on its index, as inferred",
    "new": "is new to the table",
}


def refresh(output: Output, *, mirrors: Sequence[str], offline: bool) -> int:
    """Read the torch page of every index of PyTorch's own, write what it adds, tell what changed.

    A page that cannot be read is a warning, and what was known of it stays; 7 where none can.
    """
    from datetime import UTC, datetime

    from accelsel.apply import cache
    from accelsel.knowledge.refresh import changes
    from accelsel.knowledge.refresh import refresh as refreshed

    path = cache.rules_path(os.environ)
    if path is None:
        raise AccelselError(
            USAGE, "no-cache", "there is no home folder to keep the rules in",
            help="set XDG_CACHE_HOME",
        )  # fmt: skip
    pages, unread = _pages(mirrors, offline=offline)
    today = datetime.now(tz=UTC).date().isoformat()
    before = _kept(path)
    document, refused = refreshed(pages, before, today)
    for page in pages:
        if page.backend in refused:
            message = "lists more releases that the table does not know than can be true"
            unread.append({"backend": page.backend, "url": page.url, "message": message})
    if len(unread) and len(refused) == len(pages):
        raise _unread(unread)
    found = changes(before, document)
    cache.write(path, _text(document))
    for one in unread:
        if one["message"] == NO_TORCH:  # an index that was planned or is gone: nothing to repair
            continue
        output.warn("index-not-read", f"{one['backend']}: {one['message']} ({one['url']})")
    if output.json:
        from accelsel.ports.documents import plain

        present.document(
            {
                "schema": "accelsel.rules-refresh/1",
                "path": str(path),
                "checked": today,
                "read": [page.backend for page in pages if page.backend not in refused],
                "unread": unread,
                "changes": plain(found),
            }
        )
        return 0
    lines = list(_lines(found))
    for line in lines if output.verbose else lines[:_SHOWN]:
        output.data(line)
    if len(lines) > _SHOWN and not output.verbose:
        output.data(f"... and {len(lines) - _SHOWN} more (-v)")
    if not lines:
        output.data("nothing that the table did not know")
    output.say(f"read {len(pages) - len(refused)} indexes, wrote {path}")
    return 0


def _pages(
    mirrors: Sequence[str], *, offline: bool
) -> tuple[list["Page"], list[dict[str, str]]]:  # fmt: skip
    """The pages that were read, and what stood against the others; raises where none was."""
    from accelsel.apply import index
    from accelsel.cli.mirrors import mirrors as pairs
    from accelsel.cli.options import Flags
    from accelsel.knowledge.refresh import Page, indexes
    from accelsel.project.indexes import mirrored

    config = steps.settings(steps.project_here())
    replaced = pairs(mirrors, config, os.environ)
    urls = {name: mirrored(url, replaced) for name, url in indexes().items()}
    answers = index.pages(
        [(url, "torch") for url in urls.values()],
        offline=steps.offline(Flags(offline=offline), config),
    )
    pages, unread = [], []
    for (backend, url), answer in zip(urls.items(), answers, strict=True):
        shown = present.one_line(f"{url.rstrip('/')}/torch/")
        if isinstance(answer, tuple):
            names = tuple(file.name for file in answer if file.yanked is None)
            pages.append(Page(backend=backend, url=shown, names=names))
        else:
            message = "the index has no torch" if answer is None else answer.message
            unread.append({"backend": backend, "url": shown, "message": present.one_line(message)})
    if not pages:
        raise _unread(unread)
    return pages, unread


def _unread(unread: Sequence[Mapping[str, str]]) -> AccelselError:
    first = unread[0]
    return AccelselError(
        NETWORK,
        "network",
        f"none of {len(unread)} indexes could be read: {first['message']}",
        where=first["url"],
        help="check the connection, or name a mirror with --mirror FROM=TO; the cache is as it was",
    )


def _kept(path: Path) -> Mapping[str, Any] | None:
    """What an earlier refresh kept, where it is of use."""
    from accelsel.knowledge import load
    from accelsel.knowledge.refresh import kept

    try:
        document = kept(path)
        load((path,))
    except AccelselError:
        return None
    return document


def _text(document: Mapping[str, Sequence[Any]]) -> bytes:
    """A table document, one row per line."""
    tables = (
        f'"{name}": [\n' + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]"
        for name, rows in document.items()
    )
    return ("{\n" + ",\n".join(tables) + "\n}\n").encode()


def _lines(found: Sequence["Change"]) -> Iterator[str]:
    """A line per build, with the platforms of which the same is true."""
    grouped: dict[tuple[Any, ...], list[str]] = {}
    for one in found:
        key = (one.torch, one.backend, one.what, one.selectable, one.pythons)
        grouped.setdefault(key, []).append(one.platform)
    for (torch, backend, what, selectable, pythons), platforms in grouped.items():
        line = f"torch {torch} with {backend} {_WORDS[what]}"
        line += f": {', '.join(platforms)}"
        if what != "confirmed":
            line += f", Python {', '.join(pythons)}"
        if not selectable:
            line += "; never selected, as the GPUs that it has code for are not known"
        yield line
