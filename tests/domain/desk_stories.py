"""Stories of the desk beside requests: payments, bookings, attachments, notices, problems, the archive."""

from __future__ import annotations

from typing import Any

from cmsdesk.domain.documents import request_document
from cmsdesk.domain.first_issue import FirstIssue
from tests.fixtures.people import a_request

Facts = dict[str, Any]
Line = tuple[str, Facts]
OFFICE = "sportello-1"

_REQUEST = a_request(
    first_issue=FirstIssue(first=False, computed=False, imposed=False, tariff="further", fee_cents=2500),
    booking="B-1",
)
REGISTER: Facts = {"request": {"id": "R-1", **request_document(_REQUEST)}}
REGISTERED: list[Line] = [("request.register", REGISTER)]
CANCELLED: list[Line] = [*REGISTERED, ("request.cancel", {"request": "R-1", "reason": "doppia"})]

BOOKING: Facts = {
    "booking": {
        "id": "B-1",
        "office": OFFICE,
        "values": {"holder.surname": "Tessari", "holder.contact_email": "marta.tessari@example.com"},
        "device_kind": "usb_token",
        "appointment": "2026-06-03T09:30:00+02:00",
    }
}
BOOKED: list[Line] = [("booking.record", BOOKING)]
PAY: Facts = {
    "payment": "Y-1",
    "request": "R-1",
    "till": "T-1",
    "series": "A",
    "number": 1,
    "method": "cash",
    "amount_cents": 2500,
    "taken_at": "2026-06-01T10:00:00+02:00",
}
PAID: list[Line] = [*REGISTERED, ("payment.record", PAY)]
REVERSE: Facts = {
    "payment": "Y-9",
    "reverses": "Y-1",
    "till": "T-1",
    "series": "A",
    "number": 2,
    "taken_at": "2026-06-01T10:05:00+02:00",
    "reason": "pagata due volte da altra persona",
}
REVERSED: list[Line] = [*PAID, ("payment.reverse", REVERSE)]
OPEN: Facts = {"till": "T-1", "series": "A", "opening_cash_cents": 10000}
OPENED: list[Line] = [("till.open", OPEN)]
CLOSE: Facts = {"closing": "K-1", "till": "T-1", "counted_cash_cents": 2400}
SCAN: Facts = {
    "attachment": "A-1",
    "request": "R-1",
    "kind": "signed_form",
    "sha256": "ab" * 32,
    "size": 1000,
    "media_type": "application/pdf",
}
SCANNED: list[Line] = [*REGISTERED, ("attachment.add", SCAN)]
WITHDRAW: Facts = {"attachment": "A-1", "reason": "altra persona"}
NOTICE: Facts = {
    "notice": "N-1",
    "on": "2026-06-01",
    "title": {"it": "Chiusura", "de": "Schließung"},
    "text": {"it": "Venerdì lo sportello chiude alle 12. Scrivere a sportello@example.com"},
}
PUBLISHED: list[Line] = [("notice.publish", NOTICE)]
ARCHIVED: list[Line] = [*PUBLISHED, ("notice.archive", {"notice": "N-1"})]
ISSUE: Facts = {
    "device_kind": "smart_card",
    "issued_on": "2019-05-31",
    "supplier": "Altro fornitore",
    "fiscal_code": "TSSMRT87C54A952D",
    "rea": "BZ-123456",
}
ARCHIVE: Facts = {"issues": [ISSUE, {**ISSUE, "rea": "BZ-123457"}, ISSUE]}
TROUBLE: list[Line] = [*REGISTERED, ("request.deliver", {"request": "R-1"})]
SOLVE: Facts = {"problem": "C-1", "solution": "Consegnato alla signora Tessari"}

