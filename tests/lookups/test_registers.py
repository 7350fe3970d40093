"""Registro Imprese and the REA interface: answered, unavailable, contradictory; over TLS, in trouble too."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import NameOID

from cmsdesk.base.clock import FixedClock, SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.lookups.jws import TokenKey
from cmsdesk.lookups.own_registry import OwnRegistry, OwnRegistrySettings
from cmsdesk.lookups.registro_imprese import RegistroImprese, RegistroImpreseSettings
from cmsdesk.lookups.transport import Endpoint
from cmsdesk.operations.lookups import (
    LIST_DIFFERS,
    NO_ANSWER,
    NOT_UNDERSTOOD,
    OTHER_PERSON,
    REFUSED,
    Answered,
    CompanyFound,
    Contradictory,
    OfficeHeld,
    Unavailable,
)
from cmsdesk.sandbox.registers import Company, OwnRegistryStandIn, RegistroImpreseStandIn, StandIn
from cmsdesk.sandbox.tls import TlsRoot

MARTA, OTHER = "TSSMRT87C54A952D", "RSSMRA80A01H501U"
FIRST = Company(
    "BZ-123456",
    "00743110157",
    "Prova S.r.l.",
    {MARTA: (("AU", "Amministratore unico", True),)},
    frozenset({2026}),
)
SECOND = Company("RM-7", "04077341008", "Altra S.p.A.", {MARTA: (("PROC", "Procuratore", False),)})
COMPANIES = [FIRST, SECOND]
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(scope="module")
def tls(tmp_path_factory: pytest.TempPathFactory) -> TlsRoot:
    """A throw-away root for the stand-ins."""
    return TlsRoot(tmp_path_factory.mktemp("tls"), datetime.now(UTC))


@pytest.fixture(scope="module")
def key() -> TokenKey:
    """A key that signs tokens, with its certificate."""
    made = rsa.generate_private_key(65537, 2048)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cmsdesk prova")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, made.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    return TokenKey(made, certificate=builder.sign(made, hashes.SHA256()))


@pytest.fixture
def register(tls: TlsRoot) -> Iterator[RegistroImpreseStandIn]:
    """The stand-in of Registro Imprese."""
    made = RegistroImpreseStandIn(tls.server(), COMPANIES, "cmsdesk", "ic-audience", SystemClock())
    yield made
    made.close()


@pytest.fixture
def rea(tls: TlsRoot) -> Iterator[OwnRegistryStandIn]:
    """The stand-in of our own interface."""
    made = OwnRegistryStandIn(tls.server(), COMPANIES, "chiave di prova")
    yield made
    made.close()


@pytest.fixture
def imprese(register: RegistroImpreseStandIn, tls: TlsRoot, key: TokenKey) -> Iterator[RegistroImprese]:
    """The client of Registro Imprese."""
    settings = RegistroImpreseSettings(Endpoint(register.url, tls.root), "cmsdesk", "ic-audience")
    made = RegistroImprese(settings, key, SystemClock())
    yield made
    made.close()


@pytest.fixture
def own(rea: OwnRegistryStandIn, tls: TlsRoot) -> Iterator[OwnRegistry]:
    """The client of our own interface."""
    made = OwnRegistry(OwnRegistrySettings(Endpoint(rea.url, tls.root), Secret("chiave di prova")))
    yield made
    made.close()


# --- answers -----------------------------------------------------------------------------------


def test_who_represents_what(imprese: RegistroImprese) -> None:
    assert imprese.represented_by(MARTA) == Answered([CompanyFound("00743110157", "Prova S.r.l.")])
    assert imprese.represented_by(OTHER) == Answered([])
    assert imprese.represents(MARTA, "00743110157") == Answered(True)
    assert imprese.represents(MARTA, "04077341008") == Answered(False)
    assert imprese.represents(OTHER, "00743110157") == Answered(False)


def test_a_companys_seat(imprese: RegistroImprese) -> None:
    found = imprese.seat("00743110157")
    assert isinstance(found, Answered)
    assert found.value is not None
    assert (found.value.name, found.value.street) == ("Prova S.r.l.", "VIA ROMA 1")
    assert (found.value.municipality, found.value.province, found.value.postcode) == (
        "BOLZANO",
        "BZ",
        "39100",
    )
    assert imprese.seat("06363391001") == Answered(None)


def test_rea_offices_and_fee(own: OwnRegistry) -> None:
    found = own.company("BZ-123456")
    assert isinstance(found, Answered)
    assert found.value is not None
    assert (found.value.rea, found.value.fiscal_code) == ("BZ-123456", "00743110157")
    assert own.company("BZ-1") == Answered(None)
    assert own.offices_held("BZ-123456", MARTA) == Answered([OfficeHeld("AU", "Amministratore unico", True)])
    assert own.offices_held("BZ-123456", OTHER) == Answered([])
    assert own.annual_fee_paid("BZ-123456", 2026) == Answered(True)
    assert own.annual_fee_paid("BZ-123456", 2025) == Answered(False)


def test_a_token_serves_many_questions_and_each_scope_has_its_own(
    imprese: RegistroImprese, register: RegistroImpreseStandIn
) -> None:
    for _ in range(3):
        imprese.represented_by(MARTA)
    imprese.seat("00743110157")
    asked = [line for line in register.requests if "authentication" in line]
    assert asked == ["POST /authentication?client_id=cmsdesk"] * 2


def test_a_token_that_is_refused_is_asked_for_anew_once(
    imprese: RegistroImprese, register: RegistroImpreseStandIn
) -> None:
    imprese.represented_by(MARTA)
    register.forget_tokens()
    assert isinstance(imprese.represented_by(MARTA), Answered)
    register.trouble.wrong = "refuse_tokens"
    before = len(register.requests)
    assert imprese.represented_by(MARTA) == Unavailable(REFUSED)
    assert len(register.requests) - before == 3


# --- troubles ----------------------------------------------------------------------------------

Ask = Callable[[RegistroImprese, OwnRegistry], object]
QUESTIONS: dict[str, Ask] = {
    "list": lambda imprese, own: imprese.represented_by(MARTA),
    "single": lambda imprese, own: imprese.represents(MARTA, "00743110157"),
    "seat": lambda imprese, own: imprese.seat("00743110157"),
    "company": lambda imprese, own: own.company("BZ-123456"),
    "offices": lambda imprese, own: own.offices_held("BZ-123456", MARTA),
    "fee": lambda imprese, own: own.annual_fee_paid("BZ-123456", 2026),
}
TROUBLES = {
    "garbage": Unavailable(NOT_UNDERSTOOD),
    "error": Unavailable(NO_ANSWER),
    "cut": Unavailable(NO_ANSWER),
    "refuse_tokens": Unavailable(REFUSED),
    "other_person": Contradictory(OTHER_PERSON),
}


@pytest.mark.parametrize("wrong", TROUBLES)
@pytest.mark.parametrize("question", QUESTIONS)
def test_every_trouble_at_every_question_is_an_answer(
    question: str,
    wrong: str,
    imprese: RegistroImprese,
    own: OwnRegistry,
    register: RegistroImpreseStandIn,
    rea: OwnRegistryStandIn,
) -> None:
    assert isinstance(QUESTIONS[question](imprese, own), Answered)
    register.trouble.wrong = rea.trouble.wrong = wrong
    assert QUESTIONS[question](imprese, own) == TROUBLES[wrong]
    register.trouble.wrong = rea.trouble.wrong = ""
    assert isinstance(QUESTIONS[question](imprese, own), Answered)


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_register_that_is_down(
    question: str,
    imprese: RegistroImprese,
    own: OwnRegistry,
    register: RegistroImpreseStandIn,
    rea: OwnRegistryStandIn,
) -> None:
    stand_ins: list[StandIn] = [register, rea]
    for stand_in in stand_ins:
        stand_in.close()
    assert QUESTIONS[question](imprese, own) == Unavailable(NO_ANSWER)
    for stand_in in stand_ins:
        stand_in.door.open()
    assert isinstance(QUESTIONS[question](imprese, own), Answered)


def test_a_slow_register_is_waited_for_a_bounded_time(tls: TlsRoot, rea: OwnRegistryStandIn) -> None:
    rea.trouble.slow_s = 2.0
    impatient = Endpoint(rea.url, tls.root, answer_timeout_s=0.2)
    own = OwnRegistry(OwnRegistrySettings(impatient, Secret("chiave di prova")))
    assert own.company("BZ-123456") == Unavailable(NO_ANSWER)
    own.close()


@pytest.mark.parametrize("company", ["00743110157", "04077341008"])
def test_a_list_and_a_single_answer_that_differ(
    imprese: RegistroImprese, register: RegistroImpreseStandIn, company: str
) -> None:
    register.trouble.wrong = "contradiction"
    found = imprese.represents(MARTA, company)
    assert found == (Contradictory(LIST_DIFFERS) if company == "00743110157" else Answered(False))


def test_another_roots_server_is_not_asked(rea: OwnRegistryStandIn, tmp_path: Path) -> None:
    stranger = TlsRoot(tmp_path / "other", datetime.now(UTC))
    own = OwnRegistry(OwnRegistrySettings(Endpoint(rea.url, stranger.root), Secret("chiave di prova")))
    assert own.company("BZ-123456") == Unavailable(NO_ANSWER)
    assert rea.requests == []


def test_an_assertion_of_another_time_client_or_audience_gets_no_token(
    register: RegistroImpreseStandIn, tls: TlsRoot, key: TokenKey
) -> None:
    late = FixedClock(datetime.now(UTC) - timedelta(days=1))
    good = RegistroImpreseSettings(Endpoint(register.url, tls.root), "cmsdesk", "ic-audience")
    for settings, clock in (
        (good, late),
        (RegistroImpreseSettings(good.endpoint, "altri", "ic-audience"), SystemClock()),
        (RegistroImpreseSettings(good.endpoint, "cmsdesk", "altrove"), SystemClock()),
    ):
        imprese = RegistroImprese(settings, key, clock)
        assert imprese.represented_by(MARTA) == Unavailable(REFUSED)
        imprese.close()


def test_keys_are_read_from_their_files() -> None:
    made = rsa.generate_private_key(65537, 2048)
    plain = serialization.NoEncryption()
    pkcs8 = serialization.PrivateFormat.PKCS8
    pem = made.private_bytes(serialization.Encoding.PEM, pkcs8, plain)
    assert TokenKey.load(pem, kid="k-1").kid == "k-1"
    locked = made.private_bytes(
        serialization.Encoding.PEM, pkcs8, serialization.BestAvailableEncryption(b"segreta")
    )
    assert TokenKey.load(locked, Secret("segreta")).key.key_size == 2048
    with pytest.raises(ValueError):
        TokenKey.load(locked, Secret("altra"))
    curve = ec.generate_private_key(ec.SECP256R1())
    with pytest.raises(ValueError, match="RSA"):
        TokenKey.load(curve.private_bytes(serialization.Encoding.PEM, pkcs8, plain))
    assert "PRIVATE" not in repr(TokenKey(made))


def test_only_https() -> None:
    with pytest.raises(ValueError, match="https"):
        OwnRegistry(OwnRegistrySettings(Endpoint("http://127.0.0.1:1"), Secret("x")))


def test_the_stand_in_answers_what_our_document_says(own: OwnRegistry, rea: OwnRegistryStandIn) -> None:
    """Every answer has what the OpenAPI document requires, and nothing that it does not name."""
    document = yaml.safe_load((ROOT / "resources/openapi/rea-registry.yaml").read_text(encoding="utf-8"))
    schemas = document["components"]["schemas"]
    allowed = {"authorization": "Bearer chiave di prova"}
    answers = {
        "Company": rea.reply("GET", ["companies", "BZ-123456"], {}, b"", allowed),
        "OfficesHeld": rea.reply("GET", ["companies", "BZ-123456", "offices", MARTA], {}, b"", allowed),
        "AnnualFee": rea.reply("GET", ["companies", "BZ-123456", "annual-fee", "2026"], {}, b"", allowed),
    }
    for name, answer in answers.items():
        said = json.loads(answer.body)
        assert set(schemas[name]["required"]) <= said.keys() <= schemas[name]["properties"].keys()
