"""The replay index: PyTorch's indexes and the default index on loopback, for the real uv.

`python -m tests.kit.replay [PORT]` serves until interrupted. A test uses it as a context:

    with Replay(load()) as replay:
        subprocess.run(["uv", "lock"], env={**os.environ, **replay.environment(cache)})

The layout follows the hosts, so that `--mirror https://download.pytorch.org/whl=URL/whl` works.
"""

import hashlib
import html
import json
import sys
import threading
from dataclasses import dataclass, field
from functools import cached_property
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import TracebackType
from typing import ClassVar, Self
from urllib.parse import quote, unquote, urlsplit

from tests.kit.replay_catalog import DEFAULT, Catalog, Dist, normalized
from tests.kit.replay_fixtures import load
from tests.kit.replay_vendors import HOSTS
from tests.kit.replay_wheel import metadata, sdist, sdist_name, wheel, wheel_name

# no hashes, no separate metadata: research/index-snapshot.md and vendor-indexes.md
_UNHASHED = ("/whl/nightly/", "/stable.repo.amd.com/")
_JSON = "application/vnd.pypi.simple.v1+json"


@dataclass(frozen=True, kw_only=True)
class _Link:
    file: str
    dist: Dist
    sha256: str | None
    metadata_sha256: str | None


@dataclass(slots=True)
class _Answer:
    body: bytes
    kind: str = "application/octet-stream"
    status: int = 200


@dataclass(slots=True)
class _Shelf:
    """The files of a catalog, made when asked for and kept."""

    catalog: Catalog
    _files: dict[tuple[str, str], bytes] = field(default_factory=dict)
    _links: dict[tuple[str, str], list[_Link]] = field(default_factory=dict)
    _lock: threading.RLock = field(default_factory=threading.RLock)

    def links(self, index: str, project: str) -> list[_Link]:
        with self._lock:
            key = (index, project)
            if key not in self._links:
                self._links[key] = [
                    link for dist in self.catalog.dists(*key) for link in self._of(dist)
                ]
            return self._links[key]

    def file(self, index: str, name: str) -> bytes | None:
        """A wheel, its `.metadata`, or a source distribution; None where there is none."""
        wanted = name.removesuffix(".metadata")
        for link in self.links(index, normalized(name.split("-", maxsplit=1)[0])):
            if link.file == wanted:
                if name != wanted:
                    return metadata(link.dist).encode() if link.metadata_sha256 else None
                return self._files[index, name]
        return None

    def _of(self, dist: Dist) -> list[_Link]:
        bare = dist.index.startswith(_UNHASHED)
        about = None if bare else _digest(metadata(dist).encode())
        made = [(wheel_name(dist, tag), wheel(dist, tag), about) for tag in dist.wheels]
        if dist.sdist is not None:
            made.append((sdist_name(dist), sdist(dist, dist.sdist), None))
        links = []
        for name, data, meta in made:
            self._files[dist.index, name] = data
            digest = None if bare else _digest(data)
            links.append(_Link(file=name, dist=dist, sha256=digest, metadata_sha256=meta))
        return links


