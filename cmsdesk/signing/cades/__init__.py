"""CAdES baseline signatures (ETSI EN 319 122-1): attached, detached, parallel, countersignatures.

from cmsdesk.signing import CadesProfile, Document, Level, Mode, SigningSession

with SigningSession(signer, timestamper=timestamper) as session:
    message = session.sign(Document(source=b"Verbale"), CadesProfile(level=Level.T)).data
    both = session.sign(Document(source=message), CadesProfile(mode=Mode.PARALLEL)).data
    seen = session.sign(Document(source=both), CadesProfile(mode=Mode.COUNTERSIGN, signer_index=0)).data
    beside = session.sign(Document(source=Path("atto.xml")), CadesProfile(mode=Mode.DETACHED)).data
"""
