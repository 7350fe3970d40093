"""CMS files opened for validation, whatever their size: the content is hashed where it lies in the file.

What remains is small, and a SignedData for each signer alone is made of it, as pyHanko expects it.
"""

import hashlib
import mmap
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

from asn1crypto import cms

from cmsdesk.signing.cades.existing import ExistingCms, ExistingSigner, read_existing
from cmsdesk.signing.cms.signed_data import signed_data_parts
from cmsdesk.signing.documents.sources import Source
from cmsdesk.signing.errors import DocumentUnreadable, NotACms
from cmsdesk.signing.validation.archive import archive_stamps


@contextmanager
def open_envelope(path: Path) -> Iterator[ExistingCms]:
    """Open a CMS file; it stays mapped as long as the context lasts.

    Raises:
        NotACms: it is not a ContentInfo with SignedData, or is damaged.
        DocumentUnreadable: it cannot be opened.
    """
    try:
        file = path.open("rb")
    except OSError as error:
        raise DocumentUnreadable("The file cannot be opened.", "Check its path.", path=str(path)) from error
    with file:
        if path.stat().st_size == 0:
            raise NotACms("The file is empty.", "Ask for the file again.")
        with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
            yield read_existing(mapped)


def alone(envelope: ExistingCms, signer: ExistingSigner) -> cms.SignedData:
    """Return a detached SignedData with this signer only."""
    head, tail = signed_data_parts(
        None,
        digest_identifiers=envelope.digest_identifiers,
        certificates=envelope.certificates,
        signer_infos=(signer.encoded(),),
        revocation_lists=envelope.revocation_lists,
        version=envelope.version,
        content_type=envelope.content_type,
    )
    return cms.ContentInfo.load(head + tail)["content"]


def first_bytes(content: Source, count: int = 1024) -> bytes:
    """Return the beginning of a content."""
    found = b""
    for chunk in content.chunks():
        found += chunk[: count - len(found)]
        if len(found) >= count:
            break
    return found


def hash_content(content: Source, hash_names: Iterable[str]) -> dict[str, bytes]:
    """Hash a content with several functions in one pass."""
    states = {name: hashlib.new(name, usedforsecurity=False) for name in hash_names}
    for chunk in content.chunks():
        for state in states.values():
            state.update(chunk)
    return {name: state.digest() for name, state in states.items()}


def digests_needed(envelope: ExistingCms) -> set[str]:
    """Return the hash functions that the signatures and the report need.

    Raises:
        NotACms: a signature uses a hash function that is not known here.
    """
    needed = {"sha256"}
    for signer in envelope.signers:
        try:
            name = cms.SignerInfo.load(signer.encoded())["digest_algorithm"]["algorithm"].native
        except (ValueError, TypeError) as error:
            raise NotACms("A signature in the file is damaged.", "Ask for the file again.") from error
        if name not in hashlib.algorithms_available:
            raise NotACms("A signature uses an unknown hash function.", "Ask for another format.", name=name)
        needed.add(name)
        needed.update(stamp.hash_name for stamp in archive_stamps(envelope, signer)[0])
    return needed
