"""A supplier's codes on their way into the vault: sealed for one body and a short time."""

from __future__ import annotations

from datetime import date

import pytest

from cmsdesk.base.secret import Secret
from cmsdesk.domain.device import DeviceKind
from cmsdesk.operations.intake import Ticket, binding, new_key, open_codes, seal_codes
from cmsdesk.operations.sealing import SealBroken
from cmsdesk.operations.supplies import SuppliedCard, SuppliedDevice

UNTIL = "2026-06-01T08:30:00+00:00"


def device() -> SuppliedDevice:
    until = date(2030, 1, 1)
    return SuppliedDevice("D-1", DeviceKind.SMART_CARD, "CA", until, Secret("12345678"), Secret("87654321"))


def card() -> SuppliedCard:
    return SuppliedCard("S-1", Secret("11112222"), Secret("33334444"), Secret("EMERGENZA1"))


def test_what_is_sealed_opens_and_shows_no_code_on_its_way() -> None:
    private, public = new_key()
    sealed = seal_codes(Ticket(public, UNTIL, b""), "uno", [device()], [card()])
    assert not any(code in sealed for code in (b"12345678", b"33334444", b"EMERGENZA1", b"D-1"))
    codes = open_codes(private, binding("uno", UNTIL), sealed)
    assert [code.reveal_text() for code in codes.devices["D-1"]] == ["12345678", "87654321"]
    assert [code.reveal_text() for code in codes.scratch_cards["S-1"]] == [
        "11112222",
        "33334444",
        "EMERGENZA1",
    ]
    codes.wipe()
    with pytest.raises(ValueError, match="wiped"):
        codes.devices["D-1"][0].reveal()


@pytest.mark.parametrize(
    ("body", "until"), [("due", UNTIL), ("uno", "2026-06-01T09:30:00+00:00")], ids=["body", "time"]
)
def test_it_opens_for_no_other_body_or_time(body: str, until: str) -> None:
    private, public = new_key()
    sealed = seal_codes(Ticket(public, UNTIL, b""), "uno", [device()], [])
    with pytest.raises(SealBroken):
        open_codes(private, binding(body, until), sealed)


def test_another_key_or_a_changed_byte_does_not_open_it() -> None:
    private, public = new_key()
    sealed = seal_codes(Ticket(public, UNTIL, b""), "uno", [device()], [])
    for key, found in ((new_key()[0], sealed), (private, sealed[:-1] + bytes([sealed[-1] ^ 1]))):
        with pytest.raises(SealBroken):
            open_codes(key, binding("uno", UNTIL), found)
