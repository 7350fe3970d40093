"""Every paper, in every language, judged by programs that nobody here wrote."""

import io
import re
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest
import zxingcpp
from pikepdf.pdfa import Flavour, check
from PIL import Image

from cmsdesk.base.texts import texts
from cmsdesk.documents.contents import RequestForm
from cmsdesk.documents.delivery import accompanying_letter
from cmsdesk.documents.request_form import request_form
from cmsdesk.documents.stationery import Stationery
from cmsdesk.documents.subjects import Person
from cmsdesk.domain.scratch_card import ScratchDelivery
from tests.documents.samples import CODE, DELIVERY, FORM, NOW, OUTCOME, PAPERS, PERSON, stationery
from tests.signing.checkers import Java, java_checker

KINDS = {
    "it": stationery("it"),
    "de, test environment": stationery("de", sandbox=True),
    "it+de": stationery("it", "de"),
    "it+de, test environment": stationery("it", "de", sandbox=True),
    "en": stationery("en"),
}
ONE_PAGE = [name for name in PAPERS if name not in ("closing", "journal proof", "list")]


@pytest.fixture(scope="module")
def java(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Java]:
    with java_checker(tmp_path_factory.mktemp("java")) as checker:
        yield checker


def run(*command: object) -> str:
    done = subprocess.run([str(word) for word in command], capture_output=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.decode()


def read(path: Path, paper: bytes) -> str:
    """Return a paper's text in reading order."""
    path.write_bytes(paper)
    return run("pdftotext", "-enc", "UTF-8", "-raw", path, "-")


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PAPERS)
def test_it_is_archivable(name: str, kind: str, java: Java, tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(PAPERS[name](KINDS[kind]))
    assert java.preflight(path) == "valid"
    run("qpdf", "--check", path)
    with pikepdf.open(path) as pdf:
        assert check(pdf, Flavour.PDFA_1B).findings == []
    fonts = run("pdffonts", path).splitlines()[2:]
    assert fonts
    assert all(re.search(r"TrueType\s+\S+\s+yes yes yes", font) for font in fonts), fonts


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", ONE_PAGE)
def test_one_page_does(name: str, kind: str) -> None:
    with pikepdf.open(io.BytesIO(PAPERS[name](KINDS[kind]))) as pdf:
        assert len(pdf.pages) == 1


@pytest.mark.parametrize("name", PAPERS)
def test_the_same_paper_twice_is_the_same_file_and_the_clock_shows(name: str) -> None:
    paper = stationery("it", "de", sandbox=True)
    assert PAPERS[name](paper) == PAPERS[name](paper)
    with pikepdf.open(io.BytesIO(PAPERS[name](paper))) as pdf:
        assert str(pdf.docinfo["/CreationDate"]) == "D:20261126094207Z"


def test_another_moment_is_another_file() -> None:
    paper = stationery()
    assert request_form(FORM, paper, NOW) != request_form(FORM, paper, NOW + timedelta(minutes=1))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", PAPERS)
def test_it_can_be_read_aloud(name: str, kind: str) -> None:
    """Every mark of every page hangs in the structure tree once, and all else is no content."""
    with pikepdf.open(io.BytesIO(PAPERS[name](KINDS[kind]))) as pdf:
        assert pdf.Root.MarkInfo.Marked
        assert str(pdf.Root.Lang) == KINDS[kind].languages[0]
        marks = list(_marks(pdf, pdf.Root.StructTreeRoot.K[0]))
        assert len(marks) == len(set(marks))
        for index, page in enumerate(pdf.pages):
            on_page, bare = _content(page)
            assert bare == [], "drawn outside every mark"
            assert {mark for number, mark in marks if number == index} == on_page
            assert len(pdf.Root.StructTreeRoot.ParentTree.Nums[2 * index + 1]) == len(on_page)
        roles = set(_roles(pdf.Root.StructTreeRoot.K[0]))
        assert {"/Document", "/H1", "/P"} <= roles
        if name == "list":
            assert {"/Table", "/TR", "/TH", "/TD"} <= roles


def _marks(pdf: pikepdf.Pdf, node: pikepdf.Object) -> Iterator[tuple[int, int]]:
    pages = {page.objgen: index for index, page in enumerate(pdf.pages)}
    for kid in node.K:
        if kid.Type == "/MCR":
            yield pages[kid.Pg.objgen], int(kid.MCID)
        else:
            yield from _marks(pdf, kid)


def _roles(node: pikepdf.Object) -> Iterator[str]:
    yield str(node.S)
    for kid in node.K:
        if kid.Type == "/StructElem":
            yield from _roles(kid)


def _content(page: pikepdf.Page) -> tuple[set[int], list[str]]:
    """Return the marked content ids of a page, and the painting operators outside every mark."""
    marks: set[int] = set()
    bare = []
    depth = 0
    for operands, operator in pikepdf.parse_content_stream(page):
        name = str(operator)
        if name == "BDC":
            marks.add(int(operands[1].MCID))
        depth += {"BDC": 1, "BMC": 1, "EMC": -1}.get(name, 0)
        if name in ("Tj", "TJ", "'", "S", "f", "B", "b", "f*", "s", "Do") and not depth:
            bare.append(name)
    assert depth == 0
    return marks, bare


def test_the_form_reads_from_top_to_bottom(tmp_path: Path) -> None:
    said = read(tmp_path / "form.pdf", request_form(FORM, stationery("it"), NOW))
    expected = [
        "Camera di commercio, industria, artigianato",
        "Ufficio di Bolzano",
        CODE,
        "Richiesta di dispositivo con CNS e firma digitale",
        "Cognome",
        "Müller Oberhofer",
        "Nome",
        "Hans Jürgen",
        "Codice fiscale",
        "MLLHNS80A01A952Z",
        "01/01/1980",
        "Bolzano/Bozen (BZ)",
        "Via della Mostra 12/A",
        "39100",
        "hans.mueller@example.com",
        "h.mueller@example.org",
        "Carta d’identità",
        "CA12345AB",
        "01/01/2030",
        "Müller & Söhne di Müller Hans Jürgen e C. S.n.c.",
        "BZ-123456",
        "Socio amministratore",
        "25,00 €",
        "BZ1/2026/000123",
        "Il richiedente dichiara",
        "26/11/2026 10:42",
        "Firma del richiedente",
        "1341",
    ]
    place = 0
    for words in expected:
        assert words in said[place:], words
        place = said.index(words, place)


def test_both_languages_of_bolzano_stand_side_by_side(tmp_path: Path) -> None:
    said = read(tmp_path / "form.pdf", request_form(FORM, stationery("it", "de"), NOW))
    assert "Cognome / Nachname" in said
    assert "Il richiedente dichiara" in said
    assert "Die antragstellende Person erklärt" in said
    assert said.index("Il richiedente ha ricevuto") < said.index("Die antragstellende Person erklärt")
    with pikepdf.open(io.BytesIO(request_form(FORM, stationery("it", "de"), NOW))) as pdf:
        nodes = list(_nodes(pdf.Root.StructTreeRoot.K[0]))
    assert {str(node.Lang) for node in nodes if "/Lang" in node} == {"it", "de"}


def _nodes(node: pikepdf.Object) -> Iterator[pikepdf.Object]:
    yield node
    for kid in node.K:
        if kid.Type == "/StructElem":
            yield from _nodes(kid)


def test_the_german_form_is_german_throughout(tmp_path: Path) -> None:
    said = read(tmp_path / "form.pdf", request_form(replace(FORM, outcome=OUTCOME), stationery("de"), NOW))
    english = texts("en")
    for message in ("Surname", "Fee", "Identity document", "Signature of the applicant"):
        assert english(message) not in said
    assert "Erstausstellung für das Unternehmen" in said
    assert "01.01.1980" in said


def test_the_barcode_says_the_number(tmp_path: Path) -> None:
    for name in ("form", "form with issue", "delivery receipt", "letter"):
        image = raster(tmp_path, PAPERS[name](stationery("it", "de", sandbox=True)), dpi=150)
        (found,) = zxingcpp.read_barcodes(image)
        assert (found.text, found.format) == (CODE, zxingcpp.BarcodeFormat.Code128)
        corner = found.position.top_left
        assert corner.x > image.width / 2
        assert corner.y < image.height / 8


def raster(folder: Path, paper: bytes, dpi: int) -> Image.Image:
    path = folder / "paper.pdf"
    path.write_bytes(paper)
    run("pdftoppm", "-r", dpi, "-png", "-singlefile", path, folder / "page")
    with Image.open(folder / "page.png") as image:
        return image.convert("RGB")


def test_a_form_to_fill_in_by_hand_has_no_number_and_room_to_write(tmp_path: Path) -> None:
    paper = request_form(RequestForm(), stationery("it"), NOW)
    said = read(tmp_path / "form.pdf", paper)
    assert "Numero REA" in said
    assert "R-2026" not in said
    assert zxingcpp.read_barcodes(raster(tmp_path, paper, 150)) == []


@pytest.mark.parametrize("name", PAPERS)
def test_every_page_of_the_test_environment_says_so(name: str, tmp_path: Path) -> None:
    path = tmp_path / "paper.pdf"
    path.write_bytes(PAPERS[name](stationery("it", sandbox=True)))
    with pikepdf.open(path) as pdf:
        pages = len(pdf.pages)
    for page in range(1, pages + 1):
        said = run("pdftotext", "-f", page, "-l", page, "-raw", path, "-")
        assert "AMBIENTE DI PROVA" in said
        assert "privo di validità" in said
    real = read(tmp_path / "real.pdf", PAPERS[name](stationery("it")))
    assert "PROVA" not in real
    assert "validità" not in real


@pytest.mark.parametrize("name", PAPERS)
def test_nothing_needs_colour(name: str) -> None:
    with pikepdf.open(io.BytesIO(PAPERS[name](stationery("it", "de")))) as pdf:
        for page in pdf.pages:
            operators = {str(operator) for _, operator in pikepdf.parse_content_stream(page)}
            assert not operators & {"rg", "RG", "k", "K", "cs", "CS"}


def test_an_operators_hand_finds_the_signature_boxes_at_the_foot(tmp_path: Path) -> None:
    """The same place on every form, whatever is on it."""
    feet = set()
    for form in (FORM, replace(FORM, company=None), RequestForm(), replace(FORM, outcome=OUTCOME)):
        path = tmp_path / "form.pdf"
        path.write_bytes(request_form(form, stationery("it"), NOW))
        boxes = run("pdftotext", "-bbox", path, "-")
        feet.add(round(max(float(y) for y in re.findall(r'yMax="([\d.]+)">Timbro', boxes)) / 6))
    assert len(feet) == 1


def test_long_values_stay_inside_their_boxes(tmp_path: Path) -> None:
    long = Person(
        **{
            **{name: getattr(PERSON, name) for name in PERSON.__dataclass_fields__},
            "surname": "Wolkenstein-Trostburg Freiherrin von Rodenegg und Neuhaus",
            "contact_email": "una.casella.di.posta.dal.nome.lunghissimo.per.prova@sottodominio.example.com",
            "street": "Strada statale dell’Abetone e del Brennero, località San Giacomo 1234/bis, int. 56",
        }
    )
    paper = request_form(replace(FORM, person=long, outcome=OUTCOME), stationery("it", "de"), NOW)
    said = read(tmp_path / "form.pdf", paper).replace("\n", " ").replace(" ", "")
    assert "Wolkenstein-TrostburgFreiherrinvonRodeneggundNeuhaus" in said
    assert long.contact_email in said
    boxes = run("pdftotext", "-bbox", tmp_path / "form.pdf", "-")
    right = max(float(x) for x in re.findall(r'xMax="([\d.]+)"', boxes))
    assert right < 595 - 40


def test_the_letter_holds_no_secret_and_its_address_is_in_the_window(tmp_path: Path) -> None:
    path = tmp_path / "letter.pdf"
    said = read(path, accompanying_letter(DELIVERY, stationery("it"), NOW))
    numbers = set(re.findall(r"\d{4,}", said.replace(CODE, "")))
    # of all that looks like a code there are the postcode, the device, the envelope, years and the phone
    assert numbers <= {"39100", "7430010024925855", "000412", "2029", "2026", "0471", "000000"}
    words = re.findall(r'xMin="([\d.]+)" yMin="([\d.]+)"[^>]*>Mostra', run("pdftotext", "-bbox", path, "-"))
    x, y = (float(value) / 72 * 25.4 for value in words[0])
    assert 105 < x < 195
    assert 45 < y < 85


def test_a_letter_about_codes_by_mail_speaks_of_no_envelope(tmp_path: Path) -> None:
    by_mail = replace(DELIVERY, outcome=replace(OUTCOME, envelope=""))
    said = read(tmp_path / "mail.pdf", accompanying_letter(by_mail, stationery("it"), NOW))
    assert "Gentile Hans Jürgen Müller Oberhofer," in said
    assert "Leggere da soli l’e-mail" in said
    assert "busta" not in said


def test_a_logo_that_cannot_be_read_leaves_the_name() -> None:
    paper = replace(stationery("it"), logo=b"no picture")
    assert request_form(FORM, paper, NOW) == request_form(FORM, stationery("it"), NOW)


def test_stationery_wants_a_name() -> None:
    with pytest.raises(ValueError, match="Italian name"):
        Stationery(body={"de": "Kammer"}, office="Büro")


def test_a_reversal_does_not_say_that_money_was_taken(tmp_path: Path) -> None:
    both = stationery("it", "de")
    back, taken = (
        " ".join(read(tmp_path / "t", PAPERS[name](both)).split())
        for name in ("till reversal", "till receipt")
    )
    for word, instead in (("incassato", "restituito"), ("eingenommenen", "zurückgezahlt")):
        assert word in taken
        assert word not in back
        assert instead in back


@pytest.mark.parametrize(
    ("languages", "caption", "by_hand", "by_mail"),
    [
        (("it",), "Codici segreti:", "In busta cieca", "Per e-mail"),
        (("it", "de"), "Codici segreti / Geheimcodes:", "In busta cieca / Im PIN-Umschlag", "Per e-mail"),
        (("de",), "Geheimcodes:", "Im PIN-Umschlag", "Per E-Mail"),
        (("en",), "Secret codes:", "In a paper envelope", "By e-mail"),
    ],
)
def test_the_form_says_how_the_codes_reach_the_holder(
    tmp_path: Path, languages: tuple[str, ...], caption: str, by_hand: str, by_mail: str
) -> None:
    paper = stationery(*languages)
    said = read(tmp_path / "both.pdf", request_form(FORM, paper, NOW))
    line = next(one for one in said.splitlines() if caption in one)
    assert line.index(by_hand) < line.index(by_mail)
    only = replace(FORM, codes_offered=(ScratchDelivery.PAPER,))
    said = read(tmp_path / "one.pdf", request_form(only, paper, NOW))
    assert by_hand in said
    assert by_mail not in said


def test_of_the_ways_of_the_codes_the_chosen_or_the_only_one_is_ticked() -> None:
    paper, mail = ScratchDelivery.PAPER, ScratchDelivery.EMAIL
    assert list(replace(FORM, codes_by=mail).codes) == [(False, paper), (True, mail)]
    assert list(RequestForm().codes) == [(False, paper), (False, mail)]
    assert list(RequestForm(codes_offered=(paper,)).codes) == [(True, paper)]
    kept = replace(FORM, codes_by=mail, codes_offered=(paper,))
    assert list(kept.codes) == [(False, paper), (True, mail)], "what was chosen before stays said"
