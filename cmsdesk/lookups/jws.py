"""Signed tokens of the outside services: JWS compact, RS256 (RFC 7515 §3.1, RFC 7518 §3.3)."""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from cmsdesk.base.secret import Secret


@dataclass(frozen=True)
class TokenKey:
    """The key that signs our tokens, and how the other side knows it."""

    key: rsa.RSAPrivateKey = field(repr=False)
    kid: str = ""
    """Id that the platform gave the key (PDND, domain.md §5.1)."""
    certificate: x509.Certificate | None = None
    """Sent along as ``x5c`` (domain.md §5.4)."""

    @classmethod
    def load(cls, pem: bytes, password: Secret | None = None, **known_as: Any) -> TokenKey:
        """Read a key, PEM.

        Raises:
            ValueError: no RSA key, or another password.
        """
        opened = serialization.load_pem_private_key(pem, password.reveal() if password else None)
        if not isinstance(opened, rsa.RSAPrivateKey):
            raise ValueError("the tokens of these services are signed with RSA")
        return cls(opened, **known_as)

    def sign(self, claims: Mapping[str, Any]) -> str:
        """Return the token of ``claims``."""
        header: dict[str, Any] = {"typ": "JWT", "alg": "RS256"}
        if self.kid:
            header["kid"] = self.kid
        if self.certificate is not None:
            der = self.certificate.public_bytes(serialization.Encoding.DER)
            header["x5c"] = [base64.b64encode(der).decode()]
        signed = f"{_part(header)}.{_part(claims)}"
        signature = self.key.sign(signed.encode(), padding.PKCS1v15(), hashes.SHA256())
        return f"{signed}.{_base64url(signature)}"


def _part(values: Mapping[str, Any]) -> str:
    return _base64url(json.dumps(values, separators=(",", ":")).encode())


def _base64url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