# command, what happened before, its facts, the events that follow
ACCEPTED: list[tuple[str, list[Line], Facts, str]] = [
    ("request.register", BOOKED, REGISTER, "request.registered booking.used"),
    ("request.register", [*BOOKED, ("booking.cancel", {"booking": "B-1"})], REGISTER, "request.registered"),
    ("request.deliver", REGISTERED, {"request": "R-1"}, "problem.noted"),
    ("booking.record", [], BOOKING, "booking.recorded"),
    ("booking.record", [], {"booking": {"id": "B-2", "values": {}}}, "booking.recorded"),
    ("booking.cancel", BOOKED, {"booking": "B-1"}, "booking.cancelled"),
    ("payment.record", REGISTERED, PAY, "payment.recorded till.counted request.paid"),
    ("payment.record", REGISTERED, {**PAY, "method": "pos"}, "payment.recorded till.counted request.paid"),
    ("payment.record", PAID, PAY, ""),
    ("payment.record", [], PAY, "payment.recorded till.counted problem.noted"),
    (
        "payment.record",
        CANCELLED,
        PAY,
        "payment.recorded till.counted request.paid problem.noted",
    ),
    (
        "payment.record",
        REGISTERED,
        {**PAY, "amount_cents": 2400},
        "payment.recorded till.counted request.paid problem.noted",
    ),
    (
        "payment.record",
        PAID,
        {**PAY, "payment": "Y-2", "amount_cents": 1},
        "payment.recorded till.counted request.paid problem.noted",
    ),
    (
        "payment.reverse",
        PAID,
        REVERSE,
        "payment.recorded till.counted payment.reversed request.repaid",
    ),
    ("payment.reverse", REVERSED, REVERSE, ""),
    (
        "payment.reverse",
        REVERSED,
        {**REVERSE, "payment": "Y-8", "number": 3},
        "payment.recorded till.counted request.repaid problem.noted",
    ),
    (
        "payment.reverse",
        PAID,
        {**REVERSE, "number": 1},
        "payment.recorded till.counted payment.reversed request.repaid problem.noted",
    ),
    ("till.open", [], OPEN, "till.opened"),
    ("till.open", OPENED, OPEN, ""),
    ("till.open", OPENED, {**OPEN, "opening_cash_cents": 9000}, "till.opened"),
    ("till.open", [*PAID, ("till.close", CLOSE)], OPEN, "till.opened"),
    ("till.close", PAID, CLOSE, "till_closing.recorded till.closed"),
    ("till.close", OPENED, CLOSE, "till_closing.recorded till.closed"),
    ("attachment.add", REGISTERED, SCAN, "attachment.added"),
    ("attachment.add", SCANNED, SCAN, ""),
    ("attachment.withdraw", SCANNED, WITHDRAW, "attachment.withdrawn"),
    ("attachment.view", SCANNED, {"attachment": "A-1"}, "attachment.viewed"),
    ("notice.publish", [], NOTICE, "notice.published"),
    ("notice.archive", PUBLISHED, {"notice": "N-1"}, "notice.archived"),
    ("notice.restore", ARCHIVED, {"notice": "N-1"}, "notice.published"),
    ("archive.record", [], ARCHIVE, "earlier_issue.recorded earlier_issue.recorded"),
    ("archive.record", [("archive.record", ARCHIVE)], {"issues": [ISSUE]}, ""),
    ("problem.solve", TROUBLE, SOLVE, "problem.solved"),
]


def _booking(**values: object) -> Facts:
    return {"booking": {**BOOKING["booking"], **values}}


