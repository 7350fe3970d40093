"""First to enter, further PCs, and who is shut out: over real TLS, with the workstation CA in the HSM."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import pytest

from cmsdesk.backend.storage.engine import open_engine, reading
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain.commands import NotAllowed
from cmsdesk.domain.decisions import RULES
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.request import RequestState
from cmsdesk.operations import protocol
from cmsdesk.operations.sign_in import EnrolmentRefused, NotSignedIn, WorkstationRefused
from cmsdesk.sandbox.desks import Desk
from cmsdesk.sandbox.tls import TlsRoot
from cmsdesk.sandbox.world import OFFICE
from cmsdesk.sync.enrolment import EnrolledPc, enrol
from cmsdesk.sync.http import Connection
from tests.fixtures.bare_service import BareService, bare_service
from tests.fixtures.people import a_request
from tests.service.conftest import Office
from tests.service.test_access import connection_of, grant, under

ADMINISTRATOR = "TSSMRT87C54A952D"
FIRST = {
    "body": "cciaa-prova",
    "name": "Camera di Commercio di Prova",
    "office": "sede",
    "office_name": "Sportello",
    "administrator": ADMINISTRATOR,
    "valid_until": date(2040, 12, 31).isoformat(),
}


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def bare(request: pytest.FixtureRequest) -> Iterator[BareService]:
    database = ""
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").create_database()
    with bare_service(database) as service:
        yield service


@pytest.fixture(scope="module")
def first(bare: BareService) -> EnrolledPc:
    """The first workstation, by the code that the first start printed."""
    connection = bare.connect()
    for wrong, body in ((bare.first_code, None), ("AAAAA-AAAAA-AAAAA-AAAAA", FIRST)):
        with pytest.raises(EnrolmentRefused):
            enrol(connection, bare.folder / "pc1", Secret(wrong), "pc-1", body)
    invented = {**FIRST, "administrator": "TSSMRT87C54A952E"}
    with pytest.raises(EnrolmentRefused):
        enrol(connection, bare.folder / "pc1", Secret(bare.first_code), "pc-1", invented)
    found = enrol(connection, bare.folder / "pc1", Secret(bare.first_code.lower()), "pc-1", FIRST)
    connection.close()
    return found


def challenged(service: BareService, pc: EnrolledPc) -> str:
    """Return the workstation that the service sees."""
    connection = service.connect(pc.certificate, pc.key)
    try:
        workstation: str = connection.call("POST", "/sign-in/challenge")["workstation"]
    finally:
        connection.close()
    return workstation


def administration(service: BareService, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run ``cmsdesk workstation …`` on the service's machine."""
    act, *rest = arguments
    command = [sys.executable, "-m", "cmsdesk.cli.main", "--language", "en", "workstation", act]
    return subprocess.run(
        [*command, str(service.settings), *rest], capture_output=True, text=True, check=False, timeout=120
    )


def new_code(service: BareService, *more: str) -> Secret:
    made = administration(service, "code", "--body", FIRST["body"], "--office", FIRST["office"], *more)
    assert made.returncode == 0, made.stderr
    return Secret(made.stdout.split()[-1])


def another(service: BareService, name: str, *more: str) -> EnrolledPc:
    connection = service.connect()
    pc = enrol(connection, service.folder / name, new_code(service, *more), name)
    connection.close()
    return pc


def test_the_first_start_enrols_the_first_workstation(bare: BareService, first: EnrolledPc) -> None:
    assert (first.body, first.office) == (FIRST["body"], FIRST["office"])
    assert challenged(bare, first) == first.thumbprint
    assert first.key.stat().st_mode & 0o077 == 0


def test_the_first_code_is_spent(bare: BareService, first: EnrolledPc) -> None:
    connection = bare.connect()
    with pytest.raises(EnrolmentRefused):
        enrol(connection, bare.folder / "thief", Secret(bare.first_code), "thief", FIRST)
    connection.close()


def test_after_a_restart_no_code_is_printed(bare: BareService, first: EnrolledPc) -> None:
    bare.child.stop()
    bare.start()
    assert challenged(bare, first) == first.thumbprint
    process = bare.child.process
    assert process is not None
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.close()
    assert process.stdout.read() == ""
    bare.child.kill()
    bare.start()


