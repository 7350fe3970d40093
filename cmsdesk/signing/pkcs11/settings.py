"""Which module, token, key and certificate to use."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from cmsdesk.signing.signers.base import Digest


@dataclass(frozen=True, slots=True, kw_only=True)
class Pkcs11Settings:
    """Names a key on a PKCS#11 token.

    Attributes:
        module: path of the PKCS#11 library.
        token_label: label of the token; None takes the only token present.
        token_serial: serial number of the token, as text.
        key_label: CKA_LABEL of the private key.
        key_id: CKA_ID of the private key. Without label and id, the token must hold exactly one private key
            that may sign and has a certificate.
        certificate: the signing certificate, DER; None reads it from the token by the key's CKA_ID.
        chain: issuers to embed, DER; certificates of the token that issued the signer's are added.
        digest: of documents and signed attributes; None chooses by the key: SHA-384 for P-384, else SHA-256.
        pss: sign with RSA-PSS.
        workers: processes, each with its own session. A card gains nothing from more than one.
        allow_final_try: send the PIN although the token says that only one try is left.
        call_timeout_s: how long one signature may take (a card may wait for a person's confirmation).
        environment: variables added to the workers' environment (a module's configuration file, say).
        lock_path: file that serialises the opening of modules on this computer.
    """

    module: Path
    token_label: str | None = None
    token_serial: str | None = None
    key_label: str | None = None
    key_id: bytes | None = None
    certificate: bytes | None = None
    chain: tuple[bytes, ...] = ()
    digest: Digest | None = None
    pss: bool = False
    workers: int = 1
    allow_final_try: bool = False
    call_timeout_s: float = 60.0
    environment: tuple[tuple[str, str], ...] = ()
    lock_path: Path | None = field(default=None)

    def worker_environment(self) -> dict[str, str]:
        """Return the environment of a worker process."""
        return {**os.environ, **dict(self.environment)}
