"""The whole interface in this process: real database, HSM and TLS files; one body with things in it."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from cmsdesk.backend.api.app import create_app
from cmsdesk.backend.api.limits import Limits
from cmsdesk.backend.api.server import THUMBPRINT
from cmsdesk.backend.services.bodies import create_body
from cmsdesk.backend.services.enrolment import admit
from cmsdesk.backend.services.service import NearGateway
from cmsdesk.backend.storage import access
from cmsdesk.base.ids import new_id
from cmsdesk.base.secret import Secret
from cmsdesk.base.settings import load_settings
from cmsdesk.cli.service import api_parts
from cmsdesk.cli.service_parts import ServiceParts, ServiceSettings
from cmsdesk.domain.commands import Actor, Command
from cmsdesk.domain.organisation import Permission, Role
from cmsdesk.domain.production import Production, ProductionState
from cmsdesk.operations import protocol
from cmsdesk.operations.ports import SignedOpening
from cmsdesk.sandbox.hsm import MODULE
from cmsdesk.sandbox.tls import TlsRoot
from cmsdesk.sync.records import CommandRecords
from tests.fixtures.own_process import *  # noqa: F403 - hooks are found by name
from tests.fixtures.people import a_request
from tests.fixtures.postgres import *  # noqa: F403 - fixtures are found by name
from tests.fixtures.softhsm import own_softhsm

BODY, OFFICE, CA, LOT = "sandbox", "sportello-1", "Ente di Prova", "LOT-1"
OPERATOR = "TSSMRT87C54A952D"
DEVICE, CARD, PRODUCTION, REQUEST = "7430010000000000", "SC-1", "P-1", "R-1"
TOKEN = "a-session-of-this-test"
ROOMY = Limits(calls_per_s=1e9, calls_at_once=10**9, sign_ins_per_minute=1e9, enrolments_per_minute=1e9)
_SLOT = 'ca = "SandboxCNS"\ncertificate_profile = "p"\nend_entity_profile = "e"\n'
_SETTINGS = """\
name = "cmsdesk-test"
database = "{database}"
secrets = "secrets"
operator_issuers = []

[listen]
certificate = "tls/server.pem"
key = "tls/server.key"

[vault]
module = "{module}"
token = "vault"
database = "vault.db"
mailer_public_key = "mailer.pub"

[[authorities]]
name = "{ca}"
url = "https://127.0.0.1:9"
roots = "tls/root.pem"
client_certificate = "tls/desk.pem"
client_key = "tls/desk.key"
trust_anchors = []
answer_timeout_s = 1.0

