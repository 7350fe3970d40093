"""The vault's door to its HSM: any PKCS #11 module (SoftHSM2 embedded, others by configuration).

Two tokens: *vault* holds an AES-256 key that seals every record (AES-GCM, NIST SP 800-38D, made
inside the HSM); *mailer* holds an RSA key pair of which the vault knows only the public half, so
that what waits for the mailer is closed to the vault itself. python-pkcs11 is not thread-safe:
every call holds one lock.
"""

from __future__ import annotations

import getpass
import hashlib
import os
import tempfile
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from filelock import FileLock, Timeout
from pkcs11.mechanisms import GCMParams
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from cmsdesk.base.secret import Secret
from cmsdesk.operations.errors import VaultLocked

_IV_BYTES = 12
_TAG_BITS = 128
_OPENING_S = 30.0
_RECORD_KEY = "cmsdesk-records"
_MAILER_KEY = "cmsdesk-mailer"
_JOURNAL_KEY = "cmsdesk-journal"
_WORKSTATIONS_KEY = "cmsdesk-workstations"
# SoftHSM2 offers OAEP with SHA-1 only (RFC 8017 §7.1); its security does not rest on collision resistance.
_OAEP = padding.OAEP(mgf=padding.MGF1(hashes.SHA1()), algorithm=hashes.SHA1(), label=None)  # noqa: S303


@dataclass(frozen=True)
class HsmSettings:
    """Where the HSM is; its PIN is given at start and is never part of the settings."""

    module: Path
    """PKCS #11 library."""
    token: str
    """Label of the token that holds the key used here."""


