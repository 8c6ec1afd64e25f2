"""Reading a project's page of a package index (PEP 503 and PEP 691); the only importer of the HTTP
client."""

import json
import time
from collections.abc import Sequence
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from accelsel.model.errors import NETWORK, USAGE, AccelselError
from accelsel.model.value import dataclass

if TYPE_CHECKING:
    import httpx2

ACCEPT: Final = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)
TIMEOUT_S: Final = 10.0
DEADLINE_S: Final = 120.0
AT_ONCE: Final = 4
MAX_BYTES: Final = 8 << 20
# PyTorch's host answers 403 where it has nothing
_ABSENT = frozenset({403, 404, 410})


@dataclass(frozen=True, kw_only=True)
class IndexFile:
    """A file that an index lists, as its page says; `yanked` with its reason, "" without one."""

    name: str
    requires_python: str | None
    sha256: str | None
    yanked: str | None


Page = tuple[IndexFile, ...] | None | AccelselError


def pages(addresses: Sequence[tuple[str, str]], *, offline: bool = False) -> tuple[Page, ...]:
    """The files of each (index URL, project), in order, a few read at once; None where the index
    does not have it, and the error where that page could not be read: 7 `network` (unreachable, too
    slow, or a server's error); 2 `bad-index` for a URL or an answer that is no index page.

    All of it ends within `DEADLINE_S` and one answer's `TIMEOUT_S`. Raises 7 `offline`.
    """
    if offline:
        raise AccelselError(
            NETWORK, "offline", "reading an index needs the network", help="drop --offline"
        )
    from concurrent.futures import ThreadPoolExecutor

    import httpx2

    headers = {"Accept": ACCEPT, "User-Agent": "accelsel"}
    deadline = time.monotonic() + DEADLINE_S

    def read(address: tuple[str, str]) -> Page:
        index, project = address
        try:
            return _page(client, f"{index.rstrip('/')}/{project}/", deadline)
        except AccelselError as error:
            return error

    with (
        httpx2.Client(headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as client,
        ThreadPoolExecutor(AT_ONCE) as pool,
    ):
        try:
            return tuple(pool.map(read, addresses))
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _page(client: "httpx2.Client", url: str, deadline: float) -> tuple[IndexFile, ...] | None:
    import httpx2

    try:
        _require_time(deadline, url)
        with client.stream("GET", url) as answer:
            if answer.status_code in _ABSENT:
                return None
            if answer.status_code != httpx2.codes.OK:
                raise AccelselError(
                    NETWORK,
                    "network",
                    f"the index answered {answer.status_code}",
                    where=_shown(url),
                    help="try again later, or name a mirror with --mirror FROM=TO",
                )
            text = _text(answer, url, deadline)
            return read_page(text, answer.headers.get("Content-Type", ""), _shown(url))
    except httpx2.TransportError as error:
        raise AccelselError(
            NETWORK,
            "network",
            f"the index cannot be reached: {str(error) or type(error).__name__}",
            where=_shown(url),
            help="check the connection, or name a mirror with --mirror FROM=TO",
        ) from None
    except (httpx2.InvalidURL, httpx2.HTTPError) as error:
        raise AccelselError(
            USAGE, "bad-index", f"not read: {error}", where=_shown(url), help="check the URL"
        ) from None


def _text(answer: "httpx2.Response", url: str, deadline: float) -> str:
    """The body, of which no more is read than a page may have and the time allows."""
    body = bytearray()
    for chunk in answer.iter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise _no_page(f"the answer is larger than {MAX_BYTES >> 20} MiB", _shown(url))
        _require_time(deadline, url)
    return body.decode("utf-8", "replace")


def _require_time(deadline: float, url: str) -> None:
    if time.monotonic() > deadline:
        raise AccelselError(
            NETWORK,
            "network",
            f"the indexes were not read within {DEADLINE_S:.0f} s",
            where=_shown(url),
            help="try again later, or name a nearer mirror with --mirror FROM=TO",
        )


def read_page(text: str, content_type: str, where: str) -> tuple[IndexFile, ...]:
    """The files of a page. Raises `AccelselError` (2, `bad-index`) where it is none."""
    if "json" in content_type:
        try:
            return tuple(_of_json(file) for file in json.loads(text)["files"])
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            pass
    elif "html" in content_type:
        parser = _Links()
        parser.feed(text)
        return tuple(parser.files)
    raise _no_page("the answer is no index page", where)


def _no_page(message: str, where: str) -> AccelselError:
    return AccelselError(
        USAGE,
        "bad-index",
        message,
        where=where,
        help="an index URL ends before the project's name, such as .../whl/cu126",
    )


class _Links(HTMLParser):
    """The anchors of a PEP 503 page."""

    def __init__(self) -> None:
        super().__init__()
        self.files: list[IndexFile] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        href = found.get("href")
        if tag != "a" or not href:
            return
        split = urlsplit(href)
        digest = split.fragment.removeprefix("sha256=")
        self.files.append(
            IndexFile(
                name=unquote(split.path.rpartition("/")[2]),
                requires_python=found.get("data-requires-python"),
                sha256=digest if digest != split.fragment else None,
                yanked=(found["data-yanked"] or "") if "data-yanked" in found else None,
            )
        )


def _of_json(file: Any) -> IndexFile:
    yanked = file.get("yanked", False)
    return IndexFile(
        name=str(file["filename"]),
        requires_python=file.get("requires-python"),
        sha256=file.get("hashes", {}).get("sha256"),
        yanked=None if yanked is False else "" if yanked is True else str(yanked),
    )


def _shown(url: str) -> str:
    """The URL without credentials."""
    split = urlsplit(url)
    return split._replace(netloc=split.netloc.rpartition("@")[2]).geturl()
