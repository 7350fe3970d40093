"""The service in this process, lines to it that fail on purpose, and desks that crash on purpose."""

from __future__ import annotations

import json
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any, cast

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import Connection, Engine, bindparam, event, select

from cmsdesk.backend.api.pages import feed_answer, snapshot_answer
from cmsdesk.backend.jobs.certificates import StatusChanges
from cmsdesk.backend.jobs.chains import Chains
from cmsdesk.backend.jobs.worker import Worker
from cmsdesk.backend.journal.heads import Keys
from cmsdesk.backend.journal.store import Cursor, declare_epoch
from cmsdesk.backend.journal.tables import LEAVES, PERSONAL
from cmsdesk.backend.services.administration import Administration
from cmsdesk.backend.services.bodies import create_body, create_tables
from cmsdesk.backend.services.errands import STATUS_CHANGE
from cmsdesk.backend.services.executor import Answer
from cmsdesk.backend.services.feed import Feed
from cmsdesk.backend.services.service import Service
from cmsdesk.backend.services.vouchers import CHAIN, Vouchers
from cmsdesk.backend.storage.access import find_receipts
from cmsdesk.backend.storage.engine import open_engine
from cmsdesk.backend.storage.things import StoredThings, things
from cmsdesk.base.clock import ROME, FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.domain.canonical import read_canonical
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.commands import Actor, Command, MandateNotInForce
from cmsdesk.domain.documents import request_document
from cmsdesk.domain.events import Document, evolve
from cmsdesk.domain.journal import THING, Act, Entry
from cmsdesk.domain.organisation import Mandate, Permission, Role
from cmsdesk.domain.visibility import may_see
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.operations.ports import CertificateAuthority, Vault
from cmsdesk.sync.desk_store import DeskStore, Followed
from cmsdesk.sync.local_store import KEY_BYTES, connect
from tests.fixtures.people import a_request

MORNING = datetime(2026, 6, 1, 8, tzinfo=UTC)
BODY, OTHER_BODY = "uno", "due"
OFFICE, SECOND_OFFICE, OTHER_OFFICE = "uno-1", "uno-2", "due-1"
OPERATOR = "RSSMRA80A01H501U"
ADMINISTRATOR = "TSSMRT87C54A952D"
CA = "Ente di Prova"
IN_MEMORY = Path(":memory:")
Things = dict[tuple[str, str], Document]
Step = Callable[[str], None]
_KEY = Secret(bytes(range(KEY_BYTES)))


_THINGS = select(things.c.thing, things.c.id, things.c.document).where(things.c.body == bindparam("of_body"))
_ENTRIES = (
    select(LEAVES.c.public, PERSONAL.c.personal)
    .outerjoin_from(
        LEAVES,
        PERSONAL,
        (PERSONAL.c.body == LEAVES.c.body) & (PERSONAL.c.leaf_index == LEAVES.c.leaf_index),
    )
    .where(LEAVES.c.body == bindparam("of_body"))
    .order_by(LEAVES.c.leaf_index)
)


class Crash(BaseException):
    """The process ends here; nothing in it can catch this."""


class Signer:
    """A key that signs heads."""

    def __init__(self) -> None:
        self._key = Ed25519PrivateKey.generate()

    @property
    def public_key(self) -> bytes:
        """SubjectPublicKeyInfo, DER."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, message: bytes) -> bytes:
        """Return an Ed25519 signature."""
        return self._key.sign(message)


@dataclass(frozen=True)
class Begun:
    """A service that was set up once, to begin from many times; on SQLite in memory only."""

    copy: sqlite3.Connection
    engine: Engine
    """All of them, one after the other: what statements are compiled to is an engine's own."""
    signer: Signer
    administrators: dict[str, Mandate]


