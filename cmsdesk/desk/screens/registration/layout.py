"""Where each value of the form stands on screen, and what it is called."""

from __future__ import annotations

from collections.abc import Mapping

from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.checks import missing
from cmsdesk.desk.screens.registration.form import Form
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.domain.request import Entry

LABELS: Mapping[str, str] = {
    paths.FISCAL_CODE: N_("Codice fiscale"),
    paths.SURNAME: N_("Surname"),
    paths.GIVEN_NAME: N_("Given name"),
    paths.BORN_ON: N_("Date of birth"),
    paths.SEX: N_("Sex"),
    paths.BIRTH_PLACE: N_("Place of birth"),
    paths.CITIZENSHIP: N_("Citizenship"),
    paths.MUNICIPALITY: N_("Municipality"),
    paths.STREET: N_("Street and number"),
    paths.POSTCODE: N_("Postcode"),
    paths.PROVINCE: N_("Province"),
    paths.DOCUMENT_KIND: N_("Kind"),
    paths.DOCUMENT_NUMBER: N_("Number"),
    paths.DOCUMENT_ISSUER: N_("Issued by"),
    paths.DOCUMENT_ISSUED: N_("Issued on"),
    paths.DOCUMENT_EXPIRES: N_("Valid until"),
    paths.COUNTRY: N_("Country"),
    paths.PERMIT_NUMBER: N_("Number"),
    paths.PERMIT_ISSUER: N_("Issued by"),
    paths.PERMIT_ISSUED: N_("Issued on"),
    paths.PERMIT_EXPIRES: N_("Valid until"),
    paths.MOBILE: N_("Mobile"),
    paths.PAYMENT: N_("Paid"),
    paths.SCRATCH_DELIVERY: N_("Secret codes"),
    paths.LIMITS: N_("Limits of use in the signature certificate"),
    paths.CONTACT_EMAIL: N_("E-mail for notices"),
    paths.CERTIFICATE_EMAIL: N_("E-mail in the certificate"),
    paths.REA_OFFICE: N_("CCIAA"),
    paths.REA_NUMBER: N_("Number in the REA"),
    paths.COMPANY_NAME: N_("Company name"),
    paths.COMPANY_CODE: N_("Codice fiscale of the company"),
    paths.POSITION: N_("Position in the company"),
    paths.DEVICE_KIND: N_("Device"),
    paths.ENTRY: N_("Entered from"),
}
CHOICES = (paths.DOCUMENT_KIND, paths.DEVICE_KIND, paths.ENTRY, paths.PAYMENT, paths.SCRATCH_DELIVERY)
ENTRIES = {Entry.ONLINE: N_("the person at the desk"), Entry.PAPER: N_("a form filled in on paper")}
CAPITALS = (
    paths.FISCAL_CODE,
    paths.SEX,
    paths.PROVINCE,
    paths.CITIZENSHIP,
    paths.COUNTRY,
    paths.REA_OFFICE,
    paths.COMPANY_CODE,
)
LENGTHS = {
    paths.FISCAL_CODE: 16,
    paths.SEX: 1,
    paths.PROVINCE: 2,
    paths.CITIZENSHIP: 2,
    paths.COUNTRY: 2,
    paths.REA_OFFICE: 2,
    paths.POSTCODE: 12,
}
OPTIONAL = (paths.MOBILE, paths.LIMITS, paths.CERTIFICATE_EMAIL, paths.COMPANY_CODE, paths.POSITION)
PERMIT_HEADING = N_("Residence permit")
SECTIONS: tuple[tuple[str, tuple[tuple[tuple[str, int], ...], ...]], ...] = (
    (
        N_("Applicant"),
        (
            ((paths.FISCAL_CODE, 3), (paths.SURNAME, 3), (paths.GIVEN_NAME, 3)),
            ((paths.BORN_ON, 6), (paths.SEX, 5), (paths.CITIZENSHIP, 4)),
            ((paths.BIRTH_PLACE, 11), ("", 4)),
        ),
    ),
    (
        N_("Residence"),
        (
            ((paths.STREET, 1), (paths.MUNICIPALITY, 1)),
            ((paths.POSTCODE, 1), (paths.PROVINCE, 1), (paths.COUNTRY, 1)),
        ),
    ),
    (
        N_("Identity document"),
        (
            ((paths.DOCUMENT_KIND, 3), (paths.DOCUMENT_NUMBER, 3), (paths.DOCUMENT_ISSUER, 3)),
            ((paths.DOCUMENT_ISSUED, 3), (paths.DOCUMENT_EXPIRES, 3), ("", 3)),
        ),
    ),
    (
        PERMIT_HEADING,
        (
            ((paths.PERMIT_NUMBER, 3), (paths.PERMIT_ISSUER, 3), ("", 3)),
            ((paths.PERMIT_ISSUED, 3), (paths.PERMIT_EXPIRES, 3), ("", 3)),
        ),
    ),
    (
        N_("How to reach the applicant"),
        (
            ((paths.CONTACT_EMAIL, 1), (paths.CERTIFICATE_EMAIL, 1)),
            ((paths.MOBILE, 1), ("", 1)),
        ),
    ),
    (
        N_("Company, if the request is for one"),
        (
            ((paths.REA_OFFICE, 3), (paths.REA_NUMBER, 3), ("", 3)),
            ((paths.COMPANY_NAME, 1),),
            ((paths.COMPANY_CODE, 5), ("", 4)),
            ((paths.POSITION, 5), ("", 4)),
        ),
    ),
    (
        N_("Device"),
        (
            ((paths.DEVICE_KIND, 3), (paths.ENTRY, 3), (paths.PAYMENT, 3)),
            ((paths.SCRATCH_DELIVERY, 3), ("", 6)),
            ((paths.LIMITS, 1),),
        ),
    ),
)
ORDER = tuple(path for _, rows in SECTIONS for row in rows for path, _ in row if path)


_DOCUMENT = (
    paths.DOCUMENT_KIND,
    paths.DOCUMENT_NUMBER,
    paths.DOCUMENT_ISSUER,
    paths.DOCUMENT_ISSUED,
    paths.DOCUMENT_EXPIRES,
)
"""Their labels say too little outside their section."""


def missing_labels(form: Form, texts: LiveTexts) -> list[tuple[str, str]]:
    """Return (path, words) of what is still to be entered, in the order of the form."""
    lacking = missing(form)
    paper = dict.fromkeys(_DOCUMENT, texts(N_("Identity document")))
    paper |= dict.fromkeys(paths.PERMIT, texts(PERMIT_HEADING))
    words = {path: texts(LABELS[path]) for path in ORDER if path in lacking}
    return [(path, f"{paper[path]}: {said}" if path in paper else said) for path, said in words.items()]
