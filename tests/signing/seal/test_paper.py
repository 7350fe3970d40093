"""Sealed paper: scanned, turned, blurred, photographed, altered, forged."""

import json
import subprocess
from base64 import b64encode
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from io import BytesIO
from pathlib import Path

import pikepdf
import pytest
from PIL import Image

from cmsdesk.signing.errors import SealError, SettingsError, SigningError
from cmsdesk.signing.seal import (
    Place,
    SealIssuer,
    SealReport,
    SealTrust,
    State,
    Verdict,
    check_seal,
    describe,
    document_hash,
    make_seal,
    signatures_of,
)
from cmsdesk.signing.signers.software import SoftwareSigner
from cmsdesk.signing.validation import Indication, validate
from tests.signing import pki, samples
from tests.signing.checkers import Java
from tests.signing.seal.papers import (
    FIELDS,
    Paper,
    as_file,
    blurred,
    issuer,
    noisy,
    order,
    photographed,
    picture,
    sealed,
    signer,
    trust,
    turned,
    with_seal_of,
)
from tests.signing.validation.world import NOW, PdfRecipe, make_pdf, sign_pdf, world

Wear = Callable[[Image.Image, int], Image.Image]
WEARS: dict[str, Wear] = {
    "straight": lambda image, _: image,
    "turned-3": lambda image, _: turned(image, 3),
    "turned-90": lambda image, _: turned(image, 90),
    "upside-down": lambda image, _: turned(image, 178.5),
    "blurred": blurred,
    "noisy": lambda image, _: noisy(image),
    "all": lambda image, dpi: noisy(turned(blurred(image, dpi), -2), 10),
}


def states(report: SealReport) -> dict[str, State]:
    return {one.name: one.state for one in report.fields}


def test_the_sealed_pdf_is_authentic_and_says_everything() -> None:
    report = check_seal(sealed(), trust())
    assert report.verdict is Verdict.AUTHENTIC
    assert report.how == "text"
    assert {one.name: one.signed for one in report.fields} == FIELDS
    assert set(states(report).values()) == {State.SAME}
    content = report.content
    assert (content.title, content.number, content.date.isoformat()) == (
        "Certificato di iscrizione",
        "1234/2026",
        "2026-03-03",
    )
    assert content.signatures[0].signer == "Luca Esempio"
    assert json.loads(json.dumps(report.as_json()))["signatures"][0]["proven"] is True


@pytest.mark.parametrize("dpi", [150, 200, 300])
@pytest.mark.parametrize("wear", WEARS)
def test_the_symbol_survives_scanning(dpi: int, wear: str) -> None:
    scan = WEARS[wear](picture(sealed(), dpi), dpi)
    report = check_seal(as_file(scan, "JPEG", quality=55), trust(), values=FIELDS)
    assert report.verdict is Verdict.AUTHENTIC


@pytest.mark.parametrize("dpi", [150, 200, 300])
@pytest.mark.parametrize("wear", ["turned-3", "upside-down", "all"])
def test_scans_are_read_and_no_field_is_wrongly_accused(dpi: int, wear: str) -> None:
    scan = WEARS[wear](picture(sealed(), dpi), dpi)
    report = check_seal(as_file(scan, "JPEG", quality=55), trust())
    assert report.how == "image"
    assert report.differing == []
    if wear != "all":
        assert report.verdict is Verdict.AUTHENTIC


def test_a_photo_at_an_angle_verifies() -> None:
    photo = photographed(picture(sealed(), 220))
    report = check_seal(as_file(photo, "JPEG", quality=80), trust())
    assert report.differing == []
    assert report.content.number == "1234/2026"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("Cognome", "Prove"),
        ("Nome", "Anna"),
        ("Nome", "Anna Maria Luisa"),
        ("Nato a", "Merano"),
        ("Numero REA", "BZ-123458"),
        ("Importo", "€ 11.250,00"),
        ("Importo", "€ 1.250,00 mila"),
    ],
)
def test_one_changed_field_is_named(name: str, value: str) -> None:
    changed = Paper(values=FIELDS | {name: value}).pdf()
    with (
        pikepdf.open(BytesIO(sealed())) as genuine,
        pikepdf.open(BytesIO(changed)) as forged,
    ):
        # the genuine page's drawing of the seal under the altered page's text
        seal = genuine.pages[0].Contents.as_list()[-1].read_bytes()
        forged.pages[0].contents_add(b"q\n", prepend=True)
        forged.pages[0].contents_add(seal)
        out = BytesIO()
        forged.save(out)
    report = check_seal(out.getvalue(), trust())
    assert report.verdict is Verdict.ALTERED
    assert report.differing == [name]
    assert f"≠ {name}" in describe(report)


