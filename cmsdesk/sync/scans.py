"""Scans in a file of their own beside the desk's, encrypted like it (SQLCipher, AES-256 per page).

A scan is named by the SHA-256 of its content: the same one is kept once, and what is read is checked.
"""

from __future__ import annotations

import hashlib
import threading
from datetime import datetime, timedelta

from cmsdesk.base.clock import Clock
from cmsdesk.domain.attachment import AttachmentState
from cmsdesk.domain.events import Document
from cmsdesk.operations.attachments import Scan, ScanNotHere
from cmsdesk.sync.local_store import Database
from cmsdesk.sync.shown_things import ShownThings

_SCHEMA = """
CREATE TABLE IF NOT EXISTS scans (
    sha256 TEXT PRIMARY KEY, media_type TEXT NOT NULL, content BLOB NOT NULL, kept_at TEXT NOT NULL
) STRICT;
CREATE TABLE IF NOT EXISTS sent (sha256 TEXT PRIMARY KEY) STRICT, WITHOUT ROWID;
"""


_EVERY = timedelta(hours=1)
"""How often it is looked for what may go; what was kept since then stays: its draft may not be saved yet."""


class KeptScans:
    """`operations.attachments.Scans`; may be used by several threads."""

    def __init__(self, database: Database, things: ShownThings, clock: Clock) -> None:
        """``database`` comes from `local_store.connect`, on a file of its own."""
        self._db, self._things, self._clock = database, things, clock
        self._lock = threading.Lock()
        self._looked_at: datetime | None = None
        self._db.executescript(_SCHEMA)

    def keep(self, scan: Scan, content: bytes) -> None:
        """Keep a content, durably; the same content is kept once."""
        with self._lock:
            self._db.execute(
                "INSERT INTO scans VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET kept_at = excluded.kept_at",
                (scan.sha256, scan.media_type, content, self._clock.now().isoformat()),
            )

    def content(self, sha256: str) -> bytes:
        """Return a content.

        Raises:
            ScanNotHere: it was attached elsewhere, or what is kept is no longer what was attached.
        """
        with self._lock:
            row = self._db.execute("SELECT content FROM scans WHERE sha256 = ?", (sha256,)).fetchone()
        if row is None or hashlib.sha256(row[0]).hexdigest() != sha256:
            raise ScanNotHere()
        return bytes(row[0])

    def unsent(self) -> list[tuple[str, str]]:
        """Return (attachment, sha256) of what the service may not have yet, of attachments that are kept."""
        query = "SELECT sha256 FROM scans WHERE sha256 NOT IN (SELECT sha256 FROM sent) ORDER BY kept_at"
        with self._lock:
            rows = self._db.execute(query).fetchall()
        return [
            (attachment, digest)
            for (digest,) in rows
            for attachment, document in self._things.having("attachment", "sha256", digest)
            if document["state"] == AttachmentState.KEPT.value
        ]

    def note_sent(self, sha256: str) -> None:
        """Note that the service has a content."""
        with self._lock:
            self._db.execute("INSERT INTO sent VALUES (?) ON CONFLICT DO NOTHING", (sha256,))

    def forget(self) -> int:
        """Delete the contents that have no place here any more; return how many.

        Their record was withdrawn or erased, or this desk may no longer see it and the service has
        the content. Called when the feed was followed to its end; looks once an hour.
        """
        now = self._clock.now()
        if self._looked_at is not None and now - self._looked_at < _EVERY:
            return 0
        self._looked_at = now
        before = (now - _EVERY).isoformat()
        query = "SELECT sha256, sha256 IN (SELECT sha256 FROM sent) FROM scans WHERE kept_at < ?"
        with self._lock:
            rows = self._db.execute(query, (before,)).fetchall()
        kept = self._things.values("attachment", "sha256", AttachmentState.KEPT.value)
        withdrawn = self._things.values("attachment", "sha256", AttachmentState.WITHDRAWN.value)
        gone = [
            (digest,)
            for digest, sent in rows
            if digest not in kept and (sent or digest in withdrawn) and not self._things.is_under_way(digest)
        ]
        with self._lock:
            self._db.executemany(
                "DELETE FROM scans WHERE sha256 = ? AND kept_at < ?", [(*one, before) for one in gone]
            )
            self._db.executemany("DELETE FROM sent WHERE sha256 = ?", gone)
        return len(gone)

    def of_request(self, request: str) -> list[tuple[str, Document]]:
        """Return (id, document) of a request's attachments that were not withdrawn, by id."""
        found = self._things.having("attachment", "request", request)
        return [one for one in found if one[1]["state"] == AttachmentState.KEPT.value]
