"""The JSON Schemas of the documents, made from the values themselves. An importer of pydantic."""

from collections.abc import Callable
from typing import Any

from accelsel.model.errors import USAGE, AccelselError
from accelsel.ports.documents import VERSION


def _types() -> dict[str, Any]:
    from accelsel.model.config import Config
    from accelsel.model.finding import Report
    from accelsel.model.fleet import Fleet
    from accelsel.model.profile import Profile
    from accelsel.model.report import ErrorDocument, PlanDocument
    from accelsel.model.selection import Selection

    return {
        "profile": Profile,
        "selection": Selection,
        "plan": PlanDocument,
        "report": Report,
        "fleet": Fleet,
        "config": Config,
        "error": ErrorDocument,
    }


def names() -> tuple[str, ...]:
    return tuple(_types())


def schema(name: str) -> dict[str, Any]:
    """The JSON Schema (draft 2020-12) of the document `name`; an unknown name is an error."""
    from pydantic import TypeAdapter

    kind = _types().get(name)
    if kind is None:
        raise AccelselError(
            USAGE,
            "unknown-schema",
            f"there is no document {name!r}",
            help=f"one of: {', '.join(names())}",
        )
    make: Callable[..., dict[str, Any]] = TypeAdapter(kind).json_schema
    body = make(mode="validation" if name == "config" else "serialization")
    if name == "config":
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body}
    marked = {"schema": {"const": f"accelsel.{name}/{VERSION}"}}
    body["properties"] = {**marked, **body.get("properties", {})}
    body["required"] = ["schema", *body.get("required", [])]
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **body}
