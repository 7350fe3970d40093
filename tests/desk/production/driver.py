"""Hands and eyes of the tests: they press keys, put cards in and out, and wait for what is seen."""

from __future__ import annotations

import time
from collections.abc import Callable
from types import TracebackType
from typing import Self

from PySide6.QtCore import QEventLoop, Qt, QTimer
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QLabel, QPushButton, QWidget

from cmsdesk.desk import work
from cmsdesk.desk.preferences import Preferences
from cmsdesk.desk.wizards.issue.flow import Stage
from cmsdesk.desk.wizards.issue.lanes import Lane
from cmsdesk.desk.wizards.issue.pages import ProductionScreen
from cmsdesk.desk.wizards.issue.view import LaneView
from cmsdesk.domain.device import DeviceKind, KeyAlgorithm
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.operations.ports import ReaderInfo
from cmsdesk.operations.register import Registration, approve, register
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.desk.start import FirstSlots, Sandbox, open_desk_window
from cmsdesk.sandbox.world import CA_NAME, READER_CARD, READER_OPERATOR, Blank

WAIT_S = 60.0


class OneReader(FirstSlots):
    """A desk whose only reader is the first: the window sees no other."""

    def snapshot(self) -> list[ReaderInfo]:
        return [found for found in super().snapshot() if found.name.startswith(READER_CARD)]


class Driver:
    """A window on the sandbox, and the sandbox around it."""

    def __init__(self, sandbox: Sandbox, preferences: Preferences, monitor: FirstSlots | None = None) -> None:
        self.sandbox, self.world = sandbox, sandbox.world
        self.emulator = sandbox.world.stack.emulator
        self.empty_readers()
        self.window = open_desk_window(sandbox, preferences, monitor)
        self.window.show()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.window.close()
        self.window.deleteLater()
        self.pause(0.05)
        self.empty_readers()

    # --- time ----------------------------------------------------------------------------------

    def pause(self, seconds: float) -> None:
        """Let the window live."""
        loop = QEventLoop()
        QTimer.singleShot(round(seconds * 1000), loop.quit)
        loop.exec()

    def until(self, what: Callable[[], object]) -> None:
        """Let the window live until something is so."""
        end = time.monotonic() + WAIT_S
        while not what():
            assert time.monotonic() < end, f"waited in vain: {self.seen()}"
            self.pause(0.02)

    def seen(self) -> str:
        """What the window shows and knows, for whoever reads why a test failed."""
        watch = self.window.sign_in_page.card_pin._readers
        told = [one.text() for one in self.window.findChildren(QLabel) if one.isVisible() and one.text()]
        return (
            f"readers {watch.readers}, trouble {watch.trouble!r}, watching {watch.isRunning()}, "
            f"calls {work.under_way()}, shown {told}"
        )

    # --- hands ---------------------------------------------------------------------------------

    def keys(self, widget: QWidget, text: str) -> None:
        """Type, then press Enter."""
        for letter in text:
            QTest.keyClick(widget, letter)
        QTest.keyClick(widget, Qt.Key.Key_Return)

    def enter(self) -> None:
        """Press Enter wherever the keyboard is."""
        QTest.keyClick(self.window.focusWidget() or self.window, Qt.Key.Key_Return)

    def insert_own(self, reader: str = READER_OPERATOR) -> None:
        self.emulator.insert(reader, self.world.operator.path, face="cns")

    def insert(self, blank: Blank, reader: str = READER_CARD) -> None:
        self.emulator.insert(reader, blank.path)

    def remove(self, reader: str = READER_CARD) -> None:
        self.emulator.remove(reader)

    def empty_readers(self) -> None:
        for reader in self.world.stack.reader_names():
            self.emulator.set_faults(reader)
            self.emulator.remove(reader)

    # --- ways ----------------------------------------------------------------------------------

    def sign_in(self, reader: str = READER_OPERATOR) -> None:
        """Card, PIN, the RAO's mandate."""
        page = self.window.sign_in_page
        pin = page.card_pin.pin
        self.insert_own(reader)
        self.until(lambda: pin.isVisible() and pin.isEnabled())
        self.keys(pin, self.pin)

        def office() -> QPushButton | None:
            buttons = page.findChildren(QPushButton)
            return next((one for one in buttons if one.isVisible() and "RAO" in one.accessibleName()), None)

        self.until(office)
        choice = office()
        assert choice is not None
        choice.setFocus()
        self.enter()
        self.until(lambda: self.window.current)

    def request(self, kind: DeviceKind = DeviceKind.SMART_CARD, *, approved: bool = True) -> str:
        """Register a request, as somebody at another desk would."""
        near = self.world.near
        registration = Registration(
            body=near.rao.body,
            office=near.rao.office,
            holder=read_holder(SAMPLE),
            device_kind=kind,
            key_algorithm=KeyAlgorithm.RSA_2048,
            ca=CA_NAME,
            scratch_delivery=ScratchDelivery.PAPER,
        )
        made = register(registration, near.records, LibraryFiscalCodes(), self.world.clock)
        if approved:
            approve(made.id, near.records)
        return made.id

    def state(self, request: str) -> str:
        """The service's word on a request."""
        return self.world.near.records.request(request).state.value

    def know(self, *requests: str) -> None:
        """Wait until the desk has heard of requests."""
        self.window.session.sync_now()
        self.until(lambda: all(self.window.session.get("request", one) for one in requests))

    # --- the production ------------------------------------------------------------------------

    @property
    def pin(self) -> str:
        return self.world.operator.pin.reveal_text()

    @property
    def screen(self) -> ProductionScreen:
        screen = self.window.current
        assert isinstance(screen, ProductionScreen)
        return screen

    @property
    def lane(self) -> Lane:
        lane = self.screen._shown
        assert lane is not None
        return lane

    @property
    def view(self) -> LaneView:
        return self.screen._views[self.lane]

    def reach(self, *stages: Stage) -> None:
        """Wait for a stage of the lane that is shown."""
        self.until(lambda: self.screen._shown is not None and self.lane.flow.stage in stages)

    def say_number(self, number: str) -> None:
        """Scan an envelope."""
        self.reach(Stage.SCRATCH)
        self.keys(self.view.number, number)

    def say_pin(self, pin: str = "") -> None:
        """Type the operator's PIN."""
        self.reach(Stage.PIN)
        self.keys(self.view.pin, pin or self.pin)
