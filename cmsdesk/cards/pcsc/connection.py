"""One connection to the card in one reader: shared with the PKCS #11 module, never reset on leaving."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Self

from smartcard import scard

from cmsdesk.base.texts import N_
from cmsdesk.cards.apdu.iso7816 import MASTER_FILE, Command, Response, get_response, select_file
from cmsdesk.cards.pcsc import results
from cmsdesk.operations.errors import CardCommunication, CardGone

_SW1_MORE_DATA = 0x61
_SW1_WRONG_LE = 0x6C
_SHARED = (scard.SCARD_SHARE_SHARED, scard.SCARD_PROTOCOL_T0 | scard.SCARD_PROTOCOL_T1)


class Connection:
    """A card in a reader.

    The disposition is always "leave": pyscard's own default cuts the card's power, which would
    log out the PKCS #11 module that shares it.
    """

    def __init__(self, reader: str) -> None:
        """Connect to the card in ``reader``.

        Raises:
            CardGone, ReaderGone, ReaderBusy, SmartCardServiceDown, CardCommunication.
        """
        self.reader = reader
        self._card: int | None = None
        self._depth = 0
        result, self._context = scard.SCardEstablishContext(scard.SCARD_SCOPE_USER)
        self._check(result, N_("connect to the card"))
        try:
            result, card, self._protocol = scard.SCardConnect(self._context, reader, *_SHARED)
            self._check(result, N_("connect to the card"))
            self._card = card
            self.atr = self._read_atr()
        except BaseException:
            self.close()
            raise

    def transmit(self, command: Command) -> Response:
        """Send ``command``; fetch what the card keeps back (61xx) and repeat with the right Le (6Cxx).

        Raises:
            CardGone, ReaderGone, SmartCardServiceDown: as the service says.
            CardCommunication: another program reset the card.
        """
        response = self._exchange(command.encode())
        if response.sw >> 8 == _SW1_WRONG_LE:
            response = self._exchange(replace(command, le=response.sw & 0xFF).encode())
        data = response.data
        while response.sw >> 8 == _SW1_MORE_DATA:
            response = self._exchange(get_response(response.sw & 0xFF).encode())
            data += response.data
        return Response(data, response.sw)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Keep every other program off the card inside the block; blocks may be nested.

        A module in this process counts as another program: nothing of it is called inside.
        """
        if self._depth == 0:
            self._check(scard.SCardBeginTransaction(self._card), N_("talk to the card"))
        self._depth += 1
        try:
            yield
        finally:
            self._depth -= 1
            if self._depth == 0:
                # A failure here (card or service gone) was met inside the block or is met by the next call.
                scard.SCardEndTransaction(self._card, scard.SCARD_LEAVE_CARD)

    def confirm_present(self) -> None:
        """Do nothing when the very card connected to is still there.

        Raises:
            CardGone, ReaderGone, SmartCardServiceDown, CardCommunication: what happened instead.
        """
        result, *_ = scard.SCardStatus(self._card)
        self._check(result, N_("read the card"))

    def confirm_alive(self) -> None:
        """As `confirm_present`, and make the card answer: the service notices a removal late."""
        self.confirm_present()
        self.transmit(select_file(MASTER_FILE))

    def reset(self) -> None:
        """Reset the card: the one way to log out of cards that know no command for it."""
        result, self._protocol = scard.SCardReconnect(self._card, *_SHARED, scard.SCARD_RESET_CARD)
        self._check(result, N_("log out"))

    def close(self) -> None:
        """Leave the card as it is and let go of it."""
        if self._card is not None:
            scard.SCardDisconnect(self._card, scard.SCARD_LEAVE_CARD)
            self._card = None
        scard.SCardReleaseContext(self._context)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _exchange(self, apdu: bytes) -> Response:
        result, answer = scard.SCardTransmit(self._card, self._header(), list(apdu))
        self._check(result, N_("talk to the card"))
        try:
            return Response.decode(bytes(value & 0xFF for value in answer))
        except ValueError:
            # No card answers with nothing: it left, and the service has not noticed yet.
            raise CardGone(reader=self.reader) from None

    def _header(self) -> int:
        t0 = self._protocol == scard.SCARD_PROTOCOL_T0
        return int(scard.SCARD_PCI_T0 if t0 else scard.SCARD_PCI_T1)

    def _read_atr(self) -> bytes:
        result, _, _, _, atr = scard.SCardStatus(self._card)
        self._check(result, N_("read the card"))
        return bytes(atr)

    def _check(self, result: int, action: str) -> None:
        value = results.code(result)
        if value == results.OK:
            return
        if value == results.CARD_RESET:
            self._reconnect()
            raise CardCommunication(reader=self.reader, answer="reset", action=action)
        raise results.error(value, self.reader, action)

    def _reconnect(self) -> None:
        scard.SCardReconnect(self._card, *_SHARED, scard.SCARD_LEAVE_CARD)
