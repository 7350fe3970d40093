"""What every screen works with: who acts, what the desk knows, and the one way to change anything."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum
from functools import cached_property
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from cmsdesk.base.clock import Clock
from cmsdesk.base.errors import revive
from cmsdesk.base.ids import new_id
from cmsdesk.desk.people import name_of
from cmsdesk.desk.texts_qt import LiveTexts
from cmsdesk.domain.commands import Actor, Command, Refusal
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.events import Document, View
from cmsdesk.domain.organisation import Mandate, name_in
from cmsdesk.domain.permissions import Action, reaches, right_of
from cmsdesk.domain.shapes import ShapeWrong
from cmsdesk.operations.errors import ServiceUnreachable
from cmsdesk.sync.following import Following

if TYPE_CHECKING:  # not on the way to the first frame
    from cmsdesk.operations.administration import Bodies, Figures, SupplyVault
    from cmsdesk.operations.attachments import Attached
    from cmsdesk.operations.company_check import LookUps
    from cmsdesk.operations.issue import Parts
    from cmsdesk.operations.places import Places
    from cmsdesk.sync.desk_store import DeskStore, Queued
    from cmsdesk.sync.drafts import Drafts
    from cmsdesk.sync.scans import KeptScans
    from cmsdesk.sync.synchroniser import Round, Synchroniser
    from cmsdesk.sync.till_book import TillBook
    from cmsdesk.sync.vouchers import KeptVoucher
    from cmsdesk.sync.work_lists import WorkLists

PHYSICAL = frozenset({"request.deliver"})
"""Commands that report what has happened in the room: recorded even when the rules object (mechanism 3)."""


@dataclass(frozen=True)
class SessionParts:
    """A signed-in operator's desk, as `desk.gate` put it together."""

    actor: Actor
    operator_name: str
    """Given name and surname, from the card; the codice fiscale where the card has no name."""
    body_name: str
    office_name: str
    store: DeskStore
    drafts: Drafts
    lists: WorkLists
    """For reading, in a thread (`desk.work`)."""
    tills: TillBook
    scans: KeptScans
    fetch_scan: Callable[[Attached], bytes]
    """Fetches a scan that was attached elsewhere, its view recorded; blocks."""
    saved_filters: WorkLists
    synchroniser: Synchroniser
    issuing: Parts
    places: Callable[[], Places] | None = None
    """Reads the table of municipalities that the service handed out; None: the built-in one serves."""
    look_ups: LookUps | None = None
    """The registers, through the service; None: nobody can be asked."""
    figures: Figures | None = None
    """Who counts for the figures: the service; None where it cannot be asked."""
    supplies: SupplyVault | None = None
    """Who takes the codes of a supply: the service's vault."""
    bodies: Bodies | None = None
    """Who creates bodies: the service."""
    certificate: bytes = b""
    """The operator's authentication certificate, DER: openings are signed by its key."""
    card_reader: str = ""
    """Where the operator's card was at sign-in."""
    alone: bool = False
    """Signed in without the service, by a voucher."""
    service_time: Callable[[], datetime | None] = field(default=lambda: None)
    """The service's time now, as its last answer gave it; None before any."""
    close: Callable[[], None] = field(default=lambda: None)
    """Ends connections; called once, at sign-out."""


class Link(Enum):
    """How the desk and the service stand."""

    STARTING = "starting"
    WORKING = "working"
    UP = "up"
    DOWN = "down"
    TROUBLE = "trouble"


@dataclass(frozen=True)
class SyncState:
    """What the status bar says of the synchronisation."""

    link: Link = Link.STARTING
    last_success: datetime | None = None
    waiting: int = 0
    """Commands that the service has not seen."""
    error: BaseException | None = None


@dataclass(frozen=True)
class Problem:
    """A command that the service refused: somebody has to deal with it."""

    command: Command
    error: BaseException
    """Revived: `texts.failure` says it."""


