"""PAdES signatures, judged by poppler, qpdf, pyHanko, Bouncy Castle and PDFBox."""

import io
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pikepdf
import pytest

from cmsdesk.signing.documents.model import Document, Level, Result
from cmsdesk.signing.errors import ChangeForbidden, FieldImpossible, NotAPdf, PdfEncrypted, SettingsError
from cmsdesk.signing.pades.box import Box, FreeArea, Rectangle
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pades.trust import Trust
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.session.session import SigningSession
from cmsdesk.signing.signers.software import SoftwareSigner
from tests.signing import samples
from tests.signing.checkers import Java, Pdfsig, ades_pdf, pdfsig, qpdf_check
from tests.signing.pki import KINDS, Pki

BOX = Box(place=Rectangle(page=1, x=60, y=40, width=180, height=60))
STREAMS = ("xref_stream", "object_streams", "linearised_object_streams")
FAST = ("plain", "linearised", "cropped", "pdf_a", "shared_array", *STREAMS)
HARD = ("encrypted", "hybrid")


def sign(
    pki: Pki, source: bytes | Path, profile: PadesProfile, target: Path, kind="rsa2048", **options
) -> Result:
    identity = pki.signer(kind)
    stamper = options.pop("timestamper", None)
    with SigningSession(
        SoftwareSigner(identity.key, identity.certificate, pki.chain), timestamper=stamper
    ) as session:
        return session.sign(Document(source=source, target=target, **options), profile)


def trust(pki: Pki) -> Trust:
    crls = (pki.crl(pki.root), pki.crl(pki.issuing))
    return Trust(anchors=(pki.root.certificate,), revocation_lists=crls, fetch=False)


def check(pki: Pki, java: Java, path: Path, signatures: int = 1, password: str | None = None, strict=True):
    """Every checker agrees that all signatures are valid and the last covers the file."""
    assert pdfsig(path, password) == Pdfsig(signatures, 0, True)
    qpdf_check(path, password)
    assert java.pdf(path, password or "") == (signatures, True)
    ades_pdf(path, pki.root.certificate, password=password, strict=strict)


@pytest.mark.parametrize("shape", FAST + HARD)
@pytest.mark.parametrize("visible", [False, True], ids=["invisible", "visible"])
def test_every_shape_of_file(shape, visible, pki, java, tmp_path):
    source, target = getattr(samples, shape)(), tmp_path / f"{shape}.pdf"
    sign(pki, source, PadesProfile(box=BOX if visible else None), target)
    assert target.read_bytes().startswith(source)
    check(pki, java, target, password="" if shape == "encrypted" else None, strict=shape not in HARD)


@pytest.mark.parametrize("shape", FAST)
def test_sound_files_take_the_fast_path(shape, pki, tmp_path, monkeypatch):
    from cmsdesk.signing.pades.hard import HardPath

    monkeypatch.setattr(HardPath, "prepare", None)
    sign(pki, getattr(samples, shape)(), PadesProfile(box=BOX), tmp_path / "a.pdf")


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_key(kind, pki, java, tmp_path):
    target = tmp_path / f"{kind}.pdf"
    sign(pki, samples.plain(), PadesProfile(box=BOX), target, kind)
    check(pki, java, target)


def test_several_signatures_in_one_file(pki, java, tmp_path):
    path, source = tmp_path / "0.pdf", samples.object_streams()
    for number, kind in enumerate(("rsa2048", "p256", "p384"), start=1):
        path = tmp_path / f"{number}.pdf"
        sign(pki, source, PadesProfile(box=Box() if number > 1 else None), path, kind)
        assert path.read_bytes().startswith(source)
        source = path.read_bytes()
        check(pki, java, path, number)
    with pikepdf.open(path) as pdf:
        names = [str(field.T) for field in pdf.Root.AcroForm.Fields]
    assert names == ["Signature1", "Signature2", "Signature3"]


