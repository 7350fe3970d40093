"""EU trust lists: believed only when a pinned signer signed all of what is read."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography import x509
from lxml import etree

from cmsdesk.signing.cms import der
from cmsdesk.signing.errors import ValidationError
from cmsdesk.signing.validation import Indication, TrustStore, describe
from tests.signing import pki
from tests.signing.validation.lists import operator, signed_list, unsigned_list
from tests.signing.validation.world import NOW, PdfRecipe, check, crl_point, make_pdf, sign_pdf, world

TSL = "{http://uri.etsi.org/02231/v2#}"
DS = "{http://www.w3.org/2000/09/xmldsig#}"


def store(tmp_path: Path, document: bytes, *pinned: pki.Identity) -> TrustStore:
    path = tmp_path / "elenco.xml"
    path.write_bytes(document)
    trust = TrustStore(intermediates=[world().root.certificate])
    trust.add_trust_list(path, [one.certificate for one in pinned], now=NOW)
    return trust


def test_a_pinned_list_makes_signatures_qualified(tmp_path: Path) -> None:
    by = operator()
    trust = store(tmp_path, signed_list(by), by)
    data = sign_pdf(make_pdf(), PdfRecipe(world().anna, stamped_at=NOW))
    report = check(tmp_path, data, trust=trust)
    (first,) = report.signatures
    assert report.indication is Indication.PASSED
    assert first.times.proven == NOW
    assert first.signer is not None
    # the test certificate makes no QcCompliance statement, so the list does not make it qualified
    assert first.signer.qualified is False
    assert "non qualificato" in describe(report)


def test_a_qualified_certificate_on_a_device(tmp_path: Path) -> None:
    def statement(*parts: bytes) -> bytes:
        return der.sequence(*parts)

    # QcCompliance, QcSSCD, QcType eSign (EN 319 412-5 clause 4.2)
    statements = der.sequence(
        statement(der.oid("0.4.0.1862.1.1")),
        statement(der.oid("0.4.0.1862.1.4")),
        statement(der.oid("0.4.0.1862.1.6"), der.sequence(der.oid("0.4.0.1862.1.6.1"))),
    )
    extension = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.3.6.1.5.5.7.1.3"), statements)
    person = pki.issue(
        world().issuing,
        pki.make_key("p256"),
        "Bianca Prova",
        [*pki.signer_extensions(), crl_point(), (extension, False)],
    )
    by = operator()
    report = check(
        tmp_path, sign_pdf(make_pdf(), PdfRecipe(person)), trust=store(tmp_path, signed_list(by), by)
    )
    signer = report.signatures[0].signer
    assert signer is not None
    assert (signer.claims_qualified, signer.qualified, signer.on_device) == (True, True, True)
    assert "qualificato su dispositivo qualificato" in describe(report)
    unlisted = check(tmp_path, sign_pdf(make_pdf(), PdfRecipe(person)))
    assert "si dichiara qualificato" in describe(unlisted)


def test_a_withdrawn_service_is_not_trusted(tmp_path: Path) -> None:
    by = operator()
    trust = store(tmp_path, signed_list(by, unsigned_list(status="withdrawn")), by)
    first = check(tmp_path, sign_pdf(make_pdf(), PdfRecipe(world().anna)), trust=trust).signatures[0]
    assert first.indication is Indication.INDETERMINATE


def edit(change: Callable[[etree._Element], object]) -> Callable[[bytes], bytes]:
    def apply(document: bytes) -> bytes:
        root = etree.fromstring(document)
        replaced = change(root)
        return etree.tostring(replaced if isinstance(replaced, etree._Element) else root)

    return apply


def rename(root: etree._Element) -> None:
    found = root.find(f".//{TSL}ServiceName/{TSL}Name")
    assert found is not None
    found.text = "CA di un altro"


def duplicate(root: etree._Element) -> None:
    signature = root.find(f"{DS}Signature")
    assert signature is not None
    root.append(etree.fromstring(etree.tostring(signature)))


def wrap(root: etree._Element) -> etree._Element:
    """The signed list goes inside a false one, which carries the signature's name."""
    false = etree.fromstring(unsigned_list())
    signature = root.find(f"{DS}Signature")
    assert signature is not None
    false.append(signature)
    false.append(root)
    return false


def hide(root: etree._Element) -> None:
    signature = root.find(f"{DS}Signature")
    scheme = root.find(f"{TSL}SchemeInformation")
    assert signature is not None
    assert scheme is not None
    scheme.append(signature)


def point_elsewhere(root: etree._Element) -> None:
    scheme = root.find(f"{TSL}SchemeInformation")
    reference = root.find(f".//{DS}Reference")
    assert scheme is not None
    assert reference is not None
    scheme.set("Id", "solo")
    reference.set("URI", "#solo")


def twice(root: etree._Element) -> None:
    scheme = root.find(f"{TSL}SchemeInformation")
    assert scheme is not None
    scheme.set("Id", "IT1")


def bare(root: etree._Element) -> None:
    signature = root.find(f"{DS}Signature")
    assert signature is not None
    root.remove(signature)


def drop_key(root: etree._Element) -> None:
    info = root.find(f".//{DS}KeyInfo")
    assert info is not None
    info.getparent().remove(info)


@pytest.mark.parametrize(
    ("attack", "reason"),
    [
        (edit(rename), "does not verify"),
        (edit(duplicate), "one signature"),
        (edit(wrap), ""),
        (edit(hide), "one signature"),
        (edit(point_elsewhere), "a part of the document"),
        (edit(twice), "stands twice"),
        (edit(bare), "one signature"),
        (edit(drop_key), "does not carry"),
        (lambda d: d.replace(b"TrustServiceStatusList", b"TrustServiceStatusLost"), "no trust list"),
        (lambda d: b"<!DOCTYPE x [<!ENTITY a 'b'>]>" + d, "document type"),
        (lambda d: d[:-40], "well-formed"),
        (lambda _: b"", "well-formed"),
    ],
)
def test_tampered_lists_are_refused(tmp_path: Path, attack: Callable[[bytes], bytes], reason: str) -> None:
    by = operator()
    with pytest.raises(ValidationError, match=reason or "refused"):
        store(tmp_path, attack(signed_list(by)), by)


def test_only_pinned_signers_and_current_lists_count(tmp_path: Path) -> None:
    by, stranger = operator(), operator()
    with pytest.raises(ValidationError, match="pinned signers"):
        store(tmp_path, signed_list(stranger), by)
    with pytest.raises(ValidationError, match="pinned signers"):
        store(tmp_path, signed_list(by))
    old = unsigned_list(next_update=NOW - timedelta(days=1))
    with pytest.raises(ValidationError, match="expired"):
        store(tmp_path, signed_list(by, old), by)
    ended = pki.issue(None, pki.make_key("p256"), "Gestore", pki.signer_extensions(), days=(-90, -1))
    with pytest.raises(ValidationError, match="does not verify"):
        store(tmp_path, signed_list(ended), ended)
