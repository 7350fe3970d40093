"""What each step does, in words: message ids for every face of the program."""

from __future__ import annotations

from collections.abc import Mapping

from cmsdesk.base.texts import N_
from cmsdesk.domain.production import RESET

STEP_TITLES: Mapping[str, str] = {
    "a": N_("The operator's card signs the opening"),
    "b": N_("Transport PIN and PUK replaced by random ones"),
    "c": N_("Personal data written, certificate requests prepared"),
    "d": N_("Key pairs generated on the device"),
    "e": N_("Certificate requests signed by the device"),
    "f": N_("Requests sent to the certification authority"),
    "g": N_("Certificates received and checked"),
    "h": N_("Certificates recorded and written to the device"),
    "i": N_("Device read back and proven, enrolment confirmed"),
    "j": N_("PIN and PUK of the scratch card set"),
    RESET: N_("Device back in its transport state, certificates revoked"),
}
