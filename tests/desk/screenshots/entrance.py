"""Scenes before anybody is at work: the card, its PIN, what may be wrong, the mandates, the lock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from threading import Event
from typing import Any, cast

from cmsdesk.base.secret import Secret
from cmsdesk.desk.gate import Arrival, CardShown, NoCertificate, NoMandate, Office
from cmsdesk.desk.screens.sign_in import SignInPage
from cmsdesk.desk.session import SessionParts
from cmsdesk.operations.errors import NoReader, ServiceUnreachable, SmartCardServiceDown, WrongPin
from cmsdesk.operations.ports import PinCounters, ReaderInfo
from cmsdesk.sync.far import MandateChoice
from tests.desk.bench import QuietReaders, wait_for
from tests.desk.screenshots.camera import still
from tests.desk.screenshots.stage import BODY_NAME

READER = "Lettore 1"
CARD = CardShown(READER, "Giulia Ferrari", "FRRGLI88D52H501Q", PinCounters(3, 3, 5, 5), b"")
WITH_CARD = (ReaderInfo(READER, b"\x3b"), ReaderInfo("Lettore 2", None))


class Porter:
    """Answers at the gate as it is told to."""

    def __init__(self) -> None:
        self.card = CARD
        self.alone = False
        self.looks: Callable[[], object] = lambda: None
        self.signs: Callable[[], object] = lambda: None

    def look(self, reader: str) -> CardShown:
        """Show the card, or what is wrong with it."""
        self.looks()
        return replace(self.card, reader=reader)

    def sign_in(self, card: CardShown, pin: Secret) -> Arrival:
        """Let in with three mandates, or say why not."""
        self.signs()
        nothing: Any = None
        roles = (("rao", "Sportello di Bolzano"), ("ir", "Sportello di Bressanone"), ("administrator", ""))
        offices = tuple(
            Office(MandateChoice(role, "uno", place, role, "2040-01-01"), BODY_NAME, place or "Sede centrale")
            for role, place in roles
        )
        return Arrival(card, nothing, nothing, offices, alone=self.alone)

    def enter(self, arrival: Arrival, office: Office) -> SessionParts:
        """Nobody goes further."""
        raise ServiceUnreachable(reason="no answer")

    def unlock(self, card: CardShown, pin: Secret, operator: str) -> None:
        """The desk stays locked."""
        raise WrongPin(reader=card.reader, tries_left=2)


class TroubledReaders(QuietReaders):
    """Readers that are not there."""

    def __init__(self) -> None:
        super().__init__()
        self.trouble: Exception | None = None

    def snapshot(self) -> list[ReaderInfo]:
        """Return them, or say why not."""
        if self.trouble is not None:
            raise self.trouble
        return super().snapshot()


def sign_in(page: SignInPage, readers: TroubledReaders, porter: Porter) -> Iterator[str]:
    """Every state of the page."""
    yield "sign_in"
    for name, trouble in (("service", SmartCardServiceDown()), ("reader", NoReader())):
        readers.trouble = trouble
        readers.put(*WITH_CARD)
        wait_for(lambda: bool(page.card_pin.notice.text))
        yield f"sign_in-no_{name}"
        page.card_pin.notice.clear()
    readers.trouble = None
    held = Event()
    porter.looks = held.wait
    readers.put(*WITH_CARD)
    wait_for(lambda: bool(page.card_pin._looking))
    yield "sign_in-reading"
    porter.looks = lambda: None
    held.set()
    wait_for(lambda: page.card_pin._card is not None)
    yield "sign_in-pin"
    porter.card = replace(CARD, counters=PinCounters(1, 3, 5, 5))
    _refuse(porter, page, WrongPin(reader=READER, tries_left=1))
    yield "sign_in-wrong_pin"
    porter.card = replace(CARD, counters=PinCounters(0, 3, 5, 5), name="")
    again(page, readers)
    yield "sign_in-blocked"
    porter.card = CARD
    for name, error in (("mandate", NoMandate()), ("answer", ServiceUnreachable(reason="no answer"))):
        again(page, readers)
        _refuse(porter, page, error)
        yield f"sign_in-no_{name}"
    porter.looks = _raising(NoCertificate())
    page.card_pin.begin()
    wait_for(lambda: NoCertificate.code in page.card_pin.notice.text)
    yield "sign_in-no_certificate"
    porter.looks = porter.signs = lambda: None
    again(page, readers)
    type_pin(page)
    wait_for(lambda: page._stack.currentIndex() == 1)
    yield "sign_in-mandates"
    porter.alone = True
    again(page, readers)
    type_pin(page)
    wait_for(lambda: page._stack.currentIndex() == 1)
    yield "sign_in-voucher"
    page.begin()


def again(page: SignInPage, readers: TroubledReaders) -> None:
    """Look at the card afresh."""
    page.begin()
    wait_for(lambda: page.card_pin._card is not None)
    still()


def type_pin(page: SignInPage) -> None:
    """Type a PIN and press Enter."""
    page.card_pin.given.emit(cast(CardShown, page.card_pin._card), Secret("12345678"))


def _refuse(porter: Porter, page: SignInPage, error: Exception) -> None:
    porter.signs = _raising(error)
    type_pin(page)
    wait_for(lambda: bool(page.card_pin.notice.text) and page.card_pin._card is not None)
    still()


def _raising(error: Exception) -> Callable[[], object]:
    def fails() -> object:
        raise error

    return fails