class DeskSession(QObject):
    """One operator at work under one mandate; in the window’s thread, where nothing may block.

    Signals:
        changed: a frozenset of (thing, id) that may look otherwise now; empty when everything may.
        sync_state_changed: `sync_state` is another.
        problems_changed: `problems` is another.
    """

    changed = Signal(object)
    sync_state_changed = Signal()
    problems_changed = Signal()
    _applied = Signal(object)
    _began = Signal()
    _round_over = Signal(object, object)

    def __init__(
        self, parts: SessionParts, texts: LiveTexts, clock: Clock, parent: QObject | None = None
    ) -> None:
        super().__init__(parent)
        self._parts = parts
        self.texts = texts
        self.clock = clock
        self.actor: Actor = parts.actor
        self.mandate: Mandate = parts.actor.mandate
        self.parts: Parts = parts.issuing
        """What the issuing procedure stands on."""
        self.store: DeskStore = parts.store
        """Writing goes through `submit`."""
        self.drafts: Drafts = parts.drafts
        self.lists: WorkLists = parts.lists
        """For reading in a thread (`desk.work`); waits for no writer."""
        self.scans: KeptScans = parts.scans
        self.fetch_scan = parts.fetch_scan
        """Contents of attachments; in a thread."""
        self.tills: TillBook = parts.tills
        """What tills took, for reading in a thread."""
        self.saved_filters: WorkLists = parts.saved_filters
        self.look_ups: LookUps | None = parts.look_ups
        self.figures: Figures | None = parts.figures
        self.supplies: SupplyVault | None = parts.supplies
        self.bodies: Bodies | None = parts.bodies
        """They block: in a thread (`desk.work`)."""
        self.certificate, self.card_reader = parts.certificate, parts.card_reader
        self.service_time = parts.service_time
        self.body_name = parts.body_name
        self.office_name = parts.office_name
        self.sync_state = SyncState()
        self.problems: tuple[Problem, ...] = ()
        self._synchronised = False
        self.alone = self.store.alone = parts.alone
        """Signed in without the service: until the card signs in there, everything is done by a voucher."""
        self._operators: dict[str, Document] | None = None
        self.producing: frozenset[str] = frozenset()
        """Devices that are being produced at this desk now."""
        self.store.work_as(self.actor)
        self.store.applied = self._applied.emit
        self._applied.connect(self._on_applied)
        self._sync = Following(parts.synchroniser, self._began.emit, self._round_over.emit)
        self._began.connect(self._on_began)
        self._round_over.connect(self._on_round)
        self._look_for_problems()

    # --- reading -------------------------------------------------------------------------------

    def view(self) -> View:
        """Return what the desk shows: the base with the pending commands re-decided on top."""
        return self

    def doubts(self) -> list[Queued]:
        """Return the pending commands that the rules would refuse as the desk now knows them, and why."""
        return self.store.doubts()

    def get(self, thing: str, identifier: str) -> Document | None:
        """Return a thing's document as it is shown."""
        return self.store.shown(thing, identifier)

    def named(self, thing: str, identifier: str, language: str) -> str:
        """Return what the body, a site or an office is called in a language, as far as the desk knows."""
        found = self.get(thing, identifier)
        if found is None:
            return {self.mandate.body: self.body_name, self.mandate.office: self.office_name}.get(
                identifier, identifier
            )
        return name_in(language, str(found["name"]), found.get("names", {}))

    def body_in(self, language: str) -> str:
        """Return what the mandate's body is called in a language."""
        return self.named("body", self.mandate.body, language)

    def office_in(self, language: str) -> str:
        """Return what the mandate's office is called in a language."""
        return self.named("office", self.mandate.office, language)

    def in_state(self, thing: str, state: str) -> list[tuple[str, Document]]:
        """Return (id, document) of the things of one kind and state as they are shown, by id."""
        return self.store.shown_in_state(thing, state)

    @cached_property
    def places(self) -> Places:
        """Municipalities and countries, for every screen and paper."""
        from cmsdesk.lookups.places import LibraryPlaces

        return LibraryPlaces() if self._parts.places is None else self._parts.places()

    @property
    def configuration(self) -> Configuration | None:
        """The body's configuration, where this desk has one that it can read."""
        document = self.get("configuration", self.mandate.body)
        try:
            return None if document is None else Configuration.of(document)
        except ShapeWrong:
            return None

    @property
    def operator_name(self) -> str:
        """Given name and surname of whoever signed in: from the card, else from the body's records."""
        return name_of(self, self._parts.operator_name)

    def operators(self) -> Mapping[str, Document]:
        """Return the body's operators by codice fiscale."""
        if self._operators is None:
            found = self.store.past.all_of("operator")
            self._operators = {str(one.get("fiscal_code")): one for _, one in found}
        return self._operators

    def pending(self) -> list[Queued]:
        """Return this mandate's commands that the service has not confirmed."""
        from cmsdesk.sync.desk_store import OutboxState

        return self.store.queued(OutboxState.PENDING, OutboxState.ACCEPTED, mandate=self.mandate.id)

    def voucher(self) -> KeptVoucher | None:
        """Return what may be done without the service, and how much of it is left."""
        return self.store.vouchers.of_mandate(self.mandate.id)

    def allowed(self, action: Action, office: str | None = None) -> bool:
        """Tell whether the mandate gives the right, for a thing of ``office`` or, without one, at all."""
        if office is None:
            return right_of(self.mandate, action) is not None
        return reaches(self.mandate, action, self.mandate.body, office)

    # --- acting --------------------------------------------------------------------------------

    def submit(self, kind: str, /, **facts: object) -> Command:
        """Record an act, durably, and have it sent; what is shown counts it at once.

        Raises:
            Refusal: the rules say no; nothing was recorded. A physical fact is recorded all the same.
        """
        command = Command(new_id(), kind, self.mandate.body, facts)
        now = self.clock.now()
        try:
            self.store.submit(command, now)
        except Refusal:
            if kind not in PHYSICAL:
                raise
            self.store.record(command, now)
        self._set_state(waiting=self.sync_state.waiting + 1)
        self.changed.emit(frozenset())
        self.sync_now()
        return command

    def dismiss(self, problem: Problem) -> None:
        """A person dealt with a refused command."""
        self.store.dismiss(problem.command.id)
        self._look_for_problems()

    # --- synchronising -------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to synchronise."""
        self._sync.start()

    def sync_now(self) -> None:
        """Synchronise without waiting for the next time."""
        self._sync.nudge()

    def end(self) -> None:
        """Stop and let go; what was not sent stays in the outbox."""
        self._sync.stop()
        self.store.applied = None
        self._parts.close()
        self._sync.join()

    # --- inside --------------------------------------------------------------------------------

    def _on_applied(self, keys: frozenset[tuple[str, str]]) -> None:
        if any(thing == "operator" for thing, _ in keys):
            self._operators = None
        self.changed.emit(keys)

    def _on_began(self) -> None:
        if self.sync_state.link is Link.STARTING:
            self._set_state(link=Link.WORKING)

    def _on_round(self, done: Round | None, error: BaseException | None) -> None:
        from cmsdesk.sync.desk_store import OutboxState

        waiting = len(self.store.queued(OutboxState.PENDING, mandate=self.mandate.id))
        if error is None:
            self._set_state(link=Link.UP, last_success=self.clock.now(), waiting=waiting, error=None)
        else:
            link = Link.DOWN if isinstance(error, ServiceUnreachable) else Link.TROUBLE
            self._set_state(link=link, waiting=waiting, error=error)
        if done is not None and (done.pushed or not self._synchronised):
            self._synchronised = True
            self.changed.emit(frozenset())
        self._look_for_problems()

    def _set_state(self, **values: object) -> None:
        state = SyncState(**{**self.sync_state.__dict__, **values})
        if state != self.sync_state:
            self.sync_state = state
            self.store.alone = self.alone or state.link in (Link.DOWN, Link.TROUBLE)
            self.sync_state_changed.emit()

    def _look_for_problems(self) -> None:
        from cmsdesk.sync.desk_store import OutboxState

        refused = self.store.queued(OutboxState.REFUSED, mandate=self.mandate.id)
        found = tuple(Problem(queued.command, revive(queued.code, queued.facts or {})) for queued in refused)
        if [one.command.id for one in found] != [one.command.id for one in self.problems]:
            self.problems = found
            self.problems_changed.emit()
