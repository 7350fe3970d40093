"""Look-ups from a desk over HTTPS, through the service, to registers that may be down, slow or wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

from cmsdesk.backend.services.administration import Administration
from cmsdesk.base.clock import SystemClock
from cmsdesk.domain.device import DeviceKind
from cmsdesk.domain.first_issue import Earlier, Finding
from cmsdesk.lookups.places import ANPR_COLUMNS, load, read_anpr, read_saved, save
from cmsdesk.operations.lookups import NO_ANSWER, Answered, CodeCheck, Contradictory, Unavailable
from cmsdesk.sandbox.desks import Desk, ServiceProcess, sign_in
from cmsdesk.sandbox.pdnd import TaxAgencyStandIn
from cmsdesk.sandbox.registers import Company, OwnRegistryStandIn, RegistroImpreseStandIn
from cmsdesk.sandbox.tls import TlsRoot
from cmsdesk.sandbox.world import BODY, DESKS
from cmsdesk.sync.far_look_ups import FarLookUps
from cmsdesk.sync.far_municipalities import FarMunicipalities
from tests.service.conftest import Office

TABLE = "municipalities.json"
MARTA, OTHER = "TSSMRT87C54A952D", "RSSMRA80A01H501U"
PROVA = Company(
    "BZ-123456",
    "00743110157",
    "Prova S.r.l.",
    {MARTA: (("AU", "Amministratore unico", True),)},
    frozenset({2026}),
)
_SETTINGS = """
[registro_imprese]
url = "{imprese}"
client_id = "cmsdesk"
audience = "ic-audience"
key = "registers.key"
certificate = "registers.pem"
roots = "{roots}"
answer_timeout_s = 2.0

[rea_registry]
url = "{rea}"
key = "rea.token"
roots = "{roots}"
answer_timeout_s = 2.0

