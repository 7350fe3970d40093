"""SoftHSM as a token without a card: the same port where no ATR, counter or removal can be shown.

The CNS files are data objects named after them. Good for tests of everything above the card; a
holder never gets one.
"""

from __future__ import annotations

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards.errors import CertificateConflict, KeyConflict, KeyMissing
from cmsdesk.cards.families.base import CardFace, Progress, Surroundings
from cmsdesk.cards.families.isocodes import guard
from cmsdesk.cards.families.objects import certificate_attributes, keys_and_certificates
from cmsdesk.cards.pkcs11 import native
from cmsdesk.cards.pkcs11.token import Token
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import PinBlocked, WrongPin
from cmsdesk.operations.ports import CardContents, PinCounters, TryOutcome
from cmsdesk.operations.sealing import CodePair

_PERSONAL_DATA = "EF.Dati_personali"
_CNS_CERTIFICATE = "EF.C_Carta"


class SoftHsmFace(CardFace):
    """One SoftHSM token, found by its serial."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._token = Token(self.profile.module(), self.reader, serial=surroundings.serial)
        self._pin: Secret | None = None

    def serials(self) -> tuple[str, str]:
        """Return the token's serial twice: 16 characters, as SoftHSM makes them."""
        serial = self.surroundings.serial or ""
        return serial, serial

    def counters(self) -> PinCounters:
        """Return what the token flags tell: nothing but a blocked or last try."""
        self.rest()
        flags = self._token.state().flags
        pin = _tries(flags, native.CKF_USER_PIN_LOCKED, native.CKF_USER_PIN_FINAL_TRY)
        puk = _tries(flags, native.CKF_SO_PIN_LOCKED, native.CKF_SO_PIN_FINAL_TRY)
        return PinCounters(pin, None, puk, None)

    def contents(self) -> CardContents:
        """Read keys, certificates and the data objects that stand for the CNS files."""
        self._pin = None
        self._token.refresh()
        keys, certificates = keys_and_certificates(self._token, self.profile)
        personal, certificate = self._token.data(_PERSONAL_DATA), self._token.data(_CNS_CERTIFICATE)
        return CardContents(keys, certificates, personal, certificate, readable=True)

    def certificate(self) -> bytes:
        """Return the data object that stands for EF.C_Carta."""
        return self._token.data(_CNS_CERTIFICATE)

    def try_pin(self, pin: Secret) -> TryOutcome:
        """Log in once."""
        guard(self.counters().pin_tries, self.reader)
        try:
            self._token.login(pin)
        except WrongPin:
            return TryOutcome(False, self.counters().pin_tries)
        except PinBlocked:
            return TryOutcome(False, 0)
        self._pin = pin
        return TryOutcome(True, None)

    def try_puk(self, puk: Secret) -> TryOutcome:
        """Log in as security officer once."""
        guard(self.counters().puk_tries, self.reader)
        try:
            self._token.login_officer(puk)
        except WrongPin:
            return TryOutcome(False, self.counters().puk_tries)
        self._token.logout()
        return TryOutcome(True, None)

    def change_pin(self, current: Secret, new: Secret) -> None:
        """Replace the PIN by C_SetPIN."""
        self._log_in(current)
        self._token.set_pin(current, new)
        self.rest()

    def unblock_pin(self, puk: Secret, new: Secret) -> None:
        """Log in as security officer and set the PIN by C_InitPIN."""
        guard(self.counters().puk_tries, self.reader)
        self._token.login_officer(puk)
        try:
            self._token.init_pin(new)
        finally:
            self.rest()

    def change_puk(self, current: Secret, new: Secret) -> None:
        """Replace the PUK by C_SetPIN of the security officer."""
        guard(self.counters().puk_tries, self.reader)
        self._token.login_officer(current)
        self._token.set_pin(current, new)
        self.rest()

    def write_personal_data(self, data: bytes, pin: Secret) -> None:
        """Write the data object, whole."""
        self._log_in(pin)
        self._token.put_data(_PERSONAL_DATA, data)

    def generate_key(self, slot: Slot, algorithm: KeyAlgorithm, pin: Secret) -> bytes:
        """Generate a key pair."""
        self._log_in(pin)
        rule = self.profile.slots[slot]
        if self._token.has_object("private_key", rule.object_id):
            raise KeyConflict(reader=self.reader, slot=word(slot))
        mail = slot is Slot.AUTHENTICATION
        return self._token.generate_key(algorithm, rule.object_id, rule.label, mail=mail)

    def sign(self, slot: Slot, data: bytes, pin: Secret) -> bytes:
        """Sign with the slot's key."""
        self._log_in(pin)
        rule = self.profile.slots[slot]
        if not self._token.has_object("private_key", rule.object_id):
            raise KeyMissing(reader=self.reader, slot=word(slot))
        return self._token.sign(rule.object_id, data)

    def write_certificate(self, slot: Slot, der: bytes, pin: Secret) -> None:
        """Write the certificate object, and the data object in the CNS slot."""
        self._log_in(pin)
        rule = self.profile.slots[slot]
        written = [found.value for found in self._token.certificates() if found.object_id == rule.object_id]
        if written and written != [der]:
            raise CertificateConflict(reader=self.reader, slot=word(slot))
        if not written:
            self._token.create_certificate(der, rule.object_id, rule.label, certificate_attributes(der))
        if slot is Slot.AUTHENTICATION:
            self._token.put_data(_CNS_CERTIFICATE, der)

    def wipe(self, puk: Secret | None, transport: CodePair, progress: Progress) -> None:
        """Empty the token by C_InitToken and set the transport codes; a cut leaves one of both PUKs."""
        progress(N_("erasing the chip"))
        current = transport.puk
        if puk is not None and self.try_puk(puk).accepted:
            current = puk
        # SoftHSM takes the present PUK to re-initialise, and only changes it afterwards.
        self._token.init_token(current, self.profile.token_label)
        progress(N_("writing the empty structure"))
        self._token.login_officer(current)
        self._token.init_pin(transport.pin)
        if not current.matches(transport.puk):
            self._token.set_pin(current, transport.puk)
        self.rest()

    def rest(self) -> None:
        """Log out."""
        self._pin = None
        self._token.logout()

    def close(self) -> None:
        """Finalise the module."""
        self._token.close()

    def _log_in(self, pin: Secret) -> None:
        if self._token.user_logged_in and self._pin is not None and self._pin.matches(pin):
            return
        guard(self.counters().pin_tries, self.reader)
        self._token.login(pin)
        self._pin = pin


def _tries(flags: int, locked: int, final: int) -> int | None:
    if flags & locked:
        return 0
    return 1 if flags & final else None
