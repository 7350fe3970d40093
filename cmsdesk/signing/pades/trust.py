"""What a long-term signature is given to prove that its certificates were valid."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Trust:
    """Trust anchors and revocation information.

    Attributes:
        anchors: certificates that are trusted, DER: of the signer's authority and the time stamp authority's.
        certificates: other certificates that may be needed on the way, DER.
        revocation_lists: CRLs, DER.
        ocsp_responses: OCSPResponse values, DER.
        fetch: ask the addresses in the certificates for what is missing.
    """

    anchors: tuple[bytes, ...]
    certificates: tuple[bytes, ...] = ()
    revocation_lists: tuple[bytes, ...] = ()
    ocsp_responses: tuple[bytes, ...] = ()
    fetch: bool = True
