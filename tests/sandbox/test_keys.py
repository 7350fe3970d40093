"""Keys made on the chip, used through OpenSC's PKCS#11 module, judged by openssl."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from cmsdesk.sandbox.readers.stack import ReaderStack
from tests.fixtures.readers import MadeCard
from tests.sandbox.conftest import READER
from tests.sandbox.tools import ToolFailed, Tools, run, wire

DATA = b"Camera di commercio: prova di firma\n"
RSA = ("rsa:2048", "rsa:3072", "rsa:4096")
EC = ("EC:prime256v1", "EC:secp384r1")
SHA256_DIGEST_INFO = bytes.fromhex("3031300d060960864801650304020105000420")


@pytest.mark.parametrize("kind", RSA)
def test_rsa_signs_pkcs1_and_pss(card: MadeCard, tools: Tools, kind: str) -> None:
    pin = card.order.transport_pin
    tools.generate(pin, kind, "45")
    public = tools.public_key("45")
    assert f"({kind[4:]} bit)" in run("openssl", "pkey", "-pubin", "-in", public, "-noout", "-text")
    signature = tools.sign(pin, "45", "SHA256-RSA-PKCS", DATA)
    assert signature.stat().st_size == int(kind[4:]) // 8
    tools.verify(public, DATA, signature)
    signature = tools.sign(pin, "45", "RSA-PKCS", SHA256_DIGEST_INFO + hashlib.sha256(DATA).digest())
    tools.verify(public, DATA, signature)
    signature = tools.sign(pin, "45", "SHA256-RSA-PKCS-PSS", DATA)
    tools.verify(public, DATA, signature, "-pkeyopt", "rsa_padding_mode:pss")
    with pytest.raises(ToolFailed, match="Verification Failure"):
        tools.verify(public, DATA + b"!", signature, "-pkeyopt", "rsa_padding_mode:pss")


@pytest.mark.parametrize("kind", ["rsa:2048", "rsa:4096"])
def test_rsa_deciphers(card: MadeCard, tools: Tools, kind: str, tmp_path: Path) -> None:
    pin = card.order.transport_pin
    tools.generate(pin, kind, "45")
    message, cryptogram = tmp_path / "message", tmp_path / "cryptogram"
    message.write_bytes(DATA)
    encrypt = ("openssl", "pkeyutl", "-encrypt", "-pubin", "-inkey", tools.public_key("45"))
    run(*encrypt, "-in", message, "-out", cryptogram)
    assert tools.decrypt(pin, "45", "RSA-PKCS", cryptogram) == DATA
    oaep = ("-pkeyopt", "rsa_padding_mode:oaep", "-pkeyopt", "rsa_oaep_md:sha256")
    run(*encrypt, *oaep, "-in", message, "-out", cryptogram)
    assert tools.decrypt(pin, "45", "RSA-PKCS-OAEP", cryptogram, "--hash-algorithm", "SHA256") == DATA


@pytest.mark.parametrize("kind", EC)
def test_ec_signs(card: MadeCard, tools: Tools, kind: str) -> None:
    pin = card.order.transport_pin
    tools.generate(pin, kind, "45")
    public = tools.public_key("45")
    assert f"({kind[-5:-2]} bit)" in run("openssl", "pkey", "-pubin", "-in", public, "-noout", "-text")
    digest = hashlib.sha256(DATA).digest()
    signature = tools.sign(pin, "45", "ECDSA", digest, "--signature-format", "openssl")
    tools.verify(public, DATA, signature)
    with pytest.raises(ToolFailed, match="Verification Failure"):
        tools.verify(public, DATA + b"!", signature)


@pytest.mark.parametrize("kind", EC)
def test_ec_agrees_on_a_secret(card: MadeCard, tools: Tools, kind: str, tmp_path: Path) -> None:
    pin = card.order.transport_pin
    tools.generate(pin, kind, "45")
    own, other, ours = tmp_path / "own.pem", tmp_path / "other.der", tmp_path / "ours"
    curve = f"ec_paramgen_curve:{kind[3:]}"
    run("openssl", "genpkey", "-algorithm", "EC", "-pkeyopt", curve, "-out", own)
    run("openssl", "pkey", "-in", own, "-pubout", "-outform", "DER", "-out", other)
    peer = ("-peerkey", tools.public_key("45"))
    run("openssl", "pkeyutl", "-derive", "-inkey", own, *peer, "-out", ours)
    width = int(kind[-5:-2]) // 8
    point = other.read_bytes()[-(2 * width + 1) :]
    inner = bytes((0x85, len(point))) + point
    with wire(tools.reader) as chip:
        chip.verify(1, pin)
        assert chip.send("00 A4 08 0C", bytes.fromhex("5015 4B01")).sw == 0x9000
        assert chip.send("00 22 41 A4", bytes.fromhex("80 01 04 84 01 00")).sw == 0x9000
        shared = chip.send("00 86 00 00", bytes((0x7C, len(inner))) + inner, le="00")
    assert (shared.sw, shared.data) == (0x9000, ours.read_bytes())


def test_certificate_is_written_and_read_back(card: MadeCard, tools: Tools, tmp_path: Path) -> None:
    pin = card.order.transport_pin
    tools.generate(pin, "rsa:2048", "45", "CNS0")
    certificate = tools.certificate(tools.public_key("45"), "Anna Prova")
    tools.pkcs11("--write-object", certificate, "--type", "cert", "--id", "45", "--label", "CNS0", pin=pin)
    back = tmp_path / "back.der"
    tools.pkcs11("--read-object", "--type", "cert", "--id", "45", "--output-file", back)
    assert back.read_bytes() == certificate.read_bytes()
    assert "Anna Prova" in tools.pkcs11("--list-objects")


def test_two_pairs_stay_apart_and_a_deleted_one_is_gone(card: MadeCard, tools: Tools) -> None:
    pin = card.order.transport_pin
    for key_id in ("45", "46"):
        tools.generate(pin, "EC:prime256v1", key_id)
    first, second = tools.public_key("45"), tools.public_key("46")
    assert first.read_bytes() != second.read_bytes()
    for key_id, public in (("45", first), ("46", second)):
        digest = hashlib.sha256(DATA).digest()
        tools.verify(public, DATA, tools.sign(pin, key_id, "ECDSA", digest, "--signature-format", "openssl"))
    tools.pkcs11("--delete-object", "--type", "privkey", "--id", "45", pin=pin)
    with pytest.raises(ToolFailed, match="Private key not found"):
        tools.sign(pin, "45", "ECDSA", DATA)


def test_key_with_user_consent_wants_the_pin_every_time(card: MadeCard, tools: Tools) -> None:
    pin = card.order.transport_pin
    make = ("--generate-key", "ec/prime256v1", "--auth-id", "01", "--id", "45", "--user-consent", "1")
    tools.pkcs15_init(*make, "--pin", "env:PIN", pin=pin)
    select = "81 02 4B 01"
    with wire(tools.reader) as chip:
        chip.send("00 A4 08 0C", bytes.fromhex("5015"))
        chip.verify(1, pin)
        for expected in (0x9000, 0x6982):
            assert chip.send("00 22 41 B6", bytes.fromhex("80 01 04" + select + "84 01 00")).sw == 0x9000
            assert chip.send("00 2A 9E 9A", bytes(32), le="00").sw == expected


def test_key_refuses_without_its_pin(card: MadeCard, tools: Tools) -> None:
    pin = card.order.transport_pin
    tools.generate(pin, "rsa:2048", "45")
    with wire(tools.reader) as chip:
        chip.send("00 2E 00 00")
        assert chip.send("00 A4 08 0C", bytes.fromhex("5015 4B01")).sw == 0x9000
        environment = bytes.fromhex("80 01 02 81 02 4B 01 84 01 00")
        chip.send("00 22 41 B6", environment)
        assert chip.send("00 2A 9E 9A", SHA256_DIGEST_INFO + bytes(32), le="00").sw == 0x6982
        chip.send("00 22 41 B8", environment)
        assert chip.send("10 2A 80 86", bytes(255)).sw == 0x9000
        assert chip.send("00 2A 80 86", bytes(2), le="00").sw == 0x6982
        assert chip.send("00 46 00 00", bytes.fromhex("30 05 81 03 01 00 01")).sw == 0x6982
        chip.verify(3, card.order.transport_puk)
        assert chip.send("00 2A 80 86", bytes(257 - 255), le="00").sw == 0x6982, "the SO PIN uses no key"
        assert chip.send("00 46 00 00", bytes.fromhex("30 05 81 03 01 00 01")).sw == 0x6982
        assert chip.send("A0 E4 00 00").sw == 0x6982
        assert chip.send("00 B0 00 00", le="00").sw == 0x6981, "a private key is never read"


def test_no_private_key_is_imported(card: MadeCard, tools: Tools, tmp_path: Path) -> None:
    key = tmp_path / "key.pem"
    run("openssl", "genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out", key)
    store = ("--store-private-key", key, "--auth-id", "01", "--id", "45")
    with pytest.raises(ToolFailed, match="not support"):
        tools.pkcs15_init(*store, "--pin", "env:PIN", pin=card.order.transport_pin)


def test_short_rsa_keys_are_refused(card: MadeCard, tools: Tools) -> None:
    with pytest.raises(ToolFailed):
        tools.generate(card.order.transport_pin, "rsa:1024", "45")


def test_chip_keeps_counting_its_changes(card: MadeCard, stack: ReaderStack, tools: Tools) -> None:
    """OpenSC caches by the change counter in the chip's 20 bytes of identity."""
    with wire(tools.reader) as chip:
        before = chip.send("00 CA 01 A0", le="14").data
        tools.generate(card.order.transport_pin, "EC:prime256v1", "45")
        after = chip.send("00 CA 01 A0", le="14").data
    assert before[8:18] == after[8:18] == card.order.serial
    assert int.from_bytes(after[18:], "big") > int.from_bytes(before[18:], "big")
    assert stack.emulator.status(READER).counter > 0
