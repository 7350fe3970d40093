"""Drafts of registrations and of amendments: what is typed is kept until it is saved or thrown away."""

from __future__ import annotations

from dataclasses import dataclass, fields, replace

from cmsdesk.base.ids import new_id
from cmsdesk.base.texts import N_
from cmsdesk.desk.screens.registration import form as paths
from cmsdesk.desk.screens.registration.form import Form
from cmsdesk.domain.first_issue import Finding, FirstIssue
from cmsdesk.domain.request import Holder, Request, RequestState
from cmsdesk.sync.drafts import Draft, Drafts

REGISTRATION, AMENDMENT = "request", "amendment"
"""Kinds of drafts; an amendment's has the request's id."""
_BASE = "base"
_AMENDABLE = (RequestState.DRAFT, RequestState.REGISTERED)
_NOT_ENTERED = ("height_cm",)
"""What the form does not ask for stays as it is."""


@dataclass(frozen=True)
class Begun:
    """The form to amend a request with."""

    form: Form
    message: str = ""
    """What has to be said of it, of the catalogue."""
    stale: bool = False
    """The request is another by now than when the amendment was begun."""


class Kept:
    """The drafts of one mandate, one of which is under way."""

    def __init__(self, drafts: Drafts, mandate: str) -> None:
        self._drafts, self._mandate = drafts, mandate
        self.id = new_id()

    def keep(self, form: Form, amends: Request | None) -> None:
        """Keep the form as it stands."""
        content = form.content()
        kind = REGISTRATION
        if amends is not None:
            kind, content[_BASE] = AMENDMENT, amends.digest()
        self._drafts.save(self.id, kind, self._mandate, form.title, content)

    def get(self, identifier: str) -> Draft | None:
        """Return a draft."""
        return self._drafts.get(identifier, self._mandate)

    def has_one(self) -> bool:
        """Tell whether something is kept of what is under way."""
        return self.get(self.id) is not None

    def discard(self) -> None:
        """Throw away what is kept of what is under way."""
        self._drafts.delete(self.id, self._mandate)

    def others(self) -> list[Draft]:
        """Return the other drafts, the latest first."""
        return [draft for draft in self._drafts.all_of(self._mandate) if draft.id != self.id]

    def begun(self, request: Request, registered: Form) -> Begun:
        """Return the form to go on with: what was begun on this request, else what is ``registered``."""
        draft = self.get(request.id)
        if draft is None or draft.kind != AMENDMENT:
            return Begun(registered)
        form = Form.of(draft.content)
        if is_frozen(request):
            # of what was begun only the address can still be saved
            address = form[paths.CONTACT_EMAIL]
            return Begun(registered.typed(paths.CONTACT_EMAIL, address), _APPROVED_SINCE, stale=True)
        if draft.content.get(_BASE) != request.digest():
            return Begun(form, _CHANGED_SINCE, stale=True)
        return Begun(form, _UNSAVED)


_UNSAVED = N_("These are changes that were begun and not saved.")
_CHANGED_SINCE = N_("The request has changed since these changes were begun: look through them first.")
_APPROVED_SINCE = N_(
    "The request was approved meanwhile: of the changes only the address can still be saved."
)


def begun(draft: Draft) -> bool:
    """Tell whether a draft is of an amendment."""
    return draft.kind == AMENDMENT


def is_frozen(request: Request) -> bool:
    """Tell whether a request can no longer be amended (REG-13)."""
    return request.state not in _AMENDABLE


def still_decided(before: Request | None, form: Form, now: FirstIssue | None) -> FirstIssue | None:
    """Return the outcome about fee and first issue: an amendment to something else does not lose it.

    Where person, company and device are the same and the registers do not say otherwise today, what was
    found out at registration stands.
    """
    if before is None or before.first_issue is None or now is None:
        return now
    company = "" if before.company is None else before.company.rea
    same = (
        form[paths.FISCAL_CODE] == before.holder.fiscal_code
        and form.rea == company
        and form.device_kind is before.device_kind
    )
    told = now.legal_representative in (Finding.YES, Finding.NO)
    return before.first_issue if same and not told else now


def amended(before: Request, entered: Request) -> Request:
    """Return a request with what was entered, and all else as before (PRO-2)."""
    asked = {part.name for part in fields(Holder)} - set(_NOT_ENTERED)
    # who issues, and which key, follows the device: it stays unless another kind is asked for
    made = before if before.device_kind is entered.device_kind else entered
    return replace(
        before,
        holder=replace(before.holder, **{name: getattr(entered.holder, name) for name in asked}),
        company=entered.company,
        device_kind=entered.device_kind,
        key_algorithm=made.key_algorithm,
        ca=made.ca,
        scratch_delivery=entered.scratch_delivery,
        limits_of_use=entered.limits_of_use,
        first_issue=entered.first_issue,
        entry=entered.entry,
        origins=entered.origins,
    )
