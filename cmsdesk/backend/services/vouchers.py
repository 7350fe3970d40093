"""Vouchers at the service: issued under a mandate, and checked when what was done under them arrives."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Protocol

from sqlalchemy import Connection

from cmsdesk.backend.journal.heads import Signer, key_id
from cmsdesk.backend.storage.jobs import enqueue
from cmsdesk.backend.storage.links import add_link, neighbours
from cmsdesk.base.clock import Clock
from cmsdesk.base.ids import new_id
from cmsdesk.base.logs import Log
from cmsdesk.domain import problem
from cmsdesk.domain.commands import Actor, Command
from cmsdesk.domain.decisions.problems import of_voucher
from cmsdesk.domain.events import Event, View
from cmsdesk.domain.visibility import scope_of
from cmsdesk.domain.voucher import LIFE, MOST, Kept, Link, SignedVoucher, Voucher, rights_of, troubles

CHAIN = "chain"
"""Kind of the job that looks whether a chain is without gaps by now."""
ON_ITS_WAY = timedelta(hours=1)
"""How long what was given earlier may arrive later."""
_MOST_NUMBER = 2**31 - 1


class VoucherKeys(Protocol):
    """Whoever knows the service's own keys."""

    def verify(self, head: SignedVoucher) -> bool:
        """Tell whether one of them signed a voucher."""
        ...


class Vouchers:
    """Signs vouchers with the key that signs the journal's heads; each message names its purpose."""

    def __init__(self, service: str, signer: Signer, clock: Clock, most: int = MOST) -> None:
        """``most``: how many commands a voucher is good for."""
        self._service = service
        self._most = most
        self._signer = signer
        self._clock = clock

    def issue(self, actor: Actor) -> SignedVoucher:
        """Return leave for the caller's workstation and mandate; it was looked up at this very call."""
        now = self._clock.now().replace(microsecond=0)
        voucher = Voucher(
            id=new_id(),
            service=self._service,
            workstation=actor.workstation,
            mandate=actor.mandate,
            scope=scope_of(actor),
            valid_from=now,
            valid_until=now + LIFE,
            most=self._most,
            rights=rights_of(actor.mandate),
        )
        signed = voucher.encode()
        return SignedVoucher(signed, self._signer.sign(signed), key_id(self._signer.public_key))


@dataclass(frozen=True)
class Chained:
    """What became of a command's link."""

    reasons: tuple[str, ...] = ()
    """What is wrong: codes of `problem.REASONS`."""
    events: tuple[Event, ...] = ()
    """The security problem that this leaves, unless it is open already."""


def take_link(
    connection: Connection,
    view: View,
    command: Command,
    actor: Actor,
    keys: VoucherKeys | None,
    now: datetime,
) -> Chained:
    """Check a command's place in its voucher's chain and remember it; call inside the body's turn."""
    if command.link is None:
        return Chained()
    link = _own_link(command, actor, keys)
    if link is None:
        reasons, voucher = [problem.VOUCHER_NOT_ITS_OWN], command.id
    else:
        voucher = link.voucher.voucher.id
        around = neighbours(connection, voucher, link.number)
        reasons = troubles(link, command, around, now)
        if around.before is None and link.number > 1:
            _look_again(connection, voucher, link.number, actor, now)
        if 0 < link.number <= _MOST_NUMBER:
            add_link(connection, voucher, link.number, Kept(link.digest(command), link.previous, link.at))
    if not reasons:
        return Chained()
    Log("vouchers").warning("beyond voucher", reason="+".join(reasons), count=1)
    return Chained(tuple(reasons), tuple(of_voucher(view, voucher, actor, now, reasons)))


def _look_again(connection: Connection, voucher: str, number: int, actor: Actor, now: datetime) -> None:
    """What was given before may be on its way, in another order: have the chain looked at later."""
    facts = {
        "voucher": voucher,
        "number": str(number),
        "mandate": actor.mandate.id,
        "workstation": actor.workstation,
    }
    enqueue(connection, CHAIN, f"{CHAIN}/{voucher}/{number}", facts, now + ON_ITS_WAY)


def _own_link(command: Command, actor: Actor, keys: VoucherKeys | None) -> Link | None:
    """Return a link whose voucher this service issued to this workstation and mandate."""
    try:
        link = Link.of(command.link or {})
        voucher = link.voucher.voucher
    except ValueError:
        return None
    own = (voucher.workstation, voucher.mandate.id) == (actor.workstation, actor.mandate.id)
    return link if own and keys is not None and keys.verify(link.voucher) else None