# command, what happened before, its facts, the refusal's code
REFUSED: list[tuple[str, list[Line], Facts, str]] = [
    ("request.retry", REGISTERED, {"request": "R-1"}, "RULE-STATE"),
    ("booking.record", BOOKED, BOOKING, "RULE-EXISTS"),
    ("booking.record", [], {"booking": "B-1"}, "RULE-FACTS"),
    ("booking.record", [], _booking(values={"holder.surname": 1}), "RULE-FACTS"),
    ("booking.record", [], _booking(state="used"), "RULE-FACTS"),
    ("booking.record", [], _booking(appointment="domani"), "RULE-FACTS"),
    ("booking.record", [], _booking(office="sportello-9"), "RULE-UNKNOWN"),
    ("booking.cancel", [], {"booking": "B-1"}, "RULE-UNKNOWN"),
    ("booking.cancel", [*BOOKED, *REGISTERED], {"booking": "B-1"}, "RULE-STATE"),
    ("payment.record", PAID, {**PAY, "number": 2}, "RULE-EXISTS"),
    *[
        ("payment.record", REGISTERED, {**PAY, **wrong}, "RULE-FACTS")
        for wrong in (
            {"method": "cheque"},
            {"method": "online"},
            {"series": "serie uno"},
            {"number": 0},
            {"number": True},
            {"amount_cents": 0},
            {"amount_cents": 25.0},
            {"amount_cents": 10**9},
            {"taken_at": "ieri"},
            {"taken_at": "2026-06-01T10:00:00"},
        )
    ],
    ("payment.reverse", REGISTERED, REVERSE, "RULE-UNKNOWN"),
    ("payment.reverse", PAID, {**REVERSE, "payment": "Y-1"}, "RULE-EXISTS"),
    ("payment.reverse", REVERSED, {**REVERSE, "payment": "Y-8", "reverses": "Y-9"}, "RULE-FACTS"),
    *[
        ("payment.reverse", PAID, {**REVERSE, **wrong}, "RULE-FACTS")
        for wrong in ({"reason": ""}, {"number": 0}, {"series": "serie uno"}, {"taken_at": "ieri"})
    ],
    ("till.open", PAID, OPEN, "RULE-STATE"),
    *[
        ("till.open", [], {**OPEN, **wrong}, "RULE-FACTS")
        for wrong in ({"opening_cash_cents": -1}, {"opening_cash_cents": "100"}, {"series": "a b"})
    ],
    ("till.close", [], CLOSE, "RULE-UNKNOWN"),
    ("till.close", PAID, {**CLOSE, "counted_cash_cents": -1}, "RULE-FACTS"),
    ("till.close", [*PAID, ("till.close", CLOSE)], CLOSE, "RULE-EXISTS"),
    ("attachment.add", [], SCAN, "RULE-UNKNOWN"),
    ("attachment.add", SCANNED, {**SCAN, "size": 2}, "RULE-EXISTS"),
    *[
        ("attachment.add", REGISTERED, {**SCAN, **wrong}, "RULE-FACTS")
        for wrong in (
            {"kind": "song"},
            {"size": 0},
            {"size": 10**9},
            {"size": "1000"},
            {"sha256": "AB" * 32},
            {"media_type": "text/html"},
        )
    ],
    ("attachment.withdraw", [], WITHDRAW, "RULE-UNKNOWN"),
    ("attachment.view", [], {"attachment": "A-1"}, "RULE-UNKNOWN"),
    ("attachment.view", [*SCANNED, ("attachment.withdraw", WITHDRAW)], {"attachment": "A-1"}, "RULE-UNKNOWN"),
    ("attachment.withdraw", [*SCANNED, ("attachment.withdraw", WITHDRAW)], WITHDRAW, "RULE-STATE"),
    ("attachment.withdraw", SCANNED, {**WITHDRAW, "reason": ""}, "RULE-FACTS"),
    ("notice.publish", PUBLISHED, NOTICE, "RULE-EXISTS"),
    ("notice.publish", [], {**NOTICE, "on": "oggi"}, "RULE-FACTS"),
    ("notice.publish", [], {**NOTICE, "title": {"de": "x"}}, "RULE-FACTS"),
    ("notice.publish", [], {**NOTICE, "text": {"it": "x", "fr": "y"}}, "RULE-FACTS"),
    ("notice.archive", [], {"notice": "N-1"}, "RULE-UNKNOWN"),
    ("notice.archive", ARCHIVED, {"notice": "N-1"}, "RULE-STATE"),
    ("notice.restore", PUBLISHED, {"notice": "N-1"}, "RULE-STATE"),
    ("archive.record", [], {"issues": []}, "RULE-FACTS"),
    ("archive.record", [], {"issues": [ISSUE] * 1001}, "RULE-FACTS"),
    ("archive.record", [], {"issues": [{**ISSUE, "issued_on": "mai"}]}, "RULE-FACTS"),
    ("archive.record", [], {"issues": [{**ISSUE, "colour": "red"}]}, "RULE-FACTS"),
    ("problem.solve", [], SOLVE, "RULE-UNKNOWN"),
    ("problem.solve", [*TROUBLE, ("problem.solve", SOLVE)], SOLVE, "RULE-STATE"),
    ("problem.solve", TROUBLE, {"problem": "C-1"}, "RULE-FACTS"),
]
