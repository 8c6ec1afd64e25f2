"""Which index entry serves a selection, and which ones of PyTorch's it replaces."""

import re
from collections.abc import Mapping
from typing import Any

from accelsel.model.table import Index
from accelsel.project.read import ProjectView

PATH = ("tool", "uv", "index")
Mirrors = tuple[tuple[str, str], ...]

_BACKEND = re.compile(r"(?:cpu|cu\d{2,3}|rocm\d+(?:\.\d+)+|xpu)")
_TELLING = re.compile(r"cpu|gpu|cu\d|cuda|rocm|hip|xpu|nightly|test", re.IGNORECASE)
_PYTORCH = re.compile(r"https?://(?:[^/@]*@)?download(?:-r2)?\.pytorch\.org(?:/|$)")


def plain(url: str) -> str:
    return url.split("#", maxsplit=1)[0].rstrip("/")


def backend_of(url: str) -> str | None:
    """The PyTorch backend that an index URL names by its last part; None for other indexes."""
    last = plain(url).rsplit("/", 1)[-1]
    return last if _BACKEND.fullmatch(last) else None


def is_pytorch(url: str, mirrors: Mirrors = ()) -> bool:
    """Whether the URL says that it is PyTorch's host or a mirror of it, or is below one of the
    mirrors named for it."""
    source = original(url, mirrors)
    return bool(_PYTORCH.match(source)) or (backend_of(url) is not None and "pytorch" in url)


def of_pytorch(view: ProjectView, entry: Mapping[str, Any], mirrors: Mirrors = ()) -> bool:
    """Whether an index of the project's holds PyTorch's builds of one backend: by its URL, else by
    its name or since torch comes from it."""
    url, name = url_of(entry), str(entry.get("name"))
    if is_pytorch(url, mirrors) or backend_of(url) is None:
        return is_pytorch(url, mirrors)
    return "torch" in name.lower() or "torch" in users(view, name)


def neutral(entry: Mapping[str, Any]) -> bool:
    """Whether an index has a name that tells neither a backend nor a channel."""
    return bool(entry.get("name")) and not _TELLING.search(str(entry["name"]))


def users(view: ProjectView, name: str) -> tuple[str, ...]:
    """The packages whose sources name the index."""
    return tuple(
        package
        for package, entries in view.sources.items()
        if any(entry.get("index") == name for entry in entries)
    )


def mirrored(url: str, mirrors: Mirrors) -> str:
    """`url` with the first matching prefix replaced."""
    for prefix, replacement in mirrors:
        stem = prefix.rstrip("/")
        if url == stem or url.startswith(stem + "/"):
            return replacement.rstrip("/") + url[len(stem) :]
    return url


def original(url: str, mirrors: Mirrors) -> str:
    """`url` as it is without the mirror that it is below of; itself where that is none."""
    for prefix, replacement in mirrors:
        stem = replacement.rstrip("/")
        if url == stem or url.startswith(stem + "/"):
            return prefix.rstrip("/") + url[len(stem) :]
    return url


def is_file(index: Index) -> bool:
    """Whether what the rules table has as an index is one wheel by URL, as for JetPack 5."""
    return index.url.endswith(".whl")


def url_of(entry: Mapping[str, Any]) -> str:
    return str(entry.get("url", ""))


def serving(view: ProjectView, index: Index, mirrors: Mirrors) -> Mapping[str, Any] | None:
    """The project's own entry that is the wanted index: by URL, else a mirror of it, by backend."""
    same = {plain(mirrored(index.url, mirrors)), plain(index.url)}
    for entry in view.indexes:
        if plain(url_of(entry)) in same:
            return entry
    backend = backend_of(index.url)
    for entry in view.indexes:
        url = url_of(entry)
        if (
            backend is not None
            and backend_of(url) == backend
            and channel(url) == channel(index.url)
            and not _PYTORCH.match(url)
            and of_pytorch(view, entry)
            and is_pytorch(index.url)
        ):
            return entry
    return None


def kept_url(entry: Mapping[str, Any], index: Index, mirrors: Mirrors) -> str:
    """The URL of the project's own entry for an index once it is pinned: a mirror's where one is
    named for it, else as it stands."""
    url, moved = url_of(entry), mirrored(index.url, mirrors)
    return moved if plain(url) == plain(index.url) and plain(moved) != plain(url) else url


def channel(url: str) -> str:
    """The channel that an index URL names."""
    parts = plain(url).split("/")
    return next((part for part in ("nightly", "test") if part in parts), "stable")


def nightlies(view: ProjectView) -> tuple[str, ...]:
    """The PyTorch backends of which the project names the nightly index."""
    extra = view.uv.get("extra-index-url")
    urls = [url_of(e) for e in view.indexes] + (extra if isinstance(extra, list) else [])
    found = (backend_of(str(url)) for url in urls if channel(str(url)) == "nightly")
    return tuple(dict.fromkeys(filter(None, found)))


def nightly_torch(view: ProjectView) -> bool:
    """Whether the project itself takes torch from nightly indexes alone: by its sources, else by
    indexes that are asked for every name."""
    entries = view.sources.get("torch", ())
    names = {str(entry.get("index")) for entry in entries}
    at = [
        e for e in view.indexes if str(e.get("name")) in names or not (names or e.get("explicit"))
    ]
    extra = view.uv.get("extra-index-url")
    urls = [url_of(e) for e in at] + (extra if isinstance(extra, list) and not names else [])
    places = [channel(str(url)) for url in urls if backend_of(str(url))]
    return bool(places) and {*places} == {"nightly"}


def new_entry(index: Index, mirrors: Mirrors, taken: set[str]) -> dict[str, Any]:
    """The entry as it is written; its name is one that no other entry has."""
    name, at = index.name, 2
    while name in taken:
        name, at = f"{index.name}-{at}", at + 1
    entry: dict[str, Any] = {"name": name, "url": mirrored(index.url, mirrors)}
    if index.format == "flat":
        entry["format"] = "flat"
    return {**entry, "explicit": True}


def made_explicit(entry: Mapping[str, Any], name: str, url: str) -> dict[str, Any]:
    """An entry of the project's as it has to be: named, explicit, not the default."""
    rest = {k: v for k, v in entry.items() if k not in {"default", "name", "url", "explicit"}}
    return {"name": name, "url": url, **rest, "explicit": True}
