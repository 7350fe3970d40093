"""The desk's vouchers: the newest of each mandate, how far its chain goes, and the time last seen."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_
from cmsdesk.domain.commands import Command
from cmsdesk.domain.voucher import Link, NoVoucher, SignedVoucher, Voucher, check_give
from cmsdesk.sync.local_store import Database

SCHEMA = """
CREATE TABLE IF NOT EXISTS vouchers (
    mandate TEXT PRIMARY KEY, operator TEXT NOT NULL, voucher TEXT NOT NULL, names TEXT NOT NULL,
    number INTEGER NOT NULL, link TEXT NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS seen_time (
    one INTEGER PRIMARY KEY CHECK (one = 1), at TEXT NOT NULL
) STRICT;
"""
_RENEWED = timedelta(hours=1)
"""An older voucher is replaced while the service is there, so that most of its time is left when it goes."""
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


class VoucherBroken(Mendable):
    """What the service hands out as a voucher is none for this desk."""

    code = "VOUCHER"
    cause = N_("The service's leave to work without it is not for this desk, or not signed by it.")
    next_step = N_("Go on working; give this code to the security administrator.")


@dataclass(frozen=True)
class Names:
    """What the screen says of a mandate when nobody can be asked."""

    operator: str
    body: str
    office: str


@dataclass(frozen=True)
class KeptVoucher:
    """A voucher at the desk."""

    voucher: Voucher
    signed: SignedVoucher
    names: Names
    number: int
    """So many commands were given under it."""
    link: str
    """Digest of the last link, or of the voucher before the first."""

    @property
    def left(self) -> int:
        """How many commands may still be given."""
        return max(0, self.voucher.most - self.number)


class VoucherCheck(Protocol):
    """Whoever knows the service's keys."""

    def verify(self, head: SignedVoucher) -> bool:
        """Tell whether a known key signed it."""
        ...


class Vouchers:
    """The vouchers in the desk's encrypted file."""

    def __init__(self, database: Database, transaction: Callable[[], AbstractContextManager[None]]) -> None:
        """``transaction`` begins one, or joins the one that is open."""
        self._db = database
        self._transaction = transaction

    def keep(self, signed: SignedVoucher, names: Names) -> None:
        """Keep a new voucher in place of its mandate's former one; the same again changes nothing."""
        mandate = signed.voucher.mandate
        row = (mandate.id, mandate.operator, json.dumps(signed.document()), json.dumps(names.__dict__))
        with self._transaction():
            found = self.of_mandate(mandate.id)
            if found is not None and found.signed == signed:
                return
            self._db.execute(
                "INSERT OR REPLACE INTO vouchers VALUES (?, ?, ?, ?, 0, ?)", (*row, signed.start)
            )
            self.note_time(signed.voucher.valid_from)

    def of_mandate(self, mandate: str) -> KeptVoucher | None:
        """Return a mandate's voucher."""
        return next(iter(self._where("mandate = ?", mandate)), None)

    def of_operator(self, operator: str) -> list[KeptVoucher]:
        """Return an operator's vouchers."""
        return self._where("operator = ?", operator)

    def forget(self, operator: str | None = None, *, but: frozenset[str] = frozenset()) -> None:
        """Forget an operator's vouchers (None: everybody's), but those of some mandates."""
        with self._transaction():
            rows = self._db.execute("SELECT mandate, operator FROM vouchers").fetchall()
            gone = [
                (mandate,) for mandate, holder in rows if mandate not in but and operator in (None, holder)
            ]
            self._db.executemany("DELETE FROM vouchers WHERE mandate = ?", gone)

    def seen(self) -> datetime:
        """Return the latest moment that this desk knows of."""
        with self._transaction():
            row = self._db.execute("SELECT at FROM seen_time").fetchone()
        return _BEGINNING if row is None else datetime.fromisoformat(row[0])

    def note_time(self, at: datetime) -> None:
        """Remember a moment, unless a later one is known."""
        with self._transaction():
            if at > self.seen():
                self._db.execute("INSERT OR REPLACE INTO seen_time VALUES (1, ?)", (at.isoformat(),))

    def chain(self, command: Command, mandate: str, at: datetime, *, happened: bool = False) -> Command:
        """Return a command that is given without the service, with its place in the chain.

        Args:
            happened: it reports what has happened: it is linked though it goes beyond the voucher.

        Raises:
            NoVoucher, NeedsService, VoucherSpent, VoucherOver, ClockSetBack.
        """
        with self._transaction():
            found = self.of_mandate(mandate)
            if found is None:
                if happened:
                    return command
                raise NoVoucher()
            if not happened:
                check_give(found.voucher, found.number + 1, command.kind, self.seen(), at)
            link = Link(found.signed, found.number + 1, found.link, at)
            self._db.execute(
                "UPDATE vouchers SET number = ?, link = ? WHERE mandate = ?",
                (link.number, link.digest(command), mandate),
            )
            self.note_time(at)
        return replace(command, link=link.document())

    def _where(self, condition: str, value: str) -> list[KeptVoucher]:
        query = f"SELECT voucher, names, number, link FROM vouchers WHERE {condition} ORDER BY mandate"  # noqa: S608 - conditions of this class
        with self._transaction():
            rows = self._db.execute(query, (value,)).fetchall()
        return [_kept(*row) for row in rows]


class Renewal:
    """Keeps a mandate's voucher fresh while the service is there: called after each synchronisation."""

    def __init__(
        self,
        vouchers: Vouchers,
        ask: Callable[[], dict[str, Any]],
        keys: VoucherCheck,
        place: tuple[str, str],
        names: Names,
        clock: Clock,
    ) -> None:
        """``ask`` gets a voucher from the service; ``place``: workstation (thumbprint) and mandate."""
        self._vouchers = vouchers
        self._ask = ask
        self._keys = keys
        self._workstation, self._mandate = place
        self._names = names
        self._clock = clock

    def __call__(self) -> None:
        """Replace a voucher that is used or older than an hour.

        Raises:
            ServiceUnreachable, VoucherBroken.
        """
        found = self._vouchers.of_mandate(self._mandate)
        fresh = found is not None and not found.number
        if fresh and found is not None and self._clock.now() - found.voucher.valid_from < _RENEWED:
            return
        try:
            signed = SignedVoucher.of(self._ask())
            voucher = signed.voucher
        except ValueError as error:
            raise VoucherBroken() from error
        mine = (voucher.workstation, voucher.mandate.id) == (self._workstation, self._mandate)
        if not mine or not self._keys.verify(signed):
            raise VoucherBroken()
        self._vouchers.keep(signed, self._names)


def _kept(voucher: str, names: str, number: int, link: str) -> KeptVoucher:
    signed = SignedVoucher.of(json.loads(voucher))
    return KeptVoucher(signed.voucher, signed, Names(**json.loads(names)), number, link)
