"""The schema holds the shipped files, and our reading of it agrees with the jsonschema package."""

from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from accelsel.knowledge import documents
from accelsel.knowledge.schema import violations

SCHEMA = documents.schema()
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)
FILES = (*documents.SELECTION_FILES, *documents.DEVICE_FILES)
ROWS = {
    table: [row for name in FILES for row in documents.shipped(name).get(table, ())]
    for table in documents.KEYS
}


def test_the_schema_is_a_schema() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)


@pytest.mark.parametrize("name", FILES)
def test_shipped_file(name: str) -> None:
    document = documents.shipped(name)
    VALIDATOR.validate(document)
    assert list(violations(document, SCHEMA)) == []


def test_every_table_has_a_row_schema_and_a_key() -> None:
    assert set(SCHEMA["properties"]) == set(documents.KEYS)


BUILD: dict[str, Any] = {
    "torch": "2.16.0",
    "backend": "cu132",
    "platform": "linux-x86_64",
    "published": True,
    "archs": ["sm_75", "sm_90a"],
    "ptx": [],
    "source": "pypi",
    "checked": "2026-12-01",
    "confidence": "read",
    "arch_confidence": "read",
}
FLOOR: dict[str, Any] = {
    "major": 14,
    "system": "linux",
    "version": "640.10.02",
    "source": "pypi",
    "checked": "2026-12-01",
    "confidence": "read",
}


def without(row: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


BROKEN = {
    "not an object": ([], "", "must be object"),
    "unknown table": ({"bilds": []}, "bilds", "is not a known key"),
    "no list": ({"builds": {}}, "builds", "must be array"),
    "row is no object": ({"builds": ["cu126"]}, "builds[0]", "must be object"),
    "no source": ({"builds": [BUILD, without(BUILD, "source")]}, "builds[1]", "has no source"),
    "no date": ({"builds": [without(BUILD, "checked")]}, "builds[0]", "has no checked"),
    "no confidence": ({"floors": [without(FLOOR, "confidence")]}, "floors[0]", "has no confidence"),
    "unknown key": ({"builds": [BUILD | {"arch": []}]}, "builds[0].arch", "is not a known key"),
    "bad date": (
        {"builds": [BUILD | {"checked": "1.12.26"}]},
        "builds[0].checked",
        "is not a date",
    ),
    "bad word": (
        {"builds": [BUILD | {"confidence": "sure"}]},
        "builds[0].confidence",
        "must be one of verified, read, inferred",
    ),
    "published as text": (
        {"builds": [BUILD | {"published": "yes"}]},
        "builds[0].published",
        "must be one of True, None",
    ),
    "published false": (
        {"builds": [BUILD | {"published": False}]},
        "builds[0].published",
        "must be one of",
    ),
    "bad arch": (
        {"builds": [BUILD | {"archs": ["sm_75", "8.6"]}]},
        "builds[0].archs[1]",
        "is not an architecture",
    ),
    "archs as number": (
        {"builds": [BUILD | {"archs": 86}]},
        "builds[0].archs",
        "must be null or array or string, is 86",
    ),
    "arch twice": (
        {"builds": [BUILD | {"archs": ["sm_75", "sm_75"]}]},
        "builds[0].archs",
        "names something twice",
    ),
    "bad python": (
        {"builds": [BUILD | {"pythons": ["cp312"]}]},
        "builds[0].pythons[0]",
        "is not a Python tag",
    ),
    "no python": ({"builds": [BUILD | {"pythons": []}]}, "builds[0].pythons", "is empty"),
    "bad specifier": (
        {
            "builds": [
                BUILD
                | {"companions": [{"name": "torchvision", "specifier": "0.31", "declared": True}]}
            ]
        },
        "builds[0].companions[0].specifier",
        "is not a specifier set",
    ),
    "flag as major": ({"floors": [FLOOR | {"major": True}]}, "floors[0].major", "must be integer"),
    "http index": (
        {"indexes": [{"name": "a", "url": "http://a.example/", "format": "simple"}]},
        "indexes[0].url",
        "is not an https URL",
    ),
    "credentials in an index": (
        {"indexes": [{"name": "a", "url": "https://me:pw@a.example/", "format": "simple"}]},
        "indexes[0].url",
        "is not an https URL",
    ),
    "no device": (
        {
            "nvidia_devices": [
                without(FLOOR, "major")
                | {"chip": "GX1", "arch": None, "integrated": None, "ids": {}}
            ]
        },
        "nvidia_devices[0].ids",
        "is empty",
    ),
    "device id in capitals": (
        {"amd_devices": [{"name": None, "arch": None, "integrated": None, "ids": {"73BF": None}}]},
        "amd_devices[0].ids.73BF",
        "is not a PCI device id",
    ),
}


@pytest.mark.parametrize(("document", "place", "message"), BROKEN.values(), ids=BROKEN.keys())
def test_broken_document(document: Any, place: str, message: str) -> None:
    assert not VALIDATOR.is_valid(document)
    found = list(violations(document, SCHEMA))
    assert [where for where, what in found if message in what] == [place]


RIGHT = {
    "nothing": {},
    "a build": {"builds": [BUILD]},
    "a build of a named set": {"builds": [BUILD | {"archs": "cuda-75-120"}]},
    "a build of unknown architectures": {"builds": [BUILD | {"archs": None, "ptx": None}]},
    "a build with its own triton": {
        "builds": [
            BUILD | {"triton": {"name": "triton", "specifier": "==4.0.0+git1", "marker": None}}
        ]
    },
    "a floor": {"floors": [FLOOR]},
}


@pytest.mark.parametrize("document", RIGHT.values(), ids=RIGHT.keys())
def test_right_document(document: Any) -> None:
    VALIDATOR.validate(document)
    assert list(violations(document, SCHEMA)) == []


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 99) | st.sampled_from(["sm_75", "read", "x y", ""]),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "stable", "3.12", "kind"]), inner, max_size=3)
    ),
    max_leaves=5,
)


@given(
    table=st.sampled_from(sorted(documents.KEYS)),
    number=st.integers(0, 10_000),
    name=st.integers(0, 30),
    value=VALUES,
)
def test_any_value_in_any_place(table: str, number: int, name: int, value: object) -> None:
    row = dict(ROWS[table][number % len(ROWS[table])])
    row[sorted(row)[name % len(row)]] = value
    document = {table: [row]}
    assert (not list(violations(document, SCHEMA))) == VALIDATOR.is_valid(document)
