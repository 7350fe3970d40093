"""The one door to python-pkcs11: open a token, log in, find the key and its certificate, sign.

Runs in a worker process only, on one thread.
"""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pkcs11
from pkcs11 import Attribute, CertificateType, KeyType, Mechanism, ObjectClass, TokenFlag, UserType
from pkcs11.mechanisms import MGF
from pkcs11.types import PROTECTED_AUTH

from cmsdesk.signing.cms import der
from cmsdesk.signing.cms.algorithms import digest_info
from cmsdesk.signing.errors import PinLocked, PinRefused, SignerError, SignerLost, TokenMissing
from cmsdesk.signing.signers.base import Digest, Scheme

_HASH_MECHANISMS = {
    Digest.SHA256: (Mechanism.SHA256, MGF.SHA256),
    Digest.SHA384: (Mechanism.SHA384, MGF.SHA384),
    Digest.SHA512: (Mechanism.SHA512, MGF.SHA512),
}
_INSERT = "Insert the card or token, then start again."
_GONE = (
    pkcs11.DeviceError,
    pkcs11.DeviceRemoved,
    pkcs11.TokenNotPresent,
    pkcs11.TokenNotRecognised,
    pkcs11.SessionHandleInvalid,
    pkcs11.SessionClosed,
    pkcs11.ObjectHandleInvalid,
    pkcs11.KeyHandleInvalid,
    pkcs11.UserNotLoggedIn,
)
# how long a reader's driver may take to notice that the card has gone (pcscd asks every 0.4 s, on a busy
# computer more), and how often it is asked
_NOTICE_S = 5.0
_ASK_EVERY_S = 0.05
_RANDOM_BITS = 64


@dataclass(frozen=True, slots=True)
class Key:
    """A private key that may sign, with what is known of it."""

    handle: Any
    identifier: bytes
    label: str
    always_authenticate: bool


