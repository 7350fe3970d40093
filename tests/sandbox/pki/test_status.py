"""Revocation lists and OCSP, judged by OpenSSL and pkilint, for RSA and EC authorities."""

from __future__ import annotations

import base64
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml
from cryptography import x509
from cryptography.x509 import ocsp

from cmsdesk.ca.ejbca_rest import EjbcaRest
from cmsdesk.domain.certificate import RevocationReason, Slot
from cmsdesk.operations.ports import Issued
from cmsdesk.sandbox.pki import config as pki_config
from cmsdesk.sandbox.pki.desk import adapter
from cmsdesk.sandbox.pki.process import SandboxCa
from tests.fixtures.orders import ask, new_order
from tests.sandbox.pki.judges import (
    Files,
    fetch,
    lint_list,
    lint_ocsp,
    lint_pkix,
    lint_qualified,
    openssl,
    refused,
)

EXPIRED_CERTS_ON_CRL = "2.5.29.60"


def elliptic(folder: Path) -> Path:
    """Write the declaration of a PKI with EC keys, one OCSP responder the CA itself."""
    raw = yaml.safe_load(pki_config.DEFAULT.read_text())
    raw["root"]["key"] = "ecp384"
    for issuer, key, responder in zip(
        raw["issuers"], ("ecp256", "ecp384"), ("direct", "delegated"), strict=True
    ):
        issuer["key"] = key
        issuer["ocsp"] = {"responder": responder, "key": "ecp256", "years": 2}
    path = folder / "elliptic.yaml"
    path.write_text(yaml.safe_dump(raw))
    return path


@dataclass(frozen=True)
class World:
    """A CA, the adapter on it, and where files go."""

    sandbox: SandboxCa
    ca: EjbcaRest
    files: Files


@pytest.fixture(scope="module", params=["rsa", "ec"])
def sandbox(
    request: pytest.FixtureRequest, running_ca: SandboxCa, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SandboxCa]:
    if request.param == "rsa":
        yield running_ca
        return
    folder = tmp_path_factory.mktemp("elliptic")
    with SandboxCa.create(folder / "pki", elliptic(folder)) as sandbox:
        yield sandbox


@pytest.fixture
def world(sandbox: SandboxCa, tmp_path: Path) -> Iterator[World]:
    sandbox.clear()
    port = adapter(sandbox)
    yield World(sandbox, port, Files(tmp_path))
    port.close()


def issue(world: World, slot: Slot) -> Issued:
    answer = ask(world.ca, new_order(slot))
    assert isinstance(answer, Issued)
    return answer


def ask_ocsp(world: World, slot: Slot, issued: Issued, *options: str) -> str:
    """Ask OCSP by OpenSSL; return its words, the answer being kept as ``answer.der``."""
    leaf, issuer, root = world.files.issued("asked", issued)
    url = f"{world.sandbox.http_url}/{slot.value}"
    said = openssl(
        "ocsp", "-issuer", issuer, "-cert", leaf, "-url", url, "-CAfile", root,
        "-verify_other", issuer, "-respout", world.files.folder / "answer.der", *options,
    ).decode()  # fmt: skip
    assert "Response verify OK" in said
    assert lint_ocsp(world.files.folder / "answer.der") == 0
    return said


@pytest.mark.parametrize("slot", Slot)
def test_ocsp_follows_a_certificate_through_its_life(world: World, slot: Slot) -> None:
    issued = issue(world, slot)
    assert "asked.pem: good" in ask_ocsp(world, slot, issued)
    world.ca.suspend(issued.certificate)
    assert re.search(r"revoked.*Reason: certificateHold", ask_ocsp(world, slot, issued), re.S)
    world.ca.reactivate(issued.certificate)
    assert "asked.pem: good" in ask_ocsp(world, slot, issued)
    world.ca.revoke(issued.certificate, RevocationReason.KEY_COMPROMISE)
    assert re.search(r"revoked.*Reason: keyCompromise", ask_ocsp(world, slot, issued), re.S)


def test_ocsp_does_not_vouch_for_what_was_never_issued(world: World) -> None:
    issued = issue(world, Slot.SIGNATURE)
    _, issuer, root = world.files.issued("x", issued)
    url = f"{world.sandbox.http_url}/qualified"
    said = openssl(
        "ocsp", "-issuer", issuer, "-serial", "12345", "-url", url, "-CAfile", root, "-verify_other", issuer
    )  # fmt: skip
    assert b"12345: unknown" in said


def test_ocsp_repeats_the_nonce_and_knows_sha256_ids(world: World) -> None:
    issued = issue(world, Slot.SIGNATURE)
    said = ask_ocsp(world, Slot.SIGNATURE, issued, "-resp_text")
    assert "OCSP Nonce" in said
    assert "no nonce" not in said
    leaf, issuer, root = world.files.issued("x", issued)
    url = f"{world.sandbox.http_url}/qualified"
    said = openssl(
        "ocsp", "-sha256", "-issuer", issuer, "-cert", leaf, "-url", url, "-CAfile", root,
        "-verify_other", issuer,
    ).decode()  # fmt: skip
    assert "good" in said


