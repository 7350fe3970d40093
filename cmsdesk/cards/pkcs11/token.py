"""The token in one reader, through one vendor module: one session, one login, one thread.

python-pkcs11 initialises modules without locking, so everything here belongs to a single thread
of a card host.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pkcs11
from asn1crypto.algos import DigestInfo
from asn1crypto.core import OctetString
from asn1crypto.keys import ECDomainParameters, NamedCurve, PublicKeyAlgorithm, PublicKeyInfo, RSAPublicKey
from pkcs11 import Attribute, KeyType, Mechanism, MechanismFlag, ObjectClass
from pkcs11.util.ec import encode_ecdsa_signature

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards.pkcs11.native import CKU_SO, CKU_USER, NativeError, NativeModule, TokenState
from cmsdesk.cards.pkcs11.results import raised
from cmsdesk.domain.device import KeyAlgorithm
from cmsdesk.operations.errors import CardGone, CardInterrupted, DriverUnloadable

_DESCRIPTION_LENGTH = 64
"""CK_SLOT_INFO.slotDescription holds no longer reader name."""
_RSA_BITS = {KeyAlgorithm.RSA_2048: 2048, KeyAlgorithm.RSA_3072: 3072, KeyAlgorithm.RSA_4096: 4096}
_CURVES = {KeyAlgorithm.EC_P256: "secp256r1", KeyAlgorithm.EC_P384: "secp384r1"}
_SIGN = MechanismFlag.SIGN | MechanismFlag.VERIFY
_RSA_MAIL = MechanismFlag.ENCRYPT | MechanismFlag.DECRYPT | MechanismFlag.WRAP | MechanismFlag.UNWRAP


@dataclass(frozen=True)
class FoundObject:
    """A public key or certificate object: ``value`` is SubjectPublicKeyInfo or certificate, DER."""

    object_id: bytes
    label: str
    value: bytes


class Token:
    """One token; the module stays loaded and logged in between calls."""

    def __init__(
        self, module: str, reader: str, *, serial: str | None = None, label_part: str | None = None
    ) -> None:
        """Load ``module`` and find the token in ``reader`` (or of ``serial``: slots without reader names).

        ``label_part`` picks one of several tokens a card with several PINs shows.

        Raises:
            CardGone: the module sees no token there. CardInterrupted: anything else it says.
            DriverUnloadable: the module cannot be loaded.
        """
        self._reader = reader
        self._serial = serial
        self._label_part = label_part
        self._user: int | None = None
        with self._action(N_("load the driver")):
            self._module = _load(module, reader)
            self._native = NativeModule(module)
            try:
                self._session = self._open()
            except BaseException:
                self._module.finalize()
                raise

    def refresh(self) -> None:
        """Forget all that the module remembers of the card; the next call reads it afresh."""
        with self._action(N_("read the card")):
            self._finalise()
            self._module.initialize()
            self._session = self._open()

    def close(self) -> None:
        """Log out and let go of the card and of all the module remembers."""
        self._finalise()

    # login and codes

    @property
    def user_logged_in(self) -> bool:
        """Whether the holder's PIN was verified and not logged out since."""
        return self._user == CKU_USER

    def state(self) -> TokenState:
        """Return flags and PIN length limits, asked now."""
        with self._action(N_("read the card")):
            return self._native.token_state(self._slot)

    def login(self, pin: Secret) -> None:
        """Log in the holder.

        Raises:
            WrongPin, PinBlocked: ``tries_left`` is None, the module does not tell.
        """
        self._login(CKU_USER, pin)

    def login_officer(self, puk: Secret) -> None:
        """Log in the security officer; errors as in `login`."""
        self._login(CKU_SO, puk)

    def logout(self) -> None:
        """Log out whoever is logged in."""
        if self._user is not None:
            self._user = None
            with self._action(N_("log out")):
                self._native.logout(self._session.handle)

    def set_pin(self, current: Secret, new: Secret) -> None:
        """Change the code of whoever is logged in, the holder's when nobody is; errors as in `login`."""
        with self._action(N_("change the code")):
            self._native.set_pin(self._session.handle, current, new)

    def init_pin(self, pin: Secret) -> None:
        """Set the holder's PIN as security officer."""
        with self._action(N_("change the code")):
            self._native.init_pin(self._session.handle, pin)

    def init_token(self, officer_pin: Secret, label: str) -> None:
        """Empty the token (C_InitToken); errors as in `login`."""
        slot = self._slot
        self._user = None
        with self._action(N_("initialise the token")):
            self._native.close_all_sessions(slot)
            self._native.init_token(slot, officer_pin, label)
            self._finalise()
            self._module.initialize()
            self._session = self._open()

    # objects

    def public_keys(self) -> list[FoundObject]:
        """Return the public key objects."""
        with self._action(N_("read the card")):
            return [
                FoundObject(bytes(key[Attribute.ID]), str(key[Attribute.LABEL]), _public_key_info(key))
                for key in self._session.get_objects({Attribute.CLASS: ObjectClass.PUBLIC_KEY})
            ]

    def certificates(self) -> list[FoundObject]:
        """Return the certificate objects."""
        with self._action(N_("read the card")):
            return [
                FoundObject(
                    bytes(found[Attribute.ID]), str(found[Attribute.LABEL]), bytes(found[Attribute.VALUE])
                )
                for found in self._session.get_objects({Attribute.CLASS: ObjectClass.CERTIFICATE})
            ]

    def has_object(self, kind: str, object_id: bytes) -> bool:
        """Tell whether there is a ``kind`` (public_key, private_key, certificate) of ``object_id``."""
        with self._action(N_("read the card")):
            wanted = {Attribute.CLASS: ObjectClass[kind.upper()], Attribute.ID: object_id}
            return bool(list(self._session.get_objects(wanted)))

    def generate_key(self, algorithm: KeyAlgorithm, object_id: bytes, label: str, *, mail: bool) -> bytes:
        """Generate a key pair on the card; ``mail``: it deciphers too. Returns SubjectPublicKeyInfo, DER."""
        with self._action(N_("generate a key")):
            if algorithm in _RSA_BITS:
                public, _ = self._session.generate_keypair(
                    KeyType.RSA,
                    _RSA_BITS[algorithm],
                    id=object_id,
                    label=label,
                    store=True,
                    capabilities=_SIGN | (_RSA_MAIL if mail else 0),
                )
            else:
                curve = _curve(_CURVES[algorithm])
                public, _ = self._session.create_domain_parameters(
                    KeyType.EC, {Attribute.EC_PARAMS: curve}, local=True
                ).generate_keypair(
                    id=object_id,
                    label=label,
                    store=True,
                    capabilities=_SIGN | (MechanismFlag.DERIVE if mail else 0),
                )
            return _public_key_info(public)

    def sign(self, object_id: bytes, data: bytes) -> bytes:
        """Sign ``data`` with SHA-256, SHA-384 for a P-384 key.

        Returns PKCS #1 v1.5 (RFC 8017 §8.2) for RSA, DER ECDSA-Sig-Value (RFC 3279 §2.2.3) for EC.

        Raises:
            CardCommunication: no such key, among others.
        """
        with self._action(N_("sign")):
            key = self._session.get_key(object_class=ObjectClass.PRIVATE_KEY, id=object_id)
            if key.key_type is KeyType.RSA:
                return bytes(key.sign(_digest_info(data), mechanism=Mechanism.RSA_PKCS))
            digest = hashlib.sha384 if _is_p384(key) else hashlib.sha256
            raw = key.sign(digest(data).digest(), mechanism=Mechanism.ECDSA)
            return encode_ecdsa_signature(bytes(raw))

    def create_certificate(
        self, der: bytes, object_id: bytes, label: str, attributes: dict[str, bytes]
    ) -> None:
        """Write a certificate object; ``attributes``: subject, issuer and serial number, DER."""
        with self._action(N_("write a certificate")):
            self._session.create_object(
                {
                    Attribute.CLASS: ObjectClass.CERTIFICATE,
                    Attribute.CERTIFICATE_TYPE: pkcs11.CertificateType.X_509,
                    Attribute.TOKEN: True,
                    Attribute.ID: object_id,
                    Attribute.LABEL: label,
                    Attribute.SUBJECT: attributes["subject"],
                    Attribute.ISSUER: attributes["issuer"],
                    Attribute.SERIAL_NUMBER: attributes["serial"],
                    Attribute.VALUE: der,
                }
            )

    def data(self, label: str) -> bytes:
        """Return the data object ``label``; empty when there is none."""
        with self._action(N_("read the card")):
            found = list(self._session.get_objects(_data_template(label)))
            return bytes(found[0][Attribute.VALUE]) if found else b""

    def put_data(self, label: str, value: bytes) -> None:
        """Write the data object ``label``, in place of an earlier one."""
        with self._action(N_("write to the card")):
            for earlier in list(self._session.get_objects(_data_template(label))):
                earlier.destroy()
            attributes = {Attribute.TOKEN: True, Attribute.PRIVATE: False, Attribute.VALUE: value}
            self._session.create_object({**_data_template(label), **attributes})

    # inside

    @property
    def _slot(self) -> int:
        return int(self._session.token.slot.slot_id)

    def _open(self) -> Any:
        for slot in self._module.get_slots(token_present=True):
            token = slot.get_token()
            if self._is_ours(slot.slot_description, token):
                self._user = None
                return token.open(rw=True)
        raise CardGone(reader=self._reader)

    def _is_ours(self, description: str, token: Any) -> bool:
        if self._serial is not None:
            return bytes(token.serial).decode("ascii", "replace").strip() == self._serial
        if self._label_part is not None and self._label_part not in token.label:
            return False
        return description.strip() == self._reader[:_DESCRIPTION_LENGTH].strip()

    def _login(self, user: int, code: Secret) -> None:
        if self._user is not None:
            self.logout()
        with self._action(N_("verify the code")):
            self._native.login(self._session.handle, user, code)
            self._user = user

    def _finalise(self) -> None:
        self._user = None
        # C_Finalize closes sessions without a call each: it cannot fail on a card that is gone.
        self._module.finalize()

    @contextmanager
    def _action(self, action: str) -> Iterator[None]:
        try:
            yield
        except CardInterrupted:
            raise
        except (pkcs11.PKCS11Error, NativeError) as error:
            raise raised(error, self._reader, action) from error


