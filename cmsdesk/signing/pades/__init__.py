"""PAdES baseline signatures (ETSI EN 319 142-1), with a visible box.

from cmsdesk.signing import Box, ByShape, Document, FreeArea, Level, PadesProfile, Rectangle
from cmsdesk.signing import SigningSession, Trust

place = ByShape(
    page=-1,
    places=(
        ("landscape", Rectangle(x=560, y=30, width=220, height=60)),
        ("*", FreeArea(width=200, height=60)),
    ),
)
box = Box(place=place, text="Il Presidente {signer}\\nProt. {protocollo} del {date:%d/%m/%Y}")
trust = Trust(anchors=(root,), revocation_lists=crls, fetch=False)
profile = PadesProfile(level=Level.LTA, box=box, reason="Approvazione", trust=trust)
with SigningSession(signer, timestamper=timestamper) as session:
    document = Document(
        source=Path("delibera.pdf"), target=Path("delibera-signed.pdf"), fields={"protocollo": "12/2026"}
    )
    assert session.sign(document, profile).level is Level.LTA
"""
