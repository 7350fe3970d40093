"""Third parties that judge what the CA makes: pkilint and OpenSSL."""

from __future__ import annotations

import subprocess
import warnings
from pathlib import Path
from types import ModuleType

import urllib3
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from pkilint.bin import lint_crl, lint_etsi_cert, lint_ocsp_response, lint_pkix_cert

from cmsdesk.operations.ports import Issued
from tests.fixtures.orders import SoftwareKey

QUALIFIED = "QCP-N-QSCD-EIDAS-FINAL-CERTIFICATE"


def openssl(*arguments: str | Path, data: bytes | None = None) -> bytes:
    """Run OpenSSL and return its output; a failure is an assertion with its words."""
    command = ["openssl", *map(str, arguments)]
    done = subprocess.run(command, input=data, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout!r}\n{done.stderr!r}"
    return done.stdout + done.stderr


def refused(*arguments: str | Path) -> bytes:
    """Run OpenSSL where it must refuse; return its words."""
    done = subprocess.run(["openssl", *map(str, arguments)], capture_output=True, timeout=30, check=False)
    assert done.returncode, done.stdout
    return done.stdout + done.stderr


def fetch(url: str, data: bytes | None = None) -> tuple[int, bytes]:
    """Get a file by HTTP, or post ``data``; return status and content."""
    with urllib3.PoolManager(retries=False, timeout=5) as pool:
        answer = pool.request("GET" if data is None else "POST", url, body=data)
    return answer.status, answer.data


def lint_qualified(certificate: Path, severity: str = "WARNING") -> int:
    """Return the number of findings of ETSI EN 319 412-2/-5 (pkilint)."""
    return _lint(lint_etsi_cert, "-t", QUALIFIED, "-s", severity, certificate)


def lint_pkix(certificate: Path, severity: str = "WARNING") -> int:
    """Return the number of findings of RFC 5280 in a certificate (pkilint)."""
    return _lint(lint_pkix_cert, "-s", severity, certificate)


def lint_list(crl: Path, severity: str = "WARNING") -> int:
    """Return the number of findings of RFC 5280 in a revocation list (pkilint)."""
    return _lint(lint_crl, "-t", "CRL", "-p", "PKIX", "-s", severity, crl)


def lint_ocsp(answer: Path, severity: str = "WARNING") -> int:
    """Return the number of findings of RFC 6960 in an OCSP answer (pkilint)."""
    return _lint(lint_ocsp_response, "-s", severity, answer)


def _lint(linter: ModuleType, *arguments: str | Path) -> int:
    with warnings.catch_warnings():
        # pkilint leaves the file to be closed by the garbage collector
        warnings.simplefilter("ignore", ResourceWarning)
        return int(linter.main(["lint", *map(str, arguments)]))


class Files:
    """Certificates and keys as files for OpenSSL."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def issued(self, name: str, issued: Issued) -> tuple[Path, Path, Path]:
        """Write a certificate, its issuer and the root, PEM."""
        names = (name, f"{name}-issuer", f"{name}-root")
        ders = (issued.certificate, *issued.chain)
        leaf, issuer, root = (self.pem(each, der) for each, der in zip(names, ders, strict=True))
        return leaf, issuer, root

    def pem(self, name: str, der: bytes) -> Path:
        """Write a certificate, PEM."""
        path = self.folder / f"{name}.pem"
        certificate = x509.load_der_x509_certificate(der)
        path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
        return path

    def binary(self, name: str, content: bytes) -> Path:
        """Write bytes."""
        path = self.folder / name
        path.write_bytes(content)
        return path

    def key(self, name: str, key: SoftwareKey) -> Path:
        """Write a software key, PEM, as a holder's card never gives it away."""
        return self.binary(
            f"{name}.key",
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            ),
        )
