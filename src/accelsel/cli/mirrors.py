"""Mirrors: pairs of URL prefixes, of which the second stands in the place of the first."""

from collections.abc import Mapping, Sequence

from accelsel.cli import present
from accelsel.model.config import Config
from accelsel.model.errors import USAGE, AccelselError


def mirrors(
    named: Sequence[str], config: Config, env: Mapping[str, str]
) -> tuple[tuple[str, str], ...]:
    """Pairs of URL prefixes, longest first: those named by flag, else by `ACCELSEL_MIRROR`, else in
    the settings."""
    given = named or tuple(env.get("ACCELSEL_MIRROR", "").split())
    pairs = [_mirror(text) for text in given] if given else list(config.mirror.items())
    for source, target in pairs:
        _refuse_bad_mirror(source, target)
    return tuple(sorted(pairs, key=lambda pair: -len(pair[0])))


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
