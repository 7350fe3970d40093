"""The CNS file system and PIN references (domain.md §1.3–§1.5; OpenSC pkcs15-itacns.c)."""

from __future__ import annotations

DF0 = bytes.fromhex("1000")
DF1 = bytes.fromhex("1100")
EF_ID_CARTA = bytes.fromhex("1003")
EF_C_CARTA = bytes.fromhex("1101")
EF_DATI_PERSONALI = bytes.fromhex("1102")
PATH_ID_CARTA = DF0 + EF_ID_CARTA
PATH_C_CARTA = DF1 + EF_C_CARTA
PATH_DATI_PERSONALI = DF1 + EF_DATI_PERSONALI

CARD_ID_LENGTH = 16
PERSONAL_DATA_MAX = 400
_LENGTH_FIELD = 6
"""EF.Dati_personali begins with its total length: six ASCII hexadecimal digits (domain.md §1.3)."""


def personal_data_most(head: bytes) -> int:
    """Return how many bytes of EF.Dati_personali to read at most; 0 when never written.

    ``head`` is at least the file's first six bytes.

    Raises:
        ValueError: the length field is none, or names more than the file holds.
    """
    if _is_empty(head):
        return 0
    return min(_said_length(head) + _LENGTH_FIELD, PERSONAL_DATA_MAX)


def personal_data_end(data: bytes) -> int:
    """Return where the fields of EF.Dati_personali end.

    Sources differ on whether the length field counts itself; the fields (two hexadecimal digits of
    length, then the value) tell.

    Raises:
        ValueError: the fields end elsewhere than the length field says.
    """
    end, said = _LENGTH_FIELD, _said_length(data)
    while end + 2 <= len(data):
        try:
            following = end + 2 + int(data[end : end + 2].decode("ascii"), 16)
        except ValueError:
            break
        if following > len(data):
            break
        end = following
    if end not in (said, said + _LENGTH_FIELD):
        raise ValueError(f"EF.Dati_personali ends at {end}, its length field says {said}")
    return end


def _said_length(head: bytes) -> int:
    length = int(head[:_LENGTH_FIELD].decode("ascii"), 16)
    if not 0 < length <= PERSONAL_DATA_MAX:
        raise ValueError(f"EF.Dati_personali says {length} bytes")
    return length


def _is_empty(head: bytes) -> bool:
    return not head[:_LENGTH_FIELD].strip(b"\x00") or not head[:_LENGTH_FIELD].strip(b"\xff")


def certificate_length(head: bytes) -> int:
    """Return the length of the DER certificate that begins with ``head`` (4 bytes); 0 when never written.

    Raises:
        ValueError: something else than a certificate begins there.
    """
    if _is_empty(head[:4]):
        return 0
    if head[:2] != b"\x30\x82":
        raise ValueError("EF.C_Carta does not begin with a certificate")
    return int.from_bytes(head[2:4], "big") + 4
