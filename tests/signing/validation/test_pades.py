"""Validation of PDF signatures made by pyHanko, at chosen moments and after chosen changes."""

import subprocess
from datetime import datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from cryptography import x509
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign.fields import MDPPerm

from cmsdesk.signing.errors import NotAPdf, PdfEncrypted
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.validation import Indication, Level, Status, TrustStore, validate
from cmsdesk.signing.validation.report import Change, Report, Role
from tests.signing.validation.world import NOW, PdfRecipe, Revoked, check, make_pdf, sign_pdf, world

HOUR = timedelta(hours=1)
LATER = timedelta(days=1000)  # the signers' certificates end after 900 days


@cache
def signed(level: str) -> bytes:
    w = world()
    recipes = {
        "B-B": PdfRecipe(w.anna),
        "B-T": PdfRecipe(w.anna, stamped_at=NOW),
        "B-LT": PdfRecipe(w.anna, stamped_at=NOW, long_term=True, crls=w.crls(NOW - HOUR)),
        "B-LTA": PdfRecipe(w.anna, stamped_at=NOW, archive=True, crls=w.crls(NOW - HOUR)),
    }
    return sign_pdf(make_pdf(), recipes[level])


@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT", "B-LTA"])
def test_each_level_is_recognised_and_passed(tmp_path: Path, level: str) -> None:
    report = check(tmp_path, signed(level), "visura.pdf")
    assert report.indication is Indication.PASSED
    assert (report.format, report.content.kind) == ("pades", "pdf")
    first = report.signatures[0]
    assert first.level.value == level
    assert first.signer is not None
    assert first.signer.name == "Anna Prova"
    assert (first.times.proven is None) == (level == "B-B")
    assert first.status_then is not None
    assert first.status_then.status is Status.GOOD
    roles = [s.role for s in report.signatures]
    assert roles == [Role.SIGNATURE, *([Role.DOCUMENT_TIMESTAMP] if level == "B-LTA" else [])]


@pytest.mark.parametrize(
    ("level", "indication", "subindication"),
    [
        ("B-B", Indication.INDETERMINATE, "OUT_OF_BOUNDS_NO_POE"),
        ("B-T", Indication.INDETERMINATE, "TRY_LATER"),  # the CA's present list is silent about expired ones
        ("B-LT", Indication.PASSED, ""),
        ("B-LTA", Indication.PASSED, ""),
    ],
)
def test_after_the_certificate_has_expired(
    tmp_path: Path, level: str, indication: Indication, subindication: str
) -> None:
    later = NOW + LATER
    first = check(tmp_path, signed(level), now=later, crls=world().crls(later - HOUR)).signatures[0]
    assert (first.indication, first.subindication) == (indication, subindication)
    assert first.status_now is not None
    assert first.status_now.status is Status.EXPIRED


def revoked(at: datetime, reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise) -> Revoked:
    return Revoked(world().anna.parsed.serial_number, at, reason)


@pytest.mark.parametrize(
    ("level", "revoked_after", "indication"),
    [
        ("B-B", HOUR, Indication.INDETERMINATE),
        ("B-T", HOUR, Indication.PASSED),
        ("B-T", -HOUR, Indication.INDETERMINATE),
        ("B-LT", HOUR, Indication.PASSED),
        ("B-LT", -HOUR, Indication.INDETERMINATE),  # a list that is newer than the one inside
        ("B-LTA", HOUR, Indication.PASSED),
    ],
)
def test_revoked_before_and_after_the_proven_time(
    tmp_path: Path, level: str, revoked_after: timedelta, indication: Indication
) -> None:
    crls = world().crls(NOW + 3 * HOUR, revoked(NOW + revoked_after))
    first = check(tmp_path, signed(level), now=NOW + 4 * HOUR, crls=crls).signatures[0]
    assert first.indication is indication
    assert first.status_now is not None
    assert (first.status_now.status, first.status_now.since) == (Status.REVOKED, NOW + revoked_after)
    if indication is Indication.PASSED:
        assert first.status_then is not None
        assert first.status_then.status is Status.GOOD


def test_a_suspended_certificate_is_called_suspended(tmp_path: Path) -> None:
    crls = world().crls(NOW + HOUR, revoked(NOW - HOUR, x509.ReasonFlags.certificate_hold))
    first = check(tmp_path, signed("B-T"), now=NOW + 2 * HOUR, crls=crls).signatures[0]
    assert first.indication is Indication.INDETERMINATE
    assert first.status_then is not None
    assert first.status_then.status is Status.SUSPENDED


def test_nothing_is_trusted_that_was_not_named(tmp_path: Path) -> None:
    first = check(tmp_path, signed("B-T"), trust=TrustStore()).signatures[0]
    assert (first.indication, first.subindication) == (Indication.INDETERMINATE, "NO_CERTIFICATE_CHAIN_FOUND")
    assert first.times.proven is None
    only_stamps = TrustStore([world().root.certificate])
    assert check(tmp_path, signed("B-T"), trust=only_stamps).indication is Indication.PASSED
    stamps_alone = TrustStore(stamp_roots=[world().root.certificate])
    first = check(tmp_path, signed("B-T"), trust=stamps_alone).signatures[0]
    assert first.indication is Indication.INDETERMINATE
    assert first.times.proven == NOW


