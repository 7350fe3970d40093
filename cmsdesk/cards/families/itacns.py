"""An operator's or holder's CNS: certificate and counters by APDU, signing through the PKCS #11 module.

Nothing here writes but the PIN: producing on such a card is its maker's means (domain.md §1.5).
"""

from __future__ import annotations

from cmsdesk.base.secret import Secret
from cmsdesk.cards.errors import KeyMissing
from cmsdesk.cards.families import files
from cmsdesk.cards.families.base import CardFace, Surroundings
from cmsdesk.cards.families.isocodes import IsoCodes
from cmsdesk.cards.families.middleware import Middleware
from cmsdesk.cards.families.objects import keys_and_certificates
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import CardCommunication, CardGone, WrongPin
from cmsdesk.operations.ports import CardContents, PinCounters, TryOutcome


class ItaCnsFace(CardFace):
    """A card with the CNS file system."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._card = surroundings.connection
        self._middleware = Middleware(surroundings)
        self._codes = IsoCodes(self._card, self._reset)

    def serials(self) -> tuple[str, str]:
        """Return EF.ID_Carta twice: a CNS tells no other serial that all makers share."""
        card_id = files.read_card_id(self._card)
        return card_id, card_id

    def counters(self) -> PinCounters:
        """Read the counters of the authentication PIN and its PUK."""
        pin, puk = self.profile.pin, self.profile.puk
        return PinCounters(self._codes.tries_left(pin), pin.tries, self._codes.tries_left(puk), puk.tries)

    def contents(self) -> CardContents:
        """Read what the card shows without a PIN."""
        try:
            personal, certificate = (
                files.read_personal_data(self._card),
                files.read_cns_certificate(self._card),
            )
            self._middleware.drop()
            token = self._middleware.token(self._label(Slot.AUTHENTICATION))
            keys, certificates = keys_and_certificates(token, self.profile)
        except (ValueError, CardCommunication, CardGone):
            self._card.confirm_alive()
            return CardContents((), (), b"", b"", readable=False)
        return CardContents(keys, certificates, personal, certificate, readable=True)

    def certificate(self) -> bytes:
        """Return EF.C_Carta."""
        return files.cns_certificate(self._card)

    def try_pin(self, pin: Secret) -> TryOutcome:
        """Verify the authentication PIN once."""
        return self._codes.try_once(self.profile.pin, pin)

    def try_puk(self, puk: Secret) -> TryOutcome:
        """Verify the PUK once."""
        return self._codes.try_once(self.profile.puk, puk)

    def change_pin(self, current: Secret, new: Secret) -> None:
        """Replace the authentication PIN by CHANGE REFERENCE DATA."""
        self._codes.change(self.profile.pin, current, new, trusted=False)

    def unblock_pin(self, puk: Secret, new: Secret) -> None:
        """Reset the authentication PIN by RESET RETRY COUNTER."""
        self._codes.unblock(self.profile.pin, self.profile.puk, puk, new)

    def sign(self, slot: Slot, data: bytes, pin: Secret) -> bytes:
        """Sign through the PKCS #11 module; the PIN is sent once, and the card is logged out after it."""
        self._codes.guard(self.profile.pin)
        token = self._middleware.token(self._label(slot))
        try:
            self._middleware.log_in(pin)
        except WrongPin:
            raise WrongPin(tries_left=self._codes.tries_left(self.profile.pin)) from None
        try:
            rule = self.profile.slots[slot]
            if not token.has_object("private_key", rule.object_id):
                raise KeyMissing(reader=self.reader, slot=word(slot))
            return token.sign(rule.object_id, data)
        finally:
            self._reset()

    def rest(self) -> None:
        """Log out, where a code counts as verified."""
        self._codes.tries_left(self.profile.pin)

    def close(self) -> None:
        """Finalise the module."""
        self._middleware.drop()

    def _reset(self) -> None:
        """Log out by a reset: the CNS command set has no other way that all makers share."""
        self._middleware.drop()
        self._card.reset()

    def _label(self, slot: Slot) -> str:
        """A card with several PINs shows one token for each, named after the key."""
        return self.profile.slots[slot].label
