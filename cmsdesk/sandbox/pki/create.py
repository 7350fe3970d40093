"""Making a PKI's state on disk: token and keys in SoftHSM2, CA certificates, TLS certificates.

Layout of a state folder: ``softhsm2.conf`` and ``tokens/`` (the HSM), ``pki/*.crt`` (DER), ``tls/``
(PEM; the registration desk's client key among them), ``ca.sqlite``. The HSM's PIN is not there.
"""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime, timedelta
from ipaddress import IPv4Address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cmsdesk.base.clock import Clock, SystemClock
from cmsdesk.base.secret import Secret
from cmsdesk.sandbox.pki import profiles
from cmsdesk.sandbox.pki.authority import Authority
from cmsdesk.sandbox.pki.config import Issuer, PkiConfig
from cmsdesk.sandbox.pki.hsm import Hsm, init_token
from cmsdesk.sandbox.pki.issuing import IssuingCa, PrivateKey, Signer, after_years, sign_certificate
from cmsdesk.sandbox.pki.names import name_of
from cmsdesk.sandbox.pki.store import Store

_TLS_DAYS = 3650
_BEFORE = timedelta(minutes=5)  # clocks of desks may be a little behind


def use_token(state: Path) -> None:
    """Point SoftHSM2 at a state folder's token; must come before any PKCS #11 call of the process."""
    os.environ["SOFTHSM2_CONF"] = str(state / "softhsm2.conf")


def create(config: PkiConfig, state: Path, pin: Secret) -> None:
    """Make a new PKI in the empty or absent folder ``state``; its HSM opens with ``pin``."""
    for folder in ("tokens", "pki", "tls"):
        (state / folder).mkdir(parents=True)
    (state / "tls").chmod(0o700)
    _write_token_settings(state)
    use_token(state)
    init_token(pin)
    hsm = Hsm(pin)
    try:
        _create_authorities(config, state, hsm, datetime.now(UTC) - _BEFORE)
    finally:
        hsm.close()
    create_tls(state / "tls", datetime.now(UTC) - _BEFORE)


def copy(source: Path, target: Path) -> None:
    """Copy a PKI that is not running; the same PIN opens both."""
    shutil.copytree(source, target)
    _write_token_settings(target)


def open_authority(config: PkiConfig, state: Path, hsm: Hsm, clock: Clock | None = None) -> Authority:
    """Load what `create` made."""
    root = Signer(_load(state, config.root.name), hsm.key(config.root.name))
    issuers = {issuer.name: _open_issuer(issuer, state, hsm) for issuer in config.issuers}
    return Authority(config, root, issuers, Store(state / "ca.sqlite"), clock or SystemClock())


def _write_token_settings(state: Path) -> None:
    settings = f"directories.tokendir = {state / 'tokens'}\nobjectstore.backend = file\nlog.level = ERROR\n"
    (state / "softhsm2.conf").write_text(settings, "utf-8")


def _create_authorities(config: PkiConfig, state: Path, hsm: Hsm, now: datetime) -> None:
    root = config.root
    key = _new_key(hsm, root.name, root.key)
    extensions = profiles.ca_extensions(_public(key), None, None)
    validity = (now, after_years(now, root.years))
    certificate = sign_certificate(key, None, name_of(root.subject), _public(key), validity, extensions)
    _save(state, root.name, certificate)
    for issuer in config.issuers:
        _create_issuer(issuer, Signer(certificate, key), config, state, hsm, now)


def _create_issuer(
    issuer: Issuer, root: Signer, config: PkiConfig, state: Path, hsm: Hsm, now: datetime
) -> None:
    key = _new_key(hsm, issuer.name, issuer.key)
    extensions = profiles.ca_extensions(_public(key), root.certificate, config.root.addresses)
    validity = (now, after_years(now, issuer.years))
    subject = name_of(issuer.subject)
    certificate = sign_certificate(root.key, root.certificate, subject, _public(key), validity, extensions)
    _save(state, issuer.name, certificate)
    if issuer.ocsp.responder == "direct":
        return
    responder = _new_key(hsm, _responder(issuer), issuer.ocsp.key)
    extensions = profiles.responder_extensions(certificate, _public(responder))
    validity = (now, after_years(now, issuer.ocsp.years))
    subject = name_of({**issuer.subject, "CN": f"{issuer.subject['CN']} OCSP"})
    _save(
        state,
        _responder(issuer),
        sign_certificate(key, certificate, subject, _public(responder), validity, extensions),
    )


def _open_issuer(issuer: Issuer, state: Path, hsm: Hsm) -> IssuingCa:
    signer = Signer(_load(state, issuer.name), hsm.key(issuer.name))
    responder = signer
    if issuer.ocsp.responder == "delegated":
        responder = Signer(_load(state, _responder(issuer)), hsm.key(_responder(issuer)))
    return IssuingCa(issuer, signer, responder)


def _responder(issuer: Issuer) -> str:
    return f"{issuer.name}-OCSP"


def _new_key(hsm: Hsm, label: str, key: str) -> PrivateKey:
    hsm.generate(label, key)
    return hsm.key(label)


def _public(key: PrivateKey) -> profiles.PublicKey:
    return key.public_key()


def _save(state: Path, name: str, certificate: x509.Certificate) -> None:
    (state / "pki" / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.DER))


def _load(state: Path, name: str) -> x509.Certificate:
    return x509.load_der_x509_certificate((state / "pki" / f"{name}.crt").read_bytes())


def create_tls(folder: Path, now: datetime) -> None:
    """Make the certificates of the REST interface; its authority's key is thrown away."""
    authority = ec.generate_private_key(ec.SECP256R1())
    validity = (now, now + timedelta(days=_TLS_DAYS))
    subject = _tls_name("Sandbox TLS")
    extensions = profiles.ca_extensions(authority.public_key(), None, None)
    top = sign_certificate(authority, None, subject, authority.public_key(), validity, extensions)
    _save_pem(folder / "ca.pem", top)
    names = x509.SubjectAlternativeName([x509.IPAddress(IPv4Address("127.0.0.1")), x509.DNSName("localhost")])
    for name, purpose, extra in (
        ("server", ExtendedKeyUsageOID.SERVER_AUTH, [(names, False)]),
        ("desk", ExtendedKeyUsageOID.CLIENT_AUTH, []),
    ):
        key = ec.generate_private_key(ec.SECP256R1())
        extensions = profiles.tls_extensions(top, key.public_key(), purpose)
        leaf = sign_certificate(
            authority, top, _tls_name(name), key.public_key(), validity, [*extensions, *extra]
        )
        _save_pem(folder / f"{name}.pem", leaf)
        _save_key(folder / f"{name}.key", key)


def _tls_name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _save_pem(path: Path, certificate: x509.Certificate) -> None:
    path.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))


def _save_key(path: Path, key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey) -> None:
    path.touch(0o600)
    path.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )
