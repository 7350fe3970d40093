"""Whom a validation trusts: certificates given explicitly, and EU trust lists whose signature was verified.

Nothing is trusted that the caller did not name: no system store, no list shipped with a library.
"""

from collections.abc import Generator, Iterable
from datetime import UTC, datetime
from pathlib import Path

from asn1crypto import pem, x509
from pyhanko.sign.validation.qualified.tsp import TSPRegistry, TSPTrustManager
from pyhanko_certvalidator.authority import Authority, AuthorityWithCert, TrustAnchor
from pyhanko_certvalidator.registry import SimpleTrustManager

from cmsdesk.signing.errors import ValidationError


class TrustStore:
    """Trust anchors for signers and for time stamp authorities.

    Args:
        roots: DER certificates of authorities trusted for everything.
        stamp_roots: DER certificates of authorities, or of units themselves, trusted for time stamps only.
        intermediates: DER certificates that help to build paths, and are not trusted by themselves.
    """

    def __init__(
        self,
        roots: Iterable[bytes] = (),
        *,
        stamp_roots: Iterable[bytes] = (),
        intermediates: Iterable[bytes] = (),
    ) -> None:
        self._roots = [x509.Certificate.load(c) for c in roots]
        self._stamp_roots = [x509.Certificate.load(c) for c in stamp_roots]
        self._intermediates = [x509.Certificate.load(c) for c in intermediates]
        self._services = TSPRegistry()
        self.has_lists = False

    @classmethod
    def from_files(
        cls,
        roots: Iterable[Path] = (),
        *,
        stamp_roots: Iterable[Path] = (),
        intermediates: Iterable[Path] = (),
    ) -> "TrustStore":
        """Read certificates from PEM (one or many) or DER files.

        Raises:
            ValidationError: a file cannot be read or holds no certificate.
        """
        return cls(
            [c for path in roots for c in read_certificates(path)],
            stamp_roots=[c for path in stamp_roots for c in read_certificates(path)],
            intermediates=[c for path in intermediates for c in read_certificates(path)],
        )

    def add_trust_list(self, path: Path, pinned: Iterable[bytes], *, now: datetime | None = None) -> None:
        """Trust the qualified services of an EU trust list (ETSI TS 119 612).

        Args:
            path: the XML file.
            pinned: DER certificates of the scheme operator's signers; see `operator_certificates`.
            now: for the list's own validity.

        Raises:
            ValidationError: not signed by a pinned signer, changed, expired, or damaged.
        """
        # imported here: the reader of trust lists costs 0.3 s, and only those who load one should pay it
        from cmsdesk.signing.validation import trust_lists

        trust_lists.add_services(_read(path), pinned, self._services, now or datetime.now(UTC))
        self.has_lists = True

    @property
    def known_certificates(self) -> list[x509.Certificate]:
        """Every certificate given, trusted or not: paths and CRL issuers are looked for among them."""
        listed = (*self._services.known_certificate_authorities, *self._services.known_timestamp_authorities)
        anchors = [
            *self._roots,
            *self._stamp_roots,
            *(one.certificate for one in listed if isinstance(one, AuthorityWithCert)),
        ]
        return [*anchors, *map(_self_issued, anchors), *self._intermediates]

    def for_signers(self) -> TSPTrustManager:
        """The anchors for signers' certificates."""
        return _Anchors(self._services, self._roots)

    def for_stamps(self) -> TSPTrustManager:
        """The anchors for time stamp units' certificates."""
        return _Anchors(self._services, [*self._roots, *self._stamp_roots])


class _Anchors(TSPTrustManager):
    """Services of trust lists, then the certificates given explicitly."""

    def __init__(self, services: TSPRegistry, explicit: list[x509.Certificate]) -> None:
        super().__init__(services)
        self._explicit = SimpleTrustManager.build(trust_roots=explicit)

    def as_trust_anchor(self, authority: Authority) -> TrustAnchor | None:
        found = super().as_trust_anchor(authority) or self._explicit.as_trust_anchor(authority)
        return _as_root(found) if found is not None else None

    def find_potential_issuers(self, cert: x509.Certificate) -> Generator[TrustAnchor, None, None]:
        for anchor in (*super().find_potential_issuers(cert), *self._explicit.find_potential_issuers(cert)):
            yield _as_root(anchor)


def _as_root(anchor: TrustAnchor) -> TrustAnchor:
    authority = anchor.authority
    if not isinstance(authority, AuthorityWithCert) or not authority.certificate.ca:
        return anchor
    copy = _self_issued(authority.certificate)
    if copy is authority.certificate:
        return anchor
    return TrustAnchor(AuthorityWithCert(copy), quals=anchor.trust_qualifiers)


def _self_issued(anchor: x509.Certificate) -> x509.Certificate:
    """Return a trust anchor that is no root as if it were one.

    An anchor is a name and a key (RFC 5280 clause 6.1.1 d), and trust lists name issuing CAs too. pyHanko
    takes a CRL signed by the anchor itself only when the anchor's certificate names itself as issuer. Nobody
    checks an anchor's own signature; the copy's is wrong, so that it stands in no path but as the anchor.
    """
    if anchor.issuer == anchor.subject:
        return anchor
    copy = anchor.copy()
    content = copy["tbs_certificate"]
    content["issuer"] = content["subject"]
    kept = [e for e in content["extensions"] if e["extn_id"].native != "authority_key_identifier"]
    content["extensions"] = x509.Extensions(kept)
    return x509.Certificate.load(copy.dump(force=True))


def read_certificates(path: Path) -> list[bytes]:
    """Return the certificates of a PEM or DER file, DER.

    Raises:
        ValidationError: it cannot be read, or holds none.
    """
    data = _read(path)
    try:
        if pem.detect(data):
            found = [der for kind, _, der in pem.unarmor(data, multiple=True) if kind == "CERTIFICATE"]
        else:
            found = [data]
        for certificate in found:
            x509.Certificate.load(certificate, strict=True).native  # noqa: B018 - forces the lazy parser
    except (ValueError, TypeError) as error:
        raise _no_certificate(path) from error
    if not found:
        raise _no_certificate(path)
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValidationError(
            "A trust file cannot be read.", "Check its path.", path=str(path), reason=type(error).__name__
        ) from error


def _no_certificate(path: Path) -> ValidationError:
    return ValidationError("The file holds no certificate.", "Give a PEM or DER certificate.", path=str(path))
