"""Commands at the service: decided, stored and journalled in one transaction, once per command id."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from itertools import islice

from sqlalchemy import Connection, Engine
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, SQLAlchemyError

from cmsdesk.backend.journal import store as journal
from cmsdesk.backend.journal.turn import take_turn
from cmsdesk.backend.services.errands import enqueue_errands
from cmsdesk.backend.services.line import Line, Place
from cmsdesk.backend.services.recording import drafts
from cmsdesk.backend.services.vouchers import Chained, VoucherKeys, take_link
from cmsdesk.backend.storage.access import Receipt, add_receipts, find_receipts
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import Facts, Mendable
from cmsdesk.base.ids import new_id
from cmsdesk.base.logs import Log
from cmsdesk.domain.commands import Actor, Command, IdReused, MandateNotInForce, NotTaken, Refusal
from cmsdesk.domain.decisions import decide
from cmsdesk.domain.decisions.problems import FACTS, kept
from cmsdesk.domain.events import Document, Event, Overlay, View
from cmsdesk.domain.journal import Act
from cmsdesk.domain.voucher import BeyondVoucher

_TOGETHER = 64
"""Commands in one transaction: a desk's outbox in one go, without holding the others off for long."""


@dataclass(frozen=True)
class Answer:
    """What became of a command."""

    command: str
    accepted: bool
    code: str = ""
    facts: Facts | None = None
    """Refused, or recorded as a problem only (then it is accepted): the error's code and facts."""

    def to_json(self) -> str:
        """Return the answer as JSON, as receipts keep it."""
        return json.dumps(self.__dict__, sort_keys=True)


class _Call(Place):
    """One caller's commands of one transaction, and what became of them."""

    def __init__(self, commands: Sequence[Command], actor: Actor) -> None:
        super().__init__(len(commands))
        self.commands = commands
        self.actor = actor
        self.answers: Sequence[Answer] = ()
        self.error: BaseException | None = None


class Executor:
    """Executes commands against one database.

    Commands of one body are executed one after another: the body's journal is taken first, so that
    decisions see all that was decided before and cannot block one another. Callers who wait for the
    same body share the next transaction; none is answered before it is committed.
    """

    def __init__(self, engine: Engine, clock: Clock, keys: VoucherKeys | None = None) -> None:
        """``keys``: with which vouchers are signed; None: no voucher is good here."""
        self._engine = engine
        self._clock = clock
        self._keys = keys
        self._lines: dict[str, Line[_Call]] = {}

    def execute(self, commands: Sequence[Command], actor: Actor) -> list[Answer]:
        """Decide and store, in order; the same command again returns the same answer.

        Some commands share a transaction: all of them are durable before any is answered. A command
        that cannot be taken because of an error in the program leaves no trace and gets an answer
        too, so that the others go on; it may be sent again.

        Raises:
            SQLAlchemyError: the database cannot be used now.
        """
        answers: list[Answer] = []
        line = self._lines.setdefault(actor.mandate.body, Line())
        for start in range(0, len(commands), _TOGETHER):
            call = _Call(commands[start : start + _TOGETHER], actor)
            if line.leads(call):
                try:
                    self._run([call], line)
                finally:
                    line.leave()
            if call.error is not None:
                raise call.error
            answers += call.answers
        return answers

    def _run(self, calls: list[_Call], line: Line[_Call] | None = None) -> None:
        """Carry calls out in one transaction, and those that wait in ``line`` when it has begun."""
        body = calls[0].actor.mandate.body
        try:
            with self._engine.begin() as connection:
                take_turn(connection, body)
                if line is not None:
                    calls += line.take_along(_TOGETHER - calls[0].weight)
                group = _Group(connection, body, self._keys, self._clock.now())
                answers = group.run([(command, call.actor) for call in calls for command in call.commands])
        except BaseException as error:  # noqa: BLE001 - whoever was taken along must hear of it
            self._run_apart(calls, error)
        else:
            rest = iter(answers)
            for call in calls:
                call.answers = list(islice(rest, call.weight))

    def _run_apart(self, calls: Sequence[_Call], error: BaseException) -> None:
        """After a transaction failed: unless nothing can be done, each by itself shows whose fault it was."""
        [first, *others] = calls
        if _is_outage(error):
            for call in calls:
                call.error = error
        elif others:
            for call in calls:
                self._run([call])
        elif isinstance(error, Mendable):
            first.error = error
        elif first.weight > 1:
            parts = [_Call([command], first.actor) for command in first.commands]
            for part in parts:
                self._run([part])
            first.answers = [answer for part in parts for answer in part.answers]
            first.error = next((part.error for part in parts if part.error is not None), None)
        else:
            Log("commands").crash(error)
            first.answers = [_refused(first.commands[0], NotTaken(kind=first.commands[0].kind))]


