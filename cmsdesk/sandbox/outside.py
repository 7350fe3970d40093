"""The registers outside, as the sandbox's service reaches them: stand-ins, keys, settings."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from sqlalchemy import Engine

from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import ROME, Clock
from cmsdesk.domain.events import Document
from cmsdesk.sandbox.anpr import IDS, RESIDENCES, ROOT, AnprStandIn, Resident
from cmsdesk.sandbox.pdnd import TaxAgencyStandIn
from cmsdesk.sandbox.registers import Company, OwnRegistryStandIn, RegistroImpreseStandIn, Trouble
from cmsdesk.sandbox.tls import TlsRoot

SAMPLE = Path(__file__).parent / "samples" / "companies.toml"
RESIDENTS = SAMPLE.with_name("residents.toml")
_CLIENT, _AUDIENCE, _PURPOSE, _KID = "cmsdesk", "ic-audience", "scopo-1", "kid-1"
_PURPOSES = {IDS: "scopo-c030", RESIDENCES: "scopo-c020"}
_TOKEN = "chiave-di-prova"  # noqa: S105 - opens a stand-in on this computer, nothing else
_KEY_LIFE = timedelta(days=365)
_DIRECTOR = ("AU", "Amministratore unico", True)
_SETTINGS = """
[registro_imprese]
url = "{imprese}"
client_id = "{client}"
audience = "{audience}"
key = "registers.key"
certificate = "registers.pem"
roots = "{roots}"

[rea_registry]
url = "{rea}"
key = "rea.token"
roots = "{roots}"

[tax_agency]
url = "{agency}"
voucher_url = "{agency}"
client_id = "{client}"
audience = "auth.interop.pagopa.it/client-assertion"
purpose_id = "{purpose}"
kid = "{kid}"
key = "registers.key"
roots = "{roots}"

[anpr]
url = "{anpr}{anpr_root}"
voucher_url = "{anpr}"
client_id = "{client}"
audience = "auth.interop.pagopa.it/client-assertion"
kid = "{kid}"
key = "registers.key"
ids_purpose = "{ids}"
residences_purpose = "{residences}"
reason = "Rilascio di dispositivi CNS"
roots = "{roots}"
"""


class Outside:
    """Registro Imprese, the REA interface, the tax agency and ANPR on 127.0.0.1; `close` takes them down.

    All know the same companies: those of ``samples/companies.toml`` and what `know` was told.
    """

    def __init__(self, folder: Path, clock: Clock) -> None:
        """``folder``: the service's; keys, certificates and token are written there anew."""
        self._closing = ExitStack()
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        tls = TlsRoot(folder / "registers-tls", clock.now())
        server = tls.server()
        key = rsa.generate_private_key(65537, 2048)
        self.companies = sample_companies()
        self.imprese = RegistroImpreseStandIn(server, self.companies, _CLIENT, _AUDIENCE, clock)
        self._closing.callback(self.imprese.close)
        self.rea = OwnRegistryStandIn(server, self.companies, _TOKEN)
        self._closing.callback(self.rea.close)
        self.agency = TaxAgencyStandIn(server, key.public_key(), _CLIENT, _KID, [_PURPOSE], clock)
        self._closing.callback(self.agency.close)
        self.anpr = AnprStandIn(server, key.public_key(), _CLIENT, _KID, _PURPOSES, sample_residents(), clock)
        self._closing.callback(self.anpr.close)
        _write_key(folder / "registers.key", key)
        (folder / "registers.pem").write_bytes(_certificate(key, clock))
        (folder / "rea.token").write_text(f"{_TOKEN}\n", encoding="ascii")
        self.settings = _SETTINGS.format(
            imprese=self.imprese.url,
            rea=self.rea.url,
            agency=self.agency.url,
            anpr=self.anpr.url,
            anpr_root=ROOT,
            ids=_PURPOSES[IDS],
            residences=_PURPOSES[RESIDENCES],
            client=_CLIENT,
            audience=_AUDIENCE,
            purpose=_PURPOSE,
            kid=_KID,
            roots=tls.root.as_posix(),
        )
        """Sections of the service's settings file."""

    def know(self, companies: Iterable[Company]) -> None:
        """Let the registers know more companies; one whose key is known already changes nothing."""
        known = {company.rea for company in self.companies}
        self.companies += [company for company in companies if company.rea not in known]

    def trouble(self, *, slow_s: float = 0.0, wrong: str = "") -> None:
        """Have all answer late, or do one thing wrong (`registers.WRONG`); without either: mend them."""
        for register in (self.imprese, self.rea, self.agency, self.anpr):
            register.trouble = Trouble(slow_s, wrong)

    def close(self) -> None:
        """Take them down."""
        self._closing.close()


def sample_companies(path: Path = SAMPLE) -> list[Company]:
    """Return the companies of a file."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return [_sample(company) for company in found["companies"]]


def sample_residents(path: Path = RESIDENTS) -> list[Resident]:
    """Return the residents of a file."""
    found = tomllib.loads(path.read_text(encoding="utf-8"))
    return [
        Resident(**{**one, "road": tuple(one["road"]), "town": tuple(one["town"])})
        for one in found["residents"]
    ]


def companies_on_record(engine: Engine, bodies: Iterable[str], clock: Clock) -> list[Company]:
    """Return the companies that requests and bookings of bodies name, as the registers would know them.

    Every applicant is a sole director; of four companies three have paid the annual fee.
    """
    year = clock.now().astimezone(ROME).year
    found: dict[str, Company] = {}
    with engine.connect() as connection:
        stored = StoredThings(connection)
        for body in bodies:
            for _, document in stored.of_body("request", body):
                company = _of_request(document, year)
                if company is not None:
                    found.setdefault(company.rea, company)
    return list(found.values())


def _of_request(document: Document, year: int) -> Company | None:
    named, holder = document.get("company"), document.get("holder")
    if not named or not holder or not named.get("fiscal_code"):
        return None
    digits = int(named["rea_number"])
    return Company(
        rea=f"{named['rea_office']}-{named['rea_number']}",
        fiscal_code=named["fiscal_code"],
        name=named["name"],
        offices={holder["fiscal_code"]: (_DIRECTOR,)},
        fee_paid=frozenset({year - 1, year}) if digits % 4 else frozenset(),
    )


def _sample(company: dict[str, object]) -> Company:
    offices: dict[str, tuple[tuple[str, str, bool], ...]] = {}
    people = company["people"]
    if not isinstance(people, list):
        raise TypeError("people")
    for person in people:
        held = (str(person["code"]), str(person["title"]), bool(person["represents"]))
        offices[person["fiscal_code"]] = (*offices.get(person["fiscal_code"], ()), held)
    years = company["fee_paid"]
    if not isinstance(years, list):
        raise TypeError("fee_paid")
    return Company(
        rea=str(company["rea"]),
        fiscal_code=str(company["fiscal_code"]),
        name=str(company["name"]),
        offices=offices,
        fee_paid=frozenset(int(year) for year in years),
    )


def _write_key(path: Path, key: rsa.RSAPrivateKey) -> None:
    path.touch(mode=0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    )


def _certificate(key: rsa.RSAPrivateKey, clock: Clock) -> bytes:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "cmsdesk sandbox")])
    now = clock.now()
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + _KEY_LIFE)
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
