"""The issuing procedure as the desk calls it: begin, and after an interruption examine, resume or reset."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from cmsdesk.base.ids import new_id
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.device import Device
from cmsdesk.domain.production import RESET, STEPS, Production, ProductionState, Step
from cmsdesk.domain.request import Request
from cmsdesk.operations.card_signature import fiscal_code_of
from cmsdesk.operations.errors import (
    CannotReset,
    CannotResume,
    DeviceLocked,
    Interrupted,
    NothingUnfinished,
)
from cmsdesk.operations.issue import preflight
from cmsdesk.operations.issue.codes import Codes
from cmsdesk.operations.issue.notes import Notes
from cmsdesk.operations.issue.opening import check_opening, opening_message
from cmsdesk.operations.issue.position import Choice, Position, find_position
from cmsdesk.operations.issue.reset import reset_device, set_aside_device
from cmsdesk.operations.issue.steps import ACTS, planned_personal_data
from cmsdesk.operations.issue.work import IssueSettings, Parts, Work, as_text, certificate_fact
from cmsdesk.operations.ports import CardSession, DeviceFacts, Progress, SignedOpening

__all__ = ["IssueSettings", "Issuing", "Outcome", "Parts", "ProductionOrder"]

SignOpening = Callable[[bytes], SignedOpening]
"""Has the operator's card sign the opening; asks the operator for the PIN."""


@dataclass(frozen=True)
class ProductionOrder:
    """What the operator asks for."""

    request: str
    scratch_card: str
    operator: bytes
    """The operator's authentication certificate, DER."""


@dataclass(frozen=True)
class Outcome:
    """How a production ended (PRO-6)."""

    production: Production
    certificates: Mapping[Slot, bytes]
    """DER by slot; empty after a reset."""


@dataclass(frozen=True)
class _Checked:
    """What the checks before a production found."""

    production: Production
    request: Request
    device: Device
    personal_data: bytes
    """EF.Dati_personali as it will be written."""


