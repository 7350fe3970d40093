"""CAdES messages, judged by OpenSSL, Bouncy Castle and pyHanko."""

import base64
import hashlib
from datetime import UTC, datetime
from pathlib import Path

import pytest
from asn1crypto import cms

from cmsdesk.signing.cades.profile import CadesProfile, Mode
from cmsdesk.signing.documents.model import Document, Level
from cmsdesk.signing.errors import ChangeForbidden, DocumentError, NotACms, SettingsError
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing.checkers import ades_cms, openssl_cades, run
from tests.signing.pki import KINDS, Pki

CONTENT = b"Contratto di prova\r\n" * 50


def session(pki: Pki, kind: str = "rsa2048", **options: object) -> SigningSession:
    identity = pki.signer(kind)
    stamper = options.pop("timestamper", None)
    signer = SoftwareSigner(identity.key, identity.certificate, pki.chain, **options)
    return SigningSession(signer, timestamper=stamper)


def sign(
    pki: Pki, source: Path | bytes, profile: CadesProfile, target: Path, kind: str = "rsa2048", **options
):
    document = Document(source=source, target=target, detached_content=options.pop("content", None))
    with session(pki, kind, **options) as opened:
        return opened.sign(document, profile)


@pytest.mark.parametrize("kind", KINDS)
def test_attached_signature_of_every_kind_of_key(kind, pki, root_file, java, tmp_path):
    message = tmp_path / "a.p7m"
    result = sign(pki, CONTENT, CadesProfile(), message, kind)
    assert openssl_cades(message, root_file) == CONTENT
    assert java.cms(message) == 1
    ades_cms(message.read_bytes(), pki.root.certificate)
    assert result.source_digest == hashlib.sha256(CONTENT).hexdigest()
    assert result.size_bytes == message.stat().st_size


@pytest.mark.parametrize(
    ("kind", "digest", "pss"),
    [("rsa2048", Digest.SHA384, False), ("rsa2048", Digest.SHA512, True), ("p384", Digest.SHA384, False)],
)
def test_other_digests_and_pss(kind, digest, pss, pki, root_file, java, tmp_path):
    message = tmp_path / "a.p7m"
    sign(pki, CONTENT, CadesProfile(), message, kind, digest=digest, pss=pss)
    assert openssl_cades(message, root_file) == CONTENT
    assert java.cms(message) == 1


def test_empty_content(pki, root_file, java, tmp_path):
    message = tmp_path / "empty.p7m"
    sign(pki, b"", CadesProfile(), message)
    assert openssl_cades(message, root_file) == b""
    assert java.cms(message) == 1


def test_detached_signature(pki, root_file, java, tmp_path):
    content, message = tmp_path / "a.txt", tmp_path / "a.txt.p7s"
    content.write_bytes(CONTENT)
    sign(pki, content, CadesProfile(mode=Mode.DETACHED, mime_type="text/plain"), message)
    assert openssl_cades(message, root_file, content) == CONTENT
    assert java.cms(message, content) == 1
    ades_cms(message.read_bytes(), pki.root.certificate, hashlib.sha256(CONTENT).digest())
    assert CONTENT not in message.read_bytes()


def test_baseline_attributes_are_there(pki, tmp_path):
    """EN 319 122-1 clause 6.3, table 1, for level B."""
    identity = pki.signer("p256")
    now = datetime.now(UTC).replace(microsecond=0)
    opened = SigningSession(SoftwareSigner(identity.key, identity.certificate), clock=lambda: now)
    data = opened.sign(Document(source=CONTENT), CadesProfile()).data
    info = cms.ContentInfo.load(data)["content"]["signer_infos"][0]
    attributes = {one["type"].native: one["values"] for one in info["signed_attrs"]}
    assert set(attributes) == {
        *("content_type", "message_digest", "signing_time", "signing_certificate_v2"),
        "cms_algorithm_protection",
    }
    assert attributes["signing_time"][0].native == now
    named = attributes["signing_certificate_v2"][0]["certs"][0]
    assert named["cert_hash"].native == hashlib.sha256(identity.certificate).digest()
    assert info["signed_attrs"].dump(force=True) == info["signed_attrs"].dump()


