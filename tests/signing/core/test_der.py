"""DER and BER against asn1crypto."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from asn1crypto import algos, cms, core
from hypothesis import given, settings
from hypothesis import strategies as st

from cmsdesk.signing.cms import ber, der
from cmsdesk.signing.cms.algorithms import digest_info, signature_identifier
from cmsdesk.signing.cms.der import DerError
from cmsdesk.signing.signers.base import Digest, Scheme, SignatureAlgorithm

PLAIN = settings(max_examples=100, derandomize=True, deadline=None, database=None)
arcs = st.lists(st.integers(0, 2**70), max_size=8)


@PLAIN
@given(st.integers(-(2**2100), 2**2100))
def test_integers(value):
    assert der.integer(value) == core.Integer(value).dump()


@PLAIN
@given(st.integers(0, 2), st.integers(0, 39), arcs)
def test_object_identifiers(first, second, rest):
    dotted = ".".join(map(str, (first, second, *rest)))
    assert der.oid(dotted) == core.ObjectIdentifier(dotted).dump()


@PLAIN
@given(st.integers(0, 2**33))
def test_lengths(size):
    octets = der.length(size)
    if size < 128:
        assert octets == bytes((size,))
    else:
        assert octets[0] == 0x80 | (len(octets) - 1)
        assert int.from_bytes(octets[1:], "big") == size
        assert octets[1] != 0


@PLAIN
@given(st.lists(st.binary(max_size=20), max_size=8))
def test_sets_are_in_order(members):
    encoded = [core.OctetString(one).dump() for one in members]

    class Octets(core.SetOf):
        _child_spec = core.OctetString

    assert der.set_of(*encoded) == Octets(members).dump(force=True)


def test_times():
    moment = datetime(2026, 3, 4, 5, 6, 7, 250000, tzinfo=timezone(timedelta(hours=1)))
    assert core.UTCTime.load(der.utc_time(moment)).native == moment.replace(microsecond=0)
    assert der.generalized_time(moment, milliseconds=True)[2:] == b"20260304040607.25Z"
    assert der.generalized_time(moment.replace(microsecond=0), milliseconds=True)[2:] == b"20260304040607Z"
    assert der.time(moment)[0] == der.UTC_TIME
    assert der.time(datetime(2050, 1, 1, tzinfo=UTC))[0] == der.GENERALIZED_TIME


@pytest.mark.parametrize("digest", Digest)
@pytest.mark.parametrize("scheme", Scheme)
def test_algorithm_identifiers(digest, scheme):
    told = algos.SignedDigestAlgorithm.load(signature_identifier(SignatureAlgorithm(scheme, digest)))
    names = {Scheme.RSA_PKCS1: "rsassa_pkcs1v15", Scheme.RSA_PSS: "rsassa_pss", Scheme.ECDSA: "ecdsa"}
    assert told.signature_algo == names[scheme]
    assert told.hash_algo == digest.value


@pytest.mark.parametrize("digest", Digest)
def test_digest_info(digest):
    value = bytes(range(digest.size_bytes))
    info = algos.DigestInfo.load(digest_info(digest, value))
    assert info["digest"].native == value
    assert info["digest_algorithm"]["algorithm"].native == digest.value
    assert info["digest_algorithm"]["parameters"].native is None


@PLAIN
@given(st.binary(max_size=200))
def test_the_readers_never_fail_otherwise_than_they_say(data):
    for read in (lambda: der.read(data, 0), lambda: ber.read(data, 0, len(data))):
        try:
            node = read()
        except DerError:
            continue
        assert 0 <= node.body <= node.end <= len(data)


def test_indefinite_lengths():
    inner = b"\x24\x80\x04\x03abc\x24\x07\x04\x02de\x04\x01f\x00\x00"
    data = b"\x30\x80" + inner + b"\x00\x00rest"
    node = ber.read(data, 0, len(data))
    assert (node.end, node.indefinite) == (len(data) - 4, True)
    (octets,) = ber.children(data, node)
    assert b"".join(data[start:end] for start, end in ber.octet_spans(data, octets)) == b"abcdef"
    with pytest.raises(DerError, match="nested too deeply"):
        ber.read(b"\x30\x80" * 100 + b"\0\0" * 100, 0, 400)
    with pytest.raises(DerError, match="not an octet string"):
        list(ber.octet_spans(b"\x24\x03\x02\x01\x00", ber.read(b"\x24\x03\x02\x01\x00", 0, 5)))


def test_content_info_of_another_kind_can_still_be_read():
    encrypted = cms.ContentInfo({"content_type": "encrypted_data"}).dump()
    assert der.read(encrypted, 0).tag == der.SEQUENCE
