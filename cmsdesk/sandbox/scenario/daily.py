"""What surrounds the registrations of a body: payments and tills, bookings, notices, archive, stock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, timedelta
from typing import Any

from cmsdesk.domain.archive import EarlierIssue
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.first_issue import Finding, FirstIssue, Found, decide
from cmsdesk.domain.organisation import Permission
from cmsdesk.domain.request import Company
from cmsdesk.domain.shapes import plain
from cmsdesk.sandbox.scenario.books import Books
from cmsdesk.sandbox.scenario.data import BodyData
from cmsdesk.sandbox.scenario.organisation import Desk, Staff, working_moment
from cmsdesk.sandbox.scenario.people import People

_POS_PERCENT = 60
_PAID_PERCENT = 85
_OPENING_CENTS = 10_000
_SLIPS = 15
"""Every how many receipts one is given back, and taken again in the right way."""
_EARLIER_ISSUES = 60
_BOOKINGS = 12
_BOOKED_DAYS = 10
_OTHER_SUPPLIERS = ("Altro Fornitore S.p.A.", "Fornitore Precedente S.r.l.")
_NOTICES = (
    (
        "Nuova fornitura di dispositivi disponibile in sede.",
        "Neue Lieferung von Geräten am Sitz verfügbar.",
        120,
    ),
    ("Venerdì l’emissione chiude alle 20.", "Am Freitag schließt die Ausstellung um 20 Uhr.", 6),
    ("Aggiornata l’informativa da consegnare ai richiedenti.", "Datenschutzinformation aktualisiert.", 2),
)
"""Italian, German, days ago."""


class Cashier:
    """Decides tariffs by the body's own rules, takes payments, closes tills at the end of the week."""

    def __init__(self, books: Books, body: BodyData, staff: Staff) -> None:
        self._books = books
        self._random = books.random
        self._body = body
        self._staff = staff
        self._numbers: dict[str, int] = {}
        self._open: set[str] = set()
        self._rules = Configuration.of(books.documents["configuration", books.body])

    def tariff(self, office: str, kind: DeviceKind, company: Company | None) -> FirstIssue:
        """Return the outcome about the first issue, from what the registers would have said."""
        paid = self._random.randrange(100) < _PAID_PERCENT
        found = Found(
            company=None if company is None else company.rea,
            legal_representative=Finding.YES if self._random.random() < 0.8 else Finding.NO,
            annual_fee=Finding.YES if paid else Finding.NO,
            earlier=(),
        )
        return decide(self._rules.first_issue, self._rules.tariffs, office, kind, found)

    def take(self, at: datetime, request: str, office: str, fee_cents: int) -> None:
        """Take the fee where the office has a till and somebody who may."""
        series, cashier = self._rules.payments.series.get(office), self._cashier(office)
        if series is None or cashier is None or fee_cents == 0:
            return
        till = {"till": f"till-{office}", "series": series}
        if office not in self._open:
            facts = {**till, "opening_cash_cents": _OPENING_CENTS}
            self._books.do(at.astimezone(UTC), cashier.actor, "till.open", **facts)
            self._open.add(office)
        pos = self._random.randrange(100) < _POS_PERCENT
        paid = {"request": request, "method": "pos" if pos else "cash", "amount_cents": fee_cents}
        payment = self._receipt(at, cashier, "payment.record", {**till, **paid})
        if self._numbers[till["till"]] % _SLIPS == 0 and cashier.mandate.allows(Permission.REVERSALS):
            slip = {"reverses": payment, "reason": "Registrata con la modalità sbagliata"}
            self._receipt(at, cashier, "payment.reverse", {**till, **slip})
            self._receipt(at, cashier, "payment.record", {**till, **paid, "method": "cash" if pos else "pos"})

    def _receipt(self, at: datetime, cashier: Desk, kind: str, facts: Mapping[str, Any]) -> str:
        """Give a receipt its id and its number in the series; return the id."""
        number = self._numbers[facts["till"]] = self._numbers.get(facts["till"], 0) + 1
        payment = self._books.new_id(at)
        own = {"payment": payment, "number": number, "taken_at": at.isoformat()}
        self._books.do(at.astimezone(UTC), cashier.actor, kind, **own, **facts)
        return payment

    def closings(self, begins: datetime, now: datetime) -> Iterator[datetime]:
        """Tell the closing of every till that took money, each Friday afternoon."""
        friday = begins + timedelta(days=(4 - begins.weekday()) % 7)
        at = friday.replace(hour=16, minute=45, second=0, microsecond=0)
        while at < now:
            yield at
            for office in sorted(self._open):
                cashier, till = self._cashier(office), f"till-{office}"
                if cashier is None:
                    continue
                known = self._books.documents["till", till]
                counted = known["opening_cash_cents"] + known["cash_cents"]
                facts = {"closing": self._books.new_id(at), "till": till, "counted_cash_cents": counted}
                self._books.do(at.astimezone(UTC), cashier.actor, "till.close", **facts)
            self._open.clear()
            at += timedelta(days=7)

    def _cashier(self, office: str) -> Desk | None:
        able = (
            desk
            for desk in self._staff.desks.get(office, ())
            if desk.mandate.office == office and desk.mandate.allows(Permission.PAYMENTS)
        )
        return next(able, None)


