"""The scenario goes in whole: a sound journal, people that every check accepts, one world for one seed."""

from __future__ import annotations

import base64
import json
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest
from codicefiscale.data import get_countries_data, get_municipalities_data
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from sqlalchemy import Engine, text
from stdnum.it import iva

from cmsdesk.backend.journal.checker import Evidence, check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.heads import Keys, sign_head
from cmsdesk.backend.journal.replay import Replay
from cmsdesk.backend.services.bodies import create_tables
from cmsdesk.backend.services.service import NearGateway, Service
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.settings import SettingsWrong
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.cns import CommonName
from cmsdesk.domain.commands import Actor
from cmsdesk.domain.configuration import Configuration, FormLanguage
from cmsdesk.domain.documents import request_of
from cmsdesk.domain.events import Document, evolve
from cmsdesk.domain.organisation import GRANTED, Mandate, MandateState, Permission, Role, Way
from cmsdesk.domain.request import RequestState
from cmsdesk.lookups.fiscal_code import LibraryFiscalCodes
from cmsdesk.sandbox.scenario import Filled, fill_service
from cmsdesk.sandbox.scenario.data import load
from tests.backend.journal.world import SoftwareSigner

CLOCK = FixedClock(datetime(2026, 11, 26, 9, 30, tzinfo=UTC))
SIZE, CA = 400, "Ente di Prova"
BODIES = [body.id for body in load().bodies]
Things = dict[tuple[str, str], Document]


def filled(folder: Path, size: int = SIZE) -> tuple[Engine, Filled]:
    engine = open_engine(f"sqlite:///{folder / 'service.db'}")
    create_tables(engine)
    return engine, fill_service(engine, CLOCK, CA, size=size)


def things(engine: Engine, kind: str = "%") -> Things:
    query = text("SELECT thing, id, document FROM things WHERE thing LIKE :kind")
    with engine.connect() as connection:
        rows = connection.execute(query, {"kind": kind})
        return {(thing, identifier): json.loads(document) for thing, identifier, document in rows}


