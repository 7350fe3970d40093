"""The one wrapper for PINs, PUKs, passwords and emergency codes (style.md, Habits; PRO-4)."""

from __future__ import annotations

import hmac
import secrets
from types import TracebackType
from typing import NoReturn, Self


class Secret:
    """A value that cannot be printed, logged, pickled, copied or compared in clear.

    It keeps its own ``bytearray``; `wipe` overwrites it. ``reveal`` is the only way to the
    value: call it at the last moment, where the value is handed to a card or a cipher.
    """

    __slots__ = ("_value",)

    def __init__(self, value: bytes | bytearray | str) -> None:
        if not isinstance(value, bytes | bytearray | str):
            # A number would make that many zeros, and its own text would stay behind.
            raise TypeError("a secret is made of bytes or text")
        self._value = bytearray(value.encode("utf-8") if isinstance(value, str) else value)

    @classmethod
    def random_digits(cls, length: int) -> Self:
        """Return ``length`` random decimal digits, as cards take PINs and PUKs."""
        return cls(bytes(0x30 + secrets.randbelow(10) for _ in range(length)))

    def reveal(self) -> bytes:
        """Return the value; the caller neither stores nor prints it.

        Raises:
            ValueError: the secret was wiped.
        """
        if not self._value:
            raise ValueError("the secret was wiped")
        return bytes(self._value)

    def reveal_text(self) -> str:
        """Return the value as text, for interfaces that take only ``str``."""
        return self.reveal().decode("utf-8")

    def matches(self, other: Secret) -> bool:
        """Tell in constant time whether both hold the same value.

        Raises:
            ValueError: one of them was wiped.
        """
        if self.wiped or other.wiped:
            raise ValueError("the secret was wiped")
        return hmac.compare_digest(self._value, other._value)

    def wipe(self) -> None:
        """Overwrite the value; every later `reveal` fails."""
        for index in range(len(self._value)):
            self._value[index] = 0
        self._value.clear()

    @property
    def wiped(self) -> bool:
        """Whether `wipe` was called."""
        return not self._value

    def __len__(self) -> int:
        return len(self._value)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.wipe()

    def __repr__(self) -> str:
        return "Secret(…)"

    __str__ = __repr__

    def __format__(self, spec: str) -> str:
        return "Secret(…)"

    def __eq__(self, other: object) -> bool:
        raise TypeError("secrets are compared with matches()")

    __hash__ = None  # type: ignore[assignment]  # a hash in a set or a dict would outlive wipe()

    def __copy__(self) -> NoReturn:
        raise TypeError("a secret is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a secret is not copied")

    def __reduce__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a secret is not pickled")
