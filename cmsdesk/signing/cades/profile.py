"""What kind of CAdES signature is wanted."""

from dataclasses import dataclass
from enum import StrEnum

from cmsdesk.signing.documents.model import Level
from cmsdesk.signing.errors import SettingsError


class Mode(StrEnum):
    """How the signature stands to the document."""

    ATTACHED = "attached"  # a new .p7m around the content
    DETACHED = "detached"  # a new .p7s beside the content
    PARALLEL = "parallel"  # one more signer of an existing .p7m or .p7s
    COUNTERSIGN = "countersign"  # a signature over one signer's signature value


@dataclass(frozen=True, slots=True, kw_only=True)
class CadesProfile:
    """A CAdES signature.

    Attributes:
        level: B or T.
        mode: attached, detached, parallel or countersign.
        mime_type: of the content, recorded as a signed attribute (EN 319 122-1 clause 5.2.5).
        signer_index: which signer to countersign, counted from 0; None when there is only one.

    Raises:
        SettingsError: a level that CAdES is not made in here.
    """

    level: Level = Level.B
    mode: Mode = Mode.ATTACHED
    mime_type: str | None = None
    signer_index: int | None = None

    def __post_init__(self) -> None:
        if self.level not in (Level.B, Level.T):
            raise SettingsError(
                "CAdES signatures are made at level B or T.", "Choose B or T.", level=self.level
            )