def test_without_a_certificate_there_is_no_other_way(bare: BareService, first: EnrolledPc) -> None:
    connection = bare.connect()
    for method, path in (("POST", "/sign-in/challenge"), ("POST", "/sign-out"), ("GET", "/feed")):
        connection.work_under(Secret("guess"), "")
        with pytest.raises(WorkstationRefused):
            connection.call(method, path)
    connection.close()


def test_a_lost_answer_is_had_again_with_the_same_key(bare: BareService, first: EnrolledPc) -> None:
    code, connection = new_code(bare), bare.connect()
    pc = enrol(connection, bare.folder / "pc-lost", code, "pc-lost")
    pc.key.rename(bare.folder / "pc-lost" / "workstation.key.new")
    again = enrol(connection, bare.folder / "pc-lost", code, "pc-lost")
    assert again.thumbprint == pc.thumbprint
    with pytest.raises(EnrolmentRefused):
        enrol(connection, bare.folder / "pc-other", code, "pc-other")
    connection.close()


def test_blocked_unblocked_revoked_at_the_next_request(bare: BareService, first: EnrolledPc) -> None:
    pc = another(bare, "pc-2")
    kept = bare.connect(pc.certificate, pc.key)
    kept.call("POST", "/sign-in/challenge")
    assert administration(bare, "block", pc.thumbprint).returncode == 0
    with pytest.raises(WorkstationRefused) as caught:  # on the connection that is open
        kept.call("POST", "/sign-in/challenge")
    assert caught.value.facts["reason"] == "it is blocked"
    with pytest.raises(WorkstationRefused):
        challenged(bare, pc)
    assert administration(bare, "unblock", pc.thumbprint).returncode == 0
    assert challenged(bare, pc) == pc.thumbprint
    assert administration(bare, "revoke", pc.thumbprint).returncode == 0
    with pytest.raises(WorkstationRefused) as caught:
        kept.call("POST", "/sign-in/challenge")
    assert caught.value.facts["reason"] == "its certificate is revoked"
    refused = administration(bare, "unblock", pc.thumbprint)
    assert refused.returncode == 1
    assert "revoked" in refused.stderr
    kept.close()


def test_a_service_account_signs_nobody_in(bare: BareService, first: EnrolledPc) -> None:
    account = another(bare, "figures", "--service-account")
    with pytest.raises(WorkstationRefused):
        challenged(bare, account)


def portal_request(**changes: str) -> tuple[str, dict[str, Any]]:
    """Return a command's kind and facts: what a holder signed on the portal."""
    request = a_request(new_id(), body=FIRST["body"], office=FIRST["office"], state=RequestState.READY)
    return "request.ready", {
        "request": {"id": request.id, **request_document(request), **changes},
        "digest": request.digest(),
    }


def pushed(portal: Connection, kind: str, facts: dict[str, Any], command: str = "") -> dict[str, Any]:
    """Push one command; return its answer."""
    call = {"id": command or new_id(), "kind": kind, "body": FIRST["body"], "facts": facts}
    answer: dict[str, Any]
    [answer] = portal.call("POST", "/commands", [call])
    return answer


def test_a_portal_brings_in_what_is_ready_and_nothing_else(bare: BareService, first: EnrolledPc) -> None:
    pc = another(bare, "portal", "--portal")
    portal = bare.connect(pc.certificate, pc.key)
    (kind, facts), command = portal_request(), new_id()
    for _ in range(2):  # the answer was lost: the same command again
        assert pushed(portal, kind, facts, command)["accepted"]
    engine = open_engine(bare.database)
    with reading(engine) as connection:
        stored = StoredThings(connection).get("request", facts["request"]["id"])
    engine.dispose()
    assert stored is not None
    assert (stored["state"], stored["approved_digest"]) == ("ready", facts["digest"])
    assert pushed(portal, *portal_request(ca="Altra CA"))["code"] == "RULE-FACTS"
    for other in set(RULES) - {"request.ready"}:
        assert pushed(portal, other, facts)["code"] == "RULE-NOT-ALLOWED", other
    for method, path in (("GET", "/feed"), ("GET", f"/things/request/{facts['request']['id']}")):
        with pytest.raises(NotSignedIn):
            portal.call(method, path)
    with pytest.raises(WorkstationRefused):
        portal.call("POST", "/sign-in/challenge")
    assert administration(bare, "block", pc.thumbprint).returncode == 0
    with pytest.raises(WorkstationRefused):
        pushed(portal, *portal_request())
    portal.close()