def test_the_signature_dictionary(pki, tmp_path):
    """EN 319 142-1 clause 6.3 and ISO 32000-1 table 252."""
    profile = PadesProfile(reason="Approvazione (n. 5)", location="Forlì", contact="segreteria@example.com")
    result = sign(pki, samples.plain(), profile, tmp_path / "a.pdf")
    with pikepdf.open(tmp_path / "a.pdf") as pdf:
        field = pdf.Root.AcroForm.Fields[0]
        value = field.V
        assert value.SubFilter == "/ETSI.CAdES.detached"
        assert (str(value.Reason), str(value.Location)) == ("Approvazione (n. 5)", "Forlì")
        assert str(value.M) == result.signing_time.strftime("D:%Y%m%d%H%M%SZ")
        assert "/Cert" not in value
        assert int(pdf.Root.AcroForm.SigFlags) == 3
        assert field.P.objgen == pdf.pages[0].objgen
        assert any(one.objgen == field.objgen for one in pdf.pages[0].Annots)


# --- levels ---


def test_level_t(pki, java, stamper, tmp_path):
    target = tmp_path / "t.pdf"
    result = sign(pki, samples.plain(), PadesProfile(level=Level.T, box=BOX), target, timestamper=stamper)
    assert result.level is Level.T
    assert stamper.asked == 1
    check(pki, java, target)
    ades_pdf(target, pki.root.certificate, level="T")


@pytest.mark.parametrize("shape", ["plain", "object_streams", "encrypted"])
@pytest.mark.parametrize("level", [Level.LT, Level.LTA])
def test_long_term_levels(level, shape, pki, java, stamper, tmp_path):
    target, password = tmp_path / "a.pdf", "" if shape == "encrypted" else None
    profile = PadesProfile(level=level, box=BOX, trust=trust(pki))
    result = sign(pki, getattr(samples, shape)(), profile, target, timestamper=stamper)
    assert result.level is level
    assert stamper.asked == (1 if level is Level.LT else 2)  # no stamp is spent on a trial
    qpdf_check(target, password)
    assert pdfsig(target, password).valid == 1
    crls = () if level is Level.LTA else trust(pki).revocation_lists
    ades_pdf(target, pki.root.certificate, level=level, crls=crls, password=password)
    with pikepdf.open(target) as pdf:
        assert len(pdf.Root.DSS.CRLs) == 2
        kinds = [str(field.V.Type) for field in pdf.Root.AcroForm.Fields]
    assert kinds == ["/Sig", "/DocTimeStamp"][: 1 + (level is Level.LTA)]


def test_a_second_signature_on_an_lta_file(pki, java, stamper, tmp_path):
    first, second = tmp_path / "1.pdf", tmp_path / "2.pdf"
    profile = PadesProfile(level=Level.LTA, trust=trust(pki))
    sign(pki, samples.plain(), profile, first, timestamper=stamper)
    sign(pki, first, PadesProfile(box=BOX), second, "p256")
    check(pki, java, second, 2)
    ades_pdf(second, pki.root.certificate, level="LTA", only=slice(1))


def test_a_revoked_certificate_makes_no_long_term_signature(pki, stamper, tmp_path):
    crls = (pki.crl(pki.root), pki.crl(pki.issuing, pki.signer("rsa2048")))
    settings = Trust(anchors=(pki.root.certificate,), revocation_lists=crls, fetch=False)
    profile = PadesProfile(level=Level.LT, trust=settings)
    with pytest.raises(Exception, match="cannot be proven valid"):
        sign(pki, samples.plain(), profile, tmp_path / "a.pdf", timestamper=stamper)
    assert list(tmp_path.iterdir()) == []


def test_levels_need_their_means(pki, stamper, tmp_path):
    with pytest.raises(SettingsError, match="time stamp service"):
        sign(pki, samples.plain(), PadesProfile(level=Level.T), tmp_path / "a.pdf")
    with pytest.raises(SettingsError, match="trust anchors"):
        sign(pki, samples.plain(), PadesProfile(level=Level.LT), tmp_path / "a.pdf", timestamper=stamper)


