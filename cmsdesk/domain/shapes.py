"""Plain JSON values into frozen dataclasses and back; a wrong value is named by its place.

For documents whose shape the domain checks as a whole. Fields are texts, whole numbers, truth values,
enums by their values, dates (ISO 8601), ``X | None``, unions of plain values, ``tuple[X, ...]``,
``Mapping[str | Enum, X]`` and dataclasses.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")


class ShapeWrong(ValueError):
    """A value does not fit."""

    def __init__(self, where: str) -> None:
        super().__init__(f"«{where}» is missing, unknown or of a wrong kind")
        self.where = where
        """Names from the outermost in, joined by points."""


def shaped(kind: type[T], value: object, where: str = "") -> T:
    """Return the dataclass ``kind`` that plain values describe.

    Raises:
        ShapeWrong: a value is missing, unknown or of another kind.
    """
    built: T = _build(kind, value, where)
    return built


def plain(value: Any) -> Any:
    """Return the plain JSON values of what `shaped` builds; fields that are None are left out."""
    if is_dataclass(value):
        pairs = ((field.name, getattr(value, field.name)) for field in fields(value))
        return {name: plain(member) for name, member in pairs if member is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {plain(name): plain(member) for name, member in value.items()}
    if isinstance(value, tuple):
        return [plain(member) for member in value]
    return value


def _build(kind: Any, value: Any, where: str) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return value if type(value) is kind else _dataclass(kind, value, where)
    origin, inner = get_origin(kind), get_args(kind)
    if origin in (UnionType, Union):
        # exact types: JSON's true is an int to isinstance
        if type(value) in inner:
            return value
        one, *others = (part for part in inner if part is not NoneType)
        if others:
            raise ShapeWrong(where)
        return _build(one, value, where)
    if origin is tuple:
        if not isinstance(value, list):
            raise ShapeWrong(where)
        return tuple(_build(inner[0], member, _inside(where, at)) for at, member in enumerate(value))
    if origin is Mapping:
        if not isinstance(value, dict):
            raise ShapeWrong(where)
        return {
            _build(inner[0], name, _inside(where, name)): _build(inner[1], member, _inside(where, name))
            for name, member in value.items()
        }
    if issubclass(kind, Enum):
        return _member(kind, value, where)
    if kind is date and isinstance(value, str):
        return _day(value, where)
    # exact types: JSON's true is an int to isinstance
    if type(value) is not kind:
        raise ShapeWrong(where)
    return value


def _dataclass(kind: type[Any], value: Any, where: str) -> Any:
    if not isinstance(value, dict):
        raise ShapeWrong(where)
    # a dataclass is hashable as any class, but to mypy
    of: Any = kind
    own, hints = _fields(of)
    built = {}
    for name in value:
        if name not in own:
            raise ShapeWrong(_inside(where, name))
    for name, field in own.items():
        if name in value:
            built[name] = _build(hints[name], value[name], _inside(where, name))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise ShapeWrong(_inside(where, name))
    return kind(**built)


@cache
def _fields(kind: Any) -> tuple[dict[str, Field[Any]], dict[str, Any]]:
    """Return a dataclass's fields and their types by name."""
    return {field.name: field for field in fields(kind)}, get_type_hints(kind)


def _day(value: str, where: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError:
        raise ShapeWrong(where) from None


def _member(kind: type[Enum], value: Any, where: str) -> Enum:
    try:
        return kind(value)
    except ValueError:
        raise ShapeWrong(where) from None


def _inside(where: str, name: object) -> str:
    return f"{where}.{name}" if where else str(name)