def test_without_revocation_data_the_status_is_not_guessed(tmp_path: Path) -> None:
    first = check(tmp_path, signed("B-B"), crls=[]).signatures[0]
    assert first.indication is Indication.INDETERMINATE
    assert first.status_now is not None
    assert first.status_now.status is Status.UNKNOWN


# --- what changed after ---


def test_a_second_signature_is_an_allowed_change(tmp_path: Path) -> None:
    both = sign_pdf(signed("B-T"), PdfRecipe(world().luca, field_name="Firma2"))
    report = check(tmp_path, both)
    first, second = report.signatures
    assert [first.indication, second.indication] == [Indication.PASSED] * 2
    assert (first.changes.kind, first.changes.later) == (Change.FORM_OR_SIGNATURE, ("Firma2",))
    assert second.changes.kind is Change.NONE


def update(pdf: bytes, change: str) -> bytes:
    """Append an incremental update, as any program can."""
    writer = IncrementalPdfFileWriter(BytesIO(pdf), strict=False)
    if change == "form":
        from pyhanko.pdf_utils import generic

        field = writer.root["/AcroForm"]["/Fields"][0].get_object()
        field["/V"] = generic.TextStringObject("compilato")
        writer.mark_update(field.container_ref)
    else:
        page = writer.root["/Pages"]["/Kids"][0].get_object()
        contents = page["/Contents"].get_object()
        contents._data = contents.data.replace(b"Visura", b"Vispra") + b" "
        contents._encoded_data = None
        writer.mark_update(contents.container_ref)
    out = BytesIO()
    writer.write(out)
    return out.getvalue()


def test_filled_fields_are_named_and_a_certified_document_forbids_them(tmp_path: Path) -> None:
    plain = sign_pdf(make_pdf(form=True), PdfRecipe(world().anna, certify=MDPPerm.FILL_FORMS))
    first = check(tmp_path, update(plain, "form")).signatures[0]
    assert first.indication is Indication.PASSED
    assert (first.changes.kind, first.changes.later) == (Change.FORM_OR_SIGNATURE, ("nota",))
    locked = sign_pdf(make_pdf(form=True), PdfRecipe(world().anna, certify=MDPPerm.NO_CHANGES))
    first = check(tmp_path, update(locked, "form")).signatures[0]
    assert (first.indication, first.subindication) == (Indication.FAILED, "DOCUMENT_CHANGED")
    assert not first.changes.allowed


def test_changed_content_is_told_from_a_broken_signature(tmp_path: Path) -> None:
    first = check(tmp_path, update(signed("B-T"), "content")).signatures[0]
    assert (first.indication, first.changes.kind) == (Indication.FAILED, Change.CONTENT)
    data = bytearray(signed("B-T"))
    data[data.index(b"/MediaBox") + 12] ^= 1
    first = check(tmp_path, bytes(data)).signatures[0]
    assert (first.indication, first.subindication) == (Indication.FAILED, "HASH_FAILURE")
    assert first.level is Level.NONE


def test_bytes_behind_the_signature_are_noticed(tmp_path: Path) -> None:
    for appended in (b"\n%%EOF\n", b"1 0 obj<<>>endobj\n", bytes(64)):
        try:
            report = check(tmp_path, signed("B-B") + appended)
        except NotAPdf:
            continue
        assert report.indication is not Indication.PASSED


# --- files that are no signed PDF ---


def test_other_pdfs(tmp_path: Path) -> None:
    report = check(tmp_path, make_pdf())
    assert (report.indication, report.signatures) == (Indication.UNSIGNED, ())
    for broken in (b"%PDF-1.7\n", signed("B-B")[:900]):
        with pytest.raises(NotAPdf):
            check(tmp_path, broken)


def test_encrypted_pdfs_need_their_password(tmp_path: Path) -> None:
    path = tmp_path / "chiuso.pdf"
    with pikepdf.open(BytesIO(make_pdf())) as pdf:
        pdf.save(path, encryption=pikepdf.Encryption(owner="x", user="apriti", R=6))
    with pytest.raises(PdfEncrypted):
        validate(path, trust=world().trust(), now=NOW)
    with pytest.raises(PdfEncrypted):
        validate(path, trust=world().trust(), now=NOW, password=Pin("sbagliata"))
    assert (
        validate(path, trust=world().trust(), now=NOW, password=Pin("apriti")).indication
        is Indication.UNSIGNED
    )


# --- a second opinion ---


def pdfsig_says_valid(path: Path) -> bool:
    text = subprocess.run(["pdfsig", "-nocert", path], capture_output=True, check=False).stdout
    return b"Signature is Valid" in text


@pytest.mark.parametrize("spoiled", [False, True])
@pytest.mark.parametrize("level", ["B-B", "B-T", "B-LT"])
def test_pdfsig_agrees_on_integrity(tmp_path: Path, level: str, spoiled: bool) -> None:
    data = bytearray(signed(level))
    if spoiled:
        data[data.index(b"/MediaBox") + 12] ^= 1
    report: Report = check(tmp_path, bytes(data), "x.pdf")
    assert pdfsig_says_valid(tmp_path / "x.pdf") == report.signatures[0].intact == (not spoiled)
