"""The pairs of PIN and PUK that a card host holds, for the one card they were sealed for."""

from __future__ import annotations

from cmsdesk.base.secret import Secret
from cmsdesk.base.texts import N_
from cmsdesk.cards.errors import CodesMissing, CodesRefused
from cmsdesk.operations.ports import SealedCodes
from cmsdesk.operations.sealing import Binding, CodePair, SealBroken, SealingKey


class Codes:
    """Codes by label, and the one-time key that the next ones are sealed to."""

    def __init__(self, reader: str) -> None:
        self._reader = reader
        self._key: SealingKey | None = None
        self._pairs: dict[str, CodePair] = {}
        self._bound: Binding | None = None

    def sealing_key(self) -> bytes:
        """Make a new one-time key and return its public half; an unused earlier one is void."""
        self._key = SealingKey()
        return self._key.public

    def load(self, sealed: SealedCodes, card_id: str) -> tuple[str, ...]:
        """Open ``sealed`` with the one-time key and keep the pairs; return all labels held.

        Raises:
            CodesRefused: not sealed to that key, used before, or for another card or production.
        """
        key, self._key = self._key, None
        if key is None:
            raise self._refused(N_("no one-time key is open"))
        try:
            binding, pairs = key.open(sealed)
        except SealBroken as error:
            raise self._refused(str(error)) from None
        if binding.device != card_id:
            _wipe(pairs)
            raise self._refused(N_("another device is in the reader"))
        if self._bound is not None and self._bound.production != binding.production:
            self.forget()
        self._bound = binding
        for label, pair in pairs.items():
            earlier = self._pairs.get(label)
            if earlier is not None:
                earlier.wipe()
            self._pairs[label] = pair
        return tuple(sorted(self._pairs))

    def pair(self, label: str) -> CodePair:
        """Return the pair ``label``.

        Raises:
            CodesMissing: there is none, or no longer.
        """
        pair = self._pairs.get(label)
        if pair is None:
            raise CodesMissing(reader=self._reader, label=label)
        return pair

    def pin(self, label: str) -> Secret:
        """Return the PIN of pair ``label``; errors as `pair`."""
        return self.pair(label).pin

    def puk(self, label: str) -> Secret:
        """Return the PUK of pair ``label``; errors as `pair`."""
        return self.pair(label).puk

    def puk_if_held(self, label: str) -> Secret | None:
        """Return the PUK of pair ``label``, None when there is none."""
        pair = self._pairs.get(label)
        return pair.puk if pair else None

    def forget(self) -> None:
        """Overwrite every pair."""
        _wipe(self._pairs)
        self._pairs.clear()
        self._bound = None
        self._key = None

    def _refused(self, reason: str) -> CodesRefused:
        return CodesRefused(reader=self._reader, reason=reason)


def _wipe(pairs: dict[str, CodePair]) -> None:
    for pair in pairs.values():
        pair.wipe()