class Token:
    """One token through one module.

    Raises:
        TokenMissing: no such module or token, or several tokens answer to the description.
    """

    def __init__(self, module: str, label: str | None, serial: str | None) -> None:
        try:
            library = pkcs11.lib(module)
            present = [slot.get_token() for slot in library.get_slots(token_present=True)]
        except (pkcs11.PKCS11Error, OSError, RuntimeError) as error:
            raise TokenMissing(
                "The PKCS#11 module cannot be used.",
                "Check the path of the module and that its driver is installed.",
                module=module,
                fault=type(error).__name__,
            ) from error
        self._library = library
        self._token = _choose(present, label, serial)
        self._session: Any = None
        self._key: Key | None = None
        self._pin: str | None = None

    def facts(self) -> dict[str, object]:
        """Return label, serial number and the state of the PIN, as the token tells them now."""
        flags = self._token.flags
        return {
            "label": self._token.label,
            "serial": self._token.serial.decode("ascii", "replace").strip("\0 "),
            "pin_locked": bool(flags & TokenFlag.USER_PIN_LOCKED),
            "pin_final_try": bool(flags & TokenFlag.USER_PIN_FINAL_TRY),
            "pin_count_low": bool(flags & TokenFlag.USER_PIN_COUNT_LOW),
            "pin_pad": bool(flags & TokenFlag.PROTECTED_AUTHENTICATION_PATH),
        }

    def log_in(self, pin: str | None) -> None:
        """Open the session and send the PIN once; None leaves it to the reader's PIN pad.

        Raises:
            PinRefused, PinLocked, SignerError: as the token answered.
        """
        try:
            self._session = self._token.open(
                user_pin=PROTECTED_AUTH if pin is None else pin, user_type=UserType.USER
            )
        except (pkcs11.PinIncorrect, pkcs11.PinInvalid, pkcs11.PinLenRange) as error:
            raise PinRefused(
                "The PIN is wrong.",
                "Check the PIN and open a new session; this PIN is not tried again.",
                token=self._token.label,
            ) from error
        except (pkcs11.PinLocked, pkcs11.PinExpired, pkcs11.UserPinNotInitialized) as error:
            raise PinLocked(
                "The PIN is locked, expired or not set.",
                "Unblock the PIN with the PUK.",
                token=self._token.label,
            ) from error
        except pkcs11.PKCS11Error as error:
            raise self._translated(error, "The token does not open a session.") from error
        self._pin = pin

    def find_key(self, label: str | None, identifier: bytes | None) -> Key:
        """Choose the private key that signs from now on; see `Pkcs11Settings` for the rules.

        Raises:
            TokenMissing: none or several keys answer to the description.
            SignerLost: the token went away.
        """
        wanted: dict[Attribute, object] = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.SIGN: True}
        if label is not None:
            wanted[Attribute.LABEL] = label
        if identifier is not None:
            wanted[Attribute.ID] = identifier
        with self._reading():
            keys = list(self._session.get_objects(wanted))
        if len(keys) > 1 and label is None and identifier is None:
            certified = {entry[0] for entry in self.certificates()}
            keys = [key for key in keys if key.id in certified]
        if len(keys) != 1:
            raise TokenMissing(
                "The token has no such key."
                if not keys
                else "Several keys of the token answer to this description.",
                "Name the key by its label or identifier.",
                keys=len(keys),
            )
        key = keys[0]
        with self._reading():
            self._key = Key(key, key.id, key.label, _flag(key, Attribute.ALWAYS_AUTHENTICATE))
        return self._key

    def certificates(self) -> list[tuple[bytes, bytes]]:
        """Return (CKA_ID, DER) of every X.509 certificate of the token.

        Raises:
            SignerLost: the token went away.
        """
        wanted = {Attribute.CLASS: ObjectClass.CERTIFICATE, Attribute.CERTIFICATE_TYPE: CertificateType.X_509}
        with self._reading():
            return [
                (bytes(found[Attribute.ID]), bytes(found[Attribute.VALUE]))
                for found in self._session.get_objects(wanted)
            ]

    def sign(self, scheme: Scheme, digest: Digest, digests: Sequence[bytes]) -> list[bytes]:
        """Sign digests as CMS wants the signature values.

        Raises:
            SignerLost: the token went away.
            SignerError: the token refuses.
        """
        if self._key is None:
            raise SignerError("No key was chosen.", "Log in first.")
        handle = self._key.handle
        options: dict[str, object] = {"mechanism": Mechanism.RSA_PKCS}
        if self._key.always_authenticate and self._pin is not None:
            options["pin"] = self._pin
        if scheme is Scheme.ECDSA:
            options["mechanism"] = Mechanism.ECDSA
        elif scheme is Scheme.RSA_PSS:
            mechanism, mask = _HASH_MECHANISMS[digest]
            options |= {
                "mechanism": Mechanism.RSA_PKCS_PSS,
                "mechanism_param": (mechanism, mask, digest.size_bytes),
            }
        else:
            digests = [digest_info(digest, value) for value in digests]
        try:
            values = [handle.sign(value, **options) for value in digests]
        except pkcs11.PKCS11Error as error:
            raise self._translated(error, "The token did not sign.") from error
        return [_ecdsa_value(value) for value in values] if scheme is Scheme.ECDSA else values

    def is_ec(self) -> bool:
        """Say whether the chosen key is an elliptic curve key."""
        return self._key is not None and self._key.handle.key_type == KeyType.EC

    @contextmanager
    def _reading(self) -> Iterator[None]:
        try:
            yield
        except pkcs11.PKCS11Error as error:
            raise self._translated(error, "The token's objects cannot be read.") from error

    def _translated(self, error: pkcs11.PKCS11Error, cause: str) -> SignerError:
        fault = type(error).__name__
        if isinstance(error, pkcs11.PinIncorrect):
            return PinRefused(
                "The PIN is wrong.", "Open a new session; this PIN is not tried again.", fault=fault
            )
        if isinstance(error, _GONE) or self._has_gone():
            return SignerLost("The card or token was taken away.", _INSERT, fault=fault)
        return SignerError(cause, "Check the token and its driver.", fault=fault)

    def _has_gone(self) -> bool:
        """Ask slots, session and token, which know better than the error whether the token is still there.

        A card that goes while it works makes OpenSC answer CKR_GENERAL_ERROR, CKR_DEVICE_REMOVED or
        CKR_DEVICE_ERROR, as the moment has it, and the reader's driver may notice only after that. A token
        that gives a random number is there; of one that has none, the slots' word counts when time is up.
        """
        deadline = time.monotonic() + _NOTICE_S
        while True:
            try:
                # the list of slots, and nothing less, makes OpenSC look into the reader again
                present = [slot.get_token().serial for slot in self._library.get_slots(token_present=True)]
                if self._token.serial not in present:
                    return True
                if self._session is not None:
                    # a card put back at once is present, the session with it is not
                    next(iter(self._session.get_objects({Attribute.CLASS: ObjectClass.PRIVATE_KEY})), None)
            except pkcs11.PKCS11Error:
                return True
            if self._answers() or time.monotonic() >= deadline:
                return False
            time.sleep(_ASK_EVERY_S)

    def _answers(self) -> bool:
        try:
            return self._session is not None and bool(self._session.generate_random(_RANDOM_BITS))
        except pkcs11.PKCS11Error:
            return False


def _choose(present: list[Any], label: str | None, serial: str | None) -> Any:
    tokens = [
        token
        for token in present
        if token.flags & TokenFlag.TOKEN_INITIALIZED
        and (label is None or token.label == label)
        and (serial is None or token.serial.decode("ascii", "replace").strip("\0 ") == serial)
    ]
    if len(tokens) != 1:
        raise TokenMissing(
            "No such token is present." if not tokens else "Several tokens are present.",
            _INSERT if not tokens else "Name the token by its label or serial number.",
            tokens=len(tokens),
        )
    return tokens[0]


def _flag(key: Any, attribute: Attribute) -> bool:
    try:
        return bool(key[attribute])
    except pkcs11.PKCS11Error:
        # modules older than PKCS#11 2.20 do not know the attribute: the key needs no second login
        return False


def _ecdsa_value(raw: bytes) -> bytes:
    # PKCS#11 gives r and s side by side; CMS wants Ecdsa-Sig-Value (RFC 5753 clause 7.2)
    half = len(raw) // 2
    return der.sequence(
        der.integer(int.from_bytes(raw[:half], "big")), der.integer(int.from_bytes(raw[half:], "big"))
    )
