"""Vouchers: what a desk may do without the service, until when and how often (architecture.md, Trust).

The service signs one for a workstation and a mandate; the desk keeps the newest. What is given
without the service is chained: each command's link names its number and the link before, so that a
second chain from the same place (a copied desk) shows when both have arrived.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import Enum
from hashlib import sha256
from typing import Any, Self

from cmsdesk.base.clock import ROME
from cmsdesk.base.errors import Facts
from cmsdesk.base.texts import N_
from cmsdesk.domain import problem
from cmsdesk.domain.canonical import Json, canonical, read_canonical
from cmsdesk.domain.commands import Command, Refusal
from cmsdesk.domain.organisation import Mandate
from cmsdesk.domain.permissions import Action, right_of

FORMAT = 1
LIFE = timedelta(hours=24)
"""How long a desk may go on without the service."""
MOST = 200
"""How many commands it may give meanwhile."""
SKEW = timedelta(minutes=5)
"""How far a desk's clock may be from the service's."""
_PURPOSE = "cmsdesk voucher"
_LINK_FIELDS = {"voucher": dict, "number": int, "previous": str, "at": str}


class OfflineRight(Enum):
    """What may be done without the service. Issuing is not among it: there is no CA."""

    REGISTER = "register"
    PRINT = "print"
    DELIVER = "deliver"
    TAKE_PAYMENT = "take_payment"
    SUSPEND = "suspend"


COMMANDS: Mapping[str, OfflineRight] = {
    "request.register": OfflineRight.REGISTER,
    "request.amend": OfflineRight.REGISTER,
    "request.contact": OfflineRight.REGISTER,
    "booking.record": OfflineRight.REGISTER,
    "booking.cancel": OfflineRight.REGISTER,
    "attachment.add": OfflineRight.REGISTER,
    "attachment.withdraw": OfflineRight.REGISTER,
    "attachment.view": OfflineRight.PRINT,
    "request.deliver": OfflineRight.DELIVER,
    "payment.record": OfflineRight.TAKE_PAYMENT,
    "payment.reverse": OfflineRight.TAKE_PAYMENT,
    "till.open": OfflineRight.TAKE_PAYMENT,
    "till.close": OfflineRight.TAKE_PAYMENT,
    "certificate.suspend": OfflineRight.SUSPEND,
}
"""The commands that wait for the service, by the right they need; every other one needs it at once."""
_NEEDS: Mapping[OfflineRight, Action] = {
    OfflineRight.REGISTER: Action.REQUEST_REGISTER,
    OfflineRight.PRINT: Action.REQUEST_SEE,
    OfflineRight.DELIVER: Action.REQUEST_DELIVER,
    OfflineRight.TAKE_PAYMENT: Action.REQUEST_PAY,
    OfflineRight.SUSPEND: Action.CERTIFICATE_SUSPEND,
}


class NoVoucher(Refusal):
    """Nothing says what this desk may do without the service."""

    code = "VOUCHER-NONE"
    cause = N_("The service cannot be reached, and this desk has no leave to work without it.")
    next_step = N_("Wait for the network; sign in once while it is there.")


class NeedsService(Refusal):
    """Not among what may be done without the service."""

    code = "VOUCHER-NOT-COVERED"
    cause = N_("This cannot be done while the service cannot be reached.")
    next_step = N_("Do it when the network is back; registering, printing and handing over go on.")


class VoucherOver(Refusal):
    """The time without the service is over."""

    code = "VOUCHER-EXPIRED"
    cause = N_("The time for working without the service ended ({until}).")
    next_step = N_("Sign in when the network is back; what was entered is kept and sent then.")


class VoucherSpent(Refusal):
    """The number of commands without the service is used up."""

    code = "VOUCHER-OVERRUN"
    cause = N_("As much as may be done without the service has been done ({most} times).")
    next_step = N_("Sign in when the network is back; what was entered is kept and sent then.")


class ClockSetBack(Refusal):
    """The computer's clock shows less than this desk has seen already."""

    code = "VOUCHER-CLOCK"
    cause = N_("This computer's clock was set back (it was {seen} before).")
    next_step = N_("Set the clock right; what was entered is kept.")


