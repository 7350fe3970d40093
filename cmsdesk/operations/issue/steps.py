"""The steps a–j (PRO-3). Each ensures its effect, so that doing it again after a cut is harmless,
and returns the facts for the log."""

from __future__ import annotations

import base64
import time
from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from cmsdesk.base.clock import ROME
from cmsdesk.domain import cns
from cmsdesk.domain.certificate import Slot
from cmsdesk.domain.production import Step
from cmsdesk.domain.request import Holder, enrolment_key
from cmsdesk.domain.words import FIELDS, word
from cmsdesk.operations import csr, sealing
from cmsdesk.operations.errors import (
    CaPending,
    CaRefused,
    PersonalDataUnfit,
)
from cmsdesk.operations.issue.prove import Expected, check_certificate, prove_device
from cmsdesk.operations.issue.work import (
    IssueSettings,
    Work,
    as_text,
    certificate_fact,
    chain_fact,
    csr_fact,
    key_fact,
)
from cmsdesk.operations.ports import (
    EnrolmentOrder,
    Issued,
    NotFound,
    Pending,
    Refused,
)
from cmsdesk.operations.proof import public_key_of

Facts = dict[str, Any]


def open_production(work: Work) -> Facts:
    """Step a: the opening is signed (see `opening`); the records take the production on."""
    return {}


def replace_codes(work: Work) -> Facts:
    """Step b: random PIN and PUK, escrowed before the card takes them."""
    settings = work.parts.settings
    work.parts.vault.escrow(
        work.production.id,
        work.card_id,
        work.production.scratch_card,
        work.request.scratch_delivery,
        pin_digits=settings.pin_digits,
        puk_digits=settings.puk_digits,
    )
    work.codes.load(Step.REPLACE_CODES, "transport", "random")
    work.codes.move("random")
    return {}


def write_personal_data(work: Work) -> Facts:
    """Step c: EF.Dati_personali, as checked and noted at the opening; the CSRs' subjects follow from it."""
    _hold_random(work)
    work.session.write_personal_data(work.need_bytes("personal_data"), pin="random")
    return {}


def generate_keys(work: Work) -> Facts:
    """Step d: both key pairs, on the card; a key that a cut left unnoted is adopted."""
    _hold_random(work)
    held = work.session.contents() if work.notes.is_resumed(Step.GENERATE_KEYS) else None
    facts: Facts = {}
    for slot in Slot:
        if work.noted_bytes(key_fact(slot)) is not None:
            continue
        if facts:
            work.notes.add("generated", **facts)
        found = held.key(slot) if held else None
        public_key = (
            found.public_key
            if found
            else work.session.generate_key(slot, work.request.key_algorithm, pin="random")
        )
        facts = {key_fact(slot): as_text(public_key)}
    return facts


def sign_requests(work: Work) -> Facts:
    """Step e: both CSRs, completed with the public keys and signed by the card (proof of possession)."""
    _hold_random(work)
    facts: Facts = {}
    for slot in Slot:
        info = csr.preliminary(slot, subject_of(work), _email(work, slot))
        tbs = csr.complete(info, work.need_bytes(key_fact(slot)))
        signature = work.session.sign(slot, tbs, pin="random")
        facts[csr_fact(slot)] = as_text(csr.finish(tbs, signature, work.request.key_algorithm))
    return facts


def enrol(work: Work) -> Facts:
    """Step f: both CSRs to the CA, under idempotency keys of this production.

    Raises:
        CaUnreachable: outcome unknown; doing the step again asks under the same keys.
        CaRefused: one is refused: the way on is reset.
    """
    facts: Facts = {}
    wanted = [slot for slot in Slot if work.noted_bytes(certificate_fact(slot)) is None]
    while wanted:
        # a CA that is lost on the way answers only the first ones: what came is noted before the rest
        answers = work.authority.enrol([_order(work, slot) for slot in wanted])
        for slot, answer in zip(wanted, answers, strict=False):
            facts = _issued(work, slot, answer)
            if facts and slot is not wanted[-1]:
                work.notes.add("issued", **facts)
        wanted = wanted[len(answers) :]
    return facts


def collect(work: Work) -> Facts:
    """Step g: the certificates come back, are compared with what was asked, and noted.

    Raises:
        CaPending: not decided within the waiting time; resume later.
        WrongCertificate: not what was asked.
    """
    deadline = time.monotonic() + work.parts.settings.collect_wait_s
    for slot in Slot:
        while work.noted_bytes(certificate_fact(slot)) is None:
            answer = work.authority.poll(enrolment_key(work.production.id, slot))
            if isinstance(answer, NotFound):
                # An order that waits for an approval may be known only to the process that sent it.
                [answer] = work.authority.enrol([_order(work, slot)])
            facts = _issued(work, slot, answer)
            if facts:
                work.notes.add("issued", **facts)
            if isinstance(answer, Pending):
                if time.monotonic() + answer.retry_after_s > deadline:
                    raise CaPending(ca=work.authority.name)
                time.sleep(answer.retry_after_s)
    certified_until = date.fromisoformat(work.need("certified_until"))
    for slot in Slot:
        check_certificate(
            slot,
            work.need_bytes(certificate_fact(slot)),
            work.need_bytes(key_fact(slot)),
            csr.preliminary(slot, subject_of(work)).subject,
            certified_until,
        )
    return {}


