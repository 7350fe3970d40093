"""What may go wrong in a use case and can be mended. Adapters raise these or subclasses of them.

Facts in braces are never secrets and never personal data.
"""

from __future__ import annotations

import re

from cmsdesk.base.errors import Facts, Mendable
from cmsdesk.base.texts import N_

# --- readers and cards -------------------------------------------------------------------------


_SLOT = re.compile(r"( \([^)]*\))? \d\d \d\d$")


def reader_name(name: str) -> str:
    """Return a reader's name as people say it: without the numbers that the system appends."""
    return _SLOT.sub("", name)


class CardError(Mendable):
    """Anything between the reader and the chip."""

    def spoken_facts(self) -> Facts:
        """Return the facts with the reader called as it is on every screen."""
        reader = self.facts.get("reader")
        return {**self.facts, "reader": reader_name(reader)} if isinstance(reader, str) else self.facts


class CardInterrupted(CardError):
    """The work with the card stopped half-way; reading the card afresh tells where."""


class CardGone(CardInterrupted):
    """The card left the reader."""

    code = "CARD-GONE"
    cause = N_("The device was taken out of reader «{reader}».")
    next_step = N_("Put the same device back: the work continues from where it stopped.")


class ReaderGone(CardInterrupted):
    """The reader was unplugged or its driver stopped."""

    code = "CARD-READER-GONE"
    cause = N_("Reader «{reader}» is no longer connected.")
    next_step = N_("Plug the reader in again, then put the same device back.")


class CardHostFailed(CardInterrupted):
    """The card host hung or crashed and was ended."""

    code = "CARD-HOST"
    cause = N_("The device's driver stopped answering in reader «{reader}» ({reason}); it was restarted.")
    next_step = N_("Take the device out, put it back and continue.")


class CardCommunication(CardInterrupted):
    """The card answered with an unexpected status word or PKCS #11 result."""

    code = "CARD-ANSWER"
    cause = N_("The device in reader «{reader}» answered «{answer}» while «{action}».")
    next_step = N_("Take the device out, put it back and continue; if it happens again, reset the device.")


class CardFull(CardError):
    """The chip's memory is full."""

    code = "CARD-FULL"
    cause = N_("The memory of the device in reader «{reader}» is full.")
    next_step = N_("Reset the device; if it happens again, set it aside and use another.")


class SmartCardServiceDown(CardError):
    """PC/SC does not run."""

    code = "CARD-SERVICE"
    cause = N_("The computer's smart card service is not running.")
    next_step = N_("Start the service «Smart Card» or restart the computer.")


class NoReader(CardError):
    """No reader at all."""

    code = "CARD-NO-READER"
    cause = N_("No card reader is connected.")
    next_step = N_("Connect a card reader.")


class ReaderBusy(CardError):
    """Another program or window owns the reader."""

    code = "CARD-READER-BUSY"
    cause = N_("Reader «{reader}» is in use by another program.")
    next_step = N_("Close the other program or choose another reader.")


class UnknownCard(CardError):
    """No profile in drivers/ fits the ATR."""

    code = "CARD-UNKNOWN"
    cause = N_("The device in reader «{reader}» is of an unknown kind (ATR {atr}).")
    next_step = N_("Use a device supplied by the body; give this code and the ATR to the help desk.")


class UnsupportedCard(CardError):
    """The card is recognised, and cmsdesk cannot produce on it."""

    code = "CARD-UNSUPPORTED"
    cause = N_("The device in reader «{reader}» is «{card}», which cannot be produced here.")
    next_step = N_("Use a device supplied by the body.")


class DriverMissing(CardError):
    """The maker's PKCS #11 module is not installed."""

    code = "CARD-DRIVER"
    cause = N_("The driver of «{card}» is not installed on this computer.")
    next_step = N_("Install the driver from {obtain}, then try again.")


class DriverWantsRestart(DriverMissing):
    """A driver whose installer wants browsers closed and a restart afterwards (S1-027, S1-028)."""

    code = "CARD-DRIVER-RESTART"
    next_step = N_(
        "Close all browsers, install the driver from {obtain}, restart the computer, then try again."
    )


