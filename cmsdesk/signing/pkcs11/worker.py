"""A worker process: one PKCS#11 module, one token, one session, commands over standard input and output."""

import json
import os
import sys
import traceback
from typing import IO

from cmsdesk.signing.errors import SignerError, SigningError
from cmsdesk.signing.pkcs11 import frames
from cmsdesk.signing.pkcs11.token import Token
from cmsdesk.signing.signers.base import Digest, Scheme

SCHEMES = tuple(Scheme)
DIGESTS = tuple(Digest)


class _Worker:
    """Answers the requests of one pool."""

    def __init__(self) -> None:
        self._token: Token | None = None
        self._key_label: str | None = None
        self._key_id: bytes | None = None

    def answer(self, kind: bytes, payload: bytes) -> bytes:
        """Do what one frame asks and return the payload of the answer."""
        if kind == frames.OPEN:
            return self._open(json.loads(payload))
        if self._token is None:
            raise SignerError("No token is open.", "Open the token first.")
        if kind == frames.LOGIN:
            return self._log_in(self._token, payload)
        scheme, digest = SCHEMES[payload[0]], DIGESTS[payload[1]]
        size = digest.size_bytes
        digests = [payload[start : start + size] for start in range(2, len(payload), size)]
        return frames.pack_items(self._token.sign(scheme, digest, digests))

    def _open(self, wanted: dict[str, str | None]) -> bytes:
        self._token = Token(str(wanted["module"]), wanted["token_label"], wanted["token_serial"])
        self._key_label = wanted["key_label"]
        self._key_id = bytes.fromhex(wanted["key_id"]) if wanted["key_id"] is not None else None
        return frames.pack_json(self._token.facts())

    def _log_in(self, token: Token, pin: bytes) -> bytes:
        token.log_in(pin.decode() if pin else None)
        key = token.find_key(self._key_label, self._key_id)
        certificates = [[identifier.hex(), value.hex()] for identifier, value in token.certificates()]
        return frames.pack_json(
            {"id": key.identifier.hex(), "label": key.label, "certificates": certificates}
        )


def serve(requests: IO[bytes], replies: IO[bytes]) -> None:
    """Answer requests until the pool closes the pipe."""
    worker = _Worker()
    while (frame := frames.read(requests)) is not None:
        try:
            payload = worker.answer(*frame)
        except SigningError as error:
            frames.write(
                replies, frames.FAILED, frames.pack_json({"kind": type(error).__name__, **error.as_json()})
            )
        except Exception as error:  # noqa: BLE001 - the process boundary: a fault must reach the pool as an answer
            place = traceback.extract_tb(error.__traceback__)[-1]
            fault = SignerError(
                "The signing process failed.",
                "Report this fault.",
                fault=type(error).__name__,
                place=f"{place.name}:{place.lineno}",
            )
            frames.write(replies, frames.FAILED, frames.pack_json({"kind": "SignerError", **fault.as_json()}))
        else:
            frames.write(replies, frames.DONE, payload)


def main() -> None:
    """Run as a worker: keep the pipes to ourselves, because a module may print."""
    requests, replies = os.fdopen(os.dup(0), "rb"), os.fdopen(os.dup(1), "wb")
    silence = os.open(os.devnull, os.O_RDWR)
    os.dup2(silence, 0)
    os.dup2(silence, 1)
    serve(requests, replies)
    # Finalising a vendor's module may hang or crash; the session is gone with the process anyway.
    sys.stderr.flush()
    os._exit(0)


if __name__ == "__main__":
    main()
