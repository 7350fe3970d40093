"""Until when a thing's personal data are kept (domain.md §7).

Evidence for certificates has its legal time. For the rest none is known: a body decides on it
(`configuration.RetentionRules`), or it is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, date, datetime, time

from cmsdesk.domain.configuration import RetentionRules
from cmsdesk.domain.journal import Validity, months_after
from cmsdesk.domain.request import RequestState

WITHOUT_CERTIFICATE: frozenset[RequestState] = frozenset(
    {
        RequestState.DRAFT,
        RequestState.REGISTERED,
        RequestState.READY,
        RequestState.APPROVED,
        RequestState.FAILED,
        RequestState.CANCELLED,
    }
)
"""States of a request that nothing was issued for, and nothing is being issued for."""


def request_kept_until(
    state: RequestState, evidence: Sequence[Validity], changed_at: datetime, rules: RetentionRules
) -> datetime | None:
    """Return until when a request and all that belongs to it are kept; None: no time is known.

    Args:
        state: of the request.
        evidence: all certificates that were issued for it, withdrawn ones too; the longest counts.
        changed_at: when it last changed.
        rules: the body's.
    """
    if state is RequestState.IN_PRODUCTION:
        return None
    if evidence:
        return max(validity.keep_until() for validity in evidence)
    return loose_kept_until(changed_at, rules) if state in WITHOUT_CERTIFICATE else None


def loose_kept_until(changed_at: datetime, rules: RetentionRules) -> datetime | None:
    """Return until when is kept what is evidence for no certificate; None: no time is known."""
    months = rules.without_certificate_months
    return months_after(changed_at, months) if months else None


def earlier_kept_until(issued_on: date, rules: RetentionRules) -> datetime | None:
    """Return until when a line of the archive of earlier issues is kept; None: no time is known."""
    years = rules.earlier_issues_years
    return months_after(datetime.combine(issued_on, time(), UTC), 12 * years) if years else None
