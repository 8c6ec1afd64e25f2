"""Frozen values as `dataclasses` declares them, without the code that it generates or its import.

`dataclasses` brings `inspect` along, and compiles six methods for each class, half a millisecond
apiece: a command declares a hundred classes before it does anything. The methods here are the same
for all classes. To everybody else a class is a data class: type checkers see one, and the fields of
the standard library are made when somebody asks for them.
"""

from collections.abc import Callable, Iterable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import dataclasses
    from dataclasses import MISSING, dataclass, field, fields, is_dataclass, replace
else:
    T = TypeVar("T")
    MISSING = object()

    def dataclass(*, frozen: bool, kw_only: bool) -> Callable[[type[T]], type[T]]:
        """As `dataclasses.dataclass`, for a class that is frozen and takes keywords alone."""
        if not (frozen and kw_only):
            raise TypeError("a value is frozen and takes keywords alone")
        return _frozen

    def field(*, default_factory: Callable[[], Any]) -> "_Field":
        """As `dataclasses.field`, for a default that is made anew."""
        return _Field("", None, MISSING, default_factory)

    def fields(kind: Any) -> tuple["_Field", ...]:
        """As `dataclasses.fields`, of a class of values or of one of them."""
        return kind.__values__

    def is_dataclass(kind: Any) -> bool:
        """As `dataclasses.is_dataclass`, for the classes of values."""
        return hasattr(kind, "__values__")

    def replace(value: T, **changes: Any) -> T:
        """As `dataclasses.replace`."""
        return type(value)(**(value.__dict__ | changes))


__all__ = ["MISSING", "dataclass", "field", "fields", "is_dataclass", "replace"]


class _Field:
    """What is declared of a field, as far as somebody here asks."""

    __slots__ = ("default", "default_factory", "name", "type")

    def __init__(self, name: str, kind: Any, default: Any, factory: Any) -> None:
        self.name, self.type, self.default, self.default_factory = name, kind, default, factory


class _Standard:
    """The fields as the standard library makes them, on first use."""

    def __get__(self, _value: Any, kind: Any) -> "dict[str, dataclasses.Field[Any]]":
        import dataclasses

        rows = [(one.name, one.type, _standard(one)) for one in kind.__values__]
        twin: Any = dataclasses.make_dataclass(kind.__name__, rows, kw_only=True)
        kind.__dataclass_fields__ = twin.__dataclass_fields__
        return kind.__dataclass_fields__  # type: ignore[no-any-return]


def _standard(one: _Field) -> Any:
    import dataclasses

    if one.default_factory is not MISSING:
        return dataclasses.field(default_factory=one.default_factory)
    return dataclasses.field() if one.default is MISSING else dataclasses.field(default=one.default)


def _frozen(cls: Any) -> Any:
    declared = tuple(_declared(cls, *row) for row in cls.__annotations__.items())
    names = tuple(one.name for one in declared)
    cls.__values__ = declared
    cls.__dataclass_fields__ = _Standard()
    cls.__init__ = _init(frozenset(names), tuple(filter(_has_default, declared)))
    cls.__eq__, cls.__hash__ = _equal, _hashed(names)
    cls.__repr__, cls.__setattr__, cls.__delattr__ = _shown, _refused, _refused
    return cls


def _declared(cls: Any, name: str, kind: Any) -> _Field:
    default = cls.__dict__.get(name, MISSING)
    if isinstance(default, _Field):
        delattr(cls, name)
        return _Field(name, kind, MISSING, default.default_factory)
    return _Field(name, kind, default, MISSING)


def _has_default(one: _Field) -> bool:
    return one.default is not MISSING or one.default_factory is not MISSING


def _init(names: frozenset[str], optional: Iterable[_Field]) -> Callable[..., None]:
    def __init__(self: Any, /, **given: Any) -> None:  # noqa: N807
        held = self.__dict__
        if len(given) < len(names):
            for one in optional:
                if one.name not in given:
                    made = one.default_factory
                    held[one.name] = one.default if made is MISSING else made()
        held.update(given)
        if held.keys() != names:
            wrong = ", ".join(sorted(held.keys() ^ names))
            raise TypeError(f"{type(self).__name__}: missing or unexpected: {wrong}")

    return __init__


def _equal(self: Any, other: Any) -> Any:
    if type(self) is not type(other):
        return NotImplemented
    return self.__dict__ == other.__dict__


def _hashed(names: tuple[str, ...]) -> Callable[[Any], int]:
    values: Callable[[Any], Any] = attrgetter(*names) if names else lambda _self: ()

    def __hash__(self: Any) -> int:  # noqa: N807
        return hash(values(self))

    return __hash__


def _shown(self: Any) -> str:
    held = (f"{one.name}={getattr(self, one.name)!r}" for one in fields(self))
    return f"{type(self).__qualname__}({', '.join(held)})"


def _refused(self: Any, name: str, _value: object = None) -> None:
    from dataclasses import FrozenInstanceError

    raise FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")
