"""Validation of signatures and time stamps: one report, one set of sentences.

from cmsdesk.signing.validation import Indication, TrustStore, describe, validate

report = validate(Path("visura.pdf"), trust=TrustStore.from_files([Path("root.pem")]), crls=crls)
assert report.indication is Indication.PASSED
first = report.signatures[0]
print(first.signer.name, first.level, first.times.proven, first.status_now.status)
print(describe(report, "it"))
"""

from cmsdesk.signing.validation.report import Indication, Level, Report, SignatureReport, Status
from cmsdesk.signing.validation.run import validate, validate_async
from cmsdesk.signing.validation.trust import TrustStore
from cmsdesk.signing.validation.words import describe

__all__ = [
    "Indication",
    "Level",
    "Report",
    "SignatureReport",
    "Status",
    "TrustStore",
    "describe",
    "validate",
    "validate_async",
]
