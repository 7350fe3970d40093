"""`ports.Records` by commands to the service, whether it is near or far.

Each change is one command under a new id; the gateway repeats it under the same id when an answer
is lost. Asked again later, the rules find their effect already there.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

from cmsdesk.base.ids import new_id
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import Command
from cmsdesk.domain.device import Device, DeviceKind, DeviceState
from cmsdesk.domain.documents import request_document, request_of
from cmsdesk.domain.production import Production, ProductionState
from cmsdesk.domain.request import Request, RequestState
from cmsdesk.domain.scratch_card import ScratchCard, ScratchCardState
from cmsdesk.operations.errors import UnknownRequest
from cmsdesk.operations.ports import SignedOpening, Withdrawal
from cmsdesk.sync.gateway import Gateway


class CommandRecords:
    """`ports.Records` on a `Gateway`."""

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._attempts: dict[str, int] = {}

    # --- requests and stock --------------------------------------------------------------------

    def save_request(self, request: Request) -> None:
        """Store a request as registered, amended or approved."""
        if request.state is RequestState.APPROVED:
            facts = {"request": request.id, "digest": request.digest()}
            self._do("request.approve", **facts)
            return
        document = {"id": request.id, **request_document(request)}
        kind = "request.register" if self._gateway.get("request", request.id) is None else "request.amend"
        self._do(kind, request=document)

    def request(self, request: str) -> Request:
        """Return a request. Raises `UnknownRequest`."""
        document = self._gateway.get("request", request)
        if document is None:
            raise UnknownRequest(request=request)
        return request_of(request, document)

    def device(self, card_id: str) -> Device | None:
        """Return a device of the stock."""
        return _device(card_id, self._gateway.get("device", card_id))

    def scratch_card(self, number: str) -> ScratchCard | None:
        """Return a scratch card of the stock."""
        return _scratch_card(number, self._gateway.get("scratch_card", number))

    def together(
        self, request: str, card_id: str, scratch_card: str | None
    ) -> tuple[Request, Device | None, ScratchCard | None]:
        """Return what is to meet in a production, seen at one moment. Raises `UnknownRequest`."""
        wanted = [("request", request), ("device", card_id)]
        if scratch_card is not None:
            wanted.append(("scratch_card", scratch_card))
        document, device, *card = self._gateway.get_all(wanted)
        if document is None:
            raise UnknownRequest(request=request)
        reserved = _scratch_card(scratch_card or "", card[0] if card else None)
        return request_of(request, document), _device(card_id, device), reserved

    # --- productions ---------------------------------------------------------------------------

    def production(self, production: str) -> Production | None:
        """Return a production."""
        found = self._gateway.get("production", production)
        return None if found is None else _production(production, found)

    def open_production(self, production: Production, opening: SignedOpening) -> None:
        """Request and device go into production, the scratch card is reserved."""
        self._do(
            "production.open",
            production=production.id,
            request=production.request,
            device=production.device,
            scratch_card=production.scratch_card,
            operator=production.operator,
            opening=_text(opening.message),
            opening_signature=_text(opening.signature),
            opening_certificate=_text(opening.certificate),
        )

    def record_certificates(self, production: str, certificates: Mapping[Slot, bytes]) -> None:
        """Record the issued certificates, DER, before they are written to the card."""
        values = {slot.value: _text(der) for slot, der in certificates.items()}
        self._do("production.certificates", production=production, certificates=values)

    def certificates(self, production: str) -> dict[Slot, bytes]:
        """Return the recorded certificates, DER."""
        found = self._gateway.get("production", production) or {}
        recorded: Mapping[str, str] = found.get("certificates", {})
        return {Slot(slot): base64.b64decode(text) for slot, text in recorded.items()}

    def confirm_enrolment(self, production: str) -> None:
        """The card holds and proves what was recorded."""
        self._do("production.confirm", production=production)

    def bind_scratch_card(self, production: str) -> None:
        """Bind the reserved scratch card: its codes are about to leave the vault."""
        self._do("production.bind", production=production)

    def complete(self, production: str) -> None:
        """The device is personalised, the scratch card used, the request produced."""
        self._do("production.complete", production=production)

    # --- reset ---------------------------------------------------------------------------------

    def begin_reset(self, production: str, reason: str, withdraw: Sequence[str]) -> None:
        """The production will not be completed: one durable withdrawal per enrolment key."""
        self._do("production.reset", production=production, reason=reason, withdraw=list(withdraw))

    def withdrawals(self, production: str | None = None) -> Sequence[Withdrawal]:
        """Return the withdrawals that the CA has not confirmed, of one production or all."""
        if production is None:
            found = self._gateway.in_state("production", ProductionState.RESETTING.value)
        else:
            document = self._gateway.get("production", production)
            found = [] if document is None else [(production, document)]
        return [
            Withdrawal(key, identifier, document["ca"], self._attempts.get(key, 0))
            for identifier, document in found
            for key, confirmed in sorted(document.get("withdrawals", {}).items())
            if not confirmed
        ]

    def withdrawal_tried(self, key: str, *, confirmed: bool) -> None:
        """Note one attempt at a withdrawal."""
        self._attempts[key] = self._attempts.get(key, 0) + 1
        if confirmed:
            production = key.rpartition("-")[0]
            self._do("production.withdrawal", production=production, key=key)

    def finish_reset(self, production: str, *, set_aside: bool = False) -> None:
        """Nothing is valid; the card is clean and in stock, or set aside; the request is approved."""
        self._do("production.clean", production=production, set_aside=set_aside)

    # --- inside --------------------------------------------------------------------------------

    def _do(self, kind: str, **facts: Any) -> None:
        self._gateway.execute(Command(new_id(), kind, self._gateway.body, facts))


def _device(card_id: str, found: Mapping[str, Any] | None) -> Device | None:
    if found is None:
        return None
    return Device(
        card_id=card_id,
        kind=DeviceKind(found["kind"]),
        ca=found["ca"],
        lot=found["lot"],
        certified_until=date.fromisoformat(found["certified_until"]),
        state=DeviceState(found["state"]),
    )


def _scratch_card(number: str, found: Mapping[str, Any] | None) -> ScratchCard | None:
    if found is None:
        return None
    return ScratchCard(number, found["lot"], ScratchCardState(found["state"]), found.get("production"))


def _production(identifier: str, found: Mapping[str, Any]) -> Production:
    return Production(
        id=identifier,
        request=found["request"],
        device=found["device"],
        scratch_card=found["scratch_card"],
        operator=found["operator"],
        state=ProductionState(found["state"]),
    )


def _text(value: bytes) -> str:
    return base64.b64encode(value).decode()
