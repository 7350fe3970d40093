"""What is no longer kept is gone from the service's and the desk's files, and nothing else is."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from cmsdesk.backend.jobs.retention import Retention
from cmsdesk.backend.jobs.worker import Tick, Worker
from cmsdesk.backend.journal.checker import check
from cmsdesk.backend.journal.database import DatabaseSource
from cmsdesk.backend.journal.replay import Replay
from cmsdesk.backend.journal.tables import PERSONAL
from cmsdesk.backend.services.blobs import Blobs
from cmsdesk.backend.services.recording import record
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id, uuid7
from cmsdesk.base.secret import Secret
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import Command, Unknown
from cmsdesk.domain.events import Event, evolve
from cmsdesk.domain.journal import Act
from cmsdesk.domain.organisation import Role
from cmsdesk.domain.request import enrolment_key
from cmsdesk.operations.attachments import Scan, ScanNotHere
from cmsdesk.operations.body_defaults import default_configuration
from cmsdesk.operations.ports import LogLine
from cmsdesk.sync.desk_store import DeskStore
from cmsdesk.sync.drafts import Drafts
from cmsdesk.sync.local_store import KEY_BYTES, LocalLog, connect, connect_to_read
from cmsdesk.sync.scans import KeptScans
from cmsdesk.sync.shown_things import ShownThings
from cmsdesk.sync.synchroniser import Synchroniser
from tests.backend.test_blobs import Sealer
from tests.sync.bench import BODY, CA, MORNING, OFFICE, CentralService, NearLine, held, registration

KEY = bytes(range(KEY_BYTES))
GONE, STAYS = "Perathoner-Unterweger", "Tessari"
MONTHS = 6


def born() -> str:
    """Return an id that is made when the story begins."""
    return str(uuid7(int(MORNING.timestamp() * 1000)))


@dataclass
class Desk:
    """A desk with all that it keeps of persons."""

    central: CentralService
    folder: Path
    mandate: str

    def __post_init__(self) -> None:
        path, clock = self.folder / "desk.db", self.central.clock
        self.file = connect(path, Secret(KEY))
        self.store = DeskStore(self.file)
        self.drafts = Drafts(self.file, clock)
        self.log = LocalLog(connect(path, Secret(KEY)), clock)
        self.beside = connect(self.folder / "desk-scans.db", Secret(KEY))
        self.scans = KeptScans(self.beside, ShownThings(connect_to_read(path, Secret(KEY))), clock)
        self.store.work_as(self.central.actor(self.mandate))

    def sync(self) -> None:
        line = NearLine(self.central, self.mandate)
        Synchroniser(self.store, line, self.mandate, BODY, self.central.keys).run()
        self.scans.forget()

    def do(self, kind: str, /, **facts: Any) -> None:
        self.store.submit(Command(new_id(), kind, BODY, facts), self.central.clock.now())
        self.sync()

    def attach(self, request: str, name: str) -> str:
        """Keep a scan and attach it; return its hash."""
        content = b"%PDF-1.7 " + name.encode() + os.urandom(100)
        scan, attachment = Scan.of(content), new_id()
        self.scans.keep(scan, content)
        self.do(
            "attachment.add",
            attachment=attachment,
            request=request,
            kind="identity_document",
            sha256=scan.sha256,
            size=scan.size,
            media_type=scan.media_type,
        )
        blobs = Blobs(self.central.engine, Sealer(), self.central.clock)
        blobs.put(attachment, self.central.actor(self.mandate), 0, content)
        self.scans.note_sent(scan.sha256)
        return scan.sha256

    def holds(self) -> str:
        """Return all that its files hold, in clear."""
        found = []
        for file in (self.file, self.beside):
            tables = file.execute("SELECT name FROM sqlite_master WHERE type = 'table'").fetchall()
            for (table,) in tables:
                for row in file.execute(f'SELECT * FROM "{table}"'):  # noqa: S608 - names of the file's own
                    found += [v.decode("latin-1") if isinstance(v, bytes) else str(v) for v in row]
        return "\n".join(found)


class World:
    """A service and a desk on files, a body that keeps what has no certificate for six months."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.central = CentralService(f"sqlite:///{folder / 'service.db'}", FixedClock(MORNING))
        sections = default_configuration(CA).sections()
        sections["retention"] = {"without_certificate_months": MONTHS, "earlier_issues_years": 20}
        self.central.administer("configuration.change", revision=0, configuration=sections)
        self.desk = Desk(self.central, folder, self.central.grant(Role.RAO))
        retention = Retention(self.central.engine, self.central.clock)
        handlers = {"retention": retention.sweep, "erasure": retention.erase}
        self.worker = Worker(self.central.engine, self.central.clock, handlers, [Tick("retention")])

    def register(self, name: str, **facts: Any) -> str:
        request = born()
        found = registration(request)["request"]
        found["holder"] = {**found["holder"], "surname": name, "contact_email": f"{name}@example.com"}
        self.desk.do("request.register", request={**found, **facts})
        return request

    def events(self, *events: Event) -> None:
        """Record what a test cannot bring about by a command."""
        with self.central.engine.begin() as connection:
            record(connection, BODY, Act(new_id(), "service:test", self.central.clock.now()), events)

    def later(self, **delta: float) -> None:
        """Let time pass and the day's jobs run; the desk synchronises."""
        self.pass_over(**delta)
        self.desk.sync()

    def pass_over(self, **delta: float) -> None:
        """Let time pass and the day's jobs run."""
        self.central.clock.advance(timedelta(**delta))
        self.worker.run_due()

    def on_disk(self) -> bytes:
        """Return all bytes of the service's files."""
        self.central.engine.dispose()
        return b"".join(path.read_bytes() for path in self.folder.glob("service.db*"))

    def salts(self) -> set[bytes]:
        with self.central.engine.connect() as connection:
            return {bytes(salt) for salt in connection.execute(select(PERSONAL.c.salt)).scalars()}

    def check(self) -> None:
        """The journal is sound, to the desk's eyes too, and says what the tables hold."""
        followed = self.desk.store.followed()
        assert followed is not None
        with self.central.engine.connect() as connection:
            stored = self.central.things(BODY)
            replay = Replay(evolve, lambda: iter(stored.items()))
            report = check(DatabaseSource(connection, BODY), self.central.keys, replay=replay)
        assert report.sound, report.findings
        assert report.entries == followed.size


