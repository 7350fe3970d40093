"""What the form calls wrong, and the fee it tells."""

from dataclasses import replace
from itertools import product

import pytest

from cmsdesk.base.texts import LANGUAGES, texts
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.checks import tariff, wrongs
from cmsdesk.domain.configuration import Configuration, Imposed
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.first_issue import Finding, Found
from tests.desk.registration.people import CODES, PLACES, TODAY, filled


@pytest.mark.parametrize(
    ("changes", "path"),
    [
        ({"FISCAL_CODE": "TSSMRT87C54A952"}, paths.FISCAL_CODE),
        ({"FISCAL_CODE": "TSSMRT87C54A952X"}, paths.FISCAL_CODE),
        ({"SURNAME": "Rossi"}, paths.SURNAME),
        ({"GIVEN_NAME": "Anna"}, paths.GIVEN_NAME),
        ({"SEX": "M"}, paths.SEX),
        ({"SEX": "X"}, paths.SEX),
        ({"BORN_ON": "15/03/1987"}, paths.BORN_ON),
        ({"BORN_ON": "31/02/1987"}, paths.BORN_ON),
        ({"BORN_ON": "14/03/2087"}, paths.BORN_ON),
        ({"BORN_ON": "14/03/1887"}, paths.BORN_ON),
        ({"BIRTH_CODE": "Z999"}, paths.BIRTH_PLACE),
        ({"MUNICIPALITY": "Bolzanno"}, paths.MUNICIPALITY),
        ({"PROVINCE": "TN"}, paths.PROVINCE),
        ({"PROVINCE": "B"}, paths.PROVINCE),
        ({"POSTCODE": "3910"}, paths.POSTCODE),
        ({"CITIZENSHIP": "ITA"}, paths.CITIZENSHIP),
        ({"DOCUMENT_ISSUED": "29/05/2026"}, paths.DOCUMENT_ISSUED),
        ({"DOCUMENT_ISSUED": "ieri"}, paths.DOCUMENT_ISSUED),
        ({"DOCUMENT_EXPIRES": "27/05/2026"}, paths.DOCUMENT_EXPIRES),
        ({"DOCUMENT_ISSUED": "28/05/2026", "DOCUMENT_EXPIRES": "28/05/2026"}, paths.DOCUMENT_EXPIRES),
        ({"CONTACT_EMAIL": "marta@example"}, paths.CONTACT_EMAIL),
        ({"CERTIFICATE_EMAIL": "marta example.com"}, paths.CERTIFICATE_EMAIL),
        ({"REA_OFFICE": "BOLZANO"}, paths.REA_OFFICE),
        ({"REA_NUMBER": "BZ-1"}, paths.REA_NUMBER),
        ({"COMPANY_CODE": "00743110158"}, paths.COMPANY_CODE),
    ],
)
def test_one_slip_is_said_at_its_field_alone(changes: dict[str, str], path: str) -> None:
    found = wrongs(filled(**changes), CODES, PLACES, TODAY)
    assert list(found) == [path]
    for language in LANGUAGES:
        said = texts(language)(found[path].message, **found[path].values)
        assert said
        assert "{" not in said


@pytest.mark.parametrize(
    "changes",
    [
        {"SURNAME": "TESSARI"},
        {"BORN_ON": "14031987"},
        {"BORN_ON": "14.3.87"},
        {"MUNICIPALITY": "BOZEN"},
        {"DOCUMENT_EXPIRES": "28/05/2026"},
        {"COMPANY_CODE": "00743110157"},
        {"COMPANY_CODE": "TSSMRT87C54A952D"},
    ],
)
def test_what_is_right_in_another_way_is_right(changes: dict[str, str]) -> None:
    assert wrongs(filled(**changes), CODES, PLACES, TODAY) == {}


@pytest.mark.parametrize(
    ("kind", "company", "imposed"), [*product(DeviceKind, (True, False), (None, *Imposed))]
)
def test_the_fee_while_no_register_was_asked(
    configuration: Configuration, kind: DeviceKind, company: bool, imposed: Imposed | None
) -> None:
    changes = {"REA_OFFICE": "BZ", "REA_NUMBER": "1", "COMPANY_NAME": "X"} if company else {}
    form = filled(**changes, DEVICE_KIND=kind.value)
    rules = replace(configuration.first_issue, imposed={"sportello": imposed} if imposed else {})
    found = tariff(form, replace(configuration, first_issue=rules), "sportello")
    assert found is not None
    assert found.first is (imposed is Imposed.FIRST)
    prices = configuration.tariffs.devices[kind]
    assert found.fee_cents == (prices.first_cents if found.first else prices.further_cents)
    assert found.reasons
    # the request keeps it: nobody may read later that a register was silent
    assert found.legal_representative is Finding.NOT_ASKED
    assert found.annual_fee is Finding.NOT_ASKED


def test_what_the_registers_say_decides(configuration: Configuration) -> None:
    form = filled(REA_OFFICE="BZ", REA_NUMBER="1", COMPANY_NAME="X")
    said = Found(None, legal_representative=Finding.YES, annual_fee=Finding.YES, earlier=())
    found = tariff(form, configuration, "sportello", said)
    assert found is not None
    assert found.first


def test_no_fee_is_invented() -> None:
    assert tariff(filled(), None, "o") is None