def _digest(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


DROPPED = 0
SILENT = -1


class Replay:
    """A running replay. `requests` are the paths asked for, in order; `faults` maps the beginning
    of a path to the status that it gets, to `DROPPED` for a connection that is closed without an
    answer, or to `SILENT` for one that is kept open without an answer."""

    def __init__(self, catalog: Catalog | None = None, *, port: int = 0) -> None:
        self.catalog = catalog if catalog is not None else load()
        self.requests: list[str] = []
        self.faults: dict[str, int] = {}
        self.closing = threading.Event()
        self._shelf = _Shelf(self.catalog)
        replay = self

        class Handler(_Handler):
            owner = replay

        self._server = _Server(("127.0.0.1", port), Handler)
        self._thread = threading.Thread(
            target=self._server.serve_forever, args=(0.05,), daemon=True, name="replay"
        )

    @cached_property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    @property
    def default_index(self) -> str:
        return f"{self.url}{DEFAULT}"

    @property
    def mirrors(self) -> tuple[str, ...]:
        """Values of `--mirror` for the hosts that are replayed."""
        pytorch = f"https://download.pytorch.org/whl={self.url}/whl"
        return (pytorch, *(f"https://{host}={self.url}/{host}" for host in HOSTS))

    def environment(self, cache: Path) -> dict[str, str]:
        """Variables under which uv sees nothing but the replay and its own folder."""
        return {
            "UV_DEFAULT_INDEX": self.default_index,
            "UV_CACHE_DIR": str(cache),
            "UV_PYTHON": sys.executable,
            "UV_PYTHON_DOWNLOADS": "never",
            "UV_HTTP_RETRIES": "0",
            "UV_NO_PROGRESS": "1",
        }

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.closing.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def answer(self, path: str, accept: str) -> _Answer:
        """What a path is answered with; 404 where nothing is."""
        folder, _, name = path.rpartition("/")
        if self.catalog.projects(path):  # a flat page
            links = [
                link
                for project in self.catalog.projects(path)
                for link in self._shelf.links(path, project)
            ]
            return _page(path.removesuffix(".html"), path, links)
        if name == "":
            index, _, project = folder.rpartition("/")
            if links := self._shelf.links(index, normalized(project)):
                as_json = _JSON in accept and index == DEFAULT
                return _json(index, project, links) if as_json else _page(index, project, links)
            if projects := self.catalog.projects(folder):
                return _list(folder, projects)
        else:
            flat = f"{folder}.html"
            data = self._shelf.file(flat if self.catalog.projects(flat) else folder, name)
            if data is not None:
                return _Answer(data)
        return _Answer(b"not found\n", "text/plain", 404)


class _Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        if not isinstance(sys.exception(), ConnectionError):  # uv left; it may
            super().handle_error(request, client_address)  # type: ignore[arg-type]


class _Handler(BaseHTTPRequestHandler):
    owner: ClassVar[Replay]
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self) -> None:
        path = unquote(urlsplit(self.path).path)
        self.owner.requests.append(path)
        fault = next((s for p, s in self.owner.faults.items() if path.startswith(p)), None)
        if fault == SILENT:
            self.owner.closing.wait()
        if fault in {DROPPED, SILENT}:
            self.close_connection = True
            return
        if fault is not None:
            answer = _Answer(b"fault\n", "text/plain", fault)
        else:
            answer = self.owner.answer(path, self.headers.get("Accept", ""))
        self.send_response(answer.status)
        self.send_header("Content-Type", answer.kind)
        self.send_header("Content-Length", str(len(answer.body)))
        # uv rebuilds source distributions that an index says not to keep
        self.send_header("Cache-Control", "max-age=365000000, immutable")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(answer.body)

    do_HEAD = do_GET  # noqa: N815  the name that the standard library calls

    def log_message(self, format: str, *args: object) -> None:
        pass


def _address(index: str, link: _Link) -> str:
    return quote(f"{index}/{link.file}")


def _page(index: str, title: str, links: list[_Link]) -> _Answer:
    """The PEP 503 page."""
    lines = ["<!DOCTYPE html>", f"<html><body><h1>Links for {html.escape(title)}</h1>"]
    for link in links:
        more = ""
        if link.dist.requires_python:
            more += f' data-requires-python="{html.escape(link.dist.requires_python)}"'
        if link.dist.yanked is not None:
            more += f' data-yanked="{html.escape(link.dist.yanked)}"'
        if link.metadata_sha256:
            more += f' data-core-metadata="sha256={link.metadata_sha256}"'
        href = _address(index, link) + (f"#sha256={link.sha256}" if link.sha256 else "")
        lines.append(f'<a href="{href}"{more}>{html.escape(link.file)}</a><br/>')
    return _Answer("\n".join([*lines, "</body></html>", ""]).encode(), "text/html; charset=utf-8")


def _json(index: str, project: str, links: list[_Link]) -> _Answer:
    """The PEP 691 page."""
    files = [
        {
            "filename": link.file,
            "url": _address(index, link),
            "hashes": {"sha256": link.sha256} if link.sha256 else {},
            "requires-python": link.dist.requires_python,
            "yanked": link.dist.yanked if link.dist.yanked is not None else False,
            "core-metadata": {"sha256": link.metadata_sha256} if link.metadata_sha256 else False,
        }
        for link in links
    ]
    page = {"meta": {"api-version": "1.0"}, "name": normalized(project), "files": files}
    return _Answer(json.dumps(page).encode(), _JSON)


def _list(index: str, projects: list[str]) -> _Answer:
    lines = [f'<a href="{quote(index)}/{name}/">{name}</a><br/>' for name in projects]
    body = "\n".join(["<!DOCTYPE html>", "<html><body>", *lines, "</body></html>", ""])
    return _Answer(body.encode(), "text/html; charset=utf-8")


def main() -> int:
    """Serve until interrupted; the words on stdout say how to use it."""
    port = int(sys.argv[1]) if len(sys.argv) > 1 else 0
    with Replay(port=port) as replay:
        print(f"export UV_DEFAULT_INDEX={replay.default_index}", flush=True)
        for mirror in replay.mirrors:
            print(f"# accelsel pin --mirror {mirror}", flush=True)
        try:
            threading.Event().wait()
        except KeyboardInterrupt:
            return 0
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
