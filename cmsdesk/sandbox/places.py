"""Where the sandbox's files lie, and the settings files written there."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cmsdesk.domain.certificate import Slot
from cmsdesk.sandbox.hsm import MODULE
from cmsdesk.sandbox.pki import desk as ca_desk
from cmsdesk.sandbox.pki.process import SandboxCa

_SERVICE = """\
name = "{name}"
database = "{database}"
secrets = "secrets"
logs = "logs"
operator_issuers = ["../operator-issuer.crt"]

[listen]
certificate = "../tls/server.pem"
key = "../tls/server.key"
workstation_roots = "../tls/root.pem"

[vault]
module = "{module}"
token = "vault"
database = "vault.db"
mailer_public_key = "../mailer.pub"

# programs sign in faster than people
[limits]
sign_ins_per_minute = 6000.0
calls_per_s = 2000.0
calls_at_once = 20000

[[authorities]]
name = "{ca}"
url = "{url}"
roots = "../ca/tls/ca.pem"
client_certificate = "../ca/tls/desk.pem"
client_key = "../ca/tls/desk.key"
trust_anchors = ["../ca/pki/SandboxRoot.crt"]
answer_timeout_s = 10.0
poll_after_s = 0.05
{slots}"""

_DESK = """\
store = "desk.db"

[body]
administration = "{administration}"
issuer_code = "9999"
operator_issuers = ["{issuer}"]
"""


@dataclass(frozen=True)
class Places:
    """The sandbox's folder."""

    folder: Path

    @property
    def service(self) -> Path:
        """The service's folder: settings, database, vault, what its HSM sealed."""
        return self.folder / "service"

    @property
    def cards(self) -> Path:
        """The tray of cards."""
        return self.folder / "cards"

    @property
    def tls(self) -> Path:
        """TLS certificates of the service and the workstations."""
        return self.folder / "tls"

    @property
    def operator_issuer(self) -> Path:
        """Certificate of the operators' CNS issuer, DER."""
        return self.folder / "operator-issuer.crt"

    def desk(self, name: str) -> Path:
        """Return one desk's folder."""
        return self.folder / "desks" / name


def write_service_settings(places: Places, name: str, database: str, ca: SandboxCa, more: str = "") -> Path:
    """Write the service's settings for a running CA, and ``more`` sections; return the file."""
    slots = "".join(_slot(ca, slot) for slot in Slot)
    places.service.mkdir(parents=True, exist_ok=True)
    path = places.service / "service.toml"
    path.write_text(
        _SERVICE.format(name=name, database=database, module=MODULE, ca=ca_desk.NAME, url=ca.url, slots=slots)
        + more,
        encoding="utf-8",
    )
    return path


def write_desk_settings(places: Places, name: str, administration: str) -> Path:
    """Write a desk's settings; return the file."""
    folder = places.desk(name)
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "desk.toml"
    issuer = places.operator_issuer
    path.write_text(_DESK.format(administration=administration, issuer=issuer), encoding="utf-8")
    return path


def _slot(ca: SandboxCa, slot: Slot) -> str:
    issuer = ca.config.issuer(slot.value)
    return (
        f"\n[authorities.{slot.value}]\n"
        f'ca = "{issuer.name}"\n'
        f'certificate_profile = "{issuer.certificate_profile}"\n'
        f'end_entity_profile = "{issuer.end_entity_profile}"\n'
    )
