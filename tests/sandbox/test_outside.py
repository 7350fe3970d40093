"""The registers that the sandbox stands in for."""

from __future__ import annotations

import tomllib
from pathlib import Path

from stdnum.it import iva

from cmsdesk.base.clock import SystemClock
from cmsdesk.cli.service_parts import ServiceSettings
from cmsdesk.sandbox.outside import Outside, sample_companies
from cmsdesk.sandbox.registers import Company


def test_the_companies_of_the_sample_have_codes_that_fit() -> None:
    companies = sample_companies()
    assert len({company.rea for company in companies}) == len(companies)
    assert all(iva.is_valid(company.fiscal_code) for company in companies)


def test_its_settings_are_the_service_s(tmp_path: Path) -> None:
    outside = Outside(tmp_path, SystemClock())
    try:
        found = tomllib.loads(outside.settings)
        assert set(found) == {"anpr", "registro_imprese", "rea_registry", "tax_agency"}
        assert set(found) <= ServiceSettings.__dataclass_fields__.keys()
        for section in found.values():
            assert (tmp_path / section["key"]).exists()
    finally:
        outside.close()


def test_what_it_knows_already_is_not_replaced(tmp_path: Path) -> None:
    outside = Outside(tmp_path, SystemClock())
    try:
        outside.know([Company("BZ-123456", "1", "Altra", {}), Company("RM-7", "2", "Nuova", {})])
        names = {company.rea: company.name for company in outside.rea.companies}
        assert names["BZ-123456"] == "Prova S.r.l."
        assert names["RM-7"] == "Nuova"
    finally:
        outside.close()
