"""Problems: facts of the desk that do not fit what the records say, kept for a person to put right.

What has happened cannot be refused: a device that was handed over, money that was taken. It is
recorded, and what does not fit becomes a problem with its reasons.
"""

from __future__ import annotations

from enum import Enum

from cmsdesk.base.texts import N_


class ProblemState(Enum):
    """Whether somebody has dealt with it."""

    OPEN = "open"
    SOLVED = "solved"


# (from, to): what may follow what
TRANSITIONS: frozenset[tuple[ProblemState, ProblemState]] = frozenset(
    {(ProblemState.OPEN, ProblemState.SOLVED)}
)

DELIVERED_AS_IT_WAS = "delivered_as_it_was"
REQUEST_UNKNOWN = "request_unknown"
REQUEST_CANCELLED = "request_cancelled"
OTHER_AMOUNT = "other_amount"
RECEIPT_REPEATED = "receipt_repeated"
RECEIPT_SKIPPED = "receipt_skipped"
TILL_ELSEWHERE = "till_elsewhere"
REVERSED_TWICE = "reversed_twice"
REFUSED = "refused"
CHANGE_REFUSED = "change_refused"
VOUCHER_EXPIRED = "voucher_expired"
VOUCHER_OVERRUN = "voucher_overrun"
VOUCHER_COPIED = "voucher_copied"
VOUCHER_CLOCK = "voucher_clock"
VOUCHER_GAP = "voucher_gap"
VOUCHER_NOT_COVERED = "voucher_not_covered"
VOUCHER_NOT_ITS_OWN = "voucher_not_its_own"

REASONS: dict[str, str] = {
    DELIVERED_AS_IT_WAS: N_("It was handed over although it was not recorded as ready for that."),
    REQUEST_UNKNOWN: N_("Money was taken for a request that is not on record."),
    REQUEST_CANCELLED: N_("Money was taken for a request that was cancelled."),
    OTHER_AMOUNT: N_("The amount taken is not the fee of the request."),
    RECEIPT_REPEATED: N_("The number of the receipt was used before."),
    RECEIPT_SKIPPED: N_("Numbers before this receipt are missing."),
    TILL_ELSEWHERE: N_("The till belongs to another office."),
    REVERSED_TWICE: N_("The payment had been given back before."),
    REFUSED: N_("The rules do not take what was reported; what was entered is kept whole."),
    CHANGE_REFUSED: N_("The certification authority refused to change a certificate's status."),
    VOUCHER_EXPIRED: N_("It was given without the service after the time allowed for that."),
    VOUCHER_OVERRUN: N_("More was given without the service than was allowed."),
    VOUCHER_COPIED: N_("Two desks gave commands in one place of the same chain: one is a copy of the other."),
    VOUCHER_CLOCK: N_("The desk's clock was set back while it worked without the service."),
    VOUCHER_GAP: N_("Something that a desk did without the service has not arrived: its chain has a gap."),
    VOUCHER_NOT_COVERED: N_("It is not among what may be done without the service."),
    VOUCHER_NOT_ITS_OWN: N_("The leave to work without the service is not this workstation's and mandate's."),
}
"""Sentences by the codes that a problem's document holds in ``reasons``."""