@pytest.fixture(scope="module")
def engine(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    made, told = filled(tmp_path_factory.mktemp("scenario"))
    assert (told.bodies, told.operators, told.registrations) == (3, 40, SIZE)
    yield made
    made.dispose()


@pytest.mark.parametrize("body", BODIES)
def test_the_journal_is_sound_and_replays_to_the_state_tables(engine: Engine, body: str) -> None:
    signer = SoftwareSigner()
    with engine.begin() as connection:
        head = sign_head(connection, body, signer, CLOCK.now())
    stored = [(key, document) for key, document in things(engine).items() if document["body"] == body]
    with engine.begin() as connection:
        report = check(
            DatabaseSource(connection, body),
            Keys(signer.public_key),
            [Evidence.of_head(head, "here")],
            replay=Replay(evolve, lambda: stored),
        )
    assert report.findings == []
    assert report.covered == report.entries > 300
    assert report.replayed


def test_every_state_stands_in_every_body(engine: Engine) -> None:
    found = Counter((document["body"], document["state"]) for document in things(engine, "request").values())
    states = {state.value for state in RequestState if state is not RequestState.DRAFT}
    for body in BODIES:
        assert {state for at, state in found if at == body} == states
    assert sum(found.values()) == SIZE
    assert {document["state"] for document in things(engine, "production").values()} == {
        "issued",
        "running",
        "reset",
    }


def test_people_pass_the_checks_of_the_desk(engine: Engine) -> None:
    codes, library = set(), LibraryFiscalCodes()
    for (_, identifier), document in things(engine, "request").items():
        request = request_of(identifier, document)
        holder = request.holder
        facts = library.read(holder.fiscal_code)
        assert facts is not None
        assert (facts.sex, facts.born_on, facts.birthplace_code) == (
            holder.sex,
            holder.born_on,
            holder.birth_municipality_code,
        )
        assert library.name_codes(holder.surname, holder.given_name) == (
            facts.surname_code,
            facts.given_name_code,
        )
        assert holder.contact_email.endswith("@example.com")
        assert request.company is None or iva.is_valid(request.company.vat_number)
        codes.add(holder.fiscal_code)
    assert len(codes) == SIZE
    holders = [document["holder"] for document in things(engine, "request").values()]
    assert any(holder["birth_municipality_code"].startswith("Z") for holder in holders)
    assert any(not holder["fiscal_code"][14].isdigit() for holder in holders), "omocodia"
    assert any(holder.get("residence_permit") for holder in holders)


def test_places_are_real() -> None:
    data = load()
    real = {(place["code"], place["province"]) for place in get_municipalities_data() if place["active"]}
    assert {(place.code, place.province) for place in data.municipalities} <= real
    assert {land.code for land in data.countries} <= {
        land["code"] for land in get_countries_data() if land["active"]
    }


def test_certificates_are_those_of_the_holder_and_the_device(engine: Engine) -> None:
    requests, checked = things(engine, "request"), 0
    for document in things(engine, "production").values():
        if document["state"] != "issued":
            continue
        holder = requests["request", document["request"]]["holder"]
        found = {
            slot: x509.load_der_x509_certificate(base64.b64decode(document["certificates"][slot.value]))
            for slot in Slot
        }
        name = CommonName.parse(_common_name(found[Slot.AUTHENTICATION]))
        assert (name.fiscal_code, name.card_id) == (holder["fiscal_code"], document["device"])
        assert holder["surname"] in _common_name(found[Slot.SIGNATURE])
        years = {cert.not_valid_after_utc.year - cert.not_valid_before_utc.year for cert in found.values()}
        assert years == {3}
        checked += 1
    assert checked > SIZE / 2


def test_some_certificates_are_about_to_expire(engine: Engine) -> None:
    ends = [
        x509.load_der_x509_certificate(base64.b64decode(document["certificates"]["qualified"]))
        for document in things(engine, "production").values()
        if document["state"] == "issued"
    ]
    days = [(certificate.not_valid_after_utc - CLOCK.now()).days for certificate in ends]
    assert any(0 < left < 120 for left in days)
    assert any(left > 700 for left in days)


def test_openings_were_signed_by_the_operator_who_opened(engine: Engine) -> None:
    productions = list(things(engine, "production").values())
    for document in productions[:40]:
        opening, signature, certificate = (
            base64.b64decode(document[name])
            for name in ("opening", "opening_signature", "opening_certificate")
        )
        key: Any = x509.load_der_x509_certificate(certificate).public_key()
        key.verify(signature, opening, ec.ECDSA(SHA256()))
        assert (
            CommonName.parse(_common_name(x509.load_der_x509_certificate(certificate))).fiscal_code
            == (document["operator"])
        )


def test_operators_hold_mandates_of_every_role_and_kind(engine: Engine) -> None:
    mandates = [Mandate.of(key[1], document) for key, document in things(engine, "mandate").items()]
    assert {mandate.role for mandate in mandates} == set(GRANTED)
    assert {mandate.state for mandate in mandates} == set(MandateState)
    assert any(mandate.data_entry is Way.PAPER for mandate in mandates)
    assert any(mandate.moved_from for mandate in mandates)
    assert any(Permission.PAYMENTS in mandate.permissions for mandate in mandates)
    held = Counter(mandate.operator for mandate in mandates if mandate.state is MandateState.ACTIVE)
    assert max(held.values()) > 1
    operators = {document["fiscal_code"] for document in things(engine, "operator").values()}
    assert {mandate.operator for mandate in mandates} <= operators


def test_money_adds_up_and_nothing_is_amiss(engine: Engine) -> None:
    payments, requests = things(engine, "payment"), things(engine, "request")
    assert things(engine, "problem") == {}
    paid: Counter[str] = Counter()
    for document in payments.values():
        paid[document["request"]] += document["amount_cents"]
    whole = [one for one in payments.values() if not {"reverses", "reversed_by"} & one.keys()]
    assert len(paid) == len(whole) > 30
    back = [one for one in payments.values() if "reverses" in one]
    assert back
    assert all(payments["payment", one["reverses"]]["amount_cents"] == -one["amount_cents"] for one in back)
    for request, cents in paid.items():
        assert requests["request", request]["first_issue"]["fee_cents"] == cents
        assert requests["request", request]["paid_cents"] == cents
    for (_, till), document in things(engine, "till").items():
        numbers = [payment["number"] for payment in payments.values() if payment["till"] == till]
        assert sorted(numbers) == list(range(1, len(numbers) + 1))
        assert document["last_number"] == len(numbers)
    closed = things(engine, "till_closing").values()
    assert closed
    assert {document["difference_cents"] for document in closed} == {0}
    fees = Counter(
        (document["device_kind"], document["first_issue"]["first"], document["first_issue"]["fee_cents"])
        for document in requests.values()
    )
    assert {(kind, first): cents for kind, first, cents in fees} == {
        ("smart_card", True): 0,
        ("smart_card", False): 2500,
        ("usb_token", True): 4000,
        ("usb_token", False): 7000,
    }


def test_stock_lies_in_several_offices_and_some_is_set_aside(engine: Engine) -> None:
    devices = things(engine, "device").values()
    free = [device for device in devices if device["state"] == "in_stock"]
    assert len({device["office"] for device in free}) > len(BODIES)
    assert any(device["state"] == "set_aside" and device["reason"] for device in devices)
    assert any(card["state"] == "void" for card in things(engine, "scratch_card").values())
    assert {device["lot"] for device in devices} >= {"D-001"}


def test_there_are_bookings_notices_and_an_archive(engine: Engine) -> None:
    bookings = things(engine, "booking").values()
    assert {booking["state"] for booking in bookings} == {"open", "cancelled"}
    assert all(datetime.fromisoformat(booking["appointment"]) > CLOCK.now() for booking in bookings)
    assert {notice["state"] for notice in things(engine, "notice").values()} == {"published", "archived"}
    assert len(things(engine, "earlier_issue")) == 60 * len(BODIES)


def test_one_body_writes_its_forms_in_two_languages(engine: Engine) -> None:
    found = {
        key[1]: Configuration.of(document).languages
        for key, document in things(engine, "configuration").items()
    }
    assert found["sandbox"] == (FormLanguage.ITALIAN, FormLanguage.GERMAN)
    assert found["prova-verona"] == (FormLanguage.ITALIAN,)


def test_that_body_its_sites_and_offices_have_german_names(engine: Engine) -> None:
    for thing in ("body", "site", "office"):
        named = [one for one in things(engine, thing).values() if one["body"] == "sandbox"]
        assert named
        assert all(one["names"]["de"] for one in named), thing


def test_no_body_sees_the_others(engine: Engine) -> None:
    service = Service(engine, None, {}, CLOCK)  # type: ignore[arg-type]  # no vault here
    own = Mandate("M", "X", "prova-verona", "verona-1", Role.RAO, date(2020, 1, 1), date(2040, 1, 1))
    gateway = NearGateway(service, Actor(own, ""))
    with engine.connect() as connection:
        stored = StoredThings(connection)
        strangers = [identifier for identifier, _ in stored.of_body("request", "sandbox")[:20]]
    assert strangers
    assert all(gateway.get("request", stranger) is None for stranger in strangers)
    seen = gateway.in_state("request", "delivered")
    assert seen
    assert {document["body"] for _, document in seen} == {"prova-verona"}


def test_the_same_seed_and_day_give_the_same_documents(engine: Engine, tmp_path: Path) -> None:
    again, _ = filled(tmp_path)
    own, before = (
        {key: one for key, one in things(where).items() if key[0] != "mandate" and not is_founder(one)}
        for where in (again, engine)
    )
    assert own == before


def is_founder(document: dict[str, Any]) -> bool:
    """Tell whether it is the person of a body's first day, recorded under an id of its own each time."""
    return document.get("fiscal_code") == "TSSMRT87C54A952D"


def test_a_mistake_in_the_file_is_named(tmp_path: Path) -> None:
    path = tmp_path / "scenario.toml"
    path.write_text("seed = 1\n", encoding="utf-8")
    with pytest.raises(SettingsWrong):
        load(path)


def _common_name(certificate: x509.Certificate) -> str:
    [found] = certificate.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)
    return str(found.value)
