"""S/MIME (REG-8): a mail signed, encrypted and decrypted with the finished device and `openssl cms`.

The card works behind OpenSC's PKCS #11 module and OpenSSL's engine for it (libp11): nothing of ours.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509

from cmsdesk.domain.certificate import Slot
from cmsdesk.sandbox.demo import SAMPLE, read_holder
from tests.round.bench import CARD_RSA, TOKEN_RSA, Bench, Case, Lane, Shape
from tests.round.others import Others
from tests.sandbox.tools import MODULE, ToolFailed, run

MAIL = b"Content-Type: text/plain; charset=utf-8\r\n\r\nGentile signora, il suo dispositivo e' pronto.\r\n"
ADDRESS = "marta.tessari@example.com"


@pytest.fixture(params=[CARD_RSA, TOKEN_RSA], ids=str)
def shape(request: pytest.FixtureRequest) -> Shape:
    """Devices with keys that decipher."""
    chosen: Shape = request.param
    return chosen


@pytest.fixture
def case(bench: Bench, lane: Lane, shape: Shape) -> Case:
    """A finished device of a holder who wants the address in the certificate."""
    wanted = replace(read_holder(SAMPLE), certificate_email=ADDRESS)
    made = bench.case(shape, holder=wanted)
    bench.issue(lane, made)
    return made


@pytest.fixture
def others(bench: Bench, lane: Lane, tmp_path: Path) -> Others:
    """Third parties on the lane."""
    return Others(bench, lane, tmp_path)


def cms(others: Others, case: Case, *options: str | Path) -> str:
    """Run `openssl cms` with the card's CNS key as private key."""
    key = f"pkcs11:id=%01;type=private;pin-value={case.envelope.pin}"
    engine = ("-engine", "pkcs11", "-keyform", "engine", "-inkey", key)
    return run("openssl", "cms", *options, *engine, env={**others.myeid.env, "PKCS11_MODULE_PATH": MODULE})


def certificates(bench: Bench, others: Others, case: Case) -> tuple[Path, Path, Path]:
    """Return root, issuer and the card's CNS certificate, PEM, the last as pkcs15-tool reads it."""
    own = others.certificate(others.myeid, Slot.AUTHENTICATION)
    root = others.pem(bench.world.ca.certificate("SandboxRoot"), "root")
    issuer = others.pem(bench.world.ca.certificate("SandboxCNS"), "issuer")
    return root, issuer, others.pem(own, "own")


def test_a_mail_signed_with_the_card(bench: Bench, others: Others, case: Case, tmp_path: Path) -> None:
    root, issuer, own = certificates(bench, others, case)
    mail, signed, back = tmp_path / "mail", tmp_path / "signed.eml", tmp_path / "back"
    mail.write_bytes(MAIL)
    cms(others, case, "-sign", "-in", mail, "-signer", own, "-certfile", issuer, "-out", signed)
    check = ("-verify", "-in", signed, "-CAfile", root, "-purpose", "smimesign")
    run("openssl", "cms", *check, "-out", back)
    assert back.read_bytes() == MAIL
    # openssl's own view of the address and of the purposes
    shown = run("openssl", "x509", "-in", own, "-noout", "-email", "-purpose")
    assert ADDRESS in shown
    assert "S/MIME signing : Yes" in shown
    assert "S/MIME encryption : Yes" in shown


def test_a_mail_encrypted_to_the_card_and_decrypted_by_it(
    bench: Bench, others: Others, case: Case, tmp_path: Path
) -> None:
    _, _, own = certificates(bench, others, case)
    mail, closed, back = tmp_path / "mail", tmp_path / "closed.eml", tmp_path / "back"
    mail.write_bytes(MAIL)
    run("openssl", "cms", "-encrypt", "-aes-256-cbc", "-in", mail, "-out", closed, own)
    assert b"signora" not in closed.read_bytes()
    cms(others, case, "-decrypt", "-in", closed, "-recip", own, "-out", back)
    assert back.read_bytes() == MAIL
    wrong = replace(case, envelope=replace(case.envelope, pin="00000000"))
    with pytest.raises(ToolFailed):
        cms(others, wrong, "-decrypt", "-in", closed, "-recip", own, "-out", back)


def test_without_an_address_the_certificate_is_not_for_mail(
    bench: Bench, lane: Lane, others: Others, shape: Shape
) -> None:
    case = bench.case(shape, holder=replace(read_holder(SAMPLE), certificate_email=None))
    outcome = bench.issue(lane, case)
    for der in outcome.certificates.values():
        extensions = x509.load_der_x509_certificate(der).extensions
        names = [extension.oid for extension in extensions]
        assert x509.ExtensionOID.SUBJECT_ALTERNATIVE_NAME not in names
        shown = run("openssl", "x509", "-in", others.pem(der, "own"), "-noout", "-purpose")
        assert "S/MIME encryption : No" in shown
