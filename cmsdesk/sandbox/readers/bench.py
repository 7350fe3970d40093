"""A runtime directory of a reader stack, and what any process may do with it once the stack runs."""

from __future__ import annotations

from pathlib import Path

from cmsdesk.sandbox.card.control import EmulatorControl
from cmsdesk.sandbox.readers.opensc import DRIVER_MYEID

_READY_S = 15.0


class BenchError(Exception):
    """The reader stack could not be started, ended by itself or lacks what was asked; the text says why."""


class Bench:
    """Access to a stack by its runtime directory. `emulator` steers the readers and their cards."""

    def __init__(self, runtime: Path) -> None:
        self.runtime = runtime.resolve()
        self.pcsc_socket = self.runtime / "pcscd.sock"
        self.control_socket = self.runtime / "emulator.sock"
        self.emulator = EmulatorControl(self.control_socket, ready_s=_READY_S)

    def environment(self, driver: str = DRIVER_MYEID) -> dict[str, str]:
        """Environment variables for a client: this pcscd, and OpenSC with that one card driver."""
        return {
            "PCSCLITE_CSOCK_NAME": str(self.pcsc_socket),
            "OPENSC_CONF": str(self.opensc_conf(driver)),
        }

    def opensc_conf(self, driver: str) -> Path:
        """The file of OpenSC's settings for that card driver."""
        return self.runtime / f"opensc-{driver}.conf"

    def pcsc_name(self, reader: str) -> str:
        """The name under which PC/SC clients see the reader."""
        name = self.emulator.status(reader).pcsc_name
        if name is None:
            raise BenchError(f"pcscd does not publish {reader}")
        return name