# --- PDF/A ---


@pytest.mark.parametrize("box", ["invisible", "text", "image"])
def test_pdf_a_stays_pdf_a(box, pki, java, tmp_path, logo):
    source, target = tmp_path / "source.pdf", tmp_path / "signed.pdf"
    source.write_bytes(samples.pdf_a())
    assert java.preflight(source) == "valid"
    boxes = {
        "invisible": None,
        "text": Box(text="Firmato da {signer} – così è deciso: ł, ș, €"),
        "image": Box(image=logo, text="Firmato da {signer}"),
    }
    sign(pki, source, PadesProfile(box=boxes[box]), target)
    assert java.preflight(target) == "valid"
    check(pki, java, target)


# --- existing fields ---


def test_an_existing_field_is_filled_in(pki, java, tmp_path):
    target = tmp_path / "a.pdf"
    source = samples.form()
    sign(pki, source, PadesProfile(box=BOX, field="Firma Presidente"), target)
    check(pki, java, target)
    with pikepdf.open(target) as pdf:
        field = next(one for one in pdf.Root.AcroForm.Fields if str(one.T) == "Firma Presidente")
        assert [float(side) for side in field.Rect] == [100, 100, 300, 160]  # its place, not the profile's
        assert [float(side) for side in field.AP.N.BBox] == [0, 0, 200, 60]
        assert len(pdf.Root.AcroForm.Fields) == 2


def test_the_only_empty_field_is_found(pki, java, tmp_path):
    target = tmp_path / "a.pdf"
    sign(pki, samples.form(), PadesProfile(existing_field=True), target)
    check(pki, java, target)
    with pytest.raises(FieldImpossible, match="no such empty"):
        sign(pki, target, PadesProfile(existing_field=True), tmp_path / "b.pdf")
    with pytest.raises(FieldImpossible, match="signed already"):
        sign(pki, target, PadesProfile(field="Firma Presidente"), tmp_path / "b.pdf")


def test_a_new_field_beside_form_fields(pki, java, tmp_path):
    target = tmp_path / "a.pdf"
    sign(pki, samples.form(), PadesProfile(field="Segretario", box=BOX), target)
    check(pki, java, target)
    with pikepdf.open(target) as pdf:
        assert [str(field.T) for field in pdf.Root.AcroForm.Fields] == [
            "cognome",
            "Firma Presidente",
            "Segretario",
        ]


def test_demands_of_a_field_are_met_or_refused(pki, java, stamper, tmp_path):
    from pyhanko.sign.fields import SigSeedValFlags, SigSeedValueSpec

    demand = SigSeedValueSpec(flags=SigSeedValFlags.REASONS, reasons=["Approvo", "Respingo"])
    source = samples.form(seed_value_dict=demand)
    with pytest.raises(FieldImpossible, match="demands something"):
        sign(pki, source, PadesProfile(existing_field=True), tmp_path / "a.pdf")
    sign(pki, source, PadesProfile(existing_field=True, reason="Approvo"), tmp_path / "a.pdf")
    check(pki, java, tmp_path / "a.pdf")


def certified(level: int) -> bytes:
    """A document certified by pyHanko; `level` as in ISO 32000-1 table 254."""
    from pyhanko.sign import signers
    from pyhanko.sign.fields import MDPPerm

    from tests.signing.pki import make_pki

    identity = make_pki().signer("rsa2048")
    from asn1crypto import x509
    from pyhanko.keys.internal import translate_pyca_cryptography_key_to_asn1
    from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter

    signer = signers.SimpleSigner(
        signing_cert=x509.Certificate.load(identity.certificate),
        signing_key=translate_pyca_cryptography_key_to_asn1(identity.key),
        cert_registry=None,
    )
    meta = signers.PdfSignatureMetadata(
        field_name="Autore", certify=True, docmdp_permissions=MDPPerm(level), md_algorithm="sha256"
    )
    out = io.BytesIO()
    signers.sign_pdf(IncrementalPdfFileWriter(io.BytesIO(samples.plain())), meta, signer, output=out)
    return out.getvalue()


