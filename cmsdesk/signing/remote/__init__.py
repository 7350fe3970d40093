"""Remote signatures over the Cloud Signature Consortium API, versions 1 and 2.

from cmsdesk.signing import CadesProfile, Document, SigningSession
from cmsdesk.signing.pin import Pin
from cmsdesk.signing.remote import Basic, CscService, JsonTransport, RemoteSigner, SignerName

service = CscService(JsonTransport(url, Basic("protocollo", Pin(password))))
service.log_in()
signer = RemoteSigner(service, SignerName(alias="presidente", domain="cciaa-bz"))
with SigningSession(signer) as session:
    session.sign(Document(source=Path("atto.pdf"), target=Path("atto.pdf.p7m")), CadesProfile())
"""

from cmsdesk.signing.remote.csc import CscService, Version
from cmsdesk.signing.remote.signer import NotSigned, RemoteSigner, SignerName
from cmsdesk.signing.remote.transport import Basic, Bearer, JsonTransport

__all__ = [
    "Basic",
    "Bearer",
    "CscService",
    "JsonTransport",
    "NotSigned",
    "RemoteSigner",
    "SignerName",
    "Version",
]
