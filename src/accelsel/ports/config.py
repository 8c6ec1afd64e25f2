"""Settings in: a TOML table to `Config`, without any library, since `pin --check` reads it too."""

from collections.abc import Mapping
from typing import Any

from accelsel.model.config import Config
from accelsel.model.errors import USAGE, AccelselError

TEXTS = ("backend", "torch", "python", "platform", "channel", "gpu", "fallback", "rules")
SWITCHES = ("strict", "offline", "allow-arch-override")
LISTS = {"with": "companions", "prebuilt": "prebuilt", "vendors": "vendors"}
CHOICES = {"channel": ("stable", "test", "nightly"), "fallback": ("cpu",)}
RECORD = "pin"  # the record of `accelsel pin`, which is not a setting


def read(table: Mapping[str, Any], where: str) -> Config:
    """The settings of a table; a wrong type or an unknown key is an error that names it."""
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key == RECORD:
            continue
        if key in TEXTS:
            _must(isinstance(value, str), key, "a string", where)
            if key in CHOICES:
                _must(value in CHOICES[key], key, " or ".join(CHOICES[key]), where)
            values[key] = value
        elif key in SWITCHES:
            _must(isinstance(value, bool), key, "true or false", where)
            values[key.replace("-", "_")] = value
        elif key in LISTS:
            _must(_strings(value), key, "an array of strings", where)
            values[LISTS[key]] = tuple(value)
        elif key == "mirror":
            ok = isinstance(value, dict) and _strings(list(value.values()))
            _must(ok, key, "a table of URL prefixes", where)
            values[key] = dict(value)
        else:
            known = (*TEXTS, *SWITCHES, *LISTS, "mirror")
            raise AccelselError(
                USAGE,
                "unknown-setting",
                f"accelsel does not know the setting {key!r}",
                where=where,
                help=f"one of: {', '.join(known)}",
            )
    return Config(**values)


def _strings(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, str) for item in value)


def _must(ok: bool, key: str, what: str, where: str) -> None:
    if not ok:
        raise AccelselError(USAGE, "invalid-setting", f"{key} must be {what}", where=where)
