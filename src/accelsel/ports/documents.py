"""Documents out: values to plain data, every one beginning with its schema. Imports no library."""

from collections.abc import Mapping
from typing import Any

from accelsel.model.value import fields, is_dataclass

VERSION = 1


def plain(value: Any) -> Any:
    """`value` as JSON's own types: a dataclass becomes an object with its fields in order."""
    if value is None or isinstance(value, str | int | float | bool):
        return value
    if is_dataclass(value):
        return {field.name: plain(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, Mapping):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value]


def document(name: str, value: Any) -> dict[str, Any]:
    """The document `name` for a value or a mapping."""
    return {"schema": f"accelsel.{name}/{VERSION}", **plain(value)}
