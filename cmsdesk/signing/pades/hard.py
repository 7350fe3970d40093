"""The careful path: encrypted, hybrid and odd PDFs and existing signature fields, by pyHanko.

The CMS is the same as on the fast path. qpdf (by pikepdf), which has nothing in common with pyHanko, must be
able to read the file without repairing anything, and find the new signature in it before the signer is asked.
"""

import io
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pikepdf
from pyhanko.pdf_utils import generic
from pyhanko.pdf_utils.crypt import AuthStatus
from pyhanko.pdf_utils.crypt.permissions import StandardPermissions
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.misc import PdfError
from pyhanko.sign.fields import FieldMDPSpec, MDPPerm, SigFieldSpec, SigSeedSubFilter, enumerate_sig_fields
from pyhanko.sign.signers.cms_embedder import PdfCMSEmbedder, SigIOSetup, SigMDPSetup, SigObjSetup
from pyhanko.sign.signers.pdf_byterange import SignatureObject

from cmsdesk.signing.documents.model import Document
from cmsdesk.signing.documents.product import Product
from cmsdesk.signing.documents.sources import MemorySource, Opened, hash_source
from cmsdesk.signing.errors import (
    BoxImpossible,
    ChangeForbidden,
    FieldImpossible,
    NotAPdf,
    PdfEncrypted,
    SigningError,
)
from cmsdesk.signing.pades.box import Spot, shown_rectangle
from cmsdesk.signing.pades.container import Container
from cmsdesk.signing.pades.fast import certified
from cmsdesk.signing.pades.place import find_spot
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pades.seed import check_seed_values
from cmsdesk.signing.pades.stage import Stage
from cmsdesk.signing.pades.stamp import FORM, Stamper
from cmsdesk.signing.pdf.reader import Page
from cmsdesk.signing.pdf.syntax import ReadDictionary

_MAX_TREE_DEPTH = 64
_MAY_SIGN = StandardPermissions.ALLOW_ANNOTS_FORM_FILLING | StandardPermissions.ALLOW_FORM_FILLING


def damaged(fault: BaseException | None = None) -> NotAPdf:
    """Describe a PDF that cannot be extended without risk."""
    reason = type(fault).__name__ if fault is not None else "unseen"
    return NotAPdf(
        "The file is not a PDF, or it is damaged.",
        "Open it in a PDF program and save it again, or allow repairing it.",
        fault=reason,
    )


@contextmanager
def careful() -> Generator[None, None, None]:
    """Turn whatever pyHanko and qpdf raise over a damaged file into an error that somebody can mend."""
    try:
        yield
    except SigningError:
        raise
    except MemoryError:
        raise
    except Exception as error:
        raise damaged(error) from error


@dataclass(slots=True, weakref_slot=True)
class PreparedStage:
    """A PDF written with an empty place for the CMS, waiting for it."""

    container: Container
    stage: Stage
    embedding: Generator[Any, Any, Any]
    room_bytes: int
    source_digest: bytes
    signed_attributes: bytes
    notes: tuple[str, ...] = ()

    @property
    def to_sign(self) -> bytes:
        """`hash(signedAttrs)`."""
        return self.container.digest_to_sign(self.signed_attributes)

    def finish(self, signature: bytes, token: bytes | None) -> Product:
        """Put the CMS into its place."""
        encoded = self.container.finish(self.signed_attributes, signature, token, self.room_bytes)
        self.embedding.send(encoded)
        return self.stage.take(self.notes)


