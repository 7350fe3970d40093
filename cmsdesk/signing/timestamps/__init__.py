"""Time stamps (RFC 3161, ETSI EN 319 422): tokens from an authority, as files, and a unit of one's own.

from cmsdesk.signing.signers.base import Digest
from cmsdesk.signing.timestamps.client import HttpTimeStamper
from cmsdesk.signing.timestamps.stamped import stamp_file
from cmsdesk.signing.timestamps.tokens import read_token

stamper = HttpTimeStamper(url)
token = stamp_file(Path("bando.pdf"), Path("bando.pdf.tst"), stamper, digest=Digest.SHA512)
print(read_token(token).at)
stamper.close()
"""