def _load(module: str, reader: str) -> Any:
    try:
        return pkcs11.lib(module)
    except pkcs11.PKCS11Error as error:
        # python-pkcs11 has a class for each return value of a module, and none for one that cannot be loaded
        if type(error) is pkcs11.PKCS11Error:
            raise DriverUnloadable(reader=reader) from error
        raise


def _data_template(label: str) -> dict[Attribute, object]:
    return {Attribute.CLASS: ObjectClass.DATA, Attribute.LABEL: label}


def _digest_info(data: bytes) -> bytes:
    return bytes(
        DigestInfo(
            {"digest_algorithm": {"algorithm": "sha256"}, "digest": hashlib.sha256(data).digest()}
        ).dump()
    )


def _curve(name: str) -> bytes:
    return bytes(ECDomainParameters("named", NamedCurve.unmap(name)).dump())


def _is_p384(key: Any) -> bool:
    return bytes(key[Attribute.EC_PARAMS]) == _curve("secp384r1")


def _public_key_info(key: Any) -> bytes:
    if key[Attribute.KEY_TYPE] is KeyType.RSA:
        modulus = int.from_bytes(key[Attribute.MODULUS], "big")
        exponent = int.from_bytes(key[Attribute.PUBLIC_EXPONENT], "big")
        wrapped = PublicKeyInfo.wrap(RSAPublicKey({"modulus": modulus, "public_exponent": exponent}), "rsa")
        return bytes(wrapped.dump())
    algorithm = PublicKeyAlgorithm(
        {"algorithm": "ec", "parameters": ECDomainParameters.load(bytes(key[Attribute.EC_PARAMS]))}
    )
    point = _bare_point(bytes(key[Attribute.EC_POINT]))
    return bytes(PublicKeyInfo({"algorithm": algorithm, "public_key": point}).dump())


def _bare_point(point: bytes) -> bytes:
    """Return the point without the OCTET STRING around it, which some modules leave out."""
    is_wrapped = point[:1] == b"\x04" and len(point) > 2 and len(point) % 2 == 1 and point[2:3] == b"\x04"
    return bytes(OctetString.load(point).native) if is_wrapped else point
