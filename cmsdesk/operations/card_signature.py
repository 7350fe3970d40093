"""A message signed by an operator's CNS, checked: for sign-in and for the opening of a production."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from cmsdesk.base.texts import N_
from cmsdesk.operations.errors import OperatorNotTrusted
from cmsdesk.operations.proof import ends_in, signed_by

# domain.md §1.1: <CF>/<card id>.<digest>
_FISCAL_CODE = re.compile(r"^([A-Z0-9]{16})/")


def check_card_signature(
    message: bytes, signature: bytes, certificate: bytes, issuers: Sequence[bytes], at: datetime
) -> str:
    """Check that a CNS of a trusted issuer signed ``message``; return its holder's codice fiscale.

    Raises:
        OperatorNotTrusted: naming the reason.
    """
    found = _read(certificate)
    if not found.not_valid_before_utc <= at <= found.not_valid_after_utc:
        raise OperatorNotTrusted(reason=N_("its certificate is not within its validity"))
    if not _for_authentication(found):
        raise OperatorNotTrusted(reason=N_("its certificate is not for authentication"))
    if not ends_in(certificate, (), issuers, at):
        raise OperatorNotTrusted(reason=N_("its certificate is of an unknown issuer"))
    if not signed_by(certificate, signature, message):
        raise OperatorNotTrusted(reason=N_("the signature is not its own"))
    return fiscal_code_of(certificate)


def fiscal_code_of(certificate: bytes) -> str:
    """Return the codice fiscale in a CNS certificate's CN.

    Raises:
        OperatorNotTrusted: the CN has another form.
    """
    names = _read(certificate).subject.get_attributes_for_oid(NameOID.COMMON_NAME)
    found = _FISCAL_CODE.match(str(names[0].value)) if names else None
    if found is None:
        raise OperatorNotTrusted(reason=N_("its certificate is not that of a CNS"))
    return found.group(1)


def _read(certificate: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(certificate)
    except ValueError:
        raise OperatorNotTrusted(reason=N_("its certificate cannot be read")) from None


def _for_authentication(certificate: x509.Certificate) -> bool:
    try:
        usages = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    except (x509.ExtensionNotFound, ValueError):
        return False
    return ExtendedKeyUsageOID.CLIENT_AUTH in usages
