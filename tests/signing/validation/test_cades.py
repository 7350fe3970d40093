"""Validation of CMS signatures made by pyHanko, by OpenSSL and by this library."""

import base64
import contextlib
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from cmsdesk.signing.cades.existing import read_existing
from cmsdesk.signing.cades.profile import CadesProfile, Mode
from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.errors import DocumentError, NotACms
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner
from cmsdesk.signing.validation import Indication, Level, Status, describe
from cmsdesk.signing.validation.report import Role
from tests.signing import pki
from tests.signing.validation.world import NOW, PdfRecipe, Revoked, check, make_pdf, sign_cms, sign_pdf, world

TEXT = "Verbale di prova, con àccenti".encode()


def own(data: bytes, person: pki.Identity, mode: Mode, content: bytes | None = None) -> bytes:
    signer = SoftwareSigner(person.key, person.certificate, (world().issuing.certificate,))
    with SigningSession(signer) as session:
        document = Document(source=data, detached_content=content, name="x")
        result = session.sign(document, CadesProfile(mode=mode))
    assert result.data is not None
    return result.data


@pytest.mark.parametrize(("stamped", "level"), [(False, Level.BASIC), (True, Level.TIME)])
def test_attached(tmp_path: Path, stamped: bool, level: Level) -> None:
    data = sign_cms(TEXT, world().luca, stamped_at=NOW if stamped else None)
    report = check(tmp_path, data, "verbale.txt.p7m")
    (first,) = report.signatures
    assert (report.indication, first.level) == (Indication.PASSED, level)
    assert (report.content.name, report.content.kind, report.content.size_bytes) == (
        "verbale.txt",
        "text",
        len(TEXT),
    )


def test_detached_needs_its_document(tmp_path: Path) -> None:
    data = sign_cms(TEXT, world().luca, detached=True)
    (tmp_path / "verbale.txt").write_bytes(TEXT)
    assert check(tmp_path, data, "v.p7s", content=tmp_path / "verbale.txt").indication is Indication.PASSED
    alone = check(tmp_path, data, "v.p7s")
    assert (alone.indication, alone.signatures[0].subindication) == (
        Indication.INDETERMINATE,
        "SIGNED_DATA_NOT_FOUND",
    )
    (tmp_path / "verbale.txt").write_bytes(TEXT + b" ")
    other = check(tmp_path, data, "v.p7s", content=tmp_path / "verbale.txt")
    assert (other.indication, other.signatures[0].subindication) == (Indication.FAILED, "HASH_FAILURE")


def test_parallel_and_countersigned(tmp_path: Path) -> None:
    w = world()
    message = own(TEXT, w.anna, Mode.ATTACHED)
    parallel = own(message, w.luca, Mode.PARALLEL)
    report = check(tmp_path, parallel, "v.p7m")
    assert [s.signer.name for s in report.signatures if s.signer] == ["Anna Prova", "Luca Prova"]
    assert report.indication is Indication.PASSED
    counter = own(message, w.luca, Mode.COUNTERSIGN)
    first, second = check(tmp_path, counter, "v.p7m").signatures
    assert (first.role, second.role, second.number) == (Role.SIGNATURE, Role.COUNTERSIGNATURE, "1.1")
    assert second.indication is Indication.PASSED
    crls = w.crls(NOW + timedelta(hours=1), Revoked(w.luca.parsed.serial_number, NOW))
    later = check(tmp_path, counter, "v.p7m", now=NOW + timedelta(hours=2), crls=crls).signatures
    assert [s.indication for s in later] == [Indication.PASSED, Indication.INDETERMINATE]
    assert later[1].status_now is not None
    assert later[1].status_now.status is Status.REVOKED


def test_every_changed_byte_of_a_message_is_noticed_or_harmless(tmp_path: Path) -> None:
    message = own(own(TEXT, world().luca, Mode.ATTACHED), world().luca, Mode.COUNTERSIGN)
    for position in range(0, len(message), 23):
        changed = bytearray(message)
        changed[position] ^= 0x04
        try:
            report = check(tmp_path, bytes(changed), "v.p7m")
        except DocumentError:
            continue
        if report.indication is Indication.PASSED:
            assert report.content.sha256 == check(tmp_path, message, "v.p7m").content.sha256


