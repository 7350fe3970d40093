"""What may go wrong with cards beyond what use cases need to tell apart (`cmsdesk.operations.errors`)."""

from __future__ import annotations

from cmsdesk.base.texts import N_
from cmsdesk.operations.errors import CardError, CardInterrupted


class CertificateConflict(CardError):
    """A certificate object stands where another was to be written."""

    code = "CARD-CERT-CONFLICT"
    cause = N_("The device in reader «{reader}» already holds another or a half-written {slot} certificate.")
    next_step = N_("Reset the device and repeat the production.")


class KeyConflict(CardError):
    """A key object, or the rest of one, stands where a key pair was to be generated."""

    code = "CARD-KEY-CONFLICT"
    cause = N_("The device in reader «{reader}» already holds a {slot} key, or the rest of one.")
    next_step = N_("Reset the device and repeat the production.")


class KeyMissing(CardError):
    """The key to sign with is not on the card."""

    code = "CARD-KEY-MISSING"
    cause = N_("The device in reader «{reader}» holds no {slot} key.")
    next_step = N_("Reset the device and repeat the production.")


class CodesRefused(CardError):
    """Sealed codes that are not for this card host, or not for the card in its reader."""

    code = "CARD-CODES-REFUSED"
    cause = N_("The codes received are not for the device in reader «{reader}» ({reason}).")
    next_step = N_("Check that the device in the reader is the one in production; then continue.")


class CodesMissing(CardInterrupted):
    """The host holds no code of that label: the card was away, or none was loaded."""

    code = "CARD-CODES-MISSING"
    cause = N_("The codes «{label}» for the device in reader «{reader}» are no longer at hand.")
    next_step = N_("Continue the production: the codes are fetched again.")


class Cancelled(CardInterrupted):
    """The caller gave up waiting."""

    code = "CARD-CANCELLED"
    cause = N_("The work with the device in reader «{reader}» was cancelled.")
    next_step = N_("Continue the production when ready.")