class CentralService:
    """Two bodies, three offices, and what a test asks of the service behind its desks' backs."""

    def __init__(self, url: str, clock: FixedClock, begun: Begun | None = None) -> None:
        self.clock = clock
        self.engine: Engine = open_engine(url) if begun is None else begun.engine
        self._begun = begun
        self.signer = Signer() if begun is None else begun.signer
        # nothing here touches codes or a CA
        self.service = Service(self.engine, cast(Vault, None), {}, clock, self.keys)
        self.vouchers = Vouchers("cmsdesk-test", self.signer, clock)
        self.feed = Feed(self.engine, self.signer, clock)
        self._dies = 0
        event.listen(self.engine, "commit", self._commit)
        if begun is not None:
            self.administrators = begun.administrators
            self._copy_back(begun.copy)
            return
        create_tables(self.engine)
        self.administrators = {
            body: create_body(
                self.engine,
                clock,
                body=body,
                name=f"Ente {body}",
                office=office,
                office_name=f"Sportello {office}",
                administrator=ADMINISTRATOR,
                valid_until=date(2040, 1, 1),
            )
            for body, office in ((BODY, OFFICE), (OTHER_BODY, OTHER_OFFICE))
        }
        self.administer("office.open", office=SECOND_OFFICE, name="Sportello 2")

    def close(self) -> None:
        """Let the database go, or leave it to the next."""
        event.remove(self.engine, "commit", self._commit)
        if self._begun is None:
            self.engine.dispose()

    @property
    def keys(self) -> Keys:
        """What desks check heads with."""
        return Keys(self.signer.public_key)

    # --- acts without a desk -------------------------------------------------------------------

    def actor(self, mandate: str, *, in_force: bool = True) -> Actor:
        """Return who calls, as the service looks it up at each call.

        Raises:
            MandateNotInForce.
        """
        with self.engine.connect() as connection:
            found = Mandate.of(mandate, StoredThings(connection).get("mandate", mandate) or {})
        if in_force and not found.works_on(self.clock.now().astimezone(ROME).date()):
            raise MandateNotInForce()
        return Actor(found, "ab" * 32)

    def do(self, mandate: str, kind: str, /, **facts: Any) -> Answer:
        """Have one command executed and accepted."""
        actor = self.actor(mandate)
        [answer] = self.service.execute([Command(new_id(), kind, actor.mandate.body, facts)], actor)
        assert answer.accepted, (kind, answer)
        return answer

    def administer(self, kind: str, body: str = BODY, /, **facts: Any) -> None:
        """Have a body's administrator do something."""
        self.do(self.administrators[body].id, kind, **facts)

    def produce(self, rao: str, request: str, number: str, production: str) -> None:
        """Have an approved request produced, on a device and with a scratch card of their own."""
        actor = self.actor(rao)
        device, envelope, body = f"D{number}", f"S{number}", actor.mandate.body
        stock = {"ca": CA, "lot": "L", "certified_until": "2031-12-31", "kind": "smart_card"}
        self.administer("device.receive", body, card_id=device, **stock)
        self.administer("scratch_card.receive", body, number=envelope, lot="L")
        opening = dict.fromkeys(("opening", "opening_signature", "opening_certificate"), "AA==")
        self.do(
            rao,
            "production.open",
            production=production,
            request=request,
            device=device,
            scratch_card=envelope,
            operator=actor.mandate.operator,
            **opening,
        )
        certificates = {slot.value: "AA==" for slot in Slot}
        self.do(rao, "production.certificates", production=production, certificates=certificates)
        for kind in ("production.confirm", "production.bind", "production.complete"):
            self.do(rao, kind, production=production)

    def grant(
        self,
        role: Role,
        office: str = OFFICE,
        body: str = BODY,
        *permissions: Permission,
        mandate: str = "",
    ) -> str:
        """Return a new mandate's id; the terminal grants it, which may give every right."""
        mandate = mandate or new_id()
        Administration(self.engine, self.clock, body).execute(
            "mandate.grant",
            mandate=mandate,
            operator=OPERATOR,
            office=office,
            role=role.value,
            valid_from="2020-01-01",
            valid_until="2040-01-01",
            permissions=[permission.value for permission in permissions],
        )
        return mandate

    # --- what is true --------------------------------------------------------------------------

    def things(self, body: str) -> Things:
        """Return a body's documents as the state table holds them."""
        with self.engine.connect() as connection:
            return {(t, i): read_json(d) for t, i, d in connection.execute(_THINGS, {"of_body": body})}

    def seen_by(self, mandate: str) -> Things:
        """Return the documents that a mandate may see."""
        actor = self.actor(mandate)
        found = self.things(actor.mandate.body)
        return {key: document for key, document in found.items() if may_see(actor, key[0], document)}

    def entries(self, body: str) -> list[tuple[Entry, dict[str, Any]]]:
        """Return a body's journal: entries with their personal data."""
        with self.engine.connect() as connection:
            return [
                (Entry.decode(public), {} if personal is None else cast(Any, read_canonical(personal)))
                for public, personal in connection.execute(_ENTRIES, {"of_body": body})
            ]

    def replayed(self, body: str) -> Things:
        """Return a body's documents by folding its journal."""
        found: Things = {}
        for entry, personal in self.entries(body):
            if entry.thing == THING:
                continue
            key = (entry.thing, entry.id)
            found[key] = evolve(found.get(key), entry.event(personal))
        return found

    def commands(self, body: str) -> list[str]:
        """Return the commands of a body's journal, once for each time its events begin."""
        return [entry.act.command for entry, _ in self.entries(body) if entry.part == 0]

    def receipt(self, body: str, command: str) -> bool:
        """Tell whether the service took a command."""
        with self.engine.connect() as connection:
            found = find_receipts(connection, body, [command]).get(command)
        return found is not None and bool(json.loads(found.answer)["accepted"])

    # --- backup and restore --------------------------------------------------------------------

    def backup(self) -> sqlite3.Connection:
        """Return a copy of the whole database as it is now."""
        copy = sqlite3.connect(":memory:")
        with self.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            connection.rollback()
            raw.backup(copy)
        return copy

    def begun(self) -> Begun:
        """Return this service as it is now, to begin others from."""
        return Begun(self.backup(), open_engine("sqlite://"), self.signer, self.administrators)

    def _copy_back(self, copy: sqlite3.Connection) -> None:
        with self.engine.connect() as connection:
            raw = connection.connection.driver_connection
            assert isinstance(raw, sqlite3.Connection)
            connection.rollback()
            copy.backup(raw)

    def restore(self, copy: sqlite3.Connection) -> None:
        """Bring an earlier copy back and declare it: every body begins a new epoch."""
        self._copy_back(copy)
        for body in (BODY, OTHER_BODY):
            with self.engine.begin() as connection:
                act = Act(new_id(), "service:restore", self.clock.now())
                declare_epoch(connection, body, act)

    # --- ending it in the middle ---------------------------------------------------------------

    def die_at_commit(self, number: int) -> None:
        """End the service at its ``number``-th commit from now, before that is made; 0: do not."""
        self._dies = number

    def work(self) -> None:
        """Have the jobs done that are due; its CA suspends whatever it is asked to."""
        authorities = {CA: cast(CertificateAuthority, _Obliging())}
        handlers = {
            CHAIN: Chains(self.engine, self.clock).check,
            STATUS_CHANGE: StatusChanges(self.engine, authorities, self.clock).change,
        }
        Worker(self.engine, self.clock, handlers).run_due()

    def _commit(self, connection: Connection) -> None:
        if self._dies:
            self._dies -= 1
            if not self._dies:
                raise ServiceUnreachable(reason="it died")


