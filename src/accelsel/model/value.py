"""Frozen values as `dataclasses` declares them, without the code that it generates.

`dataclasses` compiles six methods for each class, half a millisecond apiece, and a command declares
a hundred classes before it does anything. The methods here are the same for all classes. Type
checkers, `fields` and `replace` see what the standard library made.
"""

import dataclasses
from collections.abc import Callable
from operator import attrgetter
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import dataclass, field
else:
    from dataclasses import field

    T = TypeVar("T")

    def dataclass(
        *, frozen: bool = False, slots: bool = False, kw_only: bool = False
    ) -> Callable[[type[T]], type[T]]:
        """As `dataclasses.dataclass`; a class that is frozen and takes keywords alone gets the
        methods of this module, and `slots` then says no more than that it has no other fields."""
        if not (frozen and kw_only):
            return dataclasses.dataclass(frozen=frozen, slots=slots, kw_only=kw_only)
        return _frozen


__all__ = ["dataclass", "field"]


def _frozen(cls: Any) -> Any:
    cls.__doc__ = cls.__doc__ or cls.__name__  # else `dataclasses` works out a signature for it
    made: Any = dataclasses.dataclass(init=False, repr=False, eq=False, kw_only=True)(cls)
    declared = dataclasses.fields(made)
    names = tuple(one.name for one in declared)
    made.__init__ = _init(frozenset(names), tuple(filter(_has_default, declared)))
    made.__eq__, made.__hash__ = _equal, _hashed(names)
    made.__repr__, made.__setattr__, made.__delattr__ = _shown, _refused, _refused
    return made


def _has_default(one: "dataclasses.Field[Any]") -> bool:
    missing = dataclasses.MISSING
    return one.default is not missing or one.default_factory is not missing


def _init(
    names: frozenset[str], optional: "tuple[dataclasses.Field[Any], ...]"
) -> Callable[..., None]:
    def __init__(self: Any, /, **given: Any) -> None:  # noqa: N807
        held = self.__dict__
        if len(given) < len(names):
            for one in optional:
                factory: Any = one.default_factory
                missing = factory is dataclasses.MISSING
                if one.name not in given:
                    held[one.name] = one.default if missing else factory()
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
    held = (f"{one.name}={getattr(self, one.name)!r}" for one in dataclasses.fields(self))
    return f"{type(self).__qualname__}({', '.join(held)})"


def _refused(self: Any, name: str, _value: object = None) -> None:
    raise dataclasses.FrozenInstanceError(f"{type(self).__name__}.{name} cannot be changed")
