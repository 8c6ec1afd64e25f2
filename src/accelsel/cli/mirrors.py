"""Mirrors: pairs of URL prefixes, of which the second stands in the place of the first."""

from collections.abc import Iterable, Mapping, Sequence

from accelsel.cli import present
from accelsel.model.config import Config
from accelsel.model.errors import USAGE, AccelselError


def mirrors(
    named: Sequence[str], config: Config, env: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Pairs of URL prefixes, longest first: those named by flag, else by `ACCELSEL_MIRROR`, else in
    the settings."""
    given = _given(named, env)
    pairs = [_mirror(text) for text in given] if given else list(config.mirror.items())
    for source, target in pairs:
        _refuse_bad_mirror(source, target)
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


def recorded(
    named: Sequence[str], config: Config, env: Mapping[str, str], urls: Iterable[str]
) -> list[str]:
    """Those that one of `urls` is behind, as `FROM=TO`; [] where the settings name them, since they
    do so again the next time."""
    from accelsel.project.indexes import mirrored

    pairs = mirrors(named, config, env) if _given(named, env) else ()
    used = (next((pair for pair in pairs if mirrored(url, (pair,)) != url), None) for url in urls)
    return ["=".join(pair) for pair in dict.fromkeys(filter(None, used))]


def _given(named: Sequence[str], env: Mapping[str, str]) -> tuple[str, ...]:
    return tuple(named) or tuple(env.get("ACCELSEL_MIRROR", "").split())


def _mirror(text: str) -> tuple[str, str]:
    source, equals, target = text.partition("=")
    if not equals:
        raise AccelselError(
            USAGE, "bad-mirror", f"--mirror {present.one_line(text)!r} is not FROM=TO",
            help="--mirror https://download.pytorch.org/whl=https://mirror.example/whl",
        )  # fmt: skip
    return source, target


def _refuse_bad_mirror(source: str, target: str) -> None:
    from urllib.parse import urlsplit

    for url in (source, target):
        try:
            parts = urlsplit(url)
        except ValueError:
            parts = urlsplit("")
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise AccelselError(
                USAGE, "bad-mirror", f"{present.one_line(url)!r} is not an http(s) URL",
                help="--mirror https://download.pytorch.org/whl=https://mirror.example/whl",
            )  # fmt: skip
        if "@" in parts.netloc:
            raise AccelselError(
                USAGE, "bad-mirror", "a mirror's URL must not hold credentials",
                help="uv reads them from UV_INDEX_<NAME>_USERNAME and UV_INDEX_<NAME>_PASSWORD",
            )  # fmt: skip
