"""The codes of a supply come into the vault from an administrator's desk, sealed all the way (S0-005, PRO-4).

The key that they are sealed to is made here for a short time and kept nowhere: the desk carries its
private half back, sealed by the HSM. What is in stock already keeps the codes that it has.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import Engine

from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.backend.vault import Hsm
from cmsdesk.base.clock import Clock
from cmsdesk.domain.commands import Actor, AlreadyThere, NotAllowed
from cmsdesk.domain.permissions import Action, right_of
from cmsdesk.operations.errors import CallMalformed
from cmsdesk.operations.intake import Codes, Ticket, binding, new_key, open_codes
from cmsdesk.operations.sealing import SealBroken
from cmsdesk.operations.supplies import SCRATCH_CARD
from cmsdesk.operations.supplies import Codes as Vault

LASTS = timedelta(minutes=30)
"""How long a ticket is good for: a part of a supply takes seconds."""
MOST_CODES = 50
"""Devices and scratch cards in one call: a scratch card's emergency code is hashed slowly."""


class Supplies:
    """Tickets out, codes in."""

    def __init__(self, engine: Engine, vault: Vault, hsm: Hsm, clock: Clock) -> None:
        self._engine, self._vault, self._hsm, self._clock = engine, vault, hsm, clock

    def ticket(self, actor: Actor) -> Ticket:
        """Return a key to seal codes to.

        Raises:
            NotAllowed.
        """
        _need_right(actor)
        until = (self._clock.now() + LASTS).isoformat()
        private, public = new_key()
        return Ticket(public, until, self._hsm.seal(private, binding(actor.mandate.body, until)))

    def take(self, actor: Actor, until: str, sealed_key: bytes, ciphertext: bytes) -> int:
        """Put sealed codes into the vault; return of how many things.

        Raises:
            NotAllowed.
            CallMalformed: the ticket is over, or what was sealed does not open.
            AlreadyThere: one is in stock or was, of this body or another; no code was changed.
        """
        _need_right(actor)
        if _moment(until) < self._clock.now():
            raise CallMalformed(where="until")
        info = binding(actor.mandate.body, until)
        try:
            codes = open_codes(self._hsm.unseal(sealed_key, info), info, ciphertext)
        except SealBroken:
            raise CallMalformed(where="ciphertext") from None
        try:
            return self._put(codes)
        finally:
            codes.wipe()

    def _put(self, codes: Codes) -> int:
        names = [("device", name) for name in codes.devices]
        names += [(SCRATCH_CARD, name) for name in codes.scratch_cards]
        if not 0 < len(names) <= MOST_CODES:
            raise CallMalformed(where="ciphertext")
        with reading(self._engine) as connection:
            things = StoredThings(connection)
            for thing, identifier in names:
                if things.get(thing, identifier) is not None:
                    raise AlreadyThere(thing=thing, id=identifier)
        for device, (pin, puk) in codes.devices.items():
            self._vault.put_transport(device, pin, puk)
        for number, (pin, puk, emergency) in codes.scratch_cards.items():
            self._vault.put_scratch(number, pin, puk, emergency)
        return len(names)


def _need_right(actor: Actor) -> None:
    if right_of(actor.mandate, Action.STOCK_RECEIVE) is None:
        raise NotAllowed(action=Action.STOCK_RECEIVE.value)


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise CallMalformed(where="until") from None
    if found.tzinfo is None:
        raise CallMalformed(where="until")
    return found
