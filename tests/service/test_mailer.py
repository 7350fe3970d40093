"""An e-mailed scratch card from the issue to the holder's mailbox: two processes, two tokens (PRO-4)."""

from __future__ import annotations

import contextlib
import json
import sqlite3
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import pytest

from cmsdesk.base.secret import Secret
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.sandbox.child import Child
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.tls import TlsRoot
from cmsdesk.sandbox.world import READER_CARD
from tests.fixtures.mail import *  # noqa: F403 - fixtures are found by name
from tests.fixtures.mail import Inbox, serve_mail
from tests.service.conftest import Office
from tests.service.test_main_job import Production
from tests.service.test_secrets import codes

__all__ = ["codes"]

_MAIL = """
[mail]
host = "127.0.0.1"
port = {port}
sender = "codici@example.com"
roots = "{roots}"
"""
_LIMIT_S = 60


@pytest.fixture
def mailer(office: Office, inbox: Inbox) -> Iterator[Child]:
    """``cmsdesk mailer`` on the service's settings and a mail server."""
    folder = office.world.places.service
    tls = TlsRoot(folder / "mail", datetime.now(UTC))
    server = tls.server()
    child = Child()
    with serve_mail(inbox, server.certificate, server.key) as port:
        settings = folder / "mailer.toml"
        text = (folder / "service.toml").read_text(encoding="utf-8")
        settings.write_text(text + _MAIL.format(port=port, roots=tls.root), encoding="utf-8")
        command = [sys.executable, "-m", "cmsdesk.cli.main", "mailer", str(settings)]
        child.start(command, office.world.pins.mailer)
        yield child
        child.stop()


def test_the_holder_gets_what_the_card_has(
    office: Office, codes: set[bytes], inbox: Inbox, request: pytest.FixtureRequest
) -> None:
    desk = office.desk()
    office.world.stack.emulator.remove(READER_CARD)
    issued = Production(office, desk, ScratchDelivery.EMAIL)
    issued.check_issued(issued.begin())
    vault = office.world.service_settings.vault.database
    with contextlib.closing(sqlite3.connect(vault)) as database:
        waiting = {number for (number,) in database.execute("SELECT number FROM mail")}
    assert issued.blank.scratch_card in waiting

    request.getfixturevalue("mailer")
    deadline = time.monotonic() + _LIMIT_S
    while len(inbox.messages) < len(waiting):
        assert time.monotonic() < deadline
        time.sleep(0.2)
    [message] = [found for found in inbox.messages if issued.blank.scratch_card in found.get_content()]
    assert all(inbox.encrypted)
    assert message["To"] == read_holder(SAMPLE).contact_email
    told = {line.split(": ")[1].encode() for line in message.get_content().splitlines() if ": " in line}
    pin, puk, emergency = (
        line.split(": ")[1].encode()
        for line in message.get_content().splitlines()
        if line.startswith(("PIN:", "PUK:", "Codice di emergenza:"))
    )
    assert {pin, puk, emergency} <= codes & told
    seen = {value.rstrip(b"\xff") for value in office.world.stack.emulator.secrets_seen()}
    assert {pin, puk} <= seen, "the card was given these"
    assert emergency not in seen
    assert office.world.service.vault.emergency_code_is(issued.blank.scratch_card, Secret(emergency.decode()))

    card = None
    while (card or {}).get("mailed_at") is None:
        assert time.monotonic() < deadline
        card = desk.connection.call("GET", f"/things/scratch_card/{issued.blank.scratch_card}")["document"]
        time.sleep(0.2)
    with contextlib.closing(sqlite3.connect(vault)) as database:
        assert database.execute("SELECT number FROM mail").fetchall() == []
    log = (office.world.places.service / "logs" / "mailer" / "cmsdesk.log").read_text(encoding="utf-8")
    assert "job_done" in {json.loads(line)["event"] for line in log.splitlines()}
    assert not [code for code in (pin, puk, emergency) if code.decode() in log]
