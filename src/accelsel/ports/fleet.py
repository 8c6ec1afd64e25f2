"""Profiles of many hosts in, as schedulers and shells collect them; the fleet document out."""

import json
from collections.abc import Iterator
from typing import Any

from accelsel.model.errors import USAGE, AccelselError
from accelsel.model.fleet import Fleet, Node
from accelsel.model.profile import Profile
from accelsel.ports import parse
from accelsel.ports.documents import document, plain


def read(text: str, where: str) -> Iterator[Profile | Node]:
    """The profiles of `text`, and the nodes of fleets: documents one after another, a line each or
    not, or lists of them. AccelselError (2) for anything else, with its line."""
    for line, data in _values(text, where):
        place = f"{where}:{line}" if line > 1 else where
        for one in data if isinstance(data, list) else [data]:
            body = json.dumps(one)
            if isinstance(one, dict) and str(one.get("schema")).startswith("accelsel.fleet/"):
                yield from _counted(parse.fleet(body, place).nodes, place)
            else:
                yield parse.profile(body, place)


def _counted(nodes: tuple[Node, ...], where: str) -> tuple[Node, ...]:
    for node in nodes:
        if node.count < 1:
            message = f"fleet: {node.name!r} stands for {node.count} hosts"
            raise AccelselError(
                USAGE, "invalid-document", message, where=where, help="a node is one host or more"
            )
    return nodes


def _values(text: str, where: str) -> Iterator[tuple[int, Any]]:
    """Each JSON value of `text` with the number of its first line."""
    decoder, line, start = json.JSONDecoder(), 1, 0
    while start < len(text):
        end = start + 1
        if not text[start].isspace():
            try:
                value, end = decoder.raw_decode(text, start)
            except (ValueError, RecursionError) as error:
                message = getattr(error, "msg", "nested too deeply")
                raise AccelselError(
                    USAGE,
                    "invalid-json",
                    f"not a JSON document: {message}",
                    where=f"{where}:{getattr(error, 'lineno', line)}",
                    help="write one on each node with `accelsel fleet probe`",
                ) from None
            yield line, value
        line += text.count("\n", start, end)
        start = end


def fleet(value: Fleet) -> dict[str, Any]:
    """The fleet document; the profiles and selections in it are documents too, so that each can be
    taken out and used."""
    nodes = [
        {"name": one.name, "count": one.count, "profile": document("profile", one.profile)}
        for one in value.nodes
    ]
    groups = [
        {**plain(one), "selection": document("selection", one.selection)} for one in value.groups
    ]
    return {**document("fleet", value), "nodes": nodes, "groups": groups}
