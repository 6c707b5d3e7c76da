"""An attribute that is made when it is first asked for.

`functools.cached_property` holds one lock for all instances while it makes a value (up to Python 3.11), so threads that
judge different pictures would wait for each other. Here two threads that ask the same instance at once may both make it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

T = TypeVar("T")


class once(Generic[T]):  # noqa: N801 - read as a decorator, like `property`
    """Decorates a method without arguments; the value then stands in the instance's own dictionary."""

    def __init__(self, make: Callable[[Any], T]) -> None:
        self._make = make
        self._name = make.__name__
        self.__doc__ = make.__doc__

    def __get__(self, instance: object, owner: type) -> T:
        value = instance.__dict__[self._name] = self._make(instance)
        return value
