"""The time stamping unit, judged by OpenSSL and pyHanko."""

import hashlib
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from asn1crypto import cms, tsp

from cmsdesk.signing.errors import CertificateUnfit
from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.signers.software import SoftwareSigner
from cmsdesk.signing.timestamps import requests
from cmsdesk.signing.timestamps.requests import Failure, Refusal
from cmsdesk.signing.timestamps.tokens import check_token
from cmsdesk.signing.timestamps.tsa import Issued, TimestampAuthority, UnitSettings
from tests.signing import pki
from tests.signing.timestamps.unit import POLICY, Unit, make_unit

BAD_FORMAT = "the data submitted has the wrong format"
DATA = b"Delibera n. 12 del 3 marzo"


def run(*command: str | Path) -> str:
    done = subprocess.run(command, capture_output=True, check=True)
    return (done.stdout + done.stderr).decode("utf-8", "replace")


def openssl_query(tmp_path: Path, digest: str, *options: str) -> bytes:
    (tmp_path / "data").write_bytes(DATA)
    run(
        "openssl",
        "ts",
        "-query",
        "-data",
        tmp_path / "data",
        f"-{digest}",
        *options,
        "-out",
        tmp_path / "q.tsq",
    )
    return (tmp_path / "q.tsq").read_bytes()


def openssl_verify(tmp_path: Path, unit: Unit, reply: bytes) -> str:
    (tmp_path / "r.tsr").write_bytes(reply)
    (tmp_path / "chain.pem").write_bytes(unit.identity.pem + pki.make_pki().issuing.pem)
    return run(
        "openssl", "ts", "-verify", "-in", tmp_path / "r.tsr", "-queryfile", tmp_path / "q.tsq",
        "-CAfile", unit.root_pem, "-untrusted", tmp_path / "chain.pem",
    )  # fmt: skip


def token_of(reply: bytes) -> cms.ContentInfo:
    return cms.ContentInfo.load(requests.decode_response(reply).token, strict=True)


def failure(tmp_path: Path, reply: bytes) -> str:
    """What OpenSSL reads in a rejection."""
    (tmp_path / "rejected.tsr").write_bytes(reply)
    text = run("openssl", "ts", "-reply", "-in", tmp_path / "rejected.tsr", "-text")
    assert "Status: Rejected." in text
    assert "TST info:\nNot included." in text
    assert "Status description: unspecified" not in text
    return text.partition("Failure info: ")[2].partition("\n")[0]


@pytest.mark.parametrize("kind", ["rsa2048", "rsa3072", "p256", "p384"])
def test_openssl_verifies_every_answer(tmp_path: Path, kind: str) -> None:
    unit = make_unit(tmp_path, kind=kind)
    for digest, *options in (
        ("sha256",),
        ("sha384", "-cert"),
        ("sha512", "-no_nonce", "-cert"),
        ("sha256", "-tspolicy", POLICY),
    ):
        reply = unit.authority.answer(openssl_query(tmp_path, digest, *options))
        assert "Verification: OK" in openssl_verify(tmp_path, unit, reply)


def test_what_a_token_says(tmp_path: Path) -> None:
    at = datetime(2026, 12, 3, 10, 42, 7, 120_000, tzinfo=UTC)
    settings = UnitSettings(POLICY, accuracy=timedelta(milliseconds=500))
    unit = make_unit(tmp_path, now=at, settings=settings)
    query = requests.encode(hashlib.sha256(DATA).digest(), Digest.SHA256, nonce=77)
    token = token_of(unit.authority.answer(query))
    info = token["content"]["encap_content_info"]["content"].parsed
    assert info["version"].native == "v1"
    assert info["gen_time"].contents == b"20261203104207.12Z"
    assert info["accuracy"].native == {"seconds": None, "millis": 500, "micros": None}
    assert info["ordering"].native is False
    assert info["nonce"].native == 77
    subject = unit.identity.parsed.subject.public_bytes()
    assert info["tsa"].chosen.chosen.dump() == subject
    assert info["extensions"].native is None
    assert token["content"]["version"].native == "v3"


def test_the_qualified_statement_is_there_only_when_asked_for(tmp_path: Path) -> None:
    unit = make_unit(tmp_path, settings=UnitSettings(POLICY, qualified=True))
    reply = unit.authority.answer(openssl_query(tmp_path, "sha256", "-cert"))
    openssl_verify(tmp_path, unit, reply)
    token = token_of(reply)
    (extension,) = token["content"]["encap_content_info"]["content"].parsed["extensions"]
    assert extension["extn_id"].dotted == "1.3.6.1.5.5.7.1.3"
    assert extension["extn_value"].native.hex() == "300b300906070400" + "81975e0101"  # 0.4.0.19422.1.1
    assert extension["critical"].native is False


def test_accuracy_of_more_than_a_second_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="accuracy"):
        make_unit(tmp_path, settings=UnitSettings(POLICY, accuracy=timedelta(seconds=1.1)))