@pytest.fixture
def world(tmp_path: Path) -> World:
    return World(tmp_path)


def full(world: World, name: str) -> str:
    """Return a request about which everything is on record that may name a person."""
    desk, booking = world.desk, born()
    values = {"holder.surname": name}
    world.central.do(
        desk.mandate, "booking.record", booking={"id": booking, "office": OFFICE, "values": values}
    )
    request = world.register(name, booking=booking, notes=f"figlio di {name}")
    desk.attach(request, name)
    production, problem = born(), born()
    place = {"body": BODY, "office": OFFICE, "request": request}
    world.events(
        Event("production.opened", "production", production, {**place, "state": "reset"}, {"operator": name}),
        Event(
            "problem.noted",
            "problem",
            problem,
            {"body": BODY, "office": OFFICE, "state": "open", "about": request},
        ),
        Event("problem.solved", "problem", problem, {"state": "solved"}, {"solution": f"parlato con {name}"}),
    )
    certificate = enrolment_key(production, Slot.AUTHENTICATION)
    status = {"body": BODY, "office": OFFICE, "request": request}
    world.events(Event("certificate.suspended", "certificate", certificate, status, {"reason": name}))
    line = LogLine("b", "done", {"subject": name})
    desk.log.open(production, "7430010000000001", line)
    desk.log.close(production, line)
    desk.sync()
    desk.drafts.save(request, "amendment", desk.mandate, name, {"holder.surname": name})
    return request


def test_a_cancelled_request_goes_with_all_that_belongs_to_it(world: World) -> None:
    gone, stays = full(world, GONE), full(world, STAYS)
    world.desk.do("request.cancel", request=gone, reason=f"{GONE} non si è presentato")
    assert GONE.encode() in world.on_disk()
    assert world.desk.holds().count(GONE) > 10, "or the test shows nothing"
    salts = world.salts()
    world.later(days=170)
    assert GONE in world.desk.holds(), "within the time nothing goes"
    world.desk.do("request.contact", request=stays, contact_email="altra@example.com")
    before = world.salts()
    world.later(days=20)
    erased = before - world.salts()
    assert len(erased) == 6, "registered, cancelled, booking, production, problem, certificate"
    disk = world.on_disk()
    assert GONE.encode() not in disk
    assert not [salt for salt in erased & salts if salt in disk]
    assert GONE not in world.desk.holds()
    assert world.desk.holds().count(STAYS) > 10
    assert STAYS.encode() in disk
    assert held(world.desk.store)["request", gone]["state"] == "cancelled"
    world.check()
    size = world.desk.store.followed()
    world.later(days=1)
    assert world.desk.store.followed() == size, "once"


