"""Contents of attachments in the service's database: erased with their record, damaged ones never shown."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import text

from cmsdesk.backend.services.blobs import Blobs
from cmsdesk.backend.services.erasure import erase_thing
from cmsdesk.base.clock import FixedClock
from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command, Unknown
from cmsdesk.domain.journal import Act, Validity
from cmsdesk.domain.organisation import Role
from cmsdesk.operations.blobs import CHUNK_BYTES, ContentDiffers
from cmsdesk.operations.journal_errors import StillKept
from tests.sync.bench import BODY, MORNING, CentralService, registration

PAST = datetime(2000, 1, 1, tzinfo=UTC)


class Sealer:
    """Seals as the HSM does, with a key in this process."""

    def __init__(self) -> None:
        self._cipher = AESGCM(os.urandom(32))

    def seal(self, plaintext: bytes, purpose: bytes) -> bytes:
        nonce = os.urandom(12)
        return nonce + self._cipher.encrypt(nonce, plaintext, purpose)

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        return self._cipher.decrypt(sealed[:12], sealed[12:], purpose)


class World:
    """A service with a request; scans are attached to it."""

    def __init__(self, central: CentralService) -> None:
        self.central = central
        self.mandate = central.grant(Role.RAO)
        self.actor = central.actor(self.mandate)
        self.blobs = Blobs(central.engine, Sealer(), central.clock)
        self.content = b"%PDF-" + os.urandom(CHUNK_BYTES)
        self.request = new_id()
        central.do(self.mandate, "request.register", **registration(self.request))

    def attach(self) -> str:
        attachment = new_id()
        facts = {
            "attachment": attachment,
            "request": self.request,
            "kind": "signed_form",
            "sha256": hashlib.sha256(self.content).hexdigest(),
            "size": len(self.content),
            "media_type": "application/pdf",
        }
        self.central.do(self.mandate, "attachment.add", **facts)
        for number in range(2):
            piece = self.content[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
            self.blobs.put(attachment, self.actor, number, piece)
        return attachment

    def get(self, attachment: str) -> bytes:
        view = Command(new_id(), "attachment.view", BODY, {"attachment": attachment})
        [answer] = self.central.service.execute([view], self.actor)
        assert answer.accepted
        return b"".join(self.blobs.get(attachment, self.actor, view.id, number) for number in range(2))

    def chunks(self) -> int:
        with self.central.engine.connect() as connection:
            return int(connection.execute(text("SELECT count(*) FROM blob_chunks")).scalar_one())

    def erase(self, attachment: str, until: datetime) -> None:
        act = Act(new_id(), "service:erasure", self.central.clock.now())
        with self.central.engine.begin() as connection:
            erase_thing(connection, BODY, "attachment", attachment, Validity(until, until).keep_until(), act)


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    central = CentralService(f"sqlite:///{tmp_path / 'service.db'}", FixedClock(MORNING))
    yield World(central)
    central.close()


def test_a_content_is_erased_with_its_record_and_not_before(world: World) -> None:
    attachment = world.attach()
    assert world.get(attachment) == world.content
    with pytest.raises(StillKept):
        world.erase(attachment, world.central.clock.now())
    assert world.get(attachment) == world.content
    world.erase(attachment, PAST)
    assert world.chunks() == 0
    with pytest.raises(Unknown):
        world.blobs.state(attachment, world.actor)
    assert world.central.replayed(BODY) == world.central.things(BODY)


def test_a_content_that_another_record_has_too_stays(world: World) -> None:
    first, second = world.attach(), world.attach()
    world.erase(first, PAST)
    assert world.get(second) == world.content
    world.erase(second, PAST)
    assert world.chunks() == 0


@pytest.mark.parametrize(
    "damage",
    [
        "UPDATE blob_chunks SET sealed = zeroblob(64) WHERE number = 1",
        "UPDATE blob_chunks SET number = 1 - number",
    ],
    ids=["another content", "another order"],
)
def test_what_was_changed_in_the_database_is_not_shown(world: World, damage: str) -> None:
    attachment = world.attach()
    with world.central.engine.begin() as connection:
        if "1 - number" in damage:
            connection.execute(text("UPDATE blob_chunks SET number = number + 10"))
            damage = "UPDATE blob_chunks SET number = 11 - number"
        connection.execute(text(damage))
    with pytest.raises(ContentDiffers):
        world.get(attachment)
