"""Calls about workstations: enrolment by a one-time code, and the codes that administrators make (ORG-10).

Enrolment is the only call that takes no certificate: the PC has none yet.
"""

from __future__ import annotations

from fastapi import APIRouter

from cmsdesk.backend.api import models as m
from cmsdesk.backend.api.callers import Caller, PartsOf
from cmsdesk.backend.api.problems import EVERY_CALL, answers
from cmsdesk.backend.services.enrolment import FirstBody
from cmsdesk.base.secret import Secret
from cmsdesk.domain.workstation import WorkstationKind

router = APIRouter(prefix="/v1", responses=answers(403, *EVERY_CALL))


@router.post("/enrolment", responses=answers(409))
def enrol(parts: PartsOf, call: m.EnrolmentCall) -> m.EnrolledAnswer:
    """Spend a one-time code for the key of this PC."""
    first = None if call.first is None else FirstBody(**call.first.model_dump())
    with Secret(call.code) as code:
        found = parts.enrolment.enrol(code, call.csr, call.name, first)
    return m.EnrolledAnswer(**found.__dict__)


@router.post("/workstations/codes", status_code=201, responses=answers(401, 404))
def make_code(parts: PartsOf, actor: Caller, call: m.NewCodeCall) -> m.NewCodeAnswer:
    """Make a one-time code for a PC of an office."""
    with parts.enrolment.code(actor, call.office, WorkstationKind(call.kind)) as code:
        return m.NewCodeAnswer(code=code.reveal_text())