class HardPath:
    """Prepares PDFs that the fast path refuses."""

    def __init__(self, profile: PadesProfile, container: Container, stamper: Stamper | None) -> None:
        self._profile = profile
        self._container = container
        self._stamper = stamper

    def prepare(self, source: Opened, document: Document, moment: datetime) -> PreparedStage:
        """Write the update with an empty place for the CMS, and hash.

        Raises:
            NotAPdf, PdfEncrypted, ChangeForbidden, FieldImpossible, BoxImpossible: it cannot be signed.
        """
        source_digest = hash_source(source, self._container.digest).digest()
        stage = Stage.copy_of(source, document.target)
        try:
            with careful():
                return self._prepare(stage, source_digest, document, moment)
        except BaseException:
            stage.drop()
            raise

    def _prepare(
        self, stage: Stage, source_digest: bytes, document: Document, moment: datetime
    ) -> PreparedStage:
        _require_sound(stage, document)
        writer = IncrementalPdfFileWriter(stage.stream, strict=False)
        _unlock(writer, document)
        _refuse_forbidden(writer)
        field, lock = self._existing_field(writer)
        spot = self._spot(writer, field, stage, document)
        name = field[0] if field is not None else self._new_name(writer)
        specification = _new_field(name, spot) if field is None else None
        embedding = PdfCMSEmbedder(specification).write_cms(name, writer, existing_fields_only=bool(field))
        reference = next(embedding)
        self._draw(writer, reference.get_object(), spot, moment, document)
        room = self._container.reserve_bytes
        placeholder = SignatureObject(
            timestamp=moment,
            subfilter=SigSeedSubFilter.PADES,
            reason=self._profile.reason or None,
            location=self._profile.location or None,
            contact_info=self._profile.contact or None,
            bytes_reserved=2 * room,
        )
        algorithm = self._container.digest.value
        embedding.send(SigObjSetup(placeholder, SigMDPSetup(algorithm, field_lock=lock)))
        prepared, _ = embedding.send(SigIOSetup(algorithm, in_place=True))
        _require_visible(stage, document, (prepared.reserved_region_start, prepared.reserved_region_end))
        attributes = self._container.signed_attributes(prepared.document_digest)
        return PreparedStage(self._container, stage, embedding, room, source_digest, attributes)

    def _new_name(self, writer: Any) -> str:
        if self._profile.field is not None:
            return self._profile.field
        names = {name for name, _, _ in enumerate_sig_fields(writer)}
        form = _entry(writer.root, "/AcroForm", {})
        names |= {str(_entry(field, "/T", "")) for field in _items(_entry(form, "/Fields", ()))}
        return next(name for n in range(1, len(names) + 2) if (name := f"Signature{n}") not in names)

    def _existing_field(self, writer: Any) -> tuple[tuple[str, Any] | None, FieldMDPSpec | None]:
        wanted = self._profile.field
        present = [(name, value, ref) for name, value, ref in enumerate_sig_fields(writer)]
        if wanted is not None:
            present = [entry for entry in present if entry[0] == wanted]
            if any(value is not None for _, value, _ in present):
                raise FieldImpossible("The signature field is signed already.", "Name another.", field=wanted)
        empty = [(name, ref) for name, value, ref in present if value is None]
        if not self._profile.existing_field and not (wanted is not None and empty):
            return None, None
        if len(empty) != 1:
            raise FieldImpossible(
                "The document has no such empty signature field."
                if not empty
                else "The document has several empty signature fields.",
                "Sign without a field, or name another." if not empty else "Name one.",
                fields=", ".join(name for name, _ in empty),
            )
        field = empty[0][1].get_object()
        if "/SV" in field:
            check_seed_values(field["/SV"], self._profile, self._container.digest)
        return empty[0], FieldMDPSpec.from_pdf_object(field["/Lock"]) if "/Lock" in field else None

    def _spot(
        self, writer: Any, field: tuple[str, Any] | None, stage: Stage, document: Document
    ) -> Spot | None:
        box = self._profile.box
        if box is None:
            return None
        count = int(writer.root["/Pages"]["/Count"])
        if field is not None:
            return _field_spot(writer, field[1].get_object(), count)
        number = box.place.page if box.place.page > 0 else count + 1 + box.place.page
        if not 1 <= number <= count:
            raise BoxImpossible(
                "The document has no such page.", "Name another page.", page=box.place.page, pages=count
            )
        page = _page(writer, number)
        source = stage.as_source()
        content = source.data if isinstance(source, MemorySource) else source.path
        password = document.password.reveal().decode() if document.password is not None else None
        taken = [
            shown_rectangle(page, _floats(reference.get_object()["/Rect"]))
            for _, _, reference in enumerate_sig_fields(writer)
            if "/Rect" in reference.get_object()
        ]
        return find_spot(box.place, page, content, password, taken)

    def _draw(
        self, writer: Any, widget: Any, spot: Spot | None, moment: datetime, document: Document
    ) -> None:
        if self._stamper is None or spot is None:
            return
        templates = self._stamper.draw(spot, moment, document.fields)
        places = [writer.allocate_placeholder() for _ in templates]
        numbers = [place.idnum for place in places]
        for template, number in zip(templates, numbers, strict=True):
            parsed: Any = generic.read_object(
                io.BytesIO(template.dictionary(numbers)), generic.Reference(number, 0, writer)
            )
            if template.stream is not None:
                del parsed["/Length"]
                parsed = generic.StreamObject(parsed, encoded_data=template.stream)
            writer.add_object(parsed, idnum=number)
        appearance: Any = generic.DictionaryObject
        widget["/AP"] = appearance({generic.pdf_name("/N"): places[FORM]})
        writer.update_container(widget)


def _new_field(name: str, spot: Spot | None) -> SigFieldSpec:
    if spot is None:
        return SigFieldSpec(name)
    rectangle: Any = spot.user_rectangle()  # declared as whole numbers, taken as any
    return SigFieldSpec(name, on_page=spot.page.number - 1, box=rectangle)