[tax_agency]
url = "{agency}"
voucher_url = "{agency}"
client_id = "client-1"
audience = "auth.interop.pagopa.it/client-assertion"
purpose_id = "scopo-1"
kid = "kid-1"
key = "registers.key"
roots = "{roots}"
answer_timeout_s = 2.0
"""


class Outside:
    """The two registers, and the desk that asks them through the service."""

    def __init__(self, office: Office, stack: ExitStack) -> None:
        folder = office.world.places.service
        tls = TlsRoot(folder / "registers-tls", datetime.now(UTC))
        self.imprese = RegistroImpreseStandIn(tls.server(), [PROVA], "cmsdesk", "ic-audience", SystemClock())
        stack.callback(self.imprese.close)
        self.rea = OwnRegistryStandIn(tls.server(), [PROVA], "chiave-di-prova")
        stack.callback(self.rea.close)
        key = rsa.generate_private_key(65537, 2048)
        self.agency = TaxAgencyStandIn(
            tls.server(), key.public_key(), "client-1", "kid-1", ["scopo-1"], SystemClock()
        )
        stack.callback(self.agency.close)
        (folder / "registers.key").write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
        )
        (folder / "registers.pem").write_bytes(_certificate(key))
        (folder / "rea.token").write_text("chiave-di-prova\n")
        settings = folder / "service.toml"
        before = settings.read_text(encoding="utf-8")
        stack.callback(settings.write_text, before)
        addresses = {"imprese": self.imprese.url, "rea": self.rea.url, "agency": self.agency.url}
        more = _SETTINGS.format(roots=tls.root, **addresses)
        settings.write_text(f'municipalities = "{TABLE}"\n{before}{more}', encoding="utf-8")
        service = stack.enter_context(ServiceProcess(office.world))
        self.desk: Desk = sign_in(office.world, service, DESKS[0], office.operator)
        stack.callback(self.desk.close)
        self.look_ups = FarLookUps(self.desk.connection)


def _certificate(key: rsa.RSAPrivateKey) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cmsdesk prova")])
    now = datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


@pytest.fixture(scope="module")
def outside(office: Office) -> Iterator[Outside]:
    """A service that is set up for the registers."""
    with ExitStack() as stack:
        yield Outside(office, stack)


def test_what_the_registers_say(outside: Outside) -> None:
    check = outside.look_ups.check(MARTA, "BZ-123456", 2026)
    assert isinstance(check.company, Answered)
    assert check.represents == check.annual_fee == Answered(True)
    assert check.found("BZ-123456").legal_representative is Finding.YES
    other = outside.look_ups.check(OTHER, "BZ-123456", 2025)
    assert other.represents == other.annual_fee == Answered(False)
    unknown = outside.look_ups.check(MARTA, "BZ-1", 2026)
    assert unknown.company == Answered(None)
    assert unknown.represents == Answered(False)
    companies = outside.look_ups.represented_by(MARTA)
    assert isinstance(companies, Answered)
    assert [company.name for company in companies.value] == ["Prova S.r.l."]


def test_earlier_issues_of_the_archive_count(outside: Outside, office: Office) -> None:
    issue = {
        "device_kind": "usb_token",
        "issued_on": "2019-05-31",
        "supplier": "Altro fornitore",
        "fiscal_code": MARTA,
        "rea": "BZ-123456",
    }
    Administration(office.world.service.engine, SystemClock(), BODY).execute("archive.record", issues=[issue])
    check = outside.look_ups.check(MARTA, "BZ-123456", 2026)
    assert check.earlier == (Earlier(DeviceKind.USB_TOKEN, to_applicant=True),)
    assert outside.look_ups.check(OTHER, "BZ-123456", 2026).earlier == (Earlier(DeviceKind.USB_TOKEN),)
    assert outside.look_ups.check(MARTA, "BZ-1", 2026).earlier == ()


def test_a_register_in_trouble_is_an_answer(outside: Outside) -> None:
    outside.imprese.trouble.wrong = "contradiction"
    assert isinstance(outside.look_ups.check(MARTA, "BZ-123456", 2026).represents, Contradictory)
    outside.imprese.trouble.wrong = ""
    outside.rea.close()
    check = outside.look_ups.check(MARTA, "BZ-123456", 2026)
    assert check.company == check.offices == check.annual_fee == check.represents == Unavailable(NO_ANSWER)
    assert check.found("BZ-123456").legal_representative is Finding.UNAVAILABLE
    outside.rea.door.open()
    assert outside.look_ups.check(MARTA, "BZ-123456", 2026).represents == Answered(True)


def test_the_tax_agency_knows_a_code(outside: Outside) -> None:
    assert outside.look_ups.check_code(MARTA) == Answered(CodeCheck(True, "Codice fiscale valido"))
    outside.agency.close()
    assert outside.look_ups.check_code(MARTA) == Unavailable(NO_ANSWER)


def test_a_service_without_registers_says_so(office: Office) -> None:
    desk = office.desk()
    check = FarLookUps(desk.connection).check(MARTA, "BZ-123456", 2026)
    assert isinstance(check.company, Unavailable)
    assert isinstance(FarLookUps(desk.connection).represented_by(MARTA), Unavailable)
    assert isinstance(FarLookUps(desk.connection).check_code(MARTA), Unavailable)
    desk.close()


def test_desks_get_the_imported_municipalities_and_forget_them(
    office: Office, outside: Outside, tmp_path: Path
) -> None:
    there, here = office.world.places.service / TABLE, tmp_path / TABLE

    def renew() -> None:
        FarMunicipalities(outside.desk.connection, here, read_saved).renew()

    renew()
    assert not here.exists(), "none was imported: the built-in one serves"
    line = '"2024-01-01","9999-12-31","021999","M999","NUOVO COMUNE","NEUDORF","BZ"'
    save(read_anpr([",".join(ANPR_COLUMNS), line]), there)
    renew()
    assert here.read_bytes() == there.read_bytes()
    assert [place.code for place in load(here).search("neudorf", date(2026, 1, 1))] == ["M999"]
    written = here.stat().st_mtime_ns
    renew()
    assert here.stat().st_mtime_ns == written, "the desk has it"
    there.write_bytes(b"{}")
    renew()
    assert load(here).at("M999", None) is not None, "what is no table is not kept"
    there.unlink()
    renew()
    assert not here.exists()
