"""Documents in: text from outside to values, or one clear error. An importer of pydantic."""

import json
from contextlib import suppress
from types import NoneType
from typing import TYPE_CHECKING, Any, TypeVar, get_args, get_type_hints

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.profile import Profile
from accelsel.model.value import MISSING, fields, is_dataclass
from accelsel.ports.documents import VERSION
from accelsel.ports.shape import MisfitError, shaped

if TYPE_CHECKING:
    from accelsel.model.fleet import Nodes

T = TypeVar("T")


def profile(text: str, where: str) -> Profile:
    """The profile that a document holds; `where` names the document in errors."""
    return _value(Profile, "profile", text, where)


def fleet(text: str, where: str) -> "Nodes":
    """The nodes that a fleet document holds."""
    from accelsel.model.fleet import Nodes

    return _value(Nodes, "fleet", text, where)


def _value(kind: type[T], name: str, text: str, where: str) -> T:
    data = _json(text, where)
    found = data.get("schema") if isinstance(data, dict) else None
    if found != f"accelsel.{name}/{VERSION}":
        raise AccelselError(
            USAGE,
            "wrong-schema",
            f"expected a document accelsel.{name}/{VERSION}, found {_named(found)}",
            where=where,
            help=f"write one with `accelsel detect --format json > {name}.json`"
            if name == "profile"
            else None,
        )
    if "\\u" not in text:  # an escape may be half a character, which is no text
        with suppress(MisfitError):
            value: T = shaped(kind, data)
            return value
    return _validated(kind, name, data, where)


def _validated(kind: type[T], name: str, data: Any, where: str) -> T:
    """`data` as a value of `kind`, or the error that says what is wrong with it."""
    from pydantic import TypeAdapter, ValidationError

    try:
        return TypeAdapter(kind).validate_json(json.dumps(_completed(data, kind)), strict=True)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        place = ".".join(str(part) for part in first["loc"])
        raise AccelselError(
            USAGE,
            "invalid-document",
            f"{name}: {place}: {first['msg'][:1].lower()}{first['msg'][1:]}",
            where=where,
            help=f"`accelsel schema {name}` prints what is expected",
        ) from None


def _json(text: str, where: str) -> Any:
    try:
        return json.loads(text)
    except (ValueError, RecursionError) as error:
        line = getattr(error, "lineno", None)
        deep = isinstance(error, RecursionError)
        why = "nested too deeply" if deep else "a number has too many digits"
        raise AccelselError(
            USAGE,
            "invalid-json",
            f"not a JSON document: {getattr(error, 'msg', why)}",
            where=f"{where}:{line}" if line else where,
            help="write one with `accelsel detect --format json`",
        ) from None


def _named(schema: object) -> str:
    return f"{schema[:60]!r}" if isinstance(schema, str) else "a document without a schema"


def _completed(data: Any, kind: Any) -> Any:
    """`data` with null where a nullable key is absent, so that a shorter document is readable."""
    if is_dataclass(kind) and isinstance(data, dict):
        hints = get_type_hints(kind)
        out = dict(data)
        for field in fields(kind):
            hint = hints[field.name]
            if field.name in out:
                out[field.name] = _completed(out[field.name], hint)
                if out[field.name] is None and NoneType not in get_args(hint):
                    _default(out, field)
            elif NoneType in get_args(hint):
                out[field.name] = None
        return out
    if isinstance(data, list):
        inner = next((arg for arg in get_args(kind) if is_dataclass(arg)), None)
        return [_completed(item, inner) for item in data]
    for option in get_args(kind):
        if is_dataclass(option) and isinstance(data, dict):
            return _completed(data, option)
    return data


def _default(out: dict[str, Any], field: Any) -> None:
    """A null for a key that has a default means that default."""
    if field.default is not MISSING or field.default_factory is not MISSING:
        del out[field.name]
