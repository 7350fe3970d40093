"""Plain JSON values into frozen dataclasses and back; a wrong value is named by its place.

For documents whose shape the domain checks as a whole. Fields are texts, whole numbers, truth values,
enums by their values, dates (ISO 8601), ``X | None``, unions of plain values, ``tuple[X, ...]``,
``Mapping[str | Enum, X]`` and dataclasses.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from enum import Enum
from functools import cache, partial
from types import NoneType, UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

T = TypeVar("T")
_Reader = Callable[[Any], Any]
_PLAIN = frozenset({str, int, bool, NoneType})


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
    # a class is hashable, but to mypy
    of: Any = kind
    try:
        built: T = _reader(of)(value)
    except ShapeWrong as wrong:
        raise ShapeWrong(_inside(where, wrong.where)) from None
    return built


def plain(value: Any, *, nones: bool = False) -> Any:
    """Return the plain JSON values of what `shaped` builds; ``nones``: with the fields that are None."""
    of: Any = type(value)
    if of in _PLAIN:
        return value
    if is_dataclass(value):
        pairs = ((name, getattr(value, name)) for name in _fields(of))
        return {name: plain(member, nones=nones) for name, member in pairs if nones or member is not None}
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {plain(name): plain(member, nones=nones) for name, member in value.items()}
    if isinstance(value, tuple):
        return [plain(member, nones=nones) for member in value]
    return value


@cache
def _reader(kind: Any) -> _Reader:
    """Return what reads the values of one kind: put together once, for every registration is read."""
    origin, inner = get_origin(kind), get_args(kind)
    if is_dataclass(kind):
        return partial(_dataclass, kind)
    if origin in (UnionType, Union):
        one, *others = (part for part in inner if part is not NoneType)
        return partial(_union, inner, None if others else _reader(one))
    if origin is tuple:
        return partial(_tuple, _reader(inner[0]))
    if origin is Mapping:
        return partial(_mapping, _reader(inner[0]), _reader(inner[1]))
    if issubclass(kind, Enum):
        return partial(_converted, kind)
    if kind is date:
        return _day
    return partial(_exactly, kind)


def _union(kinds: tuple[type, ...], read: _Reader | None, value: Any) -> Any:
    # exact types: JSON's true is an int to isinstance
    if type(value) in kinds:
        return value
    if read is None:
        raise ShapeWrong("")
    return read(value)


def _tuple(read: _Reader, value: Any) -> Any:
    if not isinstance(value, list):
        raise ShapeWrong("")
    return tuple(_read(read, member, at) for at, member in enumerate(value))


def _mapping(read_name: _Reader, read_member: _Reader, value: Any) -> Any:
    if not isinstance(value, dict):
        raise ShapeWrong("")
    return {_read(read_name, name, name): _read(read_member, member, name) for name, member in value.items()}


def _converted(convert: Callable[[Any], Any], value: Any) -> Any:
    try:
        return convert(value)
    except ValueError:
        raise ShapeWrong("") from None


def _day(value: Any) -> Any:
    return _converted(date.fromisoformat, value) if isinstance(value, str) else _exactly(date, value)


def _exactly(kind: type, value: Any) -> Any:
    # exact types: JSON's true is an int to isinstance
    if type(value) is not kind:
        raise ShapeWrong("")
    return value


def _dataclass(kind: Any, value: Any) -> Any:
    if type(value) is kind:
        return value
    if not isinstance(value, dict):
        raise ShapeWrong("")
    own = _fields(kind)
    if not value.keys() <= own.keys():
        raise ShapeWrong(str(next(name for name in value if name not in own)))
    built = {}
    for name, (read, needed) in own.items():
        if name in value:
            built[name] = _read(read, value[name], name)
        elif needed:
            raise ShapeWrong(name)
    return kind(**built)


def _read(read: _Reader, value: Any, name: object) -> Any:
    """Read a value that stands under ``name``."""
    try:
        return read(value)
    except ShapeWrong as wrong:
        raise ShapeWrong(_inside(str(name), wrong.where)) from None


@cache
def _fields(kind: Any) -> dict[str, tuple[_Reader, bool]]:
    """Return by a dataclass's names what reads their values, and whether they must be there."""
    hints = get_type_hints(kind)
    return {
        field.name: (
            _reader(hints[field.name]),
            field.default is MISSING and field.default_factory is MISSING,
        )
        for field in fields(kind)
    }


def _inside(where: str, inner: str) -> str:
    return f"{where}.{inner}" if where and inner else where or inner
