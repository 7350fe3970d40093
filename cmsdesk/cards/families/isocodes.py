"""PIN and PUK by ISO/IEC 7816-4 commands: true counters, one try at a time, never the last one."""

from __future__ import annotations

from collections.abc import Callable

from cmsdesk.base.errors import Bug
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards.apdu import iso7816
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.cards.profiles import CodeRule
from cmsdesk.operations.errors import CardCommunication, CardError, LastTry, PinBlocked, WrongPin
from cmsdesk.operations.ports import TryOutcome


class IsoCodes:
    """The codes of one card; ``log_out`` is how its family ends every verification."""

    def __init__(self, card: Connection, log_out: Callable[[], None]) -> None:
        self._card = card
        self._log_out = log_out

    def tries_left(self, rule: CodeRule) -> int | None:
        """Read a counter. While a code counts as verified a card does not tell: it is logged out first."""
        response = self._card.transmit(iso7816.read_counter(_reference(rule)))
        if response.ok:
            self._log_out()
            response = self._card.transmit(iso7816.read_counter(_reference(rule)))
        return response.tries_left

    def guard(self, rule: CodeRule) -> None:
        """Read the counter and refuse to spend the last try.

        Raises:
            LastTry, PinBlocked.
        """
        guard(self.tries_left(rule), self._card.reader)

    def try_once(self, rule: CodeRule, code: Secret) -> TryOutcome:
        """Verify ``code`` once; errors as `guard`."""
        self.guard(rule)
        response = self._card.transmit(iso7816.verify(_reference(rule), _padded(code, rule)))
        if response.ok:
            return TryOutcome(True, rule.tries)
        if response.tries_left is None:
            raise self._refused(response, N_("verify the code"))
        return TryOutcome(False, response.tries_left)

    def change(self, rule: CodeRule, current: Secret, new: Secret, *, trusted: bool) -> None:
        """Replace a code; ``trusted``: the card accepted ``current`` in the running login.

        Raises:
            WrongPin, LastTry, PinBlocked, CardCommunication.
        """
        if not trusted:
            self.guard(rule)
        codes = _padded(current, rule), _padded(new, rule)
        response = self._card.transmit(iso7816.change_reference_data(_reference(rule), *codes))
        if not response.ok:
            raise self._refused(response, N_("change the code"))

    def unblock(self, rule: CodeRule, puk_rule: CodeRule, puk: Secret, new: Secret) -> None:
        """Give the PIN a new value and all its tries: RESET RETRY COUNTER with PUK and new PIN.

        Raises:
            WrongPin, LastTry, PinBlocked (all about the PUK), CardCommunication.
        """
        self.guard(puk_rule)
        codes = _padded(puk, puk_rule), _padded(new, rule)
        response = self._card.transmit(iso7816.reset_retry_counter(_reference(rule), *codes))
        if not response.ok:
            raise self._refused(response, N_("unblock the PIN"))

    def unblock_by_officer(self, rule: CodeRule, puk_rule: CodeRule, puk: Secret, new: Secret) -> None:
        """As `unblock`, where the PUK is the security officer's PIN: it is verified, then logged out."""
        outcome = self.try_once(puk_rule, puk)
        if not outcome.accepted:
            if outcome.tries_left == 0:
                raise PinBlocked(reader=self._card.reader)
            raise WrongPin(tries_left=outcome.tries_left)
        try:
            command = iso7816.reset_retry_counter_by_officer(_reference(rule), _padded(new, rule))
            response = self._card.transmit(command)
            if not response.ok:
                raise self._refused(response, N_("unblock the PIN"))
        finally:
            self._log_out()

    def _refused(self, response: iso7816.Response, action: str) -> CardError:
        if response.tries_left is None:
            return CardCommunication(reader=self._card.reader, answer=f"{response.sw:04X}", action=action)
        if response.tries_left == 0:
            return PinBlocked(reader=self._card.reader)
        return WrongPin(tries_left=response.tries_left)


def guard(tries_left: int | None, reader: str) -> None:
    """Refuse to spend a card's last try.

    Raises:
        LastTry, PinBlocked.
    """
    if tries_left == 0:
        raise PinBlocked(reader=reader)
    if tries_left == 1:
        raise LastTry(reader=reader)


def _reference(rule: CodeRule) -> int:
    if rule.reference is None:
        raise Bug("the profile gives no reference for a code that goes by APDU")
    return rule.reference


def _padded(code: Secret, rule: CodeRule) -> bytes:
    return iso7816.pad(code.reveal(), rule.stored_length, rule.filler)
