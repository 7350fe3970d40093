"""Checks a seal on a PDF, a scan or a photo; needs no network (SIG-5)."""

import os
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from io import BytesIO
from pathlib import Path

import pypdfium2
from PIL import Image, UnidentifiedImageError

from cmsdesk.signing.errors import SealError
from cmsdesk.signing.seal.compare import State, read_area, same_text
from cmsdesk.signing.seal.content import Area, Grid, SealContent, SealedField
from cmsdesk.signing.seal.cose import Signed, parse
from cmsdesk.signing.seal.images import Found, find_symbols, paper_to_image, straighten
from cmsdesk.signing.seal.make import document_hash
from cmsdesk.signing.seal.paper import Word, frame_of, words_of
from cmsdesk.signing.seal.reader import TextReader, default_reader
from cmsdesk.signing.seal.symbols import join
from cmsdesk.signing.seal.trust import SealIssuer, SealTrust

_RENDER_DPI = 300
_A4_MM = (210.0, 297.0)
_AROUND_MM = 6.0
_TOLERANCE_MM = 1.5
_LEAST_SURE = 0.45


class Verdict(StrEnum):
    """What a seal check says.

    - authentic: believed issuer, and every field compared is as signed;
    - unconfirmed: believed issuer, but something could not be compared: a person must;
    - altered: a field, or the document given, differs from what was signed;
    - untrusted: nobody on the trust list made this seal, or not at a time when they are believed;
    - forged: the signature does not verify with the certificate it names.
    """

    AUTHENTIC = "authentic"
    UNCONFIRMED = "unconfirmed"
    ALTERED = "altered"
    UNTRUSTED = "untrusted"
    FORGED = "forged"


@dataclass(frozen=True, slots=True)
class FieldCheck:
    """One field: what was signed, and what stands on the paper."""

    name: str
    signed: str
    read: str | None
    state: State


@dataclass(frozen=True, slots=True)
class SealReport:
    """The outcome.

    Attributes:
        content: what the seal says; shown even when it is not believed, and then not to be relied on.
        issuer: name from the trust list.
        objection: code of why it is not believed, else empty.
        fields: in the order of the seal.
        document: the digital document given is the one sealed; None when none was given.
        how: "text" of the PDF, "image" read by a program, "values" given by a person, or "nothing".
    """

    verdict: Verdict
    content: SealContent
    issuer: str = ""
    objection: str = ""
    fields: Sequence[FieldCheck] = field(default_factory=tuple)
    document: bool | None = None
    how: str = "nothing"

    @property
    def differing(self) -> list[str]:
        """Names of the fields that differ."""
        return [one.name for one in self.fields if one.state is State.DIFFERENT]

    def as_json(self) -> dict[str, object]:
        """Return the report as JSON-ready values."""
        content = self.content
        return {
            "verdict": self.verdict.value,
            "issuer": self.issuer,
            "objection": self.objection,
            "title": content.title,
            "number": content.number,
            "date": content.date.isoformat(),
            "body": content.issuer,
            "sealed_at": _iso(content.sealed_at),
            "document_sha256": content.document_sha256.hex(),
            "document_matches": self.document,
            "signatures": [
                {
                    "signer": one.signer,
                    "certificate_issuer": one.certificate_issuer,
                    "certificate_serial": f"{one.certificate_serial:x}",
                    "certificate_sha256": one.certificate_sha256.hex(),
                    "at": _iso(one.at) if one.at else None,
                    "proven": one.proven,
                }
                for one in content.signatures
            ],
            "fields": [
                {"name": one.name, "signed": one.signed, "read": one.read, "state": one.state.value}
                for one in self.fields
            ],
            "compared_by": self.how,
        }


def check_seal(
    source: Path | bytes,
    trust: SealTrust,
    *,
    document: Path | None = None,
    values: Mapping[str, str] | None = None,
    reader: TextReader | None = None,
    look: bool = False,
) -> SealReport:
    """Check the seal of a PDF or of an image of the printed page.

    Args:
        source: PDF, or an image in any usual format.
        trust: whose seals are believed.
        document: the digital document, to compare with the sealed hash.
        values: what a person read on the paper, by field; compared instead of reading it.
        reader: reads print in images; None takes Tesseract if it is installed.
        look: read a PDF as an image too, although it has text: what is seen counts.

    Raises:
        SealError: no seal, a part of it missing, or not readable at all.
    """
    data = source if isinstance(source, bytes) else _read(source)
    scene = _PdfScene(data, look=look) if data[:1024].find(b"%PDF-") >= 0 else _ImageScene(data)
    found, signed, content = _unseal(scene)
    issuer, objection = _believe(signed, content, trust)
    if objection:
        verdict = Verdict.FORGED if objection == "signature" else Verdict.UNTRUSTED
        return SealReport(verdict, content, issuer.shown_name if issuer else "", objection)
    if values is not None:
        fields, how = _compare_values(content, values), "values"
    else:
        fields, how = scene.compare(content, found, reader or default_reader())
    matches = document_hash(document) == content.document_sha256 if document is not None else None
    return SealReport(
        _judge(fields, matches), content, issuer.shown_name if issuer else "", "", fields, matches, how
    )


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise SealError("The file cannot be opened.", "Check its path.", path=str(path)) from error


