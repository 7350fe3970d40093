"""The sandbox's way into the records: as the body's RAO, and as its administrator for the stock."""

from __future__ import annotations

from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command
from cmsdesk.domain.device import Device
from cmsdesk.domain.production import ProductionState
from cmsdesk.domain.scratch_card import ScratchCard
from cmsdesk.sync.gateway import Gateway
from cmsdesk.sync.records import CommandRecords


class SandboxRecords(CommandRecords):
    """`ports.Records` under a RAO's mandate, with the stock under an administrator's."""

    def __init__(self, rao: Gateway, administrator: Gateway) -> None:
        super().__init__(rao)
        self._administrator = administrator

    def add_device(self, device: Device) -> None:
        """Take a device into stock."""
        self._receive(
            "device.receive",
            card_id=device.card_id,
            kind=device.kind.value,
            ca=device.ca,
            lot=device.lot,
            certified_until=device.certified_until.isoformat(),
        )

    def add_scratch_card(self, card: ScratchCard) -> None:
        """Take a scratch card into stock."""
        self._receive("scratch_card.receive", number=card.number, lot=card.lot)

    def productions_of(self, request: str) -> list[str]:
        """Return the productions of a request, oldest first."""
        found = (self._gateway.in_state("production", state.value) for state in ProductionState)
        return sorted(
            identifier for some in found for identifier, document in some if document["request"] == request
        )

    def scratch_cards_used(self) -> dict[str, str]:
        """Return the scratch card by device, of every completed production."""
        issued = self._gateway.in_state("production", ProductionState.ISSUED.value)
        return {document["device"]: document["scratch_card"] for _, document in issued}

    def _receive(self, command: str, **facts: str) -> None:
        self._administrator.execute(Command(new_id(), command, self._administrator.body, facts))
