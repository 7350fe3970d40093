"""What pcscd publishes about its readers, so that "inserted" and "removed" mean noticed, not merely sent.

pcscd looks at a reader every 400 ms; a card swapped within that time would go unnoticed. The thread here
blocks in SCardGetStatusChange of libpcsclite (by ctypes: the sandbox leaves pyscard to the product).
"""

from __future__ import annotations

import ctypes
import ctypes.util
import threading
import time
from ctypes import byref, c_char, c_char_p, c_ubyte, c_ulong, c_void_p

_SCOPE_SYSTEM = 2
_UNAWARE, _UNKNOWN, _EMPTY, _PRESENT = 0x0, 0x4, 0x10, 0x20
_INFINITE_MS = 0xFFFFFFFF
_TIMEOUT = 0x8010000A
_NEW_READERS = b"\\\\?PnP?\\Notification"
_RETRY_S = 0.01
# pcscd adds " 00 00" to a reader's name: the number among namesakes, the slot
_SUFFIX = 6


class _ReaderState(ctypes.Structure):
    _fields_ = (
        ("name", c_char_p),
        ("user_data", c_void_p),
        ("current", c_ulong),
        ("event", c_ulong),
        ("atr_bytes", c_ulong),
        ("atr", c_ubyte * 33),
    )


class PcscWatch:
    """Follows pcscd's view of all readers, over its restarts, until `close`."""

    def __init__(self) -> None:
        self._lib = ctypes.CDLL(ctypes.util.find_library("pcsclite") or "libpcsclite.so.1")
        self._change = threading.Condition()
        self._present: dict[str, bool] = {}
        self._stopped = False
        self._thread = threading.Thread(target=self._run, name="pcsc-watch", daemon=True)
        self._thread.start()

    def wait(self, reader: str, *, present: bool, timeout_s: float) -> bool:
        """Wait until pcscd publishes a reader (by the start of its name) with or without a card in slot 0."""
        with self._change:
            return self._change.wait_for(lambda: bool(self.state(reader)) == present, timeout_s)

    def wait_known(self, readers: dict[str, bool], timeout_s: float) -> bool:
        """Wait until pcscd publishes exactly those of the readers that are marked true."""
        with self._change:
            return self._change.wait_for(
                lambda: all((self.state(name) is not None) == known for name, known in readers.items()),
                timeout_s,
            )

    def state(self, reader: str) -> bool | None:
        """Whether pcscd sees a card there; None when it knows no such reader or is not running."""
        full = self.full_name(reader)
        return self._present.get(full) if full else None

    def full_name(self, reader: str) -> str | None:
        """pcscd's name of the reader's first slot."""
        return next((name for name in self._present if name[:-_SUFFIX] == reader and name[-2:] == "00"), None)

    def _run(self) -> None:
        while not self._stopped:
            context = c_ulong()
            if self._lib.SCardEstablishContext(c_ulong(_SCOPE_SYSTEM), None, None, byref(context)):
                time.sleep(_RETRY_S)
                continue
            self._follow(context)
            self._lib.SCardReleaseContext(context)
            self._publish({})

    def _follow(self, context: c_ulong) -> None:
        known: dict[str, int] = {}
        while not self._stopped:
            names = self._readers(context)
            if names is None:
                return
            known = {name: known.get(name, _UNAWARE) for name in names}
            states = (_ReaderState * (len(names) + 1))()
            for state, name in zip(states, names, strict=False):
                state.name, state.current = name.encode(), known[name]
            states[len(names)].name = _NEW_READERS
            states[len(names)].current = len(names) << 16
            if self._wait_change(context, states):
                return
            for state, name in zip(states, names, strict=False):
                known[name] = state.event & ~0x2
            self._publish({n: bool(s & _PRESENT) for n, s in known.items() if not s & _UNKNOWN})

    def _wait_change(self, context: c_ulong, states: ctypes.Array[_ReaderState]) -> int:
        code: int = self._lib.SCardGetStatusChange(
            context, c_ulong(_INFINITE_MS), states, c_ulong(len(states))
        )
        return 0 if code & 0xFFFFFFFF == _TIMEOUT else code

    def _readers(self, context: c_ulong) -> list[str] | None:
        size = c_ulong(4096)
        names = (c_char * 4096)()
        code = self._lib.SCardListReaders(context, None, names, byref(size)) & 0xFFFFFFFF
        if code == 0x8010002E:  # no reader at all
            return []
        if code:
            return None
        return [name.decode() for name in names.raw[: size.value].split(b"\0") if name]

    def _publish(self, present: dict[str, bool]) -> None:
        with self._change:
            self._present = present
            self._change.notify_all()