@pytest.mark.parametrize("flip", [0x01, 0x04, 0x20, 0x80, 0xFF])
def test_any_changed_byte_is_read_or_refused_in_words(flip: int) -> None:
    message = own(own(TEXT, world().luca, Mode.ATTACHED), world().luca, Mode.COUNTERSIGN)
    for position in range(len(message)):
        changed = bytearray(message)
        changed[position] ^= flip
        with contextlib.suppress(DocumentError):
            read_existing(bytes(changed))


def openssl_sign(tmp_path: Path, *options: str, person: pki.Identity | None = None) -> bytes:
    person = person or world().luca
    key = person.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (tmp_path / "key.pem").write_bytes(key)
    (tmp_path / "cert.pem").write_bytes(person.pem)
    (tmp_path / "ca.pem").write_bytes(world().issuing.pem)
    (tmp_path / "in.txt").write_bytes(TEXT * 5000)
    command = [
        "openssl",
        "cms",
        "-sign",
        "-binary",
        "-in",
        "in.txt",
        "-signer",
        "cert.pem",
        "-inkey",
        "key.pem",
    ]
    command += ["-certfile", "ca.pem", "-outform", "DER", "-out", "out.p7m", *options]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return (tmp_path / "out.p7m").read_bytes()


def test_streamed_ber_of_openssl(tmp_path: Path) -> None:
    data = openssl_sign(tmp_path, "-nodetach", "-stream", "-cades", "-md", "sha384")
    assert b"\x24\x80" in data[:100]  # a constructed string of indefinite length
    report = check(tmp_path, data, "in.txt.p7m")
    assert (report.indication, report.content.size_bytes) == (Indication.PASSED, len(TEXT) * 5000)
    assert report.signatures[0].level is Level.BASIC


def test_plain_cms_reaches_no_level_and_a_missing_certificate_is_told(tmp_path: Path) -> None:
    plain = check(tmp_path, openssl_sign(tmp_path, "-nodetach"), "x.p7m").signatures[0]
    assert (plain.indication, plain.level) == (Indication.PASSED, Level.NONE)
    bare = check(tmp_path, openssl_sign(tmp_path, "-nodetach", "-nocerts"), "x.p7m").signatures[0]
    assert (bare.indication, bare.subindication) == (Indication.INDETERMINATE, "NO_SIGNING_CERTIFICATE_FOUND")
    assert bare.signer is None


@pytest.mark.parametrize("armour", ["base64", "pem"])
def test_text_forms(tmp_path: Path, armour: str) -> None:
    text = base64.encodebytes(sign_cms(TEXT, world().luca))
    if armour == "pem":
        text = b"-----BEGIN PKCS7-----\n" + text + b"-----END PKCS7-----\n"
    assert check(tmp_path, text, "v.p7m").indication is Indication.PASSED


def test_envelopes_in_envelopes_and_signed_pdfs_inside(tmp_path: Path) -> None:
    w = world()
    inner = sign_pdf(make_pdf(), PdfRecipe(w.anna))
    report = check(tmp_path, sign_cms(sign_cms(inner, w.luca), w.anna), "visura.pdf.p7m.p7m")
    assert report.indication is Indication.PASSED
    middle = report.inner
    assert middle is not None
    assert (middle.name, middle.format) == ("visura.pdf.p7m", "cades")
    assert middle.inner is not None
    assert (middle.inner.name, middle.inner.format) == ("visura.pdf", "pades")
    spoiled = bytearray(inner)
    spoiled[spoiled.index(b"/MediaBox") + 12] ^= 1
    outer = check(tmp_path, sign_cms(bytes(spoiled), w.luca), "visura.pdf.p7m")
    assert outer.signatures[0].indication is Indication.PASSED
    assert outer.indication is Indication.FAILED
    assert "a sua volta firmato" in describe(outer)


def test_files_that_are_no_signature(tmp_path: Path) -> None:
    assert check(tmp_path, b"ciao", "nota.txt").indication is Indication.UNSIGNED
    for data in (b"", b"ciao", b"\x30\x80", sign_cms(TEXT, world().luca)[:-30]):
        with pytest.raises(NotACms):
            check(tmp_path, data, "nota.txt.p7m")
