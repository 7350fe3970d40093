"""The interface's calls. Synchronous functions: the framework runs each in a thread of its pool."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Body, Depends, FastAPI, Query

from cmsdesk import __version__
from cmsdesk.backend.api import administration, blobs, feed, look_ups, watch, workstations
from cmsdesk.backend.api import models as m
from cmsdesk.backend.api.callers import Caller, Parts, PartsOf, PushCaller, Thumbprint, Token, spoken
from cmsdesk.backend.api.gate import Gate
from cmsdesk.backend.api.limits import Limits
from cmsdesk.backend.api.news import News
from cmsdesk.backend.api.problems import SIGNED_IN, Interface, add_handlers, answers
from cmsdesk.backend.api.watch import Metrics
from cmsdesk.domain.certificate import RevocationReason, Slot
from cmsdesk.domain.commands import Unknown
from cmsdesk.domain.request import enrolment_key
from cmsdesk.operations.errors import CallMalformed
from cmsdesk.operations.ports import EnrolmentAnswer, EnrolmentOrder, Issued, Pending, Refused

_MAX_BATCH = 1000
_LIMITS = Limits()


def create_app(parts: Parts, limits: Limits = _LIMITS) -> Gate:
    """Return the ASGI application."""
    news = News(parts.feed.ends, limits)
    metrics = Metrics(lambda: news.waiting)
    return Gate(_interface(parts, metrics, news), limits, metrics, news.end, parts.tries.wait_s)


def _interface(parts: Parts, metrics: Metrics, news: News) -> FastAPI:
    app = Interface(title="cmsdesk", version=__version__, docs_url=None, redoc_url=None)
    app.state.parts, app.state.metrics, app.state.news = parts, metrics, news
    add_handlers(app)
    app.include_router(_router)
    app.include_router(feed.router)
    app.include_router(workstations.router)
    app.include_router(look_ups.router)
    app.include_router(administration.router)
    app.include_router(blobs.router)
    app.include_router(watch.router)
    return app


_router = APIRouter(prefix="/v1", dependencies=[Depends(spoken)], responses=answers(*SIGNED_IN))


# --- sign-in -----------------------------------------------------------------------------------


@_router.post("/sign-in/challenge")
def challenge(parts: PartsOf, thumbprint: Thumbprint) -> m.ChallengeAnswer:
    """Return what the operator's card must sign."""
    return m.ChallengeAnswer(**parts.sign_in.challenge(thumbprint).__dict__)


@_router.post("/sign-in")
def sign_in(parts: PartsOf, thumbprint: Thumbprint, call: m.SignInCall) -> m.SignInAnswer:
    """Open a session with what the operator's card signed."""
    token, operator, mandates = parts.sign_in.sign_in(
        thumbprint, call.message, call.signature, call.certificate
    )
    return m.SignInAnswer(
        token=token.reveal_text(),
        operator=operator,
        mandates=[
            m.MandateAnswer(
                id=mandate.id,
                body=mandate.body,
                office=mandate.office,
                role=mandate.role.value,
                valid_until=mandate.valid_until.isoformat(),
            )
            for mandate in mandates
        ],
    )


@_router.post("/sign-out", status_code=204)
def sign_out(parts: PartsOf, thumbprint: Thumbprint, token: Token) -> None:
    """End the session."""
    parts.sign_in.sign_out(thumbprint, token)


@_router.post("/voucher")
def voucher(parts: PartsOf, actor: Caller) -> m.VoucherModel:
    """Return leave to work without the service, for the caller's workstation and mandate."""
    return m.VoucherModel(**parts.vouchers.issue(actor).document())


# --- commands and documents --------------------------------------------------------------------


@_router.post("/commands")
def commands(
    parts: PartsOf, actor: PushCaller, calls: Annotated[list[m.AnyCommand], Body(max_length=_MAX_BATCH)]
) -> list[m.CommandAnswer]:
    """Execute commands in order; each has its own answer, and one that cannot be read stops no other."""
    wanted = [call.command() for call in calls if isinstance(call, m.CommandCall)]
    done = iter(parts.service.execute(wanted, actor))
    return [
        m.CommandAnswer(**next(done).__dict__) if isinstance(call, m.CommandCall) else m.unreadable(call)
        for call in calls
    ]


@_router.get("/things/{thing}/{identifier}", responses=answers(404))
def get_thing(parts: PartsOf, actor: Caller, thing: m.Word, identifier: m.Identifier) -> m.ThingAnswer:
    """Return one document."""
    document = parts.service.get(thing, identifier, actor)
    if document is None:
        raise Unknown(thing=thing, id=identifier)
    return m.ThingAnswer(thing=thing, id=identifier, document=document)


@_router.get("/things")
def get_things(
    parts: PartsOf, actor: Caller, wanted: Annotated[str, Query(pattern=m.WANTED)]
) -> list[m.ThingAnswer | None]:
    """Return documents of one moment, in the order asked for; null for one that is not to be seen."""
    asked = [
        (thing, identifier) for thing, _, identifier in (one.partition("/") for one in wanted.split(" "))
    ]
    return [
        None if document is None else m.ThingAnswer(thing=thing, id=identifier, document=document)
        for (thing, identifier), document in zip(asked, parts.service.get_all(asked, actor), strict=True)
    ]


