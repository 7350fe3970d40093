"""What the worker of one reader does with the cards, free of Qt: it blocks, and tells what happens.

It runs in a thread of its own beside the window. The window gives it the PIN, what is in the readers
and the wish to stop; all else comes from the operations beneath. Nothing here decides what may
happen: `flow` does.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import Any, Protocol

from cmsdesk.base.errors import Mendable
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards.client import HostSession, OperatorCardSession
from cmsdesk.cards.errors import Cancelled
from cmsdesk.desk.wizards.issue.flow import Event
from cmsdesk.domain.production import RESET, Step
from cmsdesk.operations.errors import (
    CardError,
    CardGone,
    CardInterrupted,
    NothingUnfinished,
    ScratchCardNotFree,
    UnknownCard,
    UnsupportedCard,
    WrongPin,
)
from cmsdesk.operations.issue import Issuing, Outcome, Parts, ProductionOrder
from cmsdesk.operations.ports import ReaderInfo, SignedOpening

Tell = Callable[[Event, Mapping[str, Any]], None]
"""Carries an event and its facts to the flow; called in the worker's thread."""
_LOOK_AGAIN_S = 5.0
"""How long to wait for word of the readers before looking at them all the same."""


class OtherCard(Mendable):
    """A card that is not the signed-in operator's where that one is wanted."""

    code = "ISSUE-OWN-CARD"
    cause = N_("The card in reader «{reader}» is not the one that signed in.")
    next_step = N_("Put in the card that signed in.")


class OtherDevice(Mendable):
    """Another device came back than the one that was checked."""

    code = "ISSUE-OTHER-DEVICE"
    cause = N_("The device in reader «{reader}» is not the one that was checked.")
    next_step = N_("Put the device {device} back into the reader.")


class OpensCards(Protocol):
    """Readers whose cards can be opened for production and as an operator's own (`cards.client`)."""

    def open(self, reader: str) -> HostSession:
        """Own a reader."""
        ...

    def open_operator(self, reader: str) -> OperatorCardSession:
        """Own a reader that holds an operator's card."""
        ...


