"""PINs and passwords, in one type that cannot be printed, logged, compared, copied or pickled in clear."""

from typing import NoReturn


class Pin:
    """A secret of a signer: PIN, password, activation code.

    The text is kept as UTF-8 in one buffer that `wipe` overwrites. Python may have made other copies before
    the secret came here; the library makes none it can avoid.
    """

    __slots__ = ("_buffer",)

    def __init__(self, secret: str | bytes | bytearray) -> None:
        self._buffer = bytearray(secret.encode() if isinstance(secret, str) else secret)

    def reveal(self) -> bytes:
        """Return the secret in clear, for the one call that needs it."""
        return bytes(self._buffer)

    def wipe(self) -> None:
        """Overwrite the secret; it is empty afterwards."""
        for index in range(len(self._buffer)):
            self._buffer[index] = 0
        self._buffer.clear()

    def __bool__(self) -> bool:
        return bool(self._buffer)

    def __repr__(self) -> str:
        return "Pin(…)"

    def __reduce__(self) -> NoReturn:
        raise TypeError("a PIN is not pickled")

    def __copy__(self) -> NoReturn:
        raise TypeError("a PIN is not copied")

    def __deepcopy__(self, memo: object) -> NoReturn:
        raise TypeError("a PIN is not copied")
