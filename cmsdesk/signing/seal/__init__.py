"""The paper seal (SIG-5): a signed extract in QR symbols on the printed copy, and its checker.

from datetime import date
from cmsdesk.signing.seal import Place, SealOrder, SealTrust, Verdict
from cmsdesk.signing.seal import check_seal, describe, document_hash, make_seal, signatures_of
from cmsdesk.signing.validation import TrustStore, validate

signed = Path("certificato.pdf.p7m")  # the digital document, which stays in the archive
report = validate(signed, trust=TrustStore.from_files([Path("root.pem")]), crls=crls)
order = SealOrder(
    title="Certificato di iscrizione",
    number="1234/2026",
    date=date(2026, 3, 3),
    issuer="Camera di commercio di prova",
    document_sha256=document_hash(signed),
    signatures=signatures_of(report),
    fields={"Cognome": "Prova", "Numero REA": "BZ-123456"},
    place=Place(page=0, x_mm=20, y_mm=225, width_mm=60, height_mm=60),
)
Path("stampa.pdf").write_bytes(make_seal(Path("certificato.pdf"), order, signer))

outcome = check_seal(Path("stampa.pdf"), SealTrust.from_files([Path("sigillo.pem")]), document=signed)
assert outcome.verdict is Verdict.AUTHENTIC
print(describe(outcome, "it"))
"""

from cmsdesk.signing.seal.check import FieldCheck, SealReport, Verdict, check_seal
from cmsdesk.signing.seal.compare import State
from cmsdesk.signing.seal.content import SealContent, SealedField, SealedSignature
from cmsdesk.signing.seal.make import Place, SealOrder, document_hash, make_seal, signatures_of
from cmsdesk.signing.seal.trust import SealIssuer, SealTrust
from cmsdesk.signing.seal.words import describe

__all__ = [
    "FieldCheck",
    "Place",
    "SealContent",
    "SealIssuer",
    "SealOrder",
    "SealReport",
    "SealTrust",
    "SealedField",
    "SealedSignature",
    "State",
    "Verdict",
    "check_seal",
    "describe",
    "document_hash",
    "make_seal",
    "signatures_of",
]