def _unlock(writer: Any, document: Document) -> None:
    if not writer.prev.encrypted:
        return
    password = document.password.reveal() if document.password is not None else b""
    try:
        result = writer.encrypt(password)
    except (PdfError, ValueError) as error:
        raise PdfEncrypted(
            "The PDF is encrypted in a way that is not supported.", "Remove the encryption."
        ) from error
    if result.status is AuthStatus.FAILED:
        raise PdfEncrypted(
            "The PDF is encrypted, and the password is wrong." if password else "The PDF is encrypted.",
            "Give its password.",
        )
    flags = result.permission_flags
    if result.status is AuthStatus.USER and isinstance(flags, StandardPermissions) and not flags & _MAY_SIGN:
        raise ChangeForbidden(
            "The author of the encrypted PDF does not allow signing it.", "Give the owner's password."
        )


def _refuse_forbidden(writer: Any) -> None:
    for embedded in writer.prev.embedded_signatures:
        if embedded.docmdp_level is MDPPerm.NO_CHANGES:
            raise certified()


def _page(writer: Any, number: int) -> Page:
    reference, _ = writer.find_page_for_modification(number - 1)
    node = reference.get_object()
    box = _inherited(node, "/MediaBox") or (0, 0, 612, 792)
    crop = _inherited(node, "/CropBox")
    corners = _floats(box)
    if crop is not None:
        inner = _floats(crop)
        cut = (
            max(corners[0], inner[0]),
            max(corners[1], inner[1]),
            min(corners[2], inner[2]),
            min(corners[3], inner[3]),
        )
        corners = cut if cut[0] < cut[2] and cut[1] < cut[3] else corners
    rotate = int(_inherited(node, "/Rotate") or 0) % 360
    return Page(
        (reference.idnum, reference.generation),
        ReadDictionary(),
        number,
        corners,
        rotate,
        float(_entry(node, "/UserUnit", 1)),
    )


def _entry(node: Any, key: str, default: Any) -> Any:
    """Return a value, references followed: `get` of pyHanko's dictionaries follows none."""
    return node[key] if key in node else default  # noqa: SIM401 - `get` is what must not be used


def _items(array: Any) -> list[Any]:
    """Return the elements, references followed: iterating pyHanko's arrays follows none."""
    return [array[index] for index in range(len(array))]


def _inherited(node: Any, key: str) -> Any:
    for _ in range(_MAX_TREE_DEPTH):
        if key in node:
            return node[key]
        if "/Parent" not in node:
            return None
        node = node["/Parent"]
    raise damaged()


def _floats(box: Any) -> tuple[float, float, float, float]:
    a, b, c, d = (float(side) for side in box)
    return min(a, c), min(b, d), max(a, c), max(b, d)


def _field_spot(writer: Any, field: Any, pages: int) -> Spot | None:
    """Find the place of an existing field; None when it is invisible."""
    widget = field if "/Rect" in field else next(iter(_items(_entry(field, "/Kids", ()))), None)
    if widget is None or "/Rect" not in widget:
        return None
    rectangle = _floats(widget["/Rect"])
    if rectangle[0] == rectangle[2] or rectangle[1] == rectangle[3]:
        return None
    own = widget.raw_get("/P") if "/P" in widget else None
    for number in range(1, pages + 1):
        page = _page(writer, number)
        if isinstance(own, generic.IndirectObject) and page.reference != (own.idnum, own.generation):
            continue
        left, bottom, right, top = shown_rectangle(page, rectangle)
        return Spot(page, left, bottom, right - left, top - bottom)
    return None


def _open(stage: Stage, document: Document) -> pikepdf.Pdf:
    stage.stream.seek(0)
    password = document.password.reveal().decode() if document.password is not None else ""
    try:
        return pikepdf.open(stage.stream, password=password, attempt_recovery=False, suppress_warnings=True)
    except pikepdf.PasswordError as error:
        raise PdfEncrypted(
            "The PDF is encrypted, and the password is wrong." if password else "The PDF is encrypted.",
            "Give its password.",
        ) from error


def _require_sound(stage: Stage, document: Document) -> None:
    """Make sure that the file can be read as it stands; pyHanko is no place for hostile ones."""
    with _open(stage, document) as pdf:
        if not len(pdf.pages):
            raise damaged()
    stage.stream.seek(0)


def _require_visible(stage: Stage, document: Document, gap: tuple[int, int]) -> None:
    """Make sure that another reader sees the new signature and the byte range that it will cover."""
    position = stage.stream.tell()
    size = stage.stream.seek(0, io.SEEK_END)
    wanted = [0, gap[0], gap[1], size - gap[1]]
    with _open(stage, document) as pdf:
        if not _has_signature(pdf.Root.AcroForm.Fields, wanted, 0):
            raise damaged()
    stage.stream.seek(position)


def _has_signature(fields: Any, wanted: list[int], depth: int) -> bool:
    for field in fields:
        value = field.get("/V")
        if isinstance(value, pikepdf.Dictionary) and [int(n) for n in value.get("/ByteRange", ())] == wanted:
            return True
        if depth < 8 and "/Kids" in field and _has_signature(field["/Kids"], wanted, depth + 1):
            return True
    return False
