"""What kind of PAdES signature is wanted."""

from dataclasses import dataclass

from cmsdesk.signing.documents.model import Level
from cmsdesk.signing.pades.box import Box
from cmsdesk.signing.pades.trust import Trust


@dataclass(frozen=True, slots=True, kw_only=True)
class PadesProfile:
    """A PAdES signature.

    Attributes:
        level: B, T, LT or LTA.
        box: the visible box; None makes an invisible signature.
        field: name of the signature field. An empty field of that name is filled in; otherwise a new one is
            made. None chooses a free name.
        existing_field: sign an existing empty field: the one named `field`, or the only one there is.
        reason, location, contact: told in the signature dictionary.
        repair: rewrite a damaged PDF before signing, if it carries no signature yet; noted in the result.
        trust: what LT and LTA need to collect proof that the certificates are valid.
    """

    level: Level = Level.B
    box: Box | None = None
    field: str | None = None
    existing_field: bool = False
    reason: str = ""
    location: str = ""
    contact: str = ""
    repair: bool = False
    trust: Trust | None = None
