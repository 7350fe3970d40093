"""MyEID: the family that cards are produced on.

PIN work, personal data, EF.C_Carta and all reading go by APDU, keys and certificate objects through
the PKCS #11 module; both share one login, because the chip's security status is one. The PUK is the
security officer's PIN (reference 3); the chip's own unblocking codes are random and kept nowhere.
"""

from __future__ import annotations

from cmsdesk.base.errors import Bug
from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards.apdu import cns, iso7816, myeid
from cmsdesk.cards.errors import CertificateConflict, KeyConflict, KeyMissing
from cmsdesk.cards.families import files
from cmsdesk.cards.families.base import CardFace, Progress, Surroundings
from cmsdesk.cards.families.initialiser import Initialiser
from cmsdesk.cards.families.isocodes import IsoCodes
from cmsdesk.cards.families.middleware import Middleware
from cmsdesk.cards.families.objects import certificate_attributes
from cmsdesk.cards.families.structure import Structure
from cmsdesk.cards.pkcs11.token import Token
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.domain.words import word
from cmsdesk.operations.errors import CardCommunication, WrongPin
from cmsdesk.operations.ports import CardContents, ChipDetails, PinCounters, TryOutcome
from cmsdesk.operations.sealing import CodePair


class MyEidFace(CardFace):
    """A MyEID card or token."""

    def __init__(self, surroundings: Surroundings) -> None:
        super().__init__(surroundings)
        self._card = surroundings.connection
        self._middleware = Middleware(surroundings)
        self._codes = IsoCodes(self._card, self._log_out)

    # reading

    def serials(self) -> tuple[str, str]:
        """Return EF.ID_Carta, and the chip's serial in hexadecimal."""
        return files.read_card_id(self._card), self._information().serial.hex()

    def details(self) -> ChipDetails:
        """Return the applet's version, and the free memory that the master file tells (FCP, tag 81)."""
        information = self._information()
        described = files.expect(
            self._card, iso7816.select_file(iso7816.MASTER_FILE, describe=True), N_("read the card")
        ).data
        free = iso7816.template_value(described, iso7816.TAG_SIZE)
        version = f"{information.major}.{information.minor}"
        return ChipDetails(version, None, int.from_bytes(free, "big") if free else None)

    def counters(self) -> PinCounters:
        """Read both counters; a blank chip has none."""
        self._middleware.log_out()
        pin, puk = self.profile.pin, self.profile.puk
        return PinCounters(self._codes.tries_left(pin), pin.tries, self._codes.tries_left(puk), puk.tries)

    def contents(self) -> CardContents:
        """Read keys, certificates and CNS files afresh; a login is not disturbed."""
        try:
            keys, certificates = Structure(self._card, self.profile).read()
            personal, certificate = (
                files.read_personal_data(self._card),
                files.read_cns_certificate(self._card),
            )
        except (ValueError, CardCommunication):
            self._card.confirm_alive()
            return CardContents((), (), b"", b"", readable=False)
        return CardContents(keys, certificates, personal, certificate, readable=True)

    def certificate(self) -> bytes:
        """Return EF.C_Carta."""
        return files.cns_certificate(self._card)

    # codes

    def try_pin(self, pin: Secret) -> TryOutcome:
        """Verify the PIN once."""
        self._middleware.log_out()
        return self._codes.try_once(self.profile.pin, pin)

    def try_puk(self, puk: Secret) -> TryOutcome:
        """Verify the PUK once."""
        return self._codes.try_once(self.profile.puk, puk)

    def change_pin(self, current: Secret, new: Secret) -> None:
        """Replace the PIN by CHANGE REFERENCE DATA."""
        trusted = self._middleware.is_logged_in_with(current)
        try:
            self._codes.change(self.profile.pin, current, new, trusted=trusted)
        finally:
            # The module caches the old PIN and would spend tries on it.
            self._middleware.log_out()

    def unblock_pin(self, puk: Secret, new: Secret) -> None:
        """Verify the PUK, which is the security officer's PIN, and reset the PIN."""
        self._middleware.log_out()
        self._codes.unblock_by_officer(self.profile.pin, self.profile.puk, puk, new)

    def change_puk(self, current: Secret, new: Secret) -> None:
        """Replace the PUK by CHANGE REFERENCE DATA."""
        self._codes.change(self.profile.puk, current, new, trusted=False)

    # production

    def write_personal_data(self, data: bytes, pin: Secret) -> None:
        """Write EF.Dati_personali from its start."""
        if len(data) > cns.PERSONAL_DATA_MAX:
            raise Bug(f"{len(data)} bytes of personal data")
        self._log_in(pin)
        files.write(self._card, cns.PATH_DATI_PERSONALI, data, N_("write to the card"))

    def generate_key(self, slot: Slot, algorithm: KeyAlgorithm, pin: Secret) -> bytes:
        """Generate a key pair; only authentication keys decipher too (domain.md §1.1, keyEncipherment)."""
        token = self._log_in(pin)
        rule = self.profile.slots[slot]
        if token.has_object("private_key", rule.object_id) or token.has_object("public_key", rule.object_id):
            raise KeyConflict(reader=self.reader, slot=word(slot))
        return token.generate_key(algorithm, rule.object_id, rule.label, mail=slot is Slot.AUTHENTICATION)

    def sign(self, slot: Slot, data: bytes, pin: Secret) -> bytes:
        """Sign through the PKCS #11 module."""
        token = self._log_in(pin)
        rule = self.profile.slots[slot]
        if not token.has_object("private_key", rule.object_id):
            raise KeyMissing(reader=self.reader, slot=word(slot))
        return token.sign(rule.object_id, data)

    def write_certificate(self, slot: Slot, der: bytes, pin: Secret) -> None:
        """Write the certificate object, then EF.C_Carta for the CNS slot.

        OpenSC enters an object in the card's list only after its file is whole, so an object that
        is there is either this certificate or another production's.
        """
        token = self._log_in(pin)
        rule = self.profile.slots[slot]
        if token.has_object("certificate", rule.object_id):
            written = [found.value for found in token.certificates() if found.object_id == rule.object_id]
            if written != [der]:
                raise CertificateConflict(reader=self.reader, slot=word(slot))
        else:
            token.create_certificate(der, rule.object_id, rule.label, certificate_attributes(der))
        if slot is Slot.AUTHENTICATION:
            files.write(self._card, cns.PATH_C_CARTA, der, N_("write to the card"))

    # transport state

    def wipe(self, puk: Secret | None, transport: CodePair, progress: Progress) -> None:
        """Erase the applet by APDU, then write an empty PKCS #15 structure with the transport codes.

        Until the structure is finished the applet stays in its creation state, where erasing needs
        no PUK: a cut anywhere leaves a card that this can start on again. A card whose wipe was cut
        after its very end has the transport PUK already; it is tried second.
        """
        self._middleware.drop()
        card_id = files.read_card_id(self._card)
        with Initialiser(self.profile, self.reader, self.surroundings.helper_lock) as initialiser:
            progress(N_("erasing the chip"))
            if not self._in_creation_state():
                self._verify_puk(puk, transport.puk)
            with self._card.transaction():
                files.expect(self._card, iso7816.select_file(iso7816.MASTER_FILE), N_("erase the chip"))
                files.expect(self._card, myeid.initialise_applet(), N_("erase the chip"))
            progress(N_("writing the empty structure"))
            self._middleware.use_settings()
            initialiser.write(card_id, transport, self._card)

    # ending

    def rest(self) -> None:
        """Log out of the module and of the chip."""
        if self._middleware.logged_in:
            self._middleware.log_out()
        else:
            self._log_out()

    def close(self) -> None:
        """Finalise the module."""
        self._middleware.drop()

    # inside

    def _information(self) -> myeid.AppletInformation:
        action = N_("read the card")
        answer = files.expect(self._card, myeid.applet_information(), action)
        try:
            return myeid.AppletInformation.decode(answer.data)
        except ValueError:
            raise CardCommunication(reader=self.reader, answer="01A0", action=action) from None

    def _log_out(self) -> None:
        files.expect(self._card, myeid.logout(), N_("log out"))

    def _log_in(self, pin: Secret) -> Token:
        token = self._middleware.token()
        if not self._middleware.is_logged_in_with(pin):
            self._middleware.log_out()
            self._codes.guard(self.profile.pin)
            try:
                self._middleware.log_in(pin)
            except WrongPin:
                raise WrongPin(tries_left=self._codes.tries_left(self.profile.pin)) from None
        return token

    def _verify_puk(self, first: Secret | None, second: Secret) -> None:
        outcome = self.try_puk(first if first is not None else second)
        if not outcome.accepted and first is not None and not first.matches(second):
            outcome = self.try_puk(second)
        if not outcome.accepted:
            raise WrongPin(tries_left=outcome.tries_left)

    def _in_creation_state(self) -> bool:
        ask = iso7816.select_file(iso7816.MASTER_FILE, describe=True)
        described = files.expect(self._card, ask, N_("read the card")).data
        state = iso7816.template_value(described, iso7816.TAG_LIFE_CYCLE)
        return state == bytes((iso7816.LIFE_CYCLE_CREATION,))
