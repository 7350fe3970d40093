"""Distinguished names as EJBCA writes and reads them (``CN=…,SURNAME=…,SN=…,C=IT``)."""

from __future__ import annotations

from collections import Counter

from cryptography import x509
from cryptography.x509.oid import NameOID

_KEYWORDS: dict[str, x509.ObjectIdentifier] = {
    "SURNAME": NameOID.SURNAME,
    "GIVENNAME": NameOID.GIVEN_NAME,
    "SN": NameOID.SERIAL_NUMBER,
    "DN": NameOID.DN_QUALIFIER,
    "ORGANIZATIONIDENTIFIER": NameOID.ORGANIZATION_IDENTIFIER,
}
SUBJECT_ATTRIBUTES: dict[str, x509.ObjectIdentifier] = {
    "C": NameOID.COUNTRY_NAME,
    "O": NameOID.ORGANIZATION_NAME,
    "OU": NameOID.ORGANIZATIONAL_UNIT_NAME,
    "CN": NameOID.COMMON_NAME,
    "organizationIdentifier": NameOID.ORGANIZATION_IDENTIFIER,
}


def name_of(subject: dict[str, str]) -> x509.Name:
    """Return a name from the YAML's mapping, in its order."""
    return x509.Name([x509.NameAttribute(SUBJECT_ATTRIBUTES[key], value) for key, value in subject.items()])


def parse_name(text: str) -> x509.Name:
    """Read a name.

    Raises:
        ValueError: it is not of the form of RFC 4514 with EJBCA's keywords.
    """
    return x509.Name.from_rfc4514_string(text, _KEYWORDS)


def format_name(name: x509.Name) -> str:
    """Write a name, the last attribute first."""
    return name.rfc4514_string({oid: keyword for keyword, oid in _KEYWORDS.items()})


def same_name(one: x509.Name, other: x509.Name) -> bool:
    """Tell whether two names have the same attributes; EJBCA orders them by its own settings."""

    def attributes(name: x509.Name) -> Counter[tuple[str, str]]:
        return Counter((each.oid.dotted_string, str(each.value)) for each in name)

    return attributes(one) == attributes(other)