def test_a_certified_document_is_signed_only_if_its_author_allows(pki, java, tmp_path):
    for profile in (PadesProfile(), PadesProfile(existing_field=True)):
        with pytest.raises(ChangeForbidden, match="certified"):
            sign(pki, certified(1), profile, tmp_path / "a.pdf")
    sign(pki, certified(2), PadesProfile(), tmp_path / "a.pdf")
    assert pdfsig(tmp_path / "a.pdf") == Pdfsig(2, 0, True)


# --- encryption ---


@pytest.mark.parametrize("revision", [3, 4, 6])
def test_encrypted_files_with_a_password(revision, pki, java, tmp_path):
    options = {"R": revision, "user": "lettore"} | (
        {"aes": False, "metadata": False} if revision == 3 else {}
    )
    source = samples.encrypted(**options)
    target = tmp_path / "a.pdf"
    for wrong in (None, Pin("sbagliata")):
        with pytest.raises(PdfEncrypted):
            sign(pki, source, PadesProfile(box=BOX), target, password=wrong)
    for password in ("lettore", "proprietario"):
        sign(pki, source, PadesProfile(box=BOX), target, password=Pin(password), overwrite=True)
        check(pki, java, target, password="lettore")


def test_an_encrypted_file_whose_owner_forbids_signing(pki, tmp_path):
    allowed = pikepdf.Permissions(modify_annotation=False, modify_form=False)
    source = samples.encrypted(allow=allowed)
    with pytest.raises(ChangeForbidden, match="does not allow"):
        sign(pki, source, PadesProfile(), tmp_path / "a.pdf")
    sign(pki, source, PadesProfile(), tmp_path / "a.pdf", password=Pin("proprietario"))


# --- damaged files ---


@pytest.mark.parametrize("damage", samples.broken())
def test_damaged_files_are_refused_or_repaired_on_request(damage, pki, java, tmp_path):
    source, target = samples.broken()[damage], tmp_path / "a.pdf"
    with pytest.raises(NotAPdf):
        sign(pki, source, PadesProfile(box=BOX), target)
    assert list(tmp_path.iterdir()) == []
    try:
        result = sign(pki, source, PadesProfile(box=BOX, repair=True), target)
    except NotAPdf:
        assert damage in ("zeros inside", "no catalogue")  # the catalogue is gone
        return
    assert "rewritten" in result.notes[0]
    check(pki, java, target)


def test_a_damaged_file_that_is_signed_is_never_repaired(pki, tmp_path):
    target = tmp_path / "a.pdf"
    sign(pki, samples.plain(), PadesProfile(), target)
    with pytest.raises(NotAPdf, match="carries signatures"):
        sign(pki, target.read_bytes()[:-30], PadesProfile(repair=True), tmp_path / "b.pdf")


@pytest.mark.parametrize("data", [b"", b"hello", b"%PDF-1.7\n", b"\0" * 5000])
def test_what_is_no_pdf_is_told_so(data, pki, tmp_path):
    for repair in (False, True):
        with pytest.raises(NotAPdf):
            sign(pki, data, PadesProfile(repair=repair, box=Box(place=FreeArea())), tmp_path / "a.pdf")
    assert list(tmp_path.iterdir()) == []


def test_the_certificate_must_be_valid_at_signing_time(pki):
    identity = pki.signer("rsa2048")
    late = datetime.now(UTC) + timedelta(days=2000)
    with pytest.raises(Exception, match="not valid today"):
        SigningSession(SoftwareSigner(identity.key, identity.certificate), clock=lambda: late)
