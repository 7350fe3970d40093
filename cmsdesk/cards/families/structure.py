"""Reading a PKCS #15 structure by APDU: what the chip itself holds, past every cache of a module."""

from __future__ import annotations

from asn1crypto.keys import ECDomainParameters, NamedCurve, PublicKeyAlgorithm, PublicKeyInfo, RSAPublicKey

from cmsdesk.base.texts import N_
from cmsdesk.cards import pkcs15
from cmsdesk.cards.apdu import iso7816, myeid
from cmsdesk.cards.families import files
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.cards.profiles import Profile
from cmsdesk.operations.ports import CertificateOnCard, KeyOnCard

_APPLICATION = bytes.fromhex("5015")
_OBJECT_DIRECTORY = bytes.fromhex("5031")
_PRIVATE_KEY_FILES = 0x4B
_TAG_EC_POINT = 0x86
_RSA_EXPONENT = 65537
"""MyEID keys are generated with this one (OpenSC pkcs15-myeid.c, MYEID_DEFAULT_PUBKEY)."""
_CURVES = {65: "secp256r1", 97: "secp384r1"}
"""By the length of the uncompressed point."""


class Structure:
    """The PKCS #15 application of a MyEID."""

    def __init__(self, card: Connection, profile: Profile) -> None:
        self._card = card
        self._profile = profile

    def read(self) -> tuple[tuple[KeyOnCard, ...], tuple[CertificateOnCard, ...]]:
        """Return keys and certificates; each public key is asked of the private key itself.

        Raises:
            ValueError: the structure contradicts itself or cannot be parsed: a cut inside a key
                generation leaves a key file that no directory names.
            CardCommunication: a file that must be there is not.
        """
        with self._card.transaction():
            return self._read()

    def _read(self) -> tuple[tuple[KeyOnCard, ...], tuple[CertificateOnCard, ...]]:
        key_files = self._key_files()
        directories = pkcs15.object_directories(self._directory(_APPLICATION + _OBJECT_DIRECTORY))
        private = self._entries(directories, pkcs15.PRIVATE_KEYS)
        public = self._entries(directories, pkcs15.PUBLIC_KEYS)
        if {entry.path[-2:] for entry in private} != key_files:
            raise ValueError("key files and directory differ")
        if sorted(entry.object_id for entry in private) != sorted(entry.object_id for entry in public):
            raise ValueError("private and public keys differ")
        certificates = self._entries(directories, pkcs15.CERTIFICATES)
        return tuple(map(self._key, private)), tuple(map(self._certificate, certificates))

    def _key_files(self) -> set[bytes]:
        files.expect(self._card, iso7816.select_path(_APPLICATION), N_("read the card"))
        listed = files.expect(self._card, myeid.file_list(), N_("read the card")).data
        names = {listed[at : at + 2] for at in range(0, len(listed), 2)}
        return {name for name in names if name[0] == _PRIVATE_KEY_FILES}

    def _entries(self, directories: dict[int, bytes], kind: int) -> tuple[pkcs15.Entry, ...]:
        path = directories.get(kind)
        return pkcs15.entries(self._directory(path)) if path else ()

    def _directory(self, path: bytes) -> bytes:
        files.expect(self._card, iso7816.select_path(path), N_("read the card"))
        data = b""
        while not pkcs15.is_complete(data):
            part = self._card.transmit(iso7816.read_binary(len(data), iso7816.CHUNK))
            if not part.ok or not part.data:
                break
            data += part.data
        return data

    def _key(self, entry: pkcs15.Entry) -> KeyOnCard:
        files.expect(self._card, iso7816.select_path(entry.path), N_("read the card"))
        ask = myeid.ec_public_key() if entry.elliptic else myeid.rsa_modulus()
        answer = files.expect(self._card, ask, N_("read the card")).data
        info = _ec_info(answer) if entry.elliptic else _rsa_info(answer)
        return KeyOnCard(self._profile.slot_of(entry.object_id), entry.label, entry.object_id, info)

    def _certificate(self, entry: pkcs15.Entry) -> CertificateOnCard:
        der = files.read_certificate(self._card, entry.path, N_("read the card"))
        return CertificateOnCard(self._profile.slot_of(entry.object_id), entry.label, entry.object_id, der)


def _rsa_info(modulus: bytes) -> bytes:
    key = RSAPublicKey({"modulus": int.from_bytes(modulus, "big"), "public_exponent": _RSA_EXPONENT})
    return bytes(PublicKeyInfo.wrap(key, "rsa").dump())


def _ec_info(answer: bytes) -> bytes:
    point = iso7816.template_value(answer, _TAG_EC_POINT) or b""
    curve = _CURVES.get(len(point))
    if curve is None:
        raise ValueError(f"a point of {len(point)} bytes")
    parameters = ECDomainParameters("named", NamedCurve.unmap(curve))
    algorithm = PublicKeyAlgorithm({"algorithm": "ec", "parameters": parameters})
    return bytes(PublicKeyInfo({"algorithm": algorithm, "public_key": point}).dump())
