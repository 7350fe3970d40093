"""Sending one message (RFC 5321) with a Message-ID that stays the same when it is sent again."""

from __future__ import annotations

import smtplib
import ssl
from dataclasses import dataclass
from email.headerregistry import Address
from email.message import EmailMessage
from pathlib import Path

from cmsdesk.base.errors import Mendable
from cmsdesk.base.texts import N_

_TIMEOUT_S = 30.0


class MailNotSent(Mendable):
    """The mail server did not take a message; it is tried again."""

    code = "MAIL"
    cause = N_("The mail server did not take the message ({reason}).")
    next_step = N_("Check the mail server; the message is sent again by itself.")


@dataclass(frozen=True)
class MailSettings:
    """The mail server, which takes mail of this machine without a password, and the sender."""

    host: str
    sender: str
    """Address that messages come from; its domain names the messages."""
    port: int = 25
    starttls: bool = True
    """Refuse a server that offers no encryption."""
    roots: Path | None = None
    """Issuers of the server's certificate, PEM; none: those the machine trusts."""


class Mailer:
    """Sends messages, each on a connection of its own."""

    def __init__(self, settings: MailSettings) -> None:
        self._settings = settings

    def send(self, name: str, to: str, subject: str, text: str) -> None:
        """Send plain text; ``name`` identifies the message for ever.

        Raises:
            MailNotSent.
        """
        message = EmailMessage()
        sender = Address(addr_spec=self._settings.sender)
        message["From"], message["To"], message["Subject"] = sender, to, subject
        message["Message-ID"] = f"<{name}@{sender.domain}>"
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence answers it
        message.set_content(text)
        try:
            with smtplib.SMTP(self._settings.host, self._settings.port, timeout=_TIMEOUT_S) as server:
                if self._settings.starttls:
                    roots = self._settings.roots
                    cafile = None if roots is None else str(roots)
                    server.starttls(context=ssl.create_default_context(cafile=cafile))
                server.send_message(message)
        except smtplib.SMTPResponseException as error:
            raise MailNotSent(reason=f"SMTP {error.smtp_code}") from error
        except (OSError, smtplib.SMTPException) as error:
            # never the error's text, which quotes the address
            raise MailNotSent(reason=type(error).__name__) from None