def test_level_t_carries_a_stamp_over_the_signature(pki, root_file, stamper, java, tmp_path):
    message = tmp_path / "a.p7m"
    result = sign(pki, CONTENT, CadesProfile(level=Level.T), message, timestamper=stamper)
    assert result.level is Level.T
    assert stamper.asked == 1
    assert openssl_cades(message, root_file) == CONTENT
    assert java.cms(message) == 1
    ades_cms(message.read_bytes(), pki.root.certificate, level="T")
    info = cms.ContentInfo.load(message.read_bytes())["content"]["signer_infos"][0]
    stamp = next(one for one in info["unsigned_attrs"] if one["type"].native == "signature_time_stamp_token")
    imprint = stamp["values"][0]["content"]["encap_content_info"]["content"].parsed["message_imprint"]
    assert imprint["hashed_message"].native == hashlib.sha256(info["signature"].native).digest()


@pytest.mark.parametrize("second", KINDS[1:])
def test_parallel_signature(second, pki, root_file, java, tmp_path):
    first, both = tmp_path / "a.p7m", tmp_path / "b.p7m"
    sign(pki, CONTENT, CadesProfile(), first)
    sign(pki, first, CadesProfile(mode=Mode.PARALLEL), both, second)
    assert openssl_cades(both, root_file) == CONTENT
    assert java.cms(both) == 2


def test_parallel_signature_of_a_detached_message_needs_its_content(pki, root_file, java, tmp_path):
    content, first, both = tmp_path / "a.txt", tmp_path / "a.p7s", tmp_path / "b.p7s"
    content.write_bytes(CONTENT)
    sign(pki, content, CadesProfile(mode=Mode.DETACHED), first)
    with pytest.raises(DocumentError, match="content was not given"):
        sign(pki, first, CadesProfile(mode=Mode.PARALLEL), both, "p256")
    with pytest.raises(DocumentError, match="not what the existing signature was made over"):
        sign(pki, first, CadesProfile(mode=Mode.PARALLEL), both, "p256", content=b"altro")
    assert not both.exists()
    sign(pki, first, CadesProfile(mode=Mode.PARALLEL), both, "p256", content=content)
    assert openssl_cades(both, root_file, content) == CONTENT
    assert java.cms(both, content) == 2


def test_countersignature(pki, root_file, java, stamper, tmp_path):
    first, counter = tmp_path / "a.p7m", tmp_path / "b.p7m"
    sign(pki, CONTENT, CadesProfile(), first)
    profile = CadesProfile(mode=Mode.COUNTERSIGN, level=Level.T)
    sign(pki, first, profile, counter, "p384", timestamper=stamper)
    assert openssl_cades(counter, root_file) == CONTENT
    assert java.cms(counter) == 2  # the signer, and its countersigner
    info = cms.ContentInfo.load(counter.read_bytes())["content"]["signer_infos"][0]
    inner = next(one for one in info["unsigned_attrs"] if one["type"].native == "counter_signature")[
        "values"
    ][0]
    kinds = [one["type"].native for one in inner["signed_attrs"]]
    assert "content_type" not in kinds  # RFC 5652 clause 11.4


def test_countersigning_one_of_several_signatures(pki, root_file, java, tmp_path):
    first, both, counter = (tmp_path / f"{name}.p7m" for name in "abc")
    sign(pki, CONTENT, CadesProfile(), first)
    sign(pki, first, CadesProfile(mode=Mode.PARALLEL), both, "p256")
    with pytest.raises(DocumentError, match="several signatures"):
        sign(pki, both, CadesProfile(mode=Mode.COUNTERSIGN), counter, "p384")
    with pytest.raises(DocumentError, match="no such signature"):
        sign(pki, both, CadesProfile(mode=Mode.COUNTERSIGN, signer_index=2), counter, "p384")
    sign(pki, both, CadesProfile(mode=Mode.COUNTERSIGN, signer_index=1), counter, "p384")
    infos = cms.ContentInfo.load(counter.read_bytes())["content"]["signer_infos"]
    assert [bool(info["unsigned_attrs"]) for info in infos] == [False, True]
    assert openssl_cades(counter, root_file) == CONTENT
    assert java.cms(counter) == 3


