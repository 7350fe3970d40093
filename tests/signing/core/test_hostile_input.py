"""Damaged and hostile inputs: a clear error, or a signature over exactly the right octets."""

import hashlib
import io
import re

import pikepdf
from asn1crypto import cms
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509 import load_der_x509_certificate
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cmsdesk.signing.cades.profile import CadesProfile, Mode
from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.errors import DocumentError
from cmsdesk.signing.pades.box import Box, Rectangle
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import samples
from tests.signing.pki import make_pki

CONTENT = b"Contratto di prova\r\n" * 20
BOX = Box(place=Rectangle(page=1, x=10, y=10, width=100, height=40))
PROFILES = (PadesProfile(), PadesProfile(box=BOX), PadesProfile(existing_field=True))
SHAPES = (
    samples.plain,
    samples.xref_stream,
    samples.object_streams,
    samples.linearised_object_streams,
    samples.form,
    samples.cropped,
    samples.hybrid,
    samples.encrypted,
)
NUMBERS = ("0", "1", "-1", "7", "99999", "2147483648", "1e9")
EXAMPLES = settings(
    max_examples=250,
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)

change = st.one_of(
    st.tuples(st.just("set"), st.floats(0, 1), st.binary(min_size=1, max_size=4)),
    st.tuples(st.just("insert"), st.floats(0, 1), st.binary(min_size=1, max_size=9)),
    st.tuples(st.just("delete"), st.floats(0, 1), st.integers(1, 60)),
    st.tuples(st.just("number"), st.floats(0, 1), st.sampled_from(NUMBERS)),
    st.tuples(st.just("name"), st.floats(0, 1), st.floats(0, 1)),
    st.tuples(st.just("cut"), st.floats(0, 1), st.just(0)),
)


def changed(data: bytes, changes: list[tuple[str, float, object]]) -> bytes:
    """Apply changes at relative places."""
    for kind, where, what in changes:
        place = min(int(where * len(data)), max(len(data) - 1, 0))
        if kind == "set" and isinstance(what, bytes):
            data = data[:place] + what + data[place + len(what) :]
        elif kind == "insert" and isinstance(what, bytes):
            data = data[:place] + what + data[place:]
        elif kind == "delete" and isinstance(what, int):
            data = data[:place] + data[place + what :]
        elif kind == "cut":
            data = data[:place]
        else:
            pattern = rb"\d+" if kind == "number" else rb"/[A-Za-z]+"
            found = list(re.finditer(pattern, data))
            if not found:
                continue
            target = found[min(int(where * len(found)), len(found) - 1)]
            if isinstance(what, str):
                new = what.encode()
            else:
                new = found[min(int(float(str(what)) * len(found)), len(found) - 1)][0]
            data = data[: target.start()] + new + data[target.end() :]
    return data


def open_session() -> SigningSession:
    identity = make_pki().signer("p256")
    return SigningSession(SoftwareSigner(identity.key, identity.certificate))


def attempt(document: Document, profile: CadesProfile | PadesProfile) -> bytes | None:
    """Sign; None when the document was refused, with everything a person needs to know."""
    with open_session() as session:
        (result,) = session.sign_many([document], profile)
    if result.error is None:
        return result.data
    assert isinstance(result.error, DocumentError)
    assert result.error.cause
    assert result.error.next_step
    return None


def verify_signer(message: cms.SignedData, digest: bytes) -> None:
    """Check the last signer by hand: attributes over the digest, signature over the attributes."""
    info = message["signer_infos"][len(message["signer_infos"]) - 1]
    attributes = {one["type"].native: one["values"][0] for one in info["signed_attrs"]}
    assert attributes["message_digest"].native == digest
    key = load_der_x509_certificate(make_pki().signer("p256").certificate).public_key()
    assert isinstance(key, ec.EllipticCurvePublicKey)
    signed = info["signed_attrs"].untag().dump()
    key.verify(info["signature"].native, signed, ec.ECDSA(hashes.SHA256()))