class _Kept:
    """The documents as they are stored, each read once: nobody else changes them in this transaction."""

    def __init__(self, stored: StoredThings, keys: Collection[tuple[str, str]]) -> None:
        """``keys``: (thing, id) of what will be looked at for sure; all of it is read at once."""
        self._stored = stored
        self._read: dict[tuple[str, str], Document | None] = dict.fromkeys(keys)
        self._read.update(stored.get_all(keys))

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document, or None."""
        if (thing, identifier) not in self._read:
            self._read[thing, identifier] = self._stored.get(thing, identifier)
        return self._read[thing, identifier]


class _Group:
    """Commands that share a transaction: each is decided on what those before it brought about."""

    def __init__(self, connection: Connection, body: str, keys: VoucherKeys | None, now: datetime) -> None:
        self._connection = connection
        self._body = body
        self._keys = keys
        self._now = now
        self._stored = StoredThings(connection)
        self._overlay = Overlay(self._stored)
        self._drafts: dict[str, list[journal.Draft]] = {}
        self._answered: dict[str, Receipt] = {}
        self._new: list[Receipt] = []

    def run(self, commands: Sequence[tuple[Command, Actor]]) -> list[Answer]:
        """Decide all, then write state, journal and receipts; every actor is of the body."""
        body = self._body
        self._answered = find_receipts(self._connection, body, [command.id for command, _ in commands])
        self._overlay = Overlay(_Kept(self._stored, {key for one in commands for key in _looked_at(*one)}))
        answers = [self._take(command, actor) for command, actor in commands]
        self._stored.put(self._overlay.changed())
        for of_body, noted in self._drafts.items():
            journal.append(self._connection, of_body, noted)
            enqueue_errands(self._connection, noted, self._now)
        add_receipts(self._connection, body, self._new, self._now.isoformat())
        return answers

    def _take(self, command: Command, actor: Actor) -> Answer:
        now = self._now
        digest = _digest(command, actor)
        known = self._answered.get(command.id)
        if known is not None:
            if known.digest != digest:
                return _refused(command, IdReused(command=command.id))
            return Answer(**json.loads(known.answer))
        chained = take_link(self._connection, self._overlay, command, actor, self._keys, now)
        # a command of its own: the one that brought it may be refused
        self._note(self._body, Act(new_id(), "service:vouchers", now, actor.workstation), chained.events)
        answer, events = _decided(command, self._overlay, actor, now, chained)
        if not answer.accepted and (command.again or answer.code == MandateNotInForce.code):
            return answer  # not the last word: what it needs may be handed back yet, the mandate resumed
        act = Act(command.id, f"mandate:{actor.mandate.id}", now, actor.workstation)
        self._note(command.body, act, events)
        receipt = Receipt(command.id, digest, answer.to_json())
        self._answered[command.id] = receipt
        self._new.append(receipt)
        return answer

    def _note(self, body: str, act: Act, events: Sequence[Event]) -> None:
        self._overlay.apply(events)
        self._drafts.setdefault(body, []).extend(drafts(act, events, self._overlay))


def _looked_at(command: Command, actor: Actor) -> Iterator[tuple[str, str]]:
    """Yield what every decision looks at: the mandate's office, and the thing that the command names."""
    yield "office", actor.mandate.office
    thing = command.kind.partition(".")[0]
    named = command.facts.get(thing)
    identifier = named.get("id") if isinstance(named, dict) else named
    if isinstance(identifier, str):
        yield thing, identifier


def _decided(
    command: Command, known: View, actor: Actor, now: datetime, chained: Chained
) -> tuple[Answer, Sequence[Event]]:
    """Return a command's answer and events; a physical fact that is refused leaves a problem."""
    try:
        if chained.reasons and command.kind not in FACTS:
            raise BeyondVoucher(reason=chained.reasons[0])
        return Answer(command.id, True), decide(command, known, actor, now)
    except Refusal as refusal:
        events = kept(command, actor, now, refusal)
        return replace(_refused(command, refusal), accepted=bool(events)), events


def _is_outage(error: BaseException) -> bool:
    """Tell whether the database or the process failed, rather than this command's contents or the rules."""
    if not isinstance(error, Exception):
        return True
    if isinstance(error, DBAPIError):
        return not isinstance(error, DataError | IntegrityError)
    return isinstance(error, SQLAlchemyError | OSError)


def _refused(command: Command, refusal: Refusal) -> Answer:
    return Answer(command.id, False, code=refusal.code, facts=refusal.facts)


def _digest(command: Command, actor: Actor) -> bytes:
    """Return what ties a command's id to its content and its operator."""
    content = [command.kind, command.body, command.facts, actor.mandate.operator]
    return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).digest()
