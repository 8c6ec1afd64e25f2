"""Plain data to the values of `model`, without a library: what fits is built, the rest is refused.

`ports.parse` asks a library what exactly is wrong with a document; one that fits needs no library.
"""

from collections.abc import Mapping
from math import isfinite
from types import NoneType, UnionType
from typing import Any, Literal, get_args, get_origin

from accelsel.model.value import MISSING, fields, is_dataclass


class MisfitError(ValueError):
    """The data is not of the wanted shape."""


def shaped(kind: Any, data: Any) -> Any:
    """`data`, as JSON gives it, as a value of `kind`: a scalar, a `Literal` of strings, `X | None`,
    `tuple[X, ...]`, `Mapping[str, X]` or a dataclass of such. Unknown keys are ignored, an absent
    nullable key is None, a null where a default stands is the default. MisfitError for all else."""
    if is_dataclass(kind):
        return _built(kind, data)
    if kind is float:
        return _float(data)
    if isinstance(kind, type) and not get_args(kind):
        return _fitting(data, type(data) is kind)
    origin, inner = get_origin(kind), get_args(kind)
    if origin is Literal:
        return _fitting(data, isinstance(data, str) and data in inner)
    if origin is UnionType and inner[1:] == (NoneType,):
        return None if data is None else shaped(inner[0], data)
    if origin is tuple and inner[1:] == (...,):
        return tuple(shaped(inner[0], item) for item in _fitting(data, isinstance(data, list)))
    if origin is Mapping and inner[0] is str:
        pairs = _fitting(data, isinstance(data, dict)).items()
        return {name: shaped(inner[1], item) for name, item in pairs}
    raise MisfitError


def _built(kind: Any, data: Any) -> Any:
    _fitting(data, isinstance(data, dict))
    values: dict[str, Any] = {}
    for field in fields(kind):
        nullable = NoneType in get_args(field.type)
        value = data.get(field.name, None if nullable else MISSING)
        defaulted = field.default is not MISSING or field.default_factory is not MISSING
        if defaulted and not nullable and (value is None or value is MISSING):
            continue
        values[field.name] = shaped(field.type, _fitting(value, value is not MISSING))
    return kind(**values)


def _float(data: Any) -> float:
    _fitting(data, type(data) in (int, float) and isfinite(data))
    return float(data)


def _fitting(data: Any, fits: bool) -> Any:
    if not fits:
        raise MisfitError
    return data
