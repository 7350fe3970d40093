"""Canonical JSON (RFC 8785, JCS) without fractions: one value, one sequence of bytes.

What is hashed or signed is written this way. Floating-point numbers are left out on purpose:
money is in cents, times are texts, and RFC 8785 §3.2.2.3 is the one part of it that libraries
disagree on.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn, TypeAlias

Json: TypeAlias = "bool | int | str | Sequence[Json] | Mapping[str, Json] | None"
"""A JSON value without fractions."""

MAX_INTEGER = 2**53 - 1
"""Largest magnitude that every JSON reader keeps exact (RFC 8785 §3.2.2.3; RFC 7493 §2.2)."""


def _writer(sort_keys: bool) -> json.JSONEncoder:
    return json.JSONEncoder(
        ensure_ascii=False,
        separators=(",", ":"),
        allow_nan=False,
        check_circular=False,
        sort_keys=sort_keys,
    )


_SORTING = _writer(sort_keys=True)
_ORDERED = _writer(sort_keys=False)


def canonical(value: Json) -> bytes:
    """Return ``value`` as canonical JSON, UTF-8.

    Raises:
        TypeError: a fraction, a name that is no text, or something JSON does not know.
        ValueError: an integer beyond `MAX_INTEGER`, or text that UTF-8 cannot carry.
    """
    _check(value)
    return _write(value)


def read_canonical(data: bytes) -> Any:
    """Return the value of canonical JSON.

    Raises:
        ValueError: not JSON, or not in canonical form (repeated names, other order, spaces, fractions).
    """
    try:
        value = _READER.decode(data.decode("utf-8"))
    except RecursionError as error:
        raise ValueError("JSON nested beyond reason") from error
    if _write(value) != data:
        raise ValueError("not canonical JSON (RFC 8785)")
    return value


def _write(value: Any) -> bytes:
    # Python sorts names by code points, RFC 8785 §3.2.3 by UTF-16 code units: one order for ASCII.
    text = _SORTING.encode(value)
    return (text if text.isascii() else _ORDERED.encode(_ordered(value))).encode("utf-8")


def _check(value: Any) -> None:
    if value is None or isinstance(value, str | bool):
        return
    if isinstance(value, int):
        _integer(value)
    elif isinstance(value, dict):
        for name, member in value.items():
            if not isinstance(name, str):
                raise TypeError("a name in JSON is text")
            _check(member)
    elif isinstance(value, list | tuple):
        for member in value:
            _check(member)
    else:
        raise TypeError(f"{type(value).__name__} has no canonical form")


def _ordered(value: Any) -> Any:
    if isinstance(value, dict):
        names = sorted(value, key=lambda name: name.encode("utf-16-be"))
        return {name: _ordered(value[name]) for name in names}
    if isinstance(value, list | tuple):
        return [_ordered(member) for member in value]
    return value


def _integer(digits: str | int) -> int:
    number = int(digits)
    if not -MAX_INTEGER <= number <= MAX_INTEGER:
        raise ValueError("an integer beyond ±(2^53 − 1)")
    return number


def _refuse(number: str) -> NoReturn:
    raise ValueError(f"no fractions in canonical JSON: {number}")


_READER = json.JSONDecoder(parse_float=_refuse, parse_constant=_refuse, parse_int=_integer)
