"""Health, figures, logs and limits of a service that runs; every error is a problem."""

from __future__ import annotations

import json
import ssl
import time
from collections.abc import Iterator
from typing import Any

import pytest
import urllib3

from cmsdesk.base.secret import Secret
from cmsdesk.operations.errors import CallTooLarge, TooManyCalls
from cmsdesk.operations.sign_in import EnrolmentRefused
from cmsdesk.sync.enrolment import EnrolledPc, enrol
from tests.fixtures.bare_service import BareService, bare_service
from tests.service.test_enrolment import FIRST, another

_LIMITS = """
[limits]
calls_per_s = 0.2
calls_at_once = 40
enrolments_per_minute = 4.0
sign_ins_per_minute = 5.0
call_bytes = 2000
unsigned_call_bytes = 1000
"""
_PROBLEM = "application/problem+json"


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest) -> Iterator[BareService]:
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").create_database()
    with bare_service(database) as service:
        yield service


@pytest.fixture(scope="module")
def pc(bare: BareService) -> EnrolledPc:
    connection = bare.connect()
    found = enrol(connection, bare.folder / "pc1", Secret(bare.first_code), "pc-1", FIRST)
    connection.close()
    return found


def call(
    service: BareService, method: str, path: str, pc: EnrolledPc | None = None, **more: Any
) -> urllib3.BaseHTTPResponse:
    """Send one call as any program would."""
    context = ssl.create_default_context(cafile=str(service.roots))
    if pc is not None:
        context.load_cert_chain(pc.certificate, pc.key)
    with urllib3.PoolManager(ssl_context=context, retries=False) as pool:
        return pool.request(method, service.url + path, **more)


def logged(service: BareService) -> list[dict[str, Any]]:
    """Return the lines of the log."""
    text = (service.folder / "logs" / "cmsdesk.log").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def test_health_needs_no_certificate(bare: BareService) -> None:
    answer = call(bare, "GET", "/health")
    assert (answer.status, answer.json()["status"]) == (200, "ok")


def test_metrics_are_for_service_accounts(bare: BareService, pc: EnrolledPc) -> None:
    for who in (None, pc):
        answer = call(bare, "GET", "/metrics", who)
        assert (answer.status, answer.headers["content-type"]) == (403, _PROBLEM)
    account = another(bare, "figures", "--service-account")
    call(bare, "GET", "/v1/things/request/R-1", pc)
    answer = call(bare, "GET", "/metrics", account)
    assert answer.status == 200
    assert answer.headers["content-type"].startswith("text/plain")
    figures = answer.data.decode().splitlines()
    assert 'cmsdesk_part_works{part="vault"} 1.0' in figures
    assert 'cmsdesk_part_works{part="database"} 1.0' in figures
    counted = 'cmsdesk_calls_total{method="GET",path="/v1/things/{thing}/{identifier}",status="426"}'
    assert any(line.startswith(counted) for line in figures)
    assert "R-1" not in answer.data.decode()


def test_jobs_show_in_the_figures(bare: BareService, pc: EnrolledPc) -> None:
    account = another(bare, "figures-2", "--service-account")
    deadline = time.monotonic() + 30
    done = 'cmsdesk_jobs_done_timestamp_seconds{kind="withdrawals"}'
    while not any(line.startswith(done) for line in _lines(call(bare, "GET", "/metrics", account))):
        assert time.monotonic() < deadline
        time.sleep(0.5)


def _lines(answer: urllib3.BaseHTTPResponse) -> list[str]:
    return answer.data.decode().splitlines()


@pytest.mark.parametrize(
    ("method", "path", "more", "status"),
    [
        ("GET", "/nothing", {}, 404),
        ("DELETE", "/health", {}, 405),
        ("GET", "/v1/feed", {}, 426),
        ("POST", "/v1/enrolment", {"body": b"{", "headers": {"Content-Type": "application/json"}}, 422),
        ("POST", "/v1/enrolment", {"body": b"\xff\xfe", "headers": {"Content-Type": "text/plain"}}, 422),
        ("POST", "/v1/enrolment", {"body": b"x" * 70_000}, 413),
    ],
)
def test_every_error_is_a_problem(
    bare: BareService, pc: EnrolledPc, method: str, path: str, more: dict[str, Any], status: int
) -> None:
    answer = call(bare, method, path, pc, **more)
    assert (answer.status, answer.headers["content-type"]) == (status, _PROBLEM)
    assert answer.json()["status"] == status
    assert answer.json()["code"]


def test_each_call_has_a_line_in_the_log_under_its_number(bare: BareService, pc: EnrolledPc) -> None:
    answer = call(bare, "GET", "/v1/things/request/TSSMRT87C54A952D?x=TSSMRT87C54A952D", pc)
    number = answer.headers["x-request-id"]
    deadline = time.monotonic() + 10
    # the line is written once the answer has left
    while not (lines := [line for line in logged(bare) if line.get("request") == number]):
        assert time.monotonic() < deadline
        time.sleep(0.05)
    [line] = lines
    assert line["op"] == "GET /v1/things/:thing/:identifier"
    assert (line["state"], line["code"], line["part"]) == (426, "DESK-OLD", "api")
    assert "TSSMRT" not in json.dumps(logged(bare))


def test_a_database_that_is_gone_is_not_healthy(request: pytest.FixtureRequest) -> None:
    postgres = request.getfixturevalue("postgres_durable")
    with bare_service(postgres.create_database()) as service:
        assert call(service, "GET", "/health").status == 200
        postgres.kill()
        answer = call(service, "GET", "/health")
        assert (answer.status, answer.headers["content-type"]) == (503, _PROBLEM)
        assert answer.json()["facts"]["reason"] == "database"
        postgres.start()
        deadline = time.monotonic() + 30
        while call(service, "GET", "/health").status != 200:
            assert time.monotonic() < deadline
            time.sleep(0.2)


@pytest.fixture(scope="module")
def narrow() -> Iterator[BareService]:
    with bare_service(more=_LIMITS) as service:
        yield service


class TestLimits:
    """Of a service with narrow ones."""

    def test_guessing_codes_is_slow(self, narrow: BareService) -> None:
        connection = narrow.connect()
        for _ in range(4):
            with pytest.raises(EnrolmentRefused):
                enrol(connection, narrow.folder / "thief", Secret("AAAAA-AAAAA"), "thief", FIRST)
        with pytest.raises(TooManyCalls) as caught:
            enrol(connection, narrow.folder / "thief", Secret("AAAAA-AAAAA"), "thief", FIRST)
        assert 1 <= int(str(caught.value.facts["seconds"])) <= 15
        connection.close()

    def test_asking_to_sign_in_is_slow(self, narrow: BareService) -> None:
        answers = [call(narrow, "POST", "/v1/sign-in/challenge") for _ in range(6)]
        assert [answer.status for answer in answers] == [426] * 5 + [429]
        assert int(answers[-1].headers["retry-after"]) > 0
        assert answers[-1].headers["content-type"] == _PROBLEM

    def test_a_large_call_is_refused_announced_or_not(self, narrow: BareService) -> None:
        answer = call(narrow, "POST", "/v1/commands", body=b"x" * 2001)
        assert (answer.status, answer.json()["code"]) == (413, CallTooLarge.code)
        # chunked: no length is announced
        body = (b"x" * 500 for _ in range(20))
        answer = call(narrow, "POST", "/v1/commands", body=body, headers={"Content-Type": "application/json"})
        assert (answer.status, answer.headers["content-type"]) == (413, _PROBLEM)

    def test_everybody_else_is_served_meanwhile(self, narrow: BareService) -> None:
        statuses = [call(narrow, "GET", "/nothing").status for _ in range(45)]
        assert statuses[-1] == 429
        assert set(statuses) == {404, 429}