[authorities.cns]
{slot}
[authorities.qualified]
{slot}"""
Application = Callable[[MutableMapping[str, Any], Any, Any], Awaitable[None]]


@dataclass
class Interface:
    """The parts, the application, and who calls it."""

    parts: ServiceParts
    settings: ServiceSettings
    app: Application
    thumbprint: str
    mandates: tuple[str, ...]
    """An administrator's and a RAO's with every permission."""

    def headers(self, mandate: str) -> dict[str, str]:
        """Return what a signed-in desk sends."""
        return {
            "Authorization": f"Bearer {TOKEN}",
            "Cmsdesk-Mandate": mandate,
            protocol.HEADER: str(protocol.VERSION),
        }

    def over_tls(self) -> Application:
        """Return the application as a workstation with a certificate reaches it."""

        async def application(scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
            scope[THUMBPRINT] = self.thumbprint
            await self.app(scope, receive, send)

        return application

    def call(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes = b""
    ) -> tuple[int, bytes]:
        """Send one call, ``path`` quoted, and return status and content; what it raises is raised."""
        before, _, query = path.partition("?")
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": unquote(before, errors="replace"),
            "raw_path": before.encode(),
            "query_string": query.encode(),
            "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
            "client": ("127.0.0.1", 1),
        }
        sent: list[MutableMapping[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: MutableMapping[str, Any]) -> None:
            sent.append(message)

        async def run() -> None:
            await self.over_tls()(scope, receive, send)

        asyncio.run(run())
        return int(sent[0]["status"]), b"".join(message.get("body", b"") for message in sent[1:])


@pytest.fixture(scope="module")
def softhsm(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Secret]:
    """A token «vault» and its PIN."""
    pin = Secret.random_digits(12)
    with own_softhsm(tmp_path_factory.mktemp("hsm")) as hsm:
        hsm.create_token("vault", pin)
        yield pin


@pytest.fixture(scope="module", params=["sqlite", "postgresql"])
def interface(
    request: pytest.FixtureRequest, softhsm: Secret, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Interface]:
    """The interface, with an operator of every right signed in at an enrolled workstation."""
    folder = tmp_path_factory.mktemp("service")
    database = f"sqlite:///{folder / 'service.db'}"
    if request.param == "postgresql":
        database = request.getfixturevalue("postgres").create_database()
    settings = load_settings(_write_settings(folder, database), ServiceSettings)
    desk = TlsRoot(folder / "desk", datetime.now(UTC)).workstation("desk")
    with ServiceParts(settings, softhsm) as parts:
        mandates = _fill(parts, desk.certificate)
        session = access.StoredSession(OPERATOR, desk.thumbprint, "2999-01-01T00:00:00+00:00")
        with parts.engine.begin() as connection:
            access.add_session(connection, hashlib.sha256(TOKEN.encode()).digest(), session)
        yield Interface(parts, settings, create_app(api_parts(parts), ROOMY), desk.thumbprint, mandates)


def _write_settings(folder: Path, database: str) -> Path:
    tls = TlsRoot(folder / "tls", datetime.now(UTC))
    tls.server()
    tls.workstation("desk")
    public = rsa.generate_private_key(65537, 2048).public_key()
    (folder / "mailer.pub").write_bytes(
        public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    )
    path = folder / "service.toml"
    path.write_text(_SETTINGS.format(database=database, module=MODULE, ca=CA, slot=_SLOT))
    return path


def _fill(parts: ServiceParts, workstation: Path) -> tuple[str, ...]:
    """Make a body with stock, a request and a production under way; return the operator's mandates."""
    administrator = create_body(
        parts.engine,
        parts.clock,
        body=BODY,
        name="Ente di Prova",
        office=OFFICE,
        office_name="Sportello 1",
        administrator=OPERATOR,
        valid_until=date(2090, 1, 1),
    )
    certificate = x509.load_pem_x509_certificate(workstation.read_bytes())
    der = certificate.public_bytes(serialization.Encoding.DER)
    admit(parts.engine, parts.clock, der, BODY, "desk")
    # who gives the right to create bodies has it
    giver = replace(administrator, permissions=frozenset({Permission.BODIES}))
    gateway = NearGateway(parts.service, Actor(giver, "ab" * 32))
    rao = replace(administrator, id=new_id(), role=Role.RAO, permissions=frozenset(Permission))
    granted = {
        "mandate": rao.id,
        "operator": OPERATOR,
        "office": OFFICE,
        "role": "rao",
        "valid_from": rao.valid_from.isoformat(),
        "valid_until": rao.valid_until.isoformat(),
        "permissions": sorted(permission.value for permission in Permission),
    }
    device = {"card_id": DEVICE, "kind": "smart_card", "ca": CA, "lot": LOT, "certified_until": "2090-12-31"}
    received = {"number": CARD, "lot": LOT}
    for kind, facts in (
        ("mandate.grant", granted),
        ("device.receive", device),
        ("scratch_card.receive", received),
    ):
        gateway.execute(Command(new_id(), kind, BODY, facts))
    records = CommandRecords(NearGateway(parts.service, Actor(rao, "ab" * 32)))
    records.save_request(a_request(REQUEST))
    records.save_request(a_request(REQUEST).approved())
    made = Production(PRODUCTION, REQUEST, DEVICE, CARD, OPERATOR, ProductionState.RUNNING)
    records.open_production(made, SignedOpening(b"message", b"signature", b"certificate"))
    return administrator.id, rao.id
