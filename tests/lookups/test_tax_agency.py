"""The tax agency's check under a PDND voucher: asked once a time, refused, renewed, in trouble."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cmsdesk.base.clock import FixedClock
from cmsdesk.lookups.jws import TokenKey
from cmsdesk.lookups.pdnd import PdndSettings, Vouchers
from cmsdesk.lookups.tax_agency import TaxAgency
from cmsdesk.lookups.transport import Endpoint
from cmsdesk.operations.lookups import (
    NO_ANSWER,
    NOT_UNDERSTOOD,
    OTHER_PERSON,
    REFUSED,
    Answered,
    CodeCheck,
    Contradictory,
    Unavailable,
)
from cmsdesk.sandbox.pdnd import TaxAgencyStandIn
from cmsdesk.sandbox.tls import TlsRoot

CODE, KID, PURPOSE, AUDIENCE = (
    "TSSMRT87C54A952D",
    "kid-1",
    "scopo-1",
    "auth.interop.pagopa.it/client-assertion",
)
KEY = rsa.generate_private_key(65537, 2048)


class Lane:
    """The stand-in, the client and their clock."""

    def __init__(self, tls: TlsRoot) -> None:
        self.clock = FixedClock(datetime.now(UTC))
        self.root = tls.root
        self.stand_in = TaxAgencyStandIn(
            tls.server(), KEY.public_key(), "client-1", KID, [PURPOSE], self.clock
        )
        self.agency = self.client()

    def client(
        self,
        key: TokenKey | None = None,
        client: str = "client-1",
        audience: str = AUDIENCE,
        purpose: str = PURPOSE,
    ) -> TaxAgency:
        """Return a client with some of what it says otherwise."""
        endpoint = Endpoint(self.stand_in.url, self.root)
        settings = PdndSettings(endpoint, client, audience, purpose)
        return TaxAgency(endpoint, Vouchers(settings, key or TokenKey(KEY, kid=KID), self.clock))

    def vouchers(self) -> int:
        """Return how many were asked for."""
        return sum("token.oauth2" in line for line in self.stand_in.requests)


@pytest.fixture
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    """A running lane."""
    made = Lane(TlsRoot(tmp_path_factory.mktemp("tls"), datetime.now(UTC)))
    yield made
    made.agency.close()
    made.stand_in.close()


def test_a_code_is_valid_or_not(lane: Lane) -> None:
    assert lane.agency.check(CODE) == Answered(CodeCheck(True, "Codice fiscale valido"))
    assert lane.agency.check("TSSMRT87C54A952E") == Answered(CodeCheck(False, "Codice fiscale non valido"))


def test_a_voucher_is_asked_for_when_the_last_one_ends(lane: Lane) -> None:
    for _ in range(3):
        lane.agency.check(CODE)
    assert lane.vouchers() == 1
    lane.clock.advance(timedelta(seconds=560))
    assert isinstance(lane.agency.check(CODE), Answered)
    assert lane.vouchers() == 1
    lane.clock.advance(timedelta(seconds=20))
    assert isinstance(lane.agency.check(CODE), Answered)
    assert lane.vouchers() == 2


def test_a_refused_voucher_is_asked_for_anew_once(lane: Lane) -> None:
    lane.agency.check(CODE)
    lane.stand_in.forget_vouchers()
    assert isinstance(lane.agency.check(CODE), Answered)
    assert lane.vouchers() == 2
    lane.stand_in.trouble.wrong = "refuse_tokens"
    assert lane.agency.check(CODE) == Unavailable(REFUSED)
    assert lane.vouchers() == 3


@pytest.mark.parametrize(
    "otherwise",
    [
        {"key": TokenKey(KEY, kid="kid-2")},
        {"key": TokenKey(rsa.generate_private_key(65537, 2048), kid=KID)},
        {"client": "client-2"},
        {"audience": "altrove"},
        {"purpose": "altro"},
    ],
)
def test_who_is_not_known_gets_no_voucher(lane: Lane, otherwise: dict[str, str]) -> None:
    agency = lane.client(**otherwise)  # type: ignore[arg-type]  # keys and texts by their names
    assert agency.check(CODE) == Unavailable(REFUSED)
    agency.close()


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ("garbage", Unavailable(NOT_UNDERSTOOD)),
        ("error", Unavailable(NO_ANSWER)),
        ("cut", Unavailable(NO_ANSWER)),
        ("other_person", Contradictory(OTHER_PERSON)),
    ],
)
@pytest.mark.parametrize("warm", [True, False])
def test_trouble_is_an_answer(lane: Lane, wrong: str, answer: object, warm: bool) -> None:
    if warm:
        lane.agency.check(CODE)
    lane.stand_in.trouble.wrong = wrong
    assert lane.agency.check(CODE) == answer
    lane.stand_in.trouble.wrong = ""
    assert isinstance(lane.agency.check(CODE), Answered)
