"""An enveloped XML signature over a whole document, by a pinned signer (ETSI TS 119 612 annex B).

signxml does the cryptography. What it cannot know is which structure a trust list must have; every other
structure is refused here before and after, so that nothing but signed bytes is ever read: one signature in
the whole document, a child of the root; one reference to the whole document, the other to the signature's own
properties; no identifier twice; no transform but "enveloped" and exclusive canonicalisation.
"""

from base64 import b64decode
from collections.abc import Iterable
from datetime import datetime
from typing import NoReturn

from cryptography import x509
from lxml import etree
from signxml.exceptions import SignXMLException
from signxml.xades.xades import XAdESSignatureConfiguration, XAdESVerifier

from cmsdesk.signing.errors import ValidationError

_DS = "http://www.w3.org/2000/09/xmldsig#"
_XADES = "http://uri.etsi.org/01903/v1.3.2#"
_SIGNED_PROPERTIES = "http://uri.etsi.org/01903#SignedProperties"
_ENVELOPED = f"{_DS}enveloped-signature"
_EXCLUSIVE = "http://www.w3.org/2001/10/xml-exc-c14n#"
_ID_NAMES = ("Id", "ID", "id", "{http://www.w3.org/XML/1998/namespace}id")
_PROPERTIES_PATH = f"{{{_DS}}}Object/{{{_XADES}}}QualifyingProperties/{{{_XADES}}}SignedProperties"
_MAX_BYTES = 64 * 1024 * 1024


def signed_content(document: bytes, pinned: Iterable[bytes], root_tag: str, now: datetime) -> bytes:
    """Return the bytes that a pinned signer signed: the document without the signature, canonical.

    Args:
        document: the XML file.
        pinned: DER certificates of the only signers accepted.
        root_tag: the root element expected, in Clark notation.
        now: the signer's certificate must be valid then.

    Raises:
        ValidationError: unsigned, signed by somebody else, changed, or of another structure.
    """
    root = _parse(document)
    if root.tag != root_tag:
        _refuse("The trust list was refused: the file is no trust list.")
    signature = _only_signature(root)
    _check_references(root, signature)
    signer = _pinned_signer(signature, pinned)
    config = XAdESSignatureConfiguration(
        require_x509=True, location="./", expect_references=2, verification_time=now
    )
    try:
        results = XAdESVerifier().verify(document, x509_cert=signer, expect_config=config, parser=_parser())
    except (SignXMLException, etree.LxmlError, ValueError) as error:
        _refuse("The trust list was refused: the signature does not verify.", type(error).__name__)
    roots = [r.signed_data for r in results if r.signed_xml is not None and r.signed_xml.tag == root_tag]
    if len(roots) != 1:
        _refuse("The trust list was refused: the signature does not cover the document.")
    return bytes(roots[0])


def _parser() -> etree.XMLParser:
    return etree.XMLParser(resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False)


def _parse(document: bytes) -> etree._Element:
    if len(document) > _MAX_BYTES:
        _refuse("The trust list was refused: the file is too large.")
    try:
        root = etree.fromstring(document, _parser())
    except etree.XMLSyntaxError:
        _refuse("The trust list was refused: the file is not well-formed XML.")
    if root.getroottree().docinfo.doctype:
        _refuse("The trust list was refused: the file has a document type declaration.")
    return root


def _only_signature(root: etree._Element) -> etree._Element:
    anywhere = list(root.iter(f"{{{_DS}}}Signature"))
    if len(anywhere) != 1 or anywhere[0].getparent() is not root:
        _refuse("The trust list was refused: there must be one signature, directly below the root.")
    return anywhere[0]


def _check_references(root: etree._Element, signature: etree._Element) -> None:
    seen: set[str] = set()
    for element in root.iter(etree.Element):
        for name in _ID_NAMES:
            value = element.get(name)
            if value is not None and value in seen:
                _refuse("The trust list was refused: an identifier stands twice.")
            if value is not None:
                seen.add(value)
    references = list(signature.iterfind(f"{{{_DS}}}SignedInfo/{{{_DS}}}Reference"))
    of_properties = [r for r in references if r.get("Type") == _SIGNED_PROPERTIES]
    of_document = [r for r in references if r.get("Type") != _SIGNED_PROPERTIES]
    if len(of_properties) != 1 or len(of_document) != 1:
        _refuse("The trust list was refused: the signature must cover the document and its properties only.")
    whole = {""} | ({f"#{root.get('Id')}"} if root.get("Id") else set())
    if of_document[0].get("URI") not in whole:
        _refuse("The trust list was refused: the signature covers only a part of the document.")
    if _transforms(of_document[0]) != [_ENVELOPED, _EXCLUSIVE]:
        _refuse(
            "The trust list was refused: the signature transforms the document in a way that is not allowed."
        )
    properties = signature.findall(_PROPERTIES_PATH)
    if len(properties) != 1 or of_properties[0].get("URI") != f"#{properties[0].get('Id')}":
        _refuse("The trust list was refused: the signature's properties are not its own.")
    if any(t != _EXCLUSIVE for t in _transforms(of_properties[0])):
        _refuse("The trust list was refused: the signature transforms its properties as is not allowed.")


def _transforms(reference: etree._Element) -> list[str | None]:
    return [t.get("Algorithm") for t in reference.iterfind(f"{{{_DS}}}Transforms/{{{_DS}}}Transform")]


def _pinned_signer(signature: etree._Element, pinned: Iterable[bytes]) -> x509.Certificate:
    named = signature.findtext(f"{{{_DS}}}KeyInfo/{{{_DS}}}X509Data/{{{_DS}}}X509Certificate")
    if named is None:
        _refuse("The trust list was refused: the signature does not carry its certificate.")
    try:
        encoded = b64decode("".join(named.split()), validate=True)
    except ValueError:
        _refuse("The trust list was refused: the signature's certificate cannot be read.")
    if encoded not in set(pinned):
        _refuse("The trust list was refused: it was signed by somebody who is not among the pinned signers.")
    return x509.load_der_x509_certificate(encoded)


def _refuse(cause: str, fault: str = "") -> NoReturn:
    raise ValidationError(
        cause, "Fetch the list again from its official address; check the pinned signers.", fault=fault
    )
