"""Command and response units as bytes, against values written in the standards and seen on the wire."""

from __future__ import annotations

import pytest

from cmsdesk.cards.apdu import cns, iso7816, myeid
from cmsdesk.cards.apdu.iso7816 import Command, Response
from tests.cards.bench import personal_data


@pytest.mark.parametrize(
    ("command", "wire"),
    [
        (iso7816.select_path(cns.PATH_DATI_PERSONALI), "00A4080C0411001102"),
        (iso7816.select_path(cns.PATH_ID_CARTA, describe=True), "00A40800041000100300"),
        (iso7816.select_file(iso7816.MASTER_FILE), "00A4000C023F00"),
        (iso7816.read_binary(0x1F0, 0xF0), "00B001F0F0"),
        (iso7816.read_binary(0, 256), "00B0000000"),
        (iso7816.update_binary(0x100, b"\xaa\xbb"), "00D6010002AABB"),
        (iso7816.read_counter(0x10), "00200010"),
        (iso7816.verify(1, b"1234"), "002000010431323334"),
        (iso7816.change_reference_data(3, b"12", b"34"), "002400030431323334"),
        (iso7816.reset_retry_counter(0x10, b"12", b"34"), "002C00100431323334"),
        (iso7816.get_response(256), "00C0000000"),
        (myeid.select_applet(), "00A404000CA000000063504B43532D313500"),
        (myeid.applet_information(), "00CA01A014"),
        # technology.md §1, the raw wipe
        (myeid.initialise_applet(), "00DA01E008FFFF113FFF111FFF"),
        (myeid.logout(), "002E0000"),
    ],
)
def test_encodes(command: Command, wire: str) -> None:
    assert command.encode().hex().upper() == wire


def test_secret_data_is_not_shown() -> None:
    assert "1234" not in repr(iso7816.verify(1, b"1234"))
    assert "31323334" not in repr(iso7816.verify(1, b"1234"))
    assert "secret" not in repr(Response(b"secret", 0x9000))


@pytest.mark.parametrize(
    ("sw", "tries"), [(0x9000, None), (0x63C0, 0), (0x63C3, 3), (0x6983, 0), (0x6A88, None), (0x6300, None)]
)
def test_status_words_tell_tries(sw: int, tries: int | None) -> None:
    assert Response(b"", sw).tries_left == tries


def test_response_needs_a_status_word() -> None:
    assert Response.decode(b"\x01\x90\x00") == Response(b"\x01", 0x9000)
    with pytest.raises(ValueError, match="two bytes"):
        Response.decode(b"\x90")


def test_padding_never_shortens() -> None:
    assert iso7816.pad(b"1234", 8, 0xFF) == b"1234\xff\xff\xff\xff"
    with pytest.raises(ValueError, match="9 bytes") as refused:
        iso7816.pad(b"123456789", 8, 0xFF)
    assert "123456789" not in str(refused.value)


def test_template_values() -> None:
    template = bytes.fromhex("6F178102FFFF82013883023F0086031133FF850200008A0101")
    assert iso7816.template_value(template, iso7816.TAG_LIFE_CYCLE) == b"\x01"
    assert iso7816.template_value(template, 0x83) == b"\x3f\x00"
    assert iso7816.template_value(template, 0x99) is None
    for cut in range(len(template)):
        iso7816.template_value(template[:cut], iso7816.TAG_LIFE_CYCLE)


def test_applet_information() -> None:
    info = myeid.AppletInformation.decode(bytes(5) + bytes((4, 5, 5)) + bytes(range(10)) + b"\x00\x07")
    assert info.serial == bytes(range(10))
    assert info.change_counter == 7
    with pytest.raises(ValueError, match="19 bytes"):
        myeid.AppletInformation.decode(bytes(19))


@pytest.mark.parametrize("counts_itself", [True, False])
def test_personal_data_ends_with_its_fields(counts_itself: bool) -> None:
    written = personal_data()
    if not counts_itself:
        written = f"{len(written) - 6:06X}".encode() + written[6:]
    on_card = written.ljust(cns.PERSONAL_DATA_MAX, b"\x00")
    read = on_card[: cns.personal_data_most(on_card)]
    assert read[: cns.personal_data_end(read)] == written


@pytest.mark.parametrize("empty", [b"\x00", b"\xff"])
def test_files_never_written_are_empty(empty: bytes) -> None:
    assert cns.personal_data_most(empty * 240) == 0
    assert cns.certificate_length(empty * 4) == 0


@pytest.mark.parametrize("data", [b"000300", b"zzzzzz", b"000020" + b"04AB"])
def test_half_written_personal_data_is_told(data: bytes) -> None:
    on_card = data.ljust(cns.PERSONAL_DATA_MAX, b"\x00")
    with pytest.raises(ValueError):
        cns.personal_data_end(on_card[: cns.personal_data_most(on_card)])


def test_certificate_length_is_in_its_header() -> None:
    assert cns.certificate_length(b"\x30\x82\x03\x10") == 0x310 + 4
    with pytest.raises(ValueError, match="certificate"):
        cns.certificate_length(b"\x04\x82\x03\x10")
