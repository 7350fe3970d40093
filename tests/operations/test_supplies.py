"""The supplier's file: both forms, every mistake named, no code anywhere but in the vault."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from cmsdesk.base.secret import Secret
from cmsdesk.domain.commands import AlreadyThere
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.events import Document
from cmsdesk.operations.supplies import Supply, SupplyWrong, read_supply, take_supply

HEADING = "type;id;ca;certified_until;pin;puk;emergency_code"
CARD = "smart_card;7430010000000001;Ente di Prova;2031-12-31;11112222;33334444;"
TOKEN = "usb_token;7430010000000002;Ente di Prova;2031-12-31;55556666;77778888;"
SCRATCH = "scratch_card;S-1;;;12344321;56788765;9876543210"
TOML = """
[[devices]]
kind = "smart_card"
card_id = "7430010000000001"
ca = "Ente di Prova"
certified_until = "2031-12-31"
pin = "11112222"
puk = "33334444"
[[scratch_cards]]
number = "S-1"
pin = "12344321"
puk = "56788765"
emergency_code = "9876543210"
"""


class Books:
    """What the stock and the vault were told."""

    def __init__(self, *known: tuple[str, str]) -> None:
        self.known = set(known)
        self.told: list[Any] = []

    def get(self, thing: str, identifier: str) -> Document | None:
        return {} if (thing, identifier) in self.known else None

    def execute_all(self, acts: list[tuple[str, dict[str, Any]]]) -> None:
        self.told += acts

    def put_transport(self, device: str, pin: Secret, puk: Secret) -> None:
        self.told.append((device, pin.reveal_text(), puk.reveal_text()))

    def put_scratch(self, number: str, pin: Secret, puk: Secret, emergency: Secret) -> None:
        self.told.append((number, pin.reveal_text(), puk.reveal_text(), emergency.reveal_text()))


def supply(folder: Path, *lines: str, name: str = "supply.csv") -> Supply:
    path = folder / name
    path.write_text("\r\n".join(lines) + "\r\n", encoding="utf-8-sig")
    return read_supply(path)


def take(found: Supply, books: Books) -> int:
    return take_supply(found, books, books, lot="L-1", supplier="Fornitore", office="sportello-1")


def test_both_forms_say_the_same(tmp_path: Path) -> None:
    for found in (supply(tmp_path, HEADING, CARD, SCRATCH), supply(tmp_path, TOML, name="s.toml")):
        [device], [card] = found.devices, found.scratch_cards
        assert (device.card_id, device.kind, device.ca) == (
            "7430010000000001",
            DeviceKind.SMART_CARD,
            "Ente di Prova",
        )
        assert device.certified_until.isoformat() == "2031-12-31"
        assert (device.pin.reveal_text(), device.puk.reveal_text()) == ("11112222", "33334444")
        assert (card.number, card.emergency.reveal_text()) == ("S-1", "9876543210")


def test_codes_go_to_the_vault_first_and_never_into_a_command(tmp_path: Path) -> None:
    books = Books()
    assert take(supply(tmp_path, HEADING, CARD, TOKEN, SCRATCH), books) == 3
    assert [entry[0] for entry in books.told] == [
        *("7430010000000001", "7430010000000002", "S-1"),
        *("stock.receive", "stock.receive"),
    ]
    commands = str(books.told[3:])
    assert not [
        code for code in ("11112222", "33334444", "55556666", "12344321", "9876543210") if code in commands
    ]
    assert books.told[3][1]["lot"] == "L-1"
    assert [device["kind"] for device in books.told[3][1]["devices"]] == ["smart_card", "usb_token"]
    assert books.told[4][1]["scratch_cards"] == ["S-1"]


@pytest.mark.parametrize("known", [("device", "7430010000000001"), ("scratch_card", "S-1")])
def test_codes_of_what_is_known_are_left_as_they_are(tmp_path: Path, known: tuple[str, str]) -> None:
    books = Books(known)
    with pytest.raises(AlreadyThere):
        take(supply(tmp_path, HEADING, CARD, SCRATCH), books)
    assert books.told == []


def test_one_that_is_twice_in_the_file_is_refused(tmp_path: Path) -> None:
    books = Books()
    with pytest.raises(AlreadyThere):
        take(supply(tmp_path, HEADING, CARD, CARD), books)
    assert books.told == []


def test_large_supplies_go_in_parts(tmp_path: Path) -> None:
    cards = [f"scratch_card;S-{number};;;12344321;56788765;9876543210" for number in range(2300)]
    books = Books()
    assert take(supply(tmp_path, HEADING, *cards), books) == 2300
    assert [len(facts["scratch_cards"]) for kind, facts in books.told[2300:]] == [1000, 1000, 300]


@pytest.mark.parametrize(
    ("lines", "entry", "name"),
    [
        ((HEADING,), 0, "supply.csv"),
        ((), 0, HEADING),
        (("id;pin", "x;y"), 0, HEADING),
        ((HEADING, CARD, CARD.replace("smart_card", "stone")), 2, "type"),
        ((HEADING, CARD.replace("7430010000000001", "")), 1, "id"),
        ((HEADING, CARD.replace("2031-12-31", "31/12/2031")), 1, "certified_until"),
        ((HEADING, CARD.replace("11112222", "")), 1, "pin"),
        ((HEADING, CARD.replace("33334444", "3333 4444")), 1, "puk"),
        ((HEADING, SCRATCH.replace("9876543210", "")), 1, "emergency_code"),
        ((HEADING, 'smart_card;"x'), 0, "supply.csv"),
    ],
)
def test_a_mistake_is_named_and_no_code_is(
    tmp_path: Path, lines: tuple[str, ...], entry: int, name: str
) -> None:
    with pytest.raises(SupplyWrong) as caught:
        supply(tmp_path, *lines)
    assert (caught.value.facts["entry"], caught.value.facts["name"]) == (entry, name)
    told = str(caught.value) + str(caught.value.facts)
    assert not [code for code in ("11112222", "33334444", "3333 4444", "9876543210") if code in told]


def test_files_that_cannot_be_read_are_told(tmp_path: Path) -> None:
    (tmp_path / "x.toml").write_text("nonsense =")
    (tmp_path / "y.toml").write_text("cards = []")
    (tmp_path / "z.csv").write_bytes(b"\xff\xfe\x00")
    for name in ("x.toml", "y.toml", "z.csv", "none.csv"):
        with pytest.raises(SupplyWrong):
            read_supply(tmp_path / name)


def test_wiped_codes_are_gone(tmp_path: Path) -> None:
    found = supply(tmp_path, HEADING, CARD, SCRATCH)
    found.wipe()
    for secret in (found.devices[0].pin, found.devices[0].puk, found.scratch_cards[0].emergency):
        with pytest.raises(ValueError, match="wiped"):
            secret.reveal()
