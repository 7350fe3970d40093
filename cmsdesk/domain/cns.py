"""The Italian CNS (domain.md §1): EF.Dati_personali, and the common name bound to card and data.

EF.Dati_personali is text in Latin-1: six ASCII hexadecimal digits (the size of what follows), then
sixteen fields, each two ASCII hexadecimal digits (its length in bytes) and its value; an empty
field is «00». The file has room for 400 bytes (§1.3; OpenSC ``pkcs15-itacns.c``).
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
import unicodedata
from dataclasses import dataclass, fields
from datetime import date
from typing import Self

from cmsdesk.base.texts import N_
from cmsdesk.domain.request import Address, Holder

FILE_BYTES = 400
"""Room in EF.Dati_personali."""
_SIZE_DIGITS = 6
_LENGTH_DIGITS = 2
_FIELD_BYTES = 0xFF

# What Latin-1 lacks and Unicode does not decompose, as passports write it (ICAO Doc 9303-3 §6.A).
_TRANSLITERATION = str.maketrans(
    {
        **dict.fromkeys("’‘‛ʼ′", "'"),
        **dict.fromkeys("“”„", '"'),
        **dict.fromkeys("–—‐‑−", "-"),
        **dict(zip("ŁłĐđıĦħŊŋŦŧĸſƏə", "LlDdiHhNnTtqsEe", strict=True)),
        **dict(zip("ŒœẞĲĳ", ("OE", "oe", "SS", "IJ", "ij"), strict=True)),
    }
)


class PersonalDataError(ValueError):
    """The data do not fit the file, or the file does not parse."""

    def __init__(self, field: str, problem: str, **facts: int | str) -> None:
        """``field`` is a name of `PersonalData`, or «file»; ``problem`` names ``facts`` in braces.

        What encoding finds wrong is a message of the catalogue. None of it is personal data.
        """
        super().__init__(f"EF.Dati_personali, {field}: {problem.format(**facts)}")
        self.field = field
        self.problem = problem
        self.facts = facts


@dataclass(frozen=True)
class PersonalData:
    """The sixteen fields of EF.Dati_personali, in the file's order; dates are ``DDMMYYYY``."""

    issuer_code: str = ""
    issued_on: str = ""
    expires_on: str = ""
    surname: str = ""
    given_name: str = ""
    born_on: str = ""
    sex: str = ""
    height: str = ""
    fiscal_code: str = ""
    citizenship: str = ""
    birth_municipality_code: str = ""
    foreign_birth_country: str = ""
    birth_record: str = ""
    residence_municipality_code: str = ""
    residence_address: str = ""
    notes: str = ""

    @classmethod
    def of(cls, holder: Holder, *, issuer_code: str, issued_on: date, expires_on: date) -> Self:
        """Return the data of ``holder``; ``issuer_code`` names the issuing administration.

        Those born abroad have their country's cadastral code (Z…) as foreign country and no
        municipality.
        """
        abroad = holder.birth_municipality_code.upper().startswith("Z")
        return cls(
            issuer_code=issuer_code,
            issued_on=cns_date(issued_on),
            expires_on=cns_date(expires_on),
            surname=holder.surname,
            given_name=holder.given_name,
            born_on=cns_date(holder.born_on),
            sex=holder.sex,
            height="" if holder.height_cm is None else str(holder.height_cm),
            fiscal_code=holder.fiscal_code,
            citizenship=holder.citizenship,
            birth_municipality_code="" if abroad else holder.birth_municipality_code,
            foreign_birth_country=holder.birth_municipality_code if abroad else "",
            residence_municipality_code=holder.residence.municipality_code,
            residence_address=_one_line(holder.residence),
        )

    def encode(self) -> bytes:
        """Return the file's content, at most 400 bytes.

        Raises:
            PersonalDataError: a field is too long, cannot be written in Latin-1, or all together
                do not fit; it names the field to shorten.
        """
        values = {field.name: _latin1(field.name, getattr(self, field.name)) for field in fields(self)}
        body = b"".join(b"%02X" % len(value) + value for value in values.values())
        excess = _SIZE_DIGITS + len(body) - FILE_BYTES
        if excess > 0:
            longest = max(values, key=lambda name: len(values[name]))
            raise PersonalDataError(
                longest,
                N_("is the longest, and all together are {excess} characters too long"),
                excess=excess,
            )
        return b"%06X" % len(body) + body

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Read a file's content; bytes after it (the file's padding) are ignored.

        Raises:
            PersonalDataError: it is cut short, or its lengths do not add up.
        """
        size = _hex("file", data[:_SIZE_DIGITS], _SIZE_DIGITS)
        body = data[_SIZE_DIGITS : _SIZE_DIGITS + size]
        if len(body) < size:
            raise PersonalDataError("file", f"cut short: {len(body)} of {size} bytes")
        values, rest = {}, body
        for field in fields(cls):
            length = _hex(field.name, rest[:_LENGTH_DIGITS], _LENGTH_DIGITS)
            value, rest = rest[_LENGTH_DIGITS:][:length], rest[_LENGTH_DIGITS + length :]
            if len(value) < length:
                raise PersonalDataError(field.name, f"cut short: {len(value)} of {length} bytes")
            values[field.name] = value.decode("latin-1")
        if rest:
            raise PersonalDataError("file", f"{len(rest)} bytes after the last field")
        return cls(**values)


def content(data: bytes) -> bytes:
    """Return what a card's EF.Dati_personali holds, without the padding after it; empty when never written.

    Raises:
        PersonalDataError: the size in front is not readable or says more than there is.
    """
    if not data.rstrip(b"\x00\xff"):
        return b""
    size = _SIZE_DIGITS + _hex("file", data[:_SIZE_DIGITS], _SIZE_DIGITS)
    if size > len(data):
        raise PersonalDataError("file", f"cut short: {len(data)} of {size} bytes")
    return data[:size]


def personal_data_digest(data: bytes) -> bytes:
    """Return the 20-byte digest of EF.Dati_personali that the CNS common name carries (§1.1).

    SHA-1 by the format's length; it binds data to a certificate that itself is signed with SHA-256.
    """
    return hashlib.sha1(data, usedforsecurity=False).digest()


_COMMON_NAME = re.compile(
    r"(?P<fiscal_code>[A-Z0-9]{16})/(?P<card_id>[0-9A-Za-z]{16})\.(?P<digest>[A-Za-z0-9+/]{27}=)"
)


@dataclass(frozen=True)
class CommonName:
    """The common name of a CNS certificate, 62 characters: ``<CF>/<card id>.<base64 of the digest>``."""

    fiscal_code: str
    card_id: str
    digest: bytes
    """`personal_data_digest` of the card's EF.Dati_personali, 20 bytes."""

    def __str__(self) -> str:
        return f"{self.fiscal_code}/{self.card_id}.{base64.b64encode(self.digest).decode()}"

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read a common name.

        Raises:
            ValueError: it is not that of a CNS.
        """
        match = _COMMON_NAME.fullmatch(text)
        if match is None:
            raise ValueError("not the common name of a CNS")
        return cls(match["fiscal_code"], match["card_id"], base64.b64decode(match["digest"], validate=True))

    def binds(self, personal_data: bytes) -> bool:
        """Tell whether the digest is that of ``personal_data``, the file's content."""
        return self.digest == personal_data_digest(personal_data)


