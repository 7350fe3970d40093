"""PRO-7: bring an interrupted device back to its transport state and revoke what was issued.

Order: the decision and one durable withdrawal per enrolment key; the card's wipe; the CA's
confirmations. The device is called clean only when both have happened, in whatever order they do.
"""

from __future__ import annotations

from cmsdesk.base.texts import N_
from cmsdesk.domain.certificate import RevocationReason, Slot
from cmsdesk.domain.production import RESET, Production, ProductionState, Step
from cmsdesk.domain.request import enrolment_key
from cmsdesk.operations.errors import CaError, DeviceUnproven, ResetIncomplete, WrongPin
from cmsdesk.operations.issue.notes import Notes
from cmsdesk.operations.issue.work import Parts, Work
from cmsdesk.operations.ports import CertificateAuthority, Records


def reset_device(work: Work) -> None:
    """Reset the card in the reader; safe to repeat after any interruption.

    Raises:
        ResetIncomplete: the card is wiped, the CA has not confirmed.
    """
    _decide(work.parts.records, work.production, work.notes, "reset")
    _wipe(work)
    _end(work.parts, work.production, work.notes, work.authority, set_aside=False)


def set_aside_device(
    parts: Parts, production: Production, notes: Notes, authority: CertificateAuthority
) -> None:
    """Give a device up that is lost, broken or locked; needs no card, and is safe to repeat.

    Raises:
        ResetIncomplete: the CA has not confirmed yet.
    """
    _decide(parts.records, production, notes, "set aside")
    _end(parts, production, notes, authority, set_aside=True)


def _decide(records: Records, production: Production, notes: Notes, reason: str) -> None:
    """Note, durably and once, that the production will not be completed."""
    if production.state is ProductionState.RUNNING:
        orders = [enrolment_key(production.id, slot) for slot in Slot]
        asked = orders if notes.has_begun(Step.ENROL.value) else []
        records.begin_reset(production.id, reason, asked)
    notes.begin(RESET)


def _end(
    parts: Parts, production: Production, notes: Notes, authority: CertificateAuthority, *, set_aside: bool
) -> None:
    waiting = withdraw_pending(parts.records, authority, production.id)
    if waiting:
        raise ResetIncomplete(reason=waiting)
    parts.vault.discard(production.id)
    parts.records.finish_reset(production.id, set_aside=set_aside)
    notes.close()


def withdraw_pending(records: Records, authority: CertificateAuthority, production: str | None = None) -> str:
    """Try every unconfirmed withdrawal once; return why one is still waiting, or nothing.

    The same call serves the reset and the repeated job.
    """
    waiting = ""
    for withdrawal in records.withdrawals(production):
        if withdrawal.ca != authority.name:
            continue
        try:
            authority.withdraw(withdrawal.key, RevocationReason.CESSATION_OF_OPERATION)
        except CaError as error:
            records.withdrawal_tried(withdrawal.key, confirmed=False)
            waiting = error.code
        else:
            records.withdrawal_tried(withdrawal.key, confirmed=True)
    return waiting


def _wipe(work: Work) -> None:
    if any(work.notes.of_kinds("wiped")):
        return
    work.parts.vault.escrow(
        work.production.id,
        work.card_id,
        work.production.scratch_card,
        work.request.scratch_delivery,
        pin_digits=work.parts.settings.pin_digits,
        puk_digits=work.parts.settings.puk_digits,
    )
    work.codes.load(RESET, "transport", "random")
    blank = work.session.counters().puk_tries is None
    puk = "transport" if blank else work.codes.settle("puk")
    work.notes.add("wiping", puk=puk)
    try:
        work.session.wipe(puk=puk, transport="transport")
    except WrongPin:
        raise work.codes.rejected("puk") from None
    held = work.session.contents()
    if not held.readable or held.keys or held.certificates or held.personal_data or held.cns_certificate:
        raise DeviceUnproven(reason=N_("it is not blank after its wipe"))
    work.notes.add("wiped")
