"""The card in a host's reader: connecting to it, naming it, noticing that it is gone."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from cmsdesk.base.errors import Bug
from cmsdesk.cards.families import face_for
from cmsdesk.cards.families.base import CardFace, Surroundings
from cmsdesk.cards.ownership import Ownership, reader_key
from cmsdesk.cards.pcsc.connection import Connection
from cmsdesk.cards.pcsc.monitor import Monitor
from cmsdesk.cards.profiles import Profile, Profiles, Support
from cmsdesk.operations.errors import (
    CardCommunication,
    CardGone,
    CardInterrupted,
    NoReader,
    ReaderGone,
    UnknownCard,
    UnsupportedCard,
)


class Seat:
    """One owned reader; ``on_lost`` is called when the card that was in it is no longer sure to be there."""

    def __init__(
        self,
        reader: str,
        runtime: Path,
        profiles: Profiles,
        ownership: Ownership,
        on_lost: Callable[[], None],
    ) -> None:
        self.reader = reader
        self.token: tuple[Profile, str] | None = None
        """Profile and serial of a token that sits in no PC/SC reader."""
        self._profiles = profiles
        self._ownership = ownership
        self._on_lost = on_lost
        self._settings = runtime / f"opensc-{reader_key(reader)}.conf"
        self._connection: Connection | None = None
        self._face: CardFace | None = None

    @property
    def atr(self) -> bytes:
        """The card's ATR; empty for a token without a reader."""
        return self._connection.atr if self._connection is not None else b""

    def face(self) -> CardFace:
        """Return the face of the card in the reader, connecting first when need be.

        Raises:
            UnknownCard, UnsupportedCard, DriverMissing, CardGone and its kin.
        """
        if self._face is None:
            if self.token is None and self._connection is None:
                self._connection = Connection(self.reader)
            profile = self.profile()
            if profile.support is Support.RECOGNISED:
                raise UnsupportedCard(reader=self.reader, card=profile.title)
            self._face = face_for(
                Surroundings(
                    profile=profile,
                    reader=self.reader,
                    settings=self._settings,
                    helper_lock=self._ownership.helper_lock,
                    other_readers=self._other_readers,
                    serial=self.token[1] if self.token is not None else None,
                    card=self._connection,
                )
            )
        return self._face

    def profile(self) -> Profile:
        """Return the profile that fits the card connected to.

        Raises:
            UnknownCard.
        """
        if self.token is not None:
            return self.token[0]
        if self._connection is None:
            raise Bug("no card is connected to")
        profile = self._profiles.for_atr(self.atr)
        if profile is None:
            raise UnknownCard(reader=self.reader, atr=self.atr.hex(" ").upper())
        return profile

    def confirm_present(self) -> None:
        """Do nothing when the very card connected to is still there; CardGone and its kin otherwise."""
        if self._connection is not None:
            self._connection.confirm_present()

    def renew(self) -> None:
        """Let go of a card that is gone, so that the next call meets the one there now."""
        try:
            self.confirm_present()
        except CardInterrupted:
            self.lose_card()

    def log_out(self) -> None:
        """End the card's login, if a card was spoken to."""
        if self._face is not None:
            self._face.rest()

    def after_interruption(self, error: CardInterrupted) -> None:
        """Find out whether the card is gone, whatever the middleware called it.

        Raises:
            CardGone and its kin: it is.
        """
        if isinstance(error, CardGone | ReaderGone):
            self.lose_card()
        elif isinstance(error, CardCommunication) and self._connection is not None:
            try:
                self._close_face()
                self._connection.confirm_alive()
            except CardInterrupted:
                self.lose_card()
                raise

    def lose_card(self) -> None:
        """Forget the card."""
        self._on_lost()
        self._close_face()
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def _close_face(self) -> None:
        face, self._face = self._face, None
        if face is not None:
            face.close()

    def _other_readers(self) -> list[str]:
        try:
            return [found.name for found in Monitor().snapshot() if found.name != self.reader]
        except NoReader:
            return []
