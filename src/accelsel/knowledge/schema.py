"""The part of JSON Schema that the table's schema uses, so that one schema serves tests and users.

Draft 2020-12 keywords: `$ref` into `$defs`, `type`, `enum`, `pattern`, `anyOf`, `required`,
`properties`, `additionalProperties`, `propertyNames`, `items`, `minItems`, `uniqueItems`,
`minProperties`. The tests compare it with the jsonschema package.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Final

Violation = tuple[str, str]

_MUST_BE: Final = "must be "

_TYPES: Final[Mapping[str, Callable[[Any], bool]]] = {
    "object": lambda value: isinstance(value, dict),
    "array": lambda value: isinstance(value, list),
    "string": lambda value: isinstance(value, str),
    "integer": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "boolean": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
}


def violations(value: Any, schema: Mapping[str, Any]) -> Iterator[Violation]:
    """Where `value` breaks `schema`: (place such as `builds[3].archs`, what is wrong), in order."""
    return _check(value, schema, schema.get("$defs", {}), "")


def _check(
    value: Any, schema: Mapping[str, Any], definitions: Mapping[str, Any], place: str
) -> Iterator[Violation]:
    if "$ref" in schema:
        schema = {**definitions[schema["$ref"].removeprefix("#/$defs/")], **schema}
    if "anyOf" in schema:
        branches = [list(_check(value, one, definitions, place)) for one in schema["anyOf"]]
        if all(branches):
            yield _nearest([found[0] for found in branches], value, place)
            return
    if "type" in schema:
        names = schema["type"] if isinstance(schema["type"], list) else [schema["type"]]
        if not any(_TYPES[name](value) for name in names):
            yield place, f"{_MUST_BE}{' or '.join(names)}, is {_short(value)}"
            return
    if "enum" in schema and value not in schema["enum"]:
        allowed = ", ".join(str(one) for one in schema["enum"])
        yield place, f"must be one of {allowed}, is {_short(value)}"
    if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
        yield place, f"{_short(value)} is not {schema.get('description', schema['pattern'])}"
    if isinstance(value, dict):
        yield from _object(value, schema, definitions, place)
    if isinstance(value, list):
        yield from _array(value, schema, definitions, place)


def _nearest(found: list[Violation], value: Any, place: str) -> Violation:
    """Of the first violations of each branch that of the branch whose type the value has."""
    kinds = [one for one in found if one[0] == place and one[1].startswith(_MUST_BE)]
    if len(kinds) == len(found):
        names = [message.removeprefix(_MUST_BE).partition(", is")[0] for _, message in kinds]
        return place, f"{_MUST_BE}{' or '.join(names)}, is {_short(value)}"
    return next(one for one in found if one not in kinds)


def _object(
    value: dict[str, Any], schema: Mapping[str, Any], definitions: Mapping[str, Any], place: str
) -> Iterator[Violation]:
    for name in schema.get("required", ()):
        if name not in value:
            yield place, f"has no {name}"
    if len(value) < schema.get("minProperties", 0):
        yield place, "is empty"
    properties = schema.get("properties", {})
    rest = schema.get("additionalProperties", True)
    for name, item in value.items():
        inner = f"{place}.{name}" if place else name
        for _, message in _check(name, schema.get("propertyNames", {}), definitions, inner):
            yield inner, message
        if name in properties:
            yield from _check(item, properties[name], definitions, inner)
        elif rest is False:
            yield inner, "is not a known key"
        elif rest is not True:
            yield from _check(item, rest, definitions, inner)


def _array(
    value: list[Any], schema: Mapping[str, Any], definitions: Mapping[str, Any], place: str
) -> Iterator[Violation]:
    if len(value) < schema.get("minItems", 0):
        yield place, "is empty"
    if schema.get("uniqueItems") and len({repr(item) for item in value}) < len(value):
        yield place, "names something twice"
    if "items" in schema:
        for number, item in enumerate(value):
            yield from _check(item, schema["items"], definitions, f"{place}[{number}]")


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 40 else f"{text[:37]}..."
