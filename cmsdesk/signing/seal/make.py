"""Puts a seal on the printable copy of a document (SIG-5; CAD art. 23 c. 2-bis, the "contrassegno").

The digital document stays as it is, in the archive; the seal carries its hash and the data of its signature.
What is made here is the copy for paper.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from io import BytesIO
from pathlib import Path

import pikepdf
import pypdfium2

from cmsdesk.signing.errors import NotAPdf, PdfEncrypted, SealError, SettingsError
from cmsdesk.signing.seal.compare import area_of, find_value
from cmsdesk.signing.seal.content import Grid, SealContent, SealedField, SealedSignature
from cmsdesk.signing.seal.cose import sign, unsigned
from cmsdesk.signing.seal.layout import Layout, lay_out
from cmsdesk.signing.seal.paper import PageFrame, Word, frame_of, words_of
from cmsdesk.signing.signers.base import Signer
from cmsdesk.signing.validation.report import Indication, Report, Role


@dataclass(frozen=True, slots=True)
class Place:
    """Room for the symbols: a page (from 0; negative counts from the end) and a rectangle in millimetres."""

    page: int
    x_mm: float
    y_mm: float
    width_mm: float
    height_mm: float


@dataclass(frozen=True, slots=True, kw_only=True)
class SealOrder:
    """What a seal is to say.

    Attributes:
        title, number, date, issuer: of the document.
        document_sha256: hash of the digital document; see `document_hash`.
        signatures: of the digital document; see `signatures_of`.
        fields: the extract, by name, in order. Each value must be printed on the copy.
        place: where; or the name of a form field or annotation of the template, which the seal replaces.
    """

    title: str
    number: str
    date: date
    issuer: str
    document_sha256: bytes
    signatures: Sequence[SealedSignature] = ()
    fields: Mapping[str, str]
    place: Place | str


def make_seal(copy: Path | bytes, order: SealOrder, signer: Signer, *, now: datetime | None = None) -> bytes:
    """Return the copy with the seal drawn on it.

    Args:
        copy: the PDF to print. Signature fields and forms in it become plain drawing.
        order: what the seal says.
        signer: of the issuer; a P-256 key.
        now: time of sealing.

    Raises:
        NotAPdf, PdfEncrypted: the copy cannot be used.
        SealError: a value of the extract is not printed on the copy; the seal does not fit its place.
        SettingsError: no such page or no such named place.
        SigningError: the signer failed.
    """
    data = copy if isinstance(copy, bytes) else copy.read_bytes()
    with _open(data) as pdf:
        place = _find_place(pdf, order.place) if isinstance(order.place, str) else order.place
        page_number = _page_number(pdf, place)
        _flatten(pdf)
        flat = _saved(pdf)
        content = SealContent(
            title=order.title,
            number=order.number,
            date=order.date,
            issuer=order.issuer,
            document_sha256=order.document_sha256,
            signatures=tuple(order.signatures),
            fields=_locate(flat, order.fields),
            sealed_at=now or datetime.now(UTC),
        )
        content = _settle(content, place, page_number, signer.certificate)
        layout = lay_out(sign(content.encode(), signer), place.width_mm, place.height_mm)
        _draw(pdf.pages[page_number], layout, place)
        return _saved(pdf)


def document_hash(document: Path) -> bytes:
    """Return SHA-256 of the digital document, as the seal carries it."""
    with document.open("rb") as file:
        return hashlib.file_digest(file, "sha256").digest()


def signatures_of(report: Report) -> list[SealedSignature]:
    """Return the data of a document's signatures, from its validation.

    Raises:
        SealError: a signature is not valid: such a document is not sealed.
    """
    if report.indication is Indication.FAILED:
        raise SealError("The document's signature is not valid.", "Seal a document with valid signatures.")
    found = []
    for signature in report.signatures:
        if signature.role is Role.SIGNATURE and signature.signer is not None:
            who, times = signature.signer, signature.times
            found.append(
                SealedSignature(
                    signer=who.name,
                    certificate_issuer=who.issuer,
                    certificate_serial=int(who.serial, 16),
                    certificate_sha256=bytes.fromhex(who.sha256),
                    at=times.proven or times.claimed,
                    proven=times.proven is not None,
                )
            )
    return found


def _open(data: bytes) -> pikepdf.Pdf:
    try:
        return pikepdf.open(BytesIO(data))
    except pikepdf.PasswordError as error:
        raise PdfEncrypted("The PDF is encrypted.", "Give a copy without a password.") from error
    except pikepdf.PdfError as error:
        raise NotAPdf("The copy to seal is not a readable PDF.", "Make it again.") from error


def _saved(pdf: pikepdf.Pdf) -> bytes:
    out = BytesIO()
    pdf.save(out)
    return out.getvalue()


def _page_number(pdf: pikepdf.Pdf, place: Place) -> int:
    count = len(pdf.pages)
    number = place.page + count if place.page < 0 else place.page
    if not 0 <= number < count:
        raise SettingsError("The copy has no such page.", "Name another page.", page=place.page, pages=count)
    width_mm, height_mm = page_frame(pdf.pages[number]).size_mm
    outside = place.x_mm + place.width_mm > width_mm or place.y_mm + place.height_mm > height_mm
    if place.x_mm < 0 or place.y_mm < 0 or outside:
        raise SettingsError("The place for the seal leaves the page.", "Name a place inside it.")
    return number


def page_frame(page: pikepdf.Page) -> PageFrame:
    """Return the frame of a page opened by pikepdf."""
    left, bottom, right, top = (float(value) for value in page.cropbox.as_list())
    box = min(left, right), min(bottom, top), max(left, right), max(bottom, top)
    return PageFrame(box, int(page.obj.get("/Rotate", 0)) % 360, float(page.obj.get("/UserUnit", 1)))


def _find_place(pdf: pikepdf.Pdf, name: str) -> Place:
    """Find a form field (/T) or annotation (/NM) of this name and take it out of the page."""
    for number, page in enumerate(pdf.pages):
        annotations = page.obj.get("/Annots", pikepdf.Array())
        for index, annotation in enumerate(list(annotations)):
            if str(annotation.get("/T", annotation.get("/NM", ""))) != name:
                continue
            box = page_frame(page).box_to_mm([float(value) for value in annotation["/Rect"].as_list()])
            del annotations[index]
            _forget_field(pdf, name)
            return Place(number, box[0], box[1], box[2] - box[0], box[3] - box[1])
    raise SettingsError("The template has no place of this name.", "Check the template.", name=name)


def _forget_field(pdf: pikepdf.Pdf, name: str) -> None:
    form = pdf.Root.get("/AcroForm")
    if form is not None and "/Fields" in form:
        kept = [one for one in form["/Fields"].as_list() if str(one.get("/T", "")) != name]
        form["/Fields"] = pikepdf.Array(kept)


def _flatten(pdf: pikepdf.Pdf) -> None:
    """Make forms and signature boxes part of the drawing: their signatures do not survive a change."""
    if "/AcroForm" in pdf.Root:
        pdf.flatten_annotations("all")
        for page in pdf.pages:
            # fields that draw nothing, such as invisible signatures, are left over
            kept = [one for one in page.obj.get("/Annots", []) if str(one.get("/Subtype", "")) != "/Widget"]
            page.obj["/Annots"] = pikepdf.Array(kept)
    for name in ("/AcroForm", "/DSS", "/Perms"):
        if name in pdf.Root:
            del pdf.Root[name]


def _locate(pdf: bytes, fields: Mapping[str, str]) -> tuple[SealedField, ...]:
    with pypdfium2.PdfDocument(pdf) as document:
        pages: list[list[Word]] = [words_of(page, frame_of(page)) for page in document]
    found = []
    for name, value in fields.items():
        places = list(find_value(pages, value))
        if not places:
            raise SealError(
                "A value of the extract is not printed on the document.", "Correct the value.", field=name
            )
        # of several, the one that its label stands before
        best = max(places, key=lambda one: _is_labelled(one.words[0], pages[one.page], name))
        found.append(SealedField(name, value, area_of(best, pages[best.page])))
    return tuple(found)


def _is_labelled(word: Word, words: Sequence[Word], name: str) -> bool:
    before = [w for w in words if w.right <= word.left and w.beside(word)]
    line = " ".join(w.text for w in sorted(before, key=lambda w: w.left)).casefold()
    return name.casefold() in line


def _settle(content: SealContent, place: Place, page: int, certificate: bytes) -> SealContent:
    """Complete the content with where its symbols are, which depends on how long it is."""
    cell_dmm, columns = 0, 1
    for _ in range(4):
        grid = Grid(page, round(place.x_mm * 10), round(place.y_mm * 10), cell_dmm, columns)
        content = replace(content, grid=grid)
        layout = lay_out(unsigned(content.encode(), certificate), place.width_mm, place.height_mm)
        if (round(layout.cell_mm * 10), layout.columns) == (cell_dmm, columns):
            return content
        cell_dmm, columns = round(layout.cell_mm * 10), layout.columns
    raise SealError("The seal does not fit its place.", "Make the place a little larger.")


def _draw(page: pikepdf.Page, layout: Layout, place: Place) -> None:
    """Draw the symbols as filled rectangles, one for each run of dark modules."""
    a, b, c, d, e, f = page_frame(page).matrix
    parts = [f"q {a:.6f} {b:.6f} {c:.6f} {d:.6f} {e:.6f} {f:.6f} cm"]
    for index, symbol in enumerate(layout.symbols):
        left, top, side = layout.symbol_square_mm(index)
        row, column = divmod(index, layout.columns)
        x, y = place.x_mm + column * layout.cell_mm, place.y_mm + row * layout.cell_mm
        parts.append(f"1 g {x:.3f} {y:.3f} {layout.cell_mm:.3f} {layout.cell_mm:.3f} re f 0 g")
        module = side / symbol.modules
        for line, dark in enumerate(symbol.dark):
            for start, length in _runs(list(dark)):
                parts.append(
                    f"{place.x_mm + left + start * module:.4f} {place.y_mm + top + line * module:.4f} "
                    f"{length * module:.4f} {module:.4f} re"
                )
        parts.append("f")
    parts.append("Q")
    # whatever the page's own content leaves behind must not move the seal
    page.contents_add(b"q\n", prepend=True)
    page.contents_add(("\nQ\n" + "\n".join(parts) + "\n").encode("ascii"), prepend=False)


def _runs(dark: list[bool]) -> list[tuple[int, int]]:
    found, start = [], None
    for index, is_dark in enumerate([*dark, False]):
        if is_dark and start is None:
            start = index
        elif not is_dark and start is not None:
            found.append((start, index - start))
            start = None
    return found
