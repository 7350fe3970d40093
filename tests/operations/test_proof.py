"""Signatures, and certification paths an attacker would build (RFC 5280 §6.1)."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import permutations
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa
from cryptography.x509.oid import NameOID

from cmsdesk.operations.proof import ends_in, key_signed, public_key_of, signed_by

NOW = datetime(2026, 6, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)


@dataclass(frozen=True)
class Made:
    """A certificate and its key."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def der(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> bytes:
        return self.certificate.public_bytes(serialization.Encoding.PEM)


def named(name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def make(
    name: str,
    issuer: Made | None = None,
    *,
    ca: bool = True,
    path_length: int | None = None,
    constraints: bool = True,
    cert_sign: bool = True,
    usage: bool = True,
    begins: datetime = NOW - 100 * DAY,
    ends: datetime = NOW + 100 * DAY,
    issuer_name: str | None = None,
    digest: hashes.HashAlgorithm | None = None,
    extra: x509.ExtensionType | None = None,
    key: ec.EllipticCurvePrivateKey | None = None,
) -> Made:
    key = key or ec.generate_private_key(ec.SECP256R1())
    signer = issuer.key if issuer else key
    default = issuer.certificate.subject if issuer else named(name)
    builder = (
        x509.CertificateBuilder(serial_number=x509.random_serial_number())
        .subject_name(named(name))
        .issuer_name(named(issuer_name) if issuer_name else default)
        .public_key(key.public_key())
        .not_valid_before(begins)
        .not_valid_after(ends)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False
        )
    )
    if constraints:
        builder = builder.add_extension(x509.BasicConstraints(ca, path_length if ca else None), critical=True)
    if usage:
        builder = builder.add_extension(key_usage(cert_sign), critical=True)
    if extra is not None:
        builder = builder.add_extension(extra, critical=True)
    return Made(key, builder.sign(signer, digest or hashes.SHA256()))


def key_usage(cert_sign: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not cert_sign,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=cert_sign,
        crl_sign=cert_sign,
        encipher_only=False,
        decipher_only=False,
    )


def leaf(issuer: Made, **values: object) -> Made:
    return make("leaf", issuer, ca=False, cert_sign=False, **values)  # type: ignore[arg-type]  # passed on


def accepted(end: Made, chain: Sequence[Made], anchors: Sequence[Made], at: datetime = NOW) -> bool:
    return ends_in(end.der, [made.der for made in chain], [made.der for made in anchors], at)


def openssl_accepts(folder: Path, end: Made, chain: Sequence[Made], anchors: Sequence[Made]) -> bool:
    """Ask OpenSSL the same question."""
    files = {"end": [end], "chain": chain, "anchors": anchors}
    for name, made in files.items():
        (folder / f"{name}.pem").write_bytes(b"".join(one.pem for one in made))
    command = ["openssl", "verify", "-attime", str(int(NOW.timestamp())), "-x509_strict", "-partial_chain"]
    untrusted = ["-untrusted", "chain.pem"] if chain else []
    done = subprocess.run(
        [*command, *untrusted, "-CAfile", "anchors.pem", "end.pem"],
        cwd=folder,
        capture_output=True,
        check=False,
        timeout=20,
    )
    return done.returncode == 0


# --- paths -------------------------------------------------------------------------------------


def test_a_leaf_of_an_anchor_needs_no_chain() -> None:
    root = make("root")
    assert accepted(leaf(root), [], [root])
    assert not accepted(leaf(root), [], [])
    assert not accepted(leaf(root), [root], [])


def test_a_path_is_found_in_whatever_order_its_parts_come() -> None:
    root = make("root")
    one = make("one", root)
    two = make("two", one)
    stray = make("stray")
    for chain in permutations([one, two, root, stray]):
        assert accepted(leaf(two), chain, [root])
    assert not accepted(leaf(two), [one], [root])
    assert not accepted(leaf(two), [two], [root])


def test_an_intermediate_may_be_the_anchor() -> None:
    root = make("root")
    one = make("one", root)
    assert accepted(leaf(one), [], [one])