class BeyondVoucher(Refusal):
    """What came from a desk without the service goes beyond what it was allowed, or was seen twice."""

    code = "VOUCHER-REFUSED"
    cause = N_("The service did not take what was done without it. {reason}")
    next_step = N_("The administrator sees it too. Enter it again now that the service is there.")

    def spoken_facts(self) -> Facts:
        """Return the sentence in place of the reason's code."""
        code = str(self.facts.get("reason"))
        return {**self.facts, "reason": problem.REASONS.get(code, code)}


@dataclass(frozen=True)
class Voucher:
    """Leave for one workstation and mandate; times are aware and the service's."""

    id: str
    service: str
    workstation: str
    """SHA-256 of the workstation's certificate, hex."""
    mandate: Mandate
    scope: str
    """Names what the mandate saw when it was issued (`FeedAnswer.scope`)."""
    valid_from: datetime
    valid_until: datetime
    most: int
    rights: frozenset[OfflineRight]

    def encode(self) -> bytes:
        """Return the bytes that are signed: canonical JSON that names its purpose."""
        return canonical(
            {
                "v": FORMAT,
                "purpose": _PURPOSE,
                "id": self.id,
                "service": self.service,
                "workstation": self.workstation,
                "mandate": self.mandate.id,
                "mandate_document": self.mandate.document(),
                "scope": self.scope,
                "valid_from": self.valid_from.isoformat(),
                "valid_until": self.valid_until.isoformat(),
                "most": self.most,
                "rights": sorted(right.value for right in self.rights),
            }
        )

    @classmethod
    def decode(cls, signed: bytes) -> Self:
        """Return the voucher of signed bytes.

        Raises:
            ValueError: none of a known format.
        """
        value = read_canonical(signed)
        try:
            if value["v"] != FORMAT or value["purpose"] != _PURPOSE:
                raise ValueError("no voucher of a known format")
            return cls(
                id=value["id"],
                service=value["service"],
                workstation=value["workstation"],
                mandate=Mandate.of(value["mandate"], value["mandate_document"]),
                scope=value["scope"],
                valid_from=datetime.fromisoformat(value["valid_from"]),
                valid_until=datetime.fromisoformat(value["valid_until"]),
                most=int(value["most"]),
                rights=frozenset(map(OfflineRight, value["rights"])),
            )
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("not a voucher") from error


