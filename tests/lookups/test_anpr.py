"""ANPR's personal data: signed, bound to who asks, and in all the troubles an outside register may have."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from cmsdesk.base.clock import FixedClock
from cmsdesk.lookups.anpr import Anpr, AnprService, AnprSettings
from cmsdesk.lookups.jws import TokenKey
from cmsdesk.lookups.pdnd import PdndSettings, Vouchers
from cmsdesk.lookups.transport import Endpoint
from cmsdesk.operations.lookups import (
    NO_ANSWER,
    OTHER_PERSON,
    REFUSED,
    Answered,
    Asker,
    Contradictory,
    PersonAnswer,
    PersonFound,
    Unavailable,
)
from cmsdesk.sandbox.anpr import IDS, RESIDENCES, ROOT, AnprStandIn
from cmsdesk.sandbox.outside import sample_residents
from cmsdesk.sandbox.tls import TlsRoot

KEY = rsa.generate_private_key(65537, 2048)
MARTA, ABROAD = "TSSMRT87C54A952D", "RSSMRA80A01H501U"
ASKER = Asker("M-1", "ab" * 32)
PURPOSES = {IDS: "scopo-1", RESIDENCES: "scopo-2"}
AUDIENCE = "auth.interop.pagopa.it/client-assertion"


class Lane:
    """The stand-in, the client and their clock."""

    def __init__(self, tls: TlsRoot) -> None:
        self.clock = FixedClock(datetime.now(UTC))
        self.root = tls.root
        residents = sample_residents()
        self.stand_in = AnprStandIn(
            tls.server(), KEY.public_key(), "client-1", "kid-1", PURPOSES, residents, self.clock
        )
        self.made: list[Anpr] = []

    def ask(
        self, person: str = MARTA, key: rsa.RSAPrivateKey = KEY, timeout_s: float = 8.0, **other: Any
    ) -> PersonAnswer:
        """Ask with some of what the client says otherwise."""
        door = Endpoint(self.stand_in.url, self.root, answer_timeout_s=timeout_s)
        settings = AnprSettings(
            replace(door, url=self.stand_in.url + ROOT),
            "client-1",
            AnprService(IDS, "C030", PURPOSES[IDS]),
            AnprService(RESIDENCES, "C020", PURPOSES[RESIDENCES]),
            "prova",
        )
        good = TokenKey(KEY, kid="kid-1")
        vouchers = {
            purpose: Vouchers(PdndSettings(door, "client-1", AUDIENCE, purpose), good, self.clock)
            for purpose in PURPOSES.values()
        }
        anpr = Anpr(replace(settings, **other), vouchers, TokenKey(key, kid="kid-1"), self.clock)
        self.made.append(anpr)
        return anpr.person(person, ASKER)


@pytest.fixture
def lane(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lane]:
    made = Lane(TlsRoot(tmp_path_factory.mktemp("tls"), datetime.now(UTC)))
    yield made
    for client in made.made:
        client.close()
    made.stand_in.close()


def test_a_resident_has_a_name_and_a_residence_and_the_register_knows_who_asked(lane: Lane) -> None:
    found = PersonFound(
        MARTA, "TESSARI", "MARTA", "F", date(1987, 3, 14), "Via dei Portici 7", "Bolzano", "BZ", "39100"
    )
    assert lane.ask() == Answered(found)
    assert lane.stand_in.asked_by == [("M-1", "ab" * 32)] * 2


def test_who_lives_abroad_has_no_residence_and_a_stranger_is_unknown(lane: Lane) -> None:
    assert lane.ask(ABROAD) == Answered(PersonFound(ABROAD, "ROSSI", "MARIO", "M", date(1980, 1, 1)))
    assert lane.ask("BNCNNA85M41F205Q") == Answered(None)


def test_each_call_has_a_voucher_of_its_own(lane: Lane) -> None:
    lane.ask()
    assert sum("token.oauth2" in line for line in lane.stand_in.requests) == 2


@pytest.mark.parametrize(
    ("wrong", "answer"),
    [
        ("other_person", Contradictory(OTHER_PERSON)),
        ("refuse_tokens", Unavailable(REFUSED)),
        ("error", Unavailable(NO_ANSWER)),
        ("cut", Unavailable(NO_ANSWER)),
    ],
)
def test_a_register_in_trouble_is_an_answer(lane: Lane, wrong: str, answer: PersonAnswer) -> None:
    lane.stand_in.trouble.wrong = wrong
    assert lane.ask() == answer


def test_what_is_no_answer_is_not_understood(lane: Lane) -> None:
    lane.stand_in.trouble.wrong = "garbage"
    assert isinstance(lane.ask(), Unavailable)


def test_a_slow_register(lane: Lane) -> None:
    lane.stand_in.trouble.slow_s = 1.0
    assert lane.ask(timeout_s=0.3) == Unavailable(NO_ANSWER)


def test_a_register_that_is_down(lane: Lane) -> None:
    lane.stand_in.close()
    assert lane.ask() == Unavailable(NO_ANSWER)


@pytest.mark.parametrize("what", ["key", "purpose", "address"])
def test_what_the_gateway_does_not_take_is_refused(lane: Lane, what: str) -> None:
    if what == "key":
        answer = lane.ask(key=rsa.generate_private_key(65537, 2048))
    elif what == "purpose":
        answer = lane.ask(ids=AnprService(IDS, "C030", PURPOSES[RESIDENCES]))
    else:
        answer = lane.ask(endpoint=Endpoint(f"{lane.stand_in.url}/altrove", lane.root))
    assert answer == Unavailable(REFUSED)
    assert lane.stand_in.asked_by == []


def test_numbers_grow_even_when_the_clock_goes_back(lane: Lane) -> None:
    lane.ask()
    [client] = lane.made
    first, second = client._number(), client._number()
    lane.clock.advance(timedelta(hours=-1))
    assert int(first) < int(second) < int(client._number())
