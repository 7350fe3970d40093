"""What each issuing CA accepts and what it puts into a certificate (domain.md §1.1, §2.1, §2.2)."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import AuthorityInformationAccessOID, ExtendedKeyUsageOID, NameOID

from cmsdesk.sandbox.pki import der
from cmsdesk.sandbox.pki.config import Addresses, Issuer, Policy

PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey
Extension = tuple[x509.ExtensionType, bool]

_CURVES = {"secp256r1": "ecp256", "secp384r1": "ecp384"}
_RSA_EXPONENT = 65537
_REQUEST_HASHES = frozenset({"sha256", "sha384", "sha512"})
_SMALL_PRIMES = [n for n in range(3, 752) if all(n % d for d in range(2, math.isqrt(n) + 1))]
_ROCA_PRIMES = [prime for prime in _SMALL_PRIMES if prime <= 167]

_ANY_POLICY = x509.ObjectIdentifier("2.5.29.32.0")
_CNS_COMMON_NAME = re.compile(r"[A-Z0-9]{16}/[0-9A-Za-z]{16}\.[A-Za-z0-9+/]{27}=")
_SERIAL_NUMBER = re.compile(r"TINIT-[A-Z]{6}[0-9L-NP-V]{2}[A-EHLMPRST][0-9L-NP-V]{2}[A-Z][0-9L-NP-V]{3}[A-Z]")
_HOLDER_CODE = re.compile(r"[0-9A-Za-z ./-]{1,64}")
_EMAIL = re.compile(r"[!-?A-~]+@[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)+")

_CNS_SUBJECT = {NameOID.COUNTRY_NAME: 1, NameOID.ORGANIZATIONAL_UNIT_NAME: 1, NameOID.COMMON_NAME: 1}
_QUALIFIED_SUBJECT = {
    NameOID.COUNTRY_NAME: 1,
    NameOID.SURNAME: 1,
    NameOID.GIVEN_NAME: 1,
    NameOID.SERIAL_NUMBER: 1,
    NameOID.COMMON_NAME: 1,
    NameOID.DN_QUALIFIER: 1,
}


class Unfit(ValueError):
    """The request does not fit the profile; the text says why, as the CA would tell its registration desk."""


def check(request: x509.CertificateSigningRequest, issuer: Issuer, keys: tuple[str, ...]) -> None:
    """Accept a request or raise `Unfit`: proof of possession, key, subject, alternative name."""
    digest = request.signature_hash_algorithm
    if digest is None or digest.name not in _REQUEST_HASHES:
        raise Unfit("the request is signed with a weak digest")
    if not request.is_signature_valid:
        raise Unfit("the proof of possession does not verify")
    check_key(request.public_key(), keys)
    _check_subject(request.subject, issuer.profile)
    _check_alternative_name(email_of(request), issuer.profile)


def check_key(key: object, allowed: tuple[str, ...]) -> None:
    """Accept a public key or raise `Unfit`: kind, size, exponent, small factors, ROCA (CVE-2017-15361)."""
    if isinstance(key, ec.EllipticCurvePublicKey):
        name = _CURVES.get(key.curve.name, key.curve.name)
    elif isinstance(key, rsa.RSAPublicKey):
        name = f"rsa{key.key_size}"
        _check_modulus(key.public_numbers())
    else:
        raise Unfit("the key is neither RSA nor EC")
    if name not in allowed:
        raise Unfit(f"key {name} is not allowed by the profile")


def _check_modulus(numbers: rsa.RSAPublicNumbers) -> None:
    if numbers.e != _RSA_EXPONENT:
        raise Unfit(f"the RSA exponent is {numbers.e}, not {_RSA_EXPONENT}")
    if numbers.n % 2 == 0 or any(numbers.n % prime == 0 for prime in _SMALL_PRIMES):
        raise Unfit("the RSA modulus has a small factor")
    if all(pow(numbers.n, _order(prime), prime) == 1 for prime in _ROCA_PRIMES):
        raise Unfit("the RSA key has the ROCA weakness (CVE-2017-15361)")


def _order(prime: int) -> int:
    """Return the order of 65537 modulo ``prime``: a number lies in its subgroup when that power is 1."""
    order, power = 1, _RSA_EXPONENT % prime
    while power != 1:
        order, power = order + 1, power * _RSA_EXPONENT % prime
    return order


def _check_subject(subject: x509.Name, profile: str) -> None:
    expected = _CNS_SUBJECT if profile == "cns" else _QUALIFIED_SUBJECT
    if Counter(attribute.oid for attribute in subject) != Counter(expected):
        raise Unfit("the subject does not consist of the attributes of the profile")
    if _value(subject, NameOID.COUNTRY_NAME) != "IT":
        raise Unfit("the subject's country is not IT")
    if profile == "cns":
        if not _CNS_COMMON_NAME.fullmatch(_value(subject, NameOID.COMMON_NAME)):
            raise Unfit("the common name is not that of a CNS")
        return
    if not _SERIAL_NUMBER.fullmatch(_value(subject, NameOID.SERIAL_NUMBER)):
        raise Unfit("the serialNumber is not TINIT- and a codice fiscale")
    if not _HOLDER_CODE.fullmatch(_value(subject, NameOID.DN_QUALIFIER)):
        raise Unfit("the dnQualifier is not a holder code")


def _check_alternative_name(email: str | None, profile: str) -> None:
    if email is None:
        return
    if profile != "cns":
        raise Unfit("the profile has no subjectAltName")
    if not _EMAIL.fullmatch(email):
        raise Unfit("the subjectAltName is not an e-mail address")


def _value(subject: x509.Name, oid: x509.ObjectIdentifier) -> str:
    return str(subject.get_attributes_for_oid(oid)[0].value)


def email_of(request: x509.CertificateSigningRequest) -> str | None:
    """Return the one rfc822Name asked for. Raises `Unfit` for any other extension or name."""
    wanted = None
    for extension in request.extensions:
        if not isinstance(extension.value, x509.SubjectAlternativeName):
            raise Unfit("the request asks for an extension that the profile sets itself")
        names = list(extension.value)
        if len(names) != 1 or not isinstance(names[0], x509.RFC822Name):
            raise Unfit("the subjectAltName is not one e-mail address")
        wanted = names[0].value
    return wanted


def end_entity_extensions(
    issuer: Issuer, authority: x509.Certificate, key: PublicKey, email: str | None
) -> Iterator[Extension]:
    """Yield the extensions of a holder's certificate with their criticality."""
    if issuer.profile == "cns":
        yield from _cns_extensions(key, email)
    else:
        yield _key_usage(content_commitment=True), True
    yield from _identifiers(authority, key)
    yield x509.CertificatePolicies([_policy(policy) for policy in issuer.policies]), False
    if issuer.qc is not None:
        yield der.qc_statements(issuer.qc), False
    yield from _pointers(issuer.addresses)