def keep_stock(books: Books, body: BodyData, staff: Staff, begins: datetime) -> None:
    """Carry some of what is to spare to the other offices; set aside and void what is damaged."""
    at = begins.astimezone(UTC)
    spare = {kind: list(reversed(ids[-40:])) for kind, ids in staff.stock.items()}
    devices, cards = spare[DeviceKind.SMART_CARD.value], spare["scratch_card"]
    for number, office in enumerate(body.offices[1:]):
        part = slice(5 * number, 5 * number + 5)
        books.do(at, None, "stock.move", to=office.id, devices=devices[part], scratch_cards=cards[part])
    for kind, reason in (
        (DeviceKind.SMART_CARD, "Chip danneggiato"),
        (DeviceKind.USB_TOKEN, "Non riconosciuto"),
    ):
        broken = staff.stock[kind.value].pop()
        books.do(at, None, "device.set_aside", card_id=broken, reason=reason)
    opened = staff.stock["scratch_card"].pop()
    books.do(at, None, "scratch_card.void", number=opened, reason="Busta trovata aperta")


def publish_notices(books: Books, body: BodyData, now: datetime) -> Iterator[datetime]:
    """Tell the body's notices, the oldest of which is archived by now."""
    for italian, german, days in _NOTICES:
        at = working_moment(now - timedelta(days=days), books.random)
        yield at
        texts = {"it": italian, "de": german} if "de" in body.languages else {"it": italian}
        notice = books.new_id(at)
        facts = {"notice": notice, "on": at.date().isoformat(), "title": texts, "text": texts}
        books.do(at.astimezone(UTC), None, "notice.publish", **facts)
        if days > 30:
            books.do(at.astimezone(UTC), None, "notice.archive", notice=notice)


def import_archive(books: Books, body: BodyData, people: People, begins: datetime) -> None:
    """Import earlier issues by other suppliers (REG-6)."""
    random, issues = books.random, []
    for number in range(_EARLIER_ISSUES):
        holder = people.holder(body, begins.date())
        company = people.company(body, holder)
        issue = EarlierIssue(
            device_kind=random.choice(list(DeviceKind)),
            issued_on=begins.date() - timedelta(days=random.randrange(30, 2000)),
            supplier=random.choice(_OTHER_SUPPLIERS),
            fiscal_code=holder.fiscal_code,
            surname=holder.surname,
            given_name=holder.given_name,
            rea="" if company is None else company.rea,
            company_fiscal_code="" if company is None else company.fiscal_code,
            serial=f"{number:016d}",
        )
        issues.append({name: _text(value) for name, value in plain(issue).items()})
    books.do(begins.astimezone(UTC), None, "archive.record", issues=issues)


def take_bookings(
    books: Books, body: BodyData, people: People, rao: Desk, now: datetime
) -> Iterator[datetime]:
    """Tell the bookings of the days to come, one of them cancelled."""
    for number in range(_BOOKINGS):
        at = now - timedelta(hours=_BOOKINGS - number)
        yield at
        holder = people.holder(body, now.date())
        days = books.random.randrange(1, _BOOKED_DAYS)
        values = {
            "holder.fiscal_code": holder.fiscal_code,
            "holder.surname": holder.surname,
            "holder.given_name": holder.given_name,
            "holder.contact_email": holder.contact_email,
            "holder.residence.street": holder.residence.street,
            "holder.residence.municipality": holder.residence.municipality,
        }
        booking = {
            "id": books.new_id(at),
            "office": body.offices[0].id,
            "values": values,
            "device_kind": books.random.choice(list(DeviceKind)).value,
            "appointment": working_moment(now + timedelta(days=days), books.random).isoformat(),
        }
        books.do(at.astimezone(UTC), rao.actor, "booking.record", booking=booking)
        if number == 0:
            books.do(at.astimezone(UTC), rao.actor, "booking.cancel", booking=booking["id"])


def _text(value: Any) -> Any:
    return value.isoformat() if isinstance(value, date) else value
