"""Invented people with valid codici fiscali, and forms about them."""

from datetime import date

from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.form import Form, derived
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.lookups.places import LibraryPlaces

TODAY = date(2026, 5, 28)
CODES = LibraryFiscalCodes()
PLACES = LibraryPlaces()
MARTA = {
    paths.FISCAL_CODE: "TSSMRT87C54A952D",
    paths.SURNAME: "Tessari",
    paths.GIVEN_NAME: "Marta",
    paths.STREET: "Via dei Portici 7",
    paths.MUNICIPALITY: "Bolzano",
    paths.POSTCODE: "39100",
    paths.DOCUMENT_NUMBER: "CA00000AA",
    paths.DOCUMENT_ISSUER: "Comune di Bolzano",
    paths.DOCUMENT_ISSUED: "10/05/2022",
    paths.DOCUMENT_EXPIRES: "14/03/2032",
    paths.CONTACT_EMAIL: "marta.tessari@example.com",
}
"""All that has to be typed for her."""


def filled(**changes: str) -> Form:
    """Return Marta's form as if typed; ``changes`` by the names of the paths (SURNAME="Rossi")."""
    values = {**MARTA, **{getattr(paths, name): text for name, text in changes.items()}}
    form = Form()
    for path, text in values.items():
        form = derived(form.typed(path, text), CODES, PLACES, TODAY)
    return form
