"""What a chip holds, read from its own file: the judge that neither `cards/` nor OpenSC stands behind."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa

from cmsdesk.sandbox.card.eeprom import KIND_DF, STATE_OPERATIONAL, CardFile, Eeprom, Node

PIN, PUK = 1, 3
_PADDED_BYTES = 8


@dataclass(frozen=True)
class Tries:
    """Tries left of PIN and PUK; -1 where the chip has no such code."""

    pin: int
    puk: int


class ChipState:
    """One chip at rest."""

    def __init__(self, path: Path) -> None:
        self.eeprom: Eeprom = CardFile(path).load()

    @property
    def tries(self) -> Tries:
        """The counters."""
        return Tries(*(self._tries(reference) for reference in (PIN, PUK)))

    def has_code(self, reference: int, digits: str | bytes) -> bool:
        """Tell whether PIN or PUK (the security officer's PIN) is ``digits``."""
        value = digits.encode() if isinstance(digits, str) else digits
        pin = self.eeprom.pins.get(reference)
        return pin is not None and pin.code.matches(value.ljust(_PADDED_BYTES, b"\xff"))

    def unblocks_by(self, digits: str | bytes) -> bool:
        """Tell whether a PIN object's own unblocking code is ``digits``: a back door, were it known."""
        value = digits.encode() if isinstance(digits, str) else digits
        padded = value.ljust(_PADDED_BYTES, b"\xff")
        return any(pin.puk.matches(padded) for pin in self.eeprom.pins.values())

    @property
    def finished(self) -> bool:
        """Whether the applet's access rules hold."""
        return self.eeprom.state == STATE_OPERATIONAL

    @property
    def key_files(self) -> int:
        """Key files, also those that a cut left without a key."""
        return sum(node.is_key for node in self.eeprom.mf.walk())

    def public_keys(self) -> set[bytes]:
        """SubjectPublicKeyInfo, DER, of every key whose private half signs."""
        return {node.public for node in self.eeprom.generated_keys() if _signs(node)}

    def personal_data(self) -> bytes:
        """EF.Dati_personali, whole file."""
        return self.file(0x1100, 0x1102)

    def c_carta(self) -> bytes:
        """EF.C_Carta, whole file."""
        return self.file(0x1100, 0x1101)

    def card_id(self) -> str:
        """EF.ID_Carta."""
        return self.file(0x1000, 0x1003).decode("ascii")

    def holds_object(self, content: bytes) -> bool:
        """Tell whether a file of the PKCS #15 application begins with ``content``."""
        return any(
            bytes(node.content).startswith(content) for node in self.eeprom.mf.walk() if not node.factory
        )

    def file(self, *path: int) -> bytes:
        """The content of a file."""
        node: Node | None = self.eeprom.mf
        for fid in path:
            node = node.child(fid) if node else None
        assert node is not None, f"no file {path}"
        return bytes(node.content)

    def tree(self) -> list[tuple[object, ...]]:
        """Every file: identifier, kind, size, rules and content, in order: all but counters."""
        return [
            (node.fid, node.kind, node.size, node.rules.hex(), _content(node))
            for node in self.eeprom.mf.walk()
        ]

    def skeleton(self) -> set[tuple[object, ...]]:
        """Every file without its content."""
        return {entry[:4] for entry in self.tree()}

    def _tries(self, reference: int) -> int:
        pin = self.eeprom.pins.get(reference)
        return -1 if pin is None else pin.code.tries_left


def _signs(node: Node) -> bool:
    # a whole validation takes 50 ms, a signature 1 ms
    private = serialization.load_der_private_key(node.secret, None, unsafe_skip_rsa_key_validation=True)
    public = serialization.load_der_public_key(node.public)
    if isinstance(private, rsa.RSAPrivateKey) and isinstance(public, rsa.RSAPublicKey):
        signed = private.sign(b"proof", padding.PKCS1v15(), hashes.SHA256())
        public.verify(signed, b"proof", padding.PKCS1v15(), hashes.SHA256())
    elif isinstance(private, ec.EllipticCurvePrivateKey) and isinstance(public, ec.EllipticCurvePublicKey):
        signed = private.sign(b"proof", ec.ECDSA(hashes.SHA256()))
        public.verify(signed, b"proof", ec.ECDSA(hashes.SHA256()))
    else:
        return False
    return True


def _content(node: Node) -> str:
    return "" if node.kind == KIND_DF else bytes(node.content).rstrip(b"\0").hex()
