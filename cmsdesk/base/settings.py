"""Settings: one TOML file, read once into frozen dataclasses; a mistake in it is named, with its place."""

from __future__ import annotations

import tomllib
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from types import UnionType
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_

T = TypeVar("T")


class SettingsWrong(Mendable):
    """The settings file cannot be used."""

    code = "SETTINGS"
    cause = N_("The settings file «{file}» cannot be used: {where} {problem}.")
    next_step = N_("Correct the file and start again.")


@dataclass(frozen=True)
class _Place:
    file: str
    base: Path
    path: str = ""

    def inside(self, name: str) -> _Place:
        return _Place(self.file, self.base, f"{self.path}.{name}" if self.path else name)

    def wrong(self, problem: str, detail: str = "") -> SettingsWrong:
        where = self.path or N_("the file")
        return SettingsWrong(file=self.file, where=where, problem=problem, detail=detail)


def load_settings(path: Path, kind: type[T]) -> T:
    """Read ``path`` into the dataclass ``kind``.

    Nested dataclasses are tables, ``tuple[X, ...]`` arrays; a relative `Path` is taken from the
    file's own folder. Unknown names are refused.

    Raises:
        SettingsWrong: the file is missing or not TOML, or a value is missing, unknown or of the
            wrong type.
    """
    place = _Place(path.name, path.resolve().parent)
    try:
        values = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise place.wrong(N_("cannot be read")) from error
    except ValueError as error:
        raise place.wrong(N_("is not TOML: {detail}"), str(error)) from error
    built: T = _build(kind, values, place)
    return built


def _build(kind: Any, value: Any, place: _Place) -> Any:
    if is_dataclass(kind) and isinstance(kind, type):
        return _build_table(kind, value, place)
    origin = get_origin(kind)
    if origin is tuple:
        if not isinstance(value, list):
            raise place.wrong(N_("is not a list"))
        inner = get_args(kind)[0]
        return tuple(_build(inner, item, place.inside(str(i))) for i, item in enumerate(value))
    if origin in (Union, UnionType):
        (inner,) = (part for part in get_args(kind) if part is not type(None))
        return _build(inner, value, place)
    if kind is Path:
        if not isinstance(value, str):
            raise place.wrong(N_("is not a path"))
        return place.base / value
    if kind is float and isinstance(value, int) and not isinstance(value, bool):
        return float(value)
    if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
        raise place.wrong(N_("is not of type «{detail}»"), kind.__name__)
    return value


def _build_table(kind: type[Any], value: Any, place: _Place) -> Any:
    if not isinstance(value, dict):
        raise place.wrong(N_("is not a table"))
    hints = get_type_hints(kind)
    names = {field.name for field in fields(kind)}
    for name in value:
        if name not in names:
            raise place.inside(name).wrong(N_("is not known"))
    built = {}
    for field in fields(kind):
        if field.name in value:
            built[field.name] = _build(hints[field.name], value[field.name], place.inside(field.name))
        elif field.default is MISSING and field.default_factory is MISSING:
            raise place.inside(field.name).wrong(N_("is missing"))
    return kind(**built)
