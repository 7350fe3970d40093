"""Revocation data from after a certificate's expiry: silence about an expired certificate proves nothing.

A CA may drop expired certificates from its CRL (RFC 5280 clause 3.3), so that a certificate revoked last
month and expired yesterday looks good on today's list. Such data count only when the CA says that it keeps
them: expiredCertsOnCRL (ITU-T X.509 clause 9.5.2.8, asked for by AgID) or the OCSP archive cutoff (RFC 6960
clause 4.4.4).
"""

from datetime import datetime

from asn1crypto import core, crl, ocsp, x509

_EXPIRED_CERTS_ON_CRL = "2.5.29.60"


def still_tells(revocation_list: crl.CertificateList, certificate: x509.Certificate) -> bool:
    """Tell whether a CRL speaks about this certificate, or is about other issuers' certificates."""
    content = revocation_list["tbs_cert_list"]
    if revocation_list.issuer != certificate.issuer:
        return True
    if content["this_update"].native <= certificate.not_valid_after:
        return True
    kept_since = _kept_since(content["crl_extensions"])
    return kept_since is not None and kept_since <= certificate.not_valid_after


def _kept_since(extensions: crl.TBSCertListExtensions) -> datetime | None:
    for extension in extensions or ():
        if extension["extn_id"].dotted == _EXPIRED_CERTS_ON_CRL:
            try:
                found: datetime = core.GeneralizedTime.load(extension["extn_value"].contents).native
            except (ValueError, TypeError):
                return None
            return found
    return None


def still_answers(response: ocsp.OCSPResponse, certificate: x509.Certificate) -> bool:
    """Tell whether an OCSP response speaks about this certificate, or is about another one."""
    if response["response_status"].native != "successful":
        return False
    data = response.response_data
    for single in data["responses"]:
        if single["cert_id"]["serial_number"].native != certificate.serial_number:
            continue
        if single["this_update"].native <= certificate.not_valid_after:
            continue
        cutoff = single.archive_cutoff_value
        if cutoff is None or cutoff.native > certificate.not_valid_after:
            return False
    return True