@dataclass(frozen=True)
class SignedVoucher:
    """A voucher as it is kept and handed out."""

    signed: bytes
    signature: bytes
    key_id: str
    """SHA-256 of the key's SubjectPublicKeyInfo, hex."""

    @property
    def voucher(self) -> Voucher:
        """The voucher that is signed.

        Raises:
            ValueError: the signed bytes are none.
        """
        return Voucher.decode(self.signed)

    @property
    def start(self) -> str:
        """What the first link names as the one before it."""
        return sha256(self.signed).hexdigest()

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return {
            "signed": self.signed.decode(),
            "signature": self.signature.hex(),
            "key_id": self.key_id,
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the voucher of a `document`.

        Raises:
            ValueError: it is none.
        """
        try:
            signature = bytes.fromhex(document["signature"])
            return cls(document["signed"].encode(), signature, str(document["key_id"]))
        except (AttributeError, KeyError, TypeError) as error:
            raise ValueError("not a signed voucher") from error


@dataclass(frozen=True)
class Link:
    """Where a command stands in the chain of a voucher."""

    voucher: SignedVoucher
    number: int
    """From 1."""
    previous: str
    """Digest of the link before; of the voucher itself for the first. Hex."""
    at: datetime
    """When it was given, by the desk's clock, aware."""

    def digest(self, command: Command) -> str:
        """Return what the next link names: SHA-256, hex, over this one and its command."""
        facts = sha256(_written(command.facts)).hexdigest()
        place: list[Json] = [self.voucher.start, self.number, self.previous, self.at.isoformat()]
        return sha256(canonical([*place, command.id, command.kind, command.body, facts])).hexdigest()

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        voucher = self.voucher.document()
        return {
            "voucher": voucher,
            "number": self.number,
            "previous": self.previous,
            "at": self.at.isoformat(),
        }

    @classmethod
    def of(cls, document: Mapping[str, Any]) -> Self:
        """Return the link of a `document`.

        Raises:
            ValueError: it is none.
        """
        for name, kind in _LINK_FIELDS.items():
            if not isinstance(document.get(name), kind):
                raise ValueError("not a link")
        at = datetime.fromisoformat(document["at"])
        if at.tzinfo is None:
            raise ValueError("not a link")
        voucher = SignedVoucher.of(document["voucher"])
        return cls(voucher, document["number"], document["previous"], at)


@dataclass(frozen=True)
class Kept:
    """A link as the service keeps it."""

    digest: str
    previous: str
    at: datetime


@dataclass(frozen=True)
class Neighbours:
    """What the service knows of a chain around one place; commands may arrive out of order."""

    before: Kept | None = None
    same: Kept | None = None
    after: Kept | None = None


def rights_of(mandate: Mandate) -> frozenset[OfflineRight]:
    """Return what a mandate may do without the service."""
    return frozenset(right for right, action in _NEEDS.items() if right_of(mandate, action) is not None)


def check_time(voucher: Voucher, seen: datetime, now: datetime) -> None:
    """Check, at the desk, that a voucher is in its time.

    Args:
        seen: the latest moment that this desk knows of, its own or the service's.

    Raises:
        ClockSetBack, VoucherOver.
    """
    if now + SKEW < max(seen, voucher.valid_from):
        raise ClockSetBack(seen=_said(max(seen, voucher.valid_from)))
    if now > voucher.valid_until:
        raise VoucherOver(until=_said(voucher.valid_until))


def check_give(voucher: Voucher, number: int, kind: str, seen: datetime, now: datetime) -> None:
    """Check, at the desk, that the ``number``-th command without the service may be given.

    Raises:
        NeedsService, VoucherSpent, ClockSetBack, VoucherOver.
    """
    if COMMANDS.get(kind) not in voucher.rights:
        raise NeedsService()
    check_time(voucher, seen, now)
    if number > voucher.most:
        raise VoucherSpent(most=voucher.most)


def troubles(link: Link, command: Command, around: Neighbours, now: datetime) -> list[str]:
    """Return, at the service, what is wrong with a command that was given without it.

    The codes are reasons of a problem (`domain.problem.REASONS`); none: all is well.
    """
    voucher, digest = link.voucher.voucher, link.digest(command)
    found = []
    if COMMANDS.get(command.kind) not in voucher.rights:
        found.append(problem.VOUCHER_NOT_COVERED)
    if link.at > voucher.valid_until:
        found.append(problem.VOUCHER_EXPIRED)
    if not 1 <= link.number <= voucher.most:
        found.append(problem.VOUCHER_OVERRUN)
    if _is_fork(link, digest, around):
        found.append(problem.VOUCHER_COPIED)
    back = around.before is not None and link.at + SKEW < around.before.at
    if back or link.at + SKEW < voucher.valid_from or link.at > now + SKEW:
        found.append(problem.VOUCHER_CLOCK)
    return found


def _said(at: datetime) -> str:
    return f"{at.astimezone(ROME):%d/%m/%Y %H:%M}"


def _is_fork(link: Link, digest: str, around: Neighbours) -> bool:
    """Tell whether another chain of the same voucher passes here."""
    if around.same is not None and around.same.digest != digest:
        return True
    if link.number == 1 and link.previous != link.voucher.start:
        return True
    if around.before is not None and around.before.digest != link.previous:
        return True
    return around.after is not None and around.after.previous != digest


def _written(facts: Mapping[str, Any]) -> bytes:
    """Return facts as bytes that are the same at desk and service."""
    return json.dumps(dict(facts), sort_keys=True, ensure_ascii=True).encode()
