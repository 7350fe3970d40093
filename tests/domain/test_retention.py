"""Until when personal data are kept: by the law's times, or by what the body decided."""

from __future__ import annotations

from datetime import UTC, date, datetime
from typing import Any

import pytest

from cmsdesk.domain.configuration import Configuration, RetentionRules
from cmsdesk.domain.journal import Validity, months_after
from cmsdesk.domain.request import RequestState
from cmsdesk.domain.retention import WITHOUT_CERTIFICATE, earlier_kept_until, request_kept_until
from cmsdesk.domain.shapes import ShapeWrong
from cmsdesk.operations.body_defaults import default_configuration

ISSUED = datetime(2026, 3, 12, tzinfo=UTC)
SHORT = Validity(ISSUED, datetime(2029, 3, 12, 10, tzinfo=UTC))
RENEWED = Validity(datetime(2029, 2, 1, tzinfo=UTC), datetime(2032, 2, 1, tzinfo=UTC))
CHANGED = datetime(2026, 8, 31, 9, tzinfo=UTC)
RULES = RetentionRules(without_certificate_months=6, earlier_issues_years=20)


def test_the_longest_of_several_certificates_counts_whatever_the_body_decided() -> None:
    found = request_kept_until(RequestState.DELIVERED, [RENEWED, SHORT], CHANGED, RULES)
    assert found == datetime(2052, 2, 1, tzinfo=UTC)
    cancelled = request_kept_until(RequestState.CANCELLED, [SHORT], CHANGED, RULES)
    assert cancelled == datetime(2049, 3, 12, 10, tzinfo=UTC), "withdrawn certificates are evidence too"


@pytest.mark.parametrize("state", RequestState)
def test_without_a_certificate_the_body_decides(state: RequestState) -> None:
    found = request_kept_until(state, [], CHANGED, RULES)
    expected = datetime(2027, 3, 1, 9, tzinfo=UTC) if state in WITHOUT_CERTIFICATE else None
    assert found == expected
    assert request_kept_until(state, [], CHANGED, RetentionRules()) is None, "it decided nothing: kept"


def test_what_is_being_produced_stays() -> None:
    assert request_kept_until(RequestState.IN_PRODUCTION, [SHORT], CHANGED, RULES) is None


def test_the_archive_has_the_laws_years_at_least() -> None:
    assert earlier_kept_until(date(2004, 2, 29), RULES) == datetime(2024, 2, 29, tzinfo=UTC)
    assert earlier_kept_until(date(2004, 2, 29), RetentionRules()) is None


@pytest.mark.parametrize(
    ("months", "there"),
    [(1, "2027-03-01"), (4, "2027-05-31"), (-12, "2026-01-31"), (12 * 20, "2047-01-31"), (13, "2028-03-01")],
)
def test_months_are_full_on_the_day_or_the_next_first(months: int, there: str) -> None:
    assert months_after(datetime(2027, 1, 31, tzinfo=UTC), months).date().isoformat() == there


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("without_certificate_months", -1),
        ("without_certificate_months", 3),
        ("without_certificate_months", 1201),
        ("earlier_issues_years", 19),
        ("earlier_issues_years", 99999),
    ],
)
def test_what_would_erase_too_early_is_refused(name: str, value: int) -> None:
    sections: dict[str, Any] = default_configuration("Ente di Prova").sections()
    sections["retention"][name] = value
    with pytest.raises(ShapeWrong) as caught:
        Configuration.of(sections)
    assert caught.value.where == f"retention.{name}"
