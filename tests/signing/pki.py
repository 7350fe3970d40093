"""A small test PKI: root, issuing CA, signers of every supported kind, a time stamp certificate, a CRL.

Every person is invented. Keys are made anew in every run and never leave it.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

Key = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey
KINDS = ("rsa2048", "rsa3072", "rsa4096", "p256", "p384")
USAGES = (
    "digital_signature",
    "content_commitment",
    "key_encipherment",
    "data_encipherment",
    "key_agreement",
    "key_cert_sign",
    "crl_sign",
    "encipher_only",
    "decipher_only",
)


@dataclass(frozen=True)
class Identity:
    """A key with its certificate (DER)."""

    key: Key
    certificate: bytes

    @property
    def parsed(self) -> x509.Certificate:
        return x509.load_der_x509_certificate(self.certificate)

    @property
    def pem(self) -> bytes:
        return self.parsed.public_bytes(Encoding.PEM)


@dataclass(frozen=True)
class Pki:
    """Root and issuing CA; `signer(kind)` and `tsa()` issue from them."""

    root: Identity
    issuing: Identity

    @property
    def chain(self) -> tuple[bytes, ...]:
        """Issuers to embed, nearest first, without the root."""
        return (self.issuing.certificate,)

    @cache  # noqa: B019 - the PKI lives as long as the test run
    def signer(self, kind: str) -> Identity:
        """Issue a signature certificate for a key of `kind` (see KINDS)."""
        return issue(self.issuing, make_key(kind), f"Anna Rossi {kind}", signer_extensions())

    @cache  # noqa: B019 - the PKI lives as long as the test run
    def tsa(self) -> Identity:
        """Issue a time stamp certificate (RFC 3161 clause 2.3)."""
        return issue(self.issuing, make_key("rsa2048"), "Prova TSU 1", tsa_extensions())

    def crl(self, issuer: Identity, *revoked: Identity) -> bytes:
        """Sign a CRL of `issuer`, DER."""
        now = datetime.now(UTC)
        builder = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(issuer.parsed.subject)
            .last_update(now - timedelta(hours=1))
            .next_update(now + timedelta(days=7))
            .add_extension(x509.CRLNumber(1), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
            )
        )
        for identity in revoked:
            entry = x509.RevokedCertificateBuilder().serial_number(identity.parsed.serial_number)
            builder = builder.add_revoked_certificate(entry.revocation_date(now - timedelta(hours=2)).build())
        return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


def make_key(kind: str) -> Key:
    """Make a private key: rsa2048, rsa3072, rsa4096, p256 or p384."""
    if kind.startswith("rsa"):
        return rsa.generate_private_key(65537, int(kind[3:]))
    return ec.generate_private_key({"p256": ec.SECP256R1(), "p384": ec.SECP384R1()}[kind])


def key_usage(**named: bool) -> x509.KeyUsage:
    """Make a key usage in which only the named bits are set."""
    bits = dict.fromkeys(USAGES, False)
    return x509.KeyUsage(**bits | named)


def signer_extensions() -> list[tuple[x509.ExtensionType, bool]]:
    """Extensions of a signature certificate: only nonRepudiation (AgID profile)."""
    return [(key_usage(content_commitment=True), True), (x509.BasicConstraints(False, None), False)]


def tsa_extensions() -> list[tuple[x509.ExtensionType, bool]]:
    """Extensions of a time stamp certificate."""
    usage = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.TIME_STAMPING])
    return [(key_usage(digital_signature=True), True), (usage, True)]


def name(common_name: str) -> x509.Name:
    """Make a distinguished name."""
    return x509.Name(
        [
            x509.NameAttribute(NameOID.COUNTRY_NAME, "IT"),
            x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Prova"),
            x509.NameAttribute(NameOID.COMMON_NAME, common_name),
        ]
    )


def issue(
    issuer: Identity | None,
    key: Key,
    common_name: str,
    extensions: list[tuple[x509.ExtensionType, bool]],
    *,
    days: tuple[int, int] = (-30, 900),
) -> Identity:
    """Issue a certificate; without issuer, a self-signed one.

    Args:
        days: validity, from and to, counted from now.
    """
    now = datetime.now(UTC).replace(microsecond=0)
    signing_key = issuer.key if issuer else key
    builder = (
        x509.CertificateBuilder()
        .subject_name(name(common_name))
        .issuer_name(issuer.parsed.subject if issuer else name(common_name))
        .serial_number(x509.random_serial_number())
        .public_key(key.public_key())
        .not_valid_before(now + timedelta(days=days[0]))
        .not_valid_after(now + timedelta(days=days[1]))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signing_key.public_key()), critical=False
        )
    )
    for extension, critical in extensions:
        builder = builder.add_extension(extension, critical)
    return Identity(key, builder.sign(signing_key, hashes.SHA256()).public_bytes(Encoding.DER))


@cache
def make_pki() -> Pki:
    """Make the PKI of this test run; the same one at every call."""
    authority = [
        (key_usage(key_cert_sign=True, crl_sign=True), True),
        (x509.BasicConstraints(True, None), True),
    ]
    root = issue(None, make_key("rsa2048"), "Prova Radice", authority, days=(-60, 3000))
    return Pki(root, issue(root, make_key("rsa2048"), "Prova CA Firma", authority, days=(-50, 2000)))
