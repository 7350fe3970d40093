"""CA keys in SoftHSM2 through PKCS #11, as `cryptography` private keys.

python-pkcs11 is not thread-safe: every call runs on one worker thread of its own. Creating a token
needs C_InitToken, which python-pkcs11 lacks: ctypes on the same library does it.
"""

from __future__ import annotations

import ctypes
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import pkcs11
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from pkcs11.util.ec import encode_ec_public_key, encode_named_curve_parameters
from pkcs11.util.rsa import encode_rsa_public_key

from cmsdesk.base.secret import Secret

MODULES = (Path("/usr/lib/softhsm/libsofthsm2.so"), Path("/usr/lib/x86_64-linux-gnu/softhsm/libsofthsm2.so"))
TOKEN = "cmsdesk-sandbox-ca"  # noqa: S105 - a label

_CURVES: dict[str, tuple[str, ec.EllipticCurve]] = {
    "ecp256": ("secp256r1", ec.SECP256R1()),
    "ecp384": ("secp384r1", ec.SECP384R1()),
}
_RSA_MECHANISMS: dict[str, pkcs11.Mechanism] = {
    "sha256": pkcs11.Mechanism.SHA256_RSA_PKCS,
    "sha384": pkcs11.Mechanism.SHA384_RSA_PKCS,
    "sha512": pkcs11.Mechanism.SHA512_RSA_PKCS,
}

Result = TypeVar("Result")
Buffer = bytes | bytearray | memoryview


class HsmError(RuntimeError):
    """The token is missing, locked or refuses."""


class Hsm:
    """The logged-in token with the CA keys."""

    def __init__(self, pin: Secret) -> None:
        """Log in. The library reads ``SOFTHSM2_CONF`` here, once per process.

        Raises:
            HsmError: no such token, or the PIN is wrong.
        """
        self._worker = ThreadPoolExecutor(1, thread_name_prefix="hsm")
        self._session: Any = self.run(self._open, pin)

    def run(self, call: Callable[..., Result], *arguments: Any) -> Result:
        """Do one PKCS #11 call on the module's thread and wait for it."""
        return self._worker.submit(call, *arguments).result()

    def generate(self, label: str, key: str) -> None:
        """Make a key pair («rsa2048» … «ecp384») that never leaves the token."""
        self.run(self._generate, label, key)

    def key(self, label: str) -> rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey:
        """Return the private key ``label`` as a `cryptography` key."""
        private, public_der = self.run(self._find, label)
        public = serialization.load_der_public_key(public_der)
        if isinstance(public, rsa.RSAPublicKey):
            return _HsmRsaKey(self, private, public)
        if isinstance(public, ec.EllipticCurvePublicKey):
            return _HsmEcKey(self, private, public)
        raise HsmError(f"key {label} is of a kind a CA does not use")

    def close(self) -> None:
        """Log out and end the thread."""
        self.run(self._session.close)
        self._worker.shutdown()

    @staticmethod
    def _open(pin: Secret) -> Any:
        try:
            token = pkcs11.lib(str(module())).get_token(token_label=TOKEN)
            return token.open(rw=True, user_pin=pin.reveal_text())
        except pkcs11.PKCS11Error as error:
            raise HsmError(f"the token does not open: {type(error).__name__}") from error

    def _generate(self, label: str, key: str) -> None:
        if key in _CURVES:
            parameters = self._session.create_domain_parameters(
                pkcs11.KeyType.EC,
                {pkcs11.Attribute.EC_PARAMS: encode_named_curve_parameters(_CURVES[key][0])},
                local=True,
            )
            parameters.generate_keypair(label=label, id=label.encode(), store=True)
        else:
            bits = int(key.removeprefix("rsa"))
            self._session.generate_keypair(
                pkcs11.KeyType.RSA, bits, label=label, id=label.encode(), store=True
            )

    def _find(self, label: str) -> tuple[Any, bytes]:
        try:
            private = self._session.get_key(object_class=pkcs11.ObjectClass.PRIVATE_KEY, label=label)
            public = self._session.get_key(object_class=pkcs11.ObjectClass.PUBLIC_KEY, label=label)
        except pkcs11.NoSuchKey as error:
            raise HsmError(f"the token holds no key {label}") from error
        if public.key_type is pkcs11.KeyType.EC:
            return private, bytes(encode_ec_public_key(public))
        pkcs1 = encode_rsa_public_key(public)
        loaded = serialization.load_der_public_key(pkcs1)
        return private, loaded.public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )


class _InHsm:
    """What no key inside an HSM can do."""

    def private_numbers(self) -> NoReturn:
        raise HsmError("the key does not leave the HSM")

    def private_bytes(self, *_: object) -> NoReturn:
        raise HsmError("the key does not leave the HSM")

    def __copy__(self) -> NoReturn:
        raise HsmError("the key does not leave the HSM")

    def __deepcopy__(self, memo: dict[int, Any]) -> NoReturn:
        raise HsmError("the key does not leave the HSM")


class _HsmRsaKey(_InHsm, rsa.RSAPrivateKey):
    """An RSA key that signs inside the HSM."""

    def __init__(self, hsm: Hsm, private: Any, public: rsa.RSAPublicKey) -> None:
        self._hsm, self._private, self._public = hsm, private, public

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> rsa.RSAPublicKey:
        return self._public

    def sign(self, data: Buffer, padding_: Any, algorithm: Any) -> bytes:
        if not isinstance(padding_, padding.PKCS1v15):
            raise HsmError("only PKCS #1 v1.5")
        mechanism = _RSA_MECHANISMS[algorithm.name]
        return bytes(self._hsm.run(lambda: self._private.sign(bytes(data), mechanism=mechanism)))

    def decrypt(self, ciphertext: bytes, padding_: Any) -> NoReturn:
        raise HsmError("a CA key decrypts nothing")


class _HsmEcKey(_InHsm, ec.EllipticCurvePrivateKey):
    """An EC key that signs inside the HSM."""

    def __init__(self, hsm: Hsm, private: Any, public: ec.EllipticCurvePublicKey) -> None:
        self._hsm, self._private, self._public = hsm, private, public

    @property
    def curve(self) -> ec.EllipticCurve:
        return self._public.curve

    @property
    def key_size(self) -> int:
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        return self._public

    def sign(self, data: Buffer, signature_algorithm: Any) -> bytes:
        digest = hashes.Hash(signature_algorithm.algorithm)
        digest.update(data)
        value = digest.finalize()
        raw = bytes(self._hsm.run(lambda: self._private.sign(value, mechanism=pkcs11.Mechanism.ECDSA)))
        half = len(raw) // 2
        return encode_dss_signature(int.from_bytes(raw[:half], "big"), int.from_bytes(raw[half:], "big"))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        raise HsmError("a CA key exchanges nothing")


def module() -> Path:
    """Return the SoftHSM2 library of this machine.

    Raises:
        HsmError: it is not installed.
    """
    for candidate in MODULES:
        if candidate.exists():
            return candidate
    raise HsmError("SoftHSM2 is not installed (package softhsm2)")


_CKU_SO, _CKF_RW_SERIAL = 0, 0x6
_CK_NULL = ctypes.c_void_p(None)


def init_token(pin: Secret) -> None:
    """Make the token `TOKEN` in the first free slot, with ``pin`` for its user and its security officer.

    Call it before any other PKCS #11 use in the process: it ends with C_Finalize.

    Raises:
        HsmError: the library refuses.
    """
    library = ctypes.CDLL(str(module()))
    value = pin.reveal()
    code, length = ctypes.c_char_p(value), ctypes.c_ulong(len(value))
    slot = ctypes.c_ulong()
    count = ctypes.c_ulong(1)
    session = ctypes.c_ulong()
    _ok("C_Initialize", library.C_Initialize(_CK_NULL))
    try:
        _ok("C_GetSlotList", library.C_GetSlotList(0, ctypes.byref(slot), ctypes.byref(count)))
        _ok("C_InitToken", library.C_InitToken(slot, code, length, TOKEN.ljust(32).encode()))
    finally:
        _ok("C_Finalize", library.C_Finalize(_CK_NULL))
    _ok("C_Initialize", library.C_Initialize(_CK_NULL))
    try:
        _set_user_pin(library, code, length, session)
    finally:
        _ok("C_Finalize", library.C_Finalize(_CK_NULL))


def _set_user_pin(
    library: ctypes.CDLL, code: ctypes.c_char_p, length: ctypes.c_ulong, session: ctypes.c_ulong
) -> None:
    # SoftHSM renumbers its slots when a token appears: the initialised one comes first.
    slots, count = (ctypes.c_ulong * 16)(), ctypes.c_ulong(16)
    _ok("C_GetSlotList", library.C_GetSlotList(1, slots, ctypes.byref(count)))
    opened = library.C_OpenSession(
        ctypes.c_ulong(slots[0]), ctypes.c_ulong(_CKF_RW_SERIAL), _CK_NULL, _CK_NULL, ctypes.byref(session)
    )
    _ok("C_OpenSession", opened)
    _ok("C_Login", library.C_Login(session, ctypes.c_ulong(_CKU_SO), code, length))
    _ok("C_InitPIN", library.C_InitPIN(session, code, length))


def _ok(call: str, result: int) -> None:
    if result:
        raise HsmError(f"{call}: 0x{result:x}")
