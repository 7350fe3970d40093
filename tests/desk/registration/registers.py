"""Registers outside for a desk of the tests: real clients and doors, without the way to the service."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass

from cmsdesk.backend.services.look_ups import LookUps
from cmsdesk.base.clock import SystemClock
from cmsdesk.cli.registers import (
    AnprFiles,
    ReaRegistryFiles,
    RegistroImpreseFiles,
    TaxAgencyFiles,
    open_registers,
)
from cmsdesk.domain.commands import Actor
from cmsdesk.operations.company_check import CompanyCheck
from cmsdesk.operations.lookups import CodeAnswer, Companies, PersonAnswer
from cmsdesk.sandbox.anpr import ROOT
from cmsdesk.sandbox.outside import Outside
from tests.desk.bench import Desk
from tests.sync.bench import CentralService


@dataclass
class NearLookUps:
    """The service's look-ups without the way to it."""

    look_ups: LookUps
    actor: Actor

    def represented_by(self, person: str) -> Companies:
        return self.look_ups.represented_by(person, self.actor)

    def check(self, person: str, rea: str, year: int) -> CompanyCheck:
        return self.look_ups.check(person, rea, year, self.actor)

    def check_code(self, fiscal_code: str) -> CodeAnswer:
        return self.look_ups.check_code(fiscal_code, self.actor)

    def person(self, fiscal_code: str) -> PersonAnswer:
        return self.look_ups.person(fiscal_code, self.actor)


def ask_registers(desk: Desk, central: CentralService, outside: Outside, closing: ExitStack) -> None:
    """Have a desk's look-ups asked of the sandbox's registers, until ``closing`` ends."""
    folder = outside.folder
    roots = folder / "registers-tls" / "root.pem"
    registers = open_registers(
        RegistroImpreseFiles(
            outside.imprese.url,
            "cmsdesk",
            "ic-audience",
            folder / "registers.key",
            folder / "registers.pem",
            roots,
            2.0,
        ),
        ReaRegistryFiles(outside.rea.url, folder / "rea.token", roots, 2.0),
        TaxAgencyFiles(
            outside.agency.url,
            outside.agency.url,
            "cmsdesk",
            "auth.interop.pagopa.it/client-assertion",
            "scopo-1",
            "kid-1",
            folder / "registers.key",
            roots,
            2.0,
        ),
        AnprFiles(
            outside.anpr.url + ROOT,
            outside.anpr.url,
            "cmsdesk",
            "auth.interop.pagopa.it/client-assertion",
            "kid-1",
            folder / "registers.key",
            "scopo-c030",
            "scopo-c020",
            "Rilascio di dispositivi CNS",
            roots=roots,
            answer_timeout_s=2.0,
        ),
        SystemClock(),
        closing,
    )
    look_ups = LookUps(central.engine, registers)
    closing.callback(look_ups.close)
    desk.look_ups = NearLookUps(look_ups, desk.actor)
