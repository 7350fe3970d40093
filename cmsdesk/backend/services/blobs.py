"""Contents of attachments at the service: taken chunk by chunk, sealed, and shown only after a recorded view.

A content belongs to an attachment that is on record: its hash and size were decided before its first
chunk. Each has a key of its own, sealed by the HSM: a stolen database or backup shows no scan.
"""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from datetime import timedelta
from typing import Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from sqlalchemy import Connection, Engine

from cmsdesk.backend.journal.store import of_command
from cmsdesk.backend.storage import blobs
from cmsdesk.backend.storage.engine import reading
from cmsdesk.backend.storage.things import StoredThings
from cmsdesk.base.clock import Clock
from cmsdesk.base.secret import Secret
from cmsdesk.domain.attachment import AttachmentState
from cmsdesk.domain.commands import Actor, Unknown
from cmsdesk.domain.events import Document
from cmsdesk.domain.permissions import Action, reaches
from cmsdesk.operations.blobs import (
    ContentDiffers,
    ContentNotThere,
    NotViewed,
    chunk_count,
    chunk_length,
)

_PURPOSE = b"cmsdesk attachment"
_KEY_BYTES, _NONCE_BYTES = 32, 12
_VIEW_LIFE = timedelta(minutes=30)
_VIEWED = "attachment.viewed"


class Sealer(Protocol):
    """The HSM's record key."""

    def seal(self, plaintext: bytes, purpose: bytes) -> bytes:
        """Return the plaintext sealed."""
        ...

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        """Return the plaintext."""
        ...


@dataclass(frozen=True)
class ContentState:
    """How much of a content is there."""

    size: int
    have: tuple[int, ...]
    """Numbers of the chunks that are there, from 0."""
    complete: bool


class Blobs:
    """Contents in one database."""

    def __init__(self, engine: Engine, sealer: Sealer, clock: Clock) -> None:
        self._engine = engine
        self._sealer = sealer
        self._clock = clock

    def state(self, attachment: str, actor: Actor) -> ContentState:
        """Return what is there of an attachment's content.

        Raises:
            Unknown.
        """
        with reading(self._engine) as connection:
            document = _attachment(connection, attachment, actor, Action.ATTACHMENT_ADD)
            body, digest = document["body"], document["sha256"]
            found = blobs.find_blob(connection, body, digest)
            have = tuple(blobs.numbers(connection, body, digest)) if found else ()
            return ContentState(document["size"], have, found is not None and found.complete)

    def put(self, attachment: str, actor: Actor, number: int, content: bytes) -> ContentState:
        """Take a chunk; the same again changes nothing. With the last one the whole is checked.

        Raises:
            Unknown, ContentDiffers.
        """
        with Secret(os.urandom(_KEY_BYTES)) as new, self._engine.begin() as connection:
            document = _attachment(connection, attachment, actor, Action.ATTACHMENT_ADD)
            body, digest, size = document["body"], document["sha256"], document["size"]
            if len(content) != chunk_length(size, number):
                raise ContentDiffers()
            stored = blobs.open_blob(connection, body, digest, self._sealer.seal(new.reveal(), _PURPOSE))
            differs = False
            if not stored.complete:
                with Secret(self._sealer.unseal(stored.sealed_key, _PURPOSE)) as key:
                    sealed = _seal(key, body, digest, number, content)
                    blobs.add_chunk(connection, body, digest, number, sealed)
                    have = blobs.numbers(connection, body, digest)
                    if len(have) == chunk_count(size):
                        differs = not _is_whole(connection, key, body, digest, len(have))
                if differs:
                    blobs.forget_blob(connection, body, digest)
                elif len(have) == chunk_count(size):
                    blobs.complete(connection, body, digest)
        if differs:
            raise ContentDiffers()
        return self.state(attachment, actor)

    def get(self, attachment: str, actor: Actor, view: str, number: int) -> bytes:
        """Return a chunk; ``view`` is the command that recorded the viewing.

        Raises:
            Unknown, NotViewed, ContentNotThere, ContentDiffers.
        """
        with reading(self._engine) as connection:
            document = _attachment(connection, attachment, actor, Action.ATTACHMENT_SEE)
            body, digest = document["body"], document["sha256"]
            self._check_viewed(connection, attachment, actor, view)
            chunk_length(document["size"], number)
            stored = blobs.find_blob(connection, body, digest)
            sealed = blobs.chunk(connection, body, digest, number)
        if stored is None or not stored.complete or sealed is None:
            raise ContentNotThere()
        with Secret(self._sealer.unseal(stored.sealed_key, _PURPOSE)) as key:
            return _unseal(key, body, digest, number, sealed)

    def _check_viewed(self, connection: Connection, attachment: str, actor: Actor, view: str) -> None:
        entries = of_command(connection, actor.mandate.body, view)
        mine = (_VIEWED, attachment, f"mandate:{actor.mandate.id}")
        now = self._clock.now()
        if not any(
            (entry.kind, entry.id, entry.act.actor) == mine and now - entry.act.at < _VIEW_LIFE
            for entry in entries
        ):
            raise NotViewed()


def _attachment(connection: Connection, attachment: str, actor: Actor, action: Action) -> Document:
    """Return an attachment that the mandate's right reaches and that was not withdrawn."""
    document = StoredThings(connection).get("attachment", attachment)
    if (
        document is None
        or not reaches(actor.mandate, action, document["body"], document.get("office"))
        or document["state"] != AttachmentState.KEPT.value
    ):
        raise Unknown(thing="attachment", id=attachment)
    return document


def _is_whole(connection: Connection, key: Secret, body: str, digest: str, count: int) -> bool:
    found = hashlib.sha256()
    for number in range(count):
        sealed = blobs.chunk(connection, body, digest, number) or b""
        found.update(_unseal(key, body, digest, number, sealed))
    return found.hexdigest() == digest


def _place(body: str, digest: str, number: int) -> bytes:
    return f"{body}/{digest}/{number}".encode()


def _seal(key: Secret, body: str, digest: str, number: int, content: bytes) -> bytes:
    nonce = os.urandom(_NONCE_BYTES)
    return nonce + AESGCM(key.reveal()).encrypt(nonce, content, _place(body, digest, number))


def _unseal(key: Secret, body: str, digest: str, number: int, sealed: bytes) -> bytes:
    nonce, rest = sealed[:_NONCE_BYTES], sealed[_NONCE_BYTES:]
    try:
        return AESGCM(key.reveal()).decrypt(nonce, rest, _place(body, digest, number))
    except InvalidTag:
        raise ContentDiffers() from None
