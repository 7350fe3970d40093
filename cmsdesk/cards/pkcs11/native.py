"""The PKCS #11 calls that python-pkcs11 0.10 lacks or spoils, by ctypes on the same loaded library.

Login and PIN calls: python-pkcs11 logs in only while it opens a session (and leaks that session
when the PIN is wrong), takes PINs as `str`, and has neither C_InitToken nor C_CloseAllSessions.
Structures as in PKCS #11 v2.40; on Windows they are packed to one byte.
"""

from __future__ import annotations

import ctypes
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import ClassVar

from cmsdesk.base.secret import Secret

CKU_SO = 0
CKU_USER = 1
CKR_OK = 0x00
CKR_HOST_MEMORY = 0x02
CKR_DEVICE_MEMORY = 0x31
CKR_DEVICE_REMOVED = 0x32
CKR_PIN_INCORRECT = 0xA0
CKR_PIN_INVALID = 0xA1
CKR_PIN_LEN_RANGE = 0xA2
CKR_PIN_LOCKED = 0xA4
CKR_SESSION_HANDLE_INVALID = 0xB3
CKR_TOKEN_NOT_PRESENT = 0xE0
CKR_TOKEN_NOT_RECOGNIZED = 0xE1
CKR_USER_ALREADY_LOGGED_IN = 0x100
CKR_USER_NOT_LOGGED_IN = 0x101
CKF_TOKEN_INITIALIZED = 0x400
CKF_SO_PIN_COUNT_LOW = 0x100000
CKF_SO_PIN_FINAL_TRY = 0x200000
CKF_SO_PIN_LOCKED = 0x400000
CKF_USER_PIN_FINAL_TRY = 0x20000
CKF_USER_PIN_LOCKED = 0x40000

_PACK = 1 if sys.platform == "win32" else 0
_ULONG = ctypes.c_ulong
_FUNCTIONS = (
    "C_Initialize",
    "C_Finalize",
    "C_GetInfo",
    "C_GetFunctionList",
    "C_GetSlotList",
    "C_GetSlotInfo",
    "C_GetTokenInfo",
    "C_GetMechanismList",
    "C_GetMechanismInfo",
    "C_InitToken",
    "C_InitPIN",
    "C_SetPIN",
    "C_OpenSession",
    "C_CloseSession",
    "C_CloseAllSessions",
    "C_GetSessionInfo",
    "C_GetOperationState",
    "C_SetOperationState",
    "C_Login",
    "C_Logout",
)


class _FunctionList(ctypes.Structure):
    _pack_ = _PACK
    _fields_: ClassVar[Sequence[tuple[str, type]]] = [
        ("version", ctypes.c_ubyte * 2),
        *((name, ctypes.c_void_p) for name in _FUNCTIONS),
    ]


class _TokenInfo(ctypes.Structure):
    _pack_ = _PACK
    _fields_: ClassVar[Sequence[tuple[str, type]]] = [
        ("label", ctypes.c_char * 32),
        ("manufacturer", ctypes.c_char * 32),
        ("model", ctypes.c_char * 16),
        ("serial", ctypes.c_char * 16),
        ("flags", _ULONG),
        ("sessions_max", _ULONG),
        ("sessions", _ULONG),
        ("rw_sessions_max", _ULONG),
        ("rw_sessions", _ULONG),
        ("pin_max", _ULONG),
        ("pin_min", _ULONG),
        ("public_total", _ULONG),
        ("public_free", _ULONG),
        ("private_total", _ULONG),
        ("private_free", _ULONG),
        ("hardware", ctypes.c_ubyte * 2),
        ("firmware", ctypes.c_ubyte * 2),
        ("time", ctypes.c_char * 16),
    ]


@dataclass(frozen=True)
class TokenState:
    """What C_GetTokenInfo says now (python-pkcs11 keeps a snapshot)."""

    flags: int
    pin_min: int
    pin_max: int


class NativeError(Exception):
    """A PKCS #11 call failed; ``result`` is its CKR value."""

    def __init__(self, result: int) -> None:
        super().__init__(f"{result:#x}")
        self.result = result


class NativeModule:
    """The few calls, on a library that python-pkcs11 has loaded and initialised."""

    def __init__(self, path: str) -> None:
        """Find the function list of the library at ``path``.

        Raises:
            OSError: it cannot be loaded. NativeError: it gives no function list.
        """
        library = ctypes.CDLL(path)
        functions = ctypes.POINTER(_FunctionList)()
        _expect_ok(library.C_GetFunctionList(ctypes.byref(functions)))
        self._functions = functions.contents

    def token_state(self, slot: int) -> TokenState:
        """Return a slot's token flags and PIN length limits, asked now."""
        info = _TokenInfo()
        self._call("C_GetTokenInfo", _ULONG(slot), ctypes.byref(info))
        return TokenState(info.flags, info.pin_min, info.pin_max)

    def login(self, session: int, user: int, pin: Secret) -> None:
        """C_Login; ``user`` is `CKU_USER` or `CKU_SO`."""
        with _lent(pin) as (value, length):
            self._call("C_Login", _ULONG(session), _ULONG(user), value, length)

    def logout(self, session: int) -> None:
        """C_Logout."""
        self._call("C_Logout", _ULONG(session))

    def set_pin(self, session: int, current: Secret, new: Secret) -> None:
        """C_SetPIN: of the user logged in, else of the normal user."""
        with _lent(current) as (old, old_length), _lent(new) as (value, length):
            self._call("C_SetPIN", _ULONG(session), old, old_length, value, length)

    def init_pin(self, session: int, pin: Secret) -> None:
        """C_InitPIN, in a session of the security officer."""
        with _lent(pin) as (value, length):
            self._call("C_InitPIN", _ULONG(session), value, length)

    def init_token(self, slot: int, so_pin: Secret, label: str) -> None:
        """C_InitToken: empties the token."""
        padded = label.encode("utf-8")[:32].ljust(32)
        with _lent(so_pin) as (value, length):
            self._call("C_InitToken", _ULONG(slot), value, length, ctypes.create_string_buffer(padded, 32))

    def close_all_sessions(self, slot: int) -> None:
        """C_CloseAllSessions."""
        self._call("C_CloseAllSessions", _ULONG(slot))

    def _call(self, name: str, *arguments: object) -> None:
        function = ctypes.CFUNCTYPE(_ULONG, *(_type_of(argument) for argument in arguments))
        _expect_ok(function(getattr(self._functions, name))(*arguments))


@contextmanager
def _lent(secret: Secret) -> Iterator[tuple[ctypes.Array[ctypes.c_char], ctypes.c_ulong]]:
    """Lend a secret as a C buffer that is overwritten afterwards."""
    value = secret.reveal()
    buffer = ctypes.create_string_buffer(value, len(value))
    try:
        yield buffer, _ULONG(len(value))
    finally:
        ctypes.memset(buffer, 0, len(value))


def _type_of(argument: object) -> type:
    return _ULONG if isinstance(argument, _ULONG) else ctypes.c_void_p


def _expect_ok(result: int) -> None:
    if result != CKR_OK:
        raise NativeError(result)
