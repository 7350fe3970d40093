"""EU trust lists (ETSI TS 119 612): who provides qualified certificates and time stamps, and since when.

The signature is checked against pinned signers first (`enveloped_xml`); pyHanko then reads the services out
of the signed bytes only.
"""

from collections.abc import Iterable
from datetime import datetime

from lxml import etree
from pyhanko.sign.validation.qualified.eutl_parse import parse_lotl_unsafe, trust_list_to_registry_unsafe
from pyhanko.sign.validation.qualified.tsp import TSPRegistry

from cmsdesk.signing.errors import ValidationError
from cmsdesk.signing.validation.enveloped_xml import signed_content

_TSL = "http://uri.etsi.org/02231/v2#"
_ROOT = f"{{{_TSL}}}TrustServiceStatusList"


def add_services(document: bytes, pinned: Iterable[bytes], services: TSPRegistry, now: datetime) -> None:
    """Add the qualified CAs and time stamp services of a national list to `services`.

    Raises:
        ValidationError: see `signed_content`; or the list's NextUpdate has passed.
    """
    content = _current_content(document, pinned, now)
    trust_list_to_registry_unsafe(content.decode("utf-8"), services)


def operator_certificates(
    document: bytes, pinned: Iterable[bytes], territory: str, now: datetime
) -> list[bytes]:
    """Return who may sign the list of `territory` (``"IT"``), from the EU list of the lists.

    Args:
        document: the list of the lists (LOTL).
        pinned: its signers, as published in the Official Journal; DER.
        territory: country code.
        now: for the list's own validity.

    Raises:
        ValidationError: as `add_services`; or the territory is not on the list.
    """
    content = _current_content(document, pinned, now)
    found = [
        certificate.dump()
        for reference in parse_lotl_unsafe(content.decode("utf-8")).references
        if reference.territory == territory
        for certificate in reference.tlso_certs
    ]
    if not found:
        raise ValidationError("The list of the lists does not name this country.", "Check the country code.")
    return found


def _current_content(document: bytes, pinned: Iterable[bytes], now: datetime) -> bytes:
    content = signed_content(document, pinned, _ROOT, now)
    root = etree.fromstring(content, etree.XMLParser(resolve_entities=False, no_network=True))
    next_update = root.findtext(f"{{{_TSL}}}SchemeInformation/{{{_TSL}}}NextUpdate/{{{_TSL}}}dateTime")
    # TS 119 612 clause 5.3.15: an empty NextUpdate closes the list; past it, the list must not be relied on
    if not next_update or datetime.fromisoformat(next_update) < now:
        raise ValidationError(
            "The trust list has expired.", "Fetch the current list.", next_update=next_update or "closed"
        )
    return content
