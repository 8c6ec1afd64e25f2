"""Frozen values: what they share with the standard library's, and that they generate nothing."""

import copy
import pickle
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import MISSING, FrozenInstanceError, asdict, fields, is_dataclass, replace

import pytest

from accelsel.model import value
from accelsel.model.value import dataclass, field


@dataclass(frozen=True, kw_only=True)
class Point:
    x: int
    y: int = 2
    names: tuple[str, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Line:
    text: str


@dataclass(frozen=True, kw_only=True)
class Empty:
    """No fields."""


def test_defaults_are_filled_and_not_shared() -> None:
    one, two = Point(x=1), Point(x=1)
    assert (one.x, one.y, one.names, one.more) == (1, 2, (), {})
    assert one.more is not two.more


@pytest.mark.parametrize("given", [{}, {"y": 1}, {"x": 1, "z": 2}, {"x": 1, "y": 1, "z": 1}])
def test_a_missing_or_unknown_field_is_refused(given: dict[str, int]) -> None:
    with pytest.raises(TypeError, match="missing or unexpected"):
        Point(**given)  # type: ignore[arg-type]


def test_equality_is_of_class_and_values() -> None:
    assert Point(y=2, x=1) == Point(x=1)
    assert Point(x=1) != Point(x=2)
    assert Empty() == Empty()
    assert Point(x=1).__eq__(Empty()) is NotImplemented


def test_the_hash_is_of_the_values() -> None:
    assert hash(Empty()) == hash(Empty())
    assert hash(Line(text="a")) == hash(Line(text="a")) != hash(Line(text="b"))
    with pytest.raises(TypeError):
        hash(Point(x=1))  # it holds a mapping
    assert len({Empty(), Empty()}) == 1


def test_a_value_never_changes() -> None:
    point = Point(x=1)
    with pytest.raises(FrozenInstanceError):
        point.x = 2  # type: ignore[misc]
    with pytest.raises(FrozenInstanceError):
        point.other = 2  # type: ignore[attr-defined]
    with pytest.raises(FrozenInstanceError):
        del point.x
    assert point == Point(x=1)


def test_the_standard_library_takes_it_for_its_own() -> None:
    point = Point(x=1)
    assert is_dataclass(point)
    assert [one.name for one in fields(point)] == ["x", "y", "names", "more"]
    assert replace(point, y=5) == Point(x=1, y=5)
    assert asdict(point) == {"x": 1, "y": 2, "names": (), "more": {}}
    assert copy.deepcopy(point) == point
    assert pickle.loads(pickle.dumps(point)) == point  # noqa: S301  our own bytes
    assert repr(point) == "Point(x=1, y=2, names=(), more={})"


def test_its_own_functions_answer_as_the_standard_librarys() -> None:
    point = Point(x=1)
    assert value.is_dataclass(point)
    assert value.is_dataclass(Point)
    assert not value.is_dataclass(int)
    assert value.replace(point, y=5) == replace(point, y=5)
    with pytest.raises(TypeError, match="missing or unexpected: z"):
        value.replace(point, z=5)  # type: ignore[call-arg]
    for ours, theirs in zip(value.fields(Point), fields(Point), strict=True):
        assert (ours.name, ours.type) == (theirs.name, theirs.type)
        assert (ours.default is value.MISSING) == (theirs.default is MISSING)
        assert (ours.default_factory is value.MISSING) == (theirs.default_factory is MISSING)


@pytest.mark.parametrize(
    "asked", [{"frozen": False, "kw_only": True}, {"frozen": True, "kw_only": False}]
)
def test_another_class_is_refused(asked: dict[str, bool]) -> None:
    with pytest.raises(TypeError, match="frozen and takes keywords alone"):
        dataclass(**asked)


def test_the_standard_library_is_not_loaded_for_it() -> None:
    code = "import sys, accelsel.model.plan; print('dataclasses' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


def test_no_method_of_a_value_is_compiled_for_it() -> None:
    for name in ("__init__", "__eq__", "__hash__", "__repr__", "__setattr__"):
        assert getattr(Point, name).__code__ is getattr(Empty, name).__code__
