"""No code lies in clear in what the service keeps: database, vault, logs, backups; nor on PostgreSQL's disk.

The hunt of the main job (`tests/round/test_secrets.py`), at the service over HTTPS, on both databases.
"""

from __future__ import annotations

import contextlib
import sqlite3
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import make_url

from cmsdesk.backend.backup.archive import extract_archive, read_header
from cmsdesk.backend.backup.backup import _PURPOSE, back_up
from cmsdesk.base.secret import Secret
from cmsdesk.cli.safekeeping import places_of
from cmsdesk.domain.scratch_card import ScratchDelivery
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.operations.issue import Choice
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from cmsdesk.sandbox.operator import HOLDER as OPERATOR
from cmsdesk.sandbox.world import READER_CARD
from tests.fixtures.postgres import PostgresCluster
from tests.round.hunter import Finding, Hunter
from tests.service.conftest import Office
from tests.service.test_main_job import Production

KILLED_AT = "i"


@pytest.fixture
def codes(office: Office, monkeypatch: pytest.MonkeyPatch) -> Iterator[set[bytes]]:
    """Every code that the vault is given; the emergency codes among them, which no chip sees."""
    given: set[bytes] = set()
    vault = office.world.service.vault
    put_transport, put_scratch = vault.put_transport, vault.put_scratch

    def transport(device: str, pin: Secret, puk: Secret) -> None:
        given.update(secret.reveal() for secret in (pin, puk))
        put_transport(device, pin, puk)

    def scratch(number: str, pin: Secret, puk: Secret, emergency: Secret) -> None:
        given.update(secret.reveal() for secret in (pin, puk, emergency))
        put_scratch(number, pin, puk, emergency)

    monkeypatch.setattr(vault, "put_transport", transport)
    monkeypatch.setattr(vault, "put_scratch", scratch)
    yield given
    given.clear()


def produced(office: Office) -> Production:
    """Issue on paper and by mail, and leave a third half-way: its escrow lies in the vault."""
    desk = office.desk()
    for delivery in ScratchDelivery:
        office.world.stack.emulator.remove(READER_CARD)
        issued = Production(office, desk, delivery)
        issued.check_issued(issued.begin())

    def kill(at: str, phase: str) -> None:
        if (at, phase) == (KILLED_AT, "begin"):
            office.service.kill()

    office.world.stack.emulator.remove(READER_CARD)
    cut = Production(office, desk)
    with pytest.raises(ServiceUnreachable):
        cut.begin(kill)
    office.service.start()
    return cut


def hunter(office: Office, codes: set[bytes]) -> Hunter:
    """Whoever looks for all codes: those given to the vault, those sent to chips, those of tokens."""
    seen = {value.rstrip(b"\xff") for value in office.world.stack.emulator.secrets_seen()}
    pins = office.world.pins
    return Hunter(codes | seen | {pin.reveal() for pin in (pins.vault, pins.mailer, pins.ca)})


def dumped(office: Office) -> bytes:
    """Return the service's database as text."""
    address = make_url(office.world.service_settings.database)
    if address.get_backend_name() == "sqlite":
        with contextlib.closing(sqlite3.connect(f"file:{address.database}?mode=ro", uri=True)) as database:
            return "\n".join(database.iterdump()).encode()
    target = address.set(drivername="postgresql").render_as_string()
    return subprocess.run(["pg_dump", f"--dbname={target}"], check=True, capture_output=True).stdout


def told(found: list[Finding]) -> list[str]:
    return sorted({str(finding) for finding in found})


def test_no_code_in_what_the_service_keeps(
    office: Office, codes: set[bytes], tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    cut = produced(office)
    everything, world = hunter(office, codes), office.world
    assert len(everything) > 10
    settings = world.service_settings
    found = everything.in_files(world.places.service)
    database = dumped(office)
    assert cut.request.encode() in database
    found += everything.in_bytes(database, "database")
    with contextlib.closing(sqlite3.connect(f"file:{settings.vault.database}?mode=ro", uri=True)) as vault:
        for table in ("codes", "mail", "releases", "emergency"):
            assert vault.execute(f"SELECT count(*) FROM {table}").fetchone()[0] > 0, table  # noqa: S608 - names above
        found += everything.in_database(vault, "vault")
    archive = back_up(places_of(settings), tmp_path / "backups", world.service.hsm, world.clock)
    found += everything.in_files(tmp_path / "backups")
    with Secret(world.service.hsm.unseal(bytes.fromhex(read_header(archive)["key"]), _PURPOSE)) as key:
        extract_archive(archive, key, tmp_path / "opened")
    assert (tmp_path / "opened" / "vault.db").exists()
    found += everything.in_files(tmp_path / "opened")
    if settings.database.startswith("postgresql"):
        cluster: PostgresCluster = request.getfixturevalue("postgres")
        found += everything.in_files(cluster.data)
    assert told(found) == []
    planted = next(iter(codes))
    assert told(everything.in_bytes(database + b"\n" + planted, "planted")) == ["planted (text)"]
    cut.finish(Choice.RESET)


def test_the_log_tells_of_the_calls_and_of_nobody(office: Office) -> None:
    log = (office.world.places.service / "logs" / "cmsdesk.log").read_text(encoding="utf-8")
    assert '"op": "POST /v1/productions/:production/release"' in log
    holder = read_holder(SAMPLE)
    for personal in (holder.fiscal_code, holder.surname, holder.contact_email, OPERATOR.fiscal_code):
        assert str(personal) not in log
