"""The hot path: appends a signature to a sound PDF in one pass, without parsing all of it.

ISO 32000-1 clauses 12.7.4.5 (signature fields) and 12.8.1 (signature dictionaries); EN 319 142-1 clause 4.2.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import lru_cache

from cmsdesk.signing.documents.product import Pieces, Product
from cmsdesk.signing.documents.sources import Buffer, MemorySource, Opened, hash_source
from cmsdesk.signing.errors import BoxImpossible, ChangeForbidden, FieldImpossible
from cmsdesk.signing.pades.box import Spot, shown_rectangle
from cmsdesk.signing.pades.container import Container
from cmsdesk.signing.pades.objects import ObjectRun, Template
from cmsdesk.signing.pades.place import find_spot
from cmsdesk.signing.pades.profile import PadesProfile
from cmsdesk.signing.pades.stamp import FORM, Stamper
from cmsdesk.signing.pdf.reader import Page, PdfReader
from cmsdesk.signing.pdf.syntax import (
    Dictionary,
    HardPdf,
    Raw,
    ReadDictionary,
    array_of,
    dictionary_of,
    number_of,
    reference_of,
    write_dictionary,
    write_text,
)
from cmsdesk.signing.pdf.update import SignatureObject, Update, reference

_SIGNATURES_EXIST_APPEND_ONLY = b"3"  # SigFlags, clause 12.7.2 table 219
# clauses 12.5.6.19 and 12.7.4.5; F: print and locked, clause 12.5.3 table 165
_WIDGET = (
    b"<</Type/Annot/Subtype/Widget/FT/Sig/F 132/T%b/V %d 0 R/P %d %d R/Rect[%b]/AP<</N %d 0 R>>>>"
)  # fmt: skip
_EMPTY_FORM = b"<</Type/XObject/Subtype/Form/BBox[0 0 0 0]/Length 0>>\nstream\n\nendstream"


@dataclass(slots=True)
class PreparedUpdate:
    """A PDF and the update that will follow it, hashed, waiting for the CMS.

    Attributes:
        before, after: the octets of the update around the hexadecimal CMS.
        gap: hexadecimal digits kept free for it.
    """

    container: Container
    source: Opened
    before: bytes
    after: bytes
    gap: int
    source_digest: bytes
    signed_attributes: bytes

    @property
    def to_sign(self) -> bytes:
        """`hash(signedAttrs)`."""
        return self.container.digest_to_sign(self.signed_attributes)

    def finish(self, signature: bytes, token: bytes | None) -> Product:
        """Put the CMS into its place."""
        encoded = self.container.finish(self.signed_attributes, signature, token, self.gap // 2)
        digits = encoded.hex().encode("ascii").ljust(self.gap, b"0")
        tail = b"".join((self.before, digits, self.after))
        return Pieces(b"", self.source, tail, self.container.digest, self.source_digest)


class FastPath:
    """Prepares sound PDFs for one signer under one profile."""

    def __init__(self, profile: PadesProfile, container: Container, stamper: Stamper | None) -> None:
        self._profile = profile
        self._container = container
        self._stamper = stamper
        self._drawn: list[Template] = []
        self._run = ObjectRun(())
        told = (("Reason", profile.reason), ("Location", profile.location), ("ContactInfo", profile.contact))
        self._told = b"".join(
            b"/%b%b" % (key.encode("ascii"), write_text(text)) for key, text in told if text
        )

    def prepare(
        self,
        source: Opened,
        buffer: Buffer,
        moment: datetime,
        fields: Mapping[str, str],
    ) -> PreparedUpdate:
        """Write the update with an empty place for the CMS, and hash.

        Raises:
            HardPdf: the file is not plainly sound, or its field exists already.
            DocumentError: it must not be signed this way.
        """
        reader = PdfReader(buffer)
        _refuse_certified(reader)
        update = Update(reader, len(buffer), buffer[-1:] == b"\n")
        form = _FormField(reader, self._profile.field)
        page, spot = self._spot(reader, source, form)
        signature = self._signature(update.reserve(), moment)
        field_number = update.reserve()
        appearance = self._put_appearance(update, spot, moment, fields)
        rectangle = spot.user_rectangle() if spot is not None else (0.0, 0.0, 0.0, 0.0)
        widget = _WIDGET % (
            _field_name(form.name),
            signature.number,
            *page.reference,
            _four_decimals(rectangle),
            appearance,
        )
        update.put((field_number, 0), widget)
        field = reference(field_number)
        _append(update, page.reference, page.entries, b"Annots", field)
        form.add_to(update, field)
        return self._hash(source, update, signature)

    def _spot(self, reader: PdfReader, source: Opened, form: "_FormField") -> tuple[Page, Spot | None]:
        box = self._profile.box
        if box is None:
            return reader.page(1), None
        try:
            page = reader.page(box.place.page)
        except IndexError as error:
            raise BoxImpossible(
                "The document has no such page.",
                "Name another page for the box.",
                page=box.place.page,
                pages=reader.page_count,
            ) from error
        content = source.data if isinstance(source, MemorySource) else source.path
        return page, find_spot(box.place, page, content, taken=form.rectangles_on(page))

    def _signature(self, number: int, moment: datetime) -> SignatureObject:
        return SignatureObject(
            number,
            b"<</Type/Sig/Filter/Adobe.PPKLite/SubFilter/ETSI.CAdES.detached/M(%b)%b/ByteRange["
            % (pdf_date(moment), self._told),
            b"]/Contents<",
            2 * self._container.reserve_bytes,
            b">>>",
        )

    def _put_appearance(
        self, update: Update, spot: Spot | None, moment: datetime, fields: Mapping[str, str]
    ) -> int:
        if spot is None or self._stamper is None:
            number = update.reserve()
            update.put((number, 0), _EMPTY_FORM)
            return number
        templates = self._stamper.draw(spot, moment, fields)
        if templates is not self._drawn:
            self._drawn, self._run = templates, ObjectRun(templates)
        first = update.reserve(self._run.count)
        update.put_run(first, *self._run.write(first))
        return first + FORM

    def _hash(self, source: Opened, update: Update, signature: SignatureObject) -> PreparedUpdate:
        before, after = update.render(signature)
        hashed = hash_source(source, self._container.digest)
        source_digest = hashed.digest()
        # the angle brackets around the CMS belong to what is not signed
        hashed.update(before[:-1])
        hashed.update(after[1:])
        return PreparedUpdate(
            container=self._container,
            source=source,
            before=before,
            after=after,
            gap=signature.gap,
            source_digest=source_digest,
            signed_attributes=self._container.signed_attributes(hashed.digest()),
        )


@lru_cache(maxsize=64)
def _field_name(name: str) -> bytes:
    return write_text(name)


@lru_cache(maxsize=64)
def _four_decimals(rectangle: tuple[float, float, float, float]) -> bytes:
    return b"%.3f %.3f %.3f %.3f" % rectangle


@lru_cache(maxsize=8)
def pdf_date(moment: datetime) -> bytes:
    """Write a date (clause 7.9.4)."""
    return moment.astimezone(UTC).strftime("D:%Y%m%d%H%M%SZ").encode("ascii")


def _refuse_certified(reader: PdfReader) -> None:
    """Refuse a document whose author allowed no change at all (clause 12.8.2.2, table 254)."""
    if b"Perms" not in reader.catalogue:
        return
    permissions = reader.dictionary(reader.catalogue[b"Perms"])
    if b"DocMDP" not in permissions:
        return
    for raw in reader.array(reader.dictionary(permissions[b"DocMDP"]).get(b"Reference", b"[]")):
        transform = reader.dictionary(raw)
        parameters = reader.dictionary(transform.get(b"TransformParams", b"<<>>"))
        if reader.resolve(parameters.get(b"P", b"2")) == b"1":
            raise certified()


def certified() -> ChangeForbidden:
    """Describe a document that allows no further signature."""
    return ChangeForbidden(
        "The document was certified and its author allows no change, not even a signature.",
        "Sign it as a .p7m, or ask its author.",
    )


def _append(update: Update, owner: tuple[int, int], entries: ReadDictionary, key: bytes, item: Raw) -> None:
    """Add an element to the array under `key`, writing as little as possible anew."""
    present = entries.get(key)
    holder = reference_of(present) if present is not None else None
    if holder is not None:
        items = array_of(update.reader.value(holder))
        update.put(holder, b"[%b]" % b" ".join([*items, item]))
        return
    items = array_of(present) if present is not None else []
    update.put(owner, entries.with_entry(key, b"[%b]" % b" ".join([*items, item])))


class _FormField:
    """The interactive form of a document, and a free name in it (clauses 12.7.2 and 12.7.3)."""

    def __init__(self, reader: PdfReader, wanted: str | None) -> None:
        self._reader = reader
        raw = reader.catalogue.get(b"AcroForm")
        self._holder = reference_of(raw) if raw is not None else None
        self._entries: Dictionary = reader.dictionary(raw) if raw is not None else {}
        self._fields = [reader.dictionary(field) for field in self._field_list()] if self._entries else []
        names = set()
        for field in self._fields:
            names.add(_text(reader.resolve(field.get(b"T", b"()"))))
            _refuse_locked(reader, field)
        if wanted is not None and (wanted in names or any(c in wanted for c in ".\n")):
            raise HardPdf("a field that exists already")
        self.name = wanted or "Signature1"
        number = 1
        while self.name in names:
            number += 1
            self.name = f"Signature{number}"
        if not self.name.isprintable():
            raise FieldImpossible("The name of the field cannot be used.", "Choose a plain name.")

    def _field_list(self) -> list[Raw]:
        fields = self._entries.get(b"Fields")
        return self._reader.array(fields) if fields is not None else []

    def rectangles_on(self, page: Page) -> list[tuple[float, float, float, float]]:
        """Give the places of signature fields, which look empty until they are signed."""
        found = []
        for field in self._fields:
            if field.get(b"FT") == b"/Sig" and b"Rect" in field:
                left, bottom, right, top = (
                    number_of(self._reader.resolve(side)) for side in self._reader.array(field[b"Rect"])
                )
                if reference_of(field.get(b"P", b"")) in (page.reference, None):
                    found.append(shown_rectangle(page, (left, bottom, right, top)))
        return found

    def add_to(self, update: Update, field: Raw) -> None:
        """Add a field to the form, making the form when there is none."""
        if not self._entries and self._holder is None:
            made = b"<</SigFlags %b/Fields[%b]>>" % (_SIGNATURES_EXIST_APPEND_ONLY, field)
            update.put(self._reader.root_reference, self._reader.catalogue.with_entry(b"AcroForm", made))
            return
        entries = {**self._entries, b"SigFlags": _SIGNATURES_EXIST_APPEND_ONLY}
        present = entries.get(b"Fields")
        holder = reference_of(present) if present is not None else None
        if holder is not None:
            # in some files one array is both the form's fields and the page's annotations
            if holder not in update:
                items = array_of(update.reader.value(holder))
                update.put(holder, b"[%b]" % b" ".join([*items, field]))
            if self._entries.get(b"SigFlags") == _SIGNATURES_EXIST_APPEND_ONLY:
                return
        else:
            items = array_of(present) if present is not None else []
            entries[b"Fields"] = b"[%b]" % b" ".join([*items, field])
        if self._holder is not None:
            update.put(self._holder, write_dictionary(entries))
        else:
            catalogue = self._reader.catalogue.with_entry(b"AcroForm", write_dictionary(entries))
            update.put(self._reader.root_reference, catalogue)


def _refuse_locked(reader: PdfReader, field: Dictionary) -> None:
    """Refuse when a signature locked the document (ISO 32000-2 clause 12.7.5.5, table 236, entry P)."""
    if b"Lock" in field and b"V" in field:
        lock = dictionary_of(reader.resolve(field[b"Lock"]))
        if lock.get(b"P") == b"1":
            raise certified()


def _text(raw: Raw) -> str:
    """Decode a text string well enough to compare field names."""
    if raw[:1] == b"<":
        data = bytes.fromhex(raw[1:-1].decode("ascii"))
    else:
        data = raw[1:-1].replace(b"\\(", b"(").replace(b"\\)", b")").replace(b"\\\\", b"\\")
    if data[:2] == b"\xfe\xff":
        return data[2:].decode("utf-16-be", "replace")
    return data.decode("latin-1")