class Hsm:
    """One logged-in token."""

    def __init__(self, settings: HsmSettings, pin: Secret) -> None:
        """Log in.

        Raises:
            VaultLocked: no such token, or the PIN is wrong.
        """
        self._lock = threading.Lock()
        self._found: dict[tuple[pkcs11.ObjectClass, str], Any] = {}
        try:
            with _alone():
                token = pkcs11.lib(str(settings.module)).get_token(token_label=settings.token)
                self._session = token.open(rw=True, user_pin=pin.reveal_text())
        except pkcs11.PKCS11Error as error:
            raise VaultLocked() from error

    def create_record_key(self) -> None:
        """Make the AES-256 key that seals records, unless it is there; it can never leave the HSM."""
        with self._lock:
            if not self._find(pkcs11.ObjectClass.SECRET_KEY, _RECORD_KEY):
                self._session.generate_key(
                    pkcs11.KeyType.AES,
                    256,
                    label=_RECORD_KEY,
                    store=True,
                    template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
                )

    def create_mailer_key(self) -> None:
        """Make the mailer's RSA-3072 key pair, unless it is there."""
        with self._lock:
            if not self._find(pkcs11.ObjectClass.PRIVATE_KEY, _MAILER_KEY):
                self._session.generate_keypair(
                    pkcs11.KeyType.RSA,
                    3072,
                    label=_MAILER_KEY,
                    store=True,
                    private_template={pkcs11.Attribute.SENSITIVE: True, pkcs11.Attribute.EXTRACTABLE: False},
                )

    def seal(self, plaintext: bytes, purpose: bytes) -> bytes:
        """Return IV ‖ ciphertext ‖ tag; ``purpose`` is authenticated and must be given again."""
        iv = os.urandom(_IV_BYTES)
        with self._lock:
            key = self._one(pkcs11.ObjectClass.SECRET_KEY, _RECORD_KEY)
            sealed: bytes = key.encrypt(
                plaintext,
                mechanism=pkcs11.Mechanism.AES_GCM,
                mechanism_param=GCMParams(iv, purpose, _TAG_BITS),
            )
        return iv + sealed

    def unseal(self, sealed: bytes, purpose: bytes) -> bytes:
        """Return the plaintext.

        Raises:
            VaultLocked: another key sealed it, or it was changed.
        """
        with self._lock:
            key = self._one(pkcs11.ObjectClass.SECRET_KEY, _RECORD_KEY)
            try:
                plaintext: bytes = key.decrypt(
                    sealed[_IV_BYTES:],
                    mechanism=pkcs11.Mechanism.AES_GCM,
                    mechanism_param=GCMParams(sealed[:_IV_BYTES], purpose, _TAG_BITS),
                )
            except pkcs11.PKCS11Error as error:
                raise VaultLocked() from error
        return plaintext

    def mailer_public_key(self) -> bytes:
        """Return the mailer's public key, SubjectPublicKeyInfo DER."""
        with self._lock:
            key = self._one(pkcs11.ObjectClass.PUBLIC_KEY, _MAILER_KEY)
            loaded = serialization.load_der_public_key(_spki(encode_rsa_public_key(key)))
        return loaded.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def open_for_mailer(self, sealed: bytes) -> bytes:
        """Open what `seal_for_mailer` closed; only the mailer's token can."""
        with self._lock:
            key = self._one(pkcs11.ObjectClass.PRIVATE_KEY, _MAILER_KEY)
            opened: bytes = key.decrypt(sealed, mechanism=pkcs11.Mechanism.RSA_PKCS_OAEP)
        return opened

    def create_journal_key(self) -> bytes:
        """Make the P-256 key that signs the journal's heads, unless it is there; return its public half.

        SubjectPublicKeyInfo, DER.
        """
        return self._create_ec(_JOURNAL_KEY)

    def sign_journal(self, message: bytes) -> bytes:
        """Return an ECDSA signature with SHA-256, DER (RFC 3279 §2.2.3)."""
        return self._sign_ec(_JOURNAL_KEY, message)

    def create_workstations_key(self) -> bytes:
        """Make the P-256 key of the workstation CA, unless it is there; return its public half."""
        return self._create_ec(_WORKSTATIONS_KEY)

    def sign_workstation(self, message: bytes) -> bytes:
        """Return the workstation CA's ECDSA signature with SHA-256, DER."""
        return self._sign_ec(_WORKSTATIONS_KEY, message)

    def close(self) -> None:
        """Log out."""
        with self._lock:
            self._session.close()

    def _create_ec(self, label: str) -> bytes:
        with self._lock:
            if not self._find(pkcs11.ObjectClass.PRIVATE_KEY, label):
                parameters = self._session.create_domain_parameters(
                    pkcs11.KeyType.EC,
                    {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters("secp256r1")},
                    local=True,
                )
                parameters.generate_keypair(label=label, store=True)
            return _spki(encode_ec_public_key(self._one(pkcs11.ObjectClass.PUBLIC_KEY, label)))

    def _sign_ec(self, label: str, message: bytes) -> bytes:
        with self._lock:
            key = self._one(pkcs11.ObjectClass.PRIVATE_KEY, label)
            raw = key.sign(hashlib.sha256(message).digest(), mechanism=pkcs11.Mechanism.ECDSA)
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def _find(self, kind: pkcs11.ObjectClass, label: str) -> list[Any]:
        return list(self._session.get_objects({pkcs11.Attribute.CLASS: kind, pkcs11.Attribute.LABEL: label}))

    def _one(self, kind: pkcs11.ObjectClass, label: str) -> Any:
        """Return a key; looked for once, its handle holds as long as the session does."""
        key = self._found.get((kind, label))
        if key is None:
            found = self._find(kind, label)
            if not found:
                raise VaultLocked()
            key = self._found[kind, label] = found[0]
        return key


@contextmanager
def _alone() -> Iterator[None]:
    """Open tokens one process after another.

    SoftHSM rewrites its token's file at every login; a process that opens it at that moment finds no
    token, or a broken one. Whoever holds the lock for too long does not keep the others from trying.
    """
    # one lock per user: a file in the shared temporary folder that another user owns cannot be locked
    owner = hashlib.sha256(getpass.getuser().encode()).hexdigest()[:12]
    lock = FileLock(Path(tempfile.gettempdir()) / f"cmsdesk-hsm-{owner}.lock", timeout=_OPENING_S)
    with ExitStack() as held:
        with suppress(Timeout):
            held.enter_context(lock)
        yield


def seal_for_mailer(public_key: bytes, plaintext: bytes) -> bytes:
    """Encrypt at most 342 bytes to the mailer's public key, SubjectPublicKeyInfo DER."""
    key = serialization.load_der_public_key(public_key)
    if not isinstance(key, rsa.RSAPublicKey):
        raise TypeError("the mailer's key is RSA")
    return key.encrypt(plaintext, _OAEP)


def _spki(public_key: bytes) -> bytes:
    """Return a public key, PKCS #1 or SubjectPublicKeyInfo, as SubjectPublicKeyInfo."""
    key = serialization.load_der_public_key(public_key)
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
