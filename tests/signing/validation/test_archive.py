"""CAdES archive time stamps; index and imprint are made here, apart from the code that examines them."""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from asn1crypto import algos, cms, core

from cmsdesk.signing.cades.existing import ExistingCms, read_existing
from cmsdesk.signing.cms.der import tlv
from cmsdesk.signing.cms.signed_data import signed_data_parts
from cmsdesk.signing.cms.signer_info import attribute
from cmsdesk.signing.validation import Indication, Level, Report, describe
from tests.signing.validation.world import NOW, Stamper, check, sign_cms, world

TEXT = b"Delibera da conservare"
STAMPED = NOW + timedelta(days=1)
READ = NOW + timedelta(days=2)
Change = Callable[[ExistingCms], ExistingCms]


class Hashes(core.SequenceOf):  # type: ignore[misc]  # asn1crypto is untyped
    _child_spec = core.OctetString


class HashIndex(core.Sequence):  # type: ignore[misc]
    """ATSHashIndexV3 (EN 319 122-1 clause 5.5.2)."""

    _fields = [  # noqa: RUF012 - asn1crypto's way
        ("algorithm", algos.DigestAlgorithm),
        ("certificates", Hashes),
        ("crls", Hashes),
        ("attributes", Hashes),
    ]


def sha(*parts: bytes) -> bytes:
    return hashlib.sha256(b"".join(parts)).digest()


def encoded(message: ExistingCms) -> bytes:
    content = b"".join(message.content.chunks()) if message.content is not None else None
    head, tail = signed_data_parts(
        None if content is None else len(content),
        digest_identifiers=message.digest_identifiers,
        certificates=message.certificates,
        signer_infos=[signer.encoded() for signer in message.signers],
        revocation_lists=message.revocation_lists,
        version=message.version,
        content_type=message.content_type,
    )
    return head + (content or b"") + tail


def with_attribute(message: ExistingCms, kind: str, value: bytes) -> ExistingCms:
    """Add an unsigned attribute to the only signer."""
    (signer,) = message.signers
    attributes = (*signer.unsigned_attributes, attribute(kind, value))
    return replace(message, signers=(replace(signer, unsigned_attributes=attributes),))


def index_of(data: bytes) -> bytes:
    signed = cms.ContentInfo.load(data)["content"]
    made = HashIndex(
        {
            "algorithm": {"algorithm": "sha256"},
            "certificates": [sha(one.dump()) for one in signed["certificates"]],
            "crls": [sha(one.dump()) for one in signed["crls"]],
            "attributes": [
                sha(one["type"].dump(), value.dump())
                for one in signed["signer_infos"][0]["unsigned_attrs"]
                for value in one["values"]
            ],
        }
    )
    return bytes(made.dump())


def archived(after: Change | None = None, *, document: bytes = TEXT) -> bytes:
    """A CAdES signature with time stamp, revocation lists and an archive time stamp over all of it."""
    lists = world().crls(NOW + timedelta(hours=1))
    message = replace(
        read_existing(sign_cms(TEXT, world().anna, stamped_at=NOW)), revocation_lists=tlv(0xA1, *lists)
    )
    index = index_of(encoded(message))
    signed = cms.ContentInfo.load(encoded(message))["content"]
    fields = ("version", "sid", "digest_algorithm", "signed_attrs", "signature_algorithm", "signature")
    imprint = sha(
        signed["encap_content_info"]["content_type"].dump(),
        sha(document),
        *(signed["signer_infos"][0][field].dump() for field in fields),
        index,
    )
    token = asyncio.run(Stamper(STAMPED).async_timestamp(imprint, "sha256")).dump()
    token = encoded(with_attribute(read_existing(token), "0.4.0.19122.1.5", index))
    message = with_attribute(message, "0.4.0.1733.2.4", token)
    return encoded(message if after is None else after(message))


def read(tmp_path: Path, data: bytes) -> Report:
    return check(tmp_path, data, "delibera.txt.p7m", now=READ, crls=world().crls(READ - timedelta(hours=1)))


def test_an_archive_stamp_over_everything(tmp_path: Path) -> None:
    report = read(tmp_path, archived())
    (first,) = report.signatures
    assert (report.indication, first.level, first.limits) == (Indication.PASSED, Level.ARCHIVE, ())
    assert (first.times.proven, [stamp.at for stamp in first.times.stamps]) == (NOW, [NOW, STAMPED])
    assert "B-LTA" in describe(report)


def drop_list(message: ExistingCms) -> ExistingCms:
    return replace(message, revocation_lists=tlv(0xA1, *world().crls(NOW + timedelta(hours=1))[:1]))


def drop_issuer(message: ExistingCms) -> ExistingCms:
    return replace(
        message, certificates=tuple(c for c in message.certificates if c == world().anna.certificate)
    )


@pytest.mark.parametrize("change", [drop_list, drop_issuer])
def test_what_the_stamp_named_is_missing(tmp_path: Path, change: Change) -> None:
    (first,) = read(tmp_path, archived(change)).signatures
    assert first.level is not Level.ARCHIVE
    assert first.limits == ("archive-stamp-broken",)


def test_what_was_added_later_does_no_harm(tmp_path: Path) -> None:
    def add(message: ExistingCms) -> ExistingCms:
        return with_attribute(message, "1.2.3.4", core.UTF8String("più tardi").dump())

    (first,) = read(tmp_path, archived(add)).signatures
    assert (first.level, first.limits) == (Level.ARCHIVE, ())


def test_a_stamp_over_another_document(tmp_path: Path) -> None:
    report = read(tmp_path, archived(document=b"Altra delibera"))
    (first,) = report.signatures
    assert (first.indication, first.level) == (Indication.PASSED, Level.LONG_TERM)
    assert first.limits == ("archive-stamp-broken",)
    assert "non è confermata" in describe(report)


def test_without_its_document_the_stamp_is_not_examined(tmp_path: Path) -> None:
    data = archived(lambda message: replace(message, content=None))
    (first,) = check(tmp_path, data, "delibera.p7s", now=READ).signatures
    assert (first.subindication, first.limits) == ("SIGNED_DATA_NOT_FOUND", ("archive-stamp-not-checked",))