def test_neither_a_desk_nor_another_program_is_a_portal(bare: BareService, first: EnrolledPc) -> None:
    for pc in (first, another(bare, "figures", "--service-account")):
        connection = bare.connect(pc.certificate, pc.key)
        with pytest.raises(NotSignedIn):
            pushed(connection, *portal_request())
        connection.close()


def test_a_certificate_of_another_issuer_is_refused_in_the_handshake(
    bare: BareService, first: EnrolledPc, tmp_path: Path
) -> None:
    foreign = TlsRoot(tmp_path, datetime.now(UTC)).workstation("foreign")
    said = _s_client(bare, "-cert", str(foreign.certificate), "-key", str(foreign.key))
    assert "HTTP/1.1" not in said
    mine = _s_client(bare, "-cert", str(first.certificate), "-key", str(first.key))
    assert "HTTP/1.1 401" in mine


def _s_client(service: BareService, *more: str) -> str:
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{service.port}", "-CAfile", str(service.roots)]
    speaks = f"{protocol.HEADER}: {protocol.VERSION}"
    request = f"GET /v1/feed HTTP/1.1\r\nHost: localhost\r\n{speaks}\r\nConnection: close\r\n\r\n"
    ran = subprocess.run(
        [*command, "-ign_eof", *more], input=request, capture_output=True, text=True, check=False, timeout=60
    )
    return ran.stdout + ran.stderr


def test_no_session_can_be_resumed(bare: BareService, first: EnrolledPc, tmp_path: Path) -> None:
    mine = ("-cert", str(first.certificate), "-key", str(first.key))
    saved = tmp_path / "session"
    _s_client(bare, *mine, "-sess_out", str(saved))
    again = ("-sess_in", str(saved)) if saved.exists() else ()
    said = _s_client(bare, *mine, *again)
    assert "New, TLSv1.3" in said
    assert "Reused, TLSv1" not in said


def test_the_tls_configuration_as_sslscan_sees_it(bare: BareService) -> None:
    ran = subprocess.run(
        ["sslscan", "--no-colour", f"127.0.0.1:{bare.port}"],
        capture_output=True,
        text=True,
        check=True,
        timeout=120,
    )
    seen = ran.stdout
    for version in ("SSLv2", "SSLv3", "TLSv1.0", "TLSv1.1", "TLSv1.2"):
        assert any(line.split() == [version, "disabled"] for line in seen.splitlines()), version
    assert any(line.split() == ["TLSv1.3", "enabled"] for line in seen.splitlines())
    accepted = [line for line in seen.splitlines() if line.startswith(("Accepted", "Preferred"))]
    assert accepted
    assert not [line for line in accepted if not any(good in line for good in ("GCM", "CHACHA20"))]
    assert "Session renegotiation not supported" in seen


class TestCodesOfAnAdministrator:
    """At a body that works: who may make a code, and what it opens."""

    def test_an_administrators_code_enrols_a_pc_of_the_office(
        self, office: Office, desk: Desk, tmp_path: Path
    ) -> None:
        desk.connection.work_under(desk.session.token, grant(office, "administrator"))
        made = desk.connection.call("POST", "/workstations/codes", {"office": OFFICE})
        bare = connection_of(office)
        pc = enrol(bare, tmp_path, Secret(made["code"]), "sportello nuovo")
        assert pc.office == OFFICE
        gateway = under(desk, grant(office, "administrator"))
        document = gateway.get("workstation", pc.thumbprint)
        assert document is not None
        assert (document["name"], document["state"]) == ("sportello nuovo", "enabled")
        bare.close()

    def test_a_rao_makes_no_code(self, office: Office, desk: Desk) -> None:
        connection: Connection = desk.connection
        connection.work_under(desk.session.token, desk.actor.mandate.id)
        with pytest.raises(NotAllowed):
            connection.call("POST", "/workstations/codes", {"office": OFFICE})