def test_ocsp_by_get_answers_too(world: World) -> None:
    issued = issue(world, Slot.SIGNATURE)
    leaf, issuer, _ = world.files.issued("x", issued)
    request = world.files.folder / "request.der"
    openssl("ocsp", "-issuer", issuer, "-cert", leaf, "-reqout", request, "-no_nonce")
    encoded = quote(base64.b64encode(request.read_bytes()), safe="")
    _, answer = fetch(f"{world.sandbox.http_url}/qualified/{encoded}")
    status = ocsp.load_der_ocsp_response(answer).certificate_status
    assert status is ocsp.OCSPCertStatus.GOOD


def test_ocsp_refuses_what_is_not_its_own(world: World) -> None:
    issued = issue(world, Slot.AUTHENTICATION)
    _, _, root = world.files.issued("x", issued)
    url = f"{world.sandbox.http_url}/qualified"
    said = refused("ocsp", "-issuer", root, "-serial", "1", "-url", url, "-CAfile", root)
    assert b"unauthorized" in said
    _, answer = fetch(url, b"no request at all")
    status = ocsp.load_der_ocsp_response(answer).response_status
    assert status is ocsp.OCSPResponseStatus.MALFORMED_REQUEST


@pytest.mark.parametrize("slot", Slot)
def test_the_list_follows_too_and_openssl_checks_against_it(world: World, slot: Slot) -> None:
    kept, gone = issue(world, slot), issue(world, slot)
    world.ca.suspend(gone.certificate)
    leaf, issuer, root = world.files.issued("kept", kept)
    lost, _, _ = world.files.issued("gone", gone)
    crl = world.files.binary("list.crl", world.ca.crl(slot))
    assert lint_list(crl) == 0
    text = openssl("crl", "-inform", "DER", "-in", crl, "-CAfile", issuer, "-noout", "-text").decode()
    assert "verify OK" in text
    assert "Certificate Hold" in text
    assert EXPIRED_CERTS_ON_CRL in text
    pem = world.files.folder / "list.pem"
    openssl("crl", "-inform", "DER", "-in", crl, "-out", pem)
    check = ("verify", "-crl_check", "-CRLfile", pem, "-CAfile", root, "-untrusted", issuer)
    openssl(*check, leaf)
    assert b"certificate revoked" in refused(*check, lost)
    world.ca.reactivate(gone.certificate)
    openssl("crl", "-inform", "DER", "-in", world.files.binary("list.crl", world.ca.crl(slot)), "-out", pem)
    openssl(*check, lost)


def test_the_published_files_are_those_of_the_interface(world: World) -> None:
    issued = issue(world, Slot.SIGNATURE)
    base = world.sandbox.http_url

    assert fetch(f"{base}/qualified.crt") == (200, issued.chain[0])
    assert fetch(f"{base}/root.crt") == (200, issued.chain[1])
    assert fetch(f"{base}/qualified.crl") == (200, world.ca.crl(Slot.SIGNATURE))
    root = x509.load_der_x509_certificate(issued.chain[1])
    _, crl = fetch(f"{base}/root.crl")
    assert x509.load_der_x509_crl(crl).is_signature_valid(root.public_key())  # type: ignore[arg-type]  # RSA or EC
    assert fetch(f"{base}/nothing")[0] == 404


def test_lists_are_numbered_and_renewed_by_time(world: World) -> None:
    first = x509.load_der_x509_crl(world.ca.crl(Slot.SIGNATURE))
    again = x509.load_der_x509_crl(world.ca.crl(Slot.SIGNATURE))
    world.sandbox.advance(timedelta(hours=13))
    later = x509.load_der_x509_crl(world.ca.crl(Slot.SIGNATURE))
    world.sandbox.advance(timedelta())
    numbers = [
        each.extensions.get_extension_for_class(x509.CRLNumber).value.crl_number
        for each in (first, again, later)
    ]
    assert numbers == [numbers[0], numbers[0], numbers[0] + 1]
    assert later.next_update_utc is not None
    assert first.next_update_utc is not None
    assert later.next_update_utc > first.next_update_utc


def test_an_expired_certificate_stays_on_the_list(world: World) -> None:
    issued = issue(world, Slot.SIGNATURE)
    world.ca.revoke(issued.certificate, RevocationReason.UNSPECIFIED)
    world.sandbox.advance(timedelta(days=4 * 365))
    crl = x509.load_der_x509_crl(world.ca.crl(Slot.SIGNATURE))
    world.sandbox.advance(timedelta())
    serial = x509.load_der_x509_certificate(issued.certificate).serial_number
    entry = crl.get_revoked_certificate_by_serial_number(serial)
    assert entry is not None
    assert len(entry.extensions) == 0  # «unspecified» is told by absence


def test_authorities_and_their_certificates_pass_the_linters(world: World) -> None:
    for slot in Slot:
        issued = issue(world, slot)
        leaf, issuer, root = world.files.issued(slot.value, issued)
        assert [lint_pkix(each) for each in (issuer, root)] == [0, 0]
        assert (lint_qualified if slot is Slot.SIGNATURE else lint_pkix)(leaf) == 0
        openssl("verify", "-x509_strict", "-CAfile", root, "-untrusted", issuer, leaf)
