"""Frozen values: what they share with the standard library's, and that they generate nothing."""

import copy
import pickle
from collections.abc import Mapping
from dataclasses import FrozenInstanceError, asdict, fields, is_dataclass, replace

import pytest

from accelsel.model.value import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    x: int
    y: int = 2
    names: tuple[str, ...] = ()
    more: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Empty:
    """No fields."""


@dataclass(frozen=True, slots=True)
class Pair:
    a: int
    b: int


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
    assert hash(Pair(1, 2)) == hash(Pair(1, 2))
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


def test_a_class_without_keywords_is_the_standard_librarys_own() -> None:
    assert repr(Pair(1, b=2)) == "Pair(a=1, b=2)"
    with pytest.raises(FrozenInstanceError):
        Pair(1, 2).a = 3  # type: ignore[misc]


def test_no_method_of_a_value_is_compiled_for_it() -> None:
    for name in ("__init__", "__eq__", "__hash__", "__repr__", "__setattr__"):
        assert getattr(Point, name).__code__ is getattr(Empty, name).__code__
