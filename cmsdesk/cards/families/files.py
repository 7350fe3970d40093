"""Reading and writing transparent files, and the CNS files among them, by APDU."""

from __future__ import annotations

from cmsdesk.base.texts import N_
from cmsdesk.cards.apdu import cns, iso7816
from cmsdesk.cards.apdu.iso7816 import Command, Response
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.operations.errors import CardCommunication, CardFull


def expect(connection: Connection, command: Command, action: str) -> Response:
    """Send ``command`` and insist on success.

    Raises:
        CardFull, CardCommunication: the status word; CardGone and its kin.
    """
    response = connection.transmit(command)
    if response.sw == iso7816.SW_NOT_ENOUGH_MEMORY:
        raise CardFull(reader=connection.reader)
    if not response.ok:
        raise CardCommunication(reader=connection.reader, answer=f"{response.sw:04X}", action=action)
    return response


def read(connection: Connection, path: bytes, length: int, action: str, *, known: bytes = b"") -> bytes:
    """Return the first ``length`` bytes of the file at ``path``; ``known`` are those read before."""
    data = bytearray(known)
    with connection.transaction():
        if not known:
            expect(connection, iso7816.select_path(path), action)
        while len(data) < length:
            want = min(length - len(data), iso7816.CHUNK)
            part = expect(connection, iso7816.read_binary(len(data), want), action).data
            if not part:
                break
            data += part
    return bytes(data[:length])


def write(connection: Connection, path: bytes, data: bytes, action: str) -> None:
    """Write ``data`` from the start of the file at ``path``."""
    with connection.transaction():
        expect(connection, iso7816.select_path(path), action)
        for offset in range(0, len(data), iso7816.CHUNK):
            expect(connection, iso7816.update_binary(offset, data[offset : offset + iso7816.CHUNK]), action)


def read_card_id(connection: Connection) -> str:
    """Return EF.ID_Carta.

    Raises:
        CardCommunication: it is not there or not 16 ASCII characters.
    """
    action = N_("read the card")
    raw = read(connection, cns.PATH_ID_CARTA, cns.CARD_ID_LENGTH, action)
    if len(raw) != cns.CARD_ID_LENGTH or not raw.isascii() or not raw.isalnum():
        raise CardCommunication(reader=connection.reader, answer=f"{len(raw)} bytes", action=action)
    return raw.decode("ascii")


def read_certificate(connection: Connection, path: bytes, action: str) -> bytes:
    """Return the certificate at the start of the file at ``path``, DER; empty when never written.

    Raises:
        ValueError: something else stands there, or less than it says.
    """
    with connection.transaction():
        head = read(connection, path, iso7816.CHUNK, action)
        length = cns.certificate_length(head[:4])
        data = read(connection, path, length, action, known=head) if length else b""
    if len(data) != length:
        raise ValueError("the file ends inside the certificate")
    return data


def read_cns_certificate(connection: Connection) -> bytes:
    """Return EF.C_Carta up to the certificate's end; empty when never written. Errors: `read_certificate`."""
    return read_certificate(connection, cns.PATH_C_CARTA, N_("read the card"))


def cns_certificate(connection: Connection) -> bytes:
    """As `read_cns_certificate`, for callers that expect a whole card.

    Raises:
        CardCommunication: something else stands there.
    """
    try:
        return read_cns_certificate(connection)
    except ValueError as error:
        action = N_("read the card")
        raise CardCommunication(reader=connection.reader, answer=str(error), action=action) from None


def read_personal_data(connection: Connection) -> bytes:
    """Return EF.Dati_personali up to its last field; empty when never written.

    Raises:
        ValueError: the fields do not end where the length field says.
    """
    action = N_("read the card")
    with connection.transaction():
        head = read(connection, cns.PATH_DATI_PERSONALI, iso7816.CHUNK, action)
        most = cns.personal_data_most(head)
        data = read(connection, cns.PATH_DATI_PERSONALI, most, action, known=head) if most else b""
    return data[: cns.personal_data_end(data)] if data else b""
