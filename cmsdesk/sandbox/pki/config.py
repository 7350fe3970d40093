"""The one YAML file that declares the whole test PKI."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import time
from pathlib import Path
from typing import Any

import yaml

from cmsdesk.sandbox.pki.names import SUBJECT_ATTRIBUTES

DEFAULT = Path(__file__).with_name("pki.yaml")
KEYS = ("rsa2048", "rsa3072", "rsa4096", "ecp256", "ecp384")


class ConfigError(ValueError):
    """The file is not a PKI; the message names the place."""


@dataclass(frozen=True)
class Addresses:
    """Addresses written into certificates; the process listens elsewhere."""

    ca: str
    crl: str
    ocsp: str | None = None


@dataclass(frozen=True)
class Policy:
    """One certificate policy with its qualifiers (RFC 5280 §4.2.1.4)."""

    oid: str
    cps: str | None = None
    explicit_text: str | None = None


@dataclass(frozen=True)
class Disclosure:
    """One PKI disclosure statement (EN 319 412-5 §4.3.4)."""

    url: str
    language: str


@dataclass(frozen=True)
class QcStatements:
    """The parts of the qcStatements that differ between providers (domain.md §2.1)."""

    retention_years: int
    disclosure: tuple[Disclosure, ...]


@dataclass(frozen=True)
class OcspResponder:
    """Who signs OCSP answers."""

    responder: str
    """«delegated» (its own key and certificate) or «direct» (the CA's key)."""
    key: str = "rsa2048"
    years: int = 3


@dataclass(frozen=True)
class Root:
    """The self-signed root."""

    name: str
    subject: dict[str, str]
    key: str
    years: int
    addresses: Addresses


@dataclass(frozen=True)
class Issuer:
    """One issuing CA with the one profile it issues."""

    name: str
    profile: str
    """«cns» or «qualified»."""
    subject: dict[str, str]
    key: str
    years: int
    certificate_profile: str
    end_entity_profile: str
    ocsp: OcspResponder
    certificate_years: int
    crl_hours: int
    addresses: Addresses
    policies: tuple[Policy, ...]
    qc: QcStatements | None = None


@dataclass(frozen=True)
class Hours:
    """Daily enrolment hours in a time zone."""

    opens: time
    closes: time
    zone: str


@dataclass(frozen=True)
class PkiConfig:
    """The whole file."""

    root: Root
    issuers: tuple[Issuer, ...]
    keys: tuple[str, ...]
    hours: Hours | None
    source: Path = field(default=DEFAULT, compare=False)

    def issuer(self, profile: str) -> Issuer:
        """Return the issuer of «cns» or «qualified»."""
        return next(issuer for issuer in self.issuers if issuer.profile == profile)


def load(path: Path = DEFAULT) -> PkiConfig:
    """Read a PKI's declaration.

    Raises:
        ConfigError: something is missing or of the wrong form.
    """
    try:
        raw = yaml.safe_load(path.read_text("utf-8"))
        config = PkiConfig(
            root=_root(raw["root"]),
            issuers=tuple(_issuer(issuer) for issuer in raw["issuers"]),
            keys=tuple(raw["keys"]),
            hours=_hours(raw["hours"]) if "hours" in raw else None,
            source=path,
        )
    except (KeyError, TypeError, AttributeError, yaml.YAMLError) as error:
        raise ConfigError(f"{path}: {type(error).__name__} {error}") from error
    _check(config)
    return config


def _root(raw: dict[str, Any]) -> Root:
    return Root(**{**raw, "addresses": Addresses(**raw["addresses"])})


def _issuer(raw: dict[str, Any]) -> Issuer:
    qc = raw.get("qc")
    return Issuer(
        **{
            **raw,
            "ocsp": OcspResponder(**raw["ocsp"]),
            "addresses": Addresses(**raw["addresses"]),
            "policies": tuple(Policy(**policy) for policy in raw["policies"]),
            "qc": qc
            and QcStatements(qc["retention_years"], tuple(Disclosure(**pds) for pds in qc["disclosure"])),
        }
    )


def _hours(raw: dict[str, str]) -> Hours:
    return Hours(time.fromisoformat(raw["opens"]), time.fromisoformat(raw["closes"]), raw["zone"])


def _check(config: PkiConfig) -> None:
    profiles = sorted(issuer.profile for issuer in config.issuers)
    if profiles != ["cns", "qualified"]:
        raise ConfigError(f"{config.source}: one issuer each for «cns» and «qualified», not {profiles}")
    if config.issuer("qualified").qc is None:
        raise ConfigError(f"{config.source}: the qualified issuer needs «qc»")
    keys = [config.root.key, *config.keys]
    keys += [key for issuer in config.issuers for key in (issuer.key, issuer.ocsp.key)]
    if unknown := set(keys) - set(KEYS):
        raise ConfigError(f"{config.source}: keys {', '.join(sorted(unknown))}: none of {', '.join(KEYS)}")
    subjects = [config.root.subject, *(issuer.subject for issuer in config.issuers)]
    if odd := {name for subject in subjects for name in subject} - SUBJECT_ATTRIBUTES.keys():
        raise ConfigError(f"{config.source}: no subject attribute {', '.join(sorted(odd))}")
    for issuer in config.issuers:
        if issuer.ocsp.responder not in ("delegated", "direct"):
            raise ConfigError(f"{config.source}: {issuer.name}: responder «{issuer.ocsp.responder}»")
        if issuer.addresses.ocsp is None:
            raise ConfigError(f"{config.source}: {issuer.name}: no OCSP address")
