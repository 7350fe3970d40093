"""CAdES archive time stamps that list what they cover (EN 319 122-1 clause 5.5, TS 101 733 clause 6.4).

Their imprint is over the document, the signature and an index of hashes; the index names the certificates,
revocation data and unsigned attributes that were there when the stamp was made. What came later is not named,
and not covered.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial

from asn1crypto import algos, cms
from pyhanko.sign.validation.errors import SignatureValidationError

from cmsdesk.signing.cades.existing import ExistingCms, ExistingSigner
from cmsdesk.signing.cms import ber, names
from cmsdesk.signing.cms.der import OCTET_STRING, SEQUENCE, DerError, oid, tlv
from cmsdesk.signing.validation.engine import Engine, Evidence
from cmsdesk.signing.validation.report import Stamp

_STAMP = oid(names.ARCHIVE_TIME_STAMP_V3)
_INDEX = oid(names.ATS_HASH_INDEX)
_INDEX_V3 = oid(names.ATS_HASH_INDEX_V3)
_OTHERS = (oid(names.ARCHIVE_TIME_STAMP_V2), oid(names.ARCHIVE_TIME_STAMP_V1))
_DAMAGE = (ValueError, TypeError, KeyError, AttributeError, IndexError, StopIteration)


@dataclass(frozen=True, slots=True)
class ArchiveStamp:
    """An archive time stamp with its index.

    Attributes:
        token: the time stamp.
        hash_name: hash function of its imprint.
        index: encoded ATSHashIndex or ATSHashIndexV3.
        whole: everything that the index names is still there.
    """

    token: cms.SignedData
    hash_name: str
    index: bytes
    whole: bool

    def imprint(self, envelope: ExistingCms, signer: ExistingSigner, digest: bytes) -> bytes:
        """Return what the stamp must be over (EN 319 122-1 clause 5.5.3).

        Args:
            digest: of the signed content, made with `hash_name`.
        """
        hashed = hashlib.new(self.hash_name, envelope.content_type)  # 1: eContentType
        hashed.update(digest)  # 2: the hash of the signed data
        hashed.update(signer.before_signature)  # 3: version to signatureAlgorithm ...
        hashed.update(tlv(OCTET_STRING, signer.signature))  # ... and signature
        hashed.update(self.index)  # 4: the index
        return hashed.digest()


@dataclass(frozen=True, slots=True)
class Archive:
    """What the archive time stamps of a signature are worth.

    Attributes:
        stamps: those that were examined.
        covering: a trusted one covers the signature and all that its index names.
        broken: one was examined and is not trusted, or something that its index names is missing.
        unexamined: there are some of another kind, or without the document.
    """

    stamps: tuple[Stamp, ...] = ()
    covering: bool = False
    broken: bool = False
    unexamined: bool = False

    @property
    def proven(self) -> datetime | None:
        """The earliest time that one of them proves."""
        return min((stamp.at for stamp in self.stamps if stamp.trusted), default=None)

    @property
    def limits(self) -> tuple[str, ...]:
        """What the report must tell."""
        told = (("archive-stamp-broken", self.broken), ("archive-stamp-not-checked", self.unexamined))
        return tuple(name for name, so in told if so)


async def examine(
    engine: Engine,
    envelope: ExistingCms,
    signer: ExistingSigner,
    evidence: Evidence,
    digests: dict[str, bytes] | None,
) -> Archive:
    """Validate the archive time stamps of one signature.

    Args:
        digests: of the signed content, by hash function; None when it was not given.
    """
    found, unread = archive_stamps(envelope, signer)
    unread += sum(1 for kind in _OTHERS for _ in _values(signer, kind))
    stamps, covering, broken = [], False, False
    for one in found if digests is not None else ():
        imprint = one.imprint(envelope, signer, (digests or {})[one.hash_name])
        try:
            stamp, _ = await engine.stamp(one.token, evidence, partial(_same, imprint))
        except (SignatureValidationError, *_DAMAGE):
            broken = True
            continue
        stamps.append(stamp)
        covering = covering or (stamp.trusted and one.whole)
        broken = broken or not (stamp.trusted and one.whole)
    return Archive(tuple(stamps), covering, broken, bool(unread or (found and digests is None)))


def _same(imprint: bytes, _: str) -> bytes:
    return imprint


def archive_stamps(envelope: ExistingCms, signer: ExistingSigner) -> tuple[list[ArchiveStamp], int]:
    """Read the archive time stamps of a signature that list what they cover, in the order of the file.

    Returns:
        (stamps, how many there are besides that cannot be read).
    """
    found, unread = [], 0
    for token in _values(signer, _STAMP):
        try:
            found.append(_read(envelope, signer, token))
        except _DAMAGE:
            unread += 1
    return found, unread


def _values(signer: ExistingSigner, kind: bytes) -> Iterator[bytes]:
    for attribute in signer.unsigned_attributes:
        found, values = _split(attribute)
        if found == kind:
            yield from values


def _split(attribute: bytes) -> tuple[bytes, list[bytes]]:
    kind, values = ber.children(attribute, ber.read(attribute, 0, len(attribute)))
    return kind.encoded(attribute), [value.encoded(attribute) for value in ber.children(attribute, values)]


def _read(envelope: ExistingCms, signer: ExistingSigner, token: bytes) -> ArchiveStamp:
    signed_data = cms.ContentInfo.load(token)["content"]
    info = signed_data["encap_content_info"]["content"].parsed
    hash_name = info["message_imprint"]["hash_algorithm"]["algorithm"].native
    if hash_name not in hashlib.algorithms_available:
        raise DerError("an unknown hash function")
    kind, index = _find_index(signed_data)
    hash_of, *named = _read_index(index)
    attributes = [_split(attribute) for attribute in signer.unsigned_attributes]
    present = (
        envelope.certificates,
        _parts(envelope.revocation_lists),
        [found + value for found, values in attributes for value in values]
        if kind == _INDEX_V3
        else signer.unsigned_attributes,
    )
    whole = all(
        set(hashes) <= {hashlib.new(hash_of, part).digest() for part in parts}
        for hashes, parts in zip(named, present, strict=True)
    )
    return ArchiveStamp(signed_data, hash_name, index, whole)


def _parts(encoded: bytes) -> list[bytes]:
    if not encoded:
        return []
    return [node.encoded(encoded) for node in ber.children(encoded, ber.read(encoded, 0, len(encoded)))]


def _find_index(token: cms.SignedData) -> tuple[bytes, bytes]:
    for attribute in token["signer_infos"][0]["unsigned_attrs"]:
        kind, values = _split(attribute.dump())
        if kind in (_INDEX, _INDEX_V3):
            (index,) = values
            return kind, index
    raise DerError("an archive time stamp without its index")


def _read_index(index: bytes) -> tuple[str, list[bytes], list[bytes], list[bytes]]:
    """Read { hashIndAlgorithm, certificates, crls, unsigned attributes }; the old kind may omit the first."""
    fields = list(ber.children(index, _sequence(index)))
    hash_of = "sha256"
    if len(fields) == 4:
        hash_of = algos.DigestAlgorithm.load(fields.pop(0).encoded(index))["algorithm"].native
    first, second, third = ([node.contents(index) for node in ber.children(index, field)] for field in fields)
    return hash_of, first, second, third


def _sequence(encoded: bytes) -> ber.Node:
    node = ber.read(encoded, 0, len(encoded))
    if node.tag != SEQUENCE:
        raise DerError("no sequence")
    return node