def write_certificates(work: Work) -> Facts:
    """Step h: recorded first, then written; EF.C_Carta too; then the card proves itself."""
    certificates = {slot: work.need_bytes(certificate_fact(slot)) for slot in Slot}
    work.parts.records.record_certificates(work.production.id, certificates)
    _hold_random(work)
    for slot, der in certificates.items():
        work.session.write_certificate(slot, der, pin="random")
    return {}


def confirm(work: Work) -> Facts:
    """Step i: the card is read back and proves itself; the enrolment is confirmed."""
    _hold_random(work)
    certificates = {slot: work.need_bytes(certificate_fact(slot)) for slot in Slot}
    expected = Expected(
        card_id=work.card_id,
        personal_data=work.need_bytes("personal_data"),
        certificates=certificates,
        chains={slot: _chain(work, slot) for slot in Slot},
        anchors=work.authority.trust_anchors(),
        at=work.parts.clock.now(),
    )
    prove_device(work.session, expected, pin="random")
    work.parts.vault.enrolled(work.production.id, public_key_of(certificates[Slot.AUTHENTICATION]))
    work.parts.records.confirm_enrolment(work.production.id)
    return {}


def hand_over_codes(work: Work) -> Facts:
    """Step j: the scratch card's PIN, then its PUK; afterwards nobody but the holder can use the card."""
    vault, production = work.parts.vault, work.production.id
    # What this step alone can bring about need not be asked for while it has never begun.
    resumed = work.notes.is_resumed(Step.HAND_OVER_CODES)
    if not (resumed and vault.confirmed(production)):
        if not (work.codes.is_certain("puk") and work.codes.known("puk") == "scratch"):
            work.parts.records.bind_scratch_card(production)
            _load_scratch(work, proven=resumed and vault.scratch_released(production))
            work.codes.move("scratch")
        work.session.forget_codes()
        vault.confirm(production)
    work.parts.records.complete(production)
    return {}


ACTS: Mapping[Step, Callable[[Work], Facts]] = {
    Step.OPEN: open_production,
    Step.REPLACE_CODES: replace_codes,
    Step.PERSONAL_DATA: write_personal_data,
    Step.GENERATE_KEYS: generate_keys,
    Step.SIGN_REQUESTS: sign_requests,
    Step.ENROL: enrol,
    Step.COLLECT: collect,
    Step.WRITE: write_certificates,
    Step.CONFIRM: confirm,
    Step.HAND_OVER_CODES: hand_over_codes,
}


def _hold_random(work: Work) -> None:
    work.codes.load(work.notes.step, "random")


def _load_scratch(work: Work, *, proven: bool) -> None:
    """Load the scratch card's pair; the first time the card's new key signs the request for it."""
    if proven:
        work.codes.load(Step.HAND_OVER_CODES, "random", "scratch")
        return
    _hold_random(work)
    work.codes.load(
        Step.HAND_OVER_CODES, "random", "scratch", sign_request=lambda s, k: _sign_release(work, s, k)
    )


def subject_of(work: Work) -> csr.CertificateHolder:
    """Return what both subjects are made of; the holder's code is the request's own id."""
    return csr.CertificateHolder(
        holder=work.request.holder,
        administration=work.parts.settings.administration,
        holder_code=work.request.id.replace("-", "").upper(),
        card_id=work.card_id,
        personal_data_digest=cns.personal_data_digest(work.need_bytes("personal_data")),
    )


def planned_personal_data(holder: Holder, settings: IssueSettings, now: datetime) -> bytes:
    """Return EF.Dati_personali for a device issued ``now``.

    Raises:
        PersonalDataUnfit: naming the field that does not fit the file.
    """
    try:
        return cns.PersonalData.of(
            holder,
            issuer_code=settings.issuer_code,
            issued_on=now.astimezone(ROME).date(),
            expires_on=(now + settings.validity).astimezone(ROME).date(),
        ).encode()
    except cns.PersonalDataError as error:
        raise PersonalDataUnfit(
            field=error.field, label=FIELDS[error.field], problem=error.problem, **error.facts
        ) from error


def _order(work: Work, slot: Slot) -> EnrolmentOrder:
    return EnrolmentOrder(
        key=enrolment_key(work.production.id, slot),
        slot=slot,
        csr=work.need_bytes(csr_fact(slot)),
        email=_email(work, slot),
    )


def _email(work: Work, slot: Slot) -> str | None:
    return work.request.holder.certificate_email if slot is Slot.AUTHENTICATION else None


def _issued(work: Work, slot: Slot, answer: object) -> Facts:
    """Return what to note of the CA's answer for one slot: nothing while it has not decided."""
    if isinstance(answer, Refused):
        work.notes.add("refused", refused=slot.value, reason=answer.reason)
        raise CaRefused(ca=work.authority.name, slot=word(slot), reason=answer.reason)
    if not isinstance(answer, Issued):
        return {}
    return {
        certificate_fact(slot): as_text(answer.certificate),
        chain_fact(slot): [as_text(der) for der in answer.chain],
    }


def _chain(work: Work, slot: Slot) -> list[bytes]:
    return [base64.b64decode(text) for text in work.notes.fact(chain_fact(slot)) or []]


def _sign_release(work: Work, step: str, sealing_key: bytes) -> bytes:
    binding = sealing.Binding(work.production.id, work.card_id, step)
    message = sealing.release_request(binding, work.production.scratch_card, sealing_key)
    return work.session.sign(Slot.AUTHENTICATION, message, pin="random")
