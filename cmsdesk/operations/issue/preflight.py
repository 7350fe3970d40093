"""Checks before anything is changed on the device (PRO-3 b, REG-13): each failure names its next step."""

from __future__ import annotations

from datetime import datetime, timedelta

from cmsdesk.base.clock import ROME
from cmsdesk.base.texts import N_
from cmsdesk.domain.device import Device, DeviceState
from cmsdesk.domain.request import TRANSITIONS, Request, RequestState
from cmsdesk.domain.scratch_card import ScratchCard, ScratchCardState
from cmsdesk.domain.words import UNKNOWN, word
from cmsdesk.operations.errors import (
    AlreadyPersonalised,
    CaClosed,
    CertificationTooShort,
    DeviceNotInStock,
    DeviceTaken,
    RequestChanged,
    RequestNotApproved,
    ScratchCardNotFree,
    TransportCodesTried,
    WrongCa,
    WrongKind,
)
from cmsdesk.operations.ports import (
    CardSession,
    CertificateAuthority,
    DeviceFacts,
    PinCounters,
)


def check_request(request: Request) -> None:
    """Approved here or signed on the portal, and as it was then.

    Raises:
        RequestNotApproved, RequestChanged.
    """
    if (request.state, RequestState.IN_PRODUCTION) not in TRANSITIONS:
        raise RequestNotApproved(request=request.id, state=word(request.state))
    if not request.is_as_approved():
        raise RequestChanged(request=request.id)


def check_scratch_card(card: ScratchCard | None, number: str) -> None:
    """Known and free.

    Raises:
        ScratchCardNotFree.
    """
    if card is None or card.state is not ScratchCardState.IN_STOCK:
        raise ScratchCardNotFree(number=number, state=UNKNOWN if card is None else word(card.state))


def check_device(
    device: Device | None, facts: DeviceFacts, request: Request, now: datetime, validity: timedelta
) -> Device:
    """Of the stock and free, of the kind requested and of the CA that will issue, certified long enough.

    Raises:
        WrongKind, DeviceNotInStock, DeviceTaken, WrongCa, CertificationTooShort.
    """
    if facts.kind is not request.device_kind:
        raise WrongKind(requested=word(request.device_kind), found=word(facts.kind))
    if device is None:
        raise DeviceNotInStock(device=facts.card_id)
    if device.state is not DeviceState.IN_STOCK:
        raise DeviceTaken(device=device.card_id, state=word(device.state))
    if device.kind is not request.device_kind:
        raise WrongKind(requested=word(request.device_kind), found=word(device.kind))
    if device.ca != request.ca:
        raise WrongCa(device=device.card_id, found=device.ca, requested=request.ca)
    end = (now + validity).astimezone(ROME).date()
    if device.certified_until < end:
        raise CertificationTooShort(
            device=device.card_id, until=f"{device.certified_until:%d/%m/%Y}", end=f"{end:%d/%m/%Y}"
        )
    return device


def check_card(session: CardSession, facts: DeviceFacts) -> None:
    """Blank, with every try of the transport codes left.

    Raises:
        TransportCodesTried, AlreadyPersonalised.
    """
    if not _untouched(facts.counters):
        raise TransportCodesTried(device=facts.card_id)
    held = session.contents()
    if not held.readable or held.keys or held.certificates or held.personal_data or held.cns_certificate:
        raise AlreadyPersonalised(device=facts.card_id)


def check_open(authority: CertificateAuthority) -> None:
    """The CA enrols now.

    Raises:
        CaClosed, CaUnreachable.
    """
    opening = authority.opening()
    if not opening.open:
        reopens = (
            f"{opening.reopens_at.astimezone(ROME):%d/%m/%Y %H:%M}"
            if opening.reopens_at
            else N_("at a time it has not announced")
        )
        raise CaClosed(ca=authority.name, reason=opening.reason, reopens_at=reopens)


def _untouched(counters: PinCounters) -> bool:
    return (
        counters.pin_tries is not None
        and counters.pin_tries == counters.pin_tries_max
        and counters.puk_tries is not None
        and counters.puk_tries == counters.puk_tries_max
    )