class DriverUnloadable(CardInterrupted):
    """The maker's module is there and the system cannot load it: installed half-way, or not restarted yet."""

    code = "CARD-DRIVER-LOAD"
    cause = N_("The driver of the device in reader «{reader}» is installed and does not start.")
    next_step = N_("Close all browsers and restart the computer; if it stays so, install the driver again.")


class WrongPin(CardError):
    """A PIN typed by a person was wrong."""

    code = "CARD-WRONG-PIN"
    cause = N_("The PIN is wrong; tries left: {tries_left}.")
    next_step = N_("Type the PIN again with care.")


class PinBlocked(CardError):
    """No tries are left."""

    code = "CARD-PIN-BLOCKED"
    cause = N_("The PIN of the device in reader «{reader}» is blocked.")
    next_step = N_("Unblock it with its PUK, or use another device.")


class CodeUnfit(CardError):
    """A PIN or PUK that this card cannot take; nothing was sent to it."""

    code = "CARD-CODE-UNFIT"
    cause = N_("This device takes codes of {digits_min} to {digits_max} digits.")
    next_step = N_("Type a code of that length, digits only.")


class PukBlocked(CardError):
    """No tries of the PUK are left."""

    code = "CARD-PUK-BLOCKED"
    cause = N_(
        "The PUK of the device in reader «{reader}» is blocked: the device can no longer be unblocked."
    )
    next_step = N_("Have the certificates revoked and a new device issued.")


class LastTry(CardError):
    """The software never spends a card's last try."""

    code = "CARD-LAST-TRY"
    cause = N_("Only one try is left on the device in reader «{reader}»: the program does not spend it.")
    next_step = N_("Set the device aside and use another; give this code to the help desk.")


# --- certificate authority ---------------------------------------------------------------------


class CaError(Mendable):
    """Anything between cmsdesk and a CA."""


class CaUnreachable(CaError):
    """No answer, or none that can be understood: the outcome is unknown."""

    code = "CA-UNREACHABLE"
    cause = N_("The certification authority «{ca}» did not answer ({reason}).")
    next_step = N_("Leave the device in the reader and try again in a few minutes; nothing is lost.")


class CaClosed(CaError):
    """Enrolment is closed now."""

    code = "CA-CLOSED"
    cause = N_("The certification authority «{ca}» does not issue now ({reason}).")
    next_step = N_("Try again when it opens: {reopens_at}.")


class CaRefused(CaError):
    """The CA refused for a reason of its own."""

    code = "CA-REFUSED"
    cause = N_("The certification authority «{ca}» refused the {slot} certificate: {reason}.")
    next_step = N_("Reset the device, mend the cause and repeat the production.")


class CaPending(CaError):
    """The CA has taken the orders and not decided within the waiting time."""

    code = "CA-PENDING"
    cause = N_("The certification authority «{ca}» has not issued yet.")
    next_step = N_("Keep the device; put it back later to continue.")


# --- vault -------------------------------------------------------------------------------------


class VaultError(Mendable):
    """Anything about the vault."""


class VaultLocked(VaultError):
    """The vault's PIN is wrong or was not given."""

    code = "VAULT-LOCKED"
    cause = N_("The vault of codes is locked.")
    next_step = N_("Have the administrator start the program with the vault's PIN.")


class ReleaseRefused(VaultError):
    """The vault does not release these codes to this request."""

    code = "VAULT-REFUSED"
    cause = N_("The vault does not release the codes of device {device} for this step ({reason}).")
    next_step = N_("Give this code to the help desk.")


# --- issuing -----------------------------------------------------------------------------------


class NotReady(Mendable):
    """A production may not begin; nothing was changed on the device."""


class UnknownRequest(NotReady):
    """No such request."""

    code = "ISSUE-NO-REQUEST"
    cause = N_("Request {request} does not exist.")
    next_step = N_("Choose the request from the list of those to produce.")


class RequestNotApproved(NotReady):
    """Only an approved request is produced."""

    code = "ISSUE-NOT-APPROVED"
    cause = N_("Request {request} is not approved: its state is «{state}».")
    next_step = N_("Have the request approved, then produce the device.")