class Issuing:
    """The use case; one instance serves any number of devices, one after another."""

    def __init__(self, parts: Parts, progress: Progress) -> None:
        self._parts = parts
        self._progress = progress

    def check(self, session: CardSession, request: str) -> DeviceFacts:
        """Run the checks of `begin` that need no scratch card, so that a person is told early.

        Raises:
            NotReady, CardError, CaError: as `begin` would.
        """
        facts = session.identify()
        self._check_device(session, facts, request, None, self._parts.clock.now())
        return facts

    def begin(self, session: CardSession, order: ProductionOrder, sign_opening: SignOpening) -> Outcome:
        """Produce a device from step a to j.

        Raises:
            NotReady: a check before step b failed; nothing was changed on the device.
            CardError, CaError: interrupted; `examine` tells the choices.
        """
        at = self._parts.clock.now()
        checked = self._check(session, order, at)
        production, request = checked.production, checked.request
        started = time.perf_counter()
        self._progress(Step.OPEN.value, "begin", 0.0)
        message = opening_message(production, request, at)
        opening = sign_opening(message)
        check_opening(opening, message, production.operator, self._parts.settings.operator_anchors, at)
        work = self._work(session, production, request)
        work.notes.open(
            production.device,
            request=request.id,
            scratch_card=production.scratch_card,
            operator=production.operator,
            opening=as_text(opening.message),
            opening_signature=as_text(opening.signature),
            personal_data=as_text(checked.personal_data),
            certified_until=checked.device.certified_until.isoformat(),
        )
        self._parts.records.open_production(production, opening)
        self._progress(Step.OPEN.value, "acted", time.perf_counter() - started)
        work.notes.done(Step.REPLACE_CODES.value)
        self._progress(Step.OPEN.value, "done", time.perf_counter() - started)
        return self._run(work)

    def examine(self, session: CardSession) -> Position | None:
        """Tell where the device in the reader stands; None when no production of it is unfinished."""
        work = self._unfinished(session, session.identify())
        return None if work is None else find_position(work)

    def resume(self, session: CardSession) -> Outcome:
        """Go on with the interrupted production of the device in the reader.

        Raises:
            NothingUnfinished, CannotResume, DeviceLocked; and as `begin`.
        """
        work, position = self._interrupted(session)
        if Choice.RESUME not in position.choices:
            raise CannotResume(device=position.device, reason=position.reason)
        return self._run(work)

    def reset(self, session: CardSession) -> Outcome:
        """Bring the device back to its transport state and revoke what was issued (PRO-7).

        Raises:
            NothingUnfinished, CannotReset, DeviceLocked, ResetIncomplete; and as `begin`.
        """
        work, position = self._interrupted(session)
        if Choice.RESET not in position.choices:
            raise CannotReset(device=position.device)
        started = time.perf_counter()
        self._progress(RESET, "begin", 0.0)
        reset_device(work)
        self._progress(RESET, "done", time.perf_counter() - started)
        return Outcome(replace(work.production, state=ProductionState.RESET), {})

    def set_aside(self, device: str) -> None:
        """Give up a device with an unfinished production: lost, broken, or locked for good.

        Needs no card. What was issued is revoked, the codes are destroyed, and the request can be
        produced on another device.

        Raises:
            NothingUnfinished: no production of this device is unfinished.
            CannotReset: the device already has the holder's codes.
            ResetIncomplete: the CA has not confirmed the revocation; call again later.
        """
        production = self._unfinished_production(device)
        if production is None:
            raise NothingUnfinished(device=device)
        if self._parts.vault.confirmed(production.id):
            raise CannotReset(device=device)
        request = self._parts.records.request(production.request)
        notes = Notes(self._parts.log, production.id)
        set_aside_device(self._parts, production, notes, self._parts.authorities[request.ca])

    # --- inside --------------------------------------------------------------------------------

    def _check(self, session: CardSession, order: ProductionOrder, now: datetime) -> _Checked:
        """Run every check that comes before a change (see `preflight`)."""
        facts = session.identify()
        request, device, personal_data = self._check_device(
            session, facts, order.request, order.scratch_card, now
        )
        production = Production(
            id=new_id(),
            request=request.id,
            device=device.card_id,
            scratch_card=order.scratch_card,
            operator=fiscal_code_of(order.operator),
            state=ProductionState.RUNNING,
        )
        return _Checked(production, request, device, personal_data)

    def _check_device(
        self,
        session: CardSession,
        facts: DeviceFacts,
        identifier: str,
        scratch_card: str | None,
        now: datetime,
    ) -> tuple[Request, Device, bytes]:
        """Check what is to meet, and the CA; return request, device and EF.Dati_personali to be."""
        parts = self._parts
        self._refuse_unfinished(session, facts)
        request, stocked, envelope = parts.records.together(identifier, facts.card_id, scratch_card)
        preflight.check_request(request)
        device = preflight.check_device(stocked, facts, request, now, parts.settings.validity)
        preflight.check_card(session, facts)
        personal_data = planned_personal_data(request.holder, parts.settings, now)
        preflight.check_open(parts.authorities[request.ca])
        if scratch_card is not None:
            preflight.check_scratch_card(envelope, scratch_card)
        return request, device, personal_data

    def _refuse_unfinished(self, session: CardSession, facts: DeviceFacts) -> None:
        work = self._unfinished(session, facts)
        if work is not None:
            step = work.notes.next_step() or Step.HAND_OVER_CODES
            raise Interrupted(device=facts.card_id, step=step.value)

    def _interrupted(self, session: CardSession) -> tuple[Work, Position]:
        facts = session.identify()
        work = self._unfinished(session, facts)
        if work is None:
            raise NothingUnfinished(device=facts.card_id)
        position = find_position(work)
        if not position.choices:
            raise DeviceLocked(device=position.device)
        return work, position

    def _unfinished(self, session: CardSession, facts: DeviceFacts) -> Work | None:
        """Return the unfinished production of the device in the reader, or None."""
        production = self._unfinished_production(facts.card_id)
        if production is None:
            return None
        return self._work(session, production, self._parts.records.request(production.request))

    def _unfinished_production(self, device: str) -> Production | None:
        """Return the unfinished production of a device, or None.

        A production that the log opened and the records never took on changed nothing: it is closed.
        """
        identifier = self._parts.log.unfinished(device)
        if identifier is None:
            return None
        production = self._parts.records.production(identifier)
        if production is None or production.state is ProductionState.RESET:
            self._parts.log.close(identifier)
            return None
        return production

    def _work(self, session: CardSession, production: Production, request: Request) -> Work:
        parts = self._parts
        notes = Notes(parts.log, production.id)
        return Work(
            parts=parts,
            session=session,
            production=production,
            request=request,
            authority=parts.authorities[request.ca],
            notes=notes,
            codes=Codes(session, parts.vault, production, notes),
        )

    def _run(self, work: Work) -> Outcome:
        """Do every step that is not done."""
        todo = [step for step in STEPS if not work.notes.is_done(step)]
        for step, following in zip(todo, [*todo, None][1:], strict=True):
            self._do(work, step, following)
        if not todo:
            self._parts.log.close(work.production.id)
        return Outcome(
            replace(work.production, state=ProductionState.ISSUED),
            {slot: work.need_bytes(certificate_fact(slot)) for slot in Slot},
        )

    def _do(self, work: Work, step: Step, following: Step | None) -> None:
        started = time.perf_counter()
        self._progress(step.value, "begin", 0.0)
        work.notes.begin(step.value)
        facts = ACTS[step](work)
        self._progress(step.value, "acted", time.perf_counter() - started)
        if following is None:
            work.notes.close(**facts)
        else:
            work.notes.done(following.value, **facts)
        self._progress(step.value, "done", time.perf_counter() - started)
