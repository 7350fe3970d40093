"""What each step does, in words: message ids for every face of the program."""

from __future__ import annotations

from collections.abc import Mapping

from cmsdesk.base.texts import N_
from cmsdesk.domain.production import RESET

STEP_TITLES: Mapping[str, str] = {
    "a": N_("Sign the opening"),
    "b": N_("Replace the transport codes"),
    "c": N_("Write the holder's data"),
    "d": N_("Generate the keys"),
    "e": N_("Sign the certificate requests"),
    "f": N_("Send the requests to the authority"),
    "g": N_("Receive and check the certificates"),
    "h": N_("Write the certificates"),
    "i": N_("Verify the device and confirm"),
    "j": N_("Set the codes of the scratch card"),
    RESET: N_("Empty the device, revoke its certificates"),
}