def openssl_message(pki: Pki, folder: Path, *options: object) -> Path:
    """Let OpenSSL sign CONTENT."""
    from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

    identity = pki.signer("rsa2048")
    names = ("k.pem", "c.pem", "i.pem", "content", "openssl.p7m")
    key, certificate, issuer, content, out = (folder / name for name in names)
    key.write_bytes(identity.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    certificate.write_bytes(identity.pem)
    issuer.write_bytes(pki.issuing.pem)
    content.write_bytes(CONTENT)
    done = run(
        *("openssl", "cms", "-sign", "-in", content, "-signer", certificate, "-inkey", key, "-binary"),
        *("-nodetach", "-cades", "-certfile", issuer, "-outform", "DER", "-out", out, *options),
    )
    assert done.returncode == 0, done.stderr
    return out


@pytest.mark.parametrize("form", ["der", "ber", "pem", "base64", "base64 in lines"])
def test_messages_of_other_programs_in_every_form(form, pki, root_file, java, tmp_path):
    """DER, BER of indefinite length with content in pieces (as OpenSSL streams it), PEM, base64."""
    message = openssl_message(pki, tmp_path, *(("-stream", "-indef") if form == "ber" else ()))
    data = message.read_bytes()
    if form == "ber":
        assert data[1] == 0x80
    elif form == "pem":
        data = b"-----BEGIN CMS-----\n" + base64.encodebytes(data) + b"-----END CMS-----\n"
    elif form == "base64":
        data = base64.b64encode(data)
    elif form == "base64 in lines":
        data = base64.encodebytes(data)
    message.write_bytes(data)
    both, counter = tmp_path / "both.p7m", tmp_path / "counter.p7m"
    sign(pki, message, CadesProfile(mode=Mode.PARALLEL), both, "p256")
    sign(pki, message, CadesProfile(mode=Mode.COUNTERSIGN), counter, "p256")
    for made in (both, counter):
        assert openssl_cades(made, root_file) == CONTENT
        assert java.cms(made) == 2


def test_a_message_with_changed_content_is_not_signed_again(pki, tmp_path):
    message, both = tmp_path / "a.p7m", tmp_path / "b.p7m"
    sign(pki, CONTENT, CadesProfile(), message)
    message.write_bytes(message.read_bytes().replace(b"Contratto", b"Contratta", 1))
    for mode in (Mode.PARALLEL, Mode.COUNTERSIGN):
        with pytest.raises(DocumentError, match="not what the existing signature was made over"):
            sign(pki, message, CadesProfile(mode=mode), both, "p256")
    assert not both.exists()


def test_old_archive_time_stamps_are_not_broken(pki, tmp_path):
    message = tmp_path / "a.p7m"
    sign(pki, CONTENT, CadesProfile(), message)
    info = cms.ContentInfo.load(message.read_bytes())
    stamped = {"type": "1.2.840.113549.1.9.16.2.48", "values": [cms.ContentInfo({"content_type": "data"})]}
    info["content"]["signer_infos"][0]["unsigned_attrs"] = cms.CMSAttributes([cms.CMSAttribute(stamped)])
    message.write_bytes(info.dump(force=True))
    with pytest.raises(ChangeForbidden, match="archive time stamp"):
        sign(pki, message, CadesProfile(mode=Mode.PARALLEL), tmp_path / "b.p7m", "p256")


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"hello", b"\x30\x80\x06\x01", b"\x30\x03\x02\x01\x01", b"MIIB"]
)
def test_what_is_no_message_is_told_so(data, pki, tmp_path):
    with pytest.raises(NotACms):
        sign(pki, data, CadesProfile(mode=Mode.PARALLEL), tmp_path / "b.p7m")
    assert list(tmp_path.iterdir()) == []


def test_levels_beyond_t_are_refused():
    with pytest.raises(SettingsError):
        CadesProfile(level=Level.LTA)
