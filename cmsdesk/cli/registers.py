"""The registers that the service's settings name."""

from __future__ import annotations

from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509

from cmsdesk.backend.services.look_ups import Registers
from cmsdesk.base.clock import Clock
from cmsdesk.base.secret import Secret
from cmsdesk.lookups.anpr import Anpr, AnprService, AnprSettings
from cmsdesk.lookups.jws import TokenKey
from cmsdesk.lookups.own_registry import OwnRegistry, OwnRegistrySettings
from cmsdesk.lookups.pdnd import PdndSettings, Vouchers
from cmsdesk.lookups.registro_imprese import RegistroImprese, RegistroImpreseSettings
from cmsdesk.lookups.tax_agency import TaxAgency
from cmsdesk.lookups.transport import Endpoint


@dataclass(frozen=True)
class RegistroImpreseFiles:
    """Registro Imprese (domain.md §5.4)."""

    url: str
    client_id: str
    audience: str
    key: Path
    """RSA key that signs our assertions, PEM, readable by the service alone."""
    certificate: Path
    """Its certificate, PEM."""
    roots: Path | None = None
    answer_timeout_s: float = 8.0


@dataclass(frozen=True)
class ReaRegistryFiles:
    """The gateway that speaks ``resources/openapi/rea-registry.yaml``."""

    url: str
    key: Path
    """File with the bearer token, readable by the service alone."""
    roots: Path | None = None
    answer_timeout_s: float = 8.0


@dataclass(frozen=True)
class TaxAgencyFiles:
    """The tax agency's check of codici fiscali under a PDND voucher (domain.md §5.1, §5.3)."""

    url: str
    voucher_url: str
    client_id: str
    audience: str
    purpose_id: str
    kid: str
    key: Path
    """RSA key that signs our assertions, PEM, readable by the service alone."""
    roots: Path | None = None
    answer_timeout_s: float = 8.0


@dataclass(frozen=True)
class AnprFiles:
    """ANPR's personal data under PDND vouchers, calls signed (domain.md §5.1, §5.2)."""

    url: str
    voucher_url: str
    client_id: str
    audience: str
    kid: str
    key: Path
    """RSA key that signs our assertions and calls, PEM, readable by the service alone."""
    ids_purpose: str
    """Purpose of the service that gives ids (C030)."""
    residences_purpose: str
    """Purpose of the service that gives residences (C020)."""
    reason: str
    """What ANPR's records say we asked for."""
    ids_service: str = "C030-servizioAccertamentoIdUnicoNazionale"
    residences_service: str = "C020-servizioAccertamentoResidenza"
    roots: Path | None = None
    answer_timeout_s: float = 8.0


def open_registers(
    imprese: RegistroImpreseFiles | None,
    rea: ReaRegistryFiles | None,
    agency: TaxAgencyFiles | None,
    anpr: AnprFiles | None,
    clock: Clock,
    closing: ExitStack,
) -> Registers:
    """Return the registers' clients; ``closing`` ends them."""
    companies = None if imprese is None else _imprese(imprese, clock, closing)
    offices = None if rea is None else _rea(rea, closing)
    codes = None if agency is None else _agency(agency, clock, closing)
    return Registers(companies, offices, codes, None if anpr is None else _anpr(anpr, clock, closing))


def _imprese(files: RegistroImpreseFiles, clock: Clock, closing: ExitStack) -> RegistroImprese:
    certificate = x509.load_pem_x509_certificate(files.certificate.read_bytes())
    key = TokenKey.load(files.key.read_bytes(), certificate=certificate)
    endpoint = Endpoint(files.url, files.roots, answer_timeout_s=files.answer_timeout_s)
    made = RegistroImprese(RegistroImpreseSettings(endpoint, files.client_id, files.audience), key, clock)
    closing.callback(made.close)
    return made


def _rea(files: ReaRegistryFiles, closing: ExitStack) -> OwnRegistry:
    endpoint = Endpoint(files.url, files.roots, answer_timeout_s=files.answer_timeout_s)
    made = OwnRegistry(OwnRegistrySettings(endpoint, Secret(files.key.read_text(encoding="ascii").strip())))
    closing.callback(made.close)
    return made


def _agency(files: TaxAgencyFiles, clock: Clock, closing: ExitStack) -> TaxAgency:
    key = TokenKey.load(files.key.read_bytes(), kid=files.kid)
    authorisation = Endpoint(files.voucher_url, files.roots, answer_timeout_s=files.answer_timeout_s)
    settings = PdndSettings(authorisation, files.client_id, files.audience, files.purpose_id)
    endpoint = Endpoint(files.url, files.roots, answer_timeout_s=files.answer_timeout_s)
    made = TaxAgency(endpoint, Vouchers(settings, key, clock))
    closing.callback(made.close)
    return made


def _anpr(files: AnprFiles, clock: Clock, closing: ExitStack) -> Anpr:
    key = TokenKey.load(files.key.read_bytes(), kid=files.kid)
    authorisation = Endpoint(files.voucher_url, files.roots, answer_timeout_s=files.answer_timeout_s)
    vouchers = {
        purpose: Vouchers(PdndSettings(authorisation, files.client_id, files.audience, purpose), key, clock)
        for purpose in (files.ids_purpose, files.residences_purpose)
    }
    settings = AnprSettings(
        Endpoint(files.url, files.roots, answer_timeout_s=files.answer_timeout_s),
        files.client_id,
        AnprService(files.ids_service, "C030", files.ids_purpose),
        AnprService(files.residences_service, "C020", files.residences_purpose),
        files.reason,
    )
    made = Anpr(settings, vouchers, key, clock)
    closing.callback(made.close)
    return made