def test_a_dead_end_does_not_hide_the_way() -> None:
    # Cross-certified: the same CA name and key under two roots, of which one is trusted.
    trusted, other = make("trusted"), make("other")
    key = ec.generate_private_key(ec.SECP256R1())
    dead, alive = make("ca", other, key=key), make("ca", trusted, key=key)
    for chain in ([dead, alive, other], [alive, dead, other], [other, dead, alive]):
        assert accepted(leaf(alive), chain, [trusted])


def test_a_circle_of_cas_ends() -> None:
    keys = [ec.generate_private_key(ec.SECP256R1()) for _ in range(2)]
    first = make("a", make("b", key=keys[1]), key=keys[0])
    second = make("b", make("a", key=keys[0]), key=keys[1])
    assert not accepted(leaf(first), [first, second], [make("root")])


def _forged(root: Made) -> Made:
    """A certificate that names the root as its issuer and is signed by another key of that name."""
    return leaf(make("root"))


UNKNOWN = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.4.1.55555.1"), b"\x05\x00")
BAD_ISSUERS = {
    "no CA": {"ca": False},
    "no basicConstraints": {"constraints": False},
    "may not sign certificates": {"cert_sign": False},
    "no keyUsage": {"usage": False},
    "expired": {"ends": NOW - DAY},
    "not yet valid": {"begins": NOW + DAY},
    "name constraints": {"extra": x509.NameConstraints([x509.DNSName("example.com")], None)},
    "unknown critical extension": {"extra": UNKNOWN},
    "signed with a digest that is not accepted": {"digest": hashes.SHA224()},
}


@pytest.mark.parametrize("flaw", BAD_ISSUERS)
def test_an_issuer_with_a_flaw_breaks_the_path(flaw: str) -> None:
    root = make("root")
    good = make("ca", root)
    assert accepted(leaf(good), [good], [root])
    bad = make("ca", root, **BAD_ISSUERS[flaw])  # type: ignore[arg-type]  # one of make's values
    assert not accepted(leaf(bad), [bad], [root])


@pytest.mark.parametrize("flaw", [name for name in BAD_ISSUERS if "digest" not in name])
def test_the_same_flaws_in_the_anchor(flaw: str) -> None:
    bad = make("root", **BAD_ISSUERS[flaw])  # type: ignore[arg-type]  # one of make's values
    assert not accepted(leaf(bad), [], [bad])


@pytest.mark.parametrize(("digest", "expected"), [("sha1", False), ("sha256", True)])
def test_a_leaf_signed_with_sha1_is_refused(tmp_path: Path, digest: str, expected: bool) -> None:
    # cryptography makes none any more: OpenSSL does.
    root = make("root")
    (tmp_path / "ca.pem").write_bytes(root.pem)
    (tmp_path / "ca.key").write_bytes(_pem_key(root.key))
    (tmp_path / "leaf.key").write_bytes(_pem_key(ec.generate_private_key(ec.SECP256R1())))
    request = ["openssl", "req", "-new", "-key", "leaf.key", "-subj", "/CN=leaf", "-out", "leaf.csr"]
    sign = ["openssl", "x509", "-req", "-in", "leaf.csr", "-CA", "ca.pem", "-CAkey", "ca.key", f"-{digest}"]
    for command in (request, [*sign, "-outform", "DER", "-out", "leaf.der"]):
        subprocess.run(command, cwd=tmp_path, check=True, capture_output=True, timeout=20)
    assert ends_in((tmp_path / "leaf.der").read_bytes(), [], [root.der], NOW) == expected


