"""A supply's codes to the vault over HTTPS, sealed at the desk; what the network carries opens nothing."""

from __future__ import annotations

import base64
from collections.abc import Sequence

from cmsdesk.operations.intake import Ticket, seal_codes
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice
from cmsdesk.sync.http import Connection


class FarSupplies:
    """`operations.administration.SupplyVault` under the mandate that the connection works under."""

    def __init__(self, connection: Connection, body: str) -> None:
        self._connection, self._body = connection, body

    def put(self, devices: Sequence[SuppliedDevice], cards: Sequence[SuppliedCard]) -> None:
        """Put the codes of a part of a supply into the vault; the same again has the same effect.

        Raises:
            ServiceUnreachable, NotAllowed, AlreadyThere.
        """
        made = self._connection.call("POST", "/supplies/ticket")
        public, sealed_key = (base64.b64decode(made[name]) for name in ("public_key", "sealed_key"))
        ticket = Ticket(public, made["until"], sealed_key)
        ciphertext = seal_codes(ticket, self._body, devices, cards)
        call = {
            "until": ticket.until,
            "sealed_key": made["sealed_key"],
            "ciphertext": base64.b64encode(ciphertext).decode(),
        }
        self._connection.call("POST", "/supplies/codes", call)
