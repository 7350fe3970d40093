"""A trust list (ETSI TS 119 612) of one provider, signed by signxml."""

from base64 import b64encode
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from lxml import etree
from signxml.algorithms import CanonicalizationMethod, DigestAlgorithm, SignatureMethod
from signxml.xades.xades import XAdESSigner

from tests.signing import pki
from tests.signing.validation.world import NOW, world

_DS = "{http://www.w3.org/2000/09/xmldsig#}"
_SERVICE = "http://uri.etsi.org/TrstSvc"
_LIST = """<?xml version="1.0" encoding="UTF-8"?>
<TrustServiceStatusList xmlns="http://uri.etsi.org/02231/v2#" Id="IT1" TSLTag="http://uri.etsi.org/19612/TSLTag">
  <SchemeInformation>
    <TSLVersionIdentifier>5</TSLVersionIdentifier><TSLSequenceNumber>1</TSLSequenceNumber>
    <TSLType>{service}/TrustedList/TSLType/EUgeneric</TSLType>
    <SchemeOperatorName><Name xml:lang="en">Prova</Name></SchemeOperatorName>
    <SchemeTerritory>IT</SchemeTerritory>
    <ListIssueDateTime>{issued}</ListIssueDateTime>
    <NextUpdate>{next}</NextUpdate>
  </SchemeInformation>
  <TrustServiceProviderList><TrustServiceProvider>
    <TSPInformation><TSPName><Name xml:lang="en">Prova TSP</Name></TSPName></TSPInformation>
    <TSPServices>{services}</TSPServices>
  </TrustServiceProvider></TrustServiceProviderList>
</TrustServiceStatusList>"""
_ENTRY = """<TSPService><ServiceInformation>
  <ServiceTypeIdentifier>{service}/Svctype/{kind}</ServiceTypeIdentifier>
  <ServiceName><Name xml:lang="en">{name}</Name></ServiceName>
  <ServiceDigitalIdentity><DigitalId><X509Certificate>{certificate}</X509Certificate></DigitalId></ServiceDigitalIdentity>
  <ServiceStatus>{service}/TrustedList/Svcstatus/{status}</ServiceStatus>
  <StatusStartingTime>{since}</StatusStartingTime>
</ServiceInformation></TSPService>"""


def operator() -> pki.Identity:
    return pki.issue(None, pki.make_key("p256"), "Gestore elenco", pki.signer_extensions())


def unsigned_list(*, status: str = "granted", next_update: datetime | None = None) -> bytes:
    entries = [
        _ENTRY.format(
            service=_SERVICE,
            kind=kind,
            name=name,
            status=status,
            certificate=b64encode(certificate).decode(),
            since=_time(NOW - timedelta(days=400)),
        )
        for kind, name, certificate in (
            ("CA/QC", "CA di prova", world().issuing.certificate),
            ("TSA/QTST", "Marche di prova", world().stamper.certificate),
        )
    ]
    end = f"<dateTime>{_time(next_update or NOW + timedelta(days=90))}</dateTime>"
    issued = _time(NOW - timedelta(days=1))
    return _LIST.format(service=_SERVICE, issued=issued, next=end, services="".join(entries)).encode()


def _time(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


class _Signer(XAdESSigner):
    """As trust lists are signed: the document and the signature's properties, and not KeyInfo."""

    def _add_reference_to_signed_info(
        self, sig_root: etree._Element, node: etree._Element, **attrs: str
    ) -> None:
        if etree.QName(node).localname == "KeyInfo":
            return
        super()._add_reference_to_signed_info(sig_root, node, **attrs)
        reference = self._find(sig_root, "SignedInfo")[-1]
        transforms = etree.Element(f"{_DS}Transforms")
        etree.SubElement(transforms, f"{_DS}Transform", Algorithm="http://www.w3.org/2001/10/xml-exc-c14n#")
        reference.insert(0, transforms)


def signed_list(by: pki.Identity, document: bytes | None = None) -> bytes:
    signer = _Signer(
        signature_algorithm=SignatureMethod.ECDSA_SHA256,
        digest_algorithm=DigestAlgorithm.SHA256,
        c14n_algorithm=CanonicalizationMethod.EXCLUSIVE_XML_CANONICALIZATION_1_0,
    )
    key = by.key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    certificate = x509.load_der_x509_certificate(by.certificate)
    root = etree.fromstring(document or unsigned_list())
    return etree.tostring(signer.sign(root, key=key, cert=[certificate], always_add_key_value=False))
