"""The seal's parts against their standards: Base45, CBOR, COSE, and OpenSSL as judge."""

import hashlib
import subprocess
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import cbor2
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.signing.errors import SealError
from cmsdesk.signing.seal import SealContent, SealedField
from cmsdesk.signing.seal.content import Area, decode_strictly
from cmsdesk.signing.seal.cose import Signed, parse, sign, thumbprint, unsigned
from cmsdesk.signing.seal.symbols import cut, from_base45, join, to_base45
from tests.signing import pki
from tests.signing.seal.papers import issuer, signer


@pytest.mark.parametrize(
    ("octets", "text"),
    [
        (b"AB", "BB8"),
        (b"Hello!!", "%69 VD92EX0"),
        (b"base-45", "UJCLQE7W581"),
        (b"ietf!", "QED8WEX0"),
        (b"", ""),
    ],
)
def test_base45_examples_of_rfc_9285(octets: bytes, text: str) -> None:
    assert to_base45(octets) == text
    assert from_base45(text) == octets


@pytest.mark.parametrize("text", ["GGW", "A", "aa", "::::", "A\u00e9"])
def test_bad_base45_is_refused(text: str) -> None:
    with pytest.raises(SealError):
        from_base45(text)


@given(st.binary(min_size=1, max_size=600), st.integers(1, 9))
def test_cut_and_joined_in_any_order(message: bytes, count: int) -> None:
    if count > len(message):
        return
    texts = cut(message, count)
    assert join([*reversed(texts), *texts, "https://example.com"]) == message
    if count > 1:
        with pytest.raises(SealError, match="missing"):
            join(texts[1:])
    with pytest.raises(SealError, match="several"):
        join([*texts, *cut(message + b"x", count)])


def test_openssl_verifies_the_sig_structure(tmp_path: Path) -> None:
    payload = cbor2.dumps({1: "prova"}, canonical=True)
    message = sign(payload, signer())
    assert len(message) == len(unsigned(payload, issuer().certificate))
    protected, unprotected, inner, signature = cbor2.loads(message).value
    assert cbor2.loads(message).tag == 18
    assert unprotected == {}
    assert inner == payload
    assert cbor2.loads(protected) == {1: -7, 34: [-15, hashlib.sha256(issuer().certificate).digest()[:8]]}
    # RFC 9052 clause 4.4, written out by hand: ["Signature1", protected, h'', payload]
    structure = b"\x84\x6aSignature1" + bstr(protected) + b"\x40" + bstr(payload)
    (tmp_path / "tbs").write_bytes(structure)
    r, s = int.from_bytes(signature[:32], "big"), int.from_bytes(signature[32:], "big")
    (tmp_path / "sig").write_bytes(encode_dss_signature(r, s))
    key = issuer().parsed.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    (tmp_path / "key.pem").write_bytes(key)
    command = ["openssl", "dgst", "-sha256", "-verify", "key.pem", "-signature", "sig", "tbs"]
    assert b"Verified OK" in subprocess.run(command, cwd=tmp_path, capture_output=True, check=True).stdout


def bstr(value: bytes) -> bytes:
    assert len(value) < 256
    return (bytes((0x40 | len(value),)) if len(value) < 24 else bytes((0x58, len(value)))) + value


def test_the_working_groups_example_verifies() -> None:
    """RFC 9052 appendix C.2.1, with the key "11" of appendix C.7.1."""
    protected = bytes.fromhex("a10126")
    payload = b"This is the content."
    signature = bytes.fromhex(
        "8eb33e4ca31d1c465ab05aac34cc6b23d58fef5c083106c4d25a91aef0b0117e"
        "2af9a291aa32e14ab834dc56ed2a223444547e01f11d3b0916e5a4c345cacb36"
    )
    x = int("bac5b11cad8f99f9c72b05cf4b9e26d244dc189f745228255a219a86d6a09eff", 16)
    y = int("20138bf82dc1b6d562be0fa54ab7804a3a64b6d72ccfed6b6fb6ed28bbfc117e", 16)
    public = ec.EllipticCurvePublicNumbers(x, y, ec.SECP256R1()).public_key()
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(pki.name("RFC 9052"))
        .issuer_name(pki.name("RFC 9052"))
        .serial_number(1)
        .public_key(public)
        .not_valid_before(now)
        .not_valid_after(now + timedelta(days=1))
        .sign(issuer().key, hashes.SHA256())
        .public_bytes(Encoding.DER)
    )
    assert Signed(b"", protected, payload, signature).verifies(certificate)
    assert not Signed(b"", protected, payload + b"!", signature).verifies(certificate)


def test_every_changed_octet_is_refused() -> None:
    message = sign(cbor2.dumps({1: "prova", 2: [1, 2, 3]}, canonical=True), signer())
    for position in range(len(message)):
        for flip in (0x01, 0x80):
            changed = bytearray(message)
            changed[position] ^= flip
            try:
                signed = parse(bytes(changed))
            except SealError:
                continue
            known = signed.thumbprint == thumbprint(issuer().certificate)
            assert not (known and signed.verifies(issuer().certificate))


@pytest.mark.parametrize(
    "encoded",
    [
        bytes.fromhex("1800"),  # a small number written long
        bytes.fromhex("a2020101 02".replace(" ", "")),  # keys out of order
        bytes.fromhex("a201010102"),  # a key twice
        bytes.fromhex("9f01ff"),  # indefinite length
        bytes.fromhex("0000"),  # something behind
        bytes.fromhex("82"),  # cut off
        b"",
    ],
)
def test_cbor_that_could_be_written_otherwise_is_refused(encoded: bytes) -> None:
    with pytest.raises(SealError):
        decode_strictly(encoded)


names = st.text(min_size=1, max_size=30)
areas = st.none() | st.builds(
    Area, st.integers(0, 9), st.integers(0, 300), st.integers(0, 300), st.integers(0, 300), st.integers(0, 30)
)


@given(
    title=names,
    day=st.dates(date(1900, 1, 1), date(2200, 1, 1)),
    values=st.dictionaries(names, st.tuples(st.text(max_size=40), areas), max_size=6),
    at=st.integers(0, 2**32),
)
def test_content_survives_encoding(
    title: str, day: date, values: dict[str, tuple[str, Area | None]], at: int
) -> None:
    content = SealContent(
        title=title,
        number="1",
        date=day,
        issuer="Ente",
        document_sha256=bytes(32),
        signatures=(),
        fields=tuple(SealedField(name, text, area) for name, (text, area) in values.items()),
        sealed_at=datetime.fromtimestamp(at, UTC),
    )
    assert SealContent.decode(content.encode()) == content


@given(st.binary(max_size=80))
def test_no_octets_make_the_reader_fail_otherwise(data: bytes) -> None:
    for read in (SealContent.decode, parse):
        with pytest.raises(SealError):
            read(data)


def test_content_of_wrong_types_is_refused() -> None:
    good = cbor2.loads(
        SealContent(
            "t", "n", date(2026, 3, 3), "e", bytes(32), (), (), datetime(2026, 3, 3, tzinfo=UTC)
        ).encode()
    )
    for key, wrong in (
        (1, 2),
        (2, 5),
        (4, "x"),
        (6, b"short"),
        (7, [["x"]]),
        (8, [[1]]),
        (9, -(10**20)),
        (10, [1]),
    ):
        with pytest.raises(SealError):
            SealContent.decode(cbor2.dumps(good | {key: wrong}, canonical=True))
