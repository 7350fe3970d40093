"""Time stamps as files: a token beside the document (.tst), or around it (.tsd, RFC 5544)."""

from pathlib import Path

from cmsdesk.signing.cms import der
from cmsdesk.signing.documents.sources import hash_source, open_source, verified_chunks
from cmsdesk.signing.errors import DocumentUnreadable
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps.base import TimeStamper

TIMESTAMPED_DATA = "1.2.840.113549.1.9.16.1.31"  # RFC 5544 clause 2, id-ct-timestampedData


def stamp_file(
    document: Path,
    target: Path,
    stamper: TimeStamper,
    *,
    digest: Digest = Digest.SHA256,
    around: bool = False,
) -> bytes:
    """Time-stamp a document of any size and write the result.

    Args:
        document: what is stamped.
        target: where the token goes (ETSI EN 319 422 annex C: ``.tst``), or the document with its token.
        stamper: the authority.
        digest: hash function of the imprint.
        around: write TimeStampedData with the document inside instead of the token alone.

    Returns:
        The token.

    Raises:
        DocumentUnreadable, DocumentChanged: nothing is left at `target`.
        TimestampError: the authority gave none.
    """
    source = open_source(document)
    imprint = hash_source(source, digest).digest()
    token = stamper.token(imprint, digest)
    fresh = target.with_name(f".{target.name}.part")
    try:
        with fresh.open("wb") as file:
            if around:
                head, tail = _around(source.size, token)
                file.write(head)
                for chunk in verified_chunks(source, digest, imprint):
                    file.write(chunk)
                file.write(tail)
            else:
                file.write(token)
        fresh.replace(target)
    except OSError as error:
        raise DocumentUnreadable(
            "The time stamp cannot be written.", "Check the folder.", path=str(target)
        ) from error
    finally:
        fresh.unlink(missing_ok=True)
    return token


def _around(size: int, token: bytes) -> tuple[bytes, bytes]:
    """TimeStampedData: version 1, content, temporalEvidence [0] tstEvidence (RFC 5544 clause 2)."""
    version = der.integer(1)
    octets = der.header(der.OCTET_STRING, size)
    evidence = der.explicit(0, der.sequence(token))
    inner = len(version) + len(octets) + size + len(evidence)
    data = der.header(der.SEQUENCE, inner)
    wrapper = der.header(0xA0, len(data) + inner)
    kind = der.oid(TIMESTAMPED_DATA)
    outer = der.header(der.SEQUENCE, len(kind) + len(wrapper) + len(data) + inner)
    return outer + kind + wrapper + data + version + octets, evidence