def sound(data: bytes) -> bool:
    """Say whether qpdf finds nothing wrong, in any object."""
    try:
        with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
            return len(pdf.pages) > 0 and len(list(pdf.objects)) > 0 and not pdf.get_warnings()
    except pikepdf.PdfError:
        return False


def seen_by_qpdf(data: bytes, byte_range: list[int]) -> bool:
    with pikepdf.open(io.BytesIO(data), attempt_recovery=False, suppress_warnings=True) as pdf:
        fields = [field for field in pdf.Root.AcroForm.Fields if field is not None]
        return any(
            field.get("/FT") == "/Sig"
            and "/V" in field
            and [int(number) for number in field.V.ByteRange] == byte_range
            for field in fields
        )


@EXAMPLES
@given(st.sampled_from(SHAPES), st.lists(change, min_size=1, max_size=4), st.sampled_from(PROFILES))
def test_damaged_pdfs(shape, changes, profile):
    source = changed(shape(), changes)
    data = attempt(Document(source=source), profile)
    if data is None:
        return
    assert data.startswith(source)
    first, second, rest = (int(n) for n in re.findall(rb"/ByteRange ?\[ ?0 (\d+) (\d+) (\d+)", data)[-1])
    assert second + rest == len(data)
    contents = data[first:second]
    assert (contents[:1], contents[-1:]) == (b"<", b">")
    message = cms.ContentInfo.load(bytes.fromhex(contents[1:-1].decode()), strict=False)["content"]
    verify_signer(message, hashlib.sha256(data[:first] + data[second:]).digest())
    # what is damaged elsewhere stays so; what was sound must show the signature to another reader
    assert seen_by_qpdf(data, [0, first, second, rest]) if sound(source) else True


@EXAMPLES
@given(st.sampled_from(SHAPES), st.lists(change, min_size=1, max_size=2))
def test_repaired_pdfs(shape, changes):
    source = changed(shape(), changes)
    data = attempt(Document(source=source), PadesProfile(repair=True))
    if data is None:
        return
    numbers = [int(n) for n in re.findall(rb"/ByteRange ?\[ ?0 (\d+) (\d+) (\d+)", data)[-1]]
    assert numbers[1] + numbers[2] == len(data)


def _messages() -> tuple[bytes, ...]:
    with open_session() as session:
        attached = session.sign(Document(source=CONTENT), CadesProfile()).data
        detached = session.sign(Document(source=CONTENT), CadesProfile(mode=Mode.DETACHED)).data
        twice = session.sign(Document(source=attached or b""), CadesProfile(mode=Mode.PARALLEL)).data
    assert attached
    assert detached
    assert twice
    return attached, detached, twice


MESSAGES = _messages()


@EXAMPLES
@given(st.sampled_from(range(3)), st.lists(change, min_size=1, max_size=3), st.booleans())
def test_damaged_messages(which, changes, parallel):
    source = changed(MESSAGES[which], changes)
    mode = Mode.PARALLEL if parallel else Mode.COUNTERSIGN
    document = Document(source=source, detached_content=CONTENT)
    data = attempt(document, CadesProfile(mode=mode, signer_index=0))
    if data is None:
        return
    message = cms.ContentInfo.load(data, strict=True)["content"]
    content = message["encap_content_info"]["content"].native
    signed = CONTENT if content is None else content
    if parallel:
        verify_signer(message, hashlib.sha256(signed).digest())
    original = cms.ContentInfo.load(source)["content"]["encap_content_info"]["content"].native
    assert content == original


@settings(max_examples=200, derandomize=True, deadline=None, database=None)
@given(st.binary(max_size=300))
def test_arbitrary_octets(data):
    for profile in (PadesProfile(box=BOX), CadesProfile(mode=Mode.PARALLEL)):
        assert attempt(Document(source=data), profile) is None
    with open_session() as session:
        made = session.sign(Document(source=data), CadesProfile()).data
    message = cms.ContentInfo.load(made, strict=True)["content"]
    assert message["encap_content_info"]["content"].native == data
