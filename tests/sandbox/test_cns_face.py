"""The same chip under the CNS answer to reset, read by OpenSC's independent `itacns` driver."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cmsdesk.sandbox.card.atr import SHAPE_CARD, SHAPE_TOKEN
from cmsdesk.sandbox.readers.stack import ReaderStack
from tests.fixtures.readers import CardMaker, MadeCard
from tests.sandbox.conftest import READER
from tests.sandbox.tools import ToolFailed, Tools, run, wire

DATA = b"accesso al portale\n"
NEW = "24681357"
SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")
DATI_PERSONALI = b"00001D" + b"00" * 3 + b"05Prova" + b"04Anna" + b"00" * 5


@pytest.fixture
def issued(card: MadeCard, stack: ReaderStack, tools: Tools) -> MadeCard:
    """A card with an authentication and a signature key and certificate, then put in as a CNS."""
    pin = card.order.transport_pin
    for key_id, label, usage in (("45", "CNS0", "digitalSignature"), ("46", "CNS1", "nonRepudiation")):
        tools.generate(pin, "rsa:2048", key_id, label)
        certificate = tools.certificate(tools.public_key(key_id), label, usage)
        write = ("--write-object", certificate, "--type", "cert", "--id", key_id, "--label", label)
        tools.pkcs11(*write, pin=pin)
    with wire(tools.reader) as chip:
        assert chip.verify(1, pin).sw == 0x9000
        for path, content in (
            ("1100 1102", DATI_PERSONALI),
            ("1100 1101", (tools.folder / "45.pub.crt").read_bytes()),
        ):
            assert chip.send("00 A4 08 0C", bytes.fromhex(path)).sw == 0x9000
            for at in range(0, len(content), 250):
                part = content[at : at + 250]
                assert chip.send(f"00 D6 {at >> 8:02X} {at & 255:02X}", part).sw == 0x9000
    stack.emulator.remove(READER)
    stack.emulator.insert(READER, card.path, "cns")
    return card


def test_itacns_names_card_holder_and_serial(issued: MadeCard, cns_tools: Tools) -> None:
    slots = cns_tools.pkcs11("--list-token-slots")
    assert "token label        : Anna Prova" in slots
    assert f"serial num         : {issued.order.card_id}" in slots
    assert "CNS card" in run("opensc-tool", "--reader", cns_tools.reader, "--name", env=cns_tools.env)


def test_both_certificates_are_the_bytes_written(issued: MadeCard, cns_tools: Tools, tmp_path: Path) -> None:
    for cns_id, key_id in (("01", "45"), ("10", "46")):
        back = tmp_path / "back.pem"
        back.write_text(
            run("pkcs15-tool", "--reader", cns_tools.reader, "--read-certificate", cns_id, env=cns_tools.env)
        )
        der = tmp_path / "back.der"
        run("openssl", "x509", "-in", back, "-outform", "DER", "-out", der)
        assert der.read_bytes() == (tmp_path / f"{key_id}.pub.crt").read_bytes()


def test_personal_data_are_the_bytes_written(issued: MadeCard, cns_tools: Tools) -> None:
    shown = cns_tools.pkcs15("--read-data-object", "EF_DatiPersonali", "--raw")
    assert DATI_PERSONALI.decode() in shown
    assert issued.order.card_id in cns_tools.pkcs15("--read-data-object", "EF_IDCarta", "--raw")


@pytest.mark.parametrize(("cns_id", "key_id"), [("01", "45"), ("10", "46")])
def test_keys_sign_under_the_cns_pin(
    issued: MadeCard, cns_tools: Tools, tmp_path: Path, cns_id: str, key_id: str
) -> None:
    source, signature = tmp_path / "digest-info", tmp_path / "signature"
    source.write_bytes(hashlib.sha256(DATA).digest())
    run(
        *("pkcs15-crypt", "--reader", cns_tools.reader, "--key", cns_id, "--pin", issued.order.transport_pin),
        *("--sign", "--pkcs1", "--sha-256", "--input", source, "--output", signature, "--raw"),
        env=cns_tools.env,
    )
    cns_tools.verify(tmp_path / f"{key_id}.pub.pem", DATA, signature)


def test_authentication_key_signs_by_pkcs11(issued: MadeCard, cns_tools: Tools, tmp_path: Path) -> None:
    for mechanism, options in (
        ("SHA256-RSA-PKCS", ()),
        ("SHA256-RSA-PKCS-PSS", ("-pkeyopt", "rsa_padding_mode:pss")),
    ):
        signature = cns_tools.sign(issued.order.transport_pin, "01", mechanism, DATA)
        cns_tools.verify(tmp_path / "45.pub.pem", DATA, signature, *options)


def test_public_key_objects_match_the_keys(issued: MadeCard, cns_tools: Tools, tmp_path: Path) -> None:
    for cns_id, key_id in (("01", "45"), ("10", "46")):
        shown = cns_tools.pkcs15("--read-public-key", cns_id)
        block = shown[shown.index("-----BEGIN") :]
        assert block.strip() == (tmp_path / f"{key_id}.pub.pem").read_text().strip()


def test_pin_is_one_on_both_faces(
    issued: MadeCard, stack: ReaderStack, tools: Tools, cns_tools: Tools
) -> None:
    old = issued.order.transport_pin
    cns_tools.pkcs15("--change-pin", "--auth-id", "01", "--pin", old, "--new-pin", NEW)
    with pytest.raises(ToolFailed, match="PIN code or key incorrect"):
        cns_tools.pkcs15("--verify-pin", "--auth-id", "01", "--pin", old)
    assert stack.emulator.tries(issued.path)[1][0] == 2
    stack.emulator.remove(READER)
    stack.emulator.insert(READER, issued.path)
    tools.pkcs11("--list-objects", pin=NEW)


def test_puk_unblocks_and_is_the_so_pin(issued: MadeCard, stack: ReaderStack, cns_tools: Tools) -> None:
    puk = issued.order.transport_puk
    for _ in range(3):
        with pytest.raises(ToolFailed):
            cns_tools.pkcs15("--verify-pin", "--auth-id", "01", "--pin", "00000000")
    assert stack.emulator.tries(issued.path)[1][0] == 0
    with pytest.raises(ToolFailed):
        cns_tools.pkcs15("--unblock-pin", "--auth-id", "01", "--puk", "11111111", "--new-pin", NEW)
    assert stack.emulator.tries(issued.path)[3][0] == 2, "a wrong PUK counts on the SO PIN"
    cns_tools.pkcs15("--unblock-pin", "--auth-id", "01", "--puk", puk, "--new-pin", NEW)
    tries = stack.emulator.tries(issued.path)
    assert (tries[1][0], tries[3][0]) == (3, 3)
    cns_tools.pkcs15("--verify-pin", "--auth-id", "01", "--pin", NEW)


def test_keys_refuse_without_the_pin_and_nothing_is_written(issued: MadeCard, cns_tools: Tools) -> None:
    with wire(cns_tools.reader) as chip:
        assert chip.send("00 22 F3 03").sw == 0x9000
        assert chip.send("00 22 F1 B6", bytes.fromhex("83 01 01")).sw == 0x9000
        digest_info = SHA256_DIGEST_INFO + bytes(32)
        assert chip.send("00 2A 9E 9A", digest_info, le="00").sw == 0x6982
        assert chip.verify(0x11, issued.order.transport_puk).sw == 0x9000
        assert chip.send("00 2A 9E 9A", digest_info, le="00").sw == 0x6982
        assert chip.verify(0x10, issued.order.transport_pin).sw == 0x9000
        assert chip.send("00 2A 9E 9A", digest_info, le="00").sw == 0x9000
        chip.send("00 A4 08 0C", bytes.fromhex("1100 1101"))
        assert chip.send("00 D6 00 00", b"x").sw == 0x6D00
        assert chip.send("00 CA 01 A0", le="14").sw == 0x6D00, "no other card edge shines through"
        assert chip.send("00 A4 08 0C", bytes.fromhex("5015")).sw == 0x6A82


def test_card_without_certificates_shows_no_keys(
    card: MadeCard, stack: ReaderStack, cns_tools: Tools
) -> None:
    stack.emulator.remove(READER)
    stack.emulator.insert(READER, card.path, "cns")
    assert "Private RSA Key" not in cns_tools.pkcs15("--list-keys")
    assert card.order.card_id in cns_tools.pkcs15("--read-data-object", "EF_IDCarta", "--raw")


def test_answers_to_reset_tell_shape_and_face_apart(stack: ReaderStack, card_maker: CardMaker) -> None:
    seen = set()
    for shape in (SHAPE_CARD, SHAPE_TOKEN):
        made = card_maker.make(shape)
        for face in ("myeid", "cns"):
            stack.emulator.insert(READER, made.path, face)
            atr = run("opensc-tool", "--reader", stack.pcsc_name(READER), "--atr", env=stack.environment())
            stack.emulator.remove(READER)
            raw = bytes.fromhex(atr.strip().replace(":", ""))
            check = 0
            for byte in raw[1:]:
                check ^= byte
            assert check == 0, "TCK"
            seen.add(raw)
            historical = raw[9:-1]
            if face == "cns":
                assert (len(historical), historical[9:12], historical[12]) == (15, b"CNS", 0x11)
            else:
                assert historical.endswith(b"MyEID")
    assert len(seen) == 4
