"""Settings outside the project file under which uv does not follow it."""

import re
import sys
import tomllib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from accelsel.apply.workspace import root_of
from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.value import dataclass

_FALSE = {"", "0", "false", "f", "no", "n", "off"}  # as uv reads a flag's variable
_BACKEND = re.compile(r"(cpu|xpu|cu\d{2,3}|rocm\d+(\.\d+)*)$")


@dataclass(frozen=True, kw_only=True)
class Hazard:
    """A setting that gets in the way: `defeats` where the pin has no effect with it."""

    code: str
    message: str
    help: str
    where: str
    defeats: bool


@dataclass(frozen=True, kw_only=True)
class _Routes:
    """What the project file names: the indexes with their URLs, the packages with a source."""

    indexes: Mapping[str, str]
    packages: Collection[str]


def hazards(
    root: Path,
    env: Mapping[str, str],
    *,
    indexes: Mapping[str, str] | None = None,
    packages: Collection[str] = (),
) -> tuple[Hazard, ...]:
    """What of the environment and of uv's own files gets in the way of a pin in the project.

    `root` is the folder of the project, alone or in a workspace; `indexes` (name to URL) and
    `packages` are what the project file names or will name. The tests show each case with uv.
    """
    routes = _Routes(indexes=indexes or {}, packages=packages)
    found = [*_of_environment(env, routes), *_beside(root)]
    config = env.get("UV_CONFIG_FILE")
    if config:
        found += _of_config(Path(config), routes, above=True)
    elif not true_flag(env.get("UV_NO_CONFIG")):
        for path in user_configs(env):
            found += _of_config(path, routes, above=False)
    return tuple(found)


def refuse(found: Collection[Hazard]) -> None:
    """None of them defeats the pin. Raises `AccelselError` (2) with the first that does."""
    for hazard in found:
        if hazard.defeats:
            raise AccelselError(
                USAGE, hazard.code, hazard.message, where=hazard.where, help=hazard.help
            )


def _of_environment(env: Mapping[str, str], routes: _Routes) -> Iterator[Hazard]:
    def variable(name: str, message: str, *, defeats: bool = True) -> Hazard:
        code = name.lower().replace("_", "-")
        return Hazard(
            code=code, message=message, help=f"unset {name}", where=f"env:{name}", defeats=defeats
        )

    for name, effect in (
        ("UV_FROZEN", "keeps the old lock file, so the pin would have no effect"),
        ("UV_LOCKED", "forbids uv to write the lock file, so the pin would have no effect"),
        ("UV_NO_SOURCES", "makes uv ignore tool.uv.sources, so the pin would have no effect"),
    ):
        if true_flag(env.get(name)):
            yield variable(name, f"{name} {effect}")
    skipped = set(re.split(r"[\s,]+", env.get("UV_NO_SOURCES_PACKAGE", "")))
    if hit := sorted(skipped & set(routes.packages)):
        text = f"UV_NO_SOURCES_PACKAGE makes uv ignore the source of {', '.join(hit)}"
        yield variable("UV_NO_SOURCES_PACKAGE", text)
    for name in ("UV_INDEX", "UV_EXTRA_INDEX_URL", "UV_DEFAULT_INDEX", "UV_INDEX_URL"):
        for entry in env.get(name, "").split():
            label, url = _entry(entry)
            if problem := _index_problem(label, url, routes):
                yield variable(name, f"{name} {problem}")
    if env.get("UV_RESOLUTION", "").startswith("lowest"):
        text = "UV_RESOLUTION makes uv take the oldest torch that the bounds allow"
        yield variable("UV_RESOLUTION", text, defeats=False)
    if env.get("UV_EXCLUDE_NEWER"):
        text = "UV_EXCLUDE_NEWER leaves out files without an upload date, and PyTorch's have none"
        yield variable("UV_EXCLUDE_NEWER", text, defeats=False)
    if true_flag(env.get("UV_NO_SYNC")):
        text = "UV_NO_SYNC keeps `uv run` from installing what is pinned"
        yield variable("UV_NO_SYNC", text, defeats=False)


def _beside(root: Path) -> Iterator[Hazard]:
    path = root_of(root / "pyproject.toml") / "uv.toml"
    if path.is_file():
        yield Hazard(
            code="uv-toml",
            message="a uv.toml beside pyproject.toml makes uv ignore the indexes of [tool.uv]",
            help="move its settings into [tool.uv] of pyproject.toml and remove it",
            where=str(path),
            defeats=True,
        )


def _of_config(path: Path, routes: _Routes, *, above: bool) -> Iterator[Hazard]:
    """Those of a uv.toml. `above`: its index goes before the project's index of the same name."""
    try:
        settings = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return  # uv says itself what is wrong with it
    where = str(path)
    if settings.get("no-sources") is True:
        yield Hazard(
            code="uv-config",
            message="no-sources in uv's configuration makes uv ignore tool.uv.sources",
            help=f"remove no-sources from {path}",
            where=where,
            defeats=True,
        )
    for label, url in _configured(settings):
        if problem := _index_problem(label if above else None, url, routes):
            name = f" {label}" if label else ""
            yield Hazard(
                code="uv-config",
                message=f"the index{name} in uv's configuration {problem}",
                help=f"remove it from {path}, or mark it explicit = true",
                where=where,
                defeats=above or label not in routes.indexes,
            )


def _configured(settings: Mapping[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Names and URLs of the indexes in a uv.toml that uv searches without being asked to."""
    entries = settings.get("index", [])
    for entry in entries if isinstance(entries, list) else []:
        searched = isinstance(entry, dict) and entry.get("explicit") is not True
        if searched and isinstance(entry.get("url"), str):
            yield entry.get("name"), entry["url"]
    urls = settings.get("extra-index-url", [])
    for url in [settings.get("index-url"), *(urls if isinstance(urls, list) else [])]:
        if isinstance(url, str):
            yield None, url


def _entry(entry: str) -> tuple[str | None, str]:
    """Name and URL of uv's `[name=]url`."""
    label, equals, url = entry.partition("=")
    return (label, url) if equals and "/" not in label else (None, entry)


def _index_problem(label: str | None, url: str, routes: _Routes) -> str | None:
    """What an index that is searched for everything does to the pin; None where nothing."""
    if label is not None and label in routes.indexes:
        return f"replaces the index {label} of the project and makes it serve every package"
    parent, name = _place(url)
    beside = {_place(other)[0] for other in routes.indexes.values()}
    if _BACKEND.match(name) or parent in beside:
        return "puts an index of torch builds in front of all others, for every package"
    return None


def _place(url: str) -> tuple[str, str]:
    """The address without its last part, and that part."""
    split = urlsplit(url)
    path, _, name = split.path.rstrip("/").rpartition("/")
    return f"{split.hostname}:{split.port}{path}", name


def user_configs(env: Mapping[str, str]) -> Iterator[Path]:
    if sys.platform == "win32":
        for name in ("APPDATA", "PROGRAMDATA"):
            if base := env.get(name):
                yield Path(base) / "uv" / "uv.toml"
        return
    home = env.get("XDG_CONFIG_HOME") or (f"{env['HOME']}/.config" if env.get("HOME") else None)
    if home:
        yield Path(home) / "uv" / "uv.toml"
    for base in (env.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"):
        yield Path(base) / "uv" / "uv.toml"
    yield Path("/etc/uv/uv.toml")


def true_flag(value: str | None) -> bool:
    """Whether uv takes the value of a variable for yes."""
    return value is not None and value.strip().lower() not in _FALSE