def _cns_extensions(key: PublicKey, email: str | None) -> Iterator[Extension]:
    purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
    encrypts = {}
    if email is not None:
        purposes.append(ExtendedKeyUsageOID.EMAIL_PROTECTION)
        yield x509.SubjectAlternativeName([x509.RFC822Name(email)]), False
        # An EC key agrees on a key, it does not encipher one (RFC 5480 §3, RFC 8551 §2.3).
        encrypts = {"key_encipherment" if isinstance(key, rsa.RSAPublicKey) else "key_agreement": True}
    yield _key_usage(digital_signature=True, **encrypts), True
    yield x509.ExtendedKeyUsage(purposes), False


def ca_extensions(
    key: PublicKey, authority: x509.Certificate | None, addresses: Addresses | None
) -> Iterator[Extension]:
    """Yield the extensions of a CA's own certificate; ``authority`` is None for the root."""
    yield x509.BasicConstraints(ca=True, path_length=None if authority is None else 0), True
    yield _key_usage(key_cert_sign=True, crl_sign=True), True
    if authority is None or addresses is None:
        yield x509.SubjectKeyIdentifier.from_public_key(key), False
        return
    yield from _identifiers(authority, key)
    yield x509.CertificatePolicies([x509.PolicyInformation(_ANY_POLICY, None)]), False
    yield from _pointers(addresses)


def responder_extensions(authority: x509.Certificate, key: PublicKey) -> Iterator[Extension]:
    """Yield the extensions of a delegated OCSP responder's certificate (RFC 6960 §4.2.2.2)."""
    yield _key_usage(digital_signature=True), True
    yield x509.ExtendedKeyUsage([ExtendedKeyUsageOID.OCSP_SIGNING]), False
    yield x509.OCSPNoCheck(), False
    yield from _identifiers(authority, key)


def tls_extensions(
    authority: x509.Certificate, key: PublicKey, purpose: x509.ObjectIdentifier
) -> Iterator[Extension]:
    """Yield the extensions of a TLS certificate of the REST interface."""
    yield _key_usage(digital_signature=True), True
    yield x509.ExtendedKeyUsage([purpose]), False
    yield from _identifiers(authority, key)


def _identifiers(authority: x509.Certificate, key: PublicKey) -> Iterator[Extension]:
    issuer_key = authority.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    yield x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(issuer_key), False
    yield x509.SubjectKeyIdentifier.from_public_key(key), False


def _pointers(addresses: Addresses) -> Iterator[Extension]:
    accesses = [_access(AuthorityInformationAccessOID.CA_ISSUERS, addresses.ca)]
    if addresses.ocsp is not None:
        accesses.insert(0, _access(AuthorityInformationAccessOID.OCSP, addresses.ocsp))
    yield x509.AuthorityInformationAccess(accesses), False
    point = x509.DistributionPoint([x509.UniformResourceIdentifier(addresses.crl)], None, None, None)
    yield x509.CRLDistributionPoints([point]), False


def _access(method: x509.ObjectIdentifier, address: str) -> x509.AccessDescription:
    return x509.AccessDescription(method, x509.UniformResourceIdentifier(address))


def _policy(policy: Policy) -> x509.PolicyInformation:
    qualifiers: list[str | x509.UserNotice] = []
    if policy.cps is not None:
        qualifiers.append(policy.cps)
    if policy.explicit_text is not None:
        qualifiers.append(x509.UserNotice(None, policy.explicit_text))
    return x509.PolicyInformation(x509.ObjectIdentifier(policy.oid), qualifiers or None)


def _key_usage(
    *,
    digital_signature: bool = False,
    content_commitment: bool = False,
    key_encipherment: bool = False,
    key_agreement: bool = False,
    key_cert_sign: bool = False,
    crl_sign: bool = False,
) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=digital_signature,
        content_commitment=content_commitment,
        key_encipherment=key_encipherment,
        data_encipherment=False,
        key_agreement=key_agreement,
        key_cert_sign=key_cert_sign,
        crl_sign=crl_sign,
        encipher_only=False,
        decipher_only=False,
    )