@pytest.mark.parametrize(
    ("dpi", "name", "value"),
    [(150, "Nato a", "Merano"), (200, "Importo", "€ 9.250,00"), (300, "Cognome", "Esempio")],
)
def test_one_changed_field_is_named_on_a_scan(dpi: int, name: str, value: str) -> None:
    altered = Image.open(BytesIO(with_seal_of(sealed(), Paper(values=FIELDS | {name: value}).pdf())))
    scan = turned(altered.resize((altered.width * dpi // 300, altered.height * dpi // 300)), 1.5)
    report = check_seal(as_file(scan, "JPEG", quality=70), trust())
    assert report.verdict is Verdict.ALTERED
    assert report.differing == [name]


def test_a_person_can_compare_instead() -> None:
    good = check_seal(sealed(), trust(), values=FIELDS)
    assert (good.verdict, good.how) == (Verdict.AUTHENTIC, "values")
    bad = check_seal(sealed(), trust(), values=FIELDS | {"Nome": "Anna"})
    assert bad.differing == ["Nome"]
    some = check_seal(sealed(), trust(), values={"Nome": "Anna Maria"})
    assert some.verdict is Verdict.UNCONFIRMED


def test_without_a_text_reader_a_scan_shows_what_to_compare(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    report = check_seal(as_file(picture(sealed(), 200)), trust())
    assert report.verdict is Verdict.UNCONFIRMED
    assert set(states(report).values()) == {State.NOT_COMPARED}
    assert "confrontare" in describe(report)


def test_the_digital_document_is_recognised(tmp_path: Path) -> None:
    original = tmp_path / "atto.pdf.p7m"
    original.write_bytes(b"documento firmato")
    paper = make_seal(Paper().pdf(), order(document_sha256=document_hash(original)), signer())
    assert check_seal(paper, trust(), document=original).document is True
    original.write_bytes(b"un altro documento")
    report = check_seal(paper, trust(), document=original)
    assert (report.document, report.verdict) == (False, Verdict.ALTERED)


# --- trust ---


def test_seals_of_others_and_out_of_time_are_not_believed() -> None:
    stranger = pki.issue(None, pki.make_key("p256"), "Camera di prova – sigillo", pki.signer_extensions())
    assert check_seal(sealed(), SealTrust([])).objection == "unknown"
    assert check_seal(sealed(), SealTrust([SealIssuer(stranger.certificate)])).objection == "unknown"
    own = issuer().certificate
    assert check_seal(sealed(), SealTrust([SealIssuer(own, distrusted=True)])).objection == "distrusted"
    past = datetime.now(UTC) - timedelta(days=1)
    late = check_seal(sealed(), SealTrust([SealIssuer(own, until=past)]))
    assert (late.verdict, late.objection) == (Verdict.UNTRUSTED, "after-certificate")
    early = make_seal(Paper().pdf(), order(), signer(), now=datetime(2020, 1, 1, tzinfo=UTC))
    assert check_seal(early, trust()).objection == "before-certificate"


def test_trust_lists_in_files(tmp_path: Path) -> None:
    entry = {
        "certificate": b64encode(issuer().certificate).decode(),
        "name": "Camera",
        "until": "2099-01-01T00:00:00Z",
    }
    (tmp_path / "lista.json").write_text(json.dumps({"issuers": [entry]}))
    (tmp_path / "sigillo.pem").write_bytes(issuer().pem)
    for name, shown in (("lista.json", "Camera"), ("sigillo.pem", "Camera di prova – sigillo")):
        report = check_seal(sealed(), SealTrust.from_files([tmp_path / name]))
        assert (report.verdict, report.issuer) == (Verdict.AUTHENTIC, shown)
    (tmp_path / "rotta.json").write_text('{"issuers": [{"certificate": "AAAA"}]}')
    with pytest.raises(SealError, match="list of seal issuers"):
        SealTrust.from_files([tmp_path / "rotta.json"])


# --- making ---


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
@pytest.mark.parametrize("cropped", [False, True])
def test_turned_and_cropped_pages(turn: int, cropped: bool) -> None:
    paper = make_seal(
        Paper(turned=turn, cropped=cropped).pdf(), order(place=Place(0, 15, 210, 60, 60)), signer()
    )
    assert check_seal(paper, trust()).verdict is Verdict.AUTHENTIC
    if cropped:
        looked = check_seal(paper, trust(), look=True)
        assert (looked.how, looked.verdict) == ("image", Verdict.AUTHENTIC)


def test_the_template_names_the_place(tmp_path: Path) -> None:
    paper = make_seal(Paper(place_field="timbro").pdf(), order(place="timbro"), signer())
    report = check_seal(paper, trust())
    assert report.verdict is Verdict.AUTHENTIC
    assert report.content.grid is not None
    assert (report.content.grid.x_dmm, report.content.grid.y_dmm) == (212, 2194)  # 60 pt, 841.89 - 220 pt
    (tmp_path / "paper.pdf").write_bytes(paper)
    subprocess.run(["qpdf", "--check", tmp_path / "paper.pdf"], check=True, capture_output=True)
    with pytest.raises(SettingsError, match="no place"):
        make_seal(Paper().pdf(), order(place="timbro"), signer())


def test_a_long_extract_takes_several_symbols_and_a_missing_one_is_told() -> None:
    values = {f"Voce {n:02d}": f"contenuto della voce numero {n} dell'estratto" for n in range(22)}
    long = Paper(values=values)
    place = Place(0, 15, 225, 180, 60)
    paper = make_seal(long.pdf(), order(fields=values, place=place), signer())
    report = check_seal(paper, trust())
    assert report.verdict is Verdict.AUTHENTIC
    assert len(report.fields) == 22
    assert report.content.grid is not None
    assert report.content.grid.columns > 1
    scan = picture(paper, 200)
    assert check_seal(as_file(scan, "JPEG", quality=70), trust(), values=values).verdict is Verdict.AUTHENTIC
    scan.paste(255, (0, scan.height // 2, scan.width // 3, scan.height))
    with pytest.raises(SealError, match="part of the seal is missing") as caught:
        check_seal(as_file(scan), trust())
    assert caught.value.facts["missing"] == "1"


def test_orders_that_cannot_be_carried_out() -> None:
    cases: list[tuple[dict[str, object], type[SigningError], str]] = [
        ({"fields": {"Cognome": "Verdi"}}, SealError, "not printed"),
        ({"place": Place(0, 10, 200, 15, 15)}, SealError, "does not fit"),
        ({"place": Place(3, 10, 200, 60, 60)}, SettingsError, "no such page"),
        ({"place": Place(0, 170, 250, 60, 60)}, SettingsError, "leaves the page"),
        ({"title": ""}, SealError, "needs a title"),
    ]
    for changes, error, match in cases:
        with pytest.raises(error, match=match):
            make_seal(Paper().pdf(), order(**changes), signer())
    rsa = pki.make_pki().signer("rsa2048")
    with pytest.raises(SealError, match="P-256"):
        make_seal(Paper().pdf(), order(), SoftwareSigner(rsa.key, rsa.certificate))


def test_files_without_a_seal_are_told_apart() -> None:
    for data in (Paper().pdf(), as_file(picture(Paper().pdf(), 100))):
        with pytest.raises(SealError, match="No paper seal"):
            check_seal(data, trust())
    for data in (b"", b"ciao", b"%PDF-1.7 rotto"):
        with pytest.raises(SealError):
            check_seal(data, trust())


@pytest.mark.parametrize("language", ["it", "de", "en"])
def test_every_verdict_has_words(language: str) -> None:
    for list_ in (trust(), SealTrust([]), SealTrust([SealIssuer(issuer().certificate, distrusted=True)])):
        text = describe(check_seal(sealed(), list_), language)
        assert "1234/2026" in text


def test_pdf_a_stays_pdf_a(java: Java, tmp_path: Path) -> None:
    paper = make_seal(samples.pdf_a(), order(fields={"Oggetto": "Delibera di prova"}), signer())
    (tmp_path / "paper.pdf").write_bytes(paper)
    assert java.preflight(tmp_path / "paper.pdf") == "valid"
    assert check_seal(paper, trust()).verdict is Verdict.AUTHENTIC


def test_the_copy_of_a_signed_pdf_carries_no_broken_signature(tmp_path: Path) -> None:
    signed = tmp_path / "visura.pdf"
    signed.write_bytes(sign_pdf(make_pdf(), PdfRecipe(world().anna)))
    found = validate(signed, trust=world().trust(), now=NOW, crls=world().crls(NOW - timedelta(hours=1)))
    sealed_order = order(
        fields={"Oggetto": "Visura di prova"},
        document_sha256=document_hash(signed),
        signatures=signatures_of(found),
    )
    paper = make_seal(signed, sealed_order, signer())
    report = check_seal(paper, trust(), document=signed)
    assert (report.verdict, report.document) == (Verdict.AUTHENTIC, True)
    assert [(one.signer, one.proven) for one in report.content.signatures] == [("Anna Prova", False)]
    (tmp_path / "paper.pdf").write_bytes(paper)
    assert validate(tmp_path / "paper.pdf", trust=world().trust(), now=NOW).indication is Indication.UNSIGNED
    spoiled = bytearray(signed.read_bytes())
    spoiled[spoiled.index(b"/MediaBox") + 12] ^= 1
    signed.write_bytes(spoiled)
    with pytest.raises(SealError, match="not valid"):
        signatures_of(validate(signed, trust=world().trust(), now=NOW))