class RequestChanged(NotReady):
    """The data are not those that were approved (REG-13)."""

    code = "ISSUE-CHANGED"
    cause = N_("The data of request {request} were changed after approval.")
    next_step = N_("Cancel the request and register it again.")


class DeviceNotInStock(NotReady):
    """The device is not the body's."""

    code = "ISSUE-NO-STOCK"
    cause = N_("Device {device} is not in the body's stock.")
    next_step = N_("Use a device of the stock, or have the supplier's file imported.")


class DeviceTaken(NotReady):
    """The device is not free."""

    code = "ISSUE-DEVICE-TAKEN"
    cause = N_("Device {device} is not free: its state is «{state}».")
    next_step = N_("Use another device.")


class WrongKind(NotReady):
    """The device is not of the type requested."""

    code = "ISSUE-KIND"
    cause = N_("The request is for a device of type «{requested}», and the one in the reader is «{found}».")
    next_step = N_("Put a device of the requested type into the reader.")


class WrongCa(NotReady):
    """The device belongs to another CA (PRO-3 b)."""

    code = "ISSUE-CA"
    cause = N_("Device {device} belongs to the authority «{found}», and «{requested}» will issue.")
    next_step = N_("Use a device of the issuing authority.")


class AlreadyPersonalised(NotReady):
    """The card holds keys, certificates or personal data."""

    code = "ISSUE-PERSONALISED"
    cause = N_("Device {device} already holds keys, certificates or personal data.")
    next_step = N_("Use a blank device; have this one checked by the help desk.")


class TransportCodesTried(NotReady):
    """The transport PIN or PUK is not at its full number of tries."""

    code = "ISSUE-TRIED"
    cause = N_("Somebody has already tried the transport codes of device {device}.")
    next_step = N_("Set the device aside and use another.")


class TransportCodesRefused(NotReady):
    """The card refused the transport PIN or PUK that the supplier gave."""

    code = "ISSUE-TRANSPORT"
    cause = N_("Device {device} does not accept the supplier's transport codes.")
    next_step = N_("Set the device aside, use another, and tell the supplier.")


class ScratchCardNotFree(NotReady):
    """The scratch card is unknown or taken."""

    code = "ISSUE-SCRATCH"
    cause = N_("Scratch card {number} is not free: its state is «{state}».")
    next_step = N_("Take another scratch card and read its number.")


class CertificationTooShort(NotReady):
    """The chip's certification ends before the certificate would."""

    code = "ISSUE-CERTIFICATION"
    cause = N_(
        "The certification of device {device} ends on {until}, before the certificate's own end ({end})."
    )
    next_step = N_("Use a device of a newer lot.")


class PersonalDataUnfit(NotReady):
    """EF.Dati_personali cannot hold the holder's data."""

    code = "ISSUE-PERSONAL-DATA"
    cause = N_("The holder's data do not fit on the device: the field «{label}» {problem}.")
    next_step = N_("Cancel the request and register it again with a shorter form of that field.")


class OperatorNotTrusted(NotReady):
    """The operator's card did not sign the opening as it must."""

    code = "ISSUE-OPERATOR"
    cause = N_("The operator's card cannot open a production: {reason}.")
    next_step = N_("Use the operator's own valid CNS.")


class Interrupted(NotReady):
    """The device has an unfinished production."""

    code = "ISSUE-UNFINISHED"
    cause = N_("Device {device} has an unfinished production, stopped at step {step}.")
    next_step = N_("Resume it or reset the device.")


class CannotResume(Mendable):
    """What the card holds cannot be continued; only a reset helps."""

    code = "ISSUE-NO-RESUME"
    cause = N_("The production on device {device} cannot be resumed: {reason}.")
    next_step = N_("Reset the device and repeat the production.")


class CannotReset(Mendable):
    """The card already has the holder's codes."""

    code = "ISSUE-NO-RESET"
    cause = N_("Device {device} already has the holder's codes: it cannot be reset.")
    next_step = N_("Resume: only the confirmation is missing.")