def _pem_key(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_the_right_key_under_another_name_and_the_right_name_with_another_key() -> None:
    root = make("root")
    assert not accepted(leaf(root, issuer_name="other"), [], [root])
    assert not accepted(_forged(root), [], [root])


def test_a_leaf_cannot_issue_a_leaf() -> None:
    root = make("root")
    middle = leaf(root)
    assert not accepted(leaf(middle), [middle], [root])


@pytest.mark.parametrize(("allowed", "cas"), [(limit, cas) for limit in (0, 1, 2, None) for cas in range(4)])
def test_the_length_of_a_path_is_limited(tmp_path: Path, allowed: int | None, cas: int) -> None:
    root = make("root", path_length=allowed)
    path = [root]
    for number in range(cas):
        path.append(make(f"ca{number}", path[-1]))
    end = leaf(path[-1])
    expected = allowed is None or cas <= allowed
    assert accepted(end, path[1:], [root]) == expected
    assert openssl_accepts(tmp_path, end, path[1:], [root]) == expected


def test_the_length_is_limited_in_the_middle_too() -> None:
    root = make("root")
    one = make("one", root, path_length=0)
    two = make("two", one)
    assert accepted(leaf(one), [one], [root])
    assert not accepted(leaf(two), [one, two], [root])


def test_a_self_issued_ca_does_not_count_for_the_length(tmp_path: Path) -> None:
    root = make("root", path_length=1)
    old = make("ca", root)
    new = make("ca", old)  # the CA's new key, certified by its old one
    end = leaf(new)
    assert accepted(end, [old, new], [root])
    assert openssl_accepts(tmp_path, end, [old, new], [root])


def test_validity_is_that_of_the_moment_asked_for() -> None:
    root = make("root", begins=NOW, ends=NOW + DAY)
    end = leaf(root)
    assert accepted(end, [], [root], NOW)
    assert accepted(end, [], [root], NOW + DAY)
    assert not accepted(end, [], [root], NOW - timedelta(seconds=1))
    assert not accepted(end, [], [root], NOW + DAY + timedelta(seconds=1))


def test_what_cannot_be_read_is_no_link() -> None:
    root = make("root")
    one = make("one", root)
    end = leaf(one)
    assert ends_in(end.der, [b"", b"\x30\x00", one.der], [b"garbage", root.der], NOW)
    assert not ends_in(b"garbage", [one.der], [root.der], NOW)
    assert not ends_in(end.der, [one.der[:-1]], [root.der], NOW)


# --- signatures --------------------------------------------------------------------------------


def test_rsa_signatures_are_pkcs1_with_sha256() -> None:
    key = rsa.generate_private_key(65537, 2048)
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    good = key.sign(b"m", padding.PKCS1v15(), hashes.SHA256())
    assert key_signed(spki, good, b"m")
    assert not key_signed(spki, good, b"n")
    assert not key_signed(spki, good[:-1] + bytes([good[-1] ^ 1]), b"m")
    assert not key_signed(spki, b"", b"m")
    assert not key_signed(spki, key.sign(b"m", padding.PKCS1v15(), hashes.SHA512()), b"m")
    pss = padding.PSS(padding.MGF1(hashes.SHA256()), padding.PSS.DIGEST_LENGTH)
    assert not key_signed(spki, key.sign(b"m", pss, hashes.SHA256()), b"m")


@pytest.mark.parametrize(
    ("curve", "right", "wrong"),
    [(ec.SECP256R1(), hashes.SHA256(), hashes.SHA384()), (ec.SECP384R1(), hashes.SHA384(), hashes.SHA256())],
)
def test_ec_signatures_go_with_the_curves_digest(
    curve: ec.EllipticCurve, right: hashes.HashAlgorithm, wrong: hashes.HashAlgorithm
) -> None:
    made = make("leaf", key=ec.generate_private_key(curve))
    assert signed_by(made.der, made.key.sign(b"m", ec.ECDSA(right)), b"m")
    assert not signed_by(made.der, made.key.sign(b"m", ec.ECDSA(wrong)), b"m")
    assert not signed_by(made.der, made.key.sign(b"n", ec.ECDSA(right)), b"m")


def test_other_kinds_of_keys_sign_nothing_here() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    spki = key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    assert not key_signed(spki, key.sign(b"m"), b"m")


def test_the_public_key_is_the_certificates_subject_public_key_info() -> None:
    made = make("leaf")
    assert public_key_of(made.der) == made.key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
