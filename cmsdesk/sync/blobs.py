"""Contents of attachments between desk and service; a transfer that was cut goes on where it was."""

from __future__ import annotations

import base64
import hashlib
from typing import Any

from cmsdesk.base.ids import new_id
from cmsdesk.domain.commands import Command, Unknown
from cmsdesk.operations.attachments import Attached, Scan
from cmsdesk.operations.blobs import CHUNK_BYTES, ContentDiffers, chunk_count
from cmsdesk.sync.far import FarGateway
from cmsdesk.sync.http import path_of
from cmsdesk.sync.local_store import Database
from cmsdesk.sync.scans import KeptScans

_SCHEMA = """
CREATE TABLE IF NOT EXISTS arriving (
    sha256 TEXT NOT NULL, number INTEGER NOT NULL, content BLOB NOT NULL, PRIMARY KEY (sha256, number)
) STRICT, WITHOUT ROWID;
"""


class ScanTraffic:
    """Sends the scans that were attached here, and fetches those that were attached elsewhere."""

    def __init__(self, far: FarBlobs, scans: KeptScans) -> None:
        self._far = far
        self._scans = scans

    def send(self) -> None:
        """Send what the service does not have, forget what may go; called after each synchronisation.

        Raises:
            ServiceUnreachable, ContentDiffers.
        """
        for attachment, digest in self._scans.unsent():
            try:
                self._far.send(attachment, self._scans.content(digest))
            except Unknown:
                continue  # its record waits in the outbox, or is of another mandate: later
            self._scans.note_sent(digest)
        self._scans.forget()

    def fetch(self, attached: Attached) -> bytes:
        """Have a view recorded and return a content from the service; it is here from then on.

        Raises:
            ServiceUnreachable, ContentNotThere, ContentDiffers, Refusal.
        """
        content = self._far.fetch(attached.id, attached.scan)
        self._scans.keep(attached.scan, content)
        self._scans.note_sent(attached.scan.sha256)
        return content


class FarBlobs:
    """Sends and fetches contents under one mandate; what has arrived waits in the desk's encrypted file."""

    def __init__(self, gateway: FarGateway, database: Database) -> None:
        """``database`` comes from `local_store.connect`."""
        self._gateway = gateway
        self._db = database
        self._db.executescript(_SCHEMA)

    def send(self, attachment: str, content: bytes) -> None:
        """Send what the service does not have yet of a content.

        Raises:
            ServiceUnreachable: call it again; what arrived stays there.
            Unknown: the attachment is not on record there, or was withdrawn.
            ContentDiffers: it is not what was recorded.
        """
        there = self._call("GET", attachment)
        if there["size"] != len(content):
            raise ContentDiffers()
        if there["complete"]:
            return
        for number in sorted(set(range(chunk_count(len(content)))) - set(there["have"])):
            piece = content[number * CHUNK_BYTES : (number + 1) * CHUNK_BYTES]
            there = self._call("PUT", attachment, number, {"content": base64.b64encode(piece).decode()})

    def fetch(self, attachment: str, scan: Scan) -> bytes:
        """Record a view and return an attachment's content.

        Raises:
            ServiceUnreachable: call it again; what arrived is not asked for again.
            ContentNotThere, ContentDiffers, Refusal.
        """
        digest, size = scan.sha256, scan.size
        view = Command(new_id(), "attachment.view", self._gateway.body, {"attachment": attachment})
        self._gateway.execute(view)
        rows = self._db.execute("SELECT number FROM arriving WHERE sha256 = ?", (digest,)).fetchall()
        for number in sorted(set(range(chunk_count(size))) - {number for (number,) in rows}):
            answer = self._call("GET", attachment, number, query={"view": view.id})
            piece = base64.b64decode(answer["content"], validate=True)
            self._db.execute("INSERT OR REPLACE INTO arriving VALUES (?, ?, ?)", (digest, number, piece))
        pieces = self._db.execute(
            "SELECT content FROM arriving WHERE sha256 = ? ORDER BY number", (digest,)
        ).fetchall()
        self._db.execute("DELETE FROM arriving WHERE sha256 = ?", (digest,))
        content = b"".join(piece for (piece,) in pieces)
        if hashlib.sha256(content).hexdigest() != digest:
            raise ContentDiffers()
        return content

    def _call(
        self,
        method: str,
        attachment: str,
        number: int | None = None,
        body: object = None,
        query: dict[str, str] | None = None,
    ) -> dict[str, Any]:
        parts = ["attachments", attachment, "content", *([] if number is None else [str(number)])]
        answer: dict[str, Any] = self._gateway.connection.call(method, path_of(*parts), body, query=query)
        return answer