class _Obliging:
    """A CA that does what it is asked."""

    def suspend(self, certificate: bytes) -> None:
        pass


@dataclass
class NearLine:
    """`synchroniser.Line` to a service in this process, as the HTTPS interface converts things.

    ``faults`` are taken one a call: «request» and «answer» are lost, «twice» sends a push twice,
    «old» gives the pull before instead.
    """

    central: CentralService
    mandate: str
    faults: deque[str] = field(default_factory=deque)
    spoil: Callable[[dict[str, Any]], None] = lambda page: None
    spoil_snapshot: Callable[[dict[str, Any]], None] = lambda page: None
    page_limit: int = 1000
    pushes: list[list[str]] = field(default_factory=list)
    _last: dict[str, Any] | None = None

    def push(self, commands: list[Command]) -> list[dict[str, Any]]:
        """Execute commands."""
        self.pushes.append([command.id for command in commands])
        with self._faults() as fault:
            for _ in range(2 if fault == "twice" else 1):
                actor = self.central.actor(self.mandate, in_force=False)
                answers = self.central.service.execute(commands, actor)
        return [dict(answer.__dict__) for answer in answers]

    def pull(self, cursor: tuple[int, int] | None, limit: int) -> dict[str, Any]:
        """Return a page of the feed."""
        with self._faults() as fault:
            known = None if cursor is None else Cursor(*cursor)
            page = self.central.feed.page(
                self.central.actor(self.mandate), known, min(limit, self.page_limit)
            )
            answer = feed_answer(page).model_dump(mode="json")
        before, self._last = self._last, answer
        if fault == "old" and before is not None:
            return before
        self.spoil(answer)
        return answer

    def next_page(self, cursor: tuple[int, int], limit: int, wait_s: float) -> dict[str, Any] | None:
        """Nobody waits here."""
        return None

    def snapshot(self, after: tuple[str, str] | None, limit: int, size: int) -> dict[str, Any]:
        """Return a page of all that the mandate sees."""
        with self._faults():
            actor = self.central.actor(self.mandate)
            page = self.central.feed.snapshot(actor, after, min(limit, self.page_limit), size)
            answer = snapshot_answer(page).model_dump(mode="json")
        self.spoil_snapshot(answer)
        return answer

    def voucher(self) -> dict[str, Any]:
        """Return leave to work without the service."""
        with self._faults():
            return self.central.vouchers.issue(self.central.actor(self.mandate)).document()

    @contextmanager
    def _faults(self) -> Iterator[str]:
        fault = self.faults.popleft() if self.faults else ""
        if fault == "request":
            raise ServiceUnreachable(reason="request lost")
        yield fault
        if fault == "answer":
            raise ServiceUnreachable(reason="answer lost")


