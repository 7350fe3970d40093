"""Identifiers of companies (domain.md §3.2): REA, partita IVA, codice fiscale; with ``python-stdnum``."""

from __future__ import annotations

import re
from enum import Enum

from stdnum.exceptions import ValidationError
from stdnum.it import iva

from cmsdesk.base.texts import N_
from cmsdesk.domain.fiscal_code import FORM, check_letter

_SIGLE = """
AG AL AN AO AP AQ AR AT AV BA BG BI BL BN BO BR BS BT BZ CA CB CE CH CL CN CO CR CS CT CZ EN FC FE FG FI FM
FR GE GO GR IM IS KR LC LE LI LO LT LU MB MC ME MI MN MO MS MT NA NO NU OR PA PC PD PE PG PI PN PO PR PT PU
PV PZ RA RC RE RG RI RM RN RO SA SI SO SP SR SS SU SV TA TE TN TO TP TR TS TV UD VA VB VC VE VI VR VT VV
"""
PROVINCES = frozenset(_SIGLE.split())
"""Sigle of the provinces."""
_REA = re.compile(r"([A-Z]{2})[\s/-]*([0-9]{1,20})")


class IdentifierProblem(Enum):
    """What is wrong with an identifier; the value is a message of the catalogue."""

    REA_FORM = N_("A REA number is a province and digits, such as RM-123456.")
    REA_PROVINCE = N_("There is no province of that sigla.")
    VAT = N_("The partita IVA is wrong: it has eleven digits, the last one checking the others.")
    COMPANY_CODE = N_("The codice fiscale of the company is wrong: its check character does not fit.")


def read_rea(text: str) -> tuple[str, str] | IdentifierProblem:
    """Return (sigla, number) of a REA number however it is typed."""
    found = _REA.fullmatch(text.strip().upper())
    if found is None:
        return IdentifierProblem.REA_FORM
    if found[1] not in PROVINCES:
        return IdentifierProblem.REA_PROVINCE
    return found[1], found[2].lstrip("0") or "0"


def read_vat_number(text: str) -> str | IdentifierProblem:
    """Return a partita IVA as eleven digits, without ``IT`` and spaces."""
    try:
        number: str = iva.validate(text)
    except ValidationError:
        return IdentifierProblem.VAT
    return number


def read_company_code(text: str) -> str | IdentifierProblem:
    """Return a company's codice fiscale: eleven digits, or its owner's sixteen characters."""
    code = "".join(text.split()).upper()
    if FORM.fullmatch(code):
        right = check_letter(code[:15]) == code[15]
        return code if right else IdentifierProblem.COMPANY_CODE
    number = read_vat_number(code)
    return IdentifierProblem.COMPANY_CODE if isinstance(number, IdentifierProblem) else number
