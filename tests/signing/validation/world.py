"""A PKI that publishes revocation data, documents, and signatures made by pyHanko: by a third party.

Time stands where a test puts it: certificates, CRLs and time stamps are made for given moments, and the
validation is told what time it is.
"""

import asyncio
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import cache
from io import BytesIO
from pathlib import Path

from asn1crypto import cms, keys, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.sign import fields, signers, timestamps
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore
from reportlab.pdfgen.canvas import Canvas

from cmsdesk.signing.signers.software import SoftwareSigner
from cmsdesk.signing.timestamps.tsa import TimestampAuthority, UnitSettings
from cmsdesk.signing.validation import Report, TrustStore, validate
from tests.signing import pki

NOW = datetime.now(UTC).replace(microsecond=0)
CRL_URL = "http://crl.example.com/prova.crl"


def crl_point() -> tuple[x509.ExtensionType, bool]:
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(CRL_URL)], None, None, None)
    return x509.CRLDistributionPoints([point]), False


@dataclass(frozen=True)
class World:
    root: pki.Identity
    issuing: pki.Identity
    anna: pki.Identity
    luca: pki.Identity
    stamper: pki.Identity

    def store(self) -> asn1_x509.Certificate:
        return asn1_x509.Certificate.load(self.root.certificate)

    def crls(self, at: datetime, *revoked: "Revoked", days: int = 7) -> list[bytes]:
        """CRLs of the issuing CA and of the root, published at `at`."""
        return [
            make_crl(self.issuing, at, days, revoked),
            make_crl(self.root, at, 400, ()),
        ]

    def trust(self) -> TrustStore:
        return TrustStore([self.root.certificate])


@dataclass(frozen=True)
class Revoked:
    serial: int
    at: datetime
    reason: x509.ReasonFlags = x509.ReasonFlags.key_compromise


def make_crl(issuer: pki.Identity, at: datetime, days: int, revoked: tuple[Revoked, ...]) -> bytes:
    builder = (
        x509.CertificateRevocationListBuilder()
        .issuer_name(issuer.parsed.subject)
        .last_update(at)
        .next_update(at + timedelta(days=days))
        .add_extension(x509.CRLNumber(int(at.timestamp())), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer.key.public_key()), critical=False
        )
    )
    for one in revoked:
        entry = x509.RevokedCertificateBuilder().serial_number(one.serial).revocation_date(one.at)
        builder = builder.add_revoked_certificate(
            entry.add_extension(x509.CRLReason(one.reason), critical=False).build()
        )
    return builder.sign(issuer.key, hashes.SHA256()).public_bytes(Encoding.DER)


@cache
def world() -> World:
    authority = [
        (pki.key_usage(key_cert_sign=True, crl_sign=True), True),
        (x509.BasicConstraints(True, None), True),
    ]
    root = pki.issue(None, pki.make_key("p256"), "Radice di prova", authority, days=(-60, 6000))
    issuing = pki.issue(
        root, pki.make_key("p256"), "CA qualificata di prova", [*authority, crl_point()], days=(-50, 5000)
    )
    person = [*pki.signer_extensions(), crl_point()]
    return World(
        root,
        issuing,
        pki.issue(issuing, pki.make_key("rsa2048"), "Anna Prova", person),
        pki.issue(issuing, pki.make_key("p256"), "Luca Prova", person),
        pki.issue(
            issuing,
            pki.make_key("p256"),
            "Marche di prova",
            [*pki.tsa_extensions(), crl_point()],
            days=(-30, 4000),
        ),
    )


class FixedClock:
    def __init__(self, at: datetime) -> None:
        self.at = at

    def read(self) -> datetime:
        return self.at


@dataclass
class Counter:
    value: int = 0

    def take(self) -> int:
        self.value += 1
        return self.value


class Stamper(timestamps.TimeStamper):
    """pyHanko's time stamp client, answered by our authority at a given moment."""

    def __init__(self, at: datetime, unit: pki.Identity | None = None) -> None:
        super().__init__()
        unit = unit or world().stamper
        self.authority = TimestampAuthority(
            SoftwareSigner(unit.key, unit.certificate, (world().issuing.certificate,)),
            Counter(),
            FixedClock(at),
            UnitSettings("0.4.0.2023.1.1"),
        )

    async def async_request_tsa_response(self, req: tsp.TimeStampReq) -> tsp.TimeStampResp:
        return tsp.TimeStampResp.load(self.authority.answer(req.dump()))


def hanko(person: pki.Identity) -> signers.SimpleSigner:
    store = SimpleCertificateStore.from_certs([asn1_x509.Certificate.load(world().issuing.certificate)])
    private = person.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
    return signers.SimpleSigner(
        signing_cert=asn1_x509.Certificate.load(person.certificate),
        signing_key=keys.PrivateKeyInfo.load(private),
        cert_registry=store,
    )


def make_pdf(text: str = "Visura di prova", *, form: bool = False) -> bytes:
    out = BytesIO()
    canvas = Canvas(out, invariant=True)
    canvas.drawString(72, 700, text)
    if form:
        canvas.acroForm.textfield(name="nota", x=72, y=600, width=200, height=20)
    canvas.save()
    return out.getvalue()


@dataclass
class PdfRecipe:
    """How pyHanko is to sign."""

    person: pki.Identity
    field_name: str = "Firma1"
    stamped_at: datetime | None = None
    long_term: bool = False
    archive: bool = False
    crls: list[bytes] = field(default_factory=list)
    certify: fields.MDPPerm | None = None


def sign_pdf(pdf: bytes, recipe: PdfRecipe) -> bytes:
    context = ValidationContext(
        trust_roots=[world().store()],
        crls=recipe.crls,
        moment=recipe.stamped_at or NOW,
        revocation_mode="hard-fail",
    )
    meta = signers.PdfSignatureMetadata(
        field_name=recipe.field_name,
        subfilter=fields.SigSeedSubFilter.PADES,
        md_algorithm="sha256",
        embed_validation_info=recipe.long_term or recipe.archive,
        use_pades_lta=recipe.archive,
        validation_context=context if recipe.long_term or recipe.archive else None,
        certify=recipe.certify is not None,
        docmdp_permissions=recipe.certify or fields.MDPPerm.FILL_FORMS,
    )
    stamper = Stamper(recipe.stamped_at) if recipe.stamped_at else None
    writer = IncrementalPdfFileWriter(BytesIO(pdf), strict=False)
    signed = signers.PdfSigner(meta, hanko(recipe.person), timestamper=stamper).sign_pdf(writer)
    return signed.getvalue()


def sign_cms(
    data: bytes, person: pki.Identity, *, stamped_at: datetime | None = None, detached: bool = False
) -> bytes:
    """A CAdES signature by pyHanko."""
    stamper = Stamper(stamped_at) if stamped_at else None
    info: cms.ContentInfo = asyncio.run(
        hanko(person).async_sign_general_data(
            data, "sha256", use_cades=True, detached=detached, timestamper=stamper
        )
    )
    return info.dump()


def check(
    tmp_path: Path,
    data: bytes,
    name: str = "documento",
    *,
    now: datetime | None = None,
    crls: list[bytes] | None = None,
    trust: TrustStore | None = None,
    content: Path | None = None,
) -> Report:
    path = tmp_path / name
    path.write_bytes(data)
    return validate(
        path,
        trust=trust or world().trust(),
        now=now or NOW,
        crls=world().crls(NOW - timedelta(hours=1)) if crls is None else crls,
        content=content,
    )