@dataclass(frozen=True, slots=True)
class _Seen:
    """A symbol and the page it was seen on."""

    page: int
    found: Found


def _unseal(scene: "_PdfScene | _ImageScene") -> tuple[list[_Seen], Signed, SealContent]:
    """Collect symbols until the seal is whole; the last complaint is raised when it never is."""
    collected: dict[str, _Seen] = {}
    complaint = SealError("No paper seal was found.", "Scan the whole page, sharp and evenly lit.")
    for seen in scene.symbols():
        before = len(collected)
        for one in seen:
            collected.setdefault(one.found.text, one)
        if len(collected) == before:
            continue
        try:
            signed = parse(join(collected))
        except SealError as error:
            complaint = error
            continue
        return list(collected.values()), signed, SealContent.decode(signed.payload)
    raise complaint


def _believe(signed: Signed, content: SealContent, trust: SealTrust) -> tuple[SealIssuer | None, str]:
    named = trust.named(signed.thumbprint)
    if not named:
        return None, "unknown"
    for issuer in named:
        if signed.verifies(issuer.certificate):
            return issuer, issuer.objection(content.sealed_at) or ""
    return named[0], "signature"


def _judge(fields: Sequence[FieldCheck], matches: bool | None) -> Verdict:
    states = {one.state for one in fields}
    if State.DIFFERENT in states or matches is False:
        return Verdict.ALTERED
    if states - {State.SAME}:
        return Verdict.UNCONFIRMED
    return Verdict.AUTHENTIC


def _compare_values(content: SealContent, values: Mapping[str, str]) -> list[FieldCheck]:
    found = []
    for one in content.fields:
        read = values.get(one.name)
        if read is None:
            found.append(FieldCheck(one.name, one.value, None, State.NOT_COMPARED))
        else:
            same = same_text(one.value, read, looked=False)
            found.append(FieldCheck(one.name, one.value, read, State.SAME if same else State.DIFFERENT))
    return found


class _PdfScene:
    """A PDF: symbols from its rendered pages, fields from its text, or from the picture of a scan."""

    def __init__(self, data: bytes, *, look: bool) -> None:
        try:
            self._pdf = pypdfium2.PdfDocument(data)
        except pypdfium2.PdfiumError as error:
            raise SealError("The PDF cannot be opened.", "Give an undamaged, unencrypted PDF.") from error
        self._look = look
        self._pictures: dict[int, Image.Image] = {}

    def symbols(self) -> Iterator[list[_Seen]]:
        """Give what each page shows, the easy way for all pages first."""
        searches = [(number, find_symbols(self._picture(number))) for number in range(len(self._pdf))]
        while searches:
            for number, search in tuple(searches):
                step = next(search, None)
                if step is None:
                    searches.remove((number, search))
                else:
                    yield [_Seen(number, one) for one in step]

    def compare(
        self, content: SealContent, seen: Sequence[_Seen], reader: TextReader | None
    ) -> tuple[list[FieldCheck], str]:
        """Compare the fields."""
        words = [words_of(page, frame_of(page)) for page in self._pdf]
        has_text = any(words)
        if has_text and not self._look:
            return [_compare_text(one, words) for one in content.fields], "text"
        sizes = {number: frame_of(self._pdf[number]).size_mm for number in range(len(self._pdf))}
        return _compare_pictures(content, seen, self._pictures, sizes, reader)

    def _picture(self, number: int) -> Image.Image:
        if number not in self._pictures:
            page = self._pdf[number]
            self._pictures[number] = page.render(scale=_RENDER_DPI / 72, may_draw_forms=False).to_pil()
        return self._pictures[number]


class _ImageScene:
    """A scan or photo of the page with the seal."""

    def __init__(self, data: bytes) -> None:
        try:
            with Image.open(BytesIO(data)) as image:
                self._image = image.convert("L")
        except (UnidentifiedImageError, OSError, ValueError, Image.DecompressionBombError) as error:
            raise SealError("The file is neither a PDF nor an image.", "Give a scan or a photo.") from error

    def symbols(self) -> Iterator[list[_Seen]]:
        """Give what the image shows."""
        for step in find_symbols(self._image):
            yield [_Seen(-1, one) for one in step]

    def compare(
        self, content: SealContent, seen: Sequence[_Seen], reader: TextReader | None
    ) -> tuple[list[FieldCheck], str]:
        """Compare the fields of the page that the seal is on."""
        page = content.grid.page if content.grid is not None else 0
        here = [_Seen(page, one.found) for one in seen]
        return _compare_pictures(content, here, {page: self._image}, {page: _A4_MM}, reader)


def _compare_text(one: SealedField, pages: Sequence[Sequence[Word]]) -> FieldCheck:
    if one.area is None or one.area.page >= len(pages):
        return FieldCheck(one.name, one.value, None, State.NOT_COMPARED)
    read = " ".join(word.text for word in read_area(pages[one.area.page], one.area))
    same = same_text(one.value, read, looked=False)
    return FieldCheck(one.name, one.value, read, State.SAME if same else State.DIFFERENT)


def _compare_pictures(
    content: SealContent,
    seen: Sequence[_Seen],
    pictures: Mapping[int, Image.Image],
    sizes_mm: Mapping[int, tuple[float, float]],
    reader: TextReader | None,
) -> tuple[list[FieldCheck], str]:
    grid = content.grid
    here = [one.found for one in seen if grid is not None and one.page == grid.page]
    if reader is None or grid is None or not here:
        return [
            FieldCheck(one.name, one.value, None, State.NOT_COMPARED) for one in content.fields
        ], "nothing"
    upright = _upright(content, here, pictures[grid.page], sizes_mm[grid.page], grid)
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        checks = pool.map(lambda one: _compare_picture(one, upright, grid.page, reader), content.fields)
        return list(checks), "image"


def _upright(
    content: SealContent,
    here: Sequence[Found],
    picture: Image.Image,
    size_mm: tuple[float, float],
    grid: Grid,
) -> Image.Image:
    areas = [one.area for one in content.fields if one.area is not None and one.area.page == grid.page]
    width = max([size_mm[0], *(a.x_mm + a.width_mm + _AROUND_MM for a in areas)])
    height = max([size_mm[1], *(a.y_mm + a.height_mm + _AROUND_MM for a in areas)])
    return straighten(picture, paper_to_image(here, grid), (width, height), _RENDER_DPI)


def _compare_picture(one: SealedField, upright: Image.Image, page: int, reader: TextReader) -> FieldCheck:
    area = one.area
    if area is None or area.page != page:
        return FieldCheck(one.name, one.value, None, State.NOT_COMPARED)
    words = _words_around(upright, area, reader)
    readings = [read_area(words, area, tolerance) for tolerance in (0.0, _TOLERANCE_MM)]
    for reading in readings:
        if same_text(one.value, " ".join(word.text for word in reading), looked=True):
            return FieldCheck(one.name, one.value, " ".join(word.text for word in reading), State.SAME)
    best = readings[-1]
    text = " ".join(word.text for word in best)
    sure = bool(best) and min(word.sure for word in best) >= _LEAST_SURE
    return FieldCheck(one.name, one.value, text or None, State.DIFFERENT if sure else State.UNREADABLE)


def _words_around(upright: Image.Image, area: Area, reader: TextReader) -> list[Word]:
    """Read the strip that the area lies in, wide enough that no word is cut."""
    scale = _RENDER_DPI / 25.4
    left, top = max(0.0, area.x_mm - _AROUND_MM), max(0.0, area.y_mm - _TOLERANCE_MM)
    right, bottom = area.x_mm + area.width_mm + _AROUND_MM, area.y_mm + area.height_mm + _TOLERANCE_MM
    strip = upright.crop(
        (round(left * scale), round(top * scale), round(right * scale), round(bottom * scale))
    )
    found = []
    with suppress(ValueError):
        found = reader.read(strip, _RENDER_DPI)
    return [Word(w.text, w.left + left, w.top + top, w.right + left, w.bottom + top, w.sure) for w in found]


def _iso(moment: datetime) -> str:
    return moment.isoformat().replace("+00:00", "Z")
