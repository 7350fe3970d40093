"""The first issue to a company: chambers' rules as they publish them, and what holds for any rules."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cmsdesk.domain.configuration import (
    AnnualFee,
    DeviceFee,
    EarlierIssues,
    Extra,
    FirstIssueRules,
    Imposed,
    Tariffs,
)
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.first_issue import Earlier, Finding, FirstIssue, Found, decide

OFFICE = "sportello-1"
CARD, TOKEN = DeviceKind.SMART_CARD, DeviceKind.USB_TOKEN
# DM 16/6/2008, DI 17/7/2012 as chambers publish them (domain.md §9)
NATIONAL = Tariffs({CARD: DeviceFee(0, 2500), TOKEN: DeviceFee(4000, 7000)})
CERTIFICATE = Extra("certificate", {"it": "Certificato"}, 1510)
ROMAGNA = replace(NATIONAL, extras=(CERTIFICATE, Extra("shipping", {"it": "Spedizione"}, 2900, always=False)))
USUAL = FirstIssueRules(annual_fee=AnnualFee.REQUIRED)
VERONA = replace(USUAL, holder_without_device=True)
GOOD = Found(
    company="BZ-123456",
    legal_representative=Finding.YES,
    cariche=("AMM",),
    annual_fee=Finding.YES,
    earlier=(),
    holder_has_device=Finding.NO,
)

# rules, tariffs, kind, what differs from the good case, first, cents, words in the first reason
CHAMBERS = [
    (USUAL, NATIONAL, CARD, {}, True, 0, "All conditions"),
    (USUAL, NATIONAL, TOKEN, {}, True, 4000, "All conditions"),
    (USUAL, NATIONAL, CARD, {"company": None}, False, 2500, "no company"),
    (USUAL, NATIONAL, TOKEN, {"annual_fee": Finding.NO}, False, 7000, "has not paid"),
    (USUAL, NATIONAL, CARD, {"annual_fee": Finding.UNAVAILABLE}, False, 2500, "did not answer"),
    (USUAL, NATIONAL, CARD, {"legal_representative": Finding.NO}, False, 2500, "no legal representative"),
    (USUAL, NATIONAL, CARD, {"legal_representative": Finding.UNAVAILABLE}, False, 2500, "did not answer"),
    (USUAL, NATIONAL, CARD, {"legal_representative": Finding.CONTRADICTORY}, False, 2500, "contradicts"),
    (USUAL, NATIONAL, CARD, {"earlier": (Earlier(TOKEN),)}, False, 2500, "to the company before"),
    (USUAL, NATIONAL, CARD, {"earlier": None}, False, 2500, "could not be asked"),
    (USUAL, ROMAGNA, TOKEN, {}, True, 5510, "All conditions"),
    (USUAL, ROMAGNA, TOKEN, {"annual_fee": Finding.NO}, False, 8510, "has not paid"),
    (USUAL, NATIONAL, CARD, {"holder_has_device": Finding.YES}, True, 0, "All conditions"),
    (VERONA, NATIONAL, CARD, {"holder_has_device": Finding.YES}, False, 2500, "a device already"),
    (VERONA, NATIONAL, CARD, {"holder_has_device": Finding.NOT_ASKED}, False, 2500, "not looked up"),
    (VERONA, NATIONAL, CARD, {}, True, 0, "All conditions"),
    (replace(USUAL, cariche=("AU", "AMM")), NATIONAL, CARD, {}, True, 0, "All conditions"),
    (replace(USUAL, cariche=("AU",)), NATIONAL, CARD, {}, False, 2500, "no legal representative"),
    (
        replace(USUAL, cariche=("PROC",)),
        NATIONAL,
        CARD,
        {"legal_representative": Finding.NO, "cariche": ("PROC",)},
        True,
        0,
        "All conditions",
    ),
    (replace(USUAL, annual_fee=AnnualFee.SHOWN), NATIONAL, CARD, {"annual_fee": Finding.NO}, True, 0, "All"),
    (
        replace(USUAL, earlier_issues=EarlierIssues.PER_DEVICE_KIND),
        NATIONAL,
        CARD,
        {"earlier": (Earlier(TOKEN, to_applicant=True),)},
        True,
        0,
        "All conditions",
    ),
    (
        replace(USUAL, earlier_issues=EarlierIssues.PER_DEVICE_KIND),
        NATIONAL,
        CARD,
        {"earlier": (Earlier(TOKEN), Earlier(CARD))},
        False,
        2500,
        "of this type",
    ),
    (replace(USUAL, earlier_issues=EarlierIssues.IGNORED), NATIONAL, CARD, {"earlier": None}, True, 0, "All"),
    (replace(USUAL, one_per_company=False), NATIONAL, CARD, {"earlier": (Earlier(CARD),)}, True, 0, "All"),
    (
        replace(USUAL, one_per_company=False),
        NATIONAL,
        CARD,
        {"earlier": (Earlier(CARD, to_applicant=True),)},
        False,
        2500,
        "to the company before",
    ),
]


@pytest.mark.parametrize(("rules", "tariffs", "kind", "found", "first", "cents", "words"), CHAMBERS)
def test_chambers_rules(
    rules: FirstIssueRules,
    tariffs: Tariffs,
    kind: DeviceKind,
    found: dict[str, object],
    first: bool,
    cents: int,
    words: str,
) -> None:
    outcome = decide(rules, tariffs, OFFICE, kind, replace(GOOD, **found))  # type: ignore[arg-type]
    assert (outcome.first, outcome.fee_cents) == (first, cents)
    assert outcome.tariff == ("first" if first else "further")
    assert words in outcome.reasons[0].text


def test_a_fee_that_is_only_shown_is_shown() -> None:
    rules = replace(USUAL, annual_fee=AnnualFee.SHOWN)
    outcome = decide(rules, NATIONAL, OFFICE, CARD, replace(GOOD, annual_fee=Finding.NO))
    assert [reason.text for reason in outcome.reasons][1:] == ["Annual fee, for information only: not paid."]
    ignored = decide(
        replace(rules, annual_fee=AnnualFee.IGNORED),
        NATIONAL,
        OFFICE,
        CARD,
        replace(GOOD, annual_fee=Finding.NO),
    )
    assert len(ignored.reasons) == 1


@pytest.mark.parametrize("imposed", Imposed)
@pytest.mark.parametrize("good", [True, False])
def test_what_a_chamber_imposes_counts_and_what_the_rules_say_stays_visible(
    imposed: Imposed, good: bool
) -> None:
    rules = replace(USUAL, imposed={OFFICE: imposed})
    found = GOOD if good else replace(GOOD, annual_fee=Finding.NO)
    outcome = decide(rules, NATIONAL, OFFICE, CARD, found)
    assert outcome.imposed
    assert (outcome.first, outcome.computed) == (imposed is Imposed.FIRST, good)
    assert outcome.fee_cents == (0 if imposed is Imposed.FIRST else 2500)
    assert "imposes" in outcome.reasons[0].text
    assert len(outcome.reasons) == 2
    assert not decide(rules, NATIONAL, "sportello-2", CARD, found).imposed


def test_a_kind_without_a_tariff_is_an_error() -> None:
    with pytest.raises(KeyError):
        decide(USUAL, Tariffs({CARD: DeviceFee(0, 2500)}), OFFICE, TOKEN, GOOD)


CARICHE = st.lists(st.sampled_from(["AU", "AMM", "PROC", "TIT"]), max_size=3, unique=True).map(tuple)
RULES = st.builds(
    FirstIssueRules,
    cariche=CARICHE,
    annual_fee=st.sampled_from(AnnualFee),
    earlier_issues=st.sampled_from(EarlierIssues),
    one_per_company=st.booleans(),
    holder_without_device=st.booleans(),
    imposed=st.dictionaries(st.sampled_from([OFFICE, "altro"]), st.sampled_from(Imposed)),
)
EARLIER = st.none() | st.lists(st.builds(Earlier, st.sampled_from(DeviceKind), st.booleans()), max_size=3)
FOUND = st.builds(
    Found,
    company=st.sampled_from([None, "BZ-1"]),
    legal_representative=st.sampled_from(Finding),
    cariche=CARICHE,
    annual_fee=st.sampled_from(Finding),
    earlier=EARLIER,
    holder_has_device=st.sampled_from(Finding),
)


@given(RULES, st.sampled_from(DeviceKind), FOUND)
def test_the_outcome_is_always_explained_and_priced(
    rules: FirstIssueRules, kind: DeviceKind, found: Found
) -> None:
    outcome = decide(rules, ROMAGNA, OFFICE, kind, found)
    assert outcome.reasons
    assert outcome.imposed == (OFFICE in rules.imposed)
    assert outcome.first == outcome.computed or outcome.imposed
    fee = ROMAGNA.devices[kind]
    assert outcome.fee_cents == (fee.first_cents if outcome.first else fee.further_cents) + 1510
    if found.company is None:
        assert not outcome.computed
    if not outcome.imposed:
        assert outcome.first == (outcome.reasons[0].text.startswith("All conditions"))


BETTER = {
    "legal_representative": Finding.YES,
    "annual_fee": Finding.YES,
    "earlier": (),
    "holder_has_device": Finding.NO,
}


@given(RULES, st.sampled_from(DeviceKind), FOUND, st.sampled_from(sorted(BETTER)))
def test_a_better_answer_never_makes_it_dearer(
    rules: FirstIssueRules, kind: DeviceKind, found: Found, name: str
) -> None:
    def cost(of: Found) -> FirstIssue:
        return decide(rules, NATIONAL, OFFICE, kind, of)

    better = replace(found, **{name: BETTER[name]})  # type: ignore[arg-type]
    if not (name == "legal_representative" and rules.cariche):
        assert cost(better).fee_cents <= cost(found).fee_cents
    assert cost(found) == cost(found)
