"""What the body's configuration lets be chosen at registration: how it is paid, how the codes are given."""

from __future__ import annotations

from cmsdesk.desk.cashier import METHODS
from cmsdesk.desk.screens.registration.view import FormView
from cmsdesk.domain.configuration import Configuration
from cmsdesk.domain.request import Request
from cmsdesk.domain.words import word
from cmsdesk.operations.till import Till


def offer_choices(
    view: FormView, configuration: Configuration | None, till: Till | None, before: Request | None
) -> None:
    """Offer them on the form; ``before``: the request that is amended, which keeps the way it has."""
    methods = () if till is None or before is not None else till.methods
    offered = () if configuration is None else configuration.scratch_delivery
    if before is not None and before.scratch_delivery not in offered:
        offered = (before.scratch_delivery, *offered)
    view.take_choices(
        {method.value: METHODS[method] for method in methods}, {one.value: word(one) for one in offered}
    )
