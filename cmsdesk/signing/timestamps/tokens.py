"""What a time stamp token says, and whether its signature is its own (RFC 3161 clause 2.4.2).

These checks need no trust: they tell a usable answer from a broken or swapped one at the moment it arrives.
Whether the authority is trusted is the business of `cmsdesk.signing.validation`.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache

from asn1crypto import algos, cms, core, tsp
from asn1crypto import x509 as asn1_x509
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

_HASHES: dict[str, hashes.HashAlgorithm] = {
    "sha256": hashes.SHA256(),
    "sha384": hashes.SHA384(),
    "sha512": hashes.SHA512(),
    "sha3_256": hashes.SHA3_256(),
    "sha3_384": hashes.SHA3_384(),
    "sha3_512": hashes.SHA3_512(),
}


class BadToken(ValueError):
    """The bytes are not a sound time stamp token; the text says why, in a few words."""


@dataclass(frozen=True, slots=True)
class Token:
    """The content of a token.

    Attributes:
        hash_name: hash function of the imprint, by `hashlib`'s name.
        digest: the imprint.
        at: the time attested, aware, UTC.
        serial: of the token.
        policy: dotted identifier.
        nonce: as in the request, or None.
        certificate: of the unit that signed, DER; None when the token does not carry it.
    """

    hash_name: str
    digest: bytes
    at: datetime
    serial: int
    policy: str
    nonce: int | None
    certificate: bytes | None


def read_token(token: bytes) -> Token:
    """Read a TimeStampToken.

    Raises:
        BadToken: not a ContentInfo with SignedData with TSTInfo.
    """
    signed_data, info = _open(token)
    signer = _signer_certificate(signed_data, signed_data["signer_infos"][0])
    imprint = info["message_imprint"]
    return Token(
        hash_name=imprint["hash_algorithm"]["algorithm"].native,
        digest=imprint["hashed_message"].native,
        at=info["gen_time"].native,
        serial=info["serial_number"].native,
        policy=info["policy"].dotted,
        nonce=info["nonce"].native,
        certificate=signer.dump() if signer is not None else None,
    )


def check_token(token: bytes) -> Token:
    """Read a token and check its signature with the certificate inside.

    Raises:
        BadToken: malformed, or signed by nobody whose certificate is inside, or by one that is not for time
            stamps (RFC 3161 clause 2.3), or without the certificate's identifier (RFC 5816 clause 2.2.1).
    """
    try:
        return _checked(token)
    except (ValueError, TypeError, KeyError, AttributeError, IndexError) as error:
        # asn1crypto reads lazily: damage shows wherever a field is first looked at
        raise error if isinstance(error, BadToken) else BadToken("damaged") from error


def _checked(token: bytes) -> Token:
    signed_data, _ = _open(token)
    signer_info = signed_data["signer_infos"][0]
    certificate = _signer_certificate(signed_data, signer_info)
    if certificate is None:
        raise BadToken("the token does not carry the authority's certificate")
    attributes = {a["type"].native: a["values"] for a in signer_info["signed_attrs"]}
    hash_name = signer_info["digest_algorithm"]["algorithm"].native
    if hash_name not in _HASHES:
        raise BadToken(f"signed with {hash_name}")
    content = signed_data["encap_content_info"]["content"].contents
    _check_attributes(attributes, hashlib.new(hash_name, content).digest(), certificate.dump())
    signed = b"\x31" + signer_info["signed_attrs"].dump()[1:]
    if not _verifies(certificate.dump(), signer_info["signature_algorithm"], hash_name, signer_info, signed):
        raise BadToken("the signature does not verify")
    return read_token(token)


def _open(token: bytes) -> tuple[cms.SignedData, tsp.TSTInfo]:
    try:
        content_info = cms.ContentInfo.load(token, strict=True)
        signed_data = content_info["content"]
        info = signed_data["encap_content_info"]["content"].parsed
        info.native  # noqa: B018 - asn1crypto parses lazily: every field is read here, once, under one guard
        count = len(signed_data["signer_infos"])
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BadToken("not a time stamp token") from error
    if not isinstance(info, tsp.TSTInfo) or count != 1:
        raise BadToken("not a time stamp token with one signature")
    return signed_data, info


def _signer_certificate(signed_data: cms.SignedData, signer_info: cms.SignerInfo) -> asn1_x509.Certificate:
    wanted = signer_info["sid"].chosen
    for choice in signed_data["certificates"] or ():
        if choice.name != "certificate":
            continue
        certificate = choice.chosen
        if isinstance(wanted, cms.IssuerAndSerialNumber):
            same_issuer = certificate.issuer == wanted["issuer"]
            if same_issuer and certificate.serial_number == wanted["serial_number"].native:
                return certificate
        elif certificate.key_identifier == wanted.native:
            return certificate
    return None


def _check_attributes(attributes: dict[str, core.SetOf], digest: bytes, certificate: bytes) -> None:
    if _single(attributes, "content_type") != "tst_info":
        raise BadToken("the content type is not TSTInfo")
    if _single(attributes, "message_digest") != digest:
        raise BadToken("the content was changed after it was signed")
    if "signing_certificate_v2" in attributes:
        identifier = attributes["signing_certificate_v2"][0]["certs"][0]
        hash_name = identifier["hash_algorithm"]["algorithm"].native
    elif "signing_certificate" in attributes:
        identifier, hash_name = attributes["signing_certificate"][0]["certs"][0], "sha1"
    else:
        raise BadToken("the signature does not name its certificate")
    if identifier["cert_hash"].native != hashlib.new(hash_name, certificate).digest():
        raise BadToken("the signature names another certificate")
    if not _is_for_stamping(certificate):
        raise BadToken("the signer's certificate is not for time stamps")


def _single(attributes: dict[str, core.SetOf], name: str) -> object:
    values = attributes.get(name)
    return values[0].native if values is not None and len(values) == 1 else None


@lru_cache(maxsize=16)
def _load(certificate: bytes) -> x509.Certificate:
    return x509.load_der_x509_certificate(certificate)


def _is_for_stamping(certificate: bytes) -> bool:
    try:
        found = _load(certificate).extensions.get_extension_for_class(x509.ExtendedKeyUsage)
    except (x509.ExtensionNotFound, ValueError):
        return False
    return list(found.value) == [ExtendedKeyUsageOID.TIME_STAMPING] and found.critical


def _verifies(
    certificate: bytes,
    algorithm: algos.SignedDigestAlgorithm,
    hash_name: str,
    signer_info: cms.SignerInfo,
    signed: bytes,
) -> bool:
    key = _load(certificate).public_key()
    signature = signer_info["signature"].native
    try:
        if isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, _rsa_padding(algorithm), _HASHES[hash_name])
        elif isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(_HASHES[_signature_hash(algorithm, hash_name)]))
        else:
            return False
    except (InvalidSignature, KeyError):
        return False
    return True


def _signature_hash(algorithm: algos.SignedDigestAlgorithm, hash_name: str) -> str:
    try:
        return str(algorithm.hash_algo)
    except ValueError:
        return hash_name


def _rsa_padding(algorithm: algos.SignedDigestAlgorithm) -> padding.PKCS1v15 | padding.PSS:
    if algorithm.signature_algo != "rsassa_pss":
        return padding.PKCS1v15()
    parameters = algorithm["parameters"]
    mask_hash = parameters["mask_gen_algorithm"]["parameters"]["algorithm"].native
    return padding.PSS(padding.MGF1(_HASHES[mask_hash]), parameters["salt_length"].native)