class DeviceLocked(Mendable):
    """The card refuses the PUK that it should have: neither going on nor a reset is possible."""

    code = "ISSUE-LOCKED"
    cause = N_("Device {device} does not accept the codes that it should have.")
    next_step = N_("Set the device aside; its request can then be produced on another.")


class NothingUnfinished(Mendable):
    """Asked to resume or reset a device that needs neither."""

    code = "ISSUE-NOTHING"
    cause = N_("Device {device} has no unfinished production.")
    next_step = N_("Begin a production, or put in the device that was interrupted.")


class WrongCertificate(Mendable):
    """The CA returned a certificate that is not what was asked."""

    code = "ISSUE-CERTIFICATE"
    cause = N_("The {slot} certificate from the authority is not as asked: {reason}.")
    next_step = N_("Reset the device; tell the authority, giving this code.")


class DeviceUnproven(Mendable):
    """The finished card does not hold or prove what it must."""

    code = "ISSUE-UNPROVEN"
    cause = N_("The device does not prove itself: {reason}.")
    next_step = N_("Reset the device and repeat; if it happens again, set it aside.")


class ResetIncomplete(Mendable):
    """The CA has not yet confirmed the revocation."""

    code = "ISSUE-RESET-WAITS"
    cause = N_("The device is wiped, but the authority has not confirmed the revocation yet ({reason}).")
    next_step = N_("Keep the device apart: the revocation is repeated until it is confirmed.")


class StaleState(Mendable):
    """A record changed in the meantime."""

    code = "RECORD-STALE"
    cause = N_("{what} {id} is in state «{state}» and cannot become «{wanted}».")
    next_step = N_("Reload it and look at what changed.")


class StoreUnreadable(Mendable):
    """The local store cannot be opened."""

    code = "STORE-KEY"
    cause = N_("The local archive «{file}» cannot be opened: the key is not its own, or it is damaged.")
    next_step = N_("Do not delete it; give this code to the help desk.")


class StoreNewer(Mendable):
    """The local store belongs to a newer program."""

    code = "STORE-NEWER"
    cause = N_("The local archive «{file}» was written by a newer version of cmsdesk.")
    next_step = N_("Do not delete it; install that version: what was not sent yet is kept in it.")


# --- registration ------------------------------------------------------------------------------


class RegistrationIncomplete(Mendable):
    """A field that every registration needs."""

    code = "REGISTER-FIELD"
    cause = N_("The field «{label}» {problem}.")
    next_step = N_("Correct the field and register again.")


class FiscalCodeWrong(Mendable):
    """Not a codice fiscale."""

    code = "REGISTER-CF"
    cause = N_("The codice fiscale is not valid: a character is wrong or missing.")
    next_step = N_("Read it again from the health card or the document.")


class FiscalCodeMismatch(Mendable):
    """A codice fiscale of other data."""

    code = "REGISTER-CF-DATA"
    cause = N_("The codice fiscale does not agree with the field «{label}».")
    next_step = N_("Compare both with the document and correct the one that is wrong.")


# --- service -----------------------------------------------------------------------------------


class ServiceUnreachable(Mendable):
    """The central service does not answer."""

    code = "SERVICE"
    cause = N_("The central service does not answer ({reason}).")
    next_step = N_("Go on with what needs no service; what was entered is sent when it answers again.")


class TooManyCalls(ServiceUnreachable):
    """The service has no time for this caller now."""

    code = "TOO-MANY"
    cause = N_("This computer asks the service too often.")
    next_step = N_("Wait {seconds} seconds; what was entered is sent by itself.")


class CallTooLarge(Mendable):
    """What was sent is larger than the service takes in one call."""

    code = "CALL-LARGE"
    cause = N_("The call is larger than the {limit} bytes that the service takes.")
    next_step = N_("Update the program; give this code to the help desk.")


class CallMalformed(Mendable):
    """The call itself is wrong: another version of the program, or not the program at all."""

    code = "CALL"
    cause = N_("The service does not understand the call: {where}.")
    next_step = N_("Update the program.")


class ServiceSaid(Mendable):
    """An error of the service that this version of the desk does not know."""

    code = "SERVICE-SAID"
    cause = N_("The service refused: {title} (code {said}).")
    next_step = N_("Update the program; give this code to the help desk.")