class CrashingStore(DeskStore):
    """A store whose every writing call tells ``step`` before and after; ``step`` may raise `Crash`."""

    step: Step = staticmethod(lambda where: None)

    def queue(self, command: Command, mandate: str, at: str) -> None:
        with self._around("queue"):
            super().queue(command, mandate, at)

    def accepted(self, command: str) -> None:
        with self._around("accepted"):
            super().accepted(command)

    def refused(self, command: str, code: str, facts: Any) -> None:
        with self._around("refused"):
            super().refused(command, code, facts)

    def held(self, command: str, code: str, facts: Any) -> None:
        with self._around("held"):
            super().held(command, code, facts)

    def hand_back(self, body: str) -> None:
        with self._around("hand_back"):
            super().hand_back(body)

    def apply(self, entries: Any, now: Followed) -> None:
        with self._around("apply"):
            super().apply(entries, now)

    def begin_anew(self) -> None:
        with self._around("begin_anew"):
            super().begin_anew()

    def forget_unseen(self, mandate: Mandate) -> None:
        with self._around("forget_unseen"):
            super().forget_unseen(mandate)

    def take_snapshot(self, scope: str) -> None:
        with self._around("take_snapshot"):
            super().take_snapshot(scope)

    def finish(self, command: str) -> None:
        with self._around("finish"):
            super().finish(command)

    def _follow(self, now: Followed) -> None:
        # inside the transaction that applies a page
        with self._around("follow"):
            super()._follow(now)

    @contextmanager
    def _around(self, what: str) -> Iterator[None]:
        self.step(f"{what} before")
        yield
        self.step(f"{what} after")


def open_store(path: Path = IN_MEMORY) -> CrashingStore:
    """Open a desk's store."""
    database = connect(path, _KEY)
    if path == IN_MEMORY:  # its tables, which cost more than all else, are made once
        _empty()._db.backup(database)
    return CrashingStore(database)


def copy_of(store: CrashingStore) -> CrashingStore:
    """Return a store on a copy of another's file as it is now, in memory."""
    database = connect(IN_MEMORY, _KEY)
    store._db.backup(database)
    return CrashingStore(database)


@cache
def _empty() -> CrashingStore:
    return CrashingStore(connect(IN_MEMORY, _KEY))


def held(store: DeskStore) -> Things:
    """Return all documents a desk holds."""
    rows = store._db.execute("SELECT thing, id, document FROM things").fetchall()
    return {(thing, identifier): read_json(document) for thing, identifier, document in rows}


def read_json(text: str) -> Document:
    """Return a document of its text."""
    document: Document = json.loads(text)
    return document


def registration(request: str, office: str = OFFICE, body: str = BODY, **facts: Any) -> dict[str, Any]:
    """Return the facts of ``request.register``."""
    made = a_request(request, body=body, office=office, ca=CA)
    return {"request": {"id": request, **request_document(made), **facts}}


def digest_of(request: str, office: str = OFFICE, body: str = BODY) -> str:
    """Return what approval of a `registration` names."""
    return a_request(request, body=body, office=office, ca=CA).digest()
