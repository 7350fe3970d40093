"""The PKCS #11 token of one card, opened when first needed, with OpenSC's settings where it is OpenSC."""

from __future__ import annotations

from cmsdesk.base.secret import Secret
from cmsdesk.cards.families.base import Surroundings
from cmsdesk.cards.pkcs11.opensc import use_settings
from cmsdesk.cards.pkcs11.token import Token


class Middleware:
    """Opens, remembers the login of, and drops one token."""

    def __init__(self, surroundings: Surroundings) -> None:
        self._surroundings = surroundings
        self._token: Token | None = None
        self._label_part: str | None = None
        self._pin: Secret | None = None

    def token(self, label_part: str | None = None) -> Token:
        """Return the token; ``label_part`` picks one of those that a card with several PINs shows."""
        if self._token is None or label_part != self._label_part:
            self.drop()
            self.use_settings()
            module = self._surroundings.profile.module()
            self._token = Token(module, self._surroundings.reader, label_part=label_part)
            self._label_part = label_part
        return self._token

    def use_settings(self) -> None:
        """Give OpenSC its settings; nothing for other modules."""
        around = self._surroundings
        if around.profile.opensc_conf is not None:
            use_settings(around.profile.opensc_conf, around.reader, around.other_readers(), around.settings)

    @property
    def logged_in(self) -> bool:
        """Whether a login of ours holds."""
        return self._pin is not None

    def is_logged_in_with(self, pin: Secret) -> bool:
        """Tell whether the card accepted ``pin`` in the running login."""
        return self._pin is not None and not self._pin.wiped and self._pin.matches(pin)

    def log_in(self, pin: Secret) -> None:
        """Log in; errors as `Token.login`."""
        token = self.token(self._label_part)
        token.login(pin)
        self._pin = pin

    def log_out(self) -> None:
        """End the login, if one holds."""
        was_logged_in, self._pin = self._pin is not None, None
        if was_logged_in and self._token is not None:
            self._token.logout()

    def drop(self) -> None:
        """Finalise the module."""
        token, self._token, self._pin = self._token, None, None
        if token is not None:
            token.close()
