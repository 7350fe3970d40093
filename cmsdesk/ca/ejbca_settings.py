"""What an installation configures for one EJBCA instance."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from cmsdesk.ca.hours import EnrolmentHours
from cmsdesk.ca.transport import Endpoint
from cmsdesk.domain.certificate import Slot


@dataclass(frozen=True)
class SlotProfile:
    """Names at the CA for the certificates of one slot."""

    ca: str
    certificate_profile: str
    end_entity_profile: str


@dataclass(frozen=True)
class EjbcaSettings:
    """One EJBCA instance, as a body uses it."""

    name: str
    """The name that stock and bodies know this CA by."""
    endpoint: Endpoint
    """Mutual TLS; the address ends in ``/ejbca``."""
    profiles: Mapping[Slot, SlotProfile]
    trust_anchors: tuple[bytes, ...]
    """Root certificates, DER."""
    hours: EnrolmentHours | None = None
    """None: the CA enrols at any time."""
    withdrawn_profile: SlotProfile | None = None
    """Profile for end entities that only mark a withdrawn order; the CNS slot's when None."""
    poll_after_s: float = 30.0