def cns_date(day: date) -> str:
    """Return a date as the card's files write it, ``DDMMYYYY``."""
    return f"{day.day:02d}{day.month:02d}{day.year:04d}"


def transliterate(text: str) -> str:
    """Return ``text`` in the characters of Latin-1: kept where it has them, else without the mark it lacks.

    Raises:
        ValueError: a character has no Latin-1 counterpart (another script).
    """
    return "".join(_latin1_character(char) for char in unicodedata.normalize("NFC", text))


def _latin1_character(char: str) -> str:
    if _fits(char):
        return char
    plain = unicodedata.normalize("NFKD", char.translate(_TRANSLITERATION))
    plain = "".join(part for part in plain if not unicodedata.combining(part))
    if not _fits(plain):
        raise ValueError(f"U+{ord(char):04X} cannot be written in Latin-1")
    return plain


def _fits(text: str) -> bool:
    return all(ord(char) < 0x100 for char in text)


def _latin1(name: str, text: str) -> bytes:
    if any(unicodedata.category(char) == "Cc" for char in text):
        raise PersonalDataError(name, N_("holds a control character"))
    try:
        value = transliterate(text).encode("latin-1")
    except ValueError:
        problem = N_("holds a character that the device cannot hold: write it in Latin letters")
        raise PersonalDataError(name, problem) from None
    if len(value) > _FIELD_BYTES:
        problem = N_("is {length} characters long, and {room} fit")
        raise PersonalDataError(name, problem, length=len(value), room=_FIELD_BYTES)
    return value


def _hex(name: str, digits: bytes, count: int) -> int:
    if len(digits) < count:
        raise PersonalDataError(name, "cut short")
    try:
        return int.from_bytes(binascii.unhexlify(digits), "big")
    except binascii.Error:
        raise PersonalDataError(name, "its length is not hexadecimal") from None


def _one_line(address: Address) -> str:
    place = " ".join(part for part in (address.postcode, address.municipality, address.province) if part)
    country = "" if address.country == "IT" else address.country
    return ", ".join(part for part in (address.street, place, country) if part)
