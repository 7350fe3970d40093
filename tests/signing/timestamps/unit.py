"""A time stamping unit for tests: software key, and the guards a test chooses."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from cmsdesk.signing.signers.software import SoftwareSigner
from cmsdesk.signing.timestamps.tsa import FileSerials, Guarded, TimestampAuthority, UnitSettings
from cmsdesk.signing.timestamps.tsa.clock import Guard
from tests.signing import pki

POLICY = "0.4.0.2023.1.1"


@dataclass
class Unit:
    authority: TimestampAuthority
    serials: FileSerials
    identity: pki.Identity
    root_pem: Path


def make_unit(
    tmp_path: Path,
    *,
    kind: str = "rsa2048",
    guards: Sequence[Guard] = (),
    settings: UnitSettings | None = None,
    now: datetime | None = None,
) -> Unit:
    authority_pki = pki.make_pki()
    identity = (
        authority_pki.tsa()
        if kind == "rsa2048"
        else pki.issue(authority_pki.issuing, pki.make_key(kind), f"Prova TSU {kind}", pki.tsa_extensions())
    )
    serials = FileSerials(tmp_path / "serials.json", create=True)
    moment = (lambda: now) if now else (lambda: datetime.now(UTC))
    authority = TimestampAuthority(
        SoftwareSigner(identity.key, identity.certificate, authority_pki.chain),
        serials,
        Guarded(guards, moment),
        settings or UnitSettings(POLICY),
    )
    root = tmp_path / "root.pem"
    root.write_bytes(authority_pki.root.parsed.public_bytes(Encoding.PEM))
    return Unit(authority, serials, identity, root)