def test_what_was_never_finished_is_cancelled_and_goes_and_takes_nothing_more(world: World) -> None:
    request = world.register(GONE)
    world.later(days=190)
    found = world.central.things(BODY)["request", request]
    assert (found["state"], "holder" in found) == ("cancelled", False)
    with pytest.raises(Unknown):
        world.desk.attach(request, GONE)
    world.check()


def test_an_open_booking_a_solved_problem_and_the_archive_go_each_at_its_time(world: World) -> None:
    issue = {"device_kind": "smart_card", "issued_on": "2010-03-01", "supplier": GONE, "surname": GONE}
    world.central.administer("archive.record", issues=[{**issue, "fiscal_code": "TSSMRT87C54A952D"}])
    values = {"holder.surname": GONE}
    world.central.do(
        world.desk.mandate, "booking.record", booking={"id": "B-1", "office": OFFICE, "values": values}
    )
    place = {"body": BODY, "office": OFFICE}
    world.events(
        Event("problem.noted", "problem", "P-1", {**place, "state": "open"}, {"facts": {"said": GONE}}),
        Event("problem.noted", "problem", "P-2", {**place, "state": "open"}, {"facts": {"said": GONE}}),
        Event("problem.solved", "problem", "P-1", {"state": "solved"}, {"solution": GONE}),
    )
    world.later(days=190)
    things = world.central.things(BODY)
    assert (things["booking", "B-1"]["state"], "values" in things["booking", "B-1"]) == ("cancelled", False)
    assert not {"facts", "solution"} & set(things["problem", "P-1"])
    assert "facts" in things["problem", "P-2"], "somebody must still deal with it"
    [(_, line)] = [(key, one) for key, one in things.items() if key[0] == "earlier_issue"]
    assert line["supplier"] == GONE
    world.later(days=366 * 4)
    [(_, line)] = [(key, one) for key, one in world.central.things(BODY).items() if key[0] == "earlier_issue"]
    assert set(line) == {"body", "issued_on", "device_kind"}
    world.check()


def test_a_body_that_decided_nothing_keeps_everything(world: World) -> None:
    sections = default_configuration(CA).sections()
    world.central.administer("configuration.change", revision=1, configuration=sections)
    request = world.register(GONE)
    world.pass_over(days=366 * 30)
    assert "holder" in world.central.things(BODY)["request", request]


def test_a_certificate_that_was_withdrawn_unseen_keeps_its_request_for_the_laws_time(world: World) -> None:
    request = world.register(GONE)
    world.events(
        Event(
            "production.opened",
            "production",
            born(),
            {
                "body": BODY,
                "office": OFFICE,
                "request": request,
                "state": "reset",
                "withdrawals": {"k": True},
            },
        )
    )
    world.pass_over(days=365 * 19)
    assert "holder" in world.central.things(BODY)["request", request]
    world.pass_over(days=500)
    assert "holder" not in world.central.things(BODY)["request", request]


def test_a_scan_under_way_stays_and_a_withdrawn_or_unseen_one_goes(world: World) -> None:
    desk = world.desk
    request = world.register(STAYS)
    digest = desk.attach(request, STAYS)
    typed = b"%PDF-1.7 typed"
    desk.scans.keep(Scan.of(typed), typed)
    desk.drafts.save(new_id(), "request", desk.mandate, "", {"scans": [hashlib.sha256(typed).hexdigest()]})
    world.later(hours=2)
    assert desk.scans.content(digest)
    assert desk.scans.content(Scan.of(typed).sha256) == typed
    [attachment] = [name for thing, name in held(desk.store) if thing == "attachment"]
    desk.do("attachment.withdraw", attachment=attachment, reason="altra persona")
    draft = new_id()
    desk.drafts.save(draft, "request", desk.mandate, "", {"scans": [digest]})
    world.later(hours=2)
    assert desk.scans.content(digest), "it is attached to something else just now"
    desk.drafts.delete(draft, desk.mandate)
    world.later(hours=2)
    with pytest.raises(ScanNotHere):
        desk.scans.content(digest)
    second = desk.attach(request, STAYS)
    desk.store.begin_anew()
    world.central.clock.advance(timedelta(hours=2))
    desk.scans.forget()
    with pytest.raises(ScanNotHere):
        desk.scans.content(second)