def test_a_client_without_cert_req_gets_no_certificate(tmp_path: Path) -> None:
    unit = make_unit(tmp_path)
    digest = hashlib.sha256(DATA).digest()
    query = requests.encode(digest, Digest.SHA256, nonce=1, wants_certificate=False)
    signed_data = token_of(unit.authority.answer(query))["content"]
    assert signed_data["certificates"].native is None


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        (b"", BAD_FORMAT),
        (b"\x30\x80\x00\x00", BAD_FORMAT),
        (b"\x30\x03\x02\x01\x01", BAD_FORMAT),
        (b"ciao", BAD_FORMAT),
        (requests.encode(bytes(32), Digest.SHA256, nonce=1) + b"\x00", BAD_FORMAT),
        (requests.encode(bytes(31), Digest.SHA256, nonce=1), BAD_FORMAT),
        (
            requests.encode(bytes(32), Digest.SHA256, nonce=1, policy="1.2.3"),
            "the requested TSA policy is not supported by the TSA",
        ),
        (requests.encode(bytes(32), Digest.SHA256, nonce=1 << 700), "transaction not permitted or supported"),
        (
            requests.encode(bytes(32), Digest.SHA256, nonce=1).replace(b"\x02\x01\x01", b"\x02\x01\x02", 1),
            "transaction not permitted or supported",
        ),
    ],
)
def test_bad_requests_are_told_why(tmp_path: Path, query: bytes, reason: str) -> None:
    assert failure(tmp_path, make_unit(tmp_path).authority.answer(query)) == reason


def test_sha1_and_extensions_are_refused(tmp_path: Path) -> None:
    unit = make_unit(tmp_path)
    assert (
        failure(tmp_path, unit.authority.answer(openssl_query(tmp_path, "sha1")))
        == "unrecognized or unsupported algorithm identifier"
    )
    request = tsp.TimeStampReq.load(openssl_query(tmp_path, "sha256"))
    request["extensions"] = [{"extn_id": "1.2.3.4", "critical": False, "extn_value": b"\x05\x00"}]
    assert (
        failure(tmp_path, unit.authority.answer(request.dump()))
        == "the requested extension is not supported by the TSA"
    )


def test_every_truncation_and_flip_is_answered(tmp_path: Path) -> None:
    unit = make_unit(tmp_path)
    query = requests.encode(hashlib.sha256(DATA).digest(), Digest.SHA256, nonce=99, policy=POLICY)
    for cut in range(len(query)):
        assert requests.decode_response(unit.authority.answer(query[:cut])).status == 2
    for position in range(len(query)):
        broken = bytearray(query)
        broken[position] ^= 0x41
        assert requests.decode_response(unit.authority.answer(bytes(broken))).status in (0, 2)


class Stopped:
    """A guard that can be told to distrust the clock."""

    reason: str | None = None

    def distrust(self, now: datetime) -> str | None:
        return self.reason


def test_an_untrusted_clock_stops_the_unit_and_trust_starts_it(tmp_path: Path) -> None:
    guard = Stopped()
    unit = make_unit(tmp_path, guards=[guard])
    query = openssl_query(tmp_path, "sha256", "-cert")
    openssl_verify(tmp_path, unit, unit.authority.answer(query))
    guard.reason = "the clock was moved by -3600.000 s"
    assert failure(tmp_path, unit.authority.answer(query)) == "the TSA's time source is not available"
    guard.reason = None
    openssl_verify(tmp_path, unit, unit.authority.answer(query))


def test_nothing_is_stamped_outside_the_certificates_validity(tmp_path: Path) -> None:
    unit = make_unit(tmp_path, now=datetime.now(UTC) + timedelta(days=5000))
    query = requests.encode(bytes(32), Digest.SHA256, nonce=1)
    assert (
        failure(tmp_path, unit.authority.answer(query))
        == "the request cannot be handled due to system failure"
    )


def test_no_token_leaves_that_was_not_recorded(tmp_path: Path) -> None:
    kept: list[Issued] = []
    unit = make_unit(tmp_path, settings=UnitSettings(POLICY, record=kept.append))
    digest = hashlib.sha256(DATA).digest()
    token = token_of(unit.authority.answer(requests.encode(digest, Digest.SHA256, nonce=1)))
    facts = check_token(token.dump())
    assert [(k.serial, k.digest, k.policy) for k in kept] == [(facts.serial, digest, POLICY)]

    def fail(_: Issued) -> None:
        raise OSError("disk full")

    unit.serials.close()
    broken = make_unit(tmp_path, settings=UnitSettings(POLICY, record=fail))
    with pytest.raises(OSError, match="disk full"):
        broken.authority.answer(requests.encode(digest, Digest.SHA256, nonce=1))


def test_a_certificate_for_more_than_time_stamps_is_refused(tmp_path: Path) -> None:
    signer = pki.make_pki().signer("p256")
    unit = make_unit(tmp_path)
    with pytest.raises(CertificateUnfit):
        TimestampAuthority(
            SoftwareSigner(signer.key, signer.certificate),
            unit.serials,
            unit.authority.clock,
            UnitSettings(POLICY),
        )


def test_rejections_encode_each_failure_bit(tmp_path: Path) -> None:
    seen = {failure(tmp_path, requests.rejected(Refusal(bit, "perché"))) for bit in Failure}
    assert len(seen) == len(Failure)
    read_back = requests.decode_response(requests.rejected(Refusal(Failure.SYSTEM_FAILURE, "perché")))
    assert (read_back.status, read_back.texts, read_back.failures) == (2, ("perché",), (25,))
