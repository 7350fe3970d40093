"""What a paper seal says (SIG-5), as data and as deterministic CBOR (RFC 8949 clause 4.2).

The map's keys are small numbers, because every octet has to find room on paper:

    1 version (1)      2 title      3 number      4 date, days since 1970-01-01 (RFC 8943)      5 issuer
    6 SHA-256 of the digital document    7 signatures    8 fields    9 sealed at, seconds since 1970-01-01
    10 where the symbols are: [page, x, y, cell (0.1 mm), columns]

    a signature: [signer, issuer of the certificate, serial number, SHA-256 of the certificate, time, proven]
    a field: [name, value] or [name, value, [page, x, y, width, height (mm)]]

Positions are counted from the top left corner of the page as it is read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta

import cbor2

from cmsdesk.signing.errors import SealError

_VERSION = 1
_EPOCH = date(1970, 1, 1)
_SHA256_BYTES = 32


@dataclass(frozen=True, slots=True)
class SealedSignature:
    """The digital signature of the document, as the seal repeats it.

    Attributes:
        at: proven time if `proven`, else the claimed one; None when there is neither.
    """

    signer: str
    certificate_issuer: str
    certificate_serial: int
    certificate_sha256: bytes
    at: datetime | None
    proven: bool


@dataclass(frozen=True, slots=True)
class Area:
    """A rectangle on a page, whole millimetres from the top left corner; pages count from 0."""

    page: int
    x_mm: int
    y_mm: int
    width_mm: int
    height_mm: int


@dataclass(frozen=True, slots=True)
class SealedField:
    """One field of the extract, and where it is printed with the free space beside it."""

    name: str
    value: str
    area: Area | None = None


@dataclass(frozen=True, slots=True)
class Grid:
    """Where the symbols are: squares of `cell_dmm` (tenths of a millimetre), row by row."""

    page: int
    x_dmm: int
    y_dmm: int
    cell_dmm: int
    columns: int


@dataclass(frozen=True, slots=True)
class SealContent:
    """Everything a seal says."""

    title: str
    number: str
    date: date
    issuer: str
    document_sha256: bytes
    signatures: Sequence[SealedSignature]
    fields: Sequence[SealedField]
    sealed_at: datetime
    grid: Grid | None = None

    def encode(self) -> bytes:
        """Return the CBOR encoding.

        Raises:
            SealError: an empty title, number or issuer, or two fields of one name.
        """
        if not (self.title and self.number and self.issuer):
            raise SealError("A seal needs a title, a number and an issuer.", "Give them.")
        if len({one.name for one in self.fields}) != len(self.fields):
            raise SealError("Two fields of the extract have the same name.", "Name each field differently.")
        found: dict[int, object] = {
            1: _VERSION,
            2: self.title,
            3: self.number,
            4: (self.date - _EPOCH).days,
            5: self.issuer,
            6: self.document_sha256,
            7: [_signature_out(one) for one in self.signatures],
            8: [_field_out(one) for one in self.fields],
            9: int(self.sealed_at.timestamp()),
        }
        if self.grid is not None:
            grid = self.grid
            found[10] = [grid.page, grid.x_dmm, grid.y_dmm, grid.cell_dmm, grid.columns]
        return cbor2.dumps(found, canonical=True)

    @classmethod
    def decode(cls, encoded: bytes) -> "SealContent":
        """Read the CBOR encoding, strictly.

        Raises:
            SealError: not deterministic CBOR, another version, or fields of wrong types.
        """
        found = decode_strictly(encoded)
        try:
            return _content_in(found)
        except (KeyError, ValueError, TypeError, OverflowError, AttributeError) as error:
            raise SealError("The seal's content cannot be read.", "Use a newer checker.") from error


def decode_strictly(encoded: bytes) -> object:
    """Decode CBOR that must be deterministic: what was signed can be written in one way only.

    Raises:
        SealError: it is not.
    """
    try:
        found = cbor2.loads(encoded)
        again = cbor2.dumps(found, canonical=True)
    except (cbor2.CBORError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise SealError("The seal cannot be read.", "Scan it again.") from error
    if again != encoded:
        raise SealError("The seal is not written as it must be.", "Do not rely on it.")
    return found


def _signature_out(one: SealedSignature) -> list[object]:
    return [
        one.signer,
        one.certificate_issuer,
        one.certificate_serial,
        one.certificate_sha256,
        int(one.at.timestamp()) if one.at is not None else None,
        one.proven,
    ]


def _field_out(one: SealedField) -> list[object]:
    if one.area is None:
        return [one.name, one.value]
    area = one.area
    return [one.name, one.value, [area.page, area.x_mm, area.y_mm, area.width_mm, area.height_mm]]


def _content_in(found: object) -> SealContent:
    if not isinstance(found, dict) or found[1] != _VERSION:
        raise ValueError("version")
    digest = _octets(found[6])
    if len(digest) != _SHA256_BYTES:
        raise ValueError("digest")
    return SealContent(
        title=_text(found[2]),
        number=_text(found[3]),
        date=_EPOCH + timedelta(days=_number(found[4])),
        issuer=_text(found[5]),
        document_sha256=digest,
        signatures=tuple(_signature_in(one) for one in _items(found[7])),
        fields=tuple(_field_in(one) for one in _items(found[8])),
        sealed_at=_time(found[9]),
        grid=Grid(*(_number(n) for n in _items(found[10], 5))) if 10 in found else None,
    )


def _signature_in(one: object) -> SealedSignature:
    signer, issuer, serial, sha256, at, proven = _items(one, 6)
    if not isinstance(proven, bool):
        raise TypeError("proven")
    moment = _time(at) if at is not None else None
    return SealedSignature(_text(signer), _text(issuer), _number(serial), _octets(sha256), moment, proven)


def _field_in(one: object) -> SealedField:
    name, value, *area = _items(one)
    if not area:
        return SealedField(_text(name), _text(value))
    if len(area) != 1:
        raise ValueError("field")
    return SealedField(_text(name), _text(value), Area(*(_number(n) for n in _items(area[0], 5))))


def _items(value: object, count: int | None = None) -> list[object]:
    if not isinstance(value, list | tuple) or (count is not None and len(value) != count):
        raise TypeError("array")
    return list(value)


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("text")
    return value


def _octets(value: object) -> bytes:
    if not isinstance(value, bytes):
        raise TypeError("octets")
    return value


def _number(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError("number")
    return value


def _time(value: object) -> datetime:
    return datetime.fromtimestamp(_number(value), UTC)
