"""The rules of the first issue in sentences, as the operators will live with them (REG-4…6)."""

from __future__ import annotations

from collections.abc import Mapping

from cmsdesk.base.texts import N_
from cmsdesk.domain.configuration import AnnualFee, EarlierIssues, FirstIssueRules, Imposed

Sentence = tuple[str, dict[str, str]]
"""A message of the catalogue and its values."""

ANNUAL_FEE: Mapping[AnnualFee, str] = {
    AnnualFee.REQUIRED: N_("must be paid"),
    AnnualFee.SHOWN: N_("is shown, and does not count"),
    AnnualFee.IGNORED: N_("is not looked at"),
}
EARLIER: Mapping[EarlierIssues, str] = {
    EarlierIssues.ABSOLUTE: N_("all devices count"),
    EarlierIssues.PER_DEVICE_KIND: N_("only devices of the same type count"),
    EarlierIssues.IGNORED: N_("are not looked at"),
}
IMPOSED: Mapping[Imposed | None, str] = {
    None: N_("as the rules say"),
    Imposed.FIRST: N_("always the first issue"),
    Imposed.NOT_FIRST: N_("never the first issue"),
}
_FEE_SENTENCES: Mapping[AnnualFee, str] = {
    AnnualFee.REQUIRED: N_("The company must have paid its annual fee."),
    AnnualFee.SHOWN: N_(
        "Whether the company has paid its annual fee is shown to the operator, and does not count."
    ),
    AnnualFee.IGNORED: N_("The annual fee is not looked at."),
}
_EARLIER_SENTENCES: Mapping[EarlierIssues, str] = {
    EarlierIssues.ABSOLUTE: N_("No device may have been issued to the company before, whoever supplied it."),
    EarlierIssues.PER_DEVICE_KIND: N_(
        "No device of the same type may have been issued to the company before, whoever supplied it."
    ),
    EarlierIssues.IGNORED: N_("Earlier issues are not looked at."),
}
_IMPOSED_SENTENCES: Mapping[Imposed, str] = {
    Imposed.FIRST: N_("In «{office}» every issue counts as the first one, whatever the rules say."),
    Imposed.NOT_FIRST: N_("In «{office}» no issue counts as the first one, whatever the rules say."),
}


def rules_in_sentences(rules: FirstIssueRules, offices: Mapping[str, str]) -> list[Sentence]:
    """Return what makes an issue the first one to a company; ``offices``: names by id."""
    said: list[Sentence] = []
    if rules.cariche:
        message = N_("The applicant must hold one of these offices in the company: {codes}.")
        said.append((message, {"codes": ", ".join(rules.cariche)}))
    else:
        said.append((N_("The applicant must be a legal representative of the company."), {}))
    said.append((_FEE_SENTENCES[rules.annual_fee], {}))
    said.append((_EARLIER_SENTENCES[rules.earlier_issues], {}))
    if rules.earlier_issues is not EarlierIssues.IGNORED:
        one = N_("What another representative of the company has counts too: one device per company.")
        each = N_("Only what the applicant has counts: each representative may have one.")
        said.append((one if rules.one_per_company else each, {}))
    if rules.holder_without_device:
        said.append((N_("The applicant must not have a device already."), {}))
    said.append((N_("A register that does not answer never blocks: the further fee is charged then."), {}))
    for office, imposed in sorted(rules.imposed.items(), key=lambda one: offices.get(one[0], one[0])):
        said.append((_IMPOSED_SENTENCES[imposed], {"office": offices.get(office, office)}))
    return said
