"""A PC's own certificate: its key is made here and stays; the service certifies it for a code (ORG-10)."""

from __future__ import annotations

import base64
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from cmsdesk.base.secret import Secret
from cmsdesk.sync.http import Connection

CERTIFICATE, KEY = "workstation.pem", "workstation.key"


@dataclass(frozen=True)
class EnrolledPc:
    """Where the PC's files lie and where it stands."""

    certificate: Path
    key: Path
    thumbprint: str
    body: str
    office: str


def enrol(
    connection: Connection, folder: Path, code: Secret, name: str, first: Mapping[str, str] | None = None
) -> EnrolledPc:
    """Have this PC certified; what lies in ``folder`` is kept when the service refuses.

    The key is written before the call: after a lost answer, the same code with the same key gets the
    same certificate.

    Args:
        first: with the first code: body, name, office, office_name, administrator, valid_until.

    Raises:
        EnrolmentRefused, ServiceUnreachable.
    """
    folder.mkdir(parents=True, exist_ok=True)
    new_key = folder / f"{KEY}.new"
    key = _key(new_key)
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    csr = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    call = {
        "code": code.reveal_text(),
        "csr": base64.b64encode(csr.public_bytes(serialization.Encoding.DER)).decode(),
        "name": name,
        "first": None if first is None else dict(first),
    }
    answer = connection.call("POST", "/enrolment", call)
    certificate = x509.load_der_x509_certificate(base64.b64decode(answer["certificate"]))
    written = folder / f"{CERTIFICATE}.new"
    written.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    new_key.replace(folder / KEY)
    written.replace(folder / CERTIFICATE)
    return EnrolledPc(
        folder / CERTIFICATE, folder / KEY, answer["thumbprint"], answer["body"], answer["office"] or ""
    )


def _key(path: Path) -> ec.EllipticCurvePrivateKey:
    """Return the key of an enrolment that was cut, or a new one in a file of the user's own."""
    if path.exists():
        known = serialization.load_pem_private_key(path.read_bytes(), None)
        if isinstance(known, ec.EllipticCurvePrivateKey):
            return known
    made = ec.generate_private_key(ec.SECP256R1())
    content = made.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    path.unlink(missing_ok=True)
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
    return made