@_router.get("/things/{thing}")
def list_things(parts: PartsOf, actor: Caller, thing: m.Word, state: m.Word) -> list[m.ThingAnswer]:
    """Return the documents of one kind and state."""
    found = parts.service.in_state(thing, state, actor)
    return [m.ThingAnswer(thing=thing, id=identifier, document=document) for identifier, document in found]


# --- the vault, for one production -------------------------------------------------------------


@_router.post("/productions/{production}/release", responses=answers(404, 409))
def release(parts: PartsOf, actor: Caller, production: m.Identifier, call: m.ReleaseCall) -> m.ReleaseAnswer:
    """Seal codes to the card host's one-time key; before, make those of step b where they are asked for."""
    if call.escrow is not None:
        digits = call.escrow
        parts.service.escrow(production, actor, pin_digits=digits.pin_digits, puk_digits=digits.puk_digits)
    sealed = parts.service.release(
        production, actor, call.step, call.labels, sealing_key=call.sealing_key, proof=call.proof
    )
    return m.ReleaseAnswer(ciphertext=sealed.ciphertext, binding=sealed.binding)


@_router.get("/productions/{production}/codes", responses=answers(404, 409))
def codes(parts: PartsOf, actor: Caller, production: m.Identifier) -> m.VaultStateAnswer:
    """Return what the vault has for a production."""
    return m.VaultStateAnswer(**parts.service.vault_state(production, actor))


@_router.put("/productions/{production}/card-key", status_code=204, responses=answers(404, 409))
def card_key(parts: PartsOf, actor: Caller, production: m.Identifier, call: m.KeyCall) -> None:
    """Note the card's new CNS key."""
    parts.service.enrolled(production, actor, call.public_key)


@_router.post("/productions/{production}/codes/confirm", status_code=204, responses=answers(404, 409))
def confirm_codes(parts: PartsOf, actor: Caller, production: m.Identifier) -> None:
    """The card has the scratch card's codes."""
    parts.service.confirm_codes(production, actor)


@_router.post("/productions/{production}/codes/discard", status_code=204, responses=answers(404, 409))
def discard_codes(parts: PartsOf, actor: Caller, production: m.Identifier) -> None:
    """After a reset: the escrow goes."""
    parts.service.discard_codes(production, actor)


# --- the CA ------------------------------------------------------------------------------------


@_router.put("/productions/{production}/certificates", responses=answers(404, 409, 502))
def enrol(parts: PartsOf, actor: Caller, production: m.Identifier, call: m.EnrolCall) -> m.EnrolAnswer:
    """Ask the production's CA for certificates; asking again yields the same. One answer per order it got."""
    orders = [
        EnrolmentOrder(enrolment_key(production, one.slot), one.slot, one.csr, one.email)
        for one in call.orders
    ]
    answers = parts.service.enrol(production, orders, actor)
    return m.EnrolAnswer(answers=[_enrolment(answer) for answer in answers])


@_router.get("/productions/{production}/certificates/{slot}", responses=answers(404, 409, 502))
def poll(parts: PartsOf, actor: Caller, production: m.Identifier, slot: Slot) -> m.EnrolmentAnswerModel:
    """Tell what became of an order."""
    return _enrolment(parts.service.poll(enrolment_key(production, slot), actor))


@_router.post(
    "/productions/{production}/certificates/{slot}/withdraw",
    status_code=204,
    responses=answers(404, 409, 502),
)
def withdraw(
    parts: PartsOf, actor: Caller, production: m.Identifier, slot: Slot, call: m.WithdrawCall
) -> None:
    """Have the CA make sure that nothing under the order is valid."""
    try:
        reason = RevocationReason(call.reason)
    except ValueError:
        raise CallMalformed(where="reason") from None
    parts.service.withdraw(enrolment_key(production, slot), reason, actor)


@_router.get("/authorities/{name}", responses=answers(404, 502))
def authority(parts: PartsOf, actor: Caller, name: str) -> m.OpeningAnswer:
    """Tell whether a CA enrols now, and which roots its chains end in."""
    found = parts.service.authority(name, actor)
    opening = found.opening()
    return m.OpeningAnswer(
        open=opening.open,
        reason=opening.reason,
        reopens_at=opening.reopens_at.isoformat() if opening.reopens_at else None,
        anchors=list(found.trust_anchors()),
    )


@_router.post("/authorities/{name}/status", responses=answers(404, 502))
def status(parts: PartsOf, actor: Caller, name: str, call: m.CertificateCall) -> m.StatusAnswer:
    """Return a certificate's status from its CA."""
    return m.StatusAnswer(status=parts.service.status(name, call.certificate, actor).value)


def _enrolment(answer: EnrolmentAnswer) -> m.EnrolmentAnswerModel:
    if isinstance(answer, Issued):
        return m.EnrolmentAnswerModel(
            outcome="issued", certificate=answer.certificate, chain=list(answer.chain)
        )
    if isinstance(answer, Pending):
        return m.EnrolmentAnswerModel(outcome="pending", retry_after_s=answer.retry_after_s)
    if isinstance(answer, Refused):
        return m.EnrolmentAnswerModel(outcome="refused", reason=answer.reason)
    return m.EnrolmentAnswerModel(outcome="not_found")