class Surroundings:
    """What the window knows and the workers wait for: the cards in the readers, and who works where."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._cards: dict[str, bytes] = {}
        self._taken: set[str] = set()
        self.operator_reader = ""
        """Where the operator's card was last."""

    def see(self, readers: Sequence[ReaderInfo]) -> None:
        """Learn what is in the readers now."""
        with self._changed:
            self._cards = {found.name: found.atr for found in readers if found.atr is not None}
            self._changed.notify_all()

    def nudge(self) -> None:
        """Have whoever waits look again."""
        with self._changed:
            self._changed.notify_all()

    def cards(self) -> dict[str, bytes]:
        """Return the ATR by reader."""
        with self._changed:
            return dict(self._cards)

    def take(self, reader: str) -> None:
        """A device is worked on at ``reader``: nobody looks there for the operator's card."""
        with self._changed:
            self._taken.add(reader)

    def give_back(self, reader: str) -> None:
        """The work at ``reader`` is over."""
        with self._changed:
            self._taken.discard(reader)
            self._changed.notify_all()

    def candidates(self) -> list[str]:
        """Return the readers that may hold the operator's card, the likeliest first."""
        with self._changed:
            free = [reader for reader in self._cards if reader not in self._taken]
        return sorted(free, key=lambda reader: reader != self.operator_reader)

    def wait_until(self, condition: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``condition``, asked at every change, holds; False when the time ran out."""
        with self._changed:
            return self._changed.wait_for(condition, timeout_s)


class Bench:
    """The worker's calls for one reader; one at a time."""

    def __init__(
        self,
        parts: Parts,
        cards: OpensCards,
        around: Surroundings,
        certificate: bytes,
        reader: str,
        tell: Tell,
    ) -> None:
        """``certificate``: the signed-in operator's, DER; ``parts``: of the signed-in session."""
        self._parts, self._cards, self._around = parts, cards, around
        self._certificate, self._tell = certificate, tell
        self._reader = self.reader = reader
        self._pin: Secret | None = None
        self._stop = False
        self._device = ""

    # --- from the window's thread --------------------------------------------------------------

    def give_pin(self, pin: Secret) -> None:
        """Hand over what was typed; it goes to the card once and is wiped."""
        self._pin = pin
        self._around.nudge()

    def stop(self) -> None:
        """Stop as soon as the card allows it."""
        self._stop = True
        self._around.nudge()

    # --- in the worker's thread ----------------------------------------------------------------

    def check(self, request: str) -> None:
        """Read the device and tell how it stands: ready for ``request``, or with work unfinished."""
        with self._own_reader(Event.REFUSED), self._cards.open(self._reader) as session:
            issuing = Issuing(self._parts, self._step)
            facts = session.identify()
            self._device = facts.card_id
            position = issuing.examine(session)
            if position is not None:
                self._tell(Event.FOUND, {"position": position, "facts": facts})
                return
            if not request:
                raise NothingUnfinished(device=facts.card_id)
            issuing.check(session, request)
            self._tell(Event.CHECKED, {"facts": facts, "device": facts.card_id})

    def begin(self, request: str, scratch_card: str) -> None:
        """Produce from step a to j."""
        self._stop, self._opened = False, False
        try:
            with self._own_reader(None), self._cards.open(self._reader) as session:
                self._device = session.identify().card_id
                order = ProductionOrder(request, scratch_card, self._certificate)
                issuing = Issuing(self._parts, self._step)
                outcome = issuing.begin(session, order, lambda message: self._sign(session, message))
                self._tell(Event.ISSUED, {"outcome": outcome})
        except ScratchCardNotFree as error:
            self._tell(Event.NUMBER_REFUSED, {"error": error})
        except Cancelled as error:
            self._tell(Event.INTERRUPTED if self._opened else Event.STOPPED, {"error": error})
        except Exception as error:  # noqa: BLE001 - whatever it is, the person is told and the way on is open
            self._tell(Event.INTERRUPTED if self._opened else Event.REFUSED, {"error": error})

    def resume(self) -> None:
        """Go on with the interrupted production of the device in the reader."""
        self._stop = False
        with self._own_reader(Event.INTERRUPTED), self._cards.open(self._reader) as session:
            outcome = Issuing(self._parts, self._step).resume(session)
            self._tell(Event.ISSUED, {"outcome": outcome})

    def reset(self) -> None:
        """Bring the device back to its transport state (PRO-7)."""
        self._stop = False
        with self._own_reader(Event.INTERRUPTED), self._cards.open(self._reader) as session:
            outcome: Outcome = Issuing(self._parts, self._step).reset(session)
            self._tell(Event.RESET_DONE, {"outcome": outcome})

    def set_aside(self, device: str) -> None:
        """Give a device up; needs no card."""
        with self._own_reader(Event.INTERRUPTED):
            Issuing(self._parts, self._step).set_aside(device)
            self._tell(Event.ASIDE_DONE, {})

    # --- inside --------------------------------------------------------------------------------

    def _own_reader(self, failure: Event | None) -> AbstractContextManager[None]:
        return _AtWork(self._around, self._reader, self._tell, failure)

    def _step(self, step: str, phase: str, seconds: float) -> None:
        """`ports.Progress`: told on, and the place where a wish to stop is granted: between two steps."""
        if step == Step.OPEN.value and phase == "begin":
            return
        if self._stop and phase == "begin" and step not in (Step.HAND_OVER_CODES.value, RESET):
            raise Cancelled(reader=self._reader)
        self._tell(Event.STEP, {"step": step, "phase": phase, "seconds": seconds})

    def _sign(self, session: HostSession, message: bytes) -> SignedOpening:
        """Have the operator's card sign the opening, wherever it is, however often the PIN is mistyped."""
        error: Mendable | None = None
        while True:
            where = self._find_own_card(session, error)
            swapped = where == self._reader
            try:
                with self._operator_card(session, where) as card:
                    signature = self._signature(card, message, error)
                break
            except (WrongPin, CardInterrupted) as trouble:
                if isinstance(trouble, Cancelled):
                    raise
                error = trouble
        if swapped:
            self._await_device(session)
        self._opened = True
        self._tell(Event.RUNS, {})
        return SignedOpening(message, signature, self._certificate)

    def _operator_card(self, session: HostSession, where: str) -> AbstractContextManager[OperatorCardSession]:
        if where == self._reader:
            return nullcontext(OperatorCardSession(session))
        return self._cards.open_operator(where)

    def _signature(self, card: OperatorCardSession, message: bytes, error: Mendable | None) -> bytes:
        """Ask for the PIN and have the card sign; raises `CardGone` when the card leaves meanwhile."""
        card.identify()
        around, where = self._around, self._around.operator_reader
        here = around.cards().get(where)
        self._wipe_pin()
        self._tell(Event.ASK_PIN, {"tries_left": card.counters().pin_tries, "error": error})
        while not around.wait_until(
            lambda: self._pin is not None or self._stop or around.cards().get(where) != here, _LOOK_AGAIN_S
        ):
            continue
        if self._stop:
            self._wipe_pin()
            raise Cancelled(reader=self._reader)
        pin, self._pin = self._pin, None
        if pin is None:
            raise CardGone(reader=where)
        with pin:
            return card.sign(message, pin)

    def _find_own_card(self, session: HostSession, error: Mendable | None) -> str:
        """Return the reader that holds the operator's card; ask for it until it is there."""
        asked = False
        while True:
            before = self._around.cards()
            for reader in [*self._around.candidates(), self._reader]:
                verdict = self._is_own_card(session, reader) if reader in before else None
                if verdict is True:
                    self._around.operator_reader = reader
                    return reader
                error = verdict if isinstance(verdict, OtherCard) and reader == self._reader else error
            if not asked or error is not None:
                self._tell(Event.ASK_CARD, {"error": error})
                asked, error = True, None
            self._await_change(before)

    def _is_own_card(self, session: HostSession, reader: str) -> bool | Mendable:
        """Tell whether the operator's card is in ``reader``; the device under way is not."""
        try:
            with self._operator_card(session, reader) as card:
                if reader == self._reader and card.identify().card_id == self._device:
                    return False
                card.identify()
                return card.certificate() == self._certificate or OtherCard(reader=reader)
        except (UnknownCard, UnsupportedCard):
            return OtherCard(reader=reader)
        except CardError:
            return False

    def _await_device(self, session: HostSession) -> None:
        """Wait until the device that was checked is back in its reader, alone."""
        error: Mendable | None = None
        asked = False
        while True:
            before = self._around.cards()
            if self._reader in before:
                try:
                    if session.identify().card_id == self._device:
                        return
                    error = OtherDevice(reader=self._reader, device=self._device)
                except (CardInterrupted, UnsupportedCard):
                    error = None  # the operator's own card is still there, or it is just leaving
                except UnknownCard as unknown:
                    error = unknown
            if not asked or error is not None:
                self._tell(Event.ASK_DEVICE, {"error": error})
                asked = True
            self._await_change(before)

    def _await_change(self, before: Mapping[str, bytes]) -> None:
        self._around.wait_until(lambda: self._stop or self._around.cards() != before, _LOOK_AGAIN_S)
        if self._stop:
            raise Cancelled(reader=self._reader)

    def _wipe_pin(self) -> None:
        pin, self._pin = self._pin, None
        if pin is not None:
            pin.wipe()

    _opened = False
    """Whether step a was reached: from then on a failure is an interruption."""


class _AtWork:
    """The reader is the worker's; with ``failure`` whatever goes wrong is told as that event."""

    def __init__(self, around: Surroundings, reader: str, tell: Tell, failure: Event | None) -> None:
        self._around, self._reader, self._tell, self._failure = around, reader, tell, failure

    def __enter__(self) -> None:
        self._around.take(self._reader)

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        self._around.give_back(self._reader)
        if error is None or self._failure is None or not isinstance(error, Exception):
            return False
        self._tell(self._failure, {"error": error})
        return True
