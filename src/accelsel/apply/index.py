"""Reading a project's page of a package index (PEP 503 and PEP 691); the only importer of the HTTP
client."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html.parser import HTMLParser
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import unquote, urlsplit

from accelsel.model.errors import NETWORK, USAGE, AccelselError

if TYPE_CHECKING:
    import httpx2

ACCEPT: Final = (
    "application/vnd.pypi.simple.v1+json, application/vnd.pypi.simple.v1+html;q=0.2, "
    "text/html;q=0.1"
)
TIMEOUT_S: Final = 20.0
# PyTorch's host answers 403 where it has nothing
_ABSENT = frozenset({403, 404, 410})


@dataclass(frozen=True, slots=True, kw_only=True)
class IndexFile:
    """A file that an index lists, as its page says; `yanked` with its reason, "" without one."""

    name: str
    requires_python: str | None
    sha256: str | None
    yanked: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelName:
    """The parts of a wheel's file name: `version` in full, tags as sets of alternatives."""

    project: str
    version: str
    pythons: tuple[str, ...]
    abis: tuple[str, ...]
    platforms: tuple[str, ...]


def pages(
    addresses: Sequence[tuple[str, str]], *, offline: bool = False
) -> Iterator[tuple[IndexFile, ...] | None]:
    """The files of each (index URL, project), in order; None where the index does not have it.

    Raises `AccelselError`: 7 `offline`, `network` (unreachable, or a server's error); 2 `bad-index`
    for a URL or an answer that is no index page.
    """
    if offline:
        raise AccelselError(
            NETWORK, "offline", "reading an index needs the network", help="drop --offline"
        )
    import httpx2

    headers = {"Accept": ACCEPT, "User-Agent": "accelsel"}
    with httpx2.Client(headers=headers, timeout=TIMEOUT_S, follow_redirects=True) as client:
        for index, project in addresses:
            yield _page(client, f"{index.rstrip('/')}/{project}/")


def _page(client: "httpx2.Client", url: str) -> tuple[IndexFile, ...] | None:
    import httpx2

    try:
        answer = client.get(url)
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
    return read_page(answer.text, answer.headers.get("Content-Type", ""), _shown(url))


def read_page(text: str, content_type: str, where: str) -> tuple[IndexFile, ...]:
    """The files of a page. Raises `AccelselError` (2, `bad-index`) where it is none."""
    if "json" in content_type:
        try:
            return tuple(_of_json(file) for file in json.loads(text)["files"])
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
    elif "html" in content_type:
        parser = _Links()
        parser.feed(text)
        return tuple(parser.files)
    raise AccelselError(
        USAGE,
        "bad-index",
        "the answer is no index page",
        where=where,
        help="an index URL ends before the project's name, such as .../whl/cu126",
    )


def wheel_name(name: str) -> WheelName | None:
    """The parts of a wheel's name; None for other files."""
    parts = name.removesuffix(".whl").split("-")
    if not name.endswith(".whl") or len(parts) not in (5, 6):
        return None
    python, abi, platform = (tuple(part.split(".")) for part in parts[-3:])
    return WheelName(
        project=parts[0].replace("_", "-").lower(),
        version=parts[1],
        pythons=python,
        abis=abi,
        platforms=platform,
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
