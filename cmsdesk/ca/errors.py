"""Errors of certificate authorities beyond those the use cases name."""

from __future__ import annotations

from cmsdesk.base.texts import N_
from cmsdesk.operations.errors import CaError, CaRefused


class CaAccessDenied(CaError):
    """The CA knows us and does not let us do this: rights or configuration at the CA."""

    code = "CA-ACCESS"
    cause = N_("The certification authority «{ca}» denies access to this service ({reason}).")
    next_step = N_("Give this code to the help desk: the authority must grant the access again.")


class CaRefusedChange(CaRefused):
    """The CA does not change a status or withdraw an order."""

    code = "CA-REFUSED-CHANGE"
    cause = N_("The certification authority «{ca}» refused: {reason}.")
    next_step = N_("Give this code to the help desk; the status at the authority is unchanged.")
